/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The precision pass. Under tf32 products may round their f32 operands. Under bf16 every f32 value of the main phase
 * gets a storage type; arithmetic is f32 in registers whatever is stored. As in PyTorch's autocast, products decide:
 *
 *   products       read bf16; their results are bf16 where they lead to further products, and f32 where they end in
 *                  outputs, effects or gradients of weights alone
 *   elementwise    reads any type; the result is bf16 where a product reads it, or where it leads to products and has
 *                  an operand of its own size that is bf16; else f32: losses, statistics, what is made of f32 alone
 *   reductions     read any type and give f32
 *   moves          leave the type as it is
 *   all else       f32: leaves (parameters, states, inputs), random numbers, running sums, log-probabilities, effects
 *
 * Differences from f32 targets are not stored: each reader computes its own in registers, from what is stored anyway.
 */
#include "core/precision.h"

#include <stdlib.h>

#include "core/status.h"

/* --- what ops are ------------------------------------------------------------------------------------------------- */

typedef enum role { FULL, ELEMENTWISE, PRODUCT, REDUCTION, MOVE, VIEW, CAST, SAME } role;

static role role_of(const cinch_graph *g, int32_t id)
{
    cinch_op op = g->nodes[id].op;
    if (cinch_ops[op].kind == CINCH_KIND_ELEMENTWISE) return ELEMENTWISE;
    switch (op) {
    case CINCH_OP_matmul:
    case CINCH_OP_matmul_bias: return PRODUCT;
    case CINCH_OP_sum:
    case CINCH_OP_max:
    case CINCH_OP_min:
    case CINCH_OP_logsumexp:
    case CINCH_OP_argmax: return REDUCTION;
    case CINCH_OP_broadcast:
    case CINCH_OP_transpose:
    case CINCH_OP_slice:
    case CINCH_OP_pad:
    case CINCH_OP_concat:
    case CINCH_OP_gather:
    case CINCH_OP_copy: return MOVE;
    case CINCH_OP_reshape:
    case CINCH_OP_stop_gradient: return VIEW;
    case CINCH_OP_cast: return CAST;
    case CINCH_OP_softmax:
    case CINCH_OP_softmax_grad:
    case CINCH_OP_dropout:
    case CINCH_OP_dropout_grad: return SAME; /* operands and result of one type */
    default: return FULL;
    }
}

/* Functions whose results are subtracted from their like, so that bf16's eight bits would show. */
static bool is_steep(cinch_op op)
{
    return op == CINCH_OP_exp || op == CINCH_OP_log || op == CINCH_OP_pow || op == CINCH_OP_reciprocal ||
           op == CINCH_OP_rsqrt;
}

/* Ops that cost nothing beside reading their operands. */
static bool is_cheap(cinch_op op)
{
    return op == CINCH_OP_add || op == CINCH_OP_sub || op == CINCH_OP_mul || op == CINCH_OP_neg || op == CINCH_OP_abs ||
           op == CINCH_OP_minimum || op == CINCH_OP_maximum;
}

static int32_t operand(const cinch_graph *g, int32_t id, int k) { return g->operands[g->nodes[id].first_in + k]; }
static int64_t count_of(const cinch_graph *g, int32_t id) { return cinch_shape_count(g->nodes[id].shape); }
static bool is_f32(const cinch_graph *g, int32_t id) { return g->nodes[id].dtype == CINCH_F32; }

int32_t cinch_types_base(const cinch_types *t, int32_t id)
{
    while (cinch_is_plain_view(t, id)) id = operand(t->g, id, 0);
    return id;
}

static bool is_parameter(const cinch_types *t, int32_t id)
{
    return t->g->nodes[cinch_types_base(t, id)].op == CINCH_OP_parameter;
}

