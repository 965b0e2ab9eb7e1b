/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that a report shows, in whichever picture. */
#ifndef CINCH_REPORT_ROWS_H
#define CINCH_REPORT_ROWS_H

#include <cinch/train.h>

/* Row i of those that are looked at, by its number in the data. */
int32_t cinch_rows_at(const cinch_run_rows *rows, int64_t i);

/* The labels of n rows of the data, which conditional models want and others leave alone, to be freed; NULL where the
   data has none. CINCH_DEVICE when memory ran out. */
cinch_status cinch_rows_labels(const cinch_dataset *data, const int32_t *row, int64_t n, int32_t **label);

/* Numbers of one sample of the run's model. */
int64_t cinch_rows_sample_size(const cinch_run *run);

/* The mean of (x - y)^2 over n numbers, summed in double. */
double cinch_mean_square(const float *x, const float *y, int64_t n);

#endif
