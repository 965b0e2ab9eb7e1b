/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options as tables: one row says an option's key, field, default, range, flag and help; reading JSON, writing it,
 * help and suggestions all come from the row.
 *
 *     static const cinch_option rows[] = {
 *         CINCH_OPTION("train", "epochs", INT64, train_config, epochs, "10", "passes over the data",
 *                      .low = 1, .high = 1e6),
 *         {0}
 *     };
 */
#ifndef CINCH_CORE_OPTIONS_H
#define CINCH_CORE_OPTIONS_H

#include <cinch/config.h>
#include <jansson.h>

#include "core/status.h"

/* What the field is. Numbers may have one word beside ("auto"). */
typedef enum cinch_option_type {
    CINCH_OPTION_INT,     /* int */
    CINCH_OPTION_INT64,   /* int64_t or uint64_t */
    CINCH_OPTION_NUMBER,  /* double */
    CINCH_OPTION_SECONDS, /* double: 90, "90s", "10m", "2h", "1d" */
    CINCH_OPTION_BOOL,    /* bool */
    CINCH_OPTION_STRING,  /* char *, owned, NULL where not given; one of `choices` if there are any */
    CINCH_OPTION_ENUM,    /* int: position in `choices` */
    CINCH_OPTION_INTS,    /* cinch_ints: [512, 256], "512,256" or 512 */
    CINCH_OPTION_NUMBERS  /* double[count]: [0.8, 0.1, 0.1] or "0.8,0.1,0.1" */
} cinch_option_type;

typedef struct cinch_ints {
    int64_t *v;
    int n;
} cinch_ints;

typedef struct cinch_option {
    const char *key; /* with its section: "train.epochs" */
    cinch_option_type type;
    size_t offset;
    const char *fallback; /* as text; NULL: not given */
    const char *help;
    double low, high; /* both 0: any number */
    bool low_open, high_open;
    int count;
    const char *choices; /* "adam adamw sgd" */
    const char *word;    /* what a number may be instead, */
    double word_value;   /* and what the field is then */
    const char *flag;
    const char *aliases; /* other names of the key, without section */
    const char *only;    /* a value other than the default suits only these values of the section's `name` */
    bool may_change;     /* when a run is resumed */
    bool later;          /* than the first checkpoints: at its default, no part of their fingerprint */
} cinch_option;

#define CINCH_OPTION(section, name, kind, struct_type, field, text, meaning, ...)                                      \
    {                                                                                                                  \
        .key = section "." name, .type = CINCH_OPTION_##kind, .offset = offsetof(struct_type, field),                  \
        .fallback = text, .help = meaning, __VA_ARGS__                                                                 \
    }

/* A table, ended by a row without key, and the struct it describes. */
typedef struct cinch_option_set {
    const cinch_option *rows;
    void *base;
} cinch_option_set;

/* "epochs" of "train.epochs". */
const char *cinch_option_leaf(const cinch_option *row);

/* Row by key without section or by alias; NULL where there is none. */
const cinch_option *cinch_option_find(const cinch_option *rows, const char *leaf);

/* What stands in `list`, words apart by blanks. -1 where `word` does not. */
int cinch_option_position(const char *list, const char *word);

/* Fills zeroed structs from one JSON object (NULL: none) or from defaults; null is the default too. CINCH_USAGE for a
   key in no set (naming the nearest), a wrong type or a value out of range. Free the structs also on error. */
cinch_status cinch_options_read(const cinch_option_set *sets, int n, const json_t *object);

/* Puts every row's value into `object`, in order of the tables. */
cinch_status cinch_options_write(const cinch_option_set *sets, int n, json_t *object);

/* Frees what the structs own and leaves NULLs. */
void cinch_options_free(const cinch_option_set *sets, int n);

/* Refuses rows that are not at their default though `only` does not list `name`. */
cinch_status cinch_options_suit(const cinch_option *rows, const void *base, const char *name);

/* Whether a value could be the row's. */
cinch_status cinch_option_check(const cinch_option *row, const json_t *value);

/* "<what> <name>: unknown; did you mean <nearest>? (<list>)" */
cinch_status cinch_option_unknown(const char *what, const char *name, const char *list);
/* The same of a device: "gpu" is meant for cuda. */
cinch_status cinch_device_unknown(const char *what, const char *name);

void cinch_option_describe(const cinch_option *row, cinch_option_info *out);

/* A command line's text as a value of a type ("int", ..., see cinch_option_info). */
cinch_status cinch_option_value(json_t **out, const char *type, const char *text);

#endif
