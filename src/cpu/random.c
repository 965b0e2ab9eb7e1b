/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random numbers. Element e of row r (axis 0) takes word e % 4 of block e / 4 of that row: where it stands decides, so
 * pieces may be cut anywhere. A tile's blocks are computed side by side, turned into numbers, then put in order.
 */
#include "cpu/kernel.h"

enum { TILE = 512 /* elements; a multiple of 8, for the mask's bytes */ };

/* The blocks that a run of elements touches: up to one for each element. */
typedef struct blocks {
    int64_t n;
    int32_t skip; /* elements of the first block that lie before the run */
    uint32_t row[TILE], block[TILE];
    uint32_t word[4][TILE];
} blocks;

typedef struct draw draw;
typedef void (*conversion)(const draw *, blocks *);

struct draw {
    const cinch_call *c;
    const int32_t *position;
    int64_t width;      /* elements of a row */
    uint64_t range;     /* integers */
    conversion convert; /* words to the bits of the numbers */
};

/* --- blocks ------------------------------------------------------------------------------------------------------- */

static void philox(const draw *d, blocks *k)
{
    uint32_t stream = d->c->attr->random.stream;
    int32_t position[CINCH_POSITION_COUNT];
    memcpy(position, d->position, sizeof position);
    for (int64_t i = 0; i < k->n; i++) {
        cinch_philox w = cinch_random_words(position, stream, k->row[i], k->block[i]);
        k->word[0][i] = w.v[0];
        k->word[1][i] = w.v[1];
        k->word[2][i] = w.v[2];
        k->word[3][i] = w.v[3];
    }
}

/* The blocks of elements begin .. begin + n - 1 of the tensor. */
static void list_blocks(const draw *d, blocks *k, int64_t begin, int64_t n)
{
    int64_t row = begin / d->width, e = begin - row * d->width, end = begin + n;
    k->n = 0;
    k->skip = (int32_t)(e % 4);
    for (int64_t at = begin - e; at < end; at += d->width, row++, e = 0) {
        int64_t last = cinch_cpu_min(d->width, end - at);
        for (int64_t block = e / 4; 4 * block < last; block++, k->n++) {
            k->row[k->n] = (uint32_t)row;
            k->block[k->n] = (uint32_t)block;
        }
    }
}

/* The blocks' words in the elements' order. */
static void put_in_order(const draw *d, const blocks *k, int64_t begin, uint32_t *to, int64_t n)
{
    int64_t e = begin % d->width, done = 0;
    for (int64_t i = 0; done < n; i++) {
        int64_t room = cinch_cpu_min(cinch_cpu_min(4 - e % 4, d->width - e), n - done);
        for (int64_t j = 0; j < room; j++) to[done++] = k->word[e % 4 + j][i];
        e += room;
        if (e == d->width) e = 0;
    }
}

/* The same where all blocks are whole. */
static void interleave(const blocks *k, uint32_t *restrict to)
{
    for (int64_t i = 0; i < k->n; i++) {
        to[4 * i] = k->word[0][i];
        to[4 * i + 1] = k->word[1][i];
        to[4 * i + 2] = k->word[2][i];
        to[4 * i + 3] = k->word[3][i];
    }
}

/* n <= TILE converted numbers, as bits, from element `begin` on. */
static void draw_tile(const draw *d, int64_t begin, uint32_t *to, int64_t n)
{
    blocks k;
    list_blocks(d, &k, begin, n);
    philox(d, &k);
    d->convert(d, &k);
    if (k.skip == 0 && 4 * k.n == n) interleave(&k, to);
    else put_in_order(d, &k, begin, to, n);
}

static draw draw_of(const cinch_call *c, const cinch_tensor *shape, conversion convert)
{
    return (draw){.c = c, .position = c->in[c->n_in - 1].data, .width = cinch_cpu_span(shape, 1, shape->rank),
                  .convert = convert};
}

/* --- words to numbers --------------------------------------------------------------------------------------------- */

#define CONVERSION(name, ...)                                                                  \
    static void name(const draw *d, blocks *k)                                                 \
    {                                                                                          \
        float a = d->c->attr->random.a, b = d->c->attr->random.b;                              \
        (void)a, (void)b;                                                                      \
        for (int w = 0; w < 4; w++) {                                                          \
            uint32_t *word = k->word[w];                                                       \
            for (int64_t i = 0; i < k->n; i++) word[i] = __VA_ARGS__;                          \
        }                                                                                      \
    }

