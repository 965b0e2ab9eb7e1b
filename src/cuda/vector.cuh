/* SPDX-License-Identifier: Apache-2.0 */
/* Four neighbouring elements in registers, as f32 (or i32 as they are): read and written at once where the memory is
   aligned to all four. */
#ifndef CINCH_CUDA_VECTOR_CUH
#define CINCH_CUDA_VECTOR_CUH

#include "cuda/kernel.cuh"

enum { CINCH_VECTOR = 4 };

/* Can the elements from `data` on be taken in vectors? */
static inline bool cinch_vectors(const void *data, cinch_dtype dtype)
{
    return (uintptr_t)data % (CINCH_VECTOR * cinch_dtype_size(dtype)) == 0;
}

/* A vector as it is read, for kernels that read several before they look at the first. */
template <typename T> struct cinch_packed;
template <> struct cinch_packed<float> { typedef float4 type; };
template <> struct cinch_packed<cinch_bf16> { typedef uint2 type; };

__device__ static inline void cinch_unpack(float4 u, float *v) { v[0] = u.x, v[1] = u.y, v[2] = u.z, v[3] = u.w; }
__device__ static inline void cinch_unpack(uint2 u, float *v)
{
    v[0] = cinch_from_bits(u.x << 16), v[1] = cinch_from_bits(u.x & 0xffff0000u);
    v[2] = cinch_from_bits(u.y << 16), v[3] = cinch_from_bits(u.y & 0xffff0000u);
}
__device__ static inline void cinch_load_vector(const float *x, float *v) { cinch_unpack(*(const float4 *)x, v); }
__device__ static inline void cinch_load_vector(const cinch_bf16 *x, float *v) { cinch_unpack(*(const uint2 *)x, v); }
__device__ static inline void cinch_load_vector(const int32_t *x, int32_t *v)
{
    int4 u = *(const int4 *)x;
    v[0] = u.x, v[1] = u.y, v[2] = u.z, v[3] = u.w;
}
__device__ static inline void cinch_load_vector(const int32_t *x, float *v)
{
    int4 u = *(const int4 *)x;
    v[0] = (float)u.x, v[1] = (float)u.y, v[2] = (float)u.z, v[3] = (float)u.w;
}
__device__ static inline void cinch_load_vector(const uint8_t *x, float *v)
{
    uint32_t u = *(const uint32_t *)x;
    for (int k = 0; k < CINCH_VECTOR; k++) v[k] = (float)(u >> 8 * k & 0xff);
}

__device__ static inline void cinch_store_vector(float *y, const float *v)
{
    *(float4 *)y = make_float4(v[0], v[1], v[2], v[3]);
}
__device__ static inline void cinch_store_vector(cinch_bf16 *y, const float *v)
{
    *(uint2 *)y = make_uint2(cinch_to_bf16(v[0]) | (uint32_t)cinch_to_bf16(v[1]) << 16,
                             cinch_to_bf16(v[2]) | (uint32_t)cinch_to_bf16(v[3]) << 16);
}
__device__ static inline void cinch_store_vector(int32_t *y, const int32_t *v)
{
    *(int4 *)y = make_int4(v[0], v[1], v[2], v[3]);
}
__device__ static inline void cinch_store_vector(int32_t *y, const float *v)
{
    *(int4 *)y = make_int4(cinch_to_i32(v[0]), cinch_to_i32(v[1]), cinch_to_i32(v[2]), cinch_to_i32(v[3]));
}
__device__ static inline void cinch_store_vector(uint8_t *y, const float *v)
{
    uint32_t u = 0;
    for (int k = 0; k < CINCH_VECTOR; k++) u |= (uint32_t)cinch_to_u8(v[k]) << 8 * k;
    *(uint32_t *)y = u;
}

#endif
