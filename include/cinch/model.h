/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The autoencoder families: a configuration, and functions that write encoder, decoder and loss into a graph.
 *
 *     cinch_model *m;
 *     cinch_sample sample = {CINCH_SHAPE(28, 28, 1), 0, 1};
 *     cinch_model_create(&m, "{\"name\": \"dense\", \"latent_dim\": 32}", &sample);
 *     cinch_value code = cinch_model_encode(m, g, params, x, CINCH_EVALUATE);
 *     cinch_value y = cinch_model_decode(m, g, params, code, CINCH_EVALUATE);
 *
 * A model is immutable after it was made and may be shared by threads.
 */
#ifndef CINCH_MODEL_H
#define CINCH_MODEL_H

#include <cinch/config.h>
#include <cinch/graph.h>
#include <cinch/params.h>

CINCH_BEGIN

typedef struct cinch_model cinch_model;

/* One sample of the data: its shape (channels last) and the range of its values; low == high: unbounded. */
typedef struct cinch_sample {
    cinch_shape shape;
    double low, high;
} cinch_sample;

typedef enum cinch_mode { CINCH_TRAIN, CINCH_EVALUATE } cinch_mode;

/* `json` is the "model" section: {"name": ..., options}. CINCH_USAGE for an unknown model, option or value (naming
   the nearest known one), or a sample that does not suit the model. */
CINCH_API cinch_status cinch_model_create(cinch_model **out, const char *json, const cinch_sample *sample);
CINCH_API void cinch_model_free(cinch_model *model);

CINCH_API const char *cinch_model_name(const cinch_model *model);
/* The complete model section, defaults resolved (latent_dim, output_activation); owned by the model. */
CINCH_API const char *cinch_model_json(const cinch_model *model);
CINCH_API cinch_sample cinch_model_sample(const cinch_model *model);
/* Shape of one sample's code. */
CINCH_API cinch_shape cinch_model_code_shape(const cinch_model *model);
/* The loss the family takes when none is named: "mse". */
CINCH_API const char *cinch_model_default_loss(const cinch_model *model);

/* x [N, sample shape...] f32 to codes [N, code shape...], and back to reconstructions [N, sample shape...]. */
CINCH_API cinch_value cinch_model_encode(const cinch_model *model, cinch_graph *graph, cinch_params *params,
                                         cinch_value x, cinch_mode mode);
CINCH_API cinch_value cinch_model_decode(const cinch_model *model, cinch_graph *graph, cinch_params *params,
                                         cinch_value code, cinch_mode mode);

/* The loss of a batch: reconstruction of `target` from `x`, plus the penalties of `loss`. Adds the metrics "loss" and
   "loss_recon" to the graph; *reconstruction (may be NULL) receives the output. */
CINCH_API cinch_value cinch_model_loss(const cinch_model *model, cinch_graph *graph, cinch_params *params, cinch_value x,
                                       cinch_value target, const cinch_loss_config *loss, cinch_mode mode,
                                       cinch_value *reconstruction);

/* Conversion of a parameter to and from PyTorch's layout (same for vectors and Linear weights unless an image is
   flattened: PyTorch flattens C,H,W, cinch H,W,C). `to_torch` says the direction; count floats each. */
CINCH_API cinch_status cinch_model_convert(const cinch_model *model, const char *parameter, cinch_shape shape,
                                           bool to_torch, const float *from, float *to);

/* One row of the layer summary, in order of declaration. */
typedef struct cinch_layer_info {
    const char *name;        /* "encoder.0" */
    const char *kind;        /* "Linear 784 -> 512", owned by the model */
    int64_t parameters;
} cinch_layer_info;
CINCH_API int cinch_model_layer_count(const cinch_model *model);
CINCH_API cinch_layer_info cinch_model_layer(const cinch_model *model, int index);

/* --- the families ------------------------------------------------------------------------------------------------- */

typedef struct cinch_family_info {
    const char *name;
    const char *purpose;     /* one line, with its source */
    const char *preset_of;   /* NULL, or the family that this name is a preset of */
} cinch_family_info;

/* By index; false past the last. */
CINCH_API bool cinch_family(int index, cinch_family_info *out);
/* Options of a family (its own and those every family shares), by index; false past the last or for an unknown one. */
CINCH_API bool cinch_family_option(const char *family, int index, cinch_option_info *out);

CINCH_END

#endif
