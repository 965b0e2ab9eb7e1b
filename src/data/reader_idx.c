/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IDX, the format of MNIST (http://yann.lecun.com/exdb/mnist): two zero bytes, a type, the number of axes, their sizes
 * as big-endian 32-bit numbers, then the elements, big-endian. One file, or a folder laid out like MNIST.
 */
#include "data/array.h"
#include "data/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static cinch_element element_of_code(uint8_t code)
{
    switch (code) {
    case 0x08: return CINCH_ELEMENT_U8;
    case 0x09: return CINCH_ELEMENT_I8;
    case 0x0B: return CINCH_ELEMENT_I16;
    case 0x0C: return CINCH_ELEMENT_I32;
    case 0x0D: return CINCH_ELEMENT_F32;
    case 0x0E: return CINCH_ELEMENT_F64;
    default: return CINCH_ELEMENT_NONE;
    }
}

static cinch_status ends_early(const cinch_input *in)
{
    return cinch_fail(CINCH_DATA, "%s: ends inside its IDX header; is the download complete?", in->name);
}

static cinch_status read_sizes(cinch_array *a)
{
    uint8_t size[4];
    size_t got;
    for (int32_t i = 0; i < a->rank; i++) {
        TRY(cinch_input_read(&a->input, size, sizeof size, &got));
        if (got < sizeof size) return ends_early(&a->input);
        a->dim[i] = (int64_t)size[0] << 24 | size[1] << 16 | size[2] << 8 | size[3];
    }
    return CINCH_OK;
}

static cinch_status read_array(cinch_array *a)
{
    uint8_t head[4];
    size_t got;
    TRY(cinch_input_read(&a->input, head, sizeof head, &got));
    if (got < sizeof head) return ends_early(&a->input);
    a->element = element_of_code(head[2]);
    a->swapped = cinch_element_size(a->element) > 1;
    if (head[0] || head[1] || !a->element) return cinch_fail(CINCH_DATA, "%s: is not IDX data", a->input.name);
    if (head[3] == 0 || head[3] > CINCH_RANK_MAX)
        return cinch_fail(CINCH_DATA, "%s: has %d axes; 1 to %d are read", a->input.name, head[3], CINCH_RANK_MAX);
    a->rank = head[3];
    TRY(read_sizes(a));
    return cinch_array_load(a);
}

cinch_status cinch_idx_open(cinch_array *array, const char *path)
{
    memset(array, 0, sizeof *array);
    cinch_status status = cinch_input_open(&array->input, path);
    if (!status) status = read_array(array);
    if (status) cinch_array_close(array);
    return status;
}

/* --- one file ----------------------------------------------------------------------------------------------------- */

typedef struct idx_state { cinch_array part[2]; } idx_state;

static void close_state(void *state)
{
    idx_state *s = state;
    for (int i = 0; i < 2; i++) cinch_array_close(&s->part[i]);
    free(s);
}

static void describe_rows(cinch_source *source, const cinch_array *a)
{
    source->sample.rank = a->rank - 1;
    memcpy(source->sample.dim, a->dim + 1, (size_t)source->sample.rank * sizeof *a->dim);
    source->element = a->element;
    source->swapped = a->swapped;
}

static cinch_status open_rows(cinch_source *source, idx_state *state, int part, const char *path)
{
    cinch_array *a = &state->part[part];
    TRY(cinch_idx_open(a, path));
    source->count[part] = a->dim[0];
    source->rows[part] = a->data;
    if (part == 0) describe_rows(source, a);
    return CINCH_OK;
}

/* --- a folder ----------------------------------------------------------------------------------------------------- */

/* "train", "images", 3 under all the names they go by: to be freed; NULL with *status set, or none there. */
static char *find_file(const char *folder, const char *part, const char *kind, int axes, cinch_status *status)
{
    static const char *const forms[] = {"%s/%s-%s-idx%d-ubyte", "%s/%s-%s.idx%d-ubyte", "%s/%s-%s-idx%d-ubyte.gz",
                                        "%s/%s-%s.idx%d-ubyte.gz"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        size_t size = strlen(folder) + strlen(part) + strlen(kind) + strlen(forms[i]) + 16;
        char *path = cinch_calloc(size, 1);
        if (!path) {
            *status = CINCH_DEVICE;
            return NULL;
        }
        snprintf(path, size, forms[i], folder, part, kind, axes);
        if (access(path, F_OK) == 0) return path;
        free(path);
    }
    return NULL;
}

static cinch_status same_rows(const idx_state *s)
{
    const cinch_array *a = &s->part[0], *b = &s->part[1];
    size_t size = (size_t)(a->rank - 1) * sizeof *a->dim;
    if (a->rank == b->rank && a->element == b->element && memcmp(a->dim + 1, b->dim + 1, size) == 0) return CINCH_OK;
    return cinch_fail(CINCH_DATA, "%s: its samples have another shape or type than those of %s", b->input.name,
                      a->input.name);
}

static cinch_status convert_labels(cinch_source *source, const cinch_array *labels, int part)
{
    if (labels->dim[0] != source->count[part])
        return cinch_fail(CINCH_DATA, "%s: %lld labels for %lld samples", labels->input.name, (long long)labels->dim[0],
                          (long long)source->count[part]);
    if (labels->rank != 1) return cinch_fail(CINCH_DATA, "%s: labels are one number a row", labels->input.name);
    return cinch_labels_convert(labels->input.name, labels->element, labels->swapped, labels->data, labels->dim[0],
                                source->labels + (part ? source->count[0] : 0));
}

static cinch_status read_labels(cinch_source *source, const char *path, int part)
{
    cinch_array labels;
    TRY(cinch_idx_open(&labels, path));
    cinch_status status = convert_labels(source, &labels, part);
    cinch_array_close(&labels);
    return status;
}

/* Labels for every part there is, or for none. */
static cinch_status open_labels(cinch_source *source, const char *folder)
{
    cinch_status status = CINCH_OK;
    char *train = find_file(folder, "train", "labels", 1, &status), *test = NULL;
    if (!status && source->count[1]) test = find_file(folder, "t10k", "labels", 1, &status);
    if (status || (!train && !test)) goto done;
    if (!train || (source->count[1] && !test)) {
        status = cinch_fail(CINCH_DATA, "%s: labels for %s only; %s-labels-idx1-ubyte is missing", folder,
                            train ? "train" : "t10k", train ? "t10k" : "train");
        goto done;
    }
    source->labels = cinch_calloc((size_t)(source->count[0] + source->count[1]), sizeof *source->labels);
    status = source->labels ? CINCH_OK : CINCH_DEVICE;
    if (!status) status = read_labels(source, train, 0);
    if (!status && test) status = read_labels(source, test, 1);
done:
    free(train);
    free(test);
    return status;
}

static cinch_status open_part(cinch_source *source, idx_state *state, const char *folder, int part)
{
    cinch_status status = CINCH_OK;
    char *path = find_file(folder, part ? "t10k" : "train", "images", 3, &status);
    if (path) status = open_rows(source, state, part, path);
    free(path);
    return status;
}

static cinch_status open_folder(cinch_source *source, idx_state *state, const char *folder)
{
    TRY(open_part(source, state, folder, 0));
    TRY(open_part(source, state, folder, 1));
    if (!source->rows[0])
        return cinch_fail(CINCH_DATA, "%s: train-images-idx3-ubyte (plain or .gz) is missing", folder);
    if (source->rows[1]) TRY(same_rows(state));
    return open_labels(source, folder);
}

/* --- the reader --------------------------------------------------------------------------------------------------- */

static bool probe_folder(const char *path)
{
    cinch_status status = CINCH_OK;
    char *train = find_file(path, "train", "images", 3, &status), *test = find_file(path, "t10k", "images", 3, &status);
    bool found = train || test;
    free(train);
    free(test);
    return found;
}

/* Also by name, so that a damaged file is told what is wrong with it. */
static bool probe(const char *path, const cinch_peek *peek)
{
    const uint8_t *h = peek->head;
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    if (peek->folder) return probe_folder(path);
    bool magic = peek->size >= 4 && !h[0] && !h[1] && element_of_code(h[2]) && h[3] > 0 && h[3] < 16;
    return magic || strstr(name, "-ubyte") || strstr(name, ".idx");
}

static bool is_folder(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

static cinch_status open_idx(cinch_source *source, const cinch_spec *spec)
{
    idx_state *state = cinch_calloc(1, sizeof *state);
    if (!state) return CINCH_DEVICE;
    source->state = state;
    source->close = close_state;
    if (is_folder(spec->path)) return open_folder(source, state, spec->path);
    return open_rows(source, state, 0, spec->path);
}

const cinch_reader cinch_reader_idx = {
    .name = "idx",
    .what = "an IDX file, or a folder laid out like MNIST (plain or .gz)",
    .probe = probe,
    .open = open_idx,
};
