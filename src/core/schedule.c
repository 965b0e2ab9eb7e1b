/* SPDX-License-Identifier: Apache-2.0 */
/* Dead code, phases and order; recording metrics; protecting states that are read after they were written. */
#include <stdlib.h>

#include "core/passes.h"
#include "core/status.h"

static bool is_effect(const cinch_graph *g, int32_t id) { return cinch_ops[g->nodes[id].op].kind == CINCH_KIND_EFFECT; }

/* --- schedule ----------------------------------------------------------------------------------------------------- */

static void mark(const cinch_graph *g, bool *live, int32_t *stack, int32_t root)
{
    int n = 0;
    if (!live[root]) stack[n++] = root;
    live[root] = true;
    while (n) {
        const cinch_node *node = &g->nodes[stack[--n]];
        for (int k = 0; k <= node->n_in; k++) {
            int32_t in = k < node->n_in ? g->operands[node->first_in + k] : node->saved_from;
            if (!in || live[in]) continue;
            live[in] = true;
            stack[n++] = in;
        }
    }
}

static void mark_roots(const cinch_graph *g, bool *live, int32_t *stack)
{
    for (int i = 0; i < g->n_outputs; i++) mark(g, live, stack, g->outputs[i].node);
    for (int32_t id = 1; id < g->n_nodes; id++)
        if (is_effect(g, id)) mark(g, live, stack, id);
    if (g->commit_flag) mark(g, live, stack, g->commit_flag);
}

/* Effects and everything that reads what they wrote. Copies that protect_states appended come after their readers, so
   only operands before the node count. */
static void find_commit(const cinch_graph *g, bool *commit)
{
    for (int32_t id = 1; id < g->n_nodes; id++) {
        const cinch_node *node = &g->nodes[id];
        commit[id] = is_effect(g, id);
        for (int k = 0; !commit[id] && k < node->n_in; k++) commit[id] = commit[g->operands[node->first_in + k]];
    }
}

static void append_phase(const cinch_graph *g, cinch_schedule *s, bool commit)
{
    for (int32_t id = 1; id < g->n_nodes; id++) {
        cinch_op_kind kind = cinch_ops[g->nodes[id].op].kind;
        bool runs = kind != CINCH_KIND_LEAF && kind != CINCH_KIND_VIEW;
        if (runs && s->live[id] && s->commit[id] == commit) s->order[s->n++] = id;
    }
}

cinch_status cinch_schedule_create(cinch_schedule *s, const cinch_graph *g)
{
    size_t count = (size_t)g->n_nodes;
    int32_t *stack = cinch_calloc(count, sizeof *stack);
    *s = (cinch_schedule){.order = cinch_calloc(count, sizeof *s->order),
                          .live = cinch_calloc(count, sizeof *s->live),
                          .commit = cinch_calloc(count, sizeof *s->commit)};
    if (!stack || !s->order || !s->live || !s->commit) {
        free(stack);
        cinch_schedule_free(s);
        return CINCH_DEVICE;
    }
    mark_roots(g, s->live, stack);
    find_commit(g, s->commit);
    append_phase(g, s, false);
    s->n_main = s->n;
    append_phase(g, s, true);
    free(stack);
    return CINCH_OK;
}

void cinch_schedule_free(cinch_schedule *s)
{
    free(s->order);
    free(s->live);
    free(s->commit);
    *s = (cinch_schedule){0};
}

/* --- metrics ------------------------------------------------------------------------------------------------------ */

void cinch_record_metrics(cinch_graph *g, int rows)
{
    if (!g->n_metrics) return;
    cinch_value *in = cinch_calloc((size_t)g->n_metrics + 2, sizeof *in);
    if (!in) {
        cinch_graph_out_of_memory(g);
        return;
    }
    in[0] = cinch_input(g, CINCH_RING_INPUT, CINCH_F32, CINCH_SHAPE(rows, g->n_metrics));
    in[1] = cinch_control(g, CINCH_ROW_CONTROL, CINCH_I32, (cinch_shape){0});
    for (int i = 0; i < g->n_metrics; i++) in[i + 2] = (cinch_value){g->metrics[i].node};
    cinch_append(g, CINCH_OP_record, NULL, g->n_metrics + 2, in);
    free(in);
}

