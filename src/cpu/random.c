/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random numbers by position (rng.h). A lane is one Philox block: four neighbouring elements of a row; lanes are
 * computed side by side, whatever the rows' length.
 */
#include "cpu/kernel.h"

enum { LANES = 16, TILE = 1024 };  /* TILE is a multiple of 8: tasks share no byte of a mask */

typedef struct drawing {
    const cinch_call *call;
    const int32_t *position;
    uint32_t stream;
    int64_t n, width, blocks;      /* elements, elements of a row, lanes of a row */
} drawing;

static drawing describe(const cinch_call *call)
{
    const cinch_tensor *out = &call->out[0];
    drawing d = {.call = call, .position = call->in[call->n_in - 1].data, .stream = call->attr->random.stream,
                 .n = cinch_tensor_count(out), .width = out->rank ? cinch_cpu_span(out, 1, out->rank) : 1};
    d.blocks = cinch_cpu_parts(d.width, 4);
    return d;
}

/* --- Philox, LANES at a time ------------------------------------------------------------------------------------------ */

typedef struct lanes { uint32_t v[4][LANES]; } lanes;

static void philox_lanes(lanes *c, uint32_t key0, uint32_t key1)
{
    for (int round = 0; round < 10; round++) {
        for (int l = 0; l < LANES; l++) {
            uint64_t p0 = (uint64_t)0xD2511F53u * c->v[0][l], p1 = (uint64_t)0xCD9E8D57u * c->v[2][l];
            uint32_t r0 = (uint32_t)(p1 >> 32) ^ c->v[1][l] ^ key0, r2 = (uint32_t)(p0 >> 32) ^ c->v[3][l] ^ key1;
            c->v[0][l] = r0;
            c->v[1][l] = (uint32_t)p1;
            c->v[2][l] = r2;
            c->v[3][l] = (uint32_t)p0;
        }
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
}

static void draw_lanes(const drawing *d, int64_t lane, lanes *out)
{
    int64_t row = lane / d->blocks, block = lane % d->blocks;
    for (int l = 0; l < LANES; l++) {
        out->v[0][l] = (uint32_t)block;
        out->v[1][l] = (uint32_t)row + (uint32_t)d->position[CINCH_POSITION_SAMPLE];
        out->v[2][l] = (uint32_t)d->position[CINCH_POSITION_STEP_LOW];
        out->v[3][l] = (uint32_t)d->position[CINCH_POSITION_STEP_HIGH];
        if (++block == d->blocks) {
            block = 0;
            row++;
        }
    }
    philox_lanes(out, (uint32_t)d->position[CINCH_POSITION_SEED_LOW],
                 (uint32_t)d->position[CINCH_POSITION_SEED_HIGH] ^ d->stream);
}

static int64_t lane_of(const drawing *d, int64_t element) { return element / d->width * d->blocks + element % d->width / 4; }

/* word[i] (and other[i], its partner in the pair) of elements first .. first+n-1. */
static void draw_words(const drawing *d, int64_t first, int64_t n, uint32_t *word, uint32_t *other)
{
    int64_t element = first, end = first + n, lane = lane_of(d, first);
    int64_t column = first % d->width;
    lanes w;
    int l = LANES;
    while (element < end) {
        if (l == LANES) {
            draw_lanes(d, lane, &w);
            lane += LANES;
            l = 0;
        }
        for (int k = (int)(column % 4); k < 4 && column < d->width && element < end; k++, column++, element++) {
            word[element - first] = w.v[k][l];
            if (other) other[element - first] = w.v[k ^ 1][l];
        }
        if (column == d->width) column = 0;
        l++;
    }
}

/* --- the ops --------------------------------------------------------------------------------------------------------------- */

static void map_uniform(const drawing *d, const uint32_t *word, const uint32_t *other, int64_t first, int64_t n)
{
    float a = d->call->attr->random.a, b = d->call->attr->random.b, *y = (float *)d->call->out[0].data + first;
    (void)other;
    for (int64_t i = 0; i < n; i++) y[i] = CINCH_FMA(b - a, cinch_unit_float(word[i]), a);
}

static void map_normal(const drawing *d, const uint32_t *word, const uint32_t *other, int64_t first, int64_t n)
{
    float a = d->call->attr->random.a, b = d->call->attr->random.b, *y = (float *)d->call->out[0].data + first;
    for (int64_t i = 0; i < n; i++) {
        bool second = (first + i) % d->width % 2;
        float z[2];
        cinch_normal_pair(second ? other[i] : word[i], second ? word[i] : other[i], &z[0], &z[1]);
        y[i] = CINCH_FMA(b, z[second], a);
    }
}

static void map_bernoulli(const drawing *d, const uint32_t *word, const uint32_t *other, int64_t first, int64_t n)
{
    float p = d->call->attr->random.a, *y = (float *)d->call->out[0].data + first;
    (void)other;
    for (int64_t i = 0; i < n; i++) y[i] = cinch_unit_float(word[i]) < p ? 1.0f : 0.0f;
}

static void map_integers(const drawing *d, const uint32_t *word, const uint32_t *other, int64_t first, int64_t n)
{
    int64_t low = d->call->attr->random.low;
    uint64_t range = (uint64_t)(d->call->attr->random.high - low);
    int32_t *y = (int32_t *)d->call->out[0].data + first;
    (void)other;
    for (int64_t i = 0; i < n; i++) y[i] = cinch_integer_word(word[i], low, range);
}

static void save_mask(uint8_t *mask, const float *keep, int64_t n)
{
    for (int64_t i = 0; i < n; i += 8) {
        unsigned bits = 0;
        for (int64_t b = 0; b < cinch_cpu_min(8, n - i); b++) bits |= (unsigned)(keep[i + b] != 0) << b;
        mask[i / 8] = (uint8_t)bits;
    }
}

static void map_dropout(const drawing *d, const uint32_t *word, const uint32_t *other, int64_t first, int64_t n)
{
    float p = d->call->attr->random.a, scale = 1 / (1 - p), x[TILE], keep[TILE];
    (void)other;
    cinch_load(x, d->call->in[0].data, d->call->in[0].dtype, first, n);
    for (int64_t i = 0; i < n; i++) keep[i] = cinch_unit_float(word[i]) >= p ? 1.0f : 0.0f;
    if (d->call->saved) save_mask((uint8_t *)d->call->saved + first / 8, keep, n);
    for (int64_t i = 0; i < n; i++) x[i] = keep[i] != 0 ? x[i] * scale : 0;
    cinch_store(d->call->out[0].data, d->call->out[0].dtype, first, x, n);
}

static void map_words(const drawing *d, const uint32_t *word, const uint32_t *other, int64_t first, int64_t n)
{
    switch (d->call->op) {
    case CINCH_OP_uniform: map_uniform(d, word, other, first, n); return;
    case CINCH_OP_normal: map_normal(d, word, other, first, n); return;
    case CINCH_OP_bernoulli: map_bernoulli(d, word, other, first, n); return;
    case CINCH_OP_integers: map_integers(d, word, other, first, n); return;
    default: map_dropout(d, word, other, first, n); return;
    }
}

enum { TILES_PER_TASK = 8 };

static void draw_task(void *arg, int64_t task, int worker)
{
    const drawing *d = arg;
    uint32_t word[TILE], other[TILE];
    bool pairs = d->call->op == CINCH_OP_normal;
    int64_t first = task * TILES_PER_TASK * TILE, end = cinch_cpu_min(first + TILES_PER_TASK * TILE, d->n);
    (void)worker;
    for (; first < end; first += TILE) {
        int64_t n = cinch_cpu_min(TILE, end - first);
        draw_words(d, first, n, word, pairs ? other : NULL);
        map_words(d, word, other, first, n);
    }
}

static cinch_status run_draw(cinch_backend *backend, const cinch_call *call)
{
    drawing d = describe(call);
    cinch_pool_run(cinch_cpu_pool(backend), cinch_cpu_parts(d.n, TILES_PER_TASK * TILE), draw_task, &d);
    return CINCH_OK;
}

CINCH_CPU_KERNEL_UNPLANNED(uniform, run_draw)
CINCH_CPU_KERNEL_UNPLANNED(normal, run_draw)
CINCH_CPU_KERNEL_UNPLANNED(bernoulli, run_draw)
CINCH_CPU_KERNEL_UNPLANNED(integers, run_draw)

static cinch_status plan_dropout(cinch_backend *backend, const cinch_call *call, size_t *scratch, size_t *saved)
{
    (void)backend, (void)scratch;
    *saved = (size_t)cinch_cpu_parts(cinch_tensor_count(&call->out[0]), 8);
    return CINCH_OK;
}
CINCH_CPU_KERNEL(dropout, run_draw, plan_dropout)

static void dropout_grad_task(void *arg, int64_t task, int worker)
{
    const cinch_call *call = arg;
    const uint8_t *mask = call->saved;
    float scale = 1 / (1 - call->attr->random.a), d[TILE];
    int64_t first = task * TILE, n = cinch_cpu_min(TILE, cinch_tensor_count(&call->out[0]) - first);
    (void)worker;
    cinch_load(d, call->in[0].data, call->in[0].dtype, first, n);
    for (int64_t i = 0; i < n; i++) d[i] = mask[(first + i) / 8] >> (first + i) % 8 & 1 ? d[i] * scale : 0;
    cinch_store(call->out[0].data, call->out[0].dtype, first, d, n);
}

static cinch_status run_dropout_grad(cinch_backend *backend, const cinch_call *call)
{
    int64_t tasks = cinch_cpu_parts(cinch_tensor_count(&call->out[0]), TILE);
    cinch_pool_run(cinch_cpu_pool(backend), tasks, dropout_grad_task, (void *)(uintptr_t)call);
    return CINCH_OK;
}
CINCH_CPU_KERNEL_UNPLANNED(dropout_grad, run_dropout_grad)

/* --- permutations: rows sorted by (random word, index) ----------------------------------------------------------------------- */

/* Stable radix sort of (word << 32 | index) by word; the result is in `a`. */
static void sort_by_word(uint64_t *a, uint64_t *b, int64_t n)
{
    for (int shift = 32; shift < 64; shift += 8) {
        int64_t start[257] = {0};
        for (int64_t i = 0; i < n; i++) start[(a[i] >> shift & 255) + 1]++;
        for (int digit = 0; digit < 256; digit++) start[digit + 1] += start[digit];
        for (int64_t i = 0; i < n; i++) b[start[a[i] >> shift & 255]++] = a[i];
        uint64_t *swap = a;
        a = b;
        b = swap;
    }
}

static void permute_row(void *arg, int64_t row, int worker)
{
    const drawing *d = arg;
    uint64_t *pairs = (uint64_t *)d->call->scratch + 2 * d->width * worker;
    int32_t *out = (int32_t *)d->call->out[0].data + row * d->width;
    uint32_t word[TILE];
    for (int64_t i = 0; i < d->width; i += TILE) {
        int64_t n = cinch_cpu_min(TILE, d->width - i);
        draw_words(d, row * d->width + i, n, word, NULL);
        for (int64_t k = 0; k < n; k++) pairs[i + k] = (uint64_t)word[k] << 32 | (uint64_t)(i + k);
    }
    sort_by_word(pairs, pairs + d->width, d->width);
    for (int64_t i = 0; i < d->width; i++) out[i] = (int32_t)(uint32_t)pairs[i];
}

static cinch_status plan_permutation(cinch_backend *backend, const cinch_call *call, size_t *scratch, size_t *saved)
{
    (void)saved;
    *scratch = 2 * sizeof(uint64_t) * (size_t)call->out[0].dim[1] * (size_t)cinch_pool_threads(cinch_cpu_pool(backend));
    return CINCH_OK;
}

static cinch_status run_permutation(cinch_backend *backend, const cinch_call *call)
{
    drawing d = describe(call);
    if (d.width) cinch_pool_run(cinch_cpu_pool(backend), call->out[0].dim[0], permute_row, &d);
    return CINCH_OK;
}
CINCH_CPU_KERNEL(permutation, run_permutation, plan_permutation)
