/* SPDX-License-Identifier: Apache-2.0 */
/* Each option of variational, denoising, sparse and conditional models shows in what a run does. */
#include "train_runs.h"

#include <cinch/data.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(train_vae_options, .fini = remove_runs);

enum { MOST = 256, ROWS = 64, PIXELS = 784, CODE = 6 };

/* The last epoch's figure. */
static double last(const char *name, const char *key)
{
    double values[MOST];
    int n = series_of(name, "epoch", key, values, MOST);
    cr_assert_gt(n, 0);
    return values[n - 1];
}

static double at_step(const char *name, const char *key, int step)
{
    double values[MOST];
    cr_assert_geq(series_of(name, "step", key, values, MOST), step);
    return values[step - 1];
}

static bool near(double a, double b, double relative) { return fabs(a - b) <= relative * fabs(b); }

/* How much more than the reconstruction the loss of a step is, in KLs: the beta of that step. */
static double beta_at(const char *name, int step)
{
    return (at_step(name, "loss", step) - at_step(name, "loss_recon", step)) / at_step(name, "loss_kl", step);
}

Test(train_vae_options, beta_presses_the_kl)
{
    trained("one", small_config("model.name=vae", NULL));
    trained("eight", small_config("model.name=vae", "loss.beta=8", NULL));
    cr_assert_lt(last("eight", "loss_kl"), 0.7 * last("one", "loss_kl"));
    cr_assert_lt(fabs(beta_at("one", 3) - 1), 1e-3);
    cr_assert_lt(fabs(beta_at("eight", 3) - 8), 1e-2);
    double kl = last("one", "loss_kl"), reconstruction = last("one", "loss_recon");
    cr_assert(near(last("one", "kl_share"), kl / (kl + reconstruction), 1e-6));
}

/* The beta of each step, as the losses show it. */
Test(train_vae_options, beta_anneals_step_by_step)
{
    trained("linear", small_config("model.name=vae", "loss.beta=2", "loss.anneal=linear", "loss.anneal_steps=10",
                                   NULL));
    trained("cyclical", small_config("model.name=vae", "loss.anneal=cyclical", "loss.anneal_steps=8", NULL));
    for (int step = 1; step <= 20; step++) {
        double linear = step <= 11 ? 2 * (step - 1) / 10.0 : 2, phase = 2 * ((step - 1) % 8) / 8.0;
        cr_assert_lt(fabs(beta_at("linear", step) - linear), 5e-3, "linear, step %d", step);
        cr_assert_lt(fabs(beta_at("cyclical", step) - (phase < 1 ? phase : 1)), 5e-3, "cyclical, step %d", step);
    }
}

Test(train_vae_options, free_bits_keep_the_code_in_use)
{
    trained("none", small_config("model.name=vae", "loss.beta=100", "train.epochs=6", NULL));
    trained("free", small_config("model.name=vae", "loss.beta=100", "loss.free_bits=0.5", "train.epochs=6", NULL));
    cr_assert_lt(last("none", "loss_kl"), 0.5);
    cr_assert_gt(last("free", "loss_kl"), 1);
    cr_assert_gt(last("free", "kl_active"), last("none", "kl_active"));
}

Test(train_vae_options, a_collapse_is_named_once)
{
    heard h = {0};
    OK(train_in("collapsed", small_config("model.name=vae", "loss.beta=300", "train.epochs=4", NULL),
                (cinch_train_options){0}, &h, NULL));
    int named = 0;
    for (int i = 0; i < h.n_notes; i++) named += strstr(h.notes[i], "posterior collapse") != NULL;
    cr_assert_eq(named, 1);
    h = (heard){0};
    OK(train_in("alive", small_config("model.name=vae", "train.epochs=4", NULL), (cinch_train_options){0}, &h, NULL));
    cr_assert_eq(h.n_notes, 0, "%s", h.notes[0]);
}

static void read_pictures(float x[ROWS * PIXELS])
{
    cinch_dataset *data;
    int32_t rows[ROWS];
    for (int i = 0; i < ROWS; i++) rows[i] = i;
    OK(cinch_dataset_open(&data, "shapes:64", NULL));
    OK(cinch_dataset_gather_float(data, rows, ROWS, x));
    cinch_dataset_free(data);
}

static void encode(const char *name, float mean[ROWS * CODE], float logvar[ROWS * CODE])
{
    static float x[ROWS * PIXELS];
    cinch_run *run;
    read_pictures(x);
    OK(cinch_run_open(&run, run_path(name), &(cinch_run_options){.device = "cpu"}));
    OK(cinch_run_encode(run, x, NULL, ROWS, mean, logvar));
    cinch_run_free(run);
}

