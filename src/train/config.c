/* SPDX-License-Identifier: Apache-2.0 */
#include <cinch/model.h>

#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "train/config_options.h"

struct cinch_config {
    json_t *given;      /* {"model": {...}, "data": {...}, ...}: what was set, by key */
    json_t *flags;      /* dotted key: the flag that set it last */
    json_t *loaded;     /* dotted key that a file set last: how often the model was named until then */
    int namings;        /* how often the model was named */
    json_t *asked;      /* what is given of the model, less what gives way to its name; NULL as `complete` */
    json_t *complete;   /* what was resolved; NULL before and after a change */
    char *model;        /* its model section as text */
    char *text;         /* what cinch_config_get gave last */
    cinch_settings settings;
};

static const char *const order[] = {"model", "data", "transforms", "loss", "optimizer", "schedule", "train"};
enum { PARTS = sizeof order / sizeof *order };

/* --- making one --------------------------------------------------------------------------------------------------- */

static void forget_resolved(cinch_config *c)
{
    for (int i = 0; i < CINCH_SECTIONS; i++)
        cinch_options_free(&(cinch_option_set){cinch_sections[i].rows, &c->settings}, 1);
    c->settings = (cinch_settings){0};
    json_decref(c->asked);
    json_decref(c->complete);
    c->asked = c->complete = NULL;
    free(c->model);
    c->model = NULL;
}

static cinch_status fill_new(cinch_config *c)
{
    c->given = json_object();
    c->flags = json_object();
    c->loaded = json_object();
    if (!c->given || !c->flags || !c->loaded) return cinch_fail(CINCH_DEVICE, "out of memory for a configuration");
    for (int i = 0; i < PARTS; i++)
        if (strcmp(order[i], "transforms")) TRY(cinch_json_put(c->given, order[i], json_object()));
    return CINCH_OK;
}

cinch_status cinch_config_create(cinch_config **out)
{
    cinch_config *c = *out = cinch_calloc(1, sizeof *c);
    cinch_status status = c ? fill_new(c) : CINCH_DEVICE;
    if (status) {
        cinch_config_free(c);
        *out = NULL;
    }
    return status;
}

void cinch_config_free(cinch_config *c)
{
    if (!c) return;
    forget_resolved(c);
    json_decref(c->given);
    json_decref(c->flags);
    json_decref(c->loaded);
    free(c->text);
    free(c);
}

static cinch_status fill_copy(cinch_config *to, const cinch_config *from)
{
    json_decref(to->given);
    json_decref(to->flags);
    json_decref(to->loaded);
    to->given = json_deep_copy(from->given);
    to->flags = json_deep_copy(from->flags);
    to->loaded = json_deep_copy(from->loaded);
    to->namings = from->namings;
    if (!to->given || !to->flags || !to->loaded) return cinch_fail(CINCH_DEVICE, "out of memory for a configuration");
    return from->complete ? cinch_config_resolve(to) : CINCH_OK;
}

cinch_status cinch_config_copy(cinch_config **out, const cinch_config *config)
{
    TRY(cinch_config_create(out));
    cinch_status status = fill_copy(*out, config);
    if (status) {
        cinch_config_free(*out);
        *out = NULL;
    }
    return status;
}

void cinch_free(void *memory) { free(memory); }

/* --- setting keys ------------------------------------------------------------------------------------------------- */

/* The last error begins with a key that was set by a flag: then it shall begin with the flag. */
static cinch_status name_flag(const cinch_config *c, cinch_status status)
{
    const char *key;
    json_t *flag;
    json_object_foreach(c->flags, key, flag) {
        size_t length = strlen(key);
        const char *error = cinch_last_error();
        if (!status || strncmp(error, key, length) || (error[length] != ' ' && error[length] != ':')) continue;
        char *rest = cinch_strdup(error + length);
        if (rest) cinch_fail(status, "%s%s", json_string_value(flag), rest);
        free(rest);
        break;
    }
    return status;
}

/* Checks what can be checked by the key alone; the families check theirs when all of them is known. */
static cinch_status check_value(const char *section, const char *leaf, const json_t *value)
{
    const cinch_section *own = cinch_section_find(section);
    return own ? cinch_option_check(cinch_option_find(own->rows, leaf), value) : CINCH_OK;
}

