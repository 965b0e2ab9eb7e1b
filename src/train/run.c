/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a run and using its model. */
#include "train/run.h"

#include "core/status.h"
#include "train/config_options.h"

#include <stdlib.h>
#include <string.h>

/* --- opening ------------------------------------------------------------------------------------------------------ */

static bool is_conditional(const cinch_run *r) { return cinch_model_classes(r->model) > 0; }

/* What training adds to the parameters: a learned deviation, say. */
static void write_rest(const cinch_run *r, cinch_graph *g)
{
    cinch_batch batch = {.x = cinch_input(g, "x", CINCH_F32, cinch_forward_shape(1, r->border.sample.shape))};
    if (is_conditional(r)) batch.label = cinch_input(g, "label", CINCH_I32, CINCH_SHAPE(1));
    cinch_model_loss(r->model, g, r->params, &batch, cinch_config_loss(r->config), CINCH_EVALUATE, NULL);
}

static cinch_status declare_parameters(cinch_run *r)
{
    cinch_graph *g;
    TRY(cinch_params_create(&r->params));
    TRY(cinch_graph_create(&g));
    write_rest(r, g);
    cinch_status status = cinch_graph_status(g);
    cinch_graph_free(g);
    return status ? status : cinch_params_allocate(r->params, r->device, 0);
}

static cinch_status take_model(cinch_run *r, const cinch_tensor_file *file)
{
    const char *json;
    TRY(cinch_weights_describe(file, r->folder.model, &json, &r->border));
    cinch_status status = cinch_model_create(&r->model, json, &r->border.sample);
    if (status == CINCH_USAGE) return cinch_fail_in(CINCH_DATA, r->folder.model);
    if (status) return status;
    TRY(declare_parameters(r));
    return cinch_weights_load(file, r->folder.model, r->model, r->params, CINCH_WEIGHTS_ALL, NULL);
}

static cinch_status open_model(cinch_run *r)
{
    cinch_tensor_file *file;
    if (!cinch_file_exists(r->folder.model))
        return cinch_fail(CINCH_DATA, "%s: no such file: the run has not come to an end; cinch train --resume %s",
                          r->folder.model, r->folder.path);
    TRY(cinch_tensor_file_open(&file, r->folder.model));
    cinch_status status = take_model(r, file);
    cinch_tensor_file_free(file);
    return status;
}

/* NULL: as in training. */
static cinch_status choose_precision(cinch_run *r, const char *name)
{
    int position = name ? cinch_option_position(CINCH_PRECISION_NAMES, name) : 0;
    r->precision = name ? (cinch_precision)position : cinch_config_train(r->config)->precision;
    return position >= 0 ? CINCH_OK : cinch_option_unknown("precision", name, CINCH_PRECISION_NAMES);
}

static cinch_status open_run(cinch_run *r, const char *path, const cinch_run_options *options)
{
    TRY(cinch_folder_create(&r->folder, path));
    TRY(cinch_folder_read_config(&r->folder, &r->config));
    cinch_device_options device = {.threads = options->threads};
    TRY(cinch_device_open(&r->device, options->device ? options->device : "auto", &device));
    int64_t trained = cinch_config_train(r->config)->batch_size;
    r->seed = options->seed;
    r->stop = options->stop;
    r->source = (cinch_data_source){.data = options->own.data, .target = options->own.target};
    r->source_borrowed = options->own.data != NULL;
    r->batch_size = options->batch_size > 0 ? options->batch_size : trained;
    TRY(choose_precision(r, options->precision));
    return open_model(r);
}

cinch_status cinch_run_open(cinch_run **out, const char *path, const cinch_run_options *options)
{
    cinch_run *r = *out = cinch_calloc(1, sizeof *r);
    if (!r) return CINCH_DEVICE;
    r->folder.lock = -1;
    cinch_status status = open_run(r, path, options ? options : &(cinch_run_options){0});
    if (status) {
        cinch_run_free(r);
        *out = NULL;
    }
    return status;
}

void cinch_run_free(cinch_run *r)
{
    if (!r) return;
    for (int i = 0; i < CINCH_FORWARDS; i++) cinch_plan_free(r->forward[i]);
    cinch_params_free(r->params);
    cinch_model_free(r->model);
    cinch_device_free(r->device);
    if (!r->source_borrowed) cinch_data_source_close(&r->source);
    cinch_dataset_free(r->shape_only);
    cinch_config_free(r->config);
    cinch_folder_free(&r->folder);
    free(r->batch);
    free(r->code_mean);
    free(r->code_factor);
    free(r);
}

