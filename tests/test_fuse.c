/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fusion of products with what stands around them: bias, activation, the activation's gradient, the sums that are the
 * gradient of a bias. Which ops a plan ends up with, and that its numbers stay.
 */
#include "plans.h"

#include <math.h>

#include "core/plan.h"

enum { N = 24, D = 40, H = 48, ROOM = 8192 };

typedef cinch_value (*activation)(cinch_graph *, cinch_value);

static cinch_value leaky(cinch_graph *g, cinch_value x) { return cinch_leaky_relu(g, x, 0.2f); }
static cinch_value elu(cinch_graph *g, cinch_value x) { return cinch_elu(g, x, 0.7f); }

/* Two hidden layers over rows of any rank; "y" is the loss and the gradients end to end. */
typedef struct network {
    activation act;
    cinch_shape x;
    bool frozen_weights, frozen_biases, output_before; /* "z": the first layer before its activation */
} network;

static cinch_value layer(cinch_graph *g, cinch_params *p, const network *n, cinch_value x, int i, int64_t out)
{
    char weight[16], bias[16];
    snprintf(weight, sizeof weight, "w%d", i);
    snprintf(bias, sizeof bias, "b%d", i);
    cinch_param_options of_weight = {.frozen = n->frozen_weights}, of_bias = {.frozen = n->frozen_biases};
    cinch_value w = cinch_param(g, p, weight, CINCH_SHAPE(out, cinch_dim(g, x, -1)), &of_weight);
    return cinch_linear(g, x, w, cinch_param(g, p, bias, CINCH_SHAPE(out), &of_bias));
}

static void write_network(cinch_graph *g, cinch_params *p, const network *n)
{
    cinch_value x = cinch_normal(g, n->x, 0, 1), z = layer(g, p, n, x, 1, H);
    if (n->output_before) cinch_output(g, "z", z);
    cinch_value h = n->act(g, layer(g, p, n, n->act(g, z), 2, D));
    cinch_value loss = cinch_loss_mse(g, layer(g, p, n, h, 3, cinch_dim(g, x, -1)), x, CINCH_MEAN);
    cinch_value all = cinch_gradients(g, p, loss);
    cinch_output(g, "y", cinch_concat(g, (cinch_value[]){all, cinch_reshape(g, loss, CINCH_SHAPE(1))}, 2, 0));
    OK(cinch_graph_status(g));
}

typedef struct model { cinch_device *device; cinch_graph *g; cinch_params *p; size_t bytes; } model;

static model make(const network *n)
{
    model m = {.device = open_device(2), .g = new_graph()};
    OK(cinch_params_create(&m.p));
    write_network(m.g, m.p, n);
    OK(cinch_params_allocate(m.p, m.device, 5));
    m.bytes = ((size_t)cinch_params_slab_size(m.p, CINCH_SLAB_TRAINABLE) + 1) * sizeof(float);
    cr_assert_leq(m.bytes, ROOM * sizeof(float));
    return m;
}

static void discard(model *m)
{
    cinch_graph_free(m->g);
    cinch_params_free(m->p);
    cinch_device_free(m->device);
}

static cinch_plan *plan_of(const model *m, const cinch_plan_options *options)
{
    cinch_plan *plan;
    OK(cinch_plan_create(&plan, m->g, m->device, m->p, options));
    return plan;
}

static int count(const cinch_plan *plan, cinch_op op)
{
    int n = 0;
    for (int i = 0; i < plan->schedule.n; i++) n += plan->calls[i].op == op;
    return n;
}

/* --- which ops ---------------------------------------------------------------------------------------------------- */

typedef struct census { int product, bias, keep, grad, sums, sum; } census;

static void expect_ops(const network *n, census want, const char *what)
{
    model m = make(n);
    cinch_plan *plan = plan_of(&m, NULL);
    cr_expect_eq(count(plan, CINCH_OP_matmul), want.product, "%s: %d plain", what, count(plan, CINCH_OP_matmul));
    cr_expect_eq(count(plan, CINCH_OP_matmul_bias), want.bias, "%s: %d bias", what, count(plan, CINCH_OP_matmul_bias));
    cr_expect_eq(count(plan, CINCH_OP_matmul_bias_keep), want.keep, "%s: %d keep", what,
                 count(plan, CINCH_OP_matmul_bias_keep));
    cr_expect_eq(count(plan, CINCH_OP_matmul_grad), want.grad, "%s: %d grad", what, count(plan, CINCH_OP_matmul_grad));
    cr_expect_eq(count(plan, CINCH_OP_matmul_sums), want.sums, "%s: %d sums", what, count(plan, CINCH_OP_matmul_sums));
    cr_expect_eq(count(plan, CINCH_OP_sum), want.sum, "%s: %d sum", what, count(plan, CINCH_OP_sum));
    cinch_plan_free(plan);
    discard(&m);
}

Test(fuse, products_take_in_what_stands_around_them)
{
    const cinch_shape matrix = CINCH_SHAPE(N, D), sequence = CINCH_SHAPE(3, N, D);
    expect_ops(&(network){.act = cinch_relu, .x = matrix}, (census){0, 3, 0, 2, 3, 0},
               "relu: its gradient sees its result");
    expect_ops(&(network){.act = cinch_tanh, .x = matrix}, (census){0, 3, 0, 2, 3, 0}, "tanh");
    expect_ops(&(network){.act = cinch_gelu_tanh, .x = matrix}, (census){0, 1, 2, 2, 3, 0},
               "gelu: its gradient sees its operand");
    expect_ops(&(network){.act = leaky, .x = matrix}, (census){0, 1, 2, 2, 3, 0}, "leaky relu");
    expect_ops(&(network){.act = cinch_relu, .x = sequence}, (census){0, 3, 0, 2, 3, 0}, "relu behind a reshape");
    expect_ops(&(network){.act = cinch_silu, .x = sequence}, (census){0, 1, 2, 2, 3, 0}, "silu behind a reshape");
}

