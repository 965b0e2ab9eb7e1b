/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs without a device: sticky errors, scopes, leaves, gradients' shapes, recompute. */
#include "plans.h"

#include "core/node.h"

static cinch_graph *g;
static void set_up(void) { g = new_graph(); }
static void tear_down(void) { cinch_graph_free(g); }

TestSuite(graph, .init = set_up, .fini = tear_down);

static cinch_value input(const char *name, cinch_shape shape) { return cinch_input(g, name, CINCH_F32, shape); }

static int count_op(cinch_op op)
{
    int count = 0;
    for (int i = 1; i < g->n_nodes; i++) count += g->nodes[i].op == op;
    return count;
}

Test(graph, the_first_error_stays_and_names_its_scope)
{
    cinch_scope_push(g, "encoder");
    cinch_scope_push(g, "2");
    cinch_value bad = cinch_add(g, input("a", CINCH_SHAPE(3, 4)), input("b", CINCH_SHAPE(3, 5)));
    cinch_scope_pop(g);
    cr_expect_str_eq(cinch_scope(g), "encoder");
    cr_expect(!cinch_valid(bad));
    cr_expect(!cinch_valid(cinch_matmul(g, bad, bad, false, false)));
    cr_expect_eq(cinch_graph_status(g), CINCH_USAGE);
    cr_expect_str_eq(cinch_last_error(), "encoder.2: add: [3, 4] and [3, 5] do not broadcast");
}

Test(graph, leaves_with_one_name_are_one_value)
{
    cinch_value a = input("x", CINCH_SHAPE(2, 3));
    cr_expect_eq(a.id, input("x", CINCH_SHAPE(2, 3)).id);
    cr_expect(!cinch_valid(input("x", CINCH_SHAPE(2, 4))));
    cinch_graph_status(g);
    cr_expect_str_eq(cinch_last_error(), "'x' is [2, 4] here but was [2, 3]");
}

Test(graph, shapes_follow_numpy)
{
    cinch_value y = cinch_mul(g, input("a", CINCH_SHAPE(4, 1, 3)), input("b", CINCH_SHAPE(5, 1)));
    char text[64];
    cr_expect_str_eq(cinch_shape_text(cinch_shape_of(g, y), text), "[4, 5, 3]");
    y = cinch_sum(g, y, CINCH_AXIS(0) | CINCH_LAST(1), false);
    cr_expect_str_eq(cinch_shape_text(cinch_shape_of(g, y), text), "[5]");
    y = cinch_mean(g, input("c", CINCH_SHAPE(2, 3, 4)), CINCH_LAST(2), true);
    cr_expect_str_eq(cinch_shape_text(cinch_shape_of(g, y), text), "[2, 1, 1]");
    y = cinch_reshape(g, input("d", CINCH_SHAPE(6, 4)), CINCH_SHAPE(2, -1));
    cr_expect_str_eq(cinch_shape_text(cinch_shape_of(g, y), text), "[2, 12]");
    OK(cinch_graph_status(g));
}

Test(graph, wrong_operands_are_refused)
{
    cinch_value x = input("x", CINCH_SHAPE(2, 3)), n = cinch_input(g, "n", CINCH_I32, CINCH_SHAPE(2));
    cr_expect(!cinch_valid(cinch_exp(g, n)));
    cinch_graph_status(g);
    cr_expect_str_eq(cinch_last_error(), "exp does not work on i32");
    cr_expect(!cinch_valid(cinch_add(g, x, x)), "the error is sticky");
}

Test(graph, gradients_have_the_shape_of_what_they_are_of)
{
    cinch_value x = input("x", CINCH_SHAPE(8, 3)), w = input("w", CINCH_SHAPE(5, 3)), b = input("b", CINCH_SHAPE(5));
    cinch_value unused = input("unused", CINCH_SHAPE(7)), d[4];
    cinch_value t = input("t", CINCH_SHAPE(8, 5)), y = cinch_relu(g, cinch_linear(g, x, w, b));
    cinch_value loss = cinch_loss_mse(g, y, t, CINCH_MEAN);
    cinch_grad(g, loss, (cinch_value[]){x, w, b, unused}, 4, d);
    OK(cinch_graph_status(g));
    const cinch_value of[] = {x, w, b, unused};
    for (int i = 0; i < 4; i++) cr_expect(cinch_same_shape(cinch_shape_of(g, d[i]), cinch_shape_of(g, of[i])));
    cr_expect_eq(g->nodes[d[3].id].op, CINCH_OP_fill, "nothing depends on it");
}

