/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernels share that fold many numbers into few: always in an order that follows from the shape alone. */
#ifndef CINCH_CUDA_FOLD_CUH
#define CINCH_CUDA_FOLD_CUH

#include "cuda/vector.cuh"

CINCH_HD int64_t cinch_least(int64_t a, int64_t b) { return a < b ? a : b; }

/* --- groups of threads -------------------------------------------------------------------------------------------- */

/* Over groups of `lanes` neighbouring threads, a power of two up to CINCH_WARP, or CINCH_BLOCK. All threads of the
   block call it and get their group's result. */
template <typename V, typename Operation>
__device__ V cinch_group_reduce(V v, int lanes, Operation f)
{
    if (lanes == CINCH_BLOCK) return cinch_block_reduce(v, f);
    for (int mask = lanes / 2; mask; mask /= 2) v = f(v, __shfl_xor_sync(0xffffffffu, v, mask));
    return v;
}

/* The least power of two that is at least n, but `most` where n is larger. */
static inline int cinch_cuda_lanes(int64_t n, int most)
{
    int lanes = 1;
    while (lanes < n && lanes < most) lanes *= 2;
    return lanes;
}

/* --- packs: neighbours that are read at once, 16 bytes ------------------------------------------------------------ */

typedef unsigned long long cinch_u64;
CINCH_HD cinch_u64 cinch_load(const cinch_u64 *x, int64_t i) { return x[i]; }

template <typename T> struct cinch_pack { enum { COUNT = 16 / sizeof(T) }; };

/* What an element of type T is in a register: f32 for bf16. */
template <typename T> using cinch_value_of = decltype(cinch_load((const T *)nullptr, 0));

template <typename T, typename V> __device__ void cinch_read_pack(const T *x, V *v) { cinch_load_vector(x, v); }
template <> __device__ __forceinline__ void cinch_read_pack(const cinch_u64 *x, cinch_u64 *v)
{
    ulonglong2 w = *(const ulonglong2 *)x;
    v[0] = w.x, v[1] = w.y;
}
template <> __device__ __forceinline__ void cinch_read_pack(const cinch_bf16 *x, float *v)
{
    uint4 w = *(const uint4 *)x;
    cinch_unpack(make_uint2(w.x, w.y), v), cinch_unpack(make_uint2(w.z, w.w), v + 4);
}

/* COUNT neighbours, at once where they lie ALIGNED. */
template <int COUNT, bool ALIGNED, typename T, typename V>
__device__ void cinch_read_neighbours(const T *x, V *v)
{
    if constexpr (ALIGNED && COUNT == cinch_pack<T>::COUNT) cinch_read_pack(x, v);
    else
        for (int k = 0; k < COUNT; k++) v[k] = cinch_load(x, k);
}

/* --- log(sum(exp(x))) in one pass --------------------------------------------------------------------------------- */

/* Of the numbers so far, the largest, and the sum of exp(x - top). Milakov & Gimelshein, arXiv 1805.02867. Where `top`
   is infinite or not a number, it is the result, and `sum` means nothing. */
typedef struct cinch_exponentials { float top, sum; } cinch_exponentials;

/* exp(d); nothing where d is the difference of two infinities. */
CINCH_HD float cinch_exponential_weight(float d) { return d == d ? cinch_f_exp(d) : 0; }

CINCH_HD cinch_exponentials cinch_exponentials_with(cinch_exponentials s, float x)
{
    float d = x - s.top, e = cinch_exponential_weight(-fabsf(d));
    cinch_exponentials r = {cinch_f_maximum(s.top, x), d > 0 ? CINCH_FMA(s.sum, e, 1) : s.sum + e};
    return r;
}

CINCH_HD cinch_exponentials cinch_exponentials_both(cinch_exponentials a, cinch_exponentials b)
{
    float top = cinch_f_maximum(a.top, b.top);
    cinch_exponentials r = {top, a.sum * cinch_exponential_weight(a.top - top) +
                                     b.sum * cinch_exponential_weight(b.top - top)};
    return r;
}

/* As cinch_group_reduce. */
__device__ __forceinline__ cinch_exponentials cinch_exponentials_across(cinch_exponentials s, int lanes)
{
    float top = cinch_group_reduce(s.top, lanes, cinch_larger());
    float sum = cinch_group_reduce(s.sum * cinch_exponential_weight(s.top - top), lanes, cinch_add());
    cinch_exponentials r = {top, sum};
    return r;
}

#endif
