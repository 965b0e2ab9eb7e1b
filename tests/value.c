/* SPDX-License-Identifier: Apache-2.0 */
#include "value.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* bf16: the upper half of an f32, rounded to nearest even; NaN stays NaN. */
static uint16_t to_bf16(double x)
{
    float f = (float)x;
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    if (isnan(f)) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

static double from_bf16(uint16_t half)
{
    uint32_t bits = (uint32_t)half << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

double value_round(double x, cinch_dtype dtype)
{
    switch (dtype) {
    case CINCH_F32: return (double)(float)x;
    case CINCH_BF16: return from_bf16(to_bf16(x));
    default: return rint(x);
    }
}

void value_store(const double *v, int64_t n, cinch_dtype dtype, void *memory)
{
    for (int64_t i = 0; i < n; i++) {
        if (dtype == CINCH_F32) ((float *)memory)[i] = (float)v[i];
        else if (dtype == CINCH_BF16) ((uint16_t *)memory)[i] = to_bf16(v[i]);
        else if (dtype == CINCH_I32) ((int32_t *)memory)[i] = (int32_t)v[i];
        else ((uint8_t *)memory)[i] = (uint8_t)v[i];
    }
}

void value_load(const void *memory, int64_t n, cinch_dtype dtype, double *v)
{
    for (int64_t i = 0; i < n; i++) {
        if (dtype == CINCH_F32) v[i] = ((const float *)memory)[i];
        else if (dtype == CINCH_BF16) v[i] = from_bf16(((const uint16_t *)memory)[i]);
        else if (dtype == CINCH_I32) v[i] = ((const int32_t *)memory)[i];
        else v[i] = ((const uint8_t *)memory)[i];
    }
}

/* --- bounds ---------------------------------------------------------------------------------------------------------- */

/* Terms added up in one element of the output. */
static double terms_of(const case_instance *c)
{
    const oracle_tensor *x = &c->in[0];
    const cinch_attr *attr = &c->row->attr;
    switch (c->row->op) {
    case CINCH_OP_matmul:
    case CINCH_OP_matmul_bias: return (double)x->dim[x->rank - (attr->matmul.transpose_a ? 2 : 1)];
    case CINCH_OP_sum:
    case CINCH_OP_logsumexp: return (double)oracle_span(x, attr->axis.first, attr->axis.last + 1);
    case CINCH_OP_cumsum: return (double)x->dim[attr->axis.first];
    case CINCH_OP_softmax:
    case CINCH_OP_softmax_grad:
    case CINCH_OP_log_softmax:
    case CINCH_OP_log_softmax_grad: return (double)x->dim[x->rank - 1];
    case CINCH_OP_scatter_add: return (double)oracle_count(&c->in[1]) / (double)c->out[0].dim[0] + 4;
    case CINCH_OP_chain:
        if (!attr->chain.reduce) return 1;
        return (double)fmax(oracle_count(x), c->call.n_in > 1 ? oracle_count(&c->in[1]) : 0);
    default: return 1;
    }
}

static double largest(const oracle_tensor *t)
{
    double most = 0;
    for (int64_t i = 0; i < oracle_count(t); i++)
        if (isfinite(t->v[i])) most = fmax(most, fabs(t->v[i]));
    return most;
}

/* The size of a term, for errors that do not shrink with the result (cancellation). */
static double size_of(const case_instance *c)
{
    if (c->row->scale > 0) return c->row->scale;
    switch (c->row->op) {
    case CINCH_OP_matmul: return largest(&c->in[0]) * largest(&c->in[1]);
    case CINCH_OP_matmul_bias: return fmax(largest(&c->in[0]) * largest(&c->in[1]), largest(&c->in[2]));
    case CINCH_OP_sum:
    case CINCH_OP_cumsum:
    case CINCH_OP_scatter_add: return largest(&c->in[0]);
    case CINCH_OP_softmax_grad:
    case CINCH_OP_log_softmax_grad: return largest(&c->in[0]);
    case CINCH_OP_log_softmax:
    case CINCH_OP_logsumexp: return largest(&c->in[0]);
    default: return 0;
    }
}

value_bound value_bound_of(const case_instance *c, cinch_dtype dtype)
{
    double factor = c->row->tolerance > 0 ? c->row->tolerance : 1;
    double roundings = factor * (4 + 2 * sqrt(terms_of(c)));
    value_bound bound = {roundings * (FLT_EPSILON / 2) * size_of(c) + FLT_MIN, roundings * (FLT_EPSILON / 2)};
    if (dtype == CINCH_BF16) bound.relative += 1.001 / 256; /* half a unit in the last place of 8 bits */
    if (oracle_is_integer(dtype)) bound = (value_bound){0, 0};
    return bound;
}

static bool within(double got, double want, value_bound bound, double *worst)
{
    if (isnan(want) || isnan(got)) return isnan(want) && isnan(got);
    if (isinf(want) || isinf(got)) return got == want;
    double room = bound.absolute + bound.relative * fabs(want), off = fabs(got - want);
    if (room > 0 && off / room > *worst) *worst = off / room;
    return off <= room;
}

bool value_compare(const void *memory, const double *want, int64_t n, cinch_dtype dtype, value_bound bound,
                   double *worst, char *why, size_t size)
{
    double got, most = dtype == CINCH_BF16 ? ldexp(511, 119) : FLT_MAX; /* beyond it numbers round to infinity */
    for (int64_t i = 0; i < n; i++) {
        value_load((const char *)memory + (size_t)i * cinch_dtype_size(dtype), 1, dtype, &got);
        double stored = fabs(want[i]) > most ? copysign(INFINITY, want[i]) : want[i];
        if (within(got, stored, bound, worst)) continue;
        snprintf(why, size, "element %lld of %lld is %.9g, want %.9g within %.3g", (long long)i, (long long)n, got, stored,
                 bound.absolute + bound.relative * fabs(stored));
        return false;
    }
    return true;
}