/* Puts a value (taken over) under the key of an option; `flag` may be NULL. */
static cinch_status store(cinch_config *c, const cinch_option_info *option, json_t *value, const char *flag)
{
    char section[32];
    const char *leaf = strchr(option->key, '.') + 1;
    memcpy(section, option->key, (size_t)(leaf - option->key) - 1);
    section[leaf - option->key - 1] = '\0';
    forget_resolved(c);
    json_object_del(c->flags, option->key);
    cinch_status status = flag ? cinch_json_put(c->flags, option->key, json_string(flag)) : CINCH_OK;
    if (!status) status = name_flag(c, check_value(section, leaf, value));
    if (!status) return cinch_json_put(json_object_get(c->given, section), leaf, value);
    json_decref(value);
    return status;
}

/* `name`: the key or flag that the text is for, as it was typed. */
static cinch_status read_text(json_t **value, const char *type, const char *text, const char *name)
{
    cinch_status status = cinch_option_value(value, type, text);
    return status == CINCH_USAGE ? cinch_fail_in(status, name) : status;
}

static cinch_status set_text(cinch_config *c, const char *key, const char *text, const char *flag)
{
    cinch_option_info option;
    TRY(cinch_config_find(key, &option));
    json_t *value;
    TRY(read_text(&value, option.type, text, flag ? flag : key));
    TRY(store(c, &option, value, flag));
    json_object_del(c->loaded, option.key);
    c->namings += !strcmp(option.key, "model.name");
    return CINCH_OK;
}

/* Transforms are a list; there are none yet. */
static cinch_status check_transforms(const json_t *value)
{
    if (json_is_array(value) && json_array_size(value) == 0) return CINCH_OK;
    return cinch_fail(CINCH_USAGE, "transforms: must be [], for this version knows none");
}

static cinch_status set_transforms(const char *text)
{
    json_t *value;
    TRY(read_text(&value, "list", text, "transforms"));
    cinch_status status = check_transforms(value);
    json_decref(value);
    return status;
}

cinch_status cinch_config_set(cinch_config *config, const char *key, const char *value)
{
    return strcmp(key, "transforms") ? set_text(config, key, value, NULL) : set_transforms(value);
}

cinch_status cinch_config_set_flag(cinch_config *config, const char *flag, const char *value)
{
    cinch_option_info option;
    TRY(cinch_config_find(flag, &option));
    bool alone = !strcmp(option.type, "bool");
    if (alone && !value) value = strncmp(flag, "--no-", 5) ? "true" : "false";
    if (!value) return cinch_fail(CINCH_USAGE, "%s: needs a value: %s", flag, option.help);
    return set_text(config, option.key, value, flag);
}

/* --- merging a file ----------------------------------------------------------------------------------------------- */

static cinch_status merge_section(cinch_config *c, const char *section, const json_t *object)
{
    const char *leaf;
    json_t *value;
    cinch_option_info option;
    if (!json_is_object(object)) return cinch_fail(CINCH_USAGE, "%s: must be an object {...}", section);
    c->namings += !strcmp(section, "model") && json_object_get(object, "name");
    json_object_foreach((json_t *)object, leaf, value) {
        char *key = cinch_format("%s.%s", section, leaf);
        cinch_status status = key ? cinch_config_find(key, &option) : CINCH_DEVICE;
        free(key);
        if (!status) status = store(c, &option, json_incref(value), NULL);
        if (!status) status = cinch_json_put(c->loaded, option.key, json_integer(c->namings));
        if (status) return status;
    }
    return CINCH_OK;
}

static cinch_status check_version(const json_t *version)
{
    if (json_is_integer(version) && json_integer_value(version) == 1) return CINCH_OK;
    return cinch_fail(CINCH_USAGE, "cinch_config: must be 1, the only format that this version knows");
}

static cinch_status fail_part(const char *name)
{
    const char *near = cinch_nearest(name, order, PARTS);
    if (near) return cinch_fail(CINCH_USAGE, "%s: unknown section; did you mean %s?", name, near);
    return cinch_config_find(name, NULL);
}

static cinch_status merge_part(cinch_config *c, const char *name, const json_t *value)
{
    if (!strcmp(name, "cinch_config")) return check_version(value);
    if (!strcmp(name, "transforms")) return check_transforms(value);
    if (json_object_get(c->given, name)) return merge_section(c, name, value);
    return fail_part(name);
}

static cinch_status merge(cinch_config *c, const json_t *object)
{
    const char *name;
    json_t *value;
    if (!json_is_object(object)) return cinch_fail(CINCH_USAGE, "must be an object {\"cinch_config\": 1, ...}");
    json_object_foreach((json_t *)object, name, value) TRY(merge_part(c, name, value));
    return CINCH_OK;
}

static cinch_status merge_from(cinch_config *c, json_t *object, const char *origin)
{
    cinch_status status = merge(c, object);
    json_decref(object);
    return status ? cinch_fail_in(status, origin) : CINCH_OK;
}

