/* SPDX-License-Identifier: Apache-2.0 */
/* cublasLtMatmul: checks what lies where, and gives the work to the stream. */
#include "lt.h"

#include <string.h>

/* One buffer: there, on the device, and as aligned as its elements and as was promised in the search. */
static cublasStatus_t check_buffer(const char *name, const void *memory, uint64_t bytes, int64_t type,
                                   uint16_t promised)
{
    uintptr_t address = (uintptr_t)memory, element = type == CUDA_R_16BF ? 2 : 4;
    if (!memory) return cuda_host_lt_refuse("there is no %s", name);
    if (!cuda_host_is_device(memory, bytes))
        return cuda_host_lt_refuse("the %llu bytes of %s do not lie in device memory", (unsigned long long)bytes, name);
    if (address % element || address % promised)
        return cuda_host_lt_refuse("%s is less aligned than the algorithm was promised: %u bytes", name, promised);
    return CUBLAS_STATUS_SUCCESS;
}

/* alpha and beta */
static cublasStatus_t take_scalar(const cuda_host_lt_problem *p, const void *scalar, float *value, const float **device)
{
    if (!scalar) return cuda_host_lt_refuse("there is no alpha or no beta");
    bool on_device = cuda_host_is_device(scalar, sizeof(float));
    if (on_device != (p->pointer_mode == CUBLASLT_POINTER_MODE_DEVICE))
        return cuda_host_lt_refuse("alpha or beta lies %s, against the pointer mode",
                                   on_device ? "on the device" : "on the host");
    if (on_device)
        *device = scalar;
    else
        *value = *(const float *)scalar;
    return CUBLAS_STATUS_SUCCESS;
}

static bool reads_c(const cuda_host_lt_job *job) { return job->device_beta || job->beta != 0; }

static cublasStatus_t check_buffers(const cuda_host_lt_job *job, const cuda_host_lt_algo *algo)
{
    const cuda_host_lt_problem *p = &job->problem;
    CUDA_HOST_LT_TRY(check_buffer("A", job->a, p->a.bytes, p->a.type, algo->alignment[CUDA_HOST_LT_A]));
    CUDA_HOST_LT_TRY(check_buffer("B", job->b, p->b.bytes, p->b.type, algo->alignment[CUDA_HOST_LT_B]));
    CUDA_HOST_LT_TRY(check_buffer("D", job->d, p->d.bytes, p->d.type, algo->alignment[CUDA_HOST_LT_D]));
    if (reads_c(job))
        CUDA_HOST_LT_TRY(check_buffer("C", job->c, p->c.bytes, p->c.type, algo->alignment[CUDA_HOST_LT_C]));
    if (job->c == job->d && !p->in_place) return cuda_host_lt_refuse("C is D, but they have two layouts");
    if (p->epilogue & CUDA_HOST_LT_USES_BIAS)
        CUDA_HOST_LT_TRY(
            check_buffer("bias", job->bias, p->bias_bytes, p->d.type, algo->alignment[CUDA_HOST_LT_BIAS_VECTOR]));
    if (p->epilogue & CUDA_HOST_LT_AUX)
        CUDA_HOST_LT_TRY(
            check_buffer("aux", job->aux, p->aux_bytes, p->d.type, algo->alignment[CUDA_HOST_LT_AUX_BUFFER]));
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t check_workspace(const cuda_host_lt_job *job)
{
    if (job->workspace_given < job->workspace_used)
        return cuda_host_lt_refuse("the algorithm needs a workspace of %llu bytes, not %llu",
                                   (unsigned long long)job->workspace_used, (unsigned long long)job->workspace_given);
    if ((uintptr_t)job->workspace % 256) return cuda_host_lt_refuse("the workspace is not aligned to 256 bytes");
    if (job->workspace_given && !cuda_host_is_device(job->workspace, job->workspace_given))
        return cuda_host_lt_refuse("the workspace does not lie in device memory");
    return CUBLAS_STATUS_SUCCESS;
}

/* C's layout may be left out: it is D's then. */
cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc, const void *alpha, const void *a,
                              cublasLtMatrixLayout_t a_layout, const void *b, cublasLtMatrixLayout_t b_layout,
                              const void *beta, const void *c, cublasLtMatrixLayout_t c_layout, void *d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t *algo, void *workspace,
                              size_t workspace_size, cudaStream_t stream)
{
    if (cuda_host_fails(__func__)) return CUBLAS_STATUS_EXECUTION_FAILED;
    CUDA_HOST_LT_TRY(cuda_host_lt_check_handle(handle));
    cuda_host_lt_job job;
    cuda_host_lt_algo chosen;
    memset(&job, 0, sizeof job);
    CUDA_HOST_LT_TRY(
        cuda_host_lt_describe(&job.problem, desc, a_layout, b_layout, c_layout ? c_layout : d_layout, d_layout));
    chosen = cuda_host_lt_plain_algo(&job.problem);
    if (algo) CUDA_HOST_LT_TRY(cuda_host_lt_algo_for(algo, &job.problem, &chosen));
    const cuda_host_lt_desc *operation = (const void *)desc;
    job.a = a, job.b = b, job.c = c, job.d = d, job.bias = operation->bias, job.aux = operation->aux;
    job.workspace = workspace, job.workspace_given = workspace_size, job.workspace_used = chosen.workspace;
    job.splits = chosen.splits;
    CUDA_HOST_LT_TRY(take_scalar(&job.problem, alpha, &job.alpha, &job.device_alpha));
    CUDA_HOST_LT_TRY(take_scalar(&job.problem, beta, &job.beta, &job.device_beta));
    CUDA_HOST_LT_TRY(check_buffers(&job, &chosen));
    CUDA_HOST_LT_TRY(check_workspace(&job));
    return cuda_host_enqueue(stream, __func__, cuda_host_lt_run, &job, sizeof job) ? CUBLAS_STATUS_EXECUTION_FAILED
                                                                                   : CUBLAS_STATUS_SUCCESS;
}
