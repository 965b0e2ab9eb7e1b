/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of several runs: errors beside PCA's, what training took, how fast they reconstruct. */
#include "report/compare.h"

#include "core/json.h"
#include "core/status.h"
#include "data/text_file.h"
#include "train/clock.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TIMED = 1024 /* samples at a time, if they are not large */, TIMED_NUMBERS = 1 << 23 };
static const double timed_seconds = 0.1;

/* --- how fast ----------------------------------------------------------------------------------------------------- */

typedef struct timed {
    int64_t n;
    int32_t *index, *label;
    float *x, *y;
} timed;

/* The rows that are measured, again and again, so that few rows fill whole batches too. */
static cinch_status fill_timed(timed *t, const cinch_contender *c)
{
    int64_t size = cinch_rows_sample_size(c->run), most = TIMED_NUMBERS / size;
    t->n = most < 1 ? 1 : most < TIMED ? most : TIMED;
    t->index = cinch_calloc((size_t)t->n, sizeof *t->index);
    t->x = cinch_calloc((size_t)(t->n * size), sizeof *t->x);
    t->y = cinch_calloc((size_t)(t->n * size), sizeof *t->y);
    if (!t->index || !t->x || !t->y) return CINCH_DEVICE;
    for (int64_t i = 0; i < t->n; i++) t->index[i] = cinch_rows_at(&c->rows, i % c->rows.n);
    TRY(cinch_rows_labels(c->rows.data, t->index, t->n, &t->label));
    return cinch_dataset_gather_float(c->rows.data, t->index, t->n, t->x);
}

/* The first pass makes the plan and is not timed. */
static cinch_status time_passes(const timed *t, cinch_run *run, double *samples_per_s)
{
    int64_t passes = 0;
    double seconds = 0;
    TRY(cinch_run_reconstruct(run, t->x, t->label, t->n, t->y));
    for (double start = cinch_seconds(); seconds < timed_seconds; passes++, seconds = cinch_seconds() - start)
        TRY(cinch_run_reconstruct(run, t->x, t->label, t->n, t->y));
    *samples_per_s = (double)(passes * t->n) / seconds;
    return CINCH_OK;
}

static cinch_status measure_speed(const cinch_contender *c, double *samples_per_s)
{
    timed t = {0};
    cinch_status status = fill_timed(&t, c);
    if (!status) status = time_passes(&t, c->run, samples_per_s);
    free(t.index);
    free(t.label);
    free(t.x);
    free(t.y);
    return status;
}

/* --- all figures -------------------------------------------------------------------------------------------------- */

static cinch_status measure(const cinch_contender *c, cinch_comparison *out)
{
    out->latent_dim = cinch_shape_count(cinch_model_code_shape(cinch_run_model(c->run)));
    TRY(cinch_run_standing(cinch_run_path(c->run), &out->standing));
    TRY(cinch_run_evaluate_rows(c->run, &c->rows, &out->evaluation));
    return measure_speed(c, &out->samples_per_s);
}

cinch_status cinch_report_compare(const cinch_contender *runs, int n, cinch_comparison *out)
{
    for (int i = 0; i < n; i++) {
        cinch_status status = measure(&runs[i], &out[i]);
        bool named = strstr(cinch_last_error(), cinch_run_path(runs[i].run));
        if (status) return named ? status : cinch_fail_in(status, cinch_run_path(runs[i].run));
    }
    return CINCH_OK;
}

/* --- as JSON ------------------------------------------------------------------------------------------------------ */

static json_t *number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

static cinch_status put_run(json_t *o, const cinch_contender *c, const cinch_comparison *found)
{
    TRY(cinch_json_put(o, "name", cinch_json_lossy(c->name)));
    TRY(cinch_json_put(o, "run", cinch_json_lossy(cinch_run_path(c->run))));
    TRY(cinch_json_put(o, "model", cinch_json_lossy(cinch_model_name(cinch_run_model(c->run)))));
    TRY(cinch_json_put(o, "latent_dim", json_integer(found->latent_dim)));
    TRY(cinch_json_put(o, "parameters", json_integer(found->evaluation.parameters)));
    return cinch_json_put(o, "data", cinch_json_lossy(c->data));
}

static cinch_status put_errors(json_t *o, const cinch_evaluation *e)
{
    TRY(cinch_json_put(o, "part", cinch_json_lossy(e->part)));
    TRY(cinch_json_put(o, "n", json_integer(e->n)));
    TRY(cinch_json_put(o, "mse", number(e->mse)));
    TRY(cinch_json_put(o, "pca_mse", number(e->pca_mse)));
    TRY(cinch_json_put(o, "pca_note", cinch_json_lossy(e->pca_note)));
    return cinch_json_put(o, "pca_share", number(e->mse / e->pca_mse));
}

static cinch_status put_times(json_t *o, const cinch_comparison *found)
{
    bool known = isfinite(found->standing.elapsed_s);
    TRY(cinch_json_put(o, "epochs", known ? json_integer(found->standing.epochs) : json_null()));
    TRY(cinch_json_put(o, "steps", known ? json_integer(found->standing.steps) : json_null()));
    TRY(cinch_json_put(o, "elapsed_s", number(found->standing.elapsed_s)));
    return cinch_json_put(o, "reconstruct_samples_per_s", number(found->samples_per_s));
}

static cinch_status put_all(json_t *array, const cinch_contender *runs, int n, const cinch_comparison *found)
{
    for (int i = 0; i < n; i++) {
        json_t *o = json_object();
        TRY(cinch_json_append(array, o)); /* the array's from here on */
        TRY(put_run(o, &runs[i], &found[i]));
        TRY(put_errors(o, &found[i].evaluation));
        TRY(put_times(o, &found[i]));
    }
    return CINCH_OK;
}

cinch_status cinch_report_compare_json(const cinch_contender *runs, int n, const cinch_comparison *found, char **json)
{
    json_t *array = json_array();
    *json = NULL;
    if (!array) return cinch_fail(CINCH_DEVICE, "out of memory");
    cinch_status status = put_all(array, runs, n, found);
    if (!status) status = cinch_json_text(json, array, 0);
    json_decref(array);
    return status;
}

/* --- into a folder ------------------------------------------------------------------------------------------------ */

static cinch_status write_json(const cinch_contender *runs, int n, const cinch_comparison *found, const char *path)
{
    char *json;
    TRY(cinch_report_compare_json(runs, n, found, &json));
    cinch_status status = cinch_write_text(path, json);
    cinch_free(json);
    return status;
}

/* A picture of other runs would be taken for one of these. */
static cinch_status write_picture(const cinch_contender *runs, int n, const cinch_comparison *found, const char *path,
                                  const char **why)
{
    cinch_status status = cinch_compare_draw(runs, n, found, path);
    if (status != CINCH_USAGE) return status;
    *why = cinch_last_error();
    if (unlink(path) == 0 || errno == ENOENT) return CINCH_OK;
    return cinch_fail(CINCH_OUTPUT, "%s: cannot be removed: %s", path, strerror(errno));
}

cinch_status cinch_report_compare_write(const cinch_contender *runs, int n, const cinch_comparison *found,
                                        const char *folder, const char **why)
{
    const char *unused;
    why = why ? why : &unused;
    *why = NULL;
    TRY(cinch_make_folders(folder));
    char *json = cinch_format("%s/compare.json", folder), *picture = cinch_format("%s/compare.png", folder);
    cinch_status status = json && picture ? write_picture(runs, n, found, picture, why) : CINCH_DEVICE;
    if (!status) status = write_json(runs, n, found, json);
    free(json);
    free(picture);
    return status;
}
