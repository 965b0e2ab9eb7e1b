/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matrix products. Three ways, tried in this order while planning, and found again while running by what was chosen:
 *
 *     cuBLASLt with bias and activation as its epilogue;
 *     cuBLASLt, and then the elementwise engine on its result;
 *     the own kernel of matmul.cu, which does everything.
 */
#include "cuda/matmul.h"

#include <string.h>

#include "cuda/lt.h"

enum { A, B, OUT, OPERANDS };

/* A call in terms of batches: the largest axis of the batch goes to cuBLASLt at once, the others one by one. */
typedef struct job {
    const cinch_call *c;
    cinch_grid batch;           /* a, b, the result; in matrices */
    int64_t n_batch;
    int axis;                   /* of the batch, or -1 */
    int64_t size[OPERANDS];     /* elements of a matrix */
    cinch_cuda_product product; /* with the epilogue */
} job;

/* --- what a call is ----------------------------------------------------------------------------------------------- */

static int64_t matrix_size(const cinch_tensor *t) { return t->dim[t->rank - 2] * t->dim[t->rank - 1]; }

static void set_batch(job *j)
{
    const cinch_call *c = j->c;
    const cinch_tensor *of[OPERANDS] = {&c->in[A], &c->in[B], c->out};
    j->batch.rank = c->out->rank - 2;
    memcpy(j->batch.dim, c->out->dim, sizeof j->batch.dim);
    j->n_batch = cinch_cuda_span(c->out, 0, j->batch.rank);
    for (int k = 0; k < OPERANDS; k++) {
        cinch_tensor batch = *of[k];
        batch.rank -= 2;
        j->size[k] = matrix_size(of[k]);
        cinch_grid_add(&j->batch, &batch);
    }
    if (j->n_batch) cinch_grid_collapse(&j->batch);
}

/* Many matrices times one are one tall matrix times it. */
static void stack_rows(job *j)
{
    bool flat = j->batch.rank == 1 && j->batch.stride[A][0] == 1 && j->batch.stride[B][0] == 0;
    if (j->n_batch < 2 || !flat || j->product.transpose_a) return;
    j->product.m *= j->n_batch;
    j->size[A] *= j->n_batch;
    j->size[OUT] *= j->n_batch;
    j->batch.dim[0] = j->n_batch = 1;
}

static void choose_axis(job *j)
{
    j->axis = 0;
    for (int i = 1; i < j->batch.rank; i++)
        if (j->batch.dim[i] > j->batch.dim[j->axis]) j->axis = i;
    j->product.batch = j->batch.dim[j->axis];
    if (j->product.batch == 1) return;
    j->product.stride_a = j->batch.stride[A][j->axis] * j->size[A];
    j->product.stride_b = j->batch.stride[B][j->axis] * j->size[B];
    j->product.stride_d = j->batch.stride[OUT][j->axis] * j->size[OUT];
}

/* The library's own GELU is an approximation, which strict f32 does not take. */
static int epilogue_of(const cinch_call *c)
{
    bool strict = c->out->dtype == CINCH_F32 && !c->attr->matmul.tf32;
    if (c->op == CINCH_OP_matmul) return CINCH_CUDA_PLAIN;
    if (c->in[2].dtype != c->out->dtype) return CINCH_CUDA_EPILOGUES;
    switch (c->attr->matmul.activation) {
    case 0: return CINCH_CUDA_BIAS;
    case CINCH_OP_relu: return CINCH_CUDA_BIAS_RELU;
    case CINCH_OP_gelu_tanh: return strict ? CINCH_CUDA_EPILOGUES : CINCH_CUDA_BIAS_GELU;
    default: return CINCH_CUDA_EPILOGUES;
    }
}

