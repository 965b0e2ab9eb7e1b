/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

static cinch_status print_json(const cinch_config *config)
{
    char *text;
    TRY(cinch_config_text(config, &text));
    cinch_cli_print("%s\n", text);
    cinch_free(text);
    return CINCH_OK;
}

/* Every key has a value, so that only memory can be missing. */
static cinch_status print_key(cinch_config *config, const cinch_option_info *option)
{
    char line[512];
    const char *value = cinch_config_get(config, option->key);
    if (!value) return cinch_cli_no_memory();
    snprintf(line, sizeof line, "%s = %s", option->key, value);
    cinch_cli_print("%-36s %s%s%s%s%s\n", line, option->help, option->choices ? "; one of: " : "",
                    option->choices ? option->choices : "", option->flag ? "; " : "", option->flag ? option->flag : "");
    return CINCH_OK;
}

static cinch_status print_model_keys(cinch_config *config)
{
    cinch_option_info option;
    char family[64] = "";
    const char *name = cinch_config_get(config, "model.name");
    if (!name) return cinch_cli_no_memory();
    sscanf(name, "\"%63[^\"]", family);
    for (int i = 0; cinch_family_option(family, i, &option); i++) TRY(print_key(config, &option));
    return CINCH_OK;
}

static cinch_status print_keys(cinch_config *config)
{
    cinch_option_info option;
    TRY(print_model_keys(config));
    for (int i = 0; cinch_config_option(i, &option); i++)
        if (strncmp(option.key, "model.", 6)) TRY(print_key(config, &option));
    return CINCH_OK;
}

cinch_status cinch_verb_config(cinch_cli *cli)
{
    TRY(cinch_cli_configure(cli));
    if (cli->json) return print_json(cli->config);
    return print_keys(cli->config);
}
