/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a run, and data for it. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

/* --- the device --------------------------------------------------------------------------------------------------- */

const char *cinch_cli_gpu(char *text, size_t size)
{
    cinch_facts gpu;
    int count;
    bool usable = !cinch_device_gpus(&count) && !cinch_cli_look_at("cuda", 0, &gpu);
    if (!usable) snprintf(text, size, "not usable: %s", cinch_last_error());
    else if (count == 1) snprintf(text, size, "%s", gpu.text);
    else snprintf(text, size, "%d GPUs; %s: %s", count, gpu.name, gpu.text);
    return text;
}

cinch_status cinch_cli_look_at(const char *name, int threads, cinch_facts *out)
{
    cinch_device *device;
    cinch_device_options options = {.threads = threads};
    TRY(cinch_device_open(&device, name, &options));
    const char *no_gpu = cinch_device_no_gpu(device);
    snprintf(out->name, sizeof out->name, "%s", cinch_device_name(device));
    snprintf(out->no_gpu, sizeof out->no_gpu, "%s", no_gpu ? no_gpu : "");
    cinch_device_describe(device, out->text, sizeof out->text);
    out->notice = cinch_device_notice(device);
    out->memory = cinch_device_memory_used(device);
    cinch_device_free(device);
    return CINCH_OK;
}

void cinch_cli_tell_device(const cinch_cli *cli)
{
    cinch_facts device;
    const cinch_train_config *t = cinch_config_train(cli->config);
    if (cli->quiet || cinch_cli_look_at(t->device, t->threads, &device)) return;
    if (device.no_gpu[0]) cinch_cli_note(cli, "device auto: cpu, for there is no GPU: %s", device.no_gpu);
    else if (!strcmp(t->device, "auto")) cinch_cli_note(cli, "device auto: %s", device.name);
    if (device.notice) cinch_cli_note(cli, "device %s: %s", device.name, device.notice);
}

/* --- the run ------------------------------------------------------------------------------------------------------ */

cinch_run_options cinch_cli_run_options(const cinch_cli *cli)
{
    const cinch_train_config *t = cinch_config_train(cli->config);
    cinch_run_options options = {.device = t->device, .threads = t->threads, .stop = cinch_cli_stop()};
    if (cinch_cli_given(cli, "train.batch_size")) options.batch_size = t->batch_size;
    if (cinch_cli_given(cli, "train.seed")) options.seed = t->seed;
    if (cinch_cli_given(cli, "train.precision")) options.precision = cinch_precision_name(t->precision);
    return options;
}

cinch_status cinch_cli_open_run_at(const cinch_cli *cli, const char *path, cinch_run **out)
{
    cinch_run_options options = cinch_cli_run_options(cli);
    return cinch_run_open(out, path, &options);
}

cinch_status cinch_cli_open_run(cinch_cli *cli, cinch_run **out)
{
    TRY(cinch_cli_configure(cli));
    return cinch_cli_open_run_at(cli, cli->operand, out);
}

/* --- data --------------------------------------------------------------------------------------------------------- */

cinch_dataset_options cinch_cli_data_options(const cinch_config *config)
{
    const cinch_data_config *d = cinch_config_data(config);
    return (cinch_dataset_options){
        .seed = cinch_config_train(config)->seed, .limit = d->limit, .layout = d->layout,
        .split = {d->split[0], d->split[1], d->split[2]}, .range_none = d->range_none,
        .range = {d->range[0], d->range[1]}, .keep_nan = d->keep_nan,
        .keep_nan_by = "set data.nan=keep"};
}

static bool same_shape(cinch_shape a, cinch_shape b)
{
    bool same = a.rank == b.rank;
    for (int i = 0; same && i < a.rank; i++) same = a.dim[i] == b.dim[i];
    return same;
}

static cinch_status check_sample(const cinch_run *run, const cinch_dataset *data, const char *spec)
{
    char has[96], wants[96];
    cinch_shape sample = cinch_dataset_describe(data)->sample;
    cinch_shape wanted = cinch_model_sample(cinch_run_model(run)).shape;
    if (same_shape(sample, wanted)) return CINCH_OK;
    return cinch_cli_fail(CINCH_DATA, "%s: a sample is %s, the run wants %s; was it trained on other data?", spec,
                          cinch_cli_shape(sample, has, sizeof has), cinch_cli_shape(wanted, wants, sizeof wants));
}

/* A conditional model takes the labels of the data. */
static cinch_status check_labels(const cinch_cli *cli, const cinch_run *run, const cinch_dataset *data,
                                 const char *spec)
{
    int32_t classes = cinch_model_classes(cinch_run_model(run));
    const int32_t *labels = cinch_dataset_labels(data);
    int64_t rows = cinch_cli_rows(cli, cinch_dataset_describe(data)->rows);
    if (classes && !labels)
        return cinch_cli_fail(CINCH_DATA, "%s: has no labels, which the conditional model of %s wants; take data that "
                              "has them, a folder laid out like MNIST", spec, cinch_run_path(run));
    for (int64_t i = 0; classes && i < rows; i++)
        if (labels[i] < 0 || labels[i] >= classes)
            return cinch_cli_fail(CINCH_DATA, "%s: row %lld has the label %d, the model of %s knows 0 to %d; was it "
                                  "trained on other data?", spec, (long long)i, labels[i], cinch_run_path(run),
                                  classes - 1);
    return CINCH_OK;
}

/* The run's configuration with what the command line says; the run's own limit, validation and target were for its own
   data. */
