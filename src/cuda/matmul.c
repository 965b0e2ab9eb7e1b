/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matrix products. Three ways, tried in this order while planning, and found again while running by what was chosen:
 *
 *     cuBLASLt with all that the call asks for as its epilogue; with the bias alone, and ReLU after it, where its ReLU
 *     does not keep NaN;
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
    cinch_cuda_product product; /* without an epilogue */
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

enum { NO_EPILOGUE = -1 };

/* The one that does all that the call asks for. */
static int epilogue_of(const cinch_call *c)
{
    int activation = c->attr->matmul.activation;
    switch (c->op) {
    case CINCH_OP_matmul: return CINCH_CUDA_PLAIN;
    case CINCH_OP_matmul_sums: return CINCH_CUDA_SUMS;
    case CINCH_OP_matmul_bias_keep:
        return activation == CINCH_OP_gelu_tanh ? CINCH_CUDA_BIAS_GELU_KEEP : NO_EPILOGUE;
    case CINCH_OP_matmul_grad:
        if (activation == CINCH_OP_relu_grad) return CINCH_CUDA_RELU_GRAD;
        return activation == CINCH_OP_gelu_tanh_grad ? CINCH_CUDA_GELU_GRAD : NO_EPILOGUE;
    default:
        if (activation == CINCH_OP_relu) return CINCH_CUDA_BIAS_RELU;
        if (activation == CINCH_OP_gelu_tanh) return CINCH_CUDA_BIAS_GELU;
        return activation ? NO_EPILOGUE : CINCH_CUDA_BIAS;
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
                                 .tf32 = f32 && c->attr->matmul.tf32}};
    set_batch(&j);
    if (!cinch_tensor_count(c->out)) return j;
    stack_rows(&j);
    choose_axis(&j);
    return j;
}

/* Can the library be asked for it at all? Operands of two types it never multiplies, a bias and what GELU saw are of
   the result's type, and rows of the latter begin at multiples of eight elements. Its GELU is an approximation, which
   strict f32 does not take. */
static bool suits(const job *j, int epilogue)
{
    const cinch_call *c = j->c;
    const cinch_cuda_product *p = &j->product;
    bool exact = c->out->dtype == CINCH_F32 && !p->tf32, alike = c->n_in < 3 || c->in[2].dtype == c->out->dtype;
    if (p->k == 0 || p->type_a != p->type_b || p->batch > INT32_MAX) return false;
    switch (epilogue) {
    case NO_EPILOGUE: return false;
    case CINCH_CUDA_BIAS:
    case CINCH_CUDA_BIAS_RELU: return alike;
    case CINCH_CUDA_BIAS_GELU: return alike && !exact;
    case CINCH_CUDA_BIAS_GELU_KEEP:
    case CINCH_CUDA_GELU_GRAD: return alike && !exact && p->n % 8 == 0;
    case CINCH_CUDA_BIAS_RELU_MASK: return alike && j->n_batch == p->batch;
    case CINCH_CUDA_RELU_GRAD: return j->n_batch == p->batch;
    case CINCH_CUDA_SUMS: return c->out[1].dtype == c->out[0].dtype;
    default: return true;
    }
}

static cinch_cuda_product with_epilogue(const job *j, int epilogue)
{
    cinch_cuda_product p = j->product;
    bool mask = epilogue == CINCH_CUDA_BIAS_RELU_MASK || epilogue == CINCH_CUDA_RELU_GRAD;
    p.epilogue = epilogue;
    if (mask) p.aux_ld = cinch_cuda_lt_mask_bits(p.n);
    if (epilogue == CINCH_CUDA_BIAS_GELU_KEEP || epilogue == CINCH_CUDA_GELU_GRAD) p.aux_ld = p.n;
    if (p.aux_ld && p.batch > 1) p.aux_stride = p.aux_ld * p.m;
    return p;
}

/* The product alone, in f32 where something is still to be done with it that rounding would spoil. */
static cinch_dtype plain_type(const cinch_call *c)
{
    bool chooses = c->op == CINCH_OP_matmul_grad && c->attr->matmul.activation == CINCH_OP_relu_grad;
    return c->op == CINCH_OP_matmul || chooses ? c->out->dtype : CINCH_F32;
}

static cinch_cuda_product plain_product(const job *j)
{
    cinch_cuda_product p = with_epilogue(j, CINCH_CUDA_PLAIN);
    p.type_d = plain_type(j->c);
    return p;
}

