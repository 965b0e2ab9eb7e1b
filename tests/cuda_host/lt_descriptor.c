/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors. As in the library, setting an attribute looks at its size alone; values are judged where they matter. */
#include "lt.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(cuda_host_lt_layout) <= sizeof(cublasLtMatrixLayoutOpaque_t), "too large");
_Static_assert(sizeof(cuda_host_lt_desc) <= sizeof(cublasLtMatmulDescOpaque_t), "too large");
_Static_assert(sizeof(cuda_host_lt_preference) <= sizeof(cublasLtMatmulPreferenceOpaque_t), "too large");

typedef struct attribute {
    int number;
    uint16_t offset, size;
} attribute;

typedef struct kind {
    const char *name;
    uint32_t magic;
    const attribute *attributes;
    int count;
} kind;

#define FIELD(struct_, field, number)                                 \
    {                                                                 \
        number, offsetof(struct_, field), sizeof((struct_ *)0)->field \
    }
#define KIND(name, magic, attributes)                                   \
    {                                                                   \
        name, magic, attributes, sizeof attributes / sizeof *attributes \
    }

#define LAYOUT(name, field) FIELD(cuda_host_lt_layout, field, CUBLASLT_MATRIX_LAYOUT_##name)
static const attribute of_layout[] = {
    LAYOUT(TYPE, type),
    LAYOUT(ORDER, order),
    LAYOUT(ROWS, rows),
    LAYOUT(COLS, cols),
    LAYOUT(LD, ld),
    LAYOUT(BATCH_COUNT, batch),
    LAYOUT(STRIDED_BATCH_OFFSET, stride),
    LAYOUT(PLANE_OFFSET, plane),
    LAYOUT(BATCH_MODE, mode),
};
static const kind layouts = KIND("layout", CUDA_HOST_LT_LAYOUT, of_layout);

#define DESC(name, field) FIELD(cuda_host_lt_desc, field, CUBLASLT_MATMUL_DESC_##name)
static const attribute of_desc[] = {
    DESC(COMPUTE_TYPE, compute),
    DESC(SCALE_TYPE, scale),
    DESC(POINTER_MODE, pointer_mode),
    DESC(TRANSA, trans_a),
    DESC(TRANSB, trans_b),
    DESC(TRANSC, trans_c),
    DESC(FILL_MODE, fill),
    DESC(EPILOGUE, epilogue),
    DESC(BIAS_POINTER, bias),
    DESC(BIAS_BATCH_STRIDE, bias_stride),
    DESC(EPILOGUE_AUX_POINTER, aux),
    DESC(EPILOGUE_AUX_LD, aux_ld),
    DESC(EPILOGUE_AUX_BATCH_STRIDE, aux_stride),
    DESC(ALPHA_VECTOR_BATCH_STRIDE, alpha_stride),
    DESC(SM_COUNT_TARGET, processors),
    DESC(A_SCALE_POINTER, scales[0]),
    DESC(B_SCALE_POINTER, scales[1]),
    DESC(C_SCALE_POINTER, scales[2]),
    DESC(D_SCALE_POINTER, scales[3]),
    DESC(AMAX_D_POINTER, scales[4]),
    DESC(EPILOGUE_AUX_DATA_TYPE, aux_type),
    DESC(EPILOGUE_AUX_SCALE_POINTER, scales[5]),
    DESC(EPILOGUE_AUX_AMAX_POINTER, scales[6]),
    DESC(FAST_ACCUM, fast_accumulation),
    DESC(BIAS_DATA_TYPE, bias_type),
    DESC(A_SCALE_MODE, scale_mode[0]),
    DESC(B_SCALE_MODE, scale_mode[1]),
    DESC(C_SCALE_MODE, scale_mode[2]),
    DESC(D_SCALE_MODE, scale_mode[3]),
    DESC(EPILOGUE_AUX_SCALE_MODE, scale_mode[4]),
    DESC(D_OUT_SCALE_POINTER, scales[7]),
    DESC(D_OUT_SCALE_MODE, scale_mode[5]),
    DESC(EMULATION_DESCRIPTOR, emulation),
};
static const kind descs = KIND("operation", CUDA_HOST_LT_DESC, of_desc);

