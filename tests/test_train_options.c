/* SPDX-License-Identifier: Apache-2.0 */
/* Every option shows in what training does: with it something comes out that does not without. What it is, the other
   tests say; this one finds an option that nobody reads. */
#include "train_runs.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(train_options, .fini = remove_runs);

enum { WITH = 5, ROWS = 96 };

/* Where an option shows. All but the first three leave the model as it is. */
typedef enum sign { MODEL, STEPS, STATUS, SAID, VALIDATION, LINES, CHECKPOINTS, SIGNS } sign;

typedef struct row {
    const char *setting;     /* key=value */
    sign shows;
    const char *with[WITH];  /* settings that go with it, on both sides */
} row;

#define SGD "optimizer.name=sgd"
#define VAE "model.name=vae"

/* @NAME stands for a file that files_for_rows makes. */
static const row rows[] = {
    {"model.name=vae", MODEL, {NULL}},
    {"model.output_activation=linear", MODEL, {NULL}},
    {"model.init=xavier_normal", MODEL, {NULL}},
    {"model.init_scale=0.2", MODEL, {"model.init=uniform"}},
    {"model.dropout=0.3", MODEL, {NULL}},
    {"model.noise=masking:0.3", MODEL, {NULL}},
    {"model.condition=label", MODEL, {NULL}},
    {"model.classes=7", MODEL, {"model.condition=label"}},
    {"model.logvar_clamp=-0.1,0.1", MODEL, {VAE}},
    {"model.input_size=700", STATUS, {NULL}},
    {"model.hidden_sizes=20", MODEL, {NULL}},
    {"model.latent_dim=5", MODEL, {NULL}},
    {"model.activation=tanh", MODEL, {NULL}},
    {"model.code_activation=relu", MODEL, {NULL}},
    {"data.spec=shapes:300", MODEL, {NULL}},
    {"data.val_spec=shapes:64,5", VALIDATION, {"data.split=0.8,0,0.2", "train.restore_best=false"}},
    {"data.target=shapes:600,7", MODEL, {NULL}},
    {"data.layout=channels_first", STATUS, {"data.spec=@either.npy"}},
    {"data.split=0.5,0.25,0.25", MODEL, {NULL}},
    {"data.range=-1:1", MODEL, {NULL}},
    {"data.nan=keep", STATUS, {"data.spec=@bad.npy", "data.split=1,0,0", "train.on_nonfinite=skip"}},
    {"data.limit=100", MODEL, {NULL}},
    {"data.shuffle=false", MODEL, {NULL}},
    {"data.resident=never", SAID, {NULL}},
    {"loss.name=l1", MODEL, {NULL}},
    {"loss.reduction=sum", MODEL, {SGD, "optimizer.lr=1e-4"}},
    {"loss.delta=0.1", MODEL, {"loss.name=huber"}},
    {"loss.l1=0.01", MODEL, {NULL}},
    {"loss.l2=0.01", MODEL, {NULL}},
    {"loss.beta=3", MODEL, {VAE}},
    {"loss.anneal=linear", MODEL, {VAE}},
    {"loss.anneal_steps=5", MODEL, {VAE, "loss.anneal=linear"}},
    {"loss.free_bits=1", MODEL, {VAE}},
    {"loss.sparsity=l1:0.3", MODEL, {NULL}},
    {"loss.sparsity_target=0.5", MODEL, {"loss.sparsity=kl:0.3"}},
    {"optimizer.name=adagrad", MODEL, {NULL}},
    {"optimizer.lr=0.01", MODEL, {NULL}},
    {"optimizer.weight_decay=0.1", MODEL, {NULL}},
    {"optimizer.momentum=0.9", MODEL, {SGD}},
    {"optimizer.nesterov=true", MODEL, {SGD, "optimizer.momentum=0.9"}},
    {"optimizer.centred=true", MODEL, {"optimizer.name=rmsprop"}},
    {"optimizer.beta1=0.5", MODEL, {NULL}},
    {"optimizer.beta2=0.9", MODEL, {NULL}},
    {"optimizer.alpha=0.5", MODEL, {"optimizer.name=rmsprop"}},
    {"optimizer.eps=0.01", MODEL, {NULL}},
    {"optimizer.clip=0.001", MODEL, {SGD}},
    {"optimizer.ema=0.9", MODEL, {NULL}},
    {"schedule.name=cosine", MODEL, {NULL}},
    {"schedule.warmup_steps=5", MODEL, {NULL}},
    {"schedule.factor=0.5", MODEL, {"schedule.name=exponential"}},
    {"schedule.every=1", MODEL, {"schedule.name=step"}},
    {"schedule.min_lr=9e-4", MODEL, {"schedule.name=cosine"}},
    {"train.epochs=3", STEPS, {NULL}},
    {"train.max_steps=7", STEPS, {NULL}},
    {"train.batch_size=16", MODEL, {NULL}},
    {"train.accumulate=2", MODEL, {NULL}},
    {"train.patience=1", STEPS, {"optimizer.lr=1e-12", "train.epochs=5"}},
    {"train.restore_best=false", MODEL, {"optimizer.lr=0.03", "train.epochs=40", "train.patience=2"}},
    {"train.seed=1", MODEL, {NULL}},
    {"train.precision=bf16", MODEL, {NULL}},
    {"train.device=cuda:63", STATUS, {NULL}},
    {"train.threads=3", SAID, {NULL}},
    {"train.from_weights=@whole.safetensors", MODEL, {NULL}},
    {"train.partial=true", STATUS, {"train.from_weights=@part.safetensors"}},
    {"train.checkpoint_every=7s", CHECKPOINTS, {NULL}},
    {"train.log_every=7", LINES, {NULL}},
    {"train.time_limit=0.05", STEPS,
     {"train.epochs=1500", "train.log_every=0", "train.checkpoint_every=none", "data.limit=64"}},
    {"train.on_nonfinite=skip", STATUS, {"data.spec=@bad.npy", "data.nan=keep", "data.split=1,0,0"}},
};
enum { N_ROWS = sizeof rows / sizeof *rows };

