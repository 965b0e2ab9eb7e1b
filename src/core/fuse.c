/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fusion pass. A node is rewritten where it stands and takes over the work of producers that only it uses; those
 * die. Nodes of the commit phase are left alone: their order is their meaning.
 */
#include <stdlib.h>
#include <string.h>

#include "core/passes.h"
#include "core/status.h"

typedef struct fusion {
    cinch_graph *g;
    int32_t *uses;       /* node -> operands that name it (roots count too) */
    bool *commit;
} fusion;

/* --- questions ---------------------------------------------------------------------------------------------------- */

static int32_t operand(const cinch_graph *g, int32_t id, int k) { return g->operands[g->nodes[id].first_in + k]; }

static void count_uses(fusion *f, const cinch_schedule *s)
{
    cinch_graph *g = f->g;
    for (int32_t id = 1; id < g->n_nodes; id++)
        for (int k = 0; s->live[id] && k < g->nodes[id].n_in; k++) f->uses[operand(g, id, k)]++;
    for (int i = 0; i < g->n_outputs; i++) f->uses[g->outputs[i].node]++;
    if (g->commit_flag) f->uses[g->commit_flag]++;
}

/* Is every use of `producer` an operand of `user`? */
static bool only_user(const fusion *f, int32_t producer, int32_t user)
{
    int count = 0;
    for (int k = 0; k < f->g->nodes[user].n_in; k++) count += operand(f->g, user, k) == producer;
    return count == f->uses[producer];
}

/* The number that a value holds everywhere, looking through reshapes and broadcasts. */
static bool is_number(const cinch_graph *g, int32_t id, float *value)
{
    while (g->nodes[id].op == CINCH_OP_reshape || g->nodes[id].op == CINCH_OP_broadcast) id = operand(g, id, 0);
    *value = g->nodes[id].attr.scalars.v[0];
    return g->nodes[id].op == CINCH_OP_fill;
}

static bool is_view(const cinch_graph *g, int32_t id)
{
    return g->nodes[id].op == CINCH_OP_reshape || g->nodes[id].op == CINCH_OP_stop_gradient;
}

static bool floating(const cinch_node *n) { return n->dtype == CINCH_F32 || n->dtype == CINCH_BF16; }

/* --- numbers ------------------------------------------------------------------------------------------------------ */

static bool fold(cinch_op op, float a, float b, float *y)
{
    switch (op) {
    case CINCH_OP_add: *y = a + b; return true;
    case CINCH_OP_sub: *y = a - b; return true;
    case CINCH_OP_mul: *y = a * b; return true;
    case CINCH_OP_div: *y = a / b; return true;
    case CINCH_OP_neg: *y = -a; return true;
    default: return false;
    }
}

/* Arithmetic on numbers known now becomes a number. */
static void fold_numbers(fusion *f, int32_t id)
{
    cinch_node *n = &f->g->nodes[id];
    float in[2] = {0, 0}, y;
    if (cinch_ops[n->op].kind != CINCH_KIND_ELEMENTWISE || !floating(n) || n->n_in > 2) return;
    for (int k = 0; k < n->n_in; k++)
        if (!is_number(f->g, operand(f->g, id, k), &in[k])) return;
    if (!fold(n->op, in[0], in[1], &y)) return;
    for (int k = 0; k < n->n_in; k++) f->uses[operand(f->g, id, k)]--;
    n->op = CINCH_OP_fill;
    n->n_in = 0;
    n->attr = (cinch_attr){.scalars = {{y, 0}}};
}

/* One reader less; what only a view read that nobody reads any more is not read either. */
static void release(fusion *f, int32_t id)
{
    while (--f->uses[id] == 0 && is_view(f->g, id)) id = operand(f->g, id, 0);
}

/* Views that come back to the shape they started from are what they started from. */
static void skip_views(fusion *f, int32_t id)
{
    cinch_graph *g = f->g;
    if (cinch_ops[g->nodes[id].op].kind != CINCH_KIND_ELEMENTWISE) return;
    for (int k = 0; k < g->nodes[id].n_in; k++) {
        int32_t *in = &g->operands[g->nodes[id].first_in + k], same = *in;
        for (int32_t at = *in; is_view(g, at); at = operand(g, at, 0))
            if (cinch_same_shape(g->nodes[operand(g, at, 0)].shape, g->nodes[*in].shape)) same = operand(g, at, 0);
        if (same == *in) continue;
        f->uses[same]++;
        release(f, *in);
        *in = same;
    }
}

