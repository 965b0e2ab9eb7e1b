/* SPDX-License-Identifier: Apache-2.0 */
/* Chains of elementwise steps, as fusion makes them. */
#include "case.h"

#define FLOATS (F32 | BF16)
#define R(step) (CINCH_CHAIN_INPUTS + (step)) /* the result of an earlier step */
#define NUMBER CINCH_CHAIN_IMMEDIATE
#define STEP(name, ...) {.op = CINCH_OP_##name, .operand = {__VA_ARGS__}}
#define STEP_WITH(name, number, ...) {.op = CINCH_OP_##name, .immediate = number, .operand = {__VA_ARGS__}}
#define STEP_P(name, p0, p1, ...) {.op = CINCH_OP_##name, .param = {p0, p1}, .operand = {__VA_ARGS__}}
#define CHAIN(n, reduce_, ...) (.chain = {.n_steps = n, .reduce = reduce_, .step = {__VA_ARGS__}})

/* One step of every kind of arity. */
#define TANH CHAIN(1, 0, STEP(tanh, 0, -1, -1))
#define PRODUCT CHAIN(1, 0, STEP(mul, 0, 1, -1))
#define SELECT CHAIN(1, 0, STEP(where, 0, 1, 2))
/* relu(x * a + b) and back: what fusion finds most often. */
#define AFFINE_RELU CHAIN(3, 0, STEP(mul, 0, 1, -1), STEP(add, R(0), 2, -1), STEP(relu, R(1), -1, -1))
/* sum of (x - t)^2 / n */
#define MSE CHAIN(3, 1, STEP(sub, 0, 1, -1), STEP(square, R(0), -1, -1), STEP_WITH(mul, 0.01f, R(1), NUMBER, -1))
/* Immediates on either side, parameters. */
#define MIXED CHAIN(4, 0, STEP_WITH(sub, 1, NUMBER, 0, -1), STEP_P(leaky_relu, 0.2f, 0, R(0), -1, -1),           \
                    STEP_P(clamp, -0.5f, 0.75f, R(1), -1, -1), STEP_WITH(div, 3, R(2), NUMBER, -1))
/* All eight steps, results used twice and out of order. */
#define LONGEST CHAIN(8, 0, STEP(mul, 0, 1, -1), STEP(sigmoid, R(0), -1, -1), STEP(mul, R(0), R(1), -1),         \
                      STEP(add, R(2), 2, -1), STEP(tanh, R(3), -1, -1), STEP(sub, R(3), R(4), -1),               \
                      STEP(maximum, R(5), R(1), -1), STEP(where, 3, R(6), R(0)))
#define EIGHT_INPUTS CHAIN(7, 0, STEP(add, 0, 1, -1), STEP(add, R(0), 2, -1), STEP(add, R(1), 3, -1),            \
                           STEP(add, R(2), 4, -1), STEP(add, R(3), 5, -1), STEP(mul, R(4), 6, -1),            \
                           STEP(sub, R(5), 7, -1))
#define SUM_ONLY CHAIN(1, 1, STEP(abs, 0, -1, -1))
#define DOT CHAIN(1, 1, STEP(mul, 0, 1, -1))

/* What the precision pass makes of losses: bf16 predictions beside targets that are bytes, or f32. */
#define MSE_OF_BYTES CHAIN(4, 1, STEP_WITH(mul, 0.0039215686f, 1, NUMBER, -1), STEP(sub, 0, R(0), -1),              \
                           STEP(square, R(1), -1, -1), STEP_WITH(mul, 0.01f, R(2), NUMBER, -1))
#define SLOPE_OF_BYTES CHAIN(4, 0, STEP_WITH(mul, 0.0039215686f, 1, NUMBER, -1), STEP(sub, 0, R(0), -1),            \
                             STEP_WITH(mul, 0.01f, R(1), NUMBER, -1), STEP(sigmoid_grad, R(2), 0, -1))
#define BYTES_LOSS(...)                                                                                            \
    ROW(chain, IN(__VA_ARGS__, __VA_ARGS__), MSE_OF_BYTES, FLOATS, 0, RANGE(PROBABILITY, BYTES), .as = {0, U8},      \
        .to = F32, .scale = 0.01f),                                                                                \
    ROW(chain, IN(__VA_ARGS__, __VA_ARGS__), SLOPE_OF_BYTES, FLOATS, 0, RANGE(PROBABILITY, BYTES), .as = {0, U8}),   \
    ROW(chain, IN(__VA_ARGS__, __VA_ARGS__), MSE, BF16, 0, RANGE(PROBABILITY, PROBABILITY), .as = {0, F32},         \
        .to = F32)

