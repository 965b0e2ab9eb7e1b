/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: flags in any order, --flag VALUE or --flag=VALUE, the last of a flag wins. */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct cursor {
    char **argv;
    int argc, at;
} cursor;

/* A value never begins with --, so that a forgotten one does not eat the next flag; -1 and - are values. */
static cinch_status take_value(cursor *c, const char *name, const char *help, const char **value)
{
    if (*value) return CINCH_OK;
    if (c->at + 1 >= c->argc || !strncmp(c->argv[c->at + 1], "--", 2))
        return cinch_cli_fail(CINCH_USAGE, "%s: needs a value: %s", name, help);
    *value = c->argv[++c->at];
    return CINCH_OK;
}

static void assign(cinch_cli *cli, const char *name, const char *value, bool by_flag)
{
    cli->assignments[cli->n_assignments++] = (cinch_assignment){name, value, by_flag};
}

static cinch_status take_set(cinch_cli *cli, const char *text)
{
    cinch_option_info option;
    char *equals = strchr(text, '=');
    if (!equals || equals == text) return cinch_cli_fail(CINCH_USAGE, "--set %s: must be KEY=VALUE", text);
    *equals = '\0'; /* argv may be written to */
    if (cli->verb->keys != CINCH_KEYS_ALL) {
        TRY(cinch_config_find(text, &option));
        if (!cinch_flag_takes(cli->verb, &option))
            return cinch_cli_fail(CINCH_USAGE, "--set %s: is for training; %s takes only keys that say what data is "
                                               "and how it is read", text, cli->verb->name);
    }
    assign(cli, text, equals + 1, false);
    return CINCH_OK;
}

static cinch_status take_own(cinch_cli *cli, cursor *c, const cinch_flag *flag, const char *value)
{
    void *field = (char *)cli + flag->offset;
    if (!flag->value) {
        if (value) return cinch_cli_fail(CINCH_USAGE, "%s: takes no value", flag->name);
        *(bool *)field = true;
        return CINCH_OK;
    }
    TRY(take_value(c, flag->name, flag->help, &value));
    if (!*value) return cinch_cli_fail(CINCH_USAGE, "%s: is empty; it names %s", flag->name, flag->help);
    if (!strcmp(flag->name, "--set")) return take_set(cli, value);
    if (!strcmp(flag->name, "--config")) cli->files[cli->n_files++] = value;
    else *(const char **)field = value;
    return CINCH_OK;
}

static cinch_status take_option(cinch_cli *cli, cursor *c, const cinch_option_info *option, const char *name,
                                const char *value)
{
    if (strcmp(option->type, "bool")) TRY(take_value(c, name, option->help, &value));
    assign(cli, name, value, true);
    return CINCH_OK;
}

static cinch_status take_flag(cinch_cli *cli, cursor *c)
{
    char *name = c->argv[c->at], *equals = strchr(name, '=');
    cinch_option_info option;
    if (equals) *equals = '\0';
    const char *value = equals ? equals + 1 : NULL;
    const cinch_flag *own = cinch_flag_find(cli->verb, name);
    if (own) return take_own(cli, c, own, value);
    if (strncmp(name, "--", 2) || cinch_config_find(name, &option) || !cinch_flag_takes(cli->verb, &option))
        return cinch_flag_unknown(cli->verb, name);
    return take_option(cli, c, &option, name, value);
}

static cinch_status take_operand(cinch_cli *cli, const char *text)
{
    const cinch_verb *verb = cli->verb;
    if (cli->n_operands == verb->operands)
        return cinch_cli_fail(CINCH_USAGE, "'%s': one argument too many; usage: cinch %s %s", text, verb->name,
                              verb->usage);
    if (!*text) return cinch_cli_fail(CINCH_USAGE, "%s: an empty %s", verb->name, verb->operand);
    cli->operands[cli->n_operands++] = text;
    return CINCH_OK;
}

