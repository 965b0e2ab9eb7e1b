/* SPDX-License-Identifier: Apache-2.0 */
/* What values a data set holds. */
#include "data/dataset.h"

#include "data/element.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* Looks at rows [rows, row] of raw values, the first of which is number `first`. */
typedef void (*visitor)(void *to, const cinch_dataset *d, const void *raw, int64_t first, int64_t rows);

static void add_rows(void *to, const cinch_dataset *d, const void *raw, int64_t first, int64_t rows)
{
    (void)first;
    tally *t = to;
    int64_t count = rows * d->layout.count;
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

static cinch_status visit(const cinch_dataset *d, int64_t first, int64_t rows, visitor look, void *to)
{
    int64_t step = CHUNK_BYTES / (int64_t)d->row_bytes + 1;
    if (step > rows) step = rows;
    void *chunk = cinch_calloc((size_t)step, d->row_bytes);
    if (!chunk) return CINCH_DEVICE;
    cinch_status status = CINCH_OK;
    for (int64_t at = 0; at < rows && !status; at += step) {
        int64_t n = step < rows - at ? step : rows - at;
        status = cinch_dataset_read(d, first + at, n, chunk);
        if (!status) look(to, d, chunk, first + at, n);
    }
    free(chunk);
    return status;
}

/* Those that the limit leaves of either part of the container. */
static cinch_status visit_used(const cinch_dataset *d, visitor look, void *to)
{
    const int64_t *count = d->source.count;
    for (int part = 0; part < 2; part++) {
        int64_t rows = d->limit > 0 && d->limit < count[part] ? d->limit : count[part];
        if (rows > 0) TRY(visit(d, part ? count[0] : 0, rows, look, to));
    }
    return CINCH_OK;
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
    tally t = nothing;
    cinch_status status = visit(data, 0, data->info.rows, add_rows, &t);
    *out = summary(&t);
    return status;
}

/* --- is all finite? ----------------------------------------------------------------------------------------------- */

/* The largest of all bit patterns without their signs: of what is not finite they are at least those of infinity. */
static void find_largest(void *to, const cinch_dataset *d, const void *raw, int64_t first, int64_t rows)
{
    (void)first;
    int32_t bits, largest = *(int32_t *)to;
    for (int64_t i = 0; i < rows * d->layout.count; i++) {
        memcpy(&bits, (const float *)raw + i, sizeof bits);
        bits &= INT32_MAX;
        largest = bits > largest ? bits : largest;
    }
    *(int32_t *)to = largest;
}

typedef struct gaps { int64_t count, first_row; } gaps;

static void count_gaps(void *to, const cinch_dataset *d, const void *raw, int64_t first, int64_t rows)
{
    gaps *g = to;
    const float *x = raw;
    for (int64_t i = 0; i < rows * d->layout.count; i++)
        if (!isfinite(x[i]) && g->count++ == 0) g->first_row = first + i / d->layout.count;
}

static cinch_status fail_gaps(const cinch_dataset *d, const char *otherwise)
{
    gaps g = {0};
    TRY(visit_used(d, count_gaps, &g));
    return cinch_fail(CINCH_DATA, "%s: %lld value%s not finite%s, the first in row %lld; repair the data%s%s",
                      d->name, (long long)g.count, g.count == 1 ? " is" : "s are",
                      d->source.element == CINCH_ELEMENT_F64 ? " as f32" : "", (long long)g.first_row,
                      otherwise ? ", or " : "", otherwise ? otherwise : "");
}

cinch_status cinch_dataset_check_finite(const cinch_dataset *d, const char *otherwise)
{
    static const int32_t infinity = 0x7F800000;
    int32_t largest = 0;
    if (d->info.dtype != CINCH_F32 || cinch_element_is_integer(d->source.element)) return CINCH_OK;
    TRY(visit_used(d, find_largest, &largest));
    return largest < infinity ? CINCH_OK : fail_gaps(d, otherwise);
}

/* --- bounds of some rows ------------------------------------------------------------------------------------------ */

cinch_status cinch_dataset_bounds(const cinch_dataset *d, const int32_t *index, int64_t count, double *low,
                                  double *high)
{
    tally t = nothing;
    void *row = cinch_calloc(1, d->row_bytes);
    cinch_status status = row ? CINCH_OK : CINCH_DEVICE;
    for (int64_t i = 0; i < count && !status; i++) {
        status = index ? cinch_dataset_gather(d, &index[i], 1, row) : cinch_dataset_read(d, i, 1, row);
        if (!status) add_rows(&t, d, row, 0, 1);
    }
    free(row);
    *low = t.count ? t.low * d->info.scale + d->info.offset : 0;
    *high = t.count ? t.high * d->info.scale + d->info.offset : 0;
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
        add_rows(t, d, row, 0, 1);
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
