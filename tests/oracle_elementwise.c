/* SPDX-License-Identifier: Apache-2.0 */
/* Elementwise ops: x[] are the operands, p[] the parameters. */
#include <math.h>

#include "oracle.h"

#define X x[0]
#define DY x[0] /* of the *_grad ops */
#define DEFINE(name, formula)                                                             \
    static double scalar_##name(const double *x, const double *p, bool integer)           \
    {                                                                                     \
        (void)x, (void)p, (void)integer;                                                  \
        return formula;                                                                   \
    }

static double sigma(double x) { return 1 / (1 + exp(-x)); }
static double normal_cdf(double x) { return 0.5 * erfc(-x / sqrt(2)); }
static double normal_density(double x) { return exp(-0.5 * x * x) / sqrt(2 * M_PI); }
static double gelu_inner(double x) { return sqrt(2 / M_PI) * (x + 0.044715 * x * x * x); }
static double gelu_inner_slope(double x) { return sqrt(2 / M_PI) * (1 + 3 * 0.044715 * x * x); }
static double gelu_tanh_slope(double x)
{
    double t = tanh(gelu_inner(x));
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * gelu_inner_slope(x);
}
static double nan_or(double a, double b, double otherwise) { return isnan(a) || isnan(b) ? NAN : otherwise; }
static double floored_log(double x) { return fmax(log(x), -100); }

DEFINE(neg, -X)
DEFINE(abs, fabs(X))
DEFINE(sign, isnan(X) ? X : (X > 0) - (X < 0))
DEFINE(square, X *X)
DEFINE(clamp, isnan(X) ? X : fmin(fmax(X, p[0]), p[1]))
DEFINE(add, X + x[1])
DEFINE(sub, X - x[1])
DEFINE(mul, X *x[1])
DEFINE(div, integer ? trunc(X / x[1]) : X / x[1])
DEFINE(minimum, nan_or(X, x[1], X < x[1] ? X : x[1]))
DEFINE(maximum, nan_or(X, x[1], X > x[1] ? X : x[1]))
DEFINE(equal, X == x[1])
DEFINE(less, X < x[1])
DEFINE(less_equal, X <= x[1])
DEFINE(where, X != 0 ? x[1] : x[2])
DEFINE(reciprocal, 1 / X)
DEFINE(exp, exp(X))
DEFINE(log, log(X))
DEFINE(sqrt, sqrt(X))
DEFINE(rsqrt, 1 / sqrt(X))
DEFINE(sin, sin(X))
DEFINE(cos, cos(X))
DEFINE(erf, erf(X))
DEFINE(pow, pow(X, x[1]))
DEFINE(is_finite, isfinite(X) ? 1 : 0)
DEFINE(relu, X > 0 || isnan(X) ? X : 0)
DEFINE(relu_grad, x[1] > 0 ? DY : 0)
DEFINE(leaky_relu, X > 0 ? X : p[0] * X)
DEFINE(leaky_relu_grad, x[1] > 0 ? DY : p[0] * DY)
DEFINE(elu, X > 0 ? X : p[0] * expm1(X))
DEFINE(elu_grad, x[1] > 0 ? DY : DY *p[0] * exp(x[1]))
DEFINE(gelu_tanh, 0.5 * X * (1 + tanh(gelu_inner(X))))
DEFINE(gelu_tanh_grad, DY *gelu_tanh_slope(x[1]))
DEFINE(gelu_erf, X *normal_cdf(X))
DEFINE(gelu_erf_grad, DY *(normal_cdf(x[1]) + x[1] * normal_density(x[1])))
DEFINE(silu, X *sigma(X))
DEFINE(silu_grad, DY *(sigma(x[1]) + x[1] * sigma(x[1]) * (1 - sigma(x[1]))))
DEFINE(sigmoid, sigma(X))
DEFINE(sigmoid_grad, DY *x[1] * (1 - x[1]))
DEFINE(tanh, tanh(X))
DEFINE(tanh_grad, DY *(1 - x[1] * x[1]))
DEFINE(softplus, fmax(X, 0) + log1p(exp(-fabs(X))))
DEFINE(softsign, X / (1 + fabs(X)))
DEFINE(huber, fabs(X - x[1]) <= p[0] ? 0.5 * (X - x[1]) * (X - x[1]) : p[0] * (fabs(X - x[1]) - p[0] / 2))
DEFINE(huber_grad, DY *fmin(fmax(x[1] - x[2], -p[0]), p[0]))
DEFINE(bce, -(x[1] * floored_log(X) + (1 - x[1]) * floored_log(1 - X)))
DEFINE(bce_grad, DY *(x[1] - x[2]) / fmax(x[1] * (1 - x[1]), 1e-12))
DEFINE(bce_logits, fmax(X, 0) - X * x[1] + log1p(exp(-fabs(X))))

