/* SPDX-License-Identifier: Apache-2.0 */
/* What values a data set holds. */
#include "data/dataset.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

enum { LOOK_BYTES = 1 << 26, CHUNK_BYTES = 1 << 20 };

typedef struct tally {
    double low, high, pivot, sum, squares; /* sums are about the pivot, the first value */
    int64_t count, nan, infinite;
} tally;

static const tally nothing = {.low = DBL_MAX, .high = -DBL_MAX};

static void add(tally *t, double x)
{
    if (t->count++ == 0) t->pivot = x;
    if (x < t->low) t->low = x;
    if (x > t->high) t->high = x;
    t->sum += x - t->pivot;
    t->squares += (x - t->pivot) * (x - t->pivot);
}

static void add_raw(tally *t, const cinch_dataset *d, const void *raw, int64_t count)
{
    const uint8_t *bytes = raw;
    const float *floats = raw;
    if (d->info.dtype == CINCH_U8) {
        for (int64_t i = 0; i < count; i++) add(t, bytes[i]);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        if (isfinite(floats[i])) add(t, floats[i]);
        else if (isnan(floats[i])) t->nan++;
        else t->infinite++;
    }
}

/* --- for people: everything --------------------------------------------------------------------------------------- */

static cinch_dataset_stats summary(const tally *t)
{
    cinch_dataset_stats s = {.nan = t->nan, .infinite = t->infinite};
    if (t->count == 0) return s;
    double mean = t->sum / (double)t->count, variance = t->squares / (double)t->count - mean * mean;
    s.min = t->low;
    s.max = t->high;
    s.mean = t->pivot + mean;
    s.deviation = sqrt(variance > 0 ? variance : 0);
    return s;
}

cinch_status cinch_dataset_measure(const cinch_dataset *data, cinch_dataset_stats *out)
{
    int64_t step = CHUNK_BYTES / (int64_t)data->row_bytes + 1;
    tally t = nothing;
    void *chunk = cinch_calloc((size_t)step, data->row_bytes);
    if (!chunk) return CINCH_DEVICE;
    cinch_status status = CINCH_OK;
    for (int64_t at = 0; at < data->info.rows && !status; at += step) {
        int64_t count = step < data->info.rows - at ? step : data->info.rows - at;
        status = cinch_dataset_read(data, at, count, chunk);
        if (!status) add_raw(&t, data, chunk, count * data->layout.count);
    }
    free(chunk);
    *out = summary(&t);
    return status;
}

/* --- for the model's output: a look at floats --------------------------------------------------------------------- */

static cinch_part first_part_with_rows(const cinch_dataset *d)
{
    cinch_part p = CINCH_PART_TRAIN;
    while (p < CINCH_PART_TEST && d->info.part[p] == 0) p++;
    return p;
}

/* Rows spread evenly over the part, as many as LOOK_BYTES hold. */
static cinch_status look(const cinch_dataset *d, tally *t, void *row)
{
    const int32_t *index;
    int64_t n = cinch_dataset_part(d, first_part_with_rows(d), &index), most = LOOK_BYTES / (int64_t)d->row_bytes + 1;
    int64_t count = n < most ? n : most;
    for (int64_t i = 0; i < count; i++) {
        TRY(cinch_dataset_gather(d, &index[(int64_t)((double)i * (double)n / (double)count)], 1, row));
        add_raw(t, d, row, d->layout.count);
    }
    return CINCH_OK;
}

static bool spans(const tally *t, double low, double high)
{
    double slack = 0.01 * (high - low);
    return t->low >= low && t->low <= low + slack && t->high <= high && t->high >= high - slack;
}

cinch_status cinch_dataset_find_range(cinch_dataset *data)
{
    cinch_dataset_info *info = &data->info;
    tally t = nothing;
    if (info->dtype == CINCH_U8 || info->low != info->high) return CINCH_OK;
    void *row = cinch_calloc(1, data->row_bytes);
    if (!row) return CINCH_DEVICE;
    cinch_status status = look(data, &t, row);
    free(row);
    if (status || t.nan || t.infinite) return status;
    if (spans(&t, 0, 1)) info->high = 1;
    else if (spans(&t, -1, 1)) {
        info->low = -1;
        info->high = 1;
    }
    return CINCH_OK;
}
