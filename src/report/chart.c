/* SPDX-License-Identifier: Apache-2.0 */
#include "report/chart.h"

#include "report/axis.h"
#include "report/font.h"
#include "report/stroke.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

enum { MARGIN = 18, SAMPLE = 34, LEGEND_LINE = 20, MIN_WIDTH = 320, MIN_HEIGHT = 200 };

static const cinch_color WHITE = { 255, 255, 255 }, INK = { 0x22, 0x22, 0x22 }, SOFT = { 0x60, 0x60, 0x60 };
static const cinch_color RULE = { 0xE4, 0xE4, 0xE4 }, EDGE = { 0x9A, 0x9A, 0x9A };

typedef struct {
    const cinch_chart *chart;
    cinch_picture picture;
    cinch_axis x, y;
    int left, top, width, height; /* the plot's rectangle */
} drawing;

static int text_width(const char *text) { return cinch_font_width(text, 1); }

static void put(drawing *d, int x, int y, const char *text, cinch_color color, int room)
{
    cinch_picture_text(&d->picture, x, y, text, (cinch_text){ .color = color, .room = room });
}

static bool is_shown(const cinch_chart *chart, const cinch_chart_series *series, int i)
{
    return cinch_axis_shows(series->x[i], false) && cinch_axis_shows(series->y[i], chart->log_y);
}

/* What of the data can be shown: its ranges, and whether all x are whole numbers. */
typedef struct {
    double low_x, high_x, low_y, high_y;
    bool whole;
} extent;

static extent measure(const cinch_chart *chart)
{
    extent e = { INFINITY, -INFINITY, INFINITY, -INFINITY, true };
    for (int s = 0; s < chart->n_series; s++) {
        const cinch_chart_series *series = &chart->series[s];
        for (int i = 0; i < series->n; i++) {
            double x = series->x[i], y = series->y[i];
            if (!is_shown(chart, series, i)) continue;
            e.low_x = fmin(e.low_x, x), e.high_x = fmax(e.high_x, x);
            e.low_y = fmin(e.low_y, y), e.high_y = fmax(e.high_y, y);
            if (x != floor(x)) e.whole = false;
        }
    }
    return e;
}

static int widest_label(const cinch_axis *axis)
{
    int widest = 0;
    for (int i = 0; i < axis->n_ticks; i++) {
        int width = text_width(axis->label[i]);
        if (width > widest) widest = width;
    }
    return widest;
}

/* Draws the legend in lines from (left, top); *height is what it took. */
static cinch_status legend(drawing *d, int left, int top, int right, int *height)
{
    int x = left, y = top;
    for (int i = 0; i < d->chart->n_series; i++) {
        const char *name = d->chart->series[i].name ? d->chart->series[i].name : "";
        int room = right - left - SAMPLE - 8, width = text_width(name) > room ? room : text_width(name);
        if (x > left && x + SAMPLE + 8 + width > right) x = left, y += LEGEND_LINE;
        cinch_stroke stroke = cinch_stroke_style(i);
        double middle = y + CINCH_FONT_HEIGHT / 2.0, line_x[] = { x + 1, x + SAMPLE - 1 },
               line_y[] = { middle, middle };
        TRY(cinch_picture_polyline(&d->picture, line_x, line_y, 2, &stroke));
        put(d, x + SAMPLE + 8, y, name, INK, width);
        x += SAMPLE + 8 + width + 24;
    }
    *height = d->chart->n_series ? y + LEGEND_LINE - top : 0;
    return CINCH_OK;
}

/* Fixes the plot's rectangle and both axes; the title and the legend are drawn on the way. */
static cinch_status lay_out(drawing *d)
{
    const cinch_chart *chart = d->chart;
    extent e = measure(chart);
    int right = d->picture.width - MARGIN - 6, bottom = MARGIN + 18 + (chart->x_label ? 22 : 0), legend_height;
    int title_height = chart->title ? 34 : 0;
    d->top = MARGIN + title_height;
    d->height = d->picture.height - d->top - (chart->n_series ? LEGEND_LINE + 10 : 0) - bottom;
    cinch_axis_fit(&d->y, &(cinch_axis_request){ e.low_y, e.high_y, d->height / 48, 0.05, chart->log_y, false });
    d->left = MARGIN + (chart->y_label ? 24 : 0) + widest_label(&d->y) + 10;
    d->width = right - d->left;
    cinch_axis_fit(&d->x, &(cinch_axis_request){ e.low_x, e.high_x, d->width / 70, 0.02, false, e.whole });
    TRY(legend(d, d->left, d->top, right, &legend_height));
    d->top += legend_height + (legend_height ? 10 : 0);
    d->height = d->picture.height - d->top - bottom;
    if (d->height < 60 || d->width < 100)
        return cinch_fail(CINCH_USAGE, "a chart of %d x %d pixels has no room for its legend; make it larger",
                          d->picture.width, d->picture.height);
    if (chart->title)
        cinch_picture_text(&d->picture, d->left, MARGIN - 4, chart->title,
                           (cinch_text){ .color = INK, .scale = 2, .room = right - d->left });
    return CINCH_OK;
}