/* --- none is left out --------------------------------------------------------------------------------------------- */

static bool has_row(const char *key)
{
    size_t length = strlen(key);
    for (int i = 0; i < N_ROWS; i++)
        if (!strncmp(rows[i].setting, key, length) && rows[i].setting[length] == '=') return true;
    return false;
}

Test(train_options, every_option_has_a_row)
{
    cinch_option_info option;
    cinch_family_info family;
    int n = 0;
    for (; cinch_config_option(n, &option); n++) /* test_cli_report.sh is about train.report */
        cr_expect(has_row(option.key) || !strcmp(option.key, "train.report"), "%s", option.key);
    cr_assert_gt(n, 40);
    for (int f = 0; cinch_family(f, &family); f++)
        for (int i = 0; cinch_family_option(family.name, i, &option); i++)
            cr_expect(has_row(option.key), "%s of %s", option.key, family.name);
}

/* --- what they show in -------------------------------------------------------------------------------------------- */

static void put_weights(const char *file, const char *from)
{
    cinch_tensor_file *all;
    cinch_tensor_writer *out;
    OK(cinch_tensor_file_open(&all, from));
    OK(cinch_tensor_writer_create(&out, run_path(file)));
    bool whole = strstr(file, "whole");
    int64_t n = whole ? cinch_tensor_file_count(all) : 1;
    for (int64_t i = 0; i < n; i++) {
        const cinch_tensor_entry *e = cinch_tensor_file_entry(all, i);
        OK(cinch_tensor_writer_declare(out, e->name, e->element, e->rank, e->dim));
    }
    for (int64_t i = 0; i < n; i++) {
        const cinch_tensor_entry *e = cinch_tensor_file_entry(all, i);
        OK(cinch_tensor_writer_write(out, e->data, (size_t)e->bytes));
    }
    OK(cinch_tensor_writer_commit(out));
    cinch_tensor_writer_free(out);
    cinch_tensor_file_free(all);
}

/* Arrays whose axes can be read in two ways, and one number that is not finite; weights, all and some of a model's. */
static void files_for_rows(void)
{
    static float x[ROWS * 36];
    for (int i = 0; i < ROWS * 36; i++) x[i] = (float)(i * 7 % 13) / 13;
    OK(cinch_npy_write(run_path("either.npy"), CINCH_ELEMENT_F32, CINCH_SHAPE(ROWS, 2, 6, 3), x));
    x[370] = INFINITY;
    OK(cinch_npy_write(run_path("bad.npy"), CINCH_ELEMENT_F32, CINCH_SHAPE(ROWS, 36), x));
    trained("other", small_config("train.seed=9", NULL));
    put_weights("whole.safetensors", run_path("other/model.safetensors"));
    put_weights("part.safetensors", run_path("other/model.safetensors"));
}

/* "data.spec=@x.npy" with the file's path. */
static const char *written_out(const char *setting, char text[600])
{
    const char *file = strchr(setting, '@');
    if (!file) return setting;
    snprintf(text, 600, "%.*s%s", (int)(file - setting), setting, run_path(file + 1));
    return text;
}

/* What a run did, in words: `of` each sign. */
typedef struct trace {
    char of[SIGNS][1024];
} trace;

static void note_start(void *user, const cinch_progress *p)
{
    trace *t = user;
    if (!strcmp(p->event, "start")) snprintf(t->of[SAID], sizeof t->of[0], "%s", p->note);
}

