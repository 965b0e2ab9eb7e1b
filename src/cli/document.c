/* SPDX-License-Identifier: Apache-2.0 */
/* Manual pages and the shell's completion, put together from the tables of verbs, flags and options; the build runs
   `cinch --document` for them. */
#include "cli/cli.h"

#include <cinch/version.h>

#include <stdio.h>
#include <string.h>

/* --- manual pages: man(7) ----------------------------------------------------------------------------------------- */

/* Text of a page: what roff would read as a command or a hyphen is escaped. */
static void print_roff(const char *text)
{
    for (bool begins = true; *text; begins = *text++ == '\n') {
        if (begins && (*text == '.' || *text == '\'')) cinch_cli_print("\\&");
        if (*text == '-') cinch_cli_print("\\-");
        else if (*text == '\\') cinch_cli_print("\\e");
        else cinch_cli_print("%c", *text);
    }
}

static void print_heading(const char *name, const char *summary)
{
    cinch_cli_print(".TH %s 1 \"\" \"cinch %s\" \"User Commands\"\n.SH NAME\n%s \\- ", name, CINCH_VERSION, name);
    print_roff(summary);
    cinch_cli_print("\n.SH SYNOPSIS\n.nf\n");
}

static void print_item(const char *name, const char *value, const char *help)
{
    cinch_cli_print(".TP\n.B ");
    print_roff(name);
    if (value) {
        cinch_cli_print(" \\fI");
        print_roff(value);
        cinch_cli_print("\\fR");
    }
    cinch_cli_print("\n");
    print_roff(help);
    cinch_cli_print("\n");
}

static void print_exit_codes(void)
{
    static const struct { const char *code, *text; } codes[] = {
        {"0", "success"}, {"1", "a defect in cinch"}, {"2", "a wrong flag or configuration"},
        {"3", "input data or files"}, {"4", "device or memory"}, {"5", "a loss or gradient that is not finite"},
        {"6", "a file that could not be written"}, {"75, 130, 143", "stopped by SIGUSR1, SIGINT, SIGTERM, and saved"}};
    cinch_cli_print(".SH EXIT STATUS\n");
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) print_item(codes[i].code, NULL, codes[i].text);
}

static void print_man(void)
{
    const cinch_verb *verb;
    char name[64];
    print_heading("cinch", "trains, evaluates and uses autoencoders");
    cinch_cli_print("cinch VERB [...]\ncinch VERB \\-\\-help\ncinch \\-\\-version\n.fi\n.SH VERBS\n");
    for (int i = 0; (verb = cinch_verb_at(i)); i++) {
        snprintf(name, sizeof name, "cinch-%s(1)", verb->name);
        print_item(name, NULL, verb->summary);
    }
    print_exit_codes();
}

static void print_options(const cinch_verb *verb)
{
    const cinch_flag *flag;
    cinch_option_info option;
    char help[1024];
    cinch_cli_print(".SH OPTIONS\n");
    for (int i = 0; cinch_flag_at(verb, i, &flag); i++) print_item(flag->name, flag->value, flag->help);
    for (int i = 0; cinch_flag_key_at(verb, i, &option); i++) {
        cinch_help_option(verb, &option, help, sizeof help);
        print_item(option.flag, cinch_help_placeholder(&option), help);
    }
}

static void print_verb_man(const cinch_verb *verb)
{
    char name[64];
    snprintf(name, sizeof name, "cinch-%s", verb->name);
    print_heading(name, verb->summary);
    print_roff("cinch ");
    print_roff(verb->name);
    print_roff(" ");
    print_roff(verb->usage);
    cinch_cli_print("\n.fi\n.SH DESCRIPTION\n");
    print_roff(verb->text);
    print_options(verb);
    cinch_cli_print(".SH EXAMPLES\n.nf\n");
    print_roff(verb->example);
    cinch_cli_print(".fi\n.SH SEE ALSO\n.BR cinch (1)\n");
}

/* --- bash --------------------------------------------------------------------------------------------------------- */

static void print_flags(const cinch_verb *verb)
{
    const cinch_flag *flag;
    cinch_option_info option;
    cinch_cli_print("    %s) flags='", verb->name);
    for (int i = 0; cinch_flag_at(verb, i, &flag); i++) cinch_cli_print("%s%s", i ? " " : "", flag->name);
    for (int i = 0; cinch_flag_key_at(verb, i, &option); i++) cinch_cli_print(" %s", option.flag);
    cinch_cli_print("' ;;\n");
}

static void print_model_names(void)
{
    cinch_family_info family;
    cinch_cli_print("    --model) choices='");
    for (int i = 0; cinch_family(i, &family); i++) cinch_cli_print("%s%s", i ? " " : "", family.name);
    cinch_cli_print("' ;;\n");
}

/* Words that may follow a flag. */
static void print_choices(const cinch_verb *all)
{
    cinch_option_info option;
    print_model_names();
    for (int i = 0; cinch_flag_key_at(all, i, &option); i++)
        if (option.choices) cinch_cli_print("    %s) choices='%s' ;;\n", option.flag, option.choices);
    cinch_cli_print("    --device) choices='auto cpu cuda' ;;\n");
}

static void print_bash(void)
{
    const cinch_verb *verb;
    cinch_cli_print("# bash completion for cinch %s\n_cinch()\n{\n"
                    "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} flags= choices=\n"
                    "    if [ \"$COMP_CWORD\" = 1 ]; then\n        COMPREPLY=($(compgen -W '", CINCH_VERSION);
    for (int i = 0; (verb = cinch_verb_at(i)); i++) cinch_cli_print("%s ", verb->name);
    cinch_cli_print("--help --version' -- \"$word\"))\n        return\n    fi\n    case $before in\n");
    print_choices(cinch_verb_at(0));
    cinch_cli_print("    esac\n    case ${COMP_WORDS[1]} in\n");
    for (int i = 0; (verb = cinch_verb_at(i)); i++) print_flags(verb);
    cinch_cli_print("    esac\n    if [ -n \"$choices\" ]; then COMPREPLY=($(compgen -W \"$choices\" -- \"$word\"))\n"
                    "    elif [[ $word == -* ]]; then COMPREPLY=($(compgen -W \"$flags\" -- \"$word\"))\n    fi\n}\n"
                    "complete -o default -F _cinch cinch\n");
}

cinch_status cinch_document(const char *what)
{
    const cinch_verb *verb;
    if (what && !strcmp(what, "bash")) return print_bash(), CINCH_OK;
    if (what && !strcmp(what, "man")) return print_man(), CINCH_OK;
    if (!what || strncmp(what, "man-", 4))
        return cinch_cli_fail(CINCH_USAGE, "--document: wants man, man-VERB or bash");
    TRY(cinch_verb_find(what + 4, &verb));
    print_verb_man(verb);
    return CINCH_OK;
}
