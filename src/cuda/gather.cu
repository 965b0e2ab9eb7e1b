/* SPDX-License-Identifier: Apache-2.0 */
/* Rows by number: gather, scatter_add, one_hot. */
#include "cuda/kernel.cuh"
#include "cuda/move.h"
#include "cuda/sort.h"

/* --- gather: rows outside the table read as zeros ---------------------------------------------------------------- */

typedef struct gatherer {
    const void *table;
    const int32_t *rows;
    void *to;
    int64_t n_rows, units, total; /* of the table; of a row; of the result */
} gatherer;

/* A thread copies a unit of a row at a time, read once and written once. */
template <typename T, typename Index>
static __global__ void __launch_bounds__(CINCH_BLOCK) gather_kernel(const gatherer g)
{
    CINCH_EACH(i, g.total) {
        Index place = (Index)i / (Index)g.units;
        int64_t row = g.rows[place], unit = (int64_t)((Index)i - place * (Index)g.units);
        T value = {};
        if (row >= 0 && row < g.n_rows) value = ((const T *)g.table)[row * g.units + unit];
        ((T *)g.to)[i] = value;
    }
}

template <typename T>
static void gather(cinch_backend *b, gatherer g, int64_t bytes)
{
    int64_t count = g.total, blocks;
    g.units = bytes / (int64_t)sizeof(T);
    g.total = count * g.units;
    blocks = cinch_cuda_blocks(b, g.total);
    if (g.total <= INT32_MAX) CINCH_LAUNCH((gather_kernel<T, uint32_t>), blocks, CINCH_BLOCK, cinch_cuda_stream(b), g);
    else CINCH_LAUNCH((gather_kernel<T, uint64_t>), blocks, CINCH_BLOCK, cinch_cuda_stream(b), g);
}

static cinch_status run_gather(cinch_backend *b, const cinch_call *c)
{
    const cinch_tensor *x = &c->in[0];
    int64_t bytes = cinch_cuda_span(x, 1, x->rank) * (int64_t)cinch_dtype_size(x->dtype), unit = 16;
    gatherer g = {x->data, (const int32_t *)c->in[1].data, c->out->data, x->dim[0], 0, cinch_tensor_count(&c->in[1])};
    if (!bytes || !g.total) return CINCH_OK;
    while (bytes % unit || !cinch_cuda_aligned(g.table, (size_t)unit) || !cinch_cuda_aligned(g.to, (size_t)unit)) unit /= 2;
    switch (unit) {
    case 16: gather<uint4>(b, g, bytes); break;
    case 8: gather<uint2>(b, g, bytes); break;
    case 4: gather<uint32_t>(b, g, bytes); break;
    case 2: gather<uint16_t>(b, g, bytes); break;
    default: gather<uint8_t>(b, g, bytes);
    }
    return cinch_cuda_launched(c);
}
CINCH_CUDA_KERNEL_UNPLANNED(gather, run_gather)

/* --- scatter_add: the list of places is sorted by row and place, then each row adds its own in order ---------------- */

typedef struct scatterer {
    const int32_t *where;
    uint64_t *keys;   /* row and place */
    int32_t *start;   /* of each row's keys, and the end */
    int64_t n, length; /* rows to add; keys, a power of two */
    int64_t rows, width; /* of the result */
} scatterer;

/* A thread makes a key at a time; those of rows outside and those that fill up come last. */
static __global__ void __launch_bounds__(CINCH_BLOCK) key_kernel(const scatterer s)
{
    CINCH_EACH(i, s.length) {
        int64_t row = i < s.n ? s.where[i] : -1;
        s.keys[i] = row >= 0 && row < s.rows ? (uint64_t)row << 32 | (uint64_t)i : ~(uint64_t)0;
    }
}

/* A thread looks for the first key of a row at a time. */
static __global__ void __launch_bounds__(CINCH_BLOCK) start_kernel(const scatterer s)
{
    CINCH_EACH(row, s.rows + 1) {
        int64_t low = 0, high = s.length;
        while (low < high) {
            int64_t middle = (low + high) / 2;
            if (s.keys[middle] < (uint64_t)row << 32) low = middle + 1;
            else high = middle;
        }
        s.start[row] = (int32_t)low;
    }
}

__device__ static float plus(float a, float b) { return a + b; }
__device__ static int32_t plus(int32_t a, int32_t b) { return cinch_i_add(a, b); }