CONVERSION(to_unit, cinch_bits(cinch_unit_float(word[i])))
CONVERSION(to_uniform, cinch_bits(CINCH_FMA(b - a, cinch_unit_float(word[i]), a)))
CONVERSION(to_bernoulli, cinch_bits(cinch_f_less(cinch_unit_float(word[i]), a)))

static void to_integers(const draw *d, blocks *k)
{
    int64_t low = d->c->attr->random.low;
    uint64_t range = d->range;
    for (int w = 0; w < 4; w++)
        for (int64_t i = 0; i < k->n; i++) k->word[w][i] = (uint32_t)cinch_integer_word(k->word[w][i], low, range);
}

static void to_words(const draw *d, blocks *k) { (void)d, (void)k; }

static void to_normal(const draw *d, blocks *k)
{
    float mean = d->c->attr->random.a, deviation = d->c->attr->random.b;
    for (int w = 0; w < 4; w += 2) {
        uint32_t *first = k->word[w], *second = k->word[w + 1];
        for (int64_t i = 0; i < k->n; i++) {
            float z0, z1;
            cinch_normal_pair(first[i], second[i], &z0, &z1);
            first[i] = cinch_bits(CINCH_FMA(deviation, z0, mean));
            second[i] = cinch_bits(CINCH_FMA(deviation, z1, mean));
        }
    }
}

/* --- uniform, normal, bernoulli, integers ------------------------------------------------------------------------- */

static void draw_piece(void *arg, int64_t begin, int64_t end, int worker)
{
    const draw *d = arg;
    uint32_t bits[TILE];
    (void)worker;
    for (int64_t n; begin < end; begin += n) {
        n = cinch_cpu_min(TILE, end - begin);
        draw_tile(d, begin, bits, n);
        memcpy((uint32_t *)d->c->out->data + begin, bits, (size_t)n * sizeof *bits);
    }
}

static cinch_status run_draw(cinch_backend *b, const cinch_call *c, conversion convert)
{
    draw d = draw_of(c, c->out, convert);
    d.range = (uint64_t)c->attr->random.high - (uint64_t)c->attr->random.low;
    cinch_cpu_pieces(b, cinch_tensor_count(c->out), CINCH_CPU_PIECE, draw_piece, &d);
    return CINCH_OK;
}

