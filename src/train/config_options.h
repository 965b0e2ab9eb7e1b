/* SPDX-License-Identifier: Apache-2.0 */
/* The tables behind a configuration, and what they fill. The model's section belongs to the families. */
#ifndef CINCH_TRAIN_CONFIG_OPTIONS_H
#define CINCH_TRAIN_CONFIG_OPTIONS_H

#include <cinch/config.h>

#include "core/options.h"

/* In the order of cinch_precision. */
#define CINCH_PRECISION_NAMES "f32 tf32 bf16"

/* What other modules read, beside the options that it is worked out from. */
typedef struct cinch_settings {
    struct {
        cinch_data_config public;
        char *range;             /* "0:1" or "none" */
        int nan;                 /* position in "error keep" */
        int resident;            /* position in "auto never" */
    } data;
    struct {
        cinch_loss_config public;
        int reduction;           /* position in "auto mean batchmean sum none" */
        char *sparsity;          /* "kl:0.001", "none" */
    } loss;
    cinch_optimizer optimizer;
    cinch_schedule_config schedule;
    struct {
        cinch_train_config public;
        char *checkpoint_every;  /* "1e", "500s", "10m", "2h", "none" */
    } train;
} cinch_settings;

typedef struct cinch_section {
    const char *name;
    const cinch_option *rows;
} cinch_section;

enum { CINCH_SECTIONS = 5 };
extern const cinch_section cinch_sections[CINCH_SECTIONS];

/* NULL where there is none of this name ("model" is not among them). */
const cinch_section *cinch_section_find(const char *name);

/* Whether a model of this name has its own say about one of the model's keys: it has no such key, or is a preset with a
   value for it. */
bool cinch_model_overrides(const char *name, const char *leaf);

/* Refuses what no single row can see is wrong, and puts in the number of epochs. */
cinch_status cinch_settings_check(cinch_settings *settings);

/* Works out what is automatic; afterwards the tables no longer give back what was said. */
void cinch_settings_derive(cinch_settings *settings);

#endif