Test(train_vae_options, logvar_stays_within_its_clamp)
{
    float mean[ROWS * CODE], logvar[ROWS * CODE];
    trained("free", small_config("model.name=vae", NULL));
    trained("clamped", small_config("model.name=vae", "model.logvar_clamp=-0.3,0.1", NULL));
    float low = 0;
    encode("free", mean, logvar);
    for (int i = 0; i < ROWS * CODE; i++) low = fminf(low, logvar[i]);
    cr_assert_lt(low, -0.4f);
    encode("clamped", mean, logvar);
    for (int i = 0; i < ROWS * CODE; i++) cr_assert(logvar[i] >= -0.3f && logvar[i] <= 0.1f);
}

static double mean_size(const char *name, bool squashed)
{
    float mean[ROWS * CODE];
    double sum = 0;
    encode(name, mean, NULL);
    for (int i = 0; i < ROWS * CODE; i++) sum += squashed ? 1 / (1 + exp(-(double)mean[i])) : fabs((double)mean[i]);
    return sum / (ROWS * CODE);
}

Test(train_vae_options, sparsity_draws_codes_together)
{
    trained("none", small_config("train.epochs=6", NULL));
    trained("l1", small_config("loss.sparsity=l1:0.3", "train.epochs=6", NULL));
    trained("l2", small_config("loss.sparsity=l2:0.3", "train.epochs=6", NULL));
    trained("low", small_config("loss.sparsity=kl:0.3", "train.epochs=12", NULL));
    trained("high", small_config("loss.sparsity=kl:0.3", "loss.sparsity_target=0.8", "train.epochs=12", NULL));
    double plain = mean_size("none", false);
    cr_assert_lt(mean_size("l1", false), 0.5 * plain);
    cr_assert_lt(mean_size("l2", false), 0.5 * plain);
    cr_assert_lt(mean_size("low", true), 0.3);
    cr_assert_gt(mean_size("high", true), 0.6);
    cr_assert_lt(last("low", "active"), 0.3, "%g", last("low", "active"));
    cr_assert_gt(last("high", "active"), 0.7, "%g", last("high", "active"));
    double parts = at_step("l1", "loss_recon", 5) + 0.3 * at_step("l1", "loss_sparsity", 5);
    cr_assert(near(at_step("l1", "loss", 5), parts, 1e-5));
}

#define ROOMY "model.hidden_sizes=96", "model.latent_dim=32", "optimizer.lr=3e-3", "train.epochs=30"

Test(train_vae_options, denoising_learns_the_clean_picture)
{
    static const char *const kinds[] = {"gaussian:0.3", "salt_pepper:0.2", "masking:0.4"};
    char noise[64], name[16];
    trained("plain", small_config(ROOMY, NULL));
    for (int i = 0; i < 3; i++) {
        cinch_run *run;
        cinch_evaluation e;
        snprintf(noise, sizeof noise, "model.noise=%s", kinds[i]);
        snprintf(name, sizeof name, "noise%d", i);
        trained(name, small_config(noise, ROOMY, NULL));
        cr_assert_gt(last(name, "loss"), last("plain", "loss"), "%s makes it harder", kinds[i]);
        OK(cinch_run_open(&run, run_path(name), &(cinch_run_options){.device = "cpu"}));
        OK(cinch_run_evaluate(run, NULL, &e));
        cr_assert_gt(e.noisy_mse, 0.01);
        cr_assert_lt(e.denoised_mse, 0.75 * e.noisy_mse, "%s: %g of %g", kinds[i], e.denoised_mse, e.noisy_mse);
        cinch_run_free(run);
    }
}

/* The target here is the negative, which only a model that was told of it paints. */
Test(train_vae_options, a_target_is_what_is_learnt)
{
    static float x[ROWS * PIXELS];
    char setting[600], given[600];
    read_pictures(x);
    OK(cinch_npy_write(run_path("x.npy"), CINCH_ELEMENT_F32, CINCH_SHAPE(ROWS, 28, 28, 1), x));
    for (int i = 0; i < ROWS * PIXELS; i++) x[i] = 1 - x[i];
    OK(cinch_npy_write(run_path("negative.npy"), CINCH_ELEMENT_F32, CINCH_SHAPE(ROWS, 28, 28, 1), x));
    snprintf(given, sizeof given, "data.spec=%s", run_path("x.npy"));
    snprintf(setting, sizeof setting, "data.target=%s", run_path("negative.npy"));
    trained("same", small_config(given, "data.split=1,0,0", "train.epochs=40", NULL));
    trained("negative", small_config(given, setting, "data.split=1,0,0", "train.epochs=40", NULL));
    static float y[2][ROWS * PIXELS];
    for (int k = 0; k < 2; k++) {
        cinch_run *run;
        double bright = 0;
        for (int i = 0; i < ROWS * PIXELS; i++) x[i] = k == 0 ? 1 - x[i] : x[i];
        OK(cinch_run_open(&run, run_path(k ? "negative" : "same"), &(cinch_run_options){.device = "cpu"}));
        OK(cinch_run_reconstruct(run, x, NULL, ROWS, y[k]));
        cinch_sample out = cinch_run_output(run);
        cr_assert(out.shape.rank == 3 && out.low == 0 && out.high == 1);
        for (int i = 0; i < ROWS * PIXELS; i++) bright += (double)y[k][i] / (ROWS * PIXELS);
        cr_assert(k ? bright > 0.7 : bright < 0.3, "%g", bright);
        cinch_run_free(run);
    }
}

