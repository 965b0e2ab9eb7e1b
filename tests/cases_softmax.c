/* SPDX-License-Identifier: Apache-2.0 */
/* Over the last axis. */
#include "case.h"

#define FLOATS (F32 | BF16)

#define SOFTMAX(op)                                                  \
    ROW(op, IN(S(1)), NO_ATTR, FLOATS, GRAD2),                       \
    ROW(op, IN(S(31)), NO_ATTR, FLOATS, GRAD2),                      \
    ROW(op, IN(S(5, 33)), NO_ATTR, FLOATS, GRAD2),                   \
    ROW(op, IN(S(33, 1)), NO_ATTR, FLOATS, GRAD),                    \
    ROW(op, IN(S(2, 1, 3, 1, 2, 5)), NO_ATTR, FLOATS, GRAD),         \
    ROW(op, IN(S(0, 5)), NO_ATTR, FLOATS, 0),                        \
    ROW(op, IN(S(5, 0)), NO_ATTR, FLOATS, 0),                        \
    ROW(op, IN(S(31, 1025)), NO_ATTR, FLOATS, 0),                    \
    ROW(op, IN(S(9, 128)), NO_ATTR, FLOATS, 0),                      \
    ROW(op, IN(S(3, 1024)), NO_ATTR, FLOATS, 0),                     \
    ROW(op, IN(S(2, 4100)), NO_ATTR, FLOATS, 0),                     \
    ROW(op, IN(S(2, 8195)), NO_ATTR, FLOATS, 0),                     \
    ROW(op, IN(S(1025, 10)), NO_ATTR, FLOATS, SPEED),                \
    ROW(op, IN(S(33, 65)), NO_ATTR, FLOATS, 0, RANGE(WIDE), .tolerance = 10), /* exp(x - max) */ \
    ROW(op, IN(S(33, 65)), NO_ATTR, F32, 0, RANGE(HOLES)),           \
    ROW(op, IN(S(257, 513)), NO_ATTR, FLOATS, SPEED)

#define SLOPE(op, range_)                                                              \
    ROW(op, IN(S(1), S(1)), NO_ATTR, FLOATS, GRAD2, RANGE(SIGNED, range_)),            \
    ROW(op, IN(S(31), S(31)), NO_ATTR, FLOATS, GRAD2, RANGE(SIGNED, range_)),          \
    ROW(op, IN(S(3, 2, 5), S(3, 2, 5)), NO_ATTR, FLOATS, GRAD2, RANGE(SIGNED, range_)), \
    ROW(op, IN(S(0, 5), S(0, 5)), NO_ATTR, FLOATS, 0, RANGE(SIGNED, range_)),          \
    ROW(op, IN(S(31, 1025), S(31, 1025)), NO_ATTR, FLOATS, 0, RANGE(SIGNED, range_)),  \
    ROW(op, IN(S(9, 128), S(9, 128)), NO_ATTR, FLOATS, 0, RANGE(SIGNED, range_)),      \
    ROW(op, IN(S(2, 4100), S(2, 4100)), NO_ATTR, FLOATS, 0, RANGE(SIGNED, range_)),    \
    ROW(op, IN(S(2, 8195), S(2, 8195)), NO_ATTR, FLOATS, 0, RANGE(SIGNED, range_)),    \
    ROW(op, IN(S(1025, 33), S(1025, 33)), NO_ATTR, FLOATS, SPEED, RANGE(SIGNED, range_)), \
    ROW(op, IN(S(257, 513), S(257, 513)), NO_ATTR, FLOATS, SPEED, RANGE(SIGNED, range_))

static const case_row rows[] = {
    SOFTMAX(softmax),
    SOFTMAX(log_softmax),
    SLOPE(softmax_grad, PROBABILITY),
    SLOPE(log_softmax_grad, SIGNED),
};

FAMILY(softmax);