#define PREFERENCE(name, field) FIELD(cuda_host_lt_preference, field, CUBLASLT_MATMUL_PREF_##name)
static const attribute of_preference[] = {
    PREFERENCE(SEARCH_MODE, search),
    PREFERENCE(MAX_WORKSPACE_BYTES, workspace),
    PREFERENCE(REDUCTION_SCHEME_MASK, reductions),
    PREFERENCE(MIN_ALIGNMENT_A_BYTES, alignment[0]),
    PREFERENCE(MIN_ALIGNMENT_B_BYTES, alignment[1]),
    PREFERENCE(MIN_ALIGNMENT_C_BYTES, alignment[2]),
    PREFERENCE(MIN_ALIGNMENT_D_BYTES, alignment[3]),
    PREFERENCE(MAX_WAVES_COUNT, waves),
    PREFERENCE(IMPL_MASK, implementations),
};
static const kind preferences = KIND("preference", CUDA_HOST_LT_PREFERENCE, of_preference);

/* --- what all three have in common -------------------------------------------------------------------------------- */

static bool is_one(const kind *k, const void *object) { return object && *(const uint32_t *)object == k->magic; }

static const attribute *find(const kind *k, int number)
{
    for (int i = 0; i < k->count; i++)
        if (k->attributes[i].number == number) return &k->attributes[i];
    return NULL;
}

