/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a graph again with the storage types that precision.c decided. Casts come where they are first needed, once
 * for a value; casts of casts become one. Parameters that lie side by side are cast together.
 */
#include <cinch/ops.h>

#include <stdlib.h>

#include "core/precision.h"
#include "core/status.h"

/* Parameters of one slab that are cast at once: what lies between them is less than a cast of its own would cost. */
typedef struct run {
    int slab;
    int64_t first, last;    /* floats from the start of the slab */
    int32_t parameter;      /* the node, where it is one alone; else 0 */
    int32_t cast;           /* in the new graph, once it is written */
} run;

enum { GAP = 4096 };

typedef struct writer {
    const cinch_types *t;
    const cinch_graph *from;
    cinch_graph *to;
    int32_t *full, *low;    /* old node -> the new value, as f32 (or what it was) and as bf16; 0: not written yet */
    int32_t *self;          /* old node -> the new node that computes it */
    int32_t *run_of;        /* parameter -> its run */
    run *runs;
    int n_runs;
} writer;

static const cinch_node *node(const writer *w, int32_t id) { return &w->from->nodes[id]; }
static int32_t operand(const writer *w, int32_t id, int k) { return w->from->operands[node(w, id)->first_in + k]; }

static int32_t append(writer *w, cinch_op op, const cinch_attr *attr, int n, const int32_t *in, cinch_dtype dtype,
                      cinch_shape shape)
{
    cinch_value values[2];
    for (int k = 0; k < n; k++) values[k].id = in[k];
    return cinch_append_as(w->to, op, attr, n, values, dtype, shape).id;
}

static int32_t view(writer *w, int32_t in, cinch_op op, cinch_shape shape)
{
    return append(w, op, NULL, 1, &in, w->to->nodes[in].dtype, shape);
}

static int32_t cast(writer *w, int32_t in, cinch_dtype dtype, float scale, float offset)
{
    cinch_attr attr = {.scalars = {{scale, offset}}};
    return append(w, CINCH_OP_cast, &attr, 1, &in, dtype, w->to->nodes[in].shape);
}

/* --- parameters as bf16 ------------------------------------------------------------------------------------------- */

static const cinch_param_entry *entry(const writer *w, int32_t id)
{
    return &w->from->params->entries[node(w, id)->attr.leaf.index];
}

/* The parameter behind `id` in its slab, of those that are read as bf16; 0 when there is none. */
static int32_t next_parameter(const writer *w, int slab, int64_t from)
{
    int32_t next = 0;
    for (int32_t id = 1; id < w->from->n_nodes; id++) {
        if (!w->t->copied[id] || (int)cinch_slab_of(entry(w, id)) != slab || entry(w, id)->offset < from) continue;
        if (!next || entry(w, id)->offset < entry(w, next)->offset) next = id;
    }
    return next;
}

static void add_to_run(writer *w, int slab, int32_t id)
{
    const cinch_param_entry *e = entry(w, id);
    run *r = w->n_runs ? &w->runs[w->n_runs - 1] : NULL;
    bool joins = r && r->slab == slab && e->offset - r->last <= GAP;
    if (!joins) w->runs[w->n_runs++] = (run){slab, e->offset, 0, id, 0};
    else r->parameter = 0;
    w->run_of[id] = w->n_runs - 1;
    w->runs[w->n_runs - 1].last = e->offset + cinch_shape_count(e->shape);
}

static void find_runs(writer *w)
{
    for (int slab = CINCH_SLAB_TRAINABLE; w->from->params && slab <= CINCH_SLAB_STATE; slab++)
        for (int64_t at = 0; at >= 0;) {
            int32_t id = next_parameter(w, slab, at);
            if (id) add_to_run(w, slab, id);
            at = id ? entry(w, id)->offset + 1 : -1;
        }
}

static int32_t write_run(writer *w, const run *r)
{
    if (r->parameter) return cast(w, w->full[r->parameter], CINCH_BF16, 1, 0);
    cinch_value slab = cinch_slab_value(w->to, w->from->params, (cinch_slab)r->slab);
    return cast(w, cinch_window(w->to, slab, r->first, CINCH_SHAPE(r->last - r->first)).id, CINCH_BF16, 1, 0);
}

