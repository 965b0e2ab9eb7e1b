/* SPDX-License-Identifier: Apache-2.0 */
#include "train/fit.h"

#include "core/status.h"
#include "train/clock.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- where it stands ---------------------------------------------------------------------------------------------- */

static int64_t accumulate_of(const cinch_fit *f) { return f->source.train->accumulate; }

int64_t cinch_fit_steps_per_epoch(const cinch_fit *f)
{
    return (cinch_feed_batches(f->feed) + accumulate_of(f) - 1) / accumulate_of(f);
}

int64_t cinch_fit_steps(const cinch_fit *f)
{
    int64_t steps = cinch_fit_steps_per_epoch(f) * f->source.train->epochs, most = f->source.train->max_steps;
    return most > 0 && (most < steps || steps == 0) ? most : steps;
}

static bool stop_asked(const cinch_fit *f) { return f->options->stop && *f->options->stop; }

bool cinch_fit_was_stopped(const cinch_fit *f, cinch_status status)
{
    return status >= CINCH_SUSPENDED && stop_asked(f) && (int)status == *f->options->stop;
}

static bool out_of_time(const cinch_fit *f)
{
    return f->source.train->time_limit > 0 && cinch_seconds() - f->started >= f->source.train->time_limit;
}

static bool finished(const cinch_fit *f)
{
    return f->early || f->state.step >= cinch_fit_steps(f) || stop_asked(f) || out_of_time(f);
}

/* --- one step ----------------------------------------------------------------------------------------------------- */

static void schedule(cinch_fit *f)
{
    cinch_schedule_point at = {f->state.step, cinch_fit_steps(f), f->state.epoch, f->state.plateau.drops};
    f->lr = cinch_schedule_lr(f->schedule, f->source.optimizer->lr, &at);
}

/* Batches of the step that begins at `batch`. */
static int64_t step_batches(const cinch_fit *f, int64_t batch)
{
    int64_t left = cinch_feed_batches(f->feed) - batch;
    return left < accumulate_of(f) ? left : accumulate_of(f);
}

static int64_t step_samples(const cinch_fit *f, int64_t batch)
{
    int64_t samples = 0;
    for (int64_t i = 0, n = step_batches(f, batch); i < n; i++) samples += cinch_feed_batch_size(f->feed, batch + i);
    return samples;
}

/* What a batch's gradient counts in its step: losses that are averages are averaged by samples, sums are added. */
static double share_of(const cinch_fit *f, int64_t first, int64_t size)
{
    return f->source.loss->reduction == CINCH_SUM ? 1 : (double)size / (double)step_samples(f, first);
}

/* Runs batch i of the step that is update `at->step` and begins at batch `first`. */
static cinch_status run_batch(cinch_fit *f, const cinch_pending *at, int64_t first, int64_t i)
{
    int64_t size = cinch_feed_batch_size(f->feed, first + i);
    double beta = cinch_schedule_beta(f->source.loss, at->step - 1, cinch_fit_steps(f));
    cinch_step_point point = {at->step, at->lr, share_of(f, first, size), beta};
    TRY(cinch_steps_control(at->plan->plan, &point, f->source.optimizer));
    cinch_plan_position(at->plan->plan, f->source.train->seed, (uint64_t)(at->step - 1),
                        i * cinch_feed_batch_size(f->feed, 0));
    TRY(cinch_feed_next(f->feed, at->plan->plan, at->epoch, first + i));
    return cinch_plan_run(at->plan->plan);
}

static cinch_status run_update(cinch_fit *f, const cinch_pending *at)
{
    cinch_step_point point = {at->step, at->lr, 1, 0};
    TRY(cinch_steps_control(at->plan->plan, &point, f->source.optimizer));
    cinch_plan_position(at->plan->plan, f->source.train->seed, (uint64_t)(at->step - 1), 0);
    return cinch_plan_run(at->plan->plan);
}

static cinch_pending pending_at(const cinch_fit *f)
{
    return (cinch_pending){.step = f->state.step + 1, .epoch = f->state.epoch, .batch = f->state.batch, .lr = f->lr};
}

