/* SPDX-License-Identifier: Apache-2.0 */
/* Handles give what the run gives that they were opened on, in calls of any size. */
#include <cinch/infer.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"
#include "train_runs.h"

TestSuite(infer, .fini = remove_runs);

enum { N = 70, SAMPLE = 784, CODE = 6 };

/* What the run makes of its first rows. */
typedef struct known {
    cinch_run *run;
    int32_t label[N];
    float x[N * SAMPLE], code[N * CODE], logvar[N * CODE], decoded[N * SAMPLE], y[N * SAMPLE];
} known;

static known *know(const char *name)
{
    known *k = calloc(1, sizeof *k);
    cinch_dataset *data;
    OK(cinch_run_open(&k->run, run_path(name),
                      &(cinch_run_options){.device = backends_device(), .threads = 2, .batch_size = 32}));
    OK(cinch_run_dataset(k->run, &data));
    OK(cinch_dataset_gather_float(data, NULL, N, k->x));
    memcpy(k->label, cinch_dataset_labels(data), sizeof k->label);
    OK(cinch_run_encode(k->run, k->x, k->label, N, k->code, k->logvar));
    OK(cinch_run_decode(k->run, k->code, k->label, N, k->decoded));
    OK(cinch_run_reconstruct(k->run, k->x, k->label, N, k->y));
    return k;
}

static void forget(known *k)
{
    cinch_run_free(k->run);
    free(k);
}

static cinch_infer *opened(const char *name, int64_t max_batch, int threads)
{
    cinch_infer *h;
    cinch_infer_options options = {.device = backends_device(), .threads = threads, .max_batch = max_batch};
    OK(cinch_infer_open(&h, run_path(name), &options));
    return h;
}

/* The same bytes on the CPU; on a GPU products are added up in another order in batches of another size. */
static void check_same(const float *is, const float *wanted, int64_t n, const char *what)
{
    bool exact = !strcmp(backends_device(), "cpu");
    for (int64_t i = 0; i < n; i++)
        cr_assert(exact ? !memcmp(is + i, wanted + i, sizeof *is) : fabsf(is[i] - wanted[i]) <= 1e-4f,
                  "%s: number %lld is %.9g, not %.9g", what, (long long)i, (double)is[i], (double)wanted[i]);
}

/* Rows first, first + 1, ..., n of them, by every call. */
static void check_rows(cinch_infer *h, const known *k, int64_t first, int64_t n)
{
    static float code[N * CODE], logvar[N * CODE], x[N * SAMPLE], y[N * SAMPLE], error[N];
    const float *from = k->x + first * SAMPLE;
    const int32_t *label = k->label + first;
    bool variational = cinch_infer_describe(h)->variational;
    logvar[0] = 77;
    OK(cinch_infer_encode(h, from, label, n, code, logvar));
    check_same(code, k->code + first * CODE, n * CODE, "code");
    if (variational) check_same(logvar, k->logvar + first * CODE, n * CODE, "logvar");
    else cr_assert_eq(logvar[0], 77);
    OK(cinch_infer_decode(h, k->code + first * CODE, label, n, x));
    check_same(x, k->decoded + first * SAMPLE, n * SAMPLE, "decoded");
    OK(cinch_infer_reconstruct(h, from, label, n, y));
    check_same(y, k->y + first * SAMPLE, n * SAMPLE, "reconstructed");
    OK(cinch_infer_score(h, from, label, n, error));
    for (int64_t i = 0; i < n; i++) {
        double sum = 0;
        for (int c = 0; c < SAMPLE; c++) sum += pow((double)from[i * SAMPLE + c] - (double)y[i * SAMPLE + c], 2);
        cr_assert_float_eq((double)error[i], sum / SAMPLE, 1e-7 + 1e-6 * sum / SAMPLE);
    }
}

/* Calls below, at and above every bucket, on several threads. */
static void check_run(const char *name)
{
    static const int64_t sizes[] = {1, 2, 7, 8, 9, 63, 64, 65, N};
    known *k = know(name);
    for (int threads = 1; threads <= 3; threads++) {
        cinch_infer *h = opened(name, N, threads);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            for (int64_t first = 0; first < N; first += sizes[i])
                check_rows(h, k, first, N - first < sizes[i] ? N - first : sizes[i]);
        cinch_infer_close(h);
    }
    static const int64_t most[] = {1, 3, 8, 64};
    for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
        cinch_infer *h = opened(name, most[i], 1);
        check_rows(h, k, 5, most[i]);
        cinch_infer_close(h);
    }
    forget(k);
}

