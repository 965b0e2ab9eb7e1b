/* SPDX-License-Identifier: Apache-2.0 */
/* Seconds on a clock that only goes forward. */
#ifndef CINCH_TRAIN_CLOCK_H
#define CINCH_TRAIN_CLOCK_H

#include <time.h>

static inline double cinch_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

#endif
