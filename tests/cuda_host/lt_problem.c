/* SPDX-License-Identifier: Apache-2.0 */
/* From descriptors to a product: what the documentation of cublasLtMatmul and of its attributes demands. */
#include "lt.h"

#include <limits.h>
#include <string.h>

#define DO_WITHOUT_IF(condition)                           \
    do {                                                   \
        if (condition) return CUBLAS_STATUS_NOT_SUPPORTED; \
    } while (0)
#define REFUSE_IF(condition, ...)                               \
    do {                                                        \
        if (condition) return cuda_host_lt_refuse(__VA_ARGS__); \
    } while (0)

static const double MOST = 0x1p48; /* elements, so that nothing overflows */

/* --- one matrix --------------------------------------------------------------------------------------------------- */

static uint64_t size_of(int64_t type) { return type == CUDA_R_16BF ? 2 : 4; }

/* ld 0 repeats the first column (or row): only C may do so. */
static cublasStatus_t check_layout(char name, const cuda_host_lt_layout *x)
{
    REFUSE_IF(!x || x->magic != CUDA_HOST_LT_LAYOUT, "%c has no layout", name);
    DO_WITHOUT_IF(x->type != CUDA_R_32F && x->type != CUDA_R_16BF);
    DO_WITHOUT_IF(x->order != CUBLASLT_ORDER_COL && x->order != CUBLASLT_ORDER_ROW);
    DO_WITHOUT_IF(x->mode != CUBLASLT_BATCH_MODE_STRIDED || x->plane);
    REFUSE_IF(!x->rows || !x->cols, "%c is empty", name);
    DO_WITHOUT_IF(x->rows > INT_MAX || x->cols > INT_MAX);
    int64_t least = (int64_t)(x->order == CUBLASLT_ORDER_COL ? x->rows : x->cols);
    REFUSE_IF(x->ld < least && !(name == 'C' && x->ld == 0), "ld %lld of %c is less than %lld", (long long)x->ld, name,
              (long long)least);
    REFUSE_IF(x->batch < 1, "%d batches of %c", x->batch, name);
    REFUSE_IF(x->stride < 0, "stride %lld of %c's batches", (long long)x->stride, name);
    DO_WITHOUT_IF((double)x->ld * (double)x->rows * (double)x->cols + (double)x->stride * x->batch > MOST);
    return CUBLAS_STATUS_SUCCESS;
}

static cuda_host_lt_operand operand_of(const cuda_host_lt_layout *x, bool transposed)
{
    int64_t rows = (int64_t)x->rows, cols = (int64_t)x->cols, batch = x->batch > 1 ? x->stride : 0;
    int64_t row = x->order == CUBLASLT_ORDER_COL ? 1 : x->ld, col = x->order == CUBLASLT_ORDER_COL ? x->ld : 1;
    uint64_t last = (uint64_t)((rows - 1) * row + (cols - 1) * col + (x->batch - 1) * batch);
    cuda_host_lt_operand o = { .rows = rows,
                               .cols = cols,
                               .row = row,
                               .col = col,
                               .batch = batch,
                               .type = x->type,
                               .bytes = (last + 1) * size_of(x->type) };
    if (transposed) o.rows = cols, o.cols = rows, o.row = col, o.col = row;
    return o;
}

/* Batches follow each other, or lie side by side within a column (row). */
static bool overlaps_itself(const cuda_host_lt_layout *x)
{
    bool column = x->order == CUBLASLT_ORDER_COL;
    int64_t inner = (int64_t)(column ? x->rows : x->cols), outer = (int64_t)(column ? x->cols : x->rows);
    bool one_after_another = x->stride >= (outer - 1) * x->ld + inner;
    bool side_by_side = x->stride >= inner && (x->batch - 1) * x->stride + inner <= x->ld;
    return x->batch > 1 && !one_after_another && !side_by_side;
}

/* --- the operation ------------------------------------------------------------------------------------------------ */

static bool is_operation(int32_t operation)
{
    return operation == CUBLAS_OP_N || operation == CUBLAS_OP_T || operation == CUBLAS_OP_C;
}

