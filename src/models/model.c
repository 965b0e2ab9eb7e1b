/* SPDX-License-Identifier: Apache-2.0 */
/* What every family has around it: options, flattening, the output activation, the layer summary, the border. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "models/family.h"

/* --- options ------------------------------------------------------------------------------------------------------ */

static void option_sets(const cinch_model *m, cinch_option_set sets[2])
{
    sets[0] = (cinch_option_set){cinch_shared_options, (void *)&m->shared};
    sets[1] = (cinch_option_set){m->family->options, m->config};
}

static bool is_given(const json_t *object, const cinch_option *row)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
        if (!json_is_null(value) && cinch_option_find(row, key) == row) return true;
    return false;
}

/* A preset's defaults take the place of keys that are not given. */
static cinch_status put_preset(json_t *object, const cinch_family_def *family, const cinch_preset *preset)
{
    for (int i = 0; preset && preset->defaults[i].key; i++) {
        const cinch_option *row = cinch_option_find(family->options, preset->defaults[i].key);
        cinch_option_info info;
        cinch_option_describe(row, &info);
        if (is_given(object, row)) continue;
        json_t *value;
        TRY(cinch_option_value(&value, info.type, preset->defaults[i].text));
        TRY(cinch_json_put(object, cinch_option_leaf(row), value));
    }
    return CINCH_OK;
}

static cinch_status read_section(cinch_model *m, json_t *object)
{
    const cinch_preset *preset;
    cinch_option_set sets[2];
    const json_t *name = json_object_get(object, "name");
    if (name && !json_is_null(name)) TRY(cinch_option_check(cinch_shared_options, name));
    const char *given = name && !json_is_null(name) ? json_string_value(name) : cinch_shared_options[0].fallback;
    TRY(cinch_family_find(given, &m->family, &preset));
    TRY(cinch_json_put(object, "name", json_string(m->family->name)));
    TRY(put_preset(object, m->family, preset));
    if (!(m->config = cinch_calloc(1, m->family->config_size))) return CINCH_DEVICE;
    option_sets(m, sets);
    return cinch_options_read(sets, 2, object);
}

cinch_status cinch_model_read(cinch_model *model, const char *json)
{
    json_t *object;
    TRY(cinch_json_parse(&object, json, "model", CINCH_USAGE));
    cinch_status status = json_is_object(object) ? read_section(model, object)
                                                 : cinch_fail(CINCH_USAGE, "model: must be an object {\"name\": ...}");
    json_decref(object);
    return status;
}

cinch_status cinch_model_write(const cinch_model *model, char **json)
{
    cinch_option_set sets[2];
    json_t *object = json_object();
    if (!object) return cinch_fail(CINCH_DEVICE, "out of memory for the model's description");
    option_sets(model, sets);
    cinch_status status = cinch_options_write(sets, 2, object);
    if (!status) status = cinch_json_text(json, object, 0);
    json_decref(object);
    return status;
}

cinch_status cinch_model_complete(const char *json, char **complete)
{
    cinch_model *model = cinch_calloc(1, sizeof *model);
    if (!model) return CINCH_DEVICE;
    cinch_status status = cinch_model_read(model, json);
    if (!status) status = cinch_model_write(model, complete);
    cinch_model_free(model);
    return status;
}

/* --- building ----------------------------------------------------------------------------------------------------- */

cinch_builder cinch_model_builder(const cinch_model *m, cinch_graph *graph, cinch_params *params, cinch_mode mode)
{
    return (cinch_builder){.graph = graph, .params = params, .mode = mode, .init = m->shared.init,
                           .init_scale = m->shared.init_scale, .dropout = m->shared.dropout};
}

cinch_activation cinch_model_output(const cinch_model *m)
{
    int output = m->shared.output_activation;
    return output == OUTPUT_SIGMOID ? ACTIVATION_SIGMOID : output == OUTPUT_TANH ? ACTIVATION_TANH : ACTIVATION_LINEAR;
}

