/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at metrics some time after the steps that made them: adds up, logs, tells the caller. */
#include "train/fit.h"

#include "core/status.h"
#include "train/clock.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- telling ------------------------------------------------------------------------------------------------------ */

static double elapsed(const cinch_fit *f) { return f->resumed_elapsed + cinch_seconds() - f->started; }

static cinch_progress progress_at(const cinch_fit *f, const char *event, int64_t step, int64_t epoch)
{
    return (cinch_progress){.event = event, .step = step, .steps = cinch_fit_steps(f), .epoch = epoch,
                            .epochs = f->source.train->epochs, .loss = NAN, .loss_recon = NAN, .loss_kl = NAN,
                            .val_loss = NAN, .lr = f->lr, .grad_norm = NAN, .samples_per_s = NAN,
                            .elapsed_s = elapsed(f)};
}

static void tell(const cinch_fit *f, const cinch_progress *p)
{
    if (f->options->progress) f->options->progress(f->options->user, p);
}

static void say(cinch_fit *f, const char *event, const char *format, va_list args)
{
    cinch_progress p = progress_at(f, event, f->state.step, f->state.epoch);
    vsnprintf(f->note, sizeof f->note, format, args);
    p.note = f->note;
    tell(f, &p);
}

void cinch_observe_start(cinch_fit *f, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(f, "start", format, args);
    va_end(args);
}

void cinch_observe_note(cinch_fit *f, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(f, "note", format, args);
    va_end(args);
}

/* --- metrics by name: those of the plans that have a batch, the gradient's norm apart ----------------------------- */

static const char *metric_name(const cinch_fit *f, int i) { return cinch_plan_metric_name(f->steps.at[0].plan, i); }

static int metric_count(const cinch_fit *f)
{
    int n = cinch_plan_metric_count(f->steps.at[0].plan);
    return n > 0 && !strcmp(metric_name(f, n - 1), "grad_norm") ? n - 1 : n;
}

/* Losses that are sums over a batch are added up, all else is averaged over samples. */
static bool is_sum(const cinch_fit *f, const char *metric)
{
    return f->source.loss->reduction == CINCH_SUM && !strncmp(metric, "loss", 4);
}

double cinch_kl_share(double recon, double kl)
{
    double size = fabs(recon) + kl;
    return size > 0 ? kl / size : size == 0 ? 0 : NAN;
}

/* Writes all parts of the loss into the line in hand, and the main ones into *p; what is a sum is divided by `parts`,
   what is an average by the samples. */
static void put_losses(cinch_fit *f, cinch_progress *p, const double *sum, double parts, double samples)
{
    for (int i = 0; i < metric_count(f); i++) {
        const char *name = metric_name(f, i);
        double divisor = is_sum(f, name) ? parts : samples, value = divisor > 0 ? sum[i] / divisor : NAN;
        cinch_metrics_number(&f->log, name, value);
        if (!strcmp(name, "loss")) p->loss = value;
        if (!strcmp(name, "loss_recon")) p->loss_recon = value;
        if (strcmp(name, "loss_kl")) continue;
        p->loss_kl = value;
        cinch_metrics_number(&f->log, "kl_share", cinch_kl_share(p->loss_recon, value));
    }
}

static double rate_since(const cinch_fit *f, double clock, int64_t samples)
{
    double seconds = cinch_seconds() - clock;
    return seconds > 0 ? (double)(f->samples - samples) / seconds : 0;
}

static cinch_status end_line(cinch_fit *f, cinch_progress *p)
{
    cinch_metrics_number(&f->log, "lr", p->lr);
    if (!strcmp(p->event, "step")) cinch_metrics_number(&f->log, "grad_norm", p->grad_norm);
    cinch_metrics_number(&f->log, "samples_per_s", p->samples_per_s);
    cinch_metrics_number(&f->log, "elapsed_s", p->elapsed_s);
    TRY(cinch_metrics_end(&f->log));
    tell(f, p);
    return CINCH_OK;
}

/* --- steps -------------------------------------------------------------------------------------------------------- */

static cinch_status log_step(cinch_fit *f, const cinch_pending *at)
{
    cinch_progress p = progress_at(f, "step", at->step, at->epoch + 1);
    cinch_metrics_begin(&f->log, p.event, p.step, p.epoch);
    put_losses(f, &p, f->now.sum, 1, f->now.samples);
    p.lr = at->lr;
    p.grad_norm = f->now.grad_norm;
    p.samples_per_s = rate_since(f, f->last_log, f->logged_samples);
    f->last_log = cinch_seconds();
    f->logged_samples = f->samples;
    return end_line(f, &p);
}

/* The policy `stop`: name the layer. */
static cinch_status stop_at(cinch_fit *f, const cinch_pending *at)
{
    char where[64];
    TRY(log_step(f, at));
    cinch_status status = cinch_fit_find_nonfinite(f, at);
    snprintf(where, sizeof where, "step %" PRId64, at->step);
    if (status) return cinch_fail_in(status, where);
    return cinch_fail(CINCH_NUMERIC, "%s: the gradient's norm is not finite; try a lower learning rate", where);
}

static cinch_status end_step(cinch_fit *f, const cinch_pending *at)
{
    int64_t every = f->source.train->log_every;
    bool bad = f->now.nonfinite;
    if (bad && !strcmp(f->source.train->on_nonfinite, "stop")) return stop_at(f, at);
    if (bad) cinch_observe_note(f, "step %" PRId64 " is not finite and was skipped", at->step);
    for (int i = 0; !bad && i < metric_count(f); i++) f->state.sum[i] += f->now.sum[i];
    if (!bad) f->state.samples += f->now.samples;
    if (bad || (every > 0 && at->step % every == 0)) TRY(log_step(f, at));
    f->now = (cinch_observed){0};
    return CINCH_OK;
}

