/* SPDX-License-Identifier: Apache-2.0 */
/* Reverse mode: gradients are ordinary nodes, appended from the last node back to the first. */
#include "core/grad.h"

#include <stdlib.h>
#include <string.h>

#include "core/status.h"

struct cinch_backward {
    cinch_graph *g;
    int32_t n;               /* nodes up to y */
    int32_t *adjoint;        /* node -> its gradient so far, or 0; may be smaller than the node, and broadcast */
    int32_t *clone;          /* node -> the node that repeats it, or 0 */
    bool *wanted;            /* node -> does it depend on a wanted value */
    bool *repeated;          /* block -> have its clones been written */
};

/* --- shapes ------------------------------------------------------------------------------------------------------- */

cinch_value cinch_sum_to(cinch_graph *g, cinch_value d, cinch_shape shape)
{
    cinch_shape from = cinch_shape_of(g, d);
    unsigned axes = 0;
    for (int i = 0; i < from.rank; i++) {
        int own = i - (from.rank - shape.rank);
        if (own < 0 || (shape.dim[own] == 1 && from.dim[i] != 1)) axes |= CINCH_AXIS(i);
    }
    return cinch_reshape(g, axes ? cinch_sum(g, d, axes, false) : d, shape);
}

static cinch_value materialise(cinch_graph *g, cinch_value d, cinch_shape shape)
{
    return cinch_same_shape(cinch_shape_of(g, d), shape) ? d : cinch_broadcast(g, d, shape);
}

/* --- what rules call ---------------------------------------------------------------------------------------------- */

static int32_t operand_id(const cinch_gradient *r, int k)
{
    return r->g->operands[r->g->nodes[r->id].first_in + k];
}

bool cinch_wanted(const cinch_gradient *r, int k) { return r->pass->wanted[operand_id(r, k)]; }

/* Adds d, which has the operand's shape or broadcasts to it. */
static void add_adjoint(cinch_gradient *r, int k, cinch_value d)
{
    int32_t *adjoint = &r->pass->adjoint[operand_id(r, k)];
    *adjoint = *adjoint ? cinch_add(r->g, (cinch_value){*adjoint}, d).id : d.id;
}

void cinch_give(cinch_gradient *r, int k, cinch_value d)
{
    cinch_graph *g = r->g;
    if (!cinch_wanted(r, k) || !cinch_valid(d)) return;
    cinch_shape shape = g->nodes[operand_id(r, k)].shape;
    bool elementwise = cinch_ops[r->node.op].kind == CINCH_KIND_ELEMENTWISE;
    if (elementwise && !cinch_same_shape(shape, r->node.shape))
        d = cinch_sum_to(g, materialise(g, d, r->node.shape), shape);
    add_adjoint(r, k, d);
}

/* --- recompute ---------------------------------------------------------------------------------------------------- */

static cinch_value clone_of(const cinch_backward *b, int32_t id)
{
    return (cinch_value){id < b->n && b->clone[id] ? b->clone[id] : id};
}

static int32_t repeat_node(cinch_backward *b, int32_t id)
{
    cinch_graph *g = b->g;
    cinch_node node = g->nodes[id];
    cinch_value *in = cinch_calloc((size_t)node.n_in, sizeof *in);
    if (!in) return cinch_graph_out_of_memory(g).id;
    for (int k = 0; k < node.n_in; k++) in[k] = clone_of(b, g->operands[node.first_in + k]);
    g->scope = node.scope;
    int32_t clone = cinch_append_as(g, node.op, &node.attr, node.n_in, in, node.dtype, node.shape).id;
    free(in);
    if (clone && node.saved_from) g->nodes[clone].saved_from = clone_of(b, node.saved_from).id;
    return clone;
}

/* Writes the block's nodes again, reading only what came from outside it. */
static void repeat_block(cinch_backward *b, int32_t block)
{
    if (b->repeated[block]) return;
    b->repeated[block] = true;
    for (int32_t id = 1; id < b->n; id++)
        if (b->g->nodes[id].block == block) b->clone[id] = repeat_node(b, id);
}

/* --- the pass ----------------------------------------------------------------------------------------------------- */

/* Differentiates a node that has no rule of its own through its elementary form. Fresh views of the operands keep the
   inner pass from running past them. */
static void differentiate_expanded(cinch_gradient *r, const cinch_rule *rule)
{
    cinch_graph *g = r->g;
    cinch_value views[8], d[8];
    int n = r->node.n_in;
    int32_t first = g->n_operands;
    for (int k = 0; k < n; k++) {
        cinch_shape shape = cinch_shape_of(g, r->in[k]);
        views[k] = cinch_append_as(g, CINCH_OP_reshape, NULL, 1, &r->in[k], cinch_dtype_of(g, r->in[k]), shape);
    }
    if (g->status || cinch_grow((void **)&g->operands, &g->room_operands, g->n_operands + n, sizeof *g->operands))
        return;
    first = g->n_operands;
    for (int k = 0; k < n; k++) g->operands[g->n_operands++] = views[k].id;
    cinch_node node = r->node;
    node.first_in = first;
    cinch_value y = rule->expand(g, &node);
    cinch_grad_seeded(g, y, materialise(g, r->dy, cinch_shape_of(g, y)), views, n, d);
    for (int k = 0; k < n; k++)
        if (cinch_wanted(r, k) && cinch_valid(d[k])) add_adjoint(r, k, d[k]);
}

