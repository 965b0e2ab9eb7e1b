/* SPDX-License-Identifier: Apache-2.0 */
/* Whole training steps on data that is on the device, timed. bench/README.md says what is measured. */
#include "train/bench.h"

#include <cinch/ops.h>
#include <cinch/train.h>

#include "core/rng.h"
#include "core/status.h"
#include "train/clock.h"
#include "train/memory.h"
#include "trained/weights.h"
#include "trained/workload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WARM_STEPS = 20, FRESH_BATCHES = 16, STEPS_MOST = 100000, GPU_STRETCH = 10 };
static const double seconds_wanted = 5;

/* --- one benchmark ------------------------------------------------------------------------------------------------ */

typedef struct bench {
    const cinch_workload *w;
    int64_t batch_size, batches;   /* that there are in the data */
    cinch_precision precision;
    cinch_device *device;
    bool on_gpu;
    cinch_model *model;
    cinch_params *params;
    cinch_buffer *data;            /* [batches * batch_size, sample] */
    cinch_plan *plan;
    int32_t *rows;                 /* [batch_size] */
    double *times;                 /* ms a step, of the timed stretches */
    int64_t step;
} bench;

static size_t batch_bytes(const bench *b)
{
    return (size_t)b->batch_size * (size_t)cinch_shape_count(b->w->sample.shape) * sizeof(float);
}

static cinch_status fill_batch(bench *b, float *host, int64_t batch)
{
    size_t count = batch_bytes(b) / sizeof *host;
    for (size_t i = 0; i < count; i++) {
        cinch_philox at = {{(uint32_t)(i / 4), (uint32_t)batch, 0, 0}};
        host[i] = cinch_unit_float(cinch_philox4x32(at, 1, 2).v[i % 4]);
    }
    return CINCH_OK;
}

/* Batch after batch from the file, or fresh random numbers where there is none. */
static cinch_status load_batches(bench *b, const cinch_dataset *file)
{
    float *host = cinch_calloc(batch_bytes(b), 1);
    cinch_status status = host ? CINCH_OK : CINCH_DEVICE;
    for (int64_t i = 0; !status && i < b->batches; i++) {
        status = file ? cinch_dataset_read(file, i * b->batch_size, b->batch_size, host) : fill_batch(b, host, i);
        if (!status) status = cinch_buffer_write(b->data, (size_t)i * batch_bytes(b), host, batch_bytes(b));
    }
    free(host);
    return status;
}

static cinch_status take_data(bench *b, const cinch_dataset *file)
{
    b->batches = file ? cinch_dataset_describe(file)->rows / b->batch_size : FRESH_BATCHES;
    if (!b->batches) return cinch_fail(CINCH_DATA, "--data: fewer than %" PRId64 " rows", b->batch_size);
    TRY(cinch_buffer_create(&b->data, b->device, (size_t)b->batches * batch_bytes(b)));
    return load_batches(b, file);
}

static cinch_status check_data(const bench *b, const cinch_dataset *file, const char *path)
{
    const cinch_dataset_info *info = cinch_dataset_describe(file);
    bool fits = info->dtype == CINCH_F32 && cinch_shape_count(info->sample) == cinch_shape_count(b->w->sample.shape);
    return fits ? CINCH_OK : cinch_fail(CINCH_DATA, "%s: the workload wants f32 rows of %" PRId64 " numbers", path,
                                        cinch_shape_count(b->w->sample.shape));
}

static cinch_status open_data(bench *b, const char *path)
{
    cinch_dataset *file = NULL;
    if (!path) return take_data(b, NULL);
    TRY(cinch_dataset_open(&file, path, NULL));
    cinch_status status = check_data(b, file, path);
    if (!status) status = take_data(b, file);
    cinch_dataset_free(file);
    return status;
}

/* --- the step ----------------------------------------------------------------------------------------------------- */

