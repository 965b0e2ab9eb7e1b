/* SPDX-License-Identifier: Apache-2.0 */
/* Updates of a small variational model against PyTorch's of the same weights, data and noise (tests/fixtures). */
#include <cinch/model.h>
#include <cinch/plan.h>
#include <criterion/criterion.h>
#include <jansson.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <cinch/data.h>

#include "backends.h"

#define OK(call) cr_assert_eq((call), CINCH_OK, "%s: %s", #call, cinch_last_error())
#define FIXTURES CINCH_TESTS_FOLDER "/fixtures/"

enum { SAMPLES = 8, FEATURES = 12, LATENT = 3, STEPS = 6, MOST = 256 };

typedef struct rig {
    const json_t *about;
    const char *name;
    cinch_tensor_file *file;
    cinch_device *device;
    cinch_model *model;
    cinch_params *params;
    cinch_plan *plan;
    cinch_loss_config loss;
} rig;

static bool is_told(const json_t *about) { return json_is_true(json_object_get(about, "told")); }

static const char *text_of(const json_t *about, const char *key, const char *fallback)
{
    const json_t *value = json_object_get(about, key);
    return value ? json_string_value(value) : fallback;
}

static double number_of(const json_t *about, const char *key, double fallback)
{
    const json_t *value = json_object_get(about, key);
    return value ? json_number_value(value) : fallback;
}

static void make_model(rig *r)
{
    char json[512], *clamp = json_dumps(json_object_get(r->about, "logvar_clamp"), 0);
    cinch_sample sample = {CINCH_SHAPE(FEATURES), 0, 1, 4};
    snprintf(json, sizeof json,
             "{\"name\": \"vae\", \"hidden_sizes\": [6], \"latent_dim\": 3, \"activation\": \"tanh\", "
             "\"logvar_clamp\": %s, \"condition\": \"%s\"}",
             clamp ? clamp : "[-30, 20]", is_told(r->about) ? "label" : "none");
    free(clamp);
    OK(cinch_model_create(&r->model, json, &sample));
}

static void read_loss(rig *r)
{
    const char *reduction = text_of(r->about, "reduction", "batchmean");
    r->loss = (cinch_loss_config){.name = text_of(r->about, "loss", NULL), .beta = number_of(r->about, "beta", 1),
                                  .free_bits = number_of(r->about, "free_bits", 0)};
    r->loss.reduction = !strcmp(reduction, "mean") ? CINCH_MEAN
                      : !strcmp(reduction, "sum") ? CINCH_SUM : CINCH_BATCHMEAN;
}

/* An entry of the fixture, as floats. */
static void fixture(const rig *r, const char *prefix, const char *name, float *out, int64_t count)
{
    char key[128];
    snprintf(key, sizeof key, "%s.%s", prefix, name);
    const cinch_tensor_entry *entry = cinch_tensor_file_find(r->file, *prefix ? key : name);
    cr_assert(entry && entry->count == count, "%s of %s", name, prefix);
    OK(cinch_element_to_float(entry->element, entry->data, count, out));
}

static void write_weights(rig *r)
{
    float values[MOST];
    for (int i = 0; i < cinch_params_count(r->params); i++) {
        cinch_param_info info = cinch_params_info(r->params, i);
        if (info.options.state) continue;
        fixture(r, is_told(r->about) ? "told_start" : "plain_start", info.name, values, cinch_shape_count(info.shape));
        OK(cinch_params_write(r->params, i, values));
    }
}

static const cinch_optimizer adam = {.kind = CINCH_ADAM, .lr = 0.01, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};

static void make_plan(rig *r)
{
    cinch_graph *g;
    OK(cinch_graph_create(&g));
    cinch_batch batch = {.x = cinch_input(g, "x", CINCH_F32, CINCH_SHAPE(SAMPLES, FEATURES)),
                         .noise = cinch_input(g, "noise", CINCH_F32, CINCH_SHAPE(SAMPLES, LATENT))};
    if (is_told(r->about)) batch.label = cinch_input(g, "label", CINCH_I32, CINCH_SHAPE(SAMPLES));
    cinch_value loss = cinch_model_loss(r->model, g, r->params, &batch, &r->loss, CINCH_TRAIN, NULL);
    cinch_update(g, r->params, loss, cinch_gradients(g, r->params, loss), &adam);
    OK(cinch_graph_status(g));
    OK(cinch_params_allocate(r->params, r->device, 0));
    write_weights(r);
    OK(cinch_plan_create(&r->plan, g, r->device, r->params, &(cinch_plan_options){.metric_rows = 1}));
    cinch_graph_free(g);
}

