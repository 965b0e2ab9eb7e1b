/* SPDX-License-Identifier: Apache-2.0 */
/* All that one training run is made of. */
#ifndef CINCH_TRAIN_TRAINER_H
#define CINCH_TRAIN_TRAINER_H

#include "train/fit.h"
#include "train/folder.h"
#include "train/source.h"
#include "trained/weights.h"

typedef struct cinch_trainer {
    const cinch_config *config;
    cinch_train_options options;
    cinch_data_source source;
    cinch_device *device;
    cinch_model *model;
    cinch_params *params;
    cinch_feed *feed, *validation;
    cinch_fit fit;
    char fingerprint[32];
    const char *model_file; /* of the run that is resumed: its output activation stays; or NULL */
    const char *tuning;     /* the file of choices to take before plans are made, or NULL */
    char *tuning_note;      /* why it was not taken, or NULL */
} cinch_trainer;

/* Opens data and device, makes model, weights and plans; no file is written. `parts` as in cinch_data_source_open. The
   initial weights are read from train.from_weights unless a checkpoint will bring its own. */
cinch_status cinch_trainer_build(cinch_trainer *trainer, const char *parts, bool initial_weights);
void cinch_trainer_free(cinch_trainer *trainer);

/* What goes into the model and comes out of it. */
cinch_border cinch_trainer_border(const cinch_trainer *trainer);

/* Reads train.from_weights, if there is one, into the parameters (and their average). */
cinch_status cinch_trainer_initial_weights(cinch_trainer *trainer);

#endif
