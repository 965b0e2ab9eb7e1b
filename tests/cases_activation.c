/* SPDX-License-Identifier: Apache-2.0 */
/* Activations, their derivatives, and the elements of losses. */
#include "case.h"

#define FLOATS (F32 | BF16)

#define ACTIVATION(op, params)                                                           \
    ROW(op, IN(SCALAR), params, FLOATS, GRAD2),                                          \
    ROW(op, IN(S(1)), params, FLOATS, GRAD2),                                            \
    ROW(op, IN(S(31)), params, FLOATS, GRAD2),                                           \
    ROW(op, IN(S(33)), params, FLOATS, GRAD2),                                           \
    ROW(op, IN(S(2, 1, 3, 2, 1, 3)), params, FLOATS, GRAD2),                             \
    ROW(op, IN(S(0, 3)), params, FLOATS, 0),                                             \
    ROW(op, IN(S(1025)), params, FLOATS, 0, RANGE(WIDE)),                                \
    ROW(op, IN(S(1025)), params, F32, 0, RANGE(HOLES)),                                  \
    ROW(op, IN(S(17, 8191)), params, FLOATS, SPEED)

/* (dy, x or y): the second operand in `range`. */
#define SLOPE(op, params, range_, wide)                                                  \
    ROW(op, IN(SCALAR, SCALAR), params, FLOATS, GRAD, RANGE(SIGNED, range_)),            \
    ROW(op, IN(S(1), S(1)), params, FLOATS, GRAD, RANGE(SIGNED, range_)),                \
    ROW(op, IN(S(31), S(31)), params, FLOATS, GRAD2, RANGE(SIGNED, range_)),             \
    ROW(op, IN(S(4, 33), S(33)), params, FLOATS, GRAD2, RANGE(SIGNED, range_)),          \
    ROW(op, IN(SCALAR, S(33)), params, FLOATS, GRAD2, RANGE(SIGNED, range_)),            \
    ROW(op, IN(S(1025), S(1025)), params, FLOATS, 0, RANGE(SIGNED, wide)),               \
    ROW(op, IN(S(17, 8191), S(17, 8191)), params, FLOATS, SPEED, RANGE(SIGNED, range_))

/* A loss of (prediction, target), and its derivative (dy, prediction, target). */
#define LOSS(op, params, grad, rp, rt)                                                   \
    ROW(op, IN(SCALAR, SCALAR), params, FLOATS, grad, RANGE(rp, rt)),                    \
    ROW(op, IN(S(31), S(31)), params, FLOATS, grad, RANGE(rp, rt)),                      \
    ROW(op, IN(S(5, 33), S(33)), params, FLOATS, grad, RANGE(rp, rt)),                   \
    ROW(op, IN(S(5, 1), S(5, 31)), params, FLOATS, grad, RANGE(rp, rt)),                 \
    ROW(op, IN(S(0), S(0)), params, FLOATS, 0, RANGE(rp, rt)),                           \
    ROW(op, IN(S(129, 785), S(129, 785)), params, FLOATS, SPEED, RANGE(rp, rt))
#define LOSS_SLOPE(op, params, grad, rp, rt)                                             \
    ROW(op, IN(SCALAR, SCALAR, SCALAR), params, FLOATS, grad, RANGE(SIGNED, rp, rt)),    \
    ROW(op, IN(S(31), S(31), S(31)), params, FLOATS, grad, RANGE(SIGNED, rp, rt)),       \
    ROW(op, IN(SCALAR, S(5, 33), S(5, 33)), params, FLOATS, grad, RANGE(SIGNED, rp, rt)), \
    ROW(op, IN(S(5, 1), S(33), S(5, 33)), params, FLOATS, grad, RANGE(SIGNED, rp, rt)),  \
    ROW(op, IN(S(1025), S(1025), S(1025)), params, FLOATS, 0, RANGE(SIGNED, rp, rt)),    \
    ROW(op, IN(SCALAR, S(129, 785), S(129, 785)), params, FLOATS, SPEED, RANGE(SIGNED, rp, rt))

static const case_row rows[] = {
    ACTIVATION(relu, NO_ATTR),
    ACTIVATION(leaky_relu, PARAMS(0.01f)),
    ACTIVATION(leaky_relu, PARAMS(0.3f)),
    ACTIVATION(elu, PARAMS(1)),
    ACTIVATION(elu, PARAMS(0.7f)),
    ACTIVATION(gelu_tanh, NO_ATTR),
    ACTIVATION(gelu_erf, NO_ATTR),
    ACTIVATION(silu, NO_ATTR),
    ACTIVATION(sigmoid, NO_ATTR),
    ACTIVATION(tanh, NO_ATTR),
    ACTIVATION(softplus, NO_ATTR),

    SLOPE(relu_grad, NO_ATTR, SIGNED, WIDE),
    SLOPE(leaky_relu_grad, PARAMS(0.01f), SIGNED, WIDE),
    SLOPE(elu_grad, PARAMS(0.7f), SIGNED, WIDE),
    SLOPE(gelu_tanh_grad, NO_ATTR, SIGNED, WIDE),
    SLOPE(gelu_erf_grad, NO_ATTR, SIGNED, WIDE),
    SLOPE(silu_grad, NO_ATTR, SIGNED, WIDE),
    SLOPE(sigmoid_grad, NO_ATTR, PROBABILITY, UNIT),
    SLOPE(tanh_grad, NO_ATTR, PROBABILITY, UNIT),

    LOSS(huber, PARAMS(1), GRAD2, SIGNED, SIGNED),
    LOSS(huber, PARAMS(0.25f), GRAD2, SIGNED, SIGNED),
    LOSS(bce, NO_ATTR, GRAD2, PROBABILITY, PROBABILITY),
    LOSS(bce_logits, NO_ATTR, GRAD2, SIGNED, PROBABILITY),
    LOSS_SLOPE(huber_grad, PARAMS(0.5f), GRAD, SIGNED, SIGNED),
    LOSS_SLOPE(bce_grad, NO_ATTR, GRAD2, PROBABILITY, PROBABILITY),

    /* The ends of the interval: logarithms stop at -100. */
    ROW(bce, IN(S(1025), S(1025)), NO_ATTR, FLOATS, 0, RANGE(UNIT, FLAGS)),
    ROW(bce, IN(S(1025), S(1025)), NO_ATTR, FLOATS, 0, RANGE(FLAGS, UNIT)),
    ROW(bce_grad, IN(S(33), S(33), S(33)), NO_ATTR, FLOATS, 0, RANGE(SIGNED, FLAGS, PROBABILITY)),
    ROW(bce_logits, IN(S(1025), S(1025)), NO_ATTR, FLOATS, 0, RANGE(WIDE, UNIT)),
};

FAMILY(activation);
