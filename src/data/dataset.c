/* SPDX-License-Identifier: Apache-2.0 */
/* Opening data sets, and their parts. */
#include "data/dataset.h"

#include "data/array.h"
#include "data/element.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *cinch_part_name(cinch_part part)
{
    static const char *const names[] = {"train", "val", "test"};
    return (unsigned)part < CINCH_PART_COUNT ? names[part] : "?";
}

/* --- labels ------------------------------------------------------------------------------------------------------- */

/* One number a row, from the rows of another source. */
static cinch_status convert_labels(cinch_dataset *d, const cinch_source *from, const char *spec)
{
    int64_t rows = d->source.count[0] + d->source.count[1];
    if (!from->rows[0] || cinch_shape_count(from->sample) != 1 || from->count[1])
        return cinch_fail(CINCH_DATA, "%s: labels are an array of one number a row", spec);
    if (from->count[0] != rows)
        return cinch_fail(CINCH_DATA, "%s: %lld labels for the %lld rows of %s", spec, (long long)from->count[0],
                          (long long)rows, d->name);
    free(d->source.labels);
    d->source.labels = cinch_calloc((size_t)rows, sizeof *d->source.labels);
    if (!d->source.labels) return CINCH_DEVICE;
    return cinch_labels_convert(spec, from->element, from->swapped, from->rows[0], rows, d->source.labels);
}

static cinch_status open_labels(cinch_dataset *d, const char *spec)
{
    cinch_source from;
    TRY(cinch_source_open(&from, spec));
    cinch_status status = convert_labels(d, &from, spec);
    cinch_source_close(&from);
    return status;
}

static void count_classes(cinch_dataset *d)
{
    d->info.has_labels = d->source.labels != NULL;
    for (int64_t i = 0; d->source.labels && i < d->info.rows; i++)
        if (d->source.labels[i] >= d->info.classes) d->info.classes = d->source.labels[i] + 1;
}

/* --- shape, type, range ------------------------------------------------------------------------------------------- */

static cinch_status check_rows(const cinch_dataset *d)
{
    const cinch_source *s = &d->source;
    int64_t rows = s->count[0] + s->count[1];
    if (rows < 1) return cinch_fail(CINCH_DATA, "%s: has no rows", d->name);
    if (rows > INT32_MAX)
        return cinch_fail(CINCH_DATA, "%s: has %lld rows; %d at most", d->name, (long long)rows, INT32_MAX);
    for (int32_t i = 0; i < s->sample.rank; i++)
        if (s->sample.dim[i] < 1) return cinch_fail(CINCH_DATA, "%s: its samples are empty", d->name);
    return CINCH_OK;
}

static void set_types(cinch_dataset *d)
{
    cinch_element e = d->source.element;
    bool byte = e == CINCH_ELEMENT_U8 || e == CINCH_ELEMENT_BOOL;
    d->info.dtype = byte ? CINCH_U8 : CINCH_F32;
    d->info.source_type = cinch_element_name(e);
    d->row_bytes = (size_t)d->layout.count * cinch_dtype_size(d->info.dtype);
    d->source_row_bytes = (size_t)d->layout.count * cinch_element_size(e);
    d->plain = d->layout.planes == 1 && (byte || (e == CINCH_ELEMENT_F32 && !d->source.swapped));
}

/* value = raw * scale + offset takes 0 .. full scale to low .. high. */
static cinch_status set_mapping(cinch_dataset *d, const cinch_dataset_options *o)
{
    double full = cinch_element_full_scale(d->source.element), low = o->range[0], high = o->range[1];
    if (low == 0 && high == 0) high = 1;
    d->info.scale = 1;
    if (!o->range_none && !(low < high && high - low < 1e30))
        return cinch_fail(CINCH_USAGE, "data.range=%g:%g: expected LOW:HIGH with LOW below HIGH, or none", low, high);
    if (full == 0 && !o->range_none && (low != 0 || high != 1))
        return cinch_fail(CINCH_USAGE, "%s: data.range=%g:%g is for u8 and u16 data, this is %s; scale it beforehand",
                          d->name, low, high, cinch_element_name(d->source.element));
    if (full == 0) return CINCH_OK;
    d->info.high = full;
    if (o->range_none) return CINCH_OK;
    d->info.scale = (high - low) / full;
    d->info.offset = low;
    d->info.low = low;
    d->info.high = high;
    return CINCH_OK;
}

