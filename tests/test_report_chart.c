/* SPDX-License-Identifier: Apache-2.0 */
#include "report/axis.h"
#include "report/chart.h"
#include "report/stroke.h"
#include "report_pixels.h"

#include <float.h>
#include <math.h>

TestSuite(report_chart, .init = make_folder, .fini = remove_folder);

static void expect_labels(const cinch_axis *axis, const char *expected)
{
    char found[CINCH_AXIS_TICKS * CINCH_AXIS_LABEL] = "";
    for (int i = 0; i < axis->n_ticks; i++) {
        if (i) strcat(found, " ");
        strcat(found, axis->label[i]);
    }
    cr_expect_str_eq(found, expected, "%g to %g: '%s', not '%s'", axis->low, axis->high, found, expected);
}

Test(report_chart, ticks_are_round)
{
    static const struct {
        cinch_axis_request request;
        const char *labels;
    } cases[] = {
        { { 0, 1, 5, 0, false, false }, "0 0.2 0.4 0.6 0.8 1.0" },
        { { 0, 1, 10, 0, false, false }, "0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1.0" },
        { { 1, 10, 10, 0, false, true }, "1 2 3 4 5 6 7 8 9 10" },
        { { 1, 3, 10, 0, false, true }, "1 2 3" },
        { { 7, 7, 10, 0.02, false, true }, "7" },
        { { -1, 1, 4, 0, false, false }, "-1.0 -0.5 0 0.5 1.0" },
        { { 0.0065, 0.0385, 8, 0.05, false, false }, "0.005 0.010 0.015 0.020 0.025 0.030 0.035 0.040" },
        { { 0, 1000000, 5, 0, false, true }, "0 200000 400000 600000 800000 1000000" },
        { { 0, 4e-9, 4, 0, false, false }, "0 1e-09 2e-09 3e-09 4e-09" },
        { { INFINITY, -INFINITY, 4, 0, false, false }, "0 0.5 1.0" },
        { { 1e-5, 1, 6, 0, true, false }, "1e-05 0.0001 0.001 0.01 0.1 1" },
        { { 1e-12, 1, 5, 0, true, false }, "1e-12 1e-09 1e-06 0.001 1" },
        { { 0.01, 1, 8, 0, true, false }, "0.01 0.02 0.05 0.1 0.2 0.5 1" },
        { { 0.02, 0.06, 8, 0, true, false }, "0.02 0.03 0.04 0.05 0.06" },
        { { 0.011, 0.0145, 4, 0, true, false }, "0.011 0.012 0.013 0.014" },
    };
    cinch_axis axis;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cinch_axis_fit(&axis, &cases[i].request);
        expect_labels(&axis, cases[i].labels);
    }
}

static void check_axis(const cinch_axis_request *request)
{
    cinch_axis axis;
    cinch_axis_fit(&axis, request);
    cr_expect(axis.low < axis.high && isfinite(axis.high - axis.low), "%g to %g", request->low, request->high);
    cr_expect(axis.low <= request->low && axis.high >= request->high, "%g to %g within %g to %g", request->low,
              request->high, axis.low, axis.high);
    cr_expect_geq(axis.n_ticks, 1, "%g to %g, log %d, room %d", request->low, request->high, request->log,
                  request->ticks);
    for (int i = 0; i < axis.n_ticks; i++) {
        double place = cinch_axis_place(&axis, axis.tick[i]);
        cr_expect(place > -1e-4 && place < 1 + 1e-4, "%g at %g", axis.tick[i], place);
        if (i == 0) continue;
        cr_expect_gt(axis.tick[i], axis.tick[i - 1]);
        cr_expect_str_neq(axis.label[i], axis.label[i - 1], "%g to %g", request->low, request->high);
    }
}

Test(report_chart, axes_hold_any_data)
{
    static const double values[] = { -1e300, -1e9,  -3.7,    -1e-9, -1e-300,  0,         DBL_TRUE_MIN,
                                     1e-300, 1e-12, 0.006,   0.3,   1,        1 + 1e-12, 1.0000001,
                                     17,     1e6,   1e6 + 1, 1e15,  1e15 + 2, 9.99e299,  1e300 };
    int n = sizeof values / sizeof values[0];
    for (int low = 0; low < n; low++)
        for (int high = low; high < n; high++)
            for (int ticks = 0; ticks < 30; ticks += 3)
                for (int log = 0; log < 2; log++) {
                    cinch_axis_request request = { values[low], values[high], ticks, ticks / 100.0, log, false };
                    if (cinch_axis_shows(values[low], log)) check_axis(&request);
                }
}

