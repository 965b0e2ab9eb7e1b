/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "core/node.h"
#include "value.h"

/* What one node gives: its tensor, and for an effect its operands afterwards. */
typedef struct result {
    oracle_tensor t;
    oracle_tensor *after;
    bool given; /* by evaluate_set */
} result;

struct evaluator {
    const cinch_graph *g;
    result *of;
    char error[160];
};

static oracle_tensor tensor_like(const cinch_node *node)
{
    oracle_tensor t = {.rank = node->shape.rank, .dtype = node->dtype};
    memcpy(t.dim, node->shape.dim, sizeof t.dim);
    t.v = case_alloc((size_t)oracle_count(&t), sizeof *t.v);
    return t;
}

static void forget(result *r, int n_in)
{
    free(r->t.v);
    for (int k = 0; r->after && k < n_in; k++) free(r->after[k].v);
    free(r->after);
    *r = (result){0};
}

evaluator *evaluate_open(const cinch_graph *g)
{
    evaluator *e = case_alloc(1, sizeof *e);
    e->g = g;
    e->of = case_alloc((size_t)g->n_nodes, sizeof *e->of);
    return e;
}

void evaluate_close(evaluator *e)
{
    for (int id = 1; id < e->g->n_nodes; id++) forget(&e->of[id], e->g->nodes[id].n_in);
    free(e->of);
    free(e);
}

void evaluate_set(evaluator *e, cinch_value leaf, const double *numbers)
{
    for (int id = 1; id < e->g->n_nodes; id++)
        if (!e->of[id].given || id == leaf.id) forget(&e->of[id], e->g->nodes[id].n_in);
    result *r = &e->of[leaf.id];
    r->t = tensor_like(&e->g->nodes[leaf.id]);
    r->given = true;
    memcpy(r->t.v, numbers, (size_t)oracle_count(&r->t) * sizeof *numbers);
}

const char *evaluate_error(const evaluator *e) { return e->error; }

static bool refuse(evaluator *e, int32_t id, const char *why)
{
    snprintf(e->error, sizeof e->error, "node %d, %s: %s", id, cinch_ops[e->g->nodes[id].op].name, why);
    return false;
}

static int32_t operand_id(const evaluator *e, const cinch_node *node, int k)
{
    return e->g->operands[node->first_in + k];
}

/* --- leaves and views --------------------------------------------------------------------------------------------- */

static bool leaf(evaluator *e, int32_t id)
{
    const cinch_node *node = &e->g->nodes[id];
    if (node->op != CINCH_OP_constant) return refuse(e, id, "has no numbers; evaluate_set gives them");
    oracle_tensor *t = &e->of[id].t;
    value_load(e->g->leaves[node->attr.leaf.index].data, oracle_count(t), t->dtype, t->v);
    return true;
}

static bool view(evaluator *e, int32_t id)
{
    const cinch_node *node = &e->g->nodes[id];
    const result *from = &e->of[operand_id(e, node, 0)];
    const oracle_tensor *source = &from->t;
    oracle_tensor *t = &e->of[id].t;
    int64_t start = node->op == CINCH_OP_window ? node->attr.window.offset : 0;
    if (node->op == CINCH_OP_written) source = &from->after[node->attr.leaf.index];
    if (node->op == CINCH_OP_result) return refuse(e, id, "no op has a second output");
    if (start < 0 || start + oracle_count(t) > oracle_count(source)) return refuse(e, id, "leaves its operand");
    memcpy(t->v, source->v + start, (size_t)oracle_count(t) * sizeof *t->v);
    return true;
}

/* --- ops ---------------------------------------------------------------------------------------------------------- */

static void operands_of(const evaluator *e, const cinch_node *node, oracle_tensor *in)
{
    for (int k = 0; k < node->n_in; k++) in[k] = e->of[operand_id(e, node, k)].t;
}

/* An effect works on copies of its operands, so that reads see the start of the step. */
static oracle_tensor *copies_of(const cinch_node *node, const oracle_tensor *in)
{
    oracle_tensor *copies = case_alloc((size_t)node->n_in, sizeof *copies);
    for (int k = 0; k < node->n_in; k++) {
        copies[k] = in[k];
        copies[k].v = case_alloc((size_t)oracle_count(&in[k]), sizeof(double));
        memcpy(copies[k].v, in[k].v, (size_t)oracle_count(&in[k]) * sizeof(double));
    }
    return copies;
}

static bool op(evaluator *e, int32_t id)
{
    const cinch_node *node = &e->g->nodes[id], *saver = &e->g->nodes[node->saved_from];
    bool effect = cinch_ops[node->op].kind == CINCH_KIND_EFFECT;
    oracle_tensor *in = case_alloc((size_t)node->n_in, sizeof *in), *saver_in = NULL;
    operands_of(e, node, in);
    if (effect) e->of[id].after = copies_of(node, in);
    oracle_call forward = {0}, call = {.op = node->op, .attr = &node->attr, .n_in = node->n_in, .n_out = effect ? 0 : 1,
                                       .in = effect ? e->of[id].after : in, .out = &e->of[id].t};
    if (node->saved_from) {
        saver_in = case_alloc((size_t)saver->n_in, sizeof *saver_in);
        operands_of(e, saver, saver_in);
        forward = (oracle_call){.op = saver->op, .attr = &saver->attr, .n_in = saver->n_in, .in = saver_in};
        call.forward = &forward;
    }
    bool ok = oracle_run(&call) || refuse(e, id, call.wrong);
    free(in);
    free(saver_in);
    return ok;
}

static bool compute(evaluator *e, int32_t id)
{
    const cinch_node *node = &e->g->nodes[id];
    if (e->of[id].t.v) return true;
    for (int k = 0; k < node->n_in; k++)
        if (!compute(e, operand_id(e, node, k))) return false;
    for (int k = 0; node->saved_from && k < e->g->nodes[node->saved_from].n_in; k++)
        if (!compute(e, operand_id(e, &e->g->nodes[node->saved_from], k))) return false;
    e->of[id].t = tensor_like(node);
    cinch_op_kind kind = cinch_ops[node->op].kind;
    bool ok = kind == CINCH_KIND_LEAF ? leaf(e, id) : kind == CINCH_KIND_VIEW ? view(e, id) : op(e, id);
    if (!ok) forget(&e->of[id], node->n_in);
    return ok;
}

const double *evaluate(evaluator *e, cinch_value v)
{
    if (v.id <= 0 || v.id >= e->g->n_nodes) {
        snprintf(e->error, sizeof e->error, "not a value of the graph");
        return NULL;
    }
    return compute(e, v.id) ? e->of[v.id].t.v : NULL;
}
