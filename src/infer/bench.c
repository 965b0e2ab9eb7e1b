/* SPDX-License-Identifier: Apache-2.0 */
/* Latency of one call, samples in and out, after a warm-up. bench/README.md says what is measured. */
#include "infer/handle.h"

#include "core/rng.h"
#include "core/status.h"
#include "trained/workload.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { FRESH_BATCHES = 16, WARM_CALLS = 50, FEWEST_CALLS = 20 };
static const int64_t most_calls = 1000000;
static const double warm_us = 2e5, timed_us = 2e6;

typedef struct bench {
    cinch_infer *model;
    float *x, *y, *error;       /* x [batches, batch size, sample] */
    int32_t *label;
    int64_t n, batches;
    double *times;
} bench;

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec * 1e-3;
}

/* --- the model ---------------------------------------------------------------------------------------------------- */

static cinch_status open_workload(cinch_infer **out, const char *name, const cinch_infer_bench_options *o)
{
    const cinch_workload *w;
    cinch_tensor_file *file = NULL;
    TRY(cinch_workload_find(name, "neither a run folder nor a workload", &w));
    cinch_infer_source source = {.name = o->weights ? o->weights : name, .json = w->model,
                                 .border = {.sample = w->sample, .source = w->sample.shape, .scale = 1}};
    TRY(cinch_infer_precision(o->infer.precision, &source.precision));
    if (o->weights) TRY(cinch_tensor_file_open(&file, o->weights));
    source.file = file;
    cinch_status status = cinch_infer_create(out, &source, &o->infer);
    cinch_tensor_file_free(file);
    return status;
}

static cinch_status open_model(cinch_infer **out, const char *what, const cinch_infer_bench_options *o)
{
    struct stat about;
    *out = NULL;
    if (!what) return cinch_fail(CINCH_USAGE, "cinch_bench_infer: no run and no workload");
    if (!strchr(what, '/') && stat(what, &about)) return open_workload(out, what, o);
    if (o->weights)
        return cinch_fail(CINCH_USAGE, "%s is a run, which has its own weights; --weights is for workloads", what);
    return cinch_infer_open(out, what, &o->infer);
}

/* --- its samples -------------------------------------------------------------------------------------------------- */

static void fill_random(bench *b, int64_t size)
{
    for (int64_t i = 0; i < b->batches * b->n * size; i++) {
        cinch_philox at = {{(uint32_t)(i / 4), (uint32_t)(i / 4 >> 32), 0, 0}};
        b->x[i] = cinch_unit_float(cinch_philox4x32(at, 1, 2).v[i % 4]);
    }
}

static cinch_status take_memory(bench *b, const cinch_infer_info *info)
{
    size_t samples = (size_t)b->n, size = (size_t)info->sample_size;
    b->x = cinch_calloc((size_t)b->batches * samples, size * sizeof *b->x);
    b->y = cinch_calloc(samples, size * sizeof *b->y);
    b->error = cinch_calloc(samples, sizeof *b->error);
    b->label = cinch_calloc(samples, sizeof *b->label);
    if (!b->x || !b->y || !b->error || !b->label) return CINCH_DEVICE;
    for (int64_t i = 0; info->classes && i < b->n; i++) b->label[i] = (int32_t)(i % info->classes);
    return CINCH_OK;
}

static cinch_status read_file(bench *b, const cinch_dataset *file, const char *path, const cinch_infer_info *info)
{
    const cinch_dataset_info *have = cinch_dataset_describe(file);
    if (have->dtype != CINCH_F32 || cinch_shape_count(have->sample) != info->sample_size)
        return cinch_fail(CINCH_DATA, "%s: the model wants f32 rows of %" PRId64 " numbers", path, info->sample_size);
    b->batches = have->rows / b->n;
    if (!b->batches) return cinch_fail(CINCH_DATA, "%s: fewer than %" PRId64 " rows", path, b->n);
    TRY(take_memory(b, info));
    return cinch_dataset_read(file, 0, b->batches * b->n, b->x);
}

static cinch_status take_data(bench *b, const char *path)
{
    cinch_dataset *file;
    const cinch_infer_info *info = cinch_infer_describe(b->model);
    b->batches = FRESH_BATCHES;
    if (!path) {
        TRY(take_memory(b, info));
        fill_random(b, info->sample_size);
        return CINCH_OK;
    }
    TRY(cinch_dataset_open(&file, path, NULL));
    cinch_status status = read_file(b, file, path, info);
    cinch_dataset_free(file);
    return status;
}

