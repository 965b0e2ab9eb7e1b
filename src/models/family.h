/* SPDX-License-Identifier: Apache-2.0 */
/* A family of autoencoders says its options and its structure; all that they share stands once, in model.c. */
#ifndef CINCH_MODELS_FAMILY_H
#define CINCH_MODELS_FAMILY_H

#include <cinch/model.h>

#include "core/options.h"
#include "models/builder.h"

/* A name of its own for a family with other defaults. */
typedef struct cinch_preset {
    const char *name, *purpose;
    struct { const char *key, *text; } defaults[8]; /* keys without section; ended by NULL */
} cinch_preset;

typedef struct cinch_family_def {
    const char *name, *purpose;
    const cinch_option *options;    /* keys "model.<option>", of a struct of config_size bytes */
    size_t config_size;
    const cinch_preset *presets;    /* ended by a name NULL; NULL: none */
    bool flat;                      /* sees every sample as a vector: x is [N, D] */
    bool variational;               /* `encode` gives what the heads for mean and log-variance read */
    const char *default_loss;       /* NULL: the variational models' */
    /* Resolves "auto" and checks the sample. */
    cinch_status (*prepare)(void *config, const cinch_sample *sample);
    cinch_shape (*code_shape)(const void *config);
    cinch_value (*encode)(cinch_builder *b, cinch_value x, const void *config);
    cinch_value (*decode)(cinch_builder *b, cinch_value code, const void *config);
} cinch_family_def;

extern const cinch_family_def cinch_family_dense, cinch_family_vae;

/* --- options that every family has -------------------------------------------------------------------------------- */

enum { CONDITION_NONE, CONDITION_LABEL };
enum { OUTPUT_AUTO, OUTPUT_SIGMOID, OUTPUT_TANH, OUTPUT_LINEAR };

typedef enum cinch_noise { NOISE_NONE, NOISE_GAUSSIAN, NOISE_SALT_PEPPER, NOISE_MASKING } cinch_noise;

typedef struct cinch_shared_config {
    char *name;
    int output_activation; /* OUTPUT_... */
    int init;              /* position in CINCH_INIT_NAMES */
    double init_scale;
    double dropout;
    char *noise;           /* "gaussian:0.3", "none" */
    int condition;         /* CONDITION_... */
    int64_t classes;       /* 0: as the data has */
    double logvar_clamp[2];
} cinch_shared_config;

extern const cinch_option cinch_shared_options[];

/* The family of a name or preset (*preset NULL where it is none). CINCH_USAGE names the nearest. */
cinch_status cinch_family_find(const char *name, const cinch_family_def **family, const cinch_preset **preset);

/* --- a model ------------------------------------------------------------------------------------------------------ */

struct cinch_model {
    const cinch_family_def *family;
    cinch_shared_config shared;
    void *config;
    cinch_sample sample;
    cinch_noise noise;     /* shared.noise, read */
    double noise_amount;
    char *json;
    cinch_record record;
};

/* Reads a "model" section into model->family, shared and config; to be freed by cinch_model_free also on error. */
cinch_status cinch_model_read(cinch_model *model, const char *json);
cinch_status cinch_model_write(const cinch_model *model, char **json);

cinch_builder cinch_model_builder(const cinch_model *model, cinch_graph *graph, cinch_params *params, cinch_mode mode);
/* The two halves; `label` i32 [N] is for conditional models, `logits` leaves the output activation away. */
cinch_code cinch_model_build_encoder(const cinch_model *model, cinch_builder *b, cinch_value x, cinch_value label);
cinch_value cinch_model_build_decoder(const cinch_model *model, cinch_builder *b, cinch_value code, cinch_value label,
                                      bool logits);

/* The output activation as the layer it is. */
cinch_activation cinch_model_output(const cinch_model *model);

/* What the code adds to the loss: the term with its weight, and for the log the term without it and the share of the
   code that is in use. */
typedef struct cinch_term { cinch_value weighted, plain, active; } cinch_term;

/* --- noise.c ------------------------------------------------------------------------------------------------------ */

/* Reads shared.noise into noise and noise_amount. */
cinch_status cinch_model_read_noise(cinch_model *model);

/* --- variational.c ------------------------------------------------------------------------------------------------ */

/* Mean and log-variance from what the encoder gives: two linear layers "mu" and "logvar". */
cinch_code cinch_posterior(const cinch_model *model, cinch_builder *b, cinch_value features);
/* A draw: mean + exp(logvar / 2) noise; `noise` not there: drawn. Kingma & Welling 2014. */
cinch_value cinch_reparameterise(cinch_graph *g, cinch_code code, cinch_value noise);
/* The KL's part of the loss. In CINCH_TRAIN beta is the control that the schedule sets, where there is one. */
cinch_term cinch_kl_term(cinch_graph *g, cinch_code code, const cinch_loss_config *loss, cinch_reduction reduction,
                         cinch_mode mode);

/* --- sparsity.c --------------------------------------------------------------------------------------------------- */

/* The sparsity's part of the loss; under the reduction `sum` it counts once for each sample, as a KL does. */
cinch_term cinch_sparsity_term(cinch_graph *g, cinch_value code, const cinch_loss_config *loss,
                               cinch_reduction reduction);

#endif