const char *cinch_run_path(const cinch_run *r) { return r->folder.path; }
const cinch_config *cinch_run_config(const cinch_run *r) { return r->config; }
const cinch_model *cinch_run_model(const cinch_run *r) { return r->model; }
cinch_params *cinch_run_params(cinch_run *r) { return r->params; }
cinch_sample cinch_run_output(const cinch_run *r) { return cinch_border_output(&r->border); }
cinch_shape cinch_run_source_shape(const cinch_run *r) { return r->border.source; }

/* --- its data ----------------------------------------------------------------------------------------------------- */

static bool same_samples(const cinch_dataset_info *info, cinch_shape sample)
{
    bool same = info->sample.rank == sample.rank;
    for (int i = 0; same && i < sample.rank; i++) same = info->sample.dim[i] == sample.dim[i];
    return same;
}

static cinch_status check_samples(const cinch_run *r, const cinch_dataset *data)
{
    const cinch_dataset_info *info = cinch_dataset_describe(data);
    if (same_samples(info, r->border.sample.shape)) return CINCH_OK;
    return cinch_fail(CINCH_DATA, "%s: its samples have not the shape that the model of %s was trained on",
                      info->description, r->folder.path);
}

cinch_status cinch_run_dataset(cinch_run *r, cinch_dataset **borrowed)
{
    if (!r->source.data) {
        const char *parts = cinch_file_exists(r->folder.parts) ? r->folder.parts : NULL;
        TRY(cinch_data_source_open(&r->source, r->config, parts, false));
    }
    *borrowed = r->source.data;
    return check_samples(r, r->source.data);
}

cinch_status cinch_run_training_rows(cinch_run *r, cinch_feed_source *out)
{
    cinch_dataset *data;
    TRY(cinch_run_dataset(r, &data));
    *out = cinch_data_source_training(&r->source);
    return CINCH_OK;
}

cinch_status cinch_run_inputs_of(cinch_run *r, cinch_dataset *data, cinch_run_rows *out)
{
    if (data) {
        *out = (cinch_run_rows){.data = data, .part = "all", .n = cinch_dataset_describe(data)->rows};
        return check_samples(r, data);
    }
    cinch_status status = cinch_run_dataset(r, &data);
    if (status == CINCH_DATA && !data) return cinch_fail_also(status, "; --data SPEC names other data");
    TRY(status);
    *out = (cinch_run_rows){.data = data, .part = cinch_part_name(CINCH_PART_TEST)};
    out->n = cinch_dataset_part(data, CINCH_PART_TEST, &out->index);
    return out->n ? CINCH_OK : cinch_fail(CINCH_USAGE, "%s: the run has no test part; give --data", r->folder.path);
}

cinch_status cinch_run_rows_of(cinch_run *r, cinch_dataset *data, cinch_run_rows *out)
{
    TRY(cinch_run_inputs_of(r, data, out));
    return data ? CINCH_OK : cinch_run_target(r, &out->target);
}

cinch_status cinch_run_target(cinch_run *r, cinch_dataset **borrowed)
{
    cinch_dataset *data;
    TRY(cinch_run_dataset(r, &data));
    TRY(cinch_data_source_open_target(&r->source, r->config));
    *borrowed = r->source.target;
    return CINCH_OK;
}

/* A data set of one row of zeros, whose axes are read as the training data's were. */
static cinch_status open_shape_only(cinch_run *r)
{
    const cinch_data_config *c = cinch_config_data(r->config);
    float *zeros = cinch_calloc((size_t)cinch_shape_count(r->border.source), sizeof *zeros);
    if (!zeros) return CINCH_DEVICE;
    cinch_dataset_options options = {.layout = c->layout};
    cinch_status status = cinch_dataset_wrap(&r->shape_only, zeros, CINCH_F32, 1, r->border.source, NULL, &options);
    free(zeros); /* only the axes matter from here on */
    return status;
}

cinch_status cinch_run_restore(cinch_run *r, const float *values, int64_t n, float *out)
{
    if (!r->shape_only) TRY(open_shape_only(r));
    int64_t count = n * cinch_shape_count(r->border.source);
    cinch_dataset_restore(r->shape_only, values, n, out);
    for (int64_t i = 0; i < count; i++) out[i] = (float)(((double)out[i] - r->border.offset) / r->border.scale);
    return CINCH_OK;
}

/* --- forward passes ----------------------------------------------------------------------------------------------- */

/* Room for a batch of either side. */
static cinch_status make_staging(cinch_run *r)
{
    int64_t sample = cinch_shape_count(r->border.sample.shape);
    int64_t code = cinch_shape_count(cinch_model_code_shape(r->model));
    r->batch = cinch_calloc((size_t)(r->batch_size * (sample > code ? sample : code)), sizeof *r->batch);
    return r->batch ? CINCH_OK : CINCH_DEVICE;
}

