/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a data set, shared by the files that make it, read it and measure it. */
#ifndef CINCH_DATA_DATASET_H
#define CINCH_DATA_DATASET_H

#include <cinch/data.h>

#include "core/status.h"
#include "data/layout.h"
#include "data/reader.h"
#include "data/split.h"

struct cinch_dataset {
    char *name;              /* for errors: the SPEC */
    char *description;
    cinch_source source;
    cinch_layout layout;
    cinch_split split;
    cinch_dataset_info info;
    int64_t limit;
    size_t row_bytes;        /* of a raw row */
    size_t source_row_bytes; /* of a row in the container */
    bool plain;              /* a container's row is a raw row, byte for byte */
};

/* CINCH_DATA where a float of the rows that the limit leaves is not finite; the message advises to repair the data or
   what `otherwise` says, where it is not NULL. */
cinch_status cinch_dataset_check_finite(const cinch_dataset *data, const char *otherwise);

/* Fills in info.low and info.high. */
cinch_status cinch_dataset_find_range(cinch_dataset *data);

#endif
