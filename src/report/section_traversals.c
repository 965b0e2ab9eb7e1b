/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A code changed in one way at a time. What a number of a variational model's code means stands for itself, so each is
 * changed alone; a plain autoencoder spreads everything over all numbers, so its codes go along principal components.
 */
#include "report/item.h"
#include "report/section.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = CINCH_COMPONENTS_MOST, STEPS = 7 };

/* One way to change a code: along `direction`, or number `number` alone. */
typedef struct {
    int64_t number;
    const double *direction; /* [code]; NULL: the number alone */
    double weight;           /* nats of the number, or share of the variance */
    double mean, deviation;
} way;

typedef struct {
    const cinch_subject *subject;
    int rows;
    way ways[ROWS];
    float *code, *x; /* [ROWS * STEPS, ...] */
    int32_t *label;
} walk;

/* --- the numbers that say most ------------------------------------------------------------------------------------ */

static double kl_of(const cinch_points *p, int64_t d)
{
    double sum = 0;
    for (int64_t i = 0; i < p->n; i++) {
        double mean = (double)p->code[i * p->code_size + d], logvar = (double)p->logvar[i * p->code_size + d];
        sum += 0.5 * (mean * mean + exp(logvar) - 1 - logvar);
    }
    return sum / (double)p->n;
}

static way measure(const cinch_points *p, int64_t d)
{
    double mean = p->components.mean[d], square = 0;
    for (int64_t i = 0; i < p->n; i++) square += pow((double)p->code[i * p->code_size + d] - mean, 2);
    return (way){ d, NULL, kl_of(p, d), mean, sqrt(square / (double)p->n) };
}

static int weightier_first(const void *a, const void *b)
{
    const way *x = a, *y = b;
    if (x->weight != y->weight && !isnan(x->weight) && !isnan(y->weight)) return x->weight > y->weight ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

static cinch_status choose_numbers(walk *w, const cinch_points *p)
{
    way *all = cinch_calloc((size_t)p->code_size, sizeof *all);
    if (!all) return CINCH_DEVICE;
    for (int64_t d = 0; d < p->code_size; d++) all[d] = measure(p, d);
    qsort(all, (size_t)p->code_size, sizeof *all, weightier_first);
    w->rows = p->code_size < ROWS ? (int)p->code_size : ROWS;
    memcpy(w->ways, all, (size_t)w->rows * sizeof *all);
    free(all);
    return CINCH_OK;
}

static void choose_components(walk *w, const cinch_points *p)
{
    const cinch_components *c = &p->components;
    for (int i = 0; i < c->m && (i == 0 || c->deviation[i] > 0); i++)
        w->ways[w->rows++] = (way){ i, c->direction + i * c->k, c->share[i], 0, c->deviation[i] };
}

/* --- decoding ----------------------------------------------------------------------------------------------------- */

/* From 2 deviations below the mean to 2 above. */
static double value_at(const way *d, int step) { return d->mean + (4.0 * step / (STEPS - 1) - 2) * d->deviation; }

/* The code, with what it has in this way replaced by `value`. */
static void change(const cinch_components *c, const way *d, double value, float *code)
{
    double now = 0;
    if (!d->direction) {
        code[d->number] = (float)value;
        return;
    }
    for (int64_t j = 0; j < c->k; j++) now += ((double)code[j] - c->mean[j]) * d->direction[j];
    for (int64_t j = 0; j < c->k; j++) code[j] += (float)((value - now) * d->direction[j]);
}

/* The code to start from: of a sample that is reconstructed as well as half of all are. */
static cinch_status read_start(walk *w, int32_t *label)
{
    cinch_ranked typical;
    int32_t *wanted;
    const cinch_ranking *r = &w->subject->ranking;
    cinch_ranking_typical(r, 1, &typical);
    int32_t row = cinch_rows_at(&r->rows, typical.place);
    TRY(cinch_ranking_show(r, &row, 1, w->x, NULL, NULL));
    TRY(cinch_rows_labels(r->rows.data, &row, 1, &wanted));
    cinch_status status = cinch_run_encode(w->subject->run, w->x, wanted, 1, w->code, NULL);
    *label = wanted ? *wanted : 0;
    free(wanted);
    return status;
}

static cinch_status decode(walk *w)
{
    int32_t label;
    const cinch_components *c = &w->subject->points.components;
    TRY(read_start(w, &label));
    for (int i = w->rows * STEPS; i-- > 0;) { /* the start is the first code, changed last */
        float *code = w->code + i * c->k;
        memmove(code, w->code, (size_t)c->k * sizeof *code);
        change(c, &w->ways[i / STEPS], value_at(&w->ways[i / STEPS], i % STEPS), code);
        w->label[i] = label;
    }
    return cinch_run_decode(w->subject->run, w->code, w->label, w->rows * STEPS, w->x);
}

/* --- the section -------------------------------------------------------------------------------------------------- */

static void show_way(cinch_page *page, const walk *w, const cinch_item *item, int r)
{
    char alt[64];
    const way *d = &w->ways[r];
    if (d->direction)
        cinch_page_print(page, "<h3>Component %d <small>%.0f%% of the variance</small></h3>", r + 1, 100 * d->weight);
    else
        cinch_page_print(page, "<h3>Number %lld <small>%.3g nats</small></h3>", (long long)d->number, d->weight);
    cinch_page_put(page, "\n<div class='strip walk'>\n");
    for (int i = 0; i < STEPS; i++) {
        const float *value = w->x + (r * STEPS + i) * w->subject->ranking.size;
        snprintf(alt, sizeof alt, "at %.3g", value_at(d, i));
        cinch_page_put(page, "<figure class='pair'>");
        cinch_item_show(page, item, &value, 1, alt);
        cinch_page_print(page, "<figcaption>%.3g</figcaption></figure>\n", value_at(d, i));
    }
    cinch_page_put(page, "</div>\n");
}

static cinch_status take_walk(cinch_page *page, walk *w)
{
    const cinch_points *p = &w->subject->points;
    size_t n = ROWS * STEPS;
    w->code = cinch_calloc(n * (size_t)p->code_size, sizeof *w->code);
    w->x = cinch_calloc(n * (size_t)w->subject->ranking.size, sizeof *w->x);
    w->label = cinch_calloc(n, sizeof *w->label);
    if (!w->code || !w->x || !w->label) return CINCH_DEVICE;
    if (p->logvar) TRY(choose_numbers(w, p));
    else choose_components(w, p);
    TRY(decode(w));
    cinch_item item = cinch_item_around(w->subject->run, w->x, w->rows * STEPS);
    for (int r = 0; r < w->rows; r++) show_way(page, w, &item, r);
    return page->status;
}

void cinch_section_traversals(cinch_page *page, const cinch_subject *s)
{
    walk w = { .subject = s };
    if (page->status) return;
    cinch_section_open(page, "traversals", "Traversals");
    cinch_page_print(page, "<p>The code of a typical sample, decoded with %s, from two standard deviations below the "
                     "mean of all codes to two above.</p>\n", s->points.logvar
                     ? "one of its numbers changed, those that say most of the input first"
                     : "what it has along one principal component of the codes changed");
    page->status = take_walk(page, &w);
    free(w.code);
    free(w.x);
    free(w.label);
    cinch_section_close(page);
}
