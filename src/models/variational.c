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
    cinch_scope_pop(g);
    cinch_value deviation = cinch_exp(g, cinch_affine(g, code.logvar, 0.5f, 0));
    return cinch_add(g, code.mean, cinch_mul(g, deviation, noise));
}

/* [N, code] to the mean over the batch of each of the code's numbers, [code]. */
static cinch_value over_batch(cinch_graph *g, cinch_value x) { return cinch_mean(g, x, CINCH_AXIS(0), false); }

/* Burda, Grosse & Salakhutdinov, ICLR 2016, section 5: a unit is in use if it says something. */
static void record_active(cinch_graph *g, cinch_value kl_of_unit)
{
    cinch_value used = cinch_greater(g, kl_of_unit, cinch_scalar(g, 0.01f));
    cinch_metric(g, "kl_active", cinch_mean(g, used, CINCH_ALL_AXES, false));
}

cinch_value cinch_kl_term(cinch_graph *g, cinch_code code, const cinch_loss_config *loss, cinch_reduction reduction)
{
    double n = (double)cinch_dim(g, code.mean, 0);
    cinch_value of_unit = over_batch(g, cinch_loss_gaussian_kl(g, code.mean, code.logvar, CINCH_NONE));
    cinch_value kl = cinch_sum(g, of_unit, CINCH_ALL_AXES, false), counted = kl;
    float scale = reduction == CINCH_SUM ? (float)n : 1; /* means of the reconstruction leave the KL as it is */
    record_active(g, of_unit);
    cinch_metric(g, "loss_kl", cinch_affine(g, kl, scale, 0));
    if (loss->free_bits > 0) {
        cinch_value least = cinch_scalar(g, (float)loss->free_bits);
        counted = cinch_sum(g, cinch_maximum(g, of_unit, least), CINCH_ALL_AXES, false);
    }
    if (!loss->anneal || !strcmp(loss->anneal, "none")) return cinch_affine(g, counted, scale * (float)loss->beta, 0);
    cinch_value beta = cinch_control(g, "beta", CINCH_F32, (cinch_shape){0});
    return cinch_mul(g, cinch_affine(g, counted, scale, 0), beta);
}
