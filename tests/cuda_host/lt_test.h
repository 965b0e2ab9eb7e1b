/* SPDX-License-Identifier: Apache-2.0 */
/* A product to try on the stand-in for cuBLASLt: its matrices on both sides, and its descriptors. */
#ifndef CINCH_TESTS_CUDA_HOST_LT_TEST_H
#define CINCH_TESTS_CUDA_HOST_LT_TEST_H

#include "cuda_host.h"

#include <criterion/criterion.h>
#include <cublasLt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OK(call) cr_assert_eq((int)(call), 0, "%s", #call)

/* Not what anything computes. */
static const float UNTOUCHED = 12345;

/* --- numbers ------------------------------------------------------------------------------------------------------ */

static inline double round_to(double x, int bits, double (*nearest)(double))
{
    int exponent;
    double fraction = frexp(x, &exponent);
    return x == 0 || !isfinite(x) ? x : ldexp(nearest(ldexp(fraction, bits)), exponent - bits);
}

static inline float to_bf16(float x) { return (float)round_to(x, 8, rint); }
static inline float to_tf32(float x) { return (float)round_to(x, 11, round); }

static inline float any_number(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (float)((int64_t)(*state >> 40) - (1 << 23)) / (1 << 23);
}

/* --- matrices ----------------------------------------------------------------------------------------------------- */

typedef struct matrix {
    cudaDataType_t type;
    int order, batch;
    int64_t rows, cols, ld, stride;
    int64_t count; /* elements, gaps included */
    float *host;   /* what is on the device, as f32 */
    void *device;
} matrix;

static inline int64_t place(const matrix *x, int64_t i, int64_t j, int64_t b)
{
    return (x->order == CUBLASLT_ORDER_COL ? i + j * x->ld : i * x->ld + j) + b * x->stride;
}

static inline size_t element_size(cudaDataType_t type) { return type == CUDA_R_16BF ? 2 : 4; }

static inline void upload(const matrix *x)
{
    size_t size = element_size(x->type);
    char *bytes = malloc((size_t)x->count * size);
    for (int64_t i = 0; i < x->count; i++) /* little endian: bf16 is the upper half */
        memcpy(bytes + (size_t)i * size, (char *)&x->host[i] + 4 - size, size);
    OK(cudaMemcpy(x->device, bytes, (size_t)x->count * size, cudaMemcpyHostToDevice));
    free(bytes);
}

static inline void download(const matrix *x)
{
    size_t size = element_size(x->type);
    char *bytes = malloc((size_t)x->count * size);
    OK(cudaMemcpy(bytes, x->device, (size_t)x->count * size, cudaMemcpyDeviceToHost));
    memset(x->host, 0, (size_t)x->count * 4);
    for (int64_t i = 0; i < x->count; i++) memcpy((char *)&x->host[i] + 4 - size, bytes + (size_t)i * size, size);
    free(bytes);
}

/* Both sides' memory, filled with numbers or UNTOUCHED. */
static inline void allocate(matrix *x, uint64_t *numbers)
{
    float untouched = x->type == CUDA_R_16BF ? to_bf16(UNTOUCHED) : UNTOUCHED;
    x->host = malloc((size_t)x->count * sizeof *x->host);
    for (int64_t i = 0; i < x->count; i++) {
        x->host[i] = numbers ? any_number(numbers) : untouched;
        if (x->type == CUDA_R_16BF) x->host[i] = to_bf16(x->host[i]);
    }
    OK(cudaMalloc(&x->device, (size_t)x->count * element_size(x->type)));
    upload(x);
}

static inline void release(matrix *x)
{
    free(x->host);
    OK(cudaFree(x->device));
}

/* --- trials ------------------------------------------------------------------------------------------------------- */

typedef enum { NO_C, OTHER_C, C_IS_D, REPEATED_C } use_of_c;

typedef struct trial {
    int64_t m, n, k, gap; /* gap: what leading dimensions and strides are larger than they need to be */
    bool trans_a, trans_b, share_a, share_b, side_by_side, share_bias, device_scalars;
    int order_a, order_b, order_d, batch, algorithm;
    cudaDataType_t in, out;
    cublasComputeType_t compute;
    uint32_t epilogue;
    use_of_c c_use;
    float alpha, beta;

    matrix a, b, c, d, bias, aux;
    unsigned char *mask; /* on the host, [batch][n][aux.ld / 8] */
    int64_t mask_bytes;
    cublasLtHandle_t handle;
    cublasLtMatmulDesc_t desc;
    cublasLtMatrixLayout_t layout_a, layout_b, layout_c, layout_d;
    cublasLtMatmulPreference_t preference;
    cublasLtMatmulHeuristicResult_t found[4];
    int n_found;
    void *workspace, *scalars;
    uint64_t workspace_size;
    cudaStream_t stream;
} trial;

