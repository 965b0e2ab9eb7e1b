/* SPDX-License-Identifier: Apache-2.0 */
/* A regular file, read-only in memory. */
#ifndef CINCH_DATA_MAPPING_H
#define CINCH_DATA_MAPPING_H

#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

typedef struct cinch_mapping {
    const uint8_t *bytes; /* NULL for an empty file */
    size_t size;
} cinch_mapping;

/* CINCH_DATA when there is no such file, or it is a folder, a pipe or the like. */
cinch_status cinch_map(cinch_mapping *mapping, const char *path);
void cinch_unmap(cinch_mapping *mapping);

#endif
