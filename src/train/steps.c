/* SPDX-License-Identifier: Apache-2.0 */
#include "train/steps.h"

#include "core/status.h"

#include <cinch/ops.h>

#include <math.h>
#include <string.h>

/* --- graphs ------------------------------------------------------------------------------------------------------- */

/* Under the policy `stop` nothing may change after a bad step, though the host sees it only later: "cinch.step" is the
   number of the last update that took place, and the loss of an update that does not follow it is not finite. */
static cinch_value in_sequence(const cinch_step_source *s, cinch_graph *g, cinch_value loss)
{
    cinch_shape scalar = {0};
    cinch_scope_push(g, "cinch");
    cinch_value last = cinch_param(g, s->params, "step", scalar,
                                   &(cinch_param_options){.state = true, .init.kind = CINCH_INIT_ZEROS});
    cinch_scope_pop(g);
    cinch_value follows = cinch_equal(g, last, cinch_control(g, "step_before", CINCH_F32, scalar));
    cinch_assign(g, last, cinch_control(g, "step_now", CINCH_F32, scalar));
    return cinch_where(g, follows, loss, cinch_scalar(g, INFINITY));
}

static void write_update(const cinch_step_source *s, cinch_graph *g, cinch_value loss, cinch_value gradients)
{
    if (!strcmp(s->train->on_nonfinite, "stop")) loss = in_sequence(s, g, loss);
    cinch_metric(g, "grad_norm", cinch_update(g, s->params, loss, gradients, s->optimizer));
}

static cinch_value write_loss(const cinch_step_source *s, cinch_graph *g, const cinch_feed *feed, int64_t n,
                              cinch_mode mode)
{
    cinch_batch batch = cinch_feed_batch(feed, g, n);
    return cinch_model_loss(s->model, g, s->params, &batch, s->loss, mode, NULL);
}

/* A loss that is not finite makes the slab NaN, so that the update that follows does not happen. */
static void write_micro(const cinch_step_source *s, cinch_graph *g, cinch_value loss, bool first)
{
    cinch_value share = cinch_control(g, "share", CINCH_F32, (cinch_shape){0});
    share = cinch_where(g, cinch_is_finite(g, loss), share, cinch_scalar(g, NAN));
    cinch_value gradients = cinch_gradients(g, s->params, loss);
    if (first) cinch_assign(g, cinch_gradients_slab(g, s->params), cinch_mul(g, gradients, share));
    else cinch_gradients_add(g, s->params, gradients, share);
}

static void write_step(const cinch_step_source *s, cinch_graph *g, const cinch_feed *feed, cinch_step_role role,
                       int64_t n)
{
    cinch_value loss = {0};
    switch (role) {
    case CINCH_ROLE_WHOLE:
        loss = write_loss(s, g, feed, n, CINCH_TRAIN);
        write_update(s, g, loss, cinch_gradients(g, s->params, loss));
        break;
    case CINCH_ROLE_FIRST:
    case CINCH_ROLE_FURTHER:
        loss = write_loss(s, g, feed, n, CINCH_TRAIN);
        write_micro(s, g, loss, role == CINCH_ROLE_FIRST);
        break;
    case CINCH_ROLE_UPDATE:
        write_update(s, g, cinch_scalar(g, 0), cinch_gradients_slab(g, s->params));
        break;
    case CINCH_ROLE_EVALUATE:
        write_loss(s, g, feed, n, CINCH_EVALUATE);
        break;
    }
}

/* --- plans -------------------------------------------------------------------------------------------------------- */

static cinch_status make_plan(cinch_step_plan *p, const cinch_step_source *s, cinch_feed *feed)
{
    cinch_graph *g;
    TRY(cinch_graph_create(&g));
    write_step(s, g, feed, p->role, p->size);
    cinch_plan_options options = {.precision = s->train->precision, .metric_rows = CINCH_RING_ROWS,
                                  .use_ema = p->role == CINCH_ROLE_EVALUATE && s->use_ema};
    cinch_status status = cinch_plan_create(&p->plan, g, s->device, s->params, &options);
    cinch_graph_free(g);
    if (!status && p->size) status = cinch_feed_bind(feed, p->plan);
    if (!status) status = cinch_plan_prepare(p->plan);
    if (!status && cinch_plan_metric_count(p->plan) > CINCH_METRICS_MAX)
        status = cinch_fail(CINCH_INTERNAL, "the model has more than %d metrics", CINCH_METRICS_MAX);
    return status;
}

