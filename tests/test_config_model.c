/* SPDX-License-Identifier: Apache-2.0 */
/* A model that is named by flag, key or a later file, over a file that has one already; and when a run is resumed. */
#include "configs.h"

#include <stdio.h>
#include <stdlib.h>

/* A run's config.json is complete, so every key of its model has a value. */
static cinch_config *loaded(const char *model)
{
    char *text, *json;
    OK(cinch_model_complete(model, &text));
    cr_assert(asprintf(&json, "{\"model\": %s}", text) > 0);
    cinch_config *c = fresh();
    OK(cinch_config_parse(c, json, "config.json"));
    cinch_free(text);
    free(json);
    return c;
}

Test(config_model, a_preset_that_is_named_wins_over_the_file)
{
    cinch_config *c = loaded("{\"latent_dim\": 30, \"activation\": \"elu\", \"dropout\": 0.5}"), *copy;
    OK(cinch_config_set_flag(c, "--model", "stacked"));
    OK(cinch_config_copy(&copy, c));
    OK(cinch_config_resolve(c));
    expect(c, "model.hidden_sizes", "[128, 64, 36, 18]");
    expect(c, "model.latent_dim", "9");
    expect(c, "model.activation", "\"elu\"");
    expect(c, "model.dropout", "0.5");
    OK(cinch_config_set(c, "model.name", "dense"));
    OK(cinch_config_resolve(c));
    expect(c, "model.latent_dim", "30");
    OK(cinch_config_resolve(copy));
    expect(copy, "model.latent_dim", "9");
    cinch_config_free(copy);
    cinch_config_free(c);
}

Test(config_model, flags_and_later_files_win_over_a_preset)
{
    cinch_config *c = loaded("{\"latent_dim\": 30}");
    OK(cinch_config_set_flag(c, "--latent-dim", "12"));
    OK(cinch_config_set_flag(c, "--model", "stacked"));
    OK(cinch_config_set(c, "model.hidden_sizes", "32"));
    OK(cinch_config_resolve(c));
    expect(c, "model.latent_dim", "12");
    expect(c, "model.hidden_sizes", "[32]");
    OK(cinch_config_parse(c, "{\"model\": {\"latent_dim\": 5}}", "later.json"));
    OK(cinch_config_resolve(c));
    expect(c, "model.latent_dim", "5");
    cinch_config_free(c);
    c = loaded("{\"latent_dim\": 30}");
    OK(cinch_config_parse(c, "{\"model\": {\"hidden_sizes\": [7], \"name\": \"stacked\"}}", "later.json"));
    OK(cinch_config_resolve(c));
    expect(c, "model.latent_dim", "9");
    expect(c, "model.hidden_sizes", "[7]");
    cinch_config_free(c);
}

Test(config_model, another_family_takes_over_what_it_has_keys_for)
{
    cinch_config *c = loaded("{\"latent_dim\": 30, \"code_activation\": \"relu\"}");
    OK(cinch_config_set_flag(c, "--model", "vae"));
    OK(cinch_config_resolve(c));
    expect(c, "model.name", "\"vae\"");
    expect(c, "model.latent_dim", "30");
    cr_assert(!cinch_config_get(c, "model.code_activation"));
    OK(cinch_config_set(c, "model.code_activation", "relu"));
    expect_error(cinch_config_resolve(c), "model.code_activation: unknown key; did you mean model.activation?");
    cinch_config_free(c);
    c = fresh();
    OK(cinch_config_set_flag(c, "--model", "vae"));
    expect_error(cinch_config_parse(c, "{\"model\": {\"code_activatoin\": 1}}", "f"),
                 "f: model.code_activatoin: unknown key; did you mean model.code_activation?");
    cinch_config_free(c);
}

static void expect_resume(const char *run, const char *flag, const char *value, const char *error)
{
    cinch_config *saved = loaded(run), *wanted;
    OK(cinch_config_resolve(saved));
    OK(cinch_config_copy(&wanted, saved));
    OK(cinch_config_set_flag(wanted, "--model", "stacked"));
    if (flag) OK(cinch_config_set_flag(wanted, flag, value));
    OK(cinch_config_resolve(wanted));
    if (error) expect_error(cinch_config_may_resume(saved, wanted), error);
    else OK(cinch_config_may_resume(saved, wanted));
    cinch_config_free(saved);
    cinch_config_free(wanted);
}

#define MAY_CHANGE "; resuming may change only how long it trains, its device, threads and logging"

Test(config_model, resuming_refuses_a_preset_by_its_name)
{
    expect_resume("{\"name\": \"stacked\"}", NULL, NULL, NULL);
    expect_resume("{}", NULL, NULL, "--model \"stacked\": the run has \"dense\" with hidden_sizes [512]" MAY_CHANGE);
    expect_resume("{\"name\": \"vae\"}", NULL, NULL, "--model \"stacked\": the run has \"vae\"" MAY_CHANGE);
    expect_resume("{\"name\": \"stacked\"}", "--latent-dim", "5", "--latent-dim 5: the run has 9" MAY_CHANGE);
    expect_resume("{\"name\": \"stacked\"}", "--dropout", "0.5", "--dropout 0.5: the run has 0.0" MAY_CHANGE);
    expect_resume("{\"name\": \"stacked\", \"latent_dim\": 5}", "--latent-dim", "5", NULL);
}
