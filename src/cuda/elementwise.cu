/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one engine of all elementwise ops; a single op is a chain of one step. A thread has VECTORS times four neighbours
 * in registers and takes them through the steps; each input is read where a step names it, the result is written once.
 */
#include "core/grid.h"
#include "cuda/vector.cuh"

enum {
    VECTORS = 2,                          /* of a thread; a step is found once for all of them */
    WIDE = VECTORS * CINCH_VECTOR,
    APART = CINCH_BLOCK * CINCH_VECTOR,   /* elements from one of its vectors to the next */
    TILE = VECTORS * APART,               /* elements of a block */
    PARTIALS = 1024
};

typedef struct operand {
    const void *data;
    cinch_dtype dtype;
    bool flat;    /* lies as the result does */
    bool number;  /* the same for all elements */
    bool vectors; /* where a vector of the result has one here, aligned */
} operand;

typedef struct engine {
    cinch_chain_step step[CINCH_CHAIN_STEPS];
    bool kept[CINCH_CHAIN_STEPS]; /* a step's result is used by others than the next */
    operand in[CINCH_CHAIN_INPUTS];
    int n_steps;
    cinch_grid grid;
    void *out;
    cinch_dtype dtype;
    bool vectors; /* the result can be written in vectors */
    int64_t total;
} engine;

/* --- one step on a vector ----------------------------------------------------------------------------------------- */

#define CALL_1_0(f) f(a[i])
#define CALL_1_1(f) f(a[i], p)
#define CALL_1_2(f) f(a[i], p, q)
#define CALL_2_0(f) f(a[i], b[i])
#define CALL_2_1(f) f(a[i], b[i], p)
#define CALL_3_0(f) f(a[i], b[i], c[i])
#define CALL_3_1(f) f(a[i], b[i], c[i], p)
#define CASE(name, expression)                                    \
    case CINCH_OP_##name:                                         \
        for (int i = 0; i < WIDE; i++) y[i] = expression;         \
        break;

__device__ static void apply(int op, const float *a, const float *b, const float *c, float p, float q, float *y)
{
    switch (op) {
#define OP(name, inputs, outputs, attr, place, saves, types)
#define ELEMENTWISE(name, inputs, params, types) CASE(name, CALL_##inputs##_##params(cinch_f_##name))
#include "core/ops.def"
    }
}

/* ops.def gives an elementwise op i32 or not, which the preprocessor cannot ask: those that have no formula for it
   are never called with it. */
#define INTEGER_OPS(X)                                                                                            \
    X(neg, 1, 0) X(abs, 1, 0) X(sign, 1, 0) X(square, 1, 0) X(clamp, 1, 2) X(add, 2, 0) X(sub, 2, 0) X(mul, 2, 0) \
    X(div, 2, 0) X(minimum, 2, 0) X(maximum, 2, 0) X(equal, 2, 0) X(less, 2, 0) X(less_equal, 2, 0) X(where, 3, 0)
#define INTEGER_CASE(name, inputs, params) CASE(name, CALL_##inputs##_##params(cinch_i_##name))

__device__ static void apply(int op, const int32_t *a, const int32_t *b, const int32_t *c, float p, float q, int32_t *y)
{
    switch (op) { INTEGER_OPS(INTEGER_CASE) }
}

#define ONE(name, inputs, params) +1
enum {
    LISTED = 0 INTEGER_OPS(ONE),
    DECLARED = 0
#define OP(name, inputs, outputs, attr, place, saves, types)
#define ELEMENTWISE(name, inputs, params, types) +(sizeof(types) == sizeof "FBI")
#include "core/ops.def"
};
static_assert((int)LISTED == (int)DECLARED, "an elementwise op of ops.def lacks its i32 formula");

/* --- operands ----------------------------------------------------------------------------------------------------- */

/* This thread's v-th vector, of which the first stands `at`, has this many elements. */
__device__ static int elements_of(const engine &e, int64_t at, int v)
{
    int64_t left = e.total - at - v * APART;
    return left < 0 ? 0 : left < CINCH_VECTOR ? (int)left : (int)CINCH_VECTOR;
}

/* Where element `at` of the result lies in input k. */
__device__ static int64_t offset_of(const engine &e, int k, int64_t at)
{
    const operand &o = e.in[k];
    return o.number ? 0 : o.flat ? at : cinch_grid_offset(&e.grid, k, e.grid.rank, at);
}

