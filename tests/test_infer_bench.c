/* SPDX-License-Identifier: Apache-2.0 */
/* The latency benchmark measures what it says: the model it is given, on the data and in the batches it is given. */
#include <cinch/infer.h>
#include <stdlib.h>

#include "backends.h"
#include "train_runs.h"

TestSuite(infer_bench, .fini = remove_runs);

enum { ROWS = 20, SAMPLE = 784 };

static cinch_infer_bench measured(const char *what, cinch_infer_bench_options options)
{
    cinch_infer_bench b;
    options.infer.device = backends_device();
    if (!options.calls) options.calls = 30;
    OK(cinch_bench_infer(what, &options, &b));
    return b;
}

static void refuses(const char *what, cinch_infer_bench_options options, cinch_status status, const char *words)
{
    cinch_infer_bench b;
    options.infer.device = backends_device();
    cr_assert_eq(cinch_bench_infer(what, &options, &b), status, "%s: %s", what ? what : "NULL", cinch_last_error());
    cr_assert(error_holds(words), "not '%s' but '%s'", words, cinch_last_error());
}

Test(infer_bench, times_of_a_workload)
{
    cinch_infer_bench one = measured("dense", (cinch_infer_bench_options){.infer.threads = 1});
    cr_assert(one.batch_size == 1 && one.calls == 30 && one.threads == 1 && one.precision == CINCH_PRECISION_F32);
    cr_assert(0 < one.min_us && one.min_us <= one.p50_us && one.p50_us <= one.p90_us && one.p90_us <= one.p99_us &&
              one.p99_us <= one.max_us);
    cr_assert_float_eq(one.samples_per_s, 1e6 / one.p50_us, 1e-6 * one.samples_per_s);
    cr_assert_gt(one.open_ms, 0);
    cr_assert_float_eq(one.error, 1.0 / 12, 5e-3, "uniform numbers against about one half: their variance");
    cinch_infer_bench eight = measured("dense", (cinch_infer_bench_options){.infer = {.threads = 2, .max_batch = 8},
                                                                            .calls = 7});
    cr_assert(eight.batch_size == 8 && eight.calls == 7 && eight.threads == 2);
    cr_assert_float_eq(eight.samples_per_s, 8e6 / eight.p50_us, 1e-6 * eight.samples_per_s);
    cr_assert_float_eq(eight.error, 1.0 / 12, 5e-3);
    cinch_infer_bench low = measured("dense", (cinch_infer_bench_options){.infer.precision = "bf16"});
    cr_assert(low.precision == CINCH_PRECISION_BF16 && low.error != one.error);
}

/* Rows 0 to 7 and 8 to 15 in batches of 8, never the last four. */
static double mean_score(const float *x)
{
    cinch_infer *h;
    float error[16];
    double sum = 0;
    OK(cinch_infer_open(&h, run_path("a"), &(cinch_infer_options){.device = backends_device(), .max_batch = 8}));
    for (int first = 0; first < 16; first += 8) OK(cinch_infer_score(h, x + first * SAMPLE, NULL, 8, error + first));
    for (int i = 0; i < 16; i++) sum += (double)error[i];
    cinch_infer_close(h);
    return sum / 16;
}

Test(infer_bench, the_runs_weights_and_the_given_data)
{
    static float x[ROWS * SAMPLE];
    trained("a", small_config("model.hidden_sizes=512,256", "model.latent_dim=64", "train.epochs=1", NULL));
    for (int i = 0; i < ROWS * SAMPLE; i++) x[i] = i < 16 * SAMPLE ? (float)(i * 37 % 101) / 101 : 1000;
    OK(cinch_npy_write(run_path("x.npy"), CINCH_ELEMENT_F32, CINCH_SHAPE(ROWS, SAMPLE), x));
    cinch_infer_bench_options options = {.infer.max_batch = 8, .data = run_path("x.npy")};
    cinch_infer_bench run = measured(run_path("a"), options);
    cr_assert_eq(run.error, mean_score(x), "%.17g", run.error);
    char weights[600];
    snprintf(weights, sizeof weights, "%s/model.safetensors", run_path("a"));
    cr_assert_eq(measured(weights, options).error, run.error);
    options.weights = weights;
    cr_assert_eq(measured("dense", options).error, run.error);
    options.weights = NULL;
    cr_assert_neq(measured("dense", options).error, run.error, "weights do not matter");
    options.infer.max_batch = 21;
    refuses("dense", options, CINCH_DATA, "fewer than 21 rows");
    options.weights = weights;
    refuses(run_path("a"), options, CINCH_USAGE, "has its own weights");
    OK(cinch_npy_write(run_path("x.npy"), CINCH_ELEMENT_F32, CINCH_SHAPE(2 * ROWS, SAMPLE / 2), x));
    options.weights = NULL;
    refuses("dense", options, CINCH_DATA, "rows of 784 numbers");
}

Test(infer_bench, a_conditional_model_has_labels)
{
    trained("a", small_config("model.condition=label", "train.epochs=1", NULL));
    cr_assert_gt(measured(run_path("a"), (cinch_infer_bench_options){.infer.max_batch = 9}).error, 0);
}

Test(infer_bench, what_it_does_not_know)
{
    cinch_infer_bench_options plain = {0};
    refuses(NULL, plain, CINCH_USAGE, "no run and no workload");
    refuses("danse", plain, CINCH_USAGE, "did you mean dense");
    refuses("no/such/run", plain, CINCH_DATA, "no/such/run: No such file");
    refuses("dense", (cinch_infer_bench_options){.calls = -1}, CINCH_USAGE, "-1 calls");
    refuses("dense", (cinch_infer_bench_options){.infer.precision = "f23"}, CINCH_USAGE, "did you mean f32");
    refuses("dense", (cinch_infer_bench_options){.data = "/nowhere.npy"}, CINCH_DATA, "/nowhere.npy");
    refuses("dense", (cinch_infer_bench_options){.weights = "/nowhere.st"}, CINCH_DATA, "/nowhere.st");
}
