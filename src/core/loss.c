/* SPDX-License-Identifier: Apache-2.0 */
/* Losses: an elementwise term and a reduction. Fusion makes one pass of them. */
#include "core/grad.h"

static cinch_value call(cinch_graph *g, cinch_op op, int n, const cinch_value *in, float p)
{
    return cinch_append(g, op, &(cinch_attr){.scalars = {{p, 0}}}, n, in);
}

static cinch_value reduce(cinch_graph *g, cinch_value each, cinch_reduction r)
{
    switch (r) {
    case CINCH_NONE: return each;
    case CINCH_SUM: return cinch_sum(g, each, CINCH_ALL_AXES, false);
    case CINCH_MEAN: return cinch_mean(g, each, CINCH_ALL_AXES, false);
    case CINCH_BATCHMEAN: break;
    }
    int64_t n = cinch_dim(g, each, 0);
    return cinch_affine(g, cinch_sum(g, each, CINCH_ALL_AXES, false), 1 / (float)(n ? n : 1), 0);
}

static bool same_shapes(cinch_graph *g, const char *name, cinch_value a, cinch_value b)
{
    char ta[64], tb[64];
    if (cinch_same_shape(cinch_shape_of(g, a), cinch_shape_of(g, b))) return true;
    cinch_graph_fail(g, "%s: prediction is %s but the target is %s", name, cinch_shape_text(cinch_shape_of(g, a), ta),
                     cinch_shape_text(cinch_shape_of(g, b), tb));
    return false;
}

cinch_value cinch_loss_mse(cinch_graph *g, cinch_value p, cinch_value t, cinch_reduction r)
{
    if (!same_shapes(g, "mse", p, t)) return (cinch_value){0};
    return reduce(g, cinch_square(g, cinch_sub(g, p, t)), r);
}

cinch_value cinch_loss_l1(cinch_graph *g, cinch_value p, cinch_value t, cinch_reduction r)
{
    if (!same_shapes(g, "l1", p, t)) return (cinch_value){0};
    return reduce(g, cinch_abs(g, cinch_sub(g, p, t)), r);
}

/* --- huber -------------------------------------------------------------------------------------------------------- */

cinch_value cinch_loss_huber(cinch_graph *g, cinch_value p, cinch_value t, float delta, cinch_reduction r)
{
    if (!same_shapes(g, "huber", p, t)) return (cinch_value){0};
    if (!(delta > 0)) return cinch_graph_fail(g, "huber: delta is %g; it must be positive", delta);
    return reduce(g, call(g, CINCH_OP_huber, 2, (cinch_value[]){p, t}, delta), r);
}
static void grad_huber(cinch_gradient *r)
{
    cinch_value d = call(r->g, CINCH_OP_huber_grad, 3, (cinch_value[]){r->dy, r->in[0], r->in[1]},
                         r->node.attr.scalars.v[0]);
    cinch_give(r, 0, d);
    if (cinch_wanted(r, 1)) cinch_give(r, 1, cinch_neg(r->g, d));
}
const cinch_rule cinch_rule_huber = {cinch_elementwise_shape, grad_huber, NULL};

/* dy clamp(p - t, -delta, delta) */
static cinch_value expand_huber_grad(cinch_graph *g, const cinch_node *n)
{
    float delta = n->attr.scalars.v[0];
    cinch_value difference = cinch_sub(g, cinch_operand(g, n, 1), cinch_operand(g, n, 2));
    return cinch_mul(g, cinch_operand(g, n, 0), cinch_clamp(g, difference, -delta, delta));
}
const cinch_rule cinch_rule_huber_grad = {cinch_elementwise_shape, NULL, expand_huber_grad};

/* --- binary cross-entropy ----------------------------------------------------------------------------------------- */

cinch_value cinch_loss_bce(cinch_graph *g, cinch_value p, cinch_value t, cinch_reduction r)
{
    if (!same_shapes(g, "bce", p, t)) return (cinch_value){0};
    return reduce(g, call(g, CINCH_OP_bce, 2, (cinch_value[]){p, t}, 0), r);
}

static cinch_value floored_log(cinch_graph *g, cinch_value x)
{
    return cinch_maximum(g, cinch_log(g, x), cinch_fill(g, cinch_dtype_of(g, x), (cinch_shape){0}, -100));
}

