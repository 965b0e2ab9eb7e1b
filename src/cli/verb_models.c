/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <string.h>

static const char *leaf_of(const char *key) { return strchr(key, '.') + 1; }

static json_t *option_json(const cinch_option_info *option)
{
    json_t *row = json_object();
    cinch_cli_json_set(row, "key", cinch_cli_json_text(option->key));
    cinch_cli_json_set(row, "flag", cinch_cli_json_text(option->flag));
    cinch_cli_json_set(row, "type", cinch_cli_json_text(option->type));
    cinch_cli_json_set(row, "default", cinch_cli_json_text(option->fallback));
    cinch_cli_json_set(row, "choices", cinch_cli_json_text(option->choices));
    cinch_cli_json_set(row, "help", cinch_cli_json_text(option->help));
    return row;
}

static json_t *family_json(const cinch_family_info *family)
{
    cinch_option_info option;
    json_t *row = json_object(), *options = json_array();
    for (int i = 0; cinch_family_option(family->name, i, &option); i++)
        if (strcmp(option.key, "model.name")) cinch_cli_json_add(options, option_json(&option));
    cinch_cli_json_set(row, "name", cinch_cli_json_text(family->name));
    cinch_cli_json_set(row, "purpose", cinch_cli_json_text(family->purpose));
    cinch_cli_json_set(row, "preset_of", cinch_cli_json_text(family->preset_of));
    cinch_cli_json_set(row, "options", options);
    return row;
}

static cinch_status print_json(void)
{
    cinch_family_info family;
    json_t *models = json_array(), *object = json_object();
    for (int i = 0; cinch_family(i, &family); i++) cinch_cli_json_add(models, family_json(&family));
    cinch_cli_json_set(object, "models", models);
    return cinch_cli_print_json(object);
}

/* Whether a preset's option is as its family's. */
static bool as_family(const cinch_family_info *family, int index, const cinch_option_info *option)
{
    cinch_option_info own;
    if (!family->preset_of || !cinch_family_option(family->preset_of, index, &own)) return false;
    if (!own.fallback || !option->fallback) return own.fallback == option->fallback;
    return !strcmp(own.fallback, option->fallback);
}

static void print_family(const cinch_family_info *family)
{
    cinch_option_info option;
    cinch_cli_print("%s: %s\n", family->name, family->purpose);
    if (family->preset_of) cinch_cli_print("  a preset of %s; what differs from it:\n", family->preset_of);
    for (int i = 0; cinch_family_option(family->name, i, &option); i++) {
        if (!strcmp(option.key, "model.name") || as_family(family, i, &option)) continue;
        cinch_cli_print("  %-20s %-12s %s%s%s%s%s\n", leaf_of(option.key), option.fallback ? option.fallback : "-",
                        option.help, option.choices ? "; one of: " : "", option.choices ? option.choices : "",
                        option.flag ? "; " : "", option.flag ? option.flag : "");
    }
}

cinch_status cinch_verb_models(cinch_cli *cli)
{
    cinch_family_info family;
    TRY(cinch_cli_configure(cli));
    if (cli->json) return print_json();
    for (int i = 0; cinch_family(i, &family); i++) {
        if (i) cinch_cli_print("\n");
        print_family(&family);
    }
    return CINCH_OK;
}
