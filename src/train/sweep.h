/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over the rows of a feed, with a graph that is made for the purpose. */
#ifndef CINCH_TRAIN_SWEEP_H
#define CINCH_TRAIN_SWEEP_H

#include "train/batches.h"

typedef struct cinch_sweep {
    cinch_device *device;
    cinch_params *params;      /* NULL where the graph has none */
    cinch_precision precision;
    uint64_t seed;             /* of what the graph draws */
    /* Writes what becomes of a batch of n. */
    void (*write)(void *user, cinch_graph *graph, const cinch_batch *batch, int64_t n);
    /* Gives inputs of a new plan their values; may be NULL. */
    cinch_status (*prepare)(void *user, cinch_plan *plan);
    /* Looks at a plan after a batch of n. */
    cinch_status (*visit)(void *user, cinch_plan *plan, int64_t n);
    void *user;
    const volatile int *stop;  /* ends it with this status when that is not 0; may be NULL */
} cinch_sweep;

/* Rows in batches of at most `batch_size`, in order. */
cinch_status cinch_sweep_run(const cinch_sweep *sweep, const cinch_feed_source *rows, int64_t batch_size);

#endif