static void run_rule(cinch_backward *b, int32_t id)
{
    cinch_graph *g = b->g;
    cinch_node node = g->nodes[id];
    const cinch_rule *rule = cinch_rules[node.op];
    cinch_value *in = cinch_calloc((size_t)node.n_in, sizeof *in);
    if (!in) {
        cinch_graph_out_of_memory(g);
        return;
    }
    if (node.block) repeat_block(b, node.block);
    for (int k = 0; k < node.n_in; k++) in[k] = clone_of(b, g->operands[node.first_in + k]);
    g->scope = node.scope;
    cinch_value dy = {b->adjoint[id]};
    if (cinch_ops[node.op].kind != CINCH_KIND_ELEMENTWISE) dy = materialise(g, dy, node.shape);
    cinch_gradient r = {g, node, clone_of(b, id), dy, in, b, id};
    if (rule->grad) rule->grad(&r);
    else differentiate_expanded(&r, rule);
    free(in);
}

static bool differentiable(const cinch_graph *g, int32_t id)
{
    const cinch_node *node = &g->nodes[id];
    const cinch_rule *rule = cinch_rules[node->op];
    return rule && (rule->grad || rule->expand) && (node->dtype == CINCH_F32 || node->dtype == CINCH_BF16);
}

static void find_wanted(cinch_backward *b, const cinch_value *wrt, int n)
{
    cinch_graph *g = b->g;
    for (int i = 0; i < n; i++)
        if (wrt[i].id > 0 && wrt[i].id < b->n) b->wanted[wrt[i].id] = true;
    for (int32_t id = 1; id < b->n; id++)
        for (int k = 0; !b->wanted[id] && differentiable(g, id) && k < g->nodes[id].n_in; k++)
            b->wanted[id] = b->wanted[g->operands[g->nodes[id].first_in + k]];
}

static bool depends(const cinch_backward *b, int32_t id)
{
    const cinch_node *node = &b->g->nodes[id];
    for (int k = 0; k < node->n_in; k++)
        if (b->wanted[b->g->operands[node->first_in + k]]) return true;
    return false;
}

static void backward(cinch_backward *b, cinch_value y, cinch_value seed)
{
    b->adjoint[y.id] = seed.id;
    for (int32_t id = y.id; id > 0 && !b->g->status; id--)
        if (b->adjoint[id] && differentiable(b->g, id) && depends(b, id)) run_rule(b, id);
}

static void collect(cinch_backward *b, const cinch_value *wrt, int n, cinch_value *out)
{
    cinch_graph *g = b->g;
    for (int i = 0; i < n && !g->status; i++) {
        cinch_node node = g->nodes[wrt[i].id];
        int32_t d = wrt[i].id < b->n ? b->adjoint[wrt[i].id] : 0;
        out[i] = d ? materialise(g, (cinch_value){d}, node.shape) : cinch_fill(g, node.dtype, node.shape, 0);
    }
}

void cinch_grad_seeded(cinch_graph *g, cinch_value y, cinch_value seed, const cinch_value *wrt, int n, cinch_value *out)
{
    for (int i = 0; i < n; i++) out[i] = (cinch_value){0};
    if (g->status || !cinch_valid(y) || !cinch_valid(seed)) return;
    for (int i = 0; i < n; i++)
        if (!cinch_valid(wrt[i])) return;
    if (!cinch_same_shape(cinch_shape_of(g, y), cinch_shape_of(g, seed))) {
        cinch_graph_fail(g, "gradient: the seed does not have the value's shape");
        return;
    }
    cinch_backward b = {.g = g, .n = y.id + 1};
    size_t count = (size_t)b.n;
    int32_t scope = g->scope, block = g->block;
    b.adjoint = cinch_calloc(count, sizeof *b.adjoint);
    b.clone = cinch_calloc(count, sizeof *b.clone);
    b.wanted = cinch_calloc(count, sizeof *b.wanted);
    b.repeated = cinch_calloc((size_t)g->n_blocks + 1, sizeof *b.repeated);
    g->block = 0;
    if (b.adjoint && b.clone && b.wanted && b.repeated) {
        find_wanted(&b, wrt, n);
        backward(&b, y, seed);
        collect(&b, wrt, n, out);
    } else {
        cinch_graph_out_of_memory(g);
    }
    g->scope = scope;
    g->block = block;
    free(b.adjoint);
    free(b.clone);
    free(b.wanted);
    free(b.repeated);
}

void cinch_grad(cinch_graph *g, cinch_value loss, const cinch_value *wrt, int n, cinch_value *out)
{
    for (int i = 0; i < n; i++) out[i] = (cinch_value){0};
    if (g->status || !cinch_valid(loss)) return;
    cinch_shape shape = cinch_shape_of(g, loss);
    if (cinch_shape_count(shape) != 1 || cinch_dtype_of(g, loss) != CINCH_F32) {
        cinch_graph_fail(g, "gradient: the loss must be one f32");
        return;
    }
    cinch_grad_seeded(g, loss, cinch_fill(g, CINCH_F32, shape, 1), wrt, n, out);
}

cinch_value cinch_stop_gradient(cinch_graph *g, cinch_value x)
{
    return cinch_append(g, CINCH_OP_stop_gradient, NULL, 1, &x);
}
