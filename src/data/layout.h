/* SPDX-License-Identifier: Apache-2.0 */
/* From an array's axes to samples with the channels last, and back. */
#ifndef CINCH_DATA_LAYOUT_H
#define CINCH_DATA_LAYOUT_H

#include <cinch/data.h>

#include "core/status.h"

typedef struct cinch_layout {
    cinch_shape source, sample;  /* of one row: in the container, and here (rank at least 1, channels last) */
    bool channels_first;         /* of the container */
    int64_t count;               /* elements */
    int64_t planes;              /* the container's row is [planes, count / planes], to be transposed; 1: as it is */
} cinch_layout;

/* `wanted` is the option data.layout; `known_last` that the container says so itself. CINCH_USAGE where the option is
   needed or is no layout, naming `name`. */
cinch_status cinch_layout_resolve(cinch_layout *layout, cinch_shape source, const char *wanted, bool known_last,
                                  const char *name);

/* "28x28x1"; `text` is returned. */
const char *cinch_layout_text(cinch_shape shape, char *text, size_t size);

#endif
