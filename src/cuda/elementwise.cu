/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one engine of all elementwise ops; a single op is a chain of one step. A thread has VECTOR neighbouring elements
 * in registers and takes them through the steps; each input is read where a step names it, the result is written once.
 */
#include "core/grid.h"
#include "cuda/kernel.cuh"

enum { VECTOR = 4, PARTIALS = 1024 };

typedef struct operand {
    const void *data;
    cinch_dtype dtype;
    bool flat;    /* lies as the result does */
    bool number;  /* the same for all elements */
    bool aligned; /* flat, and VECTOR elements can be read at once */
} operand;

typedef struct engine {
    cinch_chain_step step[CINCH_CHAIN_STEPS];
    operand in[CINCH_CHAIN_INPUTS];
    int n_steps;
    cinch_grid grid;
    void *out;
    cinch_dtype dtype;
    bool out_aligned;
    int64_t total;
} engine;

/* --- one step on a vector ------------------------------------------------------------------------------------------ */

#define CALL_1_0(f) f(a[i])
#define CALL_1_1(f) f(a[i], p)
#define CALL_1_2(f) f(a[i], p, q)
#define CALL_2_0(f) f(a[i], b[i])
#define CALL_2_1(f) f(a[i], b[i], p)
#define CALL_3_0(f) f(a[i], b[i], c[i])
#define CALL_3_1(f) f(a[i], b[i], c[i], p)
#define CASE(name, expression)                                    \
    case CINCH_OP_##name:                                         \
        for (int i = 0; i < VECTOR; i++) y[i] = expression;       \
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

/* --- operands ------------------------------------------------------------------------------------------------------ */

__device__ static void read_aligned(const operand &o, int64_t at, float *to)
{
    if (o.dtype == CINCH_BF16) {
        uint2 v = *(const uint2 *)((const cinch_bf16 *)o.data + at);
        to[0] = cinch_from_bits(v.x << 16), to[1] = cinch_from_bits(v.x & 0xffff0000u);
        to[2] = cinch_from_bits(v.y << 16), to[3] = cinch_from_bits(v.y & 0xffff0000u);
    } else {
        float4 v = *(const float4 *)((const float *)o.data + at);
        to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
    }
}

__device__ static void read_aligned(const operand &o, int64_t at, int32_t *to)
{
    int4 v = *(const int4 *)((const int32_t *)o.data + at);
    to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
}

__device__ static void read_one(const operand &o, int64_t at, float *to) { *to = cinch_load_as(o.data, o.dtype, at); }
__device__ static void read_one(const operand &o, int64_t at, int32_t *to) { *to = ((const int32_t *)o.data)[at]; }

/* n elements of input k from `at` on; the rest of the vector repeats the last one. */
template <typename V>
__device__ static void read_input(const engine &e, int k, int64_t at, int n, V *to)
{
    const operand &o = e.in[k];
    if (o.aligned && n == VECTOR) return read_aligned(o, at, to);
    for (int i = 0; i < VECTOR; i++) {
        int64_t index = at + (i < n ? i : n - 1);
        read_one(o, o.number ? 0 : o.flat ? index : cinch_grid_offset(&e.grid, k, e.grid.rank, index), &to[i]);
    }
}

template <typename V>
__device__ static void read_operand(const engine &e, int step, int k, int64_t at, int n, const V (*result)[VECTOR], V *to)
{
    int from = e.step[step].operand[k];
    if (from < 0) return;
    if (from < CINCH_CHAIN_INPUTS) return read_input(e, from, at, n, to);
    for (int i = 0; i < VECTOR; i++)
        to[i] = from == CINCH_CHAIN_IMMEDIATE ? (V)e.step[step].immediate : result[from - CINCH_CHAIN_INPUTS][i];
}

/* The chain's result for n elements from `at` on. */
template <typename V>
__device__ static void run_chain(const engine &e, int64_t at, int n, V *y)
{
    V result[CINCH_CHAIN_STEPS][VECTOR];
    for (int s = 0; s < e.n_steps; s++) {
        V in[3][VECTOR] = {};
        for (int k = 0; k < 3; k++) read_operand(e, s, k, at, n, result, in[k]);
        apply(e.step[s].op, in[0], in[1], in[2], e.step[s].param[0], e.step[s].param[1], y);
        for (int i = 0; i < VECTOR; i++) result[s][i] = y[i];
    }
}

/* --- kernels ------------------------------------------------------------------------------------------------------- */

__device__ static void write(const engine &e, int64_t at, int n, const float *y)
{
    if (e.out_aligned && n == VECTOR && e.dtype == CINCH_F32) {
        *(float4 *)((float *)e.out + at) = make_float4(y[0], y[1], y[2], y[3]);
    } else if (e.out_aligned && n == VECTOR) {
        *(uint2 *)((cinch_bf16 *)e.out + at) = make_uint2(cinch_to_bf16(y[0]) | (uint32_t)cinch_to_bf16(y[1]) << 16,
                                                          cinch_to_bf16(y[2]) | (uint32_t)cinch_to_bf16(y[3]) << 16);
    } else {
        for (int i = 0; i < n; i++) cinch_store_as(e.out, e.dtype, at + i, y[i]);
    }
}

__device__ static void write(const engine &e, int64_t at, int n, const int32_t *y)
{
    for (int i = 0; i < n; i++) ((int32_t *)e.out)[at + i] = y[i];
}

