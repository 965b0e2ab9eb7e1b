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
    cinch_run_options options = {.device = t->device, .threads = t->threads};
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
        .range = {d->range[0], d->range[1]}};
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

/* The run's configuration with what the command line says; the run's own limit was for its own data. */
static cinch_status merge(const cinch_cli *cli, cinch_config *config)
{
    TRY(cinch_config_set(config, "data.limit", "null"));
    TRY(cinch_cli_assign(cli, config));
    return cinch_config_resolve(config);
}

static cinch_status open_merged(const cinch_cli *cli, const cinch_config *config, const cinch_run *run,
                                cinch_dataset **out)
{
    const char *spec = cinch_config_data(config)->spec;
    cinch_dataset_options options = cinch_cli_data_options(config);
    TRY(cinch_dataset_open(out, spec, &options));
    cinch_status status = check_sample(run, *out, spec);
    if (!status) status = check_labels(cli, run, *out, spec);
    if (!status) return CINCH_OK;
    cinch_dataset_free(*out);
    *out = NULL;
    return status;
}

cinch_status cinch_cli_open_data(const cinch_cli *cli, cinch_run *run, cinch_dataset **out)
{
    cinch_config *config;
    TRY(cinch_config_copy(&config, cinch_run_config(run)));
    cinch_status status = merge(cli, config);
    if (!status) status = open_merged(cli, config, run, out);
    cinch_config_free(config);
    return status;
}

int64_t cinch_cli_rows(const cinch_cli *cli, int64_t rows)
{
    int64_t limit = cinch_config_data(cli->config)->limit;
    return limit > 0 && limit < rows ? limit : rows;
}
