/* SPDX-License-Identifier: Apache-2.0 */
/* Rows by index: gather, its gradient, one-hot. */
#include "cpu/kernel.h"

typedef struct row_job {
    const cinch_call *call;
    int64_t n, bytes, rows, per_task;  /* rows to copy, bytes of one, rows of the table */
} row_job;

static void gather_rows(void *arg, int64_t task, int worker)
{
    const row_job *j = arg;
    const int32_t *rows = j->call->in[1].data;
    const char *table = j->call->in[0].data;
    char *out = j->call->out[0].data;
    int64_t last = cinch_cpu_min((task + 1) * j->per_task, j->n);
    (void)worker;
    for (int64_t i = task * j->per_task; i < last; i++) {
        if (rows[i] >= 0 && rows[i] < j->rows) memcpy(out + i * j->bytes, table + rows[i] * j->bytes, (size_t)j->bytes);
        else memset(out + i * j->bytes, 0, (size_t)j->bytes);
    }
}

static cinch_status run_gather(cinch_backend *backend, const cinch_call *call)
{
    const cinch_tensor *table = &call->in[0];
    row_job j = {call, cinch_tensor_count(&call->in[1]),
                 cinch_cpu_span(table, 1, table->rank) * (int64_t)cinch_dtype_size(table->dtype), table->dim[0], 1};
    if (!j.bytes) return CINCH_OK;
    j.per_task = cinch_cpu_parts(CINCH_CPU_PIECE * 4, j.bytes);
    cinch_pool_run(cinch_cpu_pool(backend), cinch_cpu_parts(j.n, j.per_task), gather_rows, &j);
    return CINCH_OK;
}
CINCH_CPU_KERNEL_UNPLANNED(gather, run_gather)

/* --- scatter: tasks share the columns, so that every row's sum keeps the order of its terms ------------------------------ */

typedef struct scatter {
    const cinch_call *call;
    float *sums;             /* f32 [n, columns]; the output itself or scratch */
    int64_t n, columns, rows, per_task;
} scatter;

static void scatter_floats(const scatter *s, int64_t first, int64_t count)
{
    const int32_t *rows = s->call->in[1].data;
    for (int64_t r = 0; r < s->n; r++) memset(s->sums + r * s->columns + first, 0, (size_t)count * sizeof(float));
    for (int64_t i = 0; i < s->rows; i++) {
        if (rows[i] < 0 || rows[i] >= s->n) continue;
        float *sum = s->sums + rows[i] * s->columns + first;
        const cinch_tensor *x = &s->call->in[0];
        if (x->dtype == CINCH_F32)
            for (int64_t c = 0; c < count; c++) sum[c] += ((const float *)x->data)[i * s->columns + first + c];
        else
            for (int64_t c = 0; c < count; c++)
                sum[c] += cinch_from_bf16(((const uint16_t *)x->data)[i * s->columns + first + c]);
    }
}

static void scatter_integers(const scatter *s, int64_t first, int64_t count)
{
    const int32_t *rows = s->call->in[1].data, *x = s->call->in[0].data;
    uint32_t *sums = s->call->out[0].data;
    for (int64_t r = 0; r < s->n; r++) memset(sums + r * s->columns + first, 0, (size_t)count * sizeof *sums);
    for (int64_t i = 0; i < s->rows; i++)
        for (int64_t c = first; rows[i] >= 0 && rows[i] < s->n && c < first + count; c++)
            sums[rows[i] * s->columns + c] += (uint32_t)x[i * s->columns + c];
}

static void scatter_columns(void *arg, int64_t task, int worker)
{
    const scatter *s = arg;
    int64_t first = task * s->per_task, count = cinch_cpu_min(s->per_task, s->columns - first);
    (void)worker;
    if (s->call->in[0].dtype == CINCH_I32) scatter_integers(s, first, count);
    else scatter_floats(s, first, count);
}

static cinch_status plan_scatter_add(cinch_backend *backend, const cinch_call *call, size_t *scratch, size_t *saved)
{
    (void)backend, (void)saved;
    *scratch = call->out[0].dtype == CINCH_BF16 ? (size_t)cinch_tensor_count(&call->out[0]) * sizeof(float) : 0;
    return CINCH_OK;
}

static cinch_status run_scatter_add(cinch_backend *backend, const cinch_call *call)
{
    const cinch_tensor *out = &call->out[0];
    bool narrow = out->dtype == CINCH_BF16;
    scatter s = {call, narrow ? call->scratch : out->data, out->dim[0], cinch_cpu_span(out, 1, out->rank),
                 cinch_tensor_count(&call->in[1]), 64};
    cinch_pool_run(cinch_cpu_pool(backend), cinch_cpu_parts(s.columns, s.per_task), scatter_columns, &s);
    if (narrow) cinch_store(out->data, out->dtype, 0, s.sums, s.n * s.columns);
    return CINCH_OK;
}
CINCH_CPU_KERNEL(scatter_add, run_scatter_add, plan_scatter_add)

static cinch_status run_one_hot(cinch_backend *backend, const cinch_call *call)
{
    const int32_t *index = call->in[0].data;
    float *out = call->out[0].data;
    int64_t n = cinch_tensor_count(&call->in[0]), depth = call->attr->axis.depth;
    (void)backend;
    memset(out, 0, (size_t)(n * depth) * sizeof *out);
    for (int64_t i = 0; i < n; i++)
        if (index[i] >= 0 && index[i] < depth) out[i * depth + index[i]] = 1;
    return CINCH_OK;
}
CINCH_CPU_KERNEL_UNPLANNED(one_hot, run_one_hot)
