/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Algorithms and the search for them. Three are offered, the fastest first: one that splits k in two where k is long
 * and adds the halves in the workspace, so that it gives other last bits; one that wants a little workspace; one that
 * wants none.
 */
#include "lt.h"
#include "parts.h"

#include <string.h>

enum { ALGO = 0x414c474f, SPLIT_ID = 24, STAGED_ID = 66, PLAIN_ID = 0, STAGED_WORKSPACE = 4096, MOST_ALIGNED = 16 };

_Static_assert(sizeof(cuda_host_lt_algo) <= sizeof(cublasLtMatmulAlgo_t), "too large");

/* --- what an algorithm is for ------------------------------------------------------------------------------------- */

static uint64_t hash(const void *data, size_t size)
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < size; i++) h = (h ^ ((const unsigned char *)data)[i]) * 1099511628211u;
    return h;
}

static uint64_t check_of(const cuda_host_lt_algo *algo) { return hash(algo, offsetof(cuda_host_lt_algo, check)); }

static uint32_t flags_of(const cuda_host_lt_problem *p)
{
    uint64_t flags = CUBLASLT_NUMERICAL_IMPL_FLAGS_ACCUMULATOR_32F;
    if (p->a.type == CUDA_R_16BF)
        flags |= CUBLASLT_NUMERICAL_IMPL_FLAGS_HMMA | CUBLASLT_NUMERICAL_IMPL_FLAGS_INPUT_16BF;
    else if (p->compute == CUBLAS_COMPUTE_32F_FAST_TF32)
        flags |= CUBLASLT_NUMERICAL_IMPL_FLAGS_HMMA | CUBLASLT_NUMERICAL_IMPL_FLAGS_INPUT_TF32;
    else
        flags |= CUBLASLT_NUMERICAL_IMPL_FLAGS_FMA | CUBLASLT_NUMERICAL_IMPL_FLAGS_INPUT_32F;
    return (uint32_t)flags;
}

static cuda_host_lt_algo new_algo(const cuda_host_lt_problem *p, uint16_t id)
{
    cuda_host_lt_algo algo;
    memset(&algo, 0, sizeof algo);
    algo.magic = ALGO;
    algo.version = (uint32_t)cuda_host_lt_version;
    algo.problem = hash(p, sizeof *p);
    algo.id = id;
    algo.tile = CUBLASLT_MATMUL_TILE_64x64;
    algo.stages = CUBLASLT_MATMUL_STAGES_32xAUTO;
    algo.splits = 1;
    algo.waves = (float)((p->m + 63) / 64 * ((p->n + 63) / 64) * p->batch) / 132;
    algo.flags = flags_of(p);
    for (int i = 0; i < CUDA_HOST_LT_BUFFERS; i++) algo.alignment[i] = 1;
    return algo;
}

cuda_host_lt_algo cuda_host_lt_plain_algo(const cuda_host_lt_problem *p) { return new_algo(p, PLAIN_ID); }

static cuda_host_lt_algo staged_algo(const cuda_host_lt_problem *p)
{
    cuda_host_lt_algo algo = new_algo(p, STAGED_ID);
    algo.tile = CUBLASLT_MATMUL_TILE_128x128;
    algo.workspace = STAGED_WORKSPACE;
    return algo;
}

static cuda_host_lt_algo split_algo(const cuda_host_lt_problem *p)
{
    cuda_host_lt_algo algo = new_algo(p, SPLIT_ID);
    algo.splits = 2;
    algo.reduction = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
    algo.workspace = ((uint64_t)(p->m * p->n * p->batch) * 2 * sizeof(float) + 255) / 256 * 256;
    return algo;
}

/* --- the search --------------------------------------------------------------------------------------------------- */

/* What an address promises; no pointer at all promises most. */
static uint16_t alignment_of(const void *address)
{
    uint16_t alignment = 1;
    while (alignment < MOST_ALIGNED && (uintptr_t)address % (alignment * 2u) == 0) alignment *= 2;
    return alignment;
}

static bool is_wanted(const cuda_host_lt_algo *algo, const cuda_host_lt_preference *wish)
{
    return algo->workspace <= wish->workspace && !(algo->flags & ~wish->implementations) &&
           (!algo->reduction || algo->reduction & wish->reductions) && (wish->waves <= 0 || algo->waves <= wish->waves);
}

