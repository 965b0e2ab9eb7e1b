/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory planner. A buffer is a piece of memory with a first and a last step; a node's output gets a buffer, or the
 * buffer of an operand that dies there (in place), or its part of a pack. Buffers that never live at the same time may
 * share the arena: the largest is placed first, each at the lowest offset that is free for its whole life.
 */
#include "core/layout.h"

#include <stdlib.h>
#include <string.h>

#include "core/status.h"

typedef struct buffer {
    size_t bytes, offset;
    int32_t first, last;   /* steps */
    bool placed;
    bool fixed;            /* other values lie inside it: nothing may be computed in place on it */
    bool weights;          /* a parameter in another type: placed apart from what the batch makes */
} buffer;

typedef struct layouter {
    const cinch_graph *g;
    const cinch_schedule *s;
    cinch_layout *out;
    cinch_needs needs;
    bool private_memory;
    int32_t *step;         /* node -> when it runs, or -1 */
    int32_t *last;         /* base node -> the last step that reads it */
    int32_t *last_saved;   /* forward node -> the last step that reads its saved output, or -1 */
    int32_t *of;           /* node -> its buffer, or -1 */
    int32_t *of_saved, *of_scratch;
    size_t *within;        /* node -> offset in its buffer */
    bool *kept;            /* base node -> read after the run */
    buffer *buffers;
    int n_buffers, room_buffers;
} layouter;

static size_t bytes_of(const cinch_node *n)
{
    return (size_t)cinch_shape_count(n->shape) * cinch_dtype_size(n->dtype);
}

static int32_t operand(const cinch_graph *g, int32_t id, int k) { return g->operands[g->nodes[id].first_in + k]; }

/* --- lifetimes ---------------------------------------------------------------------------------------------------- */

static void find_lifetimes(layouter *l)
{
    const cinch_graph *g = l->g;
    for (int32_t id = 0; id < g->n_nodes; id++)
        l->step[id] = l->last_saved[id] = l->of[id] = l->of_saved[id] = l->of_scratch[id] = -1;
    for (int32_t i = 0; i < l->s->n; i++) {
        int32_t id = l->s->order[i];
        l->step[id] = l->last[id] = i;
        for (int k = 0; k < g->nodes[id].n_in; k++) l->last[cinch_base_of(g, operand(g, id, k)).id] = i;
        for (int j = 1; j < cinch_ops[g->nodes[id].op].n_out; j++) l->step[id + j] = l->last[id + j] = i;
        if (g->nodes[id].saved_from) l->last_saved[g->nodes[id].saved_from] = i;
    }
    if (g->commit_flag) l->last[cinch_base_of(g, g->commit_flag).id] = l->s->n;
    for (int i = 0; i < g->n_outputs; i++) l->kept[cinch_base_of(g, g->outputs[i].node).id] = true;
}

static int32_t add_buffer(layouter *l, size_t bytes, int32_t first, int32_t last)
{
    if (cinch_grow((void **)&l->buffers, &l->room_buffers, l->n_buffers + 1, sizeof *l->buffers)) return -1;
    l->buffers[l->n_buffers] = (buffer){.bytes = cinch_align(bytes), .first = first, .last = last};
    return l->n_buffers++;
}

/* --- packs: their operands are computed where the pack wants them ------------------------------------------------- */

static bool may_lie_in_pack(const layouter *l, cinch_base base, int32_t id)
{
    const cinch_node *n = &l->g->nodes[base.id];
    return l->step[base.id] >= 0 && !l->kept[base.id] && l->of[base.id] < 0 && base.offset == 0 &&
           bytes_of(n) == bytes_of(&l->g->nodes[id]) && cinch_ops[n->op].n_out && n->op != CINCH_OP_pack &&
           l->out->value[base.id].region == CINCH_REGION_NONE;
}