/* A thread sums an element of the result at a time, in the order of places: each addend is read once, each sum
   written once. */
template <typename T>
static __global__ void __launch_bounds__(CINCH_BLOCK) scatter_kernel(const scatterer s, T *to, const T *from)
{
    CINCH_EACH(i, s.rows * s.width) {
        int64_t row = i / s.width, column = i - row * s.width;
        decltype(cinch_load(from, 0)) sum = 0;
        for (int64_t k = s.start[row], end = s.start[row + 1]; k < end; k++)
            sum = plus(sum, cinch_load(from, (int64_t)(uint32_t)s.keys[k] * s.width + column));
        cinch_store(to, i, sum);
    }
}

static scatterer scatterer_of(const cinch_call *c)
{
    const cinch_tensor *y = c->out;
    scatterer s = {};
    s.where = (const int32_t *)c->in[1].data;
    s.n = cinch_tensor_count(&c->in[1]);
    s.length = cinch_cuda_sort_length(s.n);
    s.rows = y->dim[0];
    s.width = cinch_cuda_span(y, 1, y->rank);
    return s;
}

static cinch_status run_scatter_add(cinch_backend *b, const cinch_call *c)
{
    scatterer s = scatterer_of(c);
    cudaStream_t stream = cinch_cuda_stream(b);
    if (!s.rows || !s.width) return CINCH_OK;
    s.keys = (uint64_t *)c->scratch;
    s.start = (int32_t *)(s.keys + s.length);
    CINCH_LAUNCH(key_kernel, cinch_cuda_blocks(b, s.length), CINCH_BLOCK, stream, s);
    cinch_cuda_sort(b, s.keys, 1, s.length);
    CINCH_LAUNCH(start_kernel, cinch_cuda_blocks(b, s.rows + 1), CINCH_BLOCK, stream, s);
    CINCH_WITH_TYPE(c->out->dtype, T,
                    CINCH_LAUNCH(scatter_kernel<T>, cinch_cuda_blocks(b, s.rows * s.width), CINCH_BLOCK, stream, s,
                                 (T *)c->out->data, (const T *)c->in[0].data));
    return cinch_cuda_launched(c);
}

static cinch_status plan_scatter_add(cinch_backend *b, const cinch_call *c, size_t *scratch, size_t *saved)
{
    scatterer s = scatterer_of(c);
    (void)b, (void)saved;
    if (s.n > 1 << 30) return cinch_fail(CINCH_USAGE, "scatter_add: %lld rows are more than 2^30", (long long)s.n);
    *scratch = (size_t)s.length * sizeof *s.keys + (size_t)(s.rows + 1) * sizeof *s.start;
    return CINCH_OK;
}
CINCH_CUDA_KERNEL(scatter_add, run_scatter_add, plan_scatter_add)

/* --- one_hot: numbers outside 0 .. depth-1 give zeros ------------------------------------------------------------------ */

/* A thread writes an element at a time. */
template <typename Index>
static __global__ void __launch_bounds__(CINCH_BLOCK)
one_hot_kernel(void *to, cinch_dtype dtype, const int32_t *number, int64_t total, int64_t depth)
{
    CINCH_EACH(i, total) {
        Index row = (Index)i / (Index)depth;
        int64_t column = (int64_t)((Index)i - row * (Index)depth);
        cinch_store_as(to, dtype, i, number[row] == column ? 1.0f : 0.0f);
    }
}

static cinch_status run_one_hot(cinch_backend *b, const cinch_call *c)
{
    const int32_t *number = (const int32_t *)c->in[0].data;
    int64_t depth = c->attr->axis.depth, total = cinch_tensor_count(c->out), blocks = cinch_cuda_blocks(b, total);
    cudaStream_t stream = cinch_cuda_stream(b);
    void *to = c->out->data;
    if (total <= 0) return CINCH_OK;
    if (total <= INT32_MAX)
        CINCH_LAUNCH(one_hot_kernel<uint32_t>, blocks, CINCH_BLOCK, stream, to, c->out->dtype, number, total, depth);
    else CINCH_LAUNCH(one_hot_kernel<uint64_t>, blocks, CINCH_BLOCK, stream, to, c->out->dtype, number, total, depth);
    return cinch_cuda_launched(c);
}
CINCH_CUDA_KERNEL_UNPLANNED(one_hot, run_one_hot)
