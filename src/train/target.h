/* SPDX-License-Identifier: Apache-2.0 */
/* What the output has to reach: the target or, where there is none, the data itself. */
#ifndef CINCH_TRAIN_TARGET_H
#define CINCH_TRAIN_TARGET_H

#include "train/source.h"

/* The model section with the output activation that `auto` means: that of the model file `saved` where there is one
   (NULL: none), sigmoid for the loss bce where it suits the target, else by the target's range. To be freed. */
cinch_status cinch_target_model(const cinch_config *config, const cinch_data_source *source, const char *saved,
                                char **json);

/* CINCH_USAGE where the loss `name` is a bce and a target of the training part lies outside [0,1]. */
cinch_status cinch_target_check(const cinch_data_source *source, const char *name);

#endif