static cublasStatus_t set(const kind *k, void *object, int number, const void *value, size_t size)
{
    const attribute *a = find(k, number);
    if (!is_one(k, object)) return cuda_host_lt_refuse("this is no %s", k->name);
    if (!a) return cuda_host_lt_refuse("%s has no attribute %d", k->name, number);
    if (!value) return cuda_host_lt_refuse("no value for attribute %d of %s", number, k->name);
    if (size != a->size)
        return cuda_host_lt_refuse("attribute %d of %s has %d bytes, not %zu", number, k->name, a->size, size);
    memcpy((char *)object + a->offset, value, size);
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t get(const kind *k, const void *object, int number, void *value, size_t size, size_t *written)
{
    const attribute *a = find(k, number);
    if (!is_one(k, object)) return cuda_host_lt_refuse("this is no %s", k->name);
    if (!a) return cuda_host_lt_refuse("%s has no attribute %d", k->name, number);
    if (size ? !value : !written) return cuda_host_lt_refuse("no place for attribute %d of %s", number, k->name);
    if (size && size != a->size)
        return cuda_host_lt_refuse("attribute %d of %s has %d bytes, not %zu", number, k->name, a->size, size);
    if (size) memcpy(value, (const char *)object + a->offset, size);
    if (written) *written = a->size;
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t destroy(const kind *k, void *object)
{
    if (object && !is_one(k, object)) return cuda_host_lt_refuse("this is no %s", k->name);
    if (object) *(uint32_t *)object = 0;
    free(object);
    return CUBLAS_STATUS_SUCCESS;
}

/* A copy of `start` in new memory of `size` bytes. */
static cublasStatus_t create(void *out, const void *start, size_t used, size_t size)
{
    if (!out) return cuda_host_lt_refuse("no place for the descriptor");
    void *made = calloc(1, size);
    if (!made) return CUBLAS_STATUS_ALLOC_FAILED;
    memcpy(made, start, used);
    memcpy(out, &made, sizeof made);
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t init(void *object, size_t room, const void *start, size_t used, size_t size)
{
    if (!object) return cuda_host_lt_refuse("no place for the descriptor");
    if (room < size) return CUBLAS_STATUS_ALLOC_FAILED;
    memset(object, 0, size);
    memcpy(object, start, used);
    return CUBLAS_STATUS_SUCCESS;
}

#define FAILS_WITH(status)                                            \
    do {                                                              \
        if (cuda_host_fails(__func__)) return CUBLAS_STATUS_##status; \
    } while (0)

/* --- layouts ------------------------------------------------------------------------------------------------------ */

static cuda_host_lt_layout new_layout(cudaDataType type, uint64_t rows, uint64_t cols, int64_t ld)
{
    return (cuda_host_lt_layout){
        .magic = CUDA_HOST_LT_LAYOUT, .type = type, .batch = 1, .rows = rows, .cols = cols, .ld = ld
    };
}

cublasStatus_t cublasLtMatrixLayoutInit_internal(cublasLtMatrixLayout_t layout, size_t size, cudaDataType type,
                                                 uint64_t rows, uint64_t cols, int64_t ld)
{
    FAILS_WITH(ALLOC_FAILED);
    cuda_host_lt_layout start = new_layout(type, rows, cols, ld);
    return init(layout, size, &start, sizeof start, sizeof *layout);
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *layout, cudaDataType type, uint64_t rows,
                                          uint64_t cols, int64_t ld)
{
    FAILS_WITH(ALLOC_FAILED);
    cuda_host_lt_layout start = new_layout(type, rows, cols, ld);
    return create(layout, &start, sizeof start, sizeof **layout);
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout)
{
    int fails = cuda_host_fails(__func__);
    CUDA_HOST_LT_TRY(destroy(&layouts, layout));
    return fails ? CUBLAS_STATUS_EXECUTION_FAILED : CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout, cublasLtMatrixLayoutAttribute_t number,
                                                const void *value, size_t size)
{
    FAILS_WITH(EXECUTION_FAILED);
    return set(&layouts, layout, number, value, size);
}

cublasStatus_t cublasLtMatrixLayoutGetAttribute(cublasLtMatrixLayout_t layout, cublasLtMatrixLayoutAttribute_t number,
                                                void *value, size_t size, size_t *written)
{
    FAILS_WITH(EXECUTION_FAILED);
    return get(&layouts, layout, number, value, size, written);
}

/* --- operations --------------------------------------------------------------------------------------------------- */

static cuda_host_lt_desc new_desc(cublasComputeType_t compute, cudaDataType_t scale)
{
    return (cuda_host_lt_desc){ .magic = CUDA_HOST_LT_DESC,
                                .compute = compute,
                                .scale = scale,
                                .fill = CUBLAS_FILL_MODE_FULL,
                                .epilogue = CUBLASLT_EPILOGUE_DEFAULT,
                                .aux_type = -1,
                                .bias_type = -1 };
}

cublasStatus_t cublasLtMatmulDescInit_internal(cublasLtMatmulDesc_t desc, size_t size, cublasComputeType_t compute,
                                               cudaDataType_t scale)
{
    FAILS_WITH(ALLOC_FAILED);
    cuda_host_lt_desc start = new_desc(compute, scale);
    return init(desc, size, &start, sizeof start, sizeof *desc);
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *desc, cublasComputeType_t compute, cudaDataType_t scale)
{
    FAILS_WITH(ALLOC_FAILED);
    cuda_host_lt_desc start = new_desc(compute, scale);
    return create(desc, &start, sizeof start, sizeof **desc);
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t desc)
{
    int fails = cuda_host_fails(__func__);
    CUDA_HOST_LT_TRY(destroy(&descs, desc));
    return fails ? CUBLAS_STATUS_EXECUTION_FAILED : CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t desc, cublasLtMatmulDescAttributes_t number,
                                              const void *value, size_t size)
{
    FAILS_WITH(EXECUTION_FAILED);
    return set(&descs, desc, number, value, size);
}

cublasStatus_t cublasLtMatmulDescGetAttribute(cublasLtMatmulDesc_t desc, cublasLtMatmulDescAttributes_t number,
                                              void *value, size_t size, size_t *written)
{
    FAILS_WITH(EXECUTION_FAILED);
    return get(&descs, desc, number, value, size, written);
}

/* --- preferences -------------------------------------------------------------------------------------------------- */

static cuda_host_lt_preference new_preference(void)
{
    return (cuda_host_lt_preference){ .magic = CUDA_HOST_LT_PREFERENCE,
                                      .reductions = CUBLASLT_REDUCTION_SCHEME_MASK,
                                      .alignment = { 256, 256, 256, 256 },
                                      .implementations = UINT64_MAX };
}

cublasStatus_t cublasLtMatmulPreferenceInit_internal(cublasLtMatmulPreference_t preference, size_t size)
{
    FAILS_WITH(ALLOC_FAILED);
    cuda_host_lt_preference start = new_preference();
    return init(preference, size, &start, sizeof start, sizeof *preference);
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *preference)
{
    FAILS_WITH(ALLOC_FAILED);
    cuda_host_lt_preference start = new_preference();
    return create(preference, &start, sizeof start, sizeof **preference);
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference)
{
    int fails = cuda_host_fails(__func__);
    CUDA_HOST_LT_TRY(destroy(&preferences, preference));
    return fails ? CUBLAS_STATUS_EXECUTION_FAILED : CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t number, const void *value,
                                                    size_t size)
{
    FAILS_WITH(EXECUTION_FAILED);
    return set(&preferences, preference, number, value, size);
}

cublasStatus_t cublasLtMatmulPreferenceGetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t number, void *value,
                                                    size_t size, size_t *written)
{
    FAILS_WITH(EXECUTION_FAILED);
    return get(&preferences, preference, number, value, size, written);
}
