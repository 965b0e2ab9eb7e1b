/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a report. Here: reconstructions.png, typical samples and the worst, above what the model makes of them;
   samples.png, new ones. */
#include <cinch/report.h>

#include "core/status.h"
#include "report/grid.h"
#include "report/html.h"

#include <stdio.h>
#include <stdlib.h>

enum { SHOWN = 8, CAPTION = 16, SAMPLES = 64 };

/* --- reconstructions.png ------------------------------------------------------------------------------------------ */

typedef struct strip {
    int n;
    float *in, *target, *out;
    char text[SHOWN][CAPTION];
    const char *captions[SHOWN];
    cinch_grid_row rows[3];
    int n_rows;
} strip;

static void name_rows(strip *s, bool has_target)
{
    s->rows[s->n_rows++] = (cinch_grid_row){has_target ? "input" : "original", s->in, NULL};
    if (has_target) s->rows[s->n_rows++] = (cinch_grid_row){"target", s->target, NULL};
    s->rows[s->n_rows++] = (cinch_grid_row){"reconstruction", s->out, s->captions};
}

static cinch_status fill_strip(strip *s, const cinch_ranking *ranking, const cinch_ranked *chosen, int n)
{
    int32_t row[SHOWN];
    size_t numbers = (size_t)(n * ranking->size);
    s->n = n;
    s->in = cinch_calloc(numbers, sizeof *s->in);
    s->target = cinch_calloc(numbers, sizeof *s->target);
    s->out = cinch_calloc(numbers, sizeof *s->out);
    if (!s->in || !s->target || !s->out) return CINCH_DEVICE;
    for (int i = 0; i < n; i++) {
        row[i] = cinch_rows_at(&ranking->rows, chosen[i].place);
        snprintf(s->text[i], CAPTION, "%.3g", chosen[i].error);
        s->captions[i] = s->text[i];
    }
    name_rows(s, ranking->rows.target != NULL);
    return cinch_ranking_show(ranking, row, n, s->in, s->target, s->out);
}

static void free_strip(strip *s)
{
    free(s->in);
    free(s->target);
    free(s->out);
}

static cinch_status draw(const cinch_ranking *ranking, const strip *typical, const strip *worst, const char *path)
{
    char title[128];
    const cinch_model *model = cinch_run_model(ranking->run);
    cinch_sample in = cinch_model_sample(model), out = cinch_run_output(ranking->run);
    cinch_grid_section sections[] = {{"Typical (the middle of all errors)", typical->n, typical->rows, typical->n_rows},
                                     {"The worst", worst->n, worst->rows, worst->n_rows}};
    cinch_grid grid = {.title = title, .sections = sections, .n_sections = 2};
    snprintf(title, sizeof title, "%.40s: %s part, mean squared errors", cinch_model_name(model), ranking->rows.part);
    cinch_grid_shape(&grid, out.shape);
    cinch_grid_scales(&grid, ranking->rows.target ? &in : NULL, &out);
    return cinch_grid_write(path, &grid);
}

static cinch_status show(const cinch_ranking *ranking, const char *path)
{
    strip typical = {0}, worst = {0};
    cinch_ranked chosen[SHOWN];
    int count = ranking->rows.n < SHOWN ? (int)ranking->rows.n : SHOWN;
    cinch_ranking_typical(ranking, count, chosen);
    cinch_status status = fill_strip(&typical, ranking, chosen, count);
    if (!status) status = fill_strip(&worst, ranking, ranking->order, count);
    if (!status) status = draw(ranking, &typical, &worst, path);
    free_strip(&typical);
    free_strip(&worst);
    return status;
}

cinch_status cinch_report_reconstructions(cinch_run *run, const char *path)
{
    cinch_ranking ranking;
    cinch_status status = cinch_ranking_make(&ranking, run, CINCH_REPORT_ROWS);
    if (!status) status = show(&ranking, path);
    cinch_ranking_free(&ranking);
    return status;
}

/* --- samples.png -------------------------------------------------------------------------------------------------- */

static cinch_status draw_samples(const cinch_subject *s, const char *path)
{
    cinch_run *run = s->run;
    cinch_sample sample = cinch_run_output(run);
    cinch_sampling sampling = {.seed = s->seed, .label = -1};
    float *x = cinch_calloc((size_t)(SAMPLES * cinch_shape_count(sample.shape)), sizeof *x);
    cinch_status status = x ? cinch_run_sample(run, &sampling, SAMPLES, x) : CINCH_DEVICE;
    if (!status) status = cinch_report_samples(path, &sample, SAMPLES, x, NULL, NULL);
    free(x);
    return status;
}

/* --- all of a run ------------------------------------------------------------------------------------------------- */

/* write(subject, FOLDER/name) */
static cinch_status write_one(const cinch_subject *s, const char *name,
                              cinch_status (*write)(const cinch_subject *, const char *))
{
    TRY(cinch_stopped(s->stop));
    char *path = cinch_format("%s/%s", cinch_run_path(s->run), name);
    cinch_status status = path ? write(s, path) : CINCH_DEVICE;
    free(path);
    return status;
}

static cinch_status reconstructions(const cinch_subject *s, const char *path) { return show(&s->ranking, path); }

static cinch_status history(const cinch_subject *s, const char *path)
{
    return cinch_report_history(cinch_run_path(s->run), path);
}

static cinch_status write_files(const cinch_subject *s)
{
    TRY(write_one(s, "reconstructions.png", reconstructions));
    TRY(write_one(s, "history.png", history));
    if (cinch_model_is_variational(cinch_run_model(s->run))) TRY(write_one(s, "samples.png", draw_samples));
    return write_one(s, "report.html", cinch_html_write);
}

static cinch_status report(cinch_run *run, const cinch_report_options *o)
{
    cinch_subject subject;
    cinch_status status = cinch_subject_look(&subject, run, o->rows ? o->rows : CINCH_REPORT_ROWS, o->run.stop);
    if (o->run.seed) subject.seed = o->run.seed;
    if (!status) status = write_files(&subject);
    cinch_subject_free(&subject);
    return status;
}

cinch_status cinch_report_write(const char *run_path, const cinch_report_options *options)
{
    cinch_run *run;
    cinch_report_options o = options ? *options : (cinch_report_options){.rows = 0};
    if (o.rows < 0) return cinch_fail(CINCH_USAGE, "a report of %lld rows: give 1 or more, or 0", (long long)o.rows);
    TRY(cinch_run_open(&run, run_path, &o.run));
    cinch_status status = report(run, &o);
    cinch_run_free(run);
    return status;
}
