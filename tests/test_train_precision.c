/* SPDX-License-Identifier: Apache-2.0 */
/* Training in bf16: as good as in f32, the same whoever computes it and wherever it stopped, in less memory. */
#include "train_runs.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "backends.h"

TestSuite(train_precision, .fini = remove_runs);

#define BF16 "train.precision=bf16"

static double mse_of(const char *name, const char *precision)
{
    cinch_run *run;
    cinch_evaluation e;
    cinch_run_options options = {.device = backends_device(), .threads = 2, .precision = precision};
    OK(cinch_run_open(&run, run_path(name), &options));
    OK(cinch_run_evaluate(run, NULL, &e));
    cinch_run_free(run);
    return e.mse;
}

/* --- results ------------------------------------------------------------------------------------------------------ */

/* Whatever the model and the loss: the error on the test part is that of f32 within 3%. */
Test(train_precision, every_model_learns_as_in_f32)
{
    static const char *const variants[][4] = {
        {NULL},
        {"model.output_activation=linear", "loss.name=huber", NULL},
        {"model.name=stacked", "model.activation=gelu", "optimizer.name=adamw", NULL},
        {"loss.name=bce", "model.dropout=0.1", "optimizer.ema=0.9", NULL},
        {"loss.name=bce_logits", "model.noise=gaussian:0.2", "loss.sparsity=kl:0.01", NULL},
        {"loss.name=l1", "train.accumulate=2", "optimizer.clip=1", NULL},
        {"loss.name=relative_l2", "loss.l2=1e-5", "loss.l1=1e-6", NULL},
        {"model.name=vae", "loss.beta=0.1", "loss.anneal=linear", NULL},
        {"data.range=-1:1", "model.condition=label", "data.resident=never", NULL}};
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) {
        const char *settings[8] = {"train.epochs=8", "optimizer.lr=0.003"};
        int n = 2;
        char full[16], low[16];
        for (int i = 0; variants[v][i]; i++) settings[n++] = variants[v][i];
        snprintf(full, sizeof full, "full%d", (int)v);
        snprintf(low, sizeof low, "low%d", (int)v);
        trained(full, small_config_of(settings));
        settings[n] = BF16;
        trained(low, small_config_of(settings));
        double wanted = mse_of(full, NULL), got = mse_of(low, NULL);
        cr_expect_float_eq(got, wanted, 0.03 * wanted, "variant %d: %g instead of %g", (int)v, got, wanted);
        cr_expect(!same_models(full, low), "variant %d", (int)v);
    }
}

/* The weights are f32: a run may be used in another precision than it was trained in. */
Test(train_precision, a_run_is_used_in_the_precision_asked_for)
{
    cinch_run *run;
    trained("low", small_config(BF16, "train.epochs=4", NULL));
    double low = mse_of("low", NULL), same = mse_of("low", "bf16"), full = mse_of("low", "f32");
    cr_expect_eq(low, same, "as in training unless told");
    cr_expect(low != full && fabs(low - full) < 0.01 * full, "%g, %g", low, full);
    cr_assert_eq(cinch_run_open(&run, run_path("low"), &(cinch_run_options){.precision = "f16"}), CINCH_USAGE);
    cr_expect(error_holds("did you mean bf16"));
}

Test(train_precision, codes_and_reconstructions_are_near_those_of_f32)
{
    enum { ROWS = 40, CODE = 6 };
    static float x[ROWS * 784], code[2][ROWS * CODE], y[2][ROWS * 784], decoded[ROWS * 784];
    static const char *const precisions[] = {"f32", "bf16"};
    trained("low", small_config(BF16, "train.epochs=4", NULL));
    for (int i = 0; i < ROWS * 784; i++) x[i] = (float)(i * 31 % 257) / 256;
    for (int i = 0; i < 2; i++) {
        cinch_run *run;
        cinch_run_options options = {.device = backends_device(), .precision = precisions[i]};
        OK(cinch_run_open(&run, run_path("low"), &options));
        OK(cinch_run_encode(run, x, NULL, ROWS, code[i], NULL));
        OK(cinch_run_reconstruct(run, x, NULL, ROWS, y[i]));
        OK(cinch_run_decode(run, code[i], NULL, ROWS, decoded));
        for (int k = 0; k < ROWS * 784; k++)
            cr_assert_float_eq(decoded[k], y[i][k], 0.02, "%d: %g, %g", k, decoded[k], y[i][k]);
        cinch_run_free(run);
    }
    for (int k = 0; k < ROWS * CODE; k++) cr_assert_float_eq(code[1][k], code[0][k], 0.03 * (1 + fabsf(code[0][k])));
    for (int k = 0; k < ROWS * 784; k++) cr_assert_float_eq(y[1][k], y[0][k], 0.02);
    cr_expect(memcmp(code[0], code[1], sizeof code[0]));
}

