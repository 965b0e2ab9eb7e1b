/* SPDX-License-Identifier: Apache-2.0 */
/* Running a plan. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/plan.h"
#include "core/rng.h"
#include "core/status.h"

static int32_t operand(const cinch_graph *g, int32_t id, int k) { return g->operands[g->nodes[id].first_in + k]; }

/* --- addresses ---------------------------------------------------------------------------------------------------- */

static cinch_status input_address(cinch_plan *plan, int32_t leaf, void **out)
{
    cinch_binding *b = &plan->bindings[leaf];
    if (!b->bound && !b->own) TRY(cinch_buffer_create(&b->own, plan->device, b->bytes));
    *out = b->bound ? (char *)b->bound->memory + b->offset : b->own->memory;
    return CINCH_OK;
}

static cinch_status slab_address(cinch_plan *plan, cinch_slab slab, int64_t offset, void **out)
{
    float *memory;
    if (slab == CINCH_SLAB_TRAINABLE && plan->options.use_ema) slab = CINCH_SLAB_EMA;
    TRY(cinch_params_slab_memory(plan->params, slab, &memory));
    *out = memory ? memory + offset : NULL;
    return CINCH_OK;
}

cinch_status cinch_plan_address(cinch_plan *plan, cinch_place place, void **out)
{
    *out = NULL;
    switch (place.region) {
    case CINCH_REGION_NONE: return CINCH_OK;
    case CINCH_REGION_ARENA: *out = plan->options.private_memory ? plan->private_arena : plan->device->arena; break;
    case CINCH_REGION_OWN: *out = plan->own; break;
    case CINCH_REGION_INPUT: TRY(input_address(plan, place.index, out)); break;
    case CINCH_REGION_SLAB: TRY(slab_address(plan, place.index, 0, out)); break;
    case CINCH_REGION_PARAM: {
        const cinch_param_entry *e = &plan->params->entries[place.index];
        TRY(slab_address(plan, cinch_slab_of(e), e->offset, out));
        break;
    }
    }
    if (*out) *out = (char *)*out + place.offset;
    return CINCH_OK;
}

static cinch_status resolve_call(cinch_plan *plan, int32_t step)
{
    const cinch_graph *g = plan->g;
    const cinch_layout *layout = &plan->layout;
    int32_t id = plan->schedule.order[step];
    const cinch_node *n = &g->nodes[id];
    cinch_call *call = &plan->calls[step];
    void *commit = NULL;
    for (int k = 0; k < call->n_in; k++)
        TRY(cinch_plan_address(plan, layout->value[operand(g, id, k)], &call->in[k].data));
    for (int k = 0; k < call->n_out; k++) TRY(cinch_plan_address(plan, layout->value[id + k], &call->out[k].data));
    TRY(cinch_plan_address(plan, layout->scratch[id], &call->scratch));
    TRY(cinch_plan_address(plan, layout->saved[n->saved_from ? n->saved_from : id], &call->saved));
    bool predicated = cinch_ops[n->op].kind == CINCH_KIND_EFFECT && n->op != CINCH_OP_record && g->commit_flag;
    if (predicated) TRY(cinch_plan_address(plan, layout->value[g->commit_flag], &commit));
    call->commit = commit;
    return CINCH_OK;
}

static void drop_capture(cinch_plan *plan)
{
    if (plan->captured) plan->device->backend->vtable->capture_free(plan->device->backend, plan->captured);
    plan->captured = NULL;
}

cinch_status cinch_plan_resolve(cinch_plan *plan)
{
    if (!plan->options.private_memory) TRY(cinch_device_reserve(plan->device, plan->layout.arena_bytes));
    if (!plan->stale && plan->arena_generation == plan->device->arena_generation) return CINCH_OK;
    drop_capture(plan);
    for (int32_t i = 0; i < plan->schedule.n; i++) TRY(resolve_call(plan, i));
    plan->arena_generation = plan->device->arena_generation;
    plan->stale = false;
    return CINCH_OK;
}

/* --- giving and taking data --------------------------------------------------------------------------------------- */

static cinch_status find_leaf(const cinch_plan *plan, cinch_op op, const char *name, int32_t *leaf)
{
    const cinch_graph *g = plan->g;
    const char *names[64];
    int n = 0;
    for (int i = 0; i < g->n_leaves; i++) {
        if (!g->leaves[i].name || g->nodes[g->leaves[i].node].op != op) continue;
        if (!strcmp(g->leaves[i].name, name)) return *leaf = i, CINCH_OK;
        if (n < 64) names[n++] = g->leaves[i].name;
    }
    const char *near = cinch_nearest(name, names, n);
    return cinch_fail(CINCH_USAGE, "the plan has no %s '%s'%s%s", op == CINCH_OP_input ? "input" : "control", name,
                      near ? "; did you mean " : "", near ? near : "");
}