static cinch_step_plan *batch_plan(cinch_fit *f, int64_t batch)
{
    cinch_step_role role = cinch_steps_role(accumulate_of(f), batch);
    return cinch_steps_find(&f->steps, role, cinch_feed_batch_size(f->feed, batch));
}

/* The list of plans that make one step, each on its batch. */
static cinch_status step(cinch_fit *f)
{
    cinch_pending at = pending_at(f);
    int64_t first = at.batch, n = step_batches(f, first);
    for (int64_t i = 0; i < n; i++) {
        at.plan = batch_plan(f, first + i);
        at.size = at.plan->size;
        at.ends_step = at.plan->role == CINCH_ROLE_WHOLE;
        TRY(run_batch(f, &at, first, i));
        TRY(cinch_observe_run(f, &at));
        f->samples += at.size;
    }
    if (accumulate_of(f) > 1) {
        at.plan = cinch_steps_find(&f->steps, CINCH_ROLE_UPDATE, 0);
        at.size = 0;
        at.ends_step = true;
        TRY(run_update(f, &at));
        TRY(cinch_observe_run(f, &at));
    }
    f->state.step++;
    f->state.batch += n;
    return CINCH_OK;
}

/* Runs a bad step again to find the layer: nothing has changed since, for later updates did not take place. */
cinch_status cinch_fit_find_nonfinite(cinch_fit *f, const cinch_pending *bad)
{
    cinch_pending at = *bad;
    int64_t first = bad->batch;
    for (int64_t i = 0, n = step_batches(f, first); i < n; i++) {
        at.plan = batch_plan(f, first + i);
        TRY(run_batch(f, &at, first, i));
        TRY(cinch_plan_find_nonfinite(at.plan->plan));
    }
    if (accumulate_of(f) == 1) return CINCH_OK;
    at.plan = cinch_steps_find(&f->steps, CINCH_ROLE_UPDATE, 0);
    TRY(run_update(f, &at));
    return cinch_plan_find_nonfinite(at.plan->plan);
}

/* --- epochs ------------------------------------------------------------------------------------------------------- */

static double epoch_loss(const cinch_state *s) { return s->samples > 0 ? s->sum[0] / s->samples : NAN; }

/* The validation loss decides on the best weights and the early end. */
static cinch_status judge(cinch_fit *f)
{
    cinch_state *s = &f->state;
    if (!f->validation) return CINCH_OK;
    s->since_best++;
    if (s->best_epoch && !(s->val_loss < s->best_loss) && !isnan(s->best_loss)) return CINCH_OK;
    s->best_loss = s->val_loss;
    s->best_epoch = s->epoch;
    s->since_best = 0;
    return f->source.train->restore_best ? cinch_best_keep(&f->best, f->source.params) : CINCH_OK;
}

static void end_early(cinch_fit *f)
{
    int64_t patience = f->source.train->patience;
    f->early = f->validation && patience > 0 && f->state.since_best >= patience;
    if (f->early && f->state.step < cinch_fit_steps(f))
        cinch_observe_note(f, "no better validation loss for %" PRId64 " epochs: training ends", patience);
}

static cinch_status end_epoch(cinch_fit *f)
{
    cinch_state *s = &f->state;
    TRY(cinch_observe_pending(f));
    f->epoch_rate = cinch_observe_epoch_rate(f);
    s->loss = epoch_loss(s);
    s->epoch++;
    TRY(cinch_validate(f, &s->val_loss));
    TRY(judge(f));
    if (!strcmp(f->schedule->name, "plateau"))
        cinch_plateau_observe(&s->plateau, f->schedule, f->validation ? s->val_loss : s->loss);
    TRY(cinch_observe_event(f, "epoch"));
    s->batch = 0;
    s->samples = 0;
    memset(s->sum, 0, sizeof s->sum);
    end_early(f);
    cinch_observe_epoch_begins(f);
    return CINCH_OK;
}

/* --- checkpoints -------------------------------------------------------------------------------------------------- */

