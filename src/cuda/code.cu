/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/backend.h"
#include "cuda/kernel.cuh"

__global__ void any_kernel() {}

cudaError_t cinch_cuda_find_code(void)
{
    cudaFuncAttributes attributes;
    return cudaFuncGetAttributes(&attributes, (const void *)any_kernel);
}
