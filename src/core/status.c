/* SPDX-License-Identifier: Apache-2.0 */
#include "core/status.h"

#include <cinch/version.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local char last_error[1024];

const char *cinch_last_error(void) { return last_error; }

const char *cinch_version(void) { return CINCH_VERSION; }

const char *cinch_status_name(cinch_status status)
{
    switch (status) {
    case CINCH_OK: return "ok";
    case CINCH_INTERNAL: return "internal";
    case CINCH_USAGE: return "usage";
    case CINCH_DATA: return "data";
    case CINCH_DEVICE: return "device";
    case CINCH_NUMERIC: return "numeric";
    case CINCH_OUTPUT: return "output";
    case CINCH_SUSPENDED: return "suspended";
    case CINCH_INTERRUPTED: return "interrupted";
    case CINCH_TERMINATED: return "terminated";
    }
    return "unknown";
}

/* Newlines and other control characters, which file names may hold, would break the one-line promise. */
static void keep_one_line(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 32 || *text == 127) *text = ' ';
}

cinch_status cinch_failv(cinch_status status, const char *format, va_list args)
{
    char text[sizeof last_error];
    vsnprintf(text, sizeof text, format, args);
    keep_one_line(text);
    memcpy(last_error, text, sizeof text);
    return status;
}

cinch_status cinch_fail(cinch_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    cinch_failv(status, format, args);
    va_end(args);
    return status;
}

cinch_status cinch_fail_in(cinch_status status, const char *prefix)
{
    char text[sizeof last_error];
    memcpy(text, last_error, sizeof text);
    return cinch_fail(status, "%s: %s", prefix, text);
}

cinch_status cinch_fail_also(cinch_status status, const char *format, ...)
{
    char text[sizeof last_error], more[sizeof last_error];
    va_list args;
    va_start(args, format);
    vsnprintf(more, sizeof more, format, args);
    va_end(args);
    memcpy(text, last_error, sizeof text);
    return cinch_fail(status, "%s%s", text, more);
}

cinch_status cinch_stopped(const volatile int *stop)
{
    cinch_status status = stop ? (cinch_status)*stop : CINCH_OK;
    return status ? cinch_fail(status, "stopped") : CINCH_OK;
}

void *cinch_calloc(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size ? size : 1);
    if (!memory) cinch_fail(CINCH_DEVICE, "out of memory: %zu items of %zu bytes", count, size);
    return memory;
}

cinch_status cinch_grow(void **array, int *capacity, int count, size_t size)
{
    if (count <= *capacity) return CINCH_OK;
    int64_t room = *capacity ? (int64_t)*capacity * 2 : 16;
    if (room < count) room = count;
    if (room > INT32_MAX) return cinch_fail(CINCH_DEVICE, "out of memory: %lld items", (long long)room);
    char *grown = realloc(*array, (size_t)room * size);
    if (!grown) return cinch_fail(CINCH_DEVICE, "out of memory: %lld items of %zu bytes", (long long)room, size);
    memset(grown + (size_t)*capacity * size, 0, (size_t)(room - *capacity) * size);
    *array = grown;
    *capacity = (int)room;
    return CINCH_OK;
}

char *cinch_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = cinch_calloc(size, 1);
    if (copy) memcpy(copy, text, size);
    return copy;
}

char *cinch_format(const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    char *text = length < 0 ? NULL : cinch_calloc((size_t)length + 1, 1);
    if (text) vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(args);
    return text;
}

static int min3(int a, int b, int c)
{
    int least = a < b ? a : b;
    return least < c ? least : c;
}

enum { LONGEST_NAME = 63 };

/* Letters left out, put in, changed, and neighbours that changed places (Damerau 1964), three rows at a time. */
static int edit_distance(const char *a, const char *b)
{
    int rows[3][LONGEST_NAME + 1], na = (int)strlen(a), nb = (int)strlen(b);
    if (na > LONGEST_NAME || nb > LONGEST_NAME) return LONGEST_NAME;
    for (int j = 0; j <= nb; j++) rows[0][j] = j;
    for (int i = 1; i <= na; i++) {
        int *row = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        row[0] = i;
        for (int j = 1; j <= nb; j++) {
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (swapped && before[j - 2] + 1 < row[j]) row[j] = before[j - 2] + 1;
        }
    }
    return rows[na % 3][nb];
}

const char *cinch_nearest(const char *name, const char *const *names, int n)
{
    const char *nearest = NULL;
    int length = (int)strlen(name), best = (length + 2) / 3;
    for (int i = 0; length >= 3 && i < n; i++)
        if (!strncmp(names[i], name, (size_t)length)) return names[i];
    for (int i = 0; i < n; i++) {
        int distance = edit_distance(name, names[i]);
        if (distance <= best && (!nearest || distance < best)) {
            best = distance;
            nearest = names[i];
        }
    }
    return nearest;
}
