/* SPDX-License-Identifier: Apache-2.0 */
/* What the run is made of: layers, data, what it ran on. */
#include "report/section.h"

#include "core/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cinch_section_row(cinch_page *page, const char *name, const char *format, ...)
{
    char value[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(value, sizeof value, format, args);
    va_end(args);
    cinch_page_print(page, "<tr><th scope='row'>%s</th><td>", name);
    cinch_page_text(page, value);
    cinch_page_put(page, "</td></tr>\n");
}

/* "[28, 28, 1]" */
static const char *shape_text(cinch_shape shape, char text[96])
{
    int at = snprintf(text, 96, "[");
    for (int i = 0; i < shape.rank; i++)
        at += snprintf(text + at, 96 - (size_t)at, i ? ", %lld" : "%lld", (long long)shape.dim[i]);
    snprintf(text + at, 96 - (size_t)at, "]");
    return text;
}

/* --- layers ------------------------------------------------------------------------------------------------------- */

static void layer_row(cinch_page *page, cinch_layer_info layer, int64_t most)
{
    cinch_page_put(page, "<tr><th scope='row'>");
    cinch_page_text(page, layer.name);
    cinch_page_put(page, "</th><td>");
    cinch_page_text(page, layer.kind);
    cinch_page_put(page, "</td><td class='number'>");
    if (layer.parameters) cinch_page_count(page, (long long)layer.parameters);
    cinch_page_print(page, "</td><td class='share'><span style='width:%.1f%%'></span></td></tr>\n",
                     most ? 100.0 * (double)layer.parameters / (double)most : 0.0);
}

void cinch_section_layers(cinch_page *page, const cinch_subject *s)
{
    char sample[96], code[96];
    const cinch_model *model = cinch_run_model(s->run);
    int n = cinch_model_layer_count(model);
    int64_t most = 0;
    for (int i = 0; i < n; i++)
        if (cinch_model_layer(model, i).parameters > most) most = cinch_model_layer(model, i).parameters;
    cinch_section_open(page, "layers", "Layers");
    cinch_page_print(page, "<p>A sample is %s, its code %s.</p>\n<div class='table'><table>\n"
                     "<thead><tr><th>Name</th><th>Layer</th><th class='number'>Parameters</th><th></th></tr></thead>\n",
                     shape_text(cinch_model_sample(model).shape, sample),
                     shape_text(cinch_model_code_shape(model), code));
    for (int i = 0; i < n; i++) layer_row(page, cinch_model_layer(model, i), most);
    cinch_page_put(page, "<tfoot><tr><th scope='row'>all</th><td></td><td class='number'>");
    cinch_page_count(page, (long long)s->evaluation.parameters);
    cinch_page_put(page, "</td><td></td></tr></tfoot></table></div>\n");
    cinch_section_close(page);
}

/* --- data --------------------------------------------------------------------------------------------------------- */

static const double most_measured = 2e9; /* numbers: more would keep the reader waiting */

static cinch_status values_rows(cinch_page *page, const cinch_dataset *data, const cinch_dataset_info *info)
{
    cinch_dataset_stats stats;
    if ((double)info->rows * (double)cinch_shape_count(info->sample) > most_measured) return CINCH_OK;
    TRY(cinch_dataset_measure(data, &stats));
    cinch_section_row(page, "values", "%.5g to %.5g, mean %.5g, standard deviation %.5g", stats.min, stats.max,
                      stats.mean, stats.deviation);
    cinch_section_row(page, "missing", "%lld not a number, %lld infinite", (long long)stats.nan,
                      (long long)stats.infinite);
    return CINCH_OK;
}

static cinch_status data_rows(cinch_page *page, const cinch_subject *s)
{
    char shape[96];
    const cinch_dataset *data = s->ranking.rows.data;
    const cinch_dataset_info *info = cinch_dataset_describe(data);
    const cinch_data_config *config = cinch_config_data(cinch_run_config(s->run));
    cinch_section_row(page, "source", "%s", config->spec);
    cinch_section_row(page, "what it is", "%s", info->description);
    cinch_section_row(page, "a sample", "%s %s%s", info->source_type, shape_text(info->source, shape),
                      info->channels_first ? ", channels first" : "");
    cinch_section_row(page, "rows", "%lld: %lld for training, %lld for validation, %lld for testing",
                      (long long)info->rows, (long long)info->part[0], (long long)info->part[1],
                      (long long)info->part[2]);
    if (info->low < info->high)
        cinch_section_row(page, "range for the model", "%.4g to %.4g (value = raw x %.6g + %.6g)", info->low,
                          info->high, info->scale, info->offset);
    if (info->has_labels) cinch_section_row(page, "labels", "%d classes", info->classes);
    if (config->target) cinch_section_row(page, "target", "%s", config->target);
    if (config->val_spec) cinch_section_row(page, "validation data", "%s", config->val_spec);
    return values_rows(page, data, info);
}

void cinch_section_data(cinch_page *page, const cinch_subject *s)
{
    if (page->status) return;
    cinch_section_open(page, "data", "Data");
    cinch_page_put(page, "<div class='table'><table>\n");
    cinch_status status = data_rows(page, s);
    if (!page->status) page->status = status;
    cinch_page_put(page, "</table></div>\n");
    cinch_section_close(page);
}

/* --- environment -------------------------------------------------------------------------------------------------- */

static void optional_row(cinch_page *page, const char *name, const json_t *value)
{
    if (json_is_string(value)) cinch_section_row(page, name, "%s", json_string_value(value));
}

static void session_rows(cinch_page *page, const json_t *session)
{
    long long step = json_integer_value(json_object_get(session, "step"));
    const char *started = json_string_value(json_object_get(session, "started"));
    cinch_page_put(page, "<div class='table'><table>\n");
    cinch_section_row(page, step ? "resumed" : "started", step ? "%s, after step %lld" : "%s", started ? started : "",
                      step);
    const char *command = json_string_value(json_object_get(session, "command"));
    if (command) {
        cinch_page_put(page, "<tr><th scope='row'>command</th><td><code>");
        cinch_page_text(page, command);
        cinch_page_put(page, "</code></td></tr>\n");
    }
    optional_row(page, "device", json_object_get(session, "device"));
    optional_row(page, "cinch", json_object_get(session, "cinch"));
    optional_row(page, "system", json_object_get(session, "system"));
    cinch_page_put(page, "</table></div>\n");
}

/* A run of an older cinch, or one whose file was lost, has none to tell of. */
static cinch_status sessions(cinch_page *page, const char *run_path)
{
    json_t *record = NULL;
    size_t i;
    json_t *session;
    char *path = cinch_format("%s/environment.json", run_path);
    cinch_status status = path ? cinch_json_read(&record, path, CINCH_DATA) : CINCH_DEVICE;
    free(path);
    if (status) return status == CINCH_DATA ? CINCH_OK : status;
    json_array_foreach(json_object_get(record, "sessions"), i, session) session_rows(page, session);
    json_decref(record);
    return CINCH_OK;
}

static cinch_status configuration(cinch_page *page, const cinch_config *config)
{
    char *text;
    TRY(cinch_config_text(config, &text));
    cinch_page_put(page, "<details><summary>config.json, which <code>cinch train --config</code> takes</summary><pre>");
    cinch_page_text(page, text);
    cinch_page_put(page, "</pre></details>\n");
    cinch_free(text);
    return CINCH_OK;
}

void cinch_section_environment(cinch_page *page, const cinch_subject *s)
{
    if (page->status) return;
    cinch_section_open(page, "environment", "Environment");
    cinch_status status = sessions(page, cinch_run_path(s->run));
    if (!status) status = configuration(page, cinch_run_config(s->run));
    if (!page->status) page->status = status;
    cinch_section_close(page);
}
