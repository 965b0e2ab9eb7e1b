/* SPDX-License-Identifier: Apache-2.0 */
/* The data that a configuration names. */
#ifndef CINCH_TRAIN_SOURCE_H
#define CINCH_TRAIN_SOURCE_H

#include <cinch/config.h>
#include <cinch/data.h>

#include "train/batches.h"

typedef struct cinch_data_source {
    cinch_dataset *data;
    cinch_dataset *validation;  /* of its own (data.val_spec), for training, or NULL */
    cinch_dataset *target;      /* data.target, or NULL: there is none, or it was not opened */
} cinch_data_source;

/* Opens the data; the validation data and the target, too, if it is for training. `parts`, a file of index sets that a
   run has saved, or NULL, replaces the split. CINCH_DATA, CINCH_USAGE. */
cinch_status cinch_data_source_open(cinch_data_source *out, const cinch_config *config, const char *parts,
                                    bool training);
/* Opens the target, if the configuration names one and it is not open. CINCH_DATA, CINCH_USAGE. */
cinch_status cinch_data_source_open_target(cinch_data_source *source, const cinch_config *config);
void cinch_data_source_close(cinch_data_source *source);

/* The rows of training and validation; count 0 where there is no validation. */
cinch_feed_source cinch_data_source_training(const cinch_data_source *source);
cinch_feed_source cinch_data_source_validation(const cinch_data_source *source, int64_t limit);

#endif
