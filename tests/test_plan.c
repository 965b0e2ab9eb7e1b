/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans: memory reuse, fusion and repetition change no bit; effects, metrics and errors behave.
 */
#include "plans.h"

#include <math.h>

enum { N = 40, D = 33, H = 65 };

/* A small network with most families in it: products, activations, dropout, softmax, reductions, moves, a
   recomputed block. Its output "y" is the loss and all gradients end to end. */
static void write_network(cinch_graph *g, cinch_params *p)
{
    cinch_value x = cinch_normal(g, CINCH_SHAPE(N, D), 0, 1);
    cinch_scope_push(g, "net");
    cinch_value w1 = cinch_param(g, p, "w1", CINCH_SHAPE(H, D), NULL);
    cinch_value b1 = cinch_param(g, p, "b1", CINCH_SHAPE(H), NULL);
    cinch_value w2 = cinch_param(g, p, "w2", CINCH_SHAPE(D, H), NULL);
    cinch_value h = cinch_dropout(g, cinch_relu(g, cinch_linear(g, x, w1, b1)), 0.25f);
    cinch_recompute_begin(g);
    h = cinch_mul(g, cinch_silu(g, h), cinch_softmax(g, cinch_dropout(g, h, 0.5f)));
    cinch_recompute_end(g);
    cinch_value y = cinch_matmul(g, h, w2, false, true);
    y = cinch_concat(g, (cinch_value[]){cinch_slice(g, y, 1, 10, D, 1), cinch_slice(g, y, 1, 0, 10, 1)}, 2, 1);
    cinch_value loss = cinch_add(g, cinch_loss_huber(g, y, x, 0.5f, CINCH_BATCHMEAN),
                                 cinch_mean(g, cinch_logsumexp(g, y, CINCH_LAST(1), false), CINCH_ALL_AXES, false));
    cinch_scope_pop(g);
    cinch_value all = cinch_gradients(g, p, loss);
    cinch_output(g, "y", cinch_concat(g, (cinch_value[]){all, cinch_reshape(g, loss, CINCH_SHAPE(1))}, 2, 0));
    OK(cinch_graph_status(g));
}

typedef struct network { cinch_device *device; cinch_graph *g; cinch_params *p; size_t bytes; float *y; } network;

static network make_network(int threads)
{
    network n = {.device = open_device(threads), .g = new_graph()};
    OK(cinch_params_create(&n.p));
    write_network(n.g, n.p);
    OK(cinch_params_allocate(n.p, n.device, 11));
    n.bytes = ((size_t)cinch_params_slab_size(n.p, CINCH_SLAB_TRAINABLE) + 1) * sizeof(float);
    n.y = malloc(n.bytes);
    return n;
}

static void free_network(network *n)
{
    free(n->y);
    cinch_graph_free(n->g);
    cinch_params_free(n->p);
    cinch_device_free(n->device);
}

static void expect_same(const float *a, const float *b, size_t bytes, const char *what)
{
    cr_expect(!memcmp(a, b, bytes), "%s", what);
    cr_expect(isfinite(a[bytes / sizeof(float) - 1]), "%s", what);
}

Test(plan, shared_memory_gives_the_bytes_of_private_poisoned_memory)
{
    network n = make_network(2);
    float *private_y = malloc(n.bytes);
    for (int fusion = 0; fusion < 2; fusion++) {
        run_once(n.g, n.device, n.p, &(cinch_plan_options){.no_fusion = !fusion}, "y", n.y, n.bytes);
        run_once(n.g, n.device, n.p, &(cinch_plan_options){.no_fusion = !fusion, .private_memory = true}, "y",
                 private_y, n.bytes);
        expect_same(n.y, private_y, n.bytes, fusion ? "fused" : "as written");
    }
    free(private_y);
    free_network(&n);
}

Test(plan, reuse_saves_memory_and_fusion_saves_calls)
{
    network n = make_network(1);
    cinch_plan *fused, *plain;
    OK(cinch_plan_create(&fused, n.g, n.device, n.p, NULL));
    OK(cinch_plan_create(&plain, n.g, n.device, n.p, &(cinch_plan_options){.no_fusion = true}));
    cinch_plan_info f = cinch_plan_describe(fused), p = cinch_plan_describe(plain);
    cr_expect_lt(f.calls, p.calls);
    cr_expect_lt(f.arena_bytes, f.private_bytes * 3 / 4, "%zu of %zu", f.arena_bytes, f.private_bytes);
    cr_expect_eq(f.flops, 2.0 * N * D * H * 5, "two products forward, three backward: x wants no gradient");
    cinch_plan_free(fused);
    cinch_plan_free(plain);
    free_network(&n);
}