Test(graph, no_gradient_passes_a_stop)
{
    cinch_value x = input("x", CINCH_SHAPE(4)), d;
    cinch_value y = cinch_mul(g, cinch_stop_gradient(g, cinch_exp(g, x)), x);
    cinch_grad(g, cinch_sum(g, y, CINCH_ALL_AXES, false), &x, 1, &d);
    OK(cinch_graph_status(g));
    cr_expect_eq(count_op(CINCH_OP_exp), 1);
    cr_expect_eq(count_op(CINCH_OP_mul), 2, "y and dy * stop(exp x), nothing for the exp");
}

Test(graph, only_what_was_asked_for_is_differentiated)
{
    cinch_value x = input("x", CINCH_SHAPE(4, 3)), w = input("w", CINCH_SHAPE(3, 3)), d;
    cinch_value loss = cinch_sum(g, cinch_matmul(g, x, w, false, false), CINCH_ALL_AXES, false);
    cinch_grad(g, loss, &w, 1, &d);
    OK(cinch_graph_status(g));
    cr_expect_eq(count_op(CINCH_OP_matmul), 2, "the product and dW, no dX");
}

Test(graph, a_recomputed_block_is_written_twice_with_one_stream)
{
    cinch_value x = input("x", CINCH_SHAPE(4, 3)), d;
    cinch_recompute_begin(g);
    cinch_value y = cinch_dropout(g, cinch_exp(g, cinch_square(g, x)), 0.5f);
    cinch_recompute_end(g);
    cinch_grad(g, cinch_sum(g, y, CINCH_ALL_AXES, false), &x, 1, &d);
    OK(cinch_graph_status(g));
    cr_expect_eq(count_op(CINCH_OP_exp), 2);
    cr_expect_eq(count_op(CINCH_OP_dropout), 2);
    uint32_t stream[2];
    for (int i = 1, n = 0; i < g->n_nodes; i++)
        if (g->nodes[i].op == CINCH_OP_dropout) stream[n++] = g->nodes[i].attr.random.stream;
    cr_expect_eq(stream[0], stream[1]);
}

Test(graph, random_streams_depend_on_scope_and_order_alone)
{
    uint32_t first[3];
    for (int round = 0; round < 2; round++) {
        cinch_graph *other = new_graph();
        if (round) cinch_input(other, "something else first", CINCH_F32, CINCH_SHAPE(3));
        cinch_scope_push(other, "a");
        uint32_t streams[3] = {cinch_next_stream(other), cinch_next_stream(other), 0};
        cinch_scope_pop(other);
        streams[2] = cinch_next_stream(other);
        cr_expect(streams[0] != streams[1] && streams[1] != streams[2]);
        if (!round) memcpy(first, streams, sizeof first);
        cr_expect_arr_eq(first, streams, sizeof first);
        cinch_graph_free(other);
    }
}

Test(graph, a_store_is_declared_once)
{
    cinch_params *p;
    OK(cinch_params_create(&p));
    cinch_scope_push(g, "encoder");
    cinch_value w = cinch_param(g, p, "weight", CINCH_SHAPE(3, 2), NULL);
    cr_expect_eq(w.id, cinch_param(g, p, "weight", CINCH_SHAPE(3, 2), NULL).id);
    cr_expect_eq(cinch_params_find(p, "encoder.weight"), 0);
    cr_expect(!cinch_valid(cinch_param(g, p, "weight", CINCH_SHAPE(2, 3), NULL)));
    cinch_graph_status(g);
    cr_expect_str_eq(cinch_last_error(), "encoder: parameter 'encoder.weight' is [2, 3] here but was [3, 2]");
    cinch_params_free(p);
}
