/* SPDX-License-Identifier: Apache-2.0 */
/* Principal components of a data set, as something to compare a model with. */
#ifndef CINCH_TRAIN_PCA_H
#define CINCH_TRAIN_PCA_H

#include "train/batches.h"

typedef struct cinch_pca {
    int64_t d, k;       /* features; components, at most d */
    float *mean;        /* [d] */
    double *basis;      /* [k, d], orthonormal rows */
    const char *note;   /* "exact" or "randomised" */
} cinch_pca;

/* Fits k components to the rows. CINCH_USAGE when that would take too long, CINCH_NUMERIC for data that is not finite,
   CINCH_DATA, CINCH_DEVICE; the status in *stop (may be NULL), which is looked at on the way. */
cinch_status cinch_pca_fit(cinch_pca *pca, cinch_device *device, const cinch_feed_source *rows, int64_t k,
                           const volatile int *stop);
void cinch_pca_free(cinch_pca *pca);

/* The mean squared error of the rows' reconstructions. */
cinch_status cinch_pca_error(const cinch_pca *pca, cinch_device *device, const cinch_feed_source *rows,
                             const volatile int *stop, double *mse);

#endif
