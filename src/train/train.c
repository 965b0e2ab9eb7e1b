/* SPDX-License-Identifier: Apache-2.0 */
/* A training run from its configuration to its folder. */
#include <cinch/train.h>

#include "core/status.h"
#include "train/checkpoint.h"
#include "train/session.h"
#include "train/trainer.h"
#include "train/tuning.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* --- checkpoints -------------------------------------------------------------------------------------------------- */

typedef struct run {
    cinch_trainer trainer;
    cinch_folder folder;
    bool resume;
} run;

static void note(void *user, const char *text) { cinch_observe_note(user, "%s", text); }

static cinch_checkpoint checkpoint_of(run *r)
{
    cinch_trainer *t = &r->trainer;
    return (cinch_checkpoint){.folder = r->folder.checkpoint, .fingerprint = t->fingerprint,
                              .optimizer = cinch_config_optimizer(t->config), .batches = cinch_feed_batches(t->feed),
                              .accumulate = cinch_config_train(t->config)->accumulate, .device = t->device,
                              .params = t->params, .state = &t->fit.state, .best = &t->fit.best, .note = note,
                              .user = &t->fit};
}

static cinch_status save(void *user)
{
    cinch_checkpoint c = checkpoint_of(user);
    return cinch_checkpoint_save(&c);
}

/* --- beginning ---------------------------------------------------------------------------------------------------- */

/* A run that is resumed must be the same, but for its length, its device and what it says. */
static cinch_status check_same(const cinch_folder *folder, const cinch_config *config)
{
    cinch_config *saved;
    TRY(cinch_folder_read_config(folder, &saved));
    cinch_status status = cinch_config_may_resume(saved, config);
    cinch_config_free(saved);
    return status;
}

static cinch_status check_folder(const cinch_folder *folder, const cinch_config *config,
                                 const cinch_train_options *options)
{
    TRY(cinch_folder_check(folder, options->overwrite, options->resume));
    return options->resume ? check_same(folder, config) : CINCH_OK;
}

cinch_status cinch_train_check(const cinch_config *config, const char *path, const cinch_train_options *options)
{
    cinch_folder folder;
    cinch_status status = cinch_folder_create(&folder, path);
    if (!status) status = check_folder(&folder, config, options);
    cinch_folder_free(&folder);
    return status;
}

/* From the newest checkpoint, or from the start where a run was stopped before its first. */
static cinch_status take_up(run *r, bool *found)
{
    cinch_checkpoint c = checkpoint_of(r);
    TRY(cinch_checkpoint_load(&c, found));
    if (*found) {
        r->trainer.fit.saved_step = r->trainer.fit.state.step;
        cinch_observe_note(&r->trainer.fit, "goes on after step %" PRId64, r->trainer.fit.state.step);
        return CINCH_OK;
    }
    cinch_observe_note(&r->trainer.fit, "there is no checkpoint yet: training starts afresh");
    return cinch_trainer_initial_weights(&r->trainer);
}

static cinch_status record_session(run *r)
{
    char device[256];
    cinch_device_describe(r->trainer.device, device, sizeof device);
    cinch_session session = {.command = r->trainer.options.command, .device = device,
                             .step = r->trainer.fit.state.step};
    return cinch_session_record(r->folder.environment, &session);
}

/* Everything up to config.json, after which the folder holds a run. */
static cinch_status begin(run *r)
{
    bool found = false;
    TRY(cinch_folder_begin(&r->folder, !r->resume));
    if (r->resume) TRY(take_up(r, &found));
    if (!r->resume || !cinch_file_exists(r->folder.parts))
        TRY(cinch_dataset_save_parts(r->trainer.source.data, r->folder.parts));
    TRY(cinch_folder_write_config(&r->folder, r->trainer.config));
    TRY(cinch_tuning_save(r->trainer.device, r->folder.tuning));
    TRY(record_session(r));
    return cinch_metrics_open(&r->trainer.fit.log, r->folder.metrics, found ? r->trainer.fit.state.step : -1);
}

static void say_start(run *r)
{
    char device[256];
    const cinch_trainer *t = &r->trainer;
    if (t->tuning_note) cinch_observe_note(&r->trainer.fit, "%s", t->tuning_note);
    cinch_device_describe(t->device, device, sizeof device);
    cinch_observe_start(&r->trainer.fit, "%s, %" PRId64 " parameters, on %" PRId64 " samples (%s), "
                        "validation on %" PRId64 "; %s",
                        cinch_model_name(t->model), cinch_params_total(t->params), cinch_feed_samples(t->feed),
                        cinch_feed_is_resident(t->feed) ? "resident" : "streamed",
                        t->validation ? cinch_feed_samples(t->validation) : 0, device);
}

/* --- ending ------------------------------------------------------------------------------------------------------- */

static cinch_status write_model(run *r)
{
    cinch_trainer *t = &r->trainer;
    cinch_border border = cinch_trainer_border(t);
    TRY(cinch_best_restore(&t->fit.best, t->params));
    return cinch_weights_save(r->folder.model, t->model, &border, t->params,
                              t->fit.source.use_ema ? CINCH_SLAB_EMA : CINCH_SLAB_TRAINABLE);
}

