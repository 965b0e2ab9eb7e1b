/* SPDX-License-Identifier: Apache-2.0 */
/* Models run: their losses are what the definitions say, their weights mean the same to PyTorch. */
#include <cinch/model.h>
#include <cinch/plan.h>
#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "backends.h"

#define OK(call) cr_assert_eq((call), CINCH_OK, "%s: %s", #call, cinch_last_error())

enum { BATCH = 3, SIZE = 12, HIDDEN = 5, LATENT = 2, MOST = SIZE * HIDDEN };
static const cinch_sample image = {{3, {2, 3, 2}}, 0, 1, 0};
static const char json[] = "{\"hidden_sizes\": [5], \"latent_dim\": 2, \"activation\": \"tanh\"}";

typedef struct rig {
    cinch_device *device;
    cinch_model *model;
    cinch_params *params;
    bool allocated;
    float x[BATCH * SIZE];
} rig;

static rig begin(const char *description)
{
    rig r = {0};
    OK(cinch_device_open(&r.device, backends_device(), NULL));
    OK(cinch_model_create(&r.model, description, &image));
    OK(cinch_params_create(&r.params));
    for (int i = 0; i < BATCH * SIZE; i++) r.x[i] = 0.5f + 0.45f * sinf(1.7f * (float)i);
    return r;
}

static void end(rig *r)
{
    cinch_params_free(r->params);
    cinch_model_free(r->model);
    cinch_device_free(r->device);
}

/* Runs one loss on the rig's batch; the reconstruction goes to y (may be NULL). */
static double loss_of(rig *r, cinch_loss_config loss, float *y)
{
    cinch_graph *g;
    cinch_plan *plan;
    cinch_value out;
    float value;
    OK(cinch_graph_create(&g));
    cinch_value x = cinch_input(g, "x", CINCH_F32, CINCH_SHAPE(BATCH, 2, 3, 2));
    cinch_batch batch = {.x = x};
    cinch_output(g, "loss", cinch_model_loss(r->model, g, r->params, &batch, &loss, CINCH_EVALUATE, &out));
    cinch_output(g, "y", out);
    OK(cinch_graph_status(g));
    if (!r->allocated) OK(cinch_params_allocate(r->params, r->device, 7));
    r->allocated = true;
    OK(cinch_plan_create(&plan, g, r->device, r->params, NULL));
    OK(cinch_plan_write(plan, "x", r->x, sizeof r->x));
    OK(cinch_plan_run(plan));
    OK(cinch_plan_read(plan, "loss", &value, sizeof value));
    if (y) OK(cinch_plan_read(plan, "y", y, sizeof r->x));
    cinch_plan_free(plan);
    cinch_graph_free(g);
    return value;
}

static void expect_near(double is, double wanted, double relative, const char *what)
{
    cr_assert(fabs(is - wanted) <= relative * (fabs(wanted) + 1e-6), "%s: %.9g, not %.9g", what, is, wanted);
}

/* --- losses from the reconstruction, in double -------------------------------------------------------------------- */

static double term_of(const char *name, double y, double t)
{
    double d = fabs(y - t);
    if (!strcmp(name, "mse")) return d * d;
    if (!strcmp(name, "l1")) return d;
    if (!strcmp(name, "huber")) return d <= 0.1 ? 0.5 * d * d : 0.1 * (d - 0.05);
    return -(t * log(y) + (1 - t) * log(1 - y));
}

static double relative_l2_of(const float *y, const float *t)
{
    double total = 0;
    for (int n = 0; n < BATCH; n++) {
        double error = 0, size = 0;
        for (int i = n * SIZE; i < (n + 1) * SIZE; i++) {
            error += pow((double)y[i] - (double)t[i], 2);
            size += pow((double)t[i], 2);
        }
        total += sqrt(error / size) / BATCH;
    }
    return total;
}

Test(models_values, losses_are_what_their_names_say)
{
    static const char *const names[] = {"mse", "l1", "huber", "bce", "bce_logits"};
    rig r = begin(json);
    float y[BATCH * SIZE];
    for (int i = 0; i < 5; i++) {
        cinch_loss_config loss = {.name = names[i], .delta = 0.1};
        double mean = loss_of(&r, loss, y), sum = 0;
        for (int k = 0; k < BATCH * SIZE; k++) sum += term_of(names[i], (double)y[k], (double)r.x[k]);
        expect_near(mean, sum / (BATCH * SIZE), 1e-5, names[i]);
        loss.reduction = CINCH_BATCHMEAN;
        expect_near(loss_of(&r, loss, NULL), sum / BATCH, 1e-5, names[i]);
        loss.reduction = CINCH_SUM;
        expect_near(loss_of(&r, loss, NULL), sum, 1e-5, names[i]);
    }
    double relative = loss_of(&r, (cinch_loss_config){.name = "relative_l2"}, y);
    expect_near(relative, relative_l2_of(y, r.x), 1e-5, "relative_l2");
    end(&r);
}

Test(models_values, both_spellings_of_bce_reconstruct_alike)
{
    rig r = begin(json);
    float y[BATCH * SIZE], z[BATCH * SIZE];
    double probabilities = loss_of(&r, (cinch_loss_config){.name = "bce"}, y);
    double logits = loss_of(&r, (cinch_loss_config){.name = "bce_logits"}, z);
    expect_near(logits, probabilities, 1e-5, "bce_logits");
    for (int i = 0; i < BATCH * SIZE; i++) expect_near((double)z[i], (double)y[i], 1e-6, "reconstruction");
    end(&r);
}

