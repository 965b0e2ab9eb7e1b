/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that fetches one batch of raw rows ahead of the step that needs it. */
#ifndef CINCH_TRAIN_PREFETCH_H
#define CINCH_TRAIN_PREFETCH_H

#include <cinch/status.h>

#include <stdint.h>

typedef struct cinch_prefetch cinch_prefetch;

/* Reads batch `batch` of `epoch` into the caller's staging memory; runs on the thread. */
typedef cinch_status cinch_fetch(void *user, int64_t epoch, int64_t batch);

cinch_status cinch_prefetch_create(cinch_prefetch **out, cinch_fetch *fetch, void *user);
void cinch_prefetch_free(cinch_prefetch *prefetch);

/* Returns when this batch is in the staging memory, or with the error of reading it. */
cinch_status cinch_prefetch_wait(cinch_prefetch *prefetch, int64_t epoch, int64_t batch);

/* Asks for the next batch; the staging memory is the thread's until the next wait. */
void cinch_prefetch_ask(cinch_prefetch *prefetch, int64_t epoch, int64_t batch);

#endif
