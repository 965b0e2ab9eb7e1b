/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batcher's bitonic network (AFIPS 1968): rows of 2^k keys in k (k + 1) / 2 steps, each of which compares every key
 * with one other. Steps that stay within TILE neighbours are done together in shared memory.
 */
#include "cuda/kernel.cuh"
#include "cuda/sort.h"

enum { TILE = 2048 };

/* The first key of pair `pair` where partners are `stride` apart. */
__device__ static int64_t first_of_pair(int64_t pair, int64_t stride)
{
    return 2 * pair - (pair & (stride - 1));
}

/* Puts keys[i] and keys[i + stride] in order; `at` is where i stands in its row. */
__device__ static void compare(uint64_t *keys, int64_t i, int64_t stride, int64_t at, int64_t size)
{
    uint64_t a = keys[i], b = keys[i + stride];
    if ((a > b) != ((at & size) != 0)) keys[i] = b, keys[i + stride] = a;
}

/* A block has TILE keys in shared memory and makes sorted runs of `from` .. `to` keys of them; of longer ones it does
   the steps that are left. Every key is read and written once. */
static __global__ void __launch_bounds__(CINCH_BLOCK)
sort_tile_kernel(uint64_t *keys, int64_t total, int64_t length, int64_t from, int64_t to)
{
    CINCH_SHARED(uint64_t, tile, TILE);
    for (int64_t begin = (int64_t)blockIdx.x * TILE; begin < total; begin += (int64_t)gridDim.x * TILE) {
        int64_t n = total - begin < TILE ? total - begin : (int64_t)TILE;
        for (int64_t i = threadIdx.x; i < n; i += CINCH_BLOCK) tile[i] = keys[begin + i];
        __syncthreads();
        for (int64_t size = from; size <= to; size *= 2)
            for (int64_t stride = (size < TILE ? size : (int64_t)TILE) / 2; stride; stride /= 2) {
                for (int64_t pair = threadIdx.x; pair < n / 2; pair += CINCH_BLOCK) {
                    int64_t i = first_of_pair(pair, stride);
                    compare(tile, i, stride, (begin + i) & (length - 1), size & (length - 1));
                }
                __syncthreads();
            }
        for (int64_t i = threadIdx.x; i < n; i += CINCH_BLOCK) keys[begin + i] = tile[i];
        __syncthreads();
    }
}

/* One step across tiles; every key is read once and written at most once. */
static __global__ void __launch_bounds__(CINCH_BLOCK)
sort_step_kernel(uint64_t *keys, int64_t total, int64_t length, int64_t size, int64_t stride)
{
    CINCH_EACH(pair, total / 2) {
        int64_t i = first_of_pair(pair, stride);
        compare(keys, i, stride, i & (length - 1), size & (length - 1));
    }
}

void cinch_cuda_sort(cinch_backend *b, uint64_t *keys, int64_t rows, int64_t length)
{
    int64_t total = rows * length, tiles = cinch_cuda_blocks(b, cinch_cuda_parts(total, TILE) * CINCH_BLOCK);
    int64_t pairs = cinch_cuda_blocks(b, total / 2), within = cinch_cuda_min(length, TILE), first = 2;
    cudaStream_t stream = cinch_cuda_stream(b);
    if (!rows || length == 1) return;
    CINCH_LAUNCH(sort_tile_kernel, tiles, CINCH_BLOCK, stream, keys, total, length, first, within);
    for (int64_t size = 2 * TILE; size <= length; size *= 2) {
        for (int64_t stride = size / 2; stride >= TILE; stride /= 2)
            CINCH_LAUNCH(sort_step_kernel, pairs, CINCH_BLOCK, stream, keys, total, length, size, stride);
        CINCH_LAUNCH(sort_tile_kernel, tiles, CINCH_BLOCK, stream, keys, total, length, size, size);
    }
}
