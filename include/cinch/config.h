/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A training run's whole configuration. One table of options drives JSON keys, command-line flags, help and
 * suggestions; config.json, flags and --set are three spellings of the same dotted keys.
 *
 *     cinch_config *c;
 *     cinch_config_create(&c);
 *     cinch_config_set(c, "model.name", "dense");
 *     cinch_config_set(c, "optimizer.lr", "3e-4");
 *     cinch_config_resolve(c);              // fills in defaults, checks, reports the first error
 *
 * Sections: model, data, transforms, loss, optimizer, schedule, train. A config belongs to one thread at a time.
 */
#ifndef CINCH_CONFIG_H
#define CINCH_CONFIG_H

#include <cinch/ops.h>
#include <cinch/params.h>
#include <cinch/plan.h>

CINCH_BEGIN

typedef struct cinch_config cinch_config;

CINCH_API cinch_status cinch_config_create(cinch_config **out);
CINCH_API void cinch_config_free(cinch_config *config);

/* Merges a config.json (path or text) over what is set so far. CINCH_USAGE for unknown keys (naming the nearest known
   one), wrong types and values out of range; CINCH_DATA for a missing file or bad JSON (2 for a bad value). */
CINCH_API cinch_status cinch_config_load(cinch_config *config, const char *path);
CINCH_API cinch_status cinch_config_parse(cinch_config *config, const char *json, const char *origin);

/* Sets one dotted key; `value` is parsed as JSON, else taken as a string. */
CINCH_API cinch_status cinch_config_set(cinch_config *config, const char *key, const char *value);

/* The JSON text of one key's value, NULL if not set; owned by the config until the key changes. */
CINCH_API const char *cinch_config_get(cinch_config *config, const char *key);

/* Checks everything against the tables and completes it with defaults (presets and aliases expanded). */
CINCH_API cinch_status cinch_config_resolve(cinch_config *config);

/* The complete configuration as indented JSON ("cinch_config": 1 first); to be freed by cinch_free. */
CINCH_API cinch_status cinch_config_text(const cinch_config *config, char **json);

/* Releases text that a function handed over. */
CINCH_API void cinch_free(void *memory);

/* One row of the table, for help, completion and `cinch config`. */
typedef struct cinch_option_info {
    const char *key;        /* "train.epochs" */
    const char *flag;       /* "--epochs", or NULL */
    const char *type;       /* "int", "number", "bool", "string", "ints", "enum" */
    const char *fallback;   /* the default as text */
    const char *choices;    /* "adam adamw sgd", or NULL */
    const char *help;
} cinch_option_info;

/* The options every model has, by index; false past the last. */
CINCH_API bool cinch_config_option(int index, cinch_option_info *out);

/* --- what the other modules read after cinch_config_resolve ------------------------------------------------------ */

typedef struct cinch_data_config {
    const char *spec, *val_spec, *target_spec, *label_spec;   /* NULL where not given */
    const char *layout;      /* "channels_last", "channels_first" or NULL */
    double split[3];         /* fractions of train, validation, test */
    bool range_none;         /* integers stay as they are */
    double range[2];         /* integer images become floats in this range; [0, 1] */
    int64_t limit;           /* 0: all */
    bool shuffle;
    bool resident;           /* false: stream even if it would fit (data.resident=auto|never) */
} cinch_data_config;

typedef struct cinch_loss_config {
    const char *name;        /* "mse", "l1", "huber", "bce", "bce_logits", "relative_l2"; resolved from auto later */
    cinch_reduction reduction;
    double delta;            /* huber */
    double l1, l2;           /* penalties on weights */
} cinch_loss_config;

typedef struct cinch_schedule_config {
    const char *name;        /* "constant", "step", "exponential", "cosine", "linear", "plateau" */
    int64_t warmup_steps;
    double factor;           /* step, exponential, plateau */
    int64_t every;           /* step: epochs between drops; plateau: epochs of patience */
    double min_lr;
} cinch_schedule_config;

typedef struct cinch_train_config {
    int64_t epochs, max_steps;    /* max_steps 0: no bound */
    int64_t batch_size, accumulate;
    int64_t patience;             /* epochs without a better validation loss; 0: never stop early */
    bool restore_best;            /* the best weights become model.safetensors */
    uint64_t seed;
    cinch_precision precision;
    const char *device;           /* "auto", "cpu", "cuda:0" */
    int threads;
    const char *from_weights;
    bool partial;
    int64_t checkpoint_epochs, checkpoint_steps;  /* every so many, 0: not by this measure */
    double checkpoint_seconds, time_limit;        /* seconds, 0: none */
    int64_t log_every;            /* steps */
    const char *on_nonfinite;     /* "stop" or "skip" */
} cinch_train_config;

/* Borrowed from the config; valid until it changes. */
CINCH_API const char *cinch_config_model_json(const cinch_config *config);
CINCH_API const cinch_data_config *cinch_config_data(const cinch_config *config);
CINCH_API const cinch_loss_config *cinch_config_loss(const cinch_config *config);
CINCH_API const cinch_optimizer *cinch_config_optimizer(const cinch_config *config);
CINCH_API const cinch_schedule_config *cinch_config_schedule(const cinch_config *config);
CINCH_API const cinch_train_config *cinch_config_train(const cinch_config *config);

CINCH_END

#endif
