/* SPDX-License-Identifier: Apache-2.0 */
/* Noise, dropout and labels in a model's graph: what they do to numbers, where they stand, when. */
#include <cinch/model.h>
#include <cinch/ops.h>
#include <cinch/plan.h>
#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "backends.h"

#define OK(call) cr_assert_eq((call), CINCH_OK, "%s: %s", #call, cinch_last_error())

enum { ROWS = 40, SIZE = 100, COUNT = ROWS * SIZE };
static const cinch_sample bounded = {{1, {SIZE}}, 0, 1, 3}, free_sample = {{1, {SIZE}}, 0, 0, 0};

static cinch_model *made(const char *json, const cinch_sample *sample)
{
    cinch_model *m;
    OK(cinch_model_create(&m, json, sample));
    return m;
}

/* What training sees of COUNT numbers `x`. */
static void corrupt(const char *noise, const cinch_sample *sample, const float *x, float *y)
{
    char json[128];
    cinch_device *device;
    cinch_graph *g;
    cinch_plan *plan;
    snprintf(json, sizeof json, "{\"noise\": \"%s\"}", noise);
    cinch_model *m = made(json, sample);
    OK(cinch_device_open(&device, backends_device(), NULL));
    OK(cinch_graph_create(&g));
    cinch_output(g, "y", cinch_model_corrupt(m, g, cinch_input(g, "x", CINCH_F32, CINCH_SHAPE(ROWS, SIZE))));
    OK(cinch_plan_create(&plan, g, device, NULL, NULL));
    OK(cinch_plan_write(plan, "x", x, COUNT * sizeof *x));
    cinch_plan_position(plan, 3, 0, 0);
    OK(cinch_plan_run(plan));
    OK(cinch_plan_read(plan, "y", y, COUNT * sizeof *y));
    cinch_plan_free(plan);
    cinch_graph_free(g);
    cinch_device_free(device);
    cinch_model_free(m);
}

static double share_of(const float *x, float value)
{
    int n = 0;
    for (int i = 0; i < COUNT; i++) n += x[i] == value;
    return (double)n / COUNT;
}

/* Within four deviations of a share of COUNT independent numbers. */
static bool about(double share, double p) { return fabs(share - p) < 4 * sqrt(p * (1 - p) / COUNT); }

Test(models_variational, noise_is_what_its_name_says)
{
    static float x[COUNT], y[COUNT];
    for (int i = 0; i < COUNT; i++) x[i] = 0.5f;
    corrupt("masking:0.2", &bounded, x, y);
    cr_assert(about(share_of(y, 0), 0.2) && share_of(y, 0) + share_of(y, 0.5f) == 1, "masking: %g", share_of(y, 0));
    corrupt("salt_pepper:0.3", &bounded, x, y);
    cr_assert(about(share_of(y, 0), 0.15) && about(share_of(y, 1), 0.15),
              "salt %g, pepper %g", share_of(y, 1), share_of(y, 0));
    cr_assert(about(share_of(y, 0.5f), 0.7));
    corrupt("none", &bounded, x, y);
    cr_assert(share_of(y, 0.5f) == 1);
}

Test(models_variational, gaussian_noise_stays_within_the_bounds_of_the_data)
{
    static float x[COUNT], y[COUNT];
    double mean = 0, square = 0;
    corrupt("gaussian:0.3", &free_sample, x, y);
    for (int i = 0; i < COUNT; i++) mean += (double)y[i] / COUNT, square += (double)y[i] * (double)y[i] / COUNT;
    cr_assert_lt(fabs(mean), 4 * 0.3 / sqrt(COUNT));
    cr_assert_lt(fabs(sqrt(square) - 0.3), 0.02);
    corrupt("gaussian:0.3", &bounded, x, y);
    for (int i = 0; i < COUNT; i++) cr_assert(y[i] >= 0 && y[i] <= 1);
    cr_assert(about(share_of(y, 0), 0.5), "half of it would fall below 0");
}

/* --- names and shapes --------------------------------------------------------------------------------------------- */

static void expect_layers(const char *json, const char *const *wanted, int n)
{
    cinch_model *m = made(json, &bounded);
    cr_assert_eq(cinch_model_layer_count(m), n);
    for (int i = 0; i < n; i++) {
        char text[128];
        cinch_layer_info layer = cinch_model_layer(m, i);
        snprintf(text, sizeof text, "%s %s", layer.name, layer.kind);
        cr_assert_str_eq(text, wanted[i]);
    }
    cinch_model_free(m);
}

