/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random numbers. Element e of row r (axis 0) takes word e % 4 of block e / 4 of that row, as rng.h has it: where it
 * stands decides, so the numbers are the CPU's. A thread computes whole blocks.
 */
#include "cuda/sort.h"
#include "cuda/vector.cuh"

enum { WORDS = CINCH_VECTOR };

typedef struct draw {
    const int32_t *position;
    cinch_attr attr;
    int64_t width, blocks, total; /* elements of a row; blocks of a row; blocks of all rows */
    bool aligned;                 /* a block's elements can be written at once */
} draw;

static draw draw_of(const cinch_call *c, const cinch_tensor *shape)
{
    draw d = {};
    d.position = (const int32_t *)c->in[c->n_in - 1].data;
    d.attr = *c->attr;
    d.width = cinch_cuda_span(shape, 1, shape->rank);
    d.blocks = cinch_cuda_parts(d.width, WORDS);
    d.total = d.width ? cinch_tensor_count(shape) / d.width * d.blocks : 0;
    d.aligned = d.width % WORDS == 0 && cinch_vectors(c->out->data, c->out->dtype);
    return d;
}

/* --- words to numbers --------------------------------------------------------------------------------------------- */

struct to_uniform {
    __device__ static void convert(const cinch_attr &attr, uint32_t *word)
    {
        float a = attr.random.a, b = attr.random.b;
        for (int i = 0; i < WORDS; i++) word[i] = cinch_bits(CINCH_FMA(b - a, cinch_unit_float(word[i]), a));
    }
};

struct to_normal {
    __device__ static void convert(const cinch_attr &attr, uint32_t *word)
    {
        float mean = attr.random.a, deviation = attr.random.b, z0, z1;
        for (int i = 0; i < WORDS; i += 2) {
            cinch_normal_pair(word[i], word[i + 1], &z0, &z1);
            word[i] = cinch_bits(CINCH_FMA(deviation, z0, mean));
            word[i + 1] = cinch_bits(CINCH_FMA(deviation, z1, mean));
        }
    }
};

struct to_bernoulli {
    __device__ static void convert(const cinch_attr &attr, uint32_t *word)
    {
        for (int i = 0; i < WORDS; i++) word[i] = cinch_bits(cinch_f_less(cinch_unit_float(word[i]), attr.random.a));
    }
};

struct to_integers {
    __device__ static void convert(const cinch_attr &attr, uint32_t *word)
    {
        uint64_t range = (uint64_t)attr.random.high - (uint64_t)attr.random.low;
        for (int i = 0; i < WORDS; i++) word[i] = (uint32_t)cinch_integer_word(word[i], attr.random.low, range);
    }
};

/* A thread makes a block of WORDS numbers at a time; nothing is read, each number is written once. */
template <typename Conversion>
static __global__ void __launch_bounds__(CINCH_BLOCK) draw_kernel(const draw d, uint32_t *to)
{
    CINCH_EACH(i, d.total) {
        int64_t row = i / d.blocks, block = i - row * d.blocks, at = row * d.width + block * WORDS;
        cinch_philox w = cinch_random_words(d.position, d.attr.random.stream, (uint32_t)row, (uint32_t)block);
        Conversion::convert(d.attr, w.v);
        if (d.aligned) *(uint4 *)(to + at) = make_uint4(w.v[0], w.v[1], w.v[2], w.v[3]);
        else
            for (int k = 0; k < WORDS; k++)
                if (block * WORDS + k < d.width) to[at + k] = w.v[k];
    }
}

template <typename Conversion>
static cinch_status run_draw(cinch_backend *b, const cinch_call *c)
{
    draw d = draw_of(c, c->out);
    if (!d.total) return CINCH_OK;
    CINCH_LAUNCH(draw_kernel<Conversion>, cinch_cuda_blocks(b, d.total), CINCH_BLOCK, cinch_cuda_stream(b), d,
                 (uint32_t *)c->out->data);
    return cinch_cuda_launched(c);
}

CINCH_CUDA_KERNEL_UNPLANNED(uniform, run_draw<to_uniform>)
CINCH_CUDA_KERNEL_UNPLANNED(normal, run_draw<to_normal>)
CINCH_CUDA_KERNEL_UNPLANNED(bernoulli, run_draw<to_bernoulli>)
CINCH_CUDA_KERNEL_UNPLANNED(integers, run_draw<to_integers>)

/* --- dropout: the mask has a byte for two blocks of a row, a bit for each element, 1 where it is kept ------------- */

enum { BYTE = 8 };

typedef struct dropper {
    draw d;
    uint8_t *mask;         /* NULL where nobody reads it */
    int64_t bytes, total;  /* of the mask: of a row, of all */
    float scale;
} dropper;

/* The elements of a block that are kept: n of them from `at` on. */
template <typename T>
__device__ static void keep(const dropper &d, T *to, const T *from, int64_t at, int64_t n, unsigned kept)
{
    float x[WORDS];
    if (d.d.aligned) {
        cinch_load_vector(from + at, x);
        for (int k = 0; k < WORDS; k++) x[k] = kept >> k & 1 ? x[k] * d.scale : 0;
        return cinch_store_vector(to + at, x);
    }
    for (int k = 0; k < WORDS; k++)
        if (k < n) cinch_store(to, at + k, kept >> k & 1 ? cinch_load(from, at + k) * d.scale : 0.0f);
}

__device__ static unsigned draw_kept(const draw &d, int64_t row, int64_t block)
{
    unsigned kept = 0;
    cinch_philox w = cinch_random_words(d.position, d.attr.random.stream, (uint32_t)row, (uint32_t)block);
    for (int k = 0; k < WORDS; k++) kept |= (unsigned)(cinch_unit_float(w.v[k]) >= d.attr.random.a) << k;
    return kept;
}

