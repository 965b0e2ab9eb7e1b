/* SPDX-License-Identifier: Apache-2.0 */
/* Writing safetensors as a stream: the header is known before the first byte of data. */
#include <cinch/data.h>

#include "core/status.h"
#include "data/element.h"
#include "data/failpoint.h"
#include "data/output.h"
#include "data/tensor_file.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct cinch_tensor_writer {
    char *path;
    json_t *header;
    cinch_output output;
    bool begun, failed;
    int64_t declared, written; /* bytes of data */
};

cinch_status cinch_tensor_writer_create(cinch_tensor_writer **out, const char *path)
{
    *out = NULL;
    cinch_tensor_writer *w = cinch_calloc(1, sizeof *w);
    if (!w) return CINCH_DEVICE;
    w->path = cinch_strdup(path);
    w->header = json_object();
    if (!w->path || !w->header) {
        cinch_tensor_writer_free(w);
        return cinch_fail(CINCH_DEVICE, "%s: out of memory", path);
    }
    *out = w;
    return CINCH_OK;
}

void cinch_tensor_writer_free(cinch_tensor_writer *writer)
{
    if (!writer) return;
    cinch_output_close(&writer->output);
    json_decref(writer->header);
    free(writer->path);
    free(writer);
}

/* --- declaring ---------------------------------------------------------------------------------------------------- */

/* Why jansson refused a name or a value: it takes UTF-8 only. */
static cinch_status refused(const cinch_tensor_writer *w, const char *text)
{
    errno = 0;
    json_t *string = json_string(text);
    bool memory = string || errno == ENOMEM;
    cinch_status status = memory ? cinch_fail(CINCH_DEVICE, "%s: out of memory", w->path)
                                 : cinch_fail(CINCH_USAGE, "%s: '%s' is not UTF-8", w->path, text);
    json_decref(string);
    return status;
}

static cinch_status still_open(const cinch_tensor_writer *w)
{
    if (w->begun) return cinch_fail(CINCH_USAGE, "%s: declare everything before the first write", w->path);
    return CINCH_OK;
}

cinch_status cinch_tensor_writer_metadata(cinch_tensor_writer *writer, const char *key, const char *value)
{
    TRY(still_open(writer));
    json_t *all = json_object_get(writer->header, CINCH_TENSOR_METADATA);
    if (!all && json_object_set_new(writer->header, CINCH_TENSOR_METADATA, json_object()))
        return refused(writer, CINCH_TENSOR_METADATA);
    all = json_object_get(writer->header, CINCH_TENSOR_METADATA);
    if (json_object_get(all, key)) return cinch_fail(CINCH_USAGE, "%s: metadata '%s' twice", writer->path, key);
    json_t *text = json_string(value);
    if (!text) return refused(writer, value);
    return json_object_set_new(all, key, text) ? refused(writer, key) : CINCH_OK;
}

static json_t *shape_json(int32_t rank, const int64_t *dim)
{
    json_t *shape = json_array();
    for (int32_t i = 0; shape && i < rank; i++)
        if (json_array_append_new(shape, json_integer(dim[i]))) {
            json_decref(shape);
            shape = NULL;
        }
    return shape;
}

static cinch_status check_declaration(const cinch_tensor_writer *w, const char *name, cinch_element element,
                                      int32_t rank, const int64_t *dim, int64_t *end)
{
    int64_t size = (int64_t)cinch_element_size(element), bytes = size;
    TRY(still_open(w));
    if (strcmp(name, CINCH_TENSOR_METADATA) == 0 || json_object_get(w->header, name))
        return cinch_fail(CINCH_USAGE, "%s: tensor '%s' is declared twice, or is a reserved name", w->path, name);
    if (size == 0) return cinch_fail(CINCH_USAGE, "%s: tensor '%s': no such element type", w->path, name);
    for (int32_t i = 0; i < rank; i++)
        if (dim[i] < 0 || __builtin_mul_overflow(bytes, dim[i], &bytes))
            return cinch_fail(CINCH_USAGE, "%s: tensor '%s': its shape overflows", w->path, name);
    if (w->declared % size)
        return cinch_fail(CINCH_USAGE, "%s: tensor '%s' would not be aligned; declare wider elements first", w->path,
                          name);
    if (__builtin_add_overflow(w->declared, bytes, end))
        return cinch_fail(CINCH_USAGE, "%s: tensor '%s': the file's size overflows", w->path, name);
    return CINCH_OK;
}

