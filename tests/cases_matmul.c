/* SPDX-License-Identifier: Apache-2.0 */
#include "case.h"

#define FLOATS (F32 | BF16)
#define NN ATTR(matmul, .transpose_a = 0)
#define NT ATTR(matmul, .transpose_b = 1)
#define TN ATTR(matmul, .transpose_a = 1)
#define TT ATTR(matmul, .transpose_a = 1, .transpose_b = 1)
#define WITH(activation_, ...) ATTR(matmul, .transpose_b = 1, .activation = CINCH_OP_##activation_, __VA_ARGS__)

/* [m, k] times [k, n] in all four ways of storing them. */
#define PRODUCT(m, k, n, types, flags)                                     \
    ROW(matmul, IN(S(m, k), S(k, n)), NN, types, flags),                   \
    ROW(matmul, IN(S(m, k), S(n, k)), NT, types, flags),                   \
    ROW(matmul, IN(S(k, m), S(k, n)), TN, types, flags),                   \
    ROW(matmul, IN(S(k, m), S(n, k)), TT, types, flags)

#define WIDENED(m, k, n)                                                   \
    ROW(matmul, IN(S(m, k), S(k, n)), NN, BF16, 0, .to = F32),             \
    ROW(matmul, IN(S(m, k), S(n, k)), NT, BF16, 0, .to = F32),             \
    ROW(matmul, IN(S(k, m), S(k, n)), TN, BF16, 0, .to = F32),             \
    ROW(matmul, IN(S(k, m), S(n, k)), TT, BF16, 0, .to = F32)

#define LINEAR(activation, types, grad, ...)                                                            \
    ROW(matmul_bias, IN(S(5, 7), S(6, 7), S(6)), WITH(activation, __VA_ARGS__), types, grad),           \
    ROW(matmul_bias, IN(S(65, 129), S(33, 129), S(33)), WITH(activation, __VA_ARGS__), types, 0),       \
    ROW(matmul_bias, IN(S(256, 1), S(257, 1), S(257)), WITH(activation, __VA_ARGS__), types, 0)

/* The gradient of an activation behind a product, and what it sees. */
#define BEHIND(activation_, types, flags, ...) \
    ROW(matmul_grad, IN(S(5, 6), S(6, 7), S(5, 7)), SEEN(activation_, .param = {0.3f}), types, flags, __VA_ARGS__),  \
    ROW(matmul_grad, IN(S(65, 33), S(33, 128), S(65, 128)), SEEN(activation_, .param = {0.3f}), types, 0, __VA_ARGS__)
#define SEEN(activation_, ...) ATTR(matmul, .activation = CINCH_OP_##activation_, __VA_ARGS__)
#define TF32(ta, tb, ...) ATTR(matmul, .transpose_a = ta, .transpose_b = tb, .tf32 = 1, __VA_ARGS__)

/* The activation of a product, and the product. In bf16 it may be that of the product as it is stored. */
#define STORED .tolerance = 8192
/* In bf16 a GPU may take its own tanh, which is right to 11 bits. */
#define COARSE .tolerance = 8192
#define KEPT(activation, ...)                                                                                  \
    ROW(matmul_bias_keep, IN(S(5, 7), S(6, 7), S(6)), WITH(activation, __VA_ARGS__), F32, 0),                  \
    ROW(matmul_bias_keep, IN(S(5, 7), S(6, 7), S(6)), WITH(activation, __VA_ARGS__), BF16, 0, STORED),         \
    ROW(matmul_bias_keep, IN(S(65, 129), S(40, 129), S(40)), WITH(activation, __VA_ARGS__), F32, 0),           \
    ROW(matmul_bias_keep, IN(S(65, 129), S(40, 129), S(40)), WITH(activation, __VA_ARGS__), BF16, 0, STORED)

/* Some rows of the input are NaN, or some columns by their bias: so are their results, whatever the activation. */
#define NOT_NUMBERS(op, activation, ...)                                                                          \
    ROW(op, IN(S(65, 8), S(40, 8), S(40)), WITH(activation), F32, 0, RANGE(HOLES), __VA_ARGS__),                  \
    ROW(op, IN(S(65, 8), S(40, 8), S(40)), WITH(activation), BF16, 0, RANGE(HOLES), STORED),                      \
    ROW(op, IN(S(65, 8), S(40, 8), S(40)), WITH(activation, .tf32 = 1), F32, 0, RANGE(HOLES), .tolerance = 8192), \
    ROW(op, IN(S(256, 784), S(512, 784), S(512)), WITH(activation), F32, 0, RANGE(SIGNED, SIGNED, HOLES),         \
        __VA_ARGS__),                                                                                             \
    ROW(op, IN(S(256, 784), S(512, 784), S(512)), WITH(activation), BF16, 0, RANGE(SIGNED, SIGNED, HOLES), STORED)

