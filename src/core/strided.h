/* SPDX-License-Identifier: Apache-2.0 */
/* The ops that move elements, each as a copy from some strides to others: what a backend has to run. */
#ifndef CINCH_CORE_STRIDED_H
#define CINCH_CORE_STRIDED_H

#include "core/grid.h"

enum { CINCH_FROM, CINCH_TO };

typedef struct cinch_strided {
    cinch_grid grid; /* operands CINCH_FROM and CINCH_TO */
    const char *from;
    char *to;
    size_t size;     /* of an element */
} cinch_strided;

/* Over the shape of `t`, which is one side of the copy; both are contiguous at first. */
static inline cinch_strided cinch_strided_over(const cinch_tensor *t, const cinch_tensor *from, const cinch_tensor *to)
{
    cinch_strided s;
    s.grid.rank = t->rank;
    s.grid.n = 2;
    for (int i = 0; i < t->rank; i++) s.grid.dim[i] = t->dim[i];
    cinch_strides(t, s.grid.stride[CINCH_FROM]);
    cinch_strides(t, s.grid.stride[CINCH_TO]);
    s.from = (const char *)from->data;
    s.to = (char *)to->data;
    s.size = cinch_dtype_size(t->dtype);
    return s;
}

static inline cinch_strided cinch_strided_broadcast(const cinch_call *c)
{
    cinch_strided s = cinch_strided_over(c->out, &c->in[0], c->out);
    s.grid.n = CINCH_FROM;
    cinch_grid_add(&s.grid, &c->in[0]);
    s.grid.n = 2;
    return s;
}

static inline cinch_strided cinch_strided_transpose(const cinch_call *c)
{
    cinch_strided s = cinch_strided_over(c->out, &c->in[0], c->out);
    int64_t stride[CINCH_RANK_MAX];
    cinch_strides(&c->in[0], stride);
    for (int i = 0; i < c->out->rank; i++) s.grid.stride[CINCH_FROM][i] = stride[c->attr->transpose.order[i]];
    return s;
}

static inline cinch_strided cinch_strided_slice(const cinch_call *c)
{
    cinch_strided s = cinch_strided_over(c->out, &c->in[0], c->out);
    int64_t stride[CINCH_RANK_MAX], offset = 0;
    cinch_strides(&c->in[0], stride);
    for (int i = 0; i < c->out->rank; i++) {
        offset += c->attr->slice.start[i] * stride[i];
        s.grid.stride[CINCH_FROM][i] = c->attr->slice.step[i] * stride[i];
    }
    s.from += offset * (int64_t)s.size;
    return s;
}

/* Input k of those that are put one behind the other. */
static inline cinch_strided cinch_strided_concat(const cinch_call *c, int k)
{
    cinch_strided s = cinch_strided_over(&c->in[k], &c->in[k], c->out);
    int axis = c->attr->axis.first;
    int64_t before = 0;
    for (int i = 0; i < k; i++) before += c->in[i].dim[axis];
    cinch_strides(c->out, s.grid.stride[CINCH_TO]);
    s.to += before * s.grid.stride[CINCH_TO][axis] * (int64_t)s.size;
    return s;
}

/* What of the input lies within the result; a negative width cuts off. */
static inline cinch_strided cinch_strided_pad(const cinch_call *c)
{
    cinch_strided s = cinch_strided_over(&c->in[0], &c->in[0], c->out);
    int64_t to = 0, from = 0;
    cinch_strides(c->out, s.grid.stride[CINCH_TO]);
    for (int i = 0; i < c->out->rank; i++) {
        int64_t before = c->attr->pad.before[i], first = before < 0 ? -before : 0;
        int64_t last = c->in[0].dim[i], room = c->out->dim[i] - before;
        if (last > room) last = room;
        from += first * s.grid.stride[CINCH_FROM][i];
        to += (before + first) * s.grid.stride[CINCH_TO][i];
        s.grid.dim[i] = last > first ? last - first : 0;
    }
    s.from += from * (int64_t)s.size;
    s.to += to * (int64_t)s.size;
    return s;
}

#endif
