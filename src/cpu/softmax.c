/* SPDX-License-Identifier: Apache-2.0 */
/* softmax and log_softmax over the last axis, and their gradients. Rows are worked on in groups that stay in cache,
   so that short rows fill the vectors too; bf16 rows in f32 in the worker's own scratch. */
#include "cpu/fold.h"

enum { GROUP = 2048 /* elements of a group of rows, where they are that short */ };

typedef struct job job;

/* x [rows, length] and, of gradients, y; to `out`, which may be either. */
typedef void (*group_function)(float *out, const float *x, const float *y, int64_t rows, int64_t length);

struct job {
    const cinch_call *c;
    group_function f;
    int64_t rows, length, group; /* rows of a group */
};

static float row_max(const float *x, int64_t n)
{
    float acc[CINCH_LANES];
    int64_t lanes = cinch_lanes_for(n, CINCH_LANES);
    for (int64_t i = 0; i < lanes; i++) acc[i] = -INFINITY;
    fold_max(acc, lanes, x, n);
    halve_max(acc, lanes, 1);
    return acc[0];
}

static float row_sum(const float *x, int64_t n)
{
    float acc[CINCH_LANES] = {0};
    int64_t lanes = cinch_lanes_for(n, CINCH_LANES);
    fold_sum(acc, lanes, x, n);
    halve_sum(acc, lanes, 1);
    return acc[0];
}

/* The sum over f of n elements, in parts that fit a buffer. */
#define SUM_OF(name, expression)                                                                \
    static float name(const float *x, const float *y, int64_t n)                                \
    {                                                                                           \
        float buffer[512], sum = 0;                                                             \
        (void)y;                                                                                \
        for (int64_t at = 0, k; at < n; at += k) {                                              \
            k = cinch_cpu_min(512, n - at);                                                     \
            for (int64_t i = 0; i < k; i++) buffer[i] = expression;                             \
            sum += row_sum(buffer, k);                                                          \
        }                                                                                       \
        return sum;                                                                             \
    }
SUM_OF(sum_exp, cinch_f_exp(x[at + i]))
SUM_OF(sum_product, x[at + i] * y[at + i])

static void subtract_max(float *out, const float *x, int64_t rows, int64_t length)
{
    for (int64_t r = 0; r < rows; r++, x += length, out += length) {
        float m = row_max(x, length);
        CINCH_IVDEP
        for (int64_t i = 0; i < length; i++) out[i] = x[i] - m;
    }
}

static void softmax_group(float *out, const float *x, const float *unused, int64_t rows, int64_t length)
{
    (void)unused;
    subtract_max(out, x, rows, length);
    for (int64_t i = 0; i < rows * length; i++) out[i] = cinch_f_exp(out[i]);
    for (int64_t r = 0; r < rows; r++, out += length) {
        float scale = 1 / row_sum(out, length);
        for (int64_t i = 0; i < length; i++) out[i] *= scale;
    }
}

static void log_softmax_group(float *out, const float *x, const float *unused, int64_t rows, int64_t length)
{
    (void)unused;
    subtract_max(out, x, rows, length);
    for (int64_t r = 0; r < rows; r++, out += length) {
        float log_sum = cinch_f_log(sum_exp(out, NULL, length));
        for (int64_t i = 0; i < length; i++) out[i] -= log_sum;
    }
}

/* y (dy - sum(dy y)) */
static void softmax_grad_group(float *out, const float *dy, const float *y, int64_t rows, int64_t length)
{
    for (int64_t r = 0; r < rows; r++, out += length, dy += length, y += length) {
        float sum = sum_product(dy, y, length);
        CINCH_IVDEP
        for (int64_t i = 0; i < length; i++) out[i] = y[i] * (dy[i] - sum);
    }
}

/* dy - exp(y) sum(dy) */
static void log_softmax_grad_group(float *out, const float *dy, const float *y, int64_t rows, int64_t length)
{
    for (int64_t r = 0; r < rows; r++, out += length, dy += length, y += length) {
        float sum = row_sum(dy, length);
        CINCH_IVDEP
        for (int64_t i = 0; i < length; i++) out[i] = CINCH_FMA(-cinch_f_exp(y[i]), sum, dy[i]);
    }
}

static bool all_f32(const cinch_call *c)
{
    for (int k = 0; k < c->n_in; k++)
        if (c->in[k].dtype != CINCH_F32) return false;
    return c->out->dtype == CINCH_F32;
}

static void run_group(void *arg, int64_t task, int worker)
{
    const job *j = arg;
    const cinch_call *c = j->c;
    int64_t first = task * j->group, rows = cinch_cpu_min(j->group, j->rows - first), at = first * j->length;
    if (all_f32(c)) {
        const float *y = c->n_in > 1 ? (const float *)c->in[1].data + at : NULL;
        j->f((float *)c->out->data + at, (const float *)c->in[0].data + at, y, rows, j->length);
        return;
    }
    float *x = (float *)c->scratch + worker * 2 * j->group * j->length, *y = x + j->group * j->length;
    cinch_load(x, c->in[0].data, c->in[0].dtype, at, rows * j->length);
    if (c->n_in > 1) cinch_load(y, c->in[1].data, c->in[1].dtype, at, rows * j->length);
    j->f(x, x, y, rows, j->length);
    cinch_store(c->out->data, c->out->dtype, at, x, rows * j->length);
}

static job job_of(const cinch_call *c, group_function f)
{
    const cinch_tensor *x = &c->in[0];
    int64_t length = x->dim[x->rank - 1];
    return (job){c, f, cinch_cpu_span(x, 0, x->rank - 1), length, cinch_cpu_max(1, GROUP / cinch_cpu_max(length, 1))};
}

static cinch_status run(cinch_backend *b, const cinch_call *c, group_function f)
{
    job j = job_of(c, f);
    if (j.length) cinch_pool_run(cinch_cpu_pool(b), cinch_cpu_parts(j.rows, j.group), run_group, &j);
    return CINCH_OK;
}

static cinch_status plan(cinch_backend *b, const cinch_call *c, size_t *scratch, size_t *saved)
{
    (void)saved;
    job j = job_of(c, NULL);
    if (!all_f32(c))
        *scratch = (size_t)cinch_pool_threads(cinch_cpu_pool(b)) * 2 * (size_t)(j.group * j.length) * sizeof(float);
    return CINCH_OK;
}

#define SOFTMAX(op)                                                                                            \
    static cinch_status run_##op(cinch_backend *b, const cinch_call *c) { return run(b, c, op##_group); }      \
    CINCH_CPU_KERNEL(op, run_##op, plan)
SOFTMAX(softmax)
SOFTMAX(log_softmax)
SOFTMAX(softmax_grad)
SOFTMAX(log_softmax_grad)
