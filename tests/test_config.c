/* SPDX-License-Identifier: Apache-2.0 */
/* The tables behind a configuration: every spelling, every error, overrides, the text, what resuming allows. */
#include "configs.h"

#include <jansson.h>

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static cinch_config *resolved(const char *json)
{
    cinch_config *c = fresh();
    OK(cinch_config_parse(c, json, "test"));
    OK(cinch_config_resolve(c));
    return c;
}

/* --- defaults ----------------------------------------------------------------------------------------------------- */

Test(config, defaults_are_the_documented_ones)
{
    cinch_config *c = resolved("{}");
    const cinch_train_config *t = cinch_config_train(c);
    const cinch_data_config *d = cinch_config_data(c);
    const cinch_optimizer *o = cinch_config_optimizer(c);
    const cinch_schedule_config *s = cinch_config_schedule(c);
    const cinch_loss_config *l = cinch_config_loss(c);
    cr_assert(t->epochs == 10 && t->max_steps == 0 && t->batch_size == 128 && t->accumulate == 1 && t->patience == 0);
    cr_assert(t->restore_best && t->seed == 0 && t->precision == CINCH_PRECISION_F32 && t->threads == 0 && !t->partial);
    cr_assert(t->checkpoint_epochs == 1 && t->checkpoint_steps == 0 && t->checkpoint_seconds == 0);
    cr_assert(t->time_limit == 0 && t->log_every == 50 && !t->from_weights && t->report);
    cr_assert_str_eq(t->device, "auto");
    cr_assert_str_eq(t->on_nonfinite, "stop");
    cr_assert(d->shuffle && d->resident && !d->range_none && d->range[0] == 0 && d->range[1] == 1 && d->limit == 0);
    cr_assert(d->split[0] == 0.8 && d->split[1] == 0.1 && d->split[2] == 0.1 && !d->layout && !d->val_spec);
    cr_assert_str_eq(d->spec, "shapes");
    cr_assert(o->kind == CINCH_ADAM && o->lr == 1e-3 && o->weight_decay == 0 && o->clip == 0 && o->ema == 0);
    cr_assert(o->beta1 == 0.9 && o->beta2 == 0.999 && o->alpha == 0.99 && o->momentum == 0 && o->eps == 0);
    cr_assert(s->warmup_steps == 0 && s->factor == 0.1 && s->every == 10 && s->min_lr == 0);
    cr_assert_str_eq(s->name, "constant");
    cr_assert_str_eq(l->name, "auto");
    cr_assert(l->reduction == CINCH_MEAN && l->delta == 1 && l->l1 == 0 && l->l2 == 0);
    expect(c, "model.name", "\"dense\"");
    expect(c, "model.latent_dim", "\"auto\"");
    cinch_config_free(c);
}

/* --- every option and flag ---------------------------------------------------------------------------------------- */

