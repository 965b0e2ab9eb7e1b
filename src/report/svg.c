/* SPDX-License-Identifier: Apache-2.0 */
#include "report/svg.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 480, HEIGHT = 264, LEFT = 58, RIGHT = 12, TOP = 10, BOTTOM = 42, BUCKETS = 240 };
enum { PLOT_HEIGHT = HEIGHT - TOP - BOTTOM };

/* --- a plot with its axes ----------------------------------------------------------------------------------------- */

typedef struct {
    cinch_page *page;
    cinch_axis x, y;
    int left, width; /* the plot's, beside the numbers of its y axis */
} plot;

/* Digits are at most so wide in the letters of a narrow window. */
static void make_room(plot *p, const char *y_label)
{
    static const double digit = 8.4;
    int left = LEFT;
    for (int i = 0; i < p->y.n_ticks; i++)
        left = (int)fmax(left, (double)strlen(p->y.label[i]) * digit + (*y_label ? 26 : 8));
    p->left = left;
    p->width = WIDTH - left - RIGHT;
}

static double x_at(const plot *p, double value) { return p->left + cinch_axis_place(&p->x, value) * p->width; }
static double y_at(const plot *p, double value) { return TOP + (1 - cinch_axis_place(&p->y, value)) * PLOT_HEIGHT; }

static void open_figure(cinch_page *page, const char *title)
{
    cinch_page_put(page, "<figure class='plot'><figcaption>");
    cinch_page_text(page, title);
    cinch_page_put(page, "</figcaption>\n");
}

static void print_label(cinch_page *page, const char *place, const char *text)
{
    cinch_page_print(page, "<text class='label' %s>", place);
    cinch_page_text(page, text);
    cinch_page_put(page, "</text>\n");
}

static void draw_x_axis(const plot *p, const char *label)
{
    char place[96];
    double last = -1e9;
    for (int i = 0; i < p->x.n_ticks; i++) {
        double x = x_at(p, p->x.tick[i]);
        cinch_page_print(p->page, "<path class='rule' d='M%.1f %dV%d'/>", x, TOP, TOP + PLOT_HEIGHT);
        if (x < last + 44) continue;
        cinch_page_print(p->page, "<text class='tick' x='%.1f' y='%d' text-anchor='middle'>%s</text>\n", x,
                         TOP + PLOT_HEIGHT + 16, p->x.label[i]);
        last = x;
    }
    snprintf(place, sizeof place, "x='%d' y='%d' text-anchor='middle'", p->left + p->width / 2, HEIGHT - 6);
    print_label(p->page, place, label);
}

static void draw_y_axis(const plot *p, const char *label)
{
    char place[96];
    for (int i = 0; i < p->y.n_ticks; i++) {
        double y = y_at(p, p->y.tick[i]);
        cinch_page_print(p->page, "<path class='rule' d='M%d %.1fH%d'/>", p->left, y, p->left + p->width);
        cinch_page_print(p->page, "<text class='tick' x='%d' y='%.1f' text-anchor='end'>%s</text>\n",
                         p->left - 6, y + 4, p->y.label[i]);
    }
    snprintf(place, sizeof place, "transform='translate(12 %d) rotate(-90)' text-anchor='middle'",
             TOP + PLOT_HEIGHT / 2);
    print_label(p->page, place, label);
}

