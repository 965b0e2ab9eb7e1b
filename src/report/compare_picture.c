/* SPDX-License-Identifier: Apache-2.0 */
/* compare.png: the same samples above what each run makes of them. */
#include "report/compare.h"

#include "core/status.h"
#include "report/grid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 10, CAPTION = 16, TITLE = 80 };

/* --- which samples ------------------------------------------------------------------------------------------------ */

static bool same_samples(const cinch_run *a, const cinch_run *b)
{
    cinch_sample x = cinch_model_sample(cinch_run_model(a)), y = cinch_model_sample(cinch_run_model(b));
    bool same = x.shape.rank == y.shape.rank && x.low == y.low && x.high == y.high;
    for (int i = 0; same && i < x.shape.rank; i++) same = x.shape.dim[i] == y.shape.dim[i];
    return same;
}

static cinch_status check_samples(const cinch_contender *runs, int n)
{
    for (int i = 1; i < n; i++)
        if (!same_samples(runs[0].run, runs[i].run))
            return cinch_fail(CINCH_USAGE, "no picture, for %s and %s have samples of different shapes or ranges",
                              runs[0].name, runs[i].name);
    return CINCH_OK;
}

/* Whether two data sets of equal samples are the same, by their number of rows and some of these: by which path a data
   set was opened does not matter. */
static cinch_status compare_data(const cinch_dataset *a, const cinch_dataset *b, int64_t size, bool *same)
{
    enum { LOOKED_AT = 3 };
    int64_t rows = cinch_dataset_describe(a)->rows;
    int32_t index[LOOKED_AT] = {0, (int32_t)(rows / 2), (int32_t)(rows - 1)};
    size_t count = (size_t)(LOOKED_AT * size);
    *same = a == b;
    if (*same || cinch_dataset_describe(b)->rows != rows) return CINCH_OK;
    float *x = cinch_calloc(2 * count, sizeof *x);
    cinch_status status = x ? cinch_dataset_gather_float(a, index, LOOKED_AT, x) : CINCH_DEVICE;
    if (!status) status = cinch_dataset_gather_float(b, index, LOOKED_AT, x + count);
    if (!status) *same = !memcmp(x, x + count, count * sizeof *x);
    free(x);
    return status;
}

/* How many of the runs with the first one's data were measured on each of its rows. */
static cinch_status count_rows(const cinch_contender *runs, int n, int32_t *seen, int *sharing)
{
    *sharing = 0;
    for (int i = 0; i < n; i++) {
        bool same;
        TRY(compare_data(runs[0].rows.data, runs[i].rows.data, cinch_rows_sample_size(runs[0].run), &same));
        for (int64_t r = 0; same && r < runs[i].rows.n; r++) seen[cinch_rows_at(&runs[i].rows, r)]++;
        *sharing += same;
    }
    return CINCH_OK;
}

/* At even distances from all rows that each of the `sharing` runs has. */
static int choose_evenly(const cinch_run_rows *rows, const int32_t *seen, int sharing, int32_t out[SHOWN])
{
    int64_t common = 0, at = 0;
    int chosen = 0;
    for (int64_t r = 0; r < rows->n; r++) common += seen[cinch_rows_at(rows, r)] == sharing;
    int count = common < SHOWN ? (int)common : SHOWN;
    for (int64_t r = 0; r < rows->n && chosen < count; r++) {
        int32_t row = cinch_rows_at(rows, r);
        if (seen[row] != sharing) continue;
        if (at++ == common * chosen / count) out[chosen++] = row;
    }
    return count;
}

static cinch_status choose(const cinch_contender *runs, int n, int32_t out[SHOWN], int *count)
{
    int sharing;
    int32_t *seen = cinch_calloc((size_t)cinch_dataset_describe(runs[0].rows.data)->rows, sizeof *seen);
    cinch_status status = seen ? count_rows(runs, n, seen, &sharing) : CINCH_DEVICE;
    if (!status) *count = choose_evenly(&runs[0].rows, seen, sharing, out);
    free(seen);
    if (status || *count) return status;
    return cinch_fail(CINCH_USAGE, "no picture, for no sample is in every run's %s part", runs[0].rows.part);
}

/* --- the sheet ---------------------------------------------------------------------------------------------------- */

/* One row of it. */
typedef struct strip {
    float *values;
    char title[TITLE], text[SHOWN][CAPTION];
    const char *captions[SHOWN];
} strip;

