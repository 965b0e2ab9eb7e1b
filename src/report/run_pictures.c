/* SPDX-License-Identifier: Apache-2.0 */
/* reconstructions.png: typical samples and the worst, above what the model makes of them. */
#include <cinch/report.h>

#include "core/status.h"
#include "report/grid.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 8, CHUNK = 256, MOST = 20000, CAPTION = 16 };

typedef struct ranked {
    int64_t place;  /* in the rows */
    double error;
} ranked;

/* --- which samples --------------------------------------------------------------------------------------------------------- */

/* The first part that has rows, of those that tell most. */
static cinch_run_rows rows_to_show(cinch_dataset *data)
{
    static const cinch_part parts[] = {CINCH_PART_TEST, CINCH_PART_VAL, CINCH_PART_TRAIN};
    cinch_run_rows rows = {.data = data};
    for (int i = 0; i < 3 && !rows.n; i++) {
        rows.part = cinch_part_name(parts[i]);
        rows.n = cinch_dataset_part(data, parts[i], &rows.index);
    }
    if (rows.n > MOST) rows.n = MOST;
    return rows;
}

static double mean_square(const float *x, const float *y, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
    return sum / (double)n;
}

/* The listed rows, whose values are x, with the labels that a conditional model wants. */
static cinch_status reconstruct(cinch_run *run, const cinch_run_rows *rows, const int32_t *index, const float *x, int64_t n,
                                float *y)
{
    const int32_t *labels = cinch_dataset_labels(rows->data);
    int32_t *label = labels ? cinch_calloc((size_t)n, sizeof *label) : NULL;
    if (labels && !label) return CINCH_DEVICE;
    for (int64_t i = 0; label && i < n; i++) label[i] = labels[index[i]];
    cinch_status status = cinch_run_reconstruct(run, x, label, n, y);
    free(label);
    return status;
}

static cinch_status rank_chunk(cinch_run *run, const cinch_run_rows *rows, int64_t first, int64_t n, float *memory,
                               ranked *out)
{
    int64_t size = cinch_shape_count(cinch_dataset_describe(rows->data)->sample);
    float *x = memory, *y = memory + CHUNK * size;
    TRY(cinch_dataset_gather_float(rows->data, rows->index + first, n, x));
    TRY(reconstruct(run, rows, rows->index + first, x, n, y));
    for (int64_t i = 0; i < n; i++) out[i] = (ranked){first + i, mean_square(x + i * size, y + i * size, size)};
    return CINCH_OK;
}