/* A parameter that shall stay f32, or what moving it about gives. */
static bool is_kept(const cinch_types *t, int32_t id)
{
    const cinch_graph *g = t->g;
    while (role_of(g, id) == VIEW || role_of(g, id) == MOVE) id = operand(g, id, 0);
    const cinch_node *n = &g->nodes[id];
    return n->op == CINCH_OP_parameter && g->params->entries[n->attr.leaf.index].options.keep_f32;
}

/* A product with an operand that shall stay f32 is one of f32. */
static bool is_f32_product(const cinch_types *t, int32_t id)
{
    if (role_of(t->g, id) != PRODUCT) return false;
    for (int k = 0; k < t->g->nodes[id].n_in; k++)
        if (is_kept(t, operand(t->g, id, k))) return true;
    return false;
}

/* --- from the end to the start: who reads a value ----------------------------------------------------------------- */

enum {
    WANTS_BF16 = 1,  /* a product reads it */
    WANTS_F32 = 2,   /* something reads it that takes nothing else, or it is named by the user */
    LEADS_ON = 4,    /* a product reads it or what comes of it */
    STORED = 8,      /* as f32 it must lie in memory: a reader is neither elementwise nor the sum of everything */
    VIEWED = 16      /* a reader is a view */
};

static uint8_t reduction_bits(const cinch_types *t, int32_t id)
{
    bool whole = t->g->nodes[id].op == CINCH_OP_sum && count_of(t->g, id) == 1;
    return (uint8_t)((t->users[id] & LEADS_ON) | (whole ? 0 : STORED));
}

static uint8_t product_bits(const cinch_types *t, int32_t id, int k)
{
    if (is_f32_product(t, id)) return WANTS_F32 | STORED;
    return k < 2 ? WANTS_BF16 | LEADS_ON : LEADS_ON | STORED;
}

/* What node `id` says about its operand k. */
static uint8_t bits_of(const cinch_types *t, int32_t id, int k)
{
    uint8_t own = t->users[id], on = own & LEADS_ON;
    bool floating = is_f32(t->g, id) || t->g->nodes[id].dtype == CINCH_BF16;
    if (t->schedule.commit[id]) return WANTS_F32 | STORED;
    switch (role_of(t->g, id)) {
    case ELEMENTWISE: return on;
    case PRODUCT: return product_bits(t, id, k);
    case REDUCTION: return reduction_bits(t, id);
    case MOVE: return (own & (WANTS_BF16 | WANTS_F32 | LEADS_ON)) | STORED;
    case VIEW: return own | VIEWED;
    case CAST: return floating ? on | STORED : WANTS_F32 | STORED;
    case SAME: return on | STORED;
    case FULL: break;
    }
    return on | WANTS_F32 | STORED;
}

static void ask_users(cinch_types *t)
{
    const cinch_graph *g = t->g;
    for (int i = 0; i < g->n_outputs; i++) t->users[g->outputs[i].node] |= WANTS_F32 | STORED;
    if (g->commit_flag) t->users[g->commit_flag] |= WANTS_F32 | STORED;
    for (int32_t id = g->n_nodes - 1; id > 0; id--)
        for (int k = 0; t->schedule.live[id] && k < g->nodes[id].n_in; k++)
            t->users[operand(g, id, k)] |= bits_of(t, id, k);
}

/* --- from the start to the end: what it is stored in -------------------------------------------------------------- */

static bool is_low(const cinch_types *t, int32_t id) { return t->low[id] || t->g->nodes[id].dtype == CINCH_BF16; }

static bool is_repeated_step(const cinch_types *t, int32_t id) { return t->repeated[id] && role_of(t->g, id) != CAST; }

/* Is an operand of the result's size bf16, or would it be were it stored? Smaller ones are statistics and biases. */
static bool has_low_operand(const cinch_types *t, int32_t id)
{
    for (int k = 0; k < t->g->nodes[id].n_in; k++) {
        int32_t in = operand(t->g, id, k);
        bool low = is_low(t, in) || is_repeated_step(t, in);
        if (low && count_of(t->g, in) == count_of(t->g, id)) return true;
    }
    return false;
}

