/* SPDX-License-Identifier: Apache-2.0 */
/* An opened run from the inside. */
#ifndef CINCH_TRAIN_RUN_H
#define CINCH_TRAIN_RUN_H

#include <cinch/train.h>

#include "train/folder.h"
#include "train/source.h"
#include "trained/forward.h"
#include "trained/weights.h"

struct cinch_run {
    cinch_folder folder;
    cinch_config *config;
    cinch_device *device;
    cinch_model *model;
    cinch_params *params;
    cinch_border border;
    cinch_data_source source;             /* source.data NULL: not opened yet */
    bool source_borrowed;
    cinch_dataset *shape_only;            /* one row of zeros with the container's axes, for cinch_run_restore */
    int64_t batch_size;
    cinch_precision precision;
    uint64_t seed;
    const volatile int *stop;             /* see cinch_run_options */
    cinch_plan *forward[CINCH_FORWARDS];  /* made on first use, for batch_size samples */
    float *batch;                         /* staging for the last, short batch */
    double *code_mean, *code_factor;      /* of the training codes: mean [k], Cholesky factor of the covariance [k, k];
                                             NULL: not fitted yet */
    char pca_note[256];
};

/* The labels of all rows of `data` for a conditional model, NULL for others. CINCH_DATA where it has none. */
cinch_status cinch_run_labels(const cinch_run *run, const cinch_dataset *data, const int32_t **labels);

/* The rows of the run's training part. */
cinch_status cinch_run_training_rows(cinch_run *run, cinch_feed_source *out);

#endif