static inline bool has_bias(const trial *t) { return t->epilogue & (4 | 16 | 256 | 512); }
static inline bool writes_bias(const trial *t) { return t->epilogue & (16 | 256 | 512); }
static inline bool has_aux(const trial *t) { return t->epilogue & 128; }
static inline bool has_mask(const trial *t) { return has_aux(t) && t->epilogue & (2 | 8); }
static inline bool reads_aux(const trial *t) { return t->epilogue & (8 | 64); }

static inline matrix new_matrix(const trial *t, cudaDataType_t type, int order, int64_t rows, int64_t cols, bool share)
{
    matrix x = { .type = type, .order = order, .batch = t->batch, .rows = rows, .cols = cols };
    int64_t inner = order == CUBLASLT_ORDER_COL ? rows : cols, outer = order == CUBLASLT_ORDER_COL ? cols : rows;
    x.ld = inner + t->gap;
    x.stride = t->batch == 1 || share ? 0 : x.ld * outer + t->gap;
    x.count = (t->batch - 1) * x.stride + x.ld * outer;
    return x;
}

static inline void allocate_mask(trial *t, uint64_t *numbers)
{
    t->aux.ld = (t->m + 127) / 128 * 128;
    t->aux.stride = t->batch == 1 ? 0 : t->aux.ld * t->n + (t->gap ? 128 : 0);
    t->mask_bytes = ((t->batch - 1) * t->aux.stride + t->n * t->aux.ld) / 8;
    t->mask = malloc((size_t)t->mask_bytes);
    for (int64_t i = 0; i < t->mask_bytes; i++) t->mask[i] = (unsigned char)(128 * any_number(numbers));
    OK(cudaMalloc(&t->aux.device, (size_t)t->mask_bytes));
    OK(cudaMemcpy(t->aux.device, t->mask, (size_t)t->mask_bytes, cudaMemcpyHostToDevice));
}

static inline void allocate_aux(trial *t, uint64_t *numbers)
{
    t->aux = (matrix){ .type = t->out, .order = CUBLASLT_ORDER_COL, .batch = t->batch, .rows = t->m, .cols = t->n };
    t->aux.ld = (t->m + 7 + t->gap) / 8 * 8;
    t->aux.stride = t->batch == 1 ? 0 : t->aux.ld * t->n + (t->gap ? 8 : 0);
    t->aux.count = (t->batch - 1) * t->aux.stride + t->n * t->aux.ld;
    allocate(&t->aux, reads_aux(t) ? numbers : NULL);
}

static inline void make_matrices(trial *t)
{
    uint64_t numbers = 1;
    int64_t length = t->epilogue == CUBLASLT_EPILOGUE_BGRADB ? t->n : t->m;
    t->a = new_matrix(t, t->in, t->order_a, t->trans_a ? t->k : t->m, t->trans_a ? t->m : t->k, t->share_a);
    t->b = new_matrix(t, t->in, t->order_b, t->trans_b ? t->n : t->k, t->trans_b ? t->k : t->n, t->share_b);
    t->d = new_matrix(t, t->out, t->order_d, t->m, t->n, false);
    if (t->side_by_side) {
        int64_t inner = t->order_d == CUBLASLT_ORDER_COL ? t->m : t->n;
        t->d.stride = inner + t->gap, t->d.ld = t->d.stride * t->batch;
        t->d.count = t->d.ld * (t->order_d == CUBLASLT_ORDER_COL ? t->n : t->m);
    }
    t->c = t->d;
    if (t->c_use == REPEATED_C)
        t->c.ld = 0, t->c.stride = 0, t->c.count = t->order_d == CUBLASLT_ORDER_COL ? t->m : t->n;
    allocate(&t->a, &numbers);
    allocate(&t->b, &numbers);
    allocate(&t->d, t->c_use == C_IS_D ? &numbers : NULL);
    if (t->c_use == OTHER_C || t->c_use == REPEATED_C) allocate(&t->c, &numbers);
    if (has_bias(t)) {
        t->bias =
            (matrix){ .type = t->out, .ld = length, .stride = t->batch == 1 || t->share_bias ? 0 : length + t->gap };
        t->bias.count = length + (t->batch - 1) * t->bias.stride;
        allocate(&t->bias, writes_bias(t) ? NULL : &numbers);
    }
    if (has_mask(t))
        allocate_mask(t, &numbers);
    else if (has_aux(t))
        allocate_aux(t, &numbers);
}

