/* SPDX-License-Identifier: Apache-2.0 */
#include "report/section.h"
#include "report/svg.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { KINDS_MOST = 70, THIRDS = 3, NAME = 32 };

/* What tells points apart: their label, or else the size of their error. */
typedef struct {
    int32_t *of; /* [n] */
    int count;
    bool labels;
    char name[KINDS_MOST][NAME];
} kinds;

static void by_label(kinds *k, const cinch_points *p, const int32_t *labels, int32_t classes)
{
    k->count = classes < KINDS_MOST ? classes : KINDS_MOST;
    k->labels = true;
    for (int64_t i = 0; i < p->n; i++) k->of[i] = labels[p->row[i]] % k->count;
    for (int i = 0; i < k->count; i++)
        snprintf(k->name[i], NAME, classes > KINDS_MOST ? "%d, %d, ..." : "%d", i, i + KINDS_MOST);
}

/* Thirds of the ranking; the order begins with the worst. */
static void by_error(kinds *k, const cinch_points *p, const cinch_ranking *r)
{
    static const char *const names[] = { "lowest third", "middle third", "highest third" };
    double high = r->order[r->rows.n / THIRDS].error, low = r->order[2 * r->rows.n / THIRDS].error;
    k->count = THIRDS;
    for (int64_t i = 0; i < p->n; i++) k->of[i] = p->error[i] <= low ? 0 : p->error[i] <= high ? 1 : 2;
    for (int i = 0; i < THIRDS; i++) snprintf(k->name[i], NAME, "%s", names[i]);
}

static cinch_status sort_out(kinds *k, const cinch_subject *s)
{
    const int32_t *labels = cinch_dataset_labels(s->ranking.rows.data);
    int32_t classes = cinch_dataset_describe(s->ranking.rows.data)->classes;
    k->of = cinch_calloc((size_t)s->points.n, sizeof *k->of);
    if (!k->of) return CINCH_DEVICE;
    if (labels && classes > 0) by_label(k, &s->points, labels, classes);
    else by_error(k, &s->points, &s->ranking);
    return CINCH_OK;
}

/* --- what page.js shows under the pointer ------------------------------------------------------------------------- */

static void print_rows(cinch_page *page, const cinch_points *p)
{
    cinch_page_put(page, "\"row\":[");
    for (int64_t i = 0; i < p->n; i++) cinch_page_print(page, i ? ",%d" : "%d", p->row[i]);
    cinch_page_put(page, "],\"error\":[");
    for (int64_t i = 0; i < p->n; i++)
        cinch_page_print(page, isfinite(p->error[i]) ? "%s%.3g" : "%snull", i ? "," : "", p->error[i]);
    cinch_page_put(page, "]");
}

static void print_kinds(cinch_page *page, const cinch_points *p, const kinds *k)
{
    cinch_page_put(page, ",\"kind\":[");
    for (int64_t i = 0; i < p->n; i++) cinch_page_print(page, i ? ",%d" : "%d", k->of[i]);
    cinch_page_put(page, "],\"name\":[");
    for (int i = 0; i < k->count; i++)
        cinch_page_print(page, "%s\"%s %s\"", i ? "," : "", k->labels ? "label" : "error:", k->name[i]);
    cinch_page_put(page, "]");
}

static void print_data(cinch_page *page, const cinch_points *p, const kinds *k)
{
    cinch_page_put(page, "<script type='application/json' id='points'>{");
    print_rows(page, p);
    print_kinds(page, p, k);
    cinch_page_print(page, ",\"columns\":%d,\"width\":%d,\"height\":%d}</script>\n", p->columns, p->width, p->height);
    cinch_page_picture(page, &p->sprite, "id='sprite' hidden", "");
    cinch_page_put(page, "\n");
}

/* --- the section -------------------------------------------------------------------------------------------------- */

static void draw(cinch_page *page, const cinch_subject *s, const kinds *k)
{
    char share[96];
    const cinch_points *p = &s->points;
    cinch_page_print(page, "<p>The codes of %lld samples of the %s part, seen in two ways. A point tells what it is "
                     "under the pointer, or when touched.</p>\n", (long long)p->n, s->ranking.rows.part);
    cinch_svg_shapes(page);
    cinch_svg_kinds(page, k->labels ? "Label:" : "Error:", (char (*)[NAME])k->name, k->count);
    snprintf(share, sizeof share, "%.0f%% and %.0f%% of the variance", 100 * p->components.share[0],
             100 * p->components.share[1]);
    cinch_page_put(page, "<div class='plots'>\n");
    cinch_svg_scatter(page, &(cinch_scatter){ "The two principal components", share, p->pca, k->of, p->n, k->count });
    cinch_svg_scatter(page, &(cinch_scatter){ "t-SNE",
                                              "neighbours stay neighbours; distances between groups say little",
                                              p->tsne, k->of, p->n, k->count });
    cinch_page_put(page, "</div>\n");
    print_data(page, p, k);
}

void cinch_section_latent(cinch_page *page, const cinch_subject *s)
{
    kinds k = { 0 };
    if (page->status) return;
    cinch_section_open(page, "latent", "Latent space");
    page->status = sort_out(&k, s);
    if (!page->status) draw(page, s, &k);
    free(k.of);
    cinch_section_close(page);
}