static cinch_status place_in_pack(layouter *l, int32_t pack)
{
    const cinch_graph *g = l->g;
    const cinch_node *n = &g->nodes[pack];
    bool slab = n->attr.leaf.index == 1;
    size_t offset = 0;
    if (slab) l->out->value[pack] = (cinch_place){CINCH_REGION_SLAB, CINCH_SLAB_GRADIENT, 0};
    else if ((l->of[pack] = add_buffer(l, bytes_of(n), l->step[pack], l->last[pack])) < 0) return CINCH_DEVICE;
    for (int k = 0; k < n->n_in; k++) {
        int32_t in = operand(g, pack, k);
        cinch_base base = cinch_base_of(g, in);
        if (may_lie_in_pack(l, base, in)) {
            if (slab) l->out->value[base.id] = (cinch_place){CINCH_REGION_SLAB, CINCH_SLAB_GRADIENT, offset};
            else {
                buffer *b = &l->buffers[l->of[pack]];
                l->of[base.id] = l->of[pack];
                l->within[base.id] = offset;
                b->fixed = true;
                if (l->step[base.id] < b->first) b->first = l->step[base.id];
                if (l->last[base.id] > b->last) b->last = l->last[base.id];
            }
        }
        offset += (size_t)cinch_slab_padded(cinch_shape_count(g->nodes[in].shape)) * sizeof(float);
    }
    return CINCH_OK;
}

/* --- in place ----------------------------------------------------------------------------------------------------- */

/* May node `id` write over operand k? The operand must be a whole temporary that dies here and has the output's size,
   and no other operand may look at the same memory in another shape. */
static bool may_overwrite(const layouter *l, int32_t id, int k)
{
    const cinch_graph *g = l->g;
    const cinch_node *n = &g->nodes[id];
    int32_t in = operand(g, id, k);
    cinch_base base = cinch_base_of(g, in);
    if (l->of[base.id] < 0 || l->buffers[l->of[base.id]].fixed || base.offset || l->within[base.id]) return false;
    if (l->kept[base.id] || l->last[base.id] != l->step[id] || g->nodes[in].dtype != n->dtype) return false;
    if (bytes_of(&g->nodes[base.id]) != bytes_of(n) || bytes_of(&g->nodes[in]) != bytes_of(n)) return false;
    for (int j = 0; j < n->n_in; j++) {
        int32_t other = operand(g, id, j);
        if (cinch_base_of(g, other).id == base.id && !cinch_same_shape(g->nodes[other].shape, n->shape)) return false;
    }
    return cinch_same_shape(g->nodes[in].shape, n->shape);
}

static int32_t operand_to_overwrite(const layouter *l, int32_t id)
{
    const cinch_node *n = &l->g->nodes[id];
    int place = cinch_ops[n->op].place;
    if (cinch_ops[n->op].kind == CINCH_KIND_VIEW) return -1;
    bool reduced = n->op == CINCH_OP_chain && n->attr.chain.reduce;
    if (l->private_memory || place == CINCH_NEVER || reduced || l->kept[id]) return -1;
    for (int k = 0; k < n->n_in; k++)
        if ((place == CINCH_ANY_INPUT || place == k) && may_overwrite(l, id, k)) return k;
    return -1;
}

static bool is_weights(const cinch_graph *g, int32_t id)
{
    if (g->nodes[id].op != CINCH_OP_cast || g->nodes[id].dtype != CINCH_BF16) return false;
    cinch_op from = g->nodes[cinch_base_of(g, operand(g, id, 0)).id].op;
    return from == CINCH_OP_parameter || from == CINCH_OP_slab;
}

static cinch_status give_buffer(layouter *l, int32_t id)
{
    const cinch_node *n = &l->g->nodes[id];
    if (l->of[id] >= 0 || l->out->value[id].region != CINCH_REGION_NONE || cinch_ops[n->op].kind == CINCH_KIND_EFFECT)
        return CINCH_OK;
    if (l->kept[id]) {
        l->out->value[id] = (cinch_place){CINCH_REGION_OWN, 0, l->out->own_bytes};
        l->out->own_bytes += cinch_align(bytes_of(n));
        return CINCH_OK;
    }
    int k = operand_to_overwrite(l, id);
    if (k >= 0) {
        l->of[id] = l->of[cinch_base_of(l->g, operand(l->g, id, k)).id];
        l->buffers[l->of[id]].last = l->last[id];
        return CINCH_OK;
    }
    l->of[id] = add_buffer(l, bytes_of(n), l->step[id], l->last[id]);
    if (l->of[id] < 0) return CINCH_DEVICE;
    l->buffers[l->of[id]].weights = is_weights(l->g, id);
    return CINCH_OK;
}

