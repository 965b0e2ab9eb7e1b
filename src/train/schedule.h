/* SPDX-License-Identifier: Apache-2.0 */
/* Learning rates: a function of where training stands, in double, on the host. */
#ifndef CINCH_TRAIN_SCHEDULE_H
#define CINCH_TRAIN_SCHEDULE_H

#include <cinch/config.h>

/* What the plateau schedule remembers of the epochs so far. */
typedef struct cinch_plateau {
    double best;         /* NaN: none yet */
    int64_t bad_epochs, drops;
} cinch_plateau;

typedef struct cinch_schedule_point {
    int64_t step, steps; /* updates so far, and in all */
    int64_t epoch;       /* from 0 */
    int64_t drops;       /* of the plateau schedule */
} cinch_schedule_point;

/* The learning rate of the update that follows `at->step` updates. */
double cinch_schedule_lr(const cinch_schedule_config *schedule, double lr, const cinch_schedule_point *at);

/* The weight of the KL in the update that follows `step` of `steps` updates. Cyclical: Fu et al., NAACL 2019. */
double cinch_schedule_beta(const cinch_loss_config *loss, int64_t step, int64_t steps);

/* Tells the plateau schedule an epoch's loss: after more than `every` epochs without a loss lower by 1e-4 of the best,
   one more drop (PyTorch's ReduceLROnPlateau). */
void cinch_plateau_observe(cinch_plateau *plateau, const cinch_schedule_config *schedule, double loss);

#endif