/* A thread has a byte of the mask at a time, which it draws or, for the gradient, reads. Each element is read once and
   written once. */
template <typename T, bool drawn>
static __global__ void __launch_bounds__(CINCH_BLOCK) dropout_kernel(const dropper d, T *to, const T *from)
{
    CINCH_EACH(i, d.total) {
        int64_t row = i / d.bytes, block = (i - row * d.bytes) * 2, e = block * WORDS, at = row * d.d.width + e;
        bool second = e + WORDS < d.d.width;
        unsigned mask = drawn ? draw_kept(d.d, row, block) : d.mask[i];
        if (drawn && second) mask |= draw_kept(d.d, row, block + 1) << WORDS;
        keep(d, to, from, at, d.d.width - e, mask);
        if (second) keep(d, to, from, at + WORDS, d.d.width - e - WORDS, mask >> WORDS);
        if (drawn && d.mask) d.mask[i] = (uint8_t)mask;
    }
}

static dropper dropper_of(const cinch_call *c)
{
    dropper d = {};
    d.d = draw_of(c, c->out);
    d.d.aligned = d.d.aligned && cinch_vectors(c->in[0].data, c->in[0].dtype);
    d.mask = (uint8_t *)c->saved;
    d.bytes = cinch_cuda_parts(d.d.width, BYTE);
    d.total = d.d.width ? cinch_tensor_count(c->out) / d.d.width * d.bytes : 0;
    d.scale = 1 / (1 - c->attr->random.a);
    return d;
}

template <bool drawn>
static cinch_status run_mask(cinch_backend *b, const cinch_call *c)
{
    dropper d = dropper_of(c);
    if (!d.total) return CINCH_OK;
    CINCH_WITH_FLOAT(c->out->dtype, T,
                     CINCH_LAUNCH((dropout_kernel<T, drawn>), cinch_cuda_blocks(b, d.total), CINCH_BLOCK,
                                  cinch_cuda_stream(b), d, (T *)c->out->data, (const T *)c->in[0].data));
    return cinch_cuda_launched(c);
}

static cinch_status plan_dropout(cinch_backend *b, const cinch_call *c, size_t *scratch, size_t *saved)
{
    (void)b, (void)scratch;
    *saved = (size_t)dropper_of(c).total;
    return CINCH_OK;
}
CINCH_CUDA_KERNEL(dropout, run_mask<true>, plan_dropout)
CINCH_CUDA_KERNEL_UNPLANNED(dropout_grad, run_mask<false>)

/* --- permutation: each row's indices in the order of their random words, equal words by index --------------------- */

/* A thread makes the keys of a block of WORDS numbers at a time: word and index. Those that fill up come last. */
static __global__ void __launch_bounds__(CINCH_BLOCK)
key_kernel(const draw d, uint64_t *keys, int64_t rows, int64_t length)
{
    int64_t blocks = (length + WORDS - 1) / WORDS;
    CINCH_EACH(i, rows * blocks) {
        int64_t row = i / blocks, block = i - row * blocks;
        cinch_philox w = cinch_random_words(d.position, d.attr.random.stream, (uint32_t)row, (uint32_t)block);
        for (int k = 0; k < WORDS; k++) {
            int64_t e = block * WORDS + k;
            uint64_t key = e < d.width ? (uint64_t)w.v[k] << 32 | (uint64_t)e : ~(uint64_t)0;
            if (e < length) keys[row * length + e] = key;
        }
    }
}

/* A thread writes an index at a time. */
static __global__ void __launch_bounds__(CINCH_BLOCK)
index_kernel(const uint64_t *keys, int32_t *to, int64_t total, int64_t width, int64_t length)
{
    CINCH_EACH(i, total) {
        int64_t row = i / width;
        to[i] = (int32_t)(uint32_t)keys[row * length + i - row * width];
    }
}

static cinch_status run_permutation(cinch_backend *b, const cinch_call *c)
{
    draw d = draw_of(c, c->out);
    uint64_t *keys = (uint64_t *)c->scratch;
    int64_t total = cinch_tensor_count(c->out), length = cinch_cuda_sort_length(d.width);
    cudaStream_t stream = cinch_cuda_stream(b);
    if (!total) return CINCH_OK;
    int64_t rows = total / d.width, blocks = rows * cinch_cuda_parts(length, WORDS);
    CINCH_LAUNCH(key_kernel, cinch_cuda_blocks(b, blocks), CINCH_BLOCK, stream, d, keys, rows, length);
    cinch_cuda_sort(b, keys, rows, length);
    CINCH_LAUNCH(index_kernel, cinch_cuda_blocks(b, total), CINCH_BLOCK, stream, keys, (int32_t *)c->out->data, total,
                 d.width, length);
    return cinch_cuda_launched(c);
}

static cinch_status plan_permutation(cinch_backend *b, const cinch_call *c, size_t *scratch, size_t *saved)
{
    int64_t width = cinch_cuda_span(c->out, 1, c->out->rank), total = cinch_tensor_count(c->out);
    (void)b, (void)saved;
    if (width > INT32_MAX)
        return cinch_fail(CINCH_USAGE, "permutation: %lld is more than 2^31 elements", (long long)width);
    if (total) *scratch = (size_t)(total / width * cinch_cuda_sort_length(width)) * sizeof(uint64_t);
    return CINCH_OK;
}
CINCH_CUDA_KERNEL(permutation, run_permutation, plan_permutation)
