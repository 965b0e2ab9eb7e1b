/* SPDX-License-Identifier: Apache-2.0 */
/* A copy of the weights of the best epoch so far. */
#ifndef CINCH_TRAIN_BEST_H
#define CINCH_TRAIN_BEST_H

#include <cinch/params.h>

typedef struct cinch_best {
    cinch_slab slab;               /* the one that is validated: trainable, or the averaged weights */
    float *weights, *states;       /* whole slabs; NULL where there is nothing to keep */
    int64_t n_weights, n_states;
    bool there;
} cinch_best;

/* Takes the memory; `ema`: the averaged weights are the ones that count. */
cinch_status cinch_best_create(cinch_best *best, const cinch_params *params, bool ema);
void cinch_best_free(cinch_best *best);

/* Copies from and to the parameters. */
cinch_status cinch_best_keep(cinch_best *best, cinch_params *params);
cinch_status cinch_best_restore(const cinch_best *best, cinch_params *params);

#endif
