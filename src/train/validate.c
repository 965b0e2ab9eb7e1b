/* SPDX-License-Identifier: Apache-2.0 */
#include "train/fit.h"

#include "core/status.h"

#include <math.h>

/* Adds up the first metric (the loss) of a plan's last runs; sums are per batch, averages per sample. */
static cinch_status add_losses(cinch_fit *f, cinch_step_plan *p, int runs, double *sum)
{
    TRY(cinch_plan_metrics(p->plan, runs, f->rows));
    int count = cinch_plan_metric_count(p->plan);
    double weight = f->source.loss->reduction == CINCH_SUM ? 1 : (double)p->size;
    for (int i = 0; i < runs; i++) *sum += weight * (double)f->rows[i * count];
    return CINCH_OK;
}

static cinch_status validate(cinch_fit *f, double *sum)
{
    int64_t batches = cinch_feed_batches(f->validation);
    int runs = 0;
    for (int64_t i = 0; i < batches; i++) {
        cinch_step_plan *p = cinch_steps_find(&f->evaluation, CINCH_ROLE_EVALUATE,
                                              cinch_feed_batch_size(f->validation, i));
        TRY(cinch_feed_next(f->validation, p->plan, f->state.epoch, i));
        TRY(cinch_plan_run(p->plan));
        bool changes = i + 1 == batches || cinch_feed_batch_size(f->validation, i + 1) != p->size;
        if (++runs < CINCH_RING_ROWS && !changes) continue;
        TRY(add_losses(f, p, runs, sum));
        runs = 0;
    }
    return CINCH_OK;
}

cinch_status cinch_validate(cinch_fit *f, double *loss)
{
    double sum = 0;
    *loss = NAN;
    if (!f->validation) return CINCH_OK;
    TRY(validate(f, &sum));
    *loss = sum / (double)cinch_feed_samples(f->validation);
    return CINCH_OK;
}
