/* SPDX-License-Identifier: Apache-2.0 */
/* The run folder: what may be begun where, damaged checkpoints, weights from elsewhere. */
#include "train_runs.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends.h"
#include "train/folder.h"

TestSuite(files, .fini = remove_runs);

static const cinch_train_options none = {0}, resume = {.resume = true}, overwrite = {.overwrite = true};

/* --- folders ------------------------------------------------------------------------------------------------------ */

Test(files, folders_that_are_not_empty)
{
    trained("a/b/c", small_config("train.epochs=1", NULL)); /* folders above are made */
    cr_assert_eq(train_in("a/b/c", small_config(NULL), none, NULL, NULL), CINCH_USAGE);
    cr_assert(error_holds("--overwrite") && error_holds("--resume"));
    OK(train_in("a/b/c", small_config("train.epochs=1", "train.seed=3", NULL), overwrite, NULL, NULL));
    mkdir(run_path("mine"), 0777);
    put_run_file("mine", "notes.txt", "keep me", 7);
    cr_assert_eq(train_in("mine", small_config(NULL), overwrite, NULL, NULL), CINCH_USAGE);
    cr_assert(error_holds("no run folder"));
    cr_assert(has_run_file("mine", "notes.txt"));
    cr_assert_eq(train_in("nothing", small_config(NULL), resume, NULL, NULL), CINCH_DATA);
    cr_assert(error_holds("config.json"));
    mkdir(run_path("empty"), 0777);
    trained("empty", small_config("train.epochs=1", NULL));
}

Test(files, overwriting_leaves_nothing_of_the_old_run)
{
    trained("a", small_config("train.epochs=3", "train.checkpoint_every=1e", NULL));
    put_run_file("a", "notes.txt", "keep me", 7);
    cr_assert(has_run_file("a", "checkpoint/step-45.safetensors"));
    OK(train_in("a", small_config("train.epochs=1", NULL), overwrite, NULL, NULL));
    cr_assert(!has_run_file("a", "checkpoint/step-45.safetensors"));
    cr_assert(has_run_file("a", "checkpoint/step-15.safetensors"));
    cr_assert(has_run_file("a", "notes.txt"));
    trained("b", small_config("train.epochs=1", NULL));
    cr_assert(same_models("a", "b"));
}

Test(files, two_processes_do_not_share_a_folder)
{
    trained("a", small_config("train.epochs=1", NULL));
    int other = open(run_path("a"), O_RDONLY | O_DIRECTORY);
    cr_assert_eq(flock(other, LOCK_EX), 0);
    cr_assert_eq(train_in("a", small_config("train.epochs=2", NULL), resume, NULL, NULL), CINCH_OUTPUT);
    cr_assert(error_holds("another process"));
    cr_assert_eq(train_in("a", small_config("train.epochs=2", NULL), overwrite, NULL, NULL), CINCH_OUTPUT);
    cr_assert(has_run_file("a", "model.safetensors"), "nothing was touched");
    close(other);
    OK(train_in("a", small_config("train.epochs=2", NULL), resume, NULL, NULL));
}

Test(files, resuming_refuses_other_keys_by_name)
{
    trained("a", small_config("train.epochs=1", NULL));
    static const char *const changes[] = {"optimizer.lr=0.5", "model.latent_dim=7", "train.batch_size=16",
                                          "data.spec=shapes:700", "train.seed=9", "loss.name=l1"};
    for (int i = 0; i < 6; i++) {
        char key[64];
        snprintf(key, sizeof key, "%.*s", (int)strcspn(changes[i], "="), changes[i]);
        cr_assert_eq(train_in("a", small_config("train.epochs=1", changes[i], NULL), resume, NULL, NULL), CINCH_USAGE);
        cr_assert(error_holds(key));
    }
}

