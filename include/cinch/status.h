/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a call answers, and why.
 *
 * Every function that can fail returns a cinch_status; its value is also the exit code of the command.
 * The text is one line that says what went wrong, where, and what to do about it:
 *
 *     if (cinch_plan_run(plan)) fprintf(stderr, "%s\n", cinch_last_error());
 *
 * The library never prints, exits or aborts.
 */
#ifndef CINCH_STATUS_H
#define CINCH_STATUS_H

#include <cinch/export.h>

CINCH_BEGIN

typedef enum cinch_status {
    CINCH_OK = 0,
    CINCH_INTERNAL = 1,  /* a defect in cinch itself */
    CINCH_USAGE = 2,     /* a wrong argument, shape, option or configuration */
    CINCH_DATA = 3,      /* input data or files: missing, truncated, malformed */
    CINCH_DEVICE = 4,    /* no such device, its library failed, or out of memory */
    CINCH_NUMERIC = 5,   /* a loss or gradient that is not finite */
    CINCH_OUTPUT = 6,    /* a file could not be written */
    CINCH_SUSPENDED = 75,    /* stopped by SIGUSR1, saved, may be resumed */
    CINCH_INTERRUPTED = 130, /* stopped by SIGINT, saved */
    CINCH_TERMINATED = 143   /* stopped by SIGTERM, saved */
} cinch_status;

/* The text of this thread's last failure: one line, no newline, never NULL, empty when nothing failed yet.
   Owned by the library; valid until the thread's next failing call. Thread-safe (thread-local). */
CINCH_API const char *cinch_last_error(void);

/* The name of a status ("usage", "data", ...), a static string; "unknown" for any other number. Thread-safe. */
CINCH_API const char *cinch_status_name(cinch_status status);

/* The one of names[n] nearest to `name`, for "did you mean": one that begins with it, else by edit distance; NULL when
   none is close. Thread-safe. */
CINCH_API const char *cinch_nearest(const char *name, const char *const *names, int n);

CINCH_END

#endif
