/* SPDX-License-Identifier: Apache-2.0 */
/* A small file that is there whole or not at all, and the folder it stands in. */
#ifndef CINCH_DATA_TEXT_FILE_H
#define CINCH_DATA_TEXT_FILE_H

#include <cinch/status.h>

#include <stddef.h>

/* Writes a whole file (data/output.h); of text, with a newline. CINCH_OUTPUT, saying what to do. */
cinch_status cinch_write_bytes(const char *path, const void *bytes, size_t size);
cinch_status cinch_write_text(const char *path, const char *text);

/* What to do about an error of the system in writing: a static text. */
const char *cinch_write_advice(int error);

/* Reads all of a file of at most `most` bytes into new text. CINCH_DATA where it cannot be read, is longer or holds a
   zero byte. */
cinch_status cinch_read_text(const char *path, size_t most, char **text);

/* Makes a folder, with all folders above it, where it is not there yet. CINCH_OUTPUT. */
cinch_status cinch_make_folders(const char *path);

#endif
