/* SPDX-License-Identifier: Apache-2.0 */
/* Effects: the optimisers' updates over the segment table, and writing states. */
#include "cpu/kernel.h"

static bool refused(const cinch_call *c) { return c->commit && *c->commit == 0; }

/* --- optimisers --------------------------------------------------------------------------------------------------- */

/* What an update reads and writes: its own part of each operand. */
typedef struct span {
    float *w, *state1, *state2;
    const float *g;
    int64_t n;
    float scale, decay;
    const float *hyper;
    const cinch_attr *attr;
} span;

typedef void (*update)(const span *);

typedef struct updater {
    const cinch_call *c;
    update f;
    int states;
    const float *scale, *hyper;
    const int32_t *segments;
    int64_t n_segments;
} updater;

/* The hyper-parameters in registers, the arrays by name, and a loop whose iterations are independent. */
#define UPDATE(name, ...)                                                                     \
    static void name(const span *s)                                                           \
    {                                                                                         \
        float h[CINCH_HYPER_COUNT], scale = s->scale, decay = s->decay;                       \
        float *w = s->w, *u = s->state1, *v = s->state2;                                      \
        const float *g = s->g;                                                                \
        memcpy(h, s->hyper, sizeof h);                                                        \
        (void)u, (void)v;                                                                     \
        CINCH_IVDEP                                                                           \
        for (int64_t i = 0; i < s->n; i++) {                                                  \
            float weight = w[i], grad = scale * g[i];                                         \
            __VA_ARGS__;                                                                      \
            w[i] = weight;                                                                    \
        }                                                                                     \
    }

UPDATE(sgd_plain, cinch_update_sgd_plain(&weight, grad, h, decay))
UPDATE(sgd_momentum, float b = u[i]; cinch_update_sgd(&weight, grad, &b, h, decay, 0); u[i] = b)
UPDATE(sgd_nesterov, float b = u[i]; cinch_update_sgd(&weight, grad, &b, h, decay, 1); u[i] = b)
UPDATE(adam_coupled, float m = u[i], q = v[i]; cinch_update_adam(&weight, grad, &m, &q, h, decay, 0);
       u[i] = m; v[i] = q)
UPDATE(adam_decoupled, float m = u[i], q = v[i]; cinch_update_adam(&weight, grad, &m, &q, h, decay, 1);
       u[i] = m; v[i] = q)
UPDATE(adagrad_update, float q = u[i]; cinch_update_adagrad(&weight, grad, &q, h, decay); u[i] = q)

/* rmsprop's second state is the momentum or the mean gradient. */
#define RMSPROP(name, centred, momentum)                                                      \
    UPDATE(name, float q = u[i], mean = centred ? v[i] : 0;                                   \
           float step = cinch_rmsprop_step(CINCH_FMA(decay, weight, grad), &q, &mean, h, centred); \
           u[i] = q;                                                                          \
           if (centred) v[i] = mean;                                                          \
           if (momentum) v[i] = step = CINCH_FMA(h[CINCH_HYPER_MOMENTUM], v[i], step);        \
           weight = CINCH_FMA(-h[CINCH_HYPER_LR], step, weight))
RMSPROP(rmsprop_plain, 0, 0)
RMSPROP(rmsprop_momentum, 0, 1)
RMSPROP(rmsprop_centred, 1, 0)

static float *state_at(const cinch_call *c, int k, int64_t at) { return (float *)c->in[k].data + at; }

/* A task has a piece of the slab, and of every segment what lies in it. */
static void update_piece(void *arg, int64_t begin, int64_t end, int worker)
{
    const updater *u = arg;
    const cinch_call *c = u->c;
    (void)worker;
    for (int64_t i = 0; i < u->n_segments; i++) {
        const int32_t *row = u->segments + i * CINCH_SEGMENT_COUNT;
        int64_t first = cinch_cpu_max(begin, row[CINCH_SEGMENT_OFFSET]);
        int64_t last = cinch_cpu_min(end, (int64_t)row[CINCH_SEGMENT_OFFSET] + row[CINCH_SEGMENT_LENGTH]);
        const float *hyper = u->hyper + row[CINCH_SEGMENT_GROUP] * CINCH_HYPER_COUNT;
        if (first >= last) continue;
        span s = {.w = state_at(c, 0, first), .g = (const float *)c->in[1].data + first, .n = last - first,
                  .scale = *u->scale, .hyper = hyper, .attr = c->attr};
        s.decay = row[CINCH_SEGMENT_FLAGS] & CINCH_SEGMENT_DECAY ? hyper[CINCH_HYPER_DECAY] : 0;
        if (u->states > 0) s.state1 = state_at(c, 2, first);
        if (u->states > 1) s.state2 = state_at(c, 3, first);
        u->f(&s);
    }
}

