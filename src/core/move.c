/* SPDX-License-Identifier: Apache-2.0 */
/* Moving and making data: any type. */
#include <string.h>

#include "core/grad.h"

static bool axis_of(cinch_graph *g, const char *op, cinch_shape shape, int *axis)
{
    if (*axis < 0) *axis += shape.rank;
    if (*axis >= 0 && *axis < shape.rank) return true;
    cinch_graph_fail(g, "%s: no such axis in a tensor of rank %d", op, shape.rank);
    return false;
}

/* --- making ------------------------------------------------------------------------------------------------------- */

cinch_value cinch_fill(cinch_graph *g, cinch_dtype dtype, cinch_shape shape, float value)
{
    return cinch_append_as(g, CINCH_OP_fill, &(cinch_attr){.scalars = {{value, 0}}}, 0, NULL, dtype, shape);
}
const cinch_rule cinch_rule_fill = {0};

cinch_value cinch_scalar(cinch_graph *g, float value) { return cinch_fill(g, CINCH_F32, (cinch_shape){0}, value); }

cinch_value cinch_iota(cinch_graph *g, cinch_dtype dtype, cinch_shape shape, int axis)
{
    if (!axis_of(g, "iota", shape, &axis)) return (cinch_value){0};
    cinch_attr attr = {.axis = {.first = (int8_t)axis, .last = (int8_t)axis}};
    return cinch_append_as(g, CINCH_OP_iota, &attr, 0, NULL, dtype, shape);
}
const cinch_rule cinch_rule_iota = {0};

/* --- views -------------------------------------------------------------------------------------------------------- */

static bool infer_size(cinch_shape from, cinch_shape *to)
{
    int64_t known = 1, count = cinch_shape_count(from);
    int open = -1;
    for (int i = 0; i < to->rank; i++) {
        if (to->dim[i] >= 0) known *= to->dim[i];
        else if (open >= 0) return false;
        else open = i;
    }
    if (open < 0) return known == count;
    to->dim[open] = known ? count / known : 0;
    return to->dim[open] * known == count;
}

cinch_value cinch_reshape(cinch_graph *g, cinch_value x, cinch_shape shape)
{
    char from[64], to[64];
    cinch_shape had = cinch_shape_of(g, x), wanted = shape;
    if (!cinch_valid(x) || g->status) return (cinch_value){0};
    if (cinch_same_shape(had, shape)) return x;
    if (!infer_size(had, &shape))
        return cinch_graph_fail(g, "reshape: %s does not hold as many elements as %s", cinch_shape_text(had, from),
                                cinch_shape_text(wanted, to));
    return cinch_append_as(g, CINCH_OP_reshape, NULL, 1, &x, cinch_dtype_of(g, x), shape);
}
static void grad_reshape(cinch_gradient *r)
{
    cinch_give(r, 0, cinch_reshape(r->g, r->dy, cinch_shape_of(r->g, r->in[0])));
}
const cinch_rule cinch_rule_reshape = {NULL, grad_reshape, NULL};

static bool same_as_operand(cinch_graph *g, cinch_node *node)
{
    node->shape = g->nodes[g->operands[node->first_in]].shape;
    return true;
}
const cinch_rule cinch_rule_stop_gradient = {same_as_operand, NULL, NULL};
const cinch_rule cinch_rule_window = {0}, cinch_rule_result = {0}, cinch_rule_written = {0};

cinch_value cinch_window(cinch_graph *g, cinch_value slab, int64_t offset, cinch_shape shape)
{
    cinch_attr attr = {.window = {offset}};
    return cinch_append_as(g, CINCH_OP_window, &attr, 1, &slab, cinch_dtype_of(g, slab), shape);
}

static void grad_copy(cinch_gradient *r) { cinch_give(r, 0, r->dy); }
const cinch_rule cinch_rule_copy = {same_as_operand, grad_copy, NULL};

/* --- changing type ------------------------------------------------------------------------------------------------ */

cinch_value cinch_cast(cinch_graph *g, cinch_value x, cinch_dtype dtype, float scale, float offset)
{
    if (cinch_dtype_of(g, x) == dtype && scale == 1 && offset == 0) return x;
    cinch_attr attr = {.scalars = {{scale, offset}}};
    return cinch_append_as(g, CINCH_OP_cast, &attr, 1, &x, dtype, cinch_shape_of(g, x));
}
static void grad_cast(cinch_gradient *r)
{
    cinch_dtype from = cinch_dtype_of(r->g, r->in[0]);
    if (from == CINCH_F32 || from == CINCH_BF16)
        cinch_give(r, 0, cinch_cast(r->g, r->dy, from, r->node.attr.scalars.v[0], 0));
}
const cinch_rule cinch_rule_cast = {NULL, grad_cast, NULL};

