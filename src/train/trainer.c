/* SPDX-License-Identifier: Apache-2.0 */
#include "train/trainer.h"

#include "core/status.h"
#include "train/target.h"
#include "train/tuning.h"

#include <stdlib.h>
#include <string.h>

/* --- what no single option can see is wrong ----------------------------------------------------------------------- */

static cinch_status check_variational(const cinch_model *model, const cinch_loss_config *loss)
{
    bool anneals = strcmp(loss->anneal, "none"), has = cinch_model_is_variational(model);
    const char *key = loss->beta != 1 ? "beta" : anneals ? "anneal" : loss->free_bits > 0 ? "free_bits" : NULL;
    if (key && !has)
        return cinch_fail(CINCH_USAGE, "loss.%s: model %s is not variational and has no KL; take vae", key,
                          cinch_model_name(model));
    if (anneals || !loss->anneal_steps) return CINCH_OK;
    return cinch_fail(CINCH_USAGE, "loss.anneal_steps: goes with loss.anneal linear or cyclical");
}

static cinch_status check_sparsity(const cinch_loss_config *loss)
{
    bool kl = loss->sparsity && !strcmp(loss->sparsity, "kl");
    if (kl || loss->sparsity_target == 0.05) return CINCH_OK;
    return cinch_fail(CINCH_USAGE, "loss.sparsity_target: goes with --sparsity kl");
}

static cinch_status check(const cinch_trainer *t)
{
    const cinch_train_config *train = cinch_config_train(t->config);
    const cinch_loss_config *loss = cinch_config_loss(t->config);
    if (train->patience > 0 && !t->validation)
        return cinch_fail(CINCH_USAGE, "train.patience: there is no validation part; give data.split one, "
                          "or --val-data");
    const char *name = strcmp(loss->name, "auto") ? loss->name : cinch_model_default_loss(t->model);
    TRY(cinch_target_check(&t->source, name, cinch_config_data(t->config)->limit));
    TRY(check_variational(t->model, loss));
    TRY(check_sparsity(loss));
    if (train->accumulate > 1 && loss->reduction == CINCH_SUM && (loss->l1 > 0 || loss->l2 > 0))
        return cinch_fail(CINCH_USAGE, "loss.reduction sum: every batch of an update would add the penalties again; "
                          "take mean with train.accumulate");
    return CINCH_OK;
}

/* --- building ----------------------------------------------------------------------------------------------------- */

static cinch_status open_device(cinch_trainer *t)
{
    const cinch_train_config *train = cinch_config_train(t->config);
    return cinch_device_open(&t->device, train->device, &(cinch_device_options){.threads = train->threads});
}

cinch_border cinch_trainer_border(const cinch_trainer *t)
{
    const cinch_dataset *data = t->source.data, *target = t->source.target ? t->source.target : data;
    return cinch_border_of(cinch_dataset_describe(data), cinch_dataset_describe(target));
}

static cinch_status make_model(cinch_trainer *t)
{
    char *json;
    cinch_border border = cinch_trainer_border(t);
    TRY(cinch_target_model(t->config, &t->source, t->model_file, &json));
    cinch_status status = cinch_model_create(&t->model, json, &border.sample);
    free(json);
    return status;
}

static cinch_status make_feeds(cinch_trainer *t)
{
    const cinch_train_config *train = cinch_config_train(t->config);
    const cinch_data_config *data = cinch_config_data(t->config);
    cinch_feed_options options = {.batch_size = train->batch_size, .shuffle = data->shuffle, .seed = train->seed,
                                  .never_resident = !data->resident};
    cinch_feed_source rows = cinch_data_source_training(&t->source);
    if (rows.count < 1) return cinch_fail(CINCH_DATA, "%s: the training part is empty", data->spec);
    if (cinch_model_classes(t->model)) rows.labels = cinch_dataset_labels(rows.data);
    TRY(cinch_feed_create(&t->feed, t->device, &rows, &options));
    options.shuffle = false;
    rows = cinch_data_source_validation(&t->source, data->limit);
    if (rows.count > 0 && cinch_model_classes(t->model) && !(rows.labels = cinch_dataset_labels(rows.data)))
        return cinch_fail(CINCH_DATA, "%s: no labels, which the conditional model wants", data->val_spec);
    return rows.count > 0 ? cinch_feed_create(&t->validation, t->device, &rows, &options) : CINCH_OK;
}

static void describe_fit(cinch_trainer *t)
{
    const cinch_optimizer *optimizer = cinch_config_optimizer(t->config);
    t->fit.source = (cinch_step_source){.model = t->model, .loss = cinch_config_loss(t->config), .optimizer = optimizer,
                                        .train = cinch_config_train(t->config), .device = t->device,
                                        .params = t->params, .use_ema = optimizer->ema > 0};
    t->fit.schedule = cinch_config_schedule(t->config);
    t->fit.options = &t->options;
    t->fit.feed = t->feed;
    t->fit.validation = t->validation;
}

/* The training graph declares all parameters; then they get memory and first values. */
static cinch_status make_parameters(cinch_trainer *t)
{
    TRY(cinch_params_create(&t->params));
    describe_fit(t);
    TRY(cinch_steps_declare(&t->fit.source, t->feed));
    return cinch_params_allocate(t->params, t->device, cinch_config_train(t->config)->seed);
}

cinch_status cinch_trainer_build(cinch_trainer *t, const char *parts, bool initial_weights)
{
    if (!cinch_config_train(t->config)) return cinch_fail(CINCH_USAGE, "the configuration is not resolved");
    TRY(cinch_config_fingerprint(t->config, t->fingerprint));
    TRY(cinch_data_source_open(&t->source, t->config, parts, true));
    TRY(open_device(t));
    if (t->tuning) TRY(cinch_tuning_load(t->device, t->tuning, &t->tuning_note));
    TRY(make_model(t));
    TRY(make_feeds(t));
    TRY(check(t));
    TRY(make_parameters(t));
    if (initial_weights) TRY(cinch_trainer_initial_weights(t));
    return cinch_fit_prepare(&t->fit);
}

void cinch_trainer_free(cinch_trainer *t)
{
    cinch_fit_free(&t->fit);
    cinch_feed_free(t->feed);
    cinch_feed_free(t->validation);
    cinch_params_free(t->params);
    cinch_model_free(t->model);
    cinch_device_free(t->device);
    cinch_data_source_close(&t->source);
    free(t->tuning_note);
}

/* --- initial weights ---------------------------------------------------------------------------------------------- */

static cinch_status start_average(cinch_trainer *t)
{
    float *host = cinch_calloc((size_t)cinch_params_slab_size(t->params, CINCH_SLAB_TRAINABLE), sizeof *host);
    if (!host) return CINCH_DEVICE;
    cinch_status status = cinch_params_slab_read(t->params, CINCH_SLAB_TRAINABLE, host);
    if (!status) status = cinch_params_slab_write(t->params, CINCH_SLAB_EMA, host);
    free(host);
    return status;
}

cinch_status cinch_trainer_initial_weights(cinch_trainer *t)
{
    const cinch_train_config *train = cinch_config_train(t->config);
    cinch_weights_fit fit = train->partial ? CINCH_WEIGHTS_PARTIAL : CINCH_WEIGHTS_ALL;
    cinch_tensor_file *file;
    if (!train->from_weights) return CINCH_OK;
    TRY(cinch_tensor_file_open(&file, train->from_weights));
    cinch_status status = cinch_weights_load(file, train->from_weights, t->model, t->params, fit, NULL);
    cinch_tensor_file_free(file);
    return !status && t->fit.source.use_ema ? start_average(t) : status;
}
