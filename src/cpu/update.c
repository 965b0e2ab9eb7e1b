/* SPDX-License-Identifier: Apache-2.0 */
/* Effects. Every one does nothing when its commit flag is 0. */
#include "cpu/kernel.h"

static bool skipped(const cinch_call *call) { return call->commit && *call->commit == 0; }

/* --- optimisers: pieces of segments ------------------------------------------------------------------------------------ */

/* A run of neighbouring parameters with one set of hyper-parameters. */
typedef struct piece {
    float *w, *a, *b;            /* weights and up to two states */
    const float *g, *h;
    float scale, decay;
    int64_t n;
} piece;

static void update_adam(const cinch_call *call, const piece *p)
{
    int decoupled = call->attr->update.decoupled;
    for (int64_t i = 0; i < p->n; i++)
        cinch_update_adam(&p->w[i], p->g[i] * p->scale, &p->a[i], &p->b[i], p->h, p->decay, decoupled);
}

static void update_sgd(const cinch_call *call, const piece *p)
{
    int nesterov = call->attr->update.nesterov;
    if (call->attr->update.has_momentum)
        for (int64_t i = 0; i < p->n; i++) cinch_update_sgd(&p->w[i], p->g[i] * p->scale, &p->a[i], p->h, p->decay, nesterov);
    else
        for (int64_t i = 0; i < p->n; i++) cinch_update_sgd_plain(&p->w[i], p->g[i] * p->scale, p->h, p->decay);
}

static void update_rmsprop(const cinch_call *call, const piece *p)
{
    float momentum = p->h[CINCH_HYPER_MOMENTUM], lr = p->h[CINCH_HYPER_LR], unused;
    int centred = call->attr->update.centred, has_momentum = call->attr->update.has_momentum;
    for (int64_t i = 0; i < p->n; i++) {
        float g = CINCH_FMA(p->decay, p->w[i], p->g[i] * p->scale);
        float step = cinch_rmsprop_step(g, &p->a[i], centred ? &p->b[i] : &unused, p->h, centred);
        if (has_momentum) step = p->b[i] = CINCH_FMA(momentum, p->b[i], step);
        p->w[i] = CINCH_FMA(-lr, step, p->w[i]);
    }
}

static void update_adagrad(const cinch_call *call, const piece *p)
{
    (void)call;
    for (int64_t i = 0; i < p->n; i++) cinch_update_adagrad(&p->w[i], p->g[i] * p->scale, &p->a[i], p->h, p->decay);
}

static void update_piece(const cinch_call *call, const piece *p)
{
    switch (call->op) {
    case CINCH_OP_adam: update_adam(call, p); return;
    case CINCH_OP_sgd: update_sgd(call, p); return;
    case CINCH_OP_rmsprop: update_rmsprop(call, p); return;
    default: update_adagrad(call, p); return;
    }
}

/* The last three operands: scale, hyper, segments. */
static const cinch_tensor *tail(const cinch_call *call, int k) { return &call->in[call->n_in - 3 + k]; }

static piece piece_of(const cinch_call *call, const int32_t *segment, int64_t first)
{
    int64_t at = segment[CINCH_SEGMENT_OFFSET] + first;
    const float *h = (const float *)tail(call, 1)->data + segment[CINCH_SEGMENT_GROUP] * CINCH_HYPER_COUNT;
    bool decays = segment[CINCH_SEGMENT_FLAGS] & CINCH_SEGMENT_DECAY;
    return (piece){.w = (float *)call->in[0].data + at,
                   .g = (const float *)call->in[1].data + at,
                   .a = (float *)call->in[2].data + at,
                   .b = call->n_in > 6 ? (float *)call->in[3].data + at : NULL,
                   .h = h,
                   .scale = *(const float *)tail(call, 0)->data,
                   .decay = decays ? h[CINCH_HYPER_DECAY] : 0,
                   .n = cinch_cpu_min(CINCH_CPU_PIECE, segment[CINCH_SEGMENT_LENGTH] - first)};
}