static int32_t parameter_as_bf16(writer *w, int32_t id)
{
    run *r = &w->runs[w->run_of[id]];
    if (!r->cast) r->cast = write_run(w, r);
    if (r->parameter) return r->cast;
    return cinch_window(w->to, (cinch_value){r->cast}, entry(w, id)->offset - r->first, entry(w, id)->shape).id;
}

/* --- values in the type that a reader wants ----------------------------------------------------------------------- */

static int32_t read_any(writer *w, int32_t id);
static int32_t read_as(writer *w, int32_t id, bool low);
static int32_t write_node(writer *w, int32_t id);

static bool is_identity(const cinch_node *n) { return n->attr.scalars.v[0] == 1 && n->attr.scalars.v[1] == 0; }

/* The cast `id` of the old graph, to the type wanted now. */
static int32_t write_cast(writer *w, int32_t id, cinch_dtype dtype)
{
    const cinch_node *n = node(w, id);
    int32_t from = operand(w, id, 0);
    bool f32 = node(w, from)->dtype == CINCH_F32, low = dtype == CINCH_BF16;
    if (is_identity(n) && f32 && (low || dtype == CINCH_F32)) return read_as(w, from, low);
    if (is_identity(n) && node(w, from)->dtype == dtype) return read_as(w, from, false);
    return cast(w, read_any(w, from), dtype, n->attr.scalars.v[0], n->attr.scalars.v[1]);
}

static int32_t write_as(writer *w, int32_t id, bool low)
{
    const cinch_node *n = node(w, id);
    cinch_dtype dtype = n->dtype != CINCH_F32 ? n->dtype : low ? CINCH_BF16 : CINCH_F32;
    if (cinch_is_plain_view(w->t, id)) return view(w, read_as(w, operand(w, id, 0), low), n->op, n->shape);
    if (n->op == CINCH_OP_cast) return write_cast(w, id, dtype);
    if (low && w->t->copied[id]) return parameter_as_bf16(w, id);
    return cast(w, low ? w->full[id] : w->low[id], dtype, 1, 0);
}

static int32_t read_as(writer *w, int32_t id, bool low)
{
    int32_t *known = low && node(w, id)->dtype == CINCH_F32 ? &w->low[id] : &w->full[id];
    if (!*known) *known = write_as(w, id, low);
    return *known;
}

/* A cast from u8 as steps of the reader's chain, which reads the bytes themselves. */
static int32_t write_steps(writer *w, int32_t id, cinch_shape shape)
{
    const cinch_node *n = node(w, id);
    const cinch_op ops[] = {CINCH_OP_mul, CINCH_OP_add};
    int32_t x = read_any(w, operand(w, id, 0));
    if (!cinch_same_shape(w->to->nodes[x].shape, shape)) x = view(w, x, CINCH_OP_reshape, shape);
    for (int k = 0; k < 2; k++) {
        float number = n->attr.scalars.v[k];
        if (number == (k ? 0 : 1)) continue;
        x = append(w, ops[k], NULL, 2, (int32_t[]){x, cinch_scalar(w->to, number).id}, CINCH_F32, shape);
    }
    return x;
}

static int32_t read_any(writer *w, int32_t id)
{
    int32_t base = cinch_types_base(w->t, id);
    if (!w->t->repeated[base]) return read_as(w, id, w->t->low[id]);
    return node(w, base)->op == CINCH_OP_cast ? write_steps(w, base, node(w, id)->shape) : write_node(w, base);
}

/* --- nodes -------------------------------------------------------------------------------------------------------- */

static int32_t read_operand(writer *w, int32_t id, int k)
{
    int32_t in = operand(w, id, k);
    switch (cinch_types_reading(w->t, id, k)) {
    case CINCH_READS_ANY: return read_any(w, in);
    case CINCH_READS_BF16: return read_as(w, in, true);
    case CINCH_READS_F32: break;
    }
    return read_as(w, in, false);
}

