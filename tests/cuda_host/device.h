/* SPDX-License-Identifier: Apache-2.0 */
/* Put before each .cu file, so that g++ compiles it for the stand-in: CUDA's names, and the macros of kernel.cuh. */
#ifndef CINCH_TESTS_CUDA_HOST_DEVICE_H
#define CINCH_TESTS_CUDA_HOST_DEVICE_H

#include "block.h"

#include <math.h>
#include <string.h>
#include <tuple>
#include <type_traits>
#include <vector_functions.h>

#define threadIdx ((const uint3 &)cuda_host_thread_index)
#define blockIdx ((const uint3 &)cuda_host_block_index)
#define blockDim ((const uint3 &)cuda_host_block_size)
#define gridDim ((const uint3 &)cuda_host_grid_size)
#define warpSize 32
#undef __launch_bounds__
#define __launch_bounds__(...)

/* --- launches and shared memory ----------------------------------------------------------------------------------- */

/* A call that waits: the arguments are taken when the launch is made, as on a GPU. */
template <typename F, typename... V>
struct cuda_host_call
{
    F kernel;
    std::tuple<V...> args;
    static void run(const void *given)
    {
        const cuda_host_call *call = (const cuda_host_call *)given;
        std::apply(call->kernel, call->args);
    }
};

template <typename F, typename... Args>
static inline void cuda_host_launch_call(const char *name, F kernel, int64_t blocks, int64_t threads,
                                         cudaStream_t stream, const Args &...args)
{
    static_assert((std::is_trivially_copyable<Args>::value && ...), "an argument that cannot be copied as bytes");
    typedef cuda_host_call<F, std::decay_t<Args>...> call;
    call c = {kernel, std::tuple<std::decay_t<Args>...>(args...)};
    cuda_host_launch(name, call::run, &c, sizeof c, blocks, threads, stream);
}

