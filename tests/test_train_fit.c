/* SPDX-License-Identifier: Apache-2.0 */
/* Whole trainings: they learn, they repeat themselves byte for byte, and they can be taken apart and put together. */
#include "train_runs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(fit, .fini = remove_runs);

Test(fit, loss_goes_down)
{
    cinch_train_result result = trained("a", small_config("train.epochs=4", NULL));
    double loss[64], val[4], step[64];
    cr_assert_eq(series_of("a", "step", "loss", loss, 64), 4 * 15);
    cr_assert_eq(series_of("a", "epoch", "val_loss", val, 4), 4);
    cr_assert_eq(series_of("a", "step", "step", step, 64), 60);
    for (int i = 0; i < 60; i++) cr_assert_eq(step[i], i + 1);
    cr_assert_lt(loss[59], 0.6 * loss[0], "from %g to %g", loss[0], loss[59]);
    cr_assert_lt(val[3], val[0]);
    cr_assert_eq(result.steps, 60);
    cr_assert_eq(result.epochs, 4);
    cr_assert_float_eq(result.val_loss, val[3], 1e-8);
    cr_assert_eq(result.parameters, 784 * 24 + 24 + 24 * 6 + 6 + 6 * 24 + 24 + 24 * 784 + 784);
}

Test(fit, lines_of_the_log)
{
    trained("a", small_config("train.log_every=5", "train.epochs=2", NULL));
    double epoch[8], loss[16], recon[16], norm[16], rate[16], lr[16];
    cr_assert_eq(series_of("a", "step", "epoch", epoch, 8), 6);
    for (int i = 0; i < 6; i++) cr_assert_eq(epoch[i], i < 3 ? 1 : 2);
    cr_assert_eq(series_of("a", "step", "loss", loss, 16), 6);
    cr_assert_eq(series_of("a", "step", "loss_recon", recon, 16), 6);
    cr_assert_eq(series_of("a", "step", "grad_norm", norm, 16), 6);
    cr_assert_eq(series_of("a", "step", "samples_per_s", rate, 16), 6);
    cr_assert_eq(series_of("a", "step", "lr", lr, 16), 6);
    for (int i = 0; i < 6; i++)
        cr_assert(loss[i] == recon[i] && norm[i] > 0 && rate[i] > 0 && lr[i] == 1e-3 && loss[i] > 0);
    cr_assert_eq(series_of("a", "epoch", "epoch", epoch, 8), 2);
    cr_assert(epoch[0] == 1 && epoch[1] == 2);
    cr_assert_eq(series_of("a", "end", "step", epoch, 8), 1);
    cr_assert_eq(epoch[0], 30);
}

/* The mean of the epoch's steps, weighted by their samples, however seldom the host looks. */
Test(fit, epoch_loss_is_the_mean_of_its_steps)
{
    double steps[16], seldom[2], often[2];
    trained("often", small_config("train.batch_size=100", NULL)); /* 480 samples: 4 whole batches and one of 80 */
    trained("seldom", small_config("train.batch_size=100", "train.log_every=0", NULL));
    cr_assert_eq(series_of("often", "step", "loss", steps, 16), 10);
    cr_assert_eq(series_of("often", "epoch", "loss", often, 2), 2);
    cr_assert_eq(series_of("seldom", "epoch", "loss", seldom, 2), 2);
    cr_assert_eq(series_of("seldom", "step", "loss", steps + 10, 1), 0);
    for (int e = 0; e < 2; e++) {
        const double *s = steps + 5 * e;
        cr_assert_float_eq(often[e], (100 * (s[0] + s[1] + s[2] + s[3]) + 80 * s[4]) / 480, 1e-8);
        cr_assert_eq(often[e], seldom[e]);
    }
    cr_assert(same_models("often", "seldom"), "looking changes nothing");
}

/* --- same bytes --------------------------------------------------------------------------------------------------- */