/* --- shapes ------------------------------------------------------------------------------------------------------- */

cinch_value cinch_broadcast(cinch_graph *g, cinch_value x, cinch_shape shape)
{
    char from[64], to[64];
    cinch_shape had = cinch_shape_of(g, x), both;
    if (cinch_valid(x) && cinch_same_shape(had, shape)) return x;
    if (!cinch_broadcast_shapes(had, shape, &both) || !cinch_same_shape(both, shape))
        return cinch_graph_fail(g, "broadcast: %s does not broadcast to %s", cinch_shape_text(had, from),
                                cinch_shape_text(shape, to));
    return cinch_append_as(g, CINCH_OP_broadcast, NULL, 1, &x, cinch_dtype_of(g, x), shape);
}
static void grad_broadcast(cinch_gradient *r)
{
    cinch_give(r, 0, cinch_sum_to(r->g, r->dy, cinch_shape_of(r->g, r->in[0])));
}
const cinch_rule cinch_rule_broadcast = {NULL, grad_broadcast, NULL};

static bool transpose_shape(cinch_graph *g, cinch_node *node)
{
    cinch_shape in = g->nodes[g->operands[node->first_in]].shape;
    unsigned seen = 0;
    node->shape.rank = in.rank;
    for (int i = 0; i < in.rank; i++) {
        int axis = node->attr.transpose.order[i];
        if (axis < 0 || axis >= in.rank || seen >> axis & 1) {
            cinch_graph_fail(g, "transpose: the order must name each of the %d axes once", in.rank);
            return false;
        }
        seen |= 1u << axis;
        node->shape.dim[i] = in.dim[axis];
    }
    return true;
}
cinch_value cinch_transpose(cinch_graph *g, cinch_value x, const int *order)
{
    cinch_attr attr = {0};
    int rank = cinch_shape_of(g, x).rank;
    for (int i = 0; i < rank && i < CINCH_RANK_MAX; i++) attr.transpose.order[i] = (int8_t)order[i];
    return cinch_append(g, CINCH_OP_transpose, &attr, 1, &x);
}
static void grad_transpose(cinch_gradient *r)
{
    int inverse[CINCH_RANK_MAX];
    for (int i = 0; i < r->node.shape.rank; i++) inverse[r->node.attr.transpose.order[i]] = i;
    cinch_give(r, 0, cinch_transpose(r->g, r->dy, inverse));
}
const cinch_rule cinch_rule_transpose = {transpose_shape, grad_transpose, NULL};

/* --- slice and pad: each the other's gradient --------------------------------------------------------------------- */

cinch_value cinch_slice(cinch_graph *g, cinch_value x, int axis, int64_t start, int64_t stop, int64_t step)
{
    cinch_shape shape = cinch_shape_of(g, x);
    if (!axis_of(g, "slice", shape, &axis)) return (cinch_value){0};
    int64_t size = shape.dim[axis];
    if (start < 0) start += size;
    if (stop < 0) stop += size;
    if (start < 0 || stop > size || start > stop || step < 1)
        return cinch_graph_fail(g, "slice: %lld to %lld by %lld of an axis of %lld", (long long)start, (long long)stop,
                                (long long)step, (long long)size);
    cinch_attr attr = {0};
    for (int i = 0; i < shape.rank; i++) attr.slice.step[i] = 1;
    attr.slice.start[axis] = start;
    attr.slice.step[axis] = step;
    shape.dim[axis] = (stop - start + step - 1) / step;
    return cinch_append_as(g, CINCH_OP_slice, &attr, 1, &x, cinch_dtype_of(g, x), shape);
}

/* step - 1 zeros after each element along one axis. */
static cinch_value dilate(cinch_graph *g, cinch_value x, int axis, int64_t step)
{
    cinch_shape shape = cinch_shape_of(g, x);
    int64_t before = 1, after = 1, none[3] = {0}, gap[3] = {0, step - 1, 0};
    if (step == 1) return x;
    for (int i = 0; i <= axis; i++) before *= shape.dim[i];
    for (int i = axis + 1; i < shape.rank; i++) after *= shape.dim[i];
    x = cinch_pad(g, cinch_reshape(g, x, CINCH_SHAPE(before, 1, after)), none, gap, 0);
    shape.dim[axis] *= step;
    return cinch_reshape(g, x, shape);
}