static const case_row rows[] = {
    PRODUCT(1, 1, 1, FLOATS, GRAD2),
    PRODUCT(3, 5, 4, FLOATS, GRAD2),
    PRODUCT(1, 33, 1, FLOATS, GRAD),
    PRODUCT(33, 65, 17, FLOATS, GRAD),
    PRODUCT(31, 1, 33, FLOATS, GRAD),
    PRODUCT(1, 1025, 31, FLOATS, 0),
    PRODUCT(1025, 31, 1, FLOATS, 0),
    PRODUCT(1025, 33, 31, FLOATS, 0),
    PRODUCT(31, 33, 1025, FLOATS, 0),
    PRODUCT(129, 257, 513, FLOATS, 0),
    PRODUCT(256, 784, 512, F32, SPEED),
    ROW(matmul, IN(S(512, 512), S(512, 512)), NN, FLOATS, SPEED, .tolerance = 1.5),

    /* Batches: the same, broadcast from either side, along a middle axis, up to rank 6. */
    ROW(matmul, IN(S(4, 31, 1), S(4, 1, 33)), NN, FLOATS, GRAD),
    ROW(matmul, IN(S(3, 4, 5), S(3, 5, 2)), NN, FLOATS, GRAD2),
    ROW(matmul, IN(S(3, 4, 5), S(5, 2)), NN, FLOATS, GRAD2),
    ROW(matmul, IN(S(4, 5), S(3, 5, 2)), NN, FLOATS, GRAD2),
    ROW(matmul, IN(S(3, 5, 4), S(1, 2, 5)), TT, FLOATS, GRAD2),
    ROW(matmul, IN(S(3, 1, 4, 5), S(2, 6, 5)), NT, FLOATS, GRAD),
    ROW(matmul, IN(S(2, 3, 5, 4), S(2, 1, 5, 3)), TN, FLOATS, GRAD),
    ROW(matmul, IN(S(2, 1, 2, 1, 4, 5), S(3, 1, 2, 5, 3)), NN, FLOATS, GRAD),
    ROW(matmul, IN(S(65, 17, 33), S(65, 33, 9)), NN, FLOATS, 0),
    ROW(matmul, IN(S(65, 17, 33), S(65, 9, 33)), NT, FLOATS, 0),
    ROW(matmul, IN(S(8, 8, 64, 32), S(8, 8, 64, 32)), NT, F32, SPEED),

    /* Nothing to add, nothing to compute. */
    ROW(matmul, IN(S(3, 0), S(0, 4)), NN, FLOATS, 0),
    ROW(matmul, IN(S(0, 5), S(5, 4)), NN, FLOATS, 0),
    ROW(matmul, IN(S(0, 4, 5), S(0, 5, 3)), NN, FLOATS, 0),
    ROW(matmul_bias, IN(S(3, 0), S(4, 0), S(4)), NT, FLOATS, 0),

    ROW(matmul_bias, IN(S(1, 1), S(1, 1), S(1)), NT, FLOATS, GRAD2),
    ROW(matmul_bias, IN(S(3, 5), S(4, 5), S(4)), NT, FLOATS, GRAD2),
    ROW(matmul_bias, IN(S(3, 5), S(5, 4), S(4)), NN, FLOATS, GRAD2),
    ROW(matmul_bias, IN(S(5, 3), S(4, 5), S(4)), TT, FLOATS, GRAD),
    ROW(matmul_bias, IN(S(5, 3), S(5, 4), S(4)), TN, FLOATS, GRAD),
    ROW(matmul_bias, IN(S(2, 3, 5), S(2, 4, 5), S(4)), NT, FLOATS, GRAD),
    ROW(matmul_bias, IN(S(2, 3, 5), S(5, 4), S(4)), NN, FLOATS, GRAD),
    ROW(matmul_bias, IN(S(33, 1025), S(31, 1025), S(31)), NT, FLOATS, 0),
    ROW(matmul_bias, IN(S(1025, 33), S(65, 33), S(65)), NT, FLOATS, 0),
    ROW(matmul_bias, IN(S(64, 784), S(512, 784), S(512)), NT, FLOATS, SPEED),
    ROW(matmul_bias, IN(S(256, 784), S(512, 784), S(512)), NT, F32, SPEED),

    LINEAR(relu, FLOATS, GRAD),
    LINEAR(leaky_relu, FLOATS, GRAD, .param = {0.2f}),
    LINEAR(elu, FLOATS, GRAD, .param = {0.7f}),
    LINEAR(gelu_tanh, F32, GRAD),
    ROW(matmul_bias, IN(S(5, 7), S(6, 7), S(6)), WITH(gelu_tanh), BF16, 0, COARSE),
    ROW(matmul_bias, IN(S(65, 129), S(33, 129), S(33)), WITH(gelu_tanh), BF16, 0, COARSE),
    ROW(matmul_bias, IN(S(256, 1), S(257, 1), S(257)), WITH(gelu_tanh), BF16, 0, COARSE),
    LINEAR(gelu_erf, FLOATS, GRAD),
    LINEAR(silu, FLOATS, GRAD),
    LINEAR(sigmoid, FLOATS, GRAD2),
    LINEAR(tanh, FLOATS, GRAD),
    LINEAR(softplus, FLOATS, GRAD),
    ROW(matmul_bias, IN(S(256, 784), S(512, 784), S(512)), WITH(relu), FLOATS, SPEED),

    NOT_NUMBERS(matmul_bias, relu, .tolerance = 1),
    NOT_NUMBERS(matmul_bias, gelu_tanh, .tolerance = 1),
    NOT_NUMBERS(matmul_bias_keep, gelu_tanh, .tolerance = 1),

    /* Products of bf16 that give f32, as gradients of weights and outputs are, with biases of either type. */
    WIDENED(1, 1, 1),
    WIDENED(3, 5, 4),
    WIDENED(33, 65, 17),
    WIDENED(129, 257, 513),
    WIDENED(784, 256, 512),
    ROW(matmul, IN(S(3, 17, 31), S(3, 31, 33)), NN, BF16, 0, .to = F32),
    ROW(matmul, IN(S(3, 0), S(0, 4)), NN, BF16, 0, .to = F32),
    ROW(matmul_bias, IN(S(65, 129), S(33, 129), S(33)), NT, BF16, 0, .as = {0, 0, F32}, .to = F32),
    ROW(matmul_bias, IN(S(65, 129), S(33, 129), S(33)), WITH(sigmoid), BF16, 0, .as = {0, 0, F32}, .to = F32),
    ROW(matmul_bias, IN(S(65, 129), S(33, 129), S(33)), WITH(relu), BF16, 0, .as = {0, 0, F32}),
    ROW(matmul_bias, IN(S(65, 129), S(33, 129), S(33)), WITH(relu), BF16, 0, .as = {F32, F32, F32}),
    ROW(matmul_bias, IN(S(3, 17, 31), S(3, 31, 33), S(33)), ATTR(matmul, .activation = CINCH_OP_tanh), FLOATS, 0),

    KEPT(gelu_tanh),
    KEPT(gelu_erf),
    KEPT(leaky_relu, .param = {0.2f}),
    KEPT(softplus),
    ROW(matmul_bias_keep, IN(S(3, 0), S(4, 0), S(4)), WITH(silu), FLOATS, 0),
    ROW(matmul_bias_keep, IN(S(0, 3), S(4, 3), S(4)), WITH(silu), FLOATS, 0),
    ROW(matmul_bias_keep, IN(S(2, 9, 600), S(2, 600, 24), S(24)), ATTR(matmul, .activation = CINCH_OP_silu), F32, 0),
    ROW(matmul_bias_keep, IN(S(2, 9, 600), S(2, 600, 24), S(24)), ATTR(matmul, .activation = CINCH_OP_silu), BF16, 0,
        STORED),
    ROW(matmul_bias_keep, IN(S(33, 5), S(1030, 5), S(1030)), WITH(elu, .param = {0.7f}), F32, 0),
    ROW(matmul_bias_keep, IN(S(33, 5), S(1030, 5), S(1030)), WITH(elu, .param = {0.7f}), BF16, 0, STORED),
    ROW(matmul_bias_keep, IN(S(1, 129), S(40, 129), S(40)), WITH(gelu_tanh), F32, 0),
    ROW(matmul_bias_keep, IN(S(9, 129), S(40, 129), S(40)), WITH(silu, .invariant = 1), F32, 0),
    ROW(matmul_bias_keep, IN(S(256, 784), S(512, 784), S(512)), WITH(gelu_tanh), F32, SPEED),

    BEHIND(relu_grad, FLOATS, 0, RANGE(SIGNED, SIGNED, FLAGS)), /* with what the product before it saved */
    BEHIND(relu_grad, FLOATS, GRAD, RANGE(SIGNED)),
    BEHIND(leaky_relu_grad, FLOATS, GRAD, RANGE(SIGNED)),
    BEHIND(elu_grad, FLOATS, GRAD, RANGE(SIGNED, SIGNED, NONZERO)),
    BEHIND(gelu_tanh_grad, F32, GRAD, RANGE(SIGNED)),
    BEHIND(gelu_tanh_grad, BF16, 0, RANGE(SIGNED), COARSE),
    BEHIND(gelu_erf_grad, FLOATS, GRAD, RANGE(SIGNED)),
    BEHIND(silu_grad, FLOATS, GRAD, RANGE(SIGNED)),
    BEHIND(sigmoid_grad, FLOATS, GRAD2, RANGE(SIGNED, SIGNED, PROBABILITY)),
    BEHIND(tanh_grad, FLOATS, GRAD2, RANGE(SIGNED, SIGNED, SMALL)),
    ROW(matmul_grad, IN(S(3, 17, 31), S(3, 9, 31), S(3, 17, 9)), WITH(silu_grad), FLOATS, GRAD),
    ROW(matmul_grad, IN(S(1, 65), S(300, 65), S(1, 300)), WITH(tanh_grad), FLOATS, GRAD),
    ROW(matmul_grad, IN(S(9, 65), S(24, 65), S(9, 24)), WITH(silu_grad, .invariant = 1), F32, 0),
    ROW(matmul_grad, IN(S(9, 0), S(0, 8), S(9, 8)), SEEN(relu_grad), FLOATS, 0),
    ROW(matmul_grad, IN(S(33, 5), S(5, 1030), S(33, 1030)), SEEN(gelu_tanh_grad), FLOATS, 0),
    ROW(matmul_grad, IN(S(256, 512), S(512, 784), S(256, 784)), SEEN(relu_grad), FLOATS, SPEED),
    ROW(matmul_grad, IN(S(256, 512), S(512, 784), S(256, 784)), SEEN(gelu_tanh_grad), F32, SPEED),

    ROW(matmul_sums, IN(S(7, 5), S(7, 6)), TN, FLOATS, 0),
    ROW(matmul_sums, IN(S(5, 7), S(7, 6)), NN, FLOATS, 0),
    ROW(matmul_sums, IN(S(256, 64), S(256, 33)), TN, FLOATS, 0),
    ROW(matmul_sums, IN(S(1025, 33), S(1025, 65)), TN, FLOATS, 0),
    ROW(matmul_sums, IN(S(33, 1025), S(65, 1025)), NT, FLOATS, 0),
    ROW(matmul_sums, IN(S(1, 33), S(65, 33)), NT, FLOATS, 0),
    ROW(matmul_sums, IN(S(0, 5), S(0, 4)), TN, FLOATS, 0),
    ROW(matmul_sums, IN(S(256, 512), S(256, 784)), TN, F32, SPEED),

    /* Types that differ. */
    ROW(matmul, IN(S(65, 33), S(33, 17)), NN, BF16, 0, .to = F32, .as = {F32}),
    ROW(matmul, IN(S(65, 33), S(17, 33)), NT, BF16, 0, .as = {0, F32}),
    ROW(matmul, IN(S(65, 33), S(33, 17)), NN, BF16, 0, .as = {F32, F32}),
    ROW(matmul_bias, IN(S(65, 33), S(24, 33), S(24)), WITH(gelu_tanh), BF16, 0, .to = F32),
    ROW(matmul_bias_keep, IN(S(65, 33), S(24, 33), S(24)), WITH(gelu_tanh), BF16, 0, STORED, .as = {0, 0, F32}),
    ROW(matmul_grad, IN(S(65, 33), S(33, 24), S(65, 24)), SEEN(gelu_tanh_grad), BF16, 0, .as = {0, 0, F32}),
    ROW(matmul_grad, IN(S(65, 33), S(33, 24), S(65, 24)), SEEN(relu_grad), BF16, 0, .to = F32),
    ROW(matmul_sums, IN(S(256, 64), S(256, 32)), TN, BF16, 0, .to = F32),
    ROW(matmul_sums, IN(S(256, 512), S(256, 784)), TN, BF16, SPEED, .to = F32),

    /* Operands of ten bits where the machine has them: half a unit in the eleventh, in place of the 24th. */
    ROW(matmul, IN(S(65, 257), S(33, 257)), TF32(0, 1), F32, 0, .tolerance = 8192),
    ROW(matmul, IN(S(3, 65, 31), S(31, 40)), TF32(0, 0), F32, 0, .tolerance = 8192),
    ROW(matmul_bias, IN(S(65, 257), S(40, 257), S(40)), TF32(0, 1, .activation = CINCH_OP_gelu_tanh), F32, 0,
        .tolerance = 8192),
    ROW(matmul_bias_keep, IN(S(65, 257), S(40, 257), S(40)), TF32(0, 1, .activation = CINCH_OP_gelu_tanh), F32, 0,
        .tolerance = 8192),
    ROW(matmul_grad, IN(S(65, 257), S(40, 257), S(65, 40)), TF32(0, 1, .activation = CINCH_OP_gelu_tanh_grad), F32, 0,
        .tolerance = 8192),
    ROW(matmul_sums, IN(S(256, 64), S(256, 33)), TF32(1, 0), F32, 0, .tolerance = 8192),
};

FAMILY(matmul);
