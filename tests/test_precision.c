/* SPDX-License-Identifier: Apache-2.0 */
/* The precision pass: which values are stored as bf16, and that the graph is the same one otherwise. */
#include <cinch/ops.h>

#include <math.h>

#include "core/plan.h"
#include "plans.h"

enum { N = 24, D = 40, H = 32 };

static cinch_params *new_params(void)
{
    cinch_params *p;
    OK(cinch_params_create(&p));
    return p;
}

/* The graph as a plan of this precision has it, before fusion; takes `g` over. */
static cinch_graph *typed(cinch_graph *g, cinch_precision precision)
{
    OK(cinch_graph_status(g));
    OK(cinch_set_precision(&g, precision));
    OK(cinch_graph_status(g));
    return g;
}

static int32_t output_of(const cinch_graph *g, const char *name)
{
    for (int i = 0; i < g->n_outputs; i++)
        if (!strcmp(g->outputs[i].name, name)) return g->outputs[i].node;
    cr_assert_fail("no output %s", name);
    return 0;
}

static int32_t operand(const cinch_graph *g, int32_t id, int k) { return g->operands[g->nodes[id].first_in + k]; }
static cinch_dtype type_of(const cinch_graph *g, int32_t id) { return g->nodes[id].dtype; }

/* The nth node of this op, from 0; 0 where there are fewer. */
static int32_t nth(const cinch_graph *g, cinch_op op, int n)
{
    for (int32_t id = 1; id < g->n_nodes; id++)
        if (g->nodes[id].op == op && n-- == 0) return id;
    return 0;
}

static int count(const cinch_graph *g, cinch_op op)
{
    int n = 0;
    while (nth(g, op, n)) n++;
    return n;
}

/* Operand k of `id` behind views. */
static int32_t source(const cinch_graph *g, int32_t id, int k) { return cinch_base_of(g, operand(g, id, k)).id; }

#define EXPECT_TYPES(g, id, first, second, result)                                               \
    cr_expect(type_of(g, operand(g, id, 0)) == first && type_of(g, operand(g, id, 1)) == second && \
              type_of(g, id) == result, "node %d", id)

/* --- a training step ---------------------------------------------------------------------------------------------- */

/* Two layers on pictures of bytes, as the feed gives them; with the update, as training has it. */
static cinch_graph *training_graph(cinch_params *p, const cinch_param_options *first)
{
    cinch_graph *g = new_graph();
    cinch_value bytes = cinch_input(g, "data", CINCH_U8, CINCH_SHAPE(1000, D));
    cinch_value rows = cinch_control(g, "rows", CINCH_I32, CINCH_SHAPE(N));
    cinch_value x = cinch_cast(g, cinch_gather(g, bytes, rows), CINCH_F32, 1 / 255.f, 0);
    cinch_value w1 = cinch_param(g, p, "w1", CINCH_SHAPE(H, D), first);
    cinch_value b1 = cinch_param(g, p, "b1", CINCH_SHAPE(H), NULL);
    cinch_value w2 = cinch_param(g, p, "w2", CINCH_SHAPE(D, H), NULL);
    cinch_value b2 = cinch_param(g, p, "b2", CINCH_SHAPE(D), NULL);
    cinch_value h = cinch_relu(g, cinch_linear(g, x, w1, b1));
    cinch_value y = cinch_sigmoid(g, cinch_linear(g, h, w2, b2));
    cinch_value loss = cinch_loss_mse(g, y, x, CINCH_MEAN);
    cinch_metric(g, "loss", loss);
    cinch_output(g, "loss", loss);
    cinch_optimizer adam = {.kind = CINCH_ADAM};
    cinch_metric(g, "norm", cinch_update(g, p, loss, cinch_gradients(g, p, loss), &adam));
    return g;
}

