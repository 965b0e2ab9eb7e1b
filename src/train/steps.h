/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One training step as a list of plans. Without accumulation it is one plan; with it, a plan per micro-batch that adds
 * its gradient, weighted by its share of the step's samples, and a plan that updates. Evaluation has plans alike.
 */
#ifndef CINCH_TRAIN_STEPS_H
#define CINCH_TRAIN_STEPS_H

#include <cinch/config.h>
#include <cinch/model.h>
#include <cinch/plan.h>

#include "train/batches.h"

/* Rows of the metrics ring, and so the most runs of a plan between two looks at it. */
enum { CINCH_RING_ROWS = 256, CINCH_STEP_PLANS = 5, CINCH_METRICS_MAX = 8 };

typedef enum cinch_step_role {
    CINCH_ROLE_WHOLE,   /* forward, backward, update */
    CINCH_ROLE_FIRST,   /* the first micro-batch: its gradient becomes the slab's */
    CINCH_ROLE_FURTHER, /* adds its gradient to the slab */
    CINCH_ROLE_UPDATE,  /* updates from the slab; no batch */
    CINCH_ROLE_EVALUATE
} cinch_step_role;

typedef struct cinch_step_plan {
    cinch_step_role role;
    int64_t size;       /* samples; 0: no batch */
    cinch_plan *plan;
} cinch_step_plan;

/* What the plans are made from; all borrowed. */
typedef struct cinch_step_source {
    const cinch_model *model;
    const cinch_loss_config *loss;
    const cinch_optimizer *optimizer;
    const cinch_train_config *train;
    cinch_device *device;
    cinch_params *params;
    bool use_ema;       /* evaluate with the averaged weights */
} cinch_step_source;

typedef struct cinch_step_plans {
    cinch_step_plan at[CINCH_STEP_PLANS];
    int n;
} cinch_step_plans;

/* Declares all parameters and states of training by writing the first of its graphs; then they may be allocated. */
cinch_status cinch_steps_declare(const cinch_step_source *source, cinch_feed *feed);

/* The plans of a step, or of an evaluation, for every size of batch that the feed gives. */
cinch_status cinch_steps_create(cinch_step_plans *out, const cinch_step_source *source, cinch_feed *feed,
                                bool evaluate);
void cinch_steps_free(cinch_step_plans *plans);

/* The plan of this role and size. */
cinch_step_plan *cinch_steps_find(cinch_step_plans *plans, cinch_step_role role, int64_t size);

/* The role of an epoch's batch. */
cinch_step_role cinch_steps_role(int64_t accumulate, int64_t batch);

typedef struct cinch_step_point {
    int64_t update;     /* number of the update, from 1 */
    double lr;
    double share;       /* of this batch in the step's gradient */
    double beta;        /* weight of the KL */
} cinch_step_point;

/* Sets those controls of a training plan that it has. */
cinch_status cinch_steps_control(cinch_plan *plan, const cinch_step_point *at, const cinch_optimizer *optimizer);

#endif