Test(models_values, penalties_are_sums_over_weights)
{
    rig r = begin(json);
    double plain = loss_of(&r, (cinch_loss_config){0}, NULL), l1 = 0, l2 = 0;
    float w[MOST];
    for (int p = 0; p < cinch_params_count(r.params); p++) {
        cinch_param_info info = cinch_params_info(r.params, p);
        if (info.shape.rank != 2) continue;
        OK(cinch_params_read(r.params, p, CINCH_SLAB_TRAINABLE, w));
        for (int64_t i = 0; i < cinch_shape_count(info.shape); i++) {
            l1 += fabs((double)w[i]);
            l2 += (double)w[i] * (double)w[i];
        }
    }
    cr_assert(l1 > 1 && l2 > 0.1);
    expect_near(loss_of(&r, (cinch_loss_config){.l1 = 0.5}, NULL), plain + 0.5 * l1, 1e-5, "l1");
    expect_near(loss_of(&r, (cinch_loss_config){.l2 = 0.25}, NULL), plain + 0.25 * l2, 1e-5, "l2");
    cinch_loss_config both = {.l1 = 0.5, .l2 = 0.25};
    expect_near(loss_of(&r, both, NULL), plain + 0.5 * l1 + 0.25 * l2, 1e-5, "both");
    end(&r);
}

/* --- what PyTorch would compute with the converted weights -------------------------------------------------------- */

/* nn.Linear by name, in double. */
static void torch_linear(rig *r, const char *layer, const double *x, int in, double *y, int out)
{
    char name[32];
    float own[MOST], weight[MOST], bias[MOST];
    snprintf(name, sizeof name, "%s.weight", layer);
    OK(cinch_params_read(r->params, cinch_params_find(r->params, name), CINCH_SLAB_TRAINABLE, own));
    OK(cinch_model_convert(r->model, name, CINCH_SHAPE(out, in), true, own, weight));
    snprintf(name, sizeof name, "%s.bias", layer);
    OK(cinch_params_read(r->params, cinch_params_find(r->params, name), CINCH_SLAB_TRAINABLE, own));
    OK(cinch_model_convert(r->model, name, CINCH_SHAPE(out), true, own, bias));
    for (int o = 0; o < out; o++) {
        y[o] = (double)bias[o];
        for (int i = 0; i < in; i++) y[o] += (double)weight[o * in + i] * x[i];
    }
}

static void through_tanh(double *x, int n)
{
    for (int i = 0; i < n; i++) x[i] = tanh(x[i]);
}

/* (h, w, c) of a 2x3 image of 2 channels, flattened as PyTorch does. */
static int torch_place(int here) { return 6 * (here % 2) + 3 * (here / 6) + here / 2 % 3; }

Test(models_values, converted_weights_compute_the_same_on_channels_first)
{
    rig r = begin(json);
    float y[BATCH * SIZE];
    double x[SIZE], h[HIDDEN], z[LATENT], out[SIZE];
    loss_of(&r, (cinch_loss_config){0}, y);
    for (int n = 0; n < BATCH; n++) {
        for (int i = 0; i < SIZE; i++) x[torch_place(i)] = (double)r.x[n * SIZE + i];
        torch_linear(&r, "encoder.0", x, SIZE, h, HIDDEN);
        through_tanh(h, HIDDEN);
        torch_linear(&r, "encoder.2", h, HIDDEN, z, LATENT);
        torch_linear(&r, "decoder.0", z, LATENT, h, HIDDEN);
        through_tanh(h, HIDDEN);
        torch_linear(&r, "decoder.2", h, HIDDEN, out, SIZE);
        for (int i = 0; i < SIZE; i++)
            expect_near((double)y[n * SIZE + i], 1 / (1 + exp(-out[torch_place(i)])), 1e-5, "output");
    }
    end(&r);
}

/* --- initialisers ------------------------------------------------------------------------------------------------- */

static double largest(rig *r, const char *name)
{
    float w[MOST];
    double most = 0;
    int p = cinch_params_find(r->params, name);
    OK(cinch_params_read(r->params, p, CINCH_SLAB_TRAINABLE, w));
    for (int64_t i = 0; i < cinch_shape_count(cinch_params_info(r->params, p).shape); i++)
        most = fmax(most, fabs((double)w[i]));
    return most;
}

Test(models_values, weights_start_as_the_initialiser_says)
{
    static const struct { const char *json; double bound, bias; } inits[] = {
        {"{\"hidden_sizes\": [5]}", 0.288676, 0.288676},                           /* 1 / sqrt(12) */
        {"{\"hidden_sizes\": [5], \"init\": \"xavier_uniform\"}", 0.594089, 0},    /* sqrt(6 / 17) */
        {"{\"hidden_sizes\": [5], \"init\": \"kaiming_uniform\"}", 0.707107, 0},   /* sqrt(6 / 12) */
        {"{\"hidden_sizes\": [5], \"init\": \"uniform\"}", 0.05, 0},
        {"{\"hidden_sizes\": [5], \"init\": \"uniform\", \"init_scale\": 0.5}", 0.5, 0},
        {"{\"hidden_sizes\": [5], \"init\": \"zeros\"}", 0, 0}};
    for (size_t i = 0; i < sizeof inits / sizeof *inits; i++) {
        rig r = begin(inits[i].json);
        loss_of(&r, (cinch_loss_config){0}, NULL);
        double weight = largest(&r, "encoder.0.weight"), bias = largest(&r, "encoder.0.bias");
        cr_assert(weight <= inits[i].bound * 1.0001 && weight >= inits[i].bound * 0.8, "%s: %g", inits[i].json, weight);
        cr_assert(bias <= inits[i].bias * 1.0001 && bias >= inits[i].bias * 0.3, "%s: %g", inits[i].json, bias);
        end(&r);
    }
}
