/* SPDX-License-Identifier: Apache-2.0 */
/* What cannot be opened, and calls that cannot be answered: a status, one line, nothing written. */
#include <cinch/infer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backends.h"
#include "train_runs.h"

TestSuite(infer_refusals, .fini = remove_runs);

static void refuses(const char *path, cinch_infer_options options, cinch_status status, const char *words)
{
    cinch_infer *h = (cinch_infer *)&options;
    if (!options.device) options.device = backends_device();
    cr_assert_eq(cinch_infer_open(&h, path, &options), status, "%s: %s", path ? path : "NULL", cinch_last_error());
    cr_assert(error_holds(words), "not '%s' but '%s'", words, cinch_last_error());
    cr_assert_null(h);
}

Test(infer_refusals, folders)
{
    trained("a", small_config(NULL));
    cinch_infer_options plain = {0};
    refuses(NULL, plain, CINCH_USAGE, "no path");
    refuses(run_path("nowhere"), plain, CINCH_DATA, "No such file");
    mkdir(run_path("empty"), 0777);
    refuses(run_path("empty"), plain, CINCH_DATA, "model.safetensors: no such file");
    refuses(run_path("a"), (cinch_infer_options){.max_batch = -1}, CINCH_USAGE, "max_batch -1");
    refuses(run_path("a"), (cinch_infer_options){.max_batch = INT64_MAX / 8}, CINCH_USAGE, "do not fit in memory");
    refuses(run_path("a"), (cinch_infer_options){.threads = -1, .device = "cpu"}, CINCH_USAGE, "threads");
    refuses(run_path("a"), (cinch_infer_options){.device = "gpu"}, CINCH_USAGE, "gpu: unknown; did you mean cuda");
    refuses(run_path("a"), (cinch_infer_options){.precision = "bf61"}, CINCH_USAGE, "did you mean bf16");
    put_run_file("a", "config.json", "{\"model\": {\"nam\": 1}}", 21);
    refuses(run_path("a"), plain, CINCH_DATA, "config.json");
    put_run_file("a", "config.json", "{", 1);
    refuses(run_path("a"), plain, CINCH_DATA, "config.json");
}

/* --- bytes that are no model -------------------------------------------------------------------------------------- */

static void refuses_bytes(const char *bytes, size_t size, const char *words)
{
    cinch_infer *h = NULL;
    cr_assert_eq(cinch_infer_open_memory(&h, bytes, size, &(cinch_infer_options){.device = backends_device()}),
                 CINCH_DATA, "%zu bytes: %s", size, cinch_last_error());
    cr_assert(error_holds(words), "%zu bytes: not '%s' but '%s'", size, words, cinch_last_error());
    cr_assert_null(h);
}

/* The header with one text in the place of another of the same length. */
static void refuses_change(const char *bytes, size_t size, const char *from, const char *to, const char *words)
{
    char *copy = malloc(size + 1), *at;
    cr_assert_eq(strlen(from), strlen(to));
    memcpy(copy, bytes, size + 1);
    at = memmem(copy, size, from, strlen(from));
    cr_assert(at, "no %s", from);
    memcpy(at, to, strlen(to));
    refuses_bytes(copy, size, words);
    free(copy);
}

Test(infer_refusals, bytes)
{
    size_t size;
    uint64_t header;
    cinch_infer *h;
    trained("a", small_config("model.hidden_sizes=3", "model.latent_dim=2", NULL));
    char *bytes = run_file("a", "model.safetensors", &size);
    memcpy(&header, bytes, sizeof header);
    cr_assert_eq(cinch_infer_open_memory(&h, NULL, 0, NULL), CINCH_USAGE);
    for (size_t n = 0; n < size; n += n < header + 8 ? 1 : 211) refuses_bytes(bytes, n, "the model in memory");
    refuses_bytes(bytes, size - 1, "is it complete?");
    refuses_change(bytes, size, "\"cinch.format\":\"1\"", "\"cinch.format\":\"2\"", "newer");
    refuses_change(bytes, size, "\"cinch.model\"", "\"cinch.modem\"", "no model of cinch");
    refuses_change(bytes, size, "\"cinch.sample\"", "\"cinch.ample_\"", "no model of cinch");
    refuses_change(bytes, size, "[28, 28, 1]", "[28, 28, 2]", "cinch.sample");
    refuses_change(bytes, size, "[28, 28, 1]", "[28, 28, 0]", "cinch.sample");
    refuses_change(bytes, size, "[28, 28, 1]", "[28, 28,]1 ", "the model in memory");
    refuses_change(bytes, size, "\\\"dense\\\"", "\\\"dance\\\"", "did you mean dense");
    refuses_change(bytes, size, "\\\"input_size\\\": 784", "\\\"input_size\\\": 783", "783");
    refuses_change(bytes, size, "\\\"latent_dim\\\": 2", "\\\"latent_dim\\\": 3", "encoder.2.weight");
    refuses_change(bytes, size, "\"encoder.2.bias\"", "\"encoder.2.bits\"", "lacks encoder.2.bias");
    refuses_change(bytes, size, "\"shape\":[3,784]", "\"shape\":[784,3]", "encoder.0.weight is [784, 3]");
    refuses_change(bytes, size, "\"dtype\":\"F32\"", "\"dtype\":\"F64\"", "bytes");
    refuses_change(bytes, size, "\"dtype\":\"F32\"", "\"dtype\":\"C64\"", "bytes");
    free(bytes);
}

