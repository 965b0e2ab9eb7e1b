/* SPDX-License-Identifier: Apache-2.0 */
/* The scale of one axis: where a value lies, and round numbers to mark it with. */
#ifndef CINCH_REPORT_AXIS_H
#define CINCH_REPORT_AXIS_H

#include <stdbool.h>

enum { CINCH_AXIS_TICKS = 24, CINCH_AXIS_LABEL = 24 };

typedef struct {
    double low, high; /* values at the two ends, low < high */
    bool log;
    int n_ticks;
    double tick[CINCH_AXIS_TICKS];
    char label[CINCH_AXIS_TICKS][CINCH_AXIS_LABEL];
} cinch_axis;

typedef struct {
    double low, high; /* of the data; low > high when there is none */
    int ticks;        /* about how many there is room for */
    double margin;    /* left free at both ends, as a part of the range */
    bool log;         /* low must be positive */
    bool whole;       /* the values are whole numbers: no tick between two of them */
} cinch_axis_request;

/* An axis around the data, never of zero length, with at least one tick. */
void cinch_axis_fit(cinch_axis *axis, const cinch_axis_request *request);

/* 0 at the low end, 1 at the high end; NaN for a value that has no place (not finite; not positive on a log axis). */
double cinch_axis_place(const cinch_axis *axis, double value);

/* Whether the value can be shown at all. */
bool cinch_axis_shows(double value, bool log);

#endif