__device__ static int in_vector(const engine &e, int64_t at)
{
    return e.total - at < VECTOR ? (int)(e.total - at) : (int)VECTOR;
}

template <typename V>
__global__ void __launch_bounds__(CINCH_BLOCK) elementwise_kernel(const engine e)
{
    V y[VECTOR];
    CINCH_EACH(i, (e.total + VECTOR - 1) / VECTOR) {
        run_chain(e, i * VECTOR, in_vector(e, i * VECTOR), y);
        write(e, i * VECTOR, in_vector(e, i * VECTOR), y);
    }
}

/* Each block leaves the sum of its elements in its partial. */
__global__ void __launch_bounds__(CINCH_BLOCK) sum_kernel(const engine e, float *partial)
{
    float y[VECTOR], sum = 0;
    CINCH_EACH(i, (e.total + VECTOR - 1) / VECTOR) {
        int n = in_vector(e, i * VECTOR);
        run_chain(e, i * VECTOR, n, y);
        for (int k = 0; k < n; k++) sum += y[k];
    }
    sum = cinch_block_reduce(sum, cinch_add());
    if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

/* One block. */
__global__ void __launch_bounds__(CINCH_BLOCK) add_partials_kernel(const float *partial, int64_t n, float *out)
{
    float sum = 0;
    CINCH_EACH(i, n) sum += partial[i];
    sum = cinch_block_reduce(sum, cinch_add());
    if (threadIdx.x == 0) *out = sum;
}

/* --- preparing a call ----------------------------------------------------------------------------------------------- */

/* The shape that all inputs broadcast to: what a chain sums over. */
static void span_of_inputs(const cinch_call *c, cinch_grid *g)
{
    g->rank = 0;
    for (int k = 0; k < c->n_in; k++)
        if (c->in[k].rank > g->rank) g->rank = c->in[k].rank;
    for (int i = 0; i < g->rank; i++) g->dim[i] = 1;
    for (int k = 0; k < c->n_in; k++)
        for (int i = 0, shift = g->rank - c->in[k].rank; i < c->in[k].rank; i++)
            if (c->in[k].dim[i] != 1) g->dim[shift + i] = c->in[k].dim[i];
}

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

static bool is_aligned(const void *data, cinch_dtype dtype)
{
    return (uintptr_t)data % (VECTOR * cinch_dtype_size(dtype)) == 0;
}

static void set_grid(engine *e, const cinch_call *c, bool reduce)
{
    if (reduce) {
        span_of_inputs(c, &e->grid);
    } else {
        e->grid.rank = c->out->rank;
        for (int i = 0; i < c->out->rank; i++) e->grid.dim[i] = c->out->dim[i];
    }
    e->total = 1;
    for (int i = 0; i < e->grid.rank; i++) e->total *= e->grid.dim[i];
    for (int k = 0; k < c->n_in; k++) cinch_grid_add(&e->grid, &c->in[k]);
    if (e->total) cinch_grid_collapse(&e->grid);
}

static engine prepare(const cinch_call *c, const cinch_chain_step *step, int n_steps, bool reduce)
{
    engine e = {};
    e.n_steps = n_steps;
    for (int s = 0; s < n_steps; s++) e.step[s] = step[s];
    set_grid(&e, c, reduce);
    e.out = c->out->data;
    e.dtype = c->out->dtype;
    e.out_aligned = is_aligned(e.out, e.dtype);
    for (int k = 0; k < c->n_in; k++) {
        const cinch_tensor *t = &c->in[k];
        bool flat = lies_flat(&e.grid, k);
        e.in[k] = {t->data, t->dtype, flat, is_number(&e.grid, k), flat && is_aligned(t->data, t->dtype)};
    }
    return e;
}

/* Fixed by the size alone, so that sums do not depend on the device. */
static int64_t partials_of(int64_t total)
{
    return cinch_cuda_max(1, cinch_cuda_min(PARTIALS, total / (8 * VECTOR * CINCH_BLOCK)));
}

static void launch_sum(cinch_backend *b, const cinch_call *c, const engine *e)
{
    int64_t n = partials_of(e->total);
    float *out = (float *)c->out->data, *partial = n > 1 ? (float *)c->scratch : out;
    CINCH_LAUNCH(sum_kernel, n, CINCH_BLOCK, cinch_cuda_stream(b), *e, partial);
    if (n > 1) CINCH_LAUNCH(add_partials_kernel, 1, CINCH_BLOCK, cinch_cuda_stream(b), partial, n, out);
}

static cinch_status run(cinch_backend *b, const cinch_call *c, const cinch_chain_step *step, int n_steps, bool reduce)
{
    engine e = prepare(c, step, n_steps, reduce);
    if (!reduce && !e.total) return CINCH_OK;
    int64_t blocks = cinch_cuda_blocks(b, cinch_cuda_parts(e.total, VECTOR));
    if (reduce) launch_sum(b, c, &e);
    else if (e.dtype == CINCH_I32) CINCH_LAUNCH(elementwise_kernel<int32_t>, blocks, CINCH_BLOCK, cinch_cuda_stream(b), e);
    else CINCH_LAUNCH(elementwise_kernel<float>, blocks, CINCH_BLOCK, cinch_cuda_stream(b), e);
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
