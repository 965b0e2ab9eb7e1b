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

static void print_key(cinch_config *config, const cinch_option_info *option)
{
    char line[512];
    const char *value = cinch_config_get(config, option->key);
    snprintf(line, sizeof line, "%s = %s", option->key, value ? value : "null");
    cinch_cli_print("%-36s %s%s%s%s%s\n", line, option->help, option->choices ? "; one of: " : "",
                    option->choices ? option->choices : "", option->flag ? "; " : "", option->flag ? option->flag : "");
}

/* Another family's options are not in the configuration. */
static bool belongs(cinch_config *config, const cinch_option_info *option)
{
    return strncmp(option->key, "model.", 6) || cinch_config_get(config, option->key);
}

/* The families' own options come last in the list of options, and in the configuration first. */
static void print_keys(cinch_config *config)
{
    cinch_option_info option;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; cinch_cli_option(i, &option); i++) {
            bool model = !strncmp(option.key, "model.", 6);
            if (model == (pass == 0) && belongs(config, &option)) print_key(config, &option);
        }
    }
}

cinch_status cinch_verb_config(cinch_cli *cli)
{
    TRY(cinch_cli_configure(cli));
    if (cli->json) return print_json(cli->config);
    print_keys(cli->config);
    return CINCH_OK;
}
