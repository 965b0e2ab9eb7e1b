/* SPDX-License-Identifier: Apache-2.0 */
/* history.png: the losses that metrics.jsonl holds. */
#include <cinch/report.h>

#include "core/status.h"
#include "report/chart.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS, EPOCHS, VALIDATION, SERIES };
static const char *const names[SERIES] = {"training, step", "training, epoch", "validation"};

typedef struct points {
    double *x, *y;
    int n, room_x, room_y;
} points;

static cinch_status add_point(points *p, double x, const json_t *y)
{
    if (!y) return CINCH_OK;
    TRY(cinch_grow((void **)&p->x, &p->room_x, p->n + 1, sizeof *p->x));
    TRY(cinch_grow((void **)&p->y, &p->room_y, p->n + 1, sizeof *p->y));
    p->x[p->n] = x;
    p->y[p->n++] = json_is_number(y) ? json_number_value(y) : NAN; /* null: not finite */
    return CINCH_OK;
}

/* A line that is no such object (a run that is being written) says nothing. */
static cinch_status take_line(points series[SERIES], const char *line)
{
    json_t *o = json_loads(line, 0, NULL);
    const char *event = json_string_value(json_object_get(o, "event"));
    double step = json_number_value(json_object_get(o, "step"));
    cinch_status status = CINCH_OK;
    if (event && !strcmp(event, "step")) status = add_point(&series[STEPS], step, json_object_get(o, "loss"));
    if (event && !strcmp(event, "epoch")) {
        status = add_point(&series[EPOCHS], step, json_object_get(o, "loss"));
        if (!status) status = add_point(&series[VALIDATION], step, json_object_get(o, "val_loss"));
    }
    json_decref(o);
    return status;
}

static cinch_status read_history(points series[SERIES], const char *path)
{
    char *line = NULL;
    size_t room = 0;
    cinch_status status = CINCH_OK;
    FILE *file = fopen(path, "re");
    if (!file) return cinch_fail(errno == ENOMEM ? CINCH_DEVICE : CINCH_DATA, "%s: %s", path, strerror(errno));
    while (!status && getline(&line, &room, file) > 0) status = take_line(series, line);
    free(line);
    fclose(file);
    return status;
}

/* Losses that fall by much are seen better on a logarithmic scale. */
static bool wants_log(const points series[SERIES])
{
    double low = INFINITY, high = 0;
    for (int k = 0; k < SERIES; k++)
        for (int i = 0; i < series[k].n; i++) {
            if (!isfinite(series[k].y[i])) continue;
            low = fmin(low, series[k].y[i]);
            high = fmax(high, series[k].y[i]);
        }
    return low > 0 && high > 5 * low;
}

static cinch_status draw(const points series[SERIES], const char *path)
{
    cinch_chart_series lines[SERIES];
    int n = 0;
    for (int k = 0; k < SERIES; k++)
        if (series[k].n > 0) lines[n++] = (cinch_chart_series){names[k], series[k].x, series[k].y, series[k].n};
    cinch_chart chart = {.title = "Loss", .x_label = "step", .y_label = "loss", .series = lines, .n_series = n,
                         .log_y = wants_log(series)};
    return cinch_chart_write(path, &chart);
}

cinch_status cinch_report_history(const char *run_path, const char *path)
{
    points series[SERIES] = {0};
    char *metrics = cinch_format("%s/metrics.jsonl", run_path);
    if (!metrics) return CINCH_DEVICE;
    cinch_status status = read_history(series, metrics);
    if (!status) status = draw(series, path);
    for (int k = 0; k < SERIES; k++) {
        free(series[k].x);
        free(series[k].y);
    }
    free(metrics);
    return status;
}
