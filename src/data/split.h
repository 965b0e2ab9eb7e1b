/* SPDX-License-Identifier: Apache-2.0 */
/* Which rows are for training, validation and testing. */
#ifndef CINCH_DATA_SPLIT_H
#define CINCH_DATA_SPLIT_H

#include <cinch/data.h>

#include "core/status.h"

typedef struct cinch_split {
    int32_t *index[CINCH_PART_COUNT]; /* ascending, owned */
    int64_t count[CINCH_PART_COUNT];
} cinch_split;

/* `own[2]`: rows of the container's training and test part. See cinch_dataset_options for seed, limit and shares. */
cinch_status cinch_split_make(cinch_split *split, const int64_t own[2], const cinch_dataset_options *options);

/* Copies lists of rows below `rows`, each row once at most, leaving out those past `limit` (0: none) of own[0] and
   own[1]. CINCH_DATA otherwise, naming `name`. */
cinch_status cinch_split_copy(cinch_split *split, const int32_t *const index[CINCH_PART_COUNT],
                              const int64_t count[CINCH_PART_COUNT], const int64_t own[2], int64_t limit,
                              const char *name);

void cinch_split_free(cinch_split *split);

#endif
