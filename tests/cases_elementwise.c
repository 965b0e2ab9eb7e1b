/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic, comparisons, functions: sizes around vector widths, several tasks, every kind of broadcasting. */
#include "case.h"

#define FLOATS (F32 | BF16)
#define ALL (F32 | BF16 | I32)

/* A function of one operand in `range`; `wide` reaches into its tails. */
#define UNARY(op, params, types, grad, range_, wide)                                     \
    ROW(op, IN(SCALAR), params, types, grad, RANGE(range_)),                             \
    ROW(op, IN(S(1)), params, types, grad, RANGE(range_)),                               \
    ROW(op, IN(S(31)), params, types, grad, RANGE(range_)),                              \
    ROW(op, IN(S(33)), params, types, grad, RANGE(range_)),                              \
    ROW(op, IN(S(2, 3, 1, 2, 2, 3)), params, types, grad, RANGE(range_)),                \
    ROW(op, IN(S(3, 0, 2)), params, types, 0, RANGE(range_)),                            \
    ROW(op, IN(S(1025)), params, types, 0, RANGE(wide)),                                 \
    ROW(op, IN(S(1025)), params, F32, 0, RANGE(HOLES)),                                  \
    ROW(op, IN(S(17, 8191)), params, types, SPEED, RANGE(range_))

/* Two operands in ranges ra and rb, broadcast along every kind of axis. */
#define BINARY(op, types, grad, ra, rb)                                                  \
    ROW(op, IN(SCALAR, SCALAR), NO_ATTR, types, grad, RANGE(ra, rb)),                    \
    ROW(op, IN(S(1), S(1)), NO_ATTR, types, grad, RANGE(ra, rb)),                        \
    ROW(op, IN(S(31), S(31)), NO_ATTR, types, grad, RANGE(ra, rb)),                      \
    ROW(op, IN(S(33), SCALAR), NO_ATTR, types, grad, RANGE(ra, rb)),                     \
    ROW(op, IN(SCALAR, S(33)), NO_ATTR, types, grad, RANGE(ra, rb)),                     \
    ROW(op, IN(S(5, 33), S(33)), NO_ATTR, types, grad, RANGE(ra, rb)),                   \
    ROW(op, IN(S(33), S(5, 33)), NO_ATTR, types, grad, RANGE(ra, rb)),                   \
    ROW(op, IN(S(5, 31), S(5, 1)), NO_ATTR, types, grad, RANGE(ra, rb)),                 \
    ROW(op, IN(S(5, 1), S(1, 31)), NO_ATTR, types, grad, RANGE(ra, rb)),                 \
    ROW(op, IN(S(3, 4, 5), S(3, 1, 5)), NO_ATTR, types, grad, RANGE(ra, rb)),            \
    ROW(op, IN(S(4, 1), S(3, 1, 5)), NO_ATTR, types, grad, RANGE(ra, rb)),               \
    ROW(op, IN(S(2, 1, 3, 1, 2, 1), S(1, 2, 1, 3, 1, 4)), NO_ATTR, types, grad, RANGE(ra, rb)), \
    ROW(op, IN(S(4, 0), S(4, 1)), NO_ATTR, types, 0, RANGE(ra, rb)),                     \
    ROW(op, IN(S(1025), S(1025)), NO_ATTR, types, 0, RANGE(ra, rb)),                     \
    ROW(op, IN(S(65, 1025), S(1025)), NO_ATTR, types, SPEED, RANGE(ra, rb)),             \
    ROW(op, IN(S(1025, 65), S(1025, 1)), NO_ATTR, types, SPEED, RANGE(ra, rb)),          \
    ROW(op, IN(S(9, 33, 257), S(9, 1, 257)), NO_ATTR, types, 0, RANGE(ra, rb)),          \
    ROW(op, IN(S(257, 513), S(257, 513)), NO_ATTR, types, SPEED, RANGE(ra, rb))

/* Operands and results of several types, as the precision pass leaves them. */
#define MIXED(op, to_, ...)                                                                        \
    ROW(op, IN(__VA_ARGS__), NO_ATTR, BF16, 0, .as = {0, F32}, .to = to_),                         \
    ROW(op, IN(__VA_ARGS__), NO_ATTR, BF16, 0, .as = {F32, 0}, .to = to_),                         \
    ROW(op, IN(__VA_ARGS__), NO_ATTR, FLOATS, 0, RANGE(BYTES, SIGNED), .as = {U8, 0}, .to = to_)

#define SPECIALS(op, ...) ROW(op, IN(__VA_ARGS__), NO_ATTR, F32, 0, RANGE(SPECIAL, SPECIAL))

