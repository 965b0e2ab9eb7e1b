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
    cinch_run_options run;   /* on what to compute; seed, unless 0, is of the samples too, else they have training's;
                                `stop` leaves out what is not written yet, and its status is returned */
    int64_t rows;            /* the first so many of the part are looked at; 0: CINCH_REPORT_ROWS */
} cinch_report_options;

/* Writes into a run's folder
       report.html           one page that needs no other file and no network: figures beside PCA's, losses by step,
                             reconstructions, errors, the codes by PCA and t-SNE (of up to 2,000 samples), samples,
                             traversals, layers, data, environment
       reconstructions.png   originals above reconstructions with their mean squared errors, typical ones and the worst
       history.png           the losses by step
       samples.png           of variational models: draws from the prior
   of the run's test part, else its validation or training part; its data must be there. Each file is there whole or not
   at all. `options` may be NULL. Errors: those of cinch_run_open and cinch_run_dataset; CINCH_DATA where metrics.jsonl
   is missing; CINCH_DEVICE, CINCH_OUTPUT. */
CINCH_API cinch_status cinch_report_write(const char *run_path, const cinch_report_options *options);

/* Two of the pictures alone, of the first CINCH_REPORT_ROWS rows; `path` is the picture's. */
CINCH_API cinch_status cinch_report_reconstructions(cinch_run *run, const char *path);
CINCH_API cinch_status cinch_report_history(const char *run_path, const char *path);

/* Writes a picture of n samples, `values` [n, sample] in the range of `sample`, ten side by side; with `originals` (may
   be NULL) of the same shape above them, on a scale of their own where `original` says their range (NULL: they are on
   that of the values). CINCH_USAGE when they are too many for one picture, CINCH_OUTPUT. */
CINCH_API cinch_status cinch_report_samples(const char *path, const cinch_sample *sample, int64_t n,
                                            const float *values, const cinch_sample *original,
                                            const float *originals);

/* --- runs beside each other --------------------------------------------------------------------------------------- */

/* What is compared. */
typedef struct cinch_contender {
    cinch_run *run;          /* borrowed, as all here; calls use it, so not from two threads */
    const char *name, *data; /* what to call it, and its data */
    cinch_run_rows rows;     /* what it is measured on: those of cinch_run_rows_of, or fewer of them */
} cinch_contender;

typedef struct cinch_comparison {
    cinch_evaluation evaluation; /* pca_note is owned by the run */
    int64_t latent_dim;      /* numbers of a code */
    cinch_standing standing; /* steps, epochs and seconds of training */
    double samples_per_s;    /* reconstructed, samples and reconstructions being in host memory */
} cinch_comparison;

/* Measures `n` runs one after the other, into out[n]. Errors are those of cinch_run_evaluate_rows and name the run. */
CINCH_API cinch_status cinch_report_compare(const cinch_contender *runs, int n, cinch_comparison *out);

/* An array of `n` objects on one line, to be freed by cinch_free; numbers that do not exist are null. */
CINCH_API cinch_status cinch_report_compare_json(const cinch_contender *runs, int n, const cinch_comparison *found,
                                                 char **json);

/* Writes into a folder, which is made where it is missing, compare.json and compare.png: samples that every run was
   measured on (of the first run's, where the data differ) above what each makes of them, with mean squared errors, on
   one scale. Where samples or ranges differ there is no picture: *why (may be NULL; else NULL with a picture) says so
   until this thread's next error, and compare.png of earlier is removed. CINCH_OUTPUT, CINCH_DEVICE. */
CINCH_API cinch_status cinch_report_compare_write(const cinch_contender *runs, int n, const cinch_comparison *found,
                                                  const char *folder, const char **why);

CINCH_END

#endif