/* An operand that is named twice is read once. */
static void read_operands(writer *w, int32_t id, cinch_value *in)
{
    for (int k = 0; k < node(w, id)->n_in; k++) {
        in[k].id = 0;
        for (int j = 0; j < k; j++)
            if (operand(w, id, j) == operand(w, id, k) &&
                cinch_types_reading(w->t, id, j) == cinch_types_reading(w->t, id, k)) in[k] = in[j];
        if (!in[k].id) in[k].id = read_operand(w, id, k);
    }
}

/* Node `id` with its operands in the types it reads. */
static int32_t write_node(writer *w, int32_t id)
{
    cinch_node n = *node(w, id);
    cinch_value *in = cinch_calloc((size_t)n.n_in, sizeof *in);
    if (!in) return cinch_graph_out_of_memory(w->to).id;
    read_operands(w, id, in);
    int32_t new = cinch_append_as(w->to, n.op, &n.attr, n.n_in, in, w->t->low[id] ? CINCH_BF16 : n.dtype, n.shape).id;
    free(in);
    if (!new) return 0;
    w->to->nodes[new].saved_from = n.saved_from ? w->self[n.saved_from] : 0;
    return w->self[id] = new;
}

/* Written where it is needed. */
static bool is_lazy(const writer *w, int32_t id)
{
    if (w->t->schedule.commit[id]) return false;
    return cinch_is_plain_view(w->t, id) || w->t->repeated[id] || node(w, id)->op == CINCH_OP_cast;
}

static void write_at_place(writer *w, int32_t id)
{
    bool leaf = cinch_ops[node(w, id)->op].kind == CINCH_KIND_LEAF;
    if (leaf || !w->t->schedule.live[id] || is_lazy(w, id)) return;
    w->to->scope = node(w, id)->scope;
    int32_t new = write_node(w, id);
    if (w->t->low[id]) w->low[id] = new;
    else w->full[id] = new;
}

/* --- the graph ---------------------------------------------------------------------------------------------------- */

/* Leaves stay whether anyone reads them or not: the user may write them. */
static void write_leaves(writer *w)
{
    for (int32_t id = 1; id < w->from->n_nodes; id++)
        if (cinch_ops[node(w, id)->op].kind == CINCH_KIND_LEAF) {
            const cinch_node *n = node(w, id);
            w->to->scope = n->scope;
            w->full[id] = w->self[id] = append(w, n->op, &n->attr, 0, NULL, n->dtype, n->shape);
        }
}

static void write_roots(writer *w)
{
    cinch_graph *to = w->to;
    to->scope = 0;
    for (int i = 0; i < to->n_leaves; i++) to->leaves[i].node = w->full[w->from->leaves[i].node];
    for (int i = 0; i < to->n_outputs; i++) to->outputs[i].node = read_as(w, w->from->outputs[i].node, false);
    for (int i = 0; i < to->n_metrics; i++) to->metrics[i].node = read_as(w, w->from->metrics[i].node, false);
    if (to->commit_flag) to->commit_flag = read_as(w, w->from->commit_flag, false);
}

static cinch_status write_all(writer *w)
{
    w->to->n_nodes = 1;
    w->to->n_operands = 0;
    if (w->from->params) cinch_params_lay_out(w->from->params);
    find_runs(w);
    write_leaves(w);
    for (int32_t id = 1; id < w->from->n_nodes && !w->to->status; id++) write_at_place(w, id);
    if (!w->to->status) write_roots(w);
    return cinch_graph_status(w->to);
}

cinch_status cinch_retype(cinch_graph **out, const cinch_types *types)
{
    size_t n = (size_t)types->g->n_nodes;
    writer w = {.t = types, .from = types->g, .runs = cinch_calloc(n, sizeof *w.runs)};
    int32_t *table = cinch_calloc(n * 4, sizeof *table);
    cinch_status status = table && w.runs ? cinch_graph_copy(&w.to, types->g) : CINCH_DEVICE;
    if (!status) {
        w.full = table;
        w.low = table + n;
        w.self = table + 2 * n;
        w.run_of = table + 3 * n;
        status = write_all(&w);
    }
    free(table);
    free(w.runs);
    if (status) cinch_graph_free(w.to);
    *out = status ? NULL : w.to;
    return status;
}
