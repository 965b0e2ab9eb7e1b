/* SPDX-License-Identifier: Apache-2.0 */
/* What each option of a model does to its graph: shapes, names, ops, initialisers; and the border to PyTorch. */
#include <cinch/model.h>
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/node.h"

#define OK(call) cr_assert_eq((call), CINCH_OK, "%s: %s", #call, cinch_last_error())

/* The options of every family behind init_scale, at their defaults. */
#define SHARED                                                                                \
    "\"dropout\": 0.0, \"noise\": \"none\", \"condition\": \"none\", \"classes\": \"auto\", " \
    "\"logvar_clamp\": [-30.0, 20.0], "
static const cinch_sample picture = {{3, {28, 28, 1}}, 0, 1, 0};
static const cinch_sample vector = {{1, {20}}, 0, 0, 0};

static cinch_model *made(const char *json, cinch_sample sample)
{
    cinch_model *m;
    OK(cinch_model_create(&m, json, &sample));
    return m;
}

static void expect_error(const char *json, cinch_sample sample, const char *error)
{
    cinch_model *m = (cinch_model *)&sample;
    cr_assert_eq(cinch_model_create(&m, json, &sample), CINCH_USAGE, "%s", json);
    cr_assert(!m);
    cr_assert_str_eq(cinch_last_error(), error);
}

static void expect_json(const cinch_model *m, const char *part)
{
    cr_assert(strstr(cinch_model_json(m), part), "%s has no %s", cinch_model_json(m), part);
}

/* --- a built model ------------------------------------------------------------------------------------------------ */

typedef struct built {
    cinch_model *model;
    cinch_graph *graph;
    cinch_params *params;
    cinch_value x, code, y, loss;
} built;

enum { BATCH = 5 };

static cinch_shape batch_of(cinch_shape sample)
{
    cinch_shape shape = {.rank = sample.rank + 1, .dim = {BATCH}};
    for (int i = 0; i < sample.rank; i++) shape.dim[i + 1] = sample.dim[i];
    return shape;
}

static built begin(const char *json, cinch_sample sample)
{
    built b = {.model = made(json, sample)};
    OK(cinch_graph_create(&b.graph));
    OK(cinch_params_create(&b.params));
    b.x = cinch_input(b.graph, "x", CINCH_F32, batch_of(sample.shape));
    return b;
}

static built build(const char *json, cinch_sample sample)
{
    built b = begin(json, sample);
    b.code = cinch_model_encode(b.model, b.graph, b.params, &(cinch_batch){.x = b.x}, CINCH_EVALUATE).mean;
    b.y = cinch_model_decode(b.model, b.graph, b.params, b.code, (cinch_value){0}, CINCH_EVALUATE);
    OK(cinch_graph_status(b.graph));
    return b;
}

static built build_loss(const char *json, cinch_sample sample, cinch_loss_config loss)
{
    built b = begin(json, sample);
    b.loss = cinch_model_loss(b.model, b.graph, b.params, &(cinch_batch){.x = b.x}, &loss, CINCH_TRAIN, &b.y);
    return b;
}

static void end(built *b)
{
    cinch_graph_free(b->graph);
    cinch_params_free(b->params);
    cinch_model_free(b->model);
}

static int count_ops(const cinch_graph *g, cinch_op op)
{
    int n = 0;
    for (int i = 1; i < g->n_nodes; i++) n += g->nodes[i].op == op;
    return n;
}

static bool same_shape(cinch_shape a, cinch_shape b) { return cinch_same_shape(a, b); }

typedef struct named_shape { const char *name; cinch_shape shape; } named_shape;

static void expect_params(const built *b, const named_shape *wanted, int n)
{
    char text[64];
    cr_assert_eq(cinch_params_count(b->params), n);
    for (int i = 0; i < n; i++) {
        cinch_param_info info = cinch_params_info(b->params, i);
        cr_assert_str_eq(info.name, wanted[i].name);
        cr_assert(same_shape(info.shape, wanted[i].shape), "%s is %s", info.name, cinch_shape_text(info.shape, text));
        cr_assert_eq(info.options.no_decay, info.shape.rank == 1, "%s", info.name);
    }
}

/* --- dense -------------------------------------------------------------------------------------------------------- */