static cublasStatus_t check_preference(const cuda_host_lt_preference *wish)
{
    if (!wish || wish->magic != CUDA_HOST_LT_PREFERENCE) return cuda_host_lt_refuse("there is no preference");
    if (wish->search != CUBLASLT_SEARCH_BEST_FIT) return CUBLAS_STATUS_NOT_SUPPORTED;
    for (int i = 0; i < 4; i++)
        if (!wish->alignment[i] || wish->alignment[i] > 256 || wish->alignment[i] & (wish->alignment[i] - 1))
            return cuda_host_lt_refuse("%u bytes is no alignment", wish->alignment[i]);
    return CUBLAS_STATUS_SUCCESS;
}

static void give(cublasLtMatmulHeuristicResult_t *result, cuda_host_lt_algo algo, const cuda_host_lt_preference *wish,
                 const cuda_host_lt_desc *desc)
{
    for (int i = 0; i < 4; i++) algo.alignment[i] = (uint16_t)wish->alignment[i];
    algo.alignment[CUDA_HOST_LT_BIAS_VECTOR] = alignment_of(desc->bias);
    algo.alignment[CUDA_HOST_LT_AUX_BUFFER] = alignment_of(desc->aux);
    algo.check = check_of(&algo);
    memset(result, 0, sizeof *result);
    memcpy(&result->algo, &algo, sizeof algo);
    result->workspaceSize = algo.workspace;
    result->wavesCount = algo.waves;
}

/* The search may load kernels, which a capture does not allow. */
static cublasStatus_t check_capture(const char *name)
{
    CUDA_HOST_LOCK;
    return cuda_host_unsafe(name) ? CUBLAS_STATUS_EXECUTION_FAILED : CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int requested,
                                              cublasLtMatmulHeuristicResult_t results[], int *found)
{
    if (cuda_host_fails(__func__)) return CUBLAS_STATUS_EXECUTION_FAILED;
    CUDA_HOST_LT_TRY(cuda_host_lt_check_handle(handle));
    if (requested < 1 || !results || !found) return cuda_host_lt_refuse("a search for %d algorithms", requested);
    *found = 0;
    const cuda_host_lt_preference *wish = (const void *)preference;
    cuda_host_lt_problem p;
    CUDA_HOST_LT_TRY(check_capture(__func__));
    CUDA_HOST_LT_TRY(cuda_host_lt_describe(&p, desc, a, b, c, d));
    CUDA_HOST_LT_TRY(check_preference(wish));
    cuda_host_lt_algo all[3];
    int n = 0;
    if (p.k > p.m && p.k > p.n) all[n++] = split_algo(&p);
    all[n++] = staged_algo(&p);
    all[n++] = cuda_host_lt_plain_algo(&p);
    for (int i = 0; i < n && *found < requested; i++)
        if (is_wanted(&all[i], wish)) give(&results[(*found)++], all[i], wish, (const void *)desc);
    return *found ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED;
}

/* --- use ---------------------------------------------------------------------------------------------------------- */

/* What is wrong with it, or NULL. */
static const char *fault_of(const cublasLtMatmulAlgo_t *algo, cuda_host_lt_algo *out)
{
    if (!algo) return "there is no algorithm";
    memcpy(out, algo, sizeof *out);
    return out->magic != ALGO || out->check != check_of(out) ? "this is no algorithm" : NULL;
}

static cublasStatus_t read_algo(const cublasLtMatmulAlgo_t *algo, cuda_host_lt_algo *out)
{
    const char *fault = fault_of(algo, out);
    return fault ? cuda_host_lt_refuse("%s", fault) : CUBLAS_STATUS_SUCCESS;
}

static const char *misfit_of(const cublasLtMatmulAlgo_t *algo, const cuda_host_lt_problem *problem,
                             cuda_host_lt_algo *out)
{
    const char *fault = fault_of(algo, out);
    if (fault) return fault;
    if (out->version != (uint32_t)cuda_host_lt_version) return "the algorithm is of another version of the library";
    return out->problem != hash(problem, sizeof *problem) ? "the algorithm was chosen for another product" : NULL;
}

