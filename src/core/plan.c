/* SPDX-License-Identifier: Apache-2.0 */
/* Making a plan: passes, calls, memory. */
#include "core/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "core/store.h"

static int32_t operand(const cinch_graph *g, int32_t id, int k) { return g->operands[g->nodes[id].first_in + k]; }

/* --- passes ------------------------------------------------------------------------------------------------------- */

static void make_products_invariant(cinch_graph *g)
{
    for (int32_t id = 1; id < g->n_nodes; id++) {
        cinch_node *n = &g->nodes[id];
        if (n->op == CINCH_OP_matmul || n->op == CINCH_OP_matmul_bias) n->attr.matmul.invariant = 1;
    }
}

static cinch_status run_passes(cinch_plan *plan, const cinch_graph *graph)
{
    if (graph->status) return cinch_fail(graph->status, "%s", graph->error);
    TRY(cinch_graph_copy(&plan->g, graph));
    cinch_record_metrics(plan->g, plan->options.metric_rows);
    TRY(cinch_graph_status(plan->g));
    TRY(cinch_set_precision(&plan->g, plan->options.precision));
    if (plan->options.batch_invariant) make_products_invariant(plan->g);
    TRY(cinch_protect_states(plan->g));
    if (!plan->options.no_fusion) TRY(cinch_fuse(plan->g));
    return cinch_schedule_create(&plan->schedule, plan->g);
}

/* --- calls -------------------------------------------------------------------------------------------------------- */

static cinch_tensor describe(const cinch_node *n)
{
    cinch_tensor t = {.rank = n->shape.rank, .dtype = n->dtype};
    memcpy(t.dim, n->shape.dim, sizeof t.dim);
    return t;
}

static double flops_of(const cinch_graph *g, int32_t id)
{
    const cinch_node *n = &g->nodes[id];
    if (n->op < CINCH_OP_matmul || n->op > CINCH_OP_matmul_sums) return 0;
    cinch_shape a = g->nodes[operand(g, id, 0)].shape;
    int64_t depth = a.dim[a.rank - 1 - n->attr.matmul.transpose_a];
    return 2.0 * (double)cinch_shape_count(n->shape) * (double)depth;
}

static void write_call(cinch_plan *plan, int32_t step, cinch_tensor **next)
{
    const cinch_graph *g = plan->g;
    int32_t id = plan->schedule.order[step];
    const cinch_node *n = &g->nodes[id];
    cinch_call *call = &plan->calls[step];
    *call = (cinch_call){.op = n->op, .attr = &n->attr, .n_in = n->n_in, .n_out = cinch_ops[n->op].n_out};
    call->in = *next;
    for (int k = 0; k < n->n_in; k++) *(*next)++ = describe(&g->nodes[operand(g, id, k)]);
    call->out = *next;
    for (int k = 0; k < call->n_out; k++) *(*next)++ = describe(&g->nodes[id + k]);
    plan->flops += flops_of(g, id);
}