Test(infer, serves_what_the_run_computes)
{
    trained("plain", small_config(NULL));
    check_run("plain");
    trained("varying", small_config("model.name=vae", NULL));
    check_run("varying");
    trained("asked", small_config("model.name=vae", "model.condition=label", NULL));
    check_run("asked");
}

Test(infer, says_what_it_serves)
{
    trained("asked", small_config("model.name=vae", "model.condition=label", "model.hidden_sizes=20,10", NULL));
    cinch_infer *h;
    OK(cinch_infer_open(&h, run_path("asked"), NULL));
    const cinch_infer_info *info = cinch_infer_describe(h);
    cr_assert_str_eq(info->model, "vae");
    cr_assert(info->sample.rank == 3 && info->sample.dim[0] == 28 && info->sample.dim[2] == 1 &&
              info->sample_size == SAMPLE);
    cr_assert(info->code.rank == 1 && info->code_size == CODE && info->max_batch == 64);
    cr_assert(info->low == 0 && info->high == 1 && info->offset == 0);
    cr_assert(info->output_low == 0 && info->output_high == 1);
    cr_assert_float_eq(info->scale, 1.0 / 255, 1e-12);
    cr_assert(info->variational && info->classes == 4 && info->precision == CINCH_PRECISION_F32);
    int64_t encoder = 788 * 20 + 20 + 20 * 10 + 10 + 2 * (10 * 6 + 6);
    int64_t decoder = 10 * 10 + 10 + 10 * 20 + 20 + 20 * 784 + 784;
    cr_assert_eq(info->parameters, encoder + decoder);
    cinch_infer_close(h);
}

/* --- samples ------------------------------------------------------------------------------------------------------ */

static void check_samples(const char *name, int32_t label)
{
    static float wanted[N * SAMPLE], x[N * SAMPLE], next[N * SAMPLE];
    int32_t labels[N];
    cinch_run *run;
    cinch_infer *h = opened(name, N, 2);
    for (int i = 0; i < N; i++) labels[i] = label;
    OK(cinch_run_open(&run, run_path(name), &(cinch_run_options){.device = backends_device(), .batch_size = 32}));
    OK(cinch_run_sample(run, &(cinch_sampling){.seed = 5, .first = 9, .label = label}, N, wanted));
    OK(cinch_infer_sample(h, 5, 9, label < 0 ? NULL : labels, N, x));
    check_same(x, wanted, N * SAMPLE, "samples");
    for (int64_t first = 0, n; first < N; first += n) {
        n = N - first < 9 ? N - first : 9;
        OK(cinch_infer_sample(h, 5, 9 + first, label < 0 ? NULL : labels, n, next + first * SAMPLE));
    }
    check_same(next, wanted, N * SAMPLE, "samples a few at a time");
    OK(cinch_infer_sample(h, 6, 9, label < 0 ? NULL : labels, N, next));
    cr_assert_neq(memcmp(next, x, sizeof x), 0, "the seed does not matter");
    OK(cinch_infer_sample(h, 5, INT32_MAX - 1, NULL, 2, next));
    cr_assert_eq(cinch_infer_sample(h, 5, INT32_MAX - 1, NULL, 3, next), CINCH_USAGE);
    cr_assert_eq(cinch_infer_sample(h, 5, -1, NULL, 3, next), CINCH_USAGE);
    cr_assert(error_holds("numbered"));
    cinch_run_free(run);
    cinch_infer_close(h);
}

Test(infer, draws_the_runs_samples)
{
    trained("varying", small_config("model.name=vae", NULL));
    check_samples("varying", -1);
    trained("asked", small_config("model.name=vae", "model.condition=label", NULL));
    check_samples("asked", -1);
    check_samples("asked", 2);
}

/* --- where models come from --------------------------------------------------------------------------------------- */

/* Row 3 of what is known, from another handle, which is closed. */
static void check_other(cinch_infer *h, const known *k) { check_rows(h, k, 3, 9), cinch_infer_close(h); }

Test(infer, opens_folders_files_and_memory)
{
    cinch_infer *h;
    size_t size;
    cinch_infer_options options = {.device = backends_device()};
    trained("a", small_config("model.name=vae", "loss.name=gaussian", NULL)); /* log_sigma is for training alone */
    known *k = know("a");
    char *bytes = run_file("a", "model.safetensors", &size);
    cr_assert(memmem(bytes, size, "log_sigma", 9), "no parameter that serving leaves alone");
    OK(cinch_infer_open_memory(&h, bytes, size, &options));
    memset(bytes, 0, size); /* they were copied */
    check_other(h, k);
    free(bytes);
    char path[600];
    snprintf(path, sizeof path, "%s/model.safetensors", run_path("a"));
    OK(cinch_infer_open(&h, path, &options));
    check_other(h, k);
    snprintf(path, sizeof path, "%s/config.json", run_path("a"));
    cr_assert_eq(remove(path), 0);
    OK(cinch_infer_open(&h, run_path("a"), &options));
    check_other(h, k);
    forget(k);
}

