/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the benchmarks. */
#ifndef CINCH_TRAIN_BENCH_H
#define CINCH_TRAIN_BENCH_H

#include <cinch/device.h>

/* Rate of a large square product on the device, 1e9 flops a second, best of several. */
cinch_status cinch_sgemm_peak(cinch_device *device, double *gflops);

/* Threads that the device computes with; 1 where it does not say. */
int cinch_bench_threads(cinch_device *device);

#endif
