/* SPDX-License-Identifier: Apache-2.0 */
/* The graph as core sees it: nodes, rules per op, and the one way to append a node. */
#ifndef CINCH_CORE_NODE_H
#define CINCH_CORE_NODE_H

#include <cinch/graph.h>
#include <cinch/params.h>

#include "core/backend.h"

/* --- op table ----------------------------------------------------------------------------------------------------- */

typedef enum cinch_op_kind {
    CINCH_KIND_LEAF, CINCH_KIND_VIEW, CINCH_KIND_ELEMENTWISE, CINCH_KIND_OP, CINCH_KIND_EFFECT
} cinch_op_kind;

enum { CINCH_ANY_COUNT = -1, CINCH_NEVER = -1, CINCH_ANY_INPUT = -2 };

typedef struct cinch_op_info {
    const char *name;
    cinch_op_kind kind;
    int8_t n_in;        /* CINCH_ANY_COUNT: any number */
    int8_t n_out;
    int8_t place;       /* the input the output may overwrite, CINCH_ANY_INPUT, CINCH_NEVER */
    int8_t n_param;     /* elementwise ops */
    bool saves;
    uint8_t writes;     /* bit mask of operands */
    const char *types;
} cinch_op_info;

extern const cinch_op_info cinch_ops[CINCH_OP_COUNT];

/* --- nodes -------------------------------------------------------------------------------------------------------- */

typedef struct cinch_node {
    cinch_op op;
    cinch_dtype dtype;
    cinch_shape shape;
    int32_t first_in, n_in;  /* operands: graph->operands[first_in ...] */
    cinch_attr attr;
    int32_t scope;           /* graph->scopes[scope] */
    int32_t saved_from;      /* the forward node whose saved output this gradient op reads, or 0 */
    int32_t block;           /* recompute block, or 0 */
} cinch_node;

/* Inputs, controls, constants: what a leaf stands for. Parameters and slabs refer to the store instead. */
typedef struct cinch_leaf {
    char *name;              /* inputs and controls */
    int32_t node;
    void *data;              /* constants */
} cinch_leaf;

typedef struct cinch_root {
    char *name;
    int32_t node;
} cinch_root;

struct cinch_graph {
    cinch_node *nodes;       /* nodes[0] is the invalid value */
    int n_nodes, room_nodes;
    int32_t *operands;
    int n_operands, room_operands;
    cinch_leaf *leaves;
    int n_leaves, room_leaves;
    cinch_root *outputs, *metrics;
    int n_outputs, room_outputs, n_metrics, room_metrics;
    char **scopes;           /* full names; scopes[0] is "" */
    int n_scopes, room_scopes;
    uint32_t *scope_streams; /* random ops so far in each scope */
    int room_streams;
    int32_t scope;           /* the current one */
    int32_t block, n_blocks; /* the current recompute block, or 0 */
    int32_t commit_flag;     /* node of cinch_commit_if, or 0 */
    cinch_params *params;    /* the one store its parameters are in, or NULL */
    cinch_status status;
    char error[512];
};

static inline cinch_node *cinch_node_of(const cinch_graph *g, cinch_value v) { return &g->nodes[v.id]; }
static inline cinch_value cinch_operand(const cinch_graph *g, const cinch_node *n, int k)
{
    return (cinch_value){g->operands[n->first_in + k]};
}

/* Appends a node: checks the operands' number and types, applies the op's shape rule. The only way to make one.
   `attr` may be NULL. Invalid operands give the invalid value. */
cinch_value cinch_append(cinch_graph *g, cinch_op op, const cinch_attr *attr, int n, const cinch_value *in);

/* The same for a node whose shape and type no rule can know, or where they are known already. */
cinch_value cinch_append_as(cinch_graph *g, cinch_op op, const cinch_attr *attr, int n, const cinch_value *in,
                            cinch_dtype dtype, cinch_shape shape);

/* --- rules: one `cinch_rule_<op>` for every op of ops.def, in its family's file ----------------------------------- */

typedef struct cinch_gradient cinch_gradient; /* grad.h */

typedef struct cinch_rule {
    /* Sets node->shape and node->dtype from the operands; calls cinch_graph_fail and returns false if they do not fit.
       NULL: the operands do not tell, and the node is made by cinch_append_as (fill, slice, pad, ...). */
    bool (*shape)(cinch_graph *g, cinch_node *node);
    /* Adds to the operands' gradients (grad.h); NULL: no gradient flows. */
    void (*grad)(cinch_gradient *);
    /* The same value in elementary ops, used instead of `grad` when a gradient op is differentiated again. */
    cinch_value (*expand)(cinch_graph *g, const cinch_node *node);
} cinch_rule;

#define OP(name, inputs, outputs, attr, place, saves, types) extern const cinch_rule cinch_rule_##name;
#define VIEW(name) extern const cinch_rule cinch_rule_##name;
#include "core/ops.def"

extern const cinch_rule *const cinch_rules[CINCH_OP_COUNT];

/* A copy that passes may change. */
cinch_status cinch_graph_copy(cinch_graph **out, const cinch_graph *g);

/* The node that view `id` looks at in the end, and where in its memory: views are followed, `written` to what its
   effect wrote. */
typedef struct cinch_base { int32_t id; int64_t offset; /* bytes */ } cinch_base;
cinch_base cinch_base_of(const cinch_graph *g, int32_t id);

/* --- shared by the families --------------------------------------------------------------------------------------- */

/* The shape rule of elementwise ops: operands of one type, broadcast. */
bool cinch_elementwise_shape(cinch_graph *g, cinch_node *node);

/* NumPy's broadcast of two shapes into *out; false where they do not fit. */
bool cinch_broadcast_shapes(cinch_shape a, cinch_shape b, cinch_shape *out);
bool cinch_same_shape(cinch_shape a, cinch_shape b);
/* "[128, 784]" into text[64]; returns text. */
char *cinch_shape_text(cinch_shape shape, char text[64]);

/* Stream of the next random op in the current scope. */
uint32_t cinch_next_stream(cinch_graph *g);
/* The position operand of random ops: control "position". */
cinch_value cinch_position_of(cinch_graph *g);

/* Each tensor in a slab starts at a multiple of 16 floats. */
static inline int64_t cinch_slab_padded(int64_t count) { return (count + 15) / 16 * 16; }

/* The whole slab of the store as a value. */
cinch_value cinch_slab_value(cinch_graph *g, cinch_params *params, cinch_slab slab);
/* `count` elements of a slab value from `offset`, as a tensor. */
cinch_value cinch_window(cinch_graph *g, cinch_value slab, int64_t offset, cinch_shape shape);

#endif