/* What is for types and modes that are not offered here. */
static cublasStatus_t check_unused(const cuda_host_lt_desc *x)
{
    for (int i = 0; i < 8; i++) REFUSE_IF(x->scales[i], "a factor or maximum that these types do not have");
    for (int i = 0; i < 6; i++) REFUSE_IF(x->scale_mode[i], "a mode of scaling that these types do not have");
    REFUSE_IF(x->alpha_stride, "alpha has a stride but is no vector");
    DO_WITHOUT_IF(x->emulation);
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t check_desc(const cuda_host_lt_desc *x)
{
    REFUSE_IF(!x || x->magic != CUDA_HOST_LT_DESC, "there is no operation");
    REFUSE_IF(!is_operation(x->trans_a) || !is_operation(x->trans_b), "transposes %d and %d", x->trans_a, x->trans_b);
    DO_WITHOUT_IF(x->trans_c != CUBLAS_OP_N || x->fill != CUBLAS_FILL_MODE_FULL);
    DO_WITHOUT_IF(x->pointer_mode != CUBLASLT_POINTER_MODE_HOST && x->pointer_mode != CUBLASLT_POINTER_MODE_DEVICE);
    return check_unused(x);
}

/* Table 1 of cublasLtMatmul, as far as it is offered here. */
static cublasStatus_t check_types(const cuda_host_lt_problem *p, const cuda_host_lt_desc *desc)
{
    bool plain = desc->compute == CUBLAS_COMPUTE_32F || desc->compute == CUBLAS_COMPUTE_32F_PEDANTIC;
    DO_WITHOUT_IF(!plain && desc->compute != CUBLAS_COMPUTE_32F_FAST_TF32);
    DO_WITHOUT_IF(desc->scale != CUDA_R_32F || p->a.type != p->b.type);
    DO_WITHOUT_IF(p->a.type == CUDA_R_32F && p->d.type != CUDA_R_32F);
    DO_WITHOUT_IF(!plain && p->a.type != CUDA_R_32F);
    REFUSE_IF(p->c.type != p->d.type, "C and D are of two types");
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t check_sizes(const cuda_host_lt_problem *p)
{
    REFUSE_IF(p->a.rows != p->m || p->b.cols != p->n || p->a.cols != p->b.rows,
              "[%lld, %lld] times [%lld, %lld] is not [%lld, %lld]", (long long)p->a.rows, (long long)p->a.cols,
              (long long)p->b.rows, (long long)p->b.cols, (long long)p->m, (long long)p->n);
    REFUSE_IF(p->c.rows != p->m || p->c.cols != p->n, "C is [%lld, %lld] but D [%lld, %lld]", (long long)p->c.rows,
              (long long)p->c.cols, (long long)p->m, (long long)p->n);
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t check_batches(const cuda_host_lt_layout *a, const cuda_host_lt_layout *b,
                                    const cuda_host_lt_layout *c, const cuda_host_lt_layout *d)
{
    REFUSE_IF(a->batch != d->batch || b->batch != d->batch || c->batch != d->batch, "batches of %d, %d, %d and %d",
              a->batch, b->batch, c->batch, d->batch);
    REFUSE_IF(overlaps_itself(d), "D overlaps itself: %d batches every %lld elements, ld %lld", d->batch,
              (long long)d->stride, (long long)d->ld);
    REFUSE_IF(c->order != d->order, "C and D are of two orders");
    return CUBLAS_STATUS_SUCCESS;
}

/* --- epilogues ---------------------------------------------------------------------------------------------------- */

static bool is_epilogue(uint32_t e)
{
    switch (e) {
    case CUBLASLT_EPILOGUE_DEFAULT:
    case CUBLASLT_EPILOGUE_BIAS:
    case CUBLASLT_EPILOGUE_RELU:
    case CUBLASLT_EPILOGUE_RELU_BIAS:
    case CUBLASLT_EPILOGUE_RELU_AUX:
    case CUBLASLT_EPILOGUE_RELU_AUX_BIAS:
    case CUBLASLT_EPILOGUE_GELU:
    case CUBLASLT_EPILOGUE_GELU_BIAS:
    case CUBLASLT_EPILOGUE_GELU_AUX:
    case CUBLASLT_EPILOGUE_GELU_AUX_BIAS:
    case CUBLASLT_EPILOGUE_DRELU:
    case CUBLASLT_EPILOGUE_DRELU_BGRAD:
    case CUBLASLT_EPILOGUE_DGELU:
    case CUBLASLT_EPILOGUE_DGELU_BGRAD:
    case CUBLASLT_EPILOGUE_BGRADA:
    case CUBLASLT_EPILOGUE_BGRADB: return true;
    default: return false;
    }
}

/* Only the gradient of A's bias goes with D in row order; gradients from A and B want k to be the outer axis; the
   gradients of ReLU and GELU want more than one k. */
static bool is_offered(const cuda_host_lt_problem *p, const cuda_host_lt_layout *d)
{
    uint32_t e = p->epilogue;
    if (e == CUBLASLT_EPILOGUE_DEFAULT) return true;
    if (d->order == CUBLASLT_ORDER_ROW && e != CUBLASLT_EPILOGUE_BGRADA) return false;
    if (e & CUDA_HOST_LT_BACKWARD && p->k == 1) return false;
    if (e == CUBLASLT_EPILOGUE_BGRADA) return p->a.row == 1;
    if (e == CUBLASLT_EPILOGUE_BGRADB) return p->b.col == 1;
    return true;
}

static cublasStatus_t take_bias(cuda_host_lt_problem *p, const cuda_host_lt_desc *desc)
{
    int64_t length = p->epilogue == CUBLASLT_EPILOGUE_BGRADB ? p->n : p->m, stride = desc->bias_stride;
    bool written = !(p->epilogue & CUDA_HOST_LT_BIAS);
    DO_WITHOUT_IF(desc->bias_type != -1 && desc->bias_type != p->d.type);
    REFUSE_IF(stride < 0 || (double)stride * (double)p->batch > MOST, "stride %lld of the bias", (long long)stride);
    REFUSE_IF(written && p->batch > 1 && stride < length, "the batches' bias gradients overlap");
    p->bias_stride = p->batch > 1 ? stride : 0;
    p->bias_bytes = (uint64_t)(length + (p->batch - 1) * p->bias_stride) * size_of(p->d.type);
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t take_aux(cuda_host_lt_problem *p, const cuda_host_lt_desc *desc)
{
    bool masks = p->epilogue & CUDA_HOST_LT_MASKS, written = !(p->epilogue & CUDA_HOST_LT_BACKWARD);
    int64_t unit = masks ? 128 : 8, ld = desc->aux_ld, stride = desc->aux_stride;
    int64_t type = masks ? -1 : p->d.type;
    REFUSE_IF(!desc->aux, "this epilogue has an auxiliary buffer, whose address even the search needs");
    REFUSE_IF(desc->aux_type != -1 && desc->aux_type != type, "type %d of the auxiliary buffer", desc->aux_type);
    REFUSE_IF(ld < p->m || ld % unit || (double)ld * (double)p->n > MOST,
              "ld %lld of the auxiliary buffer for %lld rows: units of %lld", (long long)ld, (long long)p->m,
              (long long)unit);
    REFUSE_IF(stride < 0 || stride % unit || (double)stride * (double)p->batch > MOST,
              "stride %lld of the auxiliary buffer", (long long)stride);
    REFUSE_IF(written && p->batch > 1 && stride < (p->n - 1) * ld + p->m, "the batches' auxiliary outputs overlap");
    p->aux_ld = ld;
    p->aux_stride = p->batch > 1 ? stride : 0;
    int64_t length = (p->batch - 1) * p->aux_stride + (p->n - 1) * ld + (masks ? (p->m + 127) / 128 * 128 : p->m);
    p->aux_bytes = masks ? (uint64_t)length / 8 : (uint64_t)length * size_of(p->d.type);
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t take_epilogue(cuda_host_lt_problem *p, const cuda_host_lt_desc *desc,
                                    const cuda_host_lt_layout *d)
{
    p->epilogue = desc->epilogue;
    REFUSE_IF(!is_epilogue(p->epilogue), "there is no epilogue %u", p->epilogue);
    DO_WITHOUT_IF(!is_offered(p, d));
    if (p->epilogue & CUDA_HOST_LT_USES_BIAS) CUDA_HOST_LT_TRY(take_bias(p, desc));
    if (p->epilogue & CUDA_HOST_LT_AUX) CUDA_HOST_LT_TRY(take_aux(p, desc));
    return CUBLAS_STATUS_SUCCESS;
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static bool are_equal(const cuda_host_lt_layout *x, const cuda_host_lt_layout *y)
{
    return x->ld == y->ld && (x->batch == 1 || x->stride == y->stride); /* the rest is checked for every C and D */
}

cublasStatus_t cuda_host_lt_describe(cuda_host_lt_problem *p, cublasLtMatmulDesc_t desc_, cublasLtMatrixLayout_t a_,
                                     cublasLtMatrixLayout_t b_, cublasLtMatrixLayout_t c_, cublasLtMatrixLayout_t d_)
{
    const cuda_host_lt_desc *desc = (const void *)desc_;
    const cuda_host_lt_layout *a = (const void *)a_, *b = (const void *)b_, *c = (const void *)c_,
                              *d = (const void *)d_;
    memset(p, 0, sizeof *p); /* its bytes are hashed */
    CUDA_HOST_LT_TRY(check_desc(desc));
    CUDA_HOST_LT_TRY(check_layout('A', a));
    CUDA_HOST_LT_TRY(check_layout('B', b));
    CUDA_HOST_LT_TRY(check_layout('C', c));
    CUDA_HOST_LT_TRY(check_layout('D', d));
    p->a = operand_of(a, desc->trans_a != CUBLAS_OP_N);
    p->b = operand_of(b, desc->trans_b != CUBLAS_OP_N);
    p->c = operand_of(c, false);
    p->d = operand_of(d, false);
    p->m = p->d.rows, p->n = p->d.cols, p->k = p->a.cols, p->batch = d->batch;
    p->compute = desc->compute;
    p->pointer_mode = desc->pointer_mode;
    p->in_place = are_equal(c, d);
    CUDA_HOST_LT_TRY(check_types(p, desc));
    CUDA_HOST_LT_TRY(check_sizes(p));
    CUDA_HOST_LT_TRY(check_batches(a, b, c, d));
    return take_epilogue(p, desc, d);
}
