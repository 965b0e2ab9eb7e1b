/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Computes values of a graph in double, node by node, with the oracles: no kernel, no plan.
 *
 *     evaluator *e = evaluate_open(g);
 *     evaluate_set(e, x, numbers);
 *     const double *y = evaluate(e, loss);      // NULL and evaluate_error(e) where it cannot be computed
 *     evaluate_close(e);
 */
#ifndef CINCH_TESTS_EVALUATE_H
#define CINCH_TESTS_EVALUATE_H

#include <cinch/graph.h>

typedef struct evaluator evaluator;

/* The graph may not grow while the evaluator is open. */
evaluator *evaluate_open(const cinch_graph *g);
void evaluate_close(evaluator *e);

/* Gives a leaf its numbers (copied); what was computed from others is forgotten. */
void evaluate_set(evaluator *e, cinch_value leaf, const double *numbers);

/* The numbers of a value; owned by the evaluator until the next evaluate_set. */
const double *evaluate(evaluator *e, cinch_value v);
const char *evaluate_error(const evaluator *e);

#endif
