/* SPDX-License-Identifier: Apache-2.0 */
#include "train/sweep.h"

#include "core/status.h"

static cinch_status make_plan(const cinch_sweep *s, cinch_feed *feed, int64_t n, cinch_plan **plan)
{
    cinch_graph *g;
    cinch_plan_options options = {.precision = s->precision};
    TRY(cinch_graph_create(&g));
    cinch_batch batch = cinch_feed_batch(feed, g, n);
    s->write(s->user, g, &batch, n);
    cinch_status status = cinch_plan_create(plan, g, s->device, s->params, &options);
    cinch_graph_free(g);
    if (!status) status = cinch_feed_bind(feed, *plan);
    return !status && s->prepare ? s->prepare(s->user, *plan) : status;
}

/* plans[0] is for whole batches, plans[1] for a short last one. */
static cinch_status sweep(const cinch_sweep *s, cinch_feed *feed, cinch_plan *plans[2])
{
    int64_t whole = cinch_feed_batch_size(feed, 0);
    for (int64_t i = 0; i < cinch_feed_batches(feed); i++) {
        int64_t n = cinch_feed_batch_size(feed, i);
        cinch_plan **plan = &plans[n != whole];
        TRY(cinch_stopped(s->stop));
        if (!*plan) TRY(make_plan(s, feed, n, plan));
        TRY(cinch_feed_next(feed, *plan, 0, i));
        cinch_plan_position(*plan, s->seed, 0, i * whole);
        TRY(cinch_plan_run(*plan));
        TRY(s->visit(s->user, *plan, n));
    }
    return CINCH_OK;
}

cinch_status cinch_sweep_run(const cinch_sweep *s, const cinch_feed_source *rows, int64_t batch_size)
{
    cinch_feed *feed;
    cinch_plan *plans[2] = {NULL, NULL};
    TRY(cinch_feed_create(&feed, s->device, rows, &(cinch_feed_options){.batch_size = batch_size}));
    cinch_status status = sweep(s, feed, plans);
    cinch_plan_free(plans[0]);
    cinch_plan_free(plans[1]);
    cinch_feed_free(feed);
    return status;
}
