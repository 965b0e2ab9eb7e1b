/* SPDX-License-Identifier: Apache-2.0 */
/* Rows by number: gather, scatter_add, one_hot. */
#include "cuda/kernel.cuh"
#include "cuda/move.h"
#include "cuda/sort.h"

enum { SCAN = 2048 /* rows that a block looks through to find its own */, SCANS = 1 << 22 /* looks of all blocks */ };

/* --- gather: rows outside the table read as zeros ----------------------------------------------------------------- */

typedef struct gatherer {
    const void *table;
    const int32_t *rows;
    void *to;
    int64_t n_rows, units, total; /* of the table; of a row; of the result */
} gatherer;

/* A thread copies a unit of a row at a time, read once and written once. */
template <typename T>
static __global__ void __launch_bounds__(CINCH_BLOCK) gather_kernel(const gatherer g)
{
    CINCH_EACH(i, g.total) {
        int64_t place = i / g.units, unit = i - place * g.units, row = g.rows[place];
        T value = {};
        if (row >= 0 && row < g.n_rows) value = ((const T *)g.table)[row * g.units + unit];
        ((T *)g.to)[i] = value;
    }
}

template <typename T>
static void gather(cinch_backend *b, gatherer g, int64_t bytes)
{
    g.units = bytes / (int64_t)sizeof(T);
    g.total *= g.units;
    CINCH_LAUNCH(gather_kernel<T>, cinch_cuda_blocks(b, g.total), CINCH_BLOCK, cinch_cuda_stream(b), g);
}

