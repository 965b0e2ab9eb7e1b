/* SPDX-License-Identifier: Apache-2.0 */
/* The loss of a batch: reconstruction by name, what variational and sparse codes add, penalties on weights. */
#include <math.h>
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

/* What an error calls all that is written below: no parameter and no random number may be, for their names and streams
   come from the scope. */
static const char scope[] = "the loss";

/* -log N(target; y, sigma^2) with one sigma that is learned. Rybkin, Daniilidis & Levine, ICML 2021. */
static cinch_value gaussian_loss(cinch_builder *b, cinch_reduction r, cinch_value y, cinch_value target)
{
    cinch_graph *g = b->graph;
    cinch_param_options options = {.init.kind = CINCH_INIT_ZEROS, .no_decay = true};
    cinch_value log_sigma = cinch_param(g, b->params, "log_sigma", (cinch_shape){0}, &options);
    double numbers = (double)cinch_shape_count(cinch_shape_of(g, target)), n = (double)cinch_dim(g, target, 0);
    float terms = (float)(r == CINCH_MEAN ? 1 : r == CINCH_SUM ? numbers : numbers / n);
    cinch_scope_push(g, scope);
    cinch_value precision = cinch_exp(g, cinch_affine(g, log_sigma, -2, 0));
    cinch_value square = cinch_mul(g, cinch_affine(g, cinch_loss_mse(g, y, target, r), 0.5f, 0), precision);
    square = cinch_add(g, square, cinch_affine(g, log_sigma, terms, terms * 0.918938533f)); /* log(2 pi) / 2 */
    cinch_scope_pop(g);
    return square;
}

static cinch_value named_loss(cinch_graph *g, const char *name, const cinch_loss_config *loss, cinch_reduction r,
                              cinch_value y, cinch_value target)
{
    if (is(name, "mse")) return cinch_loss_mse(g, y, target, r);
    if (is(name, "l1")) return cinch_loss_l1(g, y, target, r);
    if (is(name, "huber")) return cinch_loss_huber(g, y, target, loss->delta > 0 ? (float)loss->delta : 1, r);
    if (is(name, "bce")) return cinch_loss_bce(g, y, target, r);
    if (is(name, "bce_logits")) return cinch_loss_bce_logits(g, y, target, r);
    return is(name, "relative_l2") ? cinch_loss_relative_l2(g, y, target, r) : (cinch_value){0};
}

static cinch_value reconstruction_loss(cinch_graph *g, const char *name, const cinch_loss_config *loss,
                                       cinch_reduction r, cinch_value y, cinch_value target)
{
    cinch_scope_push(g, scope);
    cinch_value total = named_loss(g, name, loss, r, y, target);
    cinch_scope_pop(g);
    if (cinch_valid(total)) return total; /* the graph keeps its first error */
    return cinch_graph_fail(g, "loss.name %s: unknown (mse l1 huber bce bce_logits relative_l2 gaussian)", name);
}

/* total + scale * sum of x */
static cinch_value add_sum(cinch_graph *g, cinch_value total, cinch_value x, double scale)
{
    return cinch_add(g, total, cinch_affine(g, cinch_sum(g, x, CINCH_ALL_AXES, false), (float)scale, 0));
}

static cinch_value add_penalties(cinch_builder *b, cinch_value total, const cinch_loss_config *loss)
{
    cinch_scope_push(b->graph, scope);
    for (int i = 0; i < b->n_weights; i++) {
        if (loss->l1 > 0) total = add_sum(b->graph, total, cinch_abs(b->graph, b->weights[i]), loss->l1);
        if (loss->l2 > 0) total = add_sum(b->graph, total, cinch_square(b->graph, b->weights[i]), loss->l2);
    }
    cinch_scope_pop(b->graph);
    return total;
}

typedef struct parts {
    const char *name;
    cinch_reduction reduction;
    cinch_value output, target, recon, total; /* recon, total: losses */
    cinch_term kl, sparsity;                  /* not there: values that are not valid */
} parts;

static bool choose(const cinch_model *m, cinch_graph *g, const cinch_loss_config *loss, parts *p)
{
    p->name = loss->name && !is(loss->name, "auto") ? loss->name : cinch_model_default_loss(m);
    p->reduction = !loss->reduction_auto ? loss->reduction : m->family->variational ? CINCH_BATCHMEAN : CINCH_MEAN;
    if (p->reduction != CINCH_NONE) return suits(g, p->name, cinch_model_output(m));
    cinch_graph_fail(g, "loss.reduction none: training wants one number; take mean, batchmean or sum");
    return false;
}