Test(plan, fused_equals_unfused_within_rounding)
{
    network n = make_network(1);
    float *plain = malloc(n.bytes);
    run_once(n.g, n.device, n.p, NULL, "y", n.y, n.bytes);
    run_once(n.g, n.device, n.p, &(cinch_plan_options){.no_fusion = true}, "y", plain, n.bytes);
    for (size_t i = 0; i < n.bytes / sizeof(float); i++)
        cr_assert_float_eq(n.y[i], plain[i], 1e-5 * (1 + fabsf(plain[i])), "%zu: %g and %g", i, n.y[i], plain[i]);
    free(plain);
    free_network(&n);
}

Test(plan, every_run_gives_the_same_bytes)
{
    network n = make_network(2);
    float *again = malloc(n.bytes);
    cinch_plan *plan;
    OK(cinch_plan_create(&plan, n.g, n.device, n.p, NULL));
    for (int run = 0; run < 4; run++) {
        cinch_plan_position(plan, 7, 3, 0);
        OK(cinch_plan_run(plan));
        OK(cinch_plan_read(plan, "y", run ? again : n.y, n.bytes));
        if (run) expect_same(n.y, again, n.bytes, "a later run");
    }
    cinch_plan_position(plan, 7, 4, 0);
    OK(cinch_plan_run(plan));
    OK(cinch_plan_read(plan, "y", again, n.bytes));
    cr_expect(memcmp(n.y, again, n.bytes), "another step draws other numbers");
    cinch_plan_free(plan);
    free(again);
    free_network(&n);
}

Test(plan, any_number_of_threads_gives_the_same_bytes)
{
    network n = make_network(1);
    float *other = malloc(n.bytes);
    run_once(n.g, n.device, n.p, NULL, "y", n.y, n.bytes);
    for (int threads = 2; threads <= 3; threads++) {
        network m = make_network(threads);
        run_once(m.g, m.device, m.p, NULL, "y", other, m.bytes);
        expect_same(n.y, other, n.bytes, "threads");
        free_network(&m);
    }
    free(other);
    free_network(&n);
}

Test(plan, plans_share_one_arena)
{
    cinch_device *device = open_device(1);
    size_t before = cinch_device_memory_used(device).now;
    cinch_plan *plans[2];
    cinch_graph *graphs[2];
    float y;
    for (int i = 0; i < 2; i++) {
        graphs[i] = new_graph();
        cinch_value x = cinch_uniform(graphs[i], CINCH_SHAPE(i ? 5000 : 50, 100), 0, 1);
        cinch_value sines = cinch_sin(graphs[i], cinch_matmul(graphs[i], x, x, true, false));
        cinch_output(graphs[i], "y", cinch_max(graphs[i], sines, CINCH_ALL_AXES, false));
        OK(cinch_plan_create(&plans[i], graphs[i], device, NULL, NULL));
    }
    size_t large = cinch_plan_describe(plans[1]).arena_bytes;
    cr_expect_lt(cinch_device_memory_used(device).now - before, large + 65536);
    for (int i = 0; i < 2; i++) {
        OK(cinch_plan_run(plans[i]));
        OK(cinch_plan_read(plans[i], "y", &y, sizeof y));
        cr_expect(y > 0 && y <= 1, "%g", y);
    }
    for (int i = 0; i < 2; i++) {
        cinch_plan_free(plans[i]);
        cinch_graph_free(graphs[i]);
    }
    cinch_device_free(device);
}

/* --- effects ------------------------------------------------------------------------------------------------------ */

typedef struct world { cinch_device *device; cinch_graph *g; cinch_params *p; } world;

static world make_world(void)
{
    world w = {open_device(1), new_graph(), NULL};
    OK(cinch_params_create(&w.p));
    return w;
}

static void free_world(world *w)
{
    cinch_graph_free(w->g);
    cinch_params_free(w->p);
    cinch_device_free(w->device);
}

static cinch_value state(world *w, const char *name, float start)
{
    cinch_param_options options = {.state = true, .init = {.kind = CINCH_INIT_CONSTANT, .a = start}};
    return cinch_param(w->g, w->p, name, CINCH_SHAPE(3), &options);
}

static float read_state(world *w, const char *name)
{
    float v[3];
    OK(cinch_params_read(w->p, cinch_params_find(w->p, name), CINCH_SLAB_TRAINABLE, v));
    cr_expect(v[0] == v[1] && v[1] == v[2]);
    return v[0];
}

