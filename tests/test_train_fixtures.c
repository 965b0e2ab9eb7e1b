/* SPDX-License-Identifier: Apache-2.0 */
/* Twenty updates of small models, against what PyTorch made of the same weights and data (tests/fixtures). */
#include "train_runs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIXTURES CINCH_TESTS_FOLDER "/fixtures/"
enum { STEPS = 20, SETTINGS = 40 };

TestSuite(fixtures, .fini = remove_runs);

typedef struct settings {
    char text[SETTINGS][256];
    const char *list[SETTINGS + 1];
    int n;
} settings;

static void add(settings *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(settings *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    cr_assert_lt(s->n, SETTINGS);
    vsnprintf(s->text[s->n], sizeof s->text[0], format, args);
    s->list[s->n] = s->text[s->n];
    s->n++;
    va_end(args);
}

static void add_model(settings *s, const json_t *model)
{
    char *sizes = json_dumps(json_object_get(model, "hidden_sizes"), 0);
    add(s, "model.hidden_sizes=%s", sizes);
    add(s, "model.latent_dim=%d", (int)json_integer_value(json_object_get(model, "latent_dim")));
    add(s, "model.activation=%s", json_string_value(json_object_get(model, "activation")));
    add(s, "model.output_activation=%s", json_string_value(json_object_get(model, "output_activation")));
    add(s, "train.from_weights=" FIXTURES "%s", json_string_value(json_object_get(model, "weights")));
    free(sizes);
}

/* The keys are PyTorch's. */
static void add_optimizer(settings *s, const json_t *optimizer)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)optimizer, key, value) {
        if (!strcmp(key, "betas")) {
            add(s, "optimizer.beta1=%.17g", json_number_value(json_array_get(value, 0)));
            add(s, "optimizer.beta2=%.17g", json_number_value(json_array_get(value, 1)));
        } else if (json_is_string(value)) {
            add(s, "optimizer.%s=%s", key, json_string_value(value));
        } else if (json_is_boolean(value)) {
            add(s, "optimizer.%s=%s", key, json_is_true(value) ? "true" : "false");
        } else {
            add(s, "optimizer.%s=%.17g", key, json_number_value(value));
        }
    }
}

static void expect_series(const char *name, const char *key, const json_t *wanted, double tolerance)
{
    double values[STEPS];
    cr_assert_eq(series_of(name, "step", key, values, STEPS), STEPS);
    cr_assert_eq(json_array_size(wanted), STEPS);
    for (int i = 0; i < STEPS; i++) {
        double w = json_number_value(json_array_get(wanted, (size_t)i));
        cr_assert_lt(fabs(values[i] - w), tolerance * fabs(w), "%s: %s of step %d is %.9g, not %.9g", name, key, i + 1,
                     values[i], w);
    }
}

static void follow(const json_t *all, const json_t *c)
{
    settings s = {.n = 0};
    const char *name = json_string_value(json_object_get(c, "name"));
    add(&s, "data.spec=" FIXTURES "%s", json_string_value(json_object_get(all, "data")));
    add(&s, "data.split=1,0,0");
    add(&s, "data.shuffle=false");
    add(&s, "train.epochs=auto");
    add(&s, "train.max_steps=%d", STEPS);
    add(&s, "loss.name=%s", json_string_value(json_object_get(all, "loss")));
    add(&s, "train.batch_size=%d", (int)json_integer_value(json_object_get(c, "batch_size")));
    add(&s, "train.accumulate=%d", (int)json_integer_value(json_object_get(c, "accumulate")));
    add(&s, "optimizer.clip=%.17g", json_number_value(json_object_get(c, "grad_clip")));
    add_model(&s, json_object_get(json_object_get(all, "models"), json_string_value(json_object_get(c, "model"))));
    add_optimizer(&s, json_object_get(c, "optimizer"));
    trained(name, small_config_of(s.list));
    expect_series(name, "loss", json_object_get(c, "losses"), 1e-4);
    if (json_object_get(c, "grad_norms")) expect_series(name, "grad_norm", json_object_get(c, "grad_norms"), 1e-3);
}

Test(fixtures, losses_of_twenty_steps)
{
    json_error_t error;
    json_t *all = json_load_file(FIXTURES "dense_losses.json", 0, &error), *cases = json_object_get(all, "cases"), *c;
    cr_assert_geq(json_array_size(cases), 15, "%s", error.text);
    size_t i;
    json_array_foreach(cases, i, c) follow(all, c);
    json_decref(all);
}
