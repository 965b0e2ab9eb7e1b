/* SPDX-License-Identifier: Apache-2.0 */
/* sum, max, min and logsumexp over the axes first..last; the kernels are in reduce.cuh. */
#include "cuda/reduce.cuh"

CINCH_HD float least(float) { return -INFINITY; }
CINCH_HD int32_t least(int32_t) { return INT32_MIN; }
CINCH_HD float largest(float) { return INFINITY; }
CINCH_HD int32_t largest(int32_t) { return INT32_MAX; }

CINCH_HD void store(void *out, cinch_dtype dtype, int64_t i, float v) { cinch_store_as(out, dtype, i, v); }
CINCH_HD void store(void *out, cinch_dtype, int64_t i, int32_t v) { ((int32_t *)out)[i] = v; }

/* An operation that folds values of type V, of which `nothing` changes no other. */
#define FOLD(name, Operation, nothing)                                                                       \
    template <typename V> struct name##_of {                                                                 \
        typedef V State, Partial;                                                                            \
        __device__ static V start() { return nothing; }                                                      \
        __device__ static V with(V s, V x, int64_t) { return Operation()(s, x); }                            \
        __device__ static V both(V a, V b) { return Operation()(a, b); }                                     \
        __device__ static V across(V s, int lanes) { return cinch_group_reduce(s, lanes, Operation()); }     \
        __device__ static V partial(V s) { return s; }                                                       \
        __device__ static void store(void *out, cinch_dtype dtype, int64_t i, V s) { ::store(out, dtype, i, s); } \
    };
FOLD(sum, cinch_add, 0)
FOLD(max, cinch_larger, least(V()))
FOLD(min, cinch_smaller, largest(V()))

/* Partial results are log(sum(exp(x))) of a part, which again is what the second round takes. */
struct logsumexp_of {
    typedef cinch_exponentials State;
    typedef float Partial;
    __device__ static State start() { return {-INFINITY, 0}; }
    __device__ static State with(State s, float x, int64_t) { return cinch_exponentials_with(s, x); }
    __device__ static State both(State a, State b) { return cinch_exponentials_both(a, b); }
    __device__ static State across(State s, int lanes) { return cinch_exponentials_across(s, lanes); }
    __device__ static float partial(State s)
    {
        return cinch_f_is_finite(s.top) != 0 ? cinch_f_log(s.sum) + s.top : s.top;
    }
    __device__ static void store(void *out, cinch_dtype dtype, int64_t i, State s)
    {
        cinch_store_as(out, dtype, i, partial(s));
    }
};

static cinch_status plan(cinch_backend *b, const cinch_call *c, size_t *scratch, size_t *saved)
{
    (void)b, (void)saved;
    *scratch = cinch_reduce_scratch(c, sizeof(float));
    return CINCH_OK;
}

#define REDUCTION(name)                                                                              \
    static cinch_status run_##name(cinch_backend *b, const cinch_call *c)                            \
    {                                                                                                \
        switch (c->in[0].dtype) {                                                                    \
        case CINCH_I32: return cinch_reduce_run<name##_of<int32_t>, int32_t>(b, c);                  \
        case CINCH_BF16: return cinch_reduce_run<name##_of<float>, cinch_bf16>(b, c);                \
        default: return cinch_reduce_run<name##_of<float>, float>(b, c);                             \
        }                                                                                            \
    }                                                                                                \
    CINCH_CUDA_KERNEL(name, run_##name, plan)
REDUCTION(sum)
REDUCTION(max)
REDUCTION(min)

static cinch_status run_logsumexp(cinch_backend *b, const cinch_call *c)
{
    if (c->in[0].dtype == CINCH_BF16) return cinch_reduce_run<logsumexp_of, cinch_bf16>(b, c);
    return cinch_reduce_run<logsumexp_of, float>(b, c);
}
CINCH_CUDA_KERNEL(logsumexp, run_logsumexp, plan)