static bool due(const cinch_fit *f)
{
    const cinch_train_config *c = f->source.train;
    const cinch_state *s = &f->state;
    if (c->checkpoint_epochs > 0 && s->batch == 0 && s->epoch % c->checkpoint_epochs == 0) return true;
    if (c->checkpoint_steps > 0 && s->step % c->checkpoint_steps == 0) return true;
    return c->checkpoint_seconds > 0 && cinch_seconds() - f->last_save >= c->checkpoint_seconds;
}

static cinch_status save(cinch_fit *f)
{
    if (f->saved_step == f->state.step) return CINCH_OK;
    TRY(cinch_observe_pending(f));
    f->state.elapsed = f->resumed_elapsed + cinch_seconds() - f->started;
    TRY(f->save(f->run));
    f->saved_step = f->state.step;
    f->last_save = cinch_seconds();
    return CINCH_OK;
}

/* --- the loop ----------------------------------------------------------------------------------------------------- */

/* Weights that stand in the middle of an epoch are judged too, but no checkpoint knows of it. */
static cinch_status judge_last(cinch_fit *f)
{
    if (f->state.batch == 0 || !f->validation || stop_asked(f)) return CINCH_OK;
    f->state.loss = epoch_loss(&f->state);
    TRY(cinch_validate(f, &f->state.val_loss));
    f->state.epoch++;
    return judge(f);
}

static cinch_status end_run(cinch_fit *f)
{
    TRY(cinch_observe_pending(f));
    if (f->state.batch > 0) f->epoch_rate = cinch_observe_epoch_rate(f); /* of an epoch that is not whole */
    TRY(save(f));
    if (stop_asked(f))
        return cinch_fail((cinch_status)*f->options->stop, "stopped after step %" PRId64 " of %" PRId64 " and saved",
                          f->state.step, cinch_fit_steps(f));
    if (out_of_time(f) && f->state.step < cinch_fit_steps(f))
        cinch_observe_note(f, "the time limit ends training after step %" PRId64, f->state.step);
    TRY(judge_last(f));
    return cinch_observe_event(f, "end");
}

static void start_clocks(cinch_fit *f)
{
    f->started = f->last_save = cinch_seconds();
    f->resumed_elapsed = f->state.elapsed;
    cinch_observe_epoch_begins(f);
}

cinch_status cinch_fit_run(cinch_fit *f)
{
    start_clocks(f);
    end_early(f);
    while (!finished(f)) {
        schedule(f);
        TRY(step(f));
        if (f->source.train->log_every > 0 && f->state.step % f->source.train->log_every == 0)
            TRY(cinch_observe_pending(f));
        if (f->state.batch == cinch_feed_batches(f->feed)) TRY(end_epoch(f));
        if (due(f)) TRY(save(f));
    }
    return end_run(f);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

cinch_status cinch_fit_prepare(cinch_fit *f)
{
    f->filling.runs = cinch_calloc(CINCH_RING_ROWS, sizeof *f->filling.runs);
    f->coming.runs = cinch_calloc(CINCH_RING_ROWS, sizeof *f->coming.runs);
    f->rows = cinch_calloc((size_t)CINCH_STEP_PLANS * CINCH_RING_ROWS * CINCH_METRICS_MAX, sizeof *f->rows);
    if (!f->filling.runs || !f->coming.runs || !f->rows) return CINCH_DEVICE;
    TRY(cinch_steps_create(&f->steps, &f->source, f->feed, false));
    if (f->validation) TRY(cinch_steps_create(&f->evaluation, &f->source, f->validation, true));
    f->saved_step = -1;
    f->started = cinch_seconds();
    f->state.loss = f->state.val_loss = f->state.best_loss = f->state.plateau.best = NAN;
    if (!f->validation || !f->source.train->restore_best) return CINCH_OK;
    return cinch_best_create(&f->best, f->source.params, f->source.use_ema);
}

void cinch_fit_free(cinch_fit *f)
{
    cinch_steps_free(&f->steps);
    cinch_steps_free(&f->evaluation);
    cinch_best_free(&f->best);
    free(f->filling.runs);
    free(f->coming.runs);
    free(f->rows);
}