static double x_pixel(const drawing *d, double value) { return d->left + cinch_axis_place(&d->x, value) * d->width; }

static double y_pixel(const drawing *d, double value)
{
    return d->top + (1 - cinch_axis_place(&d->y, value)) * d->height;
}

static void draw_x_axis(drawing *d)
{
    int last_end = 0;
    for (int i = 0; i < d->x.n_ticks; i++) {
        int x = (int)x_pixel(d, d->x.tick[i]), width = text_width(d->x.label[i]), start = x - width / 2;
        cinch_picture_fill(&d->picture, x, d->top, 1, d->height, RULE);
        cinch_picture_fill(&d->picture, x, d->top + d->height, 1, 5, EDGE);
        if (start < last_end + 6 || start + width > d->picture.width) continue;
        put(d, start, d->top + d->height + 7, d->x.label[i], SOFT, 0);
        last_end = start + width;
    }
    if (!d->chart->x_label) return;
    int width = text_width(d->chart->x_label) < d->width ? text_width(d->chart->x_label) : d->width;
    put(d, d->left + (d->width - width) / 2, d->top + d->height + 27, d->chart->x_label, INK, d->width);
}

static void draw_y_axis(drawing *d)
{
    int last_y = INT_MAX;
    for (int i = 0; i < d->y.n_ticks; i++) {
        int y = (int)y_pixel(d, d->y.tick[i]);
        cinch_picture_fill(&d->picture, d->left, y, d->width, 1, RULE);
        cinch_picture_fill(&d->picture, d->left - 5, y, 5, 1, EDGE);
        if (y > last_y - CINCH_FONT_HEIGHT) continue;
        put(d, d->left - 8 - text_width(d->y.label[i]), y - 5, d->y.label[i], SOFT, 0);
        last_y = y;
    }
    if (!d->chart->y_label) return;
    int width = text_width(d->chart->y_label) < d->height ? text_width(d->chart->y_label) : d->height;
    cinch_picture_text(&d->picture, MARGIN - 2, d->top + (d->height + width) / 2, d->chart->y_label,
                       (cinch_text){ .color = INK, .room = d->height, .up = true });
}

static cinch_status draw_series(drawing *d, int index)
{
    const cinch_chart_series *series = &d->chart->series[index];
    cinch_stroke stroke = cinch_stroke_style(index);
    if (series->n < 1) return CINCH_OK;
    double *x = cinch_calloc((size_t)series->n, 2 * sizeof *x);
    if (!x) return CINCH_DEVICE;
    double *y = x + series->n;
    for (int i = 0; i < series->n; i++) {
        bool shown = is_shown(d->chart, series, i);
        x[i] = shown ? x_pixel(d, series->x[i]) : NAN;
        y[i] = shown ? y_pixel(d, series->y[i]) : NAN;
    }
    cinch_status status = cinch_picture_polyline(&d->picture, x, y, series->n, &stroke);
    free(x);
    return status;
}

static void say_when_empty(drawing *d)
{
    static const char text[] = "nothing to show: no finite value";
    extent e = measure(d->chart);
    if (e.low_x <= e.high_x) return;
    int x = d->left + (d->width - text_width(text)) / 2, y = d->top + d->height / 2 - 6;
    cinch_picture_fill(&d->picture, x - 6, y - 4, text_width(text) + 12, CINCH_FONT_HEIGHT + 8, WHITE);
    put(d, x, y, text, SOFT, 0);
}

static cinch_status check(const cinch_chart *chart, int width, int height)
{
    if (chart->n_series < 0 || chart->n_series > CINCH_CHART_SERIES)
        return cinch_fail(CINCH_USAGE, "a chart of %d series; at most %d can be told apart", chart->n_series,
                          CINCH_CHART_SERIES);
    if (width < MIN_WIDTH || height < MIN_HEIGHT)
        return cinch_fail(CINCH_USAGE, "a chart of %d x %d pixels; make it at least %d x %d", width, height, MIN_WIDTH,
                          MIN_HEIGHT);
    return CINCH_OK;
}

static cinch_status draw(drawing *d)
{
    int width = d->chart->width ? d->chart->width : 960, height = d->chart->height ? d->chart->height : 560;
    TRY(check(d->chart, width, height));
    TRY(cinch_picture_create(&d->picture, width, height, WHITE));
    TRY(lay_out(d));
    draw_y_axis(d);
    draw_x_axis(d);
    cinch_picture_fill(&d->picture, d->left, d->top, 1, d->height, EDGE);
    cinch_picture_fill(&d->picture, d->left, d->top + d->height, d->width + 1, 1, EDGE);
    for (int i = d->chart->n_series; i-- > 0;) TRY(draw_series(d, i)); /* the first one on top */
    say_when_empty(d);
    return CINCH_OK;
}

cinch_status cinch_chart_write(const char *path, const cinch_chart *chart)
{
    drawing d = { .chart = chart };
    cinch_status status = draw(&d);
    if (status)
        cinch_fail_in(status, path);
    else
        status = cinch_picture_write(&d.picture, path);
    cinch_picture_free(&d.picture);
    return status;
}
