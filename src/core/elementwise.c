/* SPDX-License-Identifier: Apache-2.0 */
/* Elementwise ops with NumPy broadcasting: builders, the shape rule, derivatives. Formulas: formula.h. */
#include "core/grad.h"

#define RULE(name, grad) const cinch_rule cinch_rule_##name = {cinch_elementwise_shape, grad, NULL};

bool cinch_elementwise_shape(cinch_graph *g, cinch_node *node)
{
    char a[64], b[64];
    for (int k = 0; k < node->n_in; k++) {
        const cinch_node *in = &g->nodes[g->operands[node->first_in + k]];
        if (in->dtype != node->dtype) {
            cinch_graph_fail(g, "%s: operands of different types; cast one of them", cinch_ops[node->op].name);
            return false;
        }
        if (!cinch_broadcast_shapes(node->shape, in->shape, &node->shape)) {
            cinch_graph_fail(g, "%s: %s and %s do not broadcast", cinch_ops[node->op].name,
                             cinch_shape_text(node->shape, a), cinch_shape_text(in->shape, b));
            return false;
        }
    }
    return true;
}

static cinch_value unary(cinch_graph *g, cinch_op op, cinch_value x, float p0, float p1)
{
    return cinch_append(g, op, &(cinch_attr){.scalars = {{p0, p1}}}, 1, &x);
}

static cinch_value binary(cinch_graph *g, cinch_op op, cinch_value a, cinch_value b, float p0)
{
    return cinch_append(g, op, &(cinch_attr){.scalars = {{p0, 0}}}, 2, (cinch_value[]){a, b});
}

static cinch_value ternary(cinch_graph *g, cinch_op op, cinch_value a, cinch_value b, cinch_value c, float p0)
{
    return cinch_append(g, op, &(cinch_attr){.scalars = {{p0, 0}}}, 3, (cinch_value[]){a, b, c});
}

#define UNARY(name) \
    cinch_value cinch_##name(cinch_graph *g, cinch_value x) { return unary(g, CINCH_OP_##name, x, 0, 0); }
