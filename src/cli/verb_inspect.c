/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* --- layers ------------------------------------------------------------------------------------------------------- */

json_t *cinch_inspect_layers_json(const cinch_model *model)
{
    json_t *array = json_array();
    for (int i = 0; i < cinch_model_layer_count(model); i++) {
        cinch_layer_info layer = cinch_model_layer(model, i);
        json_t *row = json_object();
        cinch_cli_json_set(row, "name", cinch_cli_json_text(layer.name));
        cinch_cli_json_set(row, "kind", cinch_cli_json_text(layer.kind));
        cinch_cli_json_set(row, "parameters", json_integer(layer.parameters));
        cinch_cli_json_add(array, row);
    }
    return array;
}

void cinch_inspect_print_layers(const cinch_model *model)
{
    for (int i = 0; i < cinch_model_layer_count(model); i++) {
        cinch_layer_info layer = cinch_model_layer(model, i);
        cinch_cli_print("  %-16s %-28s", layer.name, layer.kind);
        if (layer.parameters) cinch_cli_print(" %12lld", (long long)layer.parameters);
        cinch_cli_print("\n");
    }
}

/* --- a run -------------------------------------------------------------------------------------------------------- */

/* A text of JSON that the library wrote; NULL when memory is short. Read twice, for jansson 2.14 loses a letter where
   it gets no memory for it, and goes on. */
static json_t *parsed(const char *text)
{
    json_t *value = json_loads(text, 0, NULL), *again = json_loads(text, 0, NULL);
    bool whole = value && again && json_equal(value, again);
    json_decref(again);
    if (whole) return value;
    json_decref(value);
    return NULL;
}

static cinch_status print_run_json(const cinch_run *run, const cinch_tensor_file *file, const char *config,
                                   int64_t total)
{
    const cinch_model *model = cinch_run_model(run);
    json_t *o = json_object();
    cinch_cli_json_set(o, "kind", cinch_cli_json_text("run"));
    cinch_cli_json_set(o, "path", cinch_cli_json_text(cinch_run_path(run)));
    cinch_cli_json_set(o, "model", parsed(cinch_model_json(model)));
    cinch_cli_json_set(o, "sample", cinch_cli_json_sizes(cinch_model_sample(model).shape));
    cinch_cli_json_set(o, "code", cinch_cli_json_sizes(cinch_model_code_shape(model)));
    cinch_cli_json_set(o, "parameters", json_integer(total));
    cinch_cli_json_set(o, "layers", cinch_inspect_layers_json(model));
    cinch_cli_json_set(o, "tensors", cinch_inspect_tensors_json(file));
    cinch_cli_json_set(o, "metadata", cinch_inspect_metadata_json(file));
    cinch_cli_json_set(o, "config", parsed(config));
    return cinch_cli_print_json(o);
}

static void print_run(const cinch_run *run, const cinch_tensor_file *file, int64_t total)
{
    char sample[96], code[96];
    const cinch_model *model = cinch_run_model(run);
    cinch_cli_print("%s: %s on %s\n", cinch_run_path(run), cinch_model_name(model),
                    cinch_config_data(cinch_run_config(run))->spec);
    cinch_cli_print("  sample %s, code %s\n\nlayers:\n",
                    cinch_cli_shape(cinch_model_sample(model).shape, sample, sizeof sample),
                    cinch_cli_shape(cinch_model_code_shape(model), code, sizeof code));
    cinch_inspect_print_layers(model);
    cinch_cli_print("  %lld parameters\n\nmodel.safetensors:\n", (long long)total);
    cinch_inspect_print_tensors(file);
}

static cinch_status show_run(const cinch_cli *cli, cinch_run *run, const cinch_tensor_file *file)
{
    char *config;
    int64_t total = cinch_params_total(cinch_run_params(run));
    if (!cli->json) return print_run(run, file, total), CINCH_OK;
    TRY(cinch_config_text(cinch_run_config(run), &config));
    cinch_status status = print_run_json(run, file, config, total);
    cinch_free(config);
    return status;
}

static cinch_status open_weights(const cinch_run *run, cinch_tensor_file **file)
{
    char *path;
    if (asprintf(&path, "%s/model.safetensors", cinch_run_path(run)) < 0) return cinch_cli_no_memory();
    cinch_status status = cinch_tensor_file_open(file, path);
    free(path);
    return status;
}

cinch_status cinch_inspect_run(cinch_cli *cli)
{
    cinch_run *run;
    cinch_tensor_file *file = NULL;
    const cinch_train_config *t = cinch_config_train(cli->config);
    cinch_run_options options = {.device = t->device, .threads = t->threads};
    TRY(cinch_run_open(&run, cli->operand, &options));
    cinch_status status = open_weights(run, &file);
    if (!status) status = show_run(cli, run, file);
    cinch_tensor_file_free(file);
    cinch_run_free(run);
    return status;
}

/* --- which it is -------------------------------------------------------------------------------------------------- */

static bool has_file(const char *folder, const char *name)
{
    char path[4096];
    struct stat found;
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    return n > 0 && n < (int)sizeof path && stat(path, &found) == 0;
}

/* By its name, or as its first bytes say: a length of eight bytes, then a brace. */
static bool is_tensor_file(const char *path)
{
    unsigned char head[9] = {0};
    struct stat found;
    size_t n = strlen(path), m = strlen(".safetensors");
    if (stat(path, &found) || !S_ISREG(found.st_mode)) return false;
    if (n > m && !strcmp(path + n - m, ".safetensors")) return true;
    FILE *file = fopen(path, "rbe");
    bool read = file && fread(head, 1, sizeof head, file) == sizeof head;
    if (file) fclose(file);
    return read && head[8] == '{' && !head[7] && !head[6] && !head[5] && !head[4];
}

cinch_status cinch_verb_inspect(cinch_cli *cli)
{
    TRY(cinch_cli_configure(cli));
    if (has_file(cli->operand, "config.json")) return cinch_inspect_run(cli);
    if (is_tensor_file(cli->operand)) return cinch_inspect_file(cli, cli->operand);
    return cinch_inspect_data(cli, cli->operand);
}
