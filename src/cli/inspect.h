/* SPDX-License-Identifier: Apache-2.0 */
/* The three things that `inspect` can be asked about. cli->config is made. */
#ifndef CINCH_CLI_INSPECT_H
#define CINCH_CLI_INSPECT_H

#include "cli/cli.h"

cinch_status cinch_inspect_data(const cinch_cli *cli, const char *spec);
cinch_status cinch_inspect_file(const cinch_cli *cli, const char *path);
cinch_status cinch_inspect_run(cinch_cli *cli);

/* The tensors and the metadata of a safetensors file. */
json_t *cinch_inspect_tensors_json(const cinch_tensor_file *file);
json_t *cinch_inspect_metadata_json(const cinch_tensor_file *file);
void cinch_inspect_print_tensors(const cinch_tensor_file *file);

/* Layers of a model, also for --dry-run. */
json_t *cinch_inspect_layers_json(const cinch_model *model);
void cinch_inspect_print_layers(const cinch_model *model);

#endif