/* Of all weights; what is written beside them names options. */
static uint64_t hash_of_model(const char *name)
{
    char path[600];
    cinch_tensor_file *file;
    uint64_t hash = 0xCBF29CE484222325u;
    snprintf(path, sizeof path, "%s/model.safetensors", run_path(name));
    OK(cinch_tensor_file_open(&file, path));
    for (int64_t i = 0; i < cinch_tensor_file_count(file); i++) {
        const cinch_tensor_entry *e = cinch_tensor_file_entry(file, i);
        for (int64_t k = 0; k < e->bytes; k++) hash = (hash ^ ((const unsigned char *)e->data)[k]) * 0x100000001B3u;
    }
    cinch_tensor_file_free(file);
    return hash;
}

static int compare_names(const void *a, const void *b) { return strcmp(a, b); }

static void list_checkpoints(const char *name, char text[1024])
{
    char path[600], names[8][64];
    int n = 0;
    snprintf(path, sizeof path, "%s/checkpoint", run_path(name));
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir));)
        if (e->d_name[0] != '.' && n < 8) snprintf(names[n++], sizeof names[0], "%.60s", e->d_name);
    if (dir) closedir(dir);
    qsort(names, (size_t)n, sizeof names[0], compare_names);
    for (int i = 0; i < n; i++) strcat(text, names[i]);
}

static void look_at_log(const char *name, trace *t)
{
    json_t *all = metrics_of(name), *line;
    size_t i;
    int steps = 0;
    json_array_foreach(all, i, line) {
        steps += !strcmp(json_string_value(json_object_get(line, "event")), "step");
        json_t *loss = json_object_get(line, "val_loss");
        if (loss) snprintf(t->of[VALIDATION], sizeof t->of[0], "%.9g", json_number_value(loss));
    }
    snprintf(t->of[LINES], sizeof t->of[0], "%d", steps);
    json_decref(all);
}

static void look_at_run(const char *name, trace *t, const cinch_train_result *result)
{
    snprintf(t->of[MODEL], sizeof t->of[0], "%016llx", (unsigned long long)hash_of_model(name));
    snprintf(t->of[STEPS], sizeof t->of[0], "%lld", (long long)result->steps);
    look_at_log(name, t);
    list_checkpoints(name, t->of[CHECKPOINTS]);
}

static trace traced(const char *name, const row *r, bool on)
{
    char text[WITH + 1][600];
    const char *settings[WITH + 2];
    int n = 0;
    trace t = {0};
    cinch_train_result result;
    for (int i = 0; i < WITH && r->with[i]; i++, n++) settings[n] = written_out(r->with[i], text[n]);
    if (on) settings[n] = written_out(r->setting, text[n]), n++;
    settings[n] = NULL;
    cinch_config *config = small_config_of(settings);
    cinch_train_options options = {.overwrite = true, .progress = note_start, .user = &t};
    cinch_status status = cinch_train(config, run_path(name), &options, &result);
    cinch_config_free(config);
    snprintf(t.of[STATUS], sizeof t.of[0], "%d", (int)status);
    if (!status) look_at_run(name, &t, &result);
    return t;
}

Test(train_options, each_shows)
{
    static const char *const names[SIGNS] = {"the model", "the steps", "the status", "the first line said",
                                             "the validation loss", "the log", "the checkpoints"};
    files_for_rows();
    for (int i = 0; i < N_ROWS; i++) {
        const row *r = &rows[i];
        trace off = traced("off", r, false), on = traced("on", r, true);
        cr_expect(strcmp(off.of[r->shows], on.of[r->shows]), "%s does not show in %s: %s", r->setting, names[r->shows],
                  on.of[r->shows]);
        if (r->shows > STATUS) cr_expect_str_eq(off.of[MODEL], on.of[MODEL], "%s changes the model", r->setting);
        if (r->shows != STATUS)
            cr_expect(!strcmp(off.of[STATUS], "0") && !strcmp(on.of[STATUS], "0"), "%s", r->setting);
    }
}

/* --- every choice of an option ------------------------------------------------------------------------------------ */

/* What two words are for, and what shows elsewhere: the rates below; tf32, on a GPU alone. */
static bool may_agree(const char *key, const char *a, const char *b)
{
    bool initialisers = !strcmp(key, "model.init") && strstr(a, "xavier") && strstr(b, "glorot");
    bool precisions = !strcmp(key, "train.precision") && !strcmp(a, "f32") && !strcmp(b, "tf32");
    return precisions || (initialisers && !strcmp(a + strlen("xavier"), b + strlen("glorot")));
}

static const row *row_of(const char *key)
{
    size_t length = strlen(key);
    for (int i = 0; i < N_ROWS; i++)
        if (!strncmp(rows[i].setting, key, length) && rows[i].setting[length] == '=') return &rows[i];
    return NULL;
}