/* "[N, 28, 28, 1]", or "[5, ...]" where the first axis is given. */
static const char *shape_text(cinch_shape shape, bool batch, char text[160])
{
    size_t used = (size_t)snprintf(text, 160, "[%s", batch ? "N" : "");
    for (int i = 0; i < shape.rank; i++)
        used += (size_t)snprintf(text + used, 160 - used, "%s%lld", i || batch ? ", " : "", (long long)shape.dim[i]);
    snprintf(text + used, 160 - used, "]");
    return text;
}

/* Whether x is [N, sample...]; says what is wrong otherwise. */
static bool suits(cinch_graph *g, cinch_value x, cinch_shape sample, const char *what)
{
    char is[160], wanted[160];
    cinch_shape shape = cinch_shape_of(g, x);
    bool same = shape.rank == sample.rank + 1;
    for (int i = 0; same && i < sample.rank; i++) same = shape.dim[i + 1] == sample.dim[i];
    if (same || !cinch_valid(x)) return true;
    cinch_graph_fail(g, "%s is %s; the model wants %s", what, shape_text(shape, false, is),
                     shape_text(sample, true, wanted));
    return false;
}

/* x as a vector, with the label behind it where the model is conditional. */
static cinch_value condition(const cinch_model *m, cinch_builder *b, cinch_value x, cinch_value label)
{
    if (m->shared.condition == CONDITION_NONE) return x;
    if (cinch_valid(label)) return cinch_layer_condition(b, x, label, m->shared.classes);
    return cinch_graph_fail(b->graph, "the model is conditional and wants a label for every sample");
}

cinch_code cinch_model_build_encoder(const cinch_model *m, cinch_builder *b, cinch_value x, cinch_value label)
{
    if (!suits(b->graph, x, m->sample.shape, "input")) return (cinch_code){0};
    cinch_part_begin(b, "encoder");
    if (m->family->flat) x = cinch_layer_flatten(b, x);
    cinch_value code = m->family->encode(b, condition(m, b, x, label), m->config);
    cinch_part_end(b);
    return m->family->variational ? cinch_posterior(m, b, code) : (cinch_code){.mean = code};
}

cinch_value cinch_model_build_decoder(const cinch_model *m, cinch_builder *b, cinch_value code, cinch_value label,
                                      bool logits)
{
    if (!suits(b->graph, code, cinch_model_code_shape(m), "code")) return (cinch_value){0};
    cinch_part_begin(b, "decoder");
    cinch_value y = m->family->decode(b, condition(m, b, code, label), m->config);
    if (!logits) y = cinch_layer_activate(b, y, cinch_model_output(m));
    if (m->family->flat) y = cinch_layer_unflatten(b, y, m->sample.shape);
    cinch_part_end(b);
    return y;
}

cinch_code cinch_model_encode(const cinch_model *model, cinch_graph *graph, cinch_params *params,
                              const cinch_batch *batch, cinch_mode mode)
{
    cinch_builder b = cinch_model_builder(model, graph, params, mode);
    return cinch_model_build_encoder(model, &b, batch->x, batch->label);
}

cinch_value cinch_model_decode(const cinch_model *model, cinch_graph *graph, cinch_params *params, cinch_value code,
                               cinch_value label, cinch_mode mode)
{
    cinch_builder b = cinch_model_builder(model, graph, params, mode);
    return cinch_model_build_decoder(model, &b, code, label, false);
}

/* --- making one --------------------------------------------------------------------------------------------------- */

static cinch_status check_sample(const cinch_sample *sample)
{
    int64_t count = 1, limit = INT32_MAX;
    int rank = sample->shape.rank;
    if (rank < 1 || rank >= CINCH_RANK_MAX)
        return cinch_fail(CINCH_USAGE, "model: samples have %d axes; must be 1 to %d", rank, CINCH_RANK_MAX - 1);
    for (int i = 0; i < rank; i++) {
        int64_t dim = sample->shape.dim[i];
        if (dim < 1 || dim > limit / count)
            return cinch_fail(CINCH_USAGE, "model: axis %d of the samples has size %lld: nothing, or too much", i,
                              (long long)dim);
        count *= dim;
    }
    return CINCH_OK;
}

