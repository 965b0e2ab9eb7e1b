/* SPDX-License-Identifier: Apache-2.0 */
/* What a derivative rule sees: one node's turn in the backward pass. */
#ifndef CINCH_CORE_GRAD_H
#define CINCH_CORE_GRAD_H

#include <cinch/ops.h>

#include "core/node.h"

typedef struct cinch_backward cinch_backward; /* the whole pass */

struct cinch_gradient {
    cinch_graph *g;
    cinch_node node;         /* a copy, for its attributes: appending moves the array */
    cinch_value y, dy;       /* the output and its gradient. To an elementwise rule dy may come in any shape that
                                broadcasts to y's; to the others it has y's shape */
    const cinch_value *in;   /* the operands (recomputed where they lie in a recompute block) */
    cinch_backward *pass;
    int32_t id;              /* of the node in the graph */
};

/* Is operand k's gradient wanted at all? Rules may skip work when not. */
bool cinch_wanted(const cinch_gradient *r, int k);

/* Adds d to the gradient of operand k, summed over the axes along which the operand was broadcast to y. */
void cinch_give(cinch_gradient *r, int k, cinch_value d);

/* Sums d over the axes along which something of `shape` was broadcast to d's shape. */
cinch_value cinch_sum_to(cinch_graph *g, cinch_value d, cinch_shape shape);

#endif