typedef struct pass {
    cinch_forward direction;
    const float *in;
    const int32_t *label;
    float *out, *logvar;       /* logvar NULL: not wanted, or there is none */
    int64_t in_row, out_row;   /* numbers */
} pass;

static cinch_status write_labels(cinch_run *r, cinch_plan *plan, const int32_t *label, int64_t n)
{
    int32_t *padded = (int32_t *)r->batch;
    if (!is_conditional(r)) return CINCH_OK;
    memset(padded, 0, (size_t)r->batch_size * sizeof *padded);
    memcpy(padded, label, (size_t)n * sizeof *padded);
    return cinch_plan_write(plan, "label", padded, (size_t)r->batch_size * sizeof *padded);
}

static cinch_status read_rows(cinch_run *r, cinch_plan *plan, const char *output, float *out, int64_t row, int64_t n)
{
    size_t whole = (size_t)(r->batch_size * row) * sizeof *out;
    if (n == r->batch_size) return cinch_plan_read(plan, output, out, whole);
    TRY(cinch_plan_read(plan, output, r->batch, whole));
    memcpy(out, r->batch, (size_t)(n * row) * sizeof *out);
    return CINCH_OK;
}

/* n rows from `first`, at most a batch; a short batch is padded with zeros. */
static cinch_status pass_batch(cinch_run *r, const pass *p, int64_t first, int64_t n)
{
    cinch_plan *plan = r->forward[p->direction];
    const float *in = p->in + first * p->in_row;
    size_t rows = (size_t)r->batch_size, in_row = (size_t)p->in_row * sizeof *in;
    if (p->label) TRY(write_labels(r, plan, p->label + first, n));
    if (n < r->batch_size) {
        memcpy(r->batch, in, (size_t)n * in_row);
        memset((char *)r->batch + (size_t)n * in_row, 0, (rows - (size_t)n) * in_row);
        in = r->batch;
    }
    TRY(cinch_plan_write(plan, "x", in, rows * in_row));
    TRY(cinch_plan_run(plan));
    TRY(read_rows(r, plan, "y", p->out + first * p->out_row, p->out_row, n));
    return p->logvar ? read_rows(r, plan, "logvar", p->logvar + first * p->out_row, p->out_row, n) : CINCH_OK;
}

static cinch_status run_pass(cinch_run *r, pass *p, int64_t n)
{
    int64_t sample = cinch_shape_count(r->border.sample.shape);
    int64_t code = cinch_shape_count(cinch_model_code_shape(r->model));
    p->in_row = p->direction == CINCH_DECODE ? code : sample;
    p->out_row = p->direction == CINCH_ENCODE ? code : sample;
    TRY(cinch_forward_check_labels(r->model, r->folder.path, p->label, n));
    if (!is_conditional(r)) p->label = NULL;
    if (!cinch_model_is_variational(r->model)) p->logvar = NULL;
    if (!r->batch) TRY(make_staging(r));
    cinch_plan **plan = &r->forward[p->direction];
    if (!*plan)
        TRY(cinch_forward_create(plan, r->model, r->device, r->params, p->direction, r->batch_size, r->precision));
    for (int64_t first = 0; first < n; first += r->batch_size) {
        TRY(cinch_stopped(r->stop));
        TRY(pass_batch(r, p, first, n - first < r->batch_size ? n - first : r->batch_size));
    }
    return CINCH_OK;
}

cinch_status cinch_run_encode(cinch_run *r, const float *x, const int32_t *label, int64_t n, float *code, float *logvar)
{
    return run_pass(r, &(pass){.direction = CINCH_ENCODE, .in = x, .label = label, .out = code, .logvar = logvar}, n);
}

cinch_status cinch_run_decode(cinch_run *r, const float *code, const int32_t *label, int64_t n, float *x)
{
    return run_pass(r, &(pass){.direction = CINCH_DECODE, .in = code, .label = label, .out = x}, n);
}

cinch_status cinch_run_reconstruct(cinch_run *r, const float *x, const int32_t *label, int64_t n, float *y)
{
    return run_pass(r, &(pass){.direction = CINCH_RECONSTRUCT, .in = x, .label = label, .out = y}, n);
}

cinch_status cinch_run_labels(const cinch_run *r, const cinch_dataset *data, const int32_t **labels)
{
    *labels = is_conditional(r) ? cinch_dataset_labels(data) : NULL;
    if (*labels || !is_conditional(r)) return CINCH_OK;
    return cinch_fail(CINCH_DATA, "%s: no labels, which the conditional model of %s wants",
                      cinch_dataset_describe(data)->description, r->folder.path);
}
