/* SPDX-License-Identifier: Apache-2.0 */
/* Effects: the optimisers' updates over the segment table, and writing states. */
#include "cuda/move.h"
#include "cuda/vector.cuh"

enum { PIECE = CINCH_VECTOR * CINCH_BLOCK, SCALARS = 64 };

/* --- optimisers --------------------------------------------------------------------------------------------------- */

/* One element's update: its weight, gradient and states; `states` of them are read and written. */
#define RULE(name, n_states, ...)                                                                              \
    struct name {                                                                                              \
        static const int states = n_states;                                                                    \
        __device__ static void apply(float *w, float g, float *u, float *v, const float *h, float decay)       \
        {                                                                                                      \
            (void)u, (void)v;                                                                                  \
            __VA_ARGS__;                                                                                       \
        }                                                                                                      \
    };

RULE(sgd_plain, 0, cinch_update_sgd_plain(w, g, h, decay))
RULE(sgd_momentum, 1, cinch_update_sgd(w, g, u, h, decay, 0))
RULE(sgd_nesterov, 1, cinch_update_sgd(w, g, u, h, decay, 1))
RULE(adam_coupled, 2, cinch_update_adam(w, g, u, v, h, decay, 0))
RULE(adam_decoupled, 2, cinch_update_adam(w, g, u, v, h, decay, 1))
RULE(adagrad_rule, 1, cinch_update_adagrad(w, g, u, h, decay))

/* rmsprop's second state is the momentum or the mean gradient. */
#define RMSPROP(name, n_states, centred, momentum)                                                         \
    RULE(name, n_states, float step = cinch_rmsprop_step(CINCH_FMA(decay, *w, g), u, v, h, centred);       \
         if (momentum) *v = step = CINCH_FMA(h[CINCH_HYPER_MOMENTUM], *v, step);                           \
         *w = CINCH_FMA(-h[CINCH_HYPER_LR], step, *w))
RMSPROP(rmsprop_plain, 1, 0, 0)
RMSPROP(rmsprop_momentum, 2, 0, 1)
RMSPROP(rmsprop_centred, 2, 1, 0)

typedef struct updater {
    float *w, *u, *v;
    const float *g, *scale, *hyper, *commit;
    const int32_t *segments; /* in ascending order */
    int64_t n_segments, total;
    bool aligned;            /* vectors can be read whole */
} updater;

__device__ static int64_t start_of(const updater &p, int64_t s)
{
    return p.segments[s * CINCH_SEGMENT_COUNT + CINCH_SEGMENT_OFFSET];
}
__device__ static int64_t end_of(const updater &p, int64_t s)
{
    return start_of(p, s) + p.segments[s * CINCH_SEGMENT_COUNT + CINCH_SEGMENT_LENGTH];
}

/* The first segment that ends behind `at`, found by all threads of a block: each counts some that do not. */
__device__ static int64_t first_segment(const updater &p, int64_t at)
{
    int32_t before = 0;
    for (int64_t s = threadIdx.x; s < p.n_segments; s += CINCH_BLOCK) before += end_of(p, s) <= at;
    return cinch_block_reduce(before, cinch_add());
}

template <typename Rule>
__device__ static void update_one(const updater &p, int64_t i, float scale, const float *h, float decay)
{
    float w = p.w[i], u = Rule::states > 0 ? p.u[i] : 0, v = Rule::states > 1 ? p.v[i] : 0;
    Rule::apply(&w, scale * p.g[i], &u, &v, h, decay);
    p.w[i] = w;
    if (Rule::states > 0) p.u[i] = u;
    if (Rule::states > 1) p.v[i] = v;
}

template <typename Rule>
__device__ static void update_vector(const updater &p, int64_t i, float scale, const float *h, float decay)
{
    float w[CINCH_VECTOR], g[CINCH_VECTOR], u[CINCH_VECTOR] = {}, v[CINCH_VECTOR] = {};
    cinch_load_vector(p.w + i, w);
    cinch_load_vector(p.g + i, g);
    if (Rule::states > 0) cinch_load_vector(p.u + i, u);
    if (Rule::states > 1) cinch_load_vector(p.v + i, v);
    for (int k = 0; k < CINCH_VECTOR; k++) Rule::apply(&w[k], scale * g[k], &u[k], &v[k], h, decay);
    cinch_store_vector(p.w + i, w);
    if (Rule::states > 0) cinch_store_vector(p.u + i, u);
    if (Rule::states > 1) cinch_store_vector(p.v + i, v);
}

