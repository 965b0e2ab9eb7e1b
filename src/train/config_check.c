/* SPDX-License-Identifier: Apache-2.0 */
/* Rules between options, and values with a small grammar of their own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "data/spec.h"
#include "train/config_options.h"

/* A whole text as a number in JSON's spelling, whatever the locale; *fits says whether it is one. */
static cinch_status read_number(const char *text, double *out, bool *fits)
{
    json_t *value;
    TRY(cinch_json_guess(&value, text));
    *fits = json_is_number(value);
    *out = json_number_value(value);
    json_decref(value);
    return CINCH_OK;
}

/* --- data --------------------------------------------------------------------------------------------------------- */

/* "LOW:HIGH" or "none" */
static cinch_status read_range(const char *text, cinch_data_config *out)
{
    char low[32];
    bool low_fits = false, high_fits = false;
    const char *colon = strchr(text, ':');
    out->range_none = !strcmp(text, "none");
    if (out->range_none) return CINCH_OK;
    snprintf(low, sizeof low, "%.*s", (int)(colon ? colon - text : 0), text);
    if (colon) {
        TRY(read_number(low, &out->range[0], &low_fits));
        TRY(read_number(colon + 1, &out->range[1], &high_fits));
    }
    if (low_fits && high_fits && out->range[0] < out->range[1]) return CINCH_OK;
    return cinch_fail(CINCH_USAGE, "data.range %s: must be LOW:HIGH, such as 0:1 or -1:1, or none", text);
}

static cinch_status check_target(const cinch_data_config *d)
{
    if (!d->target || !d->val_spec) return CINCH_OK;
    return cinch_fail(CINCH_USAGE, "data.target: goes with a part of the data for validation (data.split), not with "
                      "data.val_spec");
}

/* What comes from standard input can be read once. */
static cinch_status check_stdin(const cinch_data_config *d)
{
    const struct { const char *key, *spec; } all[] = {{"spec", d->spec}, {"target", d->target},
                                                      {"val_spec", d->val_spec}};
    const char *reader = NULL;
    for (int i = 0; i < 3; i++) {
        if (!all[i].spec || !cinch_spec_is_stdin(all[i].spec)) continue;
        if (reader)
            return cinch_fail(CINCH_USAGE, "data.%s %s: standard input can be read once, and data.%s does; name a "
                              "file", all[i].key, all[i].spec, reader);
        reader = all[i].key;
    }
    return CINCH_OK;
}

static cinch_status check_split(const double split[3])
{
    if (split[0] > 0) return CINCH_OK;
    return cinch_fail(CINCH_USAGE, "data.split: nothing is left to train on; the first number is the training part");
}

/* --- loss --------------------------------------------------------------------------------------------------------- */

/* KIND:WEIGHT; the kind alone has the usual weight, kl_div is kl. */
static cinch_status read_sparsity(const char *text, cinch_loss_config *out)
{
    static const char *const kinds[] = {"kl", "l1", "l2", "kl_div"};
    size_t length = strcspn(text, ":");
    bool fits = true;
    out->sparsity = NULL;
    out->sparsity_weight = 1e-3;
    if (!strcmp(text, "none")) return CINCH_OK;
    for (int i = 0; i < 4; i++)
        if (length == strlen(kinds[i]) && !strncmp(text, kinds[i], length)) out->sparsity = kinds[i % 3];
    if (text[length]) TRY(read_number(text + length + 1, &out->sparsity_weight, &fits));
    if (out->sparsity && fits && out->sparsity_weight >= 0) return CINCH_OK;
    return cinch_fail(CINCH_USAGE, "loss.sparsity %s: must be KIND:WEIGHT, such as kl:0.001, with a kind of kl l1 l2; "
                      "or none", text);
}

/* --- optimizer, schedule ------------------------------------------------------------------------------------------ */

static cinch_status check_optimizer(const cinch_optimizer *o)
{
    if (!o->nesterov || o->momentum > 0) return CINCH_OK;
    return cinch_fail(CINCH_USAGE, "optimizer.nesterov: needs a momentum; set optimizer.momentum, 0.9 say");
}

static cinch_status check_schedule(const cinch_schedule_config *s, double lr)
{
    if (s->min_lr <= lr) return CINCH_OK;
    return cinch_fail(CINCH_USAGE, "schedule.min_lr %g: above the learning rate, optimizer.lr %g", s->min_lr, lr);
}