Test(fit, same_bytes_for_any_number_of_threads)
{
    trained("two", small_config("train.threads=2", "optimizer.clip=0.05", NULL));
    trained("again", small_config("train.threads=2", "optimizer.clip=0.05", NULL));
    trained("one", small_config("train.threads=1", "optimizer.clip=0.05", NULL));
    trained("three", small_config("train.threads=3", "optimizer.clip=0.05", NULL));
    trained("other", small_config("train.seed=1", "optimizer.clip=0.05", NULL));
    cr_assert(same_models("two", "again"));
    cr_assert(same_models("two", "one"));
    cr_assert(same_models("two", "three"));
    cr_assert(!same_models("two", "other"));
}

Test(fit, streaming_equals_resident)
{
    static const char *const shuffles[] = {"data.shuffle=true", "data.shuffle=false"};
    for (int i = 0; i < 2; i++) {
        trained(i ? "r1" : "r0", small_config("train.batch_size=70", shuffles[i], NULL));
        trained(i ? "s1" : "s0", small_config("train.batch_size=70", "data.resident=never", shuffles[i], NULL));
        cr_assert(same_models(i ? "r1" : "r0", i ? "s1" : "s0"));
    }
    cr_assert(!same_models("r0", "r1"), "shuffling does something");
}

/* --- going on ----------------------------------------------------------------------------------------------------- */

/* N steps are k steps, stopped, resumed for N - k: within an epoch, at its end, with everything a state can hold. */
Test(fit, resuming_changes_nothing)
{
    static const char *const variants[][4] = {
        {NULL},
        {"optimizer.ema=0.9", "optimizer.name=adamw", NULL},
        {"train.accumulate=4", "optimizer.name=rmsprop", NULL},
        {"schedule.name=plateau", "schedule.every=1", "optimizer.lr=0.02", NULL},
        {"data.resident=never", "optimizer.name=sgd", "optimizer.momentum=0.9", NULL},
        {"train.restore_best=false", "optimizer.name=adagrad", "schedule.warmup_steps=20", NULL}};
    for (int v = 0; v < 6; v++) {
        int steps = v == 2 ? 12 : 45, cuts[] = {1, steps / 3, steps / 2, steps - 1};
        char whole[16], cut[16];
        const char *settings[8] = {"train.epochs=3"};
        for (int i = 0; variants[v][i]; i++) settings[i + 1] = variants[v][i];
        snprintf(whole, sizeof whole, "whole%d", v);
        cr_assert_eq(trained(whole, small_config_of(settings)).steps, steps);
        for (int k = 0; k < 4; k++) {
            heard h = {.stop_at_step = cuts[k], .stop_with = CINCH_SUSPENDED};
            snprintf(cut, sizeof cut, "cut%d-%d", v, k);
            cr_assert_eq(train_in(cut, small_config_of(settings), (cinch_train_options){0}, &h, NULL), CINCH_SUSPENDED);
            cr_assert(error_holds("--resume"));
            cr_assert(has_run_file(cut, "model.safetensors"));
            cr_assert_eq(resumed(cut, small_config_of(settings)).steps, steps);
            cr_assert(same_models(whole, cut), "variant %d stopped after step %d", v, cuts[k]);
        }
    }
}

static void expect_same_log(const char *a, const char *b)
{
    static const struct { const char *event, *key; } wanted[] = {
        {"step", "step"}, {"step", "loss"}, {"step", "lr"}, {"step", "grad_norm"}, {"epoch", "step"}, {"epoch", "loss"},
        {"epoch", "val_loss"}, {"end", "step"}, {"end", "loss"}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        double x[128], y[128];
        int n = series_of(a, wanted[i].event, wanted[i].key, x, 128);
        cr_assert_eq(series_of(b, wanted[i].event, wanted[i].key, y, 128), n, "%s lines", wanted[i].event);
        for (int k = 0; k < n; k++)
            cr_assert_eq(x[k], y[k], "%s %s: %g is not %g", wanted[i].event, wanted[i].key, x[k], y[k]);
    }
}

