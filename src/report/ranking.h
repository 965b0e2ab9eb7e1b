/* SPDX-License-Identifier: Apache-2.0 */
/* The samples of a run by how badly they are reconstructed. */
#ifndef CINCH_REPORT_RANKING_H
#define CINCH_REPORT_RANKING_H

#include "report/rows.h"

typedef struct {
    int64_t place; /* in the rows */
    double error;  /* mean squared, to the target */
} cinch_ranked;

typedef struct {
    cinch_run *run; /* borrowed */
    cinch_run_rows rows;
    int64_t size;        /* numbers of a sample */
    cinch_ranked *order; /* [rows.n], the worst first; errors that are not numbers before all others */
} cinch_ranking;

/* Ranks the first `most` rows of the run's test part, else of the validation or the training part. Errors: as
   cinch_run_dataset's. Free also after an error. */
cinch_status cinch_ranking_make(cinch_ranking *ranking, cinch_run *run, int64_t most);
void cinch_ranking_free(cinch_ranking *ranking);

/* `count` (at most rows.n) that stand for all: evenly from the middle fifth of the order. */
void cinch_ranking_typical(const cinch_ranking *ranking, int count, cinch_ranked *out);

/* Of n rows of the data set, values [n, sample]: what goes in, what is to come out, what does. Each may be NULL. */
cinch_status cinch_ranking_show(const cinch_ranking *ranking, const int32_t *row, int64_t n, float *in, float *target,
                                float *out);

#endif
