/* SPDX-License-Identifier: Apache-2.0 */
/* From one type to another, with a factor and an offset on the way. */
#include "cuda/vector.cuh"

__device__ static void store_one(float *y, float v) { *y = v; }
__device__ static void store_one(cinch_bf16 *y, float v) { cinch_store(y, 0, v); }
__device__ static void store_one(int32_t *y, float v) { *y = cinch_to_i32(v); }
__device__ static void store_one(uint8_t *y, float v) { *y = cinch_to_u8(v); }

/* x scale + offset in two roundings, as the CPU has it: integers may follow. */
__device__ static float affine(float x, float scale, float offset)
{
    return scale != 1 || offset != 0 ? x * scale + offset : x;
}

/* A thread converts CINCH_VECTOR neighbours at a time; those beyond the last whole vector one by one. */
template <typename From, typename To>
static __global__ void __launch_bounds__(CINCH_BLOCK)
cast_kernel(To *to, const From *from, int64_t n, int64_t vectors, float scale, float offset)
{
    CINCH_EACH(i, vectors) {
        float v[CINCH_VECTOR];
        cinch_load_vector(from + i * CINCH_VECTOR, v);
        for (int k = 0; k < CINCH_VECTOR; k++) v[k] = affine(v[k], scale, offset);
        cinch_store_vector(to + i * CINCH_VECTOR, v);
    }
    int64_t done = vectors * CINCH_VECTOR;
    CINCH_EACH(i, n - done) store_one(to + done + i, affine((float)cinch_load(from, done + i), scale, offset));
}

template <typename From, typename To>
static void cast(cinch_backend *b, const cinch_call *c)
{
    const From *from = (const From *)c->in[0].data;
    To *to = (To *)c->out->data;
    int64_t n = cinch_tensor_count(c->out);
    bool aligned = cinch_vectors(from, c->in[0].dtype) && cinch_vectors(to, c->out->dtype);
    int64_t vectors = aligned ? n / CINCH_VECTOR : 0, blocks = cinch_cuda_blocks(b, vectors ? vectors : n);
    float scale = c->attr->scalars.v[0], offset = c->attr->scalars.v[1];
    CINCH_LAUNCH((cast_kernel<From, To>), blocks, CINCH_BLOCK, cinch_cuda_stream(b), to, from, n, vectors, scale,
                 offset);
}

template <typename From>
static void cast_from(cinch_backend *b, const cinch_call *c)
{
    switch (c->out->dtype) {
    case CINCH_BF16: return cast<From, cinch_bf16>(b, c);
    case CINCH_I32: return cast<From, int32_t>(b, c);
    case CINCH_U8: return cast<From, uint8_t>(b, c);
    default: return cast<From, float>(b, c);
    }
}

static cinch_status run_cast(cinch_backend *b, const cinch_call *c)
{
    if (!cinch_tensor_count(c->out)) return CINCH_OK;
    switch (c->in[0].dtype) {
    case CINCH_BF16: cast_from<cinch_bf16>(b, c); break;
    case CINCH_I32: cast_from<int32_t>(b, c); break;
    case CINCH_U8: cast_from<uint8_t>(b, c); break;
    default: cast_from<float>(b, c);
    }
    return cinch_cuda_launched(c);
}
CINCH_CUDA_KERNEL_UNPLANNED(cast, run_cast)
