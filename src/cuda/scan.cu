/* SPDX-License-Identifier: Apache-2.0 */
/* argmax, a reduction of reduce.cuh, and cumsum, both along one axis, seen as [outer, length, inner]. */
#include "cuda/reduce.cuh"

/* --- argmax: not-a-number is the largest, as it is for max -------------------------------------------------------- */

/* Numbers in the order of these keys, where -0 is 0 and nothing is above not-a-number. */
CINCH_HD uint32_t key_of(float x)
{
    uint32_t u = cinch_bits(x + 0); /* -0 + 0 is 0 */
    u = u & 0x80000000u ? ~u : u | 0x80000000u;
    return x != x ? 0xffffffffu : u;
}
CINCH_HD uint32_t key_of(int32_t x) { return (uint32_t)x ^ 0x80000000u; }

struct larger_word { __device__ cinch_u64 operator()(cinch_u64 a, cinch_u64 b) const { return a > b ? a : b; } };

/* The key above the complement of where it stands: of equals the first is the largest. */
struct argmax_of {
    typedef cinch_u64 State, Partial;
    __device__ static State start() { return 0xffffffffu; }
    template <typename V> __device__ static State with(State s, V x, int64_t at)
    {
        return larger_word()(s, (State)key_of(x) << 32 | (uint32_t)~at);
    }
    __device__ static State with(State s, cinch_u64 part, int64_t) { return larger_word()(s, part); }
    __device__ static State both(State a, State b) { return larger_word()(a, b); }
    __device__ static State across(State s, int lanes) { return cinch_group_reduce(s, lanes, larger_word()); }
    __device__ static Partial partial(State s) { return s; }
    __device__ static void store(void *out, cinch_dtype, int64_t i, State s)
    {
        ((int32_t *)out)[i] = (int32_t)~(uint32_t)s;
    }
};

static cinch_status run_argmax(cinch_backend *b, const cinch_call *c)
{
    CINCH_WITH_TYPE(c->in[0].dtype, T, return cinch_reduce_run<argmax_of, T>(b, c));
}

static cinch_status plan_argmax(cinch_backend *b, const cinch_call *c, size_t *scratch, size_t *saved)
{
    (void)b, (void)saved;
    *scratch = cinch_reduce_scratch(c, sizeof(argmax_of::Partial));
    if (c->in[0].dim[c->attr->axis.first] <= INT32_MAX) return CINCH_OK;
    return cinch_fail(CINCH_USAGE, "argmax: an axis of more than 2^31 elements; split it");
}

CINCH_CUDA_KERNEL(argmax, run_argmax, plan_argmax)

/* --- cumsum ------------------------------------------------------------------------------------------------------- */

/*
 * Along rows (inner is 1) a group of threads takes tiles of CINCH_VECTOR neighbours a thread; otherwise each thread
 * walks down a column. Where rows or columns are few and long, they are walked in chunks: a first round leaves the sum
 * of each chunk, and the second adds up those before its own to start from.
 */
enum {
    BATCH = 8,            /* elements of a column that are read before they are written */
    LONG_ROW = 1024,      /* for which a block is better than a warp */
    CHUNK = 4096,         /* elements of a chunk of a row, at least */
    CHUNK_ROWS = 32,      /* and of a column */
    CHUNKS = 256,         /* of a column, at most */
    BLOCKS = 1024,        /* enough for any device, and so are THREADS */
    THREADS = 1 << 16
};

typedef struct scan {
    const void *x;
    void *out;
    cinch_dtype dtype;        /* of out */
    bool reverse, exclusive;
    bool aligned, out_aligned;
    int lanes;                /* threads to a row */
    int64_t outer, length, inner;
    int64_t chunk, chunks;
    void *sums;               /* [outer, chunks, inner] */
    bool first_round;
} scan;

CINCH_HD int64_t row_at(const scan &j, int64_t step) { return j.reverse ? j.length - 1 - step : step; }

