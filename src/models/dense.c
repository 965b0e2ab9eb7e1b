/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fully connected autoencoders. Input [N, D]; the decoder mirrors the encoder.
 *
 * dense: Hinton & Salakhutdinov, "Reducing the dimensionality of data with neural networks", Science 313 (2006).
 *     D -> hidden_sizes, each with `activation` -> latent_dim, with code_activation -> hidden_sizes reversed -> D
 * vae: Kingma & Welling, "Auto-encoding variational Bayes", ICLR 2014. The same with two heads on the last hidden
 *     layer, mean and log-variance of the code.
 */
#include <math.h>

#include "models/family.h"

typedef struct dense_config {
    int64_t input_size, latent_dim;
    cinch_ints hidden;
    int activation, code_activation;
} dense_config;

static cinch_value encode_hidden(cinch_builder *b, cinch_value x, const void *config)
{
    const dense_config *c = config;
    for (int i = 0; i < c->hidden.n; i++) x = hidden(b, x, c->hidden.v[i], c->activation);
    return x;
}

static cinch_value encode(cinch_builder *b, cinch_value x, const void *config)
{
    const dense_config *c = config;
    return activate(b, linear(b, encode_hidden(b, x, config), c->latent_dim), c->code_activation);
}

static cinch_value decode(cinch_builder *b, cinch_value z, const void *config)
{
    const dense_config *c = config;
    for (int i = c->hidden.n; i-- > 0;) z = hidden(b, z, c->hidden.v[i], c->activation);
    return linear(b, z, c->input_size);
}

static cinch_shape code_shape(const void *config)
{
    return CINCH_SHAPE(((const dense_config *)config)->latent_dim);
}

enum { SIZE_LIMIT = 1 << 24 };

#define ROW(kind, name, field, ...) CINCH_OPTION("model", name, kind, dense_config, field, __VA_ARGS__)
#define SIZES                                                                                                          \
    ROW(INT64, "input_size", input_size, "auto", "numbers in a sample; auto: as the data has",                         \
        .low = 1, .high = INT32_MAX, .word = "auto"),                                                                  \
    ROW(INTS, "hidden_sizes", hidden, "512", "width of each hidden layer, encoder order; \"\" for none",               \
        .low = 1, .high = SIZE_LIMIT, .flag = "--hidden-sizes"),                                                       \
    ROW(INT64, "latent_dim", latent_dim, "auto", "size of the code; auto: 64 for 784 inputs (28x28), else 15% of the " \
        "inputs, at least 2, at most 128", .low = 1, .high = SIZE_LIMIT, .word = "auto", .flag = "--latent-dim"),      \
    ROW(ENUM, "activation", activation, "relu", "after every hidden layer", .choices = CINCH_ACTIVATION_NAMES,         \
        .flag = "--activation")
static const cinch_option dense_options[] = {
    SIZES,
    ROW(ENUM, "code_activation", code_activation, "linear", "after the code", .choices = CINCH_ACTIVATION_NAMES),
    {0}};
static const cinch_option vae_options[] = {SIZES, {0}};

/* Sizes for which the general rule is not the usual choice. */
static const struct { int64_t inputs, latent_dim; } usual[] = {{28 * 28, 64}};

static int64_t default_latent_dim(int64_t inputs)
{
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (usual[i].inputs == inputs) return usual[i].latent_dim;
    int64_t size = llround(0.15 * (double)inputs);
    return size < 2 ? 2 : size > 128 ? 128 : size;
}

static cinch_status prepare(void *config, const cinch_sample *sample)
{
    dense_config *c = config;
    int64_t inputs = cinch_shape_count(sample->shape);
    if (c->input_size && c->input_size != inputs)
        return cinch_fail(CINCH_USAGE, "model.input_size %lld: the data's samples have %lld numbers; leave it \"auto\"",
                          (long long)c->input_size, (long long)inputs);
    c->input_size = inputs;
    if (!c->latent_dim) c->latent_dim = default_latent_dim(inputs);
    return CINCH_OK;
}

static const cinch_preset presets[] = {
    {"simple", "one linear layer each way, relu on the code",
     {{"hidden_sizes", ""}, {"code_activation", "relu"}}},
    {"stacked", "784-128-64-36-18-9 and back, for 28x28 images",
     {{"hidden_sizes", "128,64,36,18"}, {"latent_dim", "9"}}},
    {0}};

const cinch_family_def cinch_family_dense = {
    .name = "dense",
    .purpose = "fully connected, for vectors and flattened images (Hinton & Salakhutdinov 2006)",
    .options = dense_options,
    .config_size = sizeof(dense_config),
    .presets = presets,
    .flat = true,
    .default_loss = "mse",
    .prepare = prepare,
    .code_shape = code_shape,
    .encode = encode,
    .decode = decode,
};

const cinch_family_def cinch_family_vae = {
    .name = "vae",
    .purpose = "variational, fully connected: a code to sample from (Kingma & Welling 2014)",
    .options = vae_options,
    .config_size = sizeof(dense_config),
    .flat = true,
    .variational = true,
    .prepare = prepare,
    .code_shape = code_shape,
    .encode = encode_hidden,
    .decode = decode,
};