/* A value that is not the default, how it then reads, and the flag's spelling. */
static const struct { const char *key, *text, *json, *flag, *flag_text; } options[] = {
    {"model.name", "simple", "\"dense\"", "--model", "simple"},
    {"model.output_activation", "tanh", "\"tanh\"", "--output-activation", "tanh"},
    {"model.init", "glorot_uniform", "\"glorot_uniform\"", NULL, NULL},
    {"model.init_scale", "0.02", "0.02", NULL, NULL},
    {"model.input_size", "784", "784", NULL, NULL},
    {"model.hidden_sizes", "[512,256]", "[512, 256]", "--hidden-sizes", "512,256"},
    {"model.latent_dim", "12", "12", "--latent-dim", "12"},
    {"model.activation", "gelu", "\"gelu\"", "--activation", "gelu"},
    {"model.code_activation", "relu", "\"relu\"", NULL, NULL},
    {"data.target", "clean.npy", "\"clean.npy\"", "--target", "clean.npy"},
    {"data.spec", "x.npy", "\"x.npy\"", "--data", "x.npy"},
    {"data.val_spec", "2024", "\"2024\"", "--val-data", "2024"},
    {"data.layout", "channels_first", "\"channels_first\"", NULL, NULL},
    {"data.split", "0.5,0.25,0.25", "[0.5, 0.25, 0.25]", NULL, NULL},
    {"data.range", "-1:1", "\"-1:1\"", NULL, NULL},
    {"data.nan", "keep", "\"keep\"", NULL, NULL},
    {"data.limit", "1000", "1000", "--limit", "1000"},
    {"data.shuffle", "false", "false", "--no-shuffle", NULL},
    {"data.resident", "never", "\"never\"", NULL, NULL},
    {"loss.name", "huber", "\"huber\"", "--loss", "huber"},
    {"loss.reduction", "batchmean", "\"batchmean\"", NULL, NULL},
    {"loss.l1", "1e-5", "1e-5", NULL, NULL},
    {"loss.l2", ".5", "0.5", NULL, NULL},
    {"optimizer.name", "adamw", "\"adamw\"", "--optimizer", "adamw"},
    {"optimizer.lr", "3e-4", "0.0003", "--lr", "3e-4"},
    {"optimizer.weight_decay", "0.01", "0.01", "--weight-decay", "0.01"},
    {"model.dropout", "0.1", "0.1", "--dropout", "0.1"},
    {"model.noise", "masking:0.2", "\"masking:0.2\"", "--noise", "masking:0.2"},
    {"model.condition", "label", "\"label\"", "--condition", "label"},
    {"model.classes", "10", "10", NULL, NULL},
    {"model.logvar_clamp", "-10,4", "[-10.0, 4.0]", NULL, NULL},
    {"loss.beta", "4", "4.0", "--beta", "4"},
    {"loss.anneal", "cyclical", "\"cyclical\"", NULL, NULL},
    {"loss.anneal_steps", "500", "500", NULL, NULL},
    {"loss.free_bits", "0.1", "0.1", NULL, NULL},
    {"loss.sparsity", "kl:0.01", "\"kl:0.01\"", "--sparsity", "kl:0.01"},
    {"loss.sparsity_target", "0.1", "0.1", NULL, NULL},
    {"optimizer.beta1", "0.8", "0.8", NULL, NULL},
    {"optimizer.beta2", "0.99", "0.99", NULL, NULL},
    {"optimizer.eps", "1e-6", "1e-6", NULL, NULL},
    {"optimizer.clip", "1", "1.0", "--grad-clip", "1"},
    {"optimizer.ema", "0.999", "0.999", NULL, NULL},
    {"schedule.name", "cosine", "\"cosine\"", NULL, NULL},
    {"schedule.warmup_steps", "100", "100", NULL, NULL},
    {"schedule.min_lr", "1e-5", "1e-5", NULL, NULL},
    {"train.epochs", "3", "3", "--epochs", "3"},
    {"train.max_steps", "1e4", "10000", "--max-steps", "10000"},
    {"train.batch_size", "64", "64", "--batch-size", "64"},
    {"train.accumulate", "4", "4", NULL, NULL},
    {"train.patience", "5", "5", "--patience", "5"},
    {"train.restore_best", "false", "false", NULL, NULL},
    {"train.seed", "9007199254740993", "9007199254740993", "--seed", "9007199254740993"},
    {"train.precision", "tf32", "\"tf32\"", "--precision", "tf32"},
    {"train.device", "cuda:1", "\"cuda:1\"", "--device", "cuda:1"},
    {"train.threads", "2", "2", "--threads", "2"},
    {"train.from_weights", "w.safetensors", "\"w.safetensors\"", "--from-weights", "w.safetensors"},
    {"train.checkpoint_every", "500s", "\"500s\"", "--checkpoint-every", "500s"},
    {"train.log_every", "10", "10", "--log-every", "10"},
    {"train.time_limit", "10m", "600.0", "--time-limit", "10m"},
    {"train.on_nonfinite", "skip", "\"skip\"", NULL, NULL},
    {"train.report", "false", "false", NULL, NULL},
};

/* Options that suit only some values of their section's name, and one that needs another. */
static const struct { const char *key, *text, *with, *with_text; } companions[] = {
    {"loss.delta", "0.5", "loss.name", "huber"},
    {"optimizer.momentum", "0.9", "optimizer.name", "sgd"},
    {"optimizer.nesterov", "true", "optimizer.name", "sgd"},
    {"optimizer.centred", "true", "optimizer.name", "rmsprop"},
    {"optimizer.alpha", "0.9", "optimizer.name", "rmsprop"},
    {"schedule.factor", "0.5", "schedule.name", "step"},
    {"schedule.every", "3", "schedule.name", "plateau"},
    {"train.partial", "true", "train.from_weights", "w.safetensors"},
};

