/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The autoencoder families: a configuration, and functions that write encoder, decoder and loss into a graph.
 *
 *     cinch_model *m;
 *     cinch_sample sample = {CINCH_SHAPE(28, 28, 1), 0, 1};
 *     if (cinch_model_create(&m, "{\"name\": \"dense\", \"latent_dim\": 32}", &sample)) puts(cinch_last_error());
 *     cinch_value x = cinch_input(g, "x", CINCH_F32, CINCH_SHAPE(128, 28, 28, 1));
 *     cinch_loss_config mse = {.name = "mse"};
 *     cinch_value loss = cinch_model_loss(m, g, params, x, x, &mse, CINCH_TRAIN, NULL);
 *     ...
 *     cinch_value code = cinch_model_encode(m, g2, params, x2, CINCH_EVALUATE);
 *     cinch_value y = cinch_model_decode(m, g2, params, code, CINCH_EVALUATE);
 *     cinch_model_free(m);
 *
 * Parameters are named as PyTorch's nn.Sequential would: "encoder.0.weight"; an activation counts as a module.
 * A model is immutable after it was made and may be shared by threads.
 */
#ifndef CINCH_MODEL_H
#define CINCH_MODEL_H

#include <cinch/config.h>
#include <cinch/graph.h>
#include <cinch/params.h>

CINCH_BEGIN

typedef struct cinch_model cinch_model;

/* One sample of the data: its shape (channels last, rank 1 to 5) and the range of its values; low == high: no
   bounds are known. */
typedef struct cinch_sample {
    cinch_shape shape;
    double low, high;
} cinch_sample;

typedef enum cinch_mode { CINCH_TRAIN, CINCH_EVALUATE } cinch_mode;

/* `json` is the "model" section: {"name": ..., options}. CINCH_USAGE for an unknown model, option or value (naming
   the nearest known one), or a sample that does not suit the model. */
CINCH_API cinch_status cinch_model_create(cinch_model **out, const char *json, const cinch_sample *sample);
CINCH_API void cinch_model_free(cinch_model *model);

/* Checks a "model" section before the data is known and completes it: presets become their family, every option
   stands there, what depends on the data stays "auto". The text is freed by cinch_free. Errors as above. */
CINCH_API cinch_status cinch_model_complete(const char *json, char **complete);

/* The family ("dense", also for a preset of it). */
CINCH_API const char *cinch_model_name(const cinch_model *model);
/* The complete model section, defaults resolved (input_size, latent_dim, output_activation); owned by the model. */
CINCH_API const char *cinch_model_json(const cinch_model *model);
CINCH_API cinch_sample cinch_model_sample(const cinch_model *model);
/* Shape of one sample's code. */
CINCH_API cinch_shape cinch_model_code_shape(const cinch_model *model);
/* The loss the family takes when none is named: "mse". */
CINCH_API const char *cinch_model_default_loss(const cinch_model *model);

/* x [N, sample shape...] f32 to codes [N, code shape...], and back to reconstructions [N, sample shape...], in the
   range of the output activation. Errors are the graph's: another shape than the model's. */
CINCH_API cinch_value cinch_model_encode(const cinch_model *model, cinch_graph *graph, cinch_params *params,
                                         cinch_value x, cinch_mode mode);
CINCH_API cinch_value cinch_model_decode(const cinch_model *model, cinch_graph *graph, cinch_params *params,
                                         cinch_value code, cinch_mode mode);

/* The loss of a batch, f32 []: reconstruction of `target` [N, sample shape...] from `x`, plus loss->l1 times the sum of
   |w| and loss->l2 times the sum of w^2 over all weights (not biases). Adds the metrics "loss" (this sum) and
   "loss_recon" (its first term) to the graph; *reconstruction (may be NULL) receives the output. "bce" reads outputs as
   probabilities and wants output_activation sigmoid; "bce_logits" is the same loss computed from what enters the
   sigmoid, or from linear outputs, which then are logits. Errors are the graph's: an unknown loss, one that does not
   suit the output, the reduction `none` (a loss to train on is one number). */
CINCH_API cinch_value cinch_model_loss(const cinch_model *model, cinch_graph *graph, cinch_params *params,
                                       cinch_value x, cinch_value target, const cinch_loss_config *loss,
                                       cinch_mode mode, cinch_value *reconstruction);

/* Copies a parameter's values (of `shape`, from != to) to or from PyTorch's layout. They differ where an image of more
   than one channel is flattened: PyTorch flattens C,H,W, cinch H,W,C, so the first Linear's inputs and the last one's
   outputs change places; all others are copied as they are. CINCH_USAGE for a shape that is not the parameter's. */
CINCH_API cinch_status cinch_model_convert(const cinch_model *model, const char *parameter, cinch_shape shape,
                                           bool to_torch, const float *from, float *to);

/* One row of the layer summary, in order of the data's way through them. Texts are owned by the model. */
typedef struct cinch_layer_info {
    const char *name;        /* "encoder.0" */
    const char *kind;        /* "Linear 784 -> 512", "ReLU" */
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
/* Options of a family or preset (those every family shares, then its own; of NULL: only the shared ones), by index;
   false past the last or for an unknown one. */
CINCH_API bool cinch_family_option(const char *family, int index, cinch_option_info *out);

CINCH_END

#endif
