/* SPDX-License-Identifier: Apache-2.0 */
/* inspect DATA: shape, type, ranges, missing values. */
#include "cli/inspect.h"

static json_t *parts_json(const cinch_dataset_info *info)
{
    json_t *parts = json_object();
    for (int p = 0; p < CINCH_PART_COUNT; p++)
        cinch_cli_json_set(parts, cinch_part_name((cinch_part)p), json_integer(info->part[p]));
    return parts;
}

static cinch_status print_json(const char *spec, const cinch_dataset_info *info, const cinch_dataset_stats *stats)
{
    json_t *o = json_object();
    bool bounded = info->low < info->high;
    cinch_cli_json_set(o, "kind", cinch_cli_json_text("data"));
    cinch_cli_json_set(o, "spec", cinch_cli_json_text(spec));
    cinch_cli_json_set(o, "reader", cinch_cli_json_text(info->reader));
    cinch_cli_json_set(o, "rows", json_integer(info->rows));
    cinch_cli_json_set(o, "container_test", json_integer(info->container_test));
    cinch_cli_json_set(o, "parts", parts_json(info));
    cinch_cli_json_set(o, "shape", cinch_cli_json_sizes(info->source));
    cinch_cli_json_set(o, "sample", cinch_cli_json_sizes(info->sample));
    cinch_cli_json_set(o, "type", cinch_cli_json_text(info->source_type));
    cinch_cli_json_set(o, "low", bounded ? cinch_cli_json_number(info->low) : json_null());
    cinch_cli_json_set(o, "high", bounded ? cinch_cli_json_number(info->high) : json_null());
    cinch_cli_json_set(o, "min", cinch_cli_json_number(stats->min));
    cinch_cli_json_set(o, "max", cinch_cli_json_number(stats->max));
    cinch_cli_json_set(o, "mean", cinch_cli_json_number(stats->mean));
    cinch_cli_json_set(o, "deviation", cinch_cli_json_number(stats->deviation));
    cinch_cli_json_set(o, "missing", json_integer(stats->nan));
    cinch_cli_json_set(o, "infinite", json_integer(stats->infinite));
    cinch_cli_json_set(o, "labels", json_boolean(info->has_labels));
    cinch_cli_json_set(o, "classes", json_integer(info->classes));
    return cinch_cli_print_json(o);
}

static void print_table(const cinch_dataset_info *info, const cinch_dataset_stats *stats)
{
    char shape[96], sample[96];
    cinch_cli_print("%s\n", info->description);
    cinch_cli_print("  sample     %s %s in the file, %s to a model\n",
                    cinch_cli_shape(info->source, shape, sizeof shape), info->source_type,
                    cinch_cli_shape(info->sample, sample, sizeof sample));
    cinch_cli_print("  parts      %lld train, %lld val, %lld test\n", (long long)info->part[CINCH_PART_TRAIN],
                    (long long)info->part[CINCH_PART_VAL], (long long)info->part[CINCH_PART_TEST]);
    cinch_cli_print("  values     %g to %g, mean %g, deviation %g\n", stats->min, stats->max, stats->mean,
                    stats->deviation);
    if (info->low < info->high) cinch_cli_print("  to a model %g to %g\n", info->low, info->high);
    else cinch_cli_print("  to a model as they are, no bounds are known\n");
    cinch_cli_print("  missing    %lld NaN, %lld infinite\n", (long long)stats->nan, (long long)stats->infinite);
    if (info->has_labels) cinch_cli_print("  labels     %d classes\n", info->classes);
}

static cinch_status open_data(cinch_config *config, const char *spec, cinch_dataset **data)
{
    cinch_dataset_options options = cinch_cli_data_options(config);
    options.keep_nan = true; /* they are counted */
    return cinch_dataset_open(data, spec, &options);
}

cinch_status cinch_inspect_data(const cinch_cli *cli, const char *spec)
{
    cinch_dataset *data;
    cinch_dataset_stats stats;
    TRY(open_data(cli->config, spec, &data));
    cinch_status status = cinch_dataset_measure(data, &stats);
    if (!status && cli->json) status = print_json(spec, cinch_dataset_describe(data), &stats);
    else if (!status) print_table(cinch_dataset_describe(data), &stats);
    cinch_dataset_free(data);
    return status;
}