Test(config, every_option_is_set_by_key_and_by_flag)
{
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        cinch_config *c = fresh(), *f = fresh();
        OK(cinch_config_set(c, options[i].key, options[i].text));
        OK(cinch_config_resolve(c));
        expect(c, options[i].key, options[i].json);
        if (options[i].flag) {
            OK(cinch_config_set_flag(f, options[i].flag, options[i].flag_text));
            OK(cinch_config_resolve(f));
            expect(f, options[i].key, options[i].json);
        }
        cinch_config_free(c);
        cinch_config_free(f);
    }
}

static bool is_tried(const char *key)
{
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (!strcmp(options[i].key, key)) return true;
    for (size_t i = 0; i < sizeof companions / sizeof *companions; i++)
        if (!strcmp(companions[i].key, key)) return true;
    return false;
}

static const char *flag_tried(const char *key)
{
    if (!strcmp(key, "train.partial")) return "--partial";
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (!strcmp(options[i].key, key)) return options[i].flag;
    return NULL;
}

Test(config, no_option_or_flag_is_left_untried)
{
    cinch_option_info info;
    int n = 0;
    for (; cinch_config_option(n, &info); n++) {
        cr_assert(is_tried(info.key), "%s", info.key);
        cr_assert(!info.flag == !flag_tried(info.key), "%s", info.key);
        cr_assert(info.help && *info.help, "%s has no help", info.key);
        OK(cinch_config_find(info.key, NULL));
        if (info.flag) cr_assert_str_eq(info.flag, flag_tried(info.key));
    }
    cr_assert_gt(n, 40);
    cr_assert(!cinch_config_option(-1, &info) && !cinch_config_option(n + 1, &info));
}

Test(config, options_that_belong_together)
{
    for (size_t i = 0; i < sizeof companions / sizeof *companions; i++) {
        cinch_config *c = fresh();
        OK(cinch_config_set(c, companions[i].key, companions[i].text));
        cr_assert_eq(cinch_config_resolve(c), CINCH_USAGE, "%s alone", companions[i].key);
        cr_assert(!strncmp(cinch_last_error(), companions[i].key, strlen(companions[i].key)), "%s", cinch_last_error());
        OK(cinch_config_set(c, companions[i].with, companions[i].with_text));
        if (!strcmp(companions[i].key, "optimizer.nesterov")) {
            expect_error(cinch_config_resolve(c),
                         "optimizer.nesterov: needs a momentum; set optimizer.momentum, 0.9 say");
            OK(cinch_config_set(c, "optimizer.momentum", "0.9"));
        }
        OK(cinch_config_resolve(c));
        cinch_config_free(c);
    }
}

Test(config, the_modules_see_what_was_set)
{
    cinch_config *c = resolved(
        "{\"data\": {\"range\": \"none\", \"shuffle\": false, \"resident\": \"never\", \"layout\": \"channels_last\"},"
        " \"loss\": {\"name\": \"huber\", \"reduction\": \"sum\", \"delta\": 0.5},"
        " \"optimizer\": {\"name\": \"adamw\", \"clip\": 2},"
        " \"schedule\": {\"name\": \"exponential\"},"
        " \"train\": {\"precision\": \"tf32\", \"checkpoint_every\": \"10m\", \"time_limit\": \"1.5h\", "
        "\"threads\": 3}}");
    cr_assert(cinch_config_data(c)->range_none && !cinch_config_data(c)->shuffle && !cinch_config_data(c)->resident);
    cr_assert_str_eq(cinch_config_data(c)->layout, "channels_last");
    cr_assert(cinch_config_loss(c)->reduction == CINCH_SUM && cinch_config_loss(c)->delta == 0.5);
    cr_assert(cinch_config_optimizer(c)->kind == CINCH_ADAMW && cinch_config_optimizer(c)->weight_decay == 0.01);
    cr_assert(cinch_config_optimizer(c)->clip == 2 && cinch_config_schedule(c)->factor == 0.95);
    cr_assert(cinch_config_train(c)->checkpoint_seconds == 600 && cinch_config_train(c)->checkpoint_epochs == 0);
    cr_assert(cinch_config_train(c)->time_limit == 5400 && cinch_config_train(c)->threads == 3);
    cr_assert_eq(cinch_config_train(c)->precision, CINCH_PRECISION_TF32);
    cinch_config_free(c);
}

