/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes to read: a file by memory map, a gzip file or standard input ("-", gzip or not) as a stream. */
#ifndef CINCH_DATA_INPUT_H
#define CINCH_DATA_INPUT_H

#include <zlib.h>

#include "core/status.h"
#include "data/mapping.h"

typedef struct cinch_input {
    char *name;            /* for errors */
    cinch_mapping mapping; /* in use when gz is NULL */
    gzFile gz;
    size_t at;
    uint8_t *loaded;
} cinch_input;

/* Errors are CINCH_DATA (missing, damaged) and CINCH_DEVICE (out of memory). */
cinch_status cinch_input_open(cinch_input *in, const char *path);

/* The next `size` bytes; *got is less only at the end. */
cinch_status cinch_input_read(cinch_input *in, void *out, size_t size, size_t *got);

/* The same without copying where the file is mapped; the bytes belong to the input. Once per input. Memory is taken as
   bytes arrive, so a header may claim any size. */
cinch_status cinch_input_load(cinch_input *in, size_t size, const uint8_t **bytes, size_t *got);

/* How many bytes follow (at most 1 MiB of a stream is counted); a gzip file is checked to its end. */
cinch_status cinch_input_rest(cinch_input *in, size_t *rest);

/* Also on a zeroed struct. */
void cinch_input_close(cinch_input *in);

#endif
