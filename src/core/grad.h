/* SPDX-License-Identifier: Apache-2.0 */
/* What a derivative rule sees. */
#ifndef CINCH_CORE_GRAD_H
#define CINCH_CORE_GRAD_H

#include <cinch/ops.h>

#include "core/node.h"

/* One node's turn in the backward pass: dy is the gradient of its output y, in[] its operands (clones where they are
   recomputed). */
struct cinch_gradient {
    cinch_graph *g;
    cinch_node node;         /* a copy: appending moves the array */
    cinch_value y, dy;
    const cinch_value *in;
    int32_t *adjoint;        /* node id -> its gradient so far, 0: none */
    const bool *wanted;      /* node id -> does a wanted value depend on it */
    int32_t *original;       /* recomputed clone -> the node it repeats */
    int32_t n_original;
};

/* Is operand k's gradient wanted at all? Rules may skip work when not. */
bool cinch_wanted(const cinch_gradient *r, int k);

/* Adds `d` (any shape that in[k] was broadcast to) to the gradient of operand k. */
void cinch_give(cinch_gradient *r, int k, cinch_value d);

#endif