Test(config, epochs_and_steps_bound_each_other)
{
    cinch_config *c = resolved("{\"train\": {\"max_steps\": 100}}");
    cr_assert(cinch_config_train(c)->epochs == 0 && cinch_config_train(c)->max_steps == 100);
    expect(c, "train.epochs", "\"auto\"");
    OK(cinch_config_set(c, "train.epochs", "2"));
    cr_assert(!cinch_config_train(c), "a change makes it unresolved");
    OK(cinch_config_resolve(c));
    cr_assert(cinch_config_train(c)->epochs == 2 && cinch_config_train(c)->max_steps == 100);
    cinch_config_free(c);
}

Test(config, times_and_intervals)
{
    static const struct { const char *text; double seconds; } times[] = {
        {"90", 90}, {"90s", 90}, {"10m", 600}, {"2h", 7200}, {"1d", 86400}, {"0.5m", 30}, {"\"90\"", 90}};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        cinch_config *c = fresh();
        OK(cinch_config_set(c, "train.time_limit", times[i].text));
        OK(cinch_config_resolve(c));
        cr_assert_eq(cinch_config_train(c)->time_limit, times[i].seconds, "%s", times[i].text);
        cinch_config_free(c);
    }
    static const struct { const char *text; int64_t epochs, steps; double seconds; } every[] = {
        {"1e", 1, 0, 0}, {"20e", 20, 0, 0}, {"500s", 0, 500, 0}, {"10m", 0, 0, 600}, {"1.5h", 0, 0, 5400},
        {"none", 0, 0, 0}};
    for (size_t i = 0; i < sizeof every / sizeof *every; i++) {
        cinch_config *c = fresh();
        OK(cinch_config_set(c, "train.checkpoint_every", every[i].text));
        OK(cinch_config_resolve(c));
        const cinch_train_config *t = cinch_config_train(c);
        cr_assert(t->checkpoint_epochs == every[i].epochs && t->checkpoint_steps == every[i].steps &&
                  t->checkpoint_seconds == every[i].seconds, "%s", every[i].text);
        cinch_config_free(c);
    }
}

Test(config, lists_in_every_spelling)
{
    static const struct { const char *text, *json; } lists[] = {
        {"512", "[512]"}, {"512,256", "[512, 256]"}, {"[512, 256]", "[512, 256]"}, {"\"512, 256\"", "[512, 256]"},
        {"", "[]"}, {"[]", "[]"}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        cinch_config *c = fresh();
        OK(cinch_config_set(c, "model.hidden_sizes", lists[i].text));
        OK(cinch_config_resolve(c));
        expect(c, "model.hidden_sizes", lists[i].json);
        cinch_config_free(c);
    }
}

/* --- errors ------------------------------------------------------------------------------------------------------- */

