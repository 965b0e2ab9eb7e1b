/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folding many numbers into few, the same way whatever the instruction set: a run of numbers goes round an array of
 * `wide` accumulators, whose halves are then folded together.
 */
#ifndef CINCH_CPU_FOLD_H
#define CINCH_CPU_FOLD_H

#include "cpu/kernel.h"

#define CINCH_FOLD(name, type, combine)                                                                           \
    CINCH_HD void fold1_##name(type *restrict acc, const type *restrict x, int64_t n)                             \
    {                                                                                                             \
        for (int64_t i = 0; i < n; i++) acc[i] = combine(acc[i], x[i]);                                           \
    }                                                                                                             \
    CINCH_HD void fold4_##name(type *restrict acc, const type *restrict x, int64_t stride, int64_t n)             \
    {                                                                                                             \
        const type *y = x + stride, *z = y + stride, *w = z + stride;                                             \
        for (int64_t i = 0; i < n; i++)                                                                           \
            acc[i] = combine(combine(combine(combine(acc[i], x[i]), y[i]), z[i]), w[i]);                          \
    }                                                                                                             \
    /* n numbers, number i into acc[i % wide]. */                                                                 \
    CINCH_HD void fold_##name(type *restrict acc, int64_t wide, const type *restrict x, int64_t n)                \
    {                                                                                                             \
        for (; n >= 4 * wide; n -= 4 * wide, x += 4 * wide) fold4_##name(acc, x, wide, wide);                     \
        for (; n >= wide; n -= wide, x += wide) fold1_##name(acc, x, wide);                                       \
        fold1_##name(acc, x, n);                                                                                  \
    }                                                                                                             \
    /* m groups of `inner` accumulators into the first; m is a power of two. */                                   \
    CINCH_HD void halve_##name(type *acc, int64_t m, int64_t inner)                                               \
    {                                                                                                             \
        for (int64_t half = m / 2; half; half /= 2) fold1_##name(acc, acc + half * inner, half * inner);          \
    }

CINCH_FOLD(sum, float, cinch_f_add)
CINCH_FOLD(max, float, cinch_f_maximum)
CINCH_FOLD(min, float, cinch_f_minimum)
CINCH_FOLD(integer_sum, cinch_word, cinch_i_add)
CINCH_FOLD(integer_max, cinch_word, cinch_i_maximum)
CINCH_FOLD(integer_min, cinch_word, cinch_i_minimum)

/* Accumulators of a run of numbers that become one: enough to hide the latency of an addition. */
enum { CINCH_LANES = 64 };

/* The largest power of two that is at most n and at most `most`. */
CINCH_HD int64_t cinch_lanes_for(int64_t n, int64_t most)
{
    int64_t m = 1;
    while (2 * m <= n && 2 * m <= most) m *= 2;
    return m;
}

#endif