cublasStatus_t cuda_host_lt_algo_for(const cublasLtMatmulAlgo_t *algo, const cuda_host_lt_problem *problem,
                                     cuda_host_lt_algo *out)
{
    const char *misfit = misfit_of(algo, problem, out);
    return misfit ? cuda_host_lt_refuse("%s", misfit) : CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoCheck(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc, cublasLtMatrixLayout_t a,
                                       cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                       const cublasLtMatmulAlgo_t *algo, cublasLtMatmulHeuristicResult_t *result)
{
    if (cuda_host_fails(__func__)) return CUBLAS_STATUS_EXECUTION_FAILED;
    cuda_host_lt_problem p;
    cuda_host_lt_algo known;
    CUDA_HOST_LT_TRY(cuda_host_lt_check_handle(handle));
    if (!result) return cuda_host_lt_refuse("no place for what the check finds");
    CUDA_HOST_LT_TRY(cuda_host_lt_describe(&p, desc, a, b, c, d));
    if (misfit_of(algo, &p, &known)) return CUBLAS_STATUS_INVALID_VALUE; /* an answer, to what was asked */
    result->workspaceSize = known.workspace;
    result->wavesCount = known.waves;
    result->state = CUBLAS_STATUS_SUCCESS;
    return CUBLAS_STATUS_SUCCESS;
}

/* --- attributes --------------------------------------------------------------------------------------------------- */

static cublasStatus_t give_value(const void *value, size_t has, void *out, size_t size, size_t *written)
{
    if (size ? !out || size != has : !written)
        return cuda_host_lt_refuse("an attribute of %zu bytes, not %zu", has, size);
    if (size) memcpy(out, value, has);
    if (written) *written = has;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoConfigGetAttribute(const cublasLtMatmulAlgo_t *algo,
                                                    cublasLtMatmulAlgoConfigAttributes_t number, void *out, size_t size,
                                                    size_t *written)
{
    if (cuda_host_fails(__func__)) return CUBLAS_STATUS_EXECUTION_FAILED;
    cuda_host_lt_algo x;
    CUDA_HOST_LT_TRY(read_algo(algo, &x));
    uint32_t word = 0;
    switch (number) {
    case CUBLASLT_ALGO_CONFIG_ID: word = x.id; break;
    case CUBLASLT_ALGO_CONFIG_TILE_ID: word = x.tile; break;
    case CUBLASLT_ALGO_CONFIG_STAGES_ID: word = x.stages; break;
    case CUBLASLT_ALGO_CONFIG_SPLITK_NUM: word = x.splits; break;
    case CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME: word = x.reduction; break;
    case CUBLASLT_ALGO_CONFIG_CTA_SWIZZLING:
    case CUBLASLT_ALGO_CONFIG_CUSTOM_OPTION: break;
    case CUBLASLT_ALGO_CONFIG_INNER_SHAPE_ID:
    case CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID:
        return give_value(&(uint16_t){ 0 }, sizeof(uint16_t), out, size, written);
    default: return cuda_host_lt_refuse("algorithms have no attribute %d", number);
    }
    return give_value(&word, sizeof word, out, size, written);
}

cublasStatus_t cublasLtMatmulAlgoCapGetAttribute(const cublasLtMatmulAlgo_t *algo,
                                                 cublasLtMatmulAlgoCapAttributes_t number, void *out, size_t size,
                                                 size_t *written)
{
    if (cuda_host_fails(__func__)) return CUBLAS_STATUS_EXECUTION_FAILED;
    cuda_host_lt_algo x;
    CUDA_HOST_LT_TRY(read_algo(algo, &x));
    uint32_t word = 0;
    switch (number) {
    case CUBLASLT_ALGO_CAP_NUMERICAL_IMPL_FLAGS:
        return give_value(&(uint64_t){ x.flags }, sizeof(uint64_t), out, size, written);
    case CUBLASLT_ALGO_CAP_SPLITK_SUPPORT: word = x.id == SPLIT_ID; break;
    case CUBLASLT_ALGO_CAP_REDUCTION_SCHEME_MASK: word = x.reduction; break;
    case CUBLASLT_ALGO_CAP_STRIDED_BATCH_SUPPORT:
    case CUBLASLT_ALGO_CAP_OUT_OF_PLACE_RESULT_SUPPORT: word = 1; break;
    case CUBLASLT_ALGO_CAP_POINTER_MODE_MASK:
        word = CUBLASLT_POINTER_MODE_MASK_HOST | CUBLASLT_POINTER_MODE_MASK_DEVICE;
        break;
    case CUBLASLT_ALGO_CAP_MIN_ALIGNMENT_A_BYTES: word = x.alignment[CUDA_HOST_LT_A]; break;
    case CUBLASLT_ALGO_CAP_MIN_ALIGNMENT_B_BYTES: word = x.alignment[CUDA_HOST_LT_B]; break;
    case CUBLASLT_ALGO_CAP_MIN_ALIGNMENT_C_BYTES: word = x.alignment[CUDA_HOST_LT_C]; break;
    case CUBLASLT_ALGO_CAP_MIN_ALIGNMENT_D_BYTES: word = x.alignment[CUDA_HOST_LT_D]; break;
    default: return cuda_host_lt_refuse("this stand-in does not know capability %d", number);
    }
    return give_value(&word, sizeof word, out, size, written);
}
