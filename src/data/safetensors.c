/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading safetensors: 8 bytes with the header's length (little-endian), the header (JSON), then the tensors' bytes
 * without gaps. https://huggingface.co/docs/safetensors
 */
#include <cinch/data.h>

#include "core/json.h"
#include "core/status.h"
#include "data/element.h"
#include "data/mapping.h"
#include "data/tensor_file.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct pair { const char *key, *value; } pair;

struct cinch_tensor_file {
    char *name;
    cinch_mapping mapping;              /* empty when the bytes are the caller's */
    json_t *header;                     /* owns all names and metadata */
    const uint8_t *data;
    int64_t data_bytes;
    int64_t n_entries, n_metadata;
    cinch_tensor_entry *entries;        /* by begin */
    const cinch_tensor_entry **by_name;
    pair *metadata;
    int64_t *dims;                      /* of all entries */
};

/* --- the header's text -------------------------------------------------------------------------------------------- */

/* jansson recurses; this refuses depth before it gets there. */
static bool nests_deeper(const char *json, size_t size, int most)
{
    int depth = 0;
    bool string = false;
    for (size_t i = 0; i < size; i++) {
        char c = json[i];
        if (string) {
            if (c == '\\') i++;
            else if (c == '"') string = false;
        } else if (c == '"') string = true;
        else if ((c == '{' || c == '[') && ++depth > most) return true;
        else if (c == '}' || c == ']') depth--;
    }
    return false;
}

static cinch_status parse_header(cinch_tensor_file *f, const char *json, size_t size)
{
    json_error_t error;
    if (json[0] != '{') return cinch_fail(CINCH_DATA, "%s: the header does not begin with '{'", f->name);
    if (nests_deeper(json, size, CINCH_TENSOR_NESTING_MAX))
        return cinch_fail(CINCH_DATA, "%s: the header nests deeper than %d", f->name, CINCH_TENSOR_NESTING_MAX);
    f->header = cinch_json_load(json, size, &error);
    if (f->header) return CINCH_OK;
    if (errno == ENOMEM)
        return cinch_fail(CINCH_DEVICE, "%s: out of memory for a header of %zu bytes", f->name, size);
    return cinch_fail(CINCH_DATA, "%s: the header is not valid: %s (byte %d)", f->name, error.text, error.position);
}

/* Finds header and data in the file's bytes. */
static cinch_status read_header(cinch_tensor_file *f, const uint8_t *bytes, size_t size)
{
    uint64_t length = 0;
    if (size == 0) return cinch_fail(CINCH_DATA, "%s: is empty; not a safetensors file", f->name);
    if (size < 8) return cinch_fail(CINCH_DATA, "%s: %zu bytes are too few for a safetensors file", f->name, size);
    for (int i = 0; i < 8; i++) length |= (uint64_t)bytes[i] << (8 * i);
    if (length > CINCH_TENSOR_HEADER_MAX)
        return cinch_fail(CINCH_DATA, "%s: a header of %llu bytes, over the 100 MB allowed; is it safetensors?",
                          f->name, (unsigned long long)length);
    if (length > size - 8)
        return cinch_fail(CINCH_DATA, "%s: truncated: the header has %llu bytes, the file %zu more after its length",
                          f->name, (unsigned long long)length, size - 8);
    if (length == 0) return cinch_fail(CINCH_DATA, "%s: the header is empty", f->name);
    f->data = bytes + 8 + length;
    f->data_bytes = (int64_t)(size - 8 - length);
    return parse_header(f, (const char *)bytes + 8, (size_t)length);
}

/* --- metadata ----------------------------------------------------------------------------------------------------- */

static cinch_status read_metadata(cinch_tensor_file *f, json_t *object)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object))
        return cinch_fail(CINCH_DATA, "%s: " CINCH_TENSOR_METADATA " is not an object of strings", f->name);
    f->metadata = cinch_calloc(json_object_size(object), sizeof *f->metadata);
    if (!f->metadata) return CINCH_DEVICE;
    json_object_foreach(object, key, value) {
        if (!json_is_string(value))
            return cinch_fail(CINCH_DATA, "%s: metadata '%s' is not a string", f->name, key);
        f->metadata[f->n_metadata++] = (pair){key, json_string_value(value)};
    }
    return CINCH_OK;
}

/* --- entries ------------------------------------------------------------------------------------------------------ */

static cinch_status bad(const cinch_tensor_file *f, const cinch_tensor_entry *e, const char *what)
{
    return cinch_fail(CINCH_DATA, "%s: tensor '%s': %s", f->name, e->name, what);
}

