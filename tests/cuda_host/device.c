/* SPDX-License-Identifier: Apache-2.0 */
/* The device, the versions, and the names of errors. */
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MULTIPROCESSORS = 2, MAJOR = 9, MINOR = 0, SHARED = 48 << 10, L2 = 1 << 20 };

static long setting(const char *name, long otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtol(text, NULL, 0) : otherwise;
}

size_t cuda_host_memory_size(void)
{
    const char *text = getenv("CINCH_CUDA_HOST_MEMORY");
    char *end;
    size_t n = text && *text ? strtoull(text, &end, 0) : (size_t)8 << 30;
    if (!text || !*text) return n;
    return *end == 'K' ? n << 10 : *end == 'M' ? n << 20 : *end == 'G' ? n << 30 : n;
}

/* --- devices ------------------------------------------------------------------------------------------------------ */

static int driver(void) { return (int)setting("CINCH_CUDA_HOST_DRIVER", CUDART_VERSION); }
static int devices(void) { return (int)setting("CINCH_CUDA_HOST_DEVICES", 1); }

/* Without a driver the runtime calls it too old. */
cudaError_t cuda_host_no_device(void)
{
    if (driver() < CUDART_VERSION / 1000 * 1000) return cudaErrorInsufficientDriver;
    return devices() > 0 ? cudaSuccess : cudaErrorNoDevice;
}

cudaError_t cudaDriverGetVersion(int *version)
{
    CUDA_HOST_LOCK;
    if (cuda_host_fails(__func__)) return cuda_host_end(cudaErrorUnknown);
    *version = driver();
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    CUDA_HOST_LOCK;
    if (cuda_host_fails(__func__)) return cuda_host_end(cudaErrorUnknown);
    *version = CUDART_VERSION;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int *count)
{
    CUDA_HOST_BEGIN(cudaErrorUnknown);
    *count = devices();
    return cudaSuccess;
}

static _Thread_local int device;

cudaError_t cudaSetDevice(int number)
{
    CUDA_HOST_BEGIN(cudaErrorUnknown);
    if (number < 0 || number >= devices()) return cuda_host_end(cudaErrorInvalidDevice);
    device = number;
    return cudaSuccess;
}

cudaError_t cudaGetDevice(int *number)
{
    CUDA_HOST_BEGIN(cudaErrorUnknown);
    *number = device;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *properties, int number)
{
    CUDA_HOST_BEGIN(cudaErrorUnknown);
    if (number < 0 || number >= devices()) return cuda_host_end(cudaErrorInvalidDevice);
    memset(properties, 0, sizeof *properties);
    snprintf(properties->name, sizeof properties->name, "host stand-in");
    properties->totalGlobalMem = cuda_host_memory_size();
    properties->sharedMemPerBlock = SHARED;
    properties->warpSize = CUDA_HOST_WARP;
    properties->maxThreadsPerBlock = CUDA_HOST_THREADS;
    properties->multiProcessorCount = MULTIPROCESSORS;
    properties->major = MAJOR;
    properties->minor = MINOR;
    properties->l2CacheSize = L2;
    return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int number)
{
    CUDA_HOST_BEGIN(cudaErrorUnknown);
    if (number < 0 || number >= devices()) return cuda_host_end(cudaErrorInvalidDevice);
    switch (attribute) {
    case cudaDevAttrMultiProcessorCount: *value = MULTIPROCESSORS; break;
    case cudaDevAttrComputeCapabilityMajor: *value = MAJOR; break;
    case cudaDevAttrComputeCapabilityMinor: *value = MINOR; break;
    case cudaDevAttrMaxThreadsPerBlock: *value = CUDA_HOST_THREADS; break;
    case cudaDevAttrMaxSharedMemoryPerBlock: *value = SHARED; break;
    case cudaDevAttrWarpSize: *value = CUDA_HOST_WARP; break;
    case cudaDevAttrL2CacheSize: *value = L2; break;
    default:
        cuda_host_complain("cudaDeviceGetAttribute: attribute %d is not stood in for", (int)attribute);
        return cuda_host_end(cudaErrorInvalidValue);
    }
    return cudaSuccess;
}

/* There is code for the one device, always. */
cudaError_t cudaFuncGetAttributes(struct cudaFuncAttributes *attributes, const void *function)
{
    CUDA_HOST_BEGIN(cudaErrorUnknown);
    if (!function) return cuda_host_end(cudaErrorInvalidDeviceFunction);
    memset(attributes, 0, sizeof *attributes);
    attributes->maxThreadsPerBlock = CUDA_HOST_THREADS;
    attributes->binaryVersion = attributes->ptxVersion = 10 * MAJOR + MINOR;
    return cudaSuccess;
}

cudaError_t cudaDeviceReset(void)
{
    CUDA_HOST_BEGIN(cudaErrorUnknown);
    cuda_host_complain("cudaDeviceReset is for programs, not for libraries");
    return cuda_host_end(cudaErrorNotSupported);
}

/* --- errors ------------------------------------------------------------------------------------------------------- */

static const struct { cudaError_t error; const char *name, *text; } texts[] = {
#define ERROR(name, text) {name, #name, text},
    ERROR(cudaSuccess, "no error")
    ERROR(cudaErrorInvalidValue, "invalid argument")
    ERROR(cudaErrorMemoryAllocation, "out of memory")
    ERROR(cudaErrorInvalidConfiguration, "invalid configuration argument")
    ERROR(cudaErrorInvalidMemcpyDirection, "invalid copy direction for memcpy")
    ERROR(cudaErrorInsufficientDriver, "CUDA driver version is insufficient for CUDA runtime version")
    ERROR(cudaErrorNoDevice, "no CUDA-capable device is detected")
    ERROR(cudaErrorInvalidDevice, "invalid device ordinal")
    ERROR(cudaErrorInvalidDeviceFunction, "invalid device function")
    ERROR(cudaErrorInvalidResourceHandle, "invalid resource handle")
    ERROR(cudaErrorIllegalState, "the operation cannot be performed in the present state")
    ERROR(cudaErrorNotReady, "device not ready")
    ERROR(cudaErrorIllegalAddress, "an illegal memory access was encountered")
    ERROR(cudaErrorLaunchFailure, "unspecified launch failure")
    ERROR(cudaErrorNotSupported, "operation not supported")
    ERROR(cudaErrorStreamCaptureUnsupported, "operation not permitted when stream is capturing")
    ERROR(cudaErrorStreamCaptureInvalidated, "operation failed due to a previous error during capture")
    ERROR(cudaErrorStreamCaptureIsolation, "dependency created on uncaptured work in another stream")
    ERROR(cudaErrorStreamCaptureImplicit,
          "operation would make the legacy stream depend on a capturing blocking stream")
    ERROR(cudaErrorCapturedEvent, "operation not permitted on an event last recorded in a capturing stream")
    ERROR(cudaErrorUnknown, "unknown error")
#undef ERROR
};

static const char *find_text(cudaError_t error, bool name)
{
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].error == error) return name ? texts[i].name : texts[i].text;
    return "unrecognized error code";
}

const char *cudaGetErrorName(cudaError_t error) { return find_text(error, true); }
const char *cudaGetErrorString(cudaError_t error) { return find_text(error, false); }
