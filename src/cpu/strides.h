/* SPDX-License-Identifier: Apache-2.0 */
/* The index space of a contiguous result, and how operands lie in it. */
#ifndef CINCH_CPU_STRIDES_H
#define CINCH_CPU_STRIDES_H

#include "cpu/cpu.h"

enum { CINCH_GRID_OPERANDS = CINCH_CHAIN_INPUTS };

/* dim[rank] row-major; element strides of n operands, 0 where one repeats itself. */
typedef struct cinch_grid {
    int rank, n;
    int64_t dim[CINCH_RANK_MAX];
    int64_t stride[CINCH_GRID_OPERANDS][CINCH_RANK_MAX];
} cinch_grid;

/* Contiguous strides of a tensor. */
void cinch_strides(const cinch_tensor *t, int64_t stride[CINCH_RANK_MAX]);

/* Adds an operand that broadcasts to the grid as in NumPy. */
void cinch_grid_add(cinch_grid *grid, const cinch_tensor *t);

/* Drops axes of size 1 and merges neighbours that lie one behind the other in every operand; the rank is then at
   least 1. Do not call it where a size is 0. */
void cinch_grid_collapse(cinch_grid *grid);

/* A walk in row-major order over the first `rank` axes, with the offsets of all operands. */
typedef struct cinch_cursor {
    int rank;
    int64_t index[CINCH_RANK_MAX], offset[CINCH_GRID_OPERANDS];
} cinch_cursor;

void cinch_cursor_start(cinch_cursor *cursor, const cinch_grid *grid, int rank, int64_t at);
void cinch_cursor_next(cinch_cursor *cursor, const cinch_grid *grid);

/* Offset of operand k at position `at` of the row-major order over the first `rank` axes. */
int64_t cinch_grid_offset(const cinch_grid *grid, int k, int rank, int64_t at);

#endif