static cinch_status check_bytes(const char *name, size_t bytes, size_t wanted)
{
    if (bytes == wanted) return CINCH_OK;
    return cinch_fail(CINCH_USAGE, "'%s' has %zu bytes; %zu were given", name, wanted, bytes);
}

bool cinch_plan_has(const cinch_plan *plan, const char *name)
{
    for (int i = 0; i < plan->g->n_leaves; i++)
        if (plan->g->leaves[i].name && !strcmp(plan->g->leaves[i].name, name)) return true;
    return false;
}

cinch_status cinch_plan_write(cinch_plan *plan, const char *input, const void *data, size_t bytes)
{
    int32_t leaf;
    void *address;
    TRY(find_leaf(plan, CINCH_OP_input, input, &leaf));
    TRY(check_bytes(input, bytes, plan->bindings[leaf].bytes));
    TRY(input_address(plan, leaf, &address));
    return cinch_device_write(plan->device, address, data, bytes);
}

static char *control_at(cinch_plan *plan, int32_t leaf)
{
    return plan->controls + plan->layout.value[plan->g->leaves[leaf].node].offset;
}

cinch_status cinch_plan_control(cinch_plan *plan, const char *control, const void *data, size_t bytes)
{
    int32_t leaf;
    TRY(find_leaf(plan, CINCH_OP_control, control, &leaf));
    TRY(check_bytes(control, bytes, plan->bindings[leaf].bytes));
    memcpy(control_at(plan, leaf), data, bytes);
    return CINCH_OK;
}

cinch_status cinch_plan_set(cinch_plan *plan, const char *control, double value)
{
    return cinch_plan_control(plan, control, &(float){(float)value}, sizeof(float));
}

cinch_status cinch_plan_bind(cinch_plan *plan, const char *input, cinch_buffer *buffer, size_t offset)
{
    int32_t leaf;
    TRY(find_leaf(plan, CINCH_OP_input, input, &leaf));
    cinch_binding *b = &plan->bindings[leaf];
    if (offset % 64 || offset > buffer->bytes || b->bytes > buffer->bytes - offset)
        return cinch_fail(CINCH_USAGE, "'%s' has %zu bytes; the buffer has %zu, from offset %zu", input, b->bytes,
                          buffer->bytes, offset);
    plan->stale |= b->bound != buffer || b->offset != offset;
    b->bound = buffer;
    b->offset = offset;
    return CINCH_OK;
}

void cinch_plan_position(cinch_plan *plan, uint64_t seed, uint64_t step, int64_t first_sample)
{
    int32_t words[CINCH_POSITION_COUNT] = {(int32_t)(uint32_t)seed, (int32_t)(uint32_t)(seed >> 32),
                                           (int32_t)(uint32_t)step, (int32_t)(uint32_t)(step >> 32),
                                           (int32_t)first_sample};
    if (cinch_plan_has(plan, "position")) cinch_plan_control(plan, "position", words, sizeof words);
}

cinch_status cinch_plan_read(cinch_plan *plan, const char *output, void *data, size_t bytes)
{
    int32_t id = 0;
    void *address;
    for (int i = 0; i < plan->g->n_outputs; i++)
        if (!strcmp(plan->g->outputs[i].name, output)) id = plan->g->outputs[i].node;
    if (!id) return cinch_fail(CINCH_USAGE, "the plan has no output '%s'", output);
    const cinch_node *n = &plan->g->nodes[id];
    TRY(check_bytes(output, bytes, (size_t)cinch_shape_count(n->shape) * cinch_dtype_size(n->dtype)));
    TRY(cinch_plan_address(plan, plan->layout.value[id], &address));
    return cinch_device_read(plan->device, data, address, bytes);
}

cinch_status cinch_plan_metrics_start(cinch_plan *plan)
{
    cinch_backend *backend = plan->device->backend;
    int32_t leaf;
    void *address;
    plan->fetched = 0;
    if (!plan->g->n_metrics) return CINCH_OK;
    TRY(cinch_device_enter(plan->device));
    TRY(find_leaf(plan, CINCH_OP_input, CINCH_RING_INPUT, &leaf));
    TRY(input_address(plan, leaf, &address));
    if (plan->fetch) TRY(backend->vtable->fetch_start(backend, plan->fetch, address, plan->ring_bytes));
    else TRY(cinch_device_read(plan->device, plan->ring, address, plan->ring_bytes));
    plan->fetched = plan->runs;
    return CINCH_OK;
}

