/* SPDX-License-Identifier: Apache-2.0 */
/* Charts as SVG: what is drawn, by counting and reading it back. */
#include "report/svg.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *ended(cinch_page *page)
{
    cr_assert_eq(cinch_page_end(page), CINCH_OK, "%s", cinch_last_error());
    char *text = strdup(page->text);
    cinch_page_free(page);
    return text;
}

static int count(const char *text, const char *words)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, words)); at += strlen(words)) n++;
    return n;
}

static char *chart_of(const cinch_chart *chart)
{
    cinch_page page;
    cinch_page_begin(&page);
    cinch_svg_chart(&page, chart);
    return ended(&page);
}

/* The points of a chart's only line. */
static int points_of(const char *svg, double (*out)[2], int most)
{
    int n = 0, read;
    const char *at = strstr(strstr(svg, "data-name="), " d='") + 4;
    while (n < most && sscanf(at, "%*[ML]%lf %lf%n", &out[n][0], &out[n][1], &read) == 2) at += read, n++;
    return n;
}

static cinch_chart chart_with(const cinch_chart_series *series, int n)
{
    return (cinch_chart){ .title = "Loss", .x_label = "step", .y_label = "", .series = series, .n_series = n };
}

Test(report_svg, lines_have_their_points)
{
    double x[] = { 0, 1, 2, 3, 4 }, y[] = { 4, 3, 2, 1, 0 }, at[8][2];
    cinch_chart_series line = { "training <1>", x, y, 5 };
    cinch_chart chart = chart_with(&line, 1);
    char *svg = chart_of(&chart);
    cr_assert_eq(points_of(svg, at, 8), 5);
    for (int i = 1; i < 5; i++) {
        cr_expect_float_eq(at[i][0] - at[i - 1][0], at[1][0] - at[0][0], 0.11, "even steps");
        cr_expect_float_eq(at[i][1] - at[i - 1][1], at[1][1] - at[0][1], 0.11);
        cr_expect(at[i][0] > at[i - 1][0] && at[i][1] > at[i - 1][1], "to the right, and downwards as y falls");
    }
    cr_expect(strstr(svg, "data-name='training &lt;1&gt;'"));
    cr_expect_eq(count(svg, "class='legend'"), 0, "one line needs no legend");
    free(svg);
}

Test(report_svg, gaps_and_single_points)
{
    double x[] = { 0, 1, 2, 3, 4, 5 }, y[] = { 1, 2, NAN, 4, INFINITY, 6 };
    cinch_chart_series line = { "a", x, y, 6 };
    cinch_chart chart = chart_with(&line, 1);
    char *svg = chart_of(&chart);
    const char *path = strstr(strstr(svg, "data-name="), " d='");
    char d[400];
    snprintf(d, sizeof d, "%.*s", (int)(strstr(path, "'/>") - path), path);
    cr_expect_eq(count(d, "M"), 3, "three stretches: %s", d);
    cr_expect_eq(count(d, "L"), 1);
    cr_expect_eq(count(d, "h.1"), 2, "two of them a dot");
    cr_expect_eq(count(svg, "<path class='lone s0'"), 2, "and a mark that is seen");
    free(svg);
}

Test(report_svg, nothing_to_show_is_said)
{
    double x[] = { 0, 1 }, y[] = { NAN, NAN };
    cinch_chart_series line = { "a", x, y, 2 };
    cinch_chart chart = chart_with(&line, 1), none = chart_with(NULL, 0);
    char *svg = chart_of(&chart), *empty = chart_of(&none);
    cr_expect(strstr(svg, "no finite value") && strstr(empty, "no finite value"));
    free(svg), free(empty);
}

Test(report_svg, a_logarithmic_axis)
{
    double x[] = { 0, 1, 2 }, y[] = { 1, 10, 100 }, at[4][2];
    cinch_chart_series line = { "a", x, y, 3 };
    cinch_chart chart = chart_with(&line, 1);
    chart.log_y = true;
    char *svg = chart_of(&chart);
    cr_assert_eq(points_of(svg, at, 4), 3);
    cr_expect_float_eq(at[1][1] - at[0][1], at[2][1] - at[1][1], 0.11, "powers of ten are even");
    free(svg);
}

