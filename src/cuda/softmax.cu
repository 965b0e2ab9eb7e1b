/* SPDX-License-Identifier: Apache-2.0 */
/*
 * softmax and log_softmax over the last axis, and their gradients. A group of threads (part of a warp, a warp, or a
 * block) has a row in registers, so that it is read once and written once; rows too long for that are read twice.
 */
#include "cuda/fold.cuh"

enum {
    FEW = 4, MANY = 16, /* elements of a row that a thread keeps */
    RESIDENT = 4        /* blocks that a multiprocessor has at a time: the compiler would take more registers */
};

typedef struct operand {
    void *data;
    cinch_dtype dtype;
    bool aligned;      /* to vectors, in all rows */
} operand;

/* x, and of gradients y; rows of `length` elements. */
typedef struct job {
    operand x, y, out;
    int64_t rows, length;
    bool vectors;      /* a thread's elements stand CINCH_VECTOR together, else apart: by the shape */
    int lanes;         /* threads to a row */
} job;

/* --- a row, or a piece of one, in registers ----------------------------------------------------------------------- */

/* Where the k-th element of a thread stands. */
template <bool VECTORS>
CINCH_HD int place(int k, int lane, int lanes)
{
    return VECTORS ? (k / CINCH_VECTOR * lanes + lane) * CINCH_VECTOR + k % CINCH_VECTOR : k * lanes + lane;
}

/* All reads are under way before the first is looked at. */
template <int KEEP, bool VECTORS, typename T>
__device__ void read_apart(const T *x, int n, int lane, int lanes, float nothing, float *v)
{
    T w[KEEP] = {};
    CINCH_UNROLL(KEEP)
    for (int k = 0; k < KEEP; k++)
        if (place<VECTORS>(k, lane, lanes) < n) w[k] = x[place<VECTORS>(k, lane, lanes)];
    CINCH_UNROLL(KEEP)
    for (int k = 0; k < KEEP; k++) v[k] = place<VECTORS>(k, lane, lanes) < n ? cinch_load(w, k) : nothing;
}

template <int KEEP, typename T>
__device__ void read_together(const T *x, int n, int lane, int lanes, float nothing, float *v)
{
    typedef typename cinch_packed<T>::type packed;
    packed w[KEEP / CINCH_VECTOR] = {};
    CINCH_UNROLL(KEEP)
    for (int k = 0; k < KEEP; k += CINCH_VECTOR)
        if (place<true>(k, lane, lanes) < n) w[k / CINCH_VECTOR] = *(const packed *)(x + place<true>(k, lane, lanes));
    CINCH_UNROLL(KEEP)
    for (int k = 0; k < KEEP; k += CINCH_VECTOR) {
        cinch_unpack(w[k / CINCH_VECTOR], v + k);
        if (place<true>(k, lane, lanes) < n) continue;
        for (int i = k; i < k + CINCH_VECTOR; i++) v[i] = nothing;
    }
}

/* n elements over the group of threads, from `at` on; `nothing` in all places behind. */
template <int KEEP>
__device__ void read_piece(const job &j, const operand &o, int64_t at, int n, int lanes, float nothing, float *v)
{
    int lane = (int)threadIdx.x % lanes;
    CINCH_WITH_FLOAT(o.dtype, T, {
        const T *x = (const T *)o.data + at;
        if (o.aligned) read_together<KEEP>(x, n, lane, lanes, nothing, v);
        else if (j.vectors) read_apart<KEEP, true>(x, n, lane, lanes, nothing, v);
        else read_apart<KEEP, false>(x, n, lane, lanes, nothing, v);
    });
}

template <int KEEP, bool VECTORS, typename T>
__device__ void write_apart(T *out, int n, int lane, int lanes, const float *v)
{
    CINCH_UNROLL(KEEP)
    for (int k = 0; k < KEEP; k++)
        if (place<VECTORS>(k, lane, lanes) < n) cinch_store(out, place<VECTORS>(k, lane, lanes), v[k]);
}

template <int KEEP, typename T>
__device__ void write_together(T *out, int n, int lane, int lanes, const float *v)
{
    CINCH_UNROLL(KEEP)
    for (int k = 0; k < KEEP; k += CINCH_VECTOR)
        if (place<true>(k, lane, lanes) < n) cinch_store_vector(out + place<true>(k, lane, lanes), v + k);
}

template <int KEEP>
__device__ void write_piece(const job &j, int64_t at, int n, int lanes, const float *v)
{
    int lane = (int)threadIdx.x % lanes;
    CINCH_WITH_FLOAT(j.out.dtype, T, {
        T *out = (T *)j.out.data + at;
        if (j.out.aligned) write_together<KEEP>(out, n, lane, lanes, v);
        else if (j.vectors) write_apart<KEEP, true>(out, n, lane, lanes, v);
        else write_apart<KEEP, false>(out, n, lane, lanes, v);
    });
}