static cinch_status write_calls(cinch_plan *plan)
{
    size_t tensors = 0, steps = (size_t)plan->schedule.n;
    for (size_t i = 0; i < steps; i++) {
        const cinch_node *n = &plan->g->nodes[plan->schedule.order[i]];
        tensors += (size_t)n->n_in + (size_t)cinch_ops[n->op].n_out;
    }
    plan->calls = cinch_calloc(steps, sizeof *plan->calls);
    plan->tensors = cinch_calloc(tensors, sizeof *plan->tensors);
    if (!plan->calls || !plan->tensors) return CINCH_DEVICE;
    cinch_tensor *next = plan->tensors;
    for (int32_t i = 0; i < plan->schedule.n; i++) write_call(plan, i, &next);
    return CINCH_OK;
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

cinch_status cinch_plan_blame(const cinch_plan *plan, int32_t node, cinch_status status)
{
    const cinch_node *n = &plan->g->nodes[node];
    const char *scope = plan->g->scopes[n->scope];
    char prefix[256];
    snprintf(prefix, sizeof prefix, "%s%s%s", scope, *scope ? ": " : "", cinch_ops[n->op].name);
    return cinch_fail_in(status, prefix);
}

static cinch_status ask_needs(cinch_plan *plan, cinch_needs needs)
{
    cinch_backend *backend = plan->device->backend;
    for (int32_t i = 0; i < plan->schedule.n; i++) {
        int32_t id = plan->schedule.order[i];
        const cinch_kernel *kernel = &backend->kernels[plan->calls[i].op];
        if (!kernel->plan) continue;
        cinch_status status = kernel->plan(backend, &plan->calls[i], &needs.scratch[id], &needs.saved[id]);
        if (status) return cinch_plan_blame(plan, id, status);
    }
    return CINCH_OK;
}

static cinch_status lay_out(cinch_plan *plan)
{
    size_t n = (size_t)plan->g->n_nodes;
    cinch_needs needs = {cinch_calloc(n, sizeof(size_t)), cinch_calloc(n, sizeof(size_t))};
    cinch_status status = needs.scratch && needs.saved ? ask_needs(plan, needs) : CINCH_DEVICE;
    if (!status)
        status = cinch_layout_create(&plan->layout, plan->g, &plan->schedule, needs, plan->options.private_memory);
    free(needs.scratch);
    free(needs.saved);
    return status;
}

static cinch_status write_constants(cinch_plan *plan)
{
    for (int i = 0; i < plan->g->n_leaves; i++) {
        const cinch_leaf *leaf = &plan->g->leaves[i];
        const cinch_node *n = &plan->g->nodes[leaf->node];
        size_t bytes = (size_t)cinch_shape_count(n->shape) * cinch_dtype_size(n->dtype);
        if (!leaf->data || !bytes || !plan->schedule.live[leaf->node]) continue;
        TRY(cinch_device_write(plan->device, plan->own + plan->layout.value[leaf->node].offset, leaf->data, bytes));
    }
    return CINCH_OK;
}

static cinch_status take_ring(cinch_plan *plan)
{
    cinch_backend *backend = plan->device->backend;
    plan->ring_bytes = (size_t)plan->options.metric_rows * (size_t)plan->g->n_metrics * sizeof *plan->ring;
    if (!plan->ring_bytes) return CINCH_OK;
    if (backend->vtable->fetch_open) return backend->vtable->fetch_open(backend, plan->ring_bytes, &plan->fetch);
    plan->ring = cinch_calloc(plan->ring_bytes, 1);
    return plan->ring ? CINCH_OK : CINCH_DEVICE;
}

static cinch_status take_memory(cinch_plan *plan)
{
    const cinch_layout *layout = &plan->layout;
    void *own;
    TRY(cinch_device_alloc(plan->device, layout->own_bytes, &own));
    plan->own = own;
    if (own) TRY(plan->device->backend->vtable->fill(plan->device->backend, own, 0, layout->own_bytes));
    if (plan->options.private_memory) TRY(cinch_device_alloc(plan->device, layout->arena_bytes, &plan->private_arena));
    else TRY(cinch_device_reserve(plan->device, layout->arena_bytes));
    plan->controls = cinch_calloc(layout->controls_bytes, 1);
    plan->bindings = cinch_calloc((size_t)plan->g->n_leaves, sizeof *plan->bindings);
    if (!plan->controls || !plan->bindings) return CINCH_DEVICE;
    for (int i = 0; i < plan->g->n_leaves; i++) {
        const cinch_node *n = &plan->g->nodes[plan->g->leaves[i].node];
        plan->bindings[i].leaf = i;
        plan->bindings[i].bytes = (size_t)cinch_shape_count(n->shape) * cinch_dtype_size(n->dtype);
    }
    TRY(take_ring(plan));
    return write_constants(plan);
}

/* --- the plan ----------------------------------------------------------------------------------------------------- */

static cinch_status check(const cinch_graph *graph, const cinch_device *device, const cinch_params *params,
                          const cinch_plan_options *options)
{
    if ((unsigned)options->precision > CINCH_PRECISION_BF16)
        return cinch_fail(CINCH_USAGE, "precision %d: unknown; there are: f32 tf32 bf16", options->precision);
    if (graph->params && graph->params != params)
        return cinch_fail(CINCH_USAGE, "the plan needs the store that its graph's parameters are in");
    if (params && params->device && strcmp(params->device->name, device->name))
        return cinch_fail(CINCH_USAGE, "the plan is for %s, its parameters are on %s", device->name,
                          params->device->name);
    return CINCH_OK;
}

static cinch_status build(cinch_plan *plan, const cinch_graph *graph)
{
    TRY(run_passes(plan, graph));
    TRY(write_calls(plan));
    TRY(lay_out(plan));
    return take_memory(plan);
}

cinch_status cinch_plan_create(cinch_plan **out, const cinch_graph *graph, cinch_device *device, cinch_params *params,
                               const cinch_plan_options *options)
{
    const cinch_plan_options defaults = {0};
    *out = NULL;
    if (!options) options = &defaults;
    TRY(check(graph, device, params, options));
    TRY(cinch_device_enter(device));
    cinch_plan *plan = cinch_calloc(1, sizeof *plan);
    if (!plan) return CINCH_DEVICE;
    plan->device = device;
    plan->params = params;
    plan->options = *options;
    plan->stale = true;
    if (!plan->options.metric_rows) plan->options.metric_rows = 256;
    cinch_status status = build(plan, graph);
    if (status) {
        cinch_plan_free(plan);
        return status;
    }
    *out = plan;
    return CINCH_OK;
}

void cinch_plan_free(cinch_plan *plan)
{
    if (!plan) return;
    const cinch_backend_vtable *vtable = plan->device->backend->vtable;
    if (plan->captured) vtable->capture_free(plan->device->backend, plan->captured);
    if (plan->fetch) vtable->fetch_close(plan->device->backend, plan->fetch);
    for (int i = 0; plan->bindings && i < plan->g->n_leaves; i++) cinch_buffer_free(plan->bindings[i].own);
    cinch_device_release(plan->device, plan->own, plan->layout.own_bytes);
    cinch_device_release(plan->device, plan->private_arena, plan->layout.arena_bytes);
    cinch_schedule_free(&plan->schedule);
    cinch_layout_free(&plan->layout);
    cinch_graph_free(plan->g);
    free(plan->calls);
    free(plan->tensors);
    free(plan->bindings);
    free(plan->controls);
    free(plan->ring);
    free(plan);
}

const char *cinch_precision_name(cinch_precision precision)
{
    static const char *const names[] = {"f32", "tf32", "bf16"};
    return (unsigned)precision < sizeof names / sizeof *names ? names[precision] : "unknown";
}

/* --- questions ---------------------------------------------------------------------------------------------------- */

static size_t leaf_bytes(const cinch_plan *plan, cinch_op op)
{
    size_t bytes = 0;
    for (int i = 0; i < plan->g->n_leaves; i++)
        if (plan->g->nodes[plan->g->leaves[i].node].op == op && !plan->bindings[i].bound)
            bytes += plan->bindings[i].bytes;
    return bytes;
}

cinch_plan_info cinch_plan_describe(const cinch_plan *plan)
{
    cinch_plan_info info = {.calls = plan->schedule.n, .flops = plan->flops};
    for (int32_t id = 1; id < plan->g->n_nodes; id++) info.nodes += plan->schedule.live[id];
    info.arena_bytes = plan->layout.arena_bytes;
    info.weight_bytes = plan->layout.weight_bytes;
    info.activation_bytes = info.arena_bytes - info.weight_bytes;
    info.private_bytes = plan->layout.private_bytes;
    info.control_bytes = plan->layout.controls_bytes;
    info.input_bytes = leaf_bytes(plan, CINCH_OP_input);
    info.output_bytes = plan->layout.own_bytes - plan->layout.controls_bytes;
    return info;
}

static int32_t find_output(const cinch_plan *plan, const char *name)
{
    for (int i = 0; i < plan->g->n_outputs; i++)
        if (!strcmp(plan->g->outputs[i].name, name)) return plan->g->outputs[i].node;
    return 0;
}

cinch_shape cinch_plan_output_shape(const cinch_plan *plan, const char *output)
{
    int32_t id = find_output(plan, output);
    return id ? plan->g->nodes[id].shape : (cinch_shape){.rank = -1};
}

int cinch_plan_metric_count(const cinch_plan *plan) { return plan->g->n_metrics; }

const char *cinch_plan_metric_name(const cinch_plan *plan, int index)
{
    return index >= 0 && index < plan->g->n_metrics ? plan->g->metrics[index].name : NULL;
}