static cinch_status take_all(cinch_cli *cli, cursor *c)
{
    bool flags_end = false;
    for (; c->at < c->argc; c->at++) {
        const char *text = c->argv[c->at];
        bool is_flag = !flags_end && text[0] == '-' && text[1];
        if (is_flag && !strcmp(text, "--")) flags_end = true;
        else TRY(is_flag ? take_flag(cli, c) : take_operand(cli, text));
    }
    return CINCH_OK;
}

/* --- the command line as it was ----------------------------------------------------------------------------------- */

static bool is_plain(const char *word)
{
    return *word && !word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%")];
}

/* A word as a shell takes it: in quotes where it must be. */
static void print_word(FILE *text, const char *word)
{
    if (is_plain(word)) {
        fputs(word, text);
        return;
    }
    fputc('\'', text);
    for (; *word; word++) fputs(*word == '\'' ? "'\\''" : (char[]){*word, 0}, text);
    fputc('\'', text);
}

static cinch_status keep_command(cinch_cli *cli, int argc, char **argv)
{
    size_t size;
    FILE *text = open_memstream(&cli->command, &size);
    if (!text) return cinch_cli_no_memory();
    fputs("cinch", text);
    for (int i = 1; i < argc; i++) {
        fputc(' ', text);
        print_word(text, argv[i]);
    }
    return fclose(text) ? cinch_cli_no_memory() : CINCH_OK;
}

cinch_status cinch_cli_parse(cinch_cli *cli, int argc, char **argv, int from)
{
    TRY(keep_command(cli, argc, argv));
    cursor c = {argv, argc, from};
    const cinch_verb *verb = cli->verb;
    cli->assignments = calloc((size_t)argc, sizeof *cli->assignments);
    cli->files = calloc((size_t)argc, sizeof *cli->files);
    cli->operands = calloc((size_t)argc, sizeof *cli->operands); /* argv[0] is none of them */
    if (!cli->assignments || !cli->files || !cli->operands) return cinch_cli_no_memory();
    TRY(take_all(cli, &c));
    cli->operand = cli->operands[0];
    cli->second = cli->operand ? cli->operands[1] : NULL;
    if (cli->help || !verb->operands || cli->operand) return CINCH_OK;
    return cinch_cli_fail(CINCH_USAGE, "%s: %s is missing; usage: cinch %s %s", verb->name, verb->operand, verb->name,
                          verb->usage);
}

void cinch_cli_free(cinch_cli *cli)
{
    cinch_config_free(cli->config);
    free(cli->command);
    free(cli->assignments);
    free(cli->files);
    free(cli->operands);
}

/* --- the configuration -------------------------------------------------------------------------------------------- */

cinch_status cinch_cli_assign_one(const cinch_assignment *a, cinch_config *config)
{
    return a->by_flag ? cinch_config_set_flag(config, a->name, a->value) : cinch_config_set(config, a->name, a->value);
}

cinch_status cinch_cli_assign(const cinch_cli *cli, cinch_config *config)
{
    for (int i = 0; i < cli->n_assignments; i++) TRY(cinch_cli_assign_one(&cli->assignments[i], config));
    return CINCH_OK;
}

cinch_status cinch_cli_configure(cinch_cli *cli)
{
    TRY(cinch_config_create(&cli->config));
    for (int i = 0; i < cli->n_files; i++) TRY(cinch_config_load(cli->config, cli->files[i]));
    TRY(cinch_cli_assign(cli, cli->config));
    return cinch_config_resolve(cli->config);
}

bool cinch_cli_given(const cinch_cli *cli, const char *key)
{
    for (int i = 0; i < cli->n_assignments; i++) {
        cinch_option_info option;
        if (!cinch_config_find(cli->assignments[i].name, &option) && !strcmp(option.key, key)) return true;
    }
    return false;
}

cinch_status cinch_cli_whole(const char *flag, const char *text, int64_t low, int64_t fallback, int64_t *out)
{
    char *end;
    *out = fallback;
    if (!text) return CINCH_OK;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end || value < low)
        return cinch_cli_fail(CINCH_USAGE, "%s %s: must be a whole number from %lld", flag, text, (long long)low);
    *out = value;
    return CINCH_OK;
}
