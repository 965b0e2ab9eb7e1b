/* SPDX-License-Identifier: Apache-2.0 */
#include "value.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/node.h"

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

/* --- bounds ------------------------------------------------------------------------------------------------------- */

/* Terms added up in one element of the output. */
static double terms_of(const case_instance *c)
{
    const oracle_tensor *x = &c->in[0];
    const cinch_attr *attr = &c->row->attr;
    switch (c->row->op) {
    case CINCH_OP_matmul:
    case CINCH_OP_matmul_bias:
    case CINCH_OP_matmul_bias_keep:
    case CINCH_OP_matmul_grad:
    case CINCH_OP_matmul_sums: return (double)x->dim[x->rank - (attr->matmul.transpose_a ? 2 : 1)];
    case CINCH_OP_sum:
    case CINCH_OP_logsumexp: return (double)oracle_span(x, attr->axis.first, attr->axis.last + 1);
    case CINCH_OP_cumsum: return (double)x->dim[attr->axis.first];
    case CINCH_OP_softmax:
    case CINCH_OP_softmax_grad:
    case CINCH_OP_log_softmax:
    case CINCH_OP_log_softmax_grad: return (double)x->dim[x->rank - 1];
    case CINCH_OP_scatter_add: return (double)oracle_count(&c->in[1]) / fmax(1, (double)c->out[0].dim[0]) + 4;
    case CINCH_OP_chain: break;
    default: return 1;
    }
    double largest = 1;
    for (int k = 0; attr->chain.reduce && k < c->call.n_in; k++)
        largest = fmax(largest, (double)oracle_count(&c->in[k]));
    return largest;
}

/* Root of the mean square of the finite elements. */
static double size_of(const oracle_tensor *t)
{
    double sum = 0;
    int64_t n = 0;
    for (int64_t i = 0; i < oracle_count(t); i++)
        if (isfinite(t->v[i])) sum += t->v[i] * t->v[i], n++;
    return n ? sqrt(sum / (double)n) : 0;
}

static double largest_of(const oracle_tensor *t)
{
    double most = 0;
    for (int64_t i = 0; i < oracle_count(t); i++)
        if (isfinite(t->v[i])) most = fmax(most, fabs(t->v[i]));
    return most;
}

/* The size of a term: rounding errors of that size stay when terms cancel each other. */
static double term_size(const case_instance *c)
{
    const cinch_attr *attr = &c->row->attr;
    if (c->row->scale > 0) return c->row->scale;
    if (cinch_ops[c->row->op].kind == CINCH_KIND_EFFECT) return fmax(largest_of(&c->in[0]), largest_of(&c->in[1]));
    switch (c->row->op) {
    case CINCH_OP_matmul:
    case CINCH_OP_matmul_grad: return size_of(&c->in[0]) * size_of(&c->in[1]);
    case CINCH_OP_matmul_sums: return size_of(&c->in[0]) * fmax(1, size_of(&c->in[1]));
    case CINCH_OP_matmul_bias:
    case CINCH_OP_matmul_bias_keep: return fmax(size_of(&c->in[0]) * size_of(&c->in[1]), size_of(&c->in[2]));
    case CINCH_OP_sum:
    case CINCH_OP_cumsum:
    case CINCH_OP_scatter_add:
    case CINCH_OP_softmax_grad: return size_of(&c->in[0]);
    case CINCH_OP_log_softmax_grad: return size_of(&c->in[0]) * exp(largest_of(&c->in[1]));
    case CINCH_OP_log_softmax:
    case CINCH_OP_logsumexp: return largest_of(&c->in[0]);
    case CINCH_OP_chain: return size_of(&c->in[0]) * fmax(1, size_of(&c->in[c->call.n_in > 1]));
    case CINCH_OP_cast: return fabs(attr->scalars.v[1]);
    case CINCH_OP_uniform: return fabs(attr->random.b - attr->random.a);
    case CINCH_OP_normal: return fabs(attr->random.b);
    default: return 0;
    }
}

/* Ops that choose or move what is there: nothing is rounded but the result where it is stored. */
static bool is_exact(cinch_op op)
{
    switch (op) {
    case CINCH_OP_neg:
    case CINCH_OP_abs:
    case CINCH_OP_sign:
    case CINCH_OP_clamp:
    case CINCH_OP_minimum:
    case CINCH_OP_maximum:
    case CINCH_OP_equal:
    case CINCH_OP_less:
    case CINCH_OP_less_equal:
    case CINCH_OP_where:
    case CINCH_OP_is_finite:
    case CINCH_OP_relu:
    case CINCH_OP_relu_grad:
    case CINCH_OP_max:
    case CINCH_OP_min:
    case CINCH_OP_fill:
    case CINCH_OP_iota:
    case CINCH_OP_broadcast:
    case CINCH_OP_transpose:
    case CINCH_OP_slice:
    case CINCH_OP_pad:
    case CINCH_OP_concat:
    case CINCH_OP_gather:
    case CINCH_OP_one_hot:
    case CINCH_OP_pack:
    case CINCH_OP_copy:
    case CINCH_OP_bernoulli:
    case CINCH_OP_assign:
    case CINCH_OP_record: return true;
    default: return false;
    }
}

/* Adding up K terms of size s one by one rounds sums of size s sqrt(K) K times; such errors add up as random steps do,
   to u s sqrt(K) sqrt(K), u being half a unit in the last place. */
value_bound value_bound_of(const case_instance *c, cinch_dtype dtype)
{
    if (oracle_is_integer(dtype) || is_exact(c->row->op)) return (value_bound){0, 0};
    double factor = c->row->tolerance > 0 ? c->row->tolerance : 1, root = sqrt(terms_of(c));
    double relative = factor * (4 + 2 * root) * (FLT_EPSILON / 2);
    value_bound bound = {relative * fmax(root, 1) * term_size(c) + FLT_MIN, relative};
    if (dtype == CINCH_BF16) bound.relative += 1.001 / 256; /* half a unit in the last place of 8 bits */
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
        bool exact = bound.absolute == 0 && bound.relative == 0;
        double rounded = fabs(want[i]) > most ? copysign(INFINITY, want[i]) : want[i];
        double stored = exact ? value_round(want[i], dtype) : rounded;
        if (within(got, stored, bound, worst)) continue;
        snprintf(why, size, "element %lld of %lld is %.9g, want %.9g within %.3g", (long long)i, (long long)n, got,
                 stored, bound.absolute + bound.relative * fabs(stored));
        return false;
    }
    return true;
}