static job job_of(const cinch_call *c)
{
    const cinch_tensor *a = &c->in[A], *b = &c->in[B];
    bool f32 = a->dtype == CINCH_F32 && b->dtype == CINCH_F32;
    job j = {.c = c, .product = {.m = c->out->dim[c->out->rank - 2], .n = c->out->dim[c->out->rank - 1],
                                 .k = a->dim[a->rank - (c->attr->matmul.transpose_a ? 2 : 1)],
                                 .transpose_a = c->attr->matmul.transpose_a, .transpose_b = c->attr->matmul.transpose_b,
                                 .type_a = a->dtype, .type_b = b->dtype, .type_d = c->out->dtype,
                                 .epilogue = epilogue_of(c), .tf32 = f32 && c->attr->matmul.tf32}};
    set_batch(&j);
    if (!cinch_tensor_count(c->out)) return j;
    stack_rows(&j);
    choose_axis(&j);
    return j;
}

/* The product alone, in f32 where something is still to be done with it. */
static cinch_cuda_product plain_product(const job *j)
{
    cinch_cuda_product p = j->product;
    p.epilogue = CINCH_CUDA_PLAIN;
    if (j->c->op != CINCH_OP_matmul) p.type_d = CINCH_F32;
    return p;
}

static bool needs_scratch(const cinch_call *c) { return c->op != CINCH_OP_matmul && c->out->dtype != CINCH_F32; }

/* --- planning ----------------------------------------------------------------------------------------------------- */

/* Operands of two types the library never multiplies. */
static bool worth_asking(const job *j)
{
    return j->product.k > 0 && j->product.type_a == j->product.type_b && j->product.batch <= INT32_MAX;
}

static cinch_status plan(cinch_backend *b, const cinch_call *c, size_t *scratch, size_t *saved)
{
    (void)saved;
    bool found = false;
    if (c->out->rank < 2) return cinch_fail(CINCH_INTERNAL, "matmul: a result of rank %d", c->out->rank);
    job j = job_of(c);
    if (!cinch_tensor_count(c->out) || !worth_asking(&j)) return CINCH_OK;
    if (j.product.epilogue < CINCH_CUDA_EPILOGUES) TRY(cinch_cuda_lt_plan(b, c, &j.product, &found));
    if (found || c->op == CINCH_OP_matmul) return CINCH_OK;
    cinch_cuda_product plain = plain_product(&j);
    TRY(cinch_cuda_lt_plan(b, c, &plain, &found));
    if (found && needs_scratch(c)) *scratch = (size_t)cinch_tensor_count(c->out) * sizeof(float);
    return CINCH_OK;
}

/* --- running ------------------------------------------------------------------------------------------------------ */

static bool aligned(const void *data) { return (uintptr_t)data % CINCH_CUDA_LT_ALIGNMENT == 0; }

/* Matrix number `at` of operand k, of which `data` is the first. */
static const void *matrix_at(const job *j, int k, const void *data, cinch_dtype dtype, int64_t at)
{
    int64_t matrix = cinch_grid_offset(&j->batch, k, j->batch.rank, at);
    return (const char *)data + (size_t)(matrix * j->size[k]) * cinch_dtype_size(dtype);
}

/* The first matrix of each group: `at` without the axis that goes in one call. */
static int64_t group_start(const job *j, int64_t group)
{
    int64_t inner = 1;
    for (int i = j->axis + 1; i < j->batch.rank; i++) inner *= j->batch.dim[i];
    return group / inner * inner * j->batch.dim[j->axis] + group % inner;
}

static cinch_cuda_operands group_operands(const job *j, const cinch_cuda_product *p, void *out, int64_t group)
{
    const cinch_tensor *in = j->c->in;
    int64_t at = group_start(j, group);
    return (cinch_cuda_operands){.a = matrix_at(j, A, in[A].data, in[A].dtype, at),
                                 .b = matrix_at(j, B, in[B].data, in[B].dtype, at),
                                 .bias = p->epilogue == CINCH_CUDA_PLAIN ? NULL : in[2].data,
                                 .d = (void *)matrix_at(j, OUT, out, (cinch_dtype)p->type_d, at)};
}