static void write_step(bench *b, cinch_graph *g)
{
    cinch_loss_config loss = {.name = "mse"};
    int64_t features = cinch_shape_count(b->w->sample.shape);
    cinch_value data = cinch_input(g, "data", CINCH_F32, CINCH_SHAPE(b->batches * b->batch_size, features));
    cinch_value x = cinch_gather(g, data, cinch_control(g, "rows", CINCH_I32, CINCH_SHAPE(b->batch_size)));
    cinch_value l = cinch_model_loss(b->model, g, b->params, &(cinch_batch){.x = x}, &loss, CINCH_TRAIN, NULL);
    cinch_update(g, b->params, l, cinch_gradients(g, b->params, l), &b->w->optimizer);
}

static cinch_status load_weights(bench *b, const char *path)
{
    cinch_tensor_file *file;
    if (!path) return CINCH_OK;
    TRY(cinch_tensor_file_open(&file, path));
    cinch_status status = cinch_weights_load(file, path, b->model, b->params, CINCH_WEIGHTS_ALL, NULL);
    cinch_tensor_file_free(file);
    return status;
}

static cinch_status make_step(bench *b, const char *weights)
{
    cinch_graph *g;
    TRY(cinch_model_create(&b->model, b->w->model, &b->w->sample));
    TRY(cinch_params_create(&b->params));
    TRY(cinch_graph_create(&g));
    write_step(b, g);
    cinch_status status = cinch_graph_status(g);
    if (!status) status = cinch_params_allocate(b->params, b->device, 1);
    if (!status) status = load_weights(b, weights);
    if (!status)
        status = cinch_plan_create(&b->plan, g, b->device, b->params, &(cinch_plan_options){.precision = b->precision});
    cinch_graph_free(g);
    return status ? status : cinch_plan_bind(b->plan, "data", b->data, 0);
}

/* One whole step; on a GPU it may still be under way. */
static cinch_status step(bench *b)
{
    float hyper[64];
    int64_t first = b->step % b->batches * b->batch_size;
    for (int64_t i = 0; i < b->batch_size; i++) b->rows[i] = (int32_t)(first + i);
    cinch_optimizer_hyper(&b->w->optimizer, b->w->optimizer.lr, ++b->step, NULL, hyper);
    TRY(cinch_plan_control(b->plan, "rows", b->rows, (size_t)b->batch_size * sizeof *b->rows));
    TRY(cinch_plan_control(b->plan, "hyper", hyper, sizeof hyper));
    return cinch_plan_run(b->plan);
}

/* *ms: how long a step took, `steps` of them one after the other. The GPU is waited for at their end alone, as in
   training, where it computes one step while the host prepares the next. */
static cinch_status stretch(bench *b, int steps, double *ms)
{
    TRY(cinch_device_sync(b->device));
    double start = cinch_seconds();
    for (int i = 0; i < steps; i++) TRY(step(b));
    TRY(cinch_device_sync(b->device));
    *ms = (cinch_seconds() - start) * 1e3 / steps;
    return CINCH_OK;
}

static int stretch_length(const bench *b) { return b->on_gpu ? GPU_STRETCH : 1; }

static cinch_status read_loss(bench *b, double *loss)
{
    float values[8];
    if (cinch_plan_metric_count(b->plan) > 8) return cinch_fail(CINCH_INTERNAL, "too many metrics");
    TRY(cinch_plan_metrics(b->plan, 1, values));
    *loss = (double)values[0];
    return CINCH_OK;
}

/* --- timing ------------------------------------------------------------------------------------------------------- */

