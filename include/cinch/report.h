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

CINCH_END

#endif
