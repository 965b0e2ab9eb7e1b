/* SPDX-License-Identifier: Apache-2.0 */
#include "report/axis.h"

#include <math.h>
#include <stdio.h>

/* A step is rounded up, so a little more than asked for may come out at the ends. */
enum { MOST_TICKS = CINCH_AXIS_TICKS - 4 };

/* Beyond these, differences of two values no longer behave. */
static const double LARGEST = 1e300, SMALLEST = 1e-300;

bool cinch_axis_shows(double value, bool log)
{
    if (!(fabs(value) <= LARGEST)) return false;
    return !log || value >= SMALLEST;
}

double cinch_axis_place(const cinch_axis *axis, double value)
{
    if (!isfinite(value) || (axis->log && value <= 0)) return NAN;
    if (axis->log) return (log10(value) - log10(axis->low)) / (log10(axis->high) - log10(axis->low));
    return (value - axis->low) / (axis->high - axis->low);
}

/* 1, 2 or 5 times a power of ten, at least `least`. */
static double round_step(double least)
{
    double power = pow(10, floor(log10(least)));
    double digit = least / power;
    return (digit <= 1 + 1e-9 ? 1 : digit <= 2 + 1e-9 ? 2 : digit <= 5 + 1e-9 ? 5 : 10) * power;
}

static void add_tick(cinch_axis *axis, double value)
{
    if (axis->n_ticks < CINCH_AXIS_TICKS) axis->tick[axis->n_ticks++] = value;
}

/* Labels with as many digits as tell neighbours apart; `step` is the distance of two ticks. */
static void label_ticks(cinch_axis *axis, double step)
{
    double largest = fmax(fabs(axis->low), fabs(axis->high));
    int decimals = step >= 1 ? 0 : (int)-floor(log10(step) + 1e-9);
    bool plain = largest < 1e7 && decimals <= 5;
    int digits = (int)fmax(0, floor(log10(largest)) - floor(log10(step) + 1e-9));
    for (int i = 0; i < axis->n_ticks; i++) {
        double value = fabs(axis->tick[i]) < step * 1e-6 ? 0 : axis->tick[i];
        if (value == 0)
            snprintf(axis->label[i], CINCH_AXIS_LABEL, "0");
        else if (plain)
            snprintf(axis->label[i], CINCH_AXIS_LABEL, "%.*f", decimals, value);
        else
            snprintf(axis->label[i], CINCH_AXIS_LABEL, "%.*e", digits, value);
    }
}

static void linear_ticks(cinch_axis *axis, int ticks, bool whole)
{
    double step = round_step((axis->high - axis->low) / ticks);
    if (whole && step < 1) step = 1;
    double slack = 1e-6, first = ceil(axis->low / step - slack), last = floor(axis->high / step + slack);
    for (double k = first; k <= last && axis->n_ticks < CINCH_AXIS_TICKS; k++) add_tick(axis, k * step);
    label_ticks(axis, step);
}

/* The given multiples of every `stride`-th power of ten; their number, which may be more than there is room for. */
static int add_powers(cinch_axis *axis, const double *multiples, int n, int stride)
{
    int first = (int)floor(log10(axis->low)), last = (int)floor(log10(axis->high)), found = 0;
    axis->n_ticks = 0;
    for (int decade = first; decade <= last; decade += stride)
        for (int i = 0; i < n; i++) {
            double value = multiples[i] * pow(10, decade);
            if (value < axis->low * (1 - 1e-9) || value > axis->high * (1 + 1e-9)) continue;
            add_tick(axis, value);
            found++;
        }
    return found;
}

/* Every digit where there is room, else 1, 2 and 5, else powers of ten alone, thinned until they fit. */
static void log_ticks(cinch_axis *axis, int ticks)
{
    static const double digits[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, some[] = { 1, 2, 5 };
    int stride = 1;
    if (add_powers(axis, digits, 9, 1) > ticks && add_powers(axis, some, 3, 1) > ticks)
        while (add_powers(axis, digits, 1, stride) > ticks) stride++;
    for (int i = 0; i < axis->n_ticks; i++) snprintf(axis->label[i], CINCH_AXIS_LABEL, "%.6g", axis->tick[i]);
}

/* A range of its own for a single value or none, and room at the ends. */
static void widen(cinch_axis *axis, double margin)
{
    double size = fmax(fabs(axis->low), fabs(axis->high)), range = axis->high - axis->low;
    if (!(axis->low <= axis->high))
        axis->low = 0, axis->high = 1;
    else if (range <= size * 1e-9 || range < SMALLEST) {
        double half = size > SMALLEST ? size * 0.1 : 0.5;
        axis->low -= half, axis->high += half;
    } else {
        bool not_negative = axis->low >= 0;
        axis->low -= range * margin, axis->high += range * margin;
        if (not_negative && axis->low < 0) axis->low = 0;
    }
}

static void widen_log(cinch_axis *axis, double margin)
{
    if (!(axis->low <= axis->high)) axis->low = 0.1, axis->high = 1;
    double range = log10(axis->high) - log10(axis->low);
    double factor = pow(10, range < 1e-6 ? 0.1 : range * margin);
    axis->low = fmax(axis->low / factor, 1e-307), axis->high = fmin(axis->high * factor, 1e307);
}

void cinch_axis_fit(cinch_axis *axis, const cinch_axis_request *request)
{
    *axis = (cinch_axis){ .low = request->low, .high = request->high, .log = request->log };
    int ticks = request->ticks < 3 ? 3 : request->ticks > MOST_TICKS ? MOST_TICKS : request->ticks;
    if (axis->log) {
        widen_log(axis, request->margin);
        log_ticks(axis, ticks);
        if (axis->n_ticks >= 3) return;
        axis->n_ticks = 0;
    } else
        widen(axis, request->margin);
    linear_ticks(axis, ticks, request->whole);
}