Test(precision, a_training_step_has_bf16_activations_and_f32_gradients)
{
    cinch_params *p = new_params();
    cinch_graph *g = typed(training_graph(p, NULL), CINCH_PRECISION_BF16);
    for (int i = 0; i < 2; i++) EXPECT_TYPES(g, nth(g, CINCH_OP_matmul_bias, i), CINCH_BF16, CINCH_BF16, CINCH_BF16);
    EXPECT_TYPES(g, nth(g, CINCH_OP_matmul, 0), CINCH_BF16, CINCH_BF16, CINCH_BF16); /* dy w2 */
    EXPECT_TYPES(g, nth(g, CINCH_OP_matmul, 1), CINCH_BF16, CINCH_BF16, CINCH_F32);  /* gradient of w2 */
    EXPECT_TYPES(g, nth(g, CINCH_OP_matmul, 2), CINCH_BF16, CINCH_BF16, CINCH_F32);  /* gradient of w1 */
    cr_expect_eq(count(g, CINCH_OP_matmul), 3);
    EXPECT_TYPES(g, nth(g, CINCH_OP_relu_grad, 0), CINCH_BF16, CINCH_BF16, CINCH_BF16);
    EXPECT_TYPES(g, nth(g, CINCH_OP_sigmoid_grad, 0), CINCH_BF16, CINCH_BF16, CINCH_BF16);
    for (int i = 0; i < count(g, CINCH_OP_sum); i++) cr_expect_eq(type_of(g, nth(g, CINCH_OP_sum, i)), CINCH_F32);
    int32_t pack = nth(g, CINCH_OP_pack, 0), adam = nth(g, CINCH_OP_adam, 0), record = nth(g, CINCH_OP_record, 0);
    for (int k = 0; k < g->nodes[pack].n_in; k++) cr_expect_eq(type_of(g, operand(g, pack, k)), CINCH_F32);
    for (int k = 0; k < 4; k++) cr_expect_eq(type_of(g, operand(g, adam, k)), CINCH_F32);
    cr_expect_eq(record, 0, "metrics are recorded by the plan");
    cr_expect_eq(type_of(g, output_of(g, "loss")), CINCH_F32);
    cr_expect_eq(type_of(g, g->commit_flag), CINCH_F32);
    cinch_graph_free(g);
    cinch_params_free(p);
}

Test(precision, a_step_casts_its_batch_and_its_weights_once_each)
{
    cinch_params *p = new_params();
    cinch_graph *g = typed(training_graph(p, NULL), CINCH_PRECISION_BF16);
    cr_assert_eq(count(g, CINCH_OP_cast), 2, "%d", count(g, CINCH_OP_cast));
    int32_t batch = nth(g, CINCH_OP_cast, 0), weights = nth(g, CINCH_OP_cast, 1), gather = nth(g, CINCH_OP_gather, 0);
    cr_expect(operand(g, batch, 0) == gather && type_of(g, gather) == CINCH_U8 && type_of(g, batch) == CINCH_BF16);
    cr_expect_eq(g->nodes[batch].attr.scalars.v[0], 1 / 255.f, "bytes to bf16 at once, scaled");
    cr_expect_eq(g->nodes[source(g, weights, 0)].op, CINCH_OP_slab);
    cr_expect_eq(cinch_shape_count(g->nodes[weights].shape), cinch_params_slab_size(p, CINCH_SLAB_TRAINABLE) - 8,
                 "all, but for the padding behind the last");
    for (int i = 0; i < 2; i++)
        for (int k = 1; k < 3; k++)
            cr_expect_eq(source(g, nth(g, CINCH_OP_matmul_bias, i), k), weights, "weights and biases are parts of it");
    cr_expect_eq(source(g, nth(g, CINCH_OP_matmul, 0), 1), weights, "the backward pass reads the same copy");
    /* The loss and its gradient each subtract the bytes, scaled to f32 by a product of their own. */
    cr_expect_eq(count(g, CINCH_OP_sub), 2);
    for (int i = 0; i < 2; i++) {
        int32_t sub = nth(g, CINCH_OP_sub, i), target = operand(g, sub, 1);
        EXPECT_TYPES(g, sub, CINCH_BF16, CINCH_F32, CINCH_F32);
        cr_expect(g->nodes[target].op == CINCH_OP_mul && operand(g, target, 0) == gather, "target %d", i);
    }
    cinch_graph_free(g);
    cinch_params_free(p);
}

/* Fusion takes what is f32 of the batch into the sums and chains that read it. */
static int stored_as(const cinch_plan *plan, cinch_dtype dtype)
{
    int n = 0;
    for (int32_t i = 0; i < plan->schedule.n_main; i++) {
        const cinch_node *node = &plan->g->nodes[plan->schedule.order[i]];
        n += node->dtype == dtype && node->shape.rank == 2 && node->shape.dim[0] == N;
    }
    return n;
}