Test(fit, log_goes_on_where_the_checkpoint_is)
{
    trained("whole", small_config("train.epochs=3", NULL));
    heard h = {.stop_at_step = 20, .stop_with = CINCH_INTERRUPTED};
    cr_assert_eq(train_in("cut", small_config("train.epochs=3", NULL), (cinch_train_options){0}, &h, NULL),
                 CINCH_INTERRUPTED);
    /* As if it had been killed later: lines after the checkpoint, the last one torn. */
    size_t size;
    char *log = run_file("cut", "metrics.jsonl", &size);
    char *longer = calloc(size + 200, 1);
    memcpy(longer, log, size);
    strcat(longer, "{\"event\": \"step\", \"step\": 21, \"epoch\": 2, \"loss\": 7}\n{\"event\": \"step\", \"st");
    put_run_file("cut", "metrics.jsonl", longer, strlen(longer));
    free(log);
    free(longer);
    resumed("cut", small_config("train.epochs=3", NULL));
    expect_same_log("whole", "cut");
}

Test(fit, epochs_may_be_added)
{
    trained("whole", small_config("train.epochs=4", NULL));
    trained("more", small_config("train.epochs=2", NULL));
    cr_assert(!same_models("whole", "more"));
    resumed("more", small_config("train.epochs=4", "train.threads=1", "train.log_every=7", NULL));
    cr_assert(same_models("whole", "more"));
    cinch_train_result again = resumed("more", small_config("train.epochs=4", NULL));
    cr_assert_eq(again.steps, 60);
    cr_assert(same_models("whole", "more"), "nothing was left to do");
}

Test(fit, steps_may_end_within_an_epoch)
{
    trained("whole", small_config("train.max_steps=37", "train.epochs=auto", NULL));
    cinch_train_result part = trained("part", small_config("train.max_steps=20", "train.epochs=auto", NULL));
    cr_assert_eq(part.steps, 20);
    cr_assert(isfinite(part.val_loss), "the last weights are validated too");
    resumed("part", small_config("train.max_steps=37", "train.epochs=auto", NULL));
    cr_assert(same_models("whole", "part"));
}

Test(fit, time_limit_ends_a_run_that_can_go_on)
{
    heard h = {0};
    cinch_train_result result;
    OK(train_in("limited", small_config("train.epochs=100000", "train.time_limit=0.3", NULL),
                (cinch_train_options){0}, &h, &result));
    cr_assert(result.steps > 0 && result.steps < 1500000);
    cr_assert(h.n_notes == 1 && strstr(h.notes[0], "time limit"));
    int64_t before = result.steps;
    OK(train_in("limited", small_config("train.epochs=100000", "train.time_limit=0.3", NULL),
                (cinch_train_options){.resume = true}, &h, &result));
    cr_assert_gt(result.steps, before);
}

/* --- batches put together ----------------------------------------------------------------------------------------- */

static void expect_near(const char *a, const char *b, const char *event, const char *key, double tolerance)
{
    double x[128], y[128];
    int n = series_of(a, event, key, x, 128);
    cr_assert(n > 0 && n == series_of(b, event, key, y, 128));
    for (int i = 0; i < n; i++)
        cr_assert_lt(fabs(x[i] - y[i]), tolerance * fabs(x[i]), "%s %d: %.9g is not %.9g", key, i, x[i], y[i]);
}

/* 480 samples: 4 steps of 128, the last of 96; by 48 it is 48+48+32, by 32 4 x 32 and 3 x 32. */
Test(fit, accumulation_equals_large_batches)
{
    static const char *const reductions[] = {"loss.reduction=mean", "loss.reduction=batchmean", "loss.reduction=sum"};
    for (int i = 0; i < 3; i++) {
        char large[16], small[16];
        const char *lr = i == 0 ? "optimizer.lr=0.5" : i == 1 ? "optimizer.lr=1e-3" : "optimizer.lr=1e-5";
        snprintf(large, sizeof large, "large%d", i);
        snprintf(small, sizeof small, "small%d", i);
        trained(large, small_config("train.batch_size=128", "optimizer.name=sgd", lr, reductions[i], NULL));
        trained(small, small_config("train.batch_size=32", "train.accumulate=4", "optimizer.name=sgd", lr,
                                    reductions[i], NULL));
        expect_near(large, small, "step", "loss", 1e-5);
        expect_near(large, small, "step", "grad_norm", 1e-4);
        expect_near(large, small, "epoch", "val_loss", 1e-5);
    }
}

