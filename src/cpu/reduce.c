/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reductions of a tensor seen as [outer, n, inner] over n. Long reductions are cut into chunks whose results wait in the
 * scratch and are combined in order: where the cuts fall depends on the shape alone.
 */
#include "cpu/kernel.h"

enum { LANES = 64, COLUMNS = 512, TILE = 1024 };

typedef struct reduction {
    const cinch_call *call;
    int64_t outer, n, inner;
    int64_t chunk, chunks;       /* rows of n in a chunk, number of chunks */
    int64_t blocks;              /* column blocks of inner */
    void *partial;               /* [outer, chunks, inner], or the output */
} reduction;

/* --- float combiners ---------------------------------------------------------------------------------------------- */

static inline float combine(cinch_op op, float a, float b)
{
    return op == CINCH_OP_sum ? a + b : op == CINCH_OP_max ? cinch_f_maximum(a, b) : cinch_f_minimum(a, b);
}

static inline float start_of(cinch_op op) { return op == CINCH_OP_sum ? 0 : op == CINCH_OP_max ? -INFINITY : INFINITY; }

/* acc[j] = combine(acc[j], x[j]); `op` is constant where this is inlined. */
static inline void combine_into(cinch_op op, float *acc, const float *x, int64_t n)
{
    for (int64_t j = 0; j < n; j++) acc[j] = combine(op, acc[j], x[j]);
}

#define FOR_OP(op, call)                                    \
    switch (op) {                                           \
    case CINCH_OP_sum: call(CINCH_OP_sum); break;           \
    case CINCH_OP_max: call(CINCH_OP_max); break;           \
    default: call(CINCH_OP_min); break;                     \
    }

static void add_row(cinch_op op, float *acc, const float *x, int64_t n)
{
#define CALL(o) combine_into(o, acc, x, n)
    FOR_OP(op, CALL)
#undef CALL
}

/* f32 values of `t` from `first`: where they are, or converted into `tile`. */
static const float *values(const cinch_tensor *t, int64_t first, int64_t n, float *tile)
{
    if (t->dtype == CINCH_F32) return (const float *)t->data + first;
    cinch_load(tile, t->data, t->dtype, first, n);
    return tile;
}

/* --- n contiguous values to one ------------------------------------------------------------------------------------ */

static float reduce_run(cinch_op op, const cinch_tensor *t, int64_t first, int64_t n)
{
    float lane[LANES], tile[TILE], total = start_of(op);
    for (int l = 0; l < LANES; l++) lane[l] = total;
    for (int64_t at = 0; at < n; at += TILE) {
        int64_t count = cinch_cpu_min(TILE, n - at), i = 0;
        const float *x = values(t, first + at, count, tile);
        for (; i + LANES <= count; i += LANES) add_row(op, lane, x + i, LANES);
        add_row(op, lane, x + i, count - i);
    }
    for (int half = LANES / 2; half; half /= 2) add_row(op, lane, lane + half, half);
    return combine(op, total, lane[0]);
}

/* --- rows of a column block to one row --------------------------------------------------------------------------------- */

/* Groups of rows are summed first and then added up, which loses less to rounding than one long sum. */
static void reduce_columns(cinch_op op, const cinch_tensor *t, int64_t first, int64_t rows, int64_t stride, int64_t n, float *out)
{
    enum { GROUP = 64 };
    float group[COLUMNS], tile[COLUMNS];
    for (int64_t j = 0; j < n; j++) out[j] = start_of(op);
    for (int64_t i = 0; i < rows; i += GROUP) {
        for (int64_t j = 0; j < n; j++) group[j] = start_of(op);
        for (int64_t r = i; r < cinch_cpu_min(i + GROUP, rows); r++)
            add_row(op, group, values(t, first + r * stride, n, tile), n);
        add_row(op, out, group, n);
    }
}

/* --- i32: sums wrap --------------------------------------------------------------------------------------------------------- */

static int32_t combine_integers(cinch_op op, int32_t a, int32_t b)
{
    if (op == CINCH_OP_sum) return (int32_t)((uint32_t)a + (uint32_t)b);
    return (op == CINCH_OP_max) == (a > b) ? a : b;
}

static int32_t integer_start(cinch_op op) { return op == CINCH_OP_sum ? 0 : op == CINCH_OP_max ? INT32_MIN : INT32_MAX; }

static void reduce_integers(cinch_op op, const int32_t *x, int64_t rows, int64_t stride, int64_t n, int32_t *out)
{
    for (int64_t j = 0; j < n; j++) out[j] = integer_start(op);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < n; j++) out[j] = combine_integers(op, out[j], x[i * stride + j]);
}

/* --- tasks -------------------------------------------------------------------------------------------------------------------- */

static void store_result(const reduction *r, int64_t at, const float *x, int64_t n)
{
    if (r->chunks > 1) memcpy((float *)r->partial + at, x, (size_t)n * sizeof *x);
    else cinch_store(r->call->out[0].data, r->call->out[0].dtype, at, x, n);
}