static void grad_slice(cinch_gradient *r)
{
    cinch_shape in = cinch_shape_of(r->g, r->in[0]);
    cinch_value d = r->dy;
    int64_t before[CINCH_RANK_MAX], after[CINCH_RANK_MAX];
    for (int i = 0; i < in.rank; i++) {
        int64_t step = r->node.attr.slice.step[i], start = r->node.attr.slice.start[i];
        d = dilate(r->g, d, i, step);
        int64_t size = cinch_dim(r->g, d, i);
        if (start + size > in.dim[i]) d = cinch_slice(r->g, d, i, 0, size = in.dim[i] - start, 1);
        before[i] = start;
        after[i] = in.dim[i] - start - size;
    }
    cinch_give(r, 0, cinch_pad(r->g, d, before, after, 0));
}
const cinch_rule cinch_rule_slice = {NULL, grad_slice, NULL};

cinch_value cinch_pad(cinch_graph *g, cinch_value x, const int64_t *before, const int64_t *after, float value)
{
    cinch_attr attr = {.pad = {.value = value}};
    cinch_shape shape = cinch_shape_of(g, x);
    bool any = false;
    for (int i = 0; i < shape.rank; i++) {
        if (before[i] < 0 || after[i] < 0) return cinch_graph_fail(g, "pad: a negative width; use slice to crop");
        any |= before[i] || after[i];
        attr.pad.before[i] = before[i];
        shape.dim[i] += before[i] + after[i];
    }
    return any ? cinch_append_as(g, CINCH_OP_pad, &attr, 1, &x, cinch_dtype_of(g, x), shape) : x;
}

static cinch_value piece(cinch_gradient *r, int axis, int64_t start, int64_t size)
{
    return cinch_slice(r->g, r->dy, axis, start, start + size, 1);
}

static void grad_pad(cinch_gradient *r)
{
    cinch_shape in = cinch_shape_of(r->g, r->in[0]);
    cinch_value d = r->dy;
    for (int i = 0; i < in.rank; i++) {
        int64_t before = r->node.attr.pad.before[i];
        if (cinch_dim(r->g, d, i) != in.dim[i]) d = cinch_slice(r->g, d, i, before, before + in.dim[i], 1);
    }
    cinch_give(r, 0, d);
}
const cinch_rule cinch_rule_pad = {NULL, grad_pad, NULL};

static bool concat_shape(cinch_graph *g, cinch_node *node)
{
    int axis = node->attr.axis.first;
    cinch_shape shape = g->nodes[g->operands[node->first_in]].shape;
    if (!axis_of(g, "concat", shape, &axis)) return false;
    node->shape = shape;
    for (int k = 1; k < node->n_in; k++) {
        const cinch_node *in = &g->nodes[g->operands[node->first_in + k]];
        cinch_shape other = in->shape;
        node->shape.dim[axis] += other.rank > axis ? other.dim[axis] : 0;
        if (other.rank > axis) other.dim[axis] = shape.dim[axis];
        if (cinch_same_shape(other, shape) && in->dtype == node->dtype) continue;
        cinch_graph_fail(g, "concat: operand %d differs in type or off the axis", k);
        return false;
    }
    return true;
}
cinch_value cinch_concat(cinch_graph *g, const cinch_value *x, int n, int axis)
{
    if (n < 1) return cinch_graph_fail(g, "concat: nothing to join");
    if (axis < 0) axis += cinch_shape_of(g, x[0]).rank;
    cinch_attr attr = {.axis = {.first = (int8_t)axis, .last = (int8_t)axis}};
    return n == 1 ? x[0] : cinch_append(g, CINCH_OP_concat, &attr, n, x);
}
static void grad_concat(cinch_gradient *r)
{
    int axis = r->node.attr.axis.first;
    int64_t start = 0;
    for (int k = 0; k < r->node.n_in; k++) {
        int64_t size = cinch_dim(r->g, r->in[k], axis);
        if (cinch_wanted(r, k)) cinch_give(r, k, piece(r, axis, start, size));
        start += size;
    }
}
const cinch_rule cinch_rule_concat = {concat_shape, grad_concat, NULL};