Test(models, dense_is_what_it_says)
{
    built b = build("{}", picture);
    const named_shape wanted[] = {
        {"encoder.0.weight", {2, {512, 784}}}, {"encoder.0.bias", {1, {512}}},
        {"encoder.2.weight", {2, {64, 512}}},  {"encoder.2.bias", {1, {64}}},
        {"decoder.0.weight", {2, {512, 64}}},  {"decoder.0.bias", {1, {512}}},
        {"decoder.2.weight", {2, {784, 512}}}, {"decoder.2.bias", {1, {784}}}};
    expect_params(&b, wanted, 8);
    cr_assert_eq(cinch_params_trainable(b.params), 784 * 512 + 512 + 512 * 64 + 64 + 64 * 512 + 512 + 512 * 784 + 784);
    cr_assert(same_shape(cinch_shape_of(b.graph, b.code), CINCH_SHAPE(BATCH, 64)));
    cr_assert(same_shape(cinch_shape_of(b.graph, b.y), CINCH_SHAPE(BATCH, 28, 28, 1)));
    cr_assert(same_shape(cinch_model_code_shape(b.model), CINCH_SHAPE(64)));
    cr_assert_eq(count_ops(b.graph, CINCH_OP_relu), 2);
    cr_assert_eq(count_ops(b.graph, CINCH_OP_sigmoid), 1);
    cr_assert_str_eq(cinch_model_name(b.model), "dense");
    cr_assert_str_eq(cinch_model_default_loss(b.model), "mse");
    cr_assert_str_eq(cinch_model_json(b.model),
                     "{\"name\": \"dense\", \"output_activation\": \"sigmoid\", \"init\": \"default\", "
                     "\"init_scale\": 0.05, " SHARED "\"input_size\": 784, \"hidden_sizes\": [512], "
                     "\"latent_dim\": 64, \"activation\": \"relu\", \"code_activation\": \"linear\"}");
    end(&b);
}

Test(models, hidden_sizes_are_mirrored)
{
    built b = build("{\"hidden_sizes\": [16, 12], \"latent_dim\": 3}", vector);
    const named_shape wanted[] = {
        {"encoder.0.weight", {2, {16, 20}}}, {"encoder.0.bias", {1, {16}}}, {"encoder.2.weight", {2, {12, 16}}},
        {"encoder.2.bias", {1, {12}}},       {"encoder.4.weight", {2, {3, 12}}}, {"encoder.4.bias", {1, {3}}},
        {"decoder.0.weight", {2, {12, 3}}},  {"decoder.0.bias", {1, {12}}}, {"decoder.2.weight", {2, {16, 12}}},
        {"decoder.2.bias", {1, {16}}},       {"decoder.4.weight", {2, {20, 16}}}, {"decoder.4.bias", {1, {20}}}};
    expect_params(&b, wanted, 12);
    cr_assert_eq(count_ops(b.graph, CINCH_OP_relu), 4);
    cr_assert_eq(count_ops(b.graph, CINCH_OP_sigmoid), 0);
    cr_assert(same_shape(cinch_shape_of(b.graph, b.y), CINCH_SHAPE(BATCH, 20)));
    end(&b);
}

Test(models, latent_dim_follows_the_inputs)
{
    static const struct { cinch_shape sample; int64_t latent_dim; } cases[] = {
        {{3, {28, 28, 1}}, 64}, {{2, {28, 28}}, 64}, {{1, {784}}, 64}, {{1, {100}}, 15}, {{1, {6}}, 2}, {{1, {1}}, 2},
        {{3, {32, 32, 3}}, 128}, {{1, {785}}, 118}, {{1, {5000}}, 128}, {{2, {10, 3}}, 5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cinch_model *m = made("{}", (cinch_sample){cases[i].sample, 0, 1, 0});
        cr_assert_eq(cinch_model_code_shape(m).dim[0], cases[i].latent_dim, "case %zu", i);
        cinch_model_free(m);
    }
}

Test(models, activations_stand_where_they_should)
{
    static const struct { const char *name; cinch_op op; const char *kind; } activations[] = {
        {"relu", CINCH_OP_relu, "ReLU"}, {"leaky_relu", CINCH_OP_leaky_relu, "LeakyReLU"}, {"elu", CINCH_OP_elu, "ELU"},
        {"gelu", CINCH_OP_gelu_erf, "GELU"}, {"silu", CINCH_OP_silu, "SiLU"}, {"sigmoid", CINCH_OP_sigmoid, "Sigmoid"},
        {"tanh", CINCH_OP_tanh, "Tanh"}};
    char json[128];
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++) {
        snprintf(json, sizeof json, "{\"activation\": \"%s\"}", activations[i].name);
        built b = build(json, vector);
        cr_assert_eq(count_ops(b.graph, activations[i].op), 2, "%s", json);
        cr_assert_str_eq(cinch_model_layer(b.model, 1).kind, activations[i].kind);
        cr_assert_str_eq(cinch_model_layer(b.model, 1).name, "encoder.1");
        end(&b);
        snprintf(json, sizeof json, "{\"activation\": \"linear\", \"code_activation\": \"%s\"}", activations[i].name);
        b = build(json, vector);
        cr_assert_eq(count_ops(b.graph, activations[i].op), 1, "%s", json);
        cr_assert_eq(b.graph->nodes[b.code.id].op, activations[i].op, "%s", json);
        cr_assert(cinch_params_find(b.params, "encoder.1.weight") >= 0, "linear is no module");
        end(&b);
    }
}

