/* SPDX-License-Identifier: Apache-2.0 */
#include <cinch/ops.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/node.h"
#include "core/status.h"

cinch_status cinch_graph_create(cinch_graph **out)
{
    *out = NULL;
    cinch_graph *g = cinch_calloc(1, sizeof *g);
    if (!g) return CINCH_DEVICE;
    g->n_nodes = 1;
    g->n_scopes = 1;
    cinch_status status;
    if ((status = cinch_grow((void **)&g->nodes, &g->room_nodes, 64, sizeof *g->nodes)) ||
        (status = cinch_grow((void **)&g->scopes, &g->room_scopes, 1, sizeof *g->scopes)) ||
        (status = cinch_grow((void **)&g->scope_streams, &g->room_streams, 1, sizeof *g->scope_streams)) ||
        !(g->scopes[0] = cinch_strdup(""))) {
        cinch_graph_free(g);
        return status ? status : CINCH_DEVICE;
    }
    *out = g;
    return CINCH_OK;
}

void cinch_graph_free(cinch_graph *g)
{
    if (!g) return;
    for (int i = 0; i < g->n_leaves; i++) {
        free(g->leaves[i].name);
        free(g->leaves[i].data);
    }
    for (int i = 0; i < g->n_outputs; i++) free(g->outputs[i].name);
    for (int i = 0; i < g->n_metrics; i++) free(g->metrics[i].name);
    for (int i = 0; g->scopes && i < g->n_scopes; i++) free(g->scopes[i]);
    free(g->nodes);
    free(g->operands);
    free(g->leaves);
    free(g->outputs);
    free(g->metrics);
    free(g->scopes);
    free(g->scope_streams);
    free(g);
}

/* --- errors ------------------------------------------------------------------------------------------------------- */

static cinch_value fail_with(cinch_graph *g, cinch_status status, const char *text)
{
    if (g->status) return (cinch_value){0};
    const char *scope = g->scopes[g->scope];
    g->status = status;
    snprintf(g->error, sizeof g->error, "%.200s%s%.300s", scope, *scope ? ": " : "", text);
    return (cinch_value){0};
}

cinch_value cinch_graph_fail(cinch_graph *g, const char *format, ...)
{
    char text[sizeof g->error];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return fail_with(g, CINCH_USAGE, text);
}

cinch_value cinch_graph_out_of_memory(cinch_graph *g)
{
    return fail_with(g, CINCH_DEVICE, cinch_last_error());
}

cinch_status cinch_graph_status(cinch_graph *g)
{
    return g->status ? cinch_fail(g->status, "%s", g->error) : CINCH_OK;
}

int cinch_graph_size(const cinch_graph *g) { return g->n_nodes - 1; }

/* --- scopes ------------------------------------------------------------------------------------------------------- */

static int find_scope(const cinch_graph *g, const char *name)
{
    for (int i = 0; i < g->n_scopes; i++)
        if (!strcmp(g->scopes[i], name)) return i;
    return -1;
}

static int add_scope(cinch_graph *g, char *name)
{
    if (!name || cinch_grow((void **)&g->scopes, &g->room_scopes, g->n_scopes + 1, sizeof *g->scopes) ||
        cinch_grow((void **)&g->scope_streams, &g->room_streams, g->n_scopes + 1, sizeof *g->scope_streams)) {
        free(name);
        cinch_graph_out_of_memory(g);
        return g->scope;
    }
    g->scopes[g->n_scopes] = name;
    return g->n_scopes++;
}

void cinch_scope_push(cinch_graph *g, const char *name)
{
    const char *outer = g->scopes[g->scope];
    char *full = cinch_format("%s%s%s", outer, *outer ? "." : "", name);
    int known = full ? find_scope(g, full) : -1;
    if (known < 0) {
        g->scope = add_scope(g, full);
        return;
    }
    free(full);
    g->scope = known;
}

void cinch_scope_pop(cinch_graph *g)
{
    char outer[512];
    snprintf(outer, sizeof outer, "%s", g->scopes[g->scope]);
    char *dot = strrchr(outer, '.');
    *(dot ? dot : outer) = 0;
    int known = find_scope(g, outer);
    g->scope = known < 0 ? 0 : known;
}

