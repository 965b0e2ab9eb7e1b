/* SPDX-License-Identifier: Apache-2.0 */
#include "train/target.h"

#include <cinch/model.h>

#include "core/json.h"
#include "train/folder.h"
#include "trained/weights.h"

#include <string.h>

static const char key[] = "output_activation";

static const cinch_dataset *target_of(const cinch_data_source *s) { return s->target ? s->target : s->data; }

/* --- bounds ------------------------------------------------------------------------------------------------------- */

bool cinch_target_wants_unit(const char *loss) { return !strncmp(loss, "bce", 3); }

static bool within_unit(double low, double high) { return low >= -CINCH_UNIT_SLACK && high <= 1 + CINCH_UNIT_SLACK; }

static cinch_status check_bounds(const char *loss, const char *part, double low, double high)
{
    if (within_unit(low, high)) return CINCH_OK;
    return cinch_fail(CINCH_USAGE, "loss.name %s: wants targets in [0,1], and those of the %s part range from %g "
                      "to %g; scale them (data.range=0:1 does so for integers), or take --loss mse", loss, part, low,
                      high);
}

/* The bounds that are known, or else those of the part's values. Of floats they are known of the training part. */
static cinch_status check_rows(const char *loss, const char *part, const cinch_feed_source *rows, bool known)
{
    const cinch_dataset *wanted = rows->target ? rows->target : rows->data;
    const cinch_dataset_info *info = cinch_dataset_describe(wanted);
    double low = info->low, high = info->high;
    if (!known || !(low < high && within_unit(low, high)))
        TRY(cinch_dataset_bounds(wanted, rows->index, rows->count, &low, &high));
    return check_bounds(loss, part, low, high);
}

static cinch_status check_training(const cinch_data_source *s, const char *loss)
{
    cinch_feed_source rows = cinch_data_source_training(s);
    return cinch_target_wants_unit(loss) ? check_rows(loss, "training", &rows, true) : CINCH_OK;
}

cinch_status cinch_target_check(const cinch_data_source *s, const char *loss, int64_t limit)
{
    TRY(check_training(s, loss));
    cinch_feed_source rows = cinch_data_source_validation(s, limit);
    if (!cinch_target_wants_unit(loss) || !rows.count) return CINCH_OK;
    const cinch_dataset *wanted = rows.target ? rows.target : rows.data;
    return check_rows(loss, "validation", &rows, cinch_dataset_describe(wanted)->dtype == CINCH_U8);
}

/* --- the output activation ---------------------------------------------------------------------------------------- */

static const char *by_range(const cinch_dataset_info *target)
{
    if (target->low == 0 && target->high == 1) return "sigmoid";
    return target->low == -1 && target->high == 1 ? "tanh" : "linear";
}

static cinch_status choose(const cinch_data_source *s, const char *loss, const char **output)
{
    *output = by_range(cinch_dataset_describe(target_of(s)));
    if (strcmp(loss, "bce")) return CINCH_OK;
    *output = "sigmoid";
    return check_training(s, loss);
}

static cinch_status read_model(const char *path, json_t **model)
{
    cinch_tensor_file *file;
    cinch_border border;
    const char *json;
    TRY(cinch_tensor_file_open(&file, path));
    cinch_status status = cinch_weights_describe(file, path, &json, &border);
    if (!status) status = cinch_json_parse(model, json, path, CINCH_DATA);
    cinch_tensor_file_free(file);
    return status;
}

/* A damaged model file decides nothing: resuming does not need it. */
static cinch_status choose_as(const char *path, const char *loss, const cinch_data_source *s, json_t **output)
{
    json_t *model = NULL;
    cinch_status status = path && cinch_file_exists(path) ? read_model(path, &model) : CINCH_DATA;
    const char *name = status ? NULL : json_string_value(json_object_get(model, key));
    if (!name && (!status || status == CINCH_DATA)) status = choose(s, loss, &name);
    *output = status ? NULL : json_string(name);
    json_decref(model);
    return status;
}

static cinch_status settle(json_t *model, const cinch_config *config, const cinch_data_source *s, const char *saved)
{
    json_t *output;
    const char *given = json_string_value(json_object_get(model, key));
    if (given && strcmp(given, "auto")) return CINCH_OK;
    TRY(choose_as(saved, cinch_config_loss(config)->name, s, &output));
    return cinch_json_put(model, key, output);
}

cinch_status cinch_target_model(const cinch_config *config, const cinch_data_source *s, const char *saved, char **json)
{
    json_t *model;
    TRY(cinch_json_parse(&model, cinch_config_model_json(config), "model", CINCH_INTERNAL));
    cinch_status status = settle(model, config, s, saved);
    if (!status) status = cinch_json_text(json, model, 0);
    json_decref(model);
    return status;
}