cinch_status cinch_tensor_writer_declare(cinch_tensor_writer *writer, const char *name, cinch_element element,
                                         int32_t rank, const int64_t *dim)
{
    int64_t end = 0;
    TRY(check_declaration(writer, name, element, rank, dim, &end));
    json_t *entry = json_pack("{s:s, s:o, s:[I, I]}", "dtype", cinch_element_name(element), "shape",
                              shape_json(rank, dim), "data_offsets", (json_int_t)writer->declared, (json_int_t)end);
    if (!entry) return cinch_fail(CINCH_DEVICE, "%s: out of memory", writer->path);
    if (json_object_set_new(writer->header, name, entry)) return refused(writer, name);
    writer->declared = end;
    return CINCH_OK;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

/* Length, JSON and the spaces that align the data; to be freed. */
static cinch_status header_bytes(const cinch_tensor_writer *w, char **bytes, size_t *size)
{
    size_t json = json_dumpb(w->header, NULL, 0, JSON_COMPACT);
    size_t padded = (json + CINCH_TENSOR_HEADER_ALIGN - 1) / CINCH_TENSOR_HEADER_ALIGN * CINCH_TENSOR_HEADER_ALIGN;
    if (json == 0) return cinch_fail(CINCH_DEVICE, "%s: out of memory", w->path);
    if (padded > CINCH_TENSOR_HEADER_MAX)
        return cinch_fail(CINCH_USAGE, "%s: its header would take %zu bytes, over the 100 MB allowed", w->path, padded);
    char *text = *bytes = cinch_calloc(8 + padded, 1);
    if (!text) return CINCH_DEVICE;
    for (int i = 0; i < 8; i++) text[i] = (char)((uint64_t)padded >> (8 * i));
    memset(text + 8, ' ', padded);
    *size = 8 + padded;
    if (json_dumpb(w->header, text + 8, padded, JSON_COMPACT) == json) return CINCH_OK;
    return cinch_fail(CINCH_DEVICE, "%s: out of memory", w->path);
}

static cinch_status write_header(cinch_tensor_writer *w)
{
    char *bytes = NULL;
    size_t size = 0;
    cinch_status status = header_bytes(w, &bytes, &size);
    if (status) goto done;
    TRY_GOTO(cinch_output_open(&w->output, w->path));
    TRY_GOTO(cinch_output_write(&w->output, bytes, size / 2));
    cinch_failpoint("header");
    TRY_GOTO(cinch_output_write(&w->output, bytes + size / 2, size - size / 2));
done:
    free(bytes);
    return status;
}

static cinch_status begin(cinch_tensor_writer *w)
{
    if (w->failed) return cinch_fail(CINCH_USAGE, "%s: an earlier write failed", w->path);
    if (w->begun) return CINCH_OK;
    TRY(write_header(w));
    w->begun = true;
    if (w->declared == 0) cinch_failpoint("data");
    return CINCH_OK;
}

/* Writes in two pieces where the middle of the data lies within. */
static cinch_status write_data(cinch_tensor_writer *w, const void *bytes, size_t size)
{
    int64_t middle = (w->declared + 1) / 2 - w->written;
    size_t before = middle > 0 && middle <= (int64_t)size ? (size_t)middle : 0;
    TRY(cinch_output_write(&w->output, bytes, before));
    if (before) cinch_failpoint("data");
    TRY(cinch_output_write(&w->output, (const char *)bytes + before, size - before));
    w->written += (int64_t)size;
    return CINCH_OK;
}

static cinch_status write_checked(cinch_tensor_writer *w, const void *bytes, size_t size)
{
    TRY(begin(w));
    if (size > (uint64_t)(w->declared - w->written))
        return cinch_fail(CINCH_USAGE, "%s: more bytes than the %lld declared", w->path, (long long)w->declared);
    return write_data(w, bytes, size);
}

static cinch_status commit_checked(cinch_tensor_writer *w)
{
    TRY(begin(w));
    if (w->written != w->declared)
        return cinch_fail(CINCH_USAGE, "%s: %lld bytes of %lld declared were written", w->path, (long long)w->written,
                          (long long)w->declared);
    return cinch_output_commit(&w->output);
}

/* After a failure nothing is left to write to. */
static cinch_status close_on_failure(cinch_tensor_writer *w, cinch_status status)
{
    if (status) cinch_output_close(&w->output);
    w->failed |= status != CINCH_OK;
    return status;
}

cinch_status cinch_tensor_writer_write(cinch_tensor_writer *writer, const void *bytes, size_t size)
{
    return close_on_failure(writer, write_checked(writer, bytes, size));
}

cinch_status cinch_tensor_writer_commit(cinch_tensor_writer *writer)
{
    cinch_status status = close_on_failure(writer, commit_checked(writer));
    writer->failed = true; /* one file, once */
    return status;
}
