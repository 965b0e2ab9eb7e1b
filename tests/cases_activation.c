/* SPDX-License-Identifier: Apache-2.0 */
/* Activations, their derivatives, and the elements of losses. */
#include "case.h"

#define FLOATS (F32 | BF16)

/* size: of rounding errors that stay where the result goes to zero, 0 where there are none. */
#define ACTIVATION(op, params, size)                                                     \
    ROW(op, IN(SCALAR), params, FLOATS, GRAD2, .scale = size),                           \
    ROW(op, IN(S(1)), params, FLOATS, GRAD2, .scale = size),                             \
    ROW(op, IN(S(31)), params, FLOATS, GRAD2, .scale = size),                            \
    ROW(op, IN(S(33)), params, FLOATS, GRAD2, .scale = size),                            \
    ROW(op, IN(S(2, 1, 3, 2, 1, 3)), params, FLOATS, GRAD2, .scale = size),              \
    ROW(op, IN(S(0, 3)), params, FLOATS, 0),                                             \
    ROW(op, IN(S(1025)), params, FLOATS, 0, RANGE(WIDE), .scale = size),                 \
    ROW(op, IN(S(1025)), params, F32, 0, RANGE(HOLES), .scale = size),                   \
    ROW(op, IN(S(17, 8191)), params, FLOATS, SPEED, .scale = size)

/* (dy, x or y): the second operand in `range`. */
#define SLOPE(op, params, range_, wide, size)                                                           \
    ROW(op, IN(SCALAR, SCALAR), params, FLOATS, GRAD, RANGE(SIGNED, range_), .scale = size),            \
    ROW(op, IN(S(1), S(1)), params, FLOATS, GRAD, RANGE(SIGNED, range_), .scale = size),                \
    ROW(op, IN(S(31), S(31)), params, FLOATS, GRAD2, RANGE(SIGNED, range_), .scale = size),             \
    ROW(op, IN(S(4, 33), S(33)), params, FLOATS, GRAD2, RANGE(SIGNED, range_), .scale = size),          \
    ROW(op, IN(SCALAR, S(33)), params, FLOATS, GRAD2, RANGE(SIGNED, range_), .scale = size),            \
    ROW(op, IN(S(1025), S(1025)), params, FLOATS, 0, RANGE(SIGNED, wide), .scale = size),               \
    ROW(op, IN(S(17, 8191), S(17, 8191)), params, FLOATS, SPEED, RANGE(SIGNED, range_), .scale = size)

/* A loss of (prediction, target), and its derivative (dy, prediction, target). */
#define LOSS(op, params, grad, rp, rt, size)                                                   \
    ROW(op, IN(SCALAR, SCALAR), params, FLOATS, grad, RANGE(rp, rt), .scale = size),                    \
    ROW(op, IN(S(31), S(31)), params, FLOATS, grad, RANGE(rp, rt), .scale = size),                      \
    ROW(op, IN(S(5, 33), S(33)), params, FLOATS, grad, RANGE(rp, rt), .scale = size),                   \
    ROW(op, IN(S(5, 1), S(5, 31)), params, FLOATS, grad, RANGE(rp, rt), .scale = size),                 \
    ROW(op, IN(S(0), S(0)), params, FLOATS, 0, RANGE(rp, rt), .scale = size),                           \
    ROW(op, IN(S(129, 785), S(129, 785)), params, FLOATS, SPEED, RANGE(rp, rt), .scale = size)
#define LOSS_SLOPE(op, params, grad, rp, rt)                                             \
    ROW(op, IN(SCALAR, SCALAR, SCALAR), params, FLOATS, grad, RANGE(SIGNED, rp, rt)),    \
    ROW(op, IN(S(31), S(31), S(31)), params, FLOATS, grad, RANGE(SIGNED, rp, rt)),       \
    ROW(op, IN(SCALAR, S(5, 33), S(5, 33)), params, FLOATS, grad, RANGE(SIGNED, rp, rt)), \
    ROW(op, IN(S(5, 1), S(33), S(5, 33)), params, FLOATS, grad, RANGE(SIGNED, rp, rt)),  \
    ROW(op, IN(S(1025), S(1025), S(1025)), params, FLOATS, 0, RANGE(SIGNED, rp, rt)),    \
    ROW(op, IN(SCALAR, S(129, 785), S(129, 785)), params, FLOATS, SPEED, RANGE(SIGNED, rp, rt))

static const case_row rows[] = {
    ACTIVATION(relu, NO_ATTR, 0),
    ACTIVATION(leaky_relu, PARAMS(0.01f), 0),
    ACTIVATION(leaky_relu, PARAMS(0.3f), 0),
    ACTIVATION(elu, PARAMS(1), 0),
    ACTIVATION(elu, PARAMS(0.7f), 0),
    ACTIVATION(gelu_tanh, NO_ATTR, 1),
    ACTIVATION(gelu_erf, NO_ATTR, 1),
    ACTIVATION(silu, NO_ATTR, 0),
    ACTIVATION(sigmoid, NO_ATTR, 0),
    ACTIVATION(tanh, NO_ATTR, 0),
    ACTIVATION(softplus, NO_ATTR, 0),
    ACTIVATION(softsign, NO_ATTR, 0),

    SLOPE(relu_grad, NO_ATTR, SIGNED, WIDE, 0),
    SLOPE(leaky_relu_grad, PARAMS(0.01f), SIGNED, WIDE, 0),
    SLOPE(elu_grad, PARAMS(0.7f), SIGNED, WIDE, 0),
    SLOPE(gelu_tanh_grad, NO_ATTR, SIGNED, WIDE, 10),
    SLOPE(gelu_erf_grad, NO_ATTR, SIGNED, WIDE, 2),
    SLOPE(silu_grad, NO_ATTR, SIGNED, WIDE, 2),
    SLOPE(sigmoid_grad, NO_ATTR, PROBABILITY, UNIT, 0),
    SLOPE(tanh_grad, NO_ATTR, PROBABILITY, UNIT, 2),

    LOSS(huber, PARAMS(1), GRAD2, SIGNED, SIGNED, 0),
    LOSS(huber, PARAMS(0.25f), GRAD2, SIGNED, SIGNED, 0),
    LOSS(bce, NO_ATTR, GRAD2, PROBABILITY, PROBABILITY, 0),
    LOSS(bce_logits, NO_ATTR, GRAD2, SIGNED, PROBABILITY, 2),
    LOSS_SLOPE(huber_grad, PARAMS(0.5f), GRAD, SIGNED, SIGNED),
    LOSS_SLOPE(bce_grad, NO_ATTR, GRAD2, PROBABILITY, PROBABILITY),

    /* The ends of the interval: logarithms stop at -100. */
    ROW(bce, IN(S(1025), S(1025)), NO_ATTR, FLOATS, 0, RANGE(UNIT, FLAGS)),
    ROW(bce, IN(S(1025), S(1025)), NO_ATTR, FLOATS, 0, RANGE(FLAGS, UNIT)),
    ROW(bce_grad, IN(S(33), S(33), S(33)), NO_ATTR, FLOATS, 0, RANGE(SIGNED, FLAGS, PROBABILITY)),
    ROW(bce_logits, IN(S(1025), S(1025)), NO_ATTR, FLOATS, 0, RANGE(WIDE, UNIT), .scale = 90),
};

FAMILY(activation);
