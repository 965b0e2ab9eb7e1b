/* SPDX-License-Identifier: Apache-2.0 */
/* Reconstructions beside what was to come out, on one scale, and where they differ. */
#include "report/item.h"
#include "report/section.h"
#include "report/svg.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TYPICAL, WORST, GROUPS, SHOWN = 10 };

typedef struct {
    int n;                              /* of a group */
    cinch_ranked chosen[GROUPS][SHOWN];
    float *in, *target, *out, *differ;  /* [GROUPS, n, sample] */
    bool has_target;
    cinch_item item, input, difference; /* input: of images, whose range may be another than that of the target */
    const cinch_ranking *ranking;
} strips;

static size_t at(const strips *s, int group, int i) { return (size_t)(group * s->n + i) * (size_t)s->ranking->size; }

static void widen(cinch_item *item, const strips *s, const float *values)
{
    if (!item->bounded) cinch_tile_range(&item->tile, values, GROUPS * s->n);
}

/* Curves lie over one another, on a scale that holds all of them. */
static void find_scales(strips *s)
{
    widen(&s->input, s, s->in);
    widen(&s->item, s, s->target);
    widen(&s->item, s, s->out);
    if (!s->item.tile.rows) {
        s->item.tile.low = fmin(s->item.tile.low, s->input.tile.low);
        s->item.tile.high = fmax(s->item.tile.high, s->input.tile.high);
    }
    cinch_tile_close_range(&s->input.tile);
    cinch_tile_close_range(&s->item.tile);
}

static void compare(strips *s)
{
    size_t count = at(s, GROUPS, 0);
    for (size_t i = 0; i < count; i++) s->differ[i] = fabsf(s->out[i] - s->target[i]);
    find_scales(s);
    s->difference = s->item;
    s->difference.tile.low = INFINITY;
    s->difference.tile.high = -INFINITY;
    cinch_tile_range(&s->difference.tile, s->differ, GROUPS * s->n);
    s->difference.tile.low = 0;
    if (!(s->difference.tile.high > 0)) s->difference.tile.high = 1;
}

static cinch_status fill(strips *s)
{
    int32_t row[GROUPS * SHOWN];
    for (int g = 0; g < GROUPS; g++)
        for (int i = 0; i < s->n; i++) row[g * s->n + i] = cinch_rows_at(&s->ranking->rows, s->chosen[g][i].place);
    TRY(cinch_ranking_show(s->ranking, row, GROUPS * s->n, s->in, s->target, s->out));
    compare(s);
    return CINCH_OK;
}

static cinch_status prepare(strips *s, const cinch_ranking *r)
{
    s->ranking = r;
    s->n = r->rows.n < SHOWN ? (int)r->rows.n : SHOWN;
    s->has_target = r->rows.target != NULL;
    cinch_sample in = cinch_model_sample(cinch_run_model(r->run)), out = cinch_run_output(r->run);
    s->input = cinch_item_of(&in);
    s->item = cinch_item_of(&out);
    cinch_ranking_typical(r, s->n, s->chosen[TYPICAL]);
    memcpy(s->chosen[WORST], r->order, (size_t)s->n * sizeof *r->order);
    s->in = cinch_calloc(4 * at(s, GROUPS, 0), sizeof *s->in);
    if (!s->in) return CINCH_DEVICE;
    s->target = s->in + at(s, GROUPS, 0);
    s->out = s->target + at(s, GROUPS, 0);
    s->differ = s->out + at(s, GROUPS, 0);
    return fill(s);
}

static void show_one(cinch_page *page, const strips *s, int group, int i)
{
    size_t place = at(s, group, i);
    const float *over[] = { s->target + place, s->out + place, s->in + place }, *differ = s->differ + place;
    bool image = s->item.tile.rows > 0;
    cinch_page_put(page, "<figure class='pair'>");
    if (image && s->has_target) cinch_item_show(page, &s->input, &over[2], 1, "input");
    cinch_item_show(page, &s->item, over, s->has_target && !image ? 3 : 2,
                    image ? "original" : "original and reconstruction");
    if (image) cinch_item_show(page, &s->item, &over[1], 1, "reconstruction");
    if (image) cinch_item_show(page, &s->difference, &differ, 1, "difference");
    cinch_page_print(page, "<figcaption>%.3g</figcaption></figure>\n", s->chosen[group][i].error);
}

static void show_group(cinch_page *page, const strips *s, int group, const char *heading)
{
    cinch_page_print(page, "<h3>%s</h3>\n<div class='strip'>\n", heading);
    for (int i = 0; i < s->n; i++) show_one(page, s, group, i);
    cinch_page_put(page, "</div>\n");
}

static void explain(cinch_page *page, const strips *s)
{
    const cinch_tile *t = &s->item.tile;
    const cinch_tile *in = &s->input.tile;
    bool seen = !strcmp(s->ranking->rows.part, "train");
    cinch_page_print(page, "<p>Samples of the %s part, which training has%s seen. ", s->ranking->rows.part,
                     seen ? "" : " not");
    if (t->rows && s->has_target)
        cinch_page_print(page, "From the top: the input, from %.3g (black) to %.3g (white), ", in->low, in->high);
    if (t->rows)
        cinch_page_print(page, "%s its reconstruction, both from %.3g (black) to %.3g (white), and how far they are "
                         "apart, from 0 (black) to %.3g (white). ",
                         s->has_target ? "what was to come out and" : "From the top: the original and", t->low,
                         t->high, s->difference.tile.high);
    else
        cinch_page_print(page, "Solid: %s; dashed: its reconstruction%s; from %.3g to %.3g. ",
                         s->has_target ? "what was to come out" : "the original",
                         s->has_target ? "; dotted: the input" : "", t->low, t->high);
    cinch_page_put(page, "Below each: the mean squared error.</p>\n");
}

void cinch_section_reconstructions(cinch_page *page, const cinch_subject *subject)
{
    strips s = { 0 };
    if (page->status) return;
    cinch_section_open(page, "reconstructions", "Reconstructions");
    page->status = prepare(&s, &subject->ranking);
    if (!page->status) {
        explain(page, &s);
        show_group(page, &s, TYPICAL, "Typical: from the middle of all errors");
        show_group(page, &s, WORST, "The worst");
    }
    free(s.in);
    cinch_section_close(page);
}