Test(report_svg, long_series_keep_their_extremes)
{
    enum { N = 50000 };
    double *x = malloc(2 * N * sizeof *x), *y = x + N, (*at)[2] = malloc(N * sizeof *at);
    for (int i = 0; i < N; i++) x[i] = i, y[i] = 1 + 0.1 * sin(i * 0.01);
    y[31234] = 9;
    y[777] = -5;
    cinch_chart_series line = { "a", x, y, N };
    cinch_chart chart = chart_with(&line, 1);
    char *svg = chart_of(&chart);
    int n = points_of(svg, at, N), low = 0, high = 0;
    cr_expect(n > 300 && n < 1000, "%d points", n);
    for (int i = 0; i < n; i++) {
        if (at[i][1] < at[high][1]) high = i;
        if (at[i][1] > at[low][1]) low = i;
        if (i) cr_expect(at[i][0] >= at[i - 1][0], "in their order");
    }
    double width = at[n - 1][0] - at[0][0];
    cr_expect_float_eq((at[high][0] - at[0][0]) / width, 31234.0 / N, 0.005);
    cr_expect_float_eq((at[low][0] - at[0][0]) / width, 777.0 / N, 0.005);
    free(svg), free(x), free(at);
}

Test(report_svg, several_lines_have_a_legend_and_styles)
{
    double x[] = { 0, 1 }, y[] = { 0, 1 };
    cinch_chart_series lines[] = { { "a", x, y, 2 }, { "b & c", x, y, 2 }, { "d", x, y, 2 } };
    cinch_chart chart = chart_with(lines, 3);
    char *svg = chart_of(&chart);
    cr_expect_eq(count(svg, "class='legend'"), 1);
    for (int i = 0; i < 3; i++) {
        char style[24];
        snprintf(style, sizeof style, "class='line s%d'", i);
        cr_expect_eq(count(svg, style), 2, "in the legend and in the plot");
    }
    cr_expect(strstr(svg, "b &amp; c"));
    free(svg);
}

Test(report_svg, a_single_point_is_marked_in_the_legend_too)
{
    double x[] = { 3 }, y[] = { 0.2 };
    cinch_chart_series lines[] = { { "a", x, y, 1 }, { "b", x, y, 1 } };
    cinch_chart chart = chart_with(lines, 2);
    char *svg = chart_of(&chart);
    cr_expect_eq(count(svg, "<path class='lone s0'"), 2);
    cr_expect_eq(count(svg, "<path class='lone s1'"), 2);
    free(svg);
}

/* A digit takes 8.3 units where the window is narrow. */
Test(report_svg, numbers_of_the_axis_have_room)
{
    static const double values[][2] = { { 0.2, 0.3 }, { 0.001, 0.00122 }, { 1.00001e-7, 1.00003e-7 } };
    for (int i = 0; i < 3; i++) {
        double x[] = { 0, 1 }, right;
        int most = 0, used;
        char text[32];
        cinch_chart_series line = { "a", x, values[i], 2 };
        cinch_chart chart = chart_with(&line, 1);
        char *svg = chart_of(&chart);
        for (const char *at = svg; (at = strstr(at, "text-anchor='end'>")); at++)
            if (sscanf(at, "text-anchor='end'>%31[^<]%n", text, &used) == 1 && (int)strlen(text) > most)
                most = (int)strlen(text);
        cr_assert(sscanf(strstr(svg, "class='tick' x='"), "class='tick' x='%lf'", &right) == 1);
        cr_expect(right >= 8.3 * most, "%d letters in %g units", most, right);
        free(svg);
    }
}

/* --- histogram ---------------------------------------------------------------------------------------------------- */

static char *histogram_of(const double *values, int n)
{
    cinch_page page;
    static const char *const names[] = { "median" };
    static const double marks[] = { 0.5 };
    cinch_page_begin(&page);
    cinch_svg_histogram(&page, &(cinch_histogram){ "Errors", "error", "samples", values, n, names, marks, 1 });
    return ended(&page);
}

/* What all bars together count, and how many bars there are. */
static int counted(const char *svg, int *bars)
{
    int sum = 0;
    *bars = 0;
    for (const char *at = svg; (at = strstr(at, "<title>")); at++) sum += atoi(at + 7), ++*bars;
    return sum;
}

