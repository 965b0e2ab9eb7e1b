/* SPDX-License-Identifier: Apache-2.0 */
/* Effects: what writes states. */
#include "case.h"

#define UPDATE(...) ATTR(update, __VA_ARGS__)
#define HYPERS(groups) S(groups, CINCH_HYPER_COUNT)
#define TABLE(n) S(n, CINCH_SEGMENT_COUNT)

/* A slab of `size` numbers in `n` segments of `groups` groups, with one state or two. */
#define ONE_STATE(op, attr, size, n, groups, state, flags)                                             \
    ROW(op, IN(S(size), S(size), S(size), SCALAR, HYPERS(groups), TABLE(n)), attr, F32, flags,         \
        RANGE(SIGNED, SIGNED, state, FRACTION, HYPER, SEGMENTS))
#define TWO_STATES(op, attr, size, n, groups, first, second, flags)                                         \
    ROW(op, IN(S(size), S(size), S(size), S(size), SCALAR, HYPERS(groups), TABLE(n)), attr, F32, flags, \
        RANGE(SIGNED, SIGNED, first, second, FRACTION, HYPER, SEGMENTS))

#define SIZES_ONE(op, attr, state)                   \
    ONE_STATE(op, attr, 1, 1, 1, state, 0),          \
    ONE_STATE(op, attr, 31, 1, 1, state, 0),         \
    ONE_STATE(op, attr, 1025, 7, 3, state, 0),       \
    ONE_STATE(op, attr, 8192, 2, 8, state, 0),       \
    ONE_STATE(op, attr, 300001, 11, 2, state, SPEED)
#define SIZES_TWO(op, attr, first, second)          \
    TWO_STATES(op, attr, 1, 1, 1, first, second, 0),        \
    TWO_STATES(op, attr, 31, 1, 1, first, second, 0),       \
    TWO_STATES(op, attr, 1025, 7, 3, first, second, 0),     \
    TWO_STATES(op, attr, 8192, 2, 8, first, second, 0),     \
    TWO_STATES(op, attr, 300001, 11, 2, first, second, SPEED)

static const case_row rows[] = {
    ROW(assign, IN(SCALAR, SCALAR), NO_ATTR, F32 | BF16 | I32, 0),
    ROW(assign, IN(S(31), S(31)), NO_ATTR, F32 | BF16 | I32, 0),
    ROW(assign, IN(S(5, 33), S(5, 33)), NO_ATTR, F32 | BF16 | I32, 0),
    ROW(assign, IN(S(0), S(0)), NO_ATTR, F32 | BF16 | I32, 0),
    ROW(assign, IN(S(256, 785), S(256, 785)), NO_ATTR, F32 | BF16 | I32, SPEED),

    ROW(accumulate, IN(SCALAR, SCALAR, SCALAR), NO_ATTR, F32, 0, RANGE(SIGNED, SIGNED, FRACTION)),
    ROW(accumulate, IN(S(33), S(33), SCALAR), NO_ATTR, F32, 0, RANGE(SIGNED, SIGNED, FRACTION)),
    ROW(accumulate, IN(S(5, 205), S(5, 205), SCALAR), NO_ATTR, F32, 0, RANGE(SIGNED, SIGNED, FRACTION)),
    ROW(accumulate, IN(S(0), S(0), SCALAR), NO_ATTR, F32, 0, RANGE(SIGNED, SIGNED, FRACTION)),
    ROW(accumulate, IN(S(300001), S(300001), SCALAR), NO_ATTR, F32, SPEED, RANGE(SIGNED, SIGNED, FRACTION)),

    ROW(ema, IN(SCALAR, SCALAR, SCALAR), NO_ATTR, F32, 0, RANGE(SIGNED, SIGNED, FRACTION)),
    ROW(ema, IN(S(33), S(33), SCALAR), NO_ATTR, F32, 0, RANGE(SIGNED, SIGNED, FRACTION)),
    ROW(ema, IN(S(5, 205), S(5, 205), SCALAR), NO_ATTR, F32, 0, RANGE(SIGNED, SIGNED, FRACTION)),
    ROW(ema, IN(S(300001), S(300001), SCALAR), NO_ATTR, F32, SPEED, RANGE(SIGNED, SIGNED, FRACTION)),

    SIZES_ONE(sgd, UPDATE(.has_momentum = 0), SIGNED),
    SIZES_ONE(sgd, UPDATE(.has_momentum = 1), SIGNED),
    SIZES_ONE(sgd, UPDATE(.has_momentum = 1, .nesterov = 1), SIGNED),
    SIZES_TWO(adam, UPDATE(.decoupled = 0), SIGNED, POSITIVE),
    SIZES_TWO(adam, UPDATE(.decoupled = 1), SIGNED, POSITIVE),
    SIZES_TWO(rmsprop, UPDATE(.centred = 0), POSITIVE, SIGNED),
    SIZES_TWO(rmsprop, UPDATE(.has_momentum = 1), POSITIVE, SIGNED),
    SIZES_TWO(rmsprop, UPDATE(.centred = 1), POSITIVE, SMALL),
    SIZES_ONE(adagrad, UPDATE(.decoupled = 0), POSITIVE),

    ROW(record, IN(S(4, 1), SCALAR, SCALAR), NO_ATTR, F32, 0, RANGE(SIGNED, ROWS)),
    ROW(record, IN(S(1, 3), SCALAR, SCALAR, SCALAR, SCALAR), NO_ATTR, F32, 0, RANGE(SIGNED, ROWS)),
    ROW(record, IN(S(256, 8), SCALAR, SCALAR, SCALAR, SCALAR, SCALAR, SCALAR, SCALAR, SCALAR, SCALAR), NO_ATTR, F32, 0,
        RANGE(SIGNED, ROWS)),
};

FAMILY(effects);