Test(report_chart, places)
{
    cinch_axis linear, log;
    cinch_axis_fit(&linear, &(cinch_axis_request){ 2, 4, 5, 0, false, false });
    cinch_axis_fit(&log, &(cinch_axis_request){ 0.01, 100, 5, 0, true, false });
    cr_expect_float_eq(cinch_axis_place(&linear, 3.5), 0.75, 1e-12);
    cr_expect_float_eq(cinch_axis_place(&log, 0.1), 0.25, 1e-12);
    cr_expect(isnan(cinch_axis_place(&linear, NAN)) && isnan(cinch_axis_place(&linear, INFINITY)));
    cr_expect(isnan(cinch_axis_place(&log, 0)) && isnan(cinch_axis_place(&log, -1)));
}

enum { N = 11, PLOT_TOP = 90 }; /* below the title and the legend */

static cinch_picture write_and_read(const cinch_chart *chart)
{
    const char *path = in_folder("chart.png");
    cr_assert_eq(cinch_chart_write(path, chart), CINCH_OK, "%s", cinch_last_error());
    return read_png(path);
}

/* Columns of the plot in which the style's colour occurs. */
static int colored_columns(const cinch_picture *p, int style, bool colored[])
{
    int n = 0;
    for (int x = 0; x < p->width; x++) {
        colored[x] = count_in(p, x, PLOT_TOP, 1, p->height - PLOT_TOP, cinch_stroke_style(style).color) > 0;
        n += colored[x];
    }
    return n;
}

static int runs_of(const bool colored[], int n)
{
    int runs = colored[0];
    for (int i = 1; i < n; i++) runs += colored[i] && !colored[i - 1];
    return runs;
}

static const double count_up[N] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
static const double falling[N] = { 1, .6, .4, .3, .25, .2, .18, .16, .15, .15, .14 };

Test(report_chart, lines_appear)
{
    bool colored[960];
    double flat[N];
    for (int i = 0; i < N; i++) flat[i] = 0.5;
    cinch_chart_series series[] = { { "training loss", count_up, falling, N },
                                    { "validation loss", count_up, flat, N } };
    cinch_chart chart = { .title = "history", .x_label = "epoch", .y_label = "loss", .series = series, .n_series = 2 };
    cinch_picture p = write_and_read(&chart);
    cr_expect(p.width == 960 && p.height == 560);
    cr_expect_gt(colored_columns(&p, 0, colored), 700);
    cr_expect_eq(runs_of(colored, p.width), 1, "the first series is one line across");
    cr_expect_gt(colored_columns(&p, 1, colored), 300);
    cr_expect_gt(runs_of(colored, p.width), 20, "the second is dashed");
    for (int style = 0; style < 2; style++)
        cr_expect_gt(count_in(&p, 0, 40, p.width, PLOT_TOP - 50, cinch_stroke_style(style).color), 20, "in the legend");
    cinch_picture_free(&p);
}

/* The rows of a falling line go down, and a log axis bends it. */
static int middle_row(const cinch_picture *p, int column)
{
    for (int y = PLOT_TOP; y < p->height; y++)
        if (same_color(pixel(p, column, y), cinch_stroke_style(0).color)) return y;
    return -1;
}

Test(report_chart, log_straightens_a_decay)
{
    double decay[N];
    for (int i = 0; i < N; i++) decay[i] = pow(10, -0.4 * i);
    cinch_chart_series series = { "loss", count_up, decay, N };
    cinch_chart chart = { .title = "t", .series = &series, .n_series = 1 };
    int bend[2];
    for (int log = 0; log < 2; log++) {
        chart.log_y = log;
        cinch_picture p = write_and_read(&chart);
        bool colored[960];
        cr_assert_gt(colored_columns(&p, 0, colored), 700);
        int left = 0, right = p.width - 1;
        while (!colored[left]) left++;
        while (!colored[right]) right--;
        int a = middle_row(&p, left + 2), b = middle_row(&p, (left + right) / 2), c = middle_row(&p, right - 2);
        cr_expect(a < b && (log ? b < c : b <= c), "it falls");
        bend[log] = abs(a + c - 2 * b);
        cinch_picture_free(&p);
    }
    cr_expect_leq(bend[1], 4);
    cr_expect_gt(bend[0], 200);
}

