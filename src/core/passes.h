/* SPDX-License-Identifier: Apache-2.0 */
/* The passes from a graph to an order of calls. They change a copy of the user's graph in place. */
#ifndef CINCH_CORE_PASSES_H
#define CINCH_CORE_PASSES_H

#include <cinch/plan.h>

#include "core/node.h"
#include "core/store.h"

/* Which nodes run, and when: the main phase in order of creation, then the commit phase (effects and what reads their
   results). `live` and `commit` are indexed by node. */
typedef struct cinch_schedule {
    int32_t *order;
    int n, n_main;
    bool *live, *commit;
} cinch_schedule;

cinch_status cinch_schedule_create(cinch_schedule *out, const cinch_graph *g);
void cinch_schedule_free(cinch_schedule *schedule);

/* Appends the effect that records the graph's metrics in a ring of `rows` rows. */
void cinch_record_metrics(cinch_graph *g, int rows);
#define CINCH_RING_INPUT "cinch.metrics"
#define CINCH_ROW_CONTROL "cinch.row"

/* Gives every value the type that the plan's precision wants and writes the casts; *g may become another graph. Before
   the passes below. */
cinch_status cinch_set_precision(cinch_graph **g, cinch_precision precision);

/* Copies states that are read in the commit phase, or named as outputs, after an effect has overwritten them. */
cinch_status cinch_protect_states(cinch_graph *g);

/* Folds bias, activation and the activation's gradient into products, the sums that are a bias's gradient into the
   product that is its weight's, runs of elementwise ops into chains, and a full sum into its chain. */
cinch_status cinch_fuse(cinch_graph *g);

#endif