static void update_task(void *arg, int64_t task, int worker)
{
    const cinch_call *call = arg;
    const int32_t *segment = tail(call, 2)->data;
    (void)worker;
    for (;; segment += CINCH_SEGMENT_COUNT) {
        int64_t pieces = cinch_cpu_parts(segment[CINCH_SEGMENT_LENGTH], CINCH_CPU_PIECE);
        if (task < pieces) break;
        task -= pieces;
    }
    piece p = piece_of(call, segment, task * CINCH_CPU_PIECE);
    update_piece(call, &p);
}

static cinch_status run_update(cinch_backend *backend, const cinch_call *call)
{
    const cinch_tensor *segments = tail(call, 2);
    const int32_t *segment = segments->data;
    int64_t tasks = 0;
    if (skipped(call)) return CINCH_OK;
    for (int64_t i = 0; i < segments->dim[0]; i++)
        tasks += cinch_cpu_parts(segment[i * CINCH_SEGMENT_COUNT + CINCH_SEGMENT_LENGTH], CINCH_CPU_PIECE);
    cinch_pool_run(cinch_cpu_pool(backend), tasks, update_task, (void *)(uintptr_t)call);
    return CINCH_OK;
}

CINCH_CPU_KERNEL_UNPLANNED(sgd, run_update)
CINCH_CPU_KERNEL_UNPLANNED(adam, run_update)
CINCH_CPU_KERNEL_UNPLANNED(rmsprop, run_update)
CINCH_CPU_KERNEL_UNPLANNED(adagrad, run_update)

/* --- writing states --------------------------------------------------------------------------------------------------------- */

static void assign_task(void *arg, int64_t task, int worker)
{
    const cinch_call *call = arg;
    size_t size = cinch_dtype_size(call->in[0].dtype), first = (size_t)task * CINCH_CPU_PIECE * size;
    size_t bytes = (size_t)cinch_tensor_count(&call->in[0]) * size - first;
    (void)worker;
    if (bytes > CINCH_CPU_PIECE * size) bytes = CINCH_CPU_PIECE * size;
    memmove((char *)call->in[0].data + first, (const char *)call->in[1].data + first, bytes);
}

/* state = fma(b, value - a state, state) covers both: accumulate a = 0, ema a = 1. */
static void blend_task(void *arg, int64_t task, int worker)
{
    const cinch_call *call = arg;
    int64_t first = task * CINCH_CPU_PIECE, n = cinch_cpu_min(CINCH_CPU_PIECE, cinch_tensor_count(&call->in[0]) - first);
    float *state = (float *)call->in[0].data + first, k = *(const float *)call->in[2].data;
    const float *value = (const float *)call->in[1].data + first;
    (void)worker;
    if (call->op == CINCH_OP_ema)
        for (int64_t i = 0; i < n; i++) state[i] = CINCH_FMA(1 - k, value[i] - state[i], state[i]);
    else
        for (int64_t i = 0; i < n; i++) state[i] = CINCH_FMA(k, value[i], state[i]);
}

static cinch_status run_state(cinch_backend *backend, const cinch_call *call)
{
    int64_t tasks = cinch_cpu_parts(cinch_tensor_count(&call->in[0]), CINCH_CPU_PIECE);
    cinch_task task = call->op == CINCH_OP_assign ? assign_task : blend_task;
    if (!skipped(call)) cinch_pool_run(cinch_cpu_pool(backend), tasks, task, (void *)(uintptr_t)call);
    return CINCH_OK;
}

CINCH_CPU_KERNEL_UNPLANNED(assign, run_state)
CINCH_CPU_KERNEL_UNPLANNED(accumulate, run_state)
CINCH_CPU_KERNEL_UNPLANNED(ema, run_state)

static cinch_status run_record(cinch_backend *backend, const cinch_call *call)
{
    int64_t rows = call->in[0].dim[0], width = call->in[0].dim[1];
    float *row = (float *)call->in[0].data + *(const int32_t *)call->in[1].data % rows * width;
    (void)backend;
    for (int k = 2; k < call->n_in; k++) row[k - 2] = *(const float *)call->in[k].data;
    return CINCH_OK;
}
CINCH_CPU_KERNEL_UNPLANNED(record, run_record)