/* Elementwise ops broadcast by themselves. */
static void skip_broadcasts(fusion *f, int32_t id)
{
    cinch_graph *g = f->g;
    if (cinch_ops[g->nodes[id].op].kind != CINCH_KIND_ELEMENTWISE) return;
    for (int k = 0; k < g->nodes[id].n_in; k++) {
        int32_t *in = &g->operands[g->nodes[id].first_in + k];
        while (g->nodes[*in].op == CINCH_OP_broadcast) {
            f->uses[*in]--;
            f->uses[*in = operand(g, *in, 0)]++;
        }
    }
}

/* --- bias and activation into products ---------------------------------------------------------------------------- */

static bool is_bias_of(const cinch_graph *g, int32_t bias, const cinch_node *product)
{
    const cinch_shape *shape = &g->nodes[bias].shape;
    return shape->rank == 1 && shape->dim[0] == product->shape.dim[product->shape.rank - 1] &&
           g->nodes[bias].dtype == product->dtype;
}

/* `id` becomes `op` with the operands in[n]; false where memory is short. */
static bool become(fusion *f, int32_t id, cinch_op op, const cinch_attr *attr, int n, const int32_t *in)
{
    cinch_graph *g = f->g;
    if (cinch_grow((void **)&g->operands, &g->room_operands, g->n_operands + n, sizeof *g->operands)) return false;
    cinch_node *node = &g->nodes[id];
    node->op = op;
    node->attr = *attr;
    node->first_in = g->n_operands;
    node->n_in = n;
    for (int k = 0; k < n; k++) {
        g->operands[g->n_operands++] = in[k];
        f->uses[in[k]]++;
    }
    return true;
}

/* matmul + bias */
static void fuse_bias(fusion *f, int32_t id)
{
    cinch_graph *g = f->g;
    if (g->nodes[id].op != CINCH_OP_add) return;
    for (int k = 0; k < 2; k++) {
        int32_t product = operand(g, id, k), bias = operand(g, id, 1 - k);
        const cinch_node *p = &g->nodes[product];
        if (p->op != CINCH_OP_matmul || !only_user(f, product, id) || !is_bias_of(g, bias, p)) continue;
        if (!cinch_same_shape(p->shape, g->nodes[id].shape)) continue;
        cinch_attr attr = p->attr;
        become(f, id, CINCH_OP_matmul_bias, &attr, 3,
               (int32_t[]){operand(g, product, 0), operand(g, product, 1), bias});
        return;
    }
}

/* Activations with their gradients. */
static const struct { cinch_op op, grad; } activations[] = {
    {CINCH_OP_relu, CINCH_OP_relu_grad},           {CINCH_OP_leaky_relu, CINCH_OP_leaky_relu_grad},
    {CINCH_OP_elu, CINCH_OP_elu_grad},             {CINCH_OP_gelu_tanh, CINCH_OP_gelu_tanh_grad},
    {CINCH_OP_gelu_erf, CINCH_OP_gelu_erf_grad},   {CINCH_OP_silu, CINCH_OP_silu_grad},
    {CINCH_OP_sigmoid, CINCH_OP_sigmoid_grad},     {CINCH_OP_tanh, CINCH_OP_tanh_grad},
    {CINCH_OP_softplus, CINCH_OP_none},
};

static bool is_activation(cinch_op op)
{
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
        if (op == activations[i].op) return true;
    return false;
}

static bool is_activation_grad(cinch_op op)
{
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
        if (op != CINCH_OP_none && op == activations[i].grad) return true;
    return false;
}

static cinch_attr with_activation(const cinch_attr *product, const cinch_node *activation)
{
    cinch_attr attr = *product;
    attr.matmul.activation = (uint16_t)activation->op;
    memcpy(attr.matmul.param, activation->attr.scalars.v, sizeof attr.matmul.param);
    return attr;
}

/* --- products with two results ------------------------------------------------------------------------------------ */

/* The second result of an op is the node behind it. It can be `id` itself, or a view that nobody looks at any more. */
static bool has_place_behind(const fusion *f, int32_t product, int32_t id)
{
    cinch_op op = f->g->nodes[product + 1].op;
    return product + 1 == id || (!f->uses[product + 1] && (op == CINCH_OP_reshape || op == CINCH_OP_cast));
}

