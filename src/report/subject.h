/* SPDX-License-Identifier: Apache-2.0 */
/* All that a report tells of a run and its data, looked at once. */
#ifndef CINCH_REPORT_SUBJECT_H
#define CINCH_REPORT_SUBJECT_H

#include "report/picture.h"
#include "report/projection.h"
#include "report/ranking.h"

enum { CINCH_POINTS_MOST = 2000 };

/* Codes of up to CINCH_POINTS_MOST of the ranked samples, evenly from all of them, and where they lie in a plane. */
typedef struct {
    int64_t n, code_size;
    int32_t *row;              /* [n], of the data set */
    double *error;             /* [n] */
    float *code, *logvar;      /* [n, code_size]; logvar NULL: the model is not variational */
    cinch_components components; /* of these codes */
    double *pca, *tsne;        /* [n, 2] */
    cinch_picture sprite;      /* a small picture of each, row after row */
    int columns, width, height; /* pictures in a row of the sprite; of one of them, in pixels */
} cinch_points;

typedef struct {
    cinch_run *run;            /* borrowed */
    uint64_t seed;             /* of samples: that of training */
    const volatile int *stop;  /* see cinch_report_options */
    cinch_ranking ranking;
    cinch_evaluation evaluation;
    cinch_points points;
} cinch_subject;

/* Looks at the run's first `most` test samples (see cinch_ranking_make). Errors: as cinch_run_dataset's and
   cinch_run_evaluate's, and the status in *stop. Free also after an error. */
cinch_status cinch_subject_look(cinch_subject *subject, cinch_run *run, int64_t most, const volatile int *stop);
void cinch_subject_free(cinch_subject *subject);

#endif
