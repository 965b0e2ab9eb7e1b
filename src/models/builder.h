/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a family builds with: layers that name themselves as PyTorch's nn.Sequential would. Activations count as
 * modules, flattening does not:
 *
 *     x = activate(b, linear(b, x, 512), ACTIVATION_RELU);    encoder.0.weight, encoder.0.bias; encoder.1 is the ReLU
 *     x = linear(b, x, 64);                                   encoder.2.weight, encoder.2.bias
 */
#ifndef CINCH_MODELS_BUILDER_H
#define CINCH_MODELS_BUILDER_H

#include <cinch/graph.h>
#include <cinch/model.h>
#include <cinch/params.h>

/* --- what is written down once, when a model is made -------------------------------------------------------------- */

typedef struct cinch_layer {
    char *name, *kind;
    int64_t parameters;
} cinch_layer;

/* An axis of a parameter that runs over a flattened image: H,W,C here, C,H,W in PyTorch. */
typedef struct cinch_image_axis {
    char *parameter;
    int axis;
    int64_t pixels, channels;  /* any numbers of the axis behind these stay where they are */
} cinch_image_axis;

typedef struct cinch_record {
    cinch_layer *layers;
    int n_layers, room_layers;
    cinch_image_axis *axes;
    int n_axes, room_axes;
    int last_linear; /* in layers; -1: none yet */
} cinch_record;

void cinch_record_clear(cinch_record *record);

/* --- the builder -------------------------------------------------------------------------------------------------- */

/* How weights start, by option; biases are zero but for the default, which is PyTorch's. */
#define CINCH_INIT_NAMES                                                                                               \
    "default xavier_uniform glorot_uniform xavier_normal glorot_normal kaiming_uniform kaiming_normal uniform normal " \
    "zeros"

typedef struct cinch_builder {
    cinch_graph *graph;
    cinch_params *params;
    cinch_mode mode;
    int init;              /* position in CINCH_INIT_NAMES */
    double init_scale;     /* uniform: half the width; normal: the deviation */
    double dropout;        /* behind every hidden layer; 0: none */
    int module;            /* number of the next one in this scope */
    cinch_value flattened; /* what `flatten` gave last, of an image of this shape */
    cinch_shape image;
    cinch_record *record;  /* NULL: nothing is written down */
    bool keep_weights;     /* list the weights, for penalties */
    cinch_value *weights;
    int n_weights, room_weights;
} cinch_builder;

/* Modules between the two are numbered from 0 in the scope `name`. */
void cinch_part_begin(cinch_builder *b, const char *name);
void cinch_part_end(cinch_builder *b);

/* x [N, in] to [N, out]: x W' + bias. */
cinch_value cinch_layer_linear(cinch_builder *b, cinch_value x, int64_t out);
/* The same with a name of its own instead of a number. */
cinch_value cinch_layer_linear_named(cinch_builder *b, const char *name, cinch_value x, int64_t out);

#define CINCH_ACTIVATION_NAMES "linear relu leaky_relu elu gelu silu sigmoid tanh"
typedef enum cinch_activation {
    ACTIVATION_LINEAR, /* is no module */
    ACTIVATION_RELU,
    ACTIVATION_LEAKY_RELU, /* slope 0.01 */
    ACTIVATION_ELU,        /* alpha 1 */
    ACTIVATION_GELU,       /* by erf */
    ACTIVATION_SILU,
    ACTIVATION_SIGMOID,
    ACTIVATION_TANH
} cinch_activation;

cinch_value cinch_layer_activate(cinch_builder *b, cinch_value x, cinch_activation activation);

/* Dropout with the builder's probability, only while training; no module where that is 0. */
cinch_value cinch_layer_dropout(cinch_builder *b, cinch_value x);

/* x [N, D] with the label i32 [N] behind it, one-hot: [N, D + classes]. */
cinch_value cinch_layer_condition(cinch_builder *b, cinch_value x, cinch_value label, int64_t classes);

/* [N, H, W, C] to [N, H W C], and back to [N, image...] from the output of the last linear layer. */
cinch_value cinch_layer_flatten(cinch_builder *b, cinch_value x);
cinch_value cinch_layer_unflatten(cinch_builder *b, cinch_value x, cinch_shape image);

/* --- short names for the families --------------------------------------------------------------------------------- */

static inline cinch_value linear(cinch_builder *b, cinch_value x, int64_t out) { return cinch_layer_linear(b, x, out); }
static inline cinch_value activate(cinch_builder *b, cinch_value x, int activation)
{
    return cinch_layer_activate(b, x, (cinch_activation)activation);
}
/* A hidden layer: linear, activation, dropout. */
static inline cinch_value hidden(cinch_builder *b, cinch_value x, int64_t out, int activation)
{
    return cinch_layer_dropout(b, activate(b, linear(b, x, out), activation));
}

#endif