/* --- sameness ----------------------------------------------------------------------------------------------------- */

Test(train_precision, threads_and_repetition_change_nothing)
{
    static const char *const threads[] = {"train.threads=2", "train.threads=2", "train.threads=1", "train.threads=3"};
    for (int i = 0; i < 4; i++) {
        char name[16];
        snprintf(name, sizeof name, "run%d", i);
        trained(name, small_config(BF16, threads[i], NULL));
        cr_expect(same_models("run0", name), "%s", threads[i]);
    }
}

Test(train_precision, resuming_changes_nothing)
{
    static const char *const variants[][4] = {{NULL}, {"optimizer.ema=0.9", "model.dropout=0.2", NULL},
                                              {"train.accumulate=4", "optimizer.name=rmsprop", NULL},
                                              {"model.name=vae", "data.resident=never", NULL}};
    for (int v = 0; v < 4; v++) {
        int steps = v == 2 ? 8 : 30, cuts[] = {1, steps / 2, steps - 1};
        char whole[16], cut[16];
        const char *settings[8] = {BF16, "train.epochs=2"};
        for (int i = 0; variants[v][i]; i++) settings[i + 2] = variants[v][i];
        snprintf(whole, sizeof whole, "whole%d", v);
        cr_assert_eq(trained(whole, small_config_of(settings)).steps, steps);
        for (int k = 0; k < 3; k++) {
            heard h = {.stop_at_step = cuts[k], .stop_with = CINCH_SUSPENDED};
            snprintf(cut, sizeof cut, "cut%d-%d", v, k);
            cr_assert_eq(train_in(cut, small_config_of(settings), (cinch_train_options){0}, &h, NULL), CINCH_SUSPENDED);
            cr_assert_eq(resumed(cut, small_config_of(settings)).steps, steps);
            cr_expect(same_models(whole, cut), "variant %d stopped after step %d", v, cuts[k]);
        }
    }
}

Test(train_precision, a_run_is_resumed_in_its_own_precision)
{
    heard h = {.stop_at_step = 3, .stop_with = CINCH_SUSPENDED};
    cr_assert_eq(train_in("a", small_config(BF16, NULL), (cinch_train_options){0}, &h, NULL), CINCH_SUSPENDED);
    cinch_train_options again = {.resume = true};
    cr_assert_eq(train_in("a", small_config(NULL), again, NULL, NULL), CINCH_USAGE);
    cr_expect(error_holds("train.precision"));
    resumed("a", small_config(BF16, NULL));
}

/* --- numbers that are not finite ---------------------------------------------------------------------------------- */

Test(train_precision, a_loss_that_is_not_finite_stops_with_the_layer)
{
    heard h = {0};
    cinch_config *c = small_config(BF16, "optimizer.name=sgd", "optimizer.lr=1e30",
                                   "model.output_activation=linear", NULL);
    cr_assert_eq(train_in("a", c, (cinch_train_options){0}, &h, NULL), CINCH_NUMERIC);
    cr_expect(error_holds("gave") || error_holds("holds"));
    cr_expect(error_holds("step "));
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

static cinch_dry_run planned(const char *precision, const char *batch, const char *threads)
{
    cinch_dry_run dry;
    cinch_model *model;
    cinch_config *c = small_config("data.spec=shapes:4000", "model.hidden_sizes=512", "model.latent_dim=64", precision,
                                   batch, threads, NULL);
    OK(cinch_train_dry_run(c, &dry, &model));
    cinch_model_free(model);
    cinch_config_free(c);
    return dry;
}

/* The model of `cinch train --model dense`. Activations are counted with their gradients and scratch memory, without
   the copies of weights, which do not grow with the batch: two bytes a weight. On a GPU a product whose activation is
   no epilogue of the library's leaves it f32 first. */
Test(train_precision, activations_take_little_more_than_half)
{
    static const char *const batches[] = {"train.batch_size=128", "train.batch_size=256", "train.batch_size=1024"};
    static const char *const threads[] = {"train.threads=1", "train.threads=2", "train.threads=3"};
    double most = strcmp(backends_device(), "cpu") ? 0.7 : 0.55;
    for (int b = 0; b < 3; b++)
        for (int t = 0; t < 3; t++) {
            cinch_dry_run full = planned("train.precision=f32", batches[b], threads[t]);
            cinch_dry_run low = planned(BF16, batches[b], threads[t]);
            cr_expect_leq((double)low.activation_bytes, most * (double)full.activation_bytes, "%s, %s: %lld of %lld",
                          batches[b], threads[t], (long long)low.activation_bytes, (long long)full.activation_bytes);
            cr_expect_eq(full.weight_bytes, 0);
            cr_expect(low.weight_bytes >= 2 * low.parameters && low.weight_bytes < 2 * low.parameters + 4096);
        }
}