Test(models_variational, modules_are_numbered_as_pytorch_would)
{
    static const char *const dropped[] = {
        "encoder.0 Linear 100 -> 8", "encoder.1 ReLU", "encoder.2 Dropout 0.25", "encoder.3 Linear 8 -> 3",
        "decoder.0 Linear 3 -> 8", "decoder.1 ReLU", "decoder.2 Dropout 0.25", "decoder.3 Linear 8 -> 100",
        "decoder.4 Sigmoid"};
    static const char *const told[] = {
        "encoder.0 Linear 103 -> 8", "encoder.1 ReLU", "mu Linear 8 -> 2", "logvar Linear 8 -> 2",
        "decoder.0 Linear 5 -> 8", "decoder.1 ReLU", "decoder.2 Linear 8 -> 100", "decoder.3 Sigmoid"};
    expect_layers("{\"hidden_sizes\": [8], \"latent_dim\": 3, \"dropout\": 0.25}", dropped, 9);
    expect_layers("{\"name\": \"vae\", \"hidden_sizes\": [8], \"latent_dim\": 2, \"condition\": \"label\"}", told, 8);
}

/* --- training and evaluating -------------------------------------------------------------------------------------- */

/* The loss of a batch at two steps of training, or of evaluation. */
static void losses(const char *json, cinch_mode mode, float out[2])
{
    static float x[COUNT];
    cinch_device *device;
    cinch_graph *g;
    cinch_params *params;
    cinch_plan *plan;
    cinch_model *m = made(json, &bounded);
    cinch_loss_config loss = {.beta = 1, .reduction_auto = true};
    for (int i = 0; i < COUNT; i++) x[i] = 0.5f + 0.4f * sinf((float)i);
    OK(cinch_device_open(&device, backends_device(), NULL));
    OK(cinch_graph_create(&g));
    OK(cinch_params_create(&params));
    cinch_batch batch = {.x = cinch_input(g, "x", CINCH_F32, CINCH_SHAPE(ROWS, SIZE))};
    cinch_output(g, "loss", cinch_model_loss(m, g, params, &batch, &loss, mode, NULL));
    OK(cinch_graph_status(g));
    OK(cinch_params_allocate(params, device, 1));
    OK(cinch_plan_create(&plan, g, device, params, NULL));
    OK(cinch_plan_write(plan, "x", x, sizeof x));
    for (int step = 0; step < 2; step++) {
        cinch_plan_position(plan, 1, (uint64_t)step, 0);
        OK(cinch_plan_run(plan));
        OK(cinch_plan_read(plan, "loss", &out[step], sizeof *out));
    }
    cinch_plan_free(plan);
    cinch_params_free(params);
    cinch_graph_free(g);
    cinch_device_free(device);
    cinch_model_free(m);
}

Test(models_variational, what_is_random_is_so_in_training_alone)
{
    static const char *const random[] = {"{\"dropout\": 0.5}", "{\"noise\": \"masking:0.5\"}", "{\"name\": \"vae\"}"};
    float train[2], evaluate[2];
    for (int i = 0; i < 3; i++) {
        losses(random[i], CINCH_TRAIN, train);
        losses(random[i], CINCH_EVALUATE, evaluate);
        cr_assert(train[0] != train[1], "%s: each step draws", random[i]);
        cr_assert(evaluate[0] == evaluate[1], "%s: evaluation does not", random[i]);
    }
    losses("{}", CINCH_TRAIN, train);
    losses("{}", CINCH_EVALUATE, evaluate);
    cr_assert(train[0] == train[1] && train[0] == evaluate[0]);
}

Test(models_variational, a_label_is_wanted_and_counts)
{
    cinch_graph *g;
    cinch_params *params;
    cinch_model *m = made("{\"condition\": \"label\"}", &bounded);
    OK(cinch_graph_create(&g));
    OK(cinch_params_create(&params));
    cr_assert_eq(cinch_model_classes(m), 3);
    cinch_batch batch = {.x = cinch_input(g, "x", CINCH_F32, CINCH_SHAPE(ROWS, SIZE))};
    cr_assert(!cinch_valid(cinch_model_encode(m, g, params, &batch, CINCH_EVALUATE).mean));
    cr_assert_eq(cinch_graph_status(g), CINCH_USAGE);
    cr_assert(strstr(cinch_last_error(), "wants a label for every sample"));
    cinch_graph_free(g);
    cinch_params_free(params);
    cinch_model_free(m);
}
