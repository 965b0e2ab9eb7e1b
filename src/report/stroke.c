/* SPDX-License-Identifier: Apache-2.0 */
#include "report/stroke.h"

#include <math.h>
#include <stdlib.h>

/* How much of each pixel in a box of the picture the stroke covers, 0..255. Taking the largest cover before anything
   is mixed keeps the joints of short segments from turning dark. */
typedef struct {
    int left, top, width, height;
    uint8_t *cover;
    double radius;
} mask;

static const cinch_stroke styles[CINCH_STROKES] = {
    { { 0x00, 0x72, 0xB2 }, 2, { 0 }, 0 },      { { 0xD5, 0x5E, 0x00 }, 2, { 9, 6 }, 2 },
    { { 0x00, 0x9E, 0x73 }, 2.6, { 0, 5 }, 2 }, { { 0xCC, 0x79, 0xA7 }, 2, { 11, 5, 0, 5 }, 4 },
    { { 0x22, 0x22, 0x22 }, 2, { 4, 4.5 }, 2 }, { { 0xE6, 0x9F, 0x00 }, 2, { 11, 5, 0, 5, 0, 5 }, 6 },
};

cinch_stroke cinch_stroke_style(int i) { return styles[(unsigned)i % CINCH_STROKES]; }

static bool drawable(double x, double y) { return isfinite(x) && isfinite(y); }

/* Far outside any picture, and small enough to walk along in dashes. */
static double near_enough(double value) { return fmin(fmax(value, -1e5), 1e5); }

static int clamp_to(double value, int low, int high)
{
    if (value < low) return low;
    return value > high ? high : (int)value;
}

static double distance_to_segment(double x, double y, double x0, double y0, double x1, double y1)
{
    double dx = x1 - x0, dy = y1 - y0, square = dx * dx + dy * dy;
    double t = square > 0 ? ((x - x0) * dx + (y - y0) * dy) / square : 0;
    t = fmin(fmax(t, 0), 1);
    return hypot(x - x0 - t * dx, y - y0 - t * dy);
}

static void cover_segment(mask *m, double x0, double y0, double x1, double y1)
{
    double reach = m->radius + 1;
    int left = clamp_to(floor(fmin(x0, x1) - reach), m->left, m->left + m->width);
    int right = clamp_to(ceil(fmax(x0, x1) + reach), m->left, m->left + m->width);
    int top = clamp_to(floor(fmin(y0, y1) - reach), m->top, m->top + m->height);
    int bottom = clamp_to(ceil(fmax(y0, y1) + reach), m->top, m->top + m->height);
    for (int y = top; y < bottom; y++)
        for (int x = left; x < right; x++) {
            double part = m->radius + 0.5 - distance_to_segment(x + 0.5, y + 0.5, x0, y0, x1, y1);
            int cover = clamp_to(part * 255 + 0.5, 0, 255);
            uint8_t *cell = &m->cover[(size_t)(y - m->top) * (size_t)m->width + (size_t)(x - m->left)];
            if (cover > *cell) *cell = (uint8_t)cover;
        }
}

/* Where in the pattern the pen is, kept from one segment to the next. */
typedef struct {
    int index;
    double left;
} pen;

static void cover_dashes(mask *m, pen *p, const cinch_stroke *stroke, double x0, double y0, double x1, double y1)
{
    double length = hypot(x1 - x0, y1 - y0), at = 0;
    while (at < length) {
        double step = fmin(p->left, length - at), from = at / length, to = (at + step) / length;
        if (p->index % 2 == 0)
            cover_segment(m, x0 + from * (x1 - x0), y0 + from * (y1 - y0), x0 + to * (x1 - x0), y0 + to * (y1 - y0));
        at += step;
        p->left -= step;
        if (p->left > 0) continue;
        p->index = (p->index + 1) % stroke->n_dashes;
        p->left = stroke->dashes[p->index];
    }
}

static void cover_dot(mask *m, double x, double y)
{
    double radius = m->radius;
    m->radius = radius * 2.5;
    cover_segment(m, x, y, x, y);
    m->radius = radius;
}

/* Points first..last-1 without a gap. */
static void cover_run(mask *m, const double *x, const double *y, int first, int last, const cinch_stroke *stroke)
{
    pen p = { 0, stroke->dashes[0] };
    if (last - first == 1) cover_dot(m, near_enough(x[first]), near_enough(y[first]));
    for (int i = first; i + 1 < last; i++) {
        double x0 = near_enough(x[i]), y0 = near_enough(y[i]);
        double x1 = near_enough(x[i + 1]), y1 = near_enough(y[i + 1]);
        if (stroke->n_dashes)
            cover_dashes(m, &p, stroke, x0, y0, x1, y1);
        else
            cover_segment(m, x0, y0, x1, y1);
    }
}

static void cover_points(mask *m, const double *x, const double *y, int n, const cinch_stroke *stroke)
{
    for (int i = 0; i < n;) {
        int first = i;
        while (i < n && drawable(x[i], y[i])) i++;
        if (i > first) cover_run(m, x, y, first, i, stroke);
        while (i < n && !drawable(x[i], y[i])) i++;
    }
}

/* The part of the picture that the points can reach; empty when there is none. */
static mask bounds(const cinch_picture *picture, const double *x, const double *y, int n, double width)
{
    double low_x = INFINITY, high_x = -INFINITY, low_y = INFINITY, high_y = -INFINITY, reach = width * 1.25 + 2;
    for (int i = 0; i < n; i++) {
        if (!drawable(x[i], y[i])) continue;
        low_x = fmin(low_x, x[i]), high_x = fmax(high_x, x[i]);
        low_y = fmin(low_y, y[i]), high_y = fmax(high_y, y[i]);
    }
    mask m = { .radius = width / 2 };
    m.left = clamp_to(floor(low_x - reach), 0, picture->width);
    m.top = clamp_to(floor(low_y - reach), 0, picture->height);
    m.width = clamp_to(ceil(high_x + reach), m.left, picture->width) - m.left;
    m.height = clamp_to(ceil(high_y + reach), m.top, picture->height) - m.top;
    return m;
}

cinch_status cinch_picture_polyline(cinch_picture *picture, const double *x, const double *y, int n,
                                    const cinch_stroke *stroke)
{
    mask m = bounds(picture, x, y, n, stroke->width);
    if (m.width < 1 || m.height < 1) return CINCH_OK;
    m.cover = cinch_calloc((size_t)m.width * (size_t)m.height, 1);
    if (!m.cover) return CINCH_DEVICE;
    cover_points(&m, x, y, n, stroke);
    for (int row = 0; row < m.height; row++)
        for (int column = 0; column < m.width; column++)
            cinch_picture_blend(picture, m.left + column, m.top + row, stroke->color,
                                m.cover[(size_t)row * (size_t)m.width + (size_t)column]);
    free(m.cover);
    return CINCH_OK;
}
