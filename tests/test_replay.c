/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a backend records steps, the first run of a plan is given call by call, the second is recorded, and all further
 * ones are replayed: every one of them must give the same bytes. $CINCH_TEST_DEVICE says where; on the CPU, which
 * records nothing, the same steps are merely run again.
 */
#include "plans.h"

#include "core/plan.h"

enum { ROWS = 24, FEATURES = 37, STEPS = 5 };
static const cinch_slab slabs[] = {CINCH_SLAB_TRAINABLE, CINCH_SLAB_MOMENT1, CINCH_SLAB_MOMENT2, CINCH_SLAB_EMA};
enum { SLABS = sizeof slabs / sizeof *slabs };
static const cinch_optimizer optimizer = {.kind = CINCH_ADAMW, .lr = 1e-2, .weight_decay = 1e-2, .clip = 1, .ema = 0.9};

typedef struct training {
    cinch_precision precision;
    cinch_device *device;
    cinch_model *model;
    cinch_params *params;
    cinch_graph *g;
    float x[ROWS * FEATURES];
} training;

/* What a step leaves behind. */
typedef struct state {
    float *slab[SLABS];
    float metrics[8];
} state;

static void write_step(training *t)
{
    cinch_loss_config mse = {.name = "mse"};
    cinch_value x = cinch_input(t->g, "x", CINCH_F32, CINCH_SHAPE(ROWS, FEATURES));
    cinch_value loss = cinch_model_loss(t->model, t->g, t->params, &(cinch_batch){.x = x}, &mse, CINCH_TRAIN, NULL);
    cinch_value norm = cinch_update(t->g, t->params, loss, cinch_gradients(t->g, t->params, loss), &optimizer);
    cinch_metric(t->g, "grad_norm", norm);
    OK(cinch_graph_status(t->g));
}

static training begin(cinch_precision precision)
{
    training t = {.precision = precision, .device = open_device(2), .g = new_graph()};
    cinch_sample sample = {.shape = {1, {FEATURES}}};
    const char *model = "{\"name\": \"dense\", \"hidden_sizes\": [65, 33], \"latent_dim\": 9, \"dropout\": 0.2}";
    OK(cinch_model_create(&t.model, model, &sample));
    OK(cinch_params_create(&t.params));
    write_step(&t);
    OK(cinch_params_allocate(t.params, t.device, 5));
    fill_random(t.x, ROWS * FEATURES, 3);
    return t;
}

static void end(training *t)
{
    cinch_graph_free(t->g);
    cinch_params_free(t->params);
    cinch_model_free(t->model);
    cinch_device_free(t->device);
}

static size_t slab_bytes(const training *t, int i)
{
    return (size_t)cinch_params_slab_size(t->params, slabs[i]) * sizeof(float);
}

static state read_state(training *t)
{
    state s = {0};
    for (int i = 0; i < SLABS; i++) {
        s.slab[i] = calloc(1, slab_bytes(t, i) + 1);
        OK(cinch_params_slab_read(t->params, slabs[i], s.slab[i]));
    }
    return s;
}

static void write_state(training *t, const state *s)
{
    for (int i = 0; i < SLABS; i++) OK(cinch_params_slab_write(t->params, slabs[i], s->slab[i]));
}

static void free_state(state *s)
{
    for (int i = 0; i < SLABS; i++) free(s->slab[i]);
}

static void expect_same_state(const training *t, const state *a, const state *b, const char *what)
{
    for (int i = 0; i < SLABS; i++)
        cr_expect(!memcmp(a->slab[i], b->slab[i], slab_bytes(t, i)), "%s, %s: %s differs", what,
                  cinch_precision_name(t->precision), cinch_slab_name(slabs[i]));
    cr_expect(!memcmp(a->metrics, b->metrics, sizeof a->metrics), "%s, %s: the metrics differ: %g and %g", what,
              cinch_precision_name(t->precision), (double)a->metrics[0], (double)b->metrics[0]);
}

static cinch_plan *make_plan(training *t)
{
    cinch_plan *plan;
    OK(cinch_plan_create(&plan, t->g, t->device, t->params, &(cinch_plan_options){.precision = t->precision}));
    OK(cinch_plan_write(plan, "x", t->x, sizeof t->x));
    return plan;
}

/* Update number `step`, from 1. */
static state run_step(training *t, cinch_plan *plan, int step)
{
    float hyper[64];
    cinch_optimizer_hyper(&optimizer, optimizer.lr, step, NULL, hyper);
    OK(cinch_plan_control(plan, "hyper", hyper, sizeof hyper));
    cinch_plan_position(plan, 11, (uint64_t)step, 0);
    OK(cinch_plan_run(plan));
    state s = read_state(t);
    cr_assert_leq(cinch_plan_metric_count(plan), 8);
    OK(cinch_plan_metrics(plan, 1, s.metrics));
    return s;
}

static void expect_recorded(const training *t, const cinch_plan *plan, int runs)
{
    bool records = t->device->backend->vtable->capture_begin != NULL;
    cr_expect_eq(plan->captured != NULL, records && runs > 1, "after run %d", runs);
}

/* One step from the same state, again and again: plain, recorded, replayed. */
static void repeat_one_step(cinch_precision precision)
{
    training t = begin(precision);
    state start = read_state(&t), first = {0};
    cinch_plan *plan = make_plan(&t);
    for (int run = 1; run <= STEPS; run++) {
        write_state(&t, &start);
        state s = run_step(&t, plan, 1);
        expect_recorded(&t, plan, run);
        if (run == 1) {
            first = s;
            cr_expect(memcmp(start.slab[0], first.slab[0], slab_bytes(&t, 0)), "the step moves the weights");
            continue;
        }
        expect_same_state(&t, &first, &s, run == 2 ? "plain and recorded" : "plain and replayed");
        free_state(&s);
    }
    cinch_plan_free(plan);
    free_state(&first);
    free_state(&start);
    end(&t);
}

/* Steps one after the other in one plan, and each as the first of a plan of its own. */
static void follow_plain_steps(cinch_precision precision)
{
    training t = begin(precision);
    state start = read_state(&t), replayed[STEPS];
    cinch_plan *plan = make_plan(&t);
    for (int i = 0; i < STEPS; i++) replayed[i] = run_step(&t, plan, i + 1);
    cinch_plan_free(plan);
    write_state(&t, &start);
    for (int i = 0; i < STEPS; i++) {
        plan = make_plan(&t);
        state s = run_step(&t, plan, i + 1);
        expect_same_state(&t, &s, &replayed[i], "a plain step and the same step of a training");
        free_state(&s);
        free_state(&replayed[i]);
        cinch_plan_free(plan);
    }
    free_state(&start);
    end(&t);
}

Test(replay, a_step_from_the_same_state)
{
    for (int p = CINCH_PRECISION_F32; p <= CINCH_PRECISION_BF16; p++) repeat_one_step((cinch_precision)p);
}

Test(replay, the_steps_of_a_training)
{
    for (int p = CINCH_PRECISION_F32; p <= CINCH_PRECISION_BF16; p++) follow_plain_steps((cinch_precision)p);
}
