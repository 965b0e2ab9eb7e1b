/* SPDX-License-Identifier: Apache-2.0 */
/* Small training runs in a folder of the test's own. */
#ifndef CINCH_TESTS_TRAIN_RUNS_H
#define CINCH_TESTS_TRAIN_RUNS_H

#include <cinch/train.h>
#include <criterion/criterion.h>
#include <jansson.h>

#define OK(call) cr_assert_eq((call), CINCH_OK, "%s: %s", #call, cinch_last_error())

/* Path of `name` in this process's folder, which the first call makes; sixteen live at a time. */
const char *run_path(const char *name);
/* Removes the folder and everything in it; for .fini. */
void remove_runs(void);

/* A resolved configuration: a small dense model on 600 generated pictures, 2 threads, and "key=value" settings, each
   ended by NULL, over it. To be freed. */
cinch_config *small_config(const char *first, ...);
cinch_config *small_config_of(const char *const *settings);

/* What a run said, for cinch_train_options.progress. */
typedef struct heard {
    int steps, epochs, starts, ends, n_notes;
    char notes[8][512];
    double last_loss;
    /* Acts while it listens: sets *stop to `stop_with` at a step or at an epoch's end; 0: never. */
    int64_t stop_at_step;
    int stop_with;
    volatile int stop;
} heard;
void hear(void *user, const cinch_progress *progress);

/* Trains in run_path(name) and frees the configuration. `heard` may be NULL. */
cinch_status train_in(const char *name, cinch_config *config, cinch_train_options options, heard *heard,
                      cinch_train_result *result);
/* The same, which must succeed. */
cinch_train_result trained(const char *name, cinch_config *config);
cinch_train_result resumed(const char *name, cinch_config *config);

/* The bytes of a file of a run, to be freed. */
char *run_file(const char *name, const char *file, size_t *size);
void put_run_file(const char *name, const char *file, const void *bytes, size_t size);
bool has_run_file(const char *name, const char *file);

/* model.safetensors of two runs is the same, or not, byte for byte. */
bool same_models(const char *a, const char *b);

/* metrics.jsonl as an array of objects, to be freed; every line must be JSON with the keys that all lines have. */
json_t *metrics_of(const char *name);
/* The numbers under `key` in the lines of this event, in order, into out[most]; returns how many. */
int series_of(const char *name, const char *event, const char *key, double *out, int most);

/* The last error is one line that holds these words. */
bool error_holds(const char *words);

#endif