/* Checkpoints are taken by a configuration's fingerprint: an option that is new must not change it (`later`). */
Test(files, older_checkpoints_are_taken)
{
    char text[32];
    cinch_config *c;
    OK(cinch_config_create(&c));
    OK(cinch_config_resolve(c));
    OK(cinch_config_fingerprint(c, text));
    cr_assert_str_eq(text, "b0da60b330f0ef25");
    OK(cinch_config_set(c, "data.nan", "keep"));
    OK(cinch_config_resolve(c));
    OK(cinch_config_fingerprint(c, text));
    cr_assert_str_neq(text, "b0da60b330f0ef25");
    cinch_config_free(c);
}

Test(files, configuration_can_be_run_again)
{
    trained("a", small_config("train.epochs=1", "optimizer.clip=0.1", NULL));
    cinch_config *c;
    OK(cinch_config_create(&c));
    OK(cinch_config_load(c, run_path("a/config.json")));
    OK(cinch_config_resolve(c));
    trained("b", c);
    cr_assert(same_models("a", "b"));
}

/* --- checkpoints -------------------------------------------------------------------------------------------------- */

Test(files, two_checkpoints_are_kept)
{
    trained("a", small_config("train.epochs=5", "train.checkpoint_every=1e", NULL));
    for (int step = 15; step <= 75; step += 15) {
        char file[64];
        snprintf(file, sizeof file, "checkpoint/step-%d.safetensors", step);
        cr_assert_eq(has_run_file("a", file), step >= 60, "%s", file);
    }
}

/* What the checkpoint of a run that was stopped at step 22 may turn into; the one before is of step 15. */
typedef void damage(char *bytes, size_t *size);
static void truncate_half(char *bytes, size_t *size) { (void)bytes, *size /= 2; }
static void truncate_all(char *bytes, size_t *size) { (void)bytes, *size = 0; }
static void one_short(char *bytes, size_t *size) { (void)bytes, *size -= 1; }
static void huge_header(char *bytes, size_t *size) { (void)size, memset(bytes, 0xff, 8); }
static void replace(char *bytes, size_t size, const char *from, const char *to)
{
    char *at = memmem(bytes, size, from, strlen(from));
    cr_assert(at, "no %s", from);
    memcpy(at, to, strlen(to));
}
static void other_config(char *b, size_t *n) { replace(b, *n, "cinch.config\":\"", "cinch.config\":\"zzzz"); }
static void other_format(char *b, size_t *n) { replace(b, *n, "cinch.checkpoint\":\"1", "cinch.checkpoint\":\"7"); }
static void no_tensor(char *b, size_t *n) { replace(b, *n, "\"moment2\"", "\"moment9\""); }
static void other_names(char *b, size_t *n)
{
    replace(b, *n, "encoder.0.weight\\\": [\\\"trainable\\\", 24", "encoder.0.weight\\\": [\\\"trainable\\\", 25");
}
static void late_batch(char *b, size_t *n) { replace(b, *n, "\\\"batch\\\": 7", "\\\"batch\\\":99"); }
static void no_batch(char *b, size_t *n) { replace(b, *n, "\\\"batch\\\"", "\\\"botch\\\""); }

static void one_bit(char *b, size_t *n) { b[*n - 1000] ^= 1; }
static void hundred_bytes(char *b, size_t *n) { memset(b + *n - 2000, 0x3c, 100); }
static void other_epoch(char *b, size_t *n) { replace(b, *n, "\\\"epoch\\\": 1", "\\\"epoch\\\": 0"); }

static const struct { const char *name; damage *damage; } damages[] = {
    {"half of it", truncate_half}, {"nothing", truncate_all}, {"one byte short", one_short}, {"header", huge_header},
    {"fingerprint", other_config}, {"format", other_format}, {"tensor", no_tensor}, {"names", other_names},
    {"state", no_batch}, {"place", late_batch}, {"a bit", one_bit}, {"100 bytes", hundred_bytes},
    {"epoch", other_epoch}};

