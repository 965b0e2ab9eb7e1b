/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the benchmarks. */
#ifndef CINCH_TRAIN_BENCH_H
#define CINCH_TRAIN_BENCH_H

#include <cinch/plan.h>

/* Rate of a large square product on the device in this precision, 1e9 flops a second, best of several. */
cinch_status cinch_product_peak(cinch_device *device, cinch_precision precision, double *gflops);

#endif
