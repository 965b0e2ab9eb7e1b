/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few primitives that all kernels are made of. A kernel runs over its elements with a grid-stride loop, so that any
 * number of blocks gives the same result; threads of a block meet only at __syncthreads and in the reductions below.
 *
 *     __global__ void scale(float *x, int64_t n, float by)
 *     {
 *         CINCH_EACH(i, n) x[i] *= by;
 *     }
 *     CINCH_LAUNCH(scale, cinch_cuda_blocks(b, n), CINCH_BLOCK, cinch_cuda_stream(b), x, n, by);
 *     return cinch_cuda_launched(c);
 */
#ifndef CINCH_CUDA_KERNEL_CUH
#define CINCH_CUDA_KERNEL_CUH

#include "core/formula.h"
#include "cuda/cuda.h"

enum { CINCH_BLOCK = 256, CINCH_WARP = 32, CINCH_BLOCK_WARPS = CINCH_BLOCK / CINCH_WARP };

/* The tests run kernels on the CPU and bring these with them. */
#ifndef CINCH_LAUNCH
#define CINCH_LAUNCH(kernel, blocks, threads, stream, ...) \
    kernel<<<(unsigned)(blocks), (unsigned)(threads), 0, stream>>>(__VA_ARGS__)
#define CINCH_SHARED(type, name, count) __shared__ type name[count]
#endif

/* Before a loop, so that several of its reads are under way at once. */
#ifdef __CUDACC__
#define CINCH_PRAGMA(text) _Pragma(#text)
#define CINCH_UNROLL(n) CINCH_PRAGMA(unroll n)
#else
#define CINCH_UNROLL(n)
#endif

/* This thread's elements of 0 .. n-1. */
#define CINCH_EACH(i, n)                                                                              \
    for (int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x, i##_step = (int64_t)gridDim.x * blockDim.x; \
         i < (n); i += i##_step)

/* Blocks of CINCH_BLOCK threads for n elements: enough to fill the device, no more. */
static inline int64_t cinch_cuda_blocks(cinch_backend *b, int64_t n)
{
    int64_t most = 8 * (int64_t)cinch_cuda_of(b)->multiprocessors;
    return cinch_cuda_max(1, cinch_cuda_min(cinch_cuda_parts(n, CINCH_BLOCK), most));
}

/* --- storage types ------------------------------------------------------------------------------------------------ */

typedef struct cinch_bf16 { uint16_t bits; } cinch_bf16;

CINCH_HD float cinch_load(const float *x, int64_t i) { return x[i]; }
CINCH_HD float cinch_load(const cinch_bf16 *x, int64_t i) { return cinch_from_bf16(x[i].bits); }
CINCH_HD int32_t cinch_load(const int32_t *x, int64_t i) { return x[i]; }
CINCH_HD float cinch_load(const uint8_t *x, int64_t i) { return x[i]; }
CINCH_HD void cinch_store(float *x, int64_t i, float v) { x[i] = v; }
CINCH_HD void cinch_store(cinch_bf16 *x, int64_t i, float v) { x[i].bits = cinch_to_bf16(v); }
CINCH_HD void cinch_store(int32_t *x, int64_t i, int32_t v) { x[i] = v; }
CINCH_HD void cinch_store(uint8_t *x, int64_t i, float v) { x[i] = cinch_to_u8(v); }

/* An element of memory whose type is known only at run time, as f32. */
CINCH_HD float cinch_load_as(const void *x, cinch_dtype dtype, int64_t i)
{
    switch (dtype) {
    case CINCH_BF16: return cinch_load((const cinch_bf16 *)x, i);
    case CINCH_I32: return (float)((const int32_t *)x)[i];
    case CINCH_U8: return cinch_load((const uint8_t *)x, i);
    default: return ((const float *)x)[i];
    }
}
CINCH_HD void cinch_store_as(void *x, cinch_dtype dtype, int64_t i, float v)
{
    switch (dtype) {
    case CINCH_BF16: cinch_store((cinch_bf16 *)x, i, v); break;
    case CINCH_I32: ((int32_t *)x)[i] = cinch_to_i32(v); break;
    case CINCH_U8: cinch_store((uint8_t *)x, i, v); break;
    default: ((float *)x)[i] = v;
    }
}

/* Runs a statement with T as the storage type: f32, bf16 or i32; f32 or bf16. */
#define CINCH_WITH_TYPE(dtype, T, ...)                                           \
    do {                                                                         \
        if ((dtype) == CINCH_BF16) { typedef cinch_bf16 T; __VA_ARGS__; }        \
        else if ((dtype) == CINCH_I32) { typedef int32_t T; __VA_ARGS__; }       \
        else { typedef float T; __VA_ARGS__; }                                   \
    } while (0)
#define CINCH_WITH_FLOAT(dtype, T, ...)                                          \
    do {                                                                         \
        if ((dtype) == CINCH_BF16) { typedef cinch_bf16 T; __VA_ARGS__; }        \
        else { typedef float T; __VA_ARGS__; }                                   \
    } while (0)

/* --- reductions: always the same order ---------------------------------------------------------------------------- */

/* Associative operations, for the reductions. */
struct cinch_add
{
    template <typename V> __device__ V operator()(V a, V b) const { return a + b; }
    __device__ int32_t operator()(int32_t a, int32_t b) const { return cinch_i_add(a, b); }
};
struct cinch_larger
{
    __device__ float operator()(float a, float b) const { return cinch_f_maximum(a, b); }
    __device__ int32_t operator()(int32_t a, int32_t b) const { return cinch_i_maximum(a, b); }
};
struct cinch_smaller
{
    __device__ float operator()(float a, float b) const { return cinch_f_minimum(a, b); }
    __device__ int32_t operator()(int32_t a, int32_t b) const { return cinch_i_minimum(a, b); }
};

/* Over the threads of a warp, all of which call it and get the result. */
template <typename V, typename Operation>
__device__ V cinch_warp_reduce(V v, Operation f)
{
    for (int mask = CINCH_WARP / 2; mask; mask /= 2) v = f(v, __shfl_xor_sync(0xffffffffu, v, mask));
    return v;
}

/* Over the CINCH_BLOCK threads of a block, all of which call it and get the result. It may be called again at once. */
template <typename V, typename Operation>
__device__ V cinch_block_reduce(V v, Operation f)
{
    CINCH_SHARED(V, of_warp, CINCH_BLOCK_WARPS);
    v = cinch_warp_reduce(v, f);
    if (threadIdx.x % CINCH_WARP == 0) of_warp[threadIdx.x / CINCH_WARP] = v;
    __syncthreads();
    v = of_warp[0];
    for (int i = 1; i < CINCH_BLOCK_WARPS; i++) v = f(v, of_warp[i]);
    __syncthreads();
    return v;
}

#endif