/* A run of 45 steps that was stopped after step 22, with checkpoints of that and of step 15. */
static void stop_within(void)
{
    heard h = {.stop_at_step = 22, .stop_with = CINCH_TERMINATED};
    cr_assert_eq(train_in("cut", small_config("train.epochs=3", NULL), overwrite, &h, NULL), CINCH_TERMINATED);
    cr_assert(has_run_file("cut", "checkpoint/step-15.safetensors"));
}

Test(files, damaged_checkpoints_are_passed_over)
{
    trained("whole", small_config("train.epochs=3", NULL));
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        size_t size;
        heard h = {0};
        stop_within();
        char *bytes = run_file("cut", "checkpoint/step-22.safetensors", &size);
        damages[i].damage(bytes, &size);
        put_run_file("cut", "checkpoint/step-22.safetensors", bytes, size);
        OK(train_in("cut", small_config("train.epochs=3", NULL), resume, &h, NULL));
        cr_assert(strstr(h.notes[0], "step-22") && strstr(h.notes[0], "older"), "%s: %s", damages[i].name, h.notes[0]);
        cr_assert(strstr(h.notes[1], "after step 15"), "%s: %s", damages[i].name, h.notes[1]);
        cr_assert(same_models("whole", "cut"), "%s", damages[i].name);
        free(bytes);
    }
}

/* Earlier builds wrote no checksum. */
Test(files, checkpoints_without_a_checksum_are_taken)
{
    size_t size;
    heard h = {0};
    trained("whole", small_config("train.epochs=3", NULL));
    stop_within();
    char *bytes = run_file("cut", "checkpoint/step-22.safetensors", &size);
    replace(bytes, size, "cinch.crc32", "other.crc32");
    put_run_file("cut", "checkpoint/step-22.safetensors", bytes, size);
    OK(train_in("cut", small_config("train.epochs=3", NULL), resume, &h, NULL));
    cr_assert(strstr(h.notes[0], "after step 22"), "%s", h.notes[0]);
    cr_assert(same_models("whole", "cut"));
    free(bytes);
}

Test(files, without_a_checkpoint_training_starts_afresh)
{
    trained("whole", small_config("train.epochs=2", NULL));
    heard h = {0};
    OK(train_in("a", small_config("train.epochs=2", "train.checkpoint_every=none", NULL), none, NULL, NULL));
    trained("b", small_config("train.epochs=2", NULL));
    unlink(run_path("b/checkpoint/step-15.safetensors"));
    unlink(run_path("b/checkpoint/step-30.safetensors"));
    OK(train_in("b", small_config("train.epochs=2", NULL), resume, &h, NULL));
    cr_assert(strstr(h.notes[0], "no checkpoint yet"));
    cr_assert(same_models("whole", "b"));
    cr_assert(has_run_file("a", "checkpoint/step-30.safetensors"), "the last state is saved anyway");
    cr_assert(!has_run_file("a", "checkpoint/step-15.safetensors"));
}

Test(files, unusable_checkpoints_are_no_reason_to_start_afresh)
{
    heard h = {0};
    trained("whole", small_config("train.epochs=2", NULL));
    trained("a", small_config("train.epochs=2", NULL));
    put_run_file("a", "checkpoint/step-15.safetensors", "", 0);
    put_run_file("a", "checkpoint/step-30.safetensors", "short", 5);
    cr_assert_eq(train_in("a", small_config("train.epochs=3", NULL), resume, &h, NULL), CINCH_DATA);
    cr_assert(error_holds("step-30.safetensors: ") && error_holds("no checkpoint can be used"));
    cr_assert_eq(h.n_notes, 0, "%s", h.notes[0]);
    cr_assert(same_models("whole", "a"));
}