cinch_status cinch_config_load(cinch_config *config, const char *path)
{
    json_t *object;
    TRY(cinch_json_read(&object, path, CINCH_USAGE));
    return merge_from(config, object, path);
}

cinch_status cinch_config_parse(cinch_config *config, const char *json, const char *origin)
{
    json_t *object;
    TRY(cinch_json_parse(&object, json, origin, CINCH_USAGE));
    return merge_from(config, object, origin);
}

/* --- resolving ---------------------------------------------------------------------------------------------------- */

/* The name that the model was given last, or goes by. */
static cinch_status name_of_model(const cinch_config *c, const char **name)
{
    cinch_option_info option;
    TRY(cinch_config_find("model.name", &option));
    *name = json_string_value(json_object_get(json_object_get(c->given, "model"), "name"));
    if (!*name) *name = option.fallback;
    return CINCH_OK;
}

/* What a file said before the model was named gives way to what the name has its own say about. */
static cinch_status ask_model(cinch_config *c)
{
    const char *key, *name;
    json_t *before;
    TRY(name_of_model(c, &name));
    if (!(c->asked = json_deep_copy(json_object_get(c->given, "model"))))
        return cinch_fail(CINCH_DEVICE, "out of memory for a configuration");
    json_object_foreach(c->loaded, key, before) {
        const char *leaf = strchr(key, '.') + 1;
        bool older = !strncmp(key, "model.", 6) && json_integer_value(before) < c->namings;
        if (older && cinch_model_overrides(name, leaf)) json_object_del(c->asked, leaf);
    }
    return CINCH_OK;
}

static cinch_status resolve_model(cinch_config *c)
{
    char *asked;
    TRY(ask_model(c));
    TRY(cinch_json_text(&asked, c->asked, 0));
    cinch_status status = cinch_model_complete(asked, &c->model);
    free(asked);
    return status;
}

static cinch_status read_sections(cinch_config *c)
{
    for (int i = 0; i < CINCH_SECTIONS; i++) {
        cinch_option_set set = {cinch_sections[i].rows, &c->settings};
        TRY(cinch_options_read(&set, 1, json_object_get(c->given, cinch_sections[i].name)));
    }
    return CINCH_OK;
}

static cinch_status write_part(cinch_config *c, const char *name)
{
    json_t *part = NULL;
    if (!strcmp(name, "transforms")) return cinch_json_put(c->complete, name, json_array());
    if (!strcmp(name, "model")) {
        TRY(cinch_json_parse(&part, c->model, name, CINCH_INTERNAL));
        return cinch_json_put(c->complete, name, part);
    }
    TRY(cinch_json_put(c->complete, name, json_object()));
    cinch_option_set set = {cinch_section_find(name)->rows, &c->settings};
    return cinch_options_write(&set, 1, json_object_get(c->complete, name));
}

static cinch_status write_complete(cinch_config *c)
{
    if (!(c->complete = json_object())) return cinch_fail(CINCH_DEVICE, "out of memory for a configuration");
    TRY(cinch_json_put(c->complete, "cinch_config", json_integer(1)));
    for (int i = 0; i < PARTS; i++) TRY(write_part(c, order[i]));
    return CINCH_OK;
}

static cinch_status resolve(cinch_config *c)
{
    TRY(resolve_model(c));
    TRY(read_sections(c));
    TRY(cinch_settings_check(&c->settings));
    TRY(write_complete(c));
    cinch_settings_derive(&c->settings);
    return CINCH_OK;
}