/* Steps 1 to 20: their losses, the first one's time, and how many stretches are then timed. */
static cinch_status warm_up(bench *b, cinch_bench *out, int64_t *steps)
{
    double ms = 0, total = 0;
    for (int i = 0; i < WARM_STEPS; i++) {
        TRY(stretch(b, 1, &ms));
        TRY(read_loss(b, &out->losses[i]));
        if (i == 0) out->first_step_ms = ms;
        else total += ms;
    }
    out->n_losses = WARM_STEPS;
    out->loss_first = out->losses[0];
    if (*steps > 0) return CINCH_OK;
    double wanted = seconds_wanted * 1e3 / (total / (WARM_STEPS - 1)) / stretch_length(b);
    *steps = wanted < 10 ? 10 : wanted > STEPS_MOST ? STEPS_MOST : (int64_t)wanted;
    return CINCH_OK;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static cinch_status time_steps(bench *b, cinch_bench *out, int64_t steps)
{
    b->times = cinch_calloc((size_t)steps, sizeof *b->times);
    if (!b->times) return CINCH_DEVICE;
    for (int64_t i = 0; i < steps; i++) TRY(stretch(b, stretch_length(b), &b->times[i]));
    qsort(b->times, (size_t)steps, sizeof *b->times, ascending);
    out->step_ms_min = b->times[0];
    out->step_ms_max = b->times[steps - 1];
    out->step_ms = (b->times[(steps - 1) / 2] + b->times[steps / 2]) / 2;
    out->samples_per_s = (double)b->batch_size / out->step_ms * 1e3;
    return read_loss(b, &out->loss_last);
}

/* What the step takes beyond what was there at the start: resident memory; on a GPU what is allocated there, less the
   data, which are as large for everybody. */
static int64_t peak_bytes(const bench *b, int64_t before)
{
    if (!b->on_gpu) return cinch_memory_peak() - before;
    return (int64_t)cinch_device_memory_used(b->device).peak - (int64_t)cinch_buffer_size(b->data);
}

static cinch_status measure(bench *b, const cinch_bench_options *options, cinch_bench *out)
{
    double peak;
    int64_t steps = options->steps, before = cinch_memory_resident();
    TRY(open_data(b, options->data));
    TRY(make_step(b, options->weights));
    TRY(warm_up(b, out, &steps));
    TRY(time_steps(b, out, steps));
    out->peak_bytes = peak_bytes(b, before);
    TRY(cinch_product_peak(b->device, b->precision, &peak));
    cinch_plan_info info = cinch_plan_describe(b->plan);
    out->activation_bytes = (int64_t)info.activation_bytes;
    out->weight_bytes = (int64_t)info.weight_bytes;
    out->flops_per_step = info.flops;
    out->share_of_peak = out->flops_per_step / out->step_ms * 1e-6 / peak;
    out->threads = cinch_bench_threads(b->device);
    return CINCH_OK;
}

static void free_bench(bench *b)
{
    cinch_plan_free(b->plan);
    cinch_buffer_free(b->data);
    cinch_params_free(b->params);
    cinch_model_free(b->model);
    cinch_device_free(b->device);
    free(b->rows);
    free(b->times);
}

cinch_status cinch_bench_train(const char *name, const cinch_bench_options *options, cinch_bench *out)
{
    bench b = {0};
    cinch_bench_options given = options ? *options : (cinch_bench_options){0};
    if (given.steps > STEPS_MOST) return cinch_fail(CINCH_USAGE, "--steps: at most %d", STEPS_MOST);
    TRY(cinch_workload_find(name, "no such workload", &b.w));
    b.batch_size = given.batch_size > 0 ? given.batch_size : b.w->batch_size;
    b.precision = given.precision;
    *out = (cinch_bench){.workload = b.w->name, .batch_size = b.batch_size};
    b.rows = cinch_calloc((size_t)b.batch_size, sizeof *b.rows);
    cinch_device_options device = {.threads = given.threads};
    const char *spec = given.device ? given.device : "auto";
    cinch_status status = b.rows ? cinch_device_open(&b.device, spec, &device) : CINCH_DEVICE;
    if (!status) b.on_gpu = strcmp(cinch_device_name(b.device), "cpu") != 0;
    if (!status) status = measure(&b, &given, out);
    free_bench(&b);
    return status;
}