Test(precision, a_plan_stores_nothing_of_the_batch_in_f32)
{
    cinch_device *device = open_device(1);
    cinch_params *p = new_params();
    cinch_graph *g = training_graph(p, NULL);
    cinch_plan *low, *full;
    OK(cinch_params_allocate(p, device, 1));
    OK(cinch_plan_create(&full, g, device, p, NULL));
    OK(cinch_plan_create(&low, g, device, p, &(cinch_plan_options){.precision = CINCH_PRECISION_BF16}));
    cinch_plan_info f = cinch_plan_describe(full), l = cinch_plan_describe(low);
    int values = stored_as(full, CINCH_F32);
    cr_expect_geq(values, 6, "x, h, y, its difference to x, two gradients at least: %d", values);
    cr_expect_eq(stored_as(low, CINCH_F32), 0);
    cr_expect_eq(stored_as(low, CINCH_U8), 1, "the batch as it is in the data");
    cr_expect_eq(stored_as(low, CINCH_BF16), values - 1, "all but the difference: %d", stored_as(low, CINCH_BF16));
    cr_expect_eq(f.weight_bytes, 0);
    cr_expect_eq(f.activation_bytes, f.arena_bytes);
    cr_expect_eq(l.arena_bytes, l.activation_bytes + l.weight_bytes);
    size_t weights = ((size_t)cinch_params_slab_size(p, CINCH_SLAB_TRAINABLE) - 8) * 2;
    cr_expect_eq(l.weight_bytes, (weights + 63) / 64 * 64);
    cr_expect_eq(l.flops, f.flops);
    cinch_plan_free(full);
    cinch_plan_free(low);
    cinch_graph_free(g);
    cinch_params_free(p);
    cinch_device_free(device);
}

Test(precision, a_parameter_may_stay_f32)
{
    cinch_params *p = new_params();
    cinch_graph *g = typed(training_graph(p, &(cinch_param_options){.keep_f32 = true}), CINCH_PRECISION_BF16);
    int32_t first = nth(g, CINCH_OP_matmul_bias, 0), second = nth(g, CINCH_OP_matmul_bias, 1);
    EXPECT_TYPES(g, first, CINCH_F32, CINCH_F32, CINCH_F32);
    cr_expect_eq(type_of(g, operand(g, first, 2)), CINCH_F32);
    cr_expect_eq(g->nodes[source(g, first, 1)].op, CINCH_OP_parameter, "the weight itself");
    EXPECT_TYPES(g, second, CINCH_BF16, CINCH_BF16, CINCH_BF16);
    cinch_graph_free(g);
    cinch_params_free(p);
}

/* Weights of f32 that lie between the others are not worth a cast; those far apart are cast apart. */
Test(precision, copies_of_weights_lie_side_by_side_where_that_is_cheap)
{
    static const int64_t between[] = {64, 100000};
    for (int i = 0; i < 2; i++) {
        cinch_params *p = new_params();
        cinch_graph *g = new_graph();
        cinch_value x = cinch_input(g, "x", CINCH_F32, CINCH_SHAPE(N, D)), big[2];
        cinch_value a = cinch_param(g, p, "a", CINCH_SHAPE(H, D), NULL);
        cinch_value gain = cinch_param(g, p, "gain", CINCH_SHAPE(between[i]), NULL);
        cinch_value b = cinch_param(g, p, "b", CINCH_SHAPE(D, H), NULL);
        cinch_value c = cinch_param(g, p, "c", CINCH_SHAPE(D, D), &(cinch_param_options){.frozen = true});
        big[0] = cinch_matmul(g, cinch_matmul(g, x, a, false, true), b, false, true);
        big[1] = cinch_matmul(g, big[0], c, false, true);
        cinch_output(g, "y", big[1]);
        cinch_output(g, "gain", cinch_sum(g, gain, CINCH_ALL_AXES, false));
        g = typed(g, CINCH_PRECISION_BF16);
        int windows = count(g, CINCH_OP_window), casts = count(g, CINCH_OP_cast);
        cr_expect_eq(casts, 3 + i, "x, the trainable ones, the frozen one: %d", casts);
        cr_expect_eq(windows, i ? 0 : 3, "a and b of one cast and its window of the slab, or none: %d", windows);
        cinch_graph_free(g);
        cinch_params_free(p);
    }
}

/* --- single ops --------------------------------------------------------------------------------------------------- */

typedef struct small { cinch_graph *g; cinch_params *p; cinch_value x, w, h; } small;

/* h = x w^T, which leads on to another product. */
static small make_small(void)
{
    small s = {.g = new_graph(), .p = new_params()};
    s.x = cinch_input(s.g, "x", CINCH_F32, CINCH_SHAPE(N, D));
    s.w = cinch_param(s.g, s.p, "w", CINCH_SHAPE(H, D), NULL);
    s.h = cinch_matmul(s.g, s.x, s.w, false, true);
    return s;
}

/* y goes into a product and so to the end. */
static void lead_on(small *s, cinch_value y)
{
    cinch_value v = cinch_param(s->g, s->p, "v", CINCH_SHAPE(8, cinch_dim(s->g, y, -1)), NULL);
    cinch_output(s->g, "end", cinch_matmul(s->g, y, v, false, true));
    s->g = typed(s->g, CINCH_PRECISION_BF16);
}

static void free_small(small *s)
{
    cinch_graph_free(s->g);
    cinch_params_free(s->p);
}

