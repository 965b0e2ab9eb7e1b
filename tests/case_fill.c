/* SPDX-License-Identifier: Apache-2.0 */
/* What operands hold: reproducible numbers of a range, rounded to the operand's type. */
#include <float.h>
#include <math.h>

#include "core/rng.h"
#include "value.h"

/* splitmix64: Steele, Lea and Flood, OOPSLA 2014. */
static uint64_t next_bits(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

double case_draw(uint64_t *state)
{
    return ldexp((double)(next_bits(state) >> 11), -53);
}

static double between(uint64_t *s, double low, double high)
{
    return low + (high - low) * case_draw(s);
}

static double whole(uint64_t *s, int low, int high)
{
    return low + (double)(next_bits(s) % (uint64_t)(high - low + 1));
}

static double either_sign(uint64_t *s, double x)
{
    return next_bits(s) & 1 ? x : -x;
}

/* Evenly spread over the orders of magnitude. */
static double magnitude(uint64_t *s, double low, double high)
{
    return exp(between(s, log(low), log(high)));
}

static double special(uint64_t *s)
{
    static const double list[] = {0, -0.0, INFINITY, -INFINITY, NAN, 1, -1, 0.5, -0.5, 1e-40, -1e-40, FLT_MIN, -FLT_MIN,
                                  3e38, -3e38, 88, -87, -104, 1e-8, -1e-8, 16777216, 0.99999994};
    return list[next_bits(s) % (sizeof list / sizeof list[0])];
}

static double unit_or_end(uint64_t *s)
{
    uint64_t pick = next_bits(s) % 8;
    return pick < 2 ? (double)pick : case_draw(s);
}

static double number(uint64_t *s, case_range range)
{
    switch (range) {
    case SMALL: return between(s, -0.4, 0.4);
    case POSITIVE: return between(s, 0.25, 4);
    case NONZERO: return either_sign(s, between(s, 0.25, 4));
    case PROBABILITY: return between(s, 0.05, 0.95);
    case UNIT: return unit_or_end(s);
    case WIDE: return either_sign(s, magnitude(s, 1e-6, 90));
    case WIDE_POSITIVE: return magnitude(s, 1e-30, 1e30);
    case WHOLE: return whole(s, -3, 3);
    case HALVES: return whole(s, -21, 21) / 2;
    case HOLES: return next_bits(s) % 16 ? between(s, -2.5, 2.5) : NAN;
    case SPECIAL: return special(s);
    case FLAGS: return whole(s, 0, 1);
    case BYTES: return whole(s, 0, 255);
    case FRACTION: return between(s, 0.1, 0.9);
    default: return between(s, -2.5, 2.5);
    }
}

static double small_integer(uint64_t *s, case_range range, cinch_dtype dtype)
{
    if (range == FLAGS) return whole(s, 0, 1);
    if (range == BYTES || dtype == CINCH_U8) return whole(s, 0, 255);
    if (range == WHOLE) return whole(s, -3, 3);
    if (range == POSITIVE) return whole(s, 1, 5);
    if (range == NONZERO) return either_sign(s, whole(s, 1, 5));
    if (range == WIDE) return whole(s, -30000, 30000);
    return whole(s, -5, 5);
}

/* --- operands with a meaning -------------------------------------------------------------------------------------- */

static double table_row(uint64_t *s, const case_instance *c)
{
    const oracle_tensor *table = c->row->op == CINCH_OP_scatter_add ? &c->out[0] : &c->in[0];
    int rows = (int)table->dim[0];
    if (c->row->op == CINCH_OP_record) return whole(s, 0, rows - 1);
    if (rows && next_bits(s) % 8) return whole(s, 0, rows - 1);
    static const double outside[] = {-1, INT32_MIN, INT32_MAX};
    uint64_t pick = next_bits(s) % 4;
    return pick < 3 ? outside[pick] : rows;
}

static void fill_hyper(oracle_tensor *t, uint64_t *s)
{
    for (int64_t g = 0; g < t->dim[0]; g++) {
        double *h = t->v + g * CINCH_HYPER_COUNT;
        h[CINCH_HYPER_LR] = between(s, 0.01, 0.1);
        h[CINCH_HYPER_DECAY] = between(s, 0.01, 0.2);
        h[CINCH_HYPER_MOMENTUM] = between(s, 0.8, 0.95);
        h[CINCH_HYPER_BETA2] = between(s, 0.9, 0.99);
        h[CINCH_HYPER_REST2] = 1 - h[CINCH_HYPER_BETA2];
        h[CINCH_HYPER_EPS] = magnitude(s, 1e-8, 1e-3);
        h[CINCH_HYPER_CORRECTION1] = between(s, 0.5, 2);
        h[CINCH_HYPER_CORRECTION2] = between(s, 0.5, 2);
        h[CINCH_HYPER_REST2] = 1 - h[CINCH_HYPER_BETA2];
    }
}

/* Segments from multiples of 16 on where there is room, with gaps behind some, over groups and flags in turn. */
static void fill_segments(case_instance *c, oracle_tensor *t)
{
    int64_t total = oracle_count(&c->in[0]), n = t->dim[0], groups = c->in[c->call.n_in - 2].dim[0];
    int64_t room = total / n >= 16 ? total / n / 16 * 16 : total / n;
    for (int64_t s = 0; s < n; s++) {
        double *row = t->v + s * CINCH_SEGMENT_COUNT;
        int64_t length = s == n - 1 ? total - s * room : s % 3 == 1 ? room - 5 : room;
        row[CINCH_SEGMENT_OFFSET] = (double)(s * room);
        row[CINCH_SEGMENT_LENGTH] = (double)(length > 0 ? length : 0);
        row[CINCH_SEGMENT_GROUP] = (double)(s % groups);
        row[CINCH_SEGMENT_FLAGS] = s % 2 ? 0 : CINCH_SEGMENT_DECAY;
    }
}

static double position_word(int64_t i)
{
    static const double words[CINCH_POSITION_COUNT] = {
        [CINCH_POSITION_SEED_LOW] = -1122867,   [CINCH_POSITION_SEED_HIGH] = 305419896,
        [CINCH_POSITION_STEP_LOW] = 2147483647, [CINCH_POSITION_STEP_HIGH] = 3,
        [CINCH_POSITION_SAMPLE] = 1000003,
    };
    return words[i];
}

static double element(case_instance *c, case_range range, cinch_dtype dtype, int64_t i, uint64_t *s)
{
    switch (range) {
    case ROWS: return table_row(s, c);
    case DIGITS: return whole(s, -1, c->row->attr.axis.depth);
    case POSITION: return position_word(i);
    default: return oracle_is_integer(dtype) ? small_integer(s, range, dtype) : number(s, range);
    }
}

void case_fill(case_instance *c, int k)
{
    oracle_tensor *t = &c->in[k];
    case_range range = c->row->range[k];
    uint64_t row = (uint64_t)c->row->line * 1000003 + (uint64_t)c->row->op * 4099;
    uint64_t s = row + (uint64_t)oracle_count(t) * 31 + (uint64_t)k;
    if (range == SEGMENTS) fill_segments(c, t);
    else if (range == HYPER) fill_hyper(t, &s);
    else
        for (int64_t i = 0; i < oracle_count(t); i++) t->v[i] = element(c, range, t->dtype, i, &s);
    for (int64_t i = 0; i < oracle_count(t); i++) t->v[i] = value_round(t->v[i], t->dtype);
}