/* Elements first .. last-1 of one segment by the threads of a block, a vector each. */
template <typename Rule>
__device__ static void update_range(const updater &p, int64_t s, int64_t first, int64_t last, float scale)
{
    const int32_t *row = p.segments + s * CINCH_SEGMENT_COUNT;
    const float *hyper = p.hyper + row[CINCH_SEGMENT_GROUP] * CINCH_HYPER_COUNT;
    float h[CINCH_HYPER_COUNT], decay = row[CINCH_SEGMENT_FLAGS] & CINCH_SEGMENT_DECAY ? hyper[CINCH_HYPER_DECAY] : 0;
    for (int k = 0; k < CINCH_HYPER_COUNT; k++) h[k] = hyper[k];
    for (int64_t i = (first / CINCH_VECTOR + threadIdx.x) * CINCH_VECTOR; i < last; i += CINCH_BLOCK * CINCH_VECTOR) {
        if (p.aligned && i >= first && i + CINCH_VECTOR <= last) update_vector<Rule>(p, i, scale, h, decay);
        else
            for (int64_t k = i; k < i + CINCH_VECTOR; k++)
                if (k >= first && k < last) update_one<Rule>(p, k, scale, h, decay);
    }
}

/* A block has PIECE neighbouring elements of the slab at a time, and of every segment what lies in them. Weights,
   gradients and states are read once; weights and states are written once. */
template <typename Rule>
static __global__ void __launch_bounds__(CINCH_BLOCK) update_kernel(const updater p)
{
    if (p.commit && *p.commit == 0) return;
    float scale = *p.scale;
    for (int64_t begin = (int64_t)blockIdx.x * PIECE; begin < p.total; begin += (int64_t)gridDim.x * PIECE) {
        int64_t end = begin + PIECE < p.total ? begin + PIECE : p.total;
        for (int64_t s = first_segment(p, begin); s < p.n_segments && start_of(p, s) < end; s++) {
            int64_t first = start_of(p, s), last = end_of(p, s);
            update_range<Rule>(p, s, first > begin ? first : begin, last < end ? last : end, scale);
        }
    }
}

template <typename Rule>
static cinch_status run_update(cinch_backend *b, const cinch_call *c)
{
    const cinch_tensor *in = c->in, *segments = &in[c->n_in - 1];
    updater p = {};
    p.w = (float *)in[0].data;
    p.g = (const float *)in[1].data;
    p.u = Rule::states > 0 ? (float *)in[2].data : NULL;
    p.v = Rule::states > 1 ? (float *)in[3].data : NULL;
    p.scale = (const float *)in[c->n_in - 3].data;
    p.hyper = (const float *)in[c->n_in - 2].data;
    p.segments = (const int32_t *)segments->data;
    p.n_segments = segments->dim[0];
    p.total = cinch_tensor_count(&in[0]);
    p.commit = c->commit;
    p.aligned = cinch_cuda_aligned(p.w, 16) && cinch_cuda_aligned(p.g, 16) && cinch_cuda_aligned(p.u, 16) &&
                cinch_cuda_aligned(p.v, 16);
    if (!p.total) return CINCH_OK;
    int64_t blocks = cinch_cuda_blocks(b, cinch_cuda_parts(p.total, PIECE) * CINCH_BLOCK);
    CINCH_LAUNCH(update_kernel<Rule>, blocks, CINCH_BLOCK, cinch_cuda_stream(b), p);
    return cinch_cuda_launched(c);
}

static cinch_status run_sgd(cinch_backend *b, const cinch_call *c)
{
    if (!c->attr->update.has_momentum) return run_update<sgd_plain>(b, c);
    return c->attr->update.nesterov ? run_update<sgd_nesterov>(b, c) : run_update<sgd_momentum>(b, c);
}
CINCH_CUDA_KERNEL_UNPLANNED(sgd, run_sgd)

static cinch_status run_adam(cinch_backend *b, const cinch_call *c)
{
    return c->attr->update.decoupled ? run_update<adam_decoupled>(b, c) : run_update<adam_coupled>(b, c);
}
CINCH_CUDA_KERNEL_UNPLANNED(adam, run_adam)

static cinch_status run_adagrad(cinch_backend *b, const cinch_call *c) { return run_update<adagrad_rule>(b, c); }
CINCH_CUDA_KERNEL_UNPLANNED(adagrad, run_adagrad)

static cinch_status run_rmsprop(cinch_backend *b, const cinch_call *c)
{
    if (c->attr->update.centred) return run_update<rmsprop_centred>(b, c);
    return c->attr->update.has_momentum ? run_update<rmsprop_momentum>(b, c) : run_update<rmsprop_plain>(b, c);
}
CINCH_CUDA_KERNEL_UNPLANNED(rmsprop, run_rmsprop)