/* --- timing ------------------------------------------------------------------------------------------------------- */

static const float *batch_at(const bench *b, int64_t i)
{
    return b->x + i % b->batches * b->n * cinch_infer_describe(b->model)->sample_size;
}

static cinch_status mean_error(bench *b, double *out)
{
    double sum = 0;
    for (int64_t i = 0; i < b->batches; i++) {
        TRY(cinch_infer_score(b->model, batch_at(b, i), b->label, b->n, b->error));
        for (int64_t k = 0; k < b->n; k++) sum += (double)b->error[k];
    }
    *out = sum / (double)(b->batches * b->n);
    return CINCH_OK;
}

static cinch_status time_call(bench *b, int64_t i, double *us)
{
    double start = now_us();
    TRY(cinch_infer_reconstruct(b->model, batch_at(b, i), b->label, b->n, b->y));
    *us = now_us() - start;
    return CINCH_OK;
}

/* Also says how many calls to time. */
static cinch_status warm_up(bench *b, int64_t *calls)
{
    int64_t done = 0;
    double start = now_us(), us;
    while (done < WARM_CALLS || now_us() - start < warm_us) TRY(time_call(b, done++, &us));
    if (*calls > 0) return CINCH_OK;
    *calls = (int64_t)(timed_us / ((now_us() - start) / (double)done));
    if (*calls < FEWEST_CALLS) *calls = FEWEST_CALLS;
    if (*calls > most_calls) *calls = most_calls;
    return CINCH_OK;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The least time that so many of the calls stay within. */
static double percentile(const bench *b, int64_t calls, int percent)
{
    int64_t at = (calls * percent + 99) / 100 - 1;
    return b->times[at < 0 ? 0 : at];
}

static cinch_status time_calls(bench *b, int64_t calls, cinch_infer_bench *out)
{
    TRY(warm_up(b, &calls));
    b->times = cinch_calloc((size_t)calls, sizeof *b->times);
    if (!b->times) return CINCH_DEVICE;
    for (int64_t i = 0; i < calls; i++) TRY(time_call(b, i, &b->times[i]));
    qsort(b->times, (size_t)calls, sizeof *b->times, ascending);
    out->calls = calls;
    out->min_us = b->times[0];
    out->p50_us = percentile(b, calls, 50);
    out->p90_us = percentile(b, calls, 90);
    out->p99_us = percentile(b, calls, 99);
    out->max_us = b->times[calls - 1];
    out->samples_per_s = (double)b->n / out->p50_us * 1e6;
    return CINCH_OK;
}

static void describe(bench *b, cinch_infer_bench *out)
{
    const cinch_infer_info *info = cinch_infer_describe(b->model);
    out->batch_size = b->n;
    out->precision = info->precision;
    out->threads = cinch_bench_threads(b->model->device);
    strncpy(out->device, info->device, sizeof out->device - 1);
}

static cinch_status measure(bench *b, const char *what, const cinch_infer_bench_options *options,
                            cinch_infer_bench *out)
{
    double start = now_us();
    TRY(open_model(&b->model, what, options));
    out->open_ms = (now_us() - start) * 1e-3;
    b->n = cinch_infer_describe(b->model)->max_batch;
    describe(b, out);
    TRY(take_data(b, options->data));
    TRY(mean_error(b, &out->error));
    return time_calls(b, options->calls, out);
}

cinch_status cinch_bench_infer(const char *what, const cinch_infer_bench_options *options, cinch_infer_bench *out)
{
    bench b = {0};
    cinch_infer_bench_options given = options ? *options : (cinch_infer_bench_options){0};
    *out = (cinch_infer_bench){.batch_size = 0};
    if (given.calls < 0 || given.calls > most_calls)
        return cinch_fail(CINCH_USAGE, "%" PRId64 " calls: give 1 to %" PRId64 ", or 0", given.calls, most_calls);
    if (!given.infer.max_batch) given.infer.max_batch = 1;
    cinch_status status = measure(&b, what, &given, out);
    cinch_infer_close(b.model);
    free(b.x);
    free(b.y);
    free(b.error);
    free(b.label);
    free(b.times);
    return status;
}
