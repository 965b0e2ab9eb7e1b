/* SPDX-License-Identifier: Apache-2.0 */
/* Making handles: the weights, which they share, and what each has of its own. */
#include "infer/handle.h"

#include "core/status.h"

#include <stdlib.h>
#include <string.h>

enum { DEFAULT_MAX_BATCH = 64 };

/* --- what is shared ----------------------------------------------------------------------------------------------- */

static void release(cinch_served *s)
{
    if (!s || atomic_fetch_sub(&s->handles, 1) > 1) return;
    cinch_params_free(s->params);
    cinch_model_free(s->model);
    cinch_device_free(s->device);
    free(s->name);
    free(s);
}

/* All that the passes read. What only training has, a learned deviation, say, is left in the file. */
static cinch_status declare_parameters(cinch_served *s)
{
    cinch_graph *g;
    TRY(cinch_params_create(&s->params));
    TRY(cinch_graph_create(&g));
    cinch_forward_write(s->model, g, s->params, CINCH_RECONSTRUCT, 1);
    cinch_status status = cinch_graph_status(g);
    cinch_graph_free(g);
    return status;
}

static cinch_status read_weights(cinch_served *s, const cinch_infer_source *source)
{
    cinch_status status = cinch_model_create(&s->model, source->json, &source->border.sample);
    if (status == CINCH_USAGE) return cinch_fail_in(CINCH_DATA, s->name);
    if (status) return status;
    TRY(declare_parameters(s));
    TRY(cinch_params_allocate(s->params, s->device, 1));
    if (source->file) TRY(cinch_weights_load(source->file, s->name, s->model, s->params, CINCH_WEIGHTS_NEEDED, NULL));
    return cinch_device_sync(s->device); /* other handles' streams read them */
}

static cinch_status open_device(cinch_device **out, const char *name, const cinch_infer_options *o)
{
    return cinch_device_open(out, name, &(cinch_device_options){.threads = o->threads,
                                                                .keep_blas_threads = o->keep_blas_threads});
}

static cinch_status fill_served(cinch_served *s, const cinch_infer_source *source, const cinch_infer_options *options)
{
    if (options->max_batch < 0)
        return cinch_fail(CINCH_USAGE, "max_batch %lld: give 1 or more", (long long)options->max_batch);
    s->options = *options;
    if (!s->options.max_batch) s->options.max_batch = DEFAULT_MAX_BATCH;
    s->precision = source->precision;
    s->border = source->border;
    s->name = cinch_strdup(source->name);
    if (!s->name) return CINCH_DEVICE;
    TRY(open_device(&s->device, options->device ? options->device : "auto", options));
    s->options.device = s->options.precision = NULL;
    return read_weights(s, source);
}

static cinch_status create_served(cinch_served **out, const cinch_infer_source *source,
                                  const cinch_infer_options *options)
{
    cinch_served *s = *out = cinch_calloc(1, sizeof *s);
    if (!s) return CINCH_DEVICE;
    atomic_init(&s->handles, 1);
    cinch_status status = fill_served(s, source, options);
    if (!status) return CINCH_OK;
    release(s);
    *out = NULL;
    return status;
}

/* --- what is each handle's own ------------------------------------------------------------------------------------ */

static void describe(cinch_infer *h)
{
    const cinch_served *s = h->served;
    cinch_shape code = cinch_model_code_shape(s->model);
    h->info = (cinch_infer_info){
        .model = cinch_model_name(s->model), .device = cinch_device_name(h->device), .precision = s->precision,
        .sample = s->border.sample.shape, .code = code,
        .sample_size = cinch_shape_count(s->border.sample.shape), .code_size = cinch_shape_count(code),
        .low = s->border.sample.low, .high = s->border.sample.high,
        .scale = s->border.scale, .offset = s->border.offset,
        .output_low = s->border.out_low, .output_high = s->border.out_high,
        .variational = cinch_model_is_variational(s->model), .classes = cinch_model_classes(s->model),
        .max_batch = s->options.max_batch, .parameters = cinch_params_total(s->params)};
}

static void choose_buckets(cinch_infer *h)
{
    static const int64_t usual[CINCH_BUCKETS - 1] = {1, 8, 64};
    for (int i = 0; i < CINCH_BUCKETS - 1 && usual[i] < h->info.max_batch; i++) h->bucket[h->n_buckets++] = usual[i];
    h->bucket[h->n_buckets++] = h->info.max_batch;
}

