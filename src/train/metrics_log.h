/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.jsonl: one JSON object a line, written from one buffer, each line at once. */
#ifndef CINCH_TRAIN_METRICS_LOG_H
#define CINCH_TRAIN_METRICS_LOG_H

#include <cinch/status.h>

#include <stdbool.h>
#include <stdint.h>

enum { CINCH_LOG_LINE = 2048 };

typedef struct cinch_metrics_log {
    int file;            /* -1: closed */
    const char *path;    /* borrowed */
    bool nonfinite;      /* the line in hand has a number that is not finite */
    int length;
    char line[CINCH_LOG_LINE];
} cinch_metrics_log;

/* Opens the file for appending, keeping the lines up to and with `last_step` that are whole and not of the run's end. A
   negative last_step keeps none. `path` must outlive the log. CINCH_OUTPUT, CINCH_DEVICE. */
cinch_status cinch_metrics_open(cinch_metrics_log *log, const char *path, int64_t last_step);
void cinch_metrics_close(cinch_metrics_log *log);

/* A line is begun, given numbers, and written by `end`. A number that is not finite becomes null, and the line says
   "nonfinite": true. No call allocates. */
void cinch_metrics_begin(cinch_metrics_log *log, const char *event, int64_t step, int64_t epoch);
void cinch_metrics_number(cinch_metrics_log *log, const char *key, double value);
cinch_status cinch_metrics_end(cinch_metrics_log *log);

#endif
