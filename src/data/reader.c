/* SPDX-License-Identifier: Apache-2.0 */
#include "data/reader.h"

#include "data/input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const cinch_reader *const readers[] = {&cinch_reader_idx, &cinch_reader_npy, &cinch_reader_shapes};
enum { N_READERS = sizeof readers / sizeof *readers };

/* Formats that the command knows by name and this build has no reader for. */
static const struct {
    const char *name, *suffix, *magic; /* told apart by suffix or first bytes; either may be NULL */
    const char *missing;
} unbuilt[] = {
    {"csv", ".csv", NULL, "the CSV reader"},
    {"npz", ".npz", "PK\x03\x04", "the npz reader"},
    {"h5", ".h5", "\x89HDF", "the HDF5 library"},
    {"hdf5", ".hdf5", "\x89HDF", "the HDF5 library"},
    {"png", ".png", "\x89PNG", "the picture reader"},
    {"imgs", NULL, NULL, "the reader of picture folders"},
    {"safetensors", ".safetensors", NULL, "the reader of tensors as data"},
};
enum { N_UNBUILT = sizeof unbuilt / sizeof *unbuilt };

/* --- names -------------------------------------------------------------------------------------------------------- */

static const cinch_reader *reader_named(const char *name)
{
    for (int i = 0; i < N_READERS; i++)
        if (strcmp(name, readers[i]->name) == 0) return readers[i];
    return NULL;
}

static int unbuilt_named(const char *name)
{
    for (int i = 0; i < N_UNBUILT; i++)
        if (strcmp(name, unbuilt[i].name) == 0) return i;
    return -1;
}

bool cinch_format_known(const char *format) { return reader_named(format) || unbuilt_named(format) >= 0; }

cinch_status cinch_format_unknown(const char *format)
{
    const char *names[N_READERS + N_UNBUILT];
    for (int i = 0; i < N_READERS; i++) names[i] = readers[i]->name;
    for (int i = 0; i < N_UNBUILT; i++) names[N_READERS + i] = unbuilt[i].name;
    const char *near = cinch_nearest(format, names, N_READERS + N_UNBUILT);
    if (near) return cinch_fail(CINCH_USAGE, "%s+: unknown data format; did you mean %s+?", format, near);
    char list[128] = "";
    for (int i = 0; i < N_READERS; i++) snprintf(list + strlen(list), sizeof list - strlen(list), " %s", names[i]);
    return cinch_fail(CINCH_USAGE, "%s+: unknown data format; there are:%s", format, list);
}

/* --- telling formats apart ---------------------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static cinch_status peek_at(cinch_peek *peek, const char *path)
{
    struct stat found;
    cinch_input input;
    memset(peek, 0, sizeof *peek);
    if (stat(path, &found)) return cinch_fail(CINCH_DATA, "%s: %s", path, strerror(errno));
    peek->folder = S_ISDIR(found.st_mode);
    if (peek->folder) return CINCH_OK;
    TRY(cinch_input_open(&input, path));
    cinch_status status = cinch_input_read(&input, peek->head, sizeof peek->head, &peek->size);
    cinch_input_close(&input);
    return status;
}

static cinch_status refuse_unbuilt(const char *path, int i)
{
    return cinch_fail(CINCH_DATA, "%s: is %s data, and %s is not part of this build",
                      strcmp(path, "-") ? path : "standard input", unbuilt[i].name, unbuilt[i].missing);
}

static cinch_status refuse_unknown(const char *path, const cinch_peek *peek)
{
    if (peek->folder)
        return cinch_fail(CINCH_DATA, "%s: a folder without train-images-idx3-ubyte (plain or .gz); folders of pictures"
                          " are not read by this build", path);
    for (int i = 0; i < N_UNBUILT; i++) {
        const char *magic = unbuilt[i].magic;
        bool by_magic = magic && peek->size >= strlen(magic) && memcmp(peek->head, magic, strlen(magic)) == 0;
        if (by_magic || (unbuilt[i].suffix && ends_with(path, unbuilt[i].suffix))) return refuse_unbuilt(path, i);
    }
    return cinch_fail(CINCH_DATA, "%s: %s; neither IDX nor .npy data", path,
                      peek->size ? "its first bytes are of no known format" : "is empty");
}

static cinch_status find_reader(const cinch_reader **out, const cinch_spec *spec)
{
    cinch_peek peek;
    if (spec->format) {
        *out = reader_named(spec->format);
        return *out ? CINCH_OK : refuse_unbuilt(spec->path, unbuilt_named(spec->format));
    }
    *out = reader_named(spec->path);
    if (*out && (*out)->builtin) return CINCH_OK;
    TRY(peek_at(&peek, spec->path));
    for (int i = 0; i < N_READERS; i++) {
        *out = readers[i];
        if (readers[i]->probe && readers[i]->probe(spec->path, &peek)) return CINCH_OK;
    }
    return refuse_unknown(spec->path, &peek);
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

static cinch_status open_spec(cinch_source *source, const cinch_spec *spec)
{
    TRY(find_reader(&source->reader, spec));
    if (spec->member && !source->reader->builtin)
        return cinch_fail(CINCH_USAGE, "%s:%s: %s data has no members", spec->path, spec->member, source->reader->name);
    return source->reader->open(source, spec);
}

cinch_status cinch_source_open(cinch_source *source, const char *spec)
{
    cinch_spec parsed;
    memset(source, 0, sizeof *source);
    TRY(cinch_spec_parse(&parsed, spec));
    cinch_status status = open_spec(source, &parsed);
    cinch_spec_free(&parsed);
    if (status) cinch_source_close(source);
    return status;
}

void cinch_source_close(cinch_source *source)
{
    if (source->close) source->close(source->state);
    free(source->labels);
    memset(source, 0, sizeof *source);
}
