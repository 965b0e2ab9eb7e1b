/* SPDX-License-Identifier: Apache-2.0 */
/* Using a run: evaluation against sums written apart, codes and reconstructions, restoring, dry runs. */
#include "train_runs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"

TestSuite(use, .fini = remove_runs);

static cinch_run *opened(const char *name, int64_t batch_size)
{
    cinch_run *run;
    cinch_run_options options = {.device = backends_device(), .threads = 2, .batch_size = batch_size};
    OK(cinch_run_open(&run, run_path(name), &options));
    return run;
}

static float *samples(cinch_dataset *data, const int32_t *index, int64_t n)
{
    float *x = malloc((size_t)(n * cinch_shape_count(cinch_dataset_describe(data)->sample)) * sizeof *x);
    OK(cinch_dataset_gather_float(data, index, n, x));
    return x;
}

Test(use, evaluation_against_plain_sums)
{
    trained("a", small_config("loss.name=l1", "optimizer.ema=0.9", NULL));
    cinch_run *run = opened("a", 25); /* 60 samples: two batches and a short one */
    cinch_run_rows rows;
    cinch_evaluation e;
    OK(cinch_run_rows_of(run, NULL, &rows));
    cr_assert(rows.n == 60 && !strcmp(rows.part, "test"));
    float *x = samples(rows.data, rows.index, 60), *y = malloc(60 * 784 * sizeof *y);
    OK(cinch_run_reconstruct(run, x, NULL, 60, y));
    double square = 0, absolute = 0, relative = 0;
    for (int i = 0; i < 60; i++) {
        double error = 0, size = 0;
        for (int k = i * 784; k < (i + 1) * 784; k++) {
            double d = (double)y[k] - (double)x[k];
            error += d * d;
            size += (double)x[k] * (double)x[k];
            absolute += fabs(d);
        }
        square += error;
        relative += sqrt(error / size) / 60;
    }
    OK(cinch_run_evaluate(run, NULL, &e));
    cr_assert(e.n == 60 && !strcmp(e.part, "test") && e.parameters > 0);
    cr_assert_float_eq(e.mse, square / 60 / 784, 1e-5 * e.mse);
    cr_assert_float_eq(e.rmse, sqrt(e.mse), 1e-12);
    cr_assert_float_eq(e.mae, absolute / 60 / 784, 1e-5 * e.mae);
    cr_assert_float_eq(e.loss, e.mae, 1e-5 * e.mae);
    cr_assert_float_eq(e.rel_l2, relative, 1e-5 * relative);
    cr_assert_str_eq(e.pca_note, "exact");
    cr_assert(e.pca_mse > 0 && e.pca_mse < 1);
    cinch_run_free(run);
    free(x);
    free(y);
}

/* The validation loss of the last epoch is what evaluating the validation part gives. */
Test(use, evaluates_data_of_ones_own)
{
    cinch_train_result result = trained("a", small_config("loss.reduction=sum", "optimizer.lr=1e-5", NULL));
    cinch_run *run = opened("a", 0);
    cinch_dataset *own, *val, *other;
    cinch_evaluation e;
    const int32_t *index;
    OK(cinch_run_dataset(run, &own));
    int64_t n = cinch_dataset_part(own, CINCH_PART_VAL, &index);
    float *x = samples(own, index, n);
    OK(cinch_dataset_wrap(&val, x, CINCH_F32, n, CINCH_SHAPE(28, 28, 1), NULL,
                          &(cinch_dataset_options){.layout = "channels_last"}));
    OK(cinch_run_evaluate(run, val, &e));
    cr_assert(e.n == 60 && !strcmp(e.part, "all"));
    cr_assert_float_eq(e.loss, result.val_loss, 1e-5 * result.val_loss);
    OK(cinch_dataset_wrap(&other, x, CINCH_F32, n, CINCH_SHAPE(14, 56), NULL,
                          &(cinch_dataset_options){.layout = "channels_last"}));
    cr_assert_eq(cinch_run_evaluate(run, other, &e), CINCH_DATA);
    cr_assert(error_holds("samples"));
    cinch_dataset_free(val);
    cinch_dataset_free(other);
    cinch_run_free(run);
    free(x);
}

Test(use, a_batch_does_not_matter)
{
    enum { N = 70, CODE = 6 };
    trained("a", small_config(NULL));
    cinch_run *small = opened("a", 16), *large = opened("a", 200);
    cinch_dataset *data;
    OK(cinch_run_dataset(small, &data));
    float *x = samples(data, NULL, N), *y = malloc(N * 784 * sizeof *y), *z = malloc(N * 784 * sizeof *z);
    float code[N * CODE], again[N * CODE];
    OK(cinch_run_encode(small, x, NULL, N, code, NULL));
    OK(cinch_run_encode(large, x, NULL, N, again, NULL));
    for (int i = 0; i < N * CODE; i++) cr_assert_float_eq(code[i], again[i], 1e-4);
    OK(cinch_run_decode(small, code, NULL, N, y));
    OK(cinch_run_reconstruct(small, x, NULL, N, z));
    cr_assert_eq(memcmp(y, z, N * 784 * sizeof *y), 0, "decoding the codes is reconstructing");
    OK(cinch_run_reconstruct(small, x + 3 * 784, NULL, 1, z));
    for (int k = 0; k < 784; k++) cr_assert_float_eq(z[k], y[3 * 784 + k], 1e-4);
    cinch_run_free(small);
    cinch_run_free(large);
    free(x);
    free(y);
    free(z);
}