/* --- what is done to a row ---------------------------------------------------------------------------------------- */

/*
 * in_registers() does all of it. For long rows, with() folds elements into a State, which `nothing` leaves as it is;
 * finish() makes Constants of the group's States, and value() the result of an element.
 */

CINCH_HD bool is_finite(float x) { return cinch_f_is_finite(x) != 0; }

template <int KEEP>
__device__ float largest_of(const float *x, int lanes)
{
    float top = x[0];
    for (int k = 1; k < KEEP; k++) top = cinch_f_maximum(top, x[k]);
    return cinch_group_reduce(top, lanes, cinch_larger());
}

typedef struct shift_and { float shift, by; } shift_and;

struct softmax_row {
    enum { INPUTS = 1 };
    typedef cinch_exponentials State;
    typedef shift_and Constants;
    __device__ static float nothing() { return -INFINITY; }
    template <int KEEP> __device__ static void in_registers(float *x, const float *, int lanes)
    {
        float top = largest_of<KEEP>(x, lanes), sum = 0;
        for (int k = 0; k < KEEP; k++) sum += x[k] = cinch_f_exp(x[k] - top);
        float scale = 1 / cinch_group_reduce(sum, lanes, cinch_add());
        for (int k = 0; k < KEEP; k++) x[k] *= scale;
    }
    __device__ static State start() { return {-INFINITY, 0}; }
    __device__ static State with(State s, float x, float) { return cinch_exponentials_with(s, x); }
    __device__ static Constants finish(State s, int lanes)
    {
        s = cinch_exponentials_across(s, lanes);
        return {s.top, is_finite(s.top) ? 1 / s.sum : NAN};
    }
    __device__ static float value(float x, float, Constants c) { return cinch_f_exp(x - c.shift) * c.by; }
};

struct log_softmax_row {
    enum { INPUTS = 1 };
    typedef cinch_exponentials State;
    typedef shift_and Constants;
    __device__ static float nothing() { return -INFINITY; }
    template <int KEEP> __device__ static void in_registers(float *x, const float *, int lanes)
    {
        float top = largest_of<KEEP>(x, lanes), sum = 0;
        for (int k = 0; k < KEEP; k++) sum += cinch_f_exp(x[k] -= top);
        float log_sum = cinch_f_log(cinch_group_reduce(sum, lanes, cinch_add()));
        for (int k = 0; k < KEEP; k++) x[k] -= log_sum;
    }
    __device__ static State start() { return {-INFINITY, 0}; }
    __device__ static State with(State s, float x, float) { return cinch_exponentials_with(s, x); }
    __device__ static Constants finish(State s, int lanes)
    {
        s = cinch_exponentials_across(s, lanes);
        return {s.top, is_finite(s.top) ? cinch_f_log(s.sum) : NAN};
    }
    __device__ static float value(float x, float, Constants c) { return x - c.shift - c.by; }
};

/* A gradient needs the sum of a term over the row. */
template <typename Term> struct gradient_row {
    enum { INPUTS = 2 };
    typedef float State;
    typedef float Constants;
    __device__ static float nothing() { return 0; }
    template <int KEEP> __device__ static void in_registers(float *dy, const float *y, int lanes)
    {
        float sum = 0;
        for (int k = 0; k < KEEP; k++) sum += Term::term(dy[k], y[k]);
        sum = cinch_group_reduce(sum, lanes, cinch_add());
        for (int k = 0; k < KEEP; k++) dy[k] = Term::value(dy[k], y[k], sum);
    }
    __device__ static State start() { return 0; }
    __device__ static State with(State sum, float dy, float y) { return sum + Term::term(dy, y); }
    __device__ static Constants finish(State sum, int lanes) { return cinch_group_reduce(sum, lanes, cinch_add()); }
    __device__ static float value(float dy, float y, Constants sum) { return Term::value(dy, y, sum); }
};

/* y (dy - sum(dy y)) */
struct softmax_term {
    __device__ static float term(float dy, float y) { return dy * y; }
    __device__ static float value(float dy, float y, float sum) { return y * (dy - sum); }
};
/* dy - exp(y) sum(dy) */
struct log_softmax_term {
    __device__ static float term(float dy, float) { return dy; }
    __device__ static float value(float dy, float y, float sum) { return CINCH_FMA(-cinch_f_exp(y), sum, dy); }
};
typedef gradient_row<softmax_term> softmax_grad_row;
typedef gradient_row<log_softmax_term> log_softmax_grad_row;

/* --- kernels ------------------------------------------------------------------------------------------------------ */

/* n elements from `at` on of both operands. */
template <typename Row, int KEEP>
__device__ void read_both(const job &j, int64_t at, int n, int lanes, float *x, float *y)
{
    read_piece<KEEP>(j, j.x, at, n, lanes, Row::nothing(), x);
    if (Row::INPUTS > 1) read_piece<KEEP>(j, j.y, at, n, lanes, 0, y);
}

