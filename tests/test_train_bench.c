/* SPDX-License-Identifier: Apache-2.0 */
/* The benchmarks measure what they say: the workload's own steps, on the data and weights they are given. */
#include "train_runs.h"

#include <math.h>
#include <stdlib.h>

#include "backends.h"

TestSuite(bench, .fini = remove_runs);

Test(bench, dense_steps)
{
    cinch_bench a, b;
    cinch_bench_options options = {.device = backends_device(), .threads = 2, .batch_size = 8, .steps = 5};
    OK(cinch_bench_train("dense", &options, &a));
    options.threads = 1;
    OK(cinch_bench_train("dense", &options, &b));
    cr_assert(a.batch_size == 8 && a.threads == 2 && b.threads == 1 && a.n_losses == 20);
    cr_assert_eq(a.flops_per_step, 8 * 5783552.0, "as bench/README.md counts");
    cr_assert(a.step_ms_min > 0 && a.step_ms_min <= a.step_ms && a.step_ms <= a.step_ms_max);
    cr_assert_float_eq(a.samples_per_s, 8e3 / a.step_ms, 1e-6 * a.samples_per_s);
    cr_assert(a.share_of_peak > 0 && a.peak_bytes > 0 && a.first_step_ms > 0);
    for (int i = 0; i < 20; i++) cr_assert_eq(a.losses[i], b.losses[i]);
    cr_assert(a.loss_first == a.losses[0] && a.loss_last < a.loss_first);
    /* Uniform numbers against about one half: their variance. */
    cr_assert_float_eq(a.loss_first, 1.0 / 12, 3e-3);
}

/* 20 rows of 784 in batches of 8: rows 0 to 7, 8 to 15, and again, never the last four. */
Test(bench, data_in_order)
{
    float *x = malloc(20 * 784 * sizeof *x);
    double first[2] = {0};
    for (int i = 0; i < 20 * 784; i++) x[i] = i < 8 * 784 ? 0.5f : i < 16 * 784 ? 0.75f : 100;
    OK(cinch_npy_write(run_path("x.npy"), CINCH_ELEMENT_F32, CINCH_SHAPE(20, 784), x));
    cinch_bench b;
    cinch_bench_options options = {.device = backends_device(), .threads = 2, .batch_size = 8, .steps = 1,
                                   .data = run_path("x.npy")};
    OK(cinch_bench_train("dense", &options, &b));
    for (int i = 0; i < 20; i++) {
        first[i % 2] = fmax(first[i % 2], b.losses[i]);
        cr_assert_lt(b.losses[i], 0.1, "step %d saw the last rows", i + 1);
    }
    cr_assert(first[1] > 0.05 && first[0] < 0.05);
    options.batch_size = 21;
    cr_assert_eq(cinch_bench_train("dense", &options, &b), CINCH_DATA);
    cr_assert(error_holds("21 rows"));
    OK(cinch_npy_write(run_path("x.npy"), CINCH_ELEMENT_F32, CINCH_SHAPE(40, 392), x));
    cr_assert_eq(cinch_bench_train("dense", &options, &b), CINCH_DATA);
    cr_assert(error_holds("784"));
    free(x);
}

Test(bench, what_it_does_not_know)
{
    cinch_bench b;
    cr_assert_eq(cinch_bench_train("danse", NULL, &b), CINCH_USAGE);
    cr_assert(error_holds("did you mean dense"));
    cinch_bench_options options = {.device = backends_device(), .weights = "/nowhere.safetensors"};
    cr_assert_eq(cinch_bench_train("dense", &options, &b), CINCH_DATA);
}

Test(bench, peaks)
{
    cinch_peak p;
    OK(cinch_bench_peak(1, &p));
    cr_assert_eq(p.threads, 1);
    cr_assert(p.fma_gflops > 0.1 && p.sgemm_gflops > 0.1 && p.triad_gbytes > 0.01);
    cr_assert_eq(cinch_bench_peak(-1, &p), CINCH_USAGE);
}