Test(precision, results_that_end_in_outputs_are_f32)
{
    small s = make_small();
    cinch_output(s.g, "h", cinch_tanh(s.g, s.h));
    lead_on(&s, s.h);
    int32_t first = nth(s.g, CINCH_OP_matmul, 0), last = nth(s.g, CINCH_OP_matmul, 1);
    EXPECT_TYPES(s.g, first, CINCH_BF16, CINCH_BF16, CINCH_BF16);
    EXPECT_TYPES(s.g, last, CINCH_BF16, CINCH_BF16, CINCH_F32);
    cr_expect(output_of(s.g, "h") == nth(s.g, CINCH_OP_tanh, 0) && type_of(s.g, output_of(s.g, "h")) == CINCH_F32);
    free_small(&s);
    s = make_small();
    cinch_output(s.g, "code", s.h);
    lead_on(&s, s.h);
    first = nth(s.g, CINCH_OP_matmul, 0);
    cr_expect(output_of(s.g, "code") == first && type_of(s.g, first) == CINCH_F32, "named: as exact as can be");
    cr_expect_eq(type_of(s.g, operand(s.g, nth(s.g, CINCH_OP_matmul, 1), 0)), CINCH_BF16, "and cast for the product");
    free_small(&s);
}

Test(precision, moves_and_views_pass_types_through)
{
    small s = make_small();
    cinch_value y = cinch_transpose(s.g, cinch_reshape(s.g, s.h, CINCH_SHAPE(N, 4, H / 4)), (int[]){0, 2, 1});
    y = cinch_pad(s.g, cinch_slice(s.g, y, 1, 1, 5, 1), (int64_t[]){0, 0, 1}, (int64_t[]){0, 0, 3}, 0.5f);
    y = cinch_concat(s.g, (cinch_value[]){y, cinch_stop_gradient(s.g, y)}, 2, 2);
    y = cinch_gather(s.g, y, cinch_control(s.g, "rows", CINCH_I32, CINCH_SHAPE(7)));
    y = cinch_broadcast(s.g, cinch_reshape(s.g, y, CINCH_SHAPE(7, 1, -1)), CINCH_SHAPE(7, 3, 4 * 16));
    lead_on(&s, y);
    static const cinch_op moves[] = {CINCH_OP_transpose, CINCH_OP_slice, CINCH_OP_pad, CINCH_OP_concat, CINCH_OP_gather,
                                     CINCH_OP_broadcast, CINCH_OP_reshape, CINCH_OP_stop_gradient};
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++) {
        int32_t id = nth(s.g, moves[i], 0);
        cr_expect(id && type_of(s.g, id) == CINCH_BF16 && type_of(s.g, operand(s.g, id, 0)) == CINCH_BF16, "%s",
                  cinch_ops[moves[i]].name);
    }
    cr_expect_eq(count(s.g, CINCH_OP_cast), 2, "the input and the weights");
    free_small(&s);
}

/* What comes of f32 data by moving it is cast where that is less work: rows of a table after they are chosen. */
Test(precision, rows_of_a_table_are_cast_after_they_are_chosen)
{
    small s = make_small();
    cinch_value table = cinch_param(s.g, s.p, "table", CINCH_SHAPE(500, H), NULL);
    cinch_value rows = cinch_gather(s.g, table, cinch_control(s.g, "rows", CINCH_I32, CINCH_SHAPE(N)));
    lead_on(&s, cinch_concat(s.g, (cinch_value[]){s.h, rows}, 2, 1));
    int32_t gather = nth(s.g, CINCH_OP_gather, 0), concat = nth(s.g, CINCH_OP_concat, 0);
    cr_expect_eq(type_of(s.g, gather), CINCH_F32);
    cr_expect_eq(s.g->nodes[operand(s.g, concat, 1)].op, CINCH_OP_cast);
    cr_expect_eq(type_of(s.g, concat), CINCH_BF16);
    free_small(&s);
}

Test(precision, elementwise_results_are_bf16_on_the_way_between_products)
{
    small s = make_small();
    cinch_value bias = cinch_param(s.g, s.p, "bias", CINCH_SHAPE(H), NULL);
    cinch_value noise = cinch_normal(s.g, CINCH_SHAPE(N, H), 0, 1);
    cinch_value mean = cinch_mean(s.g, s.h, CINCH_LAST(1), true);
    cinch_value y = cinch_silu(s.g, cinch_add(s.g, s.h, bias));     /* a bias is read in the product's type */
    y = cinch_mul(s.g, cinch_exp(s.g, cinch_sub(s.g, y, mean)), y); /* exp alone stays f32 */
    y = cinch_add(s.g, y, cinch_mul(s.g, noise, y));                /* noise is f32 */
    lead_on(&s, y);
    cr_expect_eq(type_of(s.g, nth(s.g, CINCH_OP_silu, 0)), CINCH_BF16);
    EXPECT_TYPES(s.g, nth(s.g, CINCH_OP_add, 0), CINCH_BF16, CINCH_BF16, CINCH_BF16);
    EXPECT_TYPES(s.g, nth(s.g, CINCH_OP_sub, 0), CINCH_BF16, CINCH_F32, CINCH_BF16); /* a mean is f32 */
    cr_expect_eq(type_of(s.g, nth(s.g, CINCH_OP_exp, 0)), CINCH_F32);
    cr_expect_eq(type_of(s.g, nth(s.g, CINCH_OP_normal, 0)), CINCH_F32);
    cr_expect_eq(type_of(s.g, nth(s.g, CINCH_OP_sum, 0)), CINCH_F32);
    cr_expect_eq(type_of(s.g, nth(s.g, CINCH_OP_add, 1)), CINCH_BF16, "what the product reads");
    free_small(&s);
}

