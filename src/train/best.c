/* SPDX-License-Identifier: Apache-2.0 */
#include "train/best.h"

#include "core/status.h"

#include <stdlib.h>

cinch_status cinch_best_create(cinch_best *best, const cinch_params *params, bool ema)
{
    *best = (cinch_best){.slab = ema ? CINCH_SLAB_EMA : CINCH_SLAB_TRAINABLE};
    best->n_weights = cinch_params_slab_size(params, CINCH_SLAB_TRAINABLE);
    best->n_states = cinch_params_slab_size(params, CINCH_SLAB_STATE);
    best->weights = cinch_calloc((size_t)best->n_weights, sizeof(float));
    best->states = cinch_calloc((size_t)best->n_states, sizeof(float));
    if (best->weights && best->states) return CINCH_OK;
    cinch_best_free(best);
    return CINCH_DEVICE;
}

void cinch_best_free(cinch_best *best)
{
    free(best->weights);
    free(best->states);
    *best = (cinch_best){0};
}

cinch_status cinch_best_keep(cinch_best *best, cinch_params *params)
{
    TRY(cinch_params_slab_read(params, best->slab, best->weights));
    if (best->n_states) TRY(cinch_params_slab_read(params, CINCH_SLAB_STATE, best->states));
    best->there = true;
    return CINCH_OK;
}

cinch_status cinch_best_restore(const cinch_best *best, cinch_params *params)
{
    if (!best->there) return CINCH_OK;
    TRY(cinch_params_slab_write(params, best->slab, best->weights));
    return best->n_states ? cinch_params_slab_write(params, CINCH_SLAB_STATE, best->states) : CINCH_OK;
}
