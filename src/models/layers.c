/* SPDX-License-Identifier: Apache-2.0 */
#include "models/builder.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/status.h"

/* --- the record --------------------------------------------------------------------------------------------------- */

void cinch_record_clear(cinch_record *record)
{
    for (int i = 0; i < record->n_layers; i++) {
        free(record->layers[i].name);
        free(record->layers[i].kind);
    }
    for (int i = 0; i < record->n_axes; i++) free(record->axes[i].parameter);
    free(record->layers);
    free(record->axes);
    *record = (cinch_record){.last_linear = -1};
}

static void lose(cinch_builder *b) { cinch_graph_out_of_memory(b->graph); }

/* Takes over `kind`; the layer's name is the current scope. */
static void record_layer(cinch_builder *b, char *kind, int64_t parameters)
{
    cinch_record *r = b->record;
    char *name = cinch_strdup(cinch_scope(b->graph));
    if (!name || !kind || cinch_grow((void **)&r->layers, &r->room_layers, r->n_layers + 1, sizeof *r->layers)) {
        free(name);
        free(kind);
        lose(b);
        return;
    }
    r->layers[r->n_layers++] = (cinch_layer){name, kind, parameters};
}

/* One channel, or no image at all, is flattened alike everywhere. */
static void record_axis(cinch_builder *b, const char *layer, const char *parameter, int axis, cinch_shape image)
{
    cinch_record *r = b->record;
    int64_t channels = image.rank >= 3 ? image.dim[image.rank - 1] : 1;
    if (channels == 1) return;
    char *name = cinch_format("%s.%s", layer, parameter);
    if (!name || cinch_grow((void **)&r->axes, &r->room_axes, r->n_axes + 1, sizeof *r->axes)) {
        free(name);
        lose(b);
        return;
    }
    r->axes[r->n_axes++] = (cinch_image_axis){name, axis, cinch_shape_count(image) / channels, channels};
}

/* --- modules ------------------------------------------------------------------------------------------------------ */

void cinch_part_begin(cinch_builder *b, const char *name)
{
    cinch_scope_push(b->graph, name);
    b->module = 0;
}

void cinch_part_end(cinch_builder *b) { cinch_scope_pop(b->graph); }

static void begin_module(cinch_builder *b)
{
    char number[16];
    snprintf(number, sizeof number, "%d", b->module++);
    cinch_scope_push(b->graph, number);
}

static void end_module(cinch_builder *b) { cinch_scope_pop(b->graph); }

/* --- linear ------------------------------------------------------------------------------------------------------- */

static cinch_init weight_init(const cinch_builder *b)
{
    static const cinch_init_kind kinds[] = { /* in the order of CINCH_INIT_NAMES */
        CINCH_INIT_DEFAULT,         CINCH_INIT_XAVIER_UNIFORM, CINCH_INIT_XAVIER_UNIFORM, CINCH_INIT_XAVIER_NORMAL,
        CINCH_INIT_XAVIER_NORMAL,   CINCH_INIT_KAIMING_UNIFORM, CINCH_INIT_KAIMING_NORMAL, CINCH_INIT_UNIFORM,
        CINCH_INIT_NORMAL,          CINCH_INIT_ZEROS};
    cinch_init init = {.kind = kinds[b->init]};
    float scale = (float)b->init_scale;
    if (init.kind == CINCH_INIT_UNIFORM) init.a = -scale, init.b = scale;
    if (init.kind == CINCH_INIT_NORMAL) init.b = scale;
    return init;
}

static cinch_init bias_init(const cinch_builder *b, int64_t fan_in)
{
    if (b->init != 0) return (cinch_init){.kind = CINCH_INIT_ZEROS};
    return (cinch_init){.kind = CINCH_INIT_DEFAULT, .fan_in = fan_in};
}

static cinch_value weight_of(cinch_builder *b, cinch_shape shape)
{
    cinch_param_options options = {.init = weight_init(b)};
    cinch_value w = cinch_param(b->graph, b->params, "weight", shape, &options);
    if (!b->keep_weights) return w;
    if (cinch_grow((void **)&b->weights, &b->room_weights, b->n_weights + 1, sizeof *b->weights)) lose(b);
    else b->weights[b->n_weights++] = w;
    return w;
}

static void record_linear(cinch_builder *b, cinch_value x, int64_t in, int64_t out)
{
    if (!b->record) return;
    b->record->last_linear = b->record->n_layers;
    record_layer(b, cinch_format("Linear %lld -> %lld", (long long)in, (long long)out), in * out + out);
    if (cinch_valid(x) && x.id == b->flattened.id) record_axis(b, cinch_scope(b->graph), "weight", 1, b->image);
}

