/* SPDX-License-Identifier: Apache-2.0 */
#include "planted.h"

#include "cuda/kernel.cuh"

static __global__ void scale(float *x, int64_t n, float by, float add)
{
    CINCH_EACH(i, n) x[i] = x[i] * by + add;
}

void planted_scale(float *x, int64_t n, float by, float add, int blocks, cudaStream_t stream)
{
    CINCH_LAUNCH(scale, blocks, PLANTED_BLOCK, stream, x, n, by, add);
}

static __global__ void store(float *x, int64_t at, float value)
{
    if (threadIdx.x == 17) x[at] = value;
}

void planted_store(float *x, int64_t at, float value, cudaStream_t stream)
{
    CINCH_LAUNCH(store, 1, PLANTED_BLOCK, stream, x, at, value);
}

static __global__ void sum(const float *x, float *y)
{
    float s = cinch_block_reduce(x[blockIdx.x * blockDim.x + threadIdx.x], cinch_add());
    float again = cinch_block_reduce(s, cinch_larger());
    if (threadIdx.x == 0) y[blockIdx.x] = again;
}

void planted_sum(const float *x, float *y, int blocks, cudaStream_t stream)
{
    CINCH_LAUNCH(sum, blocks, PLANTED_BLOCK, stream, x, y);
}

/* --- barriers ----------------------------------------------------------------------------------------------------- */

template <bool right> static __global__ void reverse(float *x)
{
    CINCH_SHARED(float, tile, PLANTED_BLOCK);
    float *own = x + blockIdx.x * PLANTED_BLOCK;
    tile[threadIdx.x] = own[threadIdx.x];
    if (right) __syncthreads();
    own[threadIdx.x] = tile[PLANTED_BLOCK - 1 - threadIdx.x];
}

void planted_reverse(float *x, int blocks, bool right, cudaStream_t stream)
{
    if (right) CINCH_LAUNCH(reverse<true>, blocks, PLANTED_BLOCK, stream, x);
    else CINCH_LAUNCH(reverse<false>, blocks, PLANTED_BLOCK, stream, x);
}

template <bool right> static __global__ void reverse_twice(const float *x, float *y)
{
    CINCH_SHARED(float, tile, PLANTED_BLOCK);
    for (int i = 0; i < 2; i++) {
        tile[threadIdx.x] = x[i * PLANTED_BLOCK + threadIdx.x];
        __syncthreads();
        y[i * PLANTED_BLOCK + threadIdx.x] = tile[PLANTED_BLOCK - 1 - threadIdx.x];
        if (right) __syncthreads();
    }
}

void planted_reverse_twice(const float *x, float *y, bool right, cudaStream_t stream)
{
    if (right) CINCH_LAUNCH(reverse_twice<true>, 1, PLANTED_BLOCK, stream, x, y);
    else CINCH_LAUNCH(reverse_twice<false>, 1, PLANTED_BLOCK, stream, x, y);
}

template <bool right> static __global__ void swap_in_warp(float *x)
{
    CINCH_SHARED(float, tile, PLANTED_BLOCK);
    tile[threadIdx.x] = x[threadIdx.x];
    if (right) __syncwarp();
    x[threadIdx.x] = tile[threadIdx.x ^ 1];
}

void planted_swap_in_warp(float *x, bool right, cudaStream_t stream)
{
    if (right) CINCH_LAUNCH(swap_in_warp<true>, 1, PLANTED_BLOCK, stream, x);
    else CINCH_LAUNCH(swap_in_warp<false>, 1, PLANTED_BLOCK, stream, x);
}

template <bool right> static __global__ void sum_of_warps(const float *x, float *y)
{
    CINCH_SHARED(float, sums, CINCH_BLOCK_WARPS);
    int warp = threadIdx.x / CINCH_WARP, own = right ? warp : 0;
    for (int lane = 0; lane < CINCH_WARP; lane++) {
        if (threadIdx.x % CINCH_WARP == (unsigned)lane) sums[own] = (lane ? sums[own] : 0) + x[threadIdx.x];
        __syncwarp();
    }
    if (threadIdx.x % CINCH_WARP == 0) y[warp] = sums[own];
}

void planted_sum_of_warps(const float *x, float *y, bool right, cudaStream_t stream)
{
    if (right) CINCH_LAUNCH(sum_of_warps<true>, 1, PLANTED_BLOCK, stream, x, y);
    else CINCH_LAUNCH(sum_of_warps<false>, 1, PLANTED_BLOCK, stream, x, y);
}

static __global__ void half_ends(float *x)
{
    if (threadIdx.x < PLANTED_BLOCK / 2) return;
    __syncthreads();
    x[threadIdx.x] = 1;
}