static bool needs_scratch(const cinch_call *c) { return c->out->dtype != plain_type(c); }

/* --- planning ----------------------------------------------------------------------------------------------------- */

static cinch_status ask(cinch_backend *b, const job *j, int epilogue, bool *found)
{
    *found = false;
    if (!suits(j, epilogue)) return CINCH_OK;
    cinch_cuda_product p = with_epilogue(j, epilogue);
    return cinch_cuda_lt_plan(b, j->c, &p, found);
}

/* The mask is asked for besides: only running, it is known whether somebody reads it. */
static cinch_status plan_mask(cinch_backend *b, const job *j, size_t *saved)
{
    bool found = false;
    if (epilogue_of(j->c) != CINCH_CUDA_BIAS_RELU) return CINCH_OK;
    TRY(ask(b, j, CINCH_CUDA_BIAS_RELU_MASK, &found));
    if (found) *saved = (size_t)(cinch_cuda_lt_mask_bits(j->product.n) / 8 * j->product.m * j->product.batch);
    return CINCH_OK;
}

/* A gradient by mask does without the mask where the product before it saved none. */
static cinch_status plan(cinch_backend *b, const cinch_call *c, size_t *scratch, size_t *saved)
{
    bool found = false;
    if (c->out->rank < 2) return cinch_fail(CINCH_INTERNAL, "matmul: a result of rank %d", c->out->rank);
    job j = job_of(c);
    int epilogue = epilogue_of(c);
    if (!cinch_tensor_count(c->out)) return CINCH_OK;
    TRY(plan_mask(b, &j, saved));
    TRY(ask(b, &j, epilogue, &found));
    if (!found && epilogue == CINCH_CUDA_BIAS_RELU) TRY(ask(b, &j, CINCH_CUDA_BIAS, &found));
    if ((found && epilogue != CINCH_CUDA_RELU_GRAD) || c->op == CINCH_OP_matmul || !suits(&j, CINCH_CUDA_PLAIN))
        return CINCH_OK;
    cinch_cuda_product plain = plain_product(&j);
    TRY(cinch_cuda_lt_plan(b, c, &plain, &found));
    if (found && needs_scratch(c)) *scratch = (size_t)cinch_tensor_count(c->out) * sizeof(float);
    return CINCH_OK;
}

/* --- running ------------------------------------------------------------------------------------------------------ */

static bool aligned(const void *data) { return (uintptr_t)data % CINCH_CUDA_LT_ALIGNMENT == 0; }

/* Matrix number `at` of operand k, of which `data` is the first. */
static void *matrix_at(const job *j, int k, const void *data, cinch_dtype dtype, int64_t at)
{
    int64_t matrix = cinch_grid_offset(&j->batch, k, j->batch.rank, at);
    return (char *)data + (size_t)(matrix * j->size[k]) * cinch_dtype_size(dtype);
}

/* The first matrix of each group: `at` without the axis that goes in one call. */
static int64_t group_start(const job *j, int64_t group)
{
    int64_t inner = 1;
    for (int i = j->axis + 1; i < j->batch.rank; i++) inner *= j->batch.dim[i];
    return group / inner * inner * j->batch.dim[j->axis] + group % inner;
}

/* What the epilogue reads or writes besides; `at` is the group's first matrix. */
static void add_extras(const job *j, int epilogue, int64_t at, cinch_cuda_operands *to)
{
    const cinch_call *c = j->c;
    switch (epilogue) {
    case CINCH_CUDA_PLAIN: break;
    case CINCH_CUDA_SUMS: to->bias = c->out[1].data; break;
    case CINCH_CUDA_RELU_GRAD: to->aux = c->saved; break;
    case CINCH_CUDA_GELU_GRAD: to->aux = matrix_at(j, OUT, c->in[2].data, c->in[2].dtype, at); break;
    case CINCH_CUDA_BIAS_RELU_MASK:
        to->aux = c->saved;
        to->bias = c->in[2].data;
        break;
    case CINCH_CUDA_BIAS_GELU_KEEP:
        to->aux = matrix_at(j, OUT, c->out[0].data, c->out[0].dtype, at);
        to->bias = c->in[2].data;
        break;
    default: to->bias = c->in[2].data;
    }
}

