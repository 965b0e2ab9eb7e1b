/* SPDX-License-Identifier: Apache-2.0 */
/* All options there are, by number, key, alias or flag; and the nearest of them. */
#include <cinch/model.h>

#include <stdio.h>
#include <string.h>

#include "train/config_options.h"

enum { OPTIONS_MAX = 512 };

bool cinch_config_option(int index, cinch_option_info *out)
{
    for (int i = 0; index >= 0 && cinch_family_option(NULL, i, out); i++)
        if (index-- == 0) return true;
    for (int s = 0; index >= 0 && s < CINCH_SECTIONS; s++)
        for (const cinch_option *row = cinch_sections[s].rows; row->key; row++)
            if (index-- == 0) {
                cinch_option_describe(row, out);
                return true;
            }
    return false;
}

/* Everything; a key that several families have stands there more than once. */
static int list_options(cinch_option_info out[OPTIONS_MAX])
{
    int n = 0;
    cinch_family_info family;
    while (n < OPTIONS_MAX && cinch_config_option(n, &out[n])) n++;
    for (int f = 0; cinch_family(f, &family); f++)
        for (int i = 0; !family.preset_of && n < OPTIONS_MAX && cinch_family_option(family.name, i, &out[n]); i++) n++;
    return n;
}

static const char *leaf_of(const char *key)
{
    const char *dot = strchr(key, '.');
    return dot ? dot + 1 : key;
}

bool cinch_model_overrides(const char *name, const char *leaf)
{
    cinch_option_info option;
    for (int i = 0; cinch_family_option(name, i, &option); i++)
        if (!strcmp(leaf_of(option.key), leaf)) return option.of_preset;
    return cinch_family_option(name, 0, &option); /* a name that nobody has is refused later */
}

static bool has_alias(const cinch_option_info *option, const char *leaf)
{
    return option->aliases && cinch_option_position(option->aliases, leaf) >= 0;
}

static bool is_called(const cinch_option_info *option, const char *name)
{
    size_t section = (size_t)(leaf_of(option->key) - option->key);
    if (option->flag && !strcmp(option->flag, name)) return true;
    return !strcmp(option->key, name) || (!strncmp(option->key, name, section) && has_alias(option, name + section));
}

static cinch_status fail_flag(const cinch_option_info *all, int n, const char *flag)
{
    const char *flags[OPTIONS_MAX];
    int count = 0;
    for (int i = 0; i < n; i++)
        if (all[i].flag) flags[count++] = all[i].flag;
    const char *near = cinch_nearest(flag, flags, count);
    return near ? cinch_fail(CINCH_USAGE, "%s: unknown; did you mean %s?", flag, near)
                : cinch_fail(CINCH_USAGE, "%s: unknown; `cinch train --help` lists the flags", flag);
}

static bool is_section(const char *name, size_t length)
{
    char text[32];
    snprintf(text, sizeof text, "%.*s", (int)length, name);
    return !strcmp(text, "model") || cinch_section_find(text);
}

/* The options of `all` whose key begins with the first `section` letters of `key`. */
static int list_section(const cinch_option_info *all, int n, const char *key, size_t section, const char **keys)
{
    int count = 0;
    for (int i = 0; i < n; i++)
        if (!strncmp(all[i].key, key, section)) keys[count++] = all[i].key;
    return count;
}

/* lr is optimizer.lr, whatever section was named. */
static const char *same_leaf(const cinch_option_info *all, int n, const char *key)
{
    const char *same[OPTIONS_MAX], *leaf = leaf_of(key);
    int count = 0;
    for (int i = 0; i < n; i++)
        if (!strcmp(leaf_of(all[i].key), leaf) || has_alias(&all[i], leaf)) same[count++] = all[i].key;
    const char *near = cinch_nearest(key, same, count);
    return near || !count ? near : same[0];
}

/* Within a section that exists its name does not count, or every key in it would look near. */
static const char *nearest_key(const cinch_option_info *all, int n, const char *key)
{
    const char *keys[OPTIONS_MAX], *leaves[OPTIONS_MAX], *leaf = leaf_of(key), *same = same_leaf(all, n, key);
    size_t section = leaf > key && is_section(key, (size_t)(leaf - key) - 1) ? (size_t)(leaf - key) : 0;
    if (same) return same;
    int count = list_section(all, n, key, section, keys);
    for (int i = 0; i < count; i++) leaves[i] = keys[i] + section;
    const char *near = cinch_nearest(key + section, leaves, count);
    return near ? near - section : NULL;
}

static cinch_status fail_key(const cinch_option_info *all, int n, const char *key)
{
    if (is_section(key, strlen(key)))
        return cinch_fail(CINCH_USAGE, "%s: is a section; name one of its keys, %s.KEY", key, key);
    const char *near = nearest_key(all, n, key);
    return near ? cinch_fail(CINCH_USAGE, "%s: unknown key; did you mean %s?", key, near)
                : cinch_fail(CINCH_USAGE, "%s: unknown key; `cinch config` lists the keys", key);
}

cinch_status cinch_config_find(const char *name, cinch_option_info *out)
{
    cinch_option_info all[OPTIONS_MAX];
    int n = list_options(all);
    for (int i = 0; i < n; i++) {
        if (!is_called(&all[i], name)) continue;
        if (out) *out = all[i];
        return CINCH_OK;
    }
    return *name == '-' ? fail_flag(all, n, name) : fail_key(all, n, name);
}
