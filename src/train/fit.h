/* SPDX-License-Identifier: Apache-2.0 */
/* The training loop. It knows no model, no device and no file format. */
#ifndef CINCH_TRAIN_FIT_H
#define CINCH_TRAIN_FIT_H

#include <cinch/train.h>

#include "train/best.h"
#include "train/metrics_log.h"
#include "train/state.h"
#include "train/steps.h"

/* A run of a plan whose metrics the host has not seen yet. */
typedef struct cinch_pending {
    int64_t step;           /* the update it belongs to, from 1 */
    int64_t epoch, batch;   /* where that step begins */
    int64_t size;
    double lr;
    cinch_step_plan *plan;
    bool ends_step;
} cinch_pending;

/* Runs that follow each other, no more than the metrics rings hold. */
typedef struct cinch_window {
    cinch_pending *runs;    /* [CINCH_RING_ROWS] */
    int n;
} cinch_window;

/* The metrics of one step, put together from its plans. */
typedef struct cinch_observed {
    double sum[CINCH_METRICS_MAX], samples;
    double grad_norm;
    bool nonfinite;
} cinch_observed;

typedef struct cinch_fit {
    /* Given; borrowed. */
    cinch_step_source source;
    const cinch_schedule_config *schedule;
    const cinch_train_options *options;
    cinch_feed *feed, *validation;     /* validation may be NULL */
    cinch_status (*save)(void *run);   /* writes a checkpoint */
    void *run;
    /* Kept while training goes on. */
    cinch_state state;
    cinch_best best;
    cinch_metrics_log log;
    cinch_step_plans steps, evaluation;
    cinch_window filling, coming;      /* runs not looked at: the newest; those whose metrics are on their way */
    float *rows;                       /* [CINCH_STEP_PLANS, CINCH_RING_ROWS, CINCH_METRICS_MAX] */
    cinch_observed now;
    double started, resumed_elapsed;   /* clock at the start; seconds of training before it */
    double last_save, last_log, epoch_started;  /* clock */
    int64_t saved_step;                /* of the last checkpoint; -1: none */
    int64_t samples, logged_samples, epoch_first_sample; /* since the start; at the last log; before the epoch */
    double epoch_rate;                 /* samples a second, validation left out */
    double lr;
    bool early, collapse_told;
    char note[512];
} cinch_fit;

/* Makes plans and buffers; the given fields are set and the parameters allocated. */
cinch_status cinch_fit_prepare(cinch_fit *fit);
void cinch_fit_free(cinch_fit *fit);

/* Trains until an end is reached. CINCH_OK, *options->stop, CINCH_NUMERIC or what a plan, file or feed reports; the
   last state is saved unless there was an error. */
cinch_status cinch_fit_run(cinch_fit *fit);

/* Updates in an epoch; and in all, as far as the configuration bounds them. */
int64_t cinch_fit_steps_per_epoch(const cinch_fit *fit);
int64_t cinch_fit_steps(const cinch_fit *fit);

/* Whether this is the status by which the caller asked training to stop. */
bool cinch_fit_was_stopped(const cinch_fit *fit, cinch_status status);

/* Runs the step of `bad` again, node by node: CINCH_NUMERIC with the layer's name, or CINCH_OK when all is finite. */
cinch_status cinch_fit_find_nonfinite(cinch_fit *fit, const cinch_pending *bad);

/* --- observe.c ---------------------------------------------------------------------------------------------------- */

/* Notes a run whose metrics are to be looked at. Once a window is full they are asked for, and looked at when the next
   one is full, so that nobody waits for the newest runs. */
cinch_status cinch_observe_run(cinch_fit *fit, const cinch_pending *run);
/* Looks at all runs noted: logs steps, adds up the epoch. CINCH_NUMERIC under the policy `stop`. */
cinch_status cinch_observe_pending(cinch_fit *fit);
/* Logs the end of an epoch or of the run and tells the caller. */
cinch_status cinch_observe_event(cinch_fit *fit, const char *event);
/* The KL's share of the two terms in size, NaN without a KL. */
double cinch_kl_share(double recon, double kl);
/* Starts the epoch's stop watch, and reads it. */
void cinch_observe_epoch_begins(cinch_fit *fit);
double cinch_observe_epoch_rate(const cinch_fit *fit);
/* Tells the caller one line, with the event "start" or "note". */
void cinch_observe_start(cinch_fit *fit, const char *format, ...) CINCH_PRINTF(2, 3);
void cinch_observe_note(cinch_fit *fit, const char *format, ...) CINCH_PRINTF(2, 3);

/* --- validate.c --------------------------------------------------------------------------------------------------- */

/* The loss on the validation part, an average over its samples; NaN without one. */
cinch_status cinch_validate(cinch_fit *fit, double *loss);

#endif