/* `data` names what page.js does with it. */
static void open_plot(const plot *p, const char *data, const char *alt, const char *x_label, const char *y_label)
{
    cinch_page_print(p->page, "<svg viewBox='0 0 %d %d' role='img' %s aria-label='", WIDTH, HEIGHT, data);
    cinch_page_text(p->page, alt);
    cinch_page_put(p->page, "'>\n");
    draw_y_axis(p, y_label);
    draw_x_axis(p, x_label);
    cinch_page_print(p->page, "<path class='edge' d='M%d %dV%dH%d'/>\n", p->left, TOP, TOP + PLOT_HEIGHT,
                     p->left + p->width);
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

typedef struct {
    double low_x, high_x, low_y, high_y;
    bool any;
} extent;

static bool is_shown(const cinch_chart *c, const cinch_chart_series *s, int i)
{
    return cinch_axis_shows(s->x[i], false) && cinch_axis_shows(s->y[i], c->log_y);
}

static extent measure(const cinch_chart *chart)
{
    extent e = { INFINITY, -INFINITY, INFINITY, -INFINITY, false };
    for (int k = 0; k < chart->n_series; k++)
        for (int i = 0; i < chart->series[k].n; i++) {
            const cinch_chart_series *s = &chart->series[k];
            if (!is_shown(chart, s, i)) continue;
            e.low_x = fmin(e.low_x, s->x[i]), e.high_x = fmax(e.high_x, s->x[i]);
            e.low_y = fmin(e.low_y, s->y[i]), e.high_y = fmax(e.high_y, s->y[i]);
            e.any = true;
        }
    return e;
}

static void print_points(const plot *p, const cinch_chart_series *s, const int *at, int n)
{
    for (int i = 0; i < n; i++)
        cinch_page_print(p->page, "%s%.1f %.1f", i ? "L" : "M", x_at(p, s->x[at[i]]), y_at(p, s->y[at[i]]));
}

static void order_two(int two[2])
{
    int first = two[0];
    if (two[1] > first) return;
    two[0] = two[1];
    two[1] = first;
}

/* Points first to last, all of which are shown: of each bucket its lowest and its highest where there are many. */
static void print_stretch(const plot *p, const cinch_chart_series *s, int first, int last)
{
    int at[2 * BUCKETS], n = 0, count = last - first + 1, buckets = count < 2 * BUCKETS ? count : BUCKETS;
    for (int b = 0; b < buckets; b++) {
        int from = first + (int)((int64_t)count * b / buckets), to = first + (int)((int64_t)count * (b + 1) / buckets);
        int two[2] = { from, from };
        for (int i = from; i < to; i++) {
            if (s->y[i] < s->y[two[0]]) two[0] = i;
            if (s->y[i] > s->y[two[1]]) two[1] = i;
        }
        order_two(two);
        at[n++] = two[0];
        if (two[1] != two[0]) at[n++] = two[1];
    }
    print_points(p, s, at, n);
    if (count == 1) cinch_page_print(p->page, "h.1"); /* a round dot */
}

/* The first of the points from `first` on that are shown, and behind the last of them; false when there is none. */
static bool next_stretch(const cinch_chart *chart, const cinch_chart_series *s, int *first, int *end)
{
    while (*first < s->n && !is_shown(chart, s, *first)) (*first)++;
    for (*end = *first; *end < s->n && is_shown(chart, s, *end);) (*end)++;
    return *end > *first;
}

static void draw_line(const plot *p, const cinch_chart *chart, int index)
{
    const cinch_chart_series *s = &chart->series[index];
    cinch_page_print(p->page, "<path class='line s%d' data-name='", index);
    cinch_page_text(p->page, s->name);
    cinch_page_put(p->page, "' d='");
    for (int first = 0, end; next_stretch(chart, s, &first, &end); first = end) print_stretch(p, s, first, end - 1);
    cinch_page_put(p->page, "'/>\n");
}

/* A point without neighbours to draw lines to; each style has its own shape. */
static void print_lone_point(cinch_page *page, int style, double x, double y)
{
    static const char *const shapes[CINCH_CHART_SERIES] = {
        "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0Z", "m-3.6-3.6h7.2v7.2h-7.2Z", "m0-5l5 5-5 5-5-5Z",
        "m0-4.6l4.4 7.6h-8.8Z",               "m0 4.6l4.4-7.6h-8.8Z",    "m-4 0h8m-4-4v8" };
    cinch_page_print(page, "<path class='lone s%d' d='M%.1f %.1f%s'/>", style, x, y, shapes[style]);
}

static void draw_lone_points(const plot *p, const cinch_chart *chart, int index)
{
    const cinch_chart_series *s = &chart->series[index];
    for (int first = 0, end; next_stretch(chart, s, &first, &end); first = end)
        if (end - first == 1) print_lone_point(p->page, index, x_at(p, s->x[first]), y_at(p, s->y[first]));
}

static int points_shown(const cinch_chart *chart, const cinch_chart_series *s)
{
    int n = 0;
    for (int i = 0; i < s->n; i++) n += is_shown(chart, s, i);
    return n;
}

static void print_legend(cinch_page *page, const cinch_chart *chart)
{
    if (chart->n_series < 2) return;
    cinch_page_put(page, "<p class='legend'>");
    for (int k = 0; k < chart->n_series; k++) {
        cinch_page_put(page, "<span><svg viewBox='0 0 34 10' aria-hidden='true'>");
        if (points_shown(chart, &chart->series[k]) == 1) print_lone_point(page, k, 17, 5);
        else cinch_page_print(page, "<path class='line s%d' d='M1 5H33'/>", k);
        cinch_page_put(page, "</svg>");
        cinch_page_text(page, chart->series[k].name);
        cinch_page_put(page, "</span> ");
    }
    cinch_page_put(page, "</p>\n");
}

void cinch_svg_chart(cinch_page *page, const cinch_chart *chart)
{
    char data[160];
    extent e = measure(chart);
    plot p = { .page = page };
    cinch_axis_fit(&p.x, &(cinch_axis_request){ e.low_x, e.high_x, 6, 0.02, false, true });
    cinch_axis_fit(&p.y, &(cinch_axis_request){ e.low_y, e.high_y, 5, 0.05, chart->log_y, false });
    make_room(&p, chart->y_label);
    snprintf(data, sizeof data, "data-chart='%d %d %d %d %.9g %.9g %.9g %.9g %d'", p.left, TOP, p.width, PLOT_HEIGHT,
             p.x.low, p.x.high, p.y.low, p.y.high, p.y.log);
    open_figure(page, chart->title);
    print_legend(page, chart);
    open_plot(&p, data, chart->title, chart->x_label, chart->y_label);
    for (int k = chart->n_series; k-- > 0;) draw_line(&p, chart, k);
    for (int k = chart->n_series; k-- > 0;) draw_lone_points(&p, chart, k);
    if (!e.any)
        cinch_page_print(page, "<text class='tick' x='%d' y='%d' text-anchor='middle'>"
                         "nothing to show: no finite value</text>", p.left + p.width / 2, TOP + PLOT_HEIGHT / 2);
    cinch_page_put(page, "</svg></figure>\n");
}

/* --- histogram ---------------------------------------------------------------------------------------------------- */

enum { BARS = 40 };

typedef struct {
    double low, high;
    bool log;
    int count[BARS];
} bins;

static double bar_edge(const bins *b, int i)
{
    double t = (double)i / BARS;
    return b->log ? b->low * pow(b->high / b->low, t) : b->low + (b->high - b->low) * t;
}

static int bar_of(const bins *b, double value)
{
    double t = b->log ? log(value / b->low) / log(b->high / b->low) : (value - b->low) / (b->high - b->low);
    int i = (int)(t * BARS);
    return i < 0 ? 0 : i >= BARS ? BARS - 1 : i;
}

static bins count_values(const cinch_histogram *h)
{
    bins b = { INFINITY, -INFINITY, false, { 0 } };
    double sum = 0;
    int64_t n = 0;
    for (int64_t i = 0; i < h->n; i++)
        if (cinch_axis_shows(h->values[i], false))
            b.low = fmin(b.low, h->values[i]), b.high = fmax(b.high, h->values[i]), sum += h->values[i], n++;
    if (!n) b.low = 0, b.high = 1;
    if (!(b.high > b.low)) b.high = b.low + fmax(fabs(b.low), 1e-6) * 0.1;
    b.log = b.low > 1e-290 && b.high > 8 * sum / (double)(n ? n : 1);
    for (int64_t i = 0; i < h->n; i++)
        if (cinch_axis_shows(h->values[i], false)) b.count[bar_of(&b, h->values[i])]++;
    return b;
}

static void draw_bars(const plot *p, const bins *b)
{
    for (int i = 0; i < BARS; i++) {
        double left = x_at(p, bar_edge(b, i)), right = x_at(p, bar_edge(b, i + 1)), top = y_at(p, b->count[i]);
        if (!b->count[i]) continue;
        cinch_page_print(p->page, "<rect class='bar' x='%.1f' y='%.1f' width='%.1f' height='%.1f'>"
                         "<title>%d: %.3g to %.3g</title></rect>\n",
                         left, top, fmax(right - left - 1, 0.5), TOP + PLOT_HEIGHT - top, b->count[i], bar_edge(b, i),
                         bar_edge(b, i + 1));
    }
}

/* Lines from the top; their names one below the other, at the side where there is room. */
static void draw_marks(const plot *p, const cinch_histogram *h)
{
    for (int i = 0; i < h->n_marks; i++) {
        double x = x_at(p, h->marks[i]);
        bool right = x < p->left + p->width * 0.6;
        if (!isfinite(x)) continue;
        cinch_page_print(p->page, "<path class='mark m%d' d='M%.1f %dV%d'/>", i, x, TOP, TOP + PLOT_HEIGHT);
        cinch_page_print(p->page, "<text class='name' x='%.1f' y='%d' text-anchor='%s'>%s %.3g</text>\n",
                         right ? x + 5 : x - 5, TOP + 13 + 17 * i, right ? "start" : "end", h->mark_names[i],
                         h->marks[i]);
    }
}

void cinch_svg_histogram(cinch_page *page, const cinch_histogram *h)
{
    bins b = count_values(h);
    plot p = { .page = page };
    int most = 1;
    for (int i = 0; i < BARS; i++) most = b.count[i] > most ? b.count[i] : most;
    cinch_axis_fit(&p.x, &(cinch_axis_request){ b.low, b.high, b.log ? 9 : 6, 0.02, b.log, false });
    cinch_axis_fit(&p.y, &(cinch_axis_request){ 0, most, 5, 0.05, false, true });
    make_room(&p, h->y_label);
    open_figure(page, h->title);
    open_plot(&p, "", h->title, h->x_label, h->y_label);
    draw_bars(&p, &b);
    draw_marks(&p, h);
    cinch_page_put(page, "</svg></figure>\n");
}

/* --- curves ------------------------------------------------------------------------------------------------------- */

enum { CURVE_WIDTH = 160, CURVE_HEIGHT = 84, CURVE_PAD = 4, CURVE_POINTS = 320 };

static void draw_curve(cinch_page *page, const float *values, int length, int stride, double low, double high,
                       int style)
{
    int step = (length + CURVE_POINTS - 1) / CURVE_POINTS;
    bool pen = false;
    cinch_page_print(page, "<path class='line s%d' d='", style);
    for (int i = 0; i < length; i += step) {
        double value = (double)values[(size_t)i * (size_t)stride], up = (value - low) / (high - low);
        double x = CURVE_PAD + (length > 1 ? (double)i / (length - 1) : 0.5) * (CURVE_WIDTH - 2 * CURVE_PAD);
        double y = CURVE_PAD + (1 - fmin(fmax(up, 0), 1)) * (CURVE_HEIGHT - 2 * CURVE_PAD);
        bool shown = isfinite(up);
        if (shown) cinch_page_print(page, "%s%.1f %.1f", pen ? "L" : "M", x, y);
        pen = shown;
    }
    cinch_page_put(page, length == 1 ? "h.1'/>" : "'/>");
}

void cinch_svg_curves(cinch_page *page, const float *const *curves, int n, int length, int stride, double low,
                      double high, const char *alt)
{
    cinch_page_print(page, "<svg class='curve' viewBox='0 0 %d %d' role='img' aria-label='", CURVE_WIDTH, CURVE_HEIGHT);
    cinch_page_text(page, alt);
    cinch_page_put(page, "'>");
    for (int i = 0; i < n; i++) draw_curve(page, curves[i], length, stride, low, high, i);
    cinch_page_put(page, "</svg>");
}