/* In the layer's own scope. */
static cinch_value write_linear(cinch_builder *b, cinch_value x, int64_t out)
{
    int64_t in = cinch_dim(b->graph, x, -1);
    cinch_value weight = weight_of(b, CINCH_SHAPE(out, in));
    cinch_param_options options = {.init = bias_init(b, in), .no_decay = true};
    cinch_value bias = cinch_param(b->graph, b->params, "bias", CINCH_SHAPE(out), &options);
    cinch_value y = cinch_linear(b->graph, x, weight, bias);
    record_linear(b, x, in, out);
    return y;
}

cinch_value cinch_layer_linear(cinch_builder *b, cinch_value x, int64_t out)
{
    begin_module(b);
    cinch_value y = write_linear(b, x, out);
    end_module(b);
    return y;
}

cinch_value cinch_layer_linear_named(cinch_builder *b, const char *name, cinch_value x, int64_t out)
{
    cinch_scope_push(b->graph, name);
    cinch_value y = write_linear(b, x, out);
    cinch_scope_pop(b->graph);
    return y;
}

/* --- activations -------------------------------------------------------------------------------------------------- */

static cinch_value apply(cinch_graph *g, cinch_value x, cinch_activation activation)
{
    switch (activation) {
    case ACTIVATION_LINEAR: return x;
    case ACTIVATION_RELU: return cinch_relu(g, x);
    case ACTIVATION_LEAKY_RELU: return cinch_leaky_relu(g, x, 0.01f);
    case ACTIVATION_ELU: return cinch_elu(g, x, 1);
    case ACTIVATION_GELU: return cinch_gelu_erf(g, x);
    case ACTIVATION_SILU: return cinch_silu(g, x);
    case ACTIVATION_SIGMOID: return cinch_sigmoid(g, x);
    case ACTIVATION_TANH: return cinch_tanh(g, x);
    }
    return cinch_graph_fail(g, "no such activation: %d", (int)activation);
}

cinch_value cinch_layer_activate(cinch_builder *b, cinch_value x, cinch_activation activation)
{
    static const char *const names[] = {"Identity", "ReLU", "LeakyReLU", "ELU", "GELU", "SiLU", "Sigmoid", "Tanh"};
    if (activation == ACTIVATION_LINEAR) return x;
    begin_module(b);
    cinch_value y = apply(b->graph, x, activation);
    if (b->record) record_layer(b, cinch_strdup(names[activation]), 0);
    end_module(b);
    return y;
}

cinch_value cinch_layer_dropout(cinch_builder *b, cinch_value x)
{
    if (!(b->dropout > 0)) return x;
    begin_module(b);
    cinch_value y = b->mode == CINCH_TRAIN ? cinch_dropout(b->graph, x, (float)b->dropout) : x;
    if (b->record) record_layer(b, cinch_format("Dropout %g", b->dropout), 0);
    end_module(b);
    return y;
}

cinch_value cinch_layer_condition(cinch_builder *b, cinch_value x, cinch_value label, int64_t classes)
{
    cinch_value parts[2] = {x, cinch_one_hot(b->graph, label, classes)};
    cinch_value y = cinch_concat(b->graph, parts, 2, 1);
    if (cinch_valid(x) && x.id == b->flattened.id) b->flattened = y;
    return y;
}

/* --- images as vectors -------------------------------------------------------------------------------------------- */

cinch_value cinch_layer_flatten(cinch_builder *b, cinch_value x)
{
    cinch_shape shape = cinch_shape_of(b->graph, x);
    if (shape.rank <= 2) return x;
    b->image = (cinch_shape){.rank = shape.rank - 1};
    for (int i = 1; i < shape.rank; i++) b->image.dim[i - 1] = shape.dim[i];
    b->flattened = cinch_reshape(b->graph, x, CINCH_SHAPE(shape.dim[0], cinch_shape_count(b->image)));
    return b->flattened;
}

cinch_value cinch_layer_unflatten(cinch_builder *b, cinch_value x, cinch_shape image)
{
    if (image.rank <= 1) return x;
    if (b->record && b->record->last_linear >= 0) {
        const char *layer = b->record->layers[b->record->last_linear].name;
        record_axis(b, layer, "weight", 0, image);
        record_axis(b, layer, "bias", 0, image);
    }
    cinch_shape shape = {.rank = image.rank + 1, .dim = {cinch_dim(b->graph, x, 0)}};
    for (int i = 0; i < image.rank; i++) shape.dim[i + 1] = image.dim[i];
    return cinch_reshape(b->graph, x, shape);
}
