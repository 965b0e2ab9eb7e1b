/* SPDX-License-Identifier: Apache-2.0 */
/* From sums to D: what products and epilogues of the stand-in for cuBLASLt share. */
#ifndef CINCH_TESTS_CUDA_HOST_LT_EPILOGUE_H
#define CINCH_TESTS_CUDA_HOST_LT_EPILOGUE_H

#include "lt.h"
#include "lt_number.h"

enum { LT_TILE_ROWS = 96, LT_TILE_COLUMNS = 64 };

typedef float lt_tile[LT_TILE_COLUMNS][LT_TILE_ROWS];

/* One batch's matrices, and the tile of D that is being made. */
typedef struct lt_place {
    const void *a, *b, *c;
    void *d, *bias, *aux;
    float alpha, beta;
    int64_t row, column;
    int rows, columns;
    float row_sums[LT_TILE_ROWS]; /* of D, over the columns so far */
} lt_place;

/* Fills with NaN what the product is going to write: it is undefined until then. */
void lt_poison_outputs(const cuda_host_lt_job *job, const lt_place *at);
void lt_finish_tile(const cuda_host_lt_job *job, lt_place *at, lt_tile sums);
/* out[i] = the sum over k of operand[i * step + k * k_step] */
void lt_sum_over_k(const cuda_host_lt_operand *x, const void *memory, int64_t step, int64_t k_step, int64_t n,
                   int64_t k, void *out, int64_t out_type);

#endif
