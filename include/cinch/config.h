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

/* An independent copy of what is set (resolved, if `config` is). */
CINCH_API cinch_status cinch_config_copy(cinch_config **out, const cinch_config *config);

/* Merges a config.json (path or text) over what is set so far; `origin` is what errors call the text. null takes a key
   back to its default. A model that is named later, by another file, a key or a flag, has its way with the file's
   model: a preset puts its values over those of the file, another family leaves behind what it has no key for; what was
   set by key or flag stays. CINCH_USAGE for a missing file, bad JSON, unknown keys (naming the nearest known one),
   wrong types and values out of range. */
CINCH_API cinch_status cinch_config_load(cinch_config *config, const char *path);
CINCH_API cinch_status cinch_config_parse(cinch_config *config, const char *json, const char *origin);

/* Sets one dotted key; `value` is parsed as JSON, else taken as a string. Lists may also be written 512,256, times 90,
   90s, 10m, 2h. Later calls win over earlier ones. CINCH_USAGE as above. */
CINCH_API cinch_status cinch_config_set(cinch_config *config, const char *key, const char *value);

/* The same by flag ("--lr"); errors then name the flag. NULL is the value of a flag that stands alone: it makes a bool
   true, or false where the flag begins with --no-. */
CINCH_API cinch_status cinch_config_set_flag(cinch_config *config, const char *flag, const char *value);

/* The JSON text of one key's value, NULL if not set; once resolved, every key is. Owned by the config until the next
   call on it. */
CINCH_API const char *cinch_config_get(cinch_config *config, const char *key);

/* Checks everything against the tables and completes it with defaults; a model's preset becomes its family and options.
   What depends on the data (latent_dim, output_activation) stays "auto": see cinch_model_create. CINCH_USAGE. */
CINCH_API cinch_status cinch_config_resolve(cinch_config *config);

/* The complete configuration as indented JSON ("cinch_config": 1 first), the same text for the same configuration; to
   be freed by cinch_free. CINCH_USAGE before cinch_config_resolve. */
CINCH_API cinch_status cinch_config_text(const cinch_config *config, char **json);

/* Whether a run started with `saved` may go on with `wanted`, both resolved: only train.epochs and train.max_steps (not
   smaller), train.time_limit, train.device, train.threads, train.log_every and train.report may differ. CINCH_USAGE
   names the first other key that does. */
CINCH_API cinch_status cinch_config_may_resume(const cinch_config *saved, const cinch_config *wanted);

/* Releases text that a function handed over. NULL is fine. */
CINCH_API void cinch_free(void *memory);

/* One row of the table, for help, completion and `cinch config`. Static strings. */
typedef struct cinch_option_info {
    const char *key;        /* "train.epochs" */
    const char *flag;       /* "--epochs", or NULL; a bool's flag takes no value */
    const char *type;       /* "int", "number", "bool", "string", "ints", "numbers", "enum", "seconds" */
    const char *fallback;   /* the default as text; NULL: none */
    const char *choices;    /* "adam adamw sgd", or NULL */
    const char *aliases;    /* other names of the key, apart by blanks, without its section; or NULL */
    const char *help;
    bool of_preset;         /* the default is that of the preset asked for, not its family's (cinch_family_option) */
} cinch_option_info;

/* The options of every run and every model, by index; false past the last. The families' own: cinch_family_option. */
CINCH_API bool cinch_config_option(int index, cinch_option_info *out);

/* The option of a dotted key, alias or flag, the families' own included. CINCH_USAGE names the nearest. `out` may be
   NULL. Thread-safe, as is cinch_config_option. */
CINCH_API cinch_status cinch_config_find(const char *key_or_flag, cinch_option_info *out);

/* --- what the other modules read after cinch_config_resolve ------------------------------------------------------- */

typedef struct cinch_data_config {
    const char *spec, *val_spec;     /* val_spec NULL: a part of spec */
    const char *target;      /* SPEC of what to reconstruct, or NULL: the data itself */
    const char *layout;      /* "channels_last", "channels_first" or NULL */
    double split[3];         /* fractions of train, validation, test */
    bool range_none;         /* integers stay as they are */
    double range[2];         /* integer images become floats in this range; [0, 1] */
    bool keep_nan;           /* values that are not finite stay (data.nan=error|keep) */
    int64_t limit;           /* 0: all */
    bool shuffle;
    bool resident;           /* false: stream even if it would fit (data.resident=auto|never) */
} cinch_data_config;

typedef struct cinch_loss_config {
    const char *name;        /* "mse", "l1", "huber", "bce", "bce_logits", "relative_l2", "gaussian", or
                                "auto": the model's own (cinch_model_default_loss) */
    cinch_reduction reduction; /* CINCH_NONE: cinch_model_loss refuses it */
    bool reduction_auto;     /* the model's own instead: batchmean for variational models, else mean */
    double delta;            /* huber */
    double l1, l2;           /* penalties on weights */
    double beta;             /* variational models: weight of the KL */
    const char *anneal;      /* NULL or "none", "linear", "cyclical": how beta rises from 0 */
    int64_t anneal_steps;    /* linear: of the rise; cyclical: of a cycle, half of which is the rise; 0: half of
                                training, a quarter of it */
    double free_bits;        /* nats of KL that each number of the code has for free */
    const char *sparsity;    /* NULL or "none", "kl", "l1", "l2": of the code */
    double sparsity_weight, sparsity_target;
} cinch_loss_config;

typedef struct cinch_schedule_config {
    const char *name;        /* "constant", "step", "exponential", "cosine", "linear", "plateau" */
    int64_t warmup_steps;
    double factor;           /* step, exponential, plateau */
    int64_t every;           /* step: epochs between drops; plateau: epochs of patience */
    double min_lr;
} cinch_schedule_config;

typedef struct cinch_train_config {
    int64_t epochs, max_steps;    /* 0: no bound; one of the two always is set */
    int64_t batch_size, accumulate;
    int64_t patience;             /* epochs without a better validation loss; 0: never stop early */
    bool restore_best;            /* the best weights become model.safetensors */
    uint64_t seed;
    cinch_precision precision;
    const char *device;           /* "auto", "cpu", "cuda:0" */
    int threads;                  /* 0: cinch_device_options' default */
    const char *from_weights;     /* NULL: initialise */
    bool partial;
    int64_t checkpoint_epochs, checkpoint_steps;  /* every so many, 0: not by this measure */
    double checkpoint_seconds, time_limit;        /* seconds, 0: none */
    int64_t log_every;            /* steps */
    const char *on_nonfinite;     /* "stop" or "skip" */
    bool report;                  /* for programs that train: whether to call cinch_report_write then */
} cinch_train_config;

/* Borrowed from the config; valid until it changes. NULL before cinch_config_resolve. */
CINCH_API const char *cinch_config_model_json(const cinch_config *config);
CINCH_API const cinch_data_config *cinch_config_data(const cinch_config *config);
CINCH_API const cinch_loss_config *cinch_config_loss(const cinch_config *config);
CINCH_API const cinch_optimizer *cinch_config_optimizer(const cinch_config *config);
CINCH_API const cinch_schedule_config *cinch_config_schedule(const cinch_config *config);
CINCH_API const cinch_train_config *cinch_config_train(const cinch_config *config);

CINCH_END

#endif
