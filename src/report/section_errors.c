/* SPDX-License-Identifier: Apache-2.0 */
#include "report/section.h"
#include "report/svg.h"

#include <math.h>
#include <stdlib.h>

/* --- how the errors are spread ------------------------------------------------------------------------------------ */

/* The order is descending: the value that so many of a hundred stay below. */
static double percentile(const double *errors, int64_t n, int percent)
{
    int64_t i = n - 1 - (n - 1) * percent / 100;
    return errors[i];
}

static void histogram(cinch_page *page, const cinch_ranking *r)
{
    static const char *const names[] = { "median", "95 of 100 below" };
    double *errors = cinch_calloc((size_t)r->rows.n, sizeof *errors);
    if (!errors && !page->status) page->status = CINCH_DEVICE;
    if (!errors) return;
    for (int64_t i = 0; i < r->rows.n; i++) errors[i] = r->order[i].error;
    double marks[] = { percentile(errors, r->rows.n, 50), percentile(errors, r->rows.n, 95) };
    cinch_svg_histogram(page, &(cinch_histogram){ .title = "Mean squared error of each sample", .x_label = "error",
                                                  .y_label = "samples", .values = errors, .n = r->rows.n,
                                                  .mark_names = names, .marks = marks, .n_marks = 2 });
    free(errors);
}

/* --- figures ------------------------------------------------------------------------------------------------------ */

typedef struct {
    const char *name;
    double value;
    const char *meaning;
} figure;

static void print_figure(cinch_page *page, const figure *f)
{
    if (!isfinite(f->value)) return;
    cinch_page_print(page, "<tr><th scope='row'>%s</th><td class='number'>", f->name);
    cinch_page_number(page, f->value);
    cinch_page_print(page, "</td><td>%s</td></tr>\n", f->meaning);
}

static void table(cinch_page *page, const cinch_evaluation *e)
{
    const figure figures[] = {
        { "mse", e->mse, "mean squared error of a number" },
        { "rmse", e->rmse, "its root" },
        { "mae", e->mae, "mean absolute error" },
        { "rel_l2", e->rel_l2, "length of the error over length of the sample, on average" },
        { "pca_mse", e->pca_mse, "mse of PCA with as many components" },
        { "loss", e->loss, "what was minimised, a sample" },
        { "loss_recon", e->loss_recon, "its part for the reconstruction" },
        { "loss_kl", e->loss_kl, "its KL divergence, before beta" },
        { "kl_share", e->kl_share, "share of the KL divergence in both" },
        { "kl_active", e->kl_active, "share of the code's numbers that say more than 0.01 nats" },
        { "elbo", e->elbo, "evidence lower bound, nats a sample" },
        { "loss_floor", e->loss_floor, "loss_recon that perfect reconstructions of this grey data would have" },
        { "loss_sparsity", e->loss_sparsity, "its part for sparsity, before its weight" },
        { "active", e->active, "share of the code's numbers at work" },
        { "noisy_mse", e->noisy_mse, "mse of inputs with noise" },
        { "denoised_mse", e->denoised_mse, "mse of what becomes of them" },
    };
    cinch_page_put(page, "<div class='table'><table>\n");
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) print_figure(page, &figures[i]);
    cinch_page_put(page, "</table></div>\n");
}

void cinch_section_errors(cinch_page *page, const cinch_subject *s)
{
    cinch_section_open(page, "errors", "Errors");
    cinch_page_put(page, "<div class='plots'>\n");
    histogram(page, &s->ranking);
    table(page, &s->evaluation);
    cinch_page_put(page, "</div>\n");
    cinch_section_close(page);
}
