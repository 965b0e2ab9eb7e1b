/* SPDX-License-Identifier: Apache-2.0 */
#include "trained/weights.h"

#include <cinch/version.h>

#include "core/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

cinch_border cinch_border_of(const cinch_dataset_info *data, const cinch_dataset_info *target)
{
    return (cinch_border){.sample = {data->sample, data->low, data->high, data->classes}, .source = data->source,
                          .scale = data->scale, .offset = data->offset,
                          .out_low = target->low, .out_high = target->high};
}

cinch_sample cinch_border_output(const cinch_border *b)
{
    return (cinch_sample){b->sample.shape, b->out_low, b->out_high, b->sample.classes};
}

/* States of the training loop itself are nobody else's business. */
static bool is_ours(const char *name) { return !strncmp(name, "cinch.", 6); }

/* --- the border as JSON ------------------------------------------------------------------------------------------- */

static json_t *shape_json(cinch_shape shape)
{
    json_t *array = json_array();
    for (int i = 0; i < shape.rank; i++) json_array_append_new(array, json_integer(shape.dim[i]));
    if (json_array_size(array) == (size_t)shape.rank) return array;
    json_decref(array); /* memory was short */
    return NULL;
}

static cinch_status border_text(const cinch_border *b, char **text)
{
    json_t *object = json_object();
    cinch_status status = object ? CINCH_OK : cinch_fail(CINCH_DEVICE, "out of memory for a model file");
    if (!status) status = cinch_json_put(object, "shape", shape_json(b->sample.shape));
    if (!status) status = cinch_json_put(object, "low", json_real(b->sample.low));
    if (!status) status = cinch_json_put(object, "high", json_real(b->sample.high));
    if (!status) status = cinch_json_put(object, "source", shape_json(b->source));
    if (!status) status = cinch_json_put(object, "scale", json_real(b->scale));
    if (!status) status = cinch_json_put(object, "offset", json_real(b->offset));
    if (!status) status = cinch_json_put(object, "output_low", json_real(b->out_low));
    if (!status) status = cinch_json_put(object, "output_high", json_real(b->out_high));
    if (!status) status = cinch_json_text(text, object, 0);
    json_decref(object);
    return status;
}

static bool read_shape(const json_t *array, cinch_shape *shape)
{
    size_t rank = json_array_size(array);
    if (!json_is_array(array) || rank >= CINCH_RANK_MAX) return false;
    *shape = (cinch_shape){.rank = (int32_t)rank};
    for (size_t i = 0; i < rank; i++) {
        json_int_t dim = json_integer_value(json_array_get(array, i));
        if (dim < 1 || dim > INT32_MAX) return false;
        shape->dim[i] = dim;
    }
    return true;
}

static bool read_number(const json_t *object, const char *key, double *out)
{
    const json_t *value = json_object_get(object, key);
    *out = json_number_value(value);
    return json_is_number(value);
}

static bool read_output(const json_t *o, cinch_border *b)
{
    b->out_low = b->sample.low;
    b->out_high = b->sample.high;
    if (!json_object_get(o, "output_low")) return true;
    return read_number(o, "output_low", &b->out_low) && read_number(o, "output_high", &b->out_high);
}

static bool read_border(const json_t *o, cinch_border *b)
{
    return read_shape(json_object_get(o, "shape"), &b->sample.shape) && read_number(o, "low", &b->sample.low) &&
           read_number(o, "high", &b->sample.high) && read_shape(json_object_get(o, "source"), &b->source) &&
           read_number(o, "scale", &b->scale) && read_number(o, "offset", &b->offset) && read_output(o, b) &&
           cinch_shape_count(b->source) == cinch_shape_count(b->sample.shape) && b->scale != 0;
}