/* Noise on the input and draws of posteriors are those of the seed that is asked for. */
Test(train_vae_options, evaluation_draws_by_its_seed)
{
    cinch_evaluation e[3];
    trained("a", small_config("model.name=vae", "model.noise=masking:0.3", NULL));
    for (int i = 0; i < 3; i++) {
        cinch_run *run;
        OK(cinch_run_open(&run, run_path("a"), &(cinch_run_options){.device = "cpu", .seed = i == 1 ? 7 : 0}));
        OK(cinch_run_evaluate(run, NULL, &e[i]));
        cinch_run_free(run);
    }
    cr_assert(e[0].elbo != e[1].elbo && e[0].noisy_mse != e[1].noisy_mse && e[0].denoised_mse != e[1].denoised_mse);
    cr_assert(e[0].mse == e[1].mse, "the reconstruction of the mean draws nothing");
    cr_assert(near(e[0].elbo, e[1].elbo, 1e-2) && near(e[0].noisy_mse, e[1].noisy_mse, 0.1));
    cr_assert(e[0].elbo == e[2].elbo && e[0].noisy_mse == e[2].noisy_mse);
}

/* --- what is drawn does not depend on how training is cut up ------------------------------------------------------ */

static const char *const drawing[] = {"model.name=vae", "model.noise=masking:0.2", "model.dropout=0.2",
                                      "model.condition=label", "loss.anneal=linear", "loss.sparsity=l1:0.01"};
#define DRAWING drawing[0], drawing[1], drawing[2], drawing[3], drawing[4], drawing[5]

Test(train_vae_options, threads_change_nothing)
{
    trained("one", small_config(DRAWING, "train.threads=1", NULL));
    trained("two", small_config(DRAWING, "train.threads=2", NULL));
    trained("three", small_config(DRAWING, "train.threads=3", NULL));
    trained("seed", small_config(DRAWING, "train.threads=3", "train.seed=1", NULL));
    cr_assert(same_models("one", "two") && same_models("one", "three") && !same_models("one", "seed"));
}

Test(train_vae_options, a_run_that_was_stopped_goes_on_bit_for_bit)
{
    heard h = {.stop_at_step = 9, .stop_with = CINCH_INTERRUPTED};
    trained("whole", small_config(DRAWING, NULL));
    cr_assert_eq(train_in("halves", small_config(DRAWING, NULL), (cinch_train_options){0}, &h, NULL),
                 CINCH_INTERRUPTED);
    resumed("halves", small_config(DRAWING, NULL));
    cr_assert(same_models("whole", "halves"));
}

/* Each sample has its own noise, whatever batch it comes in. */
Test(train_vae_options, accumulated_batches_draw_the_same)
{
    trained("whole", small_config(DRAWING, NULL));
    trained("parts", small_config(DRAWING, "train.batch_size=16", "train.accumulate=2", NULL));
    for (int step = 1; step <= 20; step++)
        cr_assert(near(at_step("parts", "loss", step), at_step("whole", "loss", step), 1e-4), "step %d: %g, %g", step,
                  at_step("parts", "loss", step), at_step("whole", "loss", step));
}

/* The terms are sums where the loss is one, and averages else: the same figures a sample either way. */
Test(train_vae_options, epochs_report_averages_a_sample)
{
    static const char *const keys[] = {"loss_recon", "loss_kl", "loss_sparsity", "kl_active", "active"};
    trained("mean", small_config("model.name=vae", "loss.sparsity=l1:0.5", "optimizer.lr=1e-9", NULL));
    trained("sum", small_config("model.name=vae", "loss.sparsity=l1:0.5", "optimizer.lr=1e-9", "loss.reduction=sum",
                                NULL));
    for (int i = 0; i < 5; i++)
        cr_assert(near(last("sum", keys[i]), last("mean", keys[i]), 1e-4), "%s: %g, %g", keys[i], last("sum", keys[i]),
                  last("mean", keys[i]));
    cr_assert(near(at_step("sum", "loss_kl", 1), 32 * at_step("mean", "loss_kl", 1), 1e-5));
    cr_assert(near(at_step("sum", "loss_sparsity", 1), 32 * at_step("mean", "loss_sparsity", 1), 1e-5));
}