/* Is an operand of the result's size data in f32, of which bf16 would lose bits? */
static bool has_full_operand(const cinch_types *t, int32_t id)
{
    const cinch_graph *g = t->g;
    for (int k = 0; k < g->nodes[id].n_in; k++) {
        int32_t in = operand(g, id, k), base = cinch_types_base(t, in);
        bool data = g->nodes[base].op != CINCH_OP_fill && g->nodes[base].op != CINCH_OP_parameter;
        if (data && count_of(g, in) == count_of(g, id) && is_f32(g, in) && !is_low(t, in)) return true;
    }
    return false;
}

/* No further than one step: what repeats what is repeated would grow. */
static bool may_be_repeated(const cinch_types *t, int32_t id)
{
    for (int k = 0; k < t->g->nodes[id].n_in; k++)
        if (is_repeated_step(t, operand(t->g, id, k))) return false;
    return !(t->users[id] & (STORED | VIEWED)) && is_cheap(t->g->nodes[id].op) && has_full_operand(t, id);
}

static bool elementwise_is_low(cinch_types *t, int32_t id)
{
    uint8_t users = t->users[id];
    if (users & WANTS_F32) return false;
    if (users & WANTS_BF16) return true;
    if (!(users & LEADS_ON) || is_steep(t->g->nodes[id].op) || !has_low_operand(t, id)) return false;
    t->repeated[id] = may_be_repeated(t, id);
    return !t->repeated[id];
}

/* What grows or stays as large is cast before it is moved; what shrinks, and rows of a table, after. */
static bool move_is_low(const cinch_types *t, int32_t id)
{
    const cinch_node *n = &t->g->nodes[id];
    bool wanted = t->users[id] & WANTS_BF16 && !(t->users[id] & WANTS_F32);
    if (n->op == CINCH_OP_concat && t->users[id] & WANTS_F32) return false;
    for (int k = 0; k < (n->op == CINCH_OP_concat ? n->n_in : 1); k++)
        if (is_low(t, operand(t->g, id, k))) return true;
    if (!wanted || n->op == CINCH_OP_gather || is_kept(t, id)) return false;
    return count_of(t->g, id) >= count_of(t->g, operand(t->g, id, 0));
}

static bool same_is_low(const cinch_types *t, int32_t id)
{
    cinch_op op = t->g->nodes[id].op;
    bool wanted = t->users[id] & WANTS_BF16, moves = op == CINCH_OP_dropout || op == CINCH_OP_dropout_grad;
    if (t->users[id] & WANTS_F32 || !(t->users[id] & LEADS_ON)) return false;
    return is_low(t, operand(t->g, id, op == CINCH_OP_softmax_grad)) || (moves && wanted);
}

static bool node_is_low(cinch_types *t, int32_t id)
{
    const cinch_graph *g = t->g;
    uint8_t users = t->users[id];
    switch (role_of(g, id)) {
    case ELEMENTWISE: return elementwise_is_low(t, id);
    case PRODUCT: return !(users & WANTS_F32) && users & LEADS_ON && !is_f32_product(t, id);
    case REDUCTION: return (users & (WANTS_BF16 | WANTS_F32)) == WANTS_BF16 && is_low(t, operand(g, id, 0));
    case MOVE: return move_is_low(t, id);
    case VIEW: return is_low(t, operand(g, id, 0));
    case SAME: return same_is_low(t, id);
    case CAST: t->repeated[id] = g->nodes[operand(g, id, 0)].dtype == CINCH_U8 && !(users & STORED); return false;
    case FULL: break;
    }
    return false;
}

/* --- readers ------------------------------------------------------------------------------------------------------ */