static cinch_status give_extras(layouter *l, int32_t id)
{
    int32_t step = l->step[id];
    if (l->needs.scratch[id] && (l->of_scratch[id] = add_buffer(l, l->needs.scratch[id], step, step)) < 0)
        return CINCH_DEVICE;
    if (l->needs.saved[id] && l->last_saved[id] >= 0 &&
        (l->of_saved[id] = add_buffer(l, l->needs.saved[id], step, l->last_saved[id])) < 0)
        return CINCH_DEVICE;
    return CINCH_OK;
}

/* --- placing buffers in the arena --------------------------------------------------------------------------------- */

static int larger_first(const void *a, const void *b)
{
    const buffer *x = *(buffer *const *)a, *y = *(buffer *const *)b;
    if (x->weights != y->weights) return x->weights ? -1 : 1;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    return x < y ? -1 : x > y;
}

static int lower_first(const void *a, const void *b)
{
    const buffer *x = *(buffer *const *)a, *y = *(buffer *const *)b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* The lowest offset from `offset` on at which `b` meets no placed buffer that lives at the same time. */
static size_t lowest_offset(const buffer *b, size_t offset, buffer **others, buffer **meeting, int n_others)
{
    int n = 0;
    for (int i = 0; i < n_others; i++)
        if (others[i]->first <= b->last && b->first <= others[i]->last) meeting[n++] = others[i];
    qsort(meeting, (size_t)n, sizeof *meeting, lower_first);
    for (int i = 0; i < n && meeting[i]->offset < offset + b->bytes; i++)
        if (meeting[i]->offset + meeting[i]->bytes > offset) offset = meeting[i]->offset + meeting[i]->bytes;
    return offset;
}

static cinch_status place_buffers(layouter *l)
{
    int n = l->n_buffers;
    buffer **order = cinch_calloc((size_t)n, sizeof *order), **meeting = cinch_calloc((size_t)n, sizeof *meeting);
    if (!order || !meeting) {
        free(order);
        free(meeting);
        return CINCH_DEVICE;
    }
    for (int i = 0; i < n; i++) {
        order[i] = &l->buffers[i];
        l->out->private_bytes += order[i]->bytes;
    }
    qsort(order, (size_t)n, sizeof *order, larger_first);
    size_t end = 0;
    for (int i = 0; i < n; i++) {
        size_t start = order[i]->weights ? 0 : l->out->weight_bytes;
        order[i]->offset = l->private_memory ? end : lowest_offset(order[i], start, order, meeting, i);
        end = order[i]->offset + order[i]->bytes;
        if (end > l->out->arena_bytes) l->out->arena_bytes = end;
        if (order[i]->weights) l->out->weight_bytes = l->out->arena_bytes;
    }
    free(order);
    free(meeting);
    return CINCH_OK;
}

/* --- leaves and the whole ----------------------------------------------------------------------------------------- */

static size_t own_room(cinch_layout *out, size_t bytes)
{
    size_t offset = out->own_bytes;
    out->own_bytes += cinch_align(bytes ? bytes : 1);
    return offset;
}

/* Controls first, so that they travel in one copy; then constants. */
static void place_leaves(layouter *l)
{
    const cinch_graph *g = l->g;
    for (int i = 0; i < g->n_leaves; i++) {
        int32_t id = g->leaves[i].node;
        if (g->nodes[id].op == CINCH_OP_control)
            l->out->value[id] = (cinch_place){CINCH_REGION_OWN, i, own_room(l->out, bytes_of(&g->nodes[id]))};
    }
    l->out->controls_bytes = l->out->own_bytes;
    for (int32_t id = 1; id < g->n_nodes; id++) {
        const cinch_node *n = &g->nodes[id];
        int32_t index = n->attr.leaf.index;
        cinch_place *place = &l->out->value[id];
        if (n->op == CINCH_OP_constant && l->s->live[id])
            *place = (cinch_place){CINCH_REGION_OWN, index, own_room(l->out, bytes_of(n))};
        if (n->op == CINCH_OP_input) *place = (cinch_place){CINCH_REGION_INPUT, index, 0};
        if (n->op == CINCH_OP_parameter) *place = (cinch_place){CINCH_REGION_PARAM, index, 0};
        if (n->op == CINCH_OP_slab) *place = (cinch_place){CINCH_REGION_SLAB, index, 0};
    }
}

static cinch_place arena_place(const layouter *l, int32_t of, size_t within)
{
    if (of < 0) return (cinch_place){0};
    return (cinch_place){CINCH_REGION_ARENA, 0, l->buffers[of].offset + within};
}

static void write_places(layouter *l)
{
    const cinch_graph *g = l->g;
    for (int32_t id = 1; id < g->n_nodes; id++) {
        if (l->of[id] >= 0) l->out->value[id] = arena_place(l, l->of[id], l->within[id]);
        l->out->saved[id] = arena_place(l, l->of_saved[id], 0);
        l->out->scratch[id] = arena_place(l, l->of_scratch[id], 0);
    }
    for (int32_t id = 1; id < g->n_nodes; id++) {
        if (cinch_ops[g->nodes[id].op].kind != CINCH_KIND_VIEW) continue;
        cinch_base base = cinch_base_of(g, id);
        l->out->value[id] = l->out->value[base.id];
        l->out->value[id].offset += (size_t)base.offset;
    }
}

static cinch_status lay_out(layouter *l)
{
    const cinch_graph *g = l->g;
    find_lifetimes(l);
    place_leaves(l);
    for (int32_t i = 0; i < l->s->n && !l->private_memory; i++)
        if (g->nodes[l->s->order[i]].op == CINCH_OP_pack) TRY(place_in_pack(l, l->s->order[i]));
    for (int32_t i = 0; i < l->s->n; i++) {
        for (int j = 0; j < cinch_ops[g->nodes[l->s->order[i]].op].n_out; j++) TRY(give_buffer(l, l->s->order[i] + j));
        TRY(give_extras(l, l->s->order[i]));
    }
    TRY(place_buffers(l));
    write_places(l);
    return CINCH_OK;
}

cinch_status cinch_layout_create(cinch_layout *out, const cinch_graph *g, const cinch_schedule *s, cinch_needs needs,
                                 bool private_memory)
{
    size_t n = (size_t)g->n_nodes;
    *out = (cinch_layout){.value = cinch_calloc(n, sizeof *out->value),
                          .saved = cinch_calloc(n, sizeof *out->saved),
                          .scratch = cinch_calloc(n, sizeof *out->scratch)};
    int32_t *table = cinch_calloc(n * 6, sizeof *table);
    layouter l = {.g = g, .s = s, .out = out, .needs = needs, .private_memory = private_memory,
                  .within = cinch_calloc(n, sizeof *l.within), .kept = cinch_calloc(n, sizeof *l.kept)};
    cinch_status status = CINCH_DEVICE;
    if (out->value && out->saved && out->scratch && table && l.within && l.kept) {
        l.step = table;
        l.last = table + n;
        l.last_saved = table + 2 * n;
        l.of = table + 3 * n;
        l.of_saved = table + 4 * n;
        l.of_scratch = table + 5 * n;
        status = lay_out(&l);
    }
    free(table);
    free(l.within);
    free(l.kept);
    free(l.buffers);
    if (status) cinch_layout_free(out);
    return status;
}

void cinch_layout_free(cinch_layout *out)
{
    free(out->value);
    free(out->saved);
    free(out->scratch);
    *out = (cinch_layout){0};
}