/* A block has CINCH_BLOCK / lanes rows at a time, each of at most KEEP * lanes elements, read once and written once.
   LANES is `lanes`, or 0 where it is only known at run time. */
template <typename Row, int KEEP, int LANES>
static __global__ void __launch_bounds__(CINCH_BLOCK, RESIDENT) row_kernel(const job j)
{
    int lanes = LANES ? LANES : j.lanes, groups = CINCH_BLOCK / lanes, length = (int)j.length;
    for (int64_t first = (int64_t)blockIdx.x * groups; first < j.rows; first += (int64_t)gridDim.x * groups) {
        int64_t row = first + (int)threadIdx.x / lanes;
        int n = row < j.rows ? length : 0;
        float x[KEEP], y[KEEP] = {};
        read_both<Row, KEEP>(j, row * length, n, lanes, x, y);
        Row::template in_registers<KEEP>(x, y, lanes);
        write_piece<KEEP>(j, row * length, n, lanes, x);
    }
}

enum { PIECE = MANY * CINCH_BLOCK /* elements of a long row that a block has at once */ };

/* A block has a row at a time, in pieces; read twice, written once. */
template <typename Row>
static __global__ void __launch_bounds__(CINCH_BLOCK, RESIDENT) long_row_kernel(const job j)
{
    for (int64_t row = blockIdx.x; row < j.rows; row += gridDim.x) {
        float x[MANY], y[MANY] = {};
        typename Row::State s = Row::start();
        for (int64_t at = 0; at < j.length; at += PIECE) {
            read_both<Row, MANY>(j, row * j.length + at, (int)cinch_least(PIECE, j.length - at), CINCH_BLOCK, x, y);
            for (int k = 0; k < MANY; k++) s = Row::with(s, x[k], y[k]);
        }
        typename Row::Constants c = Row::finish(s, CINCH_BLOCK);
        for (int64_t at = 0; at < j.length; at += PIECE) {
            int n = (int)cinch_least(PIECE, j.length - at);
            read_both<Row, MANY>(j, row * j.length + at, n, CINCH_BLOCK, x, y);
            for (int k = 0; k < MANY; k++) x[k] = Row::value(x[k], y[k], c);
            write_piece<MANY>(j, row * j.length + at, n, CINCH_BLOCK, x);
        }
    }
}

/* --- a call ------------------------------------------------------------------------------------------------------- */

static operand operand_of(const cinch_tensor *t, bool vectors)
{
    return {t->data, t->dtype, vectors && cinch_vectors(t->data, t->dtype)};
}

static job job_of(const cinch_call *c)
{
    const cinch_tensor *x = &c->in[0];
    job j = {};
    j.rows = cinch_cuda_span(x, 0, x->rank - 1);
    j.length = x->dim[x->rank - 1];
    j.vectors = j.length % CINCH_VECTOR == 0;
    j.x = operand_of(x, j.vectors);
    j.y = operand_of(&c->in[c->n_in - 1], j.vectors);
    j.out = operand_of(c->out, j.vectors);
    j.lanes = j.length > MANY * CINCH_WARP ? (int)CINCH_BLOCK
                                           : cinch_cuda_lanes(cinch_cuda_parts(j.length, FEW), CINCH_WARP);
    return j;
}

template <typename Row>
static void launch(cinch_backend *b, const job &j)
{
    int64_t blocks = cinch_cuda_blocks(b, j.rows * j.lanes);
    cudaStream_t stream = cinch_cuda_stream(b);
    if (j.length <= FEW * j.lanes) CINCH_LAUNCH((row_kernel<Row, FEW, 0>), blocks, CINCH_BLOCK, stream, j);
    else if (j.lanes == CINCH_WARP) CINCH_LAUNCH((row_kernel<Row, MANY, CINCH_WARP>), blocks, CINCH_BLOCK, stream, j);
    else if (j.length <= PIECE) CINCH_LAUNCH((row_kernel<Row, MANY, CINCH_BLOCK>), blocks, CINCH_BLOCK, stream, j);
    else CINCH_LAUNCH(long_row_kernel<Row>, blocks, CINCH_BLOCK, stream, j);
}

template <typename Row>
static cinch_status run(cinch_backend *b, const cinch_call *c)
{
    job j = job_of(c);
    if (!j.rows || !j.length) return CINCH_OK;
    launch<Row>(b, j);
    return cinch_cuda_launched(c);
}

#define SOFTMAX(op)                                                                                       \
    static cinch_status run_##op(cinch_backend *b, const cinch_call *c) { return run<op##_row>(b, c); }   \
    CINCH_CUDA_KERNEL_UNPLANNED(op, run_##op)
SOFTMAX(softmax)
SOFTMAX(log_softmax)
SOFTMAX(softmax_grad)
SOFTMAX(log_softmax_grad)