static void write_batch(rig *r)
{
    float x[SAMPLES * FEATURES];
    fixture(r, "", "x", x, SAMPLES * FEATURES);
    OK(cinch_plan_write(r->plan, "x", x, sizeof x));
    if (!is_told(r->about)) return;
    OK(cinch_plan_write(r->plan, "label", cinch_tensor_file_find(r->file, "label")->data, SAMPLES * sizeof(int32_t)));
}

static double metric(const rig *r, const float *values, const char *name)
{
    for (int i = 0; i < cinch_plan_metric_count(r->plan); i++)
        if (!strcmp(cinch_plan_metric_name(r->plan, i), name)) return (double)values[i];
    cr_assert_fail("no metric %s", name);
    return NAN;
}

static void take_step(rig *r, int step)
{
    static const char *const names[] = {"loss", "loss_recon", "loss_kl"};
    float noise[STEPS * SAMPLES * LATENT], hyper[64], values[16];
    const json_t *wanted = json_array_get(json_object_get(r->about, "steps"), (size_t)step);
    fixture(r, "", "noise", noise, STEPS * SAMPLES * LATENT);
    OK(cinch_plan_write(r->plan, "noise", noise + step * SAMPLES * LATENT, SAMPLES * LATENT * sizeof *noise));
    cinch_optimizer_hyper(&adam, adam.lr, step + 1, NULL, hyper);
    OK(cinch_plan_control(r->plan, "hyper", hyper, sizeof hyper));
    OK(cinch_plan_run(r->plan));
    OK(cinch_plan_metrics(r->plan, 1, values));
    for (size_t i = 0; i < 3; i++) {
        double is = metric(r, values, names[i]), w = json_number_value(json_array_get(wanted, i));
        cr_assert_lt(fabs(is - w), 1e-4 * fabs(w), "%s: %s of step %d is %.9g, not %.9g", r->name, names[i],
                     step + 1, is, w);
    }
}

/* Also the names: those of PyTorch's state_dict, one for one. */
static void expect_weights(rig *r)
{
    float is[MOST], wanted[MOST];
    for (int i = 0; i < cinch_params_count(r->params); i++) {
        cinch_param_info info = cinch_params_info(r->params, i);
        if (info.options.state) continue;
        int64_t count = cinch_shape_count(info.shape);
        fixture(r, r->name, info.name, wanted, count);
        OK(cinch_params_read(r->params, i, CINCH_SLAB_TRAINABLE, is));
        for (int64_t k = 0; k < count; k++)
            cr_assert_lt(fabsf(is[k] - wanted[k]), 1e-4f, "%s: %s[%d] is %.7g, not %.7g", r->name, info.name, (int)k,
                         (double)is[k], (double)wanted[k]);
    }
}

static void follow(const json_t *about)
{
    rig r = {.about = about, .name = text_of(about, "name", "")};
    OK(cinch_tensor_file_open(&r.file, FIXTURES "vae_data.safetensors"));
    OK(cinch_device_open(&r.device, backends_device(), NULL));
    OK(cinch_params_create(&r.params));
    make_model(&r);
    read_loss(&r);
    make_plan(&r);
    write_batch(&r);
    for (int step = 0; step < STEPS; step++) take_step(&r, step);
    expect_weights(&r);
    cinch_plan_free(r.plan);
    cinch_params_free(r.params);
    cinch_model_free(r.model);
    cinch_device_free(r.device);
    cinch_tensor_file_free(r.file);
}

Test(train_vae, steps_with_given_noise_are_those_of_pytorch)
{
    json_error_t error;
    json_t *all = json_load_file(FIXTURES "vae_steps.json", 0, &error), *cases = json_object_get(all, "cases"), *c;
    cr_assert_geq(json_array_size(cases), 15, "%s", error.text);
    size_t i;
    json_array_foreach(cases, i, c) follow(c);
    json_decref(all);
}
