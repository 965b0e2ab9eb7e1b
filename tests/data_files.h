/* SPDX-License-Identifier: Apache-2.0 */
/* Files that a test makes in a folder of its own. */
#ifndef CINCH_TESTS_DATA_FILES_H
#define CINCH_TESTS_DATA_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* PATH of `name` in this process's folder, which the first call makes. Sixteen of them live at a time. */
const char *in_folder(const char *name);
/* Removes the folder and everything in it; for .fini. */
void remove_folder(void);

void put_file(const char *path, const void *bytes, size_t size);
void put_gzip(const char *path, const void *bytes, size_t size);
/* Malloc'ed. */
uint8_t *get_file(const char *path, size_t *size);
bool is_file(const char *path);
/* Files in the folder, all of them. */
int count_files(void);

/* A growing piece of bytes. */
typedef struct bytes {
    uint8_t *at;
    size_t size, room;
} bytes;
void append(bytes *b, const void *data, size_t size);
void append_big(bytes *b, uint64_t word, int width);    /* big-endian */
void append_little(bytes *b, uint64_t word, int width);

/* The last error is one line, names `path`'s last part and holds `words`. */
bool error_says(const char *path, const char *words);

#endif