static cinch_status read_type(const cinch_tensor_file *f, cinch_tensor_entry *e, const json_t *type)
{
    if (!json_is_string(type)) return bad(f, e, "no dtype");
    e->element = cinch_element_named(json_string_value(type));
    if (e->element) return CINCH_OK;
    return cinch_fail(CINCH_DATA, "%s: tensor '%s': unknown dtype '%s'", f->name, e->name, json_string_value(type));
}

/* Takes dims from *room, which has place for all. */
static cinch_status read_shape(const cinch_tensor_file *f, cinch_tensor_entry *e, const json_t *shape, int64_t **room)
{
    if (!json_is_array(shape)) return bad(f, e, "no shape");
    e->rank = (int32_t)json_array_size(shape);
    e->dim = *room;
    e->count = 1;
    for (int32_t i = 0; i < e->rank; i++) {
        const json_t *dim = json_array_get(shape, (size_t)i);
        if (!json_is_integer(dim) || json_integer_value(dim) < 0) return bad(f, e, "shape holds more than whole sizes");
        (*room)[i] = json_integer_value(dim);
        if (__builtin_mul_overflow(e->count, (*room)[i], &e->count)) return bad(f, e, "shape overflows");
    }
    *room += e->rank;
    if (__builtin_mul_overflow(e->count, (int64_t)cinch_element_size(e->element), &e->bytes))
        return bad(f, e, "shape overflows");
    return CINCH_OK;
}

static cinch_status read_offsets(const cinch_tensor_file *f, cinch_tensor_entry *e, const json_t *offsets)
{
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end))
        return bad(f, e, "no data_offsets of two whole numbers");
    int64_t first = json_integer_value(begin), last = json_integer_value(end);
    if (first < 0 || last < first) return bad(f, e, "data_offsets are not a range");
    if (last > f->data_bytes)
        return cinch_fail(CINCH_DATA, "%s: tensor '%s' ends at byte %lld of the data, which has %lld; is it complete?",
                          f->name, e->name, (long long)last, (long long)f->data_bytes);
    if (last - first != e->bytes)
        return cinch_fail(CINCH_DATA, "%s: tensor '%s': its shape takes %lld bytes, its data_offsets span %lld",
                          f->name, e->name, (long long)e->bytes, (long long)(last - first));
    e->begin = first;
    e->data = f->data + first;
    return CINCH_OK;
}

static cinch_status read_entry(cinch_tensor_file *f, const char *name, const json_t *object, int64_t **room)
{
    cinch_tensor_entry *e = &f->entries[f->n_entries++];
    e->name = name;
    if (!json_is_object(object)) return bad(f, e, "is not an object");
    TRY(read_type(f, e, json_object_get(object, "dtype")));
    TRY(read_shape(f, e, json_object_get(object, "shape"), room));
    return read_offsets(f, e, json_object_get(object, "data_offsets"));
}

static size_t count_dims(json_t *header)
{
    size_t dims = 0;
    const char *name;
    json_t *object;
    json_object_foreach(header, name, object) dims += json_array_size(json_object_get(object, "shape"));
    return dims;
}

static cinch_status read_entries(cinch_tensor_file *f)
{
    const char *name;
    json_t *object;
    size_t most = json_object_size(f->header);
    f->entries = cinch_calloc(most, sizeof *f->entries);
    f->by_name = f->entries ? cinch_calloc(most, sizeof *f->by_name) : NULL;
    f->dims = f->by_name ? cinch_calloc(count_dims(f->header), sizeof *f->dims) : NULL;
    if (!f->dims) return CINCH_DEVICE;
    int64_t *room = f->dims;
    json_object_foreach(f->header, name, object) {
        if (strcmp(name, CINCH_TENSOR_METADATA) == 0) TRY(read_metadata(f, object));
        else TRY(read_entry(f, name, object, &room));
    }
    return CINCH_OK;
}

/* --- order -------------------------------------------------------------------------------------------------------- */

