/* SPDX-License-Identifier: Apache-2.0 */
#include "data_files.h"

#include <cinch/status.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static char folder[256];

static void must(bool held, const char *what)
{
    if (held) return;
    perror(what);
    abort();
}

const char *in_folder(const char *name)
{
    static char paths[16][512];
    static int next;
    if (!folder[0]) {
        const char *base = getenv("TMPDIR");
        snprintf(folder, sizeof folder, "%s/cinch-test-XXXXXX", base ? base : "/tmp");
        must(mkdtemp(folder) != NULL, folder);
    }
    char *path = paths[next++ % 16];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* Calls `each` with the path of every file, and counts them. */
static int walk(int (*each)(const char *))
{
    char path[1024];
    int count = 0;
    DIR *listing = folder[0] ? opendir(folder) : NULL;
    if (!listing) return 0;
    for (struct dirent *entry; (entry = readdir(listing));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (each) each(path);
        count++;
    }
    closedir(listing);
    return count;
}

void remove_folder(void)
{
    walk(remove);
    if (folder[0]) rmdir(folder);
    folder[0] = 0;
}

int count_files(void) { return walk(NULL); }

bool is_file(const char *path) { return access(path, F_OK) == 0; }

void put_file(const char *path, const void *data, size_t size)
{
    FILE *f = fopen(path, "wb");
    must(f && fwrite(data, 1, size, f) == size && fclose(f) == 0, path);
}

void put_gzip(const char *path, const void *data, size_t size)
{
    gzFile f = gzopen(path, "wb");
    must(f && gzwrite(f, data, (unsigned)size) == (int)size && gzclose(f) == Z_OK, path);
}

uint8_t *get_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    must(f && fseek(f, 0, SEEK_END) == 0, path);
    *size = (size_t)ftell(f);
    rewind(f);
    uint8_t *data = malloc(*size + 1);
    must(data && fread(data, 1, *size, f) == *size, path);
    fclose(f);
    return data;
}

void append(bytes *b, const void *data, size_t size)
{
    if (b->size + size >= b->room) {
        b->room = 2 * (b->size + size) + 64;
        b->at = realloc(b->at, b->room);
        must(b->at != NULL, "memory");
    }
    if (size) memcpy(b->at + b->size, data, size);
    b->size += size;
}

void append_big(bytes *b, uint64_t word, int width)
{
    for (int i = width; i-- > 0;) append(b, &(uint8_t){(uint8_t)(word >> (8 * i))}, 1);
}

void append_little(bytes *b, uint64_t word, int width)
{
    for (int i = 0; i < width; i++) append(b, &(uint8_t){(uint8_t)(word >> (8 * i))}, 1);
}

bool error_says(const char *path, const char *words)
{
    const char *text = cinch_last_error(), *slash = strrchr(path, '/');
    if (strstr(text, slash ? slash + 1 : path) && strstr(text, words) && !strchr(text, '\n')) return true;
    fprintf(stderr, "the error is '%s', expected '%s' and '%s'\n", text, path, words);
    return false;
}
