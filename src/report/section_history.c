/* SPDX-License-Identifier: Apache-2.0 */
#include "report/history.h"
#include "report/section.h"
#include "report/svg.h"

enum { LOSSES = 3, PARTS = 3, SINGLE = 3, SERIES = LOSSES + PARTS + SINGLE };

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

static void draw(cinch_page *page, const cinch_history *series)
{
    static const char *const losses[] = { "training, each step", "training, each epoch", "validation" };
    static const char *const parts[] = { "reconstruction", "KL divergence", "sparsity" };
    static const char *const one[] = { "" };
    const cinch_history *part = series + LOSSES, *single = part + PARTS;
    const cinch_history *rate = single[0].n < single[1].n ? &single[1] : &single[0];
    cinch_page_put(page, "<div class='plots'>\n");
    bool drawn = chart(page, "Loss", series, losses, LOSSES, true);
    if (part[1].n || part[2].n) /* else the reconstruction is the loss */
        for (int i = 0; i < PARTS; i++) {
            static const char *const titles[] = { "Part of the loss: reconstruction", "Part of the loss: KL divergence",
                                                  "Part of the loss: sparsity" };
            chart(page, titles[i], part + i, parts + i, 1, true);
        }
    drawn |= chart(page, "Learning rate", rate, one, 1, false);
    drawn |= chart(page, "Norm of the gradient", single + 2, one, 1, true);
    cinch_page_put(page, drawn ? "</div>\n" : "</div><p class='note'>Nothing was logged.</p>\n");
}

void cinch_section_history(cinch_page *page, const cinch_subject *s)
{
    cinch_history series[SERIES] = {
        CINCH_HISTORY("step", "loss"),      CINCH_HISTORY("epoch", "loss"),
        CINCH_HISTORY("epoch", "val_loss"), CINCH_HISTORY("epoch", "loss_recon"),
        CINCH_HISTORY("epoch", "loss_kl"),  CINCH_HISTORY("epoch", "loss_sparsity"),
        CINCH_HISTORY("step", "lr"),        CINCH_HISTORY("epoch", "lr"),
        CINCH_HISTORY("step", "grad_norm") };
    if (page->status) return;
    cinch_section_open(page, "history", "Training");
    page->status = cinch_history_read(cinch_run_path(s->run), series, SERIES);
    if (!page->status) draw(page, series);
    cinch_history_free(series, SERIES);
    cinch_section_close(page);
}
