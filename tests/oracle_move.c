/* SPDX-License-Identifier: Apache-2.0 */
/* Ops that fill, convert or move elements. */
#include <math.h>

#include "oracle.h"

void oracle_fill(oracle_call *c)
{
    for (int64_t i = 0; i < oracle_count(&c->out[0]); i++) c->out[0].v[i] = c->attr->scalars.v[0];
}

void oracle_iota(oracle_call *c)
{
    int64_t at[CINCH_RANK_MAX];
    for (int64_t i = 0; i < oracle_count(&c->out[0]); i++) {
        oracle_unravel(&c->out[0], i, at);
        c->out[0].v[i] = (double)at[c->attr->axis.first];
    }
}

/* Computed in f32; integers are rounded to nearest even and saturate. */
static double cast_element(double x, const cinch_attr *attr, cinch_dtype to)
{
    if (!oracle_is_integer(to)) return x * attr->scalars.v[0] + attr->scalars.v[1];
    float y = (float)x * attr->scalars.v[0];
    y = y + attr->scalars.v[1];
    double low = to == CINCH_U8 ? 0 : INT32_MIN, high = to == CINCH_U8 ? 255 : INT32_MAX;
    return isnan(y) ? 0 : fmin(fmax(rint((double)y), low), high);
}

void oracle_cast(oracle_call *c)
{
    oracle_tensor *y = &c->out[0];
    if (!oracle_expect(c, oracle_same_dims(&c->in[0], y), "wrong output shape")) return;
    for (int64_t i = 0; i < oracle_count(y); i++) y->v[i] = cast_element(c->in[0].v[i], c->attr, y->dtype);
}

void oracle_copy(oracle_call *c)
{
    if (!oracle_expect(c, oracle_same_dims(&c->in[0], &c->out[0]), "wrong output shape")) return;
    for (int64_t i = 0; i < oracle_count(&c->out[0]); i++) c->out[0].v[i] = c->in[0].v[i];
}

void oracle_broadcast(oracle_call *c)
{
    const oracle_tensor *x = &c->in[0], *y = &c->out[0];
    if (!oracle_expect(c, oracle_broadcasts(x, y), "the operand does not broadcast to the output")) return;
    for (int64_t i = 0; i < oracle_count(y); i++) y->v[i] = x->v[oracle_broadcast_index(x, y, i)];
}

void oracle_transpose(oracle_call *c)
{
    const oracle_tensor *x = &c->in[0], *y = &c->out[0];
    const int8_t *order = c->attr->transpose.order;
    int64_t at[CINCH_RANK_MAX], from[CINCH_RANK_MAX];
    for (int axis = 0; axis < y->rank; axis++)
        if (!oracle_expect(c, y->dim[axis] == x->dim[order[axis]], "wrong output shape")) return;
    for (int64_t i = 0; i < oracle_count(y); i++) {
        oracle_unravel(y, i, at);
        for (int axis = 0; axis < y->rank; axis++) from[order[axis]] = at[axis];
        y->v[i] = x->v[oracle_ravel(x, from)];
    }
}

void oracle_slice(oracle_call *c)
{
    const oracle_tensor *x = &c->in[0], *y = &c->out[0];
    int64_t at[CINCH_RANK_MAX];
    if (!oracle_expect(c, x->rank == y->rank, "wrong output rank")) return;
    for (int64_t i = 0; i < oracle_count(y); i++) {
        oracle_unravel(y, i, at);
        for (int axis = 0; axis < y->rank; axis++) {
            at[axis] = c->attr->slice.start[axis] + at[axis] * c->attr->slice.step[axis];
            if (!oracle_expect(c, at[axis] >= 0 && at[axis] < x->dim[axis], "the slice leaves its operand")) return;
        }
        y->v[i] = x->v[oracle_ravel(x, at)];
    }
}

void oracle_pad(oracle_call *c)
{
    const oracle_tensor *x = &c->in[0], *y = &c->out[0];
    int64_t at[CINCH_RANK_MAX];
    if (!oracle_expect(c, x->rank == y->rank, "wrong output rank")) return;
    for (int64_t i = 0; i < oracle_count(y); i++) {
        oracle_unravel(y, i, at);
        bool inside = true;
        for (int axis = 0; axis < y->rank; axis++) {
            at[axis] -= c->attr->pad.before[axis];
            inside = inside && at[axis] >= 0 && at[axis] < x->dim[axis];
        }
        y->v[i] = inside ? x->v[oracle_ravel(x, at)] : c->attr->pad.value;
    }
}

void oracle_concat(oracle_call *c)
{
    const oracle_tensor *y = &c->out[0];
    int axis = c->attr->axis.first;
    int64_t at[CINCH_RANK_MAX], offset = 0;
    for (int k = 0; k < c->n_in; k++) {
        for (int64_t i = 0; i < oracle_count(&c->in[k]); i++) {
            oracle_unravel(&c->in[k], i, at);
            at[axis] += offset;
            y->v[oracle_ravel(y, at)] = c->in[k].v[i];
        }
        offset += c->in[k].dim[axis];
    }
    oracle_expect(c, offset == y->dim[axis], "wrong output shape");
}

/* Rows outside the table read as zeros. */
void oracle_gather(oracle_call *c)
{
    const oracle_tensor *x = &c->in[0], *rows = &c->in[1], *y = &c->out[0];
    int64_t width = oracle_span(x, 1, x->rank);
    if (!oracle_expect(c, oracle_count(y) == oracle_count(rows) * width, "wrong output size")) return;
    for (int64_t i = 0; i < oracle_count(y); i++) {
        double row = rows->v[i / width];
        y->v[i] = row >= 0 && row < (double)x->dim[0] ? x->v[(int64_t)row * width + i % width] : 0;
    }
}

/* out[rows[i]] += x[i]; rows outside are dropped. */
void oracle_scatter_add(oracle_call *c)
{
    const oracle_tensor *x = &c->in[0], *rows = &c->in[1], *y = &c->out[0];
    int64_t width = oracle_span(y, 1, y->rank);
    if (!oracle_expect(c, oracle_count(x) == oracle_count(rows) * width, "operands differ in size")) return;
    for (int64_t i = 0; i < oracle_count(y); i++) y->v[i] = 0;
    for (int64_t i = 0; i < oracle_count(x); i++) {
        double row = rows->v[i / width];
        if (row >= 0 && row < (double)y->dim[0]) y->v[(int64_t)row * width + i % width] += x->v[i];
    }
}

void oracle_one_hot(oracle_call *c)
{
    const oracle_tensor *x = &c->in[0], *y = &c->out[0];
    int64_t depth = c->attr->axis.depth;
    if (!oracle_expect(c, oracle_count(y) == oracle_count(x) * depth, "wrong output size")) return;
    for (int64_t i = 0; i < oracle_count(y); i++) y->v[i] = x->v[i / depth] == (double)(i % depth);
}

/* Tensors end to end, each from a multiple of 16 elements on, zeros between. */
void oracle_pack(oracle_call *c)
{
    oracle_tensor *y = &c->out[0];
    int64_t at = 0, room = oracle_count(y);
    for (int64_t i = 0; i < room; i++) y->v[i] = 0;
    for (int k = 0; k < c->n_in; k++) {
        int64_t n = oracle_count(&c->in[k]);
        if (!oracle_expect(c, at + n <= room, "the output is too small")) return;
        for (int64_t i = 0; i < n; i++) y->v[at + i] = c->in[k].v[i];
        at += (n + 15) / 16 * 16;
    }
    oracle_expect(c, at == room, "the output is too large");
}
