/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics come to the host in windows, one behind the steps: late, but whole, and nothing depends on when. */
#include "train/trainer.h"
#include "train_runs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

TestSuite(metrics, .fini = remove_runs);

/* A step a row: an epoch is two windows and a part of a third. */
enum { ROWS = 2 * CINCH_RING_ROWS + 80, WIDTH = 5, BAD = 37 };

/* An array file; where `bad`, one number of row BAD is infinite. */
static const char *data_file(bool bad)
{
    static char setting[600];
    static float x[ROWS * WIDTH];
    for (int i = 0; i < ROWS * WIDTH; i++) x[i] = (float)(i * 7 % 13) / 13 - 0.2f;
    if (bad) x[BAD * WIDTH + 3] = INFINITY;
    const char *path = run_path("data.npy");
    OK(cinch_npy_write(path, CINCH_ELEMENT_F32, CINCH_SHAPE(ROWS, WIDTH), x));
    snprintf(setting, sizeof setting, "data.spec=%s", path);
    return setting;
}

#define LONG_EPOCH(bad)                                                                                       \
    data_file(bad), "data.nan=keep", "data.split=1,0,0", "data.shuffle=false", "train.batch_size=1",          \
        "train.epochs=1", "model.hidden_sizes=4", "model.latent_dim=2"

static double epoch_loss(const char *name)
{
    double loss;
    cr_assert_eq(series_of(name, "epoch", "loss", &loss, 1), 1);
    return loss;
}

/* However often the host waits for all of them: at every step, at some, at the epoch's end alone. */
Test(metrics, an_epoch_of_several_windows)
{
    static const char *const ways[] = {"train.accumulate=1", "train.accumulate=3"};
    static double steps[ROWS];
    for (int i = 0; i < 2; i++) {
        double sum = 0;
        trained("often", small_config(LONG_EPOCH(false), ways[i], "train.log_every=1", NULL));
        int n = series_of("often", "step", "loss", steps, ROWS);
        cr_assert_eq(n, i ? (ROWS + 2) / 3 : ROWS);
        for (int k = 0; k < n; k++) sum += steps[k] * (i && k == n - 1 ? (ROWS - 1) % 3 + 1 : i ? 3 : 1);
        cr_assert_float_eq(epoch_loss("often"), sum / ROWS, 1e-7);
        trained("some", small_config(LONG_EPOCH(false), ways[i], "train.log_every=190", NULL));
        trained("never", small_config(LONG_EPOCH(false), ways[i], "train.log_every=0", NULL));
        cr_assert_eq(epoch_loss("some"), epoch_loss("often"));
        cr_assert_eq(epoch_loss("never"), epoch_loss("often"));
        cr_assert(same_models("often", "some") && same_models("often", "never"));
        cr_assert_eq(series_of("some", "step", "loss", steps + ROWS - 9, 9), n / 190);
        remove_runs();
    }
}

static cinch_status saved_nothing(void *run) { return run ? CINCH_OK : CINCH_INTERNAL; }

/* The first window is looked at when the second is full: the bad step, long past by then, is still the one named. */
Test(metrics, a_bad_step_is_seen_a_window_later)
{
    cinch_config *c = small_config(LONG_EPOCH(true), "train.log_every=0", NULL);
    cinch_trainer t = {.config = c};
    OK(cinch_trainer_build(&t, NULL, true));
    t.fit.save = saved_nothing;
    t.fit.run = &t;
    OK(cinch_metrics_open(&t.fit.log, run_path("log.jsonl"), -1));
    cr_assert_eq(cinch_fit_run(&t.fit), CINCH_NUMERIC);
    cr_assert(error_holds("step 38") && error_holds("'data' holds inf"), "%s", cinch_last_error());
    cr_assert_eq(t.fit.state.step, 2 * CINCH_RING_ROWS - 1, "it was seen in step %d", (int)t.fit.state.step + 1);
    cinch_metrics_close(&t.fit.log);
    cinch_trainer_free(&t);
    cinch_config_free(c);
}

/* A checkpoint and a stop have all metrics up to their step, also of runs that the host had not looked at. */
Test(metrics, a_checkpoint_in_a_window)
{
    static const char *const saving = "train.checkpoint_every=300s";
    heard h = {.stop_at_step = 300, .stop_with = CINCH_SUSPENDED};
    trained("whole", small_config(LONG_EPOCH(false), saving, "train.log_every=0", NULL));
    cr_assert_eq(train_in("parts", small_config(LONG_EPOCH(false), saving, "train.log_every=300", NULL),
                          (cinch_train_options){0}, &h, NULL), CINCH_SUSPENDED);
    resumed("parts", small_config(LONG_EPOCH(false), saving, "train.log_every=0", NULL));
    cr_assert_eq(epoch_loss("parts"), epoch_loss("whole"));
    cr_assert(same_models("whole", "parts"));
}