#define SIZES2(chain_, flags)                                      \
    ROW(chain, IN(SCALAR, SCALAR), chain_, FLOATS, GRAD2),         \
    ROW(chain, IN(S(1), S(1)), chain_, FLOATS, GRAD),              \
    ROW(chain, IN(S(31), S(31)), chain_, FLOATS, GRAD2),           \
    ROW(chain, IN(S(33), SCALAR), chain_, FLOATS, GRAD),           \
    ROW(chain, IN(S(5, 33), S(33)), chain_, FLOATS, GRAD),         \
    ROW(chain, IN(S(5, 33), S(5, 1)), chain_, FLOATS, GRAD),       \
    ROW(chain, IN(S(3, 4, 5), S(3, 1, 5)), chain_, FLOATS, GRAD),  \
    ROW(chain, IN(S(4, 1), S(3, 1, 5)), chain_, FLOATS, GRAD),     \
    ROW(chain, IN(S(2, 1, 3, 1, 2, 1), S(1, 2, 1, 3, 1, 4)), chain_, FLOATS, 0), \
    ROW(chain, IN(S(1025), S(1025)), chain_, FLOATS, 0),           \
    ROW(chain, IN(S(0, 5), S(5)), chain_, FLOATS, 0),              \
    ROW(chain, IN(S(256, 785), S(785)), chain_, FLOATS, flags),    \
    ROW(chain, IN(S(256, 785), S(256, 785)), chain_, FLOATS, flags)

static const case_row rows[] = {
    ROW(chain, IN(S(33)), TANH, FLOATS, GRAD2),
    ROW(chain, IN(S(17, 8191)), TANH, FLOATS, SPEED),
    ROW(chain, IN(S(1025)), MIXED, FLOATS, 0),
    ROW(chain, IN(S(31)), MIXED, FLOATS, GRAD),
    ROW(chain, IN(SCALAR), MIXED, FLOATS, 0),
    ROW(chain, IN(S(33), S(33), S(33)), SELECT, FLOATS, GRAD, RANGE(FLAGS), .fixed = 1),
    ROW(chain, IN(S(5, 1), S(33), SCALAR), SELECT, FLOATS, GRAD, RANGE(FLAGS), .fixed = 1),
    SIZES2(PRODUCT, 0),
    SIZES2(MSE, SPEED),
    SIZES2(DOT, 0),
    ROW(chain, IN(S(33), S(33), S(33)), AFFINE_RELU, FLOATS, GRAD),
    ROW(chain, IN(S(7, 33), S(33), S(33)), AFFINE_RELU, FLOATS, GRAD),
    ROW(chain, IN(S(7, 33), S(7, 1), SCALAR), AFFINE_RELU, FLOATS, GRAD),
    ROW(chain, IN(S(256, 785), S(785), S(785)), AFFINE_RELU, FLOATS, SPEED),
    ROW(chain, IN(S(33), S(33), S(33), S(33)), LONGEST, FLOATS, GRAD2,
        RANGE(SIGNED, SIGNED, SIGNED, FLAGS), .fixed = 8),
    ROW(chain, IN(S(4, 1025), S(1025), S(4, 1), SCALAR), LONGEST, FLOATS, 0, RANGE(SIGNED, SIGNED, SIGNED, FLAGS)),
    ROW(chain, IN(S(256, 785), S(785), S(256, 785), S(256, 785)), LONGEST, FLOATS, SPEED,
        RANGE(SIGNED, SIGNED, SIGNED, FLAGS)),
    ROW(chain, IN(S(3, 5, 7), S(7), S(5, 1), S(3, 1, 1), SCALAR, S(1, 5, 7), S(3, 5, 1), S(3, 1, 7)), EIGHT_INPUTS,
        FLOATS, GRAD),
    BYTES_LOSS(S(1)),
    BYTES_LOSS(S(31)),
    BYTES_LOSS(S(1025)),
    BYTES_LOSS(S(256, 784)),
    ROW(chain, IN(S(5, 33), S(33)), SLOPE_OF_BYTES, FLOATS, 0, RANGE(PROBABILITY, BYTES), .as = {0, U8}),
    ROW(chain, IN(S(33), S(5, 33)), SLOPE_OF_BYTES, FLOATS, 0, RANGE(PROBABILITY, BYTES), .as = {0, U8}),
    ROW(chain, IN(S(5, 33), S(5, 1)), SLOPE_OF_BYTES, FLOATS, 0, RANGE(PROBABILITY, BYTES), .as = {0, U8}),
    ROW(chain, IN(S(257, 131), S(131), S(257, 1)), AFFINE_RELU, BF16, 0, .as = {0, F32, F32}),
    ROW(chain, IN(S(257, 131), S(131), S(257, 1)), AFFINE_RELU, BF16, 0, .as = {F32}, .to = F32),
    ROW(chain, IN(SCALAR), SUM_ONLY, FLOATS, GRAD),
    ROW(chain, IN(S(31)), SUM_ONLY, FLOATS, GRAD),
    ROW(chain, IN(S(1025)), SUM_ONLY, FLOATS, 0),
    ROW(chain, IN(S(0)), SUM_ONLY, FLOATS, 0),
    ROW(chain, IN(S(17, 8191)), SUM_ONLY, FLOATS, SPEED),
    ROW(chain, IN(S(257, 4099)), SUM_ONLY, F32, SPEED),
};

FAMILY(chain);