/* Has the library an algorithm for it, and can it take these addresses? */
static bool can_use(cinch_backend *b, const job *j, const cinch_cuda_product *p, void *out)
{
    if (!cinch_cuda_lt_has(cinch_cuda_of(b)->lt, p)) return false;
    for (int64_t g = 0; g < j->n_batch / p->batch; g++) {
        cinch_cuda_operands at = group_operands(j, p, out, g);
        if (!aligned(at.a) || !aligned(at.b) || !aligned(at.d) || !aligned(at.bias)) return false;
    }
    return true;
}

static cinch_status run_groups(cinch_backend *b, const job *j, const cinch_cuda_product *p, void *out)
{
    for (int64_t g = 0; g < j->n_batch / p->batch; g++) {
        cinch_cuda_operands at = group_operands(j, p, out, g);
        TRY(cinch_cuda_lt_run(b, j->c, p, &at));
    }
    return CINCH_OK;
}

static cinch_chain_step step_of(int op, int first, int second, const float param[2])
{
    return (cinch_chain_step){.op = (uint16_t)op, .operand = {(int8_t)first, (int8_t)second, -1},
                              .param = {param ? param[0] : 0, param ? param[1] : 0}};
}

/* out = activation(product + bias), element by element. */
static cinch_status finish(cinch_backend *b, const cinch_call *c, void *product)
{
    cinch_attr attr = {.chain = {.n_steps = c->attr->matmul.activation ? 2 : 1}};
    cinch_tensor in[2] = {*c->out, c->in[2]};
    cinch_call rest = {.op = CINCH_OP_chain, .attr = &attr, .n_in = 2, .n_out = 1, .in = in, .out = c->out};
    in[0].data = product;
    in[0].dtype = CINCH_F32;
    attr.chain.step[0] = step_of(CINCH_OP_add, 0, 1, NULL);
    attr.chain.step[1] = step_of(c->attr->matmul.activation, CINCH_CHAIN_INPUTS, -1, c->attr->matmul.param);
    return cinch_cuda_run_chain(b, &rest);
}

static cinch_status run_own(cinch_backend *b, const job *j)
{
    const cinch_call *c = j->c;
    cinch_cuda_matrices p = {.batch = j->batch, .n_batch = j->n_batch, .m = j->product.m, .n = j->product.n,
                             .k = j->product.k, .out = c->out->data, .type = c->out->dtype};
    const int32_t transpose[2] = {j->product.transpose_a, j->product.transpose_b};
    for (int k = A; k <= B; k++) {
        const cinch_tensor *t = &c->in[k];
        bool outer_is_row = transpose[k] == (k == B);
        int64_t row = t->dim[t->rank - 1];
        p.in[k] = (cinch_cuda_matrix){t->data, t->dtype, j->size[k], outer_is_row ? row : 1, outer_is_row ? 1 : row};
    }
    if (c->op == CINCH_OP_matmul_bias) {
        p.bias = c->in[2].data;
        p.bias_type = c->in[2].dtype;
        p.activation = c->attr->matmul.activation;
        memcpy(p.param, c->attr->matmul.param, sizeof p.param);
    }
    return cinch_cuda_multiply(b, c, &p);
}

static cinch_status run(cinch_backend *b, const cinch_call *c)
{
    if (!cinch_tensor_count(c->out)) return CINCH_OK;
    job j = job_of(c);
    if (can_use(b, &j, &j.product, c->out->data)) return run_groups(b, &j, &j.product, c->out->data);
    cinch_cuda_product plain = plain_product(&j);
    void *product = needs_scratch(c) ? c->scratch : c->out->data;
    if (c->op == CINCH_OP_matmul || !product || !can_use(b, &j, &plain, product)) return run_own(b, &j);
    TRY(run_groups(b, &j, &plain, product));
    return finish(b, c, product);
}

CINCH_CUDA_KERNEL(matmul, run, plan)
CINCH_CUDA_KERNEL(matmul_bias, run, plan)
