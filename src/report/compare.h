/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CINCH_REPORT_COMPARE_H
#define CINCH_REPORT_COMPARE_H

#include <cinch/report.h>

/* The labels of n rows, that conditional models want, to be freed; NULL where the data has none. */
cinch_status cinch_compare_labels(const cinch_dataset *data, const int32_t *index, int64_t n, int32_t **out);

/* Row i of those that are measured, by its number in the data. */
int32_t cinch_compare_row(const cinch_run_rows *rows, int64_t i);

/* Numbers of one sample of the run's model. */
int64_t cinch_compare_size(const cinch_run *run);

/* Draws the picture. CINCH_USAGE where the runs have no samples in common to draw. */
cinch_status cinch_compare_draw(const cinch_contender *runs, int n, const cinch_comparison *found, const char *path);

#endif
