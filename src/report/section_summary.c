/* SPDX-License-Identifier: Apache-2.0 */
#include "report/section.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void open_tile(cinch_page *page, const char *name)
{
    cinch_page_print(page, "<div class='figure'><span>%s</span><b>", name);
}

static void close_tile(cinch_page *page, const char *note)
{
    cinch_page_put(page, "</b><small>");
    cinch_page_text(page, note);
    cinch_page_put(page, "</small></div>\n");
}

static void number_tile(cinch_page *page, const char *name, double value, const char *note)
{
    open_tile(page, name);
    cinch_page_print(page, isfinite(value) ? "%.4g" : "&ndash;", value);
    close_tile(page, note);
}

static void count_tile(cinch_page *page, const char *name, int64_t value, const char *note)
{
    open_tile(page, name);
    cinch_page_count(page, (long long)value);
    close_tile(page, note);
}

/* How the model does beside PCA, in words that need no reading of two numbers. */
static void pca_tile(cinch_page *page, const cinch_evaluation *e)
{
    char note[300];
    double part = e->mse / e->pca_mse;
    if (isfinite(part) && part < 1)
        snprintf(note, sizeof note, "the model leaves %.0f%% of its error", 100 * part);
    else if (isfinite(part))
        snprintf(note, sizeof note, "the model's error is %.3g times PCA's", part);
    else
        snprintf(note, sizeof note, "%s", e->pca_note ? e->pca_note : "");
    number_tile(page, "PCA of the same size", e->pca_mse, note);
}

static void tiles(cinch_page *page, const cinch_subject *s)
{
    char note[128];
    const cinch_evaluation *e = &s->evaluation;
    int64_t code = s->points.code_size, sample = s->ranking.size;
    cinch_page_put(page, "<div class='figures'>\n");
    snprintf(note, sizeof note, "per number, %s part, %lld samples", e->part, (long long)e->n);
    number_tile(page, "mean squared error", e->mse, note);
    if (!s->ranking.rows.target) pca_tile(page, e); /* PCA is of the data */
    snprintf(note, sizeof note, "of %lld in a sample, %.3g times fewer", (long long)sample,
             (double)sample / (double)code);
    count_tile(page, "numbers in a code", code, note);
    count_tile(page, "parameters", e->parameters, "trained and frozen");
    if (isfinite(e->elbo)) number_tile(page, "evidence bound", e->elbo, "nats a sample, higher is better");
    cinch_page_put(page, "</div>\n");
}

/* Where a reader can go. */
static void contents(cinch_page *page)
{
    static const char *const links[][2] = {
        { "history", "Training" },   { "reconstructions", "Reconstructions" }, { "errors", "Errors" },
        { "latent", "Latent space" }, { "samples", "Samples" },                 { "traversals", "Traversals" },
        { "layers", "Layers" },      { "data", "Data" },                       { "environment", "Environment" },
    };
    cinch_page_put(page, "<nav aria-label='Contents'>");
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        cinch_page_print(page, "<a href='#%s'>%s</a> ", links[i][0], links[i][1]);
    cinch_page_put(page, "</nav>\n");
}

void cinch_section_summary(cinch_page *page, const cinch_subject *s)
{
    const cinch_config *config = cinch_run_config(s->run);
    cinch_page_put(page, "<header><h1>");
    cinch_page_text(page, cinch_model_name(cinch_run_model(s->run)));
    cinch_page_put(page, " <span>on</span> ");
    cinch_page_text(page, cinch_config_data(config)->spec);
    cinch_page_put(page, "</h1>\n<p class='note'>");
    cinch_page_text(page, cinch_run_path(s->run));
    cinch_page_put(page, "</p>\n");
    tiles(page, s);
    contents(page);
    cinch_page_put(page, "</header>\n");
}