#define CINCH_LAUNCH(kernel, blocks, threads, stream, ...)                                                           \
    cuda_host_launch_call(#kernel, [](const auto &...cuda_host_v) { kernel(cuda_host_v...); }, (int64_t)(blocks), \
                          (int64_t)(threads), stream, ##__VA_ARGS__)

/* Static memory is as good as a block's own, for blocks run one after the other. */
#define CINCH_SHARED(type, name, count)                                                                            \
    alignas(CUDA_HOST_BAND) static struct {                                                                        \
        unsigned char before[CUDA_HOST_BAND];                                                                      \
        type of[count];                                                                                            \
        unsigned char after[CUDA_HOST_BAND];                                                                       \
    } name##_memory;                                                                                               \
    static cuda_host_array name##_array = {#name, (unsigned char *)name##_memory.of, sizeof name##_memory.of, 0,   \
                                           NULL};                                                                  \
    if (name##_array.block != cuda_host_block_number) cuda_host_enter_array(&name##_array);                        \
    auto &name = name##_memory.of

/* --- threads that meet -------------------------------------------------------------------------------------------- */

#define __syncthreads() cuda_host_barrier(__FILE__, __LINE__)
#define CUDA_HOST_ALL 0xffffffffu

static inline int cuda_host_lane(void) { return (int)(cuda_host_thread_index.x % 32); }

template <typename T>
static inline T cuda_host_shuffle(unsigned lanes, T v, int from)
{
    static_assert(sizeof v <= 8 && std::is_arithmetic<T>::value, "a type that cannot be shuffled");
    uint64_t bits = 0;
    memcpy(&bits, &v, sizeof v);
    bits = cuda_host_meet(CUDA_HOST_SHUFFLE, lanes, bits, from);
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* Within parts of `width` lanes; a lane whose source lies outside keeps its value. */
template <typename T> static inline T __shfl_sync(unsigned lanes, T v, int source, int width = 32)
{
    int lane = cuda_host_lane();
    return cuda_host_shuffle(lanes, v, lane / width * width + (source & (width - 1)));
}
template <typename T> static inline T __shfl_xor_sync(unsigned lanes, T v, int mask, int width = 32)
{
    int lane = cuda_host_lane(), from = lane ^ mask;
    return cuda_host_shuffle(lanes, v, from / width > lane / width ? lane : from);
}
template <typename T> static inline T __shfl_up_sync(unsigned lanes, T v, unsigned by, int width = 32)
{
    int lane = cuda_host_lane(), from = lane - (int)by;
    return cuda_host_shuffle(lanes, v, from < lane / width * width ? lane : from);
}
template <typename T> static inline T __shfl_down_sync(unsigned lanes, T v, unsigned by, int width = 32)
{
    int lane = cuda_host_lane(), from = lane + (int)by;
    return cuda_host_shuffle(lanes, v, from / width > lane / width ? lane : from);
}

static inline void __syncwarp(unsigned lanes = CUDA_HOST_ALL) { cuda_host_meet(CUDA_HOST_SYNC, lanes, 0, 0); }
static inline unsigned __ballot_sync(unsigned lanes, int yes)
{
    return (unsigned)cuda_host_meet(CUDA_HOST_BALLOT, lanes, yes != 0, 0);
}
static inline int __any_sync(unsigned lanes, int yes) { return __ballot_sync(lanes, yes) != 0; }
static inline int __all_sync(unsigned lanes, int yes) { return __ballot_sync(lanes, yes) == lanes; }

static inline int __syncthreads_count(int yes)
{
    CINCH_SHARED(int, count, 1);
    __syncthreads();
    count[0] = 0;
    __syncthreads();
    count[0] += yes != 0;
    __syncthreads();
    return count[0];
}
static inline int __syncthreads_or(int yes) { return __syncthreads_count(yes) != 0; }
static inline int __syncthreads_and(int yes) { return __syncthreads_count(!yes) == 0; }

/* --- atomics: a thread runs until it waits ------------------------------------------------------------------------ */

#define CUDA_HOST_ATOMIC(name, T, result)                                                                          \
    static inline T name(T *at, T v)                                                                               \
    {                                                                                                              \
        T old = *at;                                                                                               \
        *at = result;                                                                                              \
        return old;                                                                                                \
    }
#define CUDA_HOST_ATOMICS(T)                                   \
    CUDA_HOST_ATOMIC(atomicAdd, T, old + v)                    \
    CUDA_HOST_ATOMIC(atomicMin, T, old < v ? old : v)          \
    CUDA_HOST_ATOMIC(atomicMax, T, old > v ? old : v)          \
    CUDA_HOST_ATOMIC(atomicAnd, T, old & v)                    \
    CUDA_HOST_ATOMIC(atomicOr, T, old | v)                     \
    CUDA_HOST_ATOMIC(atomicXor, T, old ^ v)                    \
    CUDA_HOST_ATOMIC(atomicExch, T, v)                         \
    static inline T atomicCAS(T *at, T expected, T v)          \
    {                                                          \
        T old = *at;                                           \
        if (old == expected) *at = v;                          \
        return old;                                            \
    }
CUDA_HOST_ATOMICS(int)
CUDA_HOST_ATOMICS(unsigned)
CUDA_HOST_ATOMICS(unsigned long long)

static inline void __threadfence(void) {}
static inline void __threadfence_block(void) {}

/* --- functions of the device -------------------------------------------------------------------------------------- */

template <typename T> static inline T __ldg(const T *at) { return *at; }

static inline int __popc(unsigned v) { return __builtin_popcount(v); }
static inline int __clz(int v) { return v ? __builtin_clz((unsigned)v) : 32; }
static inline int __ffs(int v) { return __builtin_ffs(v); }
static inline unsigned __float_as_uint(float x) { unsigned u; memcpy(&u, &x, sizeof u); return u; }
static inline float __uint_as_float(unsigned u) { float x; memcpy(&x, &u, sizeof x); return x; }
static inline int __float_as_int(float x) { return (int)__float_as_uint(x); }
static inline float __int_as_float(int i) { return __uint_as_float((unsigned)i); }
static inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
static inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)((uint64_t)a * b >> 32); }

#endif