/* A bias in elementwise form has the product's type, so that fusion takes it into the product. */
static bool is_bias(const cinch_types *t, int32_t id, int k)
{
    const cinch_graph *g = t->g;
    const cinch_node *n = &g->nodes[id];
    if (n->op != CINCH_OP_add || !t->low[id]) return false;
    int32_t product = operand(g, id, 1 - k), bias = operand(g, id, k);
    const cinch_shape *shape = &g->nodes[bias].shape;
    bool fits = shape->rank == 1 && shape->dim[0] == n->shape.dim[n->shape.rank - 1];
    return fits && g->nodes[product].op == CINCH_OP_matmul && is_low(t, product) && is_parameter(t, bias) &&
           !is_kept(t, bias);
}

cinch_reading cinch_types_reading(const cinch_types *t, int32_t id, int k)
{
    if (t->schedule.commit[id]) return CINCH_READS_F32;
    switch (role_of(t->g, id)) {
    case ELEMENTWISE: return is_bias(t, id, k) ? CINCH_READS_BF16 : CINCH_READS_ANY;
    case REDUCTION:
    case CAST: return CINCH_READS_ANY;
    case PRODUCT:
        if (is_f32_product(t, id)) return CINCH_READS_F32;
        return k < 2 || t->low[id] ? CINCH_READS_BF16 : CINCH_READS_F32;
    case VIEW:
    case MOVE:
    case SAME: return t->low[id] ? CINCH_READS_BF16 : CINCH_READS_F32;
    case FULL: break;
    }
    return CINCH_READS_F32;
}

static void find_copied(cinch_types *t)
{
    const cinch_graph *g = t->g;
    for (int32_t id = 1; id < g->n_nodes; id++)
        for (int k = 0; t->schedule.live[id] && k < g->nodes[id].n_in; k++) {
            if (cinch_is_plain_view(t, id) || cinch_types_reading(t, id, k) != CINCH_READS_BF16) continue;
            if (is_parameter(t, operand(g, id, k))) t->copied[cinch_types_base(t, operand(g, id, k))] = true;
        }
}

/* --- the pass ----------------------------------------------------------------------------------------------------- */

cinch_status cinch_types_create(cinch_types *t, const cinch_graph *g)
{
    size_t n = (size_t)g->n_nodes;
    *t = (cinch_types){.g = g, .users = cinch_calloc(n, 1), .low = cinch_calloc(n, sizeof *t->low),
                       .repeated = cinch_calloc(n, sizeof *t->repeated), .copied = cinch_calloc(n, sizeof *t->copied)};
    bool taken = t->users && t->low && t->repeated && t->copied;
    cinch_status status = taken ? cinch_schedule_create(&t->schedule, g) : CINCH_DEVICE;
    if (status) {
        cinch_types_free(t);
        return status;
    }
    ask_users(t);
    for (int32_t id = 1; id < g->n_nodes; id++)
        if (t->schedule.live[id] && !t->schedule.commit[id] && is_f32(g, id)) t->low[id] = node_is_low(t, id);
    find_copied(t);
    return CINCH_OK;
}

void cinch_types_free(cinch_types *t)
{
    cinch_schedule_free(&t->schedule);
    free(t->users);
    free(t->low);
    free(t->repeated);
    free(t->copied);
    *t = (cinch_types){0};
}

static void allow_tf32(cinch_graph *g)
{
    for (int32_t id = 1; id < g->n_nodes; id++)
        if (role_of(g, id) == PRODUCT && is_f32(g, id)) g->nodes[id].attr.matmul.tf32 = 1;
}

cinch_status cinch_set_precision(cinch_graph **g, cinch_precision precision)
{
    cinch_graph *typed;
    cinch_types types;
    if (precision == CINCH_PRECISION_TF32) allow_tf32(*g);
    if (precision != CINCH_PRECISION_BF16) return CINCH_OK;
    TRY(cinch_types_create(&types, *g));
    cinch_status status = cinch_retype(&typed, &types);
    cinch_types_free(&types);
    TRY(status);
    cinch_graph_free(*g);
    *g = typed;
    return CINCH_OK;
}
