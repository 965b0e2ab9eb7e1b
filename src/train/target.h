/* SPDX-License-Identifier: Apache-2.0 */
/* What the output has to reach: the target or, where there is none, the data itself. */
#ifndef CINCH_TRAIN_TARGET_H
#define CINCH_TRAIN_TARGET_H

#include "train/source.h"

/* The model section with the output activation that `auto` means: that of the model file `saved` where there is one
   (NULL: none), sigmoid for the loss bce where it suits the target, else by the target's range. To be freed. */
cinch_status cinch_target_model(const cinch_config *config, const cinch_data_source *source, const char *saved,
                                char **json);

/* How far beyond [0,1] rounding may take a target. */
#define CINCH_UNIT_SLACK 1e-6

/* Whether a loss, a bce, wants targets in [0,1]. */
bool cinch_target_wants_unit(const char *loss);

/* CINCH_USAGE where a loss that wants them in [0,1] gets others from the training part or the validation, of which
   `limit` is as in cinch_data_source_validation. */
cinch_status cinch_target_check(const cinch_data_source *source, const char *loss, int64_t limit);

#endif
