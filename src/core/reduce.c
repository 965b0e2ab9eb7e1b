/* SPDX-License-Identifier: Apache-2.0 */
/* Reductions over axes, running sums, softmax. */
#include "core/grad.h"

/* The op's axes, first..last, disappear. */
static bool reduce_shape(cinch_graph *g, cinch_node *node)
{
    cinch_shape in = g->nodes[g->operands[node->first_in]].shape;
    int first = node->attr.axis.first, last = node->attr.axis.last;
    if (first < 0 || last < first || last >= in.rank) {
        cinch_graph_fail(g, "%s: no axes %d to %d in a tensor of rank %d", cinch_ops[node->op].name, first, last,
                         in.rank);
        return false;
    }
    node->shape.rank = in.rank - (last - first + 1);
    for (int i = 0; i < node->shape.rank; i++) node->shape.dim[i] = in.dim[i < first ? i : i + last - first + 1];
    return true;
}

static bool argmax_shape(cinch_graph *g, cinch_node *node)
{
    bool fits = reduce_shape(g, node);
    node->dtype = CINCH_I32;
    return fits;
}

static bool same_shape(cinch_graph *g, cinch_node *node)
{
    node->shape = g->nodes[g->operands[node->first_in]].shape;
    if (node->n_in < 2 || cinch_same_shape(node->shape, g->nodes[g->operands[node->first_in + 1]].shape)) return true;
    cinch_graph_fail(g, "%s: operands of different shapes", cinch_ops[node->op].name);
    return false;
}

static cinch_value over(cinch_graph *g, cinch_op op, cinch_value x, int first, int last)
{
    return cinch_append(g, op, &(cinch_attr){.axis = {.first = (int8_t)first, .last = (int8_t)last}}, 1, &x);
}

/* The mask as plain bits of axes of a tensor of this rank. */
static unsigned axis_bits(unsigned axes, int rank)
{
    unsigned all = (1u << rank) - 1, last = axes >> 16, bits = axes & all;
    for (int i = 0; i < rank; i++)
        if (last >> i & 1) bits |= 1u << (rank - 1 - i);
    return bits;
}

/* One op for each run of neighbouring axes, from the last run to the first. */
static cinch_value reduce(cinch_graph *g, cinch_op op, cinch_value x, unsigned axes, bool keep)
{
    cinch_shape shape = cinch_shape_of(g, x), kept = shape;
    unsigned bits = axis_bits(axes, shape.rank);
    for (int last = shape.rank - 1; last >= 0; last--) {
        if (!(bits >> last & 1)) continue;
        int first = last;
        while (first > 0 && bits >> (first - 1) & 1) first--;
        for (int i = first; i <= last; i++) kept.dim[i] = 1;
        x = over(g, op, x, first, last);
        last = first;
    }
    return keep ? cinch_reshape(g, x, kept) : x;
}

/* `v`, which has the reduced shape, with the reduced axes back as size 1. */
static cinch_value keep_axes(cinch_gradient *r, cinch_value v)
{
    cinch_shape shape = cinch_shape_of(r->g, r->in[0]);
    for (int i = r->node.attr.axis.first; i <= r->node.attr.axis.last; i++) shape.dim[i] = 1;
    return cinch_reshape(r->g, v, shape);
}

cinch_value cinch_sum(cinch_graph *g, cinch_value x, unsigned axes, bool keep)
{
    return reduce(g, CINCH_OP_sum, x, axes, keep);
}
static void grad_sum(cinch_gradient *r) { cinch_give(r, 0, keep_axes(r, r->dy)); }
const cinch_rule cinch_rule_sum = {reduce_shape, grad_sum, NULL};

cinch_value cinch_mean(cinch_graph *g, cinch_value x, unsigned axes, bool keep)
{
    cinch_value sum = cinch_sum(g, x, axes, keep);
    int64_t all = cinch_shape_count(cinch_shape_of(g, x)), left = cinch_shape_count(cinch_shape_of(g, sum));
    return left && all > left ? cinch_affine(g, sum, (float)((double)left / (double)all), 0) : sum;
}

/* Ties share: dx = dy [x = y] / number of ties. */
static void grad_extreme(cinch_gradient *r)
{
    cinch_graph *g = r->g;
    cinch_value ties = cinch_equal(g, r->in[0], keep_axes(r, r->y));
    cinch_value count = keep_axes(r, over(g, CINCH_OP_sum, ties, r->node.attr.axis.first, r->node.attr.axis.last));
    cinch_give(r, 0, cinch_mul(g, cinch_div(g, keep_axes(r, r->dy), count), ties));
}

cinch_value cinch_max(cinch_graph *g, cinch_value x, unsigned axes, bool keep)
{
    return reduce(g, CINCH_OP_max, x, axes, keep);
}

cinch_value cinch_min(cinch_graph *g, cinch_value x, unsigned axes, bool keep)
{
    return reduce(g, CINCH_OP_min, x, axes, keep);
}
const cinch_rule cinch_rule_max = {reduce_shape, grad_extreme, NULL};
const cinch_rule cinch_rule_min = {reduce_shape, grad_extreme, NULL};