Test(effects, reads_see_the_start_of_the_step_unless_chained)
{
    world w = make_world();
    cinch_value s = state(&w, "s", 2), old_reader = state(&w, "old", 0), new_reader = state(&w, "new", 0);
    cinch_value after = cinch_assign(w.g, s, cinch_affine(w.g, s, 10, 0));
    cinch_assign(w.g, old_reader, s);                          /* created after the write, still sees 2 */
    cinch_assign(w.g, new_reader, cinch_affine(w.g, after, 1, 1)); /* chained: sees 20 */
    cinch_output(w.g, "s", s);
    OK(cinch_params_allocate(w.p, w.device, 0));
    float seen[3];
    run_once(w.g, w.device, w.p, NULL, "s", seen, sizeof seen);
    cr_expect_eq(seen[0], 2);
    cr_expect_eq(read_state(&w, "s"), 20);
    cr_expect_eq(read_state(&w, "old"), 2);
    cr_expect_eq(read_state(&w, "new"), 21);
    free_world(&w);
}

Test(effects, nothing_is_written_when_the_flag_is_zero)
{
    world w = make_world();
    cinch_value s = state(&w, "s", 2), flag = cinch_control(w.g, "flag", CINCH_F32, (cinch_shape){0});
    cinch_value chained = cinch_assign(w.g, s, cinch_affine(w.g, s, 3, 0));
    cinch_ema(w.g, state(&w, "average", 1), chained, cinch_scalar(w.g, 0.5f));
    cinch_accumulate(w.g, state(&w, "sum", 0), s, cinch_scalar(w.g, 0.25f));
    cinch_metric(w.g, "first", cinch_reshape(w.g, cinch_slice(w.g, s, 0, 0, 1, 1), (cinch_shape){0}));
    cinch_commit_if(w.g, flag);
    OK(cinch_params_allocate(w.p, w.device, 0));
    cinch_plan *plan;
    OK(cinch_plan_create(&plan, w.g, w.device, w.p, &(cinch_plan_options){.metric_rows = 3}));
    static const float flags[] = {0, 1, 0, 1}, s_after[] = {2, 6, 6, 18};
    static const float average[] = {1, 3.5, 3.5, 10.75}, sum[] = {0, .5, .5, 2};
    for (int run = 0; run < 4; run++) {
        OK(cinch_plan_set(plan, "flag", flags[run]));
        OK(cinch_plan_run(plan));
        cr_expect_eq(read_state(&w, "s"), s_after[run]);
        cr_expect_eq(read_state(&w, "average"), average[run]);
        cr_expect_eq(read_state(&w, "sum"), sum[run]);
    }
    float kept[3];
    cr_expect_eq(cinch_plan_metric_count(plan), 1);
    cr_expect_str_eq(cinch_plan_metric_name(plan, 0), "first");
    OK(cinch_plan_metrics(plan, 3, kept));
    cr_expect(kept[0] == 2 && kept[1] == 6 && kept[2] == 6, "oldest first, also from steps that changed nothing");
    cr_expect_eq(cinch_plan_metrics(plan, 4, kept), CINCH_USAGE);
    cinch_plan_free(plan);
    free_world(&w);
}

/* What was asked for is what was there then, whatever ran since. */
Test(effects, metrics_are_asked_for_and_come_later)
{
    world w = make_world();
    cinch_metric(w.g, "n", cinch_control(w.g, "n", CINCH_F32, (cinch_shape){0}));
    OK(cinch_params_allocate(w.p, w.device, 0));
    cinch_plan *plan;
    float n[4];
    OK(cinch_plan_create(&plan, w.g, w.device, w.p, &(cinch_plan_options){.metric_rows = 4}));
    cr_expect_eq(cinch_plan_metrics_finish(plan, 1, n), CINCH_USAGE, "none were asked for");
    for (int run = 1; run <= 12; run++) {
        OK(cinch_plan_set(plan, "n", run));
        OK(cinch_plan_run(plan));
        if (run % 3 == 0) OK(cinch_plan_metrics_start(plan));
        if (run % 3 != 2 || run < 5) continue;
        OK(cinch_plan_metrics_finish(plan, 3, n));
        for (int i = 0; i < 3; i++) cr_expect_eq(n[i], run - 4 + i, "after run %d: %g", run, n[i]);
        cr_expect_eq(cinch_plan_metrics_finish(plan, 4, n), run < 8 ? CINCH_USAGE : CINCH_OK);
    }
    cinch_plan_free(plan);
    free_world(&w);
}

