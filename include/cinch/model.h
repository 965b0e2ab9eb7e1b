/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The autoencoder families: a configuration, and functions that write encoder, decoder and loss into a graph.
 *
 *     cinch_model *m;
 *     cinch_sample sample = {CINCH_SHAPE(28, 28, 1), 0, 1};
 *     if (cinch_model_create(&m, "{\"name\": \"dense\", \"latent_dim\": 32}", &sample)) puts(cinch_last_error());
 *     cinch_value x = cinch_input(g, "x", CINCH_F32, CINCH_SHAPE(128, 28, 28, 1));
 *     cinch_loss_config mse = {.name = "mse"};
 *     cinch_value loss = cinch_model_loss(m, g, params, &(cinch_batch){.x = x}, &mse, CINCH_TRAIN, NULL);
 *     ...
 *     cinch_code code = cinch_model_encode(m, g2, params, &(cinch_batch){.x = x2}, CINCH_EVALUATE);
 *     cinch_value y = cinch_model_decode(m, g2, params, code.mean, (cinch_value){0}, CINCH_EVALUATE);
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
   bounds are known. classes: how many labels there are, 0 without labels. output_activation "auto" goes by this range:
   where targets have another, name it. */
typedef struct cinch_sample {
    cinch_shape shape;
    double low, high;
    int32_t classes;
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
/* The loss the family takes when none is named: "mse", of a variational one with sigmoid output "bce_logits". */
CINCH_API const char *cinch_model_default_loss(const cinch_model *model);

/* Whether a code has a mean and a log-variance; and how many labels a conditional model knows, 0 for any other. */
CINCH_API bool cinch_model_is_variational(const cinch_model *model);
CINCH_API int32_t cinch_model_classes(const cinch_model *model);

/* What every family can be asked for, beside its own options (model.KEY):
     dropout         behind every hidden layer, a module of its own there: encoder.2 of Linear, ReLU, Dropout
     noise           on x in training: gaussian:D (deviation, kept within the data's bounds), salt_pepper:P (to one of
                     the bounds), masking:P (to 0); the target stays clean
     condition       label: its one-hot form [classes] stands behind the encoder's input and behind the code, so that
                     encoder.0.weight and decoder.0.weight have `classes` more columns
   A variational model's heads are "mu" and "logvar", Linear layers on the encoder's last; logvar_clamp bounds what the
   second gives, and its gradient is 0 beyond. */

/* A batch as named tensors; those that are the invalid value are not there. */
typedef struct cinch_batch {
    cinch_value x;        /* f32 [N, sample shape...] */
    cinch_value target;   /* what to reconstruct, f32 [N, sample shape...]; not there: x */
    cinch_value label;    /* i32 [N]; a conditional model wants it */
    cinch_value noise;    /* f32 [N, code shape...]: takes the place of the numbers that a variational model draws */
} cinch_batch;

/* A code [N, code shape...]; for variational models the mean of the posterior and its log-variance, else logvar is the
   invalid value. */
typedef struct cinch_code { cinch_value mean, logvar; } cinch_code;

/* batch->x to codes, and codes back to reconstructions [N, sample shape...], in the range of the output activation;
   `label` is for conditional models. Errors are the graph's: another shape than the model's, a missing label. */
CINCH_API cinch_code cinch_model_encode(const cinch_model *model, cinch_graph *graph, cinch_params *params,
                                        const cinch_batch *batch, cinch_mode mode);
CINCH_API cinch_value cinch_model_decode(const cinch_model *model, cinch_graph *graph, cinch_params *params,
                                         cinch_value code, cinch_value label, cinch_mode mode);

/* The loss of a batch, f32 []: reconstruction of the target from x, what else the model and `loss` ask for, plus
   loss->l1 times the sum of |w| and loss->l2 times the sum of w^2 over all weights (not biases). In CINCH_TRAIN the
   model's noise and dropout are drawn, and a variational model decodes a draw from its posterior, else the mean.
   Adds metrics to the graph: "loss" (this sum), "loss_recon" (its first term), and where they exist "loss_kl" (before
   beta), "kl_active" (share of the code's numbers whose KL is over 0.01 nats in this batch: Burda et al. 2016, section
   5), "loss_sparsity" (before its weight), "active" (share of the code's numbers that are at work: over 0.01 in size,
   under `kl` over one half after the sigmoid) and, in CINCH_EVALUATE, "loss_floor" (of "bce" losses: what a perfect
   reconstruction of grey data would have).
   beta is a control of the graph, "beta" f32 [], where loss->anneal is not "none"; else loss->beta itself.
   *reconstruction (may be NULL) receives the output. "bce" reads outputs as probabilities and wants output_activation
   sigmoid; "bce_logits" is the same loss computed from what enters the sigmoid, or from linear outputs, which then are
   logits; "gaussian" is the negative log-likelihood under one learned deviation, the parameter "log_sigma" (Rybkin et
   al. 2021). Errors are the graph's: an unknown loss, one that does not suit the output, the reduction `none`: a loss
   to train on is one number. For the losses of elements, f32 [N, sample shape...], give what cinch_model_decode makes
   to cinch_loss_mse, say, with CINCH_NONE; for one number a sample see cinch_infer_score. */
CINCH_API cinch_value cinch_model_loss(const cinch_model *model, cinch_graph *graph, cinch_params *params,
                                       const cinch_batch *batch, const cinch_loss_config *loss, cinch_mode mode,
                                       cinch_value *reconstruction);

/* The input as the model's noise option would leave it in training: x itself where there is none. */
CINCH_API cinch_value cinch_model_corrupt(const cinch_model *model, cinch_graph *graph, cinch_value x);
CINCH_API bool cinch_model_has_noise(const cinch_model *model);

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
