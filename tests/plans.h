/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of graphs and plans share: a device, a small training graph, runs and comparisons. */
#ifndef CINCH_TESTS_PLANS_H
#define CINCH_TESTS_PLANS_H

#include <cinch/cinch.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"

#define OK(call) cr_assert_eq((call), CINCH_OK, "%s: %s", #call, cinch_last_error())

static inline cinch_device *open_device(int threads)
{
    cinch_device *device;
    OK(cinch_device_open(&device, backends_device(), &(cinch_device_options){.threads = threads}));
    return device;
}

static inline cinch_graph *new_graph(void)
{
    cinch_graph *g;
    OK(cinch_graph_create(&g));
    return g;
}

/* Reproducible numbers in -1..1. */
static inline void fill_random(float *x, int64_t n, uint32_t seed)
{
    for (int64_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (float)(seed >> 8) * 0x1p-23f - 1;
    }
}

/* Plans the graph, runs it once, reads one f32 output. */
static inline void run_once(cinch_graph *g, cinch_device *device, cinch_params *params,
                            const cinch_plan_options *options, const char *output, float *data, size_t bytes)
{
    cinch_plan *plan;
    OK(cinch_plan_create(&plan, g, device, params, options));
    cinch_plan_position(plan, 7, 3, 0);
    OK(cinch_plan_run(plan));
    OK(cinch_plan_read(plan, output, data, bytes));
    cinch_plan_free(plan);
}

#endif
