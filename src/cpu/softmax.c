/* SPDX-License-Identifier: Apache-2.0 */
/* Softmax and its kin over the last axis; a task takes some whole rows. */
#include "cpu/kernel.h"

enum { LANES = 16 };

typedef struct rows_job {
    const cinch_call *call;
    int64_t rows, width, per_task;
    float *scratch;             /* bf16: room for two rows for each worker */
} rows_job;

/* --- sums of a row, in a fixed order ------------------------------------------------------------------------------- */

static float fold_lanes(float *lane)
{
    for (int half = LANES / 2; half; half /= 2)
        for (int l = 0; l < half; l++) lane[l] += lane[l + half];
    return lane[0];
}

static float largest(const float *x, int64_t n)
{
    float lane[LANES];
    for (int l = 0; l < LANES; l++) lane[l] = -INFINITY;
    for (int64_t i = 0; i < n; i += LANES)
        for (int64_t l = 0; l < cinch_cpu_min(LANES, n - i); l++) lane[l] = cinch_f_maximum(lane[l], x[i + l]);
    for (int l = 1; l < LANES; l++) lane[0] = cinch_f_maximum(lane[0], lane[l]);
    return lane[0];
}

static float sum_of(const float *x, int64_t n)
{
    float lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++) lane[l] += x[i + l];
    for (int l = 0; i + l < n; l++) lane[l] += x[i + l];
    return fold_lanes(lane);
}

static float dot(const float *x, const float *y, int64_t n)
{
    float lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++) lane[l] = CINCH_FMA(x[i + l], y[i + l], lane[l]);
    for (int l = 0; i + l < n; l++) lane[l] = CINCH_FMA(x[i + l], y[i + l], lane[l]);
    return fold_lanes(lane);
}

/* --- one row: y may be x ------------------------------------------------------------------------------------------------ */

static void softmax_row(float *y, const float *x, const float *unused, int64_t n)
{
    float most = largest(x, n);
    (void)unused;
    for (int64_t i = 0; i < n; i++) y[i] = cinch_f_exp(x[i] - most);
    float scale = 1 / sum_of(y, n);
    for (int64_t i = 0; i < n; i++) y[i] *= scale;
}

/* The sum of exponentials goes through pieces, so that x is still there for the last pass. */
static void log_softmax_row(float *y, const float *x, const float *unused, int64_t n)
{
    float most = largest(x, n), piece[256], sum = 0;
    (void)unused;
    for (int64_t i = 0; i < n; i += 256) {
        int64_t count = cinch_cpu_min(256, n - i);
        for (int64_t j = 0; j < count; j++) piece[j] = cinch_f_exp(x[i + j] - most);
        sum += sum_of(piece, count);
    }
    float shift = most + cinch_f_log(sum);
    for (int64_t i = 0; i < n; i++) y[i] = x[i] - shift;
}

/* d = y (dy - sum(dy y)) */
static void softmax_grad_row(float *d, const float *dy, const float *y, int64_t n)
{
    float mean = dot(dy, y, n);
    for (int64_t i = 0; i < n; i++) d[i] = y[i] * (dy[i] - mean);
}

/* d = dy - exp(y) sum(dy) */
static void log_softmax_grad_row(float *d, const float *dy, const float *y, int64_t n)
{
    float sum = sum_of(dy, n);
    for (int64_t i = 0; i < n; i++) d[i] = CINCH_FMA(-sum, cinch_f_exp(y[i]), dy[i]);
}

/* --- tasks ----------------------------------------------------------------------------------------------------------------- */

typedef void (*row_function)(float *, const float *, const float *, int64_t);

static row_function function_of(cinch_op op)
{
    switch (op) {
    case CINCH_OP_softmax: return softmax_row;
    case CINCH_OP_softmax_grad: return softmax_grad_row;
    case CINCH_OP_log_softmax: return log_softmax_row;
    default: return log_softmax_grad_row;
    }
}

static void run_rows(void *arg, int64_t task, int worker)
{
    const rows_job *j = arg;
    const cinch_call *call = j->call;
    row_function function = function_of(call->op);
    int64_t n = j->width, last = cinch_cpu_min((task + 1) * j->per_task, j->rows);
    for (int64_t row = task * j->per_task; row < last; row++) {
        const float *in[2] = {NULL, NULL};
        if (call->out[0].dtype == CINCH_F32) {
            for (int k = 0; k < call->n_in; k++) in[k] = (const float *)call->in[k].data + row * n;
            function((float *)call->out[0].data + row * n, in[0], in[1], n);
            continue;
        }
        float *room = j->scratch + 2 * n * worker;
        for (int k = 0; k < call->n_in; k++) cinch_load(room + k * n, call->in[k].data, call->in[k].dtype, row * n, n);
        function(room, room, room + n, n);
        cinch_store(call->out[0].data, call->out[0].dtype, row * n, room, n);
    }
}

static cinch_status plan_softmax(cinch_backend *backend, const cinch_call *call, size_t *scratch, size_t *saved)
{
    size_t width = (size_t)call->out[0].dim[call->out[0].rank - 1];
    (void)saved;
    if (call->out[0].dtype != CINCH_F32)
        *scratch = 2 * width * sizeof(float) * (size_t)cinch_pool_threads(cinch_cpu_pool(backend));
    return CINCH_OK;
}

static cinch_status run_softmax(cinch_backend *backend, const cinch_call *call)
{
    const cinch_tensor *out = &call->out[0];
    rows_job j = {call, cinch_cpu_span(out, 0, out->rank - 1), out->dim[out->rank - 1], 1, call->scratch};
    if (!j.width) return CINCH_OK;
    j.per_task = cinch_cpu_parts(CINCH_CPU_PIECE / 2, j.width);
    cinch_pool_run(cinch_cpu_pool(backend), cinch_cpu_parts(j.rows, j.per_task), run_rows, &j);
    return CINCH_OK;
}

CINCH_CPU_KERNEL(softmax, run_softmax, plan_softmax)
CINCH_CPU_KERNEL(softmax_grad, run_softmax, plan_softmax)
CINCH_CPU_KERNEL(log_softmax, run_softmax, plan_softmax)
CINCH_CPU_KERNEL(log_softmax_grad, run_softmax, plan_softmax)
