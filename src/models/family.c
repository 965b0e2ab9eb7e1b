/* SPDX-License-Identifier: Apache-2.0 */
/* The registry of families, and the options that all of them have. */
#include "models/family.h"

#include <stdio.h>
#include <string.h>

static const cinch_family_def *const families[] = {&cinch_family_dense, &cinch_family_vae};
enum { FAMILIES = sizeof families / sizeof *families };

#define ROW(kind, name, field, ...) CINCH_OPTION("model", name, kind, cinch_shared_config, field, __VA_ARGS__)
const cinch_option cinch_shared_options[] = {
    ROW(STRING, "name", name, "dense", "family or preset; `cinch models` lists them", .flag = "--model"),
    ROW(ENUM, "output_activation", output_activation, "auto", "after the last layer; auto: sigmoid where "
        "what is to come out (the target, or else the data) spans [0,1] to within 1% of both ends, or the loss is bce; "
        "tanh for [-1,1]; else linear", .choices = "auto sigmoid tanh linear", .flag = "--output-activation"),
    ROW(ENUM, "init", init, "default", "how weights start; default: as PyTorch's layers, biases too; with any other, "
        "biases start at zero", .choices = CINCH_INIT_NAMES),
    ROW(NUMBER, "init_scale", init_scale, "0.05", "of init uniform: half the width; normal: the deviation",
        .low = 0, .high = 1e3, .low_open = true),
    ROW(NUMBER, "dropout", dropout, "0", "probability of dropping a number behind every hidden layer, in training",
        .low = 0, .high = 1, .high_open = true, .flag = "--dropout"),
    ROW(STRING, "noise", noise, "none", "denoising: noise on the input in training, KIND:AMOUNT, the clean input being "
        "the target: gaussian:0.3 (deviation), salt_pepper:0.1, masking:0.2 (shares)", .flag = "--noise"),
    ROW(ENUM, "condition", condition, "none", "label: encoder and decoder are told the sample's label; with --beta 4, "
        "say, samples of a vae are surely of the class asked for",
        .choices = "none label", .flag = "--condition"),
    ROW(INT64, "classes", classes, "auto", "labels that a conditional model knows; auto: as the data has", .low = 1,
        .high = 1 << 20, .word = "auto"),
    ROW(NUMBERS, "logvar_clamp", logvar_clamp, "-30,20", "bounds of a variational model's log-variance", .count = 2,
        .low = -80, .high = 80),
    {0}};

/* Goes through each family and then its presets, and stops where `index` or `name` fits. */
static bool find(int index, const char *name, const cinch_family_def **family, const cinch_preset **preset)
{
    for (int i = 0; i < FAMILIES; i++) {
        *family = families[i];
        *preset = NULL;
        if (index-- == 0 || (name && !strcmp(name, families[i]->name))) return true;
        for (*preset = families[i]->presets; *preset && (*preset)->name; ++*preset)
            if (index-- == 0 || (name && !strcmp(name, (*preset)->name))) return true;
    }
    return false;
}

static void list_names(char *text, size_t size)
{
    size_t used = 0;
    cinch_family_info info;
    *text = '\0';
    for (int i = 0; used < size && cinch_family(i, &info); i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? " " : "", info.name);
}

cinch_status cinch_family_find(const char *name, const cinch_family_def **family, const cinch_preset **preset)
{
    char names[1024];
    if (find(-1, name, family, preset)) return CINCH_OK;
    list_names(names, sizeof names);
    return cinch_option_unknown("model.name", name, names);
}

bool cinch_family(int index, cinch_family_info *out)
{
    const cinch_family_def *family;
    const cinch_preset *preset;
    if (index < 0 || !find(index, NULL, &family, &preset)) return false;
    *out = preset ? (cinch_family_info){preset->name, preset->purpose, family->name}
                  : (cinch_family_info){family->name, family->purpose, NULL};
    return true;
}

static const cinch_option *row_at(const cinch_family_def *family, int index)
{
    const cinch_option *row = cinch_shared_options;
    for (; row->key; row++)
        if (index-- == 0) return row;
    for (row = family ? family->options : NULL; row && row->key; row++)
        if (index-- == 0) return row;
    return NULL;
}

bool cinch_family_option(const char *name, int index, cinch_option_info *out)
{
    const cinch_family_def *family = NULL;
    const cinch_preset *preset = NULL;
    if (index < 0 || (name && !find(-1, name, &family, &preset))) return false;
    const cinch_option *row = row_at(family, index);
    if (!row) return false;
    cinch_option_describe(row, out);
    for (int i = 0; preset && preset->defaults[i].key; i++)
        if (!strcmp(preset->defaults[i].key, cinch_option_leaf(row))) {
            out->fallback = preset->defaults[i].text;
            out->of_preset = true;
        }
    return true;
}
