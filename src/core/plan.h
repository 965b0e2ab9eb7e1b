/* SPDX-License-Identifier: Apache-2.0 */
/* A plan from the inside: what plan.c puts together and exec.c runs. */
#ifndef CINCH_CORE_PLAN_H
#define CINCH_CORE_PLAN_H

#include <cinch/plan.h>

#include "core/device.h"
#include "core/layout.h"
#include "core/passes.h"

/* An input's memory: a buffer the caller bound, or the plan's own, taken when it is first needed. */
typedef struct cinch_binding {
    int32_t leaf;
    size_t bytes, offset;
    cinch_buffer *bound, *own;
} cinch_binding;

struct cinch_plan {
    cinch_graph *g;            /* after the passes */
    cinch_device *device;
    cinch_params *params;
    cinch_plan_options options;
    cinch_schedule schedule;
    cinch_layout layout;
    cinch_call *calls;         /* in order; calls[i] runs node schedule.order[i] */
    cinch_tensor *tensors;     /* the calls' operands */
    cinch_binding *bindings;   /* by leaf; used for inputs */
    char *own;                 /* the plan's own memory: controls, constants, outputs */
    void *private_arena;       /* with private_memory */
    char *controls;            /* host copy of the controls block */
    bool stale;                /* pointers must be looked up again */
    unsigned arena_generation;
    int64_t runs;
    size_t ring_bytes;         /* of the metrics, and how they come to the host: */
    void *fetch;               /* the backend's, or NULL where it reads into `ring` */
    float *ring;
    int64_t fetched;           /* runs when they were last asked for */
    void *captured;            /* the backend's recording of a step, or NULL */
    double flops;
};

/* Looks up all pointers, if anything moved since the last time. */
cinch_status cinch_plan_resolve(cinch_plan *plan);

/* The memory of node `id`; valid after cinch_plan_resolve. */
cinch_status cinch_plan_address(cinch_plan *plan, cinch_place place, void **out);

/* Puts "scope: op: " before the last error. */
cinch_status cinch_plan_blame(const cinch_plan *plan, int32_t node, cinch_status status);

#endif
