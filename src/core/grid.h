/* SPDX-License-Identifier: Apache-2.0 */
/* The index space of a contiguous result, and how operands lie in it. */
#ifndef CINCH_CORE_GRID_H
#define CINCH_CORE_GRID_H

#include "core/backend.h"
#include "core/rng.h"

enum { CINCH_GRID_OPERANDS = CINCH_CHAIN_INPUTS };

/* dim[rank] row-major; element strides of n operands, 0 where one repeats itself. */
typedef struct cinch_grid {
    int rank, n;
    int64_t dim[CINCH_RANK_MAX];
    int64_t stride[CINCH_GRID_OPERANDS][CINCH_RANK_MAX];
} cinch_grid;

/* Contiguous strides of a tensor. */
static inline void cinch_strides(const cinch_tensor *t, int64_t stride[CINCH_RANK_MAX])
{
    int64_t step = 1;
    for (int i = t->rank; i-- > 0;) {
        stride[i] = step;
        step *= t->dim[i];
    }
}

/* Adds an operand that broadcasts to the grid as in NumPy. */
static inline void cinch_grid_add(cinch_grid *grid, const cinch_tensor *t)
{
    int64_t own[CINCH_RANK_MAX], *stride = grid->stride[grid->n++];
    int shift = grid->rank - t->rank;
    cinch_strides(t, own);
    for (int i = 0; i < grid->rank; i++) stride[i] = i < shift || t->dim[i - shift] == 1 ? 0 : own[i - shift];
}

/* The shape that all inputs broadcast to. */
static inline void cinch_grid_span_inputs(cinch_grid *grid, const cinch_call *c)
{
    grid->rank = 0;
    for (int k = 0; k < c->n_in; k++)
        if (c->in[k].rank > grid->rank) grid->rank = c->in[k].rank;
    for (int i = 0; i < grid->rank; i++) grid->dim[i] = 1;
    for (int k = 0; k < c->n_in; k++)
        for (int i = 0, shift = grid->rank - c->in[k].rank; i < c->in[k].rank; i++)
            if (c->in[k].dim[i] != 1) grid->dim[shift + i] = c->in[k].dim[i];
}

static inline bool cinch_grid_mergeable(const cinch_grid *grid, int i)
{
    for (int k = 0; k < grid->n; k++)
        if (grid->stride[k][i] != grid->stride[k][i + 1] * grid->dim[i + 1]) return false;
    return true;
}

static inline void cinch_grid_remove_axis(cinch_grid *grid, int axis)
{
    for (int i = axis; i + 1 < grid->rank; i++) {
        grid->dim[i] = grid->dim[i + 1];
        for (int k = 0; k < grid->n; k++) grid->stride[k][i] = grid->stride[k][i + 1];
    }
    grid->rank--;
}

/* Drops axes of size 1 and merges neighbours that lie one behind the other in every operand; the rank is then at
   least 1. Do not call it where a size is 0. */
static inline void cinch_grid_collapse(cinch_grid *grid)
{
    for (int i = grid->rank; i-- > 0;)
        if (grid->dim[i] == 1) cinch_grid_remove_axis(grid, i);
    for (int i = grid->rank - 1; i-- > 0;) {
        if (!cinch_grid_mergeable(grid, i)) continue;
        grid->dim[i + 1] *= grid->dim[i];
        cinch_grid_remove_axis(grid, i);
    }
    if (grid->rank) return;
    grid->rank = 1;
    grid->dim[0] = 1;
    for (int k = 0; k < grid->n; k++) grid->stride[k][0] = 0;
}

/* Offset of operand k at position `at` of the row-major order over the first `rank` axes. */
CINCH_HD int64_t cinch_grid_offset(const cinch_grid *grid, int k, int rank, int64_t at)
{
    int64_t offset = 0;
    for (int i = rank; i-- > 0;) {
        int64_t rest = at / grid->dim[i];
        offset += (at - rest * grid->dim[i]) * grid->stride[k][i];
        at = rest;
    }
    return offset;
}

/* A walk in row-major order over the first `rank` axes, with the offsets of all operands. */
typedef struct cinch_cursor {
    int rank;
    int64_t index[CINCH_RANK_MAX], offset[CINCH_GRID_OPERANDS];
} cinch_cursor;

static inline void cinch_cursor_start(cinch_cursor *cursor, const cinch_grid *grid, int rank, int64_t at)
{
    cursor->rank = rank;
    for (int k = 0; k < grid->n; k++) cursor->offset[k] = cinch_grid_offset(grid, k, rank, at);
    for (int i = rank; i-- > 0; at /= grid->dim[i]) cursor->index[i] = at % grid->dim[i];
}

static inline void cinch_cursor_next(cinch_cursor *cursor, const cinch_grid *grid)
{
    for (int i = cursor->rank; i-- > 0;) {
        bool wraps = ++cursor->index[i] == grid->dim[i];
        if (wraps) cursor->index[i] = 0;
        for (int k = 0; k < grid->n; k++)
            cursor->offset[k] += wraps ? -(grid->dim[i] - 1) * grid->stride[k][i] : grid->stride[k][i];
        if (!wraps) return;
    }
}

#endif
