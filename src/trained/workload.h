/* SPDX-License-Identifier: Apache-2.0 */
/* The models of the benchmark set, trained and served: bench/README.md describes them. */
#ifndef CINCH_TRAINED_WORKLOAD_H
#define CINCH_TRAINED_WORKLOAD_H

#include <cinch/model.h>

typedef struct cinch_workload {
    const char *name, *model;   /* the "model" section */
    cinch_sample sample;
    int64_t batch_size;         /* in training */
    cinch_optimizer optimizer;
} cinch_workload;

/* CINCH_USAGE for an unknown one, which is then said to be `missing` ("no such workload"), naming the nearest. */
cinch_status cinch_workload_find(const char *name, const char *missing, const cinch_workload **out);

/* Threads that the device computes with, at most so many; 1 where it does not say. */
enum { CINCH_BENCH_THREADS = 256 };
int cinch_bench_threads(cinch_device *device);

#endif