cinch_status cinch_plan_metrics_finish(cinch_plan *plan, int rows, float *values)
{
    cinch_backend *backend = plan->device->backend;
    int count = plan->g->n_metrics, ring = plan->options.metric_rows;
    const void *host = plan->ring;
    if (!count || rows <= 0) return CINCH_OK;
    if (rows > ring || rows > plan->fetched)
        return cinch_fail(CINCH_USAGE, "metrics of %d steps wanted; %lld ran and %d are kept", rows,
                          (long long)plan->fetched, ring);
    if (plan->fetch) TRY(backend->vtable->fetch_finish(backend, plan->fetch, &host));
    for (int i = 0; i < rows; i++) {
        const float *row = (const float *)host + (plan->fetched - rows + i) % ring * count;
        memcpy(values + (size_t)i * (size_t)count, row, (size_t)count * sizeof *values);
    }
    return CINCH_OK;
}

cinch_status cinch_plan_metrics(cinch_plan *plan, int rows, float *values)
{
    TRY(cinch_plan_metrics_start(plan));
    return cinch_plan_metrics_finish(plan, rows, values);
}

/* --- running ------------------------------------------------------------------------------------------------------ */

static cinch_status run_call(cinch_plan *plan, int32_t step)
{
    cinch_backend *backend = plan->device->backend;
    const cinch_call *call = &plan->calls[step];
    cinch_status status = backend->kernels[call->op].run(backend, call);
    return status ? cinch_plan_blame(plan, plan->schedule.order[step], status) : CINCH_OK;
}

static cinch_status run_calls(cinch_plan *plan)
{
    for (int32_t i = 0; i < plan->schedule.n; i++) TRY(run_call(plan, i));
    return CINCH_OK;
}

static cinch_status capture(cinch_plan *plan)
{
    cinch_backend *backend = plan->device->backend;
    TRY(backend->vtable->capture_begin(backend));
    cinch_status status = run_calls(plan);
    cinch_status ended = backend->vtable->capture_end(backend, status ? NULL : &plan->captured);
    return status ? status : ended;
}

/* The first step runs as it is, the second is recorded, and from then on the recording is replayed. */
static cinch_status run_step(cinch_plan *plan)
{
    cinch_backend *backend = plan->device->backend;
    const cinch_backend_vtable *vtable = backend->vtable;
    if (!vtable->capture_begin || plan->runs == 0 || plan->options.private_memory) return run_calls(plan);
    if (!plan->captured) TRY(capture(plan));
    return vtable->replay(backend, plan->captured);
}

static cinch_status upload_controls(cinch_plan *plan)
{
    int32_t leaf, row = (int32_t)(plan->runs % plan->options.metric_rows);
    if (plan->g->n_metrics) {
        TRY(find_leaf(plan, CINCH_OP_control, CINCH_ROW_CONTROL, &leaf));
        memcpy(control_at(plan, leaf), &row, sizeof row);
    }
    return cinch_device_write(plan->device, plan->own, plan->controls, plan->layout.controls_bytes);
}

cinch_status cinch_plan_prepare(cinch_plan *plan) { return cinch_plan_resolve(plan); }

cinch_status cinch_plan_run(cinch_plan *plan)
{
    cinch_backend *backend = plan->device->backend;
    TRY(cinch_device_enter(plan->device));
    TRY(cinch_plan_resolve(plan));
    TRY(upload_controls(plan));
    if (plan->private_arena) TRY(backend->vtable->fill(backend, plan->private_arena, 0xff, plan->layout.arena_bytes));
    TRY(run_step(plan));
    plan->runs++;
    return CINCH_OK;
}

/* --- finding a number that is not finite -------------------------------------------------------------------------- */

