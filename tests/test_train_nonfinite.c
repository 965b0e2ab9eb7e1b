/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that are not finite: training stops and names the layer with everything as it was, or passes over them. */
#include "train/trainer.h"
#include "train_runs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(nonfinite, .fini = remove_runs);

enum { ROWS = 96, WIDTH = 10, BAD = 37 };

/* An array file in which one number is infinite. */
static const char *bad_data(void)
{
    static char setting[600];
    float x[ROWS * WIDTH];
    for (int i = 0; i < ROWS * WIDTH; i++) x[i] = (float)(i * 7 % 13) / 13 - 0.2f;
    x[BAD * WIDTH + 3] = INFINITY;
    const char *path = run_path("bad.npy");
    OK(cinch_npy_write(path, CINCH_ELEMENT_F32, CINCH_SHAPE(ROWS, WIDTH), x));
    snprintf(setting, sizeof setting, "data.spec=%s", path);
    return setting;
}

static const char *large_data(float size)
{
    static char setting[600];
    float x[ROWS * WIDTH];
    for (int i = 0; i < ROWS * WIDTH; i++) x[i] = size * ((float)(i * 7 % 13) / 6 - 1);
    const char *path = run_path("large.npy");
    OK(cinch_npy_write(path, CINCH_ELEMENT_F32, CINCH_SHAPE(ROWS, WIDTH), x));
    snprintf(setting, sizeof setting, "data.spec=%s", path);
    return setting;
}

#define BAD_DATA bad_data(), "data.nan=keep", "data.split=1,0,0", "data.shuffle=false", "train.batch_size=8"

/* Row 37 comes in step 5, whatever the host looks at and when. */
Test(nonfinite, stop_names_step_and_layer)
{
    static const char *const every[] = {"train.log_every=1", "train.log_every=7", "train.log_every=0"};
    static const char *const ways[] = {"train.accumulate=1", "train.accumulate=2"};
    for (int i = 0; i < 6; i++) {
        char name[16];
        double loss[32];
        heard h = {0};
        snprintf(name, sizeof name, "stop%d", i);
        cr_assert_eq(train_in(name, small_config(BAD_DATA, every[i % 3], ways[i / 3], NULL),
                              (cinch_train_options){0}, &h, NULL), CINCH_NUMERIC);
        cr_assert(error_holds(i / 3 ? "step 3" : "step 5"));
        cr_assert(error_holds("'data' holds inf"), "where it comes from");
        int n = series_of(name, "step", "loss", loss, 32);
        cr_assert(n >= 1 && isnan(loss[n - 1]), "the last line is the bad step's");
        cr_assert(!has_run_file(name, "model.safetensors"));
        cr_assert_eq(h.ends, 0);
    }
}

static float *weights_of(const char *name, int64_t step, int64_t *count)
{
    char file[64];
    cinch_tensor_file *f;
    snprintf(file, sizeof file, "%s/checkpoint/step-%d.safetensors", name, (int)step);
    OK(cinch_tensor_file_open(&f, run_path(file)));
    const cinch_tensor_entry *e = cinch_tensor_file_find(f, "trainable");
    float *copy = malloc((size_t)e->bytes);
    memcpy(copy, e->data, (size_t)e->bytes);
    *count = e->count;
    cinch_tensor_file_free(f);
    return copy;
}

/* The host sees the bad fifth step after the twelfth; by then nothing may have moved since the fourth. Skipped steps
   move nothing either, and the others are as if the bad one were not there but for its number. */
Test(nonfinite, skipping_passes_over)
{
    heard h = {0};
    cinch_train_result result;
    double loss[64], val;
    OK(train_in("skip", small_config(BAD_DATA, "train.on_nonfinite=skip", "train.log_every=4", NULL),
                (cinch_train_options){0}, &h, &result));
    cr_assert_eq(result.steps, 24);
    cr_assert(isfinite(result.loss));
    cr_assert_eq(h.n_notes, 2);
    cr_assert(strstr(h.notes[0], "step 5 ") && strstr(h.notes[1], "step 17 "));
    cr_assert_eq(series_of("skip", "step", "loss", loss, 64), 8, "every fourth, and both that were skipped");
    cr_assert(isnan(loss[1]) && isfinite(loss[2]) && isfinite(loss[0]));
    cr_assert_eq(series_of("skip", "epoch", "loss", &val, 1), 1);
    cr_assert(isfinite(val));
}