static float norm_of_row(const float *w, int row, int columns)
{
    float sum = 0;
    for (int i = 0; i < columns; i++) sum += w[row * columns + i] * w[row * columns + i];
    return sqrtf(sum);
}

Test(effects, an_rmsprop_that_cannot_be_is_refused_when_it_is_written)
{
    world w = make_world();
    cinch_value weight = cinch_param(w.g, w.p, "w", CINCH_SHAPE(4, 6), NULL);
    cinch_value loss = cinch_sum(w.g, cinch_square(w.g, weight), CINCH_ALL_AXES, false);
    cinch_optimizer both = {.kind = CINCH_RMSPROP, .centred = true, .momentum = 0.9};
    cr_expect(!cinch_valid(cinch_update(w.g, w.p, loss, cinch_gradients(w.g, w.p, loss), &both)));
    cr_expect_eq(cinch_graph_status(w.g), CINCH_USAGE);
    cr_expect_str_eq(cinch_last_error(), "rmsprop: 'centred' and 'momentum' do not go together; take one of them");
    free_world(&w);
}

Test(effects, constraints_hold_after_each_update)
{
    static const cinch_constraint kinds[] = {CINCH_UNIT_ROWS, CINCH_UNIT_COLUMNS,
                                             CINCH_NON_NEGATIVE, CINCH_MAX_NORM_ROWS};
    for (int k = 0; k < 4; k++) {
        world w = make_world();
        cinch_param_options options = {.constraint = kinds[k], .limit = 0.5f,
                                       .init = {.kind = CINCH_INIT_NORMAL, .b = 1}};
        cinch_value weight = cinch_param(w.g, w.p, "w", CINCH_SHAPE(4, 6), &options);
        cinch_value moved = cinch_affine(w.g, weight, 1, -0.3f);
        cinch_value loss = cinch_sum(w.g, cinch_square(w.g, moved), CINCH_ALL_AXES, false);
        cinch_optimizer sgd = {.kind = CINCH_SGD};
        cinch_update(w.g, w.p, loss, cinch_gradients(w.g, w.p, loss), &sgd);
        cinch_output(w.g, "loss", loss);
        OK(cinch_params_allocate(w.p, w.device, 5));
        cinch_plan *plan;
        OK(cinch_plan_create(&plan, w.g, w.device, w.p, NULL));
        float hyper[64], x[24], column = 0;
        cinch_optimizer_hyper(&sgd, 0.1, 1, NULL, hyper);
        OK(cinch_plan_control(plan, "hyper", hyper, sizeof hyper));
        for (int step = 0; step < 5; step++) OK(cinch_plan_run(plan));
        OK(cinch_params_read(w.p, 0, CINCH_SLAB_TRAINABLE, x));
        for (int i = 0; i < 4; i++) {
            column += x[i * 6] * x[i * 6];
            if (kinds[k] == CINCH_UNIT_ROWS) cr_expect_float_eq(norm_of_row(x, i, 6), 1, 1e-5);
            if (kinds[k] == CINCH_MAX_NORM_ROWS) cr_expect_leq(norm_of_row(x, i, 6), 0.5f + 1e-5f);
        }
        if (kinds[k] == CINCH_UNIT_COLUMNS) cr_expect_float_eq(column, 1, 1e-5);
        for (int i = 0; kinds[k] == CINCH_NON_NEGATIVE && i < 24; i++) cr_expect_geq(x[i], 0);
        cinch_plan_free(plan);
        free_world(&w);
    }
}

/* --- inputs and errors -------------------------------------------------------------------------------------------- */

Test(plan, an_input_may_be_a_buffer)
{
    world w = make_world();
    cinch_value table = cinch_input(w.g, "data", CINCH_U8, CINCH_SHAPE(100, 64));
    cinch_value rows = cinch_control(w.g, "rows", CINCH_I32, CINCH_SHAPE(2));
    cinch_value numbers = cinch_cast(w.g, cinch_gather(w.g, table, rows), CINCH_F32, 0.5f, 1);
    cinch_output(w.g, "y", cinch_sum(w.g, numbers, CINCH_LAST(1), false));
    uint8_t data[128 * 64];
    for (int i = 0; i < 128 * 64; i++) data[i] = (uint8_t)(i / 64);
    cinch_buffer *buffer;
    OK(cinch_buffer_create(&buffer, w.device, sizeof data));
    OK(cinch_buffer_write(buffer, 0, data, sizeof data));
    cinch_plan *plan;
    OK(cinch_plan_create(&plan, w.g, w.device, NULL, NULL));
    for (int offset = 0; offset < 2; offset++) {
        float y[2];
        OK(cinch_plan_bind(plan, "data", buffer, (size_t)offset * 64 * 3));
        OK(cinch_plan_control(plan, "rows", (int32_t[]){7, 99}, 8));
        OK(cinch_plan_run(plan));
        OK(cinch_plan_read(plan, "y", y, sizeof y));
        cr_expect_eq(y[0], 64 * (0.5f * (float)(7 + 3 * offset) + 1));
        cr_expect_eq(y[1], 64 * (0.5f * (float)(99 + 3 * offset) + 1));
    }
    cr_expect_eq(cinch_plan_bind(plan, "data", buffer, 64 * 29), CINCH_USAGE, "too near the end");
    cinch_plan_free(plan);
    cinch_buffer_free(buffer);
    free_world(&w);
}