static cinch_status run_gather(cinch_backend *b, const cinch_call *c)
{
    const cinch_tensor *x = &c->in[0];
    int64_t bytes = cinch_cuda_span(x, 1, x->rank) * (int64_t)cinch_dtype_size(x->dtype);
    unsigned unit = 16;
    gatherer g = {x->data, (const int32_t *)c->in[1].data, c->out->data, x->dim[0], 0, cinch_tensor_count(&c->in[1])};
    if (!bytes || !g.total) return CINCH_OK;
    while (((uintptr_t)g.table | (uintptr_t)g.to | (uintptr_t)bytes) % unit) unit /= 2;
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

/* --- scatter_add: a row of the result adds its own in the order of their places ----------------------------------- */

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

/* Of a few places: this thread's number among the threads of the block for which `mine` holds, and how many hold. */
__device__ static int number_in_block(bool mine, int *holds)
{
    CINCH_SHARED(int, of_warp, CINCH_BLOCK_WARPS);
    int lane = threadIdx.x % CINCH_WARP, warp = threadIdx.x / CINCH_WARP;
    unsigned votes = __ballot_sync(0xffffffffu, mine);
    int number = __popc(votes & ((1u << lane) - 1));
    if (lane == 0) of_warp[warp] = __popc(votes);
    __syncthreads();
    *holds = 0;
    for (int w = 0; w < CINCH_BLOCK_WARPS; w++) {
        if (w < warp) number += of_warp[w];
        *holds += of_warp[w];
    }
    return number;
}

/* A block has a row of the result and a column for each thread; it looks through all places for those of its row. */
template <typename T>
static __global__ void __launch_bounds__(CINCH_BLOCK) scan_kernel(const scatterer s, T *to, const T *from)
{
    CINCH_SHARED(int32_t, list, CINCH_BLOCK);
    int64_t parts = (s.width + CINCH_BLOCK - 1) / CINCH_BLOCK;
    for (int64_t task = blockIdx.x; task < s.rows * parts; task += gridDim.x) {
        int64_t row = task / parts, column = (task - row * parts) * CINCH_BLOCK + threadIdx.x;
        decltype(cinch_load(from, 0)) sum = 0;
        for (int64_t begin = 0; begin < s.n; begin += CINCH_BLOCK) {
            int64_t i = begin + threadIdx.x;
            bool mine = i < s.n && s.where[i] == row;
            int holds, number = number_in_block(mine, &holds);
            if (mine) list[number] = (int32_t)i;
            __syncthreads();
            for (int k = 0; k < holds && column < s.width; k++)
                sum = plus(sum, cinch_load(from, list[k] * s.width + column));
            __syncthreads();
        }
        if (column < s.width) cinch_store(to, row * s.width + column, sum);
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

/* Few rows to add: the blocks look for theirs. Else the places are sorted by row first. */
static bool is_scanned(const scatterer *s)
{
    return s->n <= SCAN && s->n * s->rows <= SCANS / cinch_cuda_parts(cinch_cuda_max(1, s->width), CINCH_BLOCK);
}

static void sort_places(cinch_backend *b, scatterer *s, void *scratch)
{
    cudaStream_t stream = cinch_cuda_stream(b);
    s->keys = (uint64_t *)scratch;
    s->start = (int32_t *)(s->keys + s->length);
    CINCH_LAUNCH(key_kernel, cinch_cuda_blocks(b, s->length), CINCH_BLOCK, stream, *s);
    cinch_cuda_sort(b, s->keys, 1, s->length);
    CINCH_LAUNCH(start_kernel, cinch_cuda_blocks(b, s->rows + 1), CINCH_BLOCK, stream, *s);
}

template <typename T>
static void scatter(cinch_backend *b, const cinch_call *c, scatterer s)
{
    T *to = (T *)c->out->data;
    const T *from = (const T *)c->in[0].data;
    cudaStream_t stream = cinch_cuda_stream(b);
    int64_t tasks = s.rows * cinch_cuda_parts(s.width, CINCH_BLOCK);
    if (is_scanned(&s)) {
        CINCH_LAUNCH(scan_kernel<T>, cinch_cuda_blocks(b, tasks * CINCH_BLOCK), CINCH_BLOCK, stream, s, to, from);
    } else {
        sort_places(b, &s, c->scratch);
        CINCH_LAUNCH(scatter_kernel<T>, cinch_cuda_blocks(b, s.rows * s.width), CINCH_BLOCK, stream, s, to, from);
    }
}

static cinch_status run_scatter_add(cinch_backend *b, const cinch_call *c)
{
    scatterer s = scatterer_of(c);
    if (!s.rows || !s.width) return CINCH_OK;
    CINCH_WITH_TYPE(c->out->dtype, T, scatter<T>(b, c, s));
    return cinch_cuda_launched(c);
}

static cinch_status plan_scatter_add(cinch_backend *b, const cinch_call *c, size_t *scratch, size_t *saved)
{
    scatterer s = scatterer_of(c);
    (void)b, (void)saved;
    if (s.n > 1 << 30) return cinch_fail(CINCH_USAGE, "scatter_add: %lld rows are more than 2^30", (long long)s.n);
    if (is_scanned(&s)) return CINCH_OK;
    *scratch = (size_t)s.length * sizeof *s.keys + (size_t)(s.rows + 1) * sizeof *s.start;
    return CINCH_OK;
}
CINCH_CUDA_KERNEL(scatter_add, run_scatter_add, plan_scatter_add)

/* --- one_hot: numbers outside 0 .. depth-1 give zeros ------------------------------------------------------------- */

/* A thread writes an element at a time. */
static __global__ void __launch_bounds__(CINCH_BLOCK)
one_hot_kernel(void *to, cinch_dtype dtype, const int32_t *number, int64_t total, int64_t depth)
{
    CINCH_EACH(i, total) {
        int64_t row = i / depth;
        cinch_store_as(to, dtype, i, number[row] == i - row * depth ? 1.0f : 0.0f);
    }
}

static cinch_status run_one_hot(cinch_backend *b, const cinch_call *c)
{
    const int32_t *number = (const int32_t *)c->in[0].data;
    int64_t depth = c->attr->axis.depth, total = cinch_tensor_count(c->out);
    if (total <= 0) return CINCH_OK;
    CINCH_LAUNCH(one_hot_kernel, cinch_cuda_blocks(b, total), CINCH_BLOCK, cinch_cuda_stream(b), c->out->data,
                 c->out->dtype, number, total, depth);
    return cinch_cuda_launched(c);
}
CINCH_CUDA_KERNEL_UNPLANNED(one_hot, run_one_hot)
