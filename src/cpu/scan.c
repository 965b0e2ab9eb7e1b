/* SPDX-License-Identifier: Apache-2.0 */
/* argmax and cumsum along one axis, seen as [outer, length, inner]; tasks are groups of outer indices and blocks of
   columns. */
#include "cpu/fold.h"

enum { BLOCK = 256 };

typedef struct job {
    const cinch_call *c;
    int64_t outer, length, inner, blocks, group;
    cinch_dtype dtype;
    void (*block)(const struct job *, int64_t outer, int64_t column, int64_t n);
} job;

static void run_task(void *arg, int64_t task, int worker)
{
    const job *j = arg;
    (void)worker;
    int64_t column = task % j->blocks * BLOCK, first = task / j->blocks * j->group;
    for (int64_t outer = first; outer < cinch_cpu_min(first + j->group, j->outer); outer++)
        j->block(j, outer, column, cinch_cpu_min(BLOCK, j->inner - column));
}

static void run(cinch_backend *b, const cinch_call *c, void (*block)(const job *, int64_t, int64_t, int64_t))
{
    const cinch_tensor *x = &c->in[0];
    int axis = c->attr->axis.first;
    job j = {.c = c, .outer = cinch_cpu_span(x, 0, axis), .length = x->dim[axis],
             .inner = cinch_cpu_span(x, axis + 1, x->rank), .dtype = x->dtype, .block = block};
    int64_t work = cinch_cpu_max(1, j.length * cinch_cpu_min(j.inner, BLOCK));
    j.blocks = cinch_cpu_parts(j.inner, BLOCK);
    j.group = cinch_cpu_max(1, CINCH_CPU_PIECE / work);
    cinch_pool_run(cinch_cpu_pool(b), cinch_cpu_parts(j.outer, j.group) * j.blocks, run_task, &j);
}

/* --- argmax: not-a-number is the largest, as it is for max -------------------------------------------------------- */

static void argmax_row(const float *restrict x, float *restrict best, int32_t *restrict where, int32_t row, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        int better = (x[i] > best[i]) | ((x[i] != x[i]) & (best[i] == best[i]));
        where[i] = better ? row : where[i];
        best[i] = better ? x[i] : best[i];
    }
}

static void argmax_row_integer(const int32_t *restrict x, int32_t *restrict best, int32_t *restrict where, int32_t row,
                               int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        int better = x[i] > best[i];
        where[i] = better ? row : where[i];
        best[i] = better ? x[i] : best[i];
    }
}

static void argmax_block(const job *j, int64_t outer, int64_t column, int64_t n)
{
    float row[BLOCK], best[BLOCK];
    int32_t *where = (int32_t *)j->c->out->data + outer * j->inner + column;
    int64_t at = outer * j->length * j->inner + column;
    memset(where, 0, (size_t)n * sizeof *where);
    if (j->length) cinch_load(best, j->c->in[0].data, j->dtype, at, n);
    for (int64_t r = 1; r < j->length; r++) {
        cinch_load(row, j->c->in[0].data, j->dtype, at + r * j->inner, n);
        argmax_row(row, best, where, (int32_t)r, n);
    }
}

static void argmax_block_integer(const job *j, int64_t outer, int64_t column, int64_t n)
{
    int32_t best[BLOCK], *where = (int32_t *)j->c->out->data + outer * j->inner + column;
    const int32_t *x = (const int32_t *)j->c->in[0].data + outer * j->length * j->inner + column;
    memset(where, 0, (size_t)n * sizeof *where);
    if (j->length) memcpy(best, x, (size_t)n * sizeof *best);
    for (int64_t r = 1; r < j->length; r++) argmax_row_integer(x + r * j->inner, best, where, (int32_t)r, n);
}

/* A contiguous line: the largest of each piece first, then its place if it is the best so far. */
static void argmax_line(const job *j, int64_t outer, int64_t column, int64_t n)
{
    float x[BLOCK], acc[CINCH_LANES], best = -INFINITY;
    int32_t *where = (int32_t *)j->c->out->data + outer;
    (void)column, (void)n;
    *where = 0;
    for (int64_t at = 0; at < j->length; at += BLOCK) {
        int64_t k = cinch_cpu_min(BLOCK, j->length - at);
        int64_t lanes = cinch_lanes_for(k, CINCH_LANES);
        cinch_load(x, j->c->in[0].data, j->dtype, outer * j->length + at, k);
        for (int64_t i = 0; i < lanes; i++) acc[i] = -INFINITY;
        fold_max(acc, lanes, x, k);
        halve_max(acc, lanes, 1);
        if (!(acc[0] > best || (acc[0] != acc[0] && best == best))) continue;
        int64_t i = 0;
        while (!(x[i] == acc[0] || x[i] != x[i])) i++;
        best = acc[0];
        *where = (int32_t)(at + i);
    }
}