const char *cinch_scope(const cinch_graph *g) { return g->scopes[g->scope]; }

/* FNV-1a of the scope's name and the number of random ops before this one in it. */
uint32_t cinch_next_stream(cinch_graph *g)
{
    uint32_t hash = 2166136261u, ordinal = g->scope_streams[g->scope]++;
    for (const char *c = g->scopes[g->scope]; *c; c++) hash = (hash ^ (unsigned char)*c) * 16777619u;
    for (int i = 0; i < 4; i++) hash = (hash ^ (ordinal >> 8 * i & 255)) * 16777619u;
    return hash;
}

/* --- nodes -------------------------------------------------------------------------------------------------------- */

static bool room_for(cinch_graph *g, int nodes, int operands)
{
    return !cinch_grow((void **)&g->nodes, &g->room_nodes, g->n_nodes + nodes, sizeof *g->nodes) &&
           !cinch_grow((void **)&g->operands, &g->room_operands, g->n_operands + operands, sizeof *g->operands);
}

/* Recompute clones what it repeats; memory that exists anyway and effects are never repeated. */
static bool repeatable(cinch_op op)
{
    cinch_op_kind kind = cinch_ops[op].kind;
    return kind != CINCH_KIND_LEAF && kind != CINCH_KIND_EFFECT && op != CINCH_OP_written;
}

/* A node whose shape is still to be set, not counted yet; NULL when memory is short. */
static cinch_node *draft(cinch_graph *g, cinch_op op, const cinch_attr *attr, int n, const cinch_value *in)
{
    if (!room_for(g, 1, n)) {
        cinch_graph_out_of_memory(g);
        return NULL;
    }
    cinch_node *node = &g->nodes[g->n_nodes];
    memset(node, 0, sizeof *node);
    node->op = op;
    node->first_in = g->n_operands;
    node->n_in = n;
    node->scope = g->scope;
    node->block = repeatable(op) ? g->block : 0;
    if (attr) node->attr = *attr;
    for (int i = 0; i < n; i++) g->operands[g->n_operands + i] = in[i].id;
    return node;
}

static cinch_value commit(cinch_graph *g, const cinch_node *node)
{
    g->n_operands += node->n_in;
    return (cinch_value){g->n_nodes++};
}

static bool operands_valid(const cinch_graph *g, int n, const cinch_value *in)
{
    for (int i = 0; i < n; i++)
        if (in[i].id <= 0 || in[i].id >= g->n_nodes) return false;
    return true;
}

static bool type_allowed(const cinch_op_info *info, cinch_dtype dtype)
{
    return strchr(info->types, "FBIU"[dtype]) != NULL;
}

cinch_value cinch_append(cinch_graph *g, cinch_op op, const cinch_attr *attr, int n, const cinch_value *in)
{
    static const char *const dtype_names[] = {"f32", "bf16", "i32", "u8"};
    const cinch_op_info *info = &cinch_ops[op];
    if (g->status) return (cinch_value){0};
    if (!operands_valid(g, n, in))
        return cinch_graph_fail(g, "%s: an operand is not a value of this graph", info->name);
    if (info->n_in != CINCH_ANY_COUNT && info->n_in != n)
        return cinch_graph_fail(g, "%s takes %d operands, not %d", info->name, info->n_in, n);
    cinch_node *node = draft(g, op, attr, n, in);
    if (!node) return (cinch_value){0};
    if (n) node->dtype = g->nodes[in[0].id].dtype;
    if (n && info->kind != CINCH_KIND_VIEW && !type_allowed(info, node->dtype))
        return cinch_graph_fail(g, "%s does not work on %s", info->name, dtype_names[node->dtype]);
    if (!cinch_rules[op]->shape) return cinch_graph_fail(g, "%s: its shape must be given", info->name);
    if (!cinch_rules[op]->shape(g, node)) return (cinch_value){0};
    return commit(g, node);
}

