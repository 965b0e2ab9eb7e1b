/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every reader of data gives. A new one is a file reader_NAME.c with a cinch_reader in it, and a row in the table
 * of reader.c; nothing else knows of it.
 */
#ifndef CINCH_DATA_READER_H
#define CINCH_DATA_READER_H

#include <cinch/data.h>

#include "core/status.h"
#include "data/spec.h"

typedef struct cinch_source cinch_source;

/* A look at what a path names, for telling formats apart. */
typedef struct cinch_peek {
    bool folder;
    size_t size;
    uint8_t head[16];        /* the first bytes, unpacked if the file is gzip; `size` of them */
} cinch_peek;

typedef struct cinch_reader {
    const char *name;        /* FORMAT in a SPEC */
    const char *what;        /* for people: what it reads */
    bool builtin;            /* its name is a PATH of its own, and no file is looked at */
    bool (*probe)(const char *path, const cinch_peek *peek);  /* NULL for builtins */
    cinch_status (*open)(cinch_source *source, const cinch_spec *spec);
} cinch_reader;

/* Filled in by open(). Rows are either in memory (`rows`: the container's types and axes, converted by the data set) or
   made by `read`, which then gives U8 or F32 rows with the channels last. Both may be called by several threads. */
struct cinch_source {
    const cinch_reader *reader;
    int64_t count[2];        /* rows of the training part and of the container's own test part */
    const uint8_t *rows[2];  /* of each; NULL: read */
    cinch_shape sample;      /* of one row, as the container has it; rank 0 to 5 */
    cinch_element element;
    bool swapped;            /* big-endian */
    bool channels_last;      /* known to be; else the options or the shape decide */
    int32_t *labels;         /* of all rows, malloc'ed, or NULL */
    cinch_status (*read)(const cinch_source *source, int64_t first, int64_t count, void *out);
    void *state;
    void (*close)(void *state);  /* frees the state */
};

/* Finds the reader of a SPEC and opens it. On an error the source is closed. */
cinch_status cinch_source_open(cinch_source *source, const char *spec);
void cinch_source_close(cinch_source *source);

extern const cinch_reader cinch_reader_idx, cinch_reader_npy, cinch_reader_shapes;

#endif