/* Such as standard input, which cannot be opened again. */
Test(files, data_stays_open_for_the_run)
{
    cinch_run *run;
    cinch_dataset *data;
    cinch_open_data open = {0};
    OK(train_in("a", small_config("train.epochs=1", NULL), (cinch_train_options){.keep = &open}, NULL, NULL));
    cr_assert(open.data && !open.target);
    OK(cinch_run_open(&run, run_path("a"), &(cinch_run_options){.device = backends_device(), .own = open}));
    OK(cinch_run_dataset(run, &data));
    cr_assert_eq(data, open.data);
    cinch_run_free(run);
    cr_assert(cinch_dataset_part(open.data, CINCH_PART_TEST, NULL) > 0, "it is only borrowed");
    cinch_dataset_free(open.data);
}

Test(files, differences_of_what_computes_are_noted)
{
    size_t size;
    heard h = {0};
    bool cpu = !strcmp(backends_device(), "cpu");
    const char *word = cpu ? " kernels" : "capability", *other = cpu ? " kornels" : "copability";
    trained("a", small_config("train.epochs=1", NULL));
    char *bytes = run_file("a", "checkpoint/step-15.safetensors", &size);
    replace(bytes, size, "cinch.version\":\"0", "cinch.version\":\"9");
    replace(bytes, size, word, other);
    put_run_file("a", "checkpoint/step-15.safetensors", bytes, size);
    OK(train_in("a", small_config("train.epochs=2", NULL), resume, &h, NULL));
    cr_assert(strstr(h.notes[0], "9.") && strstr(h.notes[0], "last digits"));
    cr_assert(strstr(h.notes[1], other) && strstr(h.notes[1], word));
    memset(&h, 0, sizeof h);
    OK(train_in("a", small_config("train.epochs=3", "train.threads=1", NULL), resume, &h, NULL));
    cr_assert_eq(h.n_notes, 1, "another number of threads is no difference: %s", h.notes[0]);
    free(bytes);
}

Test(files, checkpoint_every_so_often)
{
    trained("a", small_config("train.epochs=2", "train.checkpoint_every=13s", NULL));
    cr_assert(has_run_file("a", "checkpoint/step-26.safetensors"));
    cr_assert(has_run_file("a", "checkpoint/step-30.safetensors"));
    cr_assert(!has_run_file("a", "checkpoint/step-15.safetensors"));
}

/* --- weights from elsewhere --------------------------------------------------------------------------------------- */

/* A file of the small model's parameters, all of this value; `skip` is left out, `extra` added, `bend` misshaped. */
static const char *weights_file(float value, const char *skip, const char *extra, const char *bend)
{
    static const struct { const char *name; int rank; int64_t dim[2]; } all[] = {
        {"encoder.0.weight", 2, {24, 784}}, {"encoder.0.bias", 1, {24}}, {"encoder.2.weight", 2, {6, 24}},
        {"encoder.2.bias", 1, {6}}, {"decoder.0.weight", 2, {24, 6}}, {"decoder.0.bias", 1, {24}},
        {"decoder.2.weight", 2, {784, 24}}, {"decoder.2.bias", 1, {784}}};
    static char setting[600];
    const char *path = run_path("weights.safetensors");
    float *values = malloc(784 * 24 * sizeof *values);
    cinch_tensor_writer *w;
    for (int i = 0; i < 784 * 24; i++) values[i] = value;
    OK(cinch_tensor_writer_create(&w, path));
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < 8; i++) {
            int64_t dim[2] = {all[i].dim[0], all[i].dim[1]};
            if (skip && !strcmp(skip, all[i].name)) continue;
            if (bend && !strcmp(bend, all[i].name)) dim[0]--;
            size_t bytes = sizeof *values * (size_t)dim[0] * (size_t)(all[i].rank == 2 ? dim[1] : 1);
            if (pass) OK(cinch_tensor_writer_write(w, values, bytes));
            else OK(cinch_tensor_writer_declare(w, all[i].name, CINCH_ELEMENT_F32, all[i].rank, dim));
        }
        if (extra && pass) OK(cinch_tensor_writer_write(w, values, sizeof *values));
        if (extra && !pass) OK(cinch_tensor_writer_declare(w, extra, CINCH_ELEMENT_F32, 1, (int64_t[]){1}));
    }
    OK(cinch_tensor_writer_commit(w));
    cinch_tensor_writer_free(w);
    free(values);
    snprintf(setting, sizeof setting, "train.from_weights=%s", path);
    return setting;
}