static const struct { const char *key, *text, *error; } wrong_values[] = {
    {"train.epoch", "3", "train.epoch: unknown key; did you mean train.epochs?"},
    {"train.lr", "3", "train.lr: unknown key; did you mean optimizer.lr?"},
    {"learning_rate", "3", "learning_rate: unknown key; did you mean optimizer.lr?"},
    {"epochs", "3", "epochs: unknown key; did you mean train.epochs?"},
    {"optimiser.name", "sgd", "optimiser.name: unknown key; did you mean optimizer.name?"},
    {"model", "dense", "model: is a section; name one of its keys, model.KEY"},
    {"train.zzzzzzzzzzzzzz", "1", "train.zzzzzzzzzzzzzz: unknown key; `cinch config` lists the keys"},
    {"data.targets", "y.npy", "data.targets: unknown key; did you mean data.target?"},
    {"model.heads", "0.1", "model.heads: unknown key; `cinch config` lists the keys"},
    {"transforms", "[{}]", "transforms: must be [], for this version knows none"},
    {"train.epochs", "0", "train.epochs 0: out of range; must be at least 1 and at most 1e+15"},
    {"train.epochs", "-3", "train.epochs -3: out of range; must be at least 1 and at most 1e+15"},
    {"train.epochs", "2.5", "train.epochs 2.5: wrong type; must be a whole number or auto"},
    {"train.epochs", "ten", "train.epochs \"ten\": wrong type; must be a whole number or auto"},
    {"train.epochs", "1e400", "train.epochs \"1e400\": wrong type; must be a whole number or auto"},
    {"train.seed", "-1", "train.seed -1: out of range; must be at least 0 and at most 9.22337203685e+18"},
    {"train.threads", "5000", "train.threads 5000: out of range; must be at least 1 and at most 4096"},
    {"train.restore_best", "1", "train.restore_best 1: wrong type; must be true or false"},
    {"train.time_limit", "10q", "train.time_limit \"10q\": wrong type; must be a time such as 90, 90s, 10m or 2h"},
    {"train.time_limit", "m", "train.time_limit \"m\": wrong type; must be a time such as 90, 90s, 10m or 2h"},
    {"train.time_limit", "-1s", "train.time_limit -1: out of range; must be at least 0"},
    {"train.precision", "fp32", "train.precision fp32: unknown; did you mean f32? (f32 tf32 bf16)"},
    {"optimizer.lr", "0", "optimizer.lr 0: out of range; must be above 0"},
    {"optimizer.lr", "fast", "optimizer.lr \"fast\": wrong type; must be a number"},
    {"optimizer.beta1", "1", "optimizer.beta1 1: out of range; must be above 0 and below 1"},
    {"optimizer.name", "adm", "optimizer.name adm: unknown; did you mean adam? (adam adamw sgd rmsprop adagrad)"},
    {"optimizer.name", "lion", "optimizer.name lion: unknown; there are: adam adamw sgd rmsprop adagrad"},
    {"loss.reduction", "avg", "loss.reduction avg: unknown; there are: auto mean batchmean sum none"},
    {"data.spec", "bad\xff.npy", "data.spec: not UTF-8, as JSON must be"},
    {"transforms", "\xff", "transforms: not UTF-8, as JSON must be"},
    {"data.layout", "channels-last",
     "data.layout channels-last: unknown; did you mean channels_last? (channels_last channels_first)"},
    {"data.split", "0.8,0.2", "data.split: 2 numbers; must be 3"},
    {"data.split", "0.8,-0.2,0.4", "data.split -0.2: out of range; must be at least 0"},
    {"data.split", "all", "data.split \"all\": wrong type; must be numbers such as 0.8,0.1,0.1"},
    {"data.split", "[0.8, null, 0.1]", "data.split [0.8, null, 0.1]: wrong type; must be numbers such as 0.8,0.1,0.1"},
};

Test(config, wrong_keys_and_values_are_refused_at_once)
{
    for (size_t i = 0; i < sizeof wrong_values / sizeof *wrong_values; i++) {
        cinch_config *c = fresh();
        expect_error(cinch_config_set(c, wrong_values[i].key, wrong_values[i].text), wrong_values[i].error);
        cinch_config_free(c);
    }
}