Test(fit, more_batches_a_step_than_the_ring_holds)
{
    trained("a", small_config("train.batch_size=1", "train.accumulate=300", "optimizer.name=sgd", NULL));
    trained("b", small_config("train.batch_size=300", "optimizer.name=sgd", NULL));
    expect_near("a", "b", "step", "loss", 1e-5);
    cr_assert_eq(trained("c", small_config("train.batch_size=1", "train.log_every=0", NULL)).steps, 960);
}

Test(fit, penalties_and_sums_do_not_accumulate)
{
    cr_assert_eq(train_in("a", small_config("loss.l2=0.1", "loss.reduction=sum", "train.accumulate=2", NULL),
                          (cinch_train_options){0}, NULL, NULL), CINCH_USAGE);
    cr_assert(error_holds("penalties"));
    cr_assert(!has_run_file("a", "."), "nothing was written");
}

/* --- the best weights --------------------------------------------------------------------------------------------- */

/* At such a rate some epoch is worse than one before; training ends, and the model is that of the best epoch. */
Test(fit, ends_early_with_the_best_weights)
{
    heard h = {0};
    cinch_train_result result;
    OK(train_in("early", small_config("train.epochs=200", "train.patience=2", "optimizer.lr=0.03",
                                      "train.log_every=0", NULL), (cinch_train_options){0}, &h, &result));
    double val[200];
    int n = series_of("early", "epoch", "val_loss", val, 200), best = 0;
    for (int i = 0; i < n; i++)
        if (val[i] < val[best]) best = i;
    cr_assert_lt(n, 200, "the rate is too small for this test");
    cr_assert_eq(n, best + 3, "%d epochs, the best was %d", n, best + 1);
    cr_assert_eq(result.best_epoch, best + 1);
    cr_assert_float_eq(result.best_val_loss, val[best], 1e-7);
    cr_assert(h.n_notes == 1 && strstr(h.notes[0], "no better"));
    char epochs[32];
    snprintf(epochs, sizeof epochs, "train.epochs=%d", best + 1);
    trained("best", small_config(epochs, "optimizer.lr=0.03", NULL));
    cr_assert(same_models("early", "best"));
    trained("last", small_config("train.epochs=200", "train.patience=2", "optimizer.lr=0.03",
                                 "train.restore_best=false", NULL));
    cr_assert(!same_models("early", "last"));
    resumed("early", small_config("train.epochs=300", "train.patience=2", "optimizer.lr=0.03",
                                  "train.log_every=0", NULL));
    cr_assert(same_models("early", "best"), "it had ended, and stays ended");
}

Test(fit, patience_wants_validation)
{
    cr_assert_eq(train_in("a", small_config("data.split=1,0,0", "train.patience=2", NULL), (cinch_train_options){0},
                          NULL, NULL), CINCH_USAGE);
    cr_assert(error_holds("train.patience"));
    trained("b", small_config("data.split=1,0,0", NULL));
    trained("c", small_config("data.val_spec=shapes:100,7", "train.patience=2", NULL));
    double loss[4];
    cr_assert_eq(series_of("c", "epoch", "val_loss", loss, 4), 2);
}

/* The averaged weights are those that are validated and saved. */
Test(fit, averaged_weights_are_the_model)
{
    double plain[2], averaged[2];
    trained("plain", small_config(NULL));
    trained("averaged", small_config("optimizer.ema=0.98", NULL));
    cr_assert(!same_models("plain", "averaged"));
    series_of("plain", "epoch", "loss", plain, 2);
    series_of("averaged", "epoch", "loss", averaged, 2);
    cr_assert(plain[0] == averaged[0] && plain[1] == averaged[1], "training itself is the same");
    series_of("plain", "epoch", "val_loss", plain, 2);
    series_of("averaged", "epoch", "val_loss", averaged, 2);
    cr_assert(averaged[0] > plain[0], "the average lags behind in the first epoch");
}