/* --- rows --------------------------------------------------------------------------------------------------------- */

static bool rows_type(cinch_graph *g, const char *op, cinch_dtype dtype)
{
    if (dtype == CINCH_I32) return true;
    cinch_graph_fail(g, "%s: the rows must be i32", op);
    return false;
}

/* rows' shape, then x's axes but the first. */
static bool gather_shape(cinch_graph *g, cinch_node *node)
{
    const cinch_node *x = &g->nodes[g->operands[node->first_in]], *rows = &g->nodes[g->operands[node->first_in + 1]];
    if (!rows_type(g, "gather", rows->dtype)) return false;
    if (x->shape.rank < 1 || rows->shape.rank + x->shape.rank - 1 > CINCH_RANK_MAX) {
        cinch_graph_fail(g, "gather: ranks %d and %d do not fit", x->shape.rank, rows->shape.rank);
        return false;
    }
    node->shape = rows->shape;
    for (int i = 1; i < x->shape.rank; i++) node->shape.dim[node->shape.rank++] = x->shape.dim[i];
    return true;
}
cinch_value cinch_gather(cinch_graph *g, cinch_value x, cinch_value rows)
{
    return cinch_append(g, CINCH_OP_gather, NULL, 2, (cinch_value[]){x, rows});
}
static void grad_gather(cinch_gradient *r)
{
    cinch_give(r, 0, cinch_scatter_add(r->g, r->dy, r->in[1], cinch_dim(r->g, r->in[0], 0)));
}
const cinch_rule cinch_rule_gather = {gather_shape, grad_gather, NULL};

cinch_value cinch_scatter_add(cinch_graph *g, cinch_value x, cinch_value rows, int64_t n)
{
    cinch_shape from = cinch_shape_of(g, x), at = cinch_shape_of(g, rows), shape = {.rank = 1, .dim = {n}};
    if (!rows_type(g, "scatter_add", cinch_dtype_of(g, rows))) return (cinch_value){0};
    if (from.rank < at.rank || memcmp(from.dim, at.dim, (size_t)at.rank * sizeof at.dim[0]) || n < 0)
        return cinch_graph_fail(g, "scatter_add: the rows' shape must be the first axes of the values' shape");
    for (int i = at.rank; i < from.rank; i++) shape.dim[shape.rank++] = from.dim[i];
    return cinch_append_as(g, CINCH_OP_scatter_add, NULL, 2, (cinch_value[]){x, rows}, cinch_dtype_of(g, x), shape);
}
static void grad_scatter_add(cinch_gradient *r) { cinch_give(r, 0, cinch_gather(r->g, r->dy, r->in[1])); }
const cinch_rule cinch_rule_scatter_add = {NULL, grad_scatter_add, NULL};

static bool one_hot_shape(cinch_graph *g, cinch_node *node)
{
    node->shape = g->nodes[g->operands[node->first_in]].shape;
    node->dtype = CINCH_F32;
    if (node->shape.rank < CINCH_RANK_MAX && node->attr.axis.depth > 0) {
        node->shape.dim[node->shape.rank++] = node->attr.axis.depth;
        return true;
    }
    cinch_graph_fail(g, "one_hot: depth %d of a tensor of rank %d", node->attr.axis.depth, node->shape.rank);
    return false;
}
cinch_value cinch_one_hot(cinch_graph *g, cinch_value index, int64_t depth)
{
    if (depth > INT32_MAX) return cinch_graph_fail(g, "one_hot: depth %lld", (long long)depth);
    return cinch_append(g, CINCH_OP_one_hot, &(cinch_attr){.axis = {.depth = (int32_t)depth}}, 1, &index);
}
const cinch_rule cinch_rule_one_hot = {one_hot_shape, NULL, NULL};

/* --- pack: the slab layout, see params.h -------------------------------------------------------------------------- */

static bool pack_shape(cinch_graph *g, cinch_node *node)
{
    int64_t total = 0;
    for (int k = 0; k < node->n_in; k++) {
        const cinch_node *in = &g->nodes[g->operands[node->first_in + k]];
        if (in->dtype != CINCH_F32) {
            cinch_graph_fail(g, "pack: operand %d is not f32", k);
            return false;
        }
        total += cinch_slab_padded(cinch_shape_count(in->shape));
    }
    node->shape = CINCH_SHAPE(total);
    return true;
}
const cinch_rule cinch_rule_pack = {pack_shape, NULL, NULL};