/* Empty tensors come before the one that begins at the same byte. */
static int by_place(const void *a, const void *b)
{
    const cinch_tensor_entry *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b)
{
    const cinch_tensor_entry *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static cinch_status check_cover(const cinch_tensor_file *f)
{
    int64_t at = 0;
    for (int64_t i = 0; i < f->n_entries; i++) {
        const cinch_tensor_entry *e = &f->entries[i];
        if (e->begin < at)
            return cinch_fail(CINCH_DATA, "%s: tensors '%s' and '%s' overlap", f->name, f->entries[i - 1].name,
                              e->name);
        if (e->begin > at)
            return cinch_fail(CINCH_DATA, "%s: a hole of %lld bytes before tensor '%s'", f->name,
                              (long long)(e->begin - at), e->name);
        at += e->bytes;
    }
    if (at < f->data_bytes)
        return cinch_fail(CINCH_DATA, "%s: %lld bytes left over after the last tensor", f->name,
                          (long long)(f->data_bytes - at));
    return CINCH_OK;
}

static cinch_status order_entries(cinch_tensor_file *f)
{
    qsort(f->entries, (size_t)f->n_entries, sizeof *f->entries, by_place);
    for (int64_t i = 0; i < f->n_entries; i++) f->by_name[i] = &f->entries[i];
    qsort(f->by_name, (size_t)f->n_entries, sizeof *f->by_name, by_name);
    return check_cover(f);
}

/* --- public ------------------------------------------------------------------------------------------------------- */

static cinch_status read_all(cinch_tensor_file *f, const uint8_t *bytes, size_t size)
{
    TRY(read_header(f, bytes, size));
    TRY(read_entries(f));
    return order_entries(f);
}

static cinch_status create(cinch_tensor_file **out, const char *name)
{
    *out = NULL;
    cinch_tensor_file *f = cinch_calloc(1, sizeof *f);
    if (!f) return CINCH_DEVICE;
    f->name = cinch_strdup(name);
    if (!f->name) {
        free(f);
        return CINCH_DEVICE;
    }
    *out = f;
    return CINCH_OK;
}

static cinch_status finish(cinch_tensor_file **out, cinch_status status)
{
    if (!status) return CINCH_OK;
    cinch_tensor_file_free(*out);
    *out = NULL;
    return status;
}

cinch_status cinch_tensor_file_open(cinch_tensor_file **out, const char *path)
{
    TRY(create(out, path));
    cinch_status status = cinch_map(&(*out)->mapping, path);
    if (!status) status = read_all(*out, (*out)->mapping.bytes, (*out)->mapping.size);
    return finish(out, status);
}

cinch_status cinch_tensor_file_open_memory(cinch_tensor_file **out, const void *bytes, size_t size, const char *name)
{
    TRY(create(out, name));
    return finish(out, read_all(*out, bytes, size));
}

void cinch_tensor_file_free(cinch_tensor_file *file)
{
    if (!file) return;
    json_decref(file->header);
    cinch_unmap(&file->mapping);
    free(file->entries);
    free(file->by_name);
    free(file->metadata);
    free(file->dims);
    free(file->name);
    free(file);
}

int64_t cinch_tensor_file_count(const cinch_tensor_file *file) { return file->n_entries; }

const cinch_tensor_entry *cinch_tensor_file_entry(const cinch_tensor_file *file, int64_t i)
{
    return i >= 0 && i < file->n_entries ? &file->entries[i] : NULL;
}

static int name_against_entry(const void *key, const void *element)
{
    const cinch_tensor_entry *const *e = element;
    return strcmp(key, (*e)->name);
}

const cinch_tensor_entry *cinch_tensor_file_find(const cinch_tensor_file *file, const char *name)
{
    const cinch_tensor_entry **found =
        bsearch(name, file->by_name, (size_t)file->n_entries, sizeof *file->by_name, name_against_entry);
    return found ? *found : NULL;
}

static bool has_shape(const cinch_tensor_entry *e, cinch_shape shape)
{
    return e->rank == shape.rank && memcmp(e->dim, shape.dim, (size_t)e->rank * sizeof *e->dim) == 0;
}

/* "[64, 784]", cut where it is long. */
static const char *shape_text(char *text, size_t size, const int64_t *dim, int32_t rank)
{
    size_t at = (size_t)snprintf(text, size, "[");
    for (int32_t i = 0; i < rank && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%lld", i ? ", " : "", (long long)dim[i]);
    if (at < size) snprintf(text + at, size - at, "]");
    return text;
}

cinch_status cinch_tensor_file_require(const cinch_tensor_file *file, const char *name, cinch_element element,
                                       cinch_shape shape, const cinch_tensor_entry **out)
{
    char has[128], wanted[128];
    const cinch_tensor_entry *e = *out = cinch_tensor_file_find(file, name);
    if (!e) return cinch_fail(CINCH_DATA, "%s: has no tensor '%s'", file->name, name);
    if (e->element == element && has_shape(e, shape)) return CINCH_OK;
    *out = NULL;
    return cinch_fail(CINCH_DATA, "%s: tensor '%s' is %s %s, not %s %s", file->name, name,
                      cinch_element_name(e->element), shape_text(has, sizeof has, e->dim, e->rank),
                      cinch_element_name(element), shape_text(wanted, sizeof wanted, shape.dim, shape.rank));
}

const char *cinch_tensor_file_metadata(const cinch_tensor_file *file, const char *key)
{
    return json_string_value(json_object_get(json_object_get(file->header, CINCH_TENSOR_METADATA), key));
}

bool cinch_tensor_file_metadata_at(const cinch_tensor_file *file, int64_t i, const char **key, const char **value)
{
    if (i < 0 || i >= file->n_metadata) return false;
    *key = file->metadata[i].key;
    *value = file->metadata[i].value;
    return true;
}
