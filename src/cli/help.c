/* SPDX-License-Identifier: Apache-2.0 */
/* Help, put together from the tables of verbs, flags and options. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

enum { LEFT = 28, WIDTH = 100 };

void cinch_help_all(void)
{
    const cinch_verb *verb;
    cinch_cli_print("usage: cinch VERB [...]\n\nTrains, evaluates and uses autoencoders.\n\n");
    for (int i = 0; (verb = cinch_verb_at(i)); i++) cinch_cli_print("  %-12s  %s\n", verb->name, verb->summary);
    cinch_cli_print("\n`cinch VERB --help` says more; `cinch --version` says what this cinch is built on.\n");
}

/* `text` from column LEFT on, wrapped between words. */
static void print_wrapped(int column, const char *text)
{
    if (column >= LEFT) {
        cinch_cli_print("\n");
        column = 0;
    }
    cinch_cli_print("%*s", LEFT - column, "");
    for (int at = LEFT; *text;) {
        int word = (int)strcspn(text, " ");
        if (at > LEFT && at + 1 + word > WIDTH) {
            cinch_cli_print("\n%*s", LEFT, "");
            at = LEFT;
        }
        cinch_cli_print("%s%.*s", at > LEFT ? " " : "", word, text);
        at += word + (at > LEFT);
        text += word + (text[word] == ' ');
    }
    cinch_cli_print("\n");
}

static void print_row(const char *name, const char *value, const char *help)
{
    char left[96];
    int column = snprintf(left, sizeof left, "  %s%s%s", name, value ? " " : "", value ? value : "");
    cinch_cli_print("%s", left);
    print_wrapped(column, help);
}

/* "N" for an int, "X" for a number, ...; of strings it is the key that says what they are. */
const char *cinch_help_placeholder(const cinch_option_info *option)
{
    static const struct { const char *of, *text; } rows[] = {
        {"int", "N"}, {"number", "X"}, {"ints", "N,N"}, {"numbers", "X,X"}, {"seconds", "TIME"}, {"enum", "NAME"},
        {"bool", NULL}, {"data.spec", "SPEC"}, {"data.val_spec", "SPEC"}, {"train.from_weights", "FILE"},
        {"train.checkpoint_every", "EVERY"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!strcmp(option->type, rows[i].of) || !strcmp(option->key, rows[i].of)) return rows[i].text;
    return "NAME";
}

/* Defaults are those of a new run: the verbs on a run go by what it has. */
void cinch_help_option(const cinch_verb *verb, const cinch_option_info *option, char *text, size_t size)
{
    bool alone = !strcmp(option->type, "bool"), fallback = option->fallback && !alone && verb->keys == CINCH_KEYS_ALL;
    snprintf(text, size, "%s%s%s%s%s%s%s", option->help, option->choices ? "; one of: " : "",
             option->choices ? option->choices : "", fallback ? " [" : "", fallback ? option->fallback : "",
             fallback ? "]" : "", alone && !strncmp(option->flag, "--no-", 5) ? " (this flag: not)" : "");
}

static void print_option(const cinch_verb *verb, const cinch_option_info *option)
{
    char help[1024];
    cinch_help_option(verb, option, help, sizeof help);
    print_row(option->flag, cinch_help_placeholder(option), help);
}

static bool in_section(const cinch_option_info *option, const char *section)
{
    size_t length = strlen(section);
    return !strncmp(option->key, section, length) && option->key[length] == '.';
}

static void print_section(const cinch_verb *verb, const char *section)
{
    cinch_option_info option;
    bool begun = false;
    for (int i = 0; cinch_flag_key_at(verb, i, &option); i++) {
        if (!in_section(&option, section)) continue;
        if (!begun) cinch_cli_print("\n%s:\n", section);
        begun = true;
        print_option(verb, &option);
    }
}

static void print_flags(const cinch_verb *verb)
{
    static const char *const sections[] = {"model", "data", "loss", "optimizer", "schedule", "train"};
    const cinch_flag *flag;
    cinch_cli_print("\n");
    for (int i = 0; cinch_flag_at(verb, i, &flag); i++) print_row(flag->name, flag->value, flag->help);
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) print_section(verb, sections[i]);
}

void cinch_help_verb(const cinch_verb *verb)
{
    cinch_cli_print("usage: cinch %s %s\n\n%s", verb->name, verb->usage, verb->text);
    print_flags(verb);
    cinch_cli_print("\nexample:\n%s", verb->example);
}
