/* SPDX-License-Identifier: Apache-2.0 */
/* What every variational model has around its two heads. Kingma & Welling, ICLR 2014. */
#include <string.h>

#include "models/family.h"

cinch_code cinch_posterior(const cinch_model *m, cinch_builder *b, cinch_value features)
{
    int64_t size = cinch_shape_count(cinch_model_code_shape(m));
    const double *bounds = m->shared.logvar_clamp;
    cinch_value mean = cinch_layer_linear_named(b, "mu", features, size);
    cinch_value logvar = cinch_layer_linear_named(b, "logvar", features, size);
    return (cinch_code){mean, cinch_clamp(b->graph, logvar, (float)bounds[0], (float)bounds[1])};
}

cinch_value cinch_reparameterise(cinch_graph *g, cinch_code code, cinch_value noise)
{
    cinch_scope_push(g, "posterior");
    if (!cinch_valid(noise)) noise = cinch_normal(g, cinch_shape_of(g, code.mean), 0, 1);
    cinch_value deviation = cinch_exp(g, cinch_affine(g, code.logvar, 0.5f, 0));
    cinch_value drawn = cinch_add(g, code.mean, cinch_mul(g, deviation, noise));
    cinch_scope_pop(g);
    return drawn;
}

/* [N, code] to the mean over the batch of each of the code's numbers, [code]. */
static cinch_value over_batch(cinch_graph *g, cinch_value x) { return cinch_mean(g, x, CINCH_AXIS(0), false); }

/* Burda, Grosse & Salakhutdinov, ICLR 2016, section 5: a unit is in use if it says something. */
static cinch_value share_active(cinch_graph *g, cinch_value kl_of_unit)
{
    return cinch_mean(g, cinch_greater(g, kl_of_unit, cinch_scalar(g, 0.01f)), CINCH_ALL_AXES, false);
}

/* Each unit's KL counts for at least its free bits. */
static cinch_value sum_of_units(cinch_graph *g, cinch_value kl_of_unit, double free_bits)
{
    if (free_bits > 0) kl_of_unit = cinch_maximum(g, kl_of_unit, cinch_scalar(g, (float)free_bits));
    return cinch_sum(g, kl_of_unit, CINCH_ALL_AXES, false);
}

static bool is_annealed(const cinch_loss_config *loss) { return loss->anneal && strcmp(loss->anneal, "none"); }

cinch_term cinch_kl_term(cinch_graph *g, cinch_code code, const cinch_loss_config *loss, cinch_reduction reduction,
                         cinch_mode mode)
{
    cinch_value of_unit = over_batch(g, cinch_loss_gaussian_kl(g, code.mean, code.logvar, CINCH_NONE));
    /* A mean of elements keeps its KL whole. */
    float scale = reduction == CINCH_SUM ? (float)cinch_dim(g, code.mean, 0) : 1;
    cinch_value kl = cinch_affine(g, cinch_sum(g, of_unit, CINCH_ALL_AXES, false), scale, 0);
    cinch_value counted = cinch_affine(g, sum_of_units(g, of_unit, loss->free_bits), scale, 0);
    cinch_term term = {.plain = kl, .active = share_active(g, of_unit)};
    if (mode == CINCH_TRAIN && is_annealed(loss))
        term.weighted = cinch_mul(g, counted, cinch_control(g, "beta", CINCH_F32, (cinch_shape){0}));
    else term.weighted = cinch_affine(g, counted, (float)loss->beta, 0);
    return term;
}
