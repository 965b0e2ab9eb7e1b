/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products: cut into blocks by shape alone, each block one single-threaded OpenBLAS product and, while it is in the
 * cache, its bias and activation. The depth is never cut.
 */
#include "core/formula.h"
#include "cpu/blas.h"
#include "cpu/kernel.h"

/* Work of one block, in floating-point operations: large enough to pay for packing, small enough to share. */
static const double BLOCK_FLOPS = 3e7;

typedef struct product {
    const cinch_call *call;
    bool ta, tb;
    int64_t batch, m, n, k;
    int64_t pieces_m, pieces_n;    /* blocks of one matrix */
    const float *a, *b, *bias;     /* f32, converted where need be */
    float *c;
} product;

/* --- shape ------------------------------------------------------------------------------------------------------- */

static product describe(const cinch_call *call)
{
    const cinch_tensor *a = &call->in[0], *c = &call->out[0];
    product p = {.call = call, .ta = call->attr->matmul.transpose_a, .tb = call->attr->matmul.transpose_b};
    p.batch = cinch_cpu_span(c, 0, c->rank - 2);
    p.m = c->dim[c->rank - 2];
    p.n = c->dim[c->rank - 1];
    p.k = a->dim[a->rank - 1 - p.ta];
    p.pieces_m = p.pieces_n = 1;
    double flops = 2.0 * (double)p.m * (double)p.n * (double)p.k;
    while ((double)(p.pieces_m * p.pieces_n) * BLOCK_FLOPS < flops) {
        bool taller = p.m / p.pieces_m > p.n / p.pieces_n;
        if ((taller ? p.m / p.pieces_m : p.n / p.pieces_n) < 64) break;
        *(taller ? &p.pieces_m : &p.pieces_n) *= 2;
    }
    return p;
}

/* Where matrix `i` of the batch begins in an operand whose leading axes broadcast. */
static int64_t matrix_offset(const cinch_tensor *t, const cinch_tensor *out, int64_t i)
{
    int64_t offset = 0, stride = t->dim[t->rank - 1] * t->dim[t->rank - 2];
    for (int axis = out->rank - 3; axis >= 0; axis--) {
        int own = axis - (out->rank - t->rank);
        int64_t at = i % out->dim[axis];
        i /= out->dim[axis];
        if (own < 0 || t->dim[own] == 1) continue;
        offset += at * stride;
        stride *= t->dim[own];
    }
    return offset;
}

/* --- bias and activation -------------------------------------------------------------------------------------------- */

#define APPLY(name, ...)                                                     \
    case CINCH_OP_##name:                                                    \
        for (int64_t j = 0; j < n; j++) x[j] = cinch_f_##name(__VA_ARGS__); \
        return;

static void activate(cinch_op op, const float *param, float *x, int64_t n)
{
    const float p = param[0];
    switch (op) {
        APPLY(relu, x[j])
        APPLY(leaky_relu, x[j], p)
        APPLY(elu, x[j], p)
        APPLY(gelu_tanh, x[j])
        APPLY(gelu_erf, x[j])
        APPLY(silu, x[j])
        APPLY(sigmoid, x[j])
        APPLY(tanh, x[j])
        APPLY(softplus, x[j])
    default: return;
    }
}

static void finish_row(const product *p, float *row, const float *bias, int64_t n)
{
    if (bias)
        for (int64_t j = 0; j < n; j++) row[j] += bias[j];
    activate(p->call->attr->matmul.activation, p->call->attr->matmul.param, row, n);
}

/* --- blocks ----------------------------------------------------------------------------------------------------------- */

/* The i-th of `pieces` ranges of 0..n, cut at multiples of 16. */
static void range(int64_t n, int64_t pieces, int64_t i, int64_t *first, int64_t *count)
{
    int64_t size = (cinch_cpu_parts(n, pieces) + 15) / 16 * 16;
    *first = cinch_cpu_min(i * size, n);
    *count = cinch_cpu_min(size, n - *first);
}