/* --- train -------------------------------------------------------------------------------------------------------- */

static cinch_status check_device(const char *name)
{
    const char *number = strncmp(name, "cuda:", 5) ? NULL : name + 5;
    if (number && *number && strlen(number) < 4 && strspn(number, "0123456789") == strlen(number)) return CINCH_OK;
    if (cinch_option_position("auto cpu cuda", name) >= 0) return CINCH_OK;
    return cinch_device_unknown("train.device", name);
}

static cinch_status check_partial(const cinch_train_config *t)
{
    if (!t->partial || t->from_weights) return CINCH_OK;
    return cinch_fail(CINCH_USAGE, "train.partial: goes with train.from_weights (--from-weights), which is missing");
}

/* "500s" into 500 and 's'; the unit is 0 where the text is nothing like it. */
static cinch_status read_interval(const char *text, double *n, char *unit)
{
    char number[32];
    bool fits;
    size_t length = strlen(text);
    *unit = 0;
    if (length < 2 || length >= sizeof number) return CINCH_OK;
    snprintf(number, sizeof number, "%.*s", (int)length - 1, text);
    TRY(read_number(number, n, &fits));
    if (fits && *n > 0 && *n < 1e15) *unit = text[length - 1];
    return CINCH_OK;
}

/* "1e": epochs, "500s": steps, "10m", "2h": time. */
static cinch_status read_checkpoint_every(const char *text, cinch_train_config *out)
{
    double n = 0;
    char unit;
    if (!strcmp(text, "none")) return CINCH_OK;
    TRY(read_interval(text, &n, &unit));
    bool whole = n == (double)(int64_t)n;
    if (unit == 'm') out->checkpoint_seconds = n * 60;
    else if (unit == 'h') out->checkpoint_seconds = n * 3600;
    else if (unit == 'e' && whole) out->checkpoint_epochs = (int64_t)n;
    else if (unit == 's' && whole) out->checkpoint_steps = (int64_t)n;
    else return cinch_fail(CINCH_USAGE, "train.checkpoint_every %s: must be like 1e (epoch), 500s (steps), 10m "
                                        "(minutes), 2h (hours), or none", text);
    return CINCH_OK;
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static cinch_status check_names(const cinch_settings *s)
{
    static const char *const optimizers[] = {"adam", "adamw", "sgd", "rmsprop", "adagrad"};
    TRY(cinch_options_suit(cinch_section_find("loss")->rows, s, s->loss.public.name));
    TRY(cinch_options_suit(cinch_section_find("optimizer")->rows, s, optimizers[s->optimizer.kind]));
    return cinch_options_suit(cinch_section_find("schedule")->rows, s, s->schedule.name);
}

cinch_status cinch_settings_check(cinch_settings *s)
{
    TRY(check_names(s));
    TRY(read_range(s->data.range, &s->data.public));
    TRY(check_split(s->data.public.split));
    TRY(check_target(&s->data.public));
    TRY(check_stdin(&s->data.public));
    TRY(read_sparsity(s->loss.sparsity, &s->loss.public));
    TRY(check_optimizer(&s->optimizer));
    TRY(check_schedule(&s->schedule, s->optimizer.lr));
    TRY(check_device(s->train.public.device));
    TRY(check_partial(&s->train.public));
    TRY(read_checkpoint_every(s->train.checkpoint_every, &s->train.public));
    if (s->train.public.epochs == 0 && s->train.public.max_steps == 0) s->train.public.epochs = 10;
    return CINCH_OK;
}

void cinch_settings_derive(cinch_settings *s)
{
    s->data.public.keep_nan = s->data.nan == 1;
    s->data.public.resident = s->data.resident == 0;
    s->loss.public.reduction_auto = s->loss.reduction == 0;
    s->loss.public.reduction = s->loss.reduction == 0 ? CINCH_MEAN : (cinch_reduction)(s->loss.reduction - 1);
    if (s->optimizer.weight_decay < 0) s->optimizer.weight_decay = s->optimizer.kind == CINCH_ADAMW ? 0.01 : 0;
    if (s->schedule.factor == 0) s->schedule.factor = strcmp(s->schedule.name, "exponential") ? 0.1 : 0.95;
}
