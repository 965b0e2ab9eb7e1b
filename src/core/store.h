/* SPDX-License-Identifier: Apache-2.0 */
/* The parameter store as core sees it. */
#ifndef CINCH_CORE_STORE_H
#define CINCH_CORE_STORE_H

#include <cinch/params.h>

#include "core/device.h"
#include "core/node.h"

typedef struct cinch_param_entry {
    char *name;
    cinch_shape shape;
    cinch_param_options options;
    int64_t offset;          /* floats from the start of its slab */
} cinch_param_entry;

struct cinch_params {
    cinch_param_entry *entries;
    int n, room;
    cinch_device *device;    /* NULL until allocated */
    float *slabs[CINCH_SLAB_COUNT];
};

static inline cinch_slab cinch_slab_of(const cinch_param_entry *e)
{
    return e->options.state ? CINCH_SLAB_STATE : e->options.frozen ? CINCH_SLAB_FROZEN : CINCH_SLAB_TRAINABLE;
}

/* Assigns offsets in order of declaration; once the parameters have memory they stand. */
void cinch_params_lay_out(cinch_params *params);

/* The slab's memory, taken on first use: zeros, or for the averaged weights a copy of the weights. */
cinch_status cinch_params_slab_memory(cinch_params *params, cinch_slab slab, float **memory);

/* Parameter `index` as a value of the graph, one node per graph. */
cinch_value cinch_params_value(cinch_graph *graph, cinch_params *params, int index);

/* Fills host[count of shape] with the parameter's first values. */
void cinch_initialise(const cinch_param_entry *entry, uint64_t seed, float *host);

#endif