static float element(const void *data, cinch_dtype dtype, int64_t i)
{
    if (dtype == CINCH_F32) return ((const float *)data)[i];
    uint32_t bits = (uint32_t)((const uint16_t *)data)[i] << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Reads the tensor back and looks; *bad and *at receive the first number that is not finite, and which it is. */
static cinch_status look(cinch_plan *plan, const cinch_tensor *t, float *bad, int64_t *at)
{
    int64_t n = cinch_tensor_count(t);
    size_t bytes = (size_t)n * cinch_dtype_size(t->dtype);
    *at = -1;
    if (!n || !t->data || (t->dtype != CINCH_F32 && t->dtype != CINCH_BF16)) return CINCH_OK;
    void *host = cinch_calloc(bytes, 1);
    if (!host) return CINCH_DEVICE;
    cinch_status status = cinch_device_read(plan->device, host, t->data, bytes);
    for (int64_t i = 0; !status && *at < 0 && i < n; i++)
        if (!isfinite(*bad = element(host, t->dtype, i))) *at = i;
    free(host);
    return status;
}

/* The parameter that element `at` of a slab belongs to. */
static const char *slab_name(const cinch_plan *plan, cinch_slab slab, int64_t at)
{
    cinch_slab layout = slab > CINCH_SLAB_STATE ? CINCH_SLAB_TRAINABLE : slab;
    for (int i = 0; i < plan->params->n; i++) {
        const cinch_param_entry *e = &plan->params->entries[i];
        int64_t within = at - e->offset;
        if (cinch_slab_of(e) == layout && within >= 0 && within < cinch_shape_count(e->shape)) return e->name;
    }
    return cinch_slab_name(slab);
}

static const char *leaf_name(const cinch_plan *plan, int32_t id, int64_t at)
{
    const cinch_node *n = &plan->g->nodes[id];
    if (n->op == CINCH_OP_slab) return slab_name(plan, (cinch_slab)n->attr.leaf.index, at);
    if (n->op == CINCH_OP_parameter) return plan->params->entries[n->attr.leaf.index].name;
    return n->op == CINCH_OP_input ? plan->g->leaves[n->attr.leaf.index].name : cinch_ops[n->op].name;
}

static cinch_status look_at_operands(cinch_plan *plan, int32_t step)
{
    int32_t id = plan->schedule.order[step];
    for (int k = 0; k < plan->calls[step].n_in; k++) {
        cinch_base base = cinch_base_of(plan->g, operand(plan->g, id, k));
        int64_t at;
        float bad;
        if (cinch_ops[plan->g->nodes[base.id].op].kind != CINCH_KIND_LEAF) continue;
        TRY(look(plan, &plan->calls[step].in[k], &bad, &at));
        if (at < 0) continue;
        const char *name = leaf_name(plan, base.id, base.offset / (int64_t)sizeof(float) + at);
        return cinch_fail(CINCH_NUMERIC, "'%s' holds %g; look at the data or the weights", name, bad);
    }
    return CINCH_OK;
}

/* The op's name; of a chain, its steps' names. */
static void name_op(const cinch_call *call, char *text, size_t size)
{
    text[0] = 0;
    if (call->op != CINCH_OP_chain) strncat(text, cinch_ops[call->op].name, size - 1);
    for (int i = 0; call->op == CINCH_OP_chain && i < call->attr->chain.n_steps; i++) {
        if (i) strncat(text, " ", size - strlen(text) - 1);
        strncat(text, cinch_ops[call->attr->chain.step[i].op].name, size - strlen(text) - 1);
    }
}

static cinch_status fail_result(const cinch_plan *plan, int32_t step, float bad)
{
    const cinch_node *n = &plan->g->nodes[plan->schedule.order[step]];
    const char *scope = plan->g->scopes[n->scope];
    char name[160], shape[64];
    name_op(&plan->calls[step], name, sizeof name);
    return cinch_fail(CINCH_NUMERIC, "%s%s%s gave %g%s%s; smaller numbers in the data, a lower learning rate or "
                      "gradient clipping may help", scope, *scope ? ": " : "", name, bad, n->shape.rank ? " in " : "",
                      n->shape.rank ? cinch_shape_text(n->shape, shape) : "");
}

/* What a fill gave is what the graph's author wanted. */
static cinch_status look_at_results(cinch_plan *plan, int32_t step)
{
    const cinch_call *call = &plan->calls[step];
    for (int k = 0; call->op != CINCH_OP_fill && k < call->n_out; k++) {
        int64_t at;
        float bad;
        TRY(look(plan, &call->out[k], &bad, &at));
        if (at >= 0) return fail_result(plan, step, bad);
    }
    return CINCH_OK;
}

cinch_status cinch_plan_find_nonfinite(cinch_plan *plan)
{
    TRY(cinch_device_enter(plan->device));
    TRY(cinch_plan_resolve(plan));
    for (int32_t i = 0; i < plan->schedule.n_main; i++) {
        TRY(look_at_operands(plan, i));
        TRY(run_call(plan, i));
        TRY(look_at_results(plan, i));
    }
    return CINCH_OK;
}
