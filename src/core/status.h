/* SPDX-License-Identifier: Apache-2.0 */
/* Setting errors, and the library's own allocation calls. */
#ifndef CINCH_CORE_STATUS_H
#define CINCH_CORE_STATUS_H

#include <cinch/status.h>

#include <stdarg.h>
#include <stddef.h>

CINCH_BEGIN

/* Sets this thread's error text (one line) and returns `status`: `return cinch_fail(CINCH_DATA, "%s: ...", path);` */
cinch_status cinch_fail(cinch_status status, const char *format, ...) CINCH_PRINTF(2, 3);
cinch_status cinch_failv(cinch_status status, const char *format, va_list args);

/* Puts "prefix: " before the text of the last error and returns `status`. */
cinch_status cinch_fail_in(cinch_status status, const char *prefix);

/* Puts more behind the text of the last error and returns `status`. */
cinch_status cinch_fail_also(cinch_status status, const char *format, ...) CINCH_PRINTF(2, 3);

/* The status that a signal handler has left in *stop, with an error that says so; CINCH_OK for NULL and for 0. */
cinch_status cinch_stopped(const volatile int *stop);

/* Zeroed memory or NULL with the error set (CINCH_DEVICE); count * size may not overflow. Freed with free(). */
void *cinch_calloc(size_t count, size_t size);

/* Grows *array to hold `count` items of `size` bytes, doubling *capacity; new room is zeroed. */
cinch_status cinch_grow(void **array, int *capacity, int count, size_t size);

/* A copy of `text`, or NULL with the error set. */
char *cinch_strdup(const char *text);

/* printf into new memory, or NULL with the error set. */
char *cinch_format(const char *format, ...) CINCH_PRINTF(1, 2);

CINCH_END

#define TRY(call)                               \
    do {                                        \
        cinch_status try_status_ = (call);      \
        if (try_status_) return try_status_;    \
    } while (0)

/* For functions that clean up in one place: sets `status` and jumps to `done`. */
#define TRY_GOTO(call)                          \
    do {                                        \
        if ((status = (call))) goto done;       \
    } while (0)

#endif