Test(precision, statistics_and_losses_are_f32)
{
    small s = make_small();
    cinch_value total = cinch_sum(s.g, cinch_square(s.g, s.h), CINCH_ALL_AXES, false);
    cinch_value spread = cinch_sum(s.g, cinch_logsumexp(s.g, s.h, CINCH_LAST(1), false), CINCH_ALL_AXES, false);
    cinch_value top = cinch_sum(s.g, cinch_max(s.g, s.h, CINCH_LAST(1), false), CINCH_ALL_AXES, false);
    cinch_value labels = cinch_control(s.g, "labels", CINCH_I32, CINCH_SHAPE(N));
    cinch_value entropy = cinch_loss_cross_entropy(s.g, s.h, labels, CINCH_MEAN);
    cinch_output(s.g, "loss", cinch_add(s.g, cinch_add(s.g, total, spread), cinch_add(s.g, top, entropy)));
    cinch_value u = cinch_param(s.g, s.p, "u", CINCH_SHAPE(H, D), NULL);
    lead_on(&s, cinch_softmax(s.g, cinch_relu(s.g, cinch_matmul(s.g, s.x, u, false, true))));
    static const cinch_op full[] = {CINCH_OP_square, CINCH_OP_sum, CINCH_OP_logsumexp, CINCH_OP_max,
                                    CINCH_OP_log_softmax, CINCH_OP_add, CINCH_OP_one_hot};
    for (size_t i = 0; i < sizeof full / sizeof *full; i++)
        for (int n = 0; n < count(s.g, full[i]); n++)
            cr_expect_eq(type_of(s.g, nth(s.g, full[i], n)), CINCH_F32, "%s", cinch_ops[full[i]].name);
    int32_t softmax = nth(s.g, CINCH_OP_softmax, 0);
    cr_expect(type_of(s.g, softmax) == CINCH_BF16 && type_of(s.g, operand(s.g, softmax, 0)) == CINCH_BF16);
    free_small(&s);
}

Test(precision, dropout_keeps_the_type_and_its_mask)
{
    small s = make_small();
    cinch_value y = cinch_dropout(s.g, s.h, 0.5f), d;
    cinch_value v = cinch_param(s.g, s.p, "v", CINCH_SHAPE(8, H), NULL);
    cinch_value loss = cinch_sum(s.g, cinch_square(s.g, cinch_matmul(s.g, y, v, false, true)), CINCH_ALL_AXES, false);
    cinch_grad(s.g, loss, &s.w, 1, &d);
    cinch_output(s.g, "d", d);
    s.g = typed(s.g, CINCH_PRECISION_BF16);
    int32_t forward = nth(s.g, CINCH_OP_dropout, 0), back = nth(s.g, CINCH_OP_dropout_grad, 0);
    cr_expect(type_of(s.g, forward) == CINCH_BF16 && type_of(s.g, back) == CINCH_BF16);
    cr_expect_eq(s.g->nodes[back].saved_from, forward);
    cr_expect_eq(type_of(s.g, output_of(s.g, "d")), CINCH_F32);
    free_small(&s);
}

