/* SPDX-License-Identifier: Apache-2.0 */
/* history.png: the losses that metrics.jsonl holds. */
#include "report/history.h"

#include <cinch/report.h>

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- reading ------------------------------------------------------------------------------------------------------ */

static cinch_status add_point(cinch_history *s, double x, const json_t *y)
{
    if (!y) return CINCH_OK;
    TRY(cinch_grow((void **)&s->x, &s->room_x, s->n + 1, sizeof *s->x));
    TRY(cinch_grow((void **)&s->y, &s->room_y, s->n + 1, sizeof *s->y));
    s->x[s->n] = x;
    s->y[s->n++] = json_is_number(y) ? json_number_value(y) : NAN; /* null: not finite */
    return CINCH_OK;
}

/* A run that ended within its first epoch has told of it in its last line alone. */
static bool tells_of(const char *event, const cinch_history *s)
{
    return !strcmp(event, s->event) || (!s->n && !strcmp(event, "end") && !strcmp(s->event, "epoch"));
}

/* A line that is no such object (a run that is being written) says nothing. */
static cinch_status take_line(cinch_history *series, int n, const char *line)
{
    json_t *o = json_loads(line, 0, NULL);
    const char *event = json_string_value(json_object_get(o, "event"));
    double step = json_number_value(json_object_get(o, "step"));
    cinch_status status = CINCH_OK;
    for (int i = 0; event && !status && i < n; i++)
        if (tells_of(event, &series[i])) status = add_point(&series[i], step, json_object_get(o, series[i].key));
    json_decref(o);
    return status;
}

static cinch_status read_lines(const char *path, cinch_history *series, int n)
{
    char *line = NULL;
    size_t room = 0;
    cinch_status status = CINCH_OK;
    FILE *file = fopen(path, "re");
    if (!file) return cinch_fail(errno == ENOMEM ? CINCH_DEVICE : CINCH_DATA, "%s: %s", path, strerror(errno));
    while (!status && getline(&line, &room, file) > 0) status = take_line(series, n, line);
    free(line);
    fclose(file);
    return status;
}

cinch_status cinch_history_read(const char *run_path, cinch_history *series, int n)
{
    char *path = cinch_format("%s/metrics.jsonl", run_path);
    cinch_status status = path ? read_lines(path, series, n) : CINCH_DEVICE;
    free(path);
    return status;
}

void cinch_history_free(cinch_history *series, int n)
{
    for (int i = 0; i < n; i++) {
        free(series[i].x);
        free(series[i].y);
        series[i] = (cinch_history){ .event = series[i].event, .key = series[i].key };
    }
}

/* --- drawing ------------------------------------------------------------------------------------------------------ */

static bool has_finite(const cinch_history *s)
{
    for (int i = 0; i < s->n; i++)
        if (isfinite(s->y[i])) return true;
    return false;
}

int cinch_history_lines(const cinch_history *series, const char *const *names, int n, cinch_chart_series *lines)
{
    int found = 0;
    for (int i = 0; i < n; i++) {
        if (!has_finite(&series[i])) continue;
        lines[found++] = (cinch_chart_series){ names[i], series[i].x, series[i].y, series[i].n };
    }
    return found;
}

bool cinch_history_wants_log(const cinch_chart_series *lines, int n)
{
    double low = INFINITY, high = 0;
    for (int k = 0; k < n; k++)
        for (int i = 0; i < lines[k].n; i++) {
            if (!isfinite(lines[k].y[i])) continue;
            low = fmin(low, lines[k].y[i]);
            high = fmax(high, lines[k].y[i]);
        }
    return low > 0 && high > 5 * low;
}

cinch_status cinch_report_history(const char *run_path, const char *path)
{
    enum { SERIES = 3 };
    static const char *const names[SERIES] = { "training, step", "training, epoch", "validation" };
    cinch_history series[SERIES] = { CINCH_HISTORY("step", "loss"), CINCH_HISTORY("epoch", "loss"),
                                     CINCH_HISTORY("epoch", "val_loss") };
    cinch_chart_series lines[SERIES];
    cinch_status status = cinch_history_read(run_path, series, SERIES);
    if (!status) {
        int n = cinch_history_lines(series, names, SERIES, lines);
        cinch_chart chart = { .title = "Loss", .x_label = "step", .y_label = "loss", .series = lines, .n_series = n,
                              .log_y = cinch_history_wants_log(lines, n) };
        status = cinch_chart_write(path, &chart);
    }
    cinch_history_free(series, SERIES);
    return status;
}
