/* SPDX-License-Identifier: Apache-2.0 */
/* Products that cuBLASLt has no algorithm for. */
#include "cuda/kernel.cuh"
#include "cuda/matmul.h"

/* A block computes TILE x TILE results, each of its threads EACH x EACH of them, DEPTH terms at a time. */
enum { TILE = 64, DEPTH = 16, SIDE = 16, EACH = TILE / SIDE, PITCH = TILE + 1, MOST_BLOCKS = 1 << 20 };

static_assert((int)SIDE * (int)SIDE == (int)CINCH_BLOCK, "a block is a square of threads");

#define ACTIVATION_1_0(name) case CINCH_OP_##name: return cinch_f_##name(x);
#define ACTIVATION_1_1(name) case CINCH_OP_##name: return cinch_f_##name(x, p);
#define ACTIVATION_1_2(name) case CINCH_OP_##name: return cinch_f_##name(x, p, q);
#define ACTIVATION_2_0(name) case CINCH_OP_##name: return cinch_f_##name(x, seen);
#define ACTIVATION_2_1(name) case CINCH_OP_##name: return cinch_f_##name(x, seen, p);
#define ACTIVATION_3_0(name)
#define ACTIVATION_3_1(name)

__device__ static float activate(int op, float x, float seen, float p, float q)
{
    switch (op) {
#define OP(name, inputs, outputs, attr, place, saves, types)
#define ELEMENTWISE(name, inputs, params, types) ACTIVATION_##inputs##_##params(name)
#include "core/ops.def"
    }
    return x;
}

/* The operand's next terms of the tile's rows or columns, 0 beyond its edges; tile[k * PITCH + outer]. Neighbouring
   threads read neighbours in memory. */
__device__ static void load_tile(float *tile, const cinch_cuda_matrix &m, int64_t matrix, int64_t outer_at,
                                 int64_t outers, int64_t k_at, int64_t terms)
{
    bool along_k = m.k_step == 1;
    int64_t start = matrix * m.size;
    for (int i = (int)threadIdx.x; i < TILE * DEPTH; i += CINCH_BLOCK) {
        int outer = along_k ? i / DEPTH : i % TILE, k = along_k ? i % DEPTH : i / TILE;
        bool inside = outer_at + outer < outers && k_at + k < terms;
        int64_t at = start + (outer_at + outer) * m.outer_step + (k_at + k) * m.k_step;
        tile[k * PITCH + outer] = inside ? cinch_load_as(m.data, m.dtype, at) : 0;
    }
}

/* Adds DEPTH terms to each of the thread's sums. */
__device__ static void add_terms(float sum[EACH][EACH], const float *a, const float *b, int row, int column)
{
    for (int k = 0; k < DEPTH; k++)
        for (int i = 0; i < EACH; i++)
            for (int j = 0; j < EACH; j++)
                sum[i][j] = CINCH_FMA(a[k * PITCH + row + i * SIDE], b[k * PITCH + column + j * SIDE], sum[i][j]);
}

__device__ static void store_results(const cinch_cuda_matrices &p, const float sum[EACH][EACH], int64_t index,
                                     int64_t row, int64_t column)
{
    for (int i = 0; i < EACH; i++)
        for (int j = 0; j < EACH; j++) {
            int64_t r = row + i * SIDE, c = column + j * SIDE;
            if (r >= p.m || c >= p.n) continue;
            int64_t at = (index * p.m + r) * p.n + c;
            float y = sum[i][j], seen = p.seen ? cinch_load_as(p.seen, p.seen_type, at) : 0;
            if (p.bias) y += cinch_load_as(p.bias, p.bias_type, c);
            if (p.activation) y = activate(p.activation, y, seen, p.param[0], p.param[1]);
            cinch_store_as(p.out, p.type, at, y);
        }
}

/* Tiles in row-major order, matrix after matrix. Every operand is read once for each tile that it takes part in. */
__global__ void __launch_bounds__(CINCH_BLOCK) multiply_kernel(const cinch_cuda_matrices p, int64_t across,
                                                                int64_t tiles)
{
    CINCH_SHARED(float, a, DEPTH * PITCH);
    CINCH_SHARED(float, b, DEPTH * PITCH);
    int row = (int)threadIdx.x / SIDE, column = (int)threadIdx.x % SIDE;
    int64_t down = (p.m + TILE - 1) / TILE;
    for (int64_t tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
        int64_t index = tile / (across * down), row_at = tile / across % down * TILE, column_at = tile % across * TILE;
        int64_t matrix_a = cinch_grid_offset(&p.batch, 0, p.batch.rank, index);
        int64_t matrix_b = cinch_grid_offset(&p.batch, 1, p.batch.rank, index);
        float sum[EACH][EACH] = {};
        for (int64_t k = 0; k < p.k; k += DEPTH) {
            load_tile(a, p.in[0], matrix_a, row_at, p.m, k, p.k);
            load_tile(b, p.in[1], matrix_b, column_at, p.n, k, p.k);
            __syncthreads();
            add_terms(sum, a, b, row, column);
            __syncthreads();
        }
        store_results(p, sum, index, row_at + row, column_at + column);
    }
}

cinch_status cinch_cuda_multiply(cinch_backend *b, const cinch_call *c, const cinch_cuda_matrices *p)
{
    int64_t across = cinch_cuda_parts(p->n, TILE), tiles = cinch_cuda_parts(p->m, TILE) * across * p->n_batch;
    if (!tiles) return CINCH_OK;
    int64_t blocks = cinch_cuda_min(tiles, MOST_BLOCKS);
    CINCH_LAUNCH(multiply_kernel, blocks, CINCH_BLOCK, cinch_cuda_stream(b), *p, across, tiles);
    return cinch_cuda_launched(c);
}
