/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <string.h>

typedef struct row {
    const char *name;
    bool usable;
    char text[512];          /* what it is, or why it cannot be used */
    const char *notice;
} row;

static row look(const char *name, int threads)
{
    row r = {.name = name};
    cinch_facts facts;
    r.usable = !cinch_cli_look_at(name, threads, &facts);
    if (!r.usable) {
        cinch_cli_no_gpu(r.text, sizeof r.text);
        return r;
    }
    memcpy(r.text, facts.text, sizeof r.text);
    r.notice = facts.notice;
    return r;
}

static json_t *row_json(const row *r)
{
    json_t *object = json_object();
    cinch_cli_json_set(object, "name", cinch_cli_json_text(r->name));
    cinch_cli_json_set(object, "usable", json_boolean(r->usable));
    cinch_cli_json_set(object, r->usable ? "description" : "reason", cinch_cli_json_text(r->text));
    if (r->notice) cinch_cli_json_set(object, "notice", cinch_cli_json_text(r->notice));
    return object;
}

static cinch_status print_json(const row *rows, int n)
{
    json_t *list = json_array(), *object = json_object();
    for (int i = 0; i < n; i++) cinch_cli_json_add(list, row_json(&rows[i]));
    cinch_cli_json_set(object, "devices", list);
    return cinch_cli_print_json(object);
}

cinch_status cinch_verb_devices(cinch_cli *cli)
{
    TRY(cinch_cli_configure(cli));
    int threads = cinch_config_train(cli->config)->threads;
    cinch_facts cpu;
    TRY(cinch_cli_look_at("cpu", threads, &cpu)); /* a CPU that cannot be opened is an error */
    row rows[] = {look("cpu", threads), look("cuda", threads)};
    int n = sizeof rows / sizeof *rows;
    if (cli->json) return print_json(rows, n);
    for (int i = 0; i < n; i++) {
        cinch_cli_print("%-6s %s%s\n", rows[i].name, rows[i].usable ? "" : "not usable: ", rows[i].text);
        if (rows[i].notice) cinch_cli_print("%-6s %s\n", "", rows[i].notice);
    }
    return CINCH_OK;
}