/* --- states ------------------------------------------------------------------------------------------------------- */

static cinch_status run_assign(cinch_backend *b, const cinch_call *c)
{
    int64_t bytes = cinch_tensor_count(&c->in[0]) * (int64_t)cinch_dtype_size(c->in[0].dtype);
    cinch_cuda_copy(b, c->in[0].data, c->in[1].data, bytes, c->commit);
    return cinch_cuda_launched(c);
}
CINCH_CUDA_KERNEL_UNPLANNED(assign, run_assign)

struct accumulate_rule {
    __device__ static float apply(float state, float value, float by) { return CINCH_FMA(by, value, state); }
};
struct ema_rule {
    __device__ static float apply(float state, float value, float by) { return CINCH_LERP(state, value, 1 - by); }
};

/* A thread has CINCH_VECTOR neighbours at a time; those beyond the last whole vector go one by one. The state and the
   value are read once, the state is written once. */
template <typename Rule>
static __global__ void __launch_bounds__(CINCH_BLOCK)
state_kernel(float *state, const float *value, const float *by, int64_t n, int64_t vectors, const float *commit)
{
    if (commit && *commit == 0) return;
    float factor = *by;
    CINCH_EACH(i, vectors) {
        float s[CINCH_VECTOR], x[CINCH_VECTOR];
        cinch_load_vector(state + i * CINCH_VECTOR, s);
        cinch_load_vector(value + i * CINCH_VECTOR, x);
        for (int k = 0; k < CINCH_VECTOR; k++) s[k] = Rule::apply(s[k], x[k], factor);
        cinch_store_vector(state + i * CINCH_VECTOR, s);
    }
    int64_t done = vectors * CINCH_VECTOR;
    CINCH_EACH(i, n - done) state[done + i] = Rule::apply(state[done + i], value[done + i], factor);
}

template <typename Rule>
static cinch_status run_state(cinch_backend *b, const cinch_call *c)
{
    float *state = (float *)c->in[0].data;
    const float *value = (const float *)c->in[1].data, *by = (const float *)c->in[2].data;
    int64_t n = cinch_tensor_count(&c->in[0]);
    int64_t vectors = cinch_cuda_aligned(state, 16) && cinch_cuda_aligned(value, 16) ? n / CINCH_VECTOR : 0;
    if (!n) return CINCH_OK;
    CINCH_LAUNCH(state_kernel<Rule>, cinch_cuda_blocks(b, vectors ? vectors : n), CINCH_BLOCK, cinch_cuda_stream(b),
                 state, value, by, n, vectors, c->commit);
    return cinch_cuda_launched(c);
}

static cinch_status run_accumulate(cinch_backend *b, const cinch_call *c) { return run_state<accumulate_rule>(b, c); }
CINCH_CUDA_KERNEL_UNPLANNED(accumulate, run_accumulate)

static cinch_status run_ema(cinch_backend *b, const cinch_call *c) { return run_state<ema_rule>(b, c); }
CINCH_CUDA_KERNEL_UNPLANNED(ema, run_ema)

/* --- record ------------------------------------------------------------------------------------------------------- */

typedef struct recorder {
    float *ring;
    int64_t rows, width, column; /* of the ring; the first that is written */
    const int32_t *row;
    int n;
    const float *scalars[SCALARS];
} recorder;

/* One block; a thread for each number. */
static __global__ void record_kernel(const recorder r)
{
    int64_t row = (*r.row % r.rows + r.rows) % r.rows;
    if (threadIdx.x < (unsigned)r.n) r.ring[row * r.width + r.column + threadIdx.x] = *r.scalars[threadIdx.x];
}

/* A row of the ring; also of steps that were refused, so never predicated. */
static cinch_status run_record(cinch_backend *b, const cinch_call *c)
{
    int64_t width = c->n_in - 2;
    recorder r = {(float *)c->in[0].data, c->in[0].dim[0], width, 0, (const int32_t *)c->in[1].data, 0, {}};
    if (!r.rows) return CINCH_OK;
    for (; r.column < width; r.column += SCALARS) {
        r.n = (int)cinch_cuda_min(SCALARS, width - r.column);
        for (int i = 0; i < r.n; i++) r.scalars[i] = (const float *)c->in[2 + r.column + i].data;
        CINCH_LAUNCH(record_kernel, 1, SCALARS, cinch_cuda_stream(b), r);
    }
    return cinch_cuda_launched(c);
}
CINCH_CUDA_KERNEL_UNPLANNED(record, run_record)
