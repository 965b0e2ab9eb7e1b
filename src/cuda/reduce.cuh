/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reductions over the middle axis of [outer, length, inner]. A Fold says how numbers become one:
 *
 *     State, start()              what is kept, and of no numbers
 *     with(state, x, at)          one more number, which stands `at` along the axis
 *     both(state, state)          two parts together
 *     across(state, lanes)        those of a group of threads; see cinch_group_reduce
 *     Partial, partial(state)     what is left in memory of a part; with() takes it in the second round
 *     store(out, dtype, i, state) the result
 *
 * Rows (inner is 1) are read along by groups of threads. Otherwise threads stand side by side in columns and read down,
 * several to a column where columns are few. Where results are few and long, chunks give partial results, which a
 * second round folds. All of this follows from the shape alone.
 */
#ifndef CINCH_CUDA_REDUCE_CUH
#define CINCH_CUDA_REDUCE_CUH

#include "cuda/fold.cuh"

typedef struct cinch_reduction {
    const void *x;
    void *out;
    cinch_dtype dtype;      /* of out */
    int64_t outer, length, inner;
    int64_t chunk, chunks;  /* elements of a chunk along the axis; with several, out is [outer, chunks, inner] */
    bool partial;           /* out holds partial results */
    bool aligned;           /* x, to packs */
    bool packs;             /* the shape lets packs be read: along rows, or of columns */
    int lanes;              /* threads to a row, or to a column */
} cinch_reduction;

enum {
    CINCH_REDUCE_BLOCKS = 1024,  /* so many fill any device */
    CINCH_REDUCE_LONG_ROW = 512, /* packs, for which a block is better than a warp */
    CINCH_REDUCE_PACKS = 4,      /* packs that a thread of such a block has to read, at least */
    CINCH_REDUCE_SHORT = 32,     /* a column that one thread reads */
    CINCH_REDUCE_ROWS = 16       /* rows of a chunk that each thread of a column has to read, at least */
};