Test(plan, wrong_names_and_sizes_are_refused)
{
    world w = make_world();
    cinch_output(w.g, "y", cinch_neg(w.g, cinch_input(w.g, "target", CINCH_F32, CINCH_SHAPE(4))));
    cinch_plan *plan;
    float y[4] = {0};
    OK(cinch_plan_create(&plan, w.g, w.device, NULL, NULL));
    cr_expect_eq(cinch_plan_write(plan, "targets", y, sizeof y), CINCH_USAGE);
    cr_expect_str_eq(cinch_last_error(), "the plan has no input 'targets'; did you mean target");
    cr_expect_eq(cinch_plan_write(plan, "target", y, 12), CINCH_USAGE);
    cr_expect_str_eq(cinch_last_error(), "'target' has 16 bytes; 12 were given");
    cr_expect_eq(cinch_plan_read(plan, "z", y, sizeof y), CINCH_USAGE);
    cr_expect_eq(cinch_plan_set(plan, "lr", 1), CINCH_USAGE);
    cr_expect_eq(cinch_plan_output_shape(plan, "z").rank, -1);
    cr_expect_eq(cinch_plan_output_shape(plan, "y").dim[0], 4);
    cinch_plan_free(plan);
    cr_expect_eq(cinch_plan_create(&plan, w.g, w.device, NULL, &(cinch_plan_options){.precision = 9}), CINCH_USAGE);
    free_world(&w);
}

Test(plan, the_hunt_names_the_first_layer_that_is_not_finite)
{
    world w = make_world();
    cinch_value x = cinch_input(w.g, "x", CINCH_F32, CINCH_SHAPE(4));
    cinch_scope_push(w.g, "decoder.3");
    cinch_value y = cinch_log(w.g, x);
    cinch_scope_pop(w.g);
    cinch_output(w.g, "y", cinch_sum(w.g, cinch_cumsum(w.g, y, 0, false), CINCH_ALL_AXES, false));
    cinch_plan *plan;
    OK(cinch_plan_create(&plan, w.g, w.device, NULL, NULL));
    OK(cinch_plan_write(plan, "x", (float[]){1, 2, 3, 4}, 16));
    OK(cinch_plan_run(plan));
    OK(cinch_plan_find_nonfinite(plan));
    OK(cinch_plan_write(plan, "x", (float[]){1, 2, 0, 4}, 16));
    OK(cinch_plan_run(plan));
    cr_expect_eq(cinch_plan_find_nonfinite(plan), CINCH_NUMERIC);
    cr_expect_str_eq(cinch_last_error(),
                     "decoder.3: log gave -inf in [4]; smaller numbers in the data, a lower learning rate or "
                     "gradient clipping may help");
    OK(cinch_plan_write(plan, "x", (float[]){1, NAN, 1, 4}, 16));
    OK(cinch_plan_run(plan));
    cr_expect_eq(cinch_plan_find_nonfinite(plan), CINCH_NUMERIC);
    cr_expect(strstr(cinch_last_error(), "'x' holds"), "%s", cinch_last_error());
    cinch_plan_free(plan);
    free_world(&w);
}

Test(plan, devices_say_what_they_are)
{
    cinch_device *device;
    cr_expect_eq(cinch_device_open(&device, "cpuu", NULL), CINCH_USAGE);
    cr_expect(strstr(cinch_last_error(), "did you mean cpu"), "%s", cinch_last_error());
    device = open_device(1);
    char text[256];
    cinch_device_describe(device, text, sizeof text);
    cr_expect(strlen(text) > 10);
    cr_expect(strstr(cinch_device_name(device), backends_device()), "%s", cinch_device_name(device));
    cinch_device_free(device);
}