Test(precision, types_that_people_chose_stay)
{
    small s = make_small();
    cinch_value half = cinch_cast(s.g, s.x, CINCH_BF16, 1, 0), whole = cinch_cast(s.g, s.h, CINCH_I32, 10, 0);
    cinch_value tripled = cinch_cast(s.g, s.x, CINCH_BF16, 3, 0);
    cinch_output(s.g, "half", half);
    cinch_output(s.g, "tripled", tripled);
    cinch_output(s.g, "whole", whole);
    cinch_output(s.g, "x", s.x);
    cinch_output(s.g, "least", cinch_argmax(s.g, s.h, 1, false));
    lead_on(&s, cinch_cast(s.g, half, CINCH_F32, 1, 0));
    cr_expect_eq(type_of(s.g, output_of(s.g, "half")), CINCH_BF16);
    cr_expect_eq(type_of(s.g, output_of(s.g, "whole")), CINCH_I32);
    cr_expect_eq(type_of(s.g, output_of(s.g, "least")), CINCH_I32);
    cr_expect_eq(s.g->nodes[output_of(s.g, "x")].op, CINCH_OP_input);
    cr_expect_eq(type_of(s.g, operand(s.g, output_of(s.g, "whole"), 0)), CINCH_F32, "rounded from f32");
    int32_t last = nth(s.g, CINCH_OP_matmul, 1), tripled_id = output_of(s.g, "tripled");
    cr_expect_eq(operand(s.g, last, 0), output_of(s.g, "half"), "there and back is one cast");
    cr_expect_eq(operand(s.g, last, 0), operand(s.g, nth(s.g, CINCH_OP_matmul, 0), 0), "and the one the product has");
    cr_expect_eq(s.g->nodes[operand(s.g, tripled_id, 0)].op, CINCH_OP_input);
    free_small(&s);
}

Test(precision, states_and_effects_are_f32)
{
    small s = make_small();
    cinch_value state = cinch_param(s.g, s.p, "mean", CINCH_SHAPE(H), &(cinch_param_options){.state = true});
    cinch_value mean = cinch_mean(s.g, s.h, CINCH_AXIS(0), false);
    cinch_value after = cinch_ema(s.g, state, mean, cinch_scalar(s.g, 0.9f));
    cinch_assign(s.g, cinch_param(s.g, s.p, "copy", CINCH_SHAPE(H), &(cinch_param_options){.state = true}),
                 cinch_affine(s.g, after, 2, 0));
    cinch_output(s.g, "state", state);
    lead_on(&s, cinch_sub(s.g, s.h, state));
    int32_t ema = nth(s.g, CINCH_OP_ema, 0);
    for (int k = 0; k < 3; k++) cr_expect_eq(type_of(s.g, operand(s.g, ema, k)), CINCH_F32);
    cr_expect_eq(type_of(s.g, operand(s.g, nth(s.g, CINCH_OP_assign, 0), 1)), CINCH_F32);
    EXPECT_TYPES(s.g, nth(s.g, CINCH_OP_sub, 0), CINCH_BF16, CINCH_F32, CINCH_BF16);
    cr_expect_eq(type_of(s.g, output_of(s.g, "state")), CINCH_F32);
    free_small(&s);
}

Test(precision, tf32_is_a_flag_of_products)
{
    static const cinch_precision precisions[] = {CINCH_PRECISION_F32, CINCH_PRECISION_TF32, CINCH_PRECISION_BF16};
    for (int i = 0; i < 3; i++) {
        cinch_params *p = new_params();
        cinch_graph *g = typed(training_graph(p, NULL), precisions[i]);
        for (int32_t id = 1; id < g->n_nodes; id++) {
            bool product = g->nodes[id].op == CINCH_OP_matmul || g->nodes[id].op == CINCH_OP_matmul_bias;
            if (product) cr_expect_eq(g->nodes[id].attr.matmul.tf32, i == 1);
            if (i < 2) cr_expect_neq(g->nodes[id].dtype, CINCH_BF16);
        }
        cinch_graph_free(g);
        cinch_params_free(p);
    }
}

/* --- values ------------------------------------------------------------------------------------------------------- */

/* Products, activations, dropout, softmax, reductions, moves, a recomputed block, a loss against f32 and one against
   bytes. "y" is the gradients end to end, and the loss. */
static void write_network(cinch_graph *g, cinch_params *p)
{
    cinch_value x = cinch_normal(g, CINCH_SHAPE(N, D), 0, 1);
    cinch_value bytes = cinch_input(g, "bytes", CINCH_U8, CINCH_SHAPE(N, D));
    cinch_value pixels = cinch_cast(g, bytes, CINCH_F32, 1 / 127.5f, -1);
    cinch_scope_push(g, "net");
    cinch_value w1 = cinch_param(g, p, "w1", CINCH_SHAPE(H, D), NULL);
    cinch_value b1 = cinch_param(g, p, "b1", CINCH_SHAPE(H), NULL);
    cinch_value w2 = cinch_param(g, p, "w2", CINCH_SHAPE(D, H), NULL);
    cinch_value gain = cinch_param(g, p, "gain", CINCH_SHAPE(H), NULL);
    cinch_value h = cinch_dropout(g, cinch_relu(g, cinch_linear(g, cinch_add(g, x, pixels), w1, b1)), 0.25f);
    cinch_recompute_begin(g);
    h = cinch_mul(g, cinch_silu(g, h), cinch_softmax(g, cinch_dropout(g, h, 0.5f)));
    h = cinch_mul(g, cinch_sub(g, h, cinch_mean(g, h, CINCH_LAST(1), true)), gain);
    cinch_recompute_end(g);
    cinch_value y = cinch_matmul(g, h, w2, false, true);
    y = cinch_concat(g, (cinch_value[]){cinch_slice(g, y, 1, 10, D, 1), cinch_slice(g, y, 1, 0, 10, 1)}, 2, 1);
    cinch_value loss = cinch_loss_huber(g, y, x, 0.5f, CINCH_BATCHMEAN);
    loss = cinch_add(g, loss, cinch_loss_mse(g, y, pixels, CINCH_SUM));
    loss = cinch_add(g, loss, cinch_mean(g, cinch_logsumexp(g, y, CINCH_LAST(1), false), CINCH_ALL_AXES, false));
    cinch_scope_pop(g);
    cinch_value all = cinch_gradients(g, p, loss);
    cinch_output(g, "y", cinch_concat(g, (cinch_value[]){all, cinch_reshape(g, loss, CINCH_SHAPE(1))}, 2, 0));
    OK(cinch_graph_status(g));
}