Test(nonfinite, a_bad_step_moves_nothing)
{
    int64_t n, m;
    heard h = {.stop_at_step = 5, .stop_with = CINCH_SUSPENDED};
    train_in("five", small_config(BAD_DATA, "train.on_nonfinite=skip", NULL), (cinch_train_options){0}, &h, NULL);
    h.stop = 0;
    h.stop_at_step = 4;
    train_in("four", small_config(BAD_DATA, "train.on_nonfinite=skip", NULL), (cinch_train_options){0}, &h, NULL);
    float *a = weights_of("five", 5, &n), *b = weights_of("four", 4, &m);
    cr_assert(n == m && !memcmp(a, b, (size_t)n * sizeof *a));
    free(a);
    free(b);
}

/* Under the policy `stop` the host may look late: by then other batches have run, and none of them moved anything. */
static cinch_status saved_nothing(void *run) { return run ? CINCH_OK : CINCH_INTERNAL; }

Test(nonfinite, nothing_moves_after_a_bad_step)
{
    static const char *const ways[] = {"train.accumulate=1", "train.accumulate=2"};
    for (int i = 0; i < 2; i++) {
        int64_t n, last = i ? 2 : 4;
        heard h = {.stop_at_step = last, .stop_with = CINCH_SUSPENDED};
        train_in("good", small_config(BAD_DATA, ways[i], NULL), (cinch_train_options){.overwrite = true}, &h, NULL);
        float *wanted = weights_of("good", last, &n);
        cinch_config *c = small_config(BAD_DATA, ways[i], "train.log_every=0", NULL);
        cinch_trainer t = {.config = c};
        OK(cinch_trainer_build(&t, NULL, true));
        t.fit.save = saved_nothing;
        t.fit.run = &t;
        OK(cinch_metrics_open(&t.fit.log, run_path("log.jsonl"), -1));
        cr_assert_eq(cinch_fit_run(&t.fit), CINCH_NUMERIC);
        cr_assert_eq(t.fit.state.step, 12 / (i + 1), "the whole epoch ran before the host looked");
        cr_assert_eq(cinch_params_slab_size(t.params, CINCH_SLAB_TRAINABLE), n);
        float *now = malloc((size_t)n * sizeof *now);
        OK(cinch_params_slab_read(t.params, CINCH_SLAB_TRAINABLE, now));
        cr_assert_eq(memcmp(now, wanted, (size_t)n * sizeof *now), 0, "the weights are those of step %d", (int)last);
        cinch_metrics_close(&t.fit.log);
        cinch_trainer_free(&t);
        cinch_config_free(c);
        free(now);
        free(wanted);
    }
}

/* What is no layer's is said to be the loss's or the gradient's. */
Test(nonfinite, parts_outside_the_layers_are_named)
{
    static const struct {
        const char *setting;
        float size;
        const char *error;
    } rows[] = {{"loss.name=mse", 1e38f, "step 1: the loss: "}, {"loss.name=l1", 1e38f, "step 1: the loss: "},
                {"loss.name=gaussian", 1e38f, "step 1: the loss: "}, {"loss.l2=1e38", 1, "step 1: the loss: "},
                {"loss.name=mse", 1e15f, "step 1: the gradient: "},
                {"train.accumulate=2", 1e15f, "step 1: the gradient: "}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *data = large_data(rows[i].size);
        cinch_config *c = small_config(data, "model.output_activation=linear", rows[i].setting, NULL);
        cr_assert_eq(train_in("large", c, (cinch_train_options){.overwrite = true}, NULL, NULL), CINCH_NUMERIC);
        cr_assert(error_holds(rows[i].error), "%s", cinch_last_error());
    }
}

/* A learning rate that blows up: the loss itself becomes infinite or not a number. */
Test(nonfinite, divergence_is_reported)
{
    cr_assert_eq(train_in("a", small_config("optimizer.name=sgd", "optimizer.lr=1e30", "model.output_activation=linear",
                                            "train.log_every=10", NULL), (cinch_train_options){0}, NULL, NULL),
                 CINCH_NUMERIC);
    cr_assert(error_holds("step ") && (error_holds("encoder.") || error_holds("decoder.")), "the layer is named");
}