/* The larger of a sample and a code, times max_batch. */
static cinch_status count_numbers(const cinch_infer *h, size_t *numbers)
{
    int64_t row = h->info.sample_size > h->info.code_size ? h->info.sample_size : h->info.code_size;
    if (__builtin_mul_overflow((size_t)row, (size_t)h->info.max_batch, numbers) || *numbers > SIZE_MAX / 64)
        return cinch_fail(CINCH_USAGE, "max_batch %lld: so many samples of %lld numbers do not fit in memory",
                          (long long)h->info.max_batch, (long long)row);
    return CINCH_OK;
}

static cinch_status take_memory(cinch_infer *h)
{
    size_t numbers, samples = (size_t)h->info.max_batch;
    TRY(count_numbers(h, &numbers));
    TRY(cinch_buffer_create(&h->x, h->device, numbers * sizeof(float)));
    if (!(h->staging = cinch_calloc(numbers, sizeof *h->staging))) return CINCH_DEVICE;
    if (!h->info.classes) return CINCH_OK;
    TRY(cinch_buffer_create(&h->label, h->device, samples * sizeof(int32_t)));
    return (h->turn = cinch_calloc(samples, sizeof *h->turn)) ? CINCH_OK : CINCH_DEVICE;
}

/* The first run of a plan takes what is left to take, the second may be recorded: see plan.h. */
static cinch_status warm_up(cinch_plan *plan)
{
    TRY(cinch_plan_prepare(plan));
    TRY(cinch_plan_run(plan));
    return cinch_plan_run(plan);
}

static cinch_status make_plan(cinch_infer *h, cinch_forward direction, int bucket)
{
    const cinch_served *s = h->served;
    cinch_plan **plan = &h->plan[direction][bucket];
    TRY(cinch_forward_create(plan, s->model, h->device, s->params, direction, h->bucket[bucket], s->precision));
    if (direction != CINCH_SAMPLE) TRY(cinch_plan_bind(*plan, "x", h->x, 0));
    if (h->label) TRY(cinch_plan_bind(*plan, "label", h->label, 0));
    return CINCH_OK;
}

/* All first, and then their memory: plans share an arena, which moves as it grows. */
static cinch_status make_plans(cinch_infer *h)
{
    int directions = h->info.variational ? CINCH_FORWARDS : CINCH_SAMPLE;
    for (int d = 0; d < directions; d++)
        for (int b = 0; b < h->n_buckets; b++) TRY(make_plan(h, (cinch_forward)d, b));
    for (int d = 0; d < directions; d++)
        for (int b = 0; b < h->n_buckets; b++) TRY(warm_up(h->plan[d][b]));
    return cinch_device_sync(h->device);
}

static cinch_status fill_handle(cinch_infer *h, cinch_served *served, const char *device)
{
    h->served = served;
    if (device) TRY(open_device(&h->device, device, &served->options));
    else h->device = served->device;
    describe(h);
    choose_buckets(h);
    TRY(take_memory(h));
    return make_plans(h);
}

/* Takes over the caller's share of `served`. On its device, or on another handle of the `device` of this name. */
static cinch_status create_handle(cinch_infer **out, cinch_served *served, const char *device)
{
    cinch_infer *h = *out = cinch_calloc(1, sizeof *h);
    cinch_status status = h ? fill_handle(h, served, device) : CINCH_DEVICE;
    if (h && status) cinch_infer_close(h);
    if (!h) release(served);
    if (status) *out = NULL;
    return status;
}

cinch_status cinch_infer_create(cinch_infer **out, const cinch_infer_source *source, const cinch_infer_options *options)
{
    cinch_served *served;
    *out = NULL;
    TRY(create_served(&served, source, options));
    return create_handle(out, served, NULL);
}

cinch_status cinch_infer_share(cinch_infer **out, const cinch_infer *handle)
{
    *out = NULL;
    atomic_fetch_add(&handle->served->handles, 1);
    return create_handle(out, handle->served, handle->info.device);
}

void cinch_infer_close(cinch_infer *h)
{
    if (!h) return;
    for (int d = 0; d < CINCH_FORWARDS; d++)
        for (int b = 0; b < CINCH_BUCKETS; b++) cinch_plan_free(h->plan[d][b]);
    cinch_buffer_free(h->x);
    cinch_buffer_free(h->label);
    if (h->device != h->served->device) cinch_device_free(h->device);
    release(h->served);
    free(h->staging);
    free(h->turn);
    free(h);
}

const cinch_infer_info *cinch_infer_describe(const cinch_infer *handle) { return &handle->info; }
