/* SPDX-License-Identifier: Apache-2.0 */
#include "train/source.h"

#include "core/status.h"
#include "data/spec.h"

#include <string.h>

static cinch_dataset_options options_of(const cinch_config *config)
{
    const cinch_data_config *c = cinch_config_data(config);
    cinch_dataset_options options = {.seed = cinch_config_train(config)->seed, .limit = c->limit, .layout = c->layout,
                                     .range_none = c->range_none, .range = {c->range[0], c->range[1]},
                                     .keep_nan = c->keep_nan, .keep_nan_by = "set data.nan=keep"};
    memcpy(options.split, c->split, sizeof options.split);
    if (c->val_spec) options.split[1] = 0; /* then none of the training data is needed for it */
    return options;
}

static bool same_samples(const cinch_dataset_info *a, const cinch_dataset_info *b)
{
    bool same = a->sample.rank == b->sample.rank && a->scale == b->scale && a->offset == b->offset;
    for (int i = 0; same && i < a->sample.rank; i++) same = a->sample.dim[i] == b->sample.dim[i];
    return same;
}

static cinch_status open_validation(cinch_data_source *s, const char *spec, const cinch_dataset_options *options)
{
    TRY(cinch_dataset_open(&s->validation, spec, options));
    if (same_samples(cinch_dataset_describe(s->data), cinch_dataset_describe(s->validation))) return CINCH_OK;
    return cinch_fail(CINCH_DATA, "%s: its samples are not like those of the training data", spec);
}

static cinch_status check_target(const cinch_data_source *s, const char *spec)
{
    const cinch_dataset_info *data = cinch_dataset_describe(s->data), *target = cinch_dataset_describe(s->target);
    if (data->rows != target->rows)
        return cinch_fail(CINCH_DATA, "%s: %lld rows, but the data has %lld: a target is needed for each", spec,
                          (long long)target->rows, (long long)data->rows);
    if (same_samples(data, target)) return CINCH_OK;
    return cinch_fail(CINCH_DATA, "%s: its samples are not like those of the data, whose shape and type it must have",
                      spec);
}

static cinch_status open_target(cinch_data_source *s, const cinch_config *config)
{
    const char *spec = cinch_config_data(config)->target;
    cinch_dataset_options options = options_of(config);
    if (!spec || s->target) return CINCH_OK;
    cinch_status status = cinch_dataset_open(&s->target, spec, &options);
    if (!status) status = check_target(s, spec);
    if (!status) return CINCH_OK;
    cinch_dataset_free(s->target);
    s->target = NULL;
    return status;
}

static cinch_status open_all(cinch_data_source *s, const cinch_config *config, const char *parts, bool training)
{
    const cinch_data_config *c = cinch_config_data(config);
    cinch_dataset_options options = options_of(config);
    TRY(cinch_dataset_open(&s->data, c->spec, &options));
    if (parts) TRY(cinch_dataset_load_parts(s->data, parts));
    if (training && c->val_spec) TRY(open_validation(s, c->val_spec, &options));
    return training ? open_target(s, config) : CINCH_OK;
}

/* A run may have been started elsewhere, and long ago. */
static cinch_status advise(const cinch_data_source *s, const cinch_data_config *c, bool training, cinch_status status)
{
    bool validating = training && c->val_spec && !s->validation;
    const char *wanted = !s->data ? c->spec : validating ? c->val_spec : c->target;
    const char *advice = status == CINCH_DATA && wanted ? cinch_spec_advice(wanted) : NULL;
    return advice ? cinch_fail_also(status, "%s", advice) : status;
}

cinch_status cinch_data_source_open_target(cinch_data_source *s, const cinch_config *config)
{
    return advise(s, cinch_config_data(config), false, open_target(s, config));
}

cinch_status cinch_data_source_open(cinch_data_source *out, const cinch_config *config, const char *parts,
                                    bool training)
{
    *out = (cinch_data_source){0};
    cinch_status status = open_all(out, config, parts, training);
    if (status && parts) status = advise(out, cinch_config_data(config), training, status);
    if (status) cinch_data_source_close(out);
    return status;
}

void cinch_data_source_close(cinch_data_source *s)
{
    cinch_dataset_free(s->data);
    cinch_dataset_free(s->validation);
    cinch_dataset_free(s->target);
    *s = (cinch_data_source){0};
}

static cinch_feed_source part_of(const cinch_data_source *s, cinch_part part)
{
    cinch_feed_source rows = cinch_feed_part(s->data, part);
    rows.target = s->target;
    return rows;
}

cinch_feed_source cinch_data_source_training(const cinch_data_source *s) { return part_of(s, CINCH_PART_TRAIN); }

cinch_feed_source cinch_data_source_validation(const cinch_data_source *s, int64_t limit)
{
    if (!s->validation) return part_of(s, CINCH_PART_VAL);
    int64_t rows = cinch_dataset_describe(s->validation)->rows;
    return (cinch_feed_source){.data = s->validation, .count = limit > 0 && limit < rows ? limit : rows};
}
