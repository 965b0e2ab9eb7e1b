/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <string.h>

typedef struct row {
    const char *name;
    bool usable;
    char text[512];          /* what it is, or why it cannot be used */
} row;

static row look(const char *name, int threads)
{
    row r = {.name = name};
    cinch_device *device;
    cinch_device_options options = {.threads = threads};
    r.usable = !cinch_device_open(&device, name, &options);
    if (!r.usable) {
        cinch_cli_no_gpu(r.text, sizeof r.text);
        return r;
    }
    cinch_device_describe(device, r.text, sizeof r.text);
    cinch_device_free(device);
    return r;
}

static json_t *row_json(const row *r)
{
    json_t *object = json_object();
    cinch_cli_json_set(object, "name", cinch_cli_json_text(r->name));
    cinch_cli_json_set(object, "usable", json_boolean(r->usable));
    cinch_cli_json_set(object, r->usable ? "description" : "reason", cinch_cli_json_text(r->text));
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
    cinch_device *cpu;
    TRY(cinch_device_open(&cpu, "cpu", &(cinch_device_options){.threads = threads}));
    cinch_device_free(cpu);
    row rows[] = {look("cpu", threads), look("cuda", threads)};
    int n = sizeof rows / sizeof *rows;
    if (cli->json) return print_json(rows, n);
    for (int i = 0; i < n; i++)
        cinch_cli_print("%-6s %s%s\n", rows[i].name, rows[i].usable ? "" : "not usable: ", rows[i].text);
    return CINCH_OK;
}