cinch_status cinch_weights_describe(const cinch_tensor_file *file, const char *path, const char **json,
                                    cinch_border *border)
{
    const char *format = cinch_tensor_file_metadata(file, "cinch.format");
    const char *text = cinch_tensor_file_metadata(file, "cinch.sample");
    *json = cinch_tensor_file_metadata(file, "cinch.model");
    if (!format || !text || !*json)
        return cinch_fail(CINCH_DATA, "%s: no model of cinch: its metadata is missing", path);
    if (strcmp(format, "1"))
        return cinch_fail(CINCH_DATA, "%s: cinch.format %.20s is newer than this cinch", path, format);
    json_t *object;
    TRY(cinch_json_parse(&object, text, path, CINCH_DATA));
    bool fits = read_border(object, border);
    json_decref(object);
    return fits ? CINCH_OK : cinch_fail(CINCH_DATA, "%s: cinch.sample does not describe a sample: %.80s", path, text);
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static cinch_status write_metadata(cinch_tensor_writer *w, const cinch_model *model, const cinch_border *border)
{
    char *sample;
    TRY(border_text(border, &sample));
    cinch_status status = cinch_tensor_writer_metadata(w, "cinch.format", "1");
    if (!status) status = cinch_tensor_writer_metadata(w, "cinch.version", cinch_version());
    if (!status) status = cinch_tensor_writer_metadata(w, "cinch.model", cinch_model_json(model));
    if (!status) status = cinch_tensor_writer_metadata(w, "cinch.sample", sample);
    free(sample);
    return status;
}

static cinch_status write_parameter(cinch_tensor_writer *w, const cinch_model *model, cinch_params *params, int i,
                                    cinch_slab slab)
{
    cinch_param_info info = cinch_params_info(params, i);
    size_t count = (size_t)cinch_shape_count(info.shape);
    float *own = cinch_calloc(count, sizeof *own), *theirs = cinch_calloc(count, sizeof *theirs);
    cinch_status status = own && theirs ? CINCH_OK : CINCH_DEVICE;
    if (!status) status = cinch_params_read(params, i, slab, own);
    if (!status) status = cinch_model_convert(model, info.name, info.shape, true, own, theirs);
    if (!status) status = cinch_tensor_writer_write(w, theirs, count * sizeof *theirs);
    free(own);
    free(theirs);
    return status;
}

static cinch_status write_all(cinch_tensor_writer *w, const cinch_model *model, const cinch_border *border,
                              cinch_params *params, cinch_slab slab)
{
    TRY(write_metadata(w, model, border));
    for (int i = 0; i < cinch_params_count(params); i++) {
        cinch_param_info info = cinch_params_info(params, i);
        if (is_ours(info.name)) continue;
        TRY(cinch_tensor_writer_declare(w, info.name, CINCH_ELEMENT_F32, info.shape.rank, info.shape.dim));
    }
    for (int i = 0; i < cinch_params_count(params); i++)
        if (!is_ours(cinch_params_info(params, i).name)) TRY(write_parameter(w, model, params, i, slab));
    return cinch_tensor_writer_commit(w);
}

cinch_status cinch_weights_save(const char *path, const cinch_model *model, const cinch_border *border,
                                cinch_params *params, cinch_slab slab)
{
    cinch_tensor_writer *w = NULL;
    cinch_status status = cinch_tensor_writer_create(&w, path);
    if (!status) status = write_all(w, model, border, params, slab);
    cinch_tensor_writer_free(w);
    return status;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static char *dims_text(int32_t rank, const int64_t *dim, char text[64])
{
    size_t used = (size_t)snprintf(text, 64, "[");
    for (int i = 0; i < rank && used < 40; i++)
        used += (size_t)snprintf(text + used, 64 - used, "%s%" PRId64, i ? ", " : "", dim[i]);
    snprintf(text + used, 64 - used, "]");
    return text;
}

static cinch_status check_shape(const cinch_tensor_entry *entry, const char *path, cinch_param_info info)
{
    char had[64], wanted[64];
    bool same = entry->rank == info.shape.rank;
    for (int i = 0; same && i < entry->rank; i++) same = entry->dim[i] == info.shape.dim[i];
    if (same) return CINCH_OK;
    return cinch_fail(CINCH_DATA, "%s: %s is %s, but the model wants %s; are its options the same?", path, info.name,
                      dims_text(entry->rank, entry->dim, had), dims_text(info.shape.rank, info.shape.dim, wanted));
}

static cinch_status read_parameter(const cinch_tensor_entry *entry, const cinch_model *model, cinch_params *params,
                                   int i)
{
    cinch_param_info info = cinch_params_info(params, i);
    size_t count = (size_t)entry->count;
    float *theirs = cinch_calloc(count, sizeof *theirs), *own = cinch_calloc(count, sizeof *own);
    cinch_status status = own && theirs ? CINCH_OK : CINCH_DEVICE;
    if (!status) status = cinch_element_to_float(entry->element, entry->data, entry->count, theirs);
    if (!status) status = cinch_model_convert(model, info.name, info.shape, false, theirs, own);
    if (!status) status = cinch_params_write(params, i, own);
    free(theirs);
    free(own);
    return status;
}

static cinch_status refuse_strangers(const cinch_tensor_file *file, const char *path, const cinch_params *params)
{
    for (int64_t i = 0; i < cinch_tensor_file_count(file); i++) {
        const char *name = cinch_tensor_file_entry(file, i)->name;
        if (cinch_params_find(params, name) < 0 || is_ours(name))
            return cinch_fail(CINCH_DATA, "%s: the model has no parameter %.100s; --partial takes what fits",
                              path, name);
    }
    return CINCH_OK;
}

static cinch_status lacks(const char *path, const char *name, cinch_weights_fit fit)
{
    if (fit == CINCH_WEIGHTS_NEEDED) return cinch_fail(CINCH_DATA, "%s: lacks %s, which the model needs", path, name);
    return cinch_fail(CINCH_DATA, "%s: lacks %s; --partial takes what is there", path, name);
}

cinch_status cinch_weights_load(const cinch_tensor_file *file, const char *path, const cinch_model *model,
                                cinch_params *params, cinch_weights_fit fit, int *taken)
{
    int n = 0;
    for (int i = 0; i < cinch_params_count(params); i++) {
        cinch_param_info info = cinch_params_info(params, i);
        const cinch_tensor_entry *entry = is_ours(info.name) ? NULL : cinch_tensor_file_find(file, info.name);
        if (!entry && (fit == CINCH_WEIGHTS_PARTIAL || is_ours(info.name))) continue;
        if (!entry) return lacks(path, info.name, fit);
        TRY(check_shape(entry, path, info));
        TRY(read_parameter(entry, model, params, i));
        n++;
    }
    if (taken) *taken = n;
    return fit == CINCH_WEIGHTS_ALL ? refuse_strangers(file, path, params) : CINCH_OK;
}