static const case_row rows[] = {
    UNARY(neg, NO_ATTR, ALL, GRAD2, SIGNED, WIDE),
    UNARY(abs, NO_ATTR, ALL, GRAD2, SIGNED, WIDE),
    UNARY(square, NO_ATTR, ALL, GRAD2, SIGNED, WIDE),
    UNARY(clamp, PARAMS(-1, 1.5f), ALL, GRAD2, SIGNED, WIDE),
    UNARY(reciprocal, NO_ATTR, FLOATS, GRAD2, NONZERO, WIDE),
    UNARY(exp, NO_ATTR, FLOATS, GRAD2, SIGNED, WIDE),
    UNARY(log, NO_ATTR, FLOATS, GRAD2, POSITIVE, WIDE_POSITIVE),
    UNARY(sqrt, NO_ATTR, FLOATS, GRAD2, POSITIVE, WIDE_POSITIVE),
    UNARY(rsqrt, NO_ATTR, FLOATS, GRAD2, POSITIVE, WIDE_POSITIVE),
    UNARY(sin, NO_ATTR, FLOATS, GRAD2, SIGNED, WIDE),
    UNARY(cos, NO_ATTR, FLOATS, GRAD2, SIGNED, WIDE),
    UNARY(erf, NO_ATTR, FLOATS, GRAD2, SIGNED, WIDE),

    MIXED(mul, F32, S(33), SCALAR),
    MIXED(mul, F32, S(1025), S(1025)),
    MIXED(sub, BF16, S(5, 33), S(33)),
    MIXED(sub, F32, S(33), S(5, 33)),
    MIXED(add, BF16, S(5, 1), S(1, 31)),
    MIXED(add, BF16, S(257, 513), S(257, 513)),
    MIXED(relu_grad, BF16, S(65, 1025), S(65, 1025)),

    BINARY(add, ALL, GRAD2, SIGNED, SIGNED),
    BINARY(sub, ALL, GRAD2, SIGNED, SIGNED),
    BINARY(mul, ALL, GRAD2, SIGNED, SIGNED),
    BINARY(div, ALL, GRAD2, SIGNED, NONZERO),
    BINARY(minimum, ALL, GRAD2, SIGNED, SIGNED),
    BINARY(maximum, ALL, GRAD2, SIGNED, SIGNED),
    BINARY(pow, FLOATS, GRAD2, POSITIVE, SIGNED),

    /* Ties share the derivative, which is also what a central difference gives. */
    ROW(minimum, IN(S(63), S(63)), NO_ATTR, F32, GRAD, RANGE(WHOLE, WHOLE)),
    ROW(maximum, IN(S(63), S(63)), NO_ATTR, F32, GRAD, RANGE(WHOLE, WHOLE)),
    ROW(abs, IN(S(63)), NO_ATTR, F32, GRAD, RANGE(WHOLE)),

    BINARY(equal, ALL, 0, WHOLE, WHOLE),
    BINARY(less, ALL, 0, WHOLE, WHOLE),
    BINARY(less_equal, ALL, 0, WHOLE, WHOLE),

    ROW(sign, IN(SCALAR), NO_ATTR, ALL, 0, RANGE(WHOLE)),
    ROW(sign, IN(S(31)), NO_ATTR, ALL, 0, RANGE(WHOLE)),
    ROW(sign, IN(S(33)), NO_ATTR, ALL, 0, RANGE(SIGNED)),
    ROW(sign, IN(S(17, 8191)), NO_ATTR, ALL, SPEED, RANGE(WHOLE)),
    ROW(is_finite, IN(SCALAR), NO_ATTR, FLOATS, 0, RANGE(SIGNED)),
    ROW(is_finite, IN(S(31)), NO_ATTR, FLOATS, 0, RANGE(SPECIAL)),
    ROW(is_finite, IN(S(1025)), NO_ATTR, FLOATS, 0, RANGE(SPECIAL)),
    ROW(is_finite, IN(S(17, 8191)), NO_ATTR, FLOATS, SPEED, RANGE(HOLES)),

    ROW(where, IN(SCALAR, SCALAR, SCALAR), NO_ATTR, ALL, GRAD2, RANGE(FLAGS), .fixed = 1),
    ROW(where, IN(S(31), S(31), S(31)), NO_ATTR, ALL, GRAD2, RANGE(FLAGS), .fixed = 1),
    ROW(where, IN(S(33, 1), S(5), SCALAR), NO_ATTR, ALL, GRAD2, RANGE(FLAGS), .fixed = 1),
    ROW(where, IN(S(4, 33), S(4, 1), S(33)), NO_ATTR, ALL, GRAD2, RANGE(FLAGS), .fixed = 1),
    ROW(where, IN(SCALAR, S(3, 1, 5), S(4, 1)), NO_ATTR, ALL, GRAD2, RANGE(FLAGS), .fixed = 1),
    ROW(where, IN(S(2, 1, 3, 1), S(2, 1, 4), S(5, 1, 1, 1, 1)), NO_ATTR, ALL, GRAD2, RANGE(FLAGS), .fixed = 1),
    ROW(where, IN(S(1025), S(1025), S(1025)), NO_ATTR, ALL, 0, RANGE(WHOLE, SIGNED, SIGNED)),
    ROW(where, IN(S(65), S(65), S(65)), NO_ATTR, F32, 0, RANGE(SPECIAL, SPECIAL, SPECIAL)),
    ROW(where, IN(S(0), S(1), SCALAR), NO_ATTR, ALL, 0),
    ROW(where, IN(S(129, 1025), S(129, 1025), S(1025)), NO_ATTR, ALL, SPEED, RANGE(FLAGS)),

    /* Infinities, NaN, subnormal and huge numbers. */
    SPECIALS(neg, S(65)),
    SPECIALS(abs, S(65)),
    SPECIALS(square, S(65)),
    SPECIALS(reciprocal, S(65)),
    SPECIALS(exp, S(65)),
    SPECIALS(log, S(65)),
    SPECIALS(sqrt, S(65)),
    SPECIALS(rsqrt, S(65)),
    SPECIALS(erf, S(65)),
    SPECIALS(add, S(65, 1), S(67)),
    SPECIALS(sub, S(65, 1), S(67)),
    SPECIALS(mul, S(65, 1), S(67)),
    SPECIALS(div, S(65, 1), S(67)),
    SPECIALS(minimum, S(65, 1), S(67)),
    SPECIALS(maximum, S(65, 1), S(67)),
    SPECIALS(equal, S(65, 1), S(67)),
    SPECIALS(less, S(65, 1), S(67)),
    SPECIALS(less_equal, S(65, 1), S(67)),
};

FAMILY(elementwise);