Test(infer, takes_the_precision_of_the_run_or_another)
{
    cinch_infer *h;
    trained("a", small_config("train.precision=bf16", NULL));
    OK(cinch_infer_open(&h, run_path("a"), &(cinch_infer_options){.device = backends_device()}));
    cr_assert_eq(cinch_infer_describe(h)->precision, CINCH_PRECISION_BF16);
    known *k = know("a");
    float y[SAMPLE];
    OK(cinch_infer_reconstruct(h, k->x, NULL, 1, y));
    for (int i = 0; i < SAMPLE; i++) cr_assert_float_eq(y[i], k->y[i], 0.02);
    cinch_infer_close(h);
    OK(cinch_infer_open(&h, run_path("a"), &(cinch_infer_options){.device = backends_device(), .precision = "f32"}));
    cr_assert_eq(cinch_infer_describe(h)->precision, CINCH_PRECISION_F32);
    OK(cinch_infer_reconstruct(h, k->x, NULL, 1, y));
    for (int i = 0; i < SAMPLE; i++) cr_assert_float_eq(y[i], k->y[i], 0.02);
    cinch_infer_close(h);
    forget(k);
}

/* What Python leaves after load_file and save_file: tensors alone. */
static void strip_metadata(const char *name)
{
    size_t size;
    uint64_t length;
    char *bytes = run_file(name, "model.safetensors", &size);
    memcpy(&length, bytes, sizeof length);
    char *metadata = strstr(bytes + 8, "\"__metadata__\":{"), *end = metadata ? strstr(metadata, "}\"},") : NULL;
    cr_assert(metadata && end && end < bytes + 8 + length);
    memset(metadata, ' ', (size_t)(end + 4 - metadata));
    put_run_file(name, "model.safetensors", bytes, size);
    free(bytes);
}
static void put_config(const char *name, const char *text) { put_run_file(name, "config.json", text, strlen(text)); }

#define LABELLED "\"input_size\": 784, \"output_activation\": \"sigmoid\", \"condition\": \"label\""

Test(infer, serves_files_of_other_programs_that_config_json_describes)
{
    cinch_infer *h;
    cinch_infer_options options = {.device = backends_device()};
    trained("a", small_config("model.condition=label", NULL));
    known *k = know("a");
    strip_metadata("a");
    cr_assert_eq(cinch_infer_open(&h, run_path("a"), &options), CINCH_DATA);
    cr_assert(error_holds("model.input_size") && !h);
    put_config("a", "{\"cinch_config\": 1, \"model\": {\"name\": \"dense\", \"hidden_sizes\": [24], \"latent_dim\": 6, "
                    LABELLED ", \"classes\": 4}}");
    OK(cinch_infer_open(&h, run_path("a"), &options));
    cr_assert_eq(cinch_infer_describe(h)->sample.rank, 1);
    check_other(h, k);
    put_config("a", "{\"cinch_config\": 1, \"model\": {\"name\": \"dense\", \"hidden_sizes\": [25], \"latent_dim\": 6, "
                    LABELLED ", \"classes\": 4}}");
    cr_assert_eq(cinch_infer_open(&h, run_path("a"), &options), CINCH_DATA);
    cr_assert(error_holds("encoder.0.weight is [24, 788], but the model wants [25, 788]"));
    put_config("a", "{\"cinch_config\": 1, \"model\": {\"name\": \"vae\", \"hidden_sizes\": [24], \"latent_dim\": 6, "
                    LABELLED ", \"classes\": 4}}");
    cr_assert_eq(cinch_infer_open(&h, run_path("a"), &options), CINCH_DATA);
    cr_assert(error_holds("lacks mu.weight"));
    put_config("a", "{\"cinch_config\": 1, \"model\": {\"name\": \"dense\", \"hidden_sizes\": [24], \"latent_dim\": 6, "
                    LABELLED "}}");
    cr_assert_eq(cinch_infer_open(&h, run_path("a"), &options), CINCH_DATA);
    cr_assert(error_holds("labels"));
    forget(k);
}