template <typename Fold>
__device__ void cinch_reduce_finish(const cinch_reduction &r, int64_t i, typename Fold::State s)
{
    if (r.partial) ((typename Fold::Partial *)r.out)[i] = Fold::partial(s);
    else Fold::store(r.out, r.dtype, i, s);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

template <typename Fold, bool ALIGNED, typename T>
__device__ typename Fold::State cinch_reduce_packs(typename Fold::State s, const T *x, int64_t at, int n, int lane,
                                                   int lanes)
{
    enum { COUNT = cinch_pack<T>::COUNT };
    cinch_value_of<T> v[COUNT];
    CINCH_UNROLL(4)
    for (int i = lane * COUNT; i < n; i += lanes * COUNT) {
        cinch_read_neighbours<COUNT, ALIGNED>(x + i, v);
        for (int k = 0; k < COUNT; k++) s = Fold::with(s, v[k], at + i + k);
    }
    return s;
}

/* This thread's part of a chunk of a row. */
template <typename Fold, typename T>
__device__ typename Fold::State cinch_reduce_line(const cinch_reduction &r, int64_t piece, int lane)
{
    typename Fold::State s = Fold::start();
    int64_t row = piece / r.chunks, at = (piece - row * r.chunks) * r.chunk;
    const T *x = (const T *)r.x + row * r.length + at;
    int n = (int)cinch_least(r.chunk, r.length - at);
    int packed = r.packs ? n - n % (int)cinch_pack<T>::COUNT : 0;
    s = r.aligned ? cinch_reduce_packs<Fold, true>(s, x, at, packed, lane, r.lanes)
                  : cinch_reduce_packs<Fold, false>(s, x, at, packed, lane, r.lanes);
    CINCH_UNROLL(4)
    for (int i = packed + lane; i < n; i += r.lanes) s = Fold::with(s, cinch_load(x, i), at + i);
    return s;
}

/* A block has CINCH_BLOCK / lanes pieces (a row, or a chunk of it) at a time; each element is read once, and a piece
   leaves one result. */
template <typename Fold, typename T>
static __global__ void __launch_bounds__(CINCH_BLOCK) cinch_reduce_rows(const cinch_reduction r)
{
    int lane = (int)threadIdx.x % r.lanes, groups = CINCH_BLOCK / r.lanes;
    int64_t pieces = r.outer * r.chunks;
    for (int64_t first = (int64_t)blockIdx.x * groups; first < pieces; first += (int64_t)gridDim.x * groups) {
        int64_t piece = first + (int)threadIdx.x / r.lanes;
        typename Fold::State s = Fold::start();
        if (piece < pieces) s = cinch_reduce_line<Fold, T>(r, piece, lane);
        s = Fold::across(s, r.lanes);
        if (lane == 0 && piece < pieces) cinch_reduce_finish<Fold>(r, piece, s);
    }
}

/* --- columns ------------------------------------------------------------------------------------------------------ */

/* A thread's part of COUNT neighbouring columns: every lanes-th of `rows` rows, the first of which stands `at`. */
template <typename Fold, int COUNT, bool ALIGNED, typename T>
__device__ void cinch_reduce_down(const cinch_reduction &r, const T *x, int64_t at, int rows, int lane,
                                  typename Fold::State *s)
{
    int64_t step = r.lanes * r.inner;
    cinch_value_of<T> v[COUNT];
    x += lane * r.inner;
    CINCH_UNROLL(4)
    for (int i = lane; i < rows; i += r.lanes, x += step) {
        cinch_read_neighbours<COUNT, ALIGNED>(x, v);
        for (int k = 0; k < COUNT; k++) s[k] = Fold::with(s[k], v[k], at + i);
    }
}

/* Where the columns of a thread lie: those of outer index `outer` from `column` on. */
typedef struct cinch_reduce_place { int64_t outer, chunk, column; bool inside; } cinch_reduce_place;

template <typename Fold, int COUNT, typename T>
__device__ void cinch_reduce_column(const cinch_reduction &r, const cinch_reduce_place &p, int lane,
                                    typename Fold::State *s)
{
    int64_t at = p.chunk * r.chunk;
    int rows = (int)cinch_least(r.chunk, r.length - at);
    const T *x = (const T *)r.x + (p.outer * r.length + at) * r.inner + p.column;
    if (r.aligned) cinch_reduce_down<Fold, COUNT, true>(r, x, at, rows, lane, s);
    else cinch_reduce_down<Fold, COUNT, false>(r, x, at, rows, lane, s);
}

/* Those of all lanes into those of lane 0. */
template <typename Fold, int COUNT>
__device__ void cinch_reduce_lanes(typename Fold::State *s, int lane, int lanes)
{
    typedef typename Fold::State State;
    CINCH_SHARED(State, shared, CINCH_BLOCK * COUNT);
    int across = CINCH_BLOCK / lanes;
    if (lanes == 1) return;
    for (int k = 0; k < COUNT; k++) shared[k * CINCH_BLOCK + threadIdx.x] = s[k];
    __syncthreads();
    for (int half = lanes / 2; half; half /= 2) {
        for (int k = 0; k < COUNT && lane < half; k++) {
            int i = k * CINCH_BLOCK + (int)threadIdx.x;
            shared[i] = s[k] = Fold::both(shared[i], shared[i + half * across]);
        }
        __syncthreads();
    }
}

/* A block has CINCH_BLOCK / lanes packs of columns and a chunk of rows at a time; each element is read once, and a
   column of a chunk leaves one result. */
template <typename Fold, typename T, int COUNT>
static __global__ void __launch_bounds__(CINCH_BLOCK) cinch_reduce_columns(const cinch_reduction r)
{
    int across = CINCH_BLOCK / r.lanes, lane = (int)threadIdx.x / across;
    int64_t in_row = r.inner / COUNT, packs = r.outer * in_row, tiles = (packs + across - 1) / across;
    for (int64_t block = blockIdx.x; block < tiles * r.chunks; block += gridDim.x) {
        int64_t chunk = block / tiles, pack = (block - chunk * tiles) * across + (int)threadIdx.x % across;
        int64_t outer = pack / in_row;
        cinch_reduce_place p = {outer, chunk, (pack - outer * in_row) * COUNT, pack < packs};
        typename Fold::State s[COUNT];
        for (int k = 0; k < COUNT; k++) s[k] = Fold::start();
        if (p.inside) cinch_reduce_column<Fold, COUNT, T>(r, p, lane, s);
        cinch_reduce_lanes<Fold, COUNT>(s, lane, r.lanes);
        int64_t to = (p.outer * r.chunks + p.chunk) * r.inner + p.column;
        for (int k = 0; k < COUNT && p.inside && lane == 0; k++) cinch_reduce_finish<Fold>(r, to + k, s[k]);
    }
}

/* --- cutting the work --------------------------------------------------------------------------------------------- */

static inline void cinch_reduce_cut_rows(cinch_reduction *r, int pack, bool one_chunk)
{
    r->packs = r->outer == 1 || r->length % pack == 0;
    int64_t unit = r->packs ? pack : 1, units = cinch_cuda_parts(r->length, unit);
    bool is_long = units > CINCH_REDUCE_LONG_ROW;
    r->lanes = is_long ? (int)CINCH_BLOCK : cinch_cuda_lanes(units, CINCH_WARP);
    if (!is_long || one_chunk) return;
    int64_t most = cinch_cuda_max(1, CINCH_REDUCE_BLOCKS / r->outer);
    r->chunk = unit * cinch_cuda_max(CINCH_REDUCE_PACKS * CINCH_BLOCK, cinch_cuda_parts(units, most));
}

static inline void cinch_reduce_cut_columns(cinch_reduction *r, int pack, bool one_chunk)
{
    r->packs = r->inner % pack == 0;
    int64_t packs = r->outer * (r->inner / (r->packs ? pack : 1));
    bool many = packs >= CINCH_REDUCE_BLOCKS / 4 * CINCH_BLOCK && r->length <= CINCH_REDUCE_SHORT * CINCH_WARP;
    int across = r->length <= CINCH_REDUCE_SHORT || many ? (int)CINCH_BLOCK : cinch_cuda_lanes(packs, CINCH_WARP);
    r->lanes = CINCH_BLOCK / across;
    if (r->lanes == 1 || one_chunk || r->length <= 2 * CINCH_REDUCE_ROWS * r->lanes) return;
    int64_t most = cinch_cuda_max(1, CINCH_REDUCE_BLOCKS / cinch_cuda_parts(packs, across));
    r->chunk = cinch_cuda_max(CINCH_REDUCE_ROWS * r->lanes, cinch_cuda_parts(r->length, most));
}

/* A chunk has at most 2^31 elements: of more than CINCH_REDUCE_BLOCKS results, each that long, memory has no room. */
static inline void cinch_reduce_cut(cinch_reduction *r, int pack, bool one_chunk)
{
    r->chunk = cinch_cuda_max(r->length, 1);
    if (r->outer && r->inner == 1) cinch_reduce_cut_rows(r, pack, one_chunk);
    else if (r->outer && r->inner) cinch_reduce_cut_columns(r, pack, one_chunk);
    r->chunks = cinch_cuda_max(1, cinch_cuda_parts(r->length, r->chunk));
}

static inline cinch_reduction cinch_reduction_of(const cinch_call *c)
{
    const cinch_tensor *x = &c->in[0];
    int first = c->attr->axis.first, last = c->op == CINCH_OP_argmax ? first : c->attr->axis.last;
    cinch_reduction r = {};
    r.x = x->data, r.out = c->out->data, r.dtype = c->out->dtype;
    r.outer = cinch_cuda_span(x, 0, first);
    r.length = cinch_cuda_span(x, first, last + 1);
    r.inner = cinch_cuda_span(x, last + 1, x->rank);
    cinch_reduce_cut(&r, (int)(16 / cinch_dtype_size(x->dtype)), false);
    return r;
}

/* What partial results of `size` bytes need. */
static inline size_t cinch_reduce_scratch(const cinch_call *c, size_t size)
{
    cinch_reduction r = cinch_reduction_of(c);
    return r.chunks > 1 ? (size_t)(r.outer * r.chunks * r.inner) * size : 0;
}

/* --- launching ---------------------------------------------------------------------------------------------------- */

template <typename Fold, typename T>
static void cinch_reduce_launch(cinch_backend *b, cinch_reduction r)
{
    int64_t in_pack = r.packs ? (int)cinch_pack<T>::COUNT : 1;
    int64_t across = r.inner == 1 ? r.outer : cinch_cuda_parts(r.outer * r.inner / in_pack, CINCH_BLOCK / r.lanes);
    int64_t blocks = cinch_cuda_blocks(b, across * r.chunks * (r.inner == 1 ? r.lanes : (int)CINCH_BLOCK));
    r.aligned = (uintptr_t)r.x % 16 == 0 && r.packs;
    r.partial = r.chunks > 1;
    cudaStream_t stream = cinch_cuda_stream(b);
    enum { COUNT = cinch_pack<T>::COUNT };
    if (r.inner == 1) CINCH_LAUNCH((cinch_reduce_rows<Fold, T>), blocks, CINCH_BLOCK, stream, r);
    else if (r.packs) CINCH_LAUNCH((cinch_reduce_columns<Fold, T, COUNT>), blocks, CINCH_BLOCK, stream, r);
    else CINCH_LAUNCH((cinch_reduce_columns<Fold, T, 1>), blocks, CINCH_BLOCK, stream, r);
}

/* T is how the operand is stored. */
template <typename Fold, typename T>
static cinch_status cinch_reduce_run(cinch_backend *b, const cinch_call *c)
{
    typedef typename Fold::Partial Partial;
    cinch_reduction r = cinch_reduction_of(c), second = r;
    if (!r.outer || !r.inner) return CINCH_OK;
    if (r.chunks > 1) r.out = c->scratch;
    cinch_reduce_launch<Fold, T>(b, r);
    if (r.chunks == 1) return cinch_cuda_launched(c);
    second.x = c->scratch;
    second.length = r.chunks;
    cinch_reduce_cut(&second, cinch_pack<Partial>::COUNT, true);
    cinch_reduce_launch<Fold, Partial>(b, second);
    return cinch_cuda_launched(c);
}

#endif
