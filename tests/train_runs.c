/* SPDX-License-Identifier: Apache-2.0 */
#include "train_runs.h"

#include <ftw.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends.h"

/* --- folders ------------------------------------------------------------------------------------------------------ */

static char root[128];

const char *run_path(const char *name)
{
    static char paths[16][512];
    static int next;
    char *path = paths[next++ % 16];
    const char *tmp = getenv("TMPDIR");
    if (!*root) {
        snprintf(root, sizeof root, "%.100s/cinch-train-XXXXXX", tmp ? tmp : "/tmp");
        cr_assert(mkdtemp(root));
    }
    snprintf(path, sizeof paths[0], "%s/%s", root, name);
    return path;
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

void remove_runs(void)
{
    if (*root) nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    *root = 0;
}

static const char *file_path(const char *name, const char *file)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", run_path(name), file);
    return path;
}

char *run_file(const char *name, const char *file, size_t *size)
{
    FILE *f = fopen(file_path(name, file), "rb");
    cr_assert(f, "%s/%s is missing", name, file);
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    char *bytes = calloc(*size + 1, 1);
    cr_assert_eq(fread(bytes, 1, *size, f), *size);
    fclose(f);
    return bytes;
}

void put_run_file(const char *name, const char *file, const void *bytes, size_t size)
{
    FILE *f = fopen(file_path(name, file), "wb");
    cr_assert(f);
    cr_assert_eq(fwrite(bytes, 1, size, f), size);
    cr_assert_eq(fclose(f), 0);
}

bool has_run_file(const char *name, const char *file)
{
    struct stat about;
    return stat(file_path(name, file), &about) == 0;
}

bool same_models(const char *a, const char *b)
{
    size_t n, m;
    char *x = run_file(a, "model.safetensors", &n), *y = run_file(b, "model.safetensors", &m);
    bool same = n == m && !memcmp(x, y, n);
    free(x);
    free(y);
    return same;
}

/* --- configurations ----------------------------------------------------------------------------------------------- */

static void set(cinch_config *c, const char *setting)
{
    char key[128];
    const char *equals = strchr(setting, '=');
    cr_assert(equals);
    snprintf(key, sizeof key, "%.*s", (int)(equals - setting), setting);
    OK(cinch_config_set(c, key, equals + 1));
}

static const char *const basic[] = {"model.name=dense", "model.hidden_sizes=24", "model.latent_dim=6",
                                    "data.spec=shapes:600", "train.batch_size=32", "train.threads=2",
                                    "train.epochs=2", "train.log_every=1", NULL};

cinch_config *small_config_of(const char *const *settings)
{
    cinch_config *c;
    OK(cinch_config_create(&c));
    OK(cinch_config_set(c, "train.device", backends_device()));
    for (int i = 0; basic[i]; i++) set(c, basic[i]);
    for (int i = 0; settings[i]; i++) set(c, settings[i]);
    OK(cinch_config_resolve(c));
    return c;
}

cinch_config *small_config(const char *first, ...)
{
    const char *settings[32] = {NULL};
    int n = 0;
    va_list args;
    va_start(args, first);
    for (const char *s = first; s && n < 31; s = va_arg(args, const char *)) settings[n++] = s;
    va_end(args);
    return small_config_of(settings);
}

/* --- training ----------------------------------------------------------------------------------------------------- */

void hear(void *user, const cinch_progress *p)
{
    heard *h = user;
    if (!strcmp(p->event, "start")) h->starts++;
    if (!strcmp(p->event, "end")) h->ends++;
    if (!strcmp(p->event, "step")) h->steps++;
    if (!strcmp(p->event, "epoch")) h->epochs++;
    if (!strcmp(p->event, "step")) h->last_loss = p->loss;
    if (!strcmp(p->event, "note") && h->n_notes < 8) snprintf(h->notes[h->n_notes++], 512, "%s", p->note);
    if (h->stop_at_step && !strcmp(p->event, "step") && p->step == h->stop_at_step) h->stop = h->stop_with;
}

cinch_status train_in(const char *name, cinch_config *config, cinch_train_options options, heard *h,
                      cinch_train_result *result)
{
    if (h) {
        options.progress = hear;
        options.user = h;
        options.stop = &h->stop;
    }
    cinch_status status = cinch_train(config, run_path(name), &options, result);
    cinch_config_free(config);
    return status;
}

cinch_train_result trained(const char *name, cinch_config *config)
{
    cinch_train_result result;
    OK(train_in(name, config, (cinch_train_options){0}, NULL, &result));
    return result;
}

cinch_train_result resumed(const char *name, cinch_config *config)
{
    cinch_train_result result;
    OK(train_in(name, config, (cinch_train_options){.resume = true}, NULL, &result));
    return result;
}

/* --- what it left ------------------------------------------------------------------------------------------------- */

static void check_line(const json_t *o)
{
    const char *event = json_string_value(json_object_get(o, "event"));
    cr_assert(event && (!strcmp(event, "step") || !strcmp(event, "epoch") || !strcmp(event, "end")));
    cr_assert(json_is_integer(json_object_get(o, "step")) && json_is_integer(json_object_get(o, "epoch")));
    bool null = false;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)o, key, value) null |= json_is_null(value);
    cr_assert_eq(null, json_is_true(json_object_get(o, "nonfinite")), "null and nonfinite go together");
}

json_t *metrics_of(const char *name)
{
    size_t size;
    char *text = run_file(name, "metrics.jsonl", &size), *save = NULL;
    cr_assert(size && text[size - 1] == '\n', "the last line is whole");
    json_t *all = json_array();
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        json_t *o = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        cr_assert(o, "not JSON: %s", line);
        check_line(o);
        json_array_append_new(all, o);
    }
    free(text);
    return all;
}

int series_of(const char *name, const char *event, const char *key, double *out, int most)
{
    json_t *all = metrics_of(name), *o;
    size_t i;
    int n = 0;
    json_array_foreach(all, i, o) {
        if (strcmp(json_string_value(json_object_get(o, "event")), event) || n == most) continue;
        json_t *value = json_object_get(o, key);
        cr_assert(value, "%s: a line of %s has no %s", name, event, key);
        out[n++] = json_is_number(value) ? json_number_value(value) : NAN;
    }
    json_decref(all);
    return n;
}

bool error_holds(const char *words)
{
    const char *text = cinch_last_error();
    bool holds = strstr(text, words) && !strchr(text, '\n');
    if (!holds) cr_log_error("the error is: %s", text);
    return holds;
}