/* Task: outer index, chunk, column block. */
static void reduce_chunk(void *arg, int64_t task, int worker)
{
    const reduction *r = arg;
    const cinch_tensor *in = &r->call->in[0];
    int64_t block = task % r->blocks, chunk = task / r->blocks % r->chunks, o = task / r->blocks / r->chunks;
    int64_t row = chunk * r->chunk, rows = cinch_cpu_min(r->chunk, r->n - row);
    int64_t column = block * COLUMNS, columns = cinch_cpu_min(COLUMNS, r->inner - column);
    int64_t from = (o * r->n + row) * r->inner + column, to = (o * r->chunks + chunk) * r->inner + column;
    float sums[COLUMNS];
    (void)worker;
    if (in->dtype == CINCH_I32) {
        reduce_integers(r->call->op, (const int32_t *)in->data + from, rows, r->inner, columns, (int32_t *)r->partial + to);
        return;
    }
    if (r->inner == 1) sums[0] = reduce_run(r->call->op, in, from, rows);
    else reduce_columns(r->call->op, in, from, rows, r->inner, columns, sums);
    store_result(r, to, sums, columns);
}

/* Many short rows: a task takes several. */
static void reduce_rows(void *arg, int64_t task, int worker)
{
    const reduction *r = arg;
    int64_t last = cinch_cpu_min((task + 1) * r->chunk, r->outer);
    (void)worker;
    for (int64_t o = task * r->chunk; o < last; o++) {
        float sum = reduce_run(r->call->op, &r->call->in[0], o * r->n, r->n);
        cinch_store(r->call->out[0].data, r->call->out[0].dtype, o, &sum, 1);
    }
}

static void combine_chunks(const reduction *r, int64_t o)
{
    const float *partial = (const float *)r->partial + o * r->chunks * r->inner;
    for (int64_t column = 0; column < r->inner; column += COLUMNS) {
        float sums[COLUMNS];
        int64_t n = cinch_cpu_min(COLUMNS, r->inner - column);
        memcpy(sums, partial + column, (size_t)n * sizeof *sums);
        for (int64_t c = 1; c < r->chunks; c++) add_row(r->call->op, sums, partial + c * r->inner + column, n);
        cinch_store(r->call->out[0].data, r->call->out[0].dtype, o * r->inner + column, sums, n);
    }
}

static void combine_integer_chunks(const reduction *r, int64_t o)
{
    const int32_t *partial = (const int32_t *)r->partial + o * r->chunks * r->inner;
    reduce_integers(r->call->op, partial, r->chunks, r->inner, r->inner, (int32_t *)r->call->out[0].data + o * r->inner);
}

static reduction describe(const cinch_call *call)
{
    const cinch_tensor *in = &call->in[0];
    int first = call->attr->axis.first, last = call->attr->axis.last;
    reduction r = {.call = call, .outer = cinch_cpu_span(in, 0, first), .n = cinch_cpu_span(in, first, last + 1),
                   .inner = cinch_cpu_span(in, last + 1, in->rank)};
    int64_t width = cinch_cpu_min(r.inner, COLUMNS);
    r.chunk = width ? cinch_cpu_parts(CINCH_CPU_PIECE * 4, width) : 1;
    if (r.chunk < 256) r.chunk = 256;
    r.chunks = r.n > r.chunk ? cinch_cpu_parts(r.n, r.chunk) : 1;
    if (r.chunks == 1) r.chunk = r.n;
    r.blocks = cinch_cpu_parts(r.inner, COLUMNS);
    r.partial = r.chunks > 1 ? call->scratch : call->out[0].data;
    return r;
}

static cinch_status plan_reduce(cinch_backend *backend, const cinch_call *call, size_t *scratch, size_t *saved)
{
    reduction r = describe(call);
    (void)backend, (void)saved;
    *scratch = r.chunks > 1 ? (size_t)(r.outer * r.chunks * r.inner) * sizeof(float) : 0;
    return CINCH_OK;
}

static cinch_status run_reduce(cinch_backend *backend, const cinch_call *call)
{
    reduction r = describe(call);
    cinch_pool *pool = cinch_cpu_pool(backend);
    bool integers = call->in[0].dtype == CINCH_I32;
    if (r.inner == 1 && r.chunks == 1 && !integers) {
        r.chunk = r.n ? cinch_cpu_parts(CINCH_CPU_PIECE, r.n) : 1;
        cinch_pool_run(pool, cinch_cpu_parts(r.outer, r.chunk), reduce_rows, &r);
        return CINCH_OK;
    }
    cinch_pool_run(pool, r.outer * r.chunks * r.blocks, reduce_chunk, &r);
    for (int64_t o = 0; r.chunks > 1 && o < r.outer; o++) {
        if (integers) combine_integer_chunks(&r, o);
        else combine_chunks(&r, o);
    }
    return CINCH_OK;
}