__device__ static uint32_t read_word(const operand &o, int64_t at, float)
{
    return cinch_bits(cinch_load_as(o.data, o.dtype, at));
}
__device__ static uint32_t read_word(const operand &o, int64_t at, int32_t) { return ((const uint32_t *)o.data)[at]; }

/* n elements one by one, as words of V. The offset is worked out anew only where a row of the grid begins. */
template <typename V>
__device__ static void read_apart(const engine &e, int k, int64_t at, int n, uint32_t *word)
{
    uint32_t own[CINCH_VECTOR] = {};
    int last = e.grid.rank - 1;
    int64_t size = e.grid.dim[last], column = 0, offset = 0;
    CINCH_UNROLL(1)
    for (int i = 0; i < n; i++, column++, offset += e.grid.stride[k][last]) {
        if (i == 0 || column == size) column = (at + i) % size, offset = offset_of(e, k, at + i);
        own[i] = read_word(e.in[k], offset, V());
    }
    for (int i = 0; i < CINCH_VECTOR; i++) word[i] = own[i];
}

/* This thread's elements of input k, as they are in memory where they are read in vectors. */
template <typename V>
__device__ static void read_input(const engine &e, int k, int64_t at, uint32_t *word)
{
    const operand &o = e.in[k];
    if (o.number) {
        word[0] = read_word(o, 0, V());
        for (int i = 1; i < WIDE; i++) word[i] = word[0];
        return;
    }
    CINCH_UNROLL(VECTORS)
    for (int v = 0; v < VECTORS; v++, at += APART, word += CINCH_VECTOR) {
        int n = elements_of(e, at, 0);
        if (!o.vectors || n < CINCH_VECTOR) {
            read_apart<V>(e, k, at, n, word);
        } else if (o.dtype == CINCH_BF16) {
            uint2 u = *(const uint2 *)((const cinch_bf16 *)o.data + offset_of(e, k, at));
            word[0] = u.x, word[1] = u.y;
        } else {
            uint4 u = *(const uint4 *)((const uint32_t *)o.data + offset_of(e, k, at));
            word[0] = u.x, word[1] = u.y, word[2] = u.z, word[3] = u.w;
        }
    }
}

__device__ static void of_words(const uint32_t *word, float *to)
{
    for (int i = 0; i < WIDE; i++) to[i] = cinch_from_bits(word[i]);
}
__device__ static void of_words(const uint32_t *word, int32_t *to)
{
    for (int i = 0; i < WIDE; i++) to[i] = (int32_t)word[i];
}

/* What read_input read, as V. */
template <typename V>
__device__ static void unpack_input(const engine &e, int k, int64_t at, uint32_t *word, V *to)
{
    const operand &o = e.in[k];
    CINCH_UNROLL(VECTORS)
    for (int v = 0; v < VECTORS; v++) {
        uint32_t *w = word + v * CINCH_VECTOR;
        if (!o.vectors || o.dtype != CINCH_BF16 || elements_of(e, at, v) < CINCH_VECTOR) continue;
        w[3] = w[1] & 0xffff0000u, w[2] = w[1] << 16, w[1] = w[0] & 0xffff0000u, w[0] = w[0] << 16;
    }
    of_words(word, to);
}

/* --- a chain ------------------------------------------------------------------------------------------------------ */

/* Operand k of a step that is no input: a number, the result of the step before, or one that was kept. */
template <typename V>
__device__ static void take_result(const engine &e, int s, int from, const V *before, const V (*kept)[WIDE], V *to)
{
    for (int i = 0; i < WIDE; i++) {
        if (from == CINCH_CHAIN_IMMEDIATE) to[i] = (V)e.step[s].immediate;
        else to[i] = from == CINCH_CHAIN_INPUTS + s - 1 ? before[i] : kept[from - CINCH_CHAIN_INPUTS][i];
    }
}

/* The operands of a step: all that come from memory are under way before the first is looked at. */
template <typename V>
__device__ static void take_operands(const engine &e, int s, int64_t at, const V *before, const V (*kept)[WIDE],
                                     V (*in)[WIDE])
{
    uint32_t word[3][WIDE] = {};
    CINCH_UNROLL(3)
    for (int k = 0; k < 3; k++) {
        int from = e.step[s].operand[k];
        if (from >= 0 && from < CINCH_CHAIN_INPUTS) read_input<V>(e, from, at, word[k]);
    }
    CINCH_UNROLL(3)
    for (int k = 0; k < 3; k++) {
        int from = e.step[s].operand[k];
        if (from >= CINCH_CHAIN_INPUTS) take_result(e, s, from, before, kept, in[k]);
        else if (from >= 0) unpack_input(e, from, at, word[k], in[k]);
    }
}