Test(models, the_output_follows_the_data_unless_told)
{
    static const struct { const char *json; double low, high; cinch_op op; const char *name; } cases[] = {
        {"{}", 0, 1, CINCH_OP_sigmoid, "\"sigmoid\""},   {"{}", -1, 1, CINCH_OP_tanh, "\"tanh\""},
        {"{}", 0, 0, CINCH_OP_none, "\"linear\""},       {"{}", 0, 255, CINCH_OP_none, "\"linear\""},
        {"{\"output_activation\": \"linear\"}", 0, 1, CINCH_OP_none, "\"linear\""},
        {"{\"output_activation\": \"sigmoid\"}", 0, 0, CINCH_OP_sigmoid, "\"sigmoid\""},
        {"{\"output_activation\": \"tanh\"}", 0, 1, CINCH_OP_tanh, "\"tanh\""}};
    char part[64];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        built b = build(cases[i].json, (cinch_sample){{1, {20}}, cases[i].low, cases[i].high, 0});
        snprintf(part, sizeof part, "\"output_activation\": %s", cases[i].name);
        expect_json(b.model, part);
        cr_assert_eq(count_ops(b.graph, CINCH_OP_sigmoid), cases[i].op == CINCH_OP_sigmoid, "case %zu", i);
        cr_assert_eq(count_ops(b.graph, CINCH_OP_tanh), cases[i].op == CINCH_OP_tanh, "case %zu", i);
        end(&b);
    }
}

Test(models, presets)
{
    built b = build("{\"name\": \"simple\"}", picture);
    const named_shape simple[] = {{"encoder.0.weight", {2, {64, 784}}}, {"encoder.0.bias", {1, {64}}},
                                  {"decoder.0.weight", {2, {784, 64}}}, {"decoder.0.bias", {1, {784}}}};
    expect_params(&b, simple, 4);
    cr_assert_eq(b.graph->nodes[b.code.id].op, CINCH_OP_relu);
    cr_assert_eq(count_ops(b.graph, CINCH_OP_sigmoid), 1);
    cr_assert_str_eq(cinch_model_name(b.model), "dense");
    end(&b);
    b = build("{\"name\": \"stacked\"}", picture);
    static const int64_t sizes[] = {784, 128, 64, 36, 18, 9, 18, 36, 64, 128, 784};
    cr_assert_eq(cinch_params_count(b.params), 20);
    for (int i = 0; i < 10; i++)
        cr_assert(same_shape(cinch_params_info(b.params, 2 * i).shape, CINCH_SHAPE(sizes[i + 1], sizes[i])), "%d", i);
    end(&b);
    b = build("{\"name\": \"stacked\", \"latent_dim\": 5, \"hidden_sizes\": [7]}", picture);
    cr_assert(same_shape(cinch_shape_of(b.graph, b.code), CINCH_SHAPE(BATCH, 5)));
    end(&b);
}