cinch_status cinch_config_resolve(cinch_config *config)
{
    forget_resolved(config);
    cinch_status status = resolve(config);
    if (status) forget_resolved(config);
    return name_flag(config, status);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* The value of "section.leaf" or of a whole section. */
static const json_t *value_at(const json_t *object, const char *key)
{
    const char *name;
    json_t *part;
    json_object_foreach((json_t *)object, name, part) {
        size_t length = strlen(name);
        if (strncmp(key, name, length)) continue;
        if (!key[length]) return part;
        if (key[length] == '.') return json_object_get(part, key + length + 1);
    }
    return NULL;
}

const char *cinch_config_get(cinch_config *config, const char *key)
{
    const json_t *value = value_at(config->complete ? config->complete : config->given, key);
    free(config->text);
    config->text = NULL;
    if (value) cinch_json_text(&config->text, value, 0);
    return config->text;
}

cinch_status cinch_config_text(const cinch_config *config, char **json)
{
    if (!config->complete) return cinch_fail(CINCH_USAGE, "not resolved yet; call cinch_config_resolve first");
    return cinch_json_text(json, config->complete, 2);
}

#define SETTINGS(config, member) ((config)->complete ? &(config)->settings.member : NULL)
const char *cinch_config_model_json(const cinch_config *c) { return c->model; }
const cinch_data_config *cinch_config_data(const cinch_config *c) { return SETTINGS(c, data.public); }
const cinch_loss_config *cinch_config_loss(const cinch_config *c) { return SETTINGS(c, loss.public); }
const cinch_optimizer *cinch_config_optimizer(const cinch_config *c) { return SETTINGS(c, optimizer); }
const cinch_schedule_config *cinch_config_schedule(const cinch_config *c) { return SETTINGS(c, schedule); }
const cinch_train_config *cinch_config_train(const cinch_config *c) { return SETTINGS(c, train.public); }

/* --- resuming ----------------------------------------------------------------------------------------------------- */

static bool may_change(const char *section, const char *leaf)
{
    const cinch_section *own = cinch_section_find(section);
    const cinch_option *row = own ? cinch_option_find(own->rows, leaf) : NULL;
    return row && row->may_change;
}

#define MAY_CHANGE "resuming may change only how long it trains, its device, threads and logging"

static cinch_status fail_change(const char *section, const char *leaf, const json_t *saved, const json_t *wanted)
{
    char had[48], has[48] = "missing";
    if (wanted) cinch_json_brief(wanted, has);
    return cinch_fail(CINCH_USAGE, "%s.%s %s: the run has %s; " MAY_CHANGE, section, leaf, has,
                      cinch_json_brief(saved, had));
}

/* A preset is refused by its own name, not by that of a key which nobody typed. */
static cinch_status fail_preset(const cinch_config *saved, const char *preset, const char *leaf)
{
    char name[48], value[48];
    const json_t *model = json_object_get(saved->complete, "model");
    return cinch_fail(CINCH_USAGE, "model.name \"%s\": the run has %s with %s %s; " MAY_CHANGE, preset,
                      cinch_json_brief(json_object_get(model, "name"), name), leaf,
                      cinch_json_brief(json_object_get(model, leaf), value));
}

static cinch_status compare_key(const cinch_config *saved, const cinch_config *wanted, const char *section,
                                const char *leaf)
{
    const json_t *had = json_object_get(json_object_get(saved->complete, section), leaf);
    const json_t *has = json_object_get(json_object_get(wanted->complete, section), leaf);
    const json_t *name = json_object_get(wanted->asked, "name");
    if ((has && json_equal(had, has)) || may_change(section, leaf)) return CINCH_OK;
    if (strcmp(section, "model") || !json_is_string(name)) return fail_change(section, leaf, had, has);
    if (!strcmp(leaf, "name")) return fail_change(section, leaf, had, name);
    bool by_name = !json_object_get(wanted->asked, leaf) && cinch_model_overrides(json_string_value(name), leaf);
    return by_name ? fail_preset(saved, json_string_value(name), leaf) : fail_change(section, leaf, had, has);
}

static cinch_status compare_part(const cinch_config *saved, const cinch_config *wanted, const char *section)
{
    const char *leaf;
    json_t *unused;
    json_object_foreach(json_object_get(saved->complete, section), leaf, unused)
        TRY(compare_key(saved, wanted, section, leaf));
    return CINCH_OK;
}

/* `other`: the key of the run's bound where `saved` is none. */
static cinch_status check_longer(const char *key, int64_t saved, int64_t wanted, const char *other)
{
    if (wanted == 0 || (saved != 0 && wanted >= saved)) return CINCH_OK;
    if (saved == 0)
        return cinch_fail(CINCH_USAGE, "%s %lld: the run has no such bound; extend the one that it has, %s", key,
                          (long long)wanted, other);
    return cinch_fail(CINCH_USAGE, "%s %lld: the run has %lld; it may become more, not less", key, (long long)wanted,
                      (long long)saved);
}

static cinch_status may_resume(const cinch_config *saved, const cinch_config *wanted)
{
    const cinch_train_config *had = &saved->settings.train.public, *has = &wanted->settings.train.public;
    for (int i = 0; i < PARTS; i++) TRY(compare_part(saved, wanted, order[i]));
    TRY(check_longer("train.epochs", had->epochs, has->epochs, "train.max_steps (--max-steps)"));
    return check_longer("train.max_steps", had->max_steps, has->max_steps, "train.epochs (--epochs)");
}

cinch_status cinch_config_may_resume(const cinch_config *saved, const cinch_config *wanted)
{
    if (!saved->complete || !wanted->complete) return cinch_fail(CINCH_USAGE, "both configurations must be resolved");
    return name_flag(wanted, may_resume(saved, wanted));
}
