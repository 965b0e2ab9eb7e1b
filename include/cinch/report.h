/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pictures of a training run.
 *
 *     cinch_train(config, "runs/first", NULL, NULL);
 *     cinch_report_pictures("runs/first", NULL);
 */
#ifndef CINCH_REPORT_H
#define CINCH_REPORT_H

#include <cinch/train.h>

CINCH_BEGIN

/* Writes into the run's folder reconstructions.png (of the test part, else the validation or training part: originals
   above reconstructions with their mean squared errors, typical ones and the worst) and history.png (the losses by
   step). At most 20,000 samples are looked at. `options` may be NULL. Errors: those of cinch_run_open, CINCH_OUTPUT.
   Calls for different runs may be made from different threads. */
CINCH_API cinch_status cinch_report_pictures(const char *run_path, const cinch_run_options *options);

/* The two alone; `path` is the picture's. */
CINCH_API cinch_status cinch_report_reconstructions(cinch_run *run, const char *path);
CINCH_API cinch_status cinch_report_history(const char *run_path, const char *path);

/* Writes a picture of n samples, `values` [n, sample] in the model's range, ten side by side; with `originals` (may be
   NULL) of the same shape above them. CINCH_USAGE when they are too many for one picture, CINCH_OUTPUT. */
CINCH_API cinch_status cinch_report_samples(const char *path, const cinch_sample *sample, int64_t n, const float *values,
                                            const float *originals);

CINCH_END

#endif
