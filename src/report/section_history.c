/* SPDX-License-Identifier: Apache-2.0 */
#include "report/history.h"
#include "report/section.h"
#include "report/svg.h"

enum { LOSSES = 3, PARTS = 3, RATES = 2, SERIES = LOSSES + 2 * PARTS + RATES + 1 };

/* A chart of those of n series that hold a finite value; none, and false, where nothing does. */
static bool chart(cinch_page *page, const char *title, const cinch_history *series, const char *const *names, int n,
                  bool log)
{
    cinch_chart_series lines[CINCH_CHART_SERIES];
    int found = cinch_history_lines(series, names, n, lines);
    if (!found) return false;
    cinch_svg_chart(page, &(cinch_chart){ .title = title, .x_label = "step", .y_label = "", .series = lines,
                                          .n_series = found, .log_y = log && cinch_history_wants_log(lines, found) });
    return true;
}

/* Steps and epochs are logged at distances of their own. */
static const cinch_history *longer(const cinch_history *a, const cinch_history *b) { return b->n > a->n ? b : a; }

/* Averages over the epochs, unless steps show more. */
static void draw_parts(cinch_page *page, const cinch_history *epoch, const cinch_history *step)
{
    static const char *const names[] = { "reconstruction", "KL divergence", "sparsity" };
    static const char *const titles[] = { "Part of the loss: reconstruction", "Part of the loss: KL divergence",
                                          "Part of the loss: sparsity" };
    bool parted = epoch[1].n || epoch[2].n || step[1].n || step[2].n; /* else the reconstruction is the loss */
    for (int i = 0; parted && i < PARTS; i++)
        chart(page, titles[i], epoch[i].n > 1 ? &epoch[i] : longer(&epoch[i], &step[i]), names + i, 1, true);
}

static void draw(cinch_page *page, const cinch_history *series)
{
    static const char *const losses[] = { "training, each step", "training, each epoch", "validation" };
    static const char *const one[] = { "" };
    const cinch_history *part = series + LOSSES, *rate = part + 2 * PARTS, *norm = rate + RATES;
    cinch_page_put(page, "<div class='plots'>\n");
    bool drawn = chart(page, "Loss", series, losses, LOSSES, true);
    draw_parts(page, part, part + PARTS);
    drawn |= chart(page, "Learning rate", longer(&rate[0], &rate[1]), one, 1, false);
    drawn |= chart(page, "Norm of the gradient", norm, one, 1, true);
    cinch_page_put(page, drawn ? "</div>\n" : "</div><p class='note'>Nothing was logged.</p>\n");
}

void cinch_section_history(cinch_page *page, const cinch_subject *s)
{
    cinch_history series[SERIES] = {
        CINCH_HISTORY("step", "loss"),      CINCH_HISTORY("epoch", "loss"),
        CINCH_HISTORY("epoch", "val_loss"), CINCH_HISTORY("epoch", "loss_recon"),
        CINCH_HISTORY("epoch", "loss_kl"),  CINCH_HISTORY("epoch", "loss_sparsity"),
        CINCH_HISTORY("step", "loss_recon"), CINCH_HISTORY("step", "loss_kl"),
        CINCH_HISTORY("step", "loss_sparsity"),
        CINCH_HISTORY("step", "lr"),        CINCH_HISTORY("epoch", "lr"),
        CINCH_HISTORY("step", "grad_norm") };
    if (page->status) return;
    cinch_section_open(page, "history", "Training");
    page->status = cinch_history_read(cinch_run_path(s->run), series, SERIES);
    if (!page->status) draw(page, series);
    cinch_history_free(series, SERIES);
    cinch_section_close(page);
}