static void report(const run *r, cinch_train_result *result)
{
    const cinch_state *s = &r->trainer.fit.state;
    bool any = s->best_epoch > 0;
    *result = (cinch_train_result){.steps = s->step, .epochs = s->epoch, .loss = s->loss, .val_loss = s->val_loss,
                                   .best_val_loss = any ? s->best_loss : NAN, .elapsed_s = s->elapsed,
                                   .best_epoch = s->best_epoch, .parameters = cinch_params_total(r->trainer.params)};
}

static void hand_over(cinch_data_source *from, cinch_open_data *to)
{
    if (!to) return;
    *to = (cinch_open_data){.data = from->data, .target = from->target};
    from->data = from->target = NULL;
}

/* Writing the model must not hide why training stopped. */
static cinch_status end(run *r, cinch_status stopped)
{
    char reason[256];
    if (stopped && !cinch_fit_was_stopped(&r->trainer.fit, stopped)) return stopped;
    snprintf(reason, sizeof reason, "%s", cinch_last_error());
    TRY(write_model(r));
    return stopped ? cinch_fail(stopped, "%s; --resume %s goes on", reason, r->folder.path) : CINCH_OK;
}

/* A full disk, say, is no reason to begin anew. */
static cinch_status advise(const run *r, cinch_status status)
{
    return status == CINCH_OUTPUT ? cinch_fail_also(status, "; then --resume %s goes on", r->folder.path) : status;
}

static cinch_status train(run *r, cinch_train_result *result)
{
    cinch_trainer *t = &r->trainer;
    TRY(check_folder(&r->folder, t->config, &t->options));
    if (r->resume) t->tuning = r->folder.tuning;
    if (r->resume) t->model_file = r->folder.model;
    bool saved_parts = r->resume && cinch_file_exists(r->folder.parts);
    TRY(cinch_trainer_build(t, saved_parts ? r->folder.parts : NULL, !r->resume));
    TRY(begin(r));
    say_start(r);
    TRY(advise(r, end(r, cinch_fit_run(&t->fit))));
    return report(r, result), CINCH_OK;
}

cinch_status cinch_train(const cinch_config *config, const char *path, const cinch_train_options *options,
                         cinch_train_result *result)
{
    run r = {.trainer = {.config = config}};
    cinch_train_result unused;
    if (options) r.trainer.options = *options;
    r.resume = r.trainer.options.resume;
    r.trainer.fit.log.file = -1;
    r.trainer.fit.save = save;
    r.trainer.fit.run = &r;
    cinch_status status = cinch_folder_create(&r.folder, path);
    if (!status) status = train(&r, result ? result : &unused);
    cinch_metrics_close(&r.trainer.fit.log);
    if (!status) hand_over(&r.trainer.source, r.trainer.options.keep);
    cinch_trainer_free(&r.trainer);
    cinch_folder_free(&r.folder);
    return status;
}

/* --- without training --------------------------------------------------------------------------------------------- */

static double step_flops(cinch_fit *f)
{
    double flops = 0;
    int64_t batches = cinch_feed_batches(f->feed), most = f->source.train->accumulate;
    for (int64_t i = 0; i < batches && i < most; i++) {
        cinch_step_role role = cinch_steps_role(most, i);
        flops += cinch_plan_describe(cinch_steps_find(&f->steps, role, cinch_feed_batch_size(f->feed, i))->plan).flops;
    }
    return flops;
}

/* The largest of the plans, which share one arena. */
static cinch_plan_info largest_plan(const cinch_step_plans *steps)
{
    cinch_plan_info most = {0};
    for (int i = 0; i < steps->n; i++) {
        cinch_plan_info info = cinch_plan_describe(steps->at[i].plan);
        if (info.arena_bytes > most.arena_bytes) most = info;
    }
    return most;
}

static cinch_dry_run summarise(cinch_trainer *t)
{
    cinch_plan_info plan = largest_plan(&t->fit.steps);
    return (cinch_dry_run){.parameters = cinch_params_total(t->params), .trainable = cinch_params_trainable(t->params),
                           .planned_bytes = (int64_t)cinch_device_memory_used(t->device).now,
                           .activation_bytes = (int64_t)plan.activation_bytes,
                           .weight_bytes = (int64_t)plan.weight_bytes,
                           .steps_per_epoch = cinch_fit_steps_per_epoch(&t->fit),
                           .flops_per_step = step_flops(&t->fit)};
}

cinch_status cinch_train_dry_run(const cinch_config *config, cinch_dry_run *out, cinch_model **model)
{
    cinch_trainer t = {.config = config};
    cinch_status status = cinch_trainer_build(&t, NULL, true);
    *model = NULL;
    if (!status) {
        *out = summarise(&t);
        *model = t.model;
        t.model = NULL;
    }
    cinch_trainer_free(&t);
    return status;
}