/* `id` becomes the second result of the product. */
static bool become_result(fusion *f, int32_t product, int32_t id)
{
    cinch_graph *g = f->g;
    cinch_attr attr = {.leaf = {1}};
    int32_t place = product + 1;
    if (place == id) return become(f, id, CINCH_OP_result, &attr, 1, &product);
    if (!become(f, place, CINCH_OP_result, &attr, 1, &product)) return false;
    g->nodes[place].shape = g->nodes[id].shape;
    g->nodes[place].dtype = g->nodes[id].dtype;
    return become(f, id, CINCH_OP_reshape, &(cinch_attr){.leaf = {0}}, 1, &place);
}

/* Where the gradient wants what the activation saw, the product keeps it. */
static void keep_product(fusion *f, int32_t product, int32_t id)
{
    cinch_graph *g = f->g;
    cinch_attr attr = with_activation(&g->nodes[product].attr, &g->nodes[id]);
    if (g->nodes[product].dtype != g->nodes[id].dtype) return;
    if (!has_place_behind(f, product, id) || !become_result(f, product, id)) return;
    g->nodes[product].op = CINCH_OP_matmul_bias_keep;
    g->nodes[product].attr = attr;
}

/* activation(matmul + bias) */
static void fuse_activation(fusion *f, int32_t id)
{
    cinch_graph *g = f->g;
    if (!is_activation(g->nodes[id].op)) return;
    int32_t product = operand(g, id, 0);
    const cinch_node *p = &g->nodes[product];
    if (p->op != CINCH_OP_matmul_bias || p->attr.matmul.activation) return;
    if (!only_user(f, product, id)) {
        keep_product(f, product, id);
        return;
    }
    cinch_attr attr = with_activation(&p->attr, &g->nodes[id]);
    become(f, id, CINCH_OP_matmul_bias, &attr, 3,
           (int32_t[]){operand(g, product, 0), operand(g, product, 1), operand(g, product, 2)});
}

/* activation_grad(matmul, seen). What the forward product saves for it, it may read. */
static void fuse_activation_grad(fusion *f, int32_t id)
{
    cinch_graph *g = f->g;
    const cinch_node *n = &g->nodes[id];
    if (!is_activation_grad(n->op)) return;
    int32_t product = operand(g, id, 0);
    const cinch_node *p = &g->nodes[product], *seen = &g->nodes[operand(g, id, 1)];
    if (p->op != CINCH_OP_matmul || !only_user(f, product, id)) return;
    if (!cinch_same_shape(p->shape, n->shape) || !cinch_same_shape(seen->shape, n->shape)) return;
    int32_t in[3] = {operand(g, product, 0), operand(g, product, 1), operand(g, id, 1)};
    cinch_attr attr = with_activation(&p->attr, n);
    bool masked = n->op == CINCH_OP_relu_grad && seen->op == CINCH_OP_matmul_bias &&
                  seen->attr.matmul.activation == CINCH_OP_relu;
    if (become(f, id, CINCH_OP_matmul_grad, &attr, 3, in)) g->nodes[id].saved_from = masked ? in[2] : 0;
}

/* The product just before `id` whose first operand, stored transposed, is `rows`; or 0. */
static int32_t product_of_rows(const fusion *f, int32_t rows, int32_t id)
{
    const cinch_graph *g = f->g;
    for (int32_t product = id - 1; product > 0 && product >= id - 3; product--) {
        const cinch_node *p = &g->nodes[product];
        if (p->op == CINCH_OP_matmul && operand(g, product, 0) == rows && p->attr.matmul.transpose_a) return product;
    }
    return 0;
}

/* The gradients of weights and bias, rows^T x and the sums of the same rows, read the rows once. */
static void fuse_row_sums(fusion *f, int32_t id)
{
    cinch_graph *g = f->g;
    const cinch_node *n = &g->nodes[id];
    if (n->op != CINCH_OP_sum || n->attr.axis.first || n->attr.axis.last) return;
    int32_t converted = operand(g, id, 0), rows = converted;
    if (g->nodes[rows].op == CINCH_OP_cast && only_user(f, rows, id)) rows = operand(g, rows, 0);
    int32_t product = product_of_rows(f, rows, id);
    if (!product || !f->uses[product] || f->commit[product] || g->nodes[product].dtype != n->dtype) return;
    if (g->nodes[rows].shape.rank != 2 || g->nodes[product].shape.rank != 2) return;
    f->uses[converted]--;
    if (has_place_behind(f, product, id) && become_result(f, product, id)) g->nodes[product].op = CINCH_OP_matmul_sums;
    else f->uses[converted]++;
}