/* As vectors, where a flat model's output and the target agree in shape: nothing then parts the loss from the layer. */
static void flatten_both(cinch_graph *g, cinch_value *y, cinch_value *target)
{
    cinch_shape shape = cinch_shape_of(g, *y), wanted = cinch_shape_of(g, *target);
    bool same = shape.rank == wanted.rank && !memcmp(shape.dim, wanted.dim, (size_t)shape.rank * sizeof *shape.dim);
    if (!same || shape.rank < 2 || cinch_shape_count(shape) == 0) return;
    *y = cinch_reshape(g, *y, CINCH_SHAPE(shape.dim[0], -1));
    *target = cinch_reshape(g, *target, CINCH_SHAPE(shape.dim[0], -1));
}

static void build_reconstruction(const cinch_model *m, cinch_builder *b, cinch_value z, cinch_value label,
                                 const cinch_loss_config *loss, parts *p)
{
    cinch_graph *g = b->graph;
    bool logits = is(p->name, "bce_logits");
    cinch_value y = cinch_model_build_decoder(m, b, z, label, logits);
    cinch_value target = p->target;
    p->output = logits && cinch_model_output(m) == ACTIVATION_SIGMOID ? cinch_sigmoid(g, y) : y;
    if (m->family->flat) flatten_both(g, &y, &target);
    p->recon = is(p->name, "gaussian") ? gaussian_loss(b, p->reduction, y, target)
                                       : reconstruction_loss(g, p->name, loss, p->reduction, y, target);
}

static void add_terms(const cinch_model *m, cinch_builder *b, cinch_code code, const cinch_loss_config *loss, parts *p)
{
    cinch_graph *g = b->graph;
    cinch_scope_push(g, scope);
    if (m->family->variational) {
        p->kl = cinch_kl_term(g, code, loss, p->reduction, b->mode);
        p->total = cinch_add(g, p->total, p->kl.weighted);
    }
    if (loss->sparsity && !is(loss->sparsity, "none")) {
        p->sparsity = cinch_sparsity_term(g, code.mean, loss, p->reduction);
        p->total = cinch_add(g, p->total, p->sparsity.weighted);
    }
    cinch_scope_pop(g);
}

static void build(const cinch_model *m, cinch_builder *b, const cinch_batch *batch, const cinch_loss_config *loss,
                  parts *p)
{
    cinch_graph *g = b->graph;
    bool train = b->mode == CINCH_TRAIN;
    p->target = cinch_valid(batch->target) ? batch->target : batch->x;
    cinch_value x = train ? cinch_model_corrupt(m, g, batch->x) : batch->x;
    cinch_code code = cinch_model_build_encoder(m, b, x, batch->label);
    bool draws = m->family->variational && (train || cinch_valid(batch->noise));
    build_reconstruction(m, b, draws ? cinch_reparameterise(g, code, batch->noise) : code.mean, batch->label, loss, p);
    p->total = p->recon;
    add_terms(m, b, code, loss, p);
}

/* The floor is what a perfect reconstruction of the target has: the entropy of coins that fall as grey as it is. */
static void record(cinch_graph *g, const parts *p, cinch_mode mode)
{
    bool grey = is(p->name, "bce") || is(p->name, "bce_logits");
    cinch_metric(g, "loss", p->total);
    cinch_metric(g, "loss_recon", p->recon);
    if (cinch_valid(p->kl.plain)) cinch_metric(g, "loss_kl", p->kl.plain);
    if (cinch_valid(p->kl.active)) cinch_metric(g, "kl_active", p->kl.active);
    if (cinch_valid(p->sparsity.plain)) cinch_metric(g, "loss_sparsity", p->sparsity.plain);
    if (cinch_valid(p->sparsity.active)) cinch_metric(g, "active", p->sparsity.active);
    if (grey && mode == CINCH_EVALUATE)
        cinch_metric(g, "loss_floor", cinch_loss_bce(g, p->target, p->target, p->reduction));
}

cinch_value cinch_model_loss(const cinch_model *model, cinch_graph *graph, cinch_params *params,
                             const cinch_batch *batch, const cinch_loss_config *loss, cinch_mode mode,
                             cinch_value *reconstruction)
{
    parts p = {0};
    cinch_builder b = cinch_model_builder(model, graph, params, mode);
    b.keep_weights = loss->l1 > 0 || loss->l2 > 0;
    if (choose(model, graph, loss, &p)) build(model, &b, batch, loss, &p);
    p.total = add_penalties(&b, p.total, loss);
    record(graph, &p, mode);
    if (reconstruction) *reconstruction = p.output;
    free(b.weights);
    return p.total;
}
