/* SPDX-License-Identifier: Apache-2.0 */
#include "train/run.h"

#include "core/status.h"
#include "train/fit.h"
#include "train/pca.h"
#include "train/sweep.h"
#include "train/target.h"

#include <cinch/ops.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- sums over a batch -------------------------------------------------------------------------------------------- */

enum { METRICS_MAX = 24 };

/* Losses are averages over the batch unless the loss is a sum; all else is a sum already. */
typedef enum quantity {
    LOSS, LOSS_RECON, LOSS_KL, LOSS_SPARSITY, LOSS_FLOOR, KL_ACTIVE, ACTIVE, AVERAGES,
    SQUARE = AVERAGES, ABSOLUTE, RELATIVE, RELATIVE_N, NOISY, DENOISED, OUTSIDE, QUANTITIES
} quantity;

static const char *const names[QUANTITIES] = {
    "loss", "loss_recon", "loss_kl", "loss_sparsity", "loss_floor", "kl_active", "active",
    "square", "absolute", "relative", "relative_n", "noisy", "denoised", "outside"};

typedef struct sums {
    cinch_run *run;
    double of[QUANTITIES];
    bool there[QUANTITIES];
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

static cinch_value square_of(cinch_graph *g, cinch_value d) { return sum_all(g, cinch_square(g, d)); }

/* What the model makes of the codes' means. */
static cinch_value reconstruct(const cinch_run *r, cinch_graph *g, const cinch_batch *batch)
{
    cinch_code code = cinch_model_encode(r->model, g, r->params, batch, CINCH_EVALUATE);
    return cinch_model_decode(r->model, g, r->params, code.mean, batch->label, CINCH_EVALUATE);
}

/* The evidence bound is an expectation over the posterior: its terms are those of a draw. */
static cinch_value write_loss(const cinch_run *r, cinch_graph *g, const cinch_batch *batch, int64_t n)
{
    cinch_value y;
    cinch_batch drawn = *batch;
    const cinch_loss_config *loss = cinch_config_loss(r->config);
    cinch_shape code = {.rank = cinch_model_code_shape(r->model).rank + 1, .dim = {n}};
    memcpy(code.dim + 1, cinch_model_code_shape(r->model).dim, (size_t)(code.rank - 1) * sizeof *code.dim);
    if (cinch_model_is_variational(r->model)) drawn.noise = cinch_normal(g, code, 0, 1);
    cinch_model_loss(r->model, g, r->params, &drawn, loss, CINCH_EVALUATE, &y);
    return cinch_valid(drawn.noise) ? reconstruct(r, g, batch) : y;
}

/* How far the input with its noise is from the clean one, and how far what the model makes of it. */
static void write_denoising(const cinch_run *r, cinch_graph *g, const cinch_batch *batch, cinch_value target)
{
    cinch_batch noisy = *batch;
    noisy.x = cinch_model_corrupt(r->model, g, batch->x);
    cinch_metric(g, names[NOISY], square_of(g, cinch_sub(g, noisy.x, target)));
    cinch_metric(g, names[DENOISED], square_of(g, cinch_sub(g, reconstruct(r, g, &noisy), target)));
}

static const char *loss_name(const cinch_run *r)
{
    const char *name = cinch_config_loss(r->config)->name;
    return strcmp(name, "auto") ? name : cinch_model_default_loss(r->model);
}

/* How many numbers of the target no bce is for. */
static void write_outside(cinch_graph *g, cinch_value target)
{
    cinch_value low = cinch_scalar(g, (float)-CINCH_UNIT_SLACK), high = cinch_scalar(g, (float)(1 + CINCH_UNIT_SLACK));
    cinch_value outside = cinch_add(g, cinch_greater(g, low, target), cinch_greater(g, target, high));
    cinch_metric(g, names[OUTSIDE], sum_all(g, outside));
}

static void write_errors(void *user, cinch_graph *g, const cinch_batch *batch, int64_t n)
{
    const cinch_run *r = ((sums *)user)->run;
    cinch_value target = cinch_valid(batch->target) ? batch->target : batch->x;
    cinch_value d = cinch_sub(g, write_loss(r, g, batch, n), target);
    cinch_metric(g, names[SQUARE], square_of(g, d));
    cinch_metric(g, names[ABSOLUTE], sum_all(g, cinch_abs(g, d)));
    write_relative(g, d, target, n);
    if (cinch_model_has_noise(r->model)) write_denoising(r, g, batch, target);
    if (cinch_target_wants_unit(loss_name(r))) write_outside(g, target);
}

static int find_quantity(const char *name)
{
    for (int q = 0; q < QUANTITIES; q++)
        if (!strcmp(names[q], name)) return q;
    return -1;
}

static cinch_status add_batch(void *user, cinch_plan *plan, int64_t n)
{
    sums *s = user;
    float values[METRICS_MAX];
    bool average = cinch_config_loss(s->run->config)->reduction != CINCH_SUM;
    if (cinch_plan_metric_count(plan) > METRICS_MAX) return cinch_fail(CINCH_INTERNAL, "too many metrics");
    TRY(cinch_plan_metrics(plan, 1, values));
    for (int i = 0; i < cinch_plan_metric_count(plan); i++) {
        int q = find_quantity(cinch_plan_metric_name(plan, i));
        if (q < 0) continue;
        bool share = q == KL_ACTIVE || q == ACTIVE;
        s->of[q] += (share || (q < AVERAGES && average) ? (double)n : 1) * (double)values[i];
        s->there[q] = true;
    }
    return CINCH_OK;
}

/* --- figures ------------------------------------------------------------------------------------------------------ */

static cinch_status sweep_errors(cinch_run *r, const cinch_feed_source *rows, sums *s)
{
    cinch_sweep sweep = {.device = r->device, .params = r->params, .precision = r->precision, .seed = r->seed,
                         .write = write_errors, .visit = add_batch, .user = s, .stop = r->stop};
    *s = (sums){.run = r};
    return cinch_sweep_run(&sweep, rows, r->batch_size);
}

/* NaN where the graph had no such quantity. */
static double average(const sums *s, quantity q, double n) { return s->there[q] ? s->of[q] / n : NAN; }

/* Of likelihoods; other losses bound no evidence. */
static double elbo_of(const cinch_run *r, const cinch_evaluation *e)
{
    const cinch_loss_config *loss = cinch_config_loss(r->config);
    const char *name = loss_name(r);
    bool likelihood = !strncmp(name, "bce", 3) || !strcmp(name, "gaussian");
    bool mean = !loss->reduction_auto && loss->reduction == CINCH_MEAN;
    double numbers = mean ? (double)cinch_shape_count(r->border.sample.shape) : 1;
    return likelihood ? -(numbers * e->loss_recon + e->loss_kl) : NAN; /* NaN, too, without a KL */
}

/* The loss of what it is not for would be a number without a meaning. */
static void leave_out_loss(cinch_evaluation *e)
{
    e->loss = e->loss_recon = e->kl_share = e->loss_floor = e->elbo = NAN;
    e->loss_note = "bce wants targets in [0,1], and these are not";
}

static void fill(cinch_evaluation *e, const sums *s, const cinch_run *r)
{
    double n = (double)e->n, numbers = n * (double)cinch_shape_count(r->border.sample.shape);
    e->loss = average(s, LOSS, n);
    e->loss_recon = average(s, LOSS_RECON, n);
    e->loss_kl = average(s, LOSS_KL, n);
    e->kl_share = cinch_kl_share(e->loss_recon, e->loss_kl);
    e->loss_sparsity = average(s, LOSS_SPARSITY, n);
    e->loss_floor = average(s, LOSS_FLOOR, n);
    e->kl_active = isnan(e->loss_kl) ? NAN : average(s, KL_ACTIVE, n); /* what is no number is counted as inactive */
    e->active = average(s, ACTIVE, n);
    e->elbo = elbo_of(r, e);
    e->mse = average(s, SQUARE, numbers);
    e->rmse = sqrt(e->mse);
    e->mae = average(s, ABSOLUTE, numbers);
    e->rel_l2 = s->of[RELATIVE_N] > 0 ? s->of[RELATIVE] / s->of[RELATIVE_N] : NAN;
    e->noisy_mse = average(s, NOISY, numbers);
    e->denoised_mse = average(s, DENOISED, numbers);
    e->parameters = cinch_params_total(r->params);
    if (s->of[OUTSIDE] > 0) leave_out_loss(e);
}

/* --- PCA beside it ------------------------------------------------------------------------------------------------ */

static cinch_status measure_pca(cinch_run *r, const cinch_feed_source *rows, double *mse)
{
    cinch_feed_source training;
    cinch_pca pca;
    TRY(cinch_run_training_rows(r, &training));
    TRY(cinch_pca_fit(&pca, r->device, &training, cinch_shape_count(cinch_model_code_shape(r->model)), r->stop));
    cinch_status status = cinch_pca_error(&pca, r->device, rows, r->stop, mse);
    bool finite = status || isfinite(*mse);
    snprintf(r->pca_note, sizeof r->pca_note, "%s", finite ? pca.note : "not finite: the data holds nan or inf");
    cinch_pca_free(&pca);
    return status;
}

static cinch_status no_pca(cinch_run *r, const char *reason, double *mse)
{
    snprintf(r->pca_note, sizeof r->pca_note, "%s", reason);
    *mse = NAN;
    return CINCH_OK;
}

/* A baseline that cannot be had is a reason to say, not an error; only memory and being stopped are. */
static cinch_status compare_with_pca(cinch_run *r, const cinch_feed_source *rows, double *mse)
{
    if (rows->target && rows->target != rows->data)
        return no_pca(r, "PCA is of the data, and the target is another", mse);
    cinch_status status = measure_pca(r, rows, mse);
    if (!status || status == CINCH_DEVICE) return status;
    TRY(cinch_stopped(r->stop));
    return no_pca(r, cinch_last_error(), mse);
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
    cinch_feed_source source = {.data = rows->data, .index = rows->index, .count = rows->n, .target = rows->target};
    TRY(cinch_run_labels(r, rows->data, &source.labels));
    *out = (cinch_evaluation){.part = rows->part, .n = rows->n};
    TRY(sweep_errors(r, &source, &s));
    fill(out, &s, r);
    TRY(compare_with_pca(r, &source, &out->pca_mse));
    out->pca_note = r->pca_note;
    return CINCH_OK;
}
