/* SPDX-License-Identifier: Apache-2.0 */
/* The rule of `chain`: what its steps would be as nodes of their own. */
#include "core/grad.h"

static bool chain_shape(cinch_graph *g, cinch_node *node)
{
    if (node->n_in > CINCH_CHAIN_INPUTS) {
        cinch_graph_fail(g, "chain: %d operands; it takes %d", node->n_in, CINCH_CHAIN_INPUTS);
        return false;
    }
    if (!cinch_elementwise_shape(g, node)) return false;
    if (!node->attr.chain.reduce) return true;
    node->shape = (cinch_shape){0};
    node->dtype = CINCH_F32;
    return true;
}

static cinch_value step_operand(cinch_graph *g, const cinch_node *n, const cinch_value *results,
                                const cinch_chain_step *s, int k)
{
    int operand = s->operand[k];
    cinch_dtype dtype = cinch_dtype_of(g, cinch_operand(g, n, 0));
    if (operand == CINCH_CHAIN_IMMEDIATE) return cinch_fill(g, dtype, (cinch_shape){0}, s->immediate);
    return operand >= CINCH_CHAIN_INPUTS ? results[operand - CINCH_CHAIN_INPUTS] : cinch_operand(g, n, operand);
}

static cinch_value expand_chain(cinch_graph *g, const cinch_node *n)
{
    cinch_value results[CINCH_CHAIN_STEPS] = {{0}}, in[3];
    int last = n->attr.chain.n_steps - 1;
    for (int i = 0; i <= last; i++) {
        const cinch_chain_step *s = &n->attr.chain.step[i];
        int n_in = cinch_ops[s->op].n_in;
        for (int k = 0; k < n_in; k++) in[k] = step_operand(g, n, results, s, k);
        results[i] = cinch_append(g, s->op, &(cinch_attr){.scalars = {{s->param[0], s->param[1]}}}, n_in, in);
    }
    return n->attr.chain.reduce ? cinch_sum(g, results[last], CINCH_ALL_AXES, false) : results[last];
}

const cinch_rule cinch_rule_chain = {chain_shape, NULL, expand_chain};
