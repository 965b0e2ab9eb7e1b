/* SPDX-License-Identifier: Apache-2.0 */
/* The module's one door, and core's services behind the names that the sources call them by. */
#include "cuda/backend.h"

#include <cinch/version.h>

#include <stdio.h>

static const cinch_host *host;

cinch_status cinch_fail(cinch_status status, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    host->fail(text);
    return status;
}

void *cinch_calloc(size_t count, size_t size) { return host->allocate(count, size); }

static cinch_status explain(cudaError_t error)
{
    int driver = 0, runtime = 0;
    cudaGetLastError();
    cudaDriverGetVersion(&driver);
    cudaRuntimeGetVersion(&runtime);
    if (!driver) return cinch_fail(CINCH_DEVICE, "no NVIDIA driver is installed");
    if (error == cudaErrorInsufficientDriver)
        return cinch_fail(CINCH_DEVICE, "the NVIDIA driver is for CUDA %d.%d and cinch needs %d.%d; update the driver",
                          driver / 1000, driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10);
    if (error == cudaErrorNoDevice || error == cudaSuccess)
        return cinch_fail(CINCH_DEVICE, "the NVIDIA driver finds no GPU; does CUDA_VISIBLE_DEVICES hide it?");
    return cinch_fail(CINCH_DEVICE, "the GPUs cannot be used: %s", cudaGetErrorString(error));
}

static cinch_status count(int *devices)
{
    *devices = 0;
    cudaError_t error = cudaGetDeviceCount(devices);
    if (error == cudaSuccess && *devices > 0) return CINCH_OK;
    *devices = 0;
    return explain(error);
}

__attribute__((visibility("default"))) cinch_module_entry cinch_backend_module;

const cinch_module *cinch_backend_module(int32_t abi, const cinch_host *given)
{
    static const cinch_module module = {CINCH_MODULE_ABI, CINCH_VERSION, count, cinch_cuda_open};
    if (abi == CINCH_MODULE_ABI) host = given;
    return &module;
}