/* --- chains ------------------------------------------------------------------------------------------------------- */

/* A chain being put together: steps and inputs of a node and of the producers it takes over. */
typedef struct draft {
    cinch_chain_step step[CINCH_CHAIN_STEPS];
    int32_t in[CINCH_CHAIN_INPUTS];
    int n_steps, n_in;
} draft;

static bool add_input(draft *d, int32_t id, int8_t *operand_out)
{
    for (int i = 0; i < d->n_in; i++)
        if (d->in[i] == id) return *operand_out = (int8_t)i, true;
    if (d->n_in == CINCH_CHAIN_INPUTS) return false;
    d->in[d->n_in] = id;
    *operand_out = (int8_t)d->n_in++;
    return true;
}

/* Appends the chain node `id`'s own steps; *result names the last one. */
static bool add_chain(const cinch_graph *g, draft *d, int32_t id, int8_t *result)
{
    const cinch_attr *attr = &g->nodes[id].attr;
    int first = d->n_steps;
    if (first + attr->chain.n_steps > CINCH_CHAIN_STEPS) return false;
    for (int i = 0; i < attr->chain.n_steps; i++) {
        cinch_chain_step step = attr->chain.step[i];
        for (int k = 0; k < 3; k++) {
            if (step.operand[k] < 0 || step.operand[k] == CINCH_CHAIN_IMMEDIATE) continue;
            if (step.operand[k] >= CINCH_CHAIN_INPUTS) step.operand[k] = (int8_t)(step.operand[k] + first);
            else if (!add_input(d, operand(g, id, step.operand[k]), &step.operand[k])) return false;
        }
        d->step[d->n_steps++] = step;
    }
    *result = (int8_t)(CINCH_CHAIN_INPUTS + d->n_steps - 1);
    return true;
}

/* May `id` take over its producer? */
static bool absorbs(const fusion *f, int32_t id, int32_t producer)
{
    const cinch_node *n = &f->g->nodes[id], *p = &f->g->nodes[producer];
    return p->op == CINCH_OP_chain && !p->attr.chain.reduce && floating(p) == floating(n) && !f->commit[producer] &&
           cinch_same_shape(p->shape, n->shape) && only_user(f, producer, id);
}

/* The operands of elementwise node `id` as a step; producers in `taken` are merged, the others become inputs. */
static bool add_step(fusion *f, draft *d, int32_t id, unsigned taken)
{
    const cinch_node *n = &f->g->nodes[id];
    cinch_chain_step step = {(uint16_t)n->op, {-1, -1, -1}, {n->attr.scalars.v[0], n->attr.scalars.v[1]}, 0};
    bool has_immediate = false;
    for (int k = 0; k < n->n_in; k++) {
        int32_t in = operand(f->g, id, k);
        float value;
        int same = -1;
        for (int j = 0; j < k; j++)
            if (operand(f->g, id, j) == in) same = j;
        if (same >= 0) step.operand[k] = step.operand[same];
        else if (taken >> k & 1) {
            if (!add_chain(f->g, d, in, &step.operand[k])) return false;
        } else if (n->n_in > 1 && !has_immediate && is_number(f->g, in, &value)) {
            step.operand[k] = CINCH_CHAIN_IMMEDIATE;
            step.immediate = value;
            has_immediate = true;
        } else if (!add_input(d, in, &step.operand[k])) return false;
    }
    if (d->n_steps == CINCH_CHAIN_STEPS) return false;
    d->step[d->n_steps++] = step;
    return true;
}

static void become_chain(fusion *f, int32_t id, const draft *d)
{
    cinch_graph *g = f->g;
    if (cinch_grow((void **)&g->operands, &g->room_operands, g->n_operands + d->n_in, sizeof *g->operands)) return;
    cinch_node *n = &g->nodes[id];
    n->op = CINCH_OP_chain;
    memset(&n->attr, 0, sizeof n->attr);
    n->attr.chain.n_steps = (int8_t)d->n_steps;
    memcpy(n->attr.chain.step, d->step, sizeof d->step);
    n->first_in = g->n_operands;
    n->n_in = d->n_in;
    for (int k = 0; k < d->n_in; k++) {
        g->operands[g->n_operands++] = d->in[k];
        f->uses[d->in[k]]++;
    }
}