/* NumPy broadcasting, one element at a time. */
static void elementwise(oracle_call *c, double (*scalar)(const double *, const double *, bool))
{
    const oracle_tensor *out = &c->out[0];
    double p[2] = {c->attr->scalars.v[0], c->attr->scalars.v[1]}, x[3];
    for (int k = 0; k < c->n_in; k++)
        if (!oracle_expect(c, oracle_broadcasts(&c->in[k], out), "an operand does not broadcast to the output")) return;
    for (int64_t i = 0; i < oracle_count(out); i++) {
        for (int k = 0; k < c->n_in; k++) x[k] = c->in[k].v[oracle_broadcast_index(&c->in[k], out, i)];
        out->v[i] = scalar(x, p, oracle_is_integer(out->dtype));
    }
}

#define OP(name, inputs, outputs, attr, place, saves, types)
#define ELEMENTWISE(name, inputs, params, types) \
    void oracle_##name(oracle_call *c) { elementwise(c, scalar_##name); }
#include "core/ops.def"

double oracle_scalar(cinch_op op, const double *x, const double *p, bool integer)
{
    switch (op) {
#define OP(name, inputs, outputs, attr, place, saves, types)
#define ELEMENTWISE(name, inputs, params, types) \
    case CINCH_OP_##name: return scalar_##name(x, p, integer);
#include "core/ops.def"
    default: return NAN;
    }
}

/* --- chain: steps on the same element, each broadcast operand read at its place ----------------------------------- */

static double operand_of(const oracle_call *c, const cinch_chain_step *step, int k, int64_t i, const oracle_tensor *at,
                         const double *result)
{
    int which = step->operand[k];
    if (which == CINCH_CHAIN_IMMEDIATE) return step->immediate;
    if (which >= CINCH_CHAIN_INPUTS) return result[which - CINCH_CHAIN_INPUTS];
    return which < 0 ? 0 : c->in[which].v[oracle_broadcast_index(&c->in[which], at, i)];
}

static double chain_element(const oracle_call *c, const oracle_tensor *at, int64_t i)
{
    double result[CINCH_CHAIN_STEPS] = {0}, x[3];
    int n = c->attr->chain.n_steps;
    for (int s = 0; s < n; s++) {
        const cinch_chain_step *step = &c->attr->chain.step[s];
        double p[2] = {step->param[0], step->param[1]};
        for (int k = 0; k < 3; k++) x[k] = operand_of(c, step, k, i, at, result);
        result[s] = oracle_scalar(step->op, x, p, false);
    }
    return result[n - 1];
}

/* The broadcast of all operands. */
static oracle_tensor chain_domain(const oracle_call *c)
{
    oracle_tensor at = {0};
    for (int k = 0; k < c->n_in; k++)
        if (c->in[k].rank > at.rank) at.rank = c->in[k].rank;
    for (int axis = 0; axis < at.rank; axis++) at.dim[axis] = 1;
    for (int k = 0; k < c->n_in; k++)
        for (int axis = 0; axis < c->in[k].rank; axis++) {
            int64_t *dim = &at.dim[axis + at.rank - c->in[k].rank];
            if (*dim == 1) *dim = c->in[k].dim[axis];
        }
    return at;
}

void oracle_chain(oracle_call *c)
{
    oracle_tensor at = chain_domain(c);
    oracle_tensor *out = &c->out[0];
    bool reduce = c->attr->chain.reduce;
    for (int k = 0; k < c->n_in; k++)
        if (!oracle_expect(c, oracle_broadcasts(&c->in[k], &at), "an operand does not broadcast")) return;
    if (!oracle_expect(c, reduce ? oracle_count(out) == 1 : oracle_same_dims(out, &at), "wrong output shape")) return;
    double sum = 0;
    for (int64_t i = 0; i < oracle_count(&at); i++) {
        double y = chain_element(c, &at, i);
        if (reduce) sum += y;
        else out->v[i] = y;
    }
    if (reduce) out->v[0] = sum;
}
