/* SPDX-License-Identifier: Apache-2.0 */
/* Reductions over the axes first..last, seen as [outer, length, inner]; running sums; softmax over the last axis. */
#include <math.h>
#include <stdlib.h>

#include "oracle.h"

typedef double (*reduction)(const double *x, int64_t n);

static void gather_line(const oracle_tensor *x, int64_t start, int64_t length, int64_t inner, double *line)
{
    for (int64_t k = 0; k < length; k++) line[k] = x->v[start + k * inner];
}

static void reduce(oracle_call *c, int first, int last, reduction f)
{
    const oracle_tensor *x = &c->in[0];
    int64_t outer = oracle_span(x, 0, first), length = oracle_span(x, first, last + 1);
    int64_t inner = oracle_span(x, last + 1, x->rank);
    if (!oracle_expect(c, oracle_count(&c->out[0]) == outer * inner, "wrong output size")) return;
    double *line = calloc((size_t)length + 1, sizeof *line);
    if (!oracle_expect(c, line != NULL, "out of memory")) return;
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++) {
            gather_line(x, o * length * inner + i, length, inner, line);
            c->out[0].v[o * inner + i] = f(line, length);
        }
    free(line);
}

static double sum_of(const double *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i];
    return sum;
}

static double extreme_of(const double *x, int64_t n, double sign)
{
    double best = -INFINITY;
    for (int64_t i = 0; i < n; i++) {
        if (isnan(x[i])) return NAN;
        if (sign * x[i] > best) best = sign * x[i];
    }
    return sign * best;
}
static double max_of(const double *x, int64_t n) { return extreme_of(x, n, 1); }
static double min_of(const double *x, int64_t n) { return extreme_of(x, n, -1); }

static double argmax_of(const double *x, int64_t n)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        if (x[i] > x[best]) best = i;
    return (double)best;
}

static double logsumexp_of(const double *x, int64_t n)
{
    double largest = max_of(x, n), sum = 0;
    if (isinf(largest)) return largest;
    for (int64_t i = 0; i < n; i++) sum += exp(x[i] - largest);
    return largest + log(sum);
}

void oracle_sum(oracle_call *c) { reduce(c, c->attr->axis.first, c->attr->axis.last, sum_of); }
void oracle_max(oracle_call *c) { reduce(c, c->attr->axis.first, c->attr->axis.last, max_of); }
void oracle_min(oracle_call *c) { reduce(c, c->attr->axis.first, c->attr->axis.last, min_of); }
void oracle_argmax(oracle_call *c) { reduce(c, c->attr->axis.first, c->attr->axis.first, argmax_of); }
void oracle_logsumexp(oracle_call *c) { reduce(c, c->attr->axis.first, c->attr->axis.last, logsumexp_of); }

/* exclusive: the sum of those before, without the element itself. */
void oracle_cumsum(oracle_call *c)
{
    const oracle_tensor *x = &c->in[0];
    int axis = c->attr->axis.first;
    int64_t length = x->dim[axis], inner = oracle_span(x, axis + 1, x->rank);
    if (!oracle_expect(c, oracle_same_dims(x, &c->out[0]), "wrong output shape")) return;
    for (int64_t i = 0; i < oracle_count(x); i++) {
        int64_t at = i / inner % length, start = i - at * inner;
        double sum = 0;
        for (int64_t k = 0; k < length; k++) {
            bool before = c->attr->axis.reverse ? k > at : k < at;
            if (before || (k == at && !c->attr->axis.exclusive)) sum += x->v[start + k * inner];
        }
        c->out[0].v[i] = sum;
    }
}

/* --- softmax over the last axis ----------------------------------------------------------------------------------- */

typedef void (*row_function)(const double *a, const double *b, double *out, int64_t n);

static void rows(oracle_call *c, row_function f)
{
    const oracle_tensor *x = &c->in[0];
    if (!oracle_expect(c, x->rank >= 1 && oracle_same_dims(x, &c->out[0]), "wrong output shape")) return;
    if (c->n_in > 1 && !oracle_expect(c, oracle_same_dims(x, &c->in[1]), "operands differ in shape")) return;
    int64_t n = x->dim[x->rank - 1];
    for (int64_t start = 0; start < oracle_count(x); start += n)
        f(x->v + start, c->n_in > 1 ? c->in[1].v + start : NULL, c->out[0].v + start, n);
}

static void log_softmax_row(const double *x, const double *unused, double *out, int64_t n)
{
    (void)unused;
    double all = logsumexp_of(x, n);
    for (int64_t i = 0; i < n; i++) out[i] = x[i] - all;
}

static void softmax_row(const double *x, const double *unused, double *out, int64_t n)
{
    log_softmax_row(x, unused, out, n);
    for (int64_t i = 0; i < n; i++) out[i] = exp(out[i]);
}

/* y = softmax(x): dx_i = y_i (dy_i - sum of dy_j y_j) */
static void softmax_grad_row(const double *dy, const double *y, double *out, int64_t n)
{
    double dot = 0;
    for (int64_t i = 0; i < n; i++) dot += dy[i] * y[i];
    for (int64_t i = 0; i < n; i++) out[i] = y[i] * (dy[i] - dot);
}

/* y = log softmax(x): dx_i = dy_i - exp(y_i) * sum of dy_j */
static void log_softmax_grad_row(const double *dy, const double *y, double *out, int64_t n)
{
    double sum = sum_of(dy, n);
    for (int64_t i = 0; i < n; i++) out[i] = dy[i] - exp(y[i]) * sum;
}

void oracle_softmax(oracle_call *c) { rows(c, softmax_row); }
void oracle_log_softmax(oracle_call *c) { rows(c, log_softmax_row); }
void oracle_softmax_grad(oracle_call *c) { rows(c, softmax_grad_row); }
void oracle_log_softmax_grad(oracle_call *c) { rows(c, log_softmax_grad_row); }
