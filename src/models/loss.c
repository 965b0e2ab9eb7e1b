/* SPDX-License-Identifier: Apache-2.0 */
/* The loss of a batch: reconstruction by name, penalties on weights. */
#include <stdlib.h>
#include <string.h>

#include "models/family.h"

static bool is(const char *name, const char *other) { return !strcmp(name, other); }

/* Whether the loss can read this model's output; says what to change otherwise. */
static bool suits(cinch_graph *g, const char *name, cinch_activation output)
{
    bool fits = is(name, "bce") ? output == ACTIVATION_SIGMOID : !is(name, "bce_logits") || output != ACTIVATION_TANH;
    if (!fits)
        cinch_graph_fail(g, "loss.name %s: wants model.output_activation sigmoid%s and data in [0,1]", name,
                         is(name, "bce") ? "" : " or linear");
    return fits;
}

static cinch_value reconstruction_loss(cinch_graph *g, const char *name, const cinch_loss_config *loss, cinch_value y,
                                       cinch_value target)
{
    cinch_reduction r = loss->reduction;
    if (is(name, "mse")) return cinch_loss_mse(g, y, target, r);
    if (is(name, "l1")) return cinch_loss_l1(g, y, target, r);
    if (is(name, "huber")) return cinch_loss_huber(g, y, target, loss->delta > 0 ? (float)loss->delta : 1, r);
    if (is(name, "bce")) return cinch_loss_bce(g, y, target, r);
    if (is(name, "bce_logits")) return cinch_loss_bce_logits(g, y, target, r);
    if (is(name, "relative_l2")) return cinch_loss_relative_l2(g, y, target, r);
    return cinch_graph_fail(g, "loss.name %s: unknown (mse l1 huber bce bce_logits relative_l2)", name);
}

/* total + scale * sum of x */
static cinch_value add_sum(cinch_graph *g, cinch_value total, cinch_value x, double scale)
{
    return cinch_add(g, total, cinch_affine(g, cinch_sum(g, x, CINCH_ALL_AXES, false), (float)scale, 0));
}

static cinch_value add_penalties(cinch_builder *b, cinch_value total, const cinch_loss_config *loss)
{
    for (int i = 0; i < b->n_weights; i++) {
        if (loss->l1 > 0) total = add_sum(b->graph, total, cinch_abs(b->graph, b->weights[i]), loss->l1);
        if (loss->l2 > 0) total = add_sum(b->graph, total, cinch_square(b->graph, b->weights[i]), loss->l2);
    }
    return total;
}

/* Gives the reconstruction's loss. */
static cinch_value build(const cinch_model *m, cinch_builder *b, cinch_value x, cinch_value target,
                         const cinch_loss_config *loss, cinch_value *reconstruction)
{
    cinch_graph *g = b->graph;
    const char *name = loss->name && !is(loss->name, "auto") ? loss->name : m->family->default_loss;
    cinch_activation output = cinch_model_output(m);
    if (loss->reduction == CINCH_NONE)
        return cinch_graph_fail(g, "loss.reduction none: training wants one number; take mean, batchmean or sum");
    if (!suits(g, name, output)) return (cinch_value){0};
    bool logits = is(name, "bce_logits");
    cinch_value y = cinch_model_build_decoder(m, b, cinch_model_build_encoder(m, b, x), logits);
    *reconstruction = logits && output == ACTIVATION_SIGMOID ? cinch_sigmoid(g, y) : y;
    return reconstruction_loss(g, name, loss, y, target);
}

cinch_value cinch_model_loss(const cinch_model *model, cinch_graph *graph, cinch_params *params, cinch_value x,
                             cinch_value target, const cinch_loss_config *loss, cinch_mode mode,
                             cinch_value *reconstruction)
{
    cinch_value y = {0};
    cinch_builder b = cinch_model_builder(model, graph, params, mode);
    b.keep_weights = loss->l1 > 0 || loss->l2 > 0;
    cinch_value recon = build(model, &b, x, target, loss, &y), total = add_penalties(&b, recon, loss);
    cinch_metric(graph, "loss", total);
    cinch_metric(graph, "loss_recon", recon);
    if (reconstruction) *reconstruction = y;
    free(b.weights);
    return total;
}
