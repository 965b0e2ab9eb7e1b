/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <math.h>

typedef struct figure {
    const char *name;
    double value;
    bool always;             /* said also where there is none */
} figure;

enum { FIGURES = 16 };

/* What such a model has is said even where it is no number. */
static int list_figures(const cinch_evaluation *e, const cinch_model *model, figure out[FIGURES])
{
    bool kl = cinch_model_is_variational(model), failed = kl && !isfinite(e->loss);
    const figure all[] = {
        {"mse", e->mse, true}, {"rmse", e->rmse, true}, {"mae", e->mae, true}, {"rel_l2", e->rel_l2, true},
        {"loss", e->loss, true}, {"loss_recon", e->loss_recon, true}, {"loss_kl", e->loss_kl, kl},
        {"kl_share", e->kl_share, kl},
        {"loss_sparsity", e->loss_sparsity, false}, {"loss_floor", e->loss_floor, false}, {"elbo", e->elbo, failed},
        {"kl_active", e->kl_active, kl}, {"active", e->active, false}, {"noisy_mse", e->noisy_mse, false},
        {"denoised_mse", e->denoised_mse, false}};
    int n = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].always || isfinite(all[i].value)) out[n++] = all[i];
    return n;
}

static cinch_status print_json(const cinch_evaluation *e, const cinch_model *model)
{
    figure figures[FIGURES];
    json_t *o = json_object();
    cinch_cli_json_set(o, "part", cinch_cli_json_text(e->part));
    cinch_cli_json_set(o, "n", json_integer(e->n));
    for (int i = 0, n = list_figures(e, model, figures); i < n; i++)
        cinch_cli_json_set(o, figures[i].name, cinch_cli_json_number(figures[i].value));
    if (e->loss_note) cinch_cli_json_set(o, "loss_note", cinch_cli_json_text(e->loss_note));
    cinch_cli_json_set(o, "pca_mse", cinch_cli_json_number(e->pca_mse));
    if (e->pca_note) cinch_cli_json_set(o, "pca_note", cinch_cli_json_text(e->pca_note));
    cinch_cli_json_set(o, "parameters", json_integer(e->parameters));
    return cinch_cli_print_json(o);
}

static void print_table(const cinch_evaluation *e, const cinch_model *model)
{
    figure figures[FIGURES];
    const char *note = e->pca_note ? e->pca_note : "";
    cinch_cli_print("%-13s %s, %lld samples\n", "part", e->part, (long long)e->n);
    for (int i = 0, n = list_figures(e, model, figures); i < n; i++)
        cinch_cli_print("%-13s %.6g\n", figures[i].name, isnan(figures[i].value) ? NAN : figures[i].value);
    if (e->loss_note) cinch_cli_print("%-13s %s\n", "loss_note", e->loss_note);
    if (isfinite(e->pca_mse)) cinch_cli_print("%-13s %.6g (%s)\n", "pca_mse", e->pca_mse, note);
    else cinch_cli_print("%-13s - (%s)\n", "pca_mse", note);
    cinch_cli_print("%-13s %lld\n", "parameters", (long long)e->parameters);
}

static cinch_status evaluate(const cinch_cli *cli, cinch_run *run, cinch_evaluation *e)
{
    cinch_measured on;
    cinch_status status = cinch_cli_open_measured(cli, run, &on);
    if (!status) status = cinch_run_evaluate_rows(run, &on.rows, e);
    cinch_cli_close_measured(&on);
    return status;
}

cinch_status cinch_verb_eval(cinch_cli *cli)
{
    cinch_run *run = NULL;
    cinch_evaluation e = {0};
    TRY(cinch_cli_check_data_keys(cli));
    TRY(cinch_cli_open_run(cli, &run));
    cinch_status status = evaluate(cli, run, &e);
    if (!status && cli->json) status = print_json(&e, cinch_run_model(run));
    else if (!status) print_table(&e, cinch_run_model(run));
    if (!status) cinch_cli_tell_device(cli);
    cinch_run_free(run);
    return status;
}