CINCH_CPU_KERNEL(sum, run_reduce, plan_reduce)
CINCH_CPU_KERNEL(max, run_reduce, plan_reduce)
CINCH_CPU_KERNEL(min, run_reduce, plan_reduce)

/* --- one output at a time: argmax, logsumexp, cumsum --------------------------------------------------------------------------- */

/* Element i of line (o, j) of the [outer, n, inner] view. */
static inline int64_t line_at(const reduction *r, int64_t line, int64_t i)
{
    return (line / r->inner * r->n + i) * r->inner + line % r->inner;
}

static inline float at(const cinch_tensor *t, int64_t i)
{
    return t->dtype == CINCH_F32 ? ((const float *)t->data)[i] : cinch_from_bf16(((const uint16_t *)t->data)[i]);
}

/* Lines that one task takes. */
static int64_t lines_per_task(const reduction *r) { return r->n ? cinch_cpu_parts(CINCH_CPU_PIECE, r->n) : CINCH_CPU_PIECE; }

static cinch_status run_lines(cinch_backend *backend, const cinch_call *call, cinch_task task)
{
    reduction r = describe(call);
    int64_t lines = r.outer * r.inner;
    cinch_pool_run(cinch_cpu_pool(backend), cinch_cpu_parts(lines, lines_per_task(&r)), task, &r);
    return CINCH_OK;
}

#define FOR_LINES(line)                                                                                       \
    const reduction *r = arg;                                                                                 \
    const int64_t step = lines_per_task(r), end = cinch_cpu_min((task + 1) * step, r->outer * r->inner);        \
    (void)worker;                                                                                             \
    for (int64_t line = task * step; line < end; line++)

/* The first largest; a not-a-number counts as largest. */
static int32_t largest(const reduction *r, int64_t line)
{
    const cinch_tensor *in = &r->call->in[0];
    int32_t best = 0;
    for (int64_t i = 1; i < r->n; i++) {
        int64_t here = line_at(r, line, i), there = line_at(r, line, best);
        if (in->dtype == CINCH_I32) {
            const int32_t *x = in->data;
            if (x[here] > x[there]) best = (int32_t)i;
        } else if (at(in, here) > at(in, there) || (at(in, here) != at(in, here) && at(in, there) == at(in, there)))
            best = (int32_t)i;
    }
    return best;
}

static void argmax_lines(void *arg, int64_t task, int worker)
{
    FOR_LINES(line) ((int32_t *)r->call->out[0].data)[line] = largest(r, line);
}
static cinch_status run_argmax(cinch_backend *backend, const cinch_call *call) { return run_lines(backend, call, argmax_lines); }
CINCH_CPU_KERNEL_UNPLANNED(argmax, run_argmax)

/* log(sum(exp(x - m))) + m with m the largest; an infinite m is its own answer. */
static void logsumexp_lines(void *arg, int64_t task, int worker)
{
    FOR_LINES(line)
    {
        const cinch_tensor *in = &r->call->in[0];
        float most = -INFINITY, sum = 0;
        for (int64_t i = 0; i < r->n; i++) most = cinch_f_maximum(most, at(in, line_at(r, line, i)));
        float shift = cinch_f_is_finite(most) != 0 ? most : 0;
        for (int64_t i = 0; i < r->n; i++) sum += cinch_f_exp(at(in, line_at(r, line, i)) - shift);
        float y = cinch_f_log(sum) + shift;
        cinch_store(r->call->out[0].data, r->call->out[0].dtype, line, &y, 1);
    }
}
static cinch_status run_logsumexp(cinch_backend *backend, const cinch_call *call)
{
    return run_lines(backend, call, logsumexp_lines);
}
CINCH_CPU_KERNEL_UNPLANNED(logsumexp, run_logsumexp)

static void cumsum_lines(void *arg, int64_t task, int worker)
{
    FOR_LINES(line)
    {
        const cinch_tensor *in = &r->call->in[0], *out = &r->call->out[0];
        double sum = 0;
        uint32_t whole = 0;
        for (int64_t k = 0; k < r->n; k++) {
            int64_t i = line_at(r, line, r->call->attr->axis.reverse ? r->n - 1 - k : k);
            if (in->dtype == CINCH_I32) {
                whole += (uint32_t)((const int32_t *)in->data)[i];
                ((uint32_t *)out->data)[i] = whole;
                continue;
            }
            sum += at(in, i);
            cinch_store(out->data, out->dtype, i, &(float){(float)sum}, 1);
        }
    }
}
static cinch_status run_cumsum(cinch_backend *backend, const cinch_call *call) { return run_lines(backend, call, cumsum_lines); }
CINCH_CPU_KERNEL_UNPLANNED(cumsum, run_cumsum)
