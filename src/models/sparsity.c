/* SPDX-License-Identifier: Apache-2.0 */
/* Sparse codes, as an option of every family. Ng, "Sparse autoencoder", CS294A lecture notes, 2011. */
#include <math.h>
#include <string.h>

#include "models/family.h"

/* A unit whose number is beyond this is at work; under `kl` its sigmoid is what counts, beyond one half. */
static const float at_work = 0.01f;

static cinch_value share_above(cinch_graph *g, cinch_value x, float threshold)
{
    return cinch_mean(g, cinch_greater(g, x, cinch_scalar(g, threshold)), CINCH_ALL_AXES, false);
}

/* The sum over units of KL(Bernoulli(rho) || Bernoulli(mean activation over the batch)). */
static cinch_value bernoulli_kl(cinch_graph *g, cinch_value activation, double rho)
{
    cinch_value mean = cinch_clamp(g, cinch_mean(g, activation, CINCH_AXIS(0), false), 1e-6f, 1 - 1e-6f);
    cinch_value yes = cinch_affine(g, cinch_log(g, mean), (float)-rho, (float)(rho * log(rho)));
    cinch_value no = cinch_affine(g, cinch_log(g, cinch_affine(g, mean, -1, 1)), (float)(rho - 1),
                                  (float)((1 - rho) * log(1 - rho)));
    return cinch_sum(g, cinch_add(g, yes, no), CINCH_ALL_AXES, false);
}

cinch_term cinch_sparsity_term(cinch_graph *g, cinch_value code, const cinch_loss_config *loss,
                               cinch_reduction reduction)
{
    bool kl = !strcmp(loss->sparsity, "kl"), l1 = !strcmp(loss->sparsity, "l1");
    cinch_value activation = kl ? cinch_sigmoid(g, code) : cinch_abs(g, code);
    cinch_value term = kl ? bernoulli_kl(g, activation, loss->sparsity_target)
                          : cinch_mean(g, l1 ? activation : cinch_square(g, code), CINCH_ALL_AXES, false);
    if (reduction == CINCH_SUM) term = cinch_affine(g, term, (float)cinch_dim(g, code, 0), 0);
    return (cinch_term){.weighted = cinch_affine(g, term, (float)loss->sparsity_weight, 0), .plain = term,
                        .active = share_above(g, activation, kl ? 0.5f : at_work)};
}