cinch_value cinch_argmax(cinch_graph *g, cinch_value x, int axis, bool keep)
{
    int rank = cinch_shape_of(g, x).rank;
    if (axis < 0) axis += rank;
    cinch_shape kept = cinch_shape_of(g, x);
    cinch_value y = over(g, CINCH_OP_argmax, x, axis, axis);
    if (!keep || !cinch_valid(y)) return y;
    kept.dim[axis] = 1;
    return cinch_reshape(g, y, kept);
}
const cinch_rule cinch_rule_argmax = {argmax_shape, NULL, NULL};

cinch_value cinch_logsumexp(cinch_graph *g, cinch_value x, unsigned axes, bool keep)
{
    return reduce(g, CINCH_OP_logsumexp, x, axes, keep);
}
/* dx = dy exp(x - y) */
static void grad_logsumexp(cinch_gradient *r)
{
    cinch_value share = cinch_exp(r->g, cinch_sub(r->g, r->in[0], keep_axes(r, r->y)));
    cinch_give(r, 0, cinch_mul(r->g, keep_axes(r, r->dy), share));
}
const cinch_rule cinch_rule_logsumexp = {reduce_shape, grad_logsumexp, NULL};

/* --- running sum -------------------------------------------------------------------------------------------------- */

static bool axis_shape(cinch_graph *g, cinch_node *node)
{
    same_shape(g, node);
    if (node->attr.axis.first >= 0 && node->attr.axis.first < node->shape.rank) return true;
    cinch_graph_fail(g, "%s: no axis %d in a tensor of rank %d", cinch_ops[node->op].name, node->attr.axis.first,
                     node->shape.rank);
    return false;
}

cinch_value cinch_cumsum(cinch_graph *g, cinch_value x, int axis, bool reverse)
{
    if (axis < 0) axis += cinch_shape_of(g, x).rank;
    cinch_attr attr = {.axis = {.first = (int8_t)axis, .last = (int8_t)axis, .reverse = reverse}};
    return cinch_append(g, CINCH_OP_cumsum, &attr, 1, &x);
}
static void grad_cumsum(cinch_gradient *r)
{
    cinch_attr attr = r->node.attr;
    attr.axis.reverse = !attr.axis.reverse;
    cinch_give(r, 0, cinch_append(r->g, CINCH_OP_cumsum, &attr, 1, &r->dy));
}
const cinch_rule cinch_rule_cumsum = {axis_shape, grad_cumsum, NULL};

/* --- softmax over the last axis ----------------------------------------------------------------------------------- */

static bool row_shape(cinch_graph *g, cinch_node *node)
{
    if (!same_shape(g, node)) return false;
    if (node->shape.rank > 0) return true;
    cinch_graph_fail(g, "%s: a scalar has no last axis", cinch_ops[node->op].name);
    return false;
}

static cinch_value with_y(cinch_gradient *r, cinch_op op)
{
    return cinch_append(r->g, op, NULL, 2, (cinch_value[]){r->dy, r->y});
}

cinch_value cinch_softmax(cinch_graph *g, cinch_value x) { return cinch_append(g, CINCH_OP_softmax, NULL, 1, &x); }
static void grad_softmax(cinch_gradient *r) { cinch_give(r, 0, with_y(r, CINCH_OP_softmax_grad)); }
const cinch_rule cinch_rule_softmax = {row_shape, grad_softmax, NULL};

/* y (dy - sum(dy y)) */
static cinch_value expand_softmax_grad(cinch_graph *g, const cinch_node *n)
{
    cinch_value dy = cinch_operand(g, n, 0), y = cinch_operand(g, n, 1);
    cinch_value mean = cinch_sum(g, cinch_mul(g, dy, y), CINCH_LAST(1), true);
    return cinch_mul(g, y, cinch_sub(g, dy, mean));
}
const cinch_rule cinch_rule_softmax_grad = {row_shape, NULL, expand_softmax_grad};

cinch_value cinch_log_softmax(cinch_graph *g, cinch_value x)
{
    return cinch_append(g, CINCH_OP_log_softmax, NULL, 1, &x);
}
static void grad_log_softmax(cinch_gradient *r) { cinch_give(r, 0, with_y(r, CINCH_OP_log_softmax_grad)); }
const cinch_rule cinch_rule_log_softmax = {row_shape, grad_log_softmax, NULL};

/* dy - exp(y) sum(dy) */
static cinch_value expand_log_softmax_grad(cinch_graph *g, const cinch_node *n)
{
    cinch_value dy = cinch_operand(g, n, 0), y = cinch_operand(g, n, 1);
    return cinch_sub(g, dy, cinch_mul(g, cinch_exp(g, y), cinch_sum(g, dy, CINCH_LAST(1), true)));
}
const cinch_rule cinch_rule_log_softmax_grad = {row_shape, NULL, expand_log_softmax_grad};