Test(models, initialisers_by_name)
{
    static const struct { const char *name; cinch_init_kind kind; float a, b; } inits[] = {
        {"default", CINCH_INIT_DEFAULT, 0, 0},
        {"xavier_uniform", CINCH_INIT_XAVIER_UNIFORM, 0, 0}, {"glorot_uniform", CINCH_INIT_XAVIER_UNIFORM, 0, 0},
        {"xavier_normal", CINCH_INIT_XAVIER_NORMAL, 0, 0},   {"glorot_normal", CINCH_INIT_XAVIER_NORMAL, 0, 0},
        {"kaiming_uniform", CINCH_INIT_KAIMING_UNIFORM, 0, 0}, {"kaiming_normal", CINCH_INIT_KAIMING_NORMAL, 0, 0},
        {"uniform", CINCH_INIT_UNIFORM, -0.25f, 0.25f}, {"normal", CINCH_INIT_NORMAL, 0, 0.25f},
        {"zeros", CINCH_INIT_ZEROS, 0, 0}};
    char json[96];
    for (size_t i = 0; i < sizeof inits / sizeof *inits; i++) {
        snprintf(json, sizeof json, "{\"init\": \"%s\", \"init_scale\": 0.25}", inits[i].name);
        built b = build(json, vector);
        for (int p = 0; p < cinch_params_count(b.params); p++) {
            cinch_param_info info = cinch_params_info(b.params, p);
            cinch_init init = info.options.init;
            bool bias = info.shape.rank == 1;
            cr_assert_eq(init.kind, bias && i ? CINCH_INIT_ZEROS : inits[i].kind, "%s %s", json, info.name);
            if (!bias) cr_assert(init.a == inits[i].a && init.b == inits[i].b, "%s", json);
            if (bias && !i) cr_assert_eq(init.fan_in, cinch_params_info(b.params, p - 1).shape.dim[1], "%s", info.name);
        }
        end(&b);
    }
}

/* --- losses ------------------------------------------------------------------------------------------------------- */

Test(models, losses_by_name)
{
    static const struct { const char *name; cinch_op op; } losses[] = {
        {NULL, CINCH_OP_square}, {"auto", CINCH_OP_square}, {"mse", CINCH_OP_square}, {"l1", CINCH_OP_abs},
        {"huber", CINCH_OP_huber}, {"bce", CINCH_OP_bce}, {"bce_logits", CINCH_OP_bce_logits}};
    static const cinch_reduction reductions[] = {CINCH_MEAN, CINCH_BATCHMEAN, CINCH_SUM};
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++)
        for (int r = 0; r < 3; r++) {
            cinch_loss_config loss = {.name = losses[i].name, .reduction = reductions[r]};
            built b = build_loss("{}", picture, loss);
            OK(cinch_graph_status(b.graph));
            cr_assert_eq(count_ops(b.graph, losses[i].op), 1, "loss %zu", i);
            cr_assert_eq(cinch_shape_of(b.graph, b.loss).rank, 0);
            cr_assert(same_shape(cinch_shape_of(b.graph, b.y), CINCH_SHAPE(BATCH, 28, 28, 1)));
            cr_assert_eq(count_ops(b.graph, CINCH_OP_sigmoid), 1, "the reconstruction is in [0,1]");
            end(&b);
        }
    built b = build_loss("{}", picture, (cinch_loss_config){.name = "relative_l2"});
    OK(cinch_graph_status(b.graph));
    cr_assert_geq(count_ops(b.graph, CINCH_OP_sqrt), 1);
    end(&b);
}

Test(models, huber_turns_at_delta)
{
    static const struct { double delta; float used; } cases[] = {{0, 1}, {0.5, 0.5f}};
    for (int c = 0; c < 2; c++) {
        built b = build_loss("{}", vector, (cinch_loss_config){.name = "huber", .delta = cases[c].delta});
        for (int i = 1; i < b.graph->n_nodes; i++)
            if (b.graph->nodes[i].op == CINCH_OP_huber)
                cr_assert_eq(b.graph->nodes[i].attr.scalars.v[0], cases[c].used);
        cr_assert_eq(count_ops(b.graph, CINCH_OP_huber), 1);
        end(&b);
    }
}

/* Logits go into the loss as they are, and through the sigmoid only to be looked at. */
Test(models, bce_logits_takes_what_enters_the_sigmoid)
{
    built b = build_loss("{}", vector, (cinch_loss_config){.name = "bce_logits"});
    OK(cinch_graph_status(b.graph));
    cr_assert_eq(count_ops(b.graph, CINCH_OP_sigmoid), 0, "linear outputs are logits");
    end(&b);
    b = build_loss("{}", picture, (cinch_loss_config){.name = "bce_logits"});
    for (int i = 1; i < b.graph->n_nodes; i++) {
        const cinch_node *n = &b.graph->nodes[i];
        for (int k = 0; n->op == CINCH_OP_bce_logits && k < n->n_in; k++)
            cr_assert_neq(cinch_node_of(b.graph, cinch_operand(b.graph, n, k))->op, CINCH_OP_sigmoid);
    }
    cr_assert_eq(count_ops(b.graph, CINCH_OP_sigmoid), 1, "the reconstruction is a probability");
    end(&b);
}