/* --- calls -------------------------------------------------------------------------------------------------------- */

enum { MOST = 5, SAMPLE = 784, CODE = 6 };

typedef struct room {
    float x[(MOST + 1) * SAMPLE], code[(MOST + 1) * CODE], error[MOST + 1];
    int32_t label[MOST + 1];
} room;

/* Each of the calls that there are, with memory where there is any. */
static cinch_status call(cinch_infer *h, int which, const float *in, const int32_t *label, int64_t n, float *out)
{
    switch (which) {
    case 0: return cinch_infer_encode(h, in, label, n, out, NULL);
    case 1: return cinch_infer_decode(h, in, label, n, out);
    case 2: return cinch_infer_reconstruct(h, in, label, n, out);
    case 3: return cinch_infer_score(h, in, label, n, out);
    default: return cinch_infer_sample(h, 1, 0, label, n, out);
    }
}
enum { CALLS = 5, SAMPLING = 4 };

static void refuses_call(cinch_infer *h, int which, const float *in, const int32_t *label, int64_t n, float *out,
                         const char *words)
{
    cr_assert_eq(call(h, which, in, label, n, out), CINCH_USAGE, "call %d", which);
    cr_assert(error_holds(words), "call %d: not '%s' but '%s'", which, words, cinch_last_error());
    if (out) cr_assert_eq(out[0], 55, "call %d wrote", which);
}

Test(infer_refusals, calls)
{
    static room r;
    cinch_infer *h;
    trained("a", small_config("model.name=vae", "model.condition=label", NULL));
    OK(cinch_infer_open(&h, run_path("a"), &(cinch_infer_options){.device = backends_device(), .max_batch = MOST}));
    for (int c = 0; c < CALLS; c++) {
        static float out[(MOST + 1) * SAMPLE];
        out[0] = 55;
        refuses_call(h, c, r.x, r.label, MOST + 1, out,
                     "6 samples in a call; the handle was opened for 1 to 5 (max_batch)");
        refuses_call(h, c, r.x, r.label, 0, out, "0 samples");
        refuses_call(h, c, r.x, r.label, -1, out, "-1 samples");
        refuses_call(h, c, r.x, r.label, 1, NULL, "without memory");
        if (c != SAMPLING) refuses_call(h, c, NULL, r.label, 1, out, "without memory");
        if (c != SAMPLING) refuses_call(h, c, r.x, NULL, 1, out, "wants a label");
        r.label[2] = 4;
        refuses_call(h, c, r.x, r.label, 3, out, "label 4: the model knows 0 to 3");
        r.label[2] = -1;
        refuses_call(h, c, r.x, r.label, 3, out, "label -1");
        r.label[2] = 3;
        OK(call(h, c, r.x, r.label, 3, out));
    }
    cinch_infer_close(h);
    cinch_infer_close(NULL);
}

Test(infer_refusals, sampling_without_a_prior)
{
    float x[SAMPLE];
    cinch_infer *h;
    trained("a", small_config(NULL));
    OK(cinch_infer_open(&h, run_path("a"), &(cinch_infer_options){.device = backends_device()}));
    cr_assert_eq(cinch_infer_sample(h, 1, 0, NULL, 1, x), CINCH_USAGE);
    cr_assert(error_holds("model dense has no prior"));
    OK(cinch_infer_reconstruct(h, x, (int32_t[]){-7}, 1, x)); /* labels are no matter here */
    cinch_infer_close(h);
}
