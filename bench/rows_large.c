/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a size that keeps a GPU busy: what a step of dense at batch 16384 does, and products of 4096. Not tested:
   their operands are too large for the oracle. */
#include "rows_large.h"

#include "core/rng.h"

#define FLOATS (F32 | BF16)
#define R(step) (CINCH_CHAIN_INPUTS + (step))
#define STEP(op_, a, b, c) {.op = CINCH_OP_##op_, .operand = {a, b, c}}
#define CHAIN(n, reduce_, ...) ATTR(chain, .n_steps = n, .reduce = reduce_, .step = {__VA_ARGS__})
#define AFFINE_RELU CHAIN(3, 0, STEP(mul, 0, 1, -1), STEP(add, R(0), 2, -1), STEP(relu, R(1), -1, -1))
#define SQUARED_ERROR CHAIN(2, 1, STEP(sub, 0, 1, -1), STEP(square, R(0), -1, -1))
#define PRODUCT(...) ATTR(matmul, __VA_ARGS__)
#define AXES(first_, last_) ATTR(axis, .first = first_, .last = last_)
#define ALONG(axis_) ATTR(axis, .first = axis_)
#define ORDER(...) ATTR(transpose, .order = {__VA_ARGS__})
#define DRAW(...) ATTR(random, .stream = 2654435769u, __VA_ARGS__)
#define BATCH S(16384, 784)
#define POSITIONS S(CINCH_POSITION_COUNT)
#define UPDATED 8388608