/* Whether models differ for all choices but "auto", "default" and "none", which stand for one of them or nothing. */
static void try_choices(const cinch_option_info *option, const row *r)
{
    char words[256], *at = words, *word, name[12][32], models[12][32];
    int n = 0;
    snprintf(words, sizeof words, "%s", option->choices);
    while ((word = strtok_r(at, " ", &at))) {
        char setting[128];
        if (!strcmp(word, "auto") || !strcmp(word, "default") || !strcmp(word, "none")) continue;
        snprintf(setting, sizeof setting, "%s=%s", option->key, word);
        row one = *r;
        one.setting = setting;
        trace t = traced("choice", &one, true);
        cr_assert_lt(n, 12);
        cr_expect_str_eq(t.of[STATUS], "0", "%s", setting);
        snprintf(name[n], sizeof name[0], "%s", word);
        snprintf(models[n], sizeof models[0], "%s", t.of[MODEL]);
        for (int i = 0; i < n; i++)
            cr_expect(strcmp(models[i], models[n]) || may_agree(option->key, name[i], word), "%s: %s is %s",
                      option->key, word, name[i]);
        n++;
    }
}

Test(train_options, each_choice_shows)
{
    cinch_option_info option;
    cinch_family_info family;
    files_for_rows();
    for (int i = 0; cinch_config_option(i, &option); i++) {
        const row *r = row_of(option.key);
        bool rate = !strcmp(option.key, "schedule.name");
        if (option.choices && r && r->shows == MODEL && !rate) try_choices(&option, r);
    }
    for (int f = 0; cinch_family(f, &family); f++)
        for (int i = 0; !family.preset_of && cinch_family_option(family.name, i, &option); i++)
            if (option.choices && row_of(option.key)->shows == MODEL) try_choices(&option, row_of(option.key));
}

/* --- the rate follows the schedule -------------------------------------------------------------------------------- */

enum { STEPS_ALL = 60, STEPS_EPOCH = 15 };

/* Of step t, counted from 0; four epochs of fifteen. */
static double cosine(int t) { return 1e-4 + (1e-2 - 1e-4) / 2 * (1 + cos(acos(-1) * t / STEPS_ALL)); }
static double linear(int t) { return 1e-2 + (1e-3 - 1e-2) * t / STEPS_ALL; }
static double stairs(int t) { return 1e-2 * pow(0.5, t / STEPS_EPOCH / 2); }
static double exponential(int t) { return 1e-2 * pow(0.7, t / STEPS_EPOCH); }
static double warm(int t) { return t < 10 ? 1e-2 * (t + 1) / 10 : 1e-2; }

Test(train_options, the_rate_follows_the_schedule)
{
    static const struct { const char *settings[4]; double (*rate)(int step); } cases[] = {
        {{"schedule.name=cosine", "schedule.min_lr=1e-4"}, cosine},
        {{"schedule.name=linear", "schedule.min_lr=1e-3"}, linear},
        {{"schedule.name=step", "schedule.factor=0.5", "schedule.every=2"}, stairs},
        {{"schedule.name=exponential", "schedule.factor=0.7"}, exponential},
        {{"schedule.warmup_steps=10"}, warm}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        char name[16];
        double lr[STEPS_ALL];
        const char *settings[8] = {"optimizer.lr=1e-2", "train.epochs=4"};
        for (int i = 0; i < 4 && cases[k].settings[i]; i++) settings[2 + i] = cases[k].settings[i];
        snprintf(name, sizeof name, "rate%d", (int)k);
        trained(name, small_config_of(settings));
        cr_assert_eq(series_of(name, "step", "lr", lr, STEPS_ALL), STEPS_ALL);
        for (int t = 0; t < STEPS_ALL; t++)
            cr_expect_float_eq(lr[t], cases[k].rate(t), 1e-8, "%s, step %d: %.9g, not %.9g", cases[k].settings[0],
                               t + 1, lr[t], cases[k].rate(t));
    }
}

/* A validation loss that does not fall drops the rate after so many epochs. */
Test(train_options, a_plateau_drops_the_rate)
{
    double lr[STEPS_ALL];
    trained("plateau", small_config("schedule.name=plateau", "schedule.every=1", "schedule.factor=0.25",
                                    "optimizer.lr=1e-12", "train.epochs=4", NULL));
    cr_assert_eq(series_of("plateau", "step", "lr", lr, STEPS_ALL), STEPS_ALL);
    cr_expect_float_eq(lr[2 * STEPS_EPOCH - 1], 1e-12, 1e-20);
    cr_expect_lt(lr[STEPS_ALL - 1], 0.3e-12, "%g", lr[STEPS_ALL - 1]);
}
