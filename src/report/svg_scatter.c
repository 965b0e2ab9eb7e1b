/* SPDX-License-Identifier: Apache-2.0 */
#include "report/svg.h"

#include <math.h>

enum { SIDE = 480, PAD = 14 };

/* In a square of 8 around 0. Filled ones first, so that few kinds are easy to see. */
static const char *const shapes[CINCH_SCATTER_SHAPES] = {
    "M-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0Z",
    "M-2.8-2.8h5.6v5.6h-5.6Z",
    "M0-3.6L3.4 2.6H-3.4Z",
    "M0-4L4 0 0 4-4 0Z",
    "M-1-3.6h2v2.6h2.6v2h-2.6v2.6h-2v-2.6h-2.6v-2h2.6Z",
    "M0 3.6L3.4-2.6H-3.4Z",
    "M-3-2L-2-3 0-1 2-3 3-2 1 0 3 2 2 3 0 1-2 3-3 2-1 0Z",
    "M0-4L1.1-1.2 4-1.2 1.7.7 2.6 3.6 0 1.8-2.6 3.6-1.7.7-4-1.2-1.1-1.2Z",
    "M-4-1.2h8v2.4h-8Z",
    "M-1.2-4h2.4v8h-2.4Z",
};

void cinch_svg_shapes(cinch_page *page)
{
    cinch_page_put(page, "<svg class='shapes' aria-hidden='true'><defs>");
    for (int i = 0; i < CINCH_SCATTER_SHAPES; i++) cinch_page_print(page, "<path id='m%d' d='%s'/>", i, shapes[i]);
    cinch_page_put(page, "</defs></svg>\n");
}

void cinch_svg_kinds(cinch_page *page, const char *what, char (*name)[32], int kinds)
{
    cinch_page_put(page, "<p class='kinds'>");
    cinch_page_text(page, what);
    for (int k = 0; k < kinds; k++) {
        cinch_page_print(page, " <button type='button' data-kind='%d' aria-pressed='false'>"
                         "<svg viewBox='-5 -5 10 10' aria-hidden='true'><use class='c%d' href='#m%d'/></svg>",
                         k, k % CINCH_SCATTER_COLORS, k % CINCH_SCATTER_SHAPES);
        cinch_page_text(page, name[k]);
        cinch_page_put(page, "</button>");
    }
    cinch_page_put(page, "</p>\n");
}

/* The square around all points; of equal scale both ways, for distances mean something. */
typedef struct {
    double x, y, scale;
} frame;

static frame fit(const cinch_scatter *s)
{
    double low[2] = { INFINITY, INFINITY }, high[2] = { -INFINITY, -INFINITY };
    for (int64_t i = 0; i < 2 * s->n; i++)
        if (isfinite(s->xy[i])) low[i % 2] = fmin(low[i % 2], s->xy[i]), high[i % 2] = fmax(high[i % 2], s->xy[i]);
    double range = fmax(high[0] - low[0], high[1] - low[1]);
    if (!(range > 0)) return (frame){ low[0] <= high[0] ? low[0] : 0, low[1] <= high[1] ? low[1] : 0, 0 };
    return (frame){ (low[0] + high[0]) / 2, (low[1] + high[1]) / 2, (SIDE - 2 * PAD) / range };
}

static void draw_kind(cinch_page *page, const cinch_scatter *s, const frame *f, int kind)
{
    cinch_page_print(page, "<g class='c%d' data-kind='%d'>", kind % CINCH_SCATTER_COLORS, kind);
    for (int64_t i = 0; i < s->n; i++) {
        double x = SIDE / 2 + (s->xy[2 * i] - f->x) * f->scale, y = SIDE / 2 - (s->xy[2 * i + 1] - f->y) * f->scale;
        if (s->kind[i] != kind || !isfinite(x) || !isfinite(y)) continue;
        cinch_page_print(page, "<use href='#m%d' x='%.1f' y='%.1f' data-i='%lld'/>", kind % CINCH_SCATTER_SHAPES, x, y,
                         (long long)i);
    }
    cinch_page_put(page, "</g>\n");
}

void cinch_svg_scatter(cinch_page *page, const cinch_scatter *s)
{
    frame f = fit(s);
    cinch_page_put(page, "<figure class='plot scatter'><figcaption>");
    cinch_page_text(page, s->title);
    cinch_page_print(page, "</figcaption>\n<svg viewBox='0 0 %d %d' role='img' data-scatter aria-label='", SIDE, SIDE);
    cinch_page_text(page, s->title);
    cinch_page_put(page, "'>\n");
    for (int k = 0; k < s->kinds; k++) draw_kind(page, s, &f, k);
    cinch_page_put(page, "</svg>\n");
    if (s->note) {
        cinch_page_put(page, "<p class='note'>");
        cinch_page_text(page, s->note);
        cinch_page_put(page, "</p>\n");
    }
    cinch_page_put(page, "</figure>\n");
}
