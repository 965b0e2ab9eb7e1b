/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a data set: raw, as values, and back to the container's form. */
#include "data/dataset.h"

#include "data/element.h"

#include <string.h>

/* --- one row ------------------------------------------------------------------------------------------------------ */

static const uint8_t *row_at(const cinch_dataset *d, int64_t row)
{
    const cinch_source *s = &d->source;
    int part = row >= s->count[0];
    return s->rows[part] + (size_t)(row - (part ? s->count[0] : 0)) * d->source_row_bytes;
}

/* [planes, count / planes] to [count / planes, planes]. */
static void transpose_bytes(const cinch_layout *l, const uint8_t *in, uint8_t *out)
{
    int64_t within = l->count / l->planes;
    for (int64_t p = 0; p < l->planes; p++)
        for (int64_t i = 0; i < within; i++) out[i * l->planes + p] = in[p * within + i];
}

static void convert_floats(const cinch_dataset *d, const uint8_t *in, float *out)
{
    const cinch_layout *l = &d->layout;
    int64_t within = l->count / l->planes;
    size_t plane_bytes = (size_t)within * cinch_element_size(d->source.element);
    for (int64_t p = 0; p < l->planes; p++)
        cinch_element_convert(d->source.element, d->source.swapped, in + (size_t)p * plane_bytes, within, out + p,
                              l->planes);
}

static cinch_status copy_row(const cinch_dataset *d, int64_t row, void *out)
{
    if (!d->source.rows[0]) return d->source.read(&d->source, row, 1, out);
    if (d->plain) memcpy(out, row_at(d, row), d->row_bytes);
    else if (d->info.dtype == CINCH_U8) transpose_bytes(&d->layout, row_at(d, row), out);
    else convert_floats(d, row_at(d, row), out);
    return CINCH_OK;
}

/* --- raw rows ----------------------------------------------------------------------------------------------------- */

static cinch_status no_such_row(const cinch_dataset *d, int64_t row)
{
    return cinch_fail(CINCH_USAGE, "%s: row %lld is asked for, there are %lld", d->name, (long long)row,
                      (long long)d->info.rows);
}

cinch_status cinch_dataset_gather(const cinch_dataset *data, const int32_t *index, int64_t count, void *out)
{
    uint8_t *at = out;
    for (int64_t i = 0; i < count; i++, at += data->row_bytes) {
        if (index[i] < 0 || index[i] >= data->info.rows) return no_such_row(data, index[i]);
        TRY(copy_row(data, index[i], at));
    }
    return CINCH_OK;
}

cinch_status cinch_dataset_read(const cinch_dataset *data, int64_t first, int64_t count, void *out)
{
    uint8_t *at = out;
    if (first < 0 || count < 0 || count > data->info.rows - first)
        return cinch_fail(CINCH_USAGE, "%s: %lld rows from row %lld are asked for, there are %lld", data->name,
                          (long long)count, (long long)first, (long long)data->info.rows);
    if (!data->source.rows[0]) return data->source.read(&data->source, first, count, out);
    for (int64_t i = 0; i < count; i++, at += data->row_bytes) TRY(copy_row(data, first + i, at));
    return CINCH_OK;
}

const void *cinch_dataset_rows(const cinch_dataset *data)
{
    const cinch_source *s = &data->source;
    bool aligned = (uintptr_t)s->rows[0] % cinch_dtype_size(data->info.dtype) == 0;
    bool together = s->count[1] == 0 || s->rows[1] == s->rows[0] + (size_t)s->count[0] * data->row_bytes;
    return s->rows[0] && data->plain && aligned && together ? s->rows[0] : NULL;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

/* Raw bytes stand in the last quarter of the row of floats they become: reading stays ahead of writing. */
static cinch_status byte_values(const cinch_dataset *d, int64_t row, float *out)
{
    float scale = (float)d->info.scale, offset = (float)d->info.offset;
    const uint8_t *raw = (uint8_t *)out + 3 * d->row_bytes;
    TRY(copy_row(d, row, (uint8_t *)out + 3 * d->row_bytes));
    for (int64_t i = 0; i < d->layout.count; i++) {
        float value = (float)raw[i] * scale + offset;
        memcpy(&out[i], &value, sizeof value);
    }
    return CINCH_OK;
}

static cinch_status float_values(const cinch_dataset *d, int64_t row, float *out)
{
    float scale = (float)d->info.scale, offset = (float)d->info.offset;
    TRY(copy_row(d, row, out));
    if (scale == 1 && offset == 0) return CINCH_OK;
    for (int64_t i = 0; i < d->layout.count; i++) out[i] = out[i] * scale + offset;
    return CINCH_OK;
}

cinch_status cinch_dataset_gather_float(const cinch_dataset *data, const int32_t *index, int64_t count, float *out)
{
    for (int64_t i = 0; i < count; i++, out += data->layout.count) {
        int64_t row = index ? index[i] : i;
        if (row < 0 || row >= data->info.rows) return no_such_row(data, row);
        TRY(data->info.dtype == CINCH_U8 ? byte_values(data, row, out) : float_values(data, row, out));
    }
    return CINCH_OK;
}

void cinch_dataset_restore(const cinch_dataset *data, const float *values, int64_t count, float *out)
{
    const cinch_layout *l = &data->layout;
    int64_t within = l->count / l->planes;
    double scale = data->info.scale, offset = data->info.offset;
    for (int64_t n = 0; n < count; n++, values += l->count, out += l->count)
        for (int64_t p = 0; p < l->planes; p++)
            for (int64_t i = 0; i < within; i++)
                out[p * within + i] = (float)((values[i * l->planes + p] - offset) / scale);
}