static cinch_status merge(const cinch_cli *cli, cinch_config *config)
{
    TRY(cinch_config_set(config, "data.limit", "null"));
    TRY(cinch_config_set(config, "data.val_spec", "null"));
    TRY(cinch_config_set(config, "data.target", "null"));
    TRY(cinch_cli_assign(cli, config));
    return cinch_config_resolve(config);
}

cinch_status cinch_cli_keep_data(const cinch_cli *cli, const char *spec)
{
    bool same = false;
    if (cli->out) TRY(cinch_data_is_file(spec, cli->out, &same));
    if (!same) return CINCH_OK;
    return cinch_cli_fail(CINCH_USAGE, "--out %s: is the data itself, which it would replace; name another file",
                          cli->out);
}

/* Passes the status on, without the data where it is an error. */
static cinch_status kept(cinch_status status, cinch_dataset **data)
{
    if (!status) return CINCH_OK;
    cinch_dataset_free(*data);
    *data = NULL;
    return status;
}

static cinch_status open_as(const char *spec, const cinch_config *config, const cinch_run *run, cinch_dataset **out)
{
    cinch_dataset_options options = cinch_cli_data_options(config);
    TRY(cinch_dataset_open(out, spec, &options));
    return kept(check_sample(run, *out, spec), out);
}

static cinch_status open_data(const cinch_cli *cli, const char *spec, const cinch_config *config, const cinch_run *run,
                              cinch_dataset **out)
{
    TRY(cinch_cli_keep_data(cli, spec));
    TRY(open_as(spec, config, run, out));
    return kept(check_labels(cli, run, *out, spec), out);
}

typedef enum which { WHICH_DATA, WHICH_TARGET } which;

/* What the merged configuration names; an empty target is none. */
static cinch_status open_merged(const cinch_cli *cli, const cinch_run *run, which what, cinch_dataset **out)
{
    cinch_config *config;
    TRY(cinch_config_copy(&config, cinch_run_config(run)));
    cinch_status status = merge(cli, config);
    const cinch_data_config *d = cinch_config_data(config);
    *out = NULL;
    if (!status && what == WHICH_DATA) status = open_data(cli, d->spec, config, run, out);
    else if (!status && d->target && *d->target) status = open_as(d->target, config, run, out);
    cinch_config_free(config);
    return status;
}

cinch_status cinch_cli_open_data(const cinch_cli *cli, cinch_run *run, cinch_dataset **out)
{
    return open_merged(cli, run, WHICH_DATA, out);
}

/* --- what to measure on ------------------------------------------------------------------------------------------- */

cinch_status cinch_cli_check_data_keys(const cinch_cli *cli)
{
    static const char *const own[] = {"data.limit", "data.target"};
    cinch_option_info option;
    for (int i = 0; i < cli->n_assignments && !cinch_cli_given(cli, "data.spec"); i++) {
        TRY(cinch_config_find(cli->assignments[i].name, &option));
        if (strncmp(option.key, "data.", 5) || !strcmp(option.key, own[0]) || !strcmp(option.key, own[1])) continue;
        return cinch_cli_fail(CINCH_USAGE, "%s: means nothing without --data: the run's own data is read as in "
                                           "training", cli->assignments[i].name);
    }
    return CINCH_OK;
}

static cinch_status check_target(const cinch_cli *cli, const cinch_run *run)
{
    const char *target = cinch_config_data(cinch_run_config(run))->target;
    if (!target || !cinch_cli_given(cli, "data.spec") || cinch_cli_given(cli, "data.target")) return CINCH_OK;
    return cinch_cli_fail(CINCH_USAGE, "--data: %s was trained to give %s; name what is to come out here with --target "
                                       "SPEC, or --set data.target= for the data itself", cinch_run_path(run), target);
}

static cinch_status choose_rows(const cinch_cli *cli, cinch_run *run, cinch_measured *m)
{
    bool other = cinch_cli_given(cli, "data.target");
    TRY(other ? cinch_run_inputs_of(run, m->data, &m->rows) : cinch_run_rows_of(run, m->data, &m->rows));
    m->rows.n = cinch_cli_rows(cli, m->rows.n);
    if (!other) return CINCH_OK;
    m->rows.target = m->target;
    int64_t has, wants = cinch_dataset_describe(m->rows.data)->rows;
    if (!m->target || (has = cinch_dataset_describe(m->target)->rows) == wants) return CINCH_OK;
    return cinch_cli_fail(CINCH_DATA, "%s: %lld rows, but the data has %lld: a target is needed for each",
                          cinch_config_data(cli->config)->target, (long long)has, (long long)wants);
}

cinch_status cinch_cli_open_measured(const cinch_cli *cli, cinch_run *run, cinch_measured *out)
{
    *out = (cinch_measured){0};
    TRY(check_target(cli, run));
    if (cinch_cli_given(cli, "data.spec")) TRY(open_merged(cli, run, WHICH_DATA, &out->data));
    if (cinch_cli_given(cli, "data.target")) TRY(open_merged(cli, run, WHICH_TARGET, &out->target));
    return choose_rows(cli, run, out);
}

void cinch_cli_close_measured(cinch_measured *m)
{
    cinch_dataset_free(m->data);
    cinch_dataset_free(m->target);
    *m = (cinch_measured){0};
}

int64_t cinch_cli_rows(const cinch_cli *cli, int64_t rows)
{
    int64_t limit = cinch_config_data(cli->config)->limit;
    return limit > 0 && limit < rows ? limit : rows;
}