static cinch_status run_update(cinch_backend *b, const cinch_call *c, update f, int states)
{
    const cinch_tensor *segments = &c->in[c->n_in - 1];
    updater u = {.c = c, .f = f, .states = states, .scale = c->in[c->n_in - 3].data, .hyper = c->in[c->n_in - 2].data,
                 .segments = segments->data, .n_segments = segments->dim[0]};
    if (!refused(c)) cinch_cpu_pieces(b, cinch_tensor_count(&c->in[0]), CINCH_CPU_PIECE, update_piece, &u);
    return CINCH_OK;
}

static cinch_status run_sgd(cinch_backend *b, const cinch_call *c)
{
    if (!c->attr->update.has_momentum) return run_update(b, c, sgd_plain, 0);
    return run_update(b, c, c->attr->update.nesterov ? sgd_nesterov : sgd_momentum, 1);
}
CINCH_CPU_KERNEL_UNPLANNED(sgd, run_sgd)

static cinch_status run_adam(cinch_backend *b, const cinch_call *c)
{
    return run_update(b, c, c->attr->update.decoupled ? adam_decoupled : adam_coupled, 2);
}
CINCH_CPU_KERNEL_UNPLANNED(adam, run_adam)

static cinch_status run_adagrad(cinch_backend *b, const cinch_call *c) { return run_update(b, c, adagrad_update, 1); }
CINCH_CPU_KERNEL_UNPLANNED(adagrad, run_adagrad)

static cinch_status run_rmsprop(cinch_backend *b, const cinch_call *c)
{
    bool centred = c->attr->update.centred, momentum = c->attr->update.has_momentum;
    if (!centred && !momentum) return run_update(b, c, rmsprop_plain, 1);
    return run_update(b, c, centred ? rmsprop_centred : rmsprop_momentum, 2);
}
CINCH_CPU_KERNEL_UNPLANNED(rmsprop, run_rmsprop)

/* --- states ------------------------------------------------------------------------------------------------------- */

static void assign_piece(void *arg, int64_t begin, int64_t end, int worker)
{
    const cinch_call *c = arg;
    size_t size = cinch_dtype_size(c->in[0].dtype);
    (void)worker;
    memmove((char *)c->in[0].data + begin * (int64_t)size, (const char *)c->in[1].data + begin * (int64_t)size,
            (size_t)(end - begin) * size);
}

static void accumulate_piece(void *arg, int64_t begin, int64_t end, int worker)
{
    const cinch_call *c = arg;
    float *state = c->in[0].data, scale = *(const float *)c->in[2].data;
    const float *value = c->in[1].data;
    (void)worker;
    CINCH_IVDEP
    for (int64_t i = begin; i < end; i++) state[i] = CINCH_FMA(scale, value[i], state[i]);
}

static void ema_piece(void *arg, int64_t begin, int64_t end, int worker)
{
    const cinch_call *c = arg;
    float *state = c->in[0].data, decay = *(const float *)c->in[2].data;
    const float *value = c->in[1].data;
    (void)worker;
    CINCH_IVDEP
    for (int64_t i = begin; i < end; i++) state[i] = CINCH_LERP(state[i], value[i], 1 - decay);
}

static cinch_status run_state(cinch_backend *b, const cinch_call *c, cinch_cpu_range f)
{
    bool itself = c->op == CINCH_OP_assign && c->in[0].data == c->in[1].data;
    if (!refused(c) && !itself) cinch_cpu_pieces(b, cinch_tensor_count(&c->in[0]), CINCH_CPU_PIECE, f, (void *)c);
    return CINCH_OK;
}

#define STATE(op)                                                                                               \
    static cinch_status run_##op(cinch_backend *b, const cinch_call *c) { return run_state(b, c, op##_piece); } \
    CINCH_CPU_KERNEL_UNPLANNED(op, run_##op)
STATE(assign)
STATE(accumulate)
STATE(ema)

/* A row of the ring; also of steps that were refused, so never predicated. */
static cinch_status run_record(cinch_backend *b, const cinch_call *c)
{
    int64_t rows = c->in[0].dim[0], k = c->n_in - 2, row = *(const int32_t *)c->in[1].data;
    (void)b;
    if (!rows) return CINCH_OK;
    float *to = (float *)c->in[0].data + (row % rows + rows) % rows * k;
    for (int64_t i = 0; i < k; i++) to[i] = *(const float *)c->in[2 + i].data;
    return CINCH_OK;
}
CINCH_CPU_KERNEL_UNPLANNED(record, run_record)
