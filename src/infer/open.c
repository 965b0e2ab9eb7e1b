/* SPDX-License-Identifier: Apache-2.0 */
/* Where a model is read from: a run folder, a file, or bytes in memory. */
#include "infer/handle.h"

#include <cinch/config.h>

#include "core/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* --- precision ---------------------------------------------------------------------------------------------------- */

cinch_status cinch_infer_precision(const char *name, cinch_precision *out)
{
    *out = CINCH_PRECISION_F32;
    if (!name) return CINCH_OK;
    const char *names[CINCH_PRECISION_BF16 + 1];
    for (int i = 0; i <= CINCH_PRECISION_BF16; i++) {
        names[i] = cinch_precision_name((cinch_precision)i);
        if (!strcmp(name, names[i])) return *out = (cinch_precision)i, CINCH_OK;
    }
    const char *near = cinch_nearest(name, names, CINCH_PRECISION_BF16 + 1);
    return cinch_fail(CINCH_USAGE, "precision '%s': unknown; did you mean %s? (f32 tf32 bf16)",
                      name, near ? near : "f32");
}

/* What was asked for, else what the run was trained in. */
static cinch_status choose_precision(const cinch_config *config, const char *wanted, cinch_precision *out)
{
    TRY(cinch_infer_precision(wanted, out));
    if (!wanted && config) *out = cinch_config_train(config)->precision;
    return CINCH_OK;
}

/* --- what a sample is, without cinch's metadata ------------------------------------------------------------------- */

static cinch_status read_section(const json_t *model, const char *name, cinch_border *border)
{
    const json_t *size = json_object_get(model, "input_size");
    const char *output = json_string_value(json_object_get(model, "output_activation"));
    if (!json_is_integer(size) || !output || !strcmp(output, "auto"))
        return cinch_fail(CINCH_DATA, "%s: its metadata do not hold cinch.model and cinch.sample, so config.json must "
                          "say model.input_size and model.output_activation, not \"auto\"", name);
    *border = (cinch_border){.sample = {.shape = CINCH_SHAPE(json_integer_value(size))}, .scale = 1};
    border->source = border->sample.shape;
    return CINCH_OK;
}

static cinch_status describe_by_config(const cinch_config *config, cinch_infer_source *source)
{
    json_t *model;
    source->json = cinch_config_model_json(config);
    TRY(cinch_json_parse(&model, source->json, source->name, CINCH_DATA));
    cinch_status status = read_section(model, source->name, &source->border);
    json_decref(model);
    return status;
}

static cinch_status describe(const cinch_config *config, cinch_infer_source *source)
{
    if (config && !cinch_tensor_file_metadata(source->file, "cinch.model")) return describe_by_config(config, source);
    return cinch_weights_describe(source->file, source->name, &source->json, &source->border);
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

static cinch_status open_tensors(cinch_infer **out, const cinch_tensor_file *file, const char *name,
                                 const cinch_config *config, const cinch_infer_options *options)
{
    cinch_infer_source source = {.name = name, .file = file};
    TRY(choose_precision(config, options->precision, &source.precision));
    TRY(describe(config, &source));
    return cinch_infer_create(out, &source, options);
}

static cinch_status open_file(cinch_infer **out, const char *path, const cinch_config *config,
                              const cinch_infer_options *options)
{
    cinch_tensor_file *file;
    TRY(cinch_tensor_file_open(&file, path));
    cinch_status status = open_tensors(out, file, path, config, options);
    cinch_tensor_file_free(file);
    return status;
}

/* Errors begin with the path. */
static cinch_status load_config(cinch_config *config, const char *path)
{
    TRY(cinch_config_load(config, path));
    cinch_status status = cinch_config_resolve(config);
    return status == CINCH_USAGE ? cinch_fail_in(status, path) : status;
}

/* *out is NULL where there is no such file. */
static cinch_status open_config(const char *path, cinch_config **out)
{
    struct stat about;
    *out = NULL;
    if (stat(path, &about) && errno == ENOENT) return CINCH_OK;
    TRY(cinch_config_create(out));
    cinch_status status = load_config(*out, path);
    if (!status) return CINCH_OK;
    cinch_config_free(*out);
    *out = NULL;
    return status == CINCH_USAGE ? CINCH_DATA : status;
}

static cinch_status open_parts(cinch_infer **out, const char *weights, const char *config_path,
                               const cinch_infer_options *options)
{
    struct stat about;
    cinch_config *config;
    if (stat(weights, &about) && errno == ENOENT)
        return cinch_fail(CINCH_DATA, "%s: no such file: has the run not come to an end? cinch train --resume",
                          weights);
    TRY(open_config(config_path, &config));
    cinch_status status = open_file(out, weights, config, options);
    cinch_config_free(config);
    return status;
}

static cinch_status open_folder(cinch_infer **out, const char *path, const cinch_infer_options *options)
{
    char *weights = cinch_format("%s/model.safetensors", path), *config = cinch_format("%s/config.json", path);
    cinch_status status = weights && config ? open_parts(out, weights, config, options) : CINCH_DEVICE;
    free(weights);
    free(config);
    return status;
}

cinch_status cinch_infer_open(cinch_infer **out, const char *path, const cinch_infer_options *options)
{
    static const cinch_infer_options defaults;
    struct stat about;
    *out = NULL;
    if (!path) return cinch_fail(CINCH_USAGE, "cinch_infer_open: no path");
    if (stat(path, &about)) return cinch_fail(CINCH_DATA, "%s: %s", path, strerror(errno));
    if (!options) options = &defaults;
    return S_ISDIR(about.st_mode) ? open_folder(out, path, options) : open_file(out, path, NULL, options);
}

cinch_status cinch_infer_open_memory(cinch_infer **out, const void *bytes, size_t size,
                                     const cinch_infer_options *options)
{
    static const cinch_infer_options defaults;
    static const char name[] = "the model in memory";
    cinch_tensor_file *file;
    *out = NULL;
    if (!bytes) return cinch_fail(CINCH_USAGE, "cinch_infer_open_memory: no bytes");
    TRY(cinch_tensor_file_open_memory(&file, bytes, size, name));
    cinch_status status = open_tensors(out, file, name, NULL, options ? options : &defaults);
    cinch_tensor_file_free(file);
    return status;
}
