/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that is there whole or not at all: bytes go to a file without a name, which is synced and gets its name at
 * the commit, so that a process that is killed leaves nothing; where the system has no such files, to a temporary file
 * beside it, which cinch_remove_leftovers knows. What had the name before is replaced and its mode kept; of a link,
 * what it leads to. "-" and what is not a regular file (a terminal, a pipe, /dev/null) are written directly.
 */
#ifndef CINCH_DATA_OUTPUT_H
#define CINCH_DATA_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/status.h"

typedef struct cinch_output {
    int fd;
    bool open, direct, unnamed, replaces;
    mode_t mode;                     /* of the file that this one replaces */
    char *path, *temporary, *folder; /* path: of no link; temporary: a name that is to go; NULL: none */
} cinch_output;

/* Errors are CINCH_OUTPUT, say what to do, and remove the temporary file. */
cinch_status cinch_output_open(cinch_output *out, const char *path);
cinch_status cinch_output_write(cinch_output *out, const void *bytes, size_t size);
cinch_status cinch_output_commit(cinch_output *out);
/* Removes what was not committed and releases everything; may be called more than once, and on a zeroed struct. */
void cinch_output_close(cinch_output *out);

#endif
