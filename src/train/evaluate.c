/* SPDX-License-Identifier: Apache-2.0 */
#include "train/run.h"

#include "core/status.h"
#include "train/pca.h"
#include "train/sweep.h"

#include <cinch/ops.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- sums over a batch -------------------------------------------------------------------------------------------------- */

enum { METRICS_MAX = 16 };

typedef struct sums {
    cinch_run *run;
    double loss, loss_recon, square, absolute, relative, relative_n;
} sums;

static cinch_value sum_all(cinch_graph *g, cinch_value x) { return cinch_sum(g, x, CINCH_ALL_AXES, false); }

/* sum over samples of |d| / |x|, and how many samples are not zero. */
static void write_relative(cinch_graph *g, cinch_value d, cinch_value x, int64_t n)
{
    cinch_shape rows = CINCH_SHAPE(n, -1);
    cinch_value error = cinch_sum(g, cinch_square(g, cinch_reshape(g, d, rows)), CINCH_LAST(1), false);
    cinch_value size = cinch_sum(g, cinch_square(g, cinch_reshape(g, x, rows)), CINCH_LAST(1), false);
    cinch_value counts = cinch_greater(g, size, cinch_scalar(g, 0));
    cinch_value safe = cinch_maximum(g, size, cinch_affine(g, counts, -1, 1)); /* 1 where the sample is zero */
    cinch_metric(g, "relative", sum_all(g, cinch_mul(g, counts, cinch_sqrt(g, cinch_div(g, error, safe)))));
    cinch_metric(g, "relative_n", sum_all(g, counts));
}

static void write_errors(void *user, cinch_graph *g, cinch_value x, int64_t n)
{
    cinch_run *r = ((sums *)user)->run;
    cinch_value y;
    cinch_model_loss(r->model, g, r->params, &(cinch_batch){.x = x}, cinch_config_loss(r->config), CINCH_EVALUATE, &y);
    cinch_value d = cinch_sub(g, y, x);
    cinch_metric(g, "square", sum_all(g, cinch_square(g, d)));
    cinch_metric(g, "absolute", sum_all(g, cinch_abs(g, d)));
    write_relative(g, d, x, n);
}

static double *field(sums *s, const char *name)
{
    if (!strcmp(name, "loss")) return &s->loss;
    if (!strcmp(name, "loss_recon")) return &s->loss_recon;
    if (!strcmp(name, "square")) return &s->square;
    if (!strcmp(name, "absolute")) return &s->absolute;
    if (!strcmp(name, "relative")) return &s->relative;
    return !strcmp(name, "relative_n") ? &s->relative_n : NULL;
}

/* Losses that are averages over the batch count by its samples; all else is a sum already. */
static cinch_status add_batch(void *user, cinch_plan *plan, int64_t n)
{
    sums *s = user;
    float values[METRICS_MAX];
    bool average = cinch_config_loss(s->run->config)->reduction != CINCH_SUM;
    if (cinch_plan_metric_count(plan) > METRICS_MAX) return cinch_fail(CINCH_INTERNAL, "too many metrics");
    TRY(cinch_plan_metrics(plan, 1, values));
    for (int i = 0; i < cinch_plan_metric_count(plan); i++) {
        const char *name = cinch_plan_metric_name(plan, i);
        double *to = field(s, name), weight = average && !strncmp(name, "loss", 4) ? (double)n : 1;
        if (to) *to += weight * (double)values[i];
    }
    return CINCH_OK;
}

/* --- figures -------------------------------------------------------------------------------------------------------------- */

static cinch_status sweep_errors(cinch_run *r, const cinch_feed_source *rows, sums *s)
{
    cinch_sweep sweep = {.device = r->device, .params = r->params, .precision = cinch_config_train(r->config)->precision,
                         .write = write_errors, .visit = add_batch, .user = s};
    *s = (sums){.run = r};
    return cinch_sweep_run(&sweep, rows, r->batch_size);
}

static void fill(cinch_evaluation *e, const sums *s, const cinch_run *r)
{
    double n = (double)e->n, numbers = n * (double)cinch_shape_count(r->border.sample.shape);
    e->loss = s->loss / n;
    e->loss_recon = s->loss_recon / n;
    e->mse = s->square / numbers;
    e->rmse = sqrt(e->mse);
    e->mae = s->absolute / numbers;
    e->rel_l2 = s->relative_n > 0 ? s->relative / s->relative_n : NAN;
    e->parameters = cinch_params_total(r->params);
}

/* --- PCA beside it --------------------------------------------------------------------------------------------------------- */

static cinch_status measure_pca(cinch_run *r, const cinch_feed_source *rows, double *mse)
{
    cinch_feed_source training;
    cinch_pca pca;
    TRY(cinch_run_training_rows(r, &training));
    TRY(cinch_pca_fit(&pca, r->device, &training, cinch_shape_count(cinch_model_code_shape(r->model))));
    cinch_status status = cinch_pca_error(&pca, r->device, rows, mse);
    snprintf(r->pca_note, sizeof r->pca_note, "%s", pca.note);
    cinch_pca_free(&pca);
    return status;
}

/* A baseline that cannot be had is a reason to say, not an error; only memory is. */
static cinch_status compare_with_pca(cinch_run *r, const cinch_feed_source *rows, double *mse)
{
    cinch_status status = measure_pca(r, rows, mse);
    if (!status || status == CINCH_DEVICE) return status;
    snprintf(r->pca_note, sizeof r->pca_note, "%s", cinch_last_error());
    *mse = NAN;
    return CINCH_OK;
}

cinch_status cinch_run_evaluate(cinch_run *r, cinch_dataset *data, cinch_evaluation *out)
{
    cinch_run_rows rows;
    TRY(cinch_run_rows_of(r, data, &rows));
    return cinch_run_evaluate_rows(r, &rows, out);
}

cinch_status cinch_run_evaluate_rows(cinch_run *r, const cinch_run_rows *rows, cinch_evaluation *out)
{
    sums s;
    cinch_feed_source source = {.data = rows->data, .index = rows->index, .count = rows->n};
    *out = (cinch_evaluation){.part = rows->part, .n = rows->n};
    TRY(sweep_errors(r, &source, &s));
    fill(out, &s, r);
    TRY(compare_with_pca(r, &source, &out->pca_mse));
    out->pca_note = r->pca_note;
    return CINCH_OK;
}