cinch_value cinch_append_as(cinch_graph *g, cinch_op op, const cinch_attr *attr, int n, const cinch_value *in,
                            cinch_dtype dtype, cinch_shape shape)
{
    if (g->status) return (cinch_value){0};
    if (!operands_valid(g, n, in))
        return cinch_graph_fail(g, "%s: an operand is not a value of this graph", cinch_ops[op].name);
    cinch_node *node = draft(g, op, attr, n, in);
    if (!node) return (cinch_value){0};
    node->dtype = dtype;
    node->shape = shape;
    return commit(g, node);
}

/* --- leaves ------------------------------------------------------------------------------------------------------- */

static bool sizes_fit(cinch_shape shape)
{
    int64_t count = 1;
    if (shape.rank < 0 || shape.rank > CINCH_RANK_MAX) return false;
    for (int i = 0; i < shape.rank; i++)
        if (shape.dim[i] < 0 || __builtin_mul_overflow(count, shape.dim[i], &count) || count > INT64_MAX / 8)
            return false;
    return true;
}

static cinch_value add_leaf(cinch_graph *g, cinch_op op, cinch_dtype dtype, cinch_shape shape, char *name, void *data)
{
    cinch_attr attr = {.leaf = {g->n_leaves}};
    if (cinch_grow((void **)&g->leaves, &g->room_leaves, g->n_leaves + 1, sizeof *g->leaves)) goto failed;
    cinch_value value = cinch_append_as(g, op, &attr, 0, NULL, dtype, shape);
    if (!value.id) goto failed;
    g->leaves[g->n_leaves++] = (cinch_leaf){name, value.id, data};
    return value;
failed:
    free(name);
    free(data);
    return g->status ? (cinch_value){0} : cinch_graph_out_of_memory(g);
}

static cinch_value named_leaf(cinch_graph *g, cinch_op op, const char *name, cinch_dtype dtype, cinch_shape shape)
{
    char had[64], wanted[64];
    if (g->status) return (cinch_value){0};
    if (!sizes_fit(shape)) return cinch_graph_fail(g, "'%s': bad shape", name);
    for (int i = 0; i < g->n_leaves; i++) {
        if (!g->leaves[i].name || strcmp(g->leaves[i].name, name)) continue;
        const cinch_node *node = &g->nodes[g->leaves[i].node];
        if (node->op == op && node->dtype == dtype && cinch_same_shape(node->shape, shape))
            return (cinch_value){g->leaves[i].node};
        return cinch_graph_fail(g, "'%s' is %s here but was %s", name, cinch_shape_text(shape, wanted),
                                cinch_shape_text(node->shape, had));
    }
    char *copy = cinch_strdup(name);
    return copy ? add_leaf(g, op, dtype, shape, copy, NULL) : cinch_graph_out_of_memory(g);
}

cinch_value cinch_input(cinch_graph *g, const char *name, cinch_dtype dtype, cinch_shape shape)
{
    return named_leaf(g, CINCH_OP_input, name, dtype, shape);
}

cinch_value cinch_control(cinch_graph *g, const char *name, cinch_dtype dtype, cinch_shape shape)
{
    return named_leaf(g, CINCH_OP_control, name, dtype, shape);
}

cinch_value cinch_position_of(cinch_graph *g)
{
    return cinch_control(g, "position", CINCH_I32, CINCH_SHAPE(8));
}

cinch_value cinch_constant(cinch_graph *g, cinch_dtype dtype, cinch_shape shape, const void *data)
{
    if (g->status) return (cinch_value){0};
    if (!sizes_fit(shape)) return cinch_graph_fail(g, "constant: bad shape");
    size_t bytes = (size_t)cinch_shape_count(shape) * cinch_dtype_size(dtype);
    void *copy = cinch_calloc(bytes, 1);
    if (!copy) return cinch_graph_out_of_memory(g);
    memcpy(copy, data, bytes);
    return add_leaf(g, CINCH_OP_constant, dtype, shape, NULL, copy);
}

/* --- roots -------------------------------------------------------------------------------------------------------- */