/* --- states ------------------------------------------------------------------------------------------------------- */

/* A piece of a slab that an effect writes or a node reads. */
typedef struct span { int slab; int64_t first, last; } span;

static bool span_of(const cinch_graph *g, int32_t id, span *out)
{
    cinch_base base = cinch_base_of(g, id);
    const cinch_node *leaf = &g->nodes[base.id];
    int64_t bytes = cinch_shape_count(g->nodes[id].shape) * (int64_t)sizeof(float);
    if (leaf->op == CINCH_OP_slab) *out = (span){leaf->attr.leaf.index, base.offset, base.offset + bytes};
    else if (leaf->op == CINCH_OP_parameter) {
        const cinch_param_entry *e = &g->params->entries[leaf->attr.leaf.index];
        int64_t offset = base.offset + e->offset * (int64_t)sizeof(float);
        *out = (span){cinch_slab_of(e), offset, offset + bytes};
    } else return false;
    return true;
}

static bool reads_result(const cinch_graph *g, int32_t id)
{
    for (; cinch_ops[g->nodes[id].op].kind == CINCH_KIND_VIEW; id = g->operands[g->nodes[id].first_in])
        if (g->nodes[id].op == CINCH_OP_written) return true;
    return false;
}

static bool writes_into(const cinch_graph *g, int32_t effect, span wanted)
{
    const cinch_node *node = &g->nodes[effect];
    span written;
    for (int k = 0; k < node->n_in; k++)
        if (cinch_ops[node->op].writes >> k & 1 && span_of(g, g->operands[node->first_in + k], &written) &&
            written.slab == wanted.slab && written.first < wanted.last && wanted.first < written.last)
            return true;
    return false;
}

/* Would a read of `id` at node `at` see what an effect before it wrote? */
static bool overwritten(const cinch_graph *g, int32_t id, int32_t at)
{
    span wanted;
    if (reads_result(g, id) || !span_of(g, id, &wanted)) return false;
    for (int32_t effect = 1; effect < at; effect++)
        if (is_effect(g, effect) && writes_into(g, effect, wanted)) return true;
    return false;
}

static int32_t copy_of(cinch_graph *g, int32_t id)
{
    g->scope = g->nodes[id].scope;
    return cinch_append(g, CINCH_OP_copy, NULL, 1, &(cinch_value){id}).id;
}

cinch_status cinch_protect_states(cinch_graph *g)
{
    int32_t n = g->n_nodes;
    bool *commit = cinch_calloc((size_t)n, sizeof *commit);
    if (!commit) return CINCH_DEVICE;
    if (g->params) cinch_params_lay_out(g->params);
    find_commit(g, commit);
    for (int32_t id = 1; id < n; id++) {
        cinch_op_kind kind = cinch_ops[g->nodes[id].op].kind;
        if (!commit[id] || kind == CINCH_KIND_VIEW) continue;
        for (int k = 0; k < g->nodes[id].n_in; k++) {
            int32_t in = g->operands[g->nodes[id].first_in + k];
            if (cinch_ops[g->nodes[id].op].writes >> k & 1 || !overwritten(g, in, id)) continue;
            int32_t copy = copy_of(g, in);
            g->operands[g->nodes[id].first_in + k] = copy;
        }
    }
    for (int i = 0; i < g->n_outputs; i++)
        if (overwritten(g, g->outputs[i].node, n)) g->outputs[i].node = copy_of(g, g->outputs[i].node);
    free(commit);
    return cinch_graph_status(g);
}