static void list(cinch_step_plans *plans, cinch_step_role role, int64_t size)
{
    if (!cinch_steps_find(plans, role, size)) plans->at[plans->n++] = (cinch_step_plan){role, size, NULL};
}

/* Which plans the batches of an epoch need, in roles that repeat every `accumulate` batches. */
static void list_training(cinch_step_plans *plans, const cinch_feed *feed, int64_t accumulate)
{
    int64_t batches = cinch_feed_batches(feed), look = batches < accumulate ? batches : accumulate;
    for (int64_t i = 0; i < look; i++)
        list(plans, cinch_steps_role(accumulate, i), cinch_feed_batch_size(feed, i));
    list(plans, cinch_steps_role(accumulate, batches - 1), cinch_feed_batch_size(feed, batches - 1));
    if (accumulate > 1) list(plans, CINCH_ROLE_UPDATE, 0);
}

cinch_step_role cinch_steps_role(int64_t accumulate, int64_t batch)
{
    if (accumulate == 1) return CINCH_ROLE_WHOLE;
    return batch % accumulate ? CINCH_ROLE_FURTHER : CINCH_ROLE_FIRST;
}

cinch_status cinch_steps_declare(const cinch_step_source *source, cinch_feed *feed)
{
    cinch_graph *g;
    TRY(cinch_graph_create(&g));
    write_step(source, g, feed, CINCH_ROLE_WHOLE, cinch_feed_batch_size(feed, 0));
    cinch_status status = cinch_graph_status(g);
    cinch_graph_free(g);
    return status;
}

cinch_status cinch_steps_create(cinch_step_plans *out, const cinch_step_source *source, cinch_feed *feed, bool evaluate)
{
    *out = (cinch_step_plans){0};
    if (evaluate) {
        list(out, CINCH_ROLE_EVALUATE, cinch_feed_batch_size(feed, 0));
        list(out, CINCH_ROLE_EVALUATE, cinch_feed_batch_size(feed, cinch_feed_batches(feed) - 1));
    } else {
        list_training(out, feed, source->train->accumulate);
    }
    for (int i = 0; i < out->n; i++) {
        cinch_status status = make_plan(&out->at[i], source, feed);
        if (status) return cinch_steps_free(out), status;
    }
    return CINCH_OK;
}

void cinch_steps_free(cinch_step_plans *plans)
{
    for (int i = 0; i < plans->n; i++) cinch_plan_free(plans->at[i].plan);
    *plans = (cinch_step_plans){0};
}

cinch_step_plan *cinch_steps_find(cinch_step_plans *plans, cinch_step_role role, int64_t size)
{
    for (int i = 0; i < plans->n; i++)
        if (plans->at[i].role == role && plans->at[i].size == size) return &plans->at[i];
    return NULL;
}

/* --- controls ----------------------------------------------------------------------------------------------------- */

static cinch_status set_if_there(cinch_plan *plan, const char *control, double value)
{
    return cinch_plan_has(plan, control) ? cinch_plan_set(plan, control, value) : CINCH_OK;
}

cinch_status cinch_steps_control(cinch_plan *plan, const cinch_step_point *at, const cinch_optimizer *optimizer)
{
    float hyper[64];
    const int64_t wrap = 1 << 24; /* whole numbers that an f32 tells apart */
    TRY(set_if_there(plan, "share", at->share));
    TRY(set_if_there(plan, "beta", at->beta));
    TRY(set_if_there(plan, "step_before", (double)((at->update - 1) % wrap)));
    TRY(set_if_there(plan, "step_now", (double)(at->update % wrap)));
    if (!cinch_plan_has(plan, "hyper")) return CINCH_OK;
    cinch_optimizer_hyper(optimizer, at->lr, at->update, NULL, hyper);
    return cinch_plan_control(plan, "hyper", hyper, sizeof hyper);
}