/* The chain's result for this thread's elements, of which the first stands `at`. */
template <typename V>
__device__ static void run_chain(const engine &e, int64_t at, V *y)
{
    V kept[CINCH_CHAIN_STEPS][WIDE];
    for (int s = 0; s < e.n_steps; s++) {
        V in[3][WIDE] = {};
        take_operands(e, s, at, y, kept, in);
        apply(e.step[s].op, in[0], in[1], in[2], e.step[s].param[0], e.step[s].param[1], y);
        for (int i = 0; i < WIDE && e.kept[s]; i++) kept[s][i] = y[i];
    }
}

/* --- kernels ------------------------------------------------------------------------------------------------------ */

__device__ static void write(const engine &e, int64_t at, int n, const float *y)
{
    if (e.vectors && n == CINCH_VECTOR) {
        CINCH_WITH_FLOAT(e.dtype, T, cinch_store_vector((T *)e.out + at, y));
    } else {
        for (int i = 0; i < n; i++) cinch_store_as(e.out, e.dtype, at + i, y[i]);
    }
}

__device__ static void write(const engine &e, int64_t at, int n, const int32_t *y)
{
    if (e.vectors && n == CINCH_VECTOR) return cinch_store_vector((int32_t *)e.out + at, y);
    for (int i = 0; i < n; i++) ((int32_t *)e.out)[at + i] = y[i];
}

/* A block has TILE elements at a time; each is read once from every operand and written once. */
template <typename V>
static __global__ void __launch_bounds__(CINCH_BLOCK) elementwise_kernel(const engine e)
{
    V y[WIDE] = {};
    for (int64_t tile = blockIdx.x; tile * TILE < e.total; tile += gridDim.x) {
        int64_t at = tile * TILE + threadIdx.x * CINCH_VECTOR;
        run_chain(e, at, y);
        for (int v = 0; v < VECTORS; v++) write(e, at + v * APART, elements_of(e, at, v), y + v * CINCH_VECTOR);
    }
}

/* The same, but a block leaves the sum of its elements in its place of `sums`, of type `dtype`. */
static __global__ void __launch_bounds__(CINCH_BLOCK) sum_kernel(const engine e, void *sums, cinch_dtype dtype)
{
    float y[WIDE] = {}, sum = 0;
    for (int64_t tile = blockIdx.x; tile * TILE < e.total; tile += gridDim.x) {
        int64_t at = tile * TILE + threadIdx.x * CINCH_VECTOR;
        run_chain(e, at, y);
        for (int i = 0; i < WIDE; i++) sum += i % CINCH_VECTOR < elements_of(e, at, i / CINCH_VECTOR) ? y[i] : 0;
    }
    sum = cinch_block_reduce(sum, cinch_add());
    if (threadIdx.x == 0) cinch_store_as(sums, dtype, blockIdx.x, sum);
}

/* One block adds up what the others left. */
static __global__ void __launch_bounds__(CINCH_BLOCK)
add_partials_kernel(const float *partial, int64_t n, void *out, cinch_dtype dtype)
{
    float sum = 0;
    CINCH_EACH(i, n) sum += partial[i];
    sum = cinch_block_reduce(sum, cinch_add());
    if (threadIdx.x == 0) cinch_store_as(out, dtype, 0, sum);
}

/* --- preparing a call --------------------------------------------------------------------------------------------- */

static bool lies_flat(const cinch_grid *g, int k)
{
    int64_t step = 1;
    for (int i = g->rank; i-- > 0; step *= g->dim[i])
        if (g->stride[k][i] != step) return false;
    return true;
}

static bool is_number(const cinch_grid *g, int k)
{
    for (int i = 0; i < g->rank; i++)
        if (g->stride[k][i]) return false;
    return true;
}

/* Four neighbours of the result are four neighbours, aligned, in operand k. */
static bool has_vectors(const cinch_grid *g, int k, const cinch_tensor *t)
{
    int last = g->rank - 1;
    if (t->dtype == CINCH_U8 || !cinch_vectors(t->data, t->dtype)) return false;
    if (lies_flat(g, k)) return true;
    for (int i = 0; i < last; i++)
        if (g->stride[k][i] % CINCH_VECTOR) return false;
    return g->stride[k][last] == 1 && g->dim[last] % CINCH_VECTOR == 0;
}