static cinch_status try_weights(const char *setting, const char *partial)
{
    return train_in("w", small_config("train.max_steps=1", "train.epochs=auto", setting, partial, NULL), overwrite,
                    NULL, NULL);
}

Test(files, weights_must_fit)
{
    const char *whole = "train.partial=false", *partial = "train.partial=true";
    OK(try_weights(weights_file(0.01f, NULL, NULL, NULL), whole));
    cr_assert_eq(try_weights(weights_file(0.01f, "decoder.2.bias", NULL, NULL), whole), CINCH_DATA);
    cr_assert(error_holds("lacks decoder.2.bias") && error_holds("--partial"));
    OK(try_weights(weights_file(0.01f, "decoder.2.bias", NULL, NULL), partial));
    cr_assert_eq(try_weights(weights_file(0.01f, NULL, "head.weight", NULL), whole), CINCH_DATA);
    cr_assert(error_holds("no parameter head.weight"));
    OK(try_weights(weights_file(0.01f, NULL, "head.weight", NULL), partial));
    const char *bent = weights_file(0.01f, NULL, NULL, "encoder.2.weight");
    cr_assert_eq(try_weights(bent, whole), CINCH_DATA);
    cr_assert(error_holds("encoder.2.weight is [5, 24]") && error_holds("wants [6, 24]"));
    cr_assert_eq(try_weights(bent, partial), CINCH_DATA);
    cr_assert_eq(try_weights("train.from_weights=/nowhere/w.safetensors", whole), CINCH_DATA);
    cr_assert(error_holds("/nowhere/w.safetensors"));
}

/* They are where training starts, for the averages too, and again when a run without checkpoint is resumed. */
Test(files, weights_are_the_start)
{
    double loss[1], val[1], again[1];
    const char *setting = weights_file(0, NULL, NULL, NULL);
    cinch_config *config = small_config("train.max_steps=1", "train.epochs=auto", setting, "optimizer.ema=0.999999",
                                        "optimizer.lr=1e-12", "data.shuffle=false", NULL);
    trained("a", config);
    series_of("a", "step", "loss", loss, 1);
    series_of("a", "end", "val_loss", val, 1);
    cr_assert_eq(unlink(run_path("a/checkpoint/step-1.safetensors")), 0);
    resumed("a", small_config("train.max_steps=1", "train.epochs=auto", setting, "optimizer.ema=0.999999",
                              "optimizer.lr=1e-12", "data.shuffle=false", NULL));
    series_of("a", "step", "loss", again, 1);
    cr_assert_eq(loss[0], again[0]);
    /* All zero: every output is sigmoid(0) = 0.5. */
    cinch_dataset *data;
    OK(cinch_dataset_open(&data, "shapes:600", NULL));
    float x[784];
    double wanted = 0;
    const int32_t *index;
    int64_t n = cinch_dataset_part(data, CINCH_PART_TRAIN, &index);
    cr_assert_eq(n, 480);
    for (int i = 0; i < 32; i++) {
        OK(cinch_dataset_gather_float(data, index + i, 1, x));
        for (int k = 0; k < 784; k++) wanted += (x[k] - 0.5) * (x[k] - 0.5) / 784 / 32;
    }
    cinch_dataset_free(data);
    cr_assert_float_eq(loss[0], wanted, 1e-6 * wanted);
    cr_assert_float_eq(val[0], wanted, 0.2 * wanted);
}