static void run_block(void *arg, int64_t task, int worker)
{
    const product *p = arg;
    int64_t matrix = task / (p->pieces_m * p->pieces_n), block = task % (p->pieces_m * p->pieces_n);
    int64_t i0, rows, j0, columns;
    (void)worker;
    range(p->m, p->pieces_m, block / p->pieces_n, &i0, &rows);
    range(p->n, p->pieces_n, block % p->pieces_n, &j0, &columns);
    if (!rows || !columns) return;
    int64_t lda = p->ta ? p->m : p->k, ldb = p->tb ? p->k : p->n;
    const float *a = p->a + matrix_offset(&p->call->in[0], p->call->out, matrix) + (p->ta ? i0 : i0 * lda);
    const float *b = p->b + matrix_offset(&p->call->in[1], p->call->out, matrix) + (p->tb ? j0 * ldb : j0);
    float *c = p->c + matrix * p->m * p->n + i0 * p->n + j0;
    cinch_product block_product = {p->ta, p->tb, rows, columns, p->k, a, b, lda, ldb, p->n, 0, c};
    if (p->k) cinch_blas_product(&block_product);
    for (int64_t i = 0; i < rows; i++) {
        if (!p->k) memset(c + i * p->n, 0, (size_t)columns * sizeof *c);
        finish_row(p, c + i * p->n, p->bias ? p->bias + j0 : NULL, columns);
    }
}

/* --- types -------------------------------------------------------------------------------------------------------------- */

typedef struct conversion {
    const cinch_tensor *tensor;
    float *f32;
    int64_t n;
    bool store;
} conversion;

static void convert_piece(void *arg, int64_t task, int worker)
{
    const conversion *c = arg;
    int64_t first = task * CINCH_CPU_PIECE, n = cinch_cpu_min(CINCH_CPU_PIECE, c->n - first);
    (void)worker;
    if (c->store) cinch_store(c->tensor->data, c->tensor->dtype, first, c->f32 + first, n);
    else cinch_load(c->f32 + first, c->tensor->data, c->tensor->dtype, first, n);
}

static void convert(cinch_backend *backend, const cinch_tensor *t, float *f32, bool store)
{
    conversion c = {t, f32, cinch_tensor_count(t), store};
    cinch_pool_run(cinch_cpu_pool(backend), cinch_cpu_parts(c.n, CINCH_CPU_PIECE), convert_piece, &c);
}

/* f32 values of an operand: its own memory, or its place in the scratch. */
static float *as_f32(const cinch_tensor *t, float **scratch)
{
    if (t->dtype == CINCH_F32) return t->data;
    float *place = *scratch;
    *scratch += (cinch_tensor_count(t) + 15) / 16 * 16;
    return place;
}

static cinch_status plan_matmul(cinch_backend *backend, const cinch_call *call, size_t *scratch, size_t *saved)
{
    float *end = NULL;
    size_t floats = 0;
    (void)backend, (void)saved, (void)end;
    for (int k = 0; k <= call->n_in; k++) {
        const cinch_tensor *t = k < call->n_in ? &call->in[k] : &call->out[0];
        if (t->dtype != CINCH_F32) floats += (size_t)(cinch_tensor_count(t) + 15) / 16 * 16;
    }
    for (int axis = 0; axis < call->out->rank; axis++)
        if (call->out->dim[axis] > INT32_MAX) return cinch_fail(CINCH_USAGE, "an axis is longer than OpenBLAS can take");
    *scratch = floats * sizeof(float);
    return CINCH_OK;
}

static cinch_status run_matmul(cinch_backend *backend, const cinch_call *call)
{
    product p = describe(call);
    float *scratch = call->scratch, *in[3] = {NULL, NULL, NULL};
    for (int k = 0; k < call->n_in; k++) {
        in[k] = as_f32(&call->in[k], &scratch);
        if (in[k] != call->in[k].data) convert(backend, &call->in[k], in[k], false);
    }
    p.a = in[0];
    p.b = in[1];
    p.bias = in[2];
    p.c = as_f32(&call->out[0], &scratch);
    cinch_pool_run(cinch_cpu_pool(backend), p.batch * p.pieces_m * p.pieces_n, run_block, &p);
    if (p.c != call->out[0].data) convert(backend, &call->out[0], p.c, true);
    return CINCH_OK;
}

CINCH_CPU_KERNEL(matmul, run_matmul, plan_matmul)
CINCH_CPU_KERNEL(matmul_bias, run_matmul, plan_matmul)