static void add_root(cinch_graph *g, cinch_root **roots, int *n, int *room, const char *name, cinch_value value)
{
    for (int i = 0; i < *n; i++)
        if (!strcmp((*roots)[i].name, name)) {
            cinch_graph_fail(g, "'%s' is named twice", name);
            return;
        }
    char *copy = cinch_strdup(name);
    if (!copy || cinch_grow((void **)roots, room, *n + 1, sizeof **roots)) {
        free(copy);
        cinch_graph_out_of_memory(g);
        return;
    }
    (*roots)[(*n)++] = (cinch_root){copy, value.id};
}

static bool usable(cinch_graph *g, cinch_value value, const char *name)
{
    if (g->status) return false;
    if (operands_valid(g, 1, &value)) return true;
    cinch_graph_fail(g, "'%s' is not a value of this graph", name);
    return false;
}

void cinch_output(cinch_graph *g, const char *name, cinch_value value)
{
    if (usable(g, value, name)) add_root(g, &g->outputs, &g->n_outputs, &g->room_outputs, name, value);
}

static bool is_scalar(const cinch_graph *g, cinch_value v)
{
    return g->nodes[v.id].dtype == CINCH_F32 && cinch_shape_count(g->nodes[v.id].shape) == 1;
}

void cinch_metric(cinch_graph *g, const char *name, cinch_value value)
{
    if (!usable(g, value, name)) return;
    if (!is_scalar(g, value)) cinch_graph_fail(g, "metric '%s' must be one f32", name);
    else add_root(g, &g->metrics, &g->n_metrics, &g->room_metrics, name, value);
}

void cinch_commit_if(cinch_graph *g, cinch_value flag)
{
    if (!usable(g, flag, "commit flag")) return;
    if (g->commit_flag || !is_scalar(g, flag)) cinch_graph_fail(g, "the commit flag is one f32, given once");
    else g->commit_flag = flag.id;
}

/* --- questions ---------------------------------------------------------------------------------------------------- */

bool cinch_valid(cinch_value value) { return value.id > 0; }

cinch_shape cinch_shape_of(const cinch_graph *g, cinch_value value) { return g->nodes[value.id].shape; }

cinch_dtype cinch_dtype_of(const cinch_graph *g, cinch_value value) { return g->nodes[value.id].dtype; }

int64_t cinch_dim(const cinch_graph *g, cinch_value value, int axis)
{
    cinch_shape shape = cinch_shape_of(g, value);
    if (axis < 0) axis += shape.rank;
    return axis >= 0 && axis < shape.rank ? shape.dim[axis] : 1;
}

bool cinch_same_shape(cinch_shape a, cinch_shape b)
{
    if (a.rank != b.rank) return false;
    for (int i = 0; i < a.rank; i++)
        if (a.dim[i] != b.dim[i]) return false;
    return true;
}

bool cinch_broadcast_shapes(cinch_shape a, cinch_shape b, cinch_shape *out)
{
    out->rank = a.rank > b.rank ? a.rank : b.rank;
    for (int i = 0; i < out->rank; i++) {
        int ia = i - (out->rank - a.rank), ib = i - (out->rank - b.rank);
        int64_t da = ia < 0 ? 1 : a.dim[ia], db = ib < 0 ? 1 : b.dim[ib];
        if (da != db && da != 1 && db != 1) return false;
        out->dim[i] = da == 1 ? db : da;
    }
    return true;
}

char *cinch_shape_text(cinch_shape shape, char text[64])
{
    int used = snprintf(text, 64, "[");
    for (int i = 0; i < shape.rank && used < 60; i++)
        used += snprintf(text + used, 64 - (size_t)used, "%s%lld", i ? ", " : "", (long long)shape.dim[i]);
    if (used < 63) snprintf(text + used, 64 - (size_t)used, "]");
    return text;
}

/* --- recompute blocks --------------------------------------------------------------------------------------------- */

void cinch_recompute_begin(cinch_graph *g)
{
    if (g->block) cinch_graph_fail(g, "recompute blocks do not nest");
    else g->block = ++g->n_blocks;
}

void cinch_recompute_end(cinch_graph *g)
{
    if (!g->block && !g->status) cinch_graph_fail(g, "no recompute block to end");
    g->block = 0;
}

/* --- for the passes ----------------------------------------------------------------------------------------------- */