/* Every elementwise node becomes a chain; it takes over as many of its producers as fit. */
static void fuse_chain(fusion *f, int32_t id)
{
    const cinch_node *n = &f->g->nodes[id];
    unsigned taken = 0;
    draft d = {.n_steps = 0};
    if (cinch_ops[n->op].kind != CINCH_KIND_ELEMENTWISE || !floating(n)) return;
    for (int k = 0; k < n->n_in; k++) {
        draft attempt = {.n_steps = 0};
        if (absorbs(f, id, operand(f->g, id, k)) && add_step(f, &attempt, id, taken | 1u << k)) taken |= 1u << k;
    }
    if (add_step(f, &d, id, taken)) become_chain(f, id, &d);
}

/* The backend takes a summed chain's shape from its inputs. */
static bool inputs_span(const cinch_graph *g, const draft *d, cinch_shape shape)
{
    cinch_shape all = {0};
    for (int k = 0; k < d->n_in; k++)
        if (!cinch_broadcast_shapes(all, g->nodes[d->in[k]].shape, &all)) return false;
    return cinch_same_shape(all, shape);
}

/* The sum of all of a chain's elements needs no chain output. */
static void fuse_sum(fusion *f, int32_t id)
{
    cinch_graph *g = f->g;
    cinch_node *n = &g->nodes[id];
    if (n->op != CINCH_OP_sum || n->dtype != CINCH_F32) return;
    int32_t producer = operand(g, id, 0);
    while (g->nodes[producer].op == CINCH_OP_reshape && f->uses[producer] == 1) producer = operand(g, producer, 0);
    const cinch_node *p = &g->nodes[producer];
    if (p->op != CINCH_OP_chain || p->attr.chain.reduce || f->uses[producer] != 1) return;
    const cinch_node *summed = &g->nodes[operand(g, id, 0)];
    if (cinch_shape_count(n->shape) != 1 || cinch_shape_count(p->shape) != cinch_shape_count(summed->shape)) return;
    draft d = {.n_steps = p->attr.chain.n_steps, .n_in = p->n_in};
    memcpy(d.step, p->attr.chain.step, sizeof d.step);
    for (int k = 0; k < p->n_in; k++) d.in[k] = operand(g, producer, k);
    if (!inputs_span(g, &d, p->shape)) return;
    become_chain(f, id, &d);
    g->nodes[id].attr.chain.reduce = 1;
}

/* A chain of one step that holds no number is better known by its own name. */
static void unchain(fusion *f, int32_t id)
{
    cinch_node *n = &f->g->nodes[id];
    if (n->op != CINCH_OP_chain || n->attr.chain.n_steps != 1 || n->attr.chain.reduce) return;
    cinch_chain_step step = n->attr.chain.step[0];
    for (int k = 0; k < cinch_ops[step.op].n_in; k++)
        if (step.operand[k] != k) return;
    n->op = step.op;
    memset(&n->attr, 0, sizeof n->attr);
    memcpy(n->attr.scalars.v, step.param, sizeof step.param);
}

cinch_status cinch_fuse(cinch_graph *g)
{
    cinch_schedule s;
    TRY(cinch_schedule_create(&s, g));
    fusion f = {g, cinch_calloc((size_t)g->n_nodes, sizeof(int32_t)), s.commit};
    if (!f.uses) {
        cinch_schedule_free(&s);
        return CINCH_DEVICE;
    }
    count_uses(&f, &s);
    for (int32_t id = 1; id < g->n_nodes; id++) {
        if (!s.live[id] || s.commit[id]) continue;
        skip_views(&f, id);
        skip_broadcasts(&f, id);
        fold_numbers(&f, id);
        fuse_bias(&f, id);
        fuse_activation(&f, id);
        fuse_activation_grad(&f, id);
        fuse_row_sums(&f, id);
        fuse_chain(&f, id);
        fuse_sum(&f, id);
    }
    for (int32_t id = 1; id < g->n_nodes; id++)
        if (s.live[id] && !s.commit[id]) unchain(&f, id);
    free(f.uses);
    cinch_schedule_free(&s);
    return CINCH_OK;
}