#define BINARY(name) \
    cinch_value cinch_##name(cinch_graph *g, cinch_value a, cinch_value b) \
    { \
        return binary(g, CINCH_OP_##name, a, b, 0); \
    }

/* Short names for the mathematics below. */
static cinch_value mul(cinch_graph *g, cinch_value a, cinch_value b) { return cinch_mul(g, a, b); }
static cinch_value affine(cinch_graph *g, cinch_value x, float scale, float offset)
{
    return cinch_affine(g, x, scale, offset);
}

/* A number in x's own type. */
static cinch_value number(cinch_graph *g, cinch_value x, float value)
{
    return cinch_fill(g, cinch_dtype_of(g, x), (cinch_shape){0}, value);
}

cinch_value cinch_affine(cinch_graph *g, cinch_value x, float scale, float offset)
{
    if (scale != 1) x = mul(g, x, number(g, x, scale));
    return offset != 0 ? cinch_add(g, x, number(g, x, offset)) : x;
}

/* --- arithmetic --------------------------------------------------------------------------------------------------- */

UNARY(neg)
static void grad_neg(cinch_gradient *r) { cinch_give(r, 0, cinch_neg(r->g, r->dy)); }
RULE(neg, grad_neg)

UNARY(abs)
static void grad_abs(cinch_gradient *r) { cinch_give(r, 0, mul(r->g, r->dy, cinch_sign(r->g, r->in[0]))); }
RULE(abs, grad_abs)

UNARY(sign)
RULE(sign, NULL)

UNARY(square)
static void grad_square(cinch_gradient *r) { cinch_give(r, 0, mul(r->g, affine(r->g, r->dy, 2, 0), r->in[0])); }
RULE(square, grad_square)

cinch_value cinch_clamp(cinch_graph *g, cinch_value x, float low, float high)
{
    return unary(g, CINCH_OP_clamp, x, low, high);
}
/* dx = dy where low <= x <= high */
static void grad_clamp(cinch_gradient *r)
{
    cinch_graph *g = r->g;
    const float *p = r->node.attr.scalars.v;
    cinch_value inside = mul(g, cinch_less_equal(g, number(g, r->y, p[0]), r->in[0]),
                             cinch_less_equal(g, r->in[0], number(g, r->y, p[1])));
    cinch_give(r, 0, mul(g, r->dy, inside));
}
RULE(clamp, grad_clamp)

BINARY(add)
static void grad_add(cinch_gradient *r)
{
    cinch_give(r, 0, r->dy);
    cinch_give(r, 1, r->dy);
}
RULE(add, grad_add)

BINARY(sub)
static void grad_sub(cinch_gradient *r)
{
    cinch_give(r, 0, r->dy);
    if (cinch_wanted(r, 1)) cinch_give(r, 1, cinch_neg(r->g, r->dy));
}
RULE(sub, grad_sub)

/* y = a * b:  da = dy * b,  db = dy * a */
BINARY(mul)
static void grad_mul(cinch_gradient *r)
{
    if (cinch_wanted(r, 0)) cinch_give(r, 0, mul(r->g, r->dy, r->in[1]));
    if (cinch_wanted(r, 1)) cinch_give(r, 1, mul(r->g, r->dy, r->in[0]));
}
RULE(mul, grad_mul)

/* y = a / b:  da = dy / b,  db = -dy * y / b */
BINARY(div)
static void grad_div(cinch_gradient *r)
{
    cinch_value da = cinch_div(r->g, r->dy, r->in[1]);
    cinch_give(r, 0, da);
    if (cinch_wanted(r, 1)) cinch_give(r, 1, cinch_neg(r->g, mul(r->g, da, r->y)));
}
RULE(div, grad_div)

/* 1 where a < b, 0.5 where they are equal. */
static cinch_value share_of_less(cinch_graph *g, cinch_value a, cinch_value b)
{
    return affine(g, cinch_add(g, cinch_less(g, a, b), cinch_less_equal(g, a, b)), 0.5f, 0);
}

BINARY(minimum)
static void grad_minimum(cinch_gradient *r)
{
    cinch_give(r, 0, mul(r->g, r->dy, share_of_less(r->g, r->in[0], r->in[1])));
    cinch_give(r, 1, mul(r->g, r->dy, share_of_less(r->g, r->in[1], r->in[0])));
}
RULE(minimum, grad_minimum)

BINARY(maximum)
static void grad_maximum(cinch_gradient *r)
{
    cinch_give(r, 0, mul(r->g, r->dy, share_of_less(r->g, r->in[1], r->in[0])));
    cinch_give(r, 1, mul(r->g, r->dy, share_of_less(r->g, r->in[0], r->in[1])));
}
RULE(maximum, grad_maximum)

/* y = a^b:  da = dy b a^(b-1),  db = dy y log a */
BINARY(pow)
static void grad_pow(cinch_gradient *r)
{
    cinch_graph *g = r->g;
    if (cinch_wanted(r, 0)) {
        cinch_value slope = mul(g, r->in[1], cinch_pow(g, r->in[0], affine(g, r->in[1], 1, -1)));
        cinch_give(r, 0, mul(g, r->dy, slope));
    }
    if (cinch_wanted(r, 1)) cinch_give(r, 1, mul(g, r->dy, mul(g, r->y, cinch_log(g, r->in[0]))));
}
RULE(pow, grad_pow)

/* --- comparisons -------------------------------------------------------------------------------------------------- */

BINARY(equal)
RULE(equal, NULL)
BINARY(less)
RULE(less, NULL)
BINARY(less_equal)
RULE(less_equal, NULL)
UNARY(is_finite)
RULE(is_finite, NULL)

cinch_value cinch_greater(cinch_graph *g, cinch_value a, cinch_value b) { return cinch_less(g, b, a); }
cinch_value cinch_greater_equal(cinch_graph *g, cinch_value a, cinch_value b) { return cinch_less_equal(g, b, a); }
cinch_value cinch_not_equal(cinch_graph *g, cinch_value a, cinch_value b)
{
    cinch_value equal = cinch_equal(g, a, b);
    return cinch_sub(g, number(g, equal, 1), equal);
}

cinch_value cinch_where(cinch_graph *g, cinch_value condition, cinch_value a, cinch_value b)
{
    return ternary(g, CINCH_OP_where, condition, a, b, 0);
}
static void grad_where(cinch_gradient *r)
{
    cinch_value zero = number(r->g, r->y, 0);
    if (cinch_wanted(r, 1)) cinch_give(r, 1, cinch_where(r->g, r->in[0], r->dy, zero));
    if (cinch_wanted(r, 2)) cinch_give(r, 2, cinch_where(r->g, r->in[0], zero, r->dy));
}
RULE(where, grad_where)

/* --- functions ---------------------------------------------------------------------------------------------------- */

UNARY(reciprocal)
static void grad_reciprocal(cinch_gradient *r)
{
    cinch_give(r, 0, cinch_neg(r->g, mul(r->g, r->dy, cinch_square(r->g, r->y))));
}
RULE(reciprocal, grad_reciprocal)

UNARY(exp)
static void grad_exp(cinch_gradient *r) { cinch_give(r, 0, mul(r->g, r->dy, r->y)); }
RULE(exp, grad_exp)

UNARY(log)
static void grad_log(cinch_gradient *r) { cinch_give(r, 0, cinch_div(r->g, r->dy, r->in[0])); }
RULE(log, grad_log)

UNARY(sqrt)
static void grad_sqrt(cinch_gradient *r) { cinch_give(r, 0, cinch_div(r->g, affine(r->g, r->dy, 0.5f, 0), r->y)); }
RULE(sqrt, grad_sqrt)

/* y = x^-1/2:  dx = -dy y^3 / 2 */
UNARY(rsqrt)
static void grad_rsqrt(cinch_gradient *r)
{
    cinch_value cube = mul(r->g, r->y, cinch_square(r->g, r->y));
    cinch_give(r, 0, mul(r->g, affine(r->g, r->dy, -0.5f, 0), cube));
}
RULE(rsqrt, grad_rsqrt)

UNARY(sin)
static void grad_sin(cinch_gradient *r) { cinch_give(r, 0, mul(r->g, r->dy, cinch_cos(r->g, r->in[0]))); }
RULE(sin, grad_sin)

UNARY(cos)
static void grad_cos(cinch_gradient *r)
{
    cinch_give(r, 0, cinch_neg(r->g, mul(r->g, r->dy, cinch_sin(r->g, r->in[0]))));
}
RULE(cos, grad_cos)

/* a exp(-b x^2) */
static cinch_value bell(cinch_graph *g, cinch_value x, float a, float b)
{
    return affine(g, cinch_exp(g, affine(g, cinch_square(g, x), -b, 0)), a, 0);
}

/* d erf = 2 / sqrt(pi) exp(-x^2) */
UNARY(erf)
static void grad_erf(cinch_gradient *r)
{
    cinch_give(r, 0, mul(r->g, r->dy, bell(r->g, r->in[0], 1.1283791670955126f, 1)));
}
RULE(erf, grad_erf)