Test(fuse, products_do_no_more_than_is_wanted)
{
    const cinch_shape matrix = CINCH_SHAPE(N, D);
    expect_ops(&(network){.act = cinch_relu, .x = matrix, .frozen_weights = true}, (census){0, 3, 0, 2, 0, 3},
               "biases alone");
    expect_ops(&(network){.act = cinch_relu, .x = matrix, .frozen_biases = true}, (census){3, 3, 0, 2, 0, 0},
               "weights alone");
    expect_ops(&(network){.act = cinch_relu, .x = matrix, .output_before = true}, (census){0, 2, 1, 2, 3, 0},
               "kept for the caller");
}

/* A fused gradient of ReLU may read the mask that the product before it saved. */
Test(fuse, relu_gradients_know_the_product_before)
{
    model m = make(&(network){.act = cinch_relu, .x = CINCH_SHAPE(N, D)});
    cinch_plan *plan = plan_of(&m, NULL);
    for (int i = 0; i < plan->schedule.n; i++) {
        const cinch_node *n = &plan->g->nodes[plan->schedule.order[i]];
        if (n->op != CINCH_OP_matmul_grad) continue;
        const cinch_node *before = &plan->g->nodes[n->saved_from];
        cr_expect_eq(before->op, CINCH_OP_matmul_bias);
        cr_expect_eq(before->attr.matmul.activation, CINCH_OP_relu);
        cr_expect_eq(n->saved_from, plan->g->operands[n->first_in + 2]);
    }
    cinch_plan_free(plan);
    discard(&m);
}

/* Both results are computed where the pack of gradients wants them. */
Test(fuse, gradients_of_weights_and_biases_need_no_copy)
{
    model m = make(&(network){.act = cinch_relu, .x = CINCH_SHAPE(N, D)});
    cinch_plan *plan = plan_of(&m, NULL);
    OK(cinch_plan_run(plan));
    for (int i = 0; i < plan->schedule.n; i++) {
        const cinch_call *pack = &plan->calls[i];
        if (pack->op != CINCH_OP_pack) continue;
        const char *at = pack->out->data;
        for (int k = 0; k < pack->n_in; k++) {
            cr_expect_eq((const void *)at, pack->in[k].data, "operand %d lies elsewhere", k);
            at += cinch_slab_padded(cinch_tensor_count(&pack->in[k])) * (int64_t)sizeof(float);
        }
    }
    cinch_plan_free(plan);
    discard(&m);
}

/* --- the same numbers --------------------------------------------------------------------------------------------- */

static double distance(const float *a, const float *b, size_t n)
{
    double off = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        off += (double)(a[i] - b[i]) * (a[i] - b[i]);
        size += (double)b[i] * b[i];
    }
    return sqrt(off / size);
}

static void expect_same_numbers(const network *n, cinch_precision precision, double tolerance, const char *what)
{
    static float fused[ROOM], plain[ROOM], alone[ROOM];
    model m = make(n);
    cinch_plan_options as_written = {.no_fusion = true}, options = {.precision = precision};
    run_once(m.g, m.device, m.p, &options, "y", fused, m.bytes);
    run_once(m.g, m.device, m.p, &as_written, "y", plain, m.bytes);
    options.private_memory = true;
    run_once(m.g, m.device, m.p, &options, "y", alone, m.bytes);
    double off = distance(fused, plain, m.bytes / sizeof(float));
    cr_expect_lt(off, tolerance, "%s: off by %g", what, off);
    cr_expect_arr_eq(fused, alone, m.bytes, "%s: shared memory changes bytes", what);
    discard(&m);
}

Test(fuse, numbers_stay)
{
    static const struct { activation act; const char *name; } all[] = {
        {cinch_relu, "relu"},         {leaky, "leaky relu"},    {elu, "elu"},         {cinch_gelu_tanh, "gelu tanh"},
        {cinch_gelu_erf, "gelu erf"}, {cinch_silu, "silu"},     {cinch_tanh, "tanh"}, {cinch_sigmoid, "sigmoid"},
        {cinch_softplus, "softplus"}, {cinch_softsign, "softsign"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (int rank = 2; rank <= 3; rank++) {
            network n = {.act = all[i].act, .x = rank == 2 ? CINCH_SHAPE(N, D) : CINCH_SHAPE(2, N, D)};
            expect_same_numbers(&n, CINCH_PRECISION_F32, 1e-6, all[i].name);
            expect_same_numbers(&n, CINCH_PRECISION_TF32, 2e-3, all[i].name);
            expect_same_numbers(&n, CINCH_PRECISION_BF16, 2e-2, all[i].name);
        }
}

/* From the second run on, a GPU replays what it recorded. */
Test(fuse, every_run_gives_the_same_bytes)
{
    static float first[ROOM], later[ROOM];
    for (int bf16 = 0; bf16 < 2; bf16++) {
        model m = make(&(network){.act = bf16 ? cinch_gelu_tanh : cinch_relu, .x = CINCH_SHAPE(N, D)});
        cinch_precision precision = bf16 ? CINCH_PRECISION_BF16 : CINCH_PRECISION_F32;
        cinch_plan *plan = plan_of(&m, &(cinch_plan_options){.precision = precision});
        for (int run = 0; run < 3; run++) {
            cinch_plan_position(plan, 7, 3, 0);
            OK(cinch_plan_run(plan));
            OK(cinch_plan_read(plan, "y", run ? later : first, m.bytes));
            if (run) cr_expect_arr_eq(first, later, m.bytes, "run %d", run);
        }
        cinch_plan_free(plan);
        discard(&m);
    }
}
