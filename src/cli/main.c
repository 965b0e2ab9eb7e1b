/* SPDX-License-Identifier: Apache-2.0 */
/* The command: finds the verb, runs it, says in one line what went wrong. The exit code is the cinch_status. */
#include "cli/cli.h"

#include <cinch/version.h>

#include <signal.h>
#include <string.h>

static cinch_status print_version(void)
{
    char gpu[600];
    cinch_facts cpu;
    TRY(cinch_cli_look_at("cpu", 0, &cpu));
    cinch_cli_print("cinch %s\ncpu: %s\n", cinch_version(), cpu.text);
    if (cpu.notice) cinch_cli_print("cpu: %s\n", cpu.notice);
    cinch_cli_print("cuda: %s\n", cinch_cli_gpu(gpu, sizeof gpu));
    return CINCH_OK;
}

static cinch_status run_verb(const char *name, int argc, char **argv)
{
    cinch_cli cli = {0};
    TRY(cinch_verb_find(name, &cli.verb));
    cinch_status status = cinch_cli_parse(&cli, argc, argv, 2);
    if (!status && cli.help) cinch_help_verb(cli.verb);
    else if (!status) status = cli.verb->run(&cli);
    cinch_cli_free(&cli);
    return status;
}

static bool asks_for_help(const char *word)
{
    return !strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help");
}

/* Of all verbs, or of the one that is named. */
static cinch_status help(int argc, char **argv)
{
    const cinch_verb *verb;
    if (argc > 3) return cinch_cli_fail(CINCH_USAGE, "'%s': one argument too many; usage: cinch help [VERB]", argv[3]);
    if (argc < 3 || asks_for_help(argv[2])) return cinch_help_all(), CINCH_OK;
    if (!strcmp(argv[2], "--version")) return print_version();
    TRY(cinch_verb_find(argv[2], &verb));
    return cinch_help_verb(verb), CINCH_OK;
}

static cinch_status run(int argc, char **argv)
{
    const char *first = argc > 1 ? argv[1] : "--help";
    if (!strcmp(first, "--version")) return print_version();
    if (!strcmp(first, "--document")) return cinch_document(argc > 2 ? argv[2] : NULL);
    return asks_for_help(first) ? help(argc, argv) : run_verb(first, argc, argv);
}

int main(int argc, char **argv)
{
    /* A full disk, a size limit or a closed pipe shall be an error of the write, not the end. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    cinch_cli_open_streams();
    cinch_status status = cinch_cli_close_streams(run(argc, argv));
    if (status) cinch_cli_print_error();
    return (int)status;
}
