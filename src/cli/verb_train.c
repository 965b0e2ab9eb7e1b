/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/inspect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* --- what is asked for -------------------------------------------------------------------------------------------- */

static cinch_status check_flags(const cinch_cli *cli)
{
    if (cli->resume && cli->out)
        return cinch_cli_fail(CINCH_USAGE, "--out %s: a run that is resumed stays where it is; leave --out away",
                              cli->out);
    if (cli->resume && cli->overwrite)
        return cinch_cli_fail(CINCH_USAGE, "--overwrite: would remove the run that --resume is to go on with; take one "
                                           "of them");
    if (cli->resume || cli->out || cli->dry_run) return CINCH_OK;
    return cinch_cli_fail(CINCH_USAGE, "train: --out RUN is missing, the folder for the run; or --resume RUN, or "
                                       "--dry-run");
}

/* The run's own configuration is what --resume starts from; a damaged one is bad data, not bad usage. */
static cinch_status load_saved(cinch_config *config, const char *run)
{
    char *path;
    if (asprintf(&path, "%s/config.json", run) < 0) return cinch_cli_no_memory();
    bool there = access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR); /* opening it says what is wrong */
    cinch_status status = there ? cinch_config_load(config, path) : CINCH_DATA;
    if (!there) cinch_cli_fail(status, "%s: no config.json there, so no run to resume; start one with --out", run);
    else if (status == CINCH_USAGE) status = cinch_cli_fail(CINCH_DATA, "%s", cinch_last_error());
    free(path);
    return status;
}

static cinch_status configure(cinch_cli *cli)
{
    if (!cli->resume) return cinch_cli_configure(cli);
    TRY(cinch_config_create(&cli->config));
    TRY(load_saved(cli->config, cli->resume));
    for (int i = 0; i < cli->n_files; i++) TRY(cinch_config_load(cli->config, cli->files[i]));
    TRY(cinch_cli_assign(cli, cli->config));
    return cinch_config_resolve(cli->config);
}

/* --- --dry-run ---------------------------------------------------------------------------------------------------- */

static cinch_status print_dry_json(const cinch_dry_run *d, const cinch_model *model, const char *device)
{
    json_t *o = json_object();
    cinch_cli_json_set(o, "model", cinch_cli_json_text(cinch_model_name(model)));
    cinch_cli_json_set(o, "device", cinch_cli_json_text(device));
    cinch_cli_json_set(o, "layers", cinch_inspect_layers_json(model));
    cinch_cli_json_set(o, "parameters", json_integer(d->parameters));
    cinch_cli_json_set(o, "trainable", json_integer(d->trainable));
    cinch_cli_json_set(o, "planned_bytes", json_integer(d->planned_bytes));
    cinch_cli_json_set(o, "activation_bytes", json_integer(d->activation_bytes));
    cinch_cli_json_set(o, "weight_bytes", json_integer(d->weight_bytes));
    cinch_cli_json_set(o, "steps_per_epoch", json_integer(d->steps_per_epoch));
    cinch_cli_json_set(o, "flops_per_step", json_integer((json_int_t)d->flops_per_step));
    return cinch_cli_print_json(o);
}

static void print_dry(const cinch_dry_run *d, const cinch_model *model, const char *device)
{
    cinch_cli_print("%s on %s\n", cinch_model_name(model), device);
    cinch_inspect_print_layers(model);
    cinch_cli_print("  %lld parameters, %lld of them trainable\n", (long long)d->parameters, (long long)d->trainable);
    cinch_cli_print("  %.1f MiB planned on the device, the data included; of these %.2f MiB for activations\n",
                    (double)d->planned_bytes / 1048576, (double)d->activation_bytes / 1048576);
    cinch_cli_print("  %lld steps an epoch, %.3f GFLOP a step\n", (long long)d->steps_per_epoch,
                    d->flops_per_step * 1e-9);
}

static cinch_status dry_run(const cinch_cli *cli)
{
    cinch_facts device;
    cinch_dry_run d;
    cinch_model *model;
    const cinch_train_config *t = cinch_config_train(cli->config);
    if (cli->resume) TRY(cinch_train_check(cli->config, cli->resume, &(cinch_train_options){.resume = true}));
    TRY(cinch_cli_look_at(t->device, t->threads, &device));
    TRY(cinch_train_dry_run(cli->config, &d, &model));
    cinch_status status = CINCH_OK;
    if (cli->json) status = print_dry_json(&d, model, device.name);
    else print_dry(&d, model, device.name);
    cinch_model_free(model);
    return status;
}

/* --- training ----------------------------------------------------------------------------------------------------- */

static cinch_status print_result(const cinch_cli *cli, const char *run, const cinch_train_result *r)
{
    if (!cli->json) {
        cinch_cli_note(cli, "%s: %lld steps, %lld epochs, loss %.6g", run, (long long)r->steps, (long long)r->epochs,
                       r->loss);
        return CINCH_OK;
    }
    json_t *o = json_object();
    cinch_cli_json_set(o, "run", cinch_cli_json_text(run));
    cinch_cli_json_set(o, "steps", json_integer(r->steps));
    cinch_cli_json_set(o, "epochs", json_integer(r->epochs));
    cinch_cli_json_set(o, "loss", cinch_cli_json_number(r->loss));
    cinch_cli_json_set(o, "val_loss", cinch_cli_json_number(r->val_loss));
    cinch_cli_json_set(o, "best_val_loss", cinch_cli_json_number(r->best_val_loss));
    cinch_cli_json_set(o, "best_epoch", r->best_epoch > 0 ? json_integer(r->best_epoch) : json_null());
    cinch_cli_json_set(o, "elapsed_s", cinch_cli_json_number(r->elapsed_s));
    cinch_cli_json_set(o, "parameters", json_integer(r->parameters));
    return cinch_cli_print_json(o);
}

cinch_status cinch_cli_train(const cinch_cli *cli, const cinch_config *config, const char *run, bool resume,
                             cinch_train_result *result)
{
    cinch_bar bar;
    cinch_open_data data;
    cinch_bar_begin(&bar, cli);
    cinch_train_options options = {.overwrite = cli->overwrite, .resume = resume, .progress = cinch_bar_progress,
                                   .user = &bar, .stop = cinch_cli_catch_signals(), .command = cli->command,
                                   .keep = &data};
    cinch_status status = cinch_train(config, run, &options, result);
    cinch_bar_end(&bar);
    TRY(status);
    if (cinch_config_train(config)->report) status = cinch_cli_report_trained(cli, run, &data);
    cinch_dataset_free(data.data);
    cinch_dataset_free(data.target);
    return status;
}

static cinch_status train(const cinch_cli *cli, const char *run)
{
    cinch_train_result result;
    TRY(cinch_cli_train(cli, cli->config, run, cli->resume != NULL, &result));
    return print_result(cli, run, &result);
}

cinch_status cinch_verb_train(cinch_cli *cli)
{
    TRY(check_flags(cli));
    TRY(configure(cli));
    if (cli->dry_run) return dry_run(cli);
    return train(cli, cli->resume ? cli->resume : cli->out);
}