static cinch_cuda_operands group_operands(const job *j, const cinch_cuda_product *p, void *out, int64_t group)
{
    const cinch_tensor *in = j->c->in;
    int64_t at = group_start(j, group);
    cinch_cuda_operands to = {.a = matrix_at(j, A, in[A].data, in[A].dtype, at),
                              .b = matrix_at(j, B, in[B].data, in[B].dtype, at),
                              .d = matrix_at(j, OUT, out, (cinch_dtype)p->type_d, at)};
    add_extras(j, p->epilogue, at, &to);
    return to;
}

/* Has the library an algorithm for it, and can it take these addresses? */
static bool can_use(cinch_backend *b, const job *j, const cinch_cuda_product *p, void *out)
{
    if (!cinch_cuda_lt_has(cinch_cuda_of(b)->lt, p)) return false;
    for (int64_t g = 0; g < j->n_batch / p->batch; g++) {
        cinch_cuda_operands at = group_operands(j, p, out, g);
        if (!aligned(at.a) || !aligned(at.b) || !aligned(at.d) || !aligned(at.bias) || !aligned(at.aux)) return false;
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

/* Runs the product with the epilogue, and says so, if the library can. */
static cinch_status try_epilogue(cinch_backend *b, const job *j, int epilogue, void *out, bool *done)
{
    *done = false;
    if (!suits(j, epilogue)) return CINCH_OK;
    cinch_cuda_product p = with_epilogue(j, epilogue);
    *done = can_use(b, j, &p, out);
    return *done ? run_groups(b, j, &p, out) : CINCH_OK;
}

static cinch_chain_step step_of(int op, int first, int second, const float param[2])
{
    return (cinch_chain_step){.op = (uint16_t)op, .operand = {(int8_t)first, (int8_t)second, -1},
                              .param = {param ? param[0] : 0, param ? param[1] : 0}};
}

/* out = activation(product + bias) or activation(product, seen), element by element. */
static cinch_status finish(cinch_backend *b, const cinch_call *c, void *product)
{
    const float *param = c->attr->matmul.param;
    int activation = c->attr->matmul.activation;
    cinch_attr attr = {.chain = {.n_steps = 1}};
    cinch_tensor in[2] = {*c->out, c->in[2]};
    cinch_call rest = {.op = CINCH_OP_chain, .attr = &attr, .n_in = 2, .n_out = 1, .in = in, .out = c->out};
    in[0].data = product;
    in[0].dtype = plain_type(c);
    if (c->op == CINCH_OP_matmul_grad) {
        attr.chain.step[0] = step_of(activation, 0, 1, param);
    } else {
        attr.chain.step[0] = step_of(CINCH_OP_add, 0, 1, NULL);
        attr.chain.step[1] = step_of(activation, CINCH_CHAIN_INPUTS, -1, param);
        if (activation) attr.chain.n_steps = 2;
    }
    return cinch_cuda_run_chain(b, &rest);
}

/* ReLU after the library's product and bias. What is stored may be rounded before it as well as behind it. */
static cinch_status try_relu(cinch_backend *b, const job *j, bool *done)
{
    cinch_attr attr = {.scalars = {{0, 0}}};
    cinch_tensor *out = j->c->out;
    cinch_call rest = {.op = CINCH_OP_relu, .attr = &attr, .n_in = 1, .n_out = 1, .in = out, .out = out};
    TRY(try_epilogue(b, j, CINCH_CUDA_BIAS, out->data, done));
    return *done ? cinch_cuda_run_elementwise(b, &rest) : CINCH_OK;
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
    if (c->op == CINCH_OP_matmul_bias) p.bias = c->in[2].data, p.bias_type = c->in[2].dtype;
    if (c->op == CINCH_OP_matmul_grad) p.seen = c->in[2].data, p.seen_type = c->in[2].dtype;
    if (c->op != CINCH_OP_matmul) p.activation = c->attr->matmul.activation;
    memcpy(p.param, c->attr->matmul.param, sizeof p.param);
    return cinch_cuda_multiply(b, c, &p);
}

/* What saves a mask, or reads one. */
static cinch_status try_mask(cinch_backend *b, const job *j, bool *done)
{
    cinch_cuda_lt *lt = cinch_cuda_of(b)->lt;
    bool writes = j->c->op == CINCH_OP_matmul_bias;
    *done = false;
    if (!j->c->saved || !cinch_cuda_lt_has_masks(lt)) return CINCH_OK;
    int epilogue = writes ? CINCH_CUDA_BIAS_RELU_MASK : CINCH_CUDA_RELU_GRAD;
    TRY(try_epilogue(b, j, epilogue, j->c->out->data, done));
    if (writes && !*done) cinch_cuda_lt_lose_masks(lt);
    return CINCH_OK;
}

static cinch_status run(cinch_backend *b, const cinch_call *c)
{
    bool done;
    if (!cinch_tensor_count(c->out)) return CINCH_OK;
    job j = job_of(c);
    int epilogue = epilogue_of(c);
    TRY(try_mask(b, &j, &done));
    if (!done && epilogue != CINCH_CUDA_RELU_GRAD) TRY(try_epilogue(b, &j, epilogue, c->out->data, &done));
    if (!done && epilogue == CINCH_CUDA_BIAS_RELU) TRY(try_relu(b, &j, &done));
    if (done) return CINCH_OK;
    cinch_cuda_product plain = plain_product(&j);
    void *product = needs_scratch(c) ? c->scratch : c->out->data;
    if (c->op == CINCH_OP_matmul || !product || !can_use(b, &j, &plain, product)) return run_own(b, &j);
    TRY(run_groups(b, &j, &plain, product));
    return finish(b, c, product);
}

CINCH_CUDA_KERNEL(matmul, run, plan)
CINCH_CUDA_KERNEL(matmul_bias, run, plan)
CINCH_CUDA_KERNEL(matmul_grad, run, plan)

/* --- two results: with an epilogue in one go, else as two calls --------------------------------------------------- */

/* The parts of a call: the product, and what makes the second result. */
typedef struct parts {
    cinch_attr attr[2];
    cinch_call first, second;
} parts;

static void set_parts(parts *p, const cinch_call *c)
{
    p->first = p->second = *c;
    p->attr[0] = *c->attr;
    p->attr[0].matmul.activation = 0;
    p->first.attr = &p->attr[0];
    p->second.attr = &p->attr[1];
    p->first.n_out = p->second.n_out = p->second.n_in = 1;
    p->first.saved = p->second.saved = NULL;
    p->second.out = &c->out[1];
    p->attr[1] = (cinch_attr){.scalars = {{0, 0}}};
    if (c->op == CINCH_OP_matmul_sums) {
        int8_t axis = c->attr->matmul.transpose_a ? 0 : 1;
        p->first.op = CINCH_OP_matmul;
        p->second.op = CINCH_OP_sum;
        p->attr[1].axis.first = p->attr[1].axis.last = axis;
    } else {
        p->first.op = CINCH_OP_matmul_bias;
        p->second.op = (cinch_op)c->attr->matmul.activation;
        p->second.in = c->out;
        memcpy(p->attr[1].scalars.v, c->attr->matmul.param, sizeof p->attr[1].scalars.v);
    }
}

static cinch_status plan_two(cinch_backend *b, const cinch_call *c, size_t *scratch, size_t *saved)
{
    bool found = false;
    size_t more = 0;
    parts p;
    set_parts(&p, c);
    if (cinch_tensor_count(c->out)) {
        job j = job_of(c);
        TRY(ask(b, &j, epilogue_of(c), &found));
    }
    if (!found) TRY(plan(b, &p.first, scratch, saved));
    if (c->op == CINCH_OP_matmul_sums) TRY(cinch_cuda_plan_sum(b, &p.second, &more, saved));
    if (more > *scratch) *scratch = more;
    return CINCH_OK;
}

static cinch_status run_two(cinch_backend *b, const cinch_call *c)
{
    bool done = false;
    parts p;
    set_parts(&p, c);
    if (cinch_tensor_count(c->out)) {
        job j = job_of(c);
        bool keeps = c->op == CINCH_OP_matmul_bias_keep;
        TRY(try_epilogue(b, &j, epilogue_of(c), c->out[keeps].data, &done));
    }
    if (done) return CINCH_OK;
    TRY(run(b, &p.first));
    return p.second.op == CINCH_OP_sum ? cinch_cuda_run_sum(b, &p.second) : cinch_cuda_run_elementwise(b, &p.second);
}

CINCH_CUDA_KERNEL(matmul_bias_keep, run_two, plan_two)
CINCH_CUDA_KERNEL(matmul_sums, run_two, plan_two)