Test(config, wrong_combinations_are_refused_when_resolved)
{
    static const struct { const char *key, *text, *error; } wrong[] = {
        {"model.name", "dens", "model.name dens: unknown; did you mean dense? (dense simple stacked vae)"},
        {"model.latent_dim", "0", "model.latent_dim 0: out of range; must be at least 1 and at most 16777216"},
        {"model.hidden_sizes", "512,0", "model.hidden_sizes 0: out of range; must be at least 1 and at most 16777216"},
        {"model.hidden_sizes", "512,x",
         "model.hidden_sizes \"512,x\": wrong type; must be whole numbers such as 512,256"},
        {"model.activation", "rleu", "model.activation rleu: unknown; did you mean relu? "
         "(linear relu leaky_relu elu gelu silu sigmoid tanh)"},
        {"train.device", "gpu", "train.device gpu: unknown; did you mean cuda? (auto cpu cuda cuda:N)"},
        {"train.device", "cuda:x", "train.device cuda:x: unknown; did you mean cuda:N? (auto cpu cuda cuda:N)"},
        {"train.checkpoint_every", "500", "train.checkpoint_every 500: must be like 1e (epoch), 500s (steps), 10m "
         "(minutes), 2h (hours), or none"},
        {"train.checkpoint_every", "1.5e", "train.checkpoint_every 1.5e: must be like 1e (epoch), 500s (steps), 10m "
         "(minutes), 2h (hours), or none"},
        {"data.range", "1:0", "data.range 1:0: must be LOW:HIGH, such as 0:1 or -1:1, or none"},
        {"data.range", "abc", "data.range abc: must be LOW:HIGH, such as 0:1 or -1:1, or none"},
        {"data.split", "0,1,0", "data.split: nothing is left to train on; the first number is the training part"},
        {"schedule.min_lr", "1", "schedule.min_lr 1: above the learning rate, optimizer.lr 0.001"},
        {"loss.delta", "0.5", "loss.delta: means nothing to auto; it belongs to: huber"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cinch_config *c = fresh();
        OK(cinch_config_set(c, wrong[i].key, wrong[i].text));
        expect_error(cinch_config_resolve(c), wrong[i].error);
        cr_assert(!cinch_config_train(c) && !cinch_config_model_json(c));
        cinch_config_free(c);
    }
}

Test(config, errors_name_the_flag_that_was_used)
{
    cinch_config *c = fresh();
    expect_error(cinch_config_set_flag(c, "--optimizer", "adm"),
                 "--optimizer adm: unknown; did you mean adam? (adam adamw sgd rmsprop adagrad)");
    expect_error(cinch_config_set_flag(c, "--lr", "-1"), "--lr -1: out of range; must be above 0");
    expect_error(cinch_config_set_flag(c, "--epoch", "1"), "--epoch: unknown; did you mean --epochs?");
    expect_error(cinch_config_set_flag(c, "--zzzzzzzzzzz", "1"),
                 "--zzzzzzzzzzz: unknown; `cinch train --help` lists the flags");
    expect_error(cinch_config_set_flag(c, "--lr", NULL), "--lr: needs a value: learning rate");
    expect_error(cinch_config_set_flag(c, "--data", "bad\xff.npy"), "--data: not UTF-8, as JSON must be");
    OK(cinch_config_set_flag(c, "--latent-dim", "-2"));
    expect_error(cinch_config_resolve(c), "--latent-dim -2: out of range; must be at least 1 and at most 16777216");
    OK(cinch_config_set(c, "model.latent_dim", "-2"));
    expect_error(cinch_config_resolve(c), "model.latent_dim -2: out of range; must be at least 1 and at most 16777216");
    cinch_config_free(c);
}

Test(config, bad_files)
{
    static const struct { const char *json, *error; } bad[] = {
        {"[]", "f: must be an object {\"cinch_config\": 1, ...}"},
        {"{\"train\": 3}", "f: train: must be an object {...}"},
        {"{\"trian\": {}}", "f: trian: unknown section; did you mean train?"},
        {"{\"lr\": 1}", "f: lr: unknown key; did you mean optimizer.lr?"},
        {"{\"cinch_config\": 2}", "f: cinch_config: must be 1, the only format that this version knows"},
        {"{\"transforms\": [1]}", "f: transforms: must be [], for this version knows none"},
        {"{\"train\": {\"epochs\": \"x\"}}", "f: train.epochs \"x\": wrong type; must be a whole number or auto"},
        {"{\"train\": {\"partail\": 1}}", "f: train.partail: unknown key; did you mean train.partial?"},
        {"{\"train\": {\"time_limit\": {}}}",
         "f: train.time_limit {}: wrong type; must be a time such as 90, 90s, 10m or 2h"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cinch_config *c = fresh();
        expect_error(cinch_config_parse(c, bad[i].json, "f"), bad[i].error);
        cinch_config_free(c);
    }
    cinch_config *c = fresh();
    cr_assert_eq(cinch_config_parse(c, "{\"train\": {\"epochs\": 1, \"epochs\": 2}}", "f"), CINCH_USAGE);
    cr_assert(strstr(cinch_last_error(), "duplicate"), "%s", cinch_last_error());
    cr_assert_eq(cinch_config_parse(c, "{\"train\": ", "f"), CINCH_USAGE);
    cr_assert(strstr(cinch_last_error(), "not JSON: line 1"), "%s", cinch_last_error());
    expect_error(cinch_config_load(c, "/nowhere/c.json"),
                 "/nowhere/c.json: cannot be opened: No such file or directory");
    expect_error(cinch_config_load(c, "/"), "/: cannot be read: Is a directory");
    cinch_config_free(c);
}

/* --- overrides ---------------------------------------------------------------------------------------------------- */

Test(config, later_wins_and_null_takes_back)
{
    cinch_config *c = fresh();
    OK(cinch_config_set(c, "optimizer.lr", "0.5"));
    OK(cinch_config_parse(c, "{\"optimizer\": {\"lr\": 0.25, \"clip\": 1}, \"train\": {\"epochs\": 7}}", "test"));
    expect(c, "optimizer.lr", "0.25");
    OK(cinch_config_set_flag(c, "--lr", "0.125"));
    OK(cinch_config_set(c, "optimizer.learning_rate", "0.0625"));
    expect(c, "optimizer.lr", "0.0625");
    OK(cinch_config_set(c, "train.epochs", "null"));
    OK(cinch_config_resolve(c));
    expect(c, "train.epochs", "10");
    expect(c, "optimizer.clip", "1.0");
    cr_assert(!cinch_config_get(c, "optimizer.learning_rate"));
    cinch_config_free(c);
}

Test(config, presets_change_defaults_only)
{
    cinch_config *c = resolved("{\"model\": {\"name\": \"stacked\", \"latent_dim\": 4}}");
    expect(c, "model.name", "\"dense\"");
    expect(c, "model.hidden_sizes", "[128, 64, 36, 18]");
    expect(c, "model.latent_dim", "4");
    cinch_config_free(c);
    c = resolved("{\"model\": {\"name\": \"simple\"}}");
    expect(c, "model.hidden_sizes", "[]");
    expect(c, "model.code_activation", "\"relu\"");
    cinch_config_free(c);
}

/* --- text --------------------------------------------------------------------------------------------------------- */

static char *text_of(cinch_config *c)
{
    char *text;
    OK(cinch_config_text(c, &text));
    return text;
}

Test(config, the_text_is_complete_and_reads_back_as_itself)
{
    static const char *const sections[] = {
        "cinch_config", "model", "data", "transforms", "loss", "optimizer", "schedule", "train"};
    cinch_config *c = resolved("{\"optimizer\": {\"lr\": 0.1}, "
                               "\"train\": {\"seed\": 9007199254740993, \"max_steps\": 5}}"), *d = fresh();
    char *text = text_of(c);
    OK(cinch_config_parse(d, text, "again"));
    OK(cinch_config_resolve(d));
    char *again = text_of(d);
    cr_assert_str_eq(text, again);
    cr_assert(strstr(text, "\"lr\": 0.1,") && strstr(text, "9007199254740993"), "%s", text);
    json_t *whole = json_loads(text, 0, NULL), *value;
    const char *key;
    int i = 0;
    json_object_foreach(whole, key, value) cr_assert_str_eq(key, sections[i++]);
    cr_assert_eq(i, 8);
    cinch_option_info info;
    for (i = 0; cinch_config_option(i, &info); i++) cr_assert(cinch_config_get(d, info.key), "%s is missing", info.key);
    json_decref(whole);
    cinch_free(text);
    cinch_free(again);
    cinch_config_free(c);
    cinch_config_free(d);
}

Test(config, files_and_copies)
{
    char path[] = "/tmp/cinch-config-XXXXXX", *text;
    cinch_config *c = fresh(), *d, *e = fresh();
    expect_error(cinch_config_text(c, &text), "not resolved yet; call cinch_config_resolve first");
    OK(cinch_config_set(c, "train.epochs", "4"));
    OK(cinch_config_copy(&d, c));
    cr_assert(!cinch_config_train(d));
    cinch_config_free(d);
    OK(cinch_config_resolve(c));
    OK(cinch_config_copy(&d, c));
    OK(cinch_config_set(c, "train.epochs", "5"));
    cr_assert_eq(cinch_config_train(d)->epochs, 4);
    text = text_of(d);
    int file = mkstemp(path);
    cr_assert(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text) && close(file) == 0);
    OK(cinch_config_load(e, path));
    OK(cinch_config_resolve(e));
    cr_assert_eq(cinch_config_train(e)->epochs, 4);
    unlink(path);
    cinch_free(text);
    cinch_config_free(c);
    cinch_config_free(d);
    cinch_config_free(e);
}

/* Where the locale writes 0,001, JSON and flags still mean 0.001. */
Test(config, no_locale_matters)
{
    if (!setlocale(LC_ALL, "de_DE.UTF-8")) cr_skip_test("no locale with a decimal comma here");
    cinch_config *c = fresh();
    OK(cinch_config_set_flag(c, "--lr", "0.25"));
    OK(cinch_config_set_flag(c, "--time-limit", "0.5m"));
    OK(cinch_config_resolve(c));
    cr_assert(cinch_config_optimizer(c)->lr == 0.25 && cinch_config_train(c)->time_limit == 30);
    expect(c, "optimizer.lr", "0.25");
    cinch_config_free(c);
}

/* --- resuming ----------------------------------------------------------------------------------------------------- */

static const struct { const char *key, *text, *error; } changes_on_resume[] = {
    {"train.epochs", "20", NULL},
    {"train.device", "cpu", NULL},
    {"train.threads", "3", NULL},
    {"train.log_every", "1", NULL},
    {"train.time_limit", "10m", NULL},
    {"train.report", "false", NULL},
    {"train.epochs", "5", "train.epochs 5: the run has 10; it may become more, not less"},
    {"train.max_steps", "5", "train.max_steps 5: the run has no such bound; extend the one that it has, "
     "train.epochs (--epochs)"},
    {"model.name", "dense", NULL},
    {"model.name", "simple", "model.name \"simple\": the run has \"dense\" with hidden_sizes [512]; resuming may "
     "change only how long it trains, its device, threads and logging"},
    {"model.name", "vae", "model.name \"vae\": the run has \"dense\"; resuming may change only how long it trains, its "
     "device, threads and logging"},
    {"train.batch_size", "64", "train.batch_size 64: the run has 128; resuming may change only how long it trains, its "
     "device, threads and logging"},
    {"optimizer.lr", "0.5", "optimizer.lr 0.5: the run has 0.001; resuming may change only how long it trains, its "
     "device, threads and logging"},
    {"model.hidden_sizes", "64", "model.hidden_sizes [64]: the run has [512]; resuming may change only how long it "
     "trains, its device, threads and logging"},
    {"data.spec", "x.npy", "data.spec \"x.npy\": the run has \"shapes\"; resuming may change only how long it trains, "
     "its device, threads and logging"},
    {"loss.name", "l1", "loss.name \"l1\": the run has \"auto\"; resuming may change only how long it trains, its "
     "device, threads and logging"},
};

Test(config, resuming_allows_what_it_says)
{
    cinch_config *saved = resolved("{}");
    for (size_t i = 0; i < sizeof changes_on_resume / sizeof *changes_on_resume; i++) {
        cinch_config *wanted;
        OK(cinch_config_copy(&wanted, saved));
        OK(cinch_config_may_resume(saved, wanted));
        OK(cinch_config_set(wanted, changes_on_resume[i].key, changes_on_resume[i].text));
        OK(cinch_config_resolve(wanted));
        const char *error = changes_on_resume[i].error;
        if (error) expect_error(cinch_config_may_resume(saved, wanted), error);
        else OK(cinch_config_may_resume(saved, wanted));
        cinch_config_free(wanted);
    }
    cinch_config *flagged;
    OK(cinch_config_copy(&flagged, saved));
    OK(cinch_config_set_flag(flagged, "--seed", "1"));
    expect_error(cinch_config_may_resume(saved, flagged), "both configurations must be resolved");
    OK(cinch_config_resolve(flagged));
    expect_error(cinch_config_may_resume(saved, flagged), "--seed 1: the run has 0; resuming may change only how long "
                 "it trains, its device, threads and logging");
    cinch_config_free(flagged);
    cinch_config_free(saved);
}

Test(config, a_run_bounded_by_steps_may_go_further)
{
    cinch_config *saved = resolved("{\"train\": {\"max_steps\": 10}}"), *wanted;
    OK(cinch_config_copy(&wanted, saved));
    OK(cinch_config_set(wanted, "train.max_steps", "20"));
    OK(cinch_config_resolve(wanted));
    OK(cinch_config_may_resume(saved, wanted));
    expect_error(cinch_config_may_resume(wanted, saved),
                 "train.max_steps 10: the run has 20; it may become more, not less");
    OK(cinch_config_set_flag(wanted, "--epochs", "20"));
    OK(cinch_config_resolve(wanted));
    expect_error(cinch_config_may_resume(saved, wanted), "--epochs 20: the run has no such bound; extend the one that "
                 "it has, train.max_steps (--max-steps)");
    cinch_config_free(saved);
    cinch_config_free(wanted);
}
