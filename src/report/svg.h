/* SPDX-License-Identifier: Apache-2.0 */
/* Charts of a page as SVG, in colours from page.css for light and dark, and told apart without them. */
#ifndef CINCH_REPORT_SVG_H
#define CINCH_REPORT_SVG_H

#include "report/axis.h"
#include "report/chart.h"
#include "report/page.h"

/* Lines with a legend, by the styles 0 to 5; page.js shows the values under the pointer. Of a long series each piece
   keeps its extremes. The page decides on the size: the chart's width and height are not looked at. */
void cinch_svg_chart(cinch_page *page, const cinch_chart *chart);

typedef struct {
    const char *title, *x_label, *y_label;
    const double *values; /* [n]; those that are not finite are not counted */
    int64_t n;
    const char *const *mark_names; /* [n_marks]: lines at some values */
    const double *marks;
    int n_marks;
} cinch_histogram;

/* How many values lie where; on a logarithmic axis where the largest dwarf most of them. */
void cinch_svg_histogram(cinch_page *page, const cinch_histogram *histogram);

typedef struct {
    const char *title, *note; /* `note` (may be NULL) stands below */
    const double *xy;         /* [n, 2] */
    const int32_t *kind;      /* [n]: 0 .. kinds - 1 */
    int64_t n;
    int kinds;
} cinch_scatter;

enum { CINCH_SCATTER_SHAPES = 10, CINCH_SCATTER_COLORS = 7 };

/* The shapes of points, once a page, before the first scatter; and what the kinds are called, which page.js makes the
   switches of all scatters of the page. */
void cinch_svg_shapes(cinch_page *page);
void cinch_svg_kinds(cinch_page *page, const char *what, char (*name)[32], int kinds);

/* Points by kind, each with its own shape and colour; page.js tells about the one under the pointer. */
void cinch_svg_scatter(cinch_page *page, const cinch_scatter *scatter);

/* A small plot of n curves of `length` values, `stride` apart, over one another, from `low` (bottom) to `high`. */
void cinch_svg_curves(cinch_page *page, const float *const *curves, int n, int length, int stride, double low,
                      double high, const char *alt);

#endif