__device__ static void put(const scan &j, int64_t i, float v) { cinch_store_as(j.out, j.dtype, i, v); }
__device__ static void put(const scan &j, int64_t i, int32_t v) { ((int32_t *)j.out)[i] = v; }
__device__ static void put4(const scan &j, int64_t i, const float *v)
{
    CINCH_WITH_FLOAT(j.dtype, T, cinch_store_vector((T *)j.out + i, v));
}
__device__ static void put4(const scan &j, int64_t i, const int32_t *v) { cinch_store_vector((int32_t *)j.out + i, v); }

/* The running sums of v[n] from `sum` on, which is then the sum of all. */
template <typename V>
__device__ void run_through(const scan &j, V *v, int n, V *sum)
{
    for (int k = 0; k < n; k++) {
        V next = cinch_add()(*sum, v[k]);
        v[k] = j.exclusive ? *sum : next;
        *sum = next;
    }
}

/* Over a group of threads: the sum of those before this one, and of all. */
template <typename V>
__device__ V sum_before(V v, int lanes, V *total)
{
    CINCH_SHARED(V, of_warp, CINCH_BLOCK_WARPS);
    int width = lanes < CINCH_WARP ? lanes : (int)CINCH_WARP, lane = (int)threadIdx.x % width;
    V sum = v, before;
    for (int by = 1; by < width; by *= 2) {
        before = __shfl_up_sync(0xffffffffu, sum, by, width);
        if (lane >= by) sum = cinch_add()(before, sum);
    }
    before = __shfl_up_sync(0xffffffffu, sum, 1, width);
    if (lane == 0) before = 0;
    *total = __shfl_sync(0xffffffffu, sum, width - 1, width);
    if (lanes <= CINCH_WARP) return before;
    if (lane == 0) of_warp[threadIdx.x / CINCH_WARP] = *total;
    __syncthreads();
    V start = *total = 0;
    for (int i = 0; i < CINCH_BLOCK_WARPS; i++) {
        if (i == (int)threadIdx.x / CINCH_WARP) start = *total;
        *total = cinch_add()(*total, of_warp[i]);
    }
    __syncthreads();
    return cinch_add()(start, before);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

/* This thread's n elements of a row, from `step` on; 0 behind. */
template <typename T, typename V>
__device__ void read_steps(const scan &j, const T *row, int64_t step, int n, V *v)
{
    if (j.aligned && n == CINCH_VECTOR) {
        V w[CINCH_VECTOR];
        cinch_load_vector(row + (j.reverse ? row_at(j, step + CINCH_VECTOR - 1) : step), w);
        for (int k = 0; k < CINCH_VECTOR; k++) v[k] = j.reverse ? w[CINCH_VECTOR - 1 - k] : w[k];
    } else {
        for (int k = 0; k < CINCH_VECTOR; k++) v[k] = k < n ? cinch_load(row, row_at(j, step + k)) : 0;
    }
}

template <typename V>
__device__ void write_steps(const scan &j, int64_t row, int64_t step, int n, V start, const V *v)
{
    if (j.out_aligned && n == CINCH_VECTOR) {
        V w[CINCH_VECTOR];
        for (int k = 0; k < CINCH_VECTOR; k++) w[k] = cinch_add()(start, j.reverse ? v[CINCH_VECTOR - 1 - k] : v[k]);
        put4(j, row + (j.reverse ? row_at(j, step + CINCH_VECTOR - 1) : step), w);
    } else {
        for (int k = 0; k < CINCH_VECTOR; k++)
            if (k < n) put(j, row + row_at(j, step + k), cinch_add()(start, v[k]));
    }
}

/* The group's tile: n elements of a row from `step` on, CINCH_VECTOR neighbours to a thread. `carry` is the
   sum of those before. */
template <typename T, typename V>
__device__ void scan_tile(const scan &j, int64_t row, int64_t step, int n, int lane, V *carry)
{
    int first = lane * CINCH_VECTOR, own = n - first < CINCH_VECTOR ? n - first : (int)CINCH_VECTOR;
    V v[CINCH_VECTOR], sum = 0, total;
    read_steps(j, (const T *)j.x + row, step + first, own, v);
    run_through(j, v, CINCH_VECTOR, &sum);
    V start = cinch_add()(*carry, sum_before(sum, j.lanes, &total));
    if (!j.first_round) write_steps(j, row, step + first, own, start, v);
    *carry = cinch_add()(*carry, total);
}

/* What stands before a chunk of a row. The order in which it is added up follows from the shape. */
template <typename V>
__device__ V carry_of(const scan &j, int64_t row, int64_t chunk, int lane)
{
    V sum = 0;
    if (j.first_round || j.chunks == 1) return sum;
    for (int64_t q = lane; q < chunk; q += j.lanes) sum = cinch_add()(sum, ((const V *)j.sums)[row * j.chunks + q]);
    return cinch_group_reduce(sum, j.lanes, cinch_add());
}

/* A block has CINCH_BLOCK / lanes pieces (a row, or a chunk of it) at a time; each element is read and written once,
   and read once more in a first round. */
template <typename T>
static __global__ void __launch_bounds__(CINCH_BLOCK) scan_rows(const scan j)
{
    typedef cinch_value_of<T> V;
    int lane = (int)threadIdx.x % j.lanes, groups = CINCH_BLOCK / j.lanes, tile = j.lanes * CINCH_VECTOR;
    int64_t pieces = j.outer * j.chunks;
    for (int64_t first = (int64_t)blockIdx.x * groups; first < pieces; first += (int64_t)gridDim.x * groups) {
        int64_t piece = first + (int)threadIdx.x / j.lanes, row = piece / j.chunks, chunk = piece - row * j.chunks;
        int64_t left = piece < pieces ? j.length - chunk * j.chunk : 0;
        V carry = carry_of<V>(j, row, chunk, lane);
        for (int64_t done = 0; done < j.chunk; done += tile) {
            int64_t rest = (left < j.chunk ? left : j.chunk) - done;
            int n = (int)(rest < 0 ? 0 : rest < tile ? rest : tile);
            scan_tile<T>(j, row * j.length, chunk * j.chunk + done, n, lane, &carry);
        }
        if (j.first_round && lane == 0 && piece < pieces) ((V *)j.sums)[piece] = carry;
    }
}

/* --- columns ------------------------------------------------------------------------------------------------------ */

template <typename T, typename V>
__device__ void scan_batch(const scan &j, int64_t start, int64_t step, int n, V *sum)
{
    const T *x = (const T *)j.x + start;
    V v[BATCH];
    CINCH_UNROLL(BATCH)
    for (int k = 0; k < BATCH; k++) v[k] = k < n ? cinch_load(x, row_at(j, step + k) * j.inner) : 0;
    run_through(j, v, BATCH, sum);
    CINCH_UNROLL(BATCH)
    for (int k = 0; k < BATCH; k++)
        if (k < n && !j.first_round) put(j, start + row_at(j, step + k) * j.inner, v[k]);
}

/* A thread has a chunk of a column; each element is read and written once, and read once more in a first round. */
template <typename T>
static __global__ void __launch_bounds__(CINCH_BLOCK) scan_columns(const scan j)
{
    typedef cinch_value_of<T> V;
    V *sums = (V *)j.sums;
    CINCH_EACH(i, j.outer * j.inner * j.chunks) {
        int64_t chunk = i / (j.outer * j.inner), at = i - chunk * (j.outer * j.inner), outer = at / j.inner;
        int64_t column = at - outer * j.inner, to = outer * j.chunks * j.inner + column;
        int64_t end = cinch_least(j.length, (chunk + 1) * j.chunk);
        V sum = 0;
        for (int64_t q = 0; q < chunk && !j.first_round; q++) sum = cinch_add()(sum, sums[to + q * j.inner]);
        for (int64_t step = chunk * j.chunk; step < end; step += BATCH)
            scan_batch<T>(j, outer * j.length * j.inner + column, step, (int)cinch_least(BATCH, end - step), &sum);
        if (j.first_round) sums[to + chunk * j.inner] = sum;
    }
}

/* --- a call ------------------------------------------------------------------------------------------------------- */

static void cut_rows(scan *j)
{
    j->lanes = j->length > LONG_ROW ? (int)CINCH_BLOCK
                                    : cinch_cuda_lanes(cinch_cuda_parts(j->length, CINCH_VECTOR), CINCH_WARP);
    if (j->lanes != CINCH_BLOCK || j->length < 2 * CHUNK) return;
    int64_t most = cinch_cuda_max(1, BLOCKS / j->outer);
    j->chunk = cinch_cuda_max(CHUNK, cinch_cuda_parts(cinch_cuda_parts(j->length, most), CINCH_VECTOR) * CINCH_VECTOR);
}

static void cut_columns(scan *j)
{
    int64_t most = cinch_cuda_min(CHUNKS, THREADS / (j->outer * j->inner));
    if (most <= 1 || j->length <= 4 * CHUNK_ROWS) return;
    j->chunk = cinch_cuda_max(CHUNK_ROWS, cinch_cuda_parts(j->length, most));
}

static scan scan_of(const cinch_call *c)
{
    const cinch_tensor *x = &c->in[0];
    int axis = c->attr->axis.first;
    scan j = {};
    j.x = x->data, j.out = c->out->data, j.dtype = c->out->dtype, j.sums = c->scratch;
    j.reverse = c->attr->axis.reverse, j.exclusive = c->attr->axis.exclusive;
    j.outer = cinch_cuda_span(x, 0, axis), j.length = x->dim[axis], j.inner = cinch_cuda_span(x, axis + 1, x->rank);
    j.aligned = j.length % CINCH_VECTOR == 0 && cinch_vectors(j.x, x->dtype);
    j.out_aligned = j.length % CINCH_VECTOR == 0 && cinch_vectors(j.out, j.dtype);
    j.chunk = cinch_cuda_max(j.length, 1);
    if (j.outer && j.inner == 1) cut_rows(&j);
    else if (j.outer && j.inner) cut_columns(&j);
    j.chunks = cinch_cuda_max(1, cinch_cuda_parts(j.length, j.chunk));
    return j;
}

static void launch_scan(cinch_backend *b, const scan &j, cinch_dtype dtype)
{
    cudaStream_t stream = cinch_cuda_stream(b);
    int64_t blocks = cinch_cuda_blocks(b, j.outer * j.inner * j.chunks * (j.inner == 1 ? j.lanes : 1));
    CINCH_WITH_TYPE(dtype, T, {
        if (j.inner == 1) CINCH_LAUNCH(scan_rows<T>, blocks, CINCH_BLOCK, stream, j);
        else CINCH_LAUNCH(scan_columns<T>, blocks, CINCH_BLOCK, stream, j);
    });
}

static cinch_status run_cumsum(cinch_backend *b, const cinch_call *c)
{
    scan j = scan_of(c), first = j;
    first.first_round = true;
    if (!j.outer || !j.length || !j.inner) return CINCH_OK;
    if (j.chunks > 1) launch_scan(b, first, c->in[0].dtype);
    launch_scan(b, j, c->in[0].dtype);
    return cinch_cuda_launched(c);
}

static cinch_status plan_cumsum(cinch_backend *b, const cinch_call *c, size_t *scratch, size_t *saved)
{
    (void)b, (void)saved;
    scan j = scan_of(c);
    if (j.chunks > 1) *scratch = (size_t)(j.outer * j.chunks * j.inner) * sizeof(float);
    return CINCH_OK;
}

CINCH_CUDA_KERNEL(cumsum, run_cumsum, plan_cumsum)
