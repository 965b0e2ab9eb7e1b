/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Activations. Each has a gradient op of its own with one formula; differentiated again, that op expands into
 * elementary ones (`again_*`, functions of the gradient op's operands).
 */
#include "core/grad.h"

/* Of a reshaped product, the activation comes before the reshape, where fusion finds it. */
static cinch_value call1(cinch_graph *g, cinch_op op, cinch_value x, float p)
{
    const cinch_node *n = cinch_node_of(g, x);
    cinch_value product = n->op == CINCH_OP_reshape ? cinch_operand(g, n, 0) : (cinch_value){0};
    if (cinch_node_of(g, product)->op == CINCH_OP_matmul_bias)
        return cinch_reshape(g, call1(g, op, product, p), cinch_shape_of(g, x));
    return cinch_append(g, op, &(cinch_attr){.scalars = {{p, 0}}}, 1, &x);
}

static cinch_value call2(cinch_graph *g, cinch_op op, cinch_value a, cinch_value b, float p)
{
    return cinch_append(g, op, &(cinch_attr){.scalars = {{p, 0}}}, 2, (cinch_value[]){a, b});
}

/* f and f_grad, whose second operand is f's `seen`: its input x or its output y. */
#define ACTIVATION(name, seen)                                                                                 \
    static void grad_##name(cinch_gradient *r)                                                                 \
    {                                                                                                          \
        cinch_give(r, 0, call2(r->g, CINCH_OP_##name##_grad, r->dy, seen, r->node.attr.scalars.v[0]));         \
    }                                                                                                          \
    static cinch_value expand_##name(cinch_graph *g, const cinch_node *n)                                      \
    {                                                                                                          \
        cinch_value slope = slope_##name(g, cinch_operand(g, n, 1), n->attr.scalars.v[0]);                     \
        return cinch_mul(g, cinch_operand(g, n, 0), slope);                                                    \
    }                                                                                                          \
    const cinch_rule cinch_rule_##name = {cinch_elementwise_shape, grad_##name, NULL};                                \
    const cinch_rule cinch_rule_##name##_grad = {cinch_elementwise_shape, NULL, expand_##name};

#define PLAIN(name) \
    cinch_value cinch_##name(cinch_graph *g, cinch_value x) { return call1(g, CINCH_OP_##name, x, 0); }

static cinch_value zero(cinch_graph *g, cinch_value x)
{
    return cinch_fill(g, cinch_dtype_of(g, x), (cinch_shape){0}, 0);
}

static cinch_value affine(cinch_graph *g, cinch_value x, float scale, float offset)
{
    return cinch_affine(g, x, scale, offset);
}

/* The slope of each activation, in elementary ops, as a function of what its gradient op sees. */

PLAIN(relu)
static cinch_value slope_relu(cinch_graph *g, cinch_value y, float p)
{
    (void)p;
    return cinch_greater(g, y, zero(g, y));
}
ACTIVATION(relu, r->y)

cinch_value cinch_leaky_relu(cinch_graph *g, cinch_value x, float slope)
{
    return call1(g, CINCH_OP_leaky_relu, x, slope);
}
static cinch_value slope_leaky_relu(cinch_graph *g, cinch_value x, float p)
{
    return affine(g, cinch_greater(g, x, zero(g, x)), 1 - p, p);
}
ACTIVATION(leaky_relu, r->in[0])

/* x > 0: 1, else alpha exp(x) */
cinch_value cinch_elu(cinch_graph *g, cinch_value x, float alpha) { return call1(g, CINCH_OP_elu, x, alpha); }
static cinch_value slope_elu(cinch_graph *g, cinch_value x, float p)
{
    cinch_value falling = affine(g, cinch_exp(g, cinch_minimum(g, x, zero(g, x))), p, 0);
    cinch_value positive = cinch_greater(g, x, zero(g, x));
    return cinch_where(g, positive, affine(g, positive, 0, 1), falling);
}
ACTIVATION(elu, r->in[0])

/* u = sqrt(2/pi) (x + 0.044715 x^3), t = tanh u: slope = (1+t)/2 + x (1-t^2)/2 u' */
PLAIN(gelu_tanh)
static cinch_value slope_gelu_tanh(cinch_graph *g, cinch_value x, float p)
{
    (void)p;
    const float c = 0.7978845608028654f;
    cinch_value x2 = cinch_square(g, x);
    cinch_value t = cinch_tanh(g, cinch_mul(g, x, affine(g, x2, c * 0.044715f, c)));
    cinch_value du = affine(g, x2, c * 3 * 0.044715f, c);
    cinch_value bend = cinch_mul(g, cinch_mul(g, x, du), affine(g, cinch_square(g, t), -0.5f, 0.5f));
    return cinch_add(g, affine(g, t, 0.5f, 0.5f), bend);
}
ACTIVATION(gelu_tanh, r->in[0])

/* Phi(x) + x phi(x) */
PLAIN(gelu_erf)
static cinch_value slope_gelu_erf(cinch_graph *g, cinch_value x, float p)
{
    (void)p;
    cinch_value phi = affine(g, cinch_exp(g, affine(g, cinch_square(g, x), -0.5f, 0)), 0.3989422804014327f, 0);
    cinch_value cdf = affine(g, cinch_erf(g, affine(g, x, 0.7071067811865476f, 0)), 0.5f, 0.5f);
    return cinch_add(g, cdf, cinch_mul(g, x, phi));
}
ACTIVATION(gelu_erf, r->in[0])

/* s (1 + x (1 - s)), s = sigmoid x */
PLAIN(silu)
static cinch_value slope_silu(cinch_graph *g, cinch_value x, float p)
{
    (void)p;
    cinch_value s = cinch_sigmoid(g, x);
    return cinch_mul(g, s, affine(g, cinch_mul(g, x, affine(g, s, -1, 1)), 1, 1));
}
ACTIVATION(silu, r->in[0])

PLAIN(sigmoid)
static cinch_value slope_sigmoid(cinch_graph *g, cinch_value y, float p)
{
    (void)p;
    return cinch_mul(g, y, affine(g, y, -1, 1));
}
ACTIVATION(sigmoid, r->y)

PLAIN(tanh)
static cinch_value slope_tanh(cinch_graph *g, cinch_value y, float p)
{
    (void)p;
    return affine(g, cinch_square(g, y), -1, 1);
}
ACTIVATION(tanh, r->y)

PLAIN(softplus)
static void grad_softplus(cinch_gradient *r)
{
    cinch_give(r, 0, cinch_mul(r->g, r->dy, cinch_sigmoid(r->g, r->in[0])));
}
const cinch_rule cinch_rule_softplus = {cinch_elementwise_shape, grad_softplus, NULL};

/* dx = dy (1 - |y|)^2 */
PLAIN(softsign)
static void grad_softsign(cinch_gradient *r)
{
    cinch_value slope = cinch_square(r->g, affine(r->g, cinch_abs(r->g, r->y), -1, 1));
    cinch_give(r, 0, cinch_mul(r->g, r->dy, slope));
}
const cinch_rule cinch_rule_softsign = {cinch_elementwise_shape, grad_softsign, NULL};
