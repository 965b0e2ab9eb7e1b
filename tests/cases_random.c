/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers: their only operand is the position in the stream. */
#include "case.h"
#include "core/rng.h"

#define FLOATS (F32 | BF16)
#define HERE IN(S(CINCH_POSITION_COUNT))
#define DRAW(...) ATTR(random, .stream = 2654435769u, __VA_ARGS__)

/* Rows are samples: one element each, fewer than a block of four, many; several tasks. */
#define SHAPES(op, attr, type)                                                          \
    ROW(op, HERE, attr, type, 0, RANGE(POSITION), OUT(SCALAR)),                         \
    ROW(op, HERE, attr, type, 0, RANGE(POSITION), OUT(S(1))),                           \
    ROW(op, HERE, attr, type, 0, RANGE(POSITION), OUT(S(33))),                          \
    ROW(op, HERE, attr, type, 0, RANGE(POSITION), OUT(S(5, 3))),                        \
    ROW(op, HERE, attr, type, 0, RANGE(POSITION), OUT(S(31, 33))),                      \
    ROW(op, HERE, attr, type, 0, RANGE(POSITION), OUT(S(2, 3, 1, 5, 2, 3))),            \
    ROW(op, HERE, attr, type, 0, RANGE(POSITION), OUT(S(1, 1025))),                     \
    ROW(op, HERE, attr, type, 0, RANGE(POSITION), OUT(S(3, 0))),                        \
    ROW(op, HERE, attr, type, 0, RANGE(POSITION), OUT(S(0, 3))),                        \
    ROW(op, HERE, attr, type, SPEED, RANGE(POSITION), OUT(S(257, 785))),                \
    ROW(op, HERE, attr, type, SPEED, RANGE(POSITION), OUT(S(100003)))

#define DROPOUT(p, flags)                                                                                        \
    ROW(dropout, IN(S(33), S(CINCH_POSITION_COUNT)), DRAW(.a = p), FLOATS, flags, RANGE(SIGNED, POSITION)),      \
    ROW(dropout, IN(S(5, 31), S(CINCH_POSITION_COUNT)), DRAW(.a = p), FLOATS, flags, RANGE(SIGNED, POSITION)),   \
    ROW(dropout, IN(S(3, 2, 1, 2, 1, 7), S(CINCH_POSITION_COUNT)), DRAW(.a = p), FLOATS, 0, RANGE(SIGNED, POSITION)), \
    ROW(dropout, IN(S(31, 1025), S(CINCH_POSITION_COUNT)), DRAW(.a = p), FLOATS, 0, RANGE(SIGNED, POSITION)),    \
    ROW(dropout_grad, IN(S(33)), DRAW(.a = p), FLOATS, 0),                                                       \
    ROW(dropout_grad, IN(S(5, 31)), DRAW(.a = p), FLOATS, 0),                                                    \
    ROW(dropout_grad, IN(S(31, 1025)), DRAW(.a = p), FLOATS, 0)

static const case_row rows[] = {
    SHAPES(uniform, DRAW(.a = 0, .b = 1), F32),
    SHAPES(uniform, DRAW(.a = -2, .b = 0.5f), F32),
    SHAPES(normal, DRAW(.a = 0, .b = 1), F32),
    SHAPES(normal, DRAW(.a = 3, .b = 0.25f), F32),
    SHAPES(bernoulli, DRAW(.a = 0.3f), F32),
    ROW(bernoulli, HERE, DRAW(.a = 0), F32, 0, RANGE(POSITION), OUT(S(33))),
    ROW(bernoulli, HERE, DRAW(.a = 1), F32, 0, RANGE(POSITION), OUT(S(33))),
    SHAPES(integers, DRAW(.low = 0, .high = 10), I32),
    ROW(integers, HERE, DRAW(.low = -7, .high = -6), I32, 0, RANGE(POSITION), OUT(S(33))),
    ROW(integers, HERE, DRAW(.low = INT32_MIN, .high = 2147483648), I32, 0, RANGE(POSITION), OUT(S(31, 5))),

    ROW(permutation, HERE, DRAW(.a = 0), I32, 0, RANGE(POSITION), OUT(S(1, 1))),
    ROW(permutation, HERE, DRAW(.a = 0), I32, 0, RANGE(POSITION), OUT(S(5, 31))),
    ROW(permutation, HERE, DRAW(.a = 0), I32, 0, RANGE(POSITION), OUT(S(3, 1025))),
    ROW(permutation, HERE, DRAW(.a = 0), I32, 0, RANGE(POSITION), OUT(S(2, 5003))),
    ROW(permutation, HERE, DRAW(.a = 0), I32, 0, RANGE(POSITION), OUT(S(0, 7))),
    ROW(permutation, HERE, DRAW(.a = 0), I32, SPEED, RANGE(POSITION), OUT(S(65, 513))),

    DROPOUT(0.5f, GRAD2),
    DROPOUT(0.1f, GRAD),
    ROW(dropout, IN(SCALAR, S(CINCH_POSITION_COUNT)), DRAW(.a = 0.5f), FLOATS, 0, RANGE(SIGNED, POSITION)),
    ROW(dropout, IN(S(0, 3), S(CINCH_POSITION_COUNT)), DRAW(.a = 0.5f), FLOATS, 0, RANGE(SIGNED, POSITION)),
    ROW(dropout, IN(S(257, 785), S(CINCH_POSITION_COUNT)), DRAW(.a = 0.2f), FLOATS, SPEED, RANGE(SIGNED, POSITION)),
    ROW(dropout_grad, IN(S(257, 785)), DRAW(.a = 0.2f), FLOATS, SPEED),
};

FAMILY(random);