typedef struct network { cinch_device *device; cinch_graph *g; cinch_params *p; size_t n; float *y; } network;

static network make_network(int threads)
{
    network n = {.device = open_device(threads), .g = new_graph(), .p = new_params()};
    write_network(n.g, n.p);
    OK(cinch_params_allocate(n.p, n.device, 11));
    n.n = (size_t)cinch_params_slab_size(n.p, CINCH_SLAB_TRAINABLE) + 1;
    n.y = calloc(n.n, sizeof *n.y);
    return n;
}

static void free_network(network *n)
{
    free(n->y);
    cinch_graph_free(n->g);
    cinch_params_free(n->p);
    cinch_device_free(n->device);
}

static void run(const network *n, const cinch_plan_options *options, float *y)
{
    cinch_plan *plan;
    uint8_t bytes[N * D];
    for (int i = 0; i < N * D; i++) bytes[i] = (uint8_t)(i * 37 % 251);
    OK(cinch_plan_create(&plan, n->g, n->device, n->p, options));
    OK(cinch_plan_write(plan, "bytes", bytes, sizeof bytes));
    for (int again = 0; again < 3; again++) {
        cinch_plan_position(plan, 7, 3, 0);
        OK(cinch_plan_run(plan));
    }
    OK(cinch_plan_read(plan, "y", y, n->n * sizeof *y));
    cinch_plan_free(plan);
}

static void expect_near(const float *a, const float *b, size_t n, double bound, const char *what)
{
    double off = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        cr_assert(isfinite(a[i]) && isfinite(b[i]), "%s: %zu", what, i);
        off += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        size += (double)b[i] * (double)b[i];
    }
    cr_expect_lt(sqrt(off / size), bound, "%s: %g of %g", what, sqrt(off), sqrt(size));
}

/* A handful of roundings to eight bits, each of 2^-9 at most, in every path. */
Test(precision, gradients_of_bf16_are_those_of_f32_but_for_rounding)
{
    network n = make_network(2);
    float *full = calloc(n.n, sizeof *full), *plain = calloc(n.n, sizeof *plain);
    run(&n, NULL, full);
    run(&n, &(cinch_plan_options){.precision = CINCH_PRECISION_BF16}, n.y);
    run(&n, &(cinch_plan_options){.precision = CINCH_PRECISION_BF16, .no_fusion = true}, plain);
    for (int i = 0; i < cinch_params_count(n.p); i++) {
        int64_t first = 0, size = cinch_shape_count(cinch_params_info(n.p, i).shape);
        for (int k = 0; k < i; k++) first += (cinch_shape_count(cinch_params_info(n.p, k).shape) + 15) / 16 * 16;
        expect_near(n.y + first, full + first, (size_t)size, 0.015, cinch_params_info(n.p, i).name);
        expect_near(plain + first, full + first, (size_t)size, 0.015, cinch_params_info(n.p, i).name);
    }
    expect_near(n.y + n.n - 1, full + n.n - 1, 1, 0.002, "loss");
    cr_expect(memcmp(n.y, full, n.n * sizeof *full), "bf16 rounds");
    free(full);
    free(plain);
    free_network(&n);
}

Test(precision, shared_memory_gives_the_bytes_of_private_poisoned_memory)
{
    network n = make_network(2);
    float *own = calloc(n.n, sizeof *own);
    for (int plain = 0; plain < 2; plain++) {
        cinch_plan_options options = {.precision = CINCH_PRECISION_BF16, .no_fusion = plain};
        run(&n, &options, n.y);
        options.private_memory = true;
        run(&n, &options, own);
        cr_expect(!memcmp(n.y, own, n.n * sizeof *own), "%s", plain ? "as written" : "fused");
    }
    free(own);
    free_network(&n);
}

