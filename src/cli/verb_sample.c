/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

static cinch_status read_sampler(const char *text, cinch_sampler *out)
{
    static const char *const names[] = {"auto", "prior", "gaussian"};
    *out = CINCH_SAMPLER_AUTO;
    for (int i = 0; text && i < 3; i++)
        if (!strcmp(text, names[i])) return *out = (cinch_sampler)i, CINCH_OK;
    if (!text) return CINCH_OK;
    const char *near = cinch_nearest(text, names, 3);
    return cinch_cli_fail(CINCH_USAGE, "--sampler %s: unknown%s%s; one of: prior gaussian", text,
                          near ? "; did you mean " : "", near ? near : "");
}

static cinch_status read_sampling(const cinch_cli *cli, const cinch_run *run, cinch_sampling *out, int64_t *n)
{
    *out = (cinch_sampling){.seed = cinch_config_train(cli->config)->seed};
    TRY(cinch_cli_whole("--num-samples", cli->num_samples, 1, 64, n));
    *n = cinch_cli_rows(cli, *n);
    TRY(cinch_convert_label(cli, run, &out->label));
    return read_sampler(cli->sampler, &out->sampler);
}

static cinch_status draw(const cinch_conversion *c, int64_t first, int64_t n, float *code)
{
    cinch_sampling sampling = *(const cinch_sampling *)c->user;
    sampling.first = first;
    return cinch_run_draw_codes(c->run, &sampling, n, code);
}

/* A label asked for, or all of them in turn. */
static cinch_status label_rows(cinch_run *run, const cinch_sampling *sampling, int64_t n, int32_t **labels)
{
    int32_t classes = cinch_model_classes(cinch_run_model(run));
    TRY(cinch_cli_room("--num-samples", n, 1, (void **)labels));
    for (int64_t i = 0; i < n; i++)
        (*labels)[i] = sampling->label >= 0 || !classes ? sampling->label : (int32_t)(i % classes);
    return CINCH_OK;
}

static cinch_status sample(const cinch_cli *cli, cinch_run *run)
{
    cinch_sampling sampling;
    int32_t *labels;
    cinch_conversion c = {.run = run, .in = cinch_model_code_shape(cinch_run_model(run)),
                          .out = cinch_run_source_shape(run), .read = draw, .user = &sampling,
                          .apply = cinch_run_decode, .restore = cinch_convert_restore};
    TRY(read_sampling(cli, run, &sampling, &c.rows));
    TRY(label_rows(run, &sampling, c.rows, &labels));
    c.labels = labels;
    bool picture = cinch_convert_to_picture(cli);
    cinch_status status = picture ? cinch_convert_png(cli, &c, false) : cinch_convert_npy(cli, &c);
    free(labels);
    return status;
}

cinch_status cinch_verb_sample(cinch_cli *cli)
{
    cinch_run *run;
    TRY(cinch_convert_check(cli, false, ".png"));
    TRY(cinch_cli_open_run(cli, &run));
    cinch_status status = sample(cli, run);
    cinch_run_free(run);
    return status;
}