/* By error, descending; what is not a number comes first. */
static int worse_first(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (isnan(x->error) != isnan(y->error)) return isnan(x->error) ? -1 : 1;
    if (x->error != y->error && !isnan(x->error)) return x->error > y->error ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

static cinch_status rank(cinch_run *run, const cinch_run_rows *rows, ranked *out)
{
    int64_t size = cinch_shape_count(cinch_dataset_describe(rows->data)->sample);
    float *memory = cinch_calloc((size_t)(2 * CHUNK * size), sizeof *memory);
    cinch_status status = memory ? CINCH_OK : CINCH_DEVICE;
    for (int64_t first = 0; !status && first < rows->n; first += CHUNK) {
        int64_t n = rows->n - first < CHUNK ? rows->n - first : CHUNK;
        status = rank_chunk(run, rows, first, n, memory, out + first);
    }
    free(memory);
    if (!status) qsort(out, (size_t)rows->n, sizeof *out, worse_first);
    return status;
}

/* --- the sheet --------------------------------------------------------------------------------------------------------------- */

typedef struct strip {
    int n;
    float *x, *y;
    char text[SHOWN][CAPTION];
    const char *captions[SHOWN];
    cinch_grid_row rows[2];
} strip;

static cinch_status fill_strip(strip *s, cinch_run *run, const cinch_run_rows *rows, const ranked *chosen, int n)
{
    int64_t size = cinch_shape_count(cinch_dataset_describe(rows->data)->sample);
    int32_t index[SHOWN];
    s->n = n;
    s->x = cinch_calloc((size_t)(n * size), sizeof *s->x);
    s->y = cinch_calloc((size_t)(n * size), sizeof *s->y);
    if (!s->x || !s->y) return CINCH_DEVICE;
    for (int i = 0; i < n; i++) {
        index[i] = rows->index[chosen[i].place];
        snprintf(s->text[i], CAPTION, "%.3g", chosen[i].error);
        s->captions[i] = s->text[i];
    }
    s->rows[0] = (cinch_grid_row){"original", s->x, NULL};
    s->rows[1] = (cinch_grid_row){"reconstruction", s->y, s->captions};
    TRY(cinch_dataset_gather_float(rows->data, index, n, s->x));
    return reconstruct(run, rows, index, s->x, n, s->y);
}

static void free_strip(strip *s)
{
    free(s->x);
    free(s->y);
}

static cinch_status draw(cinch_run *run, const char *part, strip *typical, strip *worst, const char *path)
{
    char title[128];
    cinch_sample sample = cinch_model_sample(cinch_run_model(run));
    cinch_grid_section sections[] = {{"Typical (the middle of all errors)", typical->n, typical->rows, 2},
                                     {"The worst", worst->n, worst->rows, 2}};
    cinch_grid grid = {.title = title, .low = sample.low, .high = sample.high, .sections = sections, .n_sections = 2};
    if (!(sample.low < sample.high)) grid.low = grid.high = 0;
    snprintf(title, sizeof title, "%.40s: %s part, mean squared errors", cinch_model_name(cinch_run_model(run)), part);
    cinch_grid_shape(&grid, sample.shape);
    return cinch_grid_write(path, &grid);
}

/* Typical: evenly from the middle fifth of the order. */
static void choose_typical(const ranked *order, int64_t n, ranked *out, int count)
{
    int64_t first = n * 2 / 5, span = n / 5 > count ? n / 5 : count;
    if (first + span > n) first = n - span;
    for (int i = 0; i < count; i++) out[i] = order[first + span * i / count];
}

static cinch_status show(cinch_run *run, const cinch_run_rows *rows, const ranked *order, const char *path)
{
    strip typical = {0}, worst = {0};
    ranked chosen[SHOWN];
    int count = rows->n < SHOWN ? (int)rows->n : SHOWN;
    choose_typical(order, rows->n, chosen, count);
    cinch_status status = fill_strip(&typical, run, rows, chosen, count);
    if (!status) status = fill_strip(&worst, run, rows, order, count);
    if (!status) status = draw(run, rows->part, &typical, &worst, path);
    free_strip(&typical);
    free_strip(&worst);
    return status;
}

cinch_status cinch_report_reconstructions(cinch_run *run, const char *path)
{
    cinch_dataset *data;
    TRY(cinch_run_dataset(run, &data));
    cinch_run_rows rows = rows_to_show(data);
    ranked *order = cinch_calloc((size_t)rows.n, sizeof *order);
    if (!order) return CINCH_DEVICE;
    cinch_status status = rank(run, &rows, order);
    if (!status) status = show(run, &rows, order, path);
    free(order);
    return status;
}

/* --- both ----------------------------------------------------------------------------------------------------------------------- */

static cinch_status write_into_folder(cinch_run *run)
{
    char *grid = cinch_format("%s/reconstructions.png", cinch_run_path(run));
    char *history = cinch_format("%s/history.png", cinch_run_path(run));
    cinch_status status = grid && history ? cinch_report_reconstructions(run, grid) : CINCH_DEVICE;
    if (!status) status = cinch_report_history(cinch_run_path(run), history);
    free(grid);
    free(history);
    return status;
}

cinch_status cinch_report_pictures(const char *run_path, const cinch_run_options *options)
{
    cinch_run *run;
    TRY(cinch_run_open(&run, run_path, options));
    cinch_status status = write_into_folder(run);
    cinch_run_free(run);
    return status;
}