Test(precision, any_number_of_threads_gives_the_same_bytes)
{
    network n = make_network(1);
    run(&n, &(cinch_plan_options){.precision = CINCH_PRECISION_BF16}, n.y);
    for (int threads = 2; threads <= 3; threads++) {
        network m = make_network(threads);
        run(&m, &(cinch_plan_options){.precision = CINCH_PRECISION_BF16}, m.y);
        cr_expect(!memcmp(n.y, m.y, n.n * sizeof *n.y), "%d threads", threads);
        free_network(&m);
    }
    free_network(&n);
}

Test(precision, tf32_is_f32_on_the_cpu)
{
    network n = make_network(1);
    float *strict = calloc(n.n, sizeof *strict);
    bool cpu = !strcmp(cinch_device_name(n.device), "cpu");
    run(&n, NULL, strict);
    run(&n, &(cinch_plan_options){.precision = CINCH_PRECISION_TF32}, n.y);
    if (cpu) cr_expect(!memcmp(n.y, strict, n.n * sizeof *strict));
    else expect_near(n.y, strict, n.n, 0.002, "tf32");
    free(strict);
    free_network(&n);
}

/* --- numbers that are not finite ---------------------------------------------------------------------------------- */

Test(precision, a_step_that_is_not_finite_changes_nothing_and_is_found)
{
    cinch_device *device = open_device(1);
    cinch_params *p = new_params();
    cinch_graph *g = training_graph(p, NULL);
    cinch_plan *plan;
    float hyper[64], norm[2], w2[D * H], before[D * H], bad[H] = {0};
    uint8_t *data = calloc(1000, D);
    OK(cinch_params_allocate(p, device, 3));
    OK(cinch_plan_create(&plan, g, device, p, &(cinch_plan_options){.precision = CINCH_PRECISION_BF16}));
    cinch_optimizer_hyper(&(cinch_optimizer){.kind = CINCH_ADAM}, 1e-3, 1, NULL, hyper);
    OK(cinch_plan_control(plan, "hyper", hyper, sizeof hyper));
    OK(cinch_plan_write(plan, "data", data, 1000 * D));
    OK(cinch_plan_run(plan));
    OK(cinch_plan_find_nonfinite(plan));
    OK(cinch_params_read(p, 2, CINCH_SLAB_TRAINABLE, before));
    bad[5] = INFINITY;
    OK(cinch_params_write(p, 1, bad));
    OK(cinch_plan_run(plan));
    OK(cinch_plan_metrics(plan, 1, norm));
    cr_expect(!isfinite(norm[0]) || !isfinite(norm[1]), "loss %g, norm %g", norm[0], norm[1]);
    OK(cinch_params_read(p, 2, CINCH_SLAB_TRAINABLE, w2));
    cr_expect(!memcmp(w2, before, sizeof w2), "the update did not happen");
    cr_expect_eq(cinch_plan_find_nonfinite(plan), CINCH_NUMERIC);
    cr_expect_str_eq(cinch_last_error(), "'b1' holds inf; look at the data or the weights");
    free(data);
    cinch_plan_free(plan);
    cinch_graph_free(g);
    cinch_params_free(p);
    cinch_device_free(device);
}

Test(precision, the_hunt_names_the_layer)
{
    cinch_device *device = open_device(1);
    cinch_graph *g = new_graph();
    cinch_value x = cinch_input(g, "x", CINCH_F32, CINCH_SHAPE(2, 2));
    cinch_scope_push(g, "decoder.3");
    cinch_value y = cinch_log(g, cinch_matmul(g, x, x, false, false));
    cinch_scope_pop(g);
    cinch_output(g, "y", cinch_matmul(g, y, x, false, true));
    cinch_plan *plan;
    OK(cinch_plan_create(&plan, g, device, NULL, &(cinch_plan_options){.precision = CINCH_PRECISION_BF16}));
    OK(cinch_plan_write(plan, "x", (float[]){1, 2, 3, 4}, 16));
    OK(cinch_plan_run(plan));
    OK(cinch_plan_find_nonfinite(plan));
    OK(cinch_plan_write(plan, "x", (float[]){0, 2, 0, 4}, 16));
    OK(cinch_plan_run(plan));
    cr_expect_eq(cinch_plan_find_nonfinite(plan), CINCH_NUMERIC);
    cr_expect_str_eq(cinch_last_error(),
                     "decoder.3: log gave -inf in [2, 2]; smaller numbers in the data, a lower learning rate or "
                     "gradient clipping may help");
    cinch_plan_free(plan);
    cinch_graph_free(g);
    cinch_device_free(device);
}
