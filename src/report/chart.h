/* SPDX-License-Identifier: Apache-2.0 */
/* A line chart as a PNG: history.png and its like. */
#ifndef CINCH_REPORT_CHART_H
#define CINCH_REPORT_CHART_H

#include "core/status.h"

#include <stdbool.h>

enum { CINCH_CHART_SERIES = 6 };

typedef struct {
    const char *name;    /* in the legend */
    const double *x, *y; /* [n]; a point that is not finite is a gap, as is y <= 0 with log_y */
    int n;
} cinch_chart_series;

typedef struct {
    const char *title, *x_label, *y_label; /* each may be NULL */
    const cinch_chart_series *series;
    int n_series; /* 0..CINCH_CHART_SERIES */
    bool log_y;
    int width, height; /* pixels; 0: 960 x 560 */
} cinch_chart;

/* Draws the chart and writes it to `path` (see cinch_picture_write). A chart without a point to show says so in its
   middle. CINCH_USAGE for more than six series or a size below 320 x 200, CINCH_OUTPUT, CINCH_DEVICE. */
cinch_status cinch_chart_write(const char *path, const cinch_chart *chart);

#endif