Test(report_svg, histograms_count_everything_once)
{
    enum { N = 1000 };
    double values[N];
    int bars;
    for (int i = 0; i < N; i++) values[i] = (double)i / N;
    values[17] = NAN;
    values[18] = INFINITY;
    char *svg = histogram_of(values, N);
    cr_expect_eq(counted(svg, &bars), N - 2);
    cr_expect_eq(bars, 40);
    cr_expect_eq(count(svg, "class='mark m0'"), 1);
    free(svg);
    for (int i = 0; i < N; i++) values[i] = 3;
    svg = histogram_of(values, N);
    cr_expect_eq(counted(svg, &bars), N);
    cr_expect_eq(bars, 1);
    free(svg);
    svg = histogram_of(values, 0);
    cr_expect_eq(counted(svg, &bars), 0);
    free(svg);
}

Test(report_svg, a_long_tail_makes_it_logarithmic)
{
    enum { N = 1000 };
    double values[N];
    int bars;
    for (int i = 0; i < N; i++) values[i] = pow(10, 4.0 * i / N - 3); /* evenly from 0.001 to 10 */
    char *svg = histogram_of(values, N);
    cr_expect_eq(counted(svg, &bars), N);
    cr_expect_eq(bars, 40, "each bar has its share");
    cr_expect(strstr(svg, ">25: "));
    free(svg);
}

/* --- scatter and curves ------------------------------------------------------------------------------------------- */

Test(report_svg, points_by_kind)
{
    enum { N = 90 };
    double xy[2 * N];
    int32_t kind[N];
    char name[15][32];
    cinch_page page;
    for (int i = 0; i < N; i++) xy[2 * i] = i, xy[2 * i + 1] = i % 7, kind[i] = i % 15;
    for (int i = 0; i < 15; i++) snprintf(name[i], 32, "<%d>", i);
    xy[8] = NAN;
    cinch_page_begin(&page);
    cinch_svg_shapes(&page);
    cinch_svg_kinds(&page, "Label:", name, 15);
    cinch_svg_scatter(&page, &(cinch_scatter){ "Codes", "a note", xy, kind, N, 15 });
    char *svg = ended(&page);
    cr_expect_eq(count(svg, " data-i='"), N - 1, "a point that is nowhere is left out");
    cr_expect_eq(count(svg, "data-i='4'"), 0);
    cr_expect_eq(count(svg, "<g class="), 15);
    cr_expect_eq(count(svg, "<button"), 15);
    cr_expect(strstr(svg, "&lt;14&gt;"));
    cr_expect_eq(count(svg, "id='m"), CINCH_SCATTER_SHAPES);
    for (int a = 0; a < 15; a++)
        for (int b = 0; b < a; b++)
            cr_expect(a % CINCH_SCATTER_SHAPES != b % CINCH_SCATTER_SHAPES ||
                          a % CINCH_SCATTER_COLORS != b % CINCH_SCATTER_COLORS,
                      "kinds %d and %d look the same", a, b);
    free(svg);
}

Test(report_svg, distances_are_the_same_both_ways)
{
    double xy[] = { 0, 0, 10, 0, 0, 5 }, x[3], y[3];
    int32_t kind[3] = { 0, 0, 0 };
    cinch_page page;
    cinch_page_begin(&page);
    cinch_svg_scatter(&page, &(cinch_scatter){ "Codes", NULL, xy, kind, 3, 1 });
    char *svg = ended(&page), *at = svg;
    for (int i = 0; i < 3; i++) {
        at = strstr(at, "<use href='#m0' x='") + 19;
        cr_assert_eq(sscanf(at, "%lf' y='%lf", &x[i], &y[i]), 2);
    }
    cr_expect_float_eq(x[1] - x[0], 2 * (y[0] - y[2]), 0.2);
    cr_expect(y[2] < y[0], "upwards");
    free(svg);
}

Test(report_svg, curves_over_one_another)
{
    float a[50], b[50];
    const float *curves[] = { a, b };
    cinch_page page;
    for (int i = 0; i < 50; i++) a[i] = (float)i, b[i] = i == 20 ? NAN : 0;
    cinch_page_begin(&page);
    cinch_svg_curves(&page, curves, 2, 50, 1, 0, 49, "two");
    char *svg = ended(&page);
    cr_expect_eq(count(svg, "<path"), 2);
    cr_expect_eq(count(svg, "M"), 3, "the second has a gap");
    cr_expect_eq(count(svg, "L"), 49 + 47);
    free(svg);
    cinch_page_begin(&page);
    cinch_svg_curves(&page, curves, 1, 25, 2, 0, 49, "every second value");
    svg = ended(&page);
    cr_expect_eq(count(svg, "L"), 24);
    free(svg);
}