static void *duplicate(const void *from, int count, size_t size)
{
    void *to = cinch_calloc((size_t)count, size);
    if (to && count) memcpy(to, from, (size_t)count * size);
    return to;
}

static bool copy_roots(cinch_root **to, int *n_to, const cinch_root *from, int n)
{
    *to = cinch_calloc((size_t)n, sizeof **to);
    *n_to = *to ? n : 0;
    for (int i = 0; i < *n_to; i++) {
        (*to)[i] = (cinch_root){cinch_strdup(from[i].name), from[i].node};
        if (!(*to)[i].name) return false;
    }
    return *to != NULL;
}

static bool copy_leaf(cinch_leaf *to, const cinch_leaf *leaf, const cinch_node *node)
{
    size_t bytes = (size_t)cinch_shape_count(node->shape) * cinch_dtype_size(node->dtype);
    to->node = leaf->node;
    if (leaf->name && !(to->name = cinch_strdup(leaf->name))) return false;
    if (leaf->data && !(to->data = cinch_calloc(bytes, 1))) return false;
    if (leaf->data) memcpy(to->data, leaf->data, bytes);
    return true;
}

static bool copy_leaves(cinch_graph *to, const cinch_graph *g)
{
    to->leaves = cinch_calloc((size_t)g->n_leaves, sizeof *to->leaves);
    to->n_leaves = to->leaves ? g->n_leaves : 0;
    for (int i = 0; i < to->n_leaves; i++)
        if (!copy_leaf(&to->leaves[i], &g->leaves[i], &g->nodes[g->leaves[i].node])) return false;
    return to->leaves != NULL;
}

static bool copy_scopes(cinch_graph *to, const cinch_graph *g)
{
    to->scope_streams = duplicate(g->scope_streams, g->n_scopes, sizeof *g->scope_streams);
    to->scopes = cinch_calloc((size_t)g->n_scopes, sizeof *to->scopes);
    for (int i = 0; to->scopes && i < g->n_scopes; i++)
        if (!(to->scopes[i] = cinch_strdup(g->scopes[i]))) return false;
    return to->scopes && to->scope_streams;
}

cinch_status cinch_graph_copy(cinch_graph **out, const cinch_graph *g)
{
    cinch_graph *to = *out = cinch_calloc(1, sizeof *to);
    if (!to) return CINCH_DEVICE;
    *to = *g;
    to->leaves = NULL;
    to->outputs = to->metrics = NULL;
    to->scopes = NULL;
    to->scope_streams = NULL;
    to->nodes = duplicate(g->nodes, g->n_nodes, sizeof *g->nodes);
    to->operands = duplicate(g->operands, g->n_operands, sizeof *g->operands);
    to->room_nodes = to->n_nodes;
    to->room_operands = to->n_operands;
    to->room_leaves = to->n_leaves;
    to->room_outputs = to->n_outputs;
    to->room_metrics = to->n_metrics;
    to->room_scopes = to->room_streams = to->n_scopes;
    to->n_leaves = to->n_outputs = to->n_metrics = 0;
    if (to->nodes && to->operands && copy_scopes(to, g) && copy_leaves(to, g) &&
        copy_roots(&to->outputs, &to->n_outputs, g->outputs, g->n_outputs) &&
        copy_roots(&to->metrics, &to->n_metrics, g->metrics, g->n_metrics))
        return CINCH_OK;
    cinch_graph_free(to);
    *out = NULL;
    return CINCH_DEVICE;
}

cinch_base cinch_base_of(const cinch_graph *g, int32_t id)
{
    cinch_base base = {id, 0};
    for (;;) {
        const cinch_node *n = &g->nodes[base.id];
        if (cinch_ops[n->op].kind != CINCH_KIND_VIEW || n->op == CINCH_OP_result) return base;
        if (n->op == CINCH_OP_window) base.offset += n->attr.window.offset * (int64_t)cinch_dtype_size(n->dtype);
        base.id = g->operands[n->first_in];
        if (n->op == CINCH_OP_written) base.id = g->operands[g->nodes[base.id].first_in + n->attr.leaf.index];
    }
}