static int output_for(const cinch_sample *sample)
{
    if (sample->low == 0 && sample->high == 1) return OUTPUT_SIGMOID;
    if (sample->low == -1 && sample->high == 1) return OUTPUT_TANH;
    return OUTPUT_LINEAR;
}

static cinch_shape batch_of_one(cinch_shape sample)
{
    cinch_shape shape = {.rank = sample.rank + 1, .dim = {1}};
    for (int i = 0; i < sample.rank; i++) shape.dim[i + 1] = sample.dim[i];
    return shape;
}

static cinch_status build_once(cinch_model *m, cinch_graph *graph, cinch_params *params)
{
    cinch_builder b = cinch_model_builder(m, graph, params, CINCH_EVALUATE);
    b.record = &m->record;
    cinch_value x = cinch_input(graph, "x", CINCH_F32, batch_of_one(m->sample.shape));
    bool conditional = m->shared.condition != CONDITION_NONE;
    cinch_value label = conditional ? cinch_input(graph, "label", CINCH_I32, CINCH_SHAPE(1)) : (cinch_value){0};
    cinch_model_build_decoder(m, &b, cinch_model_build_encoder(m, &b, x, label).mean, label, false);
    return cinch_graph_status(graph);
}

/* Builds the model once and throws the graph away: checks it, and writes down layers and flattened axes. */
static cinch_status write_record(cinch_model *m)
{
    cinch_graph *graph = NULL;
    cinch_params *params = NULL;
    cinch_record_clear(&m->record);
    cinch_status status = cinch_graph_create(&graph);
    if (!status) status = cinch_params_create(&params);
    if (!status) status = build_once(m, graph, params);
    cinch_graph_free(graph);
    cinch_params_free(params);
    return status;
}

static cinch_status prepare_condition(cinch_model *m)
{
    int64_t *classes = &m->shared.classes;
    if (m->shared.condition == CONDITION_NONE && *classes)
        return cinch_fail(CINCH_USAGE, "model.classes: goes with model.condition label (--condition), "
                          "which is missing");
    if (m->shared.condition == CONDITION_NONE) return CINCH_OK;
    if (!m->family->flat)
        return cinch_fail(CINCH_USAGE, "model.condition: model %s cannot take labels yet", m->family->name);
    if (!*classes) *classes = m->sample.classes;
    if (!*classes) return cinch_fail(CINCH_USAGE, "model.condition label: the data has no labels");
    if (*classes >= m->sample.classes) return CINCH_OK;
    return cinch_fail(CINCH_USAGE, "model.classes %lld: the data has labels up to %d; leave it \"auto\"",
                      (long long)*classes, m->sample.classes - 1);
}

static cinch_status check_clamp(const cinch_model *m)
{
    const double *clamp = m->shared.logvar_clamp;
    if (clamp[0] >= clamp[1])
        return cinch_fail(CINCH_USAGE, "model.logvar_clamp: the first number must be below the second");
    if (m->family->variational || (clamp[0] == -30 && clamp[1] == 20)) return CINCH_OK;
    return cinch_fail(CINCH_USAGE, "model.logvar_clamp: model %s is not variational; take vae", m->family->name);
}

static cinch_status prepare_shared(cinch_model *m)
{
    TRY(check_clamp(m));
    TRY(cinch_model_read_noise(m));
    return prepare_condition(m);
}

static cinch_status prepare(cinch_model *m, const char *json, const cinch_sample *sample)
{
    TRY(cinch_model_read(m, json));
    TRY(check_sample(sample));
    m->sample = *sample;
    TRY(m->family->prepare(m->config, sample));
    TRY(prepare_shared(m));
    if (m->shared.output_activation == OUTPUT_AUTO) m->shared.output_activation = output_for(sample);
    TRY(write_record(m));
    return cinch_model_write(m, &m->json);
}