static cinch_status run_argmax(cinch_backend *b, const cinch_call *c)
{
    bool integer = c->in[0].dtype == CINCH_I32;
    bool line = cinch_cpu_span(&c->in[0], c->attr->axis.first + 1, c->in[0].rank) == 1;
    run(b, c, integer ? argmax_block_integer : line ? argmax_line : argmax_block);
    return CINCH_OK;
}

static cinch_status plan_argmax(cinch_backend *b, const cinch_call *c, size_t *scratch, size_t *saved)
{
    (void)b, (void)scratch, (void)saved;
    if (c->in[0].dim[c->attr->axis.first] <= INT32_MAX) return CINCH_OK;
    return cinch_fail(CINCH_USAGE, "argmax: an axis of more than 2^31 elements; split it");
}

CINCH_CPU_KERNEL(argmax, run_argmax, plan_argmax)

/* --- cumsum ------------------------------------------------------------------------------------------------------- */

/* Element of step `r` of the walk along the axis. */
static int64_t step_at(const job *j, int64_t outer, int64_t r)
{
    if (j->c->attr->axis.reverse) r = j->length - 1 - r;
    return (outer * j->length + r) * j->inner;
}

static void cumsum_block(const job *j, int64_t outer, int64_t column, int64_t n)
{
    float x[BLOCK], sum[BLOCK];
    bool exclusive = j->c->attr->axis.exclusive;
    for (int64_t i = 0; i < n; i++) sum[i] = 0;
    for (int64_t r = 0; r < j->length; r++) {
        int64_t at = step_at(j, outer, r) + column;
        cinch_load(x, j->c->in[0].data, j->dtype, at, n);
        if (exclusive) cinch_store(j->c->out->data, j->c->out->dtype, at, sum, n);
        fold1_sum(sum, x, n);
        if (!exclusive) cinch_store(j->c->out->data, j->c->out->dtype, at, sum, n);
    }
}

static void cumsum_block_integer(const job *j, int64_t outer, int64_t column, int64_t n)
{
    int32_t sum[BLOCK], *out = j->c->out->data;
    bool exclusive = j->c->attr->axis.exclusive;
    memset(sum, 0, sizeof sum);
    for (int64_t r = 0; r < j->length; r++) {
        int64_t at = step_at(j, outer, r) + column;
        const int32_t *x = (const int32_t *)j->c->in[0].data + at;
        if (exclusive) memcpy(out + at, sum, (size_t)n * sizeof *sum);
        fold1_integer_sum(sum, x, n);
        if (!exclusive) memcpy(out + at, sum, (size_t)n * sizeof *sum);
    }
}

/* A contiguous line; bf16 goes through pieces of f32. */
static void cumsum_line(const job *j, int64_t outer, int64_t column, int64_t n)
{
    float x[BLOCK], y[BLOCK], sum = 0;
    bool exclusive = j->c->attr->axis.exclusive, reverse = j->c->attr->axis.reverse;
    (void)column, (void)n;
    for (int64_t done = 0, k; done < j->length; done += k) {
        k = cinch_cpu_min(BLOCK, j->length - done);
        int64_t at = outer * j->length + (reverse ? j->length - done - k : done);
        cinch_load(x, j->c->in[0].data, j->dtype, at, k);
        for (int64_t i = 0; i < k; i++) {
            int64_t e = reverse ? k - 1 - i : i;
            float next = sum + x[e];
            y[e] = exclusive ? sum : next;
            sum = next;
        }
        cinch_store(j->c->out->data, j->c->out->dtype, at, y, k);
    }
}

static cinch_status run_cumsum(cinch_backend *b, const cinch_call *c)
{
    bool line = cinch_cpu_span(&c->in[0], c->attr->axis.first + 1, c->in[0].rank) == 1;
    run(b, c, c->in[0].dtype == CINCH_I32 ? cumsum_block_integer : line ? cumsum_line : cumsum_block);
    return CINCH_OK;
}

CINCH_CPU_KERNEL_UNPLANNED(cumsum, run_cumsum)
