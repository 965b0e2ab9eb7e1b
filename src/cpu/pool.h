/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one thread pool: the caller and threads - 1 workers claim numbered tasks until none is left. How the work is cut
 * into tasks must never depend on the number of threads, so that results do not either.
 */
#ifndef CINCH_CPU_POOL_H
#define CINCH_CPU_POOL_H

#include "core/status.h"

#include <stdint.h>

typedef struct cinch_pool cinch_pool;

/* `worker` is 0 .. threads-1 and no two tasks with the same worker run at once: it may index private scratch. */
typedef void (*cinch_task)(void *arg, int64_t task, int worker);

/* threads 0: cinch_pool_default_threads(). CINCH_USAGE for a number out of 0..1024, CINCH_DEVICE when threads fail. */
cinch_status cinch_pool_create(cinch_pool **out, int threads);
void cinch_pool_free(cinch_pool *pool);
int cinch_pool_threads(const cinch_pool *pool);

/* Runs task(arg, 0 .. n-1) and returns when all are done. One thread at a time may call it, and no task may. */
void cinch_pool_run(cinch_pool *pool, int64_t n, cinch_task task, void *arg);

/* The lesser of the processors this process may run on and its cgroup's quota (rounded up), at least 1. */
int cinch_pool_default_threads(void);

#endif