cinch_status cinch_model_create(cinch_model **out, const char *json, const cinch_sample *sample)
{
    cinch_model *m = *out = cinch_calloc(1, sizeof *m);
    if (!m) return CINCH_DEVICE;
    cinch_status status = prepare(m, json, sample);
    if (status) {
        cinch_model_free(m);
        *out = NULL;
    }
    return status;
}

void cinch_model_free(cinch_model *m)
{
    cinch_option_set sets[2];
    if (!m) return;
    if (m->family) {
        option_sets(m, sets);
        cinch_options_free(sets, 2);
    }
    cinch_record_clear(&m->record);
    free(m->config);
    free(m->json);
    free(m);
}

/* --- questions ---------------------------------------------------------------------------------------------------- */

const char *cinch_model_name(const cinch_model *model) { return model->family->name; }
const char *cinch_model_json(const cinch_model *model) { return model->json; }
cinch_sample cinch_model_sample(const cinch_model *model) { return model->sample; }
cinch_shape cinch_model_code_shape(const cinch_model *model) { return model->family->code_shape(model->config); }
bool cinch_model_is_variational(const cinch_model *model) { return model->family->variational; }
bool cinch_model_has_noise(const cinch_model *model) { return model->noise != NOISE_NONE; }

int32_t cinch_model_classes(const cinch_model *model)
{
    return model->shared.condition == CONDITION_NONE ? 0 : (int32_t)model->shared.classes;
}

/* Of a sigmoid's numbers between 0 and 1, a variational model reads the likelihood of a coin. */
const char *cinch_model_default_loss(const cinch_model *model)
{
    if (model->family->default_loss) return model->family->default_loss;
    return model->shared.output_activation == OUTPUT_SIGMOID ? "bce_logits" : "mse";
}

int cinch_model_layer_count(const cinch_model *model) { return model->record.n_layers; }

cinch_layer_info cinch_model_layer(const cinch_model *model, int index)
{
    if (index < 0 || index >= model->record.n_layers) return (cinch_layer_info){0};
    const cinch_layer *layer = &model->record.layers[index];
    return (cinch_layer_info){layer->name, layer->kind, layer->parameters};
}

/* --- the border to PyTorch ---------------------------------------------------------------------------------------- */

/* from [a, b, inner] to [b, a, inner] */
static void swap_axes(const float *from, float *to, int64_t a, int64_t b, int64_t inner)
{
    for (int64_t i = 0; i < a; i++)
        for (int64_t j = 0; j < b; j++)
            memcpy(to + (j * a + i) * inner, from + (i * b + j) * inner, (size_t)inner * sizeof *to);
}

cinch_status cinch_model_convert(const cinch_model *model, const char *parameter, cinch_shape shape, bool to_torch,
                                 const float *from, float *to)
{
    const cinch_image_axis *axis = NULL;
    for (int i = 0; i < model->record.n_axes; i++)
        if (!strcmp(model->record.axes[i].parameter, parameter)) axis = &model->record.axes[i];
    if (!axis) {
        memcpy(to, from, (size_t)cinch_shape_count(shape) * sizeof *to);
        return CINCH_OK;
    }
    int64_t pixels = axis->pixels, channels = axis->channels, image = pixels * channels, outer = 1, inner = 1;
    if (axis->axis >= shape.rank || shape.dim[axis->axis] < image)
        return cinch_fail(CINCH_USAGE, "%s: axis %d must have %lld numbers, those of a flattened image", parameter,
                          axis->axis, (long long)(pixels * channels));
    for (int i = 0; i < axis->axis; i++) outer *= shape.dim[i];
    for (int i = axis->axis + 1; i < shape.rank; i++) inner *= shape.dim[i];
    int64_t row = shape.dim[axis->axis] * inner, rest = row - image * inner;
    for (int64_t o = 0; o < outer; o++, from += row, to += row) {
        swap_axes(from, to, to_torch ? pixels : channels, to_torch ? channels : pixels, inner);
        memcpy(to + image * inner, from + image * inner, (size_t)rest * sizeof *to);
    }
    return CINCH_OK;
}