/* dp = dy (p - t) / (p (1 - p)),  dt = dy (log(1 - p) - log p) */
static void grad_bce(cinch_gradient *r)
{
    cinch_graph *g = r->g;
    cinch_value p = r->in[0];
    cinch_give(r, 0, call(g, CINCH_OP_bce_grad, 3, (cinch_value[]){r->dy, p, r->in[1]}, 0));
    if (!cinch_wanted(r, 1)) return;
    cinch_value slope = cinch_sub(g, floored_log(g, cinch_affine(g, p, -1, 1)), floored_log(g, p));
    cinch_give(r, 1, cinch_mul(g, r->dy, slope));
}
const cinch_rule cinch_rule_bce = {cinch_elementwise_shape, grad_bce, NULL};

/* As PyTorch, the denominator is at least 1e-12. */
static cinch_value expand_bce_grad(cinch_graph *g, const cinch_node *n)
{
    cinch_value p = cinch_operand(g, n, 1), t = cinch_operand(g, n, 2);
    cinch_value spread = cinch_mul(g, p, cinch_affine(g, p, -1, 1));
    spread = cinch_maximum(g, spread, cinch_fill(g, cinch_dtype_of(g, p), (cinch_shape){0}, 1e-12f));
    return cinch_mul(g, cinch_operand(g, n, 0), cinch_div(g, cinch_sub(g, p, t), spread));
}
const cinch_rule cinch_rule_bce_grad = {cinch_elementwise_shape, NULL, expand_bce_grad};

cinch_value cinch_loss_bce_logits(cinch_graph *g, cinch_value x, cinch_value t, cinch_reduction r)
{
    if (!same_shapes(g, "bce_logits", x, t)) return (cinch_value){0};
    return reduce(g, call(g, CINCH_OP_bce_logits, 2, (cinch_value[]){x, t}, 0), r);
}
/* dx = dy (sigmoid x - t),  dt = -dy x */
static void grad_bce_logits(cinch_gradient *r)
{
    cinch_graph *g = r->g;
    if (cinch_wanted(r, 0)) cinch_give(r, 0, cinch_mul(g, r->dy, cinch_sub(g, cinch_sigmoid(g, r->in[0]), r->in[1])));
    if (cinch_wanted(r, 1)) cinch_give(r, 1, cinch_neg(g, cinch_mul(g, r->dy, r->in[0])));
}
const cinch_rule cinch_rule_bce_logits = {cinch_elementwise_shape, grad_bce_logits, NULL};

/* --- compositions ------------------------------------------------------------------------------------------------- */

cinch_value cinch_loss_cross_entropy(cinch_graph *g, cinch_value logits, cinch_value label, cinch_reduction r)
{
    cinch_value chosen = cinch_one_hot(g, label, cinch_dim(g, logits, -1));
    if (!cinch_valid(chosen) || !same_shapes(g, "cross_entropy", logits, chosen)) return (cinch_value){0};
    cinch_value log_p = cinch_mul(g, chosen, cinch_log_softmax(g, logits));
    return reduce(g, cinch_neg(g, cinch_sum(g, log_p, CINCH_LAST(1), false)), r);
}

cinch_value cinch_loss_gaussian_kl(cinch_graph *g, cinch_value mu, cinch_value logvar, cinch_reduction r)
{
    if (!same_shapes(g, "gaussian_kl", mu, logvar)) return (cinch_value){0};
    cinch_value spread = cinch_add(g, cinch_square(g, mu), cinch_exp(g, logvar));
    return reduce(g, cinch_affine(g, cinch_sub(g, spread, cinch_affine(g, logvar, 1, 1)), 0.5f, 0), r);
}

cinch_value cinch_loss_relative_l2(cinch_graph *g, cinch_value p, cinch_value t, cinch_reduction r)
{
    if (!same_shapes(g, "relative_l2", p, t)) return (cinch_value){0};
    unsigned axes = CINCH_ALL_AXES & ~CINCH_AXIS(0);
    cinch_value error = cinch_sum(g, cinch_square(g, cinch_sub(g, p, t)), axes, false);
    return reduce(g, cinch_sqrt(g, cinch_div(g, error, cinch_sum(g, cinch_square(g, t), axes, false))), r);
}