#define SET_DESC(t, name, value) \
    OK(cublasLtMatmulDescSetAttribute((t)->desc, CUBLASLT_MATMUL_DESC_##name, &(value), sizeof(value)))
#define SET_LAYOUT(layout, name, value) \
    OK(cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_##name, &(value), sizeof(value)))
#define SET_PREFERENCE(t, name, value) \
    OK(cublasLtMatmulPreferenceSetAttribute((t)->preference, CUBLASLT_MATMUL_PREF_##name, &(value), sizeof(value)))

static inline cublasLtMatrixLayout_t make_layout(const matrix *x)
{
    cublasLtMatrixLayout_t layout;
    int32_t order = x->order, batch = x->batch;
    OK(cublasLtMatrixLayoutCreate(&layout, x->type, (uint64_t)x->rows, (uint64_t)x->cols, x->ld));
    SET_LAYOUT(layout, ORDER, order);
    SET_LAYOUT(layout, BATCH_COUNT, batch);
    SET_LAYOUT(layout, STRIDED_BATCH_OFFSET, x->stride);
    return layout;
}

static inline void make_desc(trial *t)
{
    int32_t trans_a = t->trans_a ? CUBLAS_OP_T : CUBLAS_OP_N, trans_b = t->trans_b ? CUBLAS_OP_T : CUBLAS_OP_N;
    int32_t mode = t->device_scalars ? CUBLASLT_POINTER_MODE_DEVICE : CUBLASLT_POINTER_MODE_HOST;
    OK(cublasLtMatmulDescCreate(&t->desc, t->compute, CUDA_R_32F));
    SET_DESC(t, TRANSA, trans_a);
    SET_DESC(t, TRANSB, trans_b);
    SET_DESC(t, EPILOGUE, t->epilogue);
    SET_DESC(t, POINTER_MODE, mode);
    SET_DESC(t, BIAS_POINTER, t->bias.device);
    SET_DESC(t, BIAS_BATCH_STRIDE, t->bias.stride);
    SET_DESC(t, EPILOGUE_AUX_POINTER, t->aux.device);
    SET_DESC(t, EPILOGUE_AUX_LD, t->aux.ld);
    SET_DESC(t, EPILOGUE_AUX_BATCH_STRIDE, t->aux.stride);
}

static inline void make_trial(trial *t)
{
    float scalars[2] = { t->alpha, t->beta };
    make_matrices(t);
    OK(cublasLtCreate(&t->handle));
    make_desc(t);
    t->layout_a = make_layout(&t->a);
    t->layout_b = make_layout(&t->b);
    t->layout_c = make_layout(&t->c);
    t->layout_d = make_layout(&t->d);
    OK(cublasLtMatmulPreferenceCreate(&t->preference));
    t->workspace_size = 1 << 14;
    SET_PREFERENCE(t, MAX_WORKSPACE_BYTES, t->workspace_size);
    OK(cudaMalloc(&t->workspace, t->workspace_size));
    OK(cudaMalloc(&t->scalars, sizeof scalars));
    OK(cudaMemcpy(t->scalars, scalars, sizeof scalars, cudaMemcpyHostToDevice));
    OK(cudaStreamCreate(&t->stream));
}

static inline void end_trial(trial *t)
{
    release(&t->a);
    release(&t->b);
    if (t->c_use == OTHER_C || t->c_use == REPEATED_C) release(&t->c);
    release(&t->d);
    release(&t->bias);
    release(&t->aux);
    free(t->mask);
    OK(cublasLtMatmulDescDestroy(t->desc));
    OK(cublasLtMatrixLayoutDestroy(t->layout_a));
    OK(cublasLtMatrixLayoutDestroy(t->layout_b));
    OK(cublasLtMatrixLayoutDestroy(t->layout_c));
    OK(cublasLtMatrixLayoutDestroy(t->layout_d));
    OK(cublasLtMatmulPreferenceDestroy(t->preference));
    OK(cublasLtDestroy(t->handle));
    OK(cudaFree(t->workspace));
    OK(cudaFree(t->scalars));
    OK(cudaStreamDestroy(t->stream));
}

static inline cublasStatus_t search(trial *t)
{
    t->n_found = -1;
    return cublasLtMatmulAlgoGetHeuristic(t->handle, t->desc, t->layout_a, t->layout_b, t->layout_c, t->layout_d,
                                          t->preference, 4, t->found, &t->n_found);
}

static inline cublasStatus_t multiply(trial *t)
{
    const float *device = t->scalars;
    const void *c = t->c_use == NO_C ? NULL : t->c_use == C_IS_D ? t->d.device : t->c.device;
    return cublasLtMatmul(t->handle, t->desc, t->device_scalars ? device : &t->alpha, t->a.device, t->layout_a,
                          t->b.device, t->layout_b, t->device_scalars ? device + 1 : &t->beta, c, t->layout_c,
                          t->d.device, t->layout_d, t->algorithm < 0 ? NULL : &t->found[t->algorithm].algo,
                          t->workspace, t->workspace_size, t->stream);
}

#endif