static const case_row rows[] = {
    ROW(copy, IN(BATCH), NO_ATTR, FLOATS, SPEED),
    ROW(cast, IN(BATCH), PARAMS(1, 0), F32, SPEED, .to = BF16),
    ROW(cast, IN(BATCH), PARAMS(1.0f / 255, 0), U8, SPEED, RANGE(BYTES), .to = F32),
    ROW(add, IN(BATCH, BATCH), NO_ATTR, FLOATS, SPEED),
    ROW(add, IN(BATCH, S(784)), NO_ATTR, FLOATS, SPEED),
    ROW(relu_grad, IN(BATCH, BATCH), NO_ATTR, FLOATS, SPEED),
    ROW(tanh, IN(BATCH), NO_ATTR, FLOATS, SPEED),
    ROW(gelu_erf, IN(BATCH), NO_ATTR, FLOATS, SPEED),
    ROW(chain, IN(BATCH, S(784), S(784)), AFFINE_RELU, FLOATS, SPEED),
    ROW(chain, IN(BATCH, BATCH), SQUARED_ERROR, FLOATS, SPEED),

    ROW(matmul, IN(S(4096, 4096), S(4096, 4096)), PRODUCT(.transpose_b = 1), FLOATS, SPEED),
    ROW(matmul, IN(S(4096, 4096), S(4096, 4096)), PRODUCT(.transpose_b = 1, .tf32 = 1), F32, SPEED),
    ROW(matmul_bias, IN(BATCH, S(512, 784), S(512)), PRODUCT(.transpose_b = 1, .activation = CINCH_OP_relu), FLOATS,
        SPEED),
    ROW(matmul, IN(S(16384, 512), S(512, 784)), PRODUCT(.transpose_b = 0), FLOATS, SPEED),
    ROW(matmul, IN(S(16384, 512), BATCH), PRODUCT(.transpose_a = 1), FLOATS, SPEED),
    ROW(matmul_bias_keep, IN(BATCH, S(512, 784), S(512)), PRODUCT(.transpose_b = 1, .activation = CINCH_OP_gelu_tanh),
        FLOATS, SPEED),
    ROW(matmul_grad, IN(S(16384, 512), S(512, 784), BATCH), PRODUCT(.activation = CINCH_OP_relu_grad), FLOATS, SPEED,
        RANGE(SIGNED, SIGNED, FLAGS)), /* with the mask of the product before it, and without */
    ROW(matmul_grad, IN(S(16384, 512), S(512, 784), BATCH), PRODUCT(.activation = CINCH_OP_relu_grad), FLOATS, SPEED),
    ROW(matmul_grad, IN(S(16384, 512), S(512, 784), BATCH), PRODUCT(.activation = CINCH_OP_gelu_tanh_grad), FLOATS,
        SPEED),
    ROW(matmul_sums, IN(S(16384, 512), BATCH), PRODUCT(.transpose_a = 1), FLOATS, SPEED),
    ROW(matmul_sums, IN(S(16384, 512), BATCH), PRODUCT(.transpose_a = 1), BF16, SPEED, .to = F32),
    ROW(matmul, IN(S(1024, 128, 64), S(1024, 128, 64)), PRODUCT(.transpose_b = 1), FLOATS, SPEED),

    ROW(sum, IN(BATCH), AXES(0, 0), FLOATS, SPEED),
    ROW(sum, IN(BATCH), AXES(1, 1), FLOATS, SPEED),
    ROW(sum, IN(BATCH), AXES(0, 1), FLOATS, SPEED),
    ROW(max, IN(BATCH), AXES(1, 1), FLOATS, SPEED),
    ROW(logsumexp, IN(BATCH), AXES(1, 1), FLOATS, SPEED),
    ROW(argmax, IN(BATCH), ALONG(1), FLOATS, SPEED),
    ROW(cumsum, IN(BATCH), ALONG(1), FLOATS, SPEED),
    ROW(softmax, IN(BATCH), NO_ATTR, FLOATS, SPEED),
    ROW(softmax_grad, IN(BATCH, BATCH), NO_ATTR, FLOATS, SPEED, RANGE(SIGNED, PROBABILITY)),

    ROW(transpose, IN(S(4096, 4096)), ORDER(1, 0), FLOATS, SPEED),
    ROW(transpose, IN(S(256, 28, 28, 64)), ORDER(0, 3, 1, 2), FLOATS, SPEED),
    ROW(broadcast, IN(S(784)), NO_ATTR, FLOATS, SPEED, OUT(BATCH)),
    ROW(concat, IN(BATCH, S(16384, 64)), ALONG(1), FLOATS, SPEED),
    ROW(slice, IN(BATCH), ATTR(slice, .start = {0, 8}, .step = {1, 1}), FLOATS, SPEED, OUT(S(16384, 768))),
    ROW(gather, IN(S(65536, 784), S(16384)), NO_ATTR, FLOATS, SPEED, RANGE(SIGNED, ROWS)),
    ROW(scatter_add, IN(BATCH, S(16384)), NO_ATTR, FLOATS, SPEED, RANGE(SIGNED, ROWS), OUT(S(4096, 784))),
    ROW(fill, NO_INPUT, PARAMS(1), FLOATS, SPEED, OUT(BATCH)),

    ROW(uniform, IN(POSITIONS), DRAW(.a = 0, .b = 1), F32, SPEED, RANGE(POSITION), OUT(BATCH)),
    ROW(normal, IN(POSITIONS), DRAW(.a = 0, .b = 1), F32, SPEED, RANGE(POSITION), OUT(BATCH)),
    ROW(dropout, IN(BATCH, POSITIONS), DRAW(.a = 0.1f), FLOATS, SPEED, RANGE(SIGNED, POSITION)),
    ROW(dropout_grad, IN(BATCH), DRAW(.a = 0.1f), FLOATS, SPEED),
    ROW(adam,
        IN(S(UPDATED), S(UPDATED), S(UPDATED), S(UPDATED), SCALAR, S(1, CINCH_HYPER_COUNT), S(8, CINCH_SEGMENT_COUNT)),
        ATTR(update, .decoupled = 0), F32, SPEED, RANGE(SIGNED, SIGNED, SIGNED, UNIT, FRACTION, HYPER, SEGMENTS)),
};

FAMILY(large);
