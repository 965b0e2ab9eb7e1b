/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a training run looks like: report.html and pictures.
 *
 *     cinch_train(config, "runs/first", NULL, NULL);
 *     cinch_report_write("runs/first", NULL);
 *
 * Calls for different runs may be made from different threads; a cinch_run belongs to one thread at a time.
 */
#ifndef CINCH_REPORT_H
#define CINCH_REPORT_H

#include <cinch/train.h>

CINCH_BEGIN

enum { CINCH_REPORT_ROWS = 20000 };

typedef struct cinch_report_options {
    cinch_run_options run;   /* on what to compute */
    int64_t rows;            /* the first so many of the part are looked at; 0: CINCH_REPORT_ROWS */
} cinch_report_options;

/* Writes into a run's folder
       report.html           one page that needs no other file and no network: figures beside PCA's, losses over the steps,
                             reconstructions, errors, the codes by PCA and t-SNE (of up to 2,000 samples), samples,
                             traversals, layers, data, environment
       reconstructions.png   originals above reconstructions with their mean squared errors, typical ones and the worst
       history.png           the losses by step
       samples.png           of variational models: draws from the prior
   of the run's test part, else its validation or training part; its data must be there. Each file is there whole or not at
   all. `options` may be NULL. Errors: those of cinch_run_open and cinch_run_dataset; CINCH_DATA where metrics.jsonl is
   missing; CINCH_DEVICE, CINCH_OUTPUT. */
CINCH_API cinch_status cinch_report_write(const char *run_path, const cinch_report_options *options);

/* Two of the pictures alone, of the first CINCH_REPORT_ROWS rows; `path` is the picture's. */
CINCH_API cinch_status cinch_report_reconstructions(cinch_run *run, const char *path);
CINCH_API cinch_status cinch_report_history(const char *run_path, const char *path);

/* Writes a picture of n samples, `values` [n, sample] in the model's range, ten side by side; with `originals` (may be
   NULL) of the same shape above them. CINCH_USAGE when they are too many for one picture, CINCH_OUTPUT. */
CINCH_API cinch_status cinch_report_samples(const char *path, const cinch_sample *sample, int64_t n, const float *values,
                                            const float *originals);

CINCH_END

#endif
