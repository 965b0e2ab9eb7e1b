/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers and dropout. A stream is fixed when its op is written; passes and recompute keep it. */
#include "core/grad.h"

static cinch_value draw(cinch_graph *g, cinch_op op, cinch_dtype dtype, cinch_shape shape, cinch_attr attr)
{
    cinch_value position = cinch_position_of(g);
    if (!cinch_valid(position)) return position;
    attr.random.stream = cinch_next_stream(g);
    return cinch_append_as(g, op, &attr, 1, &position, dtype, shape);
}

cinch_value cinch_uniform(cinch_graph *g, cinch_shape shape, float low, float high)
{
    return draw(g, CINCH_OP_uniform, CINCH_F32, shape, (cinch_attr){.random = {.a = low, .b = high}});
}

cinch_value cinch_normal(cinch_graph *g, cinch_shape shape, float mean, float deviation)
{
    return draw(g, CINCH_OP_normal, CINCH_F32, shape, (cinch_attr){.random = {.a = mean, .b = deviation}});
}

cinch_value cinch_bernoulli(cinch_graph *g, cinch_shape shape, float p)
{
    return draw(g, CINCH_OP_bernoulli, CINCH_F32, shape, (cinch_attr){.random = {.a = p}});
}

cinch_value cinch_integers(cinch_graph *g, cinch_shape shape, int64_t low, int64_t high)
{
    if (low >= high || low < INT32_MIN || high > (int64_t)INT32_MAX + 1 || high - low > UINT32_MAX)
        return cinch_graph_fail(g, "integers: [%lld, %lld) is not a range of i32", (long long)low, (long long)high);
    return draw(g, CINCH_OP_integers, CINCH_I32, shape, (cinch_attr){.random = {.low = low, .high = high}});
}

cinch_value cinch_permutation(cinch_graph *g, int64_t rows, int64_t n)
{
    return draw(g, CINCH_OP_permutation, CINCH_I32, CINCH_SHAPE(rows, n), (cinch_attr){0});
}

const cinch_rule cinch_rule_uniform = {0}, cinch_rule_normal = {0}, cinch_rule_bernoulli = {0};
const cinch_rule cinch_rule_integers = {0}, cinch_rule_permutation = {0};

/* --- dropout: Srivastava et al., JMLR 15 (2014), inverted --------------------------------------------------------- */

static bool like_first(cinch_graph *g, cinch_node *node)
{
    node->shape = g->nodes[g->operands[node->first_in]].shape;
    return true;
}

cinch_value cinch_dropout(cinch_graph *g, cinch_value x, float p)
{
    if (!(p >= 0 && p < 1)) return cinch_graph_fail(g, "dropout: p is %g; it must be in [0, 1)", p);
    cinch_value position = cinch_position_of(g);
    if (p == 0 || !cinch_valid(position)) return x;
    cinch_attr attr = {.random = {.stream = cinch_next_stream(g), .a = p}};
    return cinch_append(g, CINCH_OP_dropout, &attr, 2, (cinch_value[]){x, position});
}

static cinch_value masked(cinch_gradient *r, int32_t saved_from)
{
    cinch_value d = cinch_append(r->g, CINCH_OP_dropout_grad, &r->node.attr, 1, &r->dy);
    if (cinch_valid(d)) r->g->nodes[d.id].saved_from = saved_from;
    return d;
}

static void grad_dropout(cinch_gradient *r) { cinch_give(r, 0, masked(r, r->y.id)); }
static void grad_dropout_grad(cinch_gradient *r) { cinch_give(r, 0, masked(r, r->node.saved_from)); }
const cinch_rule cinch_rule_dropout = {like_first, grad_dropout, NULL};
const cinch_rule cinch_rule_dropout_grad = {like_first, grad_dropout_grad, NULL};
