/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct row {
    bool usable;
    char reason[512];        /* why it is not usable */
    cinch_facts facts;       /* its name always */
} row;

static row look(const char *name, int threads)
{
    row r = {0};
    r.usable = !cinch_cli_look_at(name, threads, &r.facts);
    if (r.usable) return r;
    snprintf(r.facts.name, sizeof r.facts.name, "%s", name);
    const char *error = cinch_last_error(), *colon = strstr(error, ": ");
    bool named = !strncmp(error, "device ", strlen("device ")) && colon; /* "device cuda:1: ", as the row says */
    snprintf(r.reason, sizeof r.reason, "%s", named ? colon + 2 : error);
    return r;
}

static json_t *row_json(const row *r)
{
    json_t *object = json_object();
    cinch_cli_json_set(object, "name", cinch_cli_json_text(r->facts.name));
    cinch_cli_json_set(object, "usable", json_boolean(r->usable));
    cinch_cli_json_set(object, r->usable ? "description" : "reason",
                       cinch_cli_json_text(r->usable ? r->facts.text : r->reason));
    if (r->facts.notice) cinch_cli_json_set(object, "notice", cinch_cli_json_text(r->facts.notice));
    if (!r->facts.memory.total) return object;
    cinch_cli_json_set(object, "memory_total", json_integer((json_int_t)r->facts.memory.total));
    cinch_cli_json_set(object, "memory_available", json_integer((json_int_t)r->facts.memory.available));
    return object;
}

static cinch_status print_json(const row *rows, int n)
{
    json_t *list = json_array(), *object = json_object();
    for (int i = 0; i < n; i++) cinch_cli_json_add(list, row_json(&rows[i]));
    cinch_cli_json_set(object, "devices", list);
    return cinch_cli_print_json(object);
}

static double gib(size_t bytes) { return (double)bytes / (1 << 30); }

static void print_row(const row *r)
{
    const cinch_facts *f = &r->facts;
    cinch_cli_print("%-6s %s%s", f->name, r->usable ? "" : "not usable: ", r->usable ? f->text : r->reason);
    if (f->memory.total) cinch_cli_print(", %.1f of %.1f GiB free", gib(f->memory.available), gib(f->memory.total));
    cinch_cli_print("\n");
    if (f->notice) cinch_cli_print("%-6s %s\n", "", f->notice);
}

/* One row a GPU; one that says why there is none. */
static int look_at_gpus(row *rows, int gpus, int threads)
{
    char name[32];
    for (int i = 0; i < gpus; i++) {
        snprintf(name, sizeof name, "cuda:%d", i);
        rows[i] = look(name, threads);
    }
    if (!gpus) rows[0] = look("cuda", threads);
    return gpus ? gpus : 1;
}

cinch_status cinch_verb_devices(cinch_cli *cli)
{
    TRY(cinch_cli_configure(cli));
    int gpus, threads = cinch_config_train(cli->config)->threads;
    cinch_facts cpu;
    TRY(cinch_cli_look_at("cpu", threads, &cpu)); /* a CPU that cannot be opened is an error */
    cinch_device_gpus(&gpus);
    row *rows = calloc((size_t)gpus + 2, sizeof *rows);
    if (!rows) return cinch_cli_no_memory();
    rows[0] = (row){.usable = true, .facts = cpu};
    int n = 1 + look_at_gpus(rows + 1, gpus, threads);
    cinch_status status = cli->json ? print_json(rows, n) : CINCH_OK;
    for (int i = 0; !cli->json && i < n; i++) print_row(&rows[i]);
    free(rows);
    return status;
}