Test(models, losses_that_cannot_be)
{
    static const struct { const char *json; cinch_loss_config loss; const char *error; } wrong[] = {
        {"{}", {.name = "bce"}, "loss.name bce: wants model.output_activation sigmoid and data in [0,1]"},
        {"{\"output_activation\": \"tanh\"}", {.name = "bce_logits"},
         "loss.name bce_logits: wants model.output_activation sigmoid or linear and data in [0,1]"},
        {"{}", {.name = "mes"}, "loss.name mes: unknown (mse l1 huber bce bce_logits relative_l2 gaussian)"},
        {"{}", {.reduction = CINCH_NONE},
         "loss.reduction none: training wants one number; take mean, batchmean or sum"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        built b = build_loss(wrong[i].json, vector, wrong[i].loss);
        cr_assert(!cinch_valid(b.loss));
        cr_assert_eq(cinch_graph_status(b.graph), CINCH_USAGE);
        cr_assert_str_eq(cinch_last_error(), wrong[i].error);
        end(&b);
    }
}

Test(models, elements_have_losses_of_their_own)
{
    built b = build("{}", picture);
    cinch_shape shape = cinch_shape_of(b.graph, cinch_loss_mse(b.graph, b.y, b.x, CINCH_NONE));
    OK(cinch_graph_status(b.graph));
    cr_assert_eq(shape.rank, 4);
    cr_assert(shape.dim[0] == BATCH && shape.dim[1] == 28 && shape.dim[2] == 28 && shape.dim[3] == 1);
    end(&b);
}

Test(models, penalties_are_on_weights_not_biases)
{
    built plain = build_loss("{}", vector, (cinch_loss_config){.name = "huber"});
    built l1 = build_loss("{}", vector, (cinch_loss_config){.name = "huber", .l1 = 1e-3});
    built l2 = build_loss("{}", vector, (cinch_loss_config){.name = "huber", .l2 = 1e-3});
    OK(cinch_graph_status(l1.graph));
    OK(cinch_graph_status(l2.graph));
    cr_assert_eq(count_ops(plain.graph, CINCH_OP_abs) + count_ops(plain.graph, CINCH_OP_square), 0);
    cr_assert(count_ops(l1.graph, CINCH_OP_abs) == 4 && count_ops(l1.graph, CINCH_OP_square) == 0);
    cr_assert(count_ops(l2.graph, CINCH_OP_abs) == 0 && count_ops(l2.graph, CINCH_OP_square) == 4);
    for (int i = 1; i < l1.graph->n_nodes; i++)
        if (l1.graph->nodes[i].op == CINCH_OP_abs)
            cr_assert_eq(cinch_node_of(l1.graph, cinch_operand(l1.graph, &l1.graph->nodes[i], 0))->shape.rank, 2);
    end(&plain);
    end(&l1);
    end(&l2);
}

Test(models, metrics_are_the_loss_and_its_first_term)
{
    built b = build_loss("{}", vector, (cinch_loss_config){.l2 = 1});
    cr_assert_eq(b.graph->n_metrics, 2);
    cr_assert_str_eq(b.graph->metrics[0].name, "loss");
    cr_assert_str_eq(b.graph->metrics[1].name, "loss_recon");
    cr_assert(b.graph->metrics[0].node == b.loss.id && b.graph->metrics[1].node != b.loss.id);
    end(&b);
}

/* --- errors ------------------------------------------------------------------------------------------------------- */

Test(models, descriptions_that_make_no_model)
{
    expect_error("{\"name\": \"dens\"}", vector,
                 "model.name dens: unknown; did you mean dense? (dense simple stacked vae)");
    expect_error("{\"name\": 3}", vector, "model.name 3: wrong type; must be a string");
    expect_error("{\"latent\": 3}", vector, "model.latent: unknown key; did you mean model.latent_dim?");
    expect_error("{\"input_size\": 21}", vector,
                 "model.input_size 21: the data's samples have 20 numbers; leave it \"auto\"");
    expect_error("[]", vector, "model: must be an object {\"name\": ...}");
    expect_error("{}", (cinch_sample){{0, {0}}, 0, 0, 0}, "model: samples have 0 axes; must be 1 to 5");
    expect_error("{}", (cinch_sample){{2, {3, 0}}, 0, 0, 0},
                 "model: axis 1 of the samples has size 0: nothing, or too much");
    expect_error("{}", (cinch_sample){{2, {1 << 20, 1 << 20}}, 0, 0, 0},
                 "model: axis 1 of the samples has size 1048576: nothing, or too much");
    cinch_model *m;
    cr_assert_eq(cinch_model_create(&m, "{", &vector), CINCH_USAGE);
}

Test(models, inputs_of_another_shape_are_refused)
{
    built b = begin("{}", picture);
    cinch_value wrong = cinch_input(b.graph, "wrong", CINCH_F32, CINCH_SHAPE(BATCH, 27, 28, 1));
    cinch_batch batch = {.x = wrong};
    cr_assert(!cinch_valid(cinch_model_encode(b.model, b.graph, b.params, &batch, CINCH_EVALUATE).mean));
    cr_assert_eq(cinch_graph_status(b.graph), CINCH_USAGE);
    cr_assert_str_eq(cinch_last_error(), "input is [5, 27, 28, 1]; the model wants [N, 28, 28, 1]");
    end(&b);
    b = begin("{}", picture);
    wrong = cinch_input(b.graph, "wrong", CINCH_F32, CINCH_SHAPE(BATCH, 63));
    cr_assert(!cinch_valid(cinch_model_decode(b.model, b.graph, b.params, wrong, (cinch_value){0}, CINCH_EVALUATE)));
    cr_assert_eq(cinch_graph_status(b.graph), CINCH_USAGE);
    cr_assert_str_eq(cinch_last_error(), "code is [5, 63]; the model wants [N, 64]");
    end(&b);
}

/* --- the families ------------------------------------------------------------------------------------------------- */

Test(models, families_and_their_options_are_listed)
{
    static const char *const names[] = {"dense", "simple", "stacked", "vae"}, *const families = "dense vae";
    cinch_family_info family;
    cinch_option_info option;
    int n = 0;
    for (; cinch_family(n, &family); n++) {
        cr_assert_str_eq(family.name, names[n]);
        cr_assert(family.purpose && !family.preset_of == !!strstr(families, family.name));
    }
    cr_assert_eq(n, 4);
    cr_assert(!cinch_family(-1, &family) && !cinch_family_option("dens", 0, &option));
    for (n = 0; cinch_family_option("stacked", n, &option); n++) {
        OK(cinch_config_find(option.key, NULL));
        if (!strcmp(option.key, "model.hidden_sizes")) cr_assert_str_eq(option.fallback, "128,64,36,18");
        if (!strcmp(option.key, "model.activation")) cr_assert_str_eq(option.fallback, "relu");
    }
    cr_assert_eq(n, 14);
}

Test(models, completion_leaves_to_the_data_what_is_the_datas)
{
    char *text;
    OK(cinch_model_complete("{\"name\": \"simple\", \"activation\": \"elu\"}", &text));
    cr_assert_str_eq(text, "{\"name\": \"dense\", \"output_activation\": \"auto\", \"init\": \"default\", "
                           "\"init_scale\": 0.05, " SHARED "\"input_size\": \"auto\", \"hidden_sizes\": [], "
                           "\"latent_dim\": \"auto\", \"activation\": \"elu\", \"code_activation\": \"relu\"}");
    cinch_model *m = made(text, picture), *again = made(cinch_model_json(m), picture);
    cr_assert_str_eq(cinch_model_json(m), cinch_model_json(again));
    cinch_model_free(m);
    cinch_model_free(again);
    cinch_free(text);
    cr_assert_eq(cinch_model_complete("{\"latent_dim\": 0.5}", &text), CINCH_USAGE);
}

Test(models, layers_are_summed_up_without_a_device)
{
    static const struct { const char *name, *kind; int64_t parameters; } wanted[] = {
        {"encoder.0", "Linear 784 -> 512", 784 * 512 + 512}, {"encoder.1", "ReLU", 0},
        {"encoder.2", "Linear 512 -> 64", 512 * 64 + 64},    {"decoder.0", "Linear 64 -> 512", 64 * 512 + 512},
        {"decoder.1", "ReLU", 0},                            {"decoder.2", "Linear 512 -> 784", 512 * 784 + 784},
        {"decoder.3", "Sigmoid", 0}};
    cinch_model *m = made("{}", picture);
    cr_assert_eq(cinch_model_layer_count(m), 7);
    for (int i = 0; i < 7; i++) {
        cinch_layer_info layer = cinch_model_layer(m, i);
        cr_assert_str_eq(layer.name, wanted[i].name);
        cr_assert_str_eq(layer.kind, wanted[i].kind);
        cr_assert_eq(layer.parameters, wanted[i].parameters);
    }
    cr_assert(!cinch_model_layer(m, 7).name && !cinch_model_layer(m, -1).name);
    cinch_model_free(m);
}

/* --- the border to PyTorch ---------------------------------------------------------------------------------------- */

/* A 2x3 image of 2 channels: position (h, w, c) is 6h + 2w + c here and 6c + 3h + w in PyTorch. */
static int torch_place(int here)
{
    int h = here / 6, w = here / 2 % 3, c = here % 2;
    return 6 * c + 3 * h + w;
}

Test(models, flattened_images_change_places)
{
    enum { IN = 12, OUT = 4 };
    cinch_model *m = made("{\"hidden_sizes\": [4], \"latent_dim\": 2}", (cinch_sample){{3, {2, 3, 2}}, 0, 1, 0});
    float here[OUT * IN], torch[OUT * IN], back[OUT * IN];
    for (int i = 0; i < OUT * IN; i++) here[i] = (float)i;
    OK(cinch_model_convert(m, "encoder.0.weight", CINCH_SHAPE(OUT, IN), true, here, torch));
    for (int o = 0; o < OUT; o++)
        for (int i = 0; i < IN; i++) cr_assert_eq(torch[o * IN + torch_place(i)], here[o * IN + i], "%d %d", o, i);
    OK(cinch_model_convert(m, "encoder.0.weight", CINCH_SHAPE(OUT, IN), false, torch, back));
    cr_assert(!memcmp(back, here, sizeof here));
    OK(cinch_model_convert(m, "decoder.2.weight", CINCH_SHAPE(IN, OUT), true, here, torch));
    for (int i = 0; i < IN; i++)
        for (int o = 0; o < OUT; o++) cr_assert_eq(torch[torch_place(i) * OUT + o], here[i * OUT + o], "%d %d", o, i);
    OK(cinch_model_convert(m, "decoder.2.weight", CINCH_SHAPE(IN, OUT), false, torch, back));
    cr_assert(!memcmp(back, here, sizeof here));
    OK(cinch_model_convert(m, "decoder.2.bias", CINCH_SHAPE(IN), true, here, torch));
    for (int i = 0; i < IN; i++) cr_assert_eq(torch[torch_place(i)], here[i]);
    static const char *const others[] = {"encoder.0.bias", "encoder.2.weight", "decoder.0.weight"};
    for (int i = 0; i < 3; i++) {
        OK(cinch_model_convert(m, others[i], CINCH_SHAPE(OUT, IN), true, here, torch));
        cr_assert(!memcmp(torch, here, sizeof here), "%s", others[i]);
    }
    cr_assert_eq(cinch_model_convert(m, "encoder.0.weight", CINCH_SHAPE(OUT, 11), true, here, torch), CINCH_USAGE);
    cr_assert_str_eq(cinch_last_error(), "encoder.0.weight: axis 1 must have 12 numbers, those of a flattened image");
    cinch_model_free(m);
}

Test(models, grey_images_and_series_keep_their_order)
{
    static const cinch_sample samples[] = {{{3, {3, 4, 1}}, 0, 1, 0}, {{2, {4, 3}}, 0, 1, 0}, {{1, {12}}, 0, 1, 0}};
    float here[24], torch[24];
    for (int i = 0; i < 24; i++) here[i] = (float)i;
    for (int s = 0; s < 3; s++) {
        cinch_model *m = made("{\"hidden_sizes\": [], \"latent_dim\": 2}", samples[s]);
        OK(cinch_model_convert(m, "encoder.0.weight", CINCH_SHAPE(2, 12), true, here, torch));
        cr_assert(!memcmp(torch, here, sizeof here));
        OK(cinch_model_convert(m, "decoder.0.weight", CINCH_SHAPE(12, 2), true, here, torch));
        cr_assert(!memcmp(torch, here, sizeof here));
        cinch_model_free(m);
    }
}