void planted_half_ends(float *x, cudaStream_t stream) { CINCH_LAUNCH(half_ends, 1, PLANTED_BLOCK, stream, x); }

static __global__ void two_barriers(float *x)
{
    if (threadIdx.x < PLANTED_BLOCK / 2)
        __syncthreads();
    else
        __syncthreads();
    x[threadIdx.x] = 1;
}

void planted_two_barriers(float *x, cudaStream_t stream) { CINCH_LAUNCH(two_barriers, 1, PLANTED_BLOCK, stream, x); }

/* --- shuffles and votes ------------------------------------------------------------------------------------------- */

static __global__ void barrier_and_shuffle(float *x)
{
    if (threadIdx.x % CINCH_WARP < CINCH_WARP / 2) __syncthreads();
    else x[threadIdx.x] = __shfl_sync(0xffffffffu, 1.0f, 31);
}

void planted_barrier_and_shuffle(float *x, cudaStream_t stream)
{
    CINCH_LAUNCH(barrier_and_shuffle, 1, PLANTED_BLOCK, stream, x);
}

static __global__ void shuffle_of_ended(float *x)
{
    if (threadIdx.x % CINCH_WARP >= 16) return;
    x[threadIdx.x] = __shfl_xor_sync(0xffffffffu, 1.0f, 1);
}

void planted_shuffle_of_ended(float *x, cudaStream_t stream)
{
    CINCH_LAUNCH(shuffle_of_ended, 1, PLANTED_BLOCK, stream, x);
}

static __global__ void shuffle_without_itself(float *x) { x[threadIdx.x] = __shfl_sync(0xffffu, 1.0f, 0); }

void planted_shuffle_without_itself(float *x, cudaStream_t stream)
{
    CINCH_LAUNCH(shuffle_without_itself, 1, PLANTED_BLOCK, stream, x);
}

static __global__ void shuffle_from_outside(float *x)
{
    if (threadIdx.x % CINCH_WARP < 16) x[threadIdx.x] = __shfl_sync(0xffffu, 1.0f, 16);
}

void planted_shuffle_from_outside(float *x, cudaStream_t stream)
{
    CINCH_LAUNCH(shuffle_from_outside, 1, PLANTED_BLOCK, stream, x);
}

static __global__ void votes(float *y)
{
    int lane = threadIdx.x;
    bool ok[6];
    ok[0] = __shfl_sync(0xffffffffu, lane * 1e9, 5) == 5e9;
    ok[1] = __shfl_up_sync(0xffffffffu, lane, 3, 8) == (lane % 8 < 3 ? lane : lane - 3);
    ok[2] = __shfl_down_sync(0xffffffffu, lane, 3, 16) == (lane % 16 > 12 ? lane : lane + 3);
    ok[3] = __ballot_sync(0xffffffffu, lane % 3 == 0) == 0x49249249u;
    if (lane % 2) ok[4] = __all_sync(0xaaaaaaaau, lane % 2) && !__any_sync(0xaaaaaaaau, lane > 31);
    else ok[4] = __any_sync(0x55555555u, lane == 30) && !__all_sync(0x55555555u, lane < 30);
    ok[5] = __shfl_sync(0xffffffffu, lane, lane + 1, 4) == lane / 4 * 4 + (lane + 1) % 4;
    for (int i = 0; i < 6; i++) {
        unsigned right = __ballot_sync(0xffffffffu, ok[i]);
        if (lane == i) y[i] = (float)__popc(right);
    }
}

void planted_votes(float *y, cudaStream_t stream) { CINCH_LAUNCH(votes, 1, CINCH_WARP, stream, y); }

/* --- shared memory ------------------------------------------------------------------------------------------------ */

static __global__ void shared(float *x, int beyond)
{
    CINCH_SHARED(float, tile, PLANTED_BLOCK);
    float *at = tile + threadIdx.x;
    *at = x[threadIdx.x];
    if (threadIdx.x == PLANTED_BLOCK - 1) at[beyond + 1] = 1;
    x[threadIdx.x] = *at;
}

void planted_shared(float *x, int beyond, cudaStream_t stream)
{
    CINCH_LAUNCH(shared, 1, PLANTED_BLOCK, stream, x, beyond);
}

static __global__ void unwritten(float *x)
{
    CINCH_SHARED(float, tile, PLANTED_BLOCK);
    x[blockIdx.x * PLANTED_BLOCK + threadIdx.x] = tile[threadIdx.x];
    tile[threadIdx.x] = 1;
}

void planted_unwritten(float *x, int blocks, cudaStream_t stream)
{
    CINCH_LAUNCH(unwritten, blocks, PLANTED_BLOCK, stream, x);
}