/* Pictures that are 8-bit, channels first and mapped to [-1, 1] come back as they were, without the data. */
Test(use, restoring_without_the_data)
{
    enum { N = 40, C = 3, H = 4, W = 5 };
    static uint8_t raw[N * C * H * W];
    char spec[600];
    float back[N * C * H * W];
    for (int i = 0; i < N * C * H * W; i++) raw[i] = (uint8_t)(i * 37 % 256);
    const char *path = run_path("rgb.npy");
    OK(cinch_npy_write(path, CINCH_ELEMENT_U8, CINCH_SHAPE(N, C, H, W), raw));
    snprintf(spec, sizeof spec, "data.spec=%s", path);
    trained("a", small_config(spec, "data.range=-1:1", "data.layout=channels_first", NULL));
    cinch_run *run = opened("a", 0);
    cinch_dataset *data;
    OK(cinch_run_dataset(run, &data));
    float *x = samples(data, NULL, N);
    cinch_run_free(run);
    cr_assert_eq(remove(path), 0);
    run = opened("a", 0);
    cinch_shape source = cinch_run_source_shape(run);
    cr_assert(source.rank == 3 && source.dim[0] == C && source.dim[1] == H && source.dim[2] == W);
    OK(cinch_run_restore(run, x, N, back));
    for (int i = 0; i < N * C * H * W; i++) cr_assert_float_eq(back[i], raw[i], 1e-3);
    cinch_evaluation e;
    cr_assert_eq(cinch_run_evaluate(run, NULL, &e), CINCH_DATA, "now the data is missed");
    cinch_run_free(run);
    free(x);
}

Test(use, runs_that_cannot_be_opened)
{
    cinch_run *run;
    cr_assert_eq(cinch_run_open(&run, run_path("none"), NULL), CINCH_DATA);
    cr_assert_null(run);
    trained("a", small_config("train.epochs=1", NULL));
    size_t size;
    char *bytes = run_file("a", "model.safetensors", &size);
    put_run_file("a", "model.safetensors", bytes, size - 4);
    cr_assert_eq(cinch_run_open(&run, run_path("a"), NULL), CINCH_DATA);
    char *format = memmem(bytes, size, "cinch.format\":\"1", 16);
    cr_assert(format);
    format[15] = '2';
    put_run_file("a", "model.safetensors", bytes, size);
    cr_assert_eq(cinch_run_open(&run, run_path("a"), NULL), CINCH_DATA);
    cr_assert(error_holds("newer"));
    cr_assert_eq(remove(run_path("a/model.safetensors")), 0);
    cr_assert_eq(cinch_run_open(&run, run_path("a"), NULL), CINCH_DATA);
    cr_assert(error_holds("--resume"));
    put_run_file("a", "config.json", "{\"model\": {", 11);
    cr_assert_eq(cinch_run_open(&run, run_path("a"), NULL), CINCH_DATA);
    cr_assert(error_holds("config.json"));
    cinch_run_free(NULL);
    free(bytes);
}

Test(use, dry_run_writes_nothing)
{
    cinch_dry_run dry, wide;
    cinch_model *model;
    cinch_config *c = small_config("train.accumulate=4", NULL), *w = small_config("model.hidden_sizes=240", NULL);
    OK(cinch_train_dry_run(c, &dry, &model));
    cr_assert_str_eq(cinch_model_name(model), "dense");
    cr_assert_gt(cinch_model_layer_count(model), 3);
    cinch_model_free(model);
    OK(cinch_train_dry_run(w, &wide, &model));
    cinch_model_free(model);
    cr_assert_eq(dry.parameters, 784 * 24 + 24 + 24 * 6 + 6 + 6 * 24 + 24 + 24 * 784 + 784);
    cr_assert_eq(dry.trainable, dry.parameters);
    cr_assert_eq(dry.steps_per_epoch, 4);
    cr_assert_eq(wide.steps_per_epoch, 15);
    cr_assert_gt(wide.planned_bytes, dry.planned_bytes);
    cr_assert_gt(dry.planned_bytes, 540 * 784 + 4 * 4 * dry.parameters,
                 "data, weights, gradients and moments at least");
    /* Forward, and backward to weights and to all inputs but the first. */
    double products = 2.0 * 128 * (784 * 24 + 24 * 6 + 6 * 24 + 24 * 784);
    cr_assert_float_eq(dry.flops_per_step, 3 * products - 2.0 * 128 * 784 * 24, 1);
    cinch_config_free(c);
    cinch_config_free(w);
}