static cinch_status set_description(cinch_dataset *d)
{
    char shape[96], test[48] = "", classes[48] = "";
    const cinch_dataset_info *i = &d->info;
    if (i->container_test) snprintf(test, sizeof test, " + %lld test", (long long)i->container_test);
    if (i->has_labels) snprintf(classes, sizeof classes, ", %d classes", i->classes);
    d->description = cinch_format("%s: %lld%s samples of %s %s%s%s", i->reader,
                                  (long long)(i->rows - i->container_test), test,
                                  cinch_layout_text(i->sample, shape, sizeof shape), i->source_type,
                                  i->channels_first ? ", channels first" : "", classes);
    d->info.description = d->description;
    return d->description ? CINCH_OK : CINCH_DEVICE;
}

static void publish_parts(cinch_dataset *d) { memcpy(d->info.part, d->split.count, sizeof d->info.part); }

/* Everything that follows from the open source and the options. */
static cinch_status set_up(cinch_dataset *d, const cinch_dataset_options *o)
{
    const cinch_source *s = &d->source;
    TRY(check_rows(d));
    TRY(cinch_layout_resolve(&d->layout, s->sample, o->layout, s->channels_last, d->name));
    d->info.reader = s->reader ? s->reader->name : "memory";
    d->info.rows = s->count[0] + s->count[1];
    d->info.container_test = s->count[1];
    d->info.sample = d->layout.sample;
    d->info.source = d->layout.source;
    d->info.channels_first = d->layout.channels_first;
    set_types(d);
    TRY(set_mapping(d, o));
    if (o->limit < 0) return cinch_fail(CINCH_USAGE, "data.limit=%lld: expected 0 or more", (long long)o->limit);
    d->limit = o->limit;
    if (o->label) TRY(open_labels(d, o->label));
    count_classes(d);
    TRY(set_description(d));
    TRY(cinch_split_make(&d->split, s->count, o));
    publish_parts(d);
    if (!o->keep_nan) TRY(cinch_dataset_check_finite(d, o->keep_nan_by));
    return cinch_dataset_find_range(d);
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

static cinch_status create(cinch_dataset **out, const char *name)
{
    *out = NULL;
    cinch_dataset *d = cinch_calloc(1, sizeof *d);
    if (!d) return CINCH_DEVICE;
    d->name = cinch_strdup(name);
    if (!d->name) {
        free(d);
        return CINCH_DEVICE;
    }
    *out = d;
    return CINCH_OK;
}

static cinch_status finish(cinch_dataset **out, cinch_status status)
{
    if (!status) return CINCH_OK;
    cinch_dataset_free(*out);
    *out = NULL;
    return status;
}

cinch_status cinch_dataset_open(cinch_dataset **out, const char *spec, const cinch_dataset_options *options)
{
    static const cinch_dataset_options defaults;
    TRY(create(out, spec));
    cinch_status status = cinch_source_open(&(*out)->source, spec);
    if (!status) status = set_up(*out, options ? options : &defaults);
    return finish(out, status);
}

static cinch_status wrap(cinch_dataset *d, const void *data, cinch_dtype dtype, int64_t rows, cinch_shape sample,
                         const int32_t *labels, const cinch_dataset_options *options)
{
    if (dtype != CINCH_U8 && dtype != CINCH_F32) return cinch_fail(CINCH_USAGE, "data in memory is u8 or f32");
    if (rows < 1 || sample.rank < 0 || sample.rank >= CINCH_RANK_MAX)
        return cinch_fail(CINCH_USAGE, "data in memory: at least one row of at most %d axes", CINCH_RANK_MAX - 1);
    d->source.rows[0] = data;
    d->source.count[0] = rows;
    d->source.sample = sample;
    d->source.element = cinch_element_of(dtype);
    if (labels) {
        d->source.labels = cinch_calloc((size_t)rows, sizeof *labels);
        if (!d->source.labels) return CINCH_DEVICE;
        TRY(cinch_labels_convert(d->name, CINCH_ELEMENT_I32, false, labels, rows, d->source.labels));
    }
    return set_up(d, options);
}

cinch_status cinch_dataset_wrap(cinch_dataset **out, const void *data, cinch_dtype dtype, int64_t rows,
                                cinch_shape sample, const int32_t *labels, const cinch_dataset_options *options)
{
    static const cinch_dataset_options defaults;
    TRY(create(out, "memory"));
    return finish(out, wrap(*out, data, dtype, rows, sample, labels, options ? options : &defaults));
}

void cinch_dataset_free(cinch_dataset *data)
{
    if (!data) return;
    cinch_source_close(&data->source);
    cinch_split_free(&data->split);
    free(data->description);
    free(data->name);
    free(data);
}

const cinch_dataset_info *cinch_dataset_describe(const cinch_dataset *data) { return &data->info; }

const int32_t *cinch_dataset_labels(const cinch_dataset *data) { return data->source.labels; }

/* --- parts -------------------------------------------------------------------------------------------------------- */

int64_t cinch_dataset_part(const cinch_dataset *data, cinch_part part, const int32_t **index)
{
    if (index) *index = data->split.index[part];
    return data->split.count[part];
}

static cinch_status replace_parts(cinch_dataset *d, const int32_t *const index[CINCH_PART_COUNT],
                                  const int64_t count[CINCH_PART_COUNT], int64_t limit, const char *name)
{
    cinch_split split;
    TRY(cinch_split_copy(&split, index, count, d->source.count, limit, name));
    cinch_split_free(&d->split);
    d->split = split;
    publish_parts(d);
    return CINCH_OK;
}

cinch_status cinch_dataset_set_parts(cinch_dataset *data, const int32_t *const index[CINCH_PART_COUNT],
                                     const int64_t count[CINCH_PART_COUNT])
{
    return replace_parts(data, index, count, 0, data->name);
}

static cinch_status write_parts(const cinch_dataset *d, cinch_tensor_writer *w)
{
    char rows[24];
    snprintf(rows, sizeof rows, "%lld", (long long)d->info.rows);
    TRY(cinch_tensor_writer_metadata(w, "cinch.format", "1"));
    TRY(cinch_tensor_writer_metadata(w, "cinch.rows", rows));
    for (int p = 0; p < CINCH_PART_COUNT; p++)
        TRY(cinch_tensor_writer_declare(w, cinch_part_name(p), CINCH_ELEMENT_I32, 1, &d->split.count[p]));
    for (int p = 0; p < CINCH_PART_COUNT; p++)
        TRY(cinch_tensor_writer_write(w, d->split.index[p], (size_t)d->split.count[p] * sizeof(int32_t)));
    return cinch_tensor_writer_commit(w);
}

cinch_status cinch_dataset_save_parts(const cinch_dataset *data, const char *path)
{
    cinch_tensor_writer *writer;
    TRY(cinch_tensor_writer_create(&writer, path));
    cinch_status status = write_parts(data, writer);
    cinch_tensor_writer_free(writer);
    return status;
}

/* The file's tensors may lie anywhere; this copies one to aligned memory of the caller's. */
static cinch_status read_part(const cinch_tensor_file *f, const char *path, int p, int32_t **index, int64_t *count)
{
    const cinch_tensor_entry *e = cinch_tensor_file_find(f, cinch_part_name(p));
    if (!e || e->element != CINCH_ELEMENT_I32 || e->rank != 1)
        return cinch_fail(CINCH_DATA, "%s: holds no list of rows '%s'", path, cinch_part_name(p));
    *count = e->count;
    *index = cinch_calloc((size_t)e->count, sizeof **index);
    if (!*index) return CINCH_DEVICE;
    memcpy(*index, e->data, (size_t)e->bytes);
    return CINCH_OK;
}

static cinch_status check_file_rows(const cinch_dataset *d, const cinch_tensor_file *f, const char *path)
{
    const char *text = cinch_tensor_file_metadata(f, "cinch.rows");
    if (!text) return cinch_fail(CINCH_DATA, "%s: does not say how many rows it was made for (cinch.rows)", path);
    if (strtoll(text, NULL, 10) == d->info.rows) return CINCH_OK;
    return cinch_fail(CINCH_DATA, "%s: was made for data of %.20s rows; %s has %lld", path, text, d->name,
                      (long long)d->info.rows);
}

static cinch_status load_parts(cinch_dataset *d, const cinch_tensor_file *f, const char *path)
{
    int32_t *index[CINCH_PART_COUNT] = {0};
    int64_t count[CINCH_PART_COUNT] = {0};
    cinch_status status = check_file_rows(d, f, path);
    for (int p = 0; p < CINCH_PART_COUNT && !status; p++) status = read_part(f, path, p, &index[p], &count[p]);
    if (!status) status = replace_parts(d, (const int32_t *const *)index, count, d->limit, path);
    for (int p = 0; p < CINCH_PART_COUNT; p++) free(index[p]);
    return status;
}

cinch_status cinch_dataset_load_parts(cinch_dataset *data, const char *path)
{
    cinch_tensor_file *file;
    TRY(cinch_tensor_file_open(&file, path));
    cinch_status status = load_parts(data, file, path);
    cinch_tensor_file_free(file);
    return status;
}