typedef struct sheet {
    const cinch_contender *runs;
    int n, count;            /* runs, samples */
    int64_t size;            /* numbers of a sample */
    int32_t index[SHOWN], *label;
    float *x, *target;       /* target: what to reconstruct; x where that is the data itself */
    strip *strips;           /* [n] */
    cinch_grid_row *rows;    /* [1 + n] */
} sheet;

static cinch_status make_room(sheet *s)
{
    size_t numbers = (size_t)(s->count * s->size);
    s->x = cinch_calloc(2 * numbers, sizeof *s->x);
    s->strips = cinch_calloc((size_t)s->n, sizeof *s->strips);
    s->rows = cinch_calloc((size_t)s->n + 1, sizeof *s->rows);
    if (!s->x || !s->strips || !s->rows) return CINCH_DEVICE;
    s->target = s->x + numbers;
    for (int i = 0; i < s->n; i++)
        if (!(s->strips[i].values = cinch_calloc(numbers, sizeof(float)))) return CINCH_DEVICE;
    return CINCH_OK;
}

static void free_sheet(sheet *s)
{
    for (int i = 0; s->strips && i < s->n; i++) free(s->strips[i].values);
    free(s->x);
    free(s->label);
    free(s->strips);
    free(s->rows);
}

static cinch_status fill_strip(const sheet *s, strip *to, const cinch_contender *c, double mse)
{
    TRY(cinch_run_reconstruct(c->run, s->x, s->label, s->count, to->values));
    snprintf(to->title, TITLE, "%.18s  %.3g", c->name, mse);
    for (int i = 0; i < s->count; i++) {
        int64_t at = i * s->size;
        snprintf(to->text[i], CAPTION, "%.3g", cinch_mean_square(s->target + at, to->values + at, s->size));
        to->captions[i] = to->text[i];
    }
    return CINCH_OK;
}

static cinch_status fill(sheet *s, const cinch_comparison *found)
{
    const cinch_run_rows *rows = &s->runs[0].rows;
    TRY(make_room(s));
    TRY(cinch_rows_labels(rows->data, s->index, s->count, &s->label));
    TRY(cinch_dataset_gather_float(rows->data, s->index, s->count, s->x));
    TRY(cinch_dataset_gather_float(rows->target ? rows->target : rows->data, s->index, s->count, s->target));
    s->rows[0] = (cinch_grid_row){"original", s->x, NULL};
    for (int i = 0; i < s->n; i++) {
        TRY(fill_strip(s, &s->strips[i], &s->runs[i], found[i].evaluation.mse));
        s->rows[i + 1] = (cinch_grid_row){s->strips[i].title, s->strips[i].values, s->strips[i].captions};
    }
    return CINCH_OK;
}

/* "fashion-mnist" of "/usr/share/datasets/fashion-mnist" */
static const char *last_part(const char *data)
{
    const char *slash = strrchr(data, '/');
    return slash && slash[1] ? slash + 1 : data;
}

/* What comes out of all runs; without bounds where theirs differ. */
static cinch_sample output(const sheet *s)
{
    cinch_sample all = cinch_run_output(s->runs[0].run);
    for (int i = 1; i < s->n; i++) {
        cinch_sample one = cinch_run_output(s->runs[i].run);
        if (one.low != all.low || one.high != all.high) all.low = all.high = 0;
    }
    return all;
}

/* Whether a run was trained to give something else than the data. */
static bool gives_other(const sheet *s)
{
    bool other = false;
    for (int i = 0; i < s->n; i++) other |= cinch_config_data(cinch_run_config(s->runs[i].run))->target != NULL;
    return other;
}

static cinch_status draw(const sheet *s, const char *path)
{
    char title[TITLE];
    cinch_sample in = cinch_model_sample(cinch_run_model(s->runs[0].run)), out = output(s);
    cinch_grid_section section = {NULL, s->count, s->rows, s->n + 1};
    cinch_grid grid = {.title = title, .sections = &section, .n_sections = 1};
    snprintf(title, sizeof title, "%.30s, %s part: mean squared errors", last_part(s->runs[0].data),
             s->runs[0].rows.part);
    cinch_grid_shape(&grid, out.shape);
    cinch_grid_scales(&grid, gives_other(s) ? &in : NULL, &out);
    return cinch_grid_write(path, &grid);
}

cinch_status cinch_compare_draw(const cinch_contender *runs, int n, const cinch_comparison *found, const char *path)
{
    sheet s = {.runs = runs, .n = n, .size = cinch_rows_sample_size(runs[0].run)};
    TRY(check_samples(runs, n));
    TRY(choose(runs, n, s.index, &s.count));
    cinch_status status = fill(&s, found);
    if (!status) status = draw(&s, path);
    free_sheet(&s);
    return status;
}