static void set_grid(engine *e, const cinch_call *c, bool reduce)
{
    if (reduce) {
        cinch_grid_span_inputs(&e->grid, c); /* what a chain sums over */
    } else {
        e->grid.rank = c->out->rank;
        for (int i = 0; i < c->out->rank; i++) e->grid.dim[i] = c->out->dim[i];
    }
    e->total = 1;
    for (int i = 0; i < e->grid.rank; i++) e->total *= e->grid.dim[i];
    for (int k = 0; k < c->n_in; k++) cinch_grid_add(&e->grid, &c->in[k]);
    if (e->total) cinch_grid_collapse(&e->grid);
}

static void set_steps(engine *e, const cinch_chain_step *step, int n_steps)
{
    e->n_steps = n_steps;
    for (int s = 0; s < n_steps; s++) {
        e->step[s] = step[s];
        for (int k = 0; k < 3; k++) {
            int from = step[s].operand[k] - CINCH_CHAIN_INPUTS;
            if (from >= 0 && from < s - 1) e->kept[from] = true;
        }
    }
}

static engine prepare(const cinch_call *c, const cinch_chain_step *step, int n_steps, bool reduce)
{
    engine e = {};
    set_steps(&e, step, n_steps);
    set_grid(&e, c, reduce);
    e.out = c->out->data;
    e.dtype = c->out->dtype;
    e.vectors = cinch_vectors(e.out, e.dtype);
    for (int k = 0; k < c->n_in && e.total; k++) {
        const cinch_tensor *t = &c->in[k];
        bool vectors = has_vectors(&e.grid, k, t) && (t->dtype == CINCH_I32) == (e.dtype == CINCH_I32);
        e.in[k] = {t->data, t->dtype, lies_flat(&e.grid, k), is_number(&e.grid, k), vectors};
    }
    return e;
}

/* Fixed by the size alone, so that sums do not depend on the device. */
static int64_t partials_of(int64_t total)
{
    return cinch_cuda_max(1, cinch_cuda_min(PARTIALS, total / (4 * TILE)));
}

static void launch_sum(cinch_backend *b, const cinch_call *c, const engine *e)
{
    int64_t n = partials_of(e->total);
    cudaStream_t stream = cinch_cuda_stream(b);
    if (n == 1) {
        CINCH_LAUNCH(sum_kernel, 1, CINCH_BLOCK, stream, *e, e->out, e->dtype);
    } else {
        CINCH_LAUNCH(sum_kernel, n, CINCH_BLOCK, stream, *e, c->scratch, CINCH_F32);
        CINCH_LAUNCH(add_partials_kernel, 1, CINCH_BLOCK, stream, (const float *)c->scratch, n, e->out, e->dtype);
    }
}

static cinch_status run(cinch_backend *b, const cinch_call *c, const cinch_chain_step *step, int n_steps, bool reduce)
{
    engine e = prepare(c, step, n_steps, reduce);
    if (!reduce && !e.total) return CINCH_OK;
    int64_t blocks = cinch_cuda_blocks(b, cinch_cuda_parts(e.total, WIDE));
    cudaStream_t stream = cinch_cuda_stream(b);
    if (reduce) launch_sum(b, c, &e);
    else if (e.dtype == CINCH_I32) CINCH_LAUNCH(elementwise_kernel<int32_t>, blocks, CINCH_BLOCK, stream, e);
    else CINCH_LAUNCH(elementwise_kernel<float>, blocks, CINCH_BLOCK, stream, e);
    return cinch_cuda_launched(c);
}

static cinch_status run_elementwise(cinch_backend *b, const cinch_call *c)
{
    cinch_chain_step step = {};
    step.op = (uint16_t)c->op;
    for (int k = 0; k < 3; k++) step.operand[k] = (int8_t)(k < c->n_in ? k : -1);
    for (int k = 0; k < 2; k++) step.param[k] = c->attr->scalars.v[k];
    return run(b, c, &step, 1, false);
}
CINCH_CUDA_KERNEL_UNPLANNED(elementwise, run_elementwise)

static cinch_status run_chain(cinch_backend *b, const cinch_call *c)
{
    return run(b, c, c->attr->chain.step, c->attr->chain.n_steps, c->attr->chain.reduce);
}

static cinch_status plan_chain(cinch_backend *b, const cinch_call *c, size_t *scratch, size_t *saved)
{
    (void)b, (void)saved;
    engine e = {};
    set_grid(&e, c, c->attr->chain.reduce);
    if (c->attr->chain.reduce && partials_of(e.total) > 1) *scratch = (size_t)partials_of(e.total) * sizeof(float);
    return CINCH_OK;
}
CINCH_CUDA_KERNEL(chain, run_chain, plan_chain)
