/* SPDX-License-Identifier: Apache-2.0 */
/* What metrics.jsonl tells over the steps of a run. */
#ifndef CINCH_REPORT_HISTORY_H
#define CINCH_REPORT_HISTORY_H

#include "report/chart.h"

/* One key of the lines of one event; of "epoch" where there is none, of "end". */
typedef struct {
    const char *event, *key; /* "epoch", "val_loss" */
    double *x, *y;           /* [n]: steps, values (NaN where it was not finite); owned */
    int n, room_x, room_y;
} cinch_history;

#define CINCH_HISTORY(event_name, key_name) { .event = event_name, .key = key_name }

/* Fills all series in one pass over the run's metrics.jsonl. CINCH_DATA where there is none, CINCH_DEVICE. Free also
   after an error. */
cinch_status cinch_history_read(const char *run_path, cinch_history *series, int n);
void cinch_history_free(cinch_history *series, int n);

/* A chart's lines, from the series that hold a finite value, under these names; returns how many. */
int cinch_history_lines(const cinch_history *series, const char *const *names, int n, cinch_chart_series *lines);

/* Whether values that fall by much are seen better on a logarithmic scale. */
bool cinch_history_wants_log(const cinch_chart_series *lines, int n);

#endif
