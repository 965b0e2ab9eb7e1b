/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stand-in for cuBLASLt, for tests without a GPU, over the real header and on top of cuda_host.h. It is written from
 * NVIDIA's documentation of the contract and knows nothing of its users, so that misuse shows:
 *
 *   - what the documentation excludes is refused: CUBLAS_STATUS_NOT_SUPPORTED where a caller has to ask and then do
 *     without (types, orders, epilogues), CUBLAS_STATUS_INVALID_VALUE, and a line on stderr, where it is a mistake;
 *   - an algorithm is good only for the product, the version and the alignment that it was chosen for;
 *   - outputs are undefined until they are written, and so is the workspace before and after a product: all of them are
 *     poisoned, so that nothing can live there and no operand can overlap them;
 *   - where the documentation leaves open what happens, what happens is what hurts: padding in a mask is set, and a
 *     mask has bits for what is not below 0; ReLU gives NaN for NaN, or 0 where CINCH_CUDA_HOST_RELU=drops-nan.
 *
 * Real numbers only: f32 and bf16 operands with f32 accumulators, in column and row order, in strided batches.
 * Destroying a descriptor that a fault was injected into does free it.
 */
#ifndef CINCH_TESTS_CUDA_HOST_LT_H
#define CINCH_TESTS_CUDA_HOST_LT_H

#include "cuda_host.h"

#include <cublasLt.h>

/* What cublasLtGetVersion says. Tests change it, to have algorithms that another version has chosen. */
extern size_t cuda_host_lt_version;

/* NOT_INITIALIZED where this is no handle (lt_handle.c). */
cublasStatus_t cuda_host_lt_check_handle(cublasLtHandle_t handle);

/* --- descriptors: what is behind the opaque types (lt_descriptor.c) ----------------------------------------------- */

enum { CUDA_HOST_LT_LAYOUT = 0x4c594c74, CUDA_HOST_LT_DESC = 0x44534c74, CUDA_HOST_LT_PREFERENCE = 0x50524c74 };

typedef struct cuda_host_lt_layout {
    uint32_t magic, type;
    int32_t order, batch;
    uint64_t rows, cols;
    int64_t ld, stride, plane;
    uint32_t mode;
} cuda_host_lt_layout;

typedef struct cuda_host_lt_desc {
    uint32_t magic;
    int32_t compute, scale, pointer_mode, trans_a, trans_b, trans_c, fill;
    uint32_t epilogue;
    int32_t processors, aux_type, bias_type, scale_mode[6];
    int8_t fast_accumulation;
    int64_t bias_stride, aux_ld, aux_stride, alpha_stride;
    void *bias, *aux, *scales[8], *emulation;
} cuda_host_lt_desc;

typedef struct cuda_host_lt_preference {
    uint32_t magic, search, reductions;
    float waves;
    uint32_t alignment[4]; /* A B C D */
    uint64_t workspace, implementations;
} cuda_host_lt_preference;

/* --- products (lt_problem.c) -------------------------------------------------------------------------------------- */

/* op(X) as the product sees it: strides in elements, `bytes` from the first element of the batch to the last. */
typedef struct cuda_host_lt_operand {
    int64_t rows, cols, row, col, batch;
    uint64_t bytes;
    int64_t type; /* cudaDataType_t; wide, so that no byte is left undefined */
} cuda_host_lt_operand;

/* All that descriptors and layouts say of a product, but no address. */
typedef struct cuda_host_lt_problem {
    int64_t m, n, k, batch;
    cuda_host_lt_operand a, b, c, d;
    int64_t bias_stride, aux_ld, aux_stride;
    uint64_t bias_bytes, aux_bytes;
    uint32_t epilogue;
    int32_t compute, pointer_mode;
    int32_t in_place; /* may C be D? */
} cuda_host_lt_problem;

/* Parts of cublasLtEpilogue_t. */
enum {
    CUDA_HOST_LT_RELU = 2,
    CUDA_HOST_LT_BIAS = 4,
    CUDA_HOST_LT_DRELU = 8,
    CUDA_HOST_LT_BGRAD = 16,
    CUDA_HOST_LT_GELU = 32,
    CUDA_HOST_LT_DGELU = 64,
    CUDA_HOST_LT_AUX = 128,
    CUDA_HOST_LT_USES_BIAS =
        CUDA_HOST_LT_BIAS | CUDA_HOST_LT_BGRAD | CUBLASLT_EPILOGUE_BGRADA | CUBLASLT_EPILOGUE_BGRADB,
    CUDA_HOST_LT_MASKS = CUDA_HOST_LT_RELU | CUDA_HOST_LT_DRELU,
    CUDA_HOST_LT_BACKWARD = CUDA_HOST_LT_DRELU | CUDA_HOST_LT_DGELU
};

cublasStatus_t cuda_host_lt_describe(cuda_host_lt_problem *problem, cublasLtMatmulDesc_t desc, cublasLtMatrixLayout_t a,
                                     cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d);

/* INVALID_VALUE, and a line on stderr. */
cublasStatus_t cuda_host_lt_refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define CUDA_HOST_LT_TRY(call)                     \
    do {                                           \
        cublasStatus_t status_of_call = (call);    \
        if (status_of_call) return status_of_call; \
    } while (0)

/* --- algorithms (lt_algo.c) --------------------------------------------------------------------------------------- */

enum {
    CUDA_HOST_LT_A,
    CUDA_HOST_LT_B,
    CUDA_HOST_LT_C,
    CUDA_HOST_LT_D,
    CUDA_HOST_LT_BIAS_VECTOR,
    CUDA_HOST_LT_AUX_BUFFER,
    CUDA_HOST_LT_BUFFERS
};

/* Behind cublasLtMatmulAlgo_t. */
typedef struct cuda_host_lt_algo {
    uint32_t magic, version;
    uint64_t problem;   /* a hash of it */
    uint64_t workspace; /* bytes */
    uint16_t id, tile, stages, splits, reduction;
    uint16_t alignment[CUDA_HOST_LT_BUFFERS], unused;
    float waves;
    uint32_t flags; /* cublasLtNumericalImplFlags_t */
    uint64_t check; /* of all above */
} cuda_host_lt_algo;

/* The algorithm, if it was chosen for this product. */
cublasStatus_t cuda_host_lt_algo_for(const cublasLtMatmulAlgo_t *algo, const cuda_host_lt_problem *problem,
                                     cuda_host_lt_algo *out);
/* What an implicit search takes. */
cuda_host_lt_algo cuda_host_lt_plain_algo(const cuda_host_lt_problem *problem);

/* --- work (lt_product.c) ------------------------------------------------------------------------------------------ */

typedef struct cuda_host_lt_job {
    cuda_host_lt_problem problem;
    const void *a, *b, *c;
    void *d, *bias, *aux, *workspace;
    const float *device_alpha, *device_beta; /* NULL: alpha and beta */
    float alpha, beta;
    uint64_t workspace_used, workspace_given;
    int32_t splits;
} cuda_host_lt_job;

void cuda_host_lt_run(const void *job);

#endif
