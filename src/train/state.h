/* SPDX-License-Identifier: Apache-2.0 */
/* Where training stands, besides the slabs: what a checkpoint has to bring back. */
#ifndef CINCH_TRAIN_STATE_H
#define CINCH_TRAIN_STATE_H

#include "train/schedule.h"

enum { CINCH_STATE_METRICS = 8 };

typedef struct cinch_state {
    int64_t step;            /* updates so far */
    int64_t epoch, batch;    /* whole epochs, and batches of the one in progress */
    cinch_plateau plateau;
    int64_t since_best;      /* epochs */
    int64_t best_epoch;      /* from 1; 0: none yet */
    double best_loss;
    double loss, val_loss;   /* of the last whole epoch; NaN before */
    double sum[CINCH_STATE_METRICS], samples; /* of the epoch in progress, as far as observed */
    double elapsed;          /* seconds */
} cinch_state;

/* As JSON text, to be freed, with doubles that read back as they were; and back: CINCH_DATA. */
cinch_status cinch_state_write(const cinch_state *state, char **text);
cinch_status cinch_state_read(cinch_state *state, const char *text, const char *origin);

#endif