#define DRAW(op)                                                                                              \
    static cinch_status run_##op(cinch_backend *b, const cinch_call *c) { return run_draw(b, c, to_##op); }   \
    CINCH_CPU_KERNEL_UNPLANNED(op, run_##op)
DRAW(uniform)
DRAW(normal)
DRAW(bernoulli)
DRAW(integers)

/* --- dropout ------------------------------------------------------------------------------------------------------ */

/* A bit for each element, the first in a byte's lowest, 1 where it is kept; unit[] is readable to a multiple of 8. */
static void write_mask(uint8_t *mask, float *unit, float p, int64_t n)
{
    for (int64_t i = n; i % 8; i++) unit[i] = -1;
    for (int64_t i = 0; i < n; i += 8) {
        unsigned byte = 0;
        for (int64_t j = 0; j < 8; j++) byte |= (unsigned)(unit[i + j] >= p) << j;
        mask[i / 8] = (uint8_t)byte;
    }
}

static void dropout_piece(void *arg, int64_t begin, int64_t end, int worker)
{
    const draw *d = arg;
    const cinch_call *c = d->c;
    float p = c->attr->random.a, scale = 1 / (1 - p), x[TILE], unit[TILE];
    uint32_t bits[TILE];
    (void)worker;
    for (int64_t n; begin < end; begin += n) {
        n = cinch_cpu_min(TILE, end - begin);
        draw_tile(d, begin, bits, n);
        memcpy(unit, bits, (size_t)n * sizeof *unit);
        cinch_load(x, c->in[0].data, c->in[0].dtype, begin, n);
        for (int64_t i = 0; i < n; i++) x[i] = unit[i] >= p ? x[i] * scale : 0;
        if (c->saved) write_mask((uint8_t *)c->saved + begin / 8, unit, p, n);
        cinch_store(c->out->data, c->out->dtype, begin, x, n);
    }
}

static cinch_status run_dropout(cinch_backend *b, const cinch_call *c)
{
    draw d = draw_of(c, c->out, to_unit);
    cinch_cpu_pieces(b, cinch_tensor_count(c->out), CINCH_CPU_PIECE, dropout_piece, &d);
    return CINCH_OK;
}

static cinch_status plan_dropout(cinch_backend *b, const cinch_call *c, size_t *scratch, size_t *saved)
{
    (void)b, (void)scratch;
    *saved = (size_t)cinch_cpu_parts(cinch_tensor_count(c->out), 8);
    return CINCH_OK;
}
CINCH_CPU_KERNEL(dropout, run_dropout, plan_dropout)

/* A byte of the mask for each element, not 0 where it was kept. */
static void read_mask(uint8_t *restrict kept, const uint8_t *restrict mask, int64_t n)
{
    static const uint8_t bit[8] = {1, 2, 4, 8, 16, 32, 64, 128};
    for (int64_t i = 0; i < n; i += 8)
        for (int64_t j = 0; j < 8; j++) kept[i + j] = mask[i / 8] & bit[j];
}

static void dropout_grad_piece(void *arg, int64_t begin, int64_t end, int worker)
{
    const cinch_call *c = arg;
    float scale = 1 / (1 - c->attr->random.a), x[TILE];
    uint8_t kept[TILE];
    (void)worker;
    for (int64_t n; begin < end; begin += n) {
        n = cinch_cpu_min(TILE, end - begin);
        cinch_load(x, c->in[0].data, c->in[0].dtype, begin, n);
        read_mask(kept, (const uint8_t *)c->saved + begin / 8, n);
        for (int64_t i = 0; i < n; i++) x[i] = kept[i] ? x[i] * scale : 0;
        cinch_store(c->out->data, c->out->dtype, begin, x, n);
    }
}

static cinch_status run_dropout_grad(cinch_backend *b, const cinch_call *c)
{
    cinch_cpu_pieces(b, cinch_tensor_count(c->out), CINCH_CPU_PIECE, dropout_grad_piece, (void *)c);
    return CINCH_OK;
}
CINCH_CPU_KERNEL_UNPLANNED(dropout_grad, run_dropout_grad)

/* --- permutation: each row's indices in the order of their random words ------------------------------------------- */

enum { DIGIT = 11, DIGITS = 3, VALUES = 1 << DIGIT };

/* Sorts by the high 32 bits, three digits of eleven bits, keeping the order of equals; the result is in `to`. */
static void sort_by_word(uint64_t *from, uint64_t *to, int64_t n)
{
    int64_t start[VALUES];
    for (int digit = 0; digit < DIGITS; digit++) {
        int shift = 32 + digit * DIGIT;
        memset(start, 0, sizeof start);
        for (int64_t i = 0; i < n; i++) start[from[i] >> shift & (VALUES - 1)]++;
        int64_t sum = 0;
        for (int v = 0; v < VALUES; v++) {
            int64_t count = start[v];
            start[v] = sum;
            sum += count;
        }
        for (int64_t i = 0; i < n; i++) to[start[from[i] >> shift & (VALUES - 1)]++] = from[i];
        uint64_t *other = from;
        from = to;
        to = other;
    }
}

static void permutation_row(void *arg, int64_t row, int worker)
{
    const draw *d = arg;
    int64_t n = d->width;
    uint64_t *keys = (uint64_t *)d->c->scratch + worker * 2 * n, *sorted = keys + n;
    int32_t *out = (int32_t *)d->c->out->data + row * n;
    uint32_t word[TILE];
    for (int64_t at = 0; at < n; at += TILE) {
        int64_t k = cinch_cpu_min(TILE, n - at);
        draw_tile(d, row * n + at, word, k);
        for (int64_t i = 0; i < k; i++) keys[at + i] = (uint64_t)word[i] << 32 | (uint32_t)(at + i);
    }
    sort_by_word(keys, sorted, n);
    for (int64_t i = 0; i < n; i++) out[i] = (int32_t)(uint32_t)sorted[i];
}

static cinch_status run_permutation(cinch_backend *b, const cinch_call *c)
{
    draw d = draw_of(c, c->out, to_words);
    if (d.width) cinch_pool_run(cinch_cpu_pool(b), cinch_tensor_count(c->out) / d.width, permutation_row, &d);
    return CINCH_OK;
}

static cinch_status plan_permutation(cinch_backend *b, const cinch_call *c, size_t *scratch, size_t *saved)
{
    int64_t width = cinch_cpu_span(c->out, 1, c->out->rank);
    (void)saved;
    if (width > INT32_MAX)
        return cinch_fail(CINCH_USAGE, "permutation: %lld is more than 2^31 elements", (long long)width);
    *scratch = (size_t)cinch_pool_threads(cinch_cpu_pool(b)) * 2 * (size_t)width * sizeof(uint64_t);
    return CINCH_OK;
}
CINCH_CPU_KERNEL(permutation, run_permutation, plan_permutation)
