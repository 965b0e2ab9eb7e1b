/* SPDX-License-Identifier: Apache-2.0 */
/* inspect FILE: what a safetensors file holds. */
#include "cli/inspect.h"

static cinch_shape shape_of(const cinch_tensor_entry *entry)
{
    cinch_shape shape = {0};
    for (; shape.rank < entry->rank && shape.rank < CINCH_RANK_MAX; shape.rank++)
        shape.dim[shape.rank] = entry->dim[shape.rank];
    return shape;
}

/* Files of others may hold tensors of more axes than a cinch_shape. */
static json_t *sizes_json(const cinch_tensor_entry *entry)
{
    json_t *array = json_array();
    for (int i = 0; i < entry->rank; i++) cinch_cli_json_add(array, json_integer(entry->dim[i]));
    return array;
}

static json_t *entry_json(const cinch_tensor_entry *entry)
{
    json_t *object = json_object();
    cinch_cli_json_set(object, "name", cinch_cli_json_text(entry->name));
    cinch_cli_json_set(object, "type", cinch_cli_json_text(cinch_element_name(entry->element)));
    cinch_cli_json_set(object, "shape", sizes_json(entry));
    cinch_cli_json_set(object, "bytes", json_integer(entry->bytes));
    return object;
}

json_t *cinch_inspect_tensors_json(const cinch_tensor_file *file)
{
    json_t *array = json_array();
    for (int64_t i = 0; i < cinch_tensor_file_count(file); i++)
        cinch_cli_json_add(array, entry_json(cinch_tensor_file_entry(file, i)));
    return array;
}

json_t *cinch_inspect_metadata_json(const cinch_tensor_file *file)
{
    const char *key, *value;
    json_t *object = json_object();
    for (int64_t i = 0; cinch_tensor_file_metadata_at(file, i, &key, &value); i++)
        cinch_cli_json_set(object, key, cinch_cli_json_text(value));
    return object;
}

/* Names come from the file; what would steer a terminal is shown as ?. */
static void print_safely(const char *text, int longest)
{
    int n = 0;
    for (; *text && n < longest; text++, n++)
        cinch_cli_print("%c", (unsigned char)*text < 32 || *text == 127 ? '?' : *text);
    if (*text) cinch_cli_print("...");
}

static int64_t total_bytes(const cinch_tensor_file *file)
{
    int64_t bytes = 0;
    for (int64_t i = 0; i < cinch_tensor_file_count(file); i++) bytes += cinch_tensor_file_entry(file, i)->bytes;
    return bytes;
}

void cinch_inspect_print_tensors(const cinch_tensor_file *file)
{
    char shape[128];
    for (int64_t i = 0; i < cinch_tensor_file_count(file); i++) {
        const cinch_tensor_entry *e = cinch_tensor_file_entry(file, i);
        cinch_cli_print("  %-6s %-20s %12lld bytes  ", cinch_element_name(e->element),
                        cinch_cli_shape(shape_of(e), shape, sizeof shape), (long long)e->bytes);
        print_safely(e->name, 200);
        cinch_cli_print("\n");
    }
    cinch_cli_print("  %lld tensors, %lld bytes\n", (long long)cinch_tensor_file_count(file),
                    (long long)total_bytes(file));
}

static void print_metadata(const cinch_tensor_file *file)
{
    const char *key, *value;
    for (int64_t i = 0; cinch_tensor_file_metadata_at(file, i, &key, &value); i++) {
        cinch_cli_print("  ");
        print_safely(key, 60);
        cinch_cli_print(": ");
        print_safely(value, 400);
        cinch_cli_print("\n");
    }
}

static cinch_status print_json(const cinch_tensor_file *file, const char *path)
{
    json_t *object = json_object();
    cinch_cli_json_set(object, "kind", cinch_cli_json_text("safetensors"));
    cinch_cli_json_set(object, "path", cinch_cli_json_text(path));
    cinch_cli_json_set(object, "bytes", json_integer(total_bytes(file)));
    cinch_cli_json_set(object, "metadata", cinch_inspect_metadata_json(file));
    cinch_cli_json_set(object, "tensors", cinch_inspect_tensors_json(file));
    return cinch_cli_print_json(object);
}

cinch_status cinch_inspect_file(const cinch_cli *cli, const char *path)
{
    cinch_tensor_file *file;
    cinch_status status = CINCH_OK;
    TRY(cinch_tensor_file_open(&file, path));
    if (cli->json) {
        status = print_json(file, path);
    } else {
        cinch_cli_print("%s: safetensors\n", path);
        print_metadata(file);
        cinch_inspect_print_tensors(file);
    }
    cinch_tensor_file_free(file);
    return status;
}
