/* SPDX-License-Identifier: Apache-2.0 */
/* An array in a file: a header that says type and shape, then the elements. IDX and .npy. */
#ifndef CINCH_DATA_ARRAY_H
#define CINCH_DATA_ARRAY_H

#include <cinch/data.h>

#include "data/input.h"

typedef struct cinch_array {
    cinch_input input;
    cinch_element element; /* a convertible one */
    bool swapped;          /* big-endian */
    int32_t rank;          /* 1 to CINCH_RANK_MAX */
    int64_t dim[CINCH_RANK_MAX];
    int64_t bytes;
    const uint8_t *data;   /* owned by the input */
} cinch_array;

/* Opens the file, reads header and elements. Errors are CINCH_DATA and CINCH_DEVICE. */
cinch_status cinch_idx_open(cinch_array *array, const char *path);
cinch_status cinch_npy_open(cinch_array *array, const char *path);

/* Also on a zeroed struct. */
void cinch_array_close(cinch_array *array);

/* For the readers of headers, once type and shape are known: checks them and finds the elements, all of them and
   nothing after them. */
cinch_status cinch_array_load(cinch_array *array);

/* `count` elements as labels: whole numbers, 0 to 2^31 - 2. CINCH_DATA for others, naming `name` and the row. */
cinch_status cinch_labels_convert(const char *name, cinch_element element, bool swapped, const void *bytes,
                                  int64_t count, int32_t *out);

#endif
