/* SPDX-License-Identifier: Apache-2.0 */
/* The library itself: handles, versions, names of errors. */
#include "lt.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

size_t cuda_host_lt_version = CUBLAS_VERSION;

struct cublasLtContext {
    uint32_t magic;
    void *memory; /* of the device: a handle takes some */
};

enum { HANDLE = 0x484c4c74 };

cublasStatus_t cuda_host_lt_refuse(const char *format, ...)
{
    char text[256];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    cuda_host_complain("cublasLt: %s", text);
    return CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle)
{
    if (cuda_host_fails(__func__)) return CUBLAS_STATUS_ALLOC_FAILED;
    if (!handle) return cuda_host_lt_refuse("no place for the handle");
    cublasLtHandle_t made = calloc(1, sizeof *made);
    if (!made || cudaMalloc(&made->memory, 256)) {
        free(made);
        return CUBLAS_STATUS_ALLOC_FAILED;
    }
    made->magic = HANDLE;
    *handle = made;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle)
{
    int fails = cuda_host_fails(__func__);
    if (cuda_host_lt_check_handle(handle)) return CUBLAS_STATUS_INVALID_VALUE;
    fails |= cudaFree(handle->memory) != cudaSuccess;
    handle->magic = 0;
    free(handle);
    return fails ? CUBLAS_STATUS_EXECUTION_FAILED : CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cuda_host_lt_check_handle(cublasLtHandle_t handle)
{
    if (handle && handle->magic == HANDLE) return CUBLAS_STATUS_SUCCESS;
    cuda_host_lt_refuse("this is no handle");
    return CUBLAS_STATUS_NOT_INITIALIZED;
}

size_t cublasLtGetVersion(void) { return cuda_host_lt_version; }

size_t cublasLtGetCudartVersion(void) { return CUDART_VERSION; }

static const struct {
    cublasStatus_t status;
    const char *name, *text;
} statuses[] = {
#define STATUS(name, text)                                 \
    {                                                      \
        CUBLAS_STATUS_##name, "CUBLAS_STATUS_" #name, text \
    }
    STATUS(SUCCESS, "success"),
    STATUS(NOT_INITIALIZED, "the library was not initialized"),
    STATUS(ALLOC_FAILED, "the resource allocation failed"),
    STATUS(INVALID_VALUE, "an unsupported value or parameter was passed to the function"),
    STATUS(ARCH_MISMATCH, "the function requires an architectural feature absent from the device"),
    STATUS(MAPPING_ERROR, "an access to GPU memory space failed"),
    STATUS(EXECUTION_FAILED, "the function failed to launch on the GPU"),
    STATUS(INTERNAL_ERROR, "an internal operation failed"),
    STATUS(NOT_SUPPORTED, "the requested functionality is not supported"),
    STATUS(LICENSE_ERROR, "the license check failed"),
};

enum { STATUSES = sizeof statuses / sizeof *statuses };

const char *cublasLtGetStatusName(cublasStatus_t status)
{
    for (int i = 0; i < STATUSES; i++)
        if (statuses[i].status == status) return statuses[i].name;
    return "unrecognized status";
}

const char *cublasLtGetStatusString(cublasStatus_t status)
{
    for (int i = 0; i < STATUSES; i++)
        if (statuses[i].status == status) return statuses[i].text;
    return "unrecognized status";
}