static cinch_picture with_fifth(double value, bool log)
{
    double y[N];
    memcpy(y, falling, sizeof y);
    y[5] = value;
    cinch_chart_series series = { "loss", count_up, y, N };
    return write_and_read(&(cinch_chart){ .title = "t", .series = &series, .n_series = 1, .log_y = log });
}

Test(report_chart, gaps)
{
    static const double unseen[] = { INFINITY, -INFINITY, 1e305, -1e305, 0, -3 }; /* the last two on a log axis */
    bool colored[960];
    for (int log = 0; log < 2; log++) {
        cinch_picture gap = with_fifth(NAN, log);
        int n = colored_columns(&gap, 0, colored);
        cr_expect_eq(runs_of(colored, gap.width), 2, "log %d", log);
        cr_expect(n > 0.7 * 840 && n < 0.9 * 840, "%d columns", n);
        for (int i = 0; i < (log ? 6 : 4); i++) {
            cinch_picture other = with_fifth(unseen[i], log);
            cr_expect_eq(memcmp(gap.rgb, other.rgb, (size_t)gap.width * (size_t)gap.height * 3), 0, "%g", unseen[i]);
            cinch_picture_free(&other);
        }
        cinch_picture_free(&gap);
    }
}

Test(report_chart, little_or_nothing_to_show)
{
    double nan[2] = { NAN, NAN };
    cinch_chart_series one = { "loss", count_up, falling, 1 }, none = { "loss", nan, nan, 2 },
                       zero = { NULL, NULL, NULL, 0 };
    cinch_chart chart = { .series = &one, .n_series = 1, .width = 480, .height = 300 };
    cinch_picture p = write_and_read(&chart);
    cr_expect(p.width == 480 && p.height == 300);
    cr_expect_gt(count_in(&p, 0, 60, 480, 240, cinch_stroke_style(0).color), 9, "one epoch is a disc");
    cinch_picture_free(&p);
    const cinch_color soft = { 0x60, 0x60, 0x60 };
    int ink[2];
    for (int i = 0; i < 2; i++) {
        chart.series = i ? &zero : &none;
        p = write_and_read(&chart);
        ink[i] = count_in(&p, 100, 120, 300, 80, soft);
        cr_expect_gt(ink[i], 100, "it says that there is nothing");
        cinch_picture_free(&p);
    }
    chart.n_series = 0;
    p = write_and_read(&chart);
    cinch_picture_free(&p);
}

Test(report_chart, long_texts_and_six_series_fit)
{
    char text[400];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    cinch_chart_series series[CINCH_CHART_SERIES];
    for (int i = 0; i < CINCH_CHART_SERIES; i++) series[i] = (cinch_chart_series){ text, count_up, falling, N };
    cinch_chart chart = { text, text, text, series, CINCH_CHART_SERIES, false, 640, 480 };
    cinch_picture p = write_and_read(&chart);
    const cinch_color white = { 255, 255, 255 };
    cr_expect_eq(count_in(&p, 630, 0, 10, 480, white), 10 * 480, "the right border is free");
    cinch_picture_free(&p);
    for (int i = 0; i < CINCH_CHART_SERIES; i++) series[i].name = "val_loss";
    chart.width = 960;
    p = write_and_read(&chart);
    for (int i = 0; i < CINCH_CHART_SERIES; i++)
        cr_expect_gt(count_in(&p, 0, 40, 960, 50, cinch_stroke_style(i).color), 10, "series %d in the legend", i);
    cinch_picture_free(&p);
}

Test(report_chart, errors)
{
    cinch_chart_series series = { "loss", count_up, falling, N };
    cinch_chart chart = { .title = "t", .series = &series, .n_series = 1 };
    cr_expect_eq(cinch_chart_write("/nonexistent/history.png", &chart), CINCH_OUTPUT);
    one_line_naming("/nonexistent/history.png");
    chart.n_series = CINCH_CHART_SERIES + 1;
    cr_expect_eq(cinch_chart_write(in_folder("a.png"), &chart), CINCH_USAGE);
    one_line_naming("a.png: a chart of 7 series");
    chart.n_series = 1;
    chart.width = 100;
    cr_expect_eq(cinch_chart_write(in_folder("a.png"), &chart), CINCH_USAGE);
    chart.width = 1 << 20;
    cr_expect_eq(cinch_chart_write(in_folder("a.png"), &chart), CINCH_USAGE);
    cr_expect_eq(files_in_folder(), 0);
}