/* One run of a plan: its metrics join those of its step. */
static cinch_status take(cinch_fit *f, const cinch_pending *at, const float *values)
{
    for (int i = 0; i < cinch_plan_metric_count(at->plan->plan); i++) {
        double weight = is_sum(f, cinch_plan_metric_name(at->plan->plan, i)) ? 1 : (double)at->size;
        double value = (double)values[i];
        f->now.nonfinite |= !isfinite(value);
        if (!strcmp(cinch_plan_metric_name(at->plan->plan, i), "grad_norm")) f->now.grad_norm = value;
        else f->now.sum[i] += weight * value;
    }
    f->now.samples += (double)at->size;
    return at->ends_step ? end_step(f, at) : CINCH_OK;
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

static int runs_of(const cinch_window *w, const cinch_step_plan *plan)
{
    int runs = 0;
    for (int i = 0; i < w->n; i++) runs += w->runs[i].plan == plan;
    return runs;
}

/* Asks for the metrics of the newest runs; those asked for before have been looked at. */
static cinch_status ask(cinch_fit *f)
{
    cinch_window asked = f->filling;
    f->filling = f->coming;
    f->coming = asked;
    for (int k = 0; k < f->steps.n; k++)
        if (runs_of(&asked, &f->steps.at[k])) TRY(cinch_plan_metrics_start(f->steps.at[k].plan));
    return CINCH_OK;
}

/* next[k]: the metrics of plan k's runs, oldest first. */
static cinch_status receive(cinch_fit *f, float *next[CINCH_STEP_PLANS])
{
    for (int k = 0; k < f->steps.n; k++) {
        next[k] = f->rows + (size_t)k * CINCH_RING_ROWS * CINCH_METRICS_MAX;
        TRY(cinch_plan_metrics_finish(f->steps.at[k].plan, runs_of(&f->coming, &f->steps.at[k]), next[k]));
    }
    return CINCH_OK;
}

/* Looks at the runs whose metrics were asked for. */
static cinch_status look(cinch_fit *f)
{
    float *next[CINCH_STEP_PLANS];
    TRY(receive(f, next));
    int n = f->coming.n;
    f->coming.n = 0;
    for (int i = 0; i < n; i++) {
        const cinch_pending *run = &f->coming.runs[i];
        float **row = &next[run->plan - f->steps.at];
        TRY(take(f, run, *row));
        *row += cinch_plan_metric_count(run->plan->plan);
    }
    return CINCH_OK;
}

cinch_status cinch_observe_pending(cinch_fit *f)
{
    TRY(look(f));
    TRY(ask(f));
    return look(f);
}

cinch_status cinch_observe_run(cinch_fit *f, const cinch_pending *run)
{
    f->filling.runs[f->filling.n++] = *run;
    if (f->filling.n < CINCH_RING_ROWS) return CINCH_OK;
    TRY(look(f));
    return ask(f);
}

/* --- events ------------------------------------------------------------------------------------------------------- */

void cinch_observe_epoch_begins(cinch_fit *f)
{
    f->epoch_started = f->last_log = cinch_seconds();
    f->epoch_first_sample = f->logged_samples = f->samples;
}

double cinch_observe_epoch_rate(const cinch_fit *f) { return rate_since(f, f->epoch_started, f->epoch_first_sample); }

/* The epoch's average of a metric; NaN where there is none such. */
static double epoch_average(const cinch_fit *f, const char *name)
{
    for (int i = 0; i < metric_count(f); i++)
        if (!strcmp(metric_name(f, i), name) && f->state.samples > 0) return f->state.sum[i] / f->state.samples;
    return NAN;
}

/* Once: less than half a number of the code says anything, on the average over the epoch. */
static void tell_collapse(cinch_fit *f)
{
    double numbers = (double)cinch_shape_count(cinch_model_code_shape(f->source.model));
    double active = epoch_average(f, "kl_active"), kl = epoch_average(f, "loss_kl");
    bool collapsed = active * numbers < 0.5; /* not without a KL */
    bool early = f->state.epoch < 2 && f->state.step < cinch_fit_steps(f); /* fresh weights say little, too */
    if (!collapsed || early || f->collapse_told) return;
    f->collapse_told = true;
    cinch_observe_note(f, "epoch %" PRId64 ": posterior collapse: the KL is %.2g nats, no number of the code says "
                       "anything of the input; try a lower --beta, loss.anneal=linear, loss.free_bits=0.1 or "
                       "loss.reduction=batchmean", f->state.epoch, kl);
}

cinch_status cinch_observe_event(cinch_fit *f, const char *event)
{
    cinch_progress p = progress_at(f, event, f->state.step, f->state.epoch);
    cinch_metrics_begin(&f->log, event, p.step, p.epoch);
    if (f->state.samples > 0) put_losses(f, &p, f->state.sum, f->state.samples, f->state.samples);
    else if (isfinite(f->state.loss)) cinch_metrics_number(&f->log, "loss", p.loss = f->state.loss);
    if (f->validation) cinch_metrics_number(&f->log, "val_loss", p.val_loss = f->state.val_loss);
    p.samples_per_s = f->epoch_rate;
    TRY(end_line(f, &p));
    if (!strcmp(event, "epoch")) tell_collapse(f);
    return CINCH_OK;
}
