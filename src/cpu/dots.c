/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/dots.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))

enum {
    TASK_ROWS = 64,
    TASK_WORDS = 65536, MOST_COLUMNS = 256, COLUMN_STEP = 16, /* about so many weights */
    DEPTH = 1024                    /* terms summed in one go: a block's operands stay in the first cache */
};

/* --- vectors ------------------------------------------------------------------------------------------------------ */

/*
 * `fold` makes LANES vectors one, whose lane i is the sum of vector i: halves are added, then quarters, and so on, of
 * two vectors at a time. fold_one adds a single vector up in the same order.
 */
#if defined(__AVX512F__)

enum { LANES = 16 };
typedef __m512 vector;

INLINE vector load(const float *x) { return _mm512_loadu_ps(x); }
INLINE vector load_first(const float *x, int64_t n) { return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), x); }
INLINE void store(float *x, vector a) { _mm512_storeu_ps(x, a); }
INLINE vector multiply_add(vector a, vector b, vector c) { return _mm512_fmadd_ps(a, b, c); }

INLINE vector halves(vector a, vector b)
{
    return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xEE));
}
INLINE vector quarters(vector a, vector b)
{
    return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xDD));
}
INLINE vector pairs(vector a, vector b)
{
    return _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x44), _mm512_shuffle_ps(a, b, 0xEE));
}
INLINE vector singles(vector a, vector b)
{
    return _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x88), _mm512_shuffle_ps(a, b, 0xDD));
}

INLINE vector fold(const vector a[LANES])
{
    vector c[4];
    for (int i = 0; i < 4; i++) c[i] = quarters(halves(a[i], a[i + 4]), halves(a[i + 8], a[i + 12]));
    return singles(pairs(c[0], c[1]), pairs(c[2], c[3]));
}
INLINE float fold_one(vector a)
{
    __m256 half = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    __m128 quarter = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
    __m128 pair = _mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter));
    return _mm_cvtss_f32(_mm_add_ss(pair, _mm_movehdup_ps(pair)));
}

#elif defined(__AVX2__)

enum { LANES = 8 };
typedef __m256 vector;

INLINE vector load(const float *x) { return _mm256_loadu_ps(x); }
INLINE vector load_first(const float *x, int64_t n)
{
    __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_maskload_ps(x, _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), lane));
}
INLINE void store(float *x, vector a) { _mm256_storeu_ps(x, a); }
INLINE vector multiply_add(vector a, vector b, vector c) { return _mm256_fmadd_ps(a, b, c); }

INLINE vector halves(vector a, vector b)
{
    return _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
}
INLINE vector pairs(vector a, vector b)
{
    return _mm256_add_ps(_mm256_shuffle_ps(a, b, 0x44), _mm256_shuffle_ps(a, b, 0xEE));
}
INLINE vector singles(vector a, vector b)
{
    return _mm256_add_ps(_mm256_shuffle_ps(a, b, 0x88), _mm256_shuffle_ps(a, b, 0xDD));
}

INLINE vector fold(const vector a[LANES])
{
    vector b[4];
    for (int i = 0; i < 4; i++) b[i] = halves(a[i], a[i + 4]);
    return singles(pairs(b[0], b[1]), pairs(b[2], b[3]));
}
INLINE float fold_one(vector a)
{
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    __m128 pair = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(pair, _mm_movehdup_ps(pair)));
}

#else

enum { LANES = 4 };
typedef struct vector { float v[4]; } vector;

INLINE vector load(const float *x) { return (vector){{x[0], x[1], x[2], x[3]}}; }
INLINE vector load_first(const float *x, int64_t n)
{
    vector a = {{0}};
    memcpy(a.v, x, (size_t)n * sizeof *x);
    return a;
}
INLINE void store(float *x, vector a) { memcpy(x, a.v, sizeof a.v); }
INLINE vector multiply_add(vector a, vector b, vector c)
{
    for (int i = 0; i < LANES; i++) c.v[i] = CINCH_FMA(a.v[i], b.v[i], c.v[i]);
    return c;
}
INLINE float fold_one(vector a) { return (a.v[0] + a.v[2]) + (a.v[1] + a.v[3]); }
INLINE vector fold(const vector a[LANES])
{
    vector sum;
    for (int i = 0; i < LANES; i++) sum.v[i] = fold_one(a[i]);
    return sum;
}

#endif

enum { BLOCK_COLUMNS = 4, BLOCK_ROWS = LANES / BLOCK_COLUMNS }; /* so that a block is as many sums as lanes */
enum { UNROLLED = 4 * LANES }; /* so that where the loop happens to lie in memory matters little */

/* --- blocks ------------------------------------------------------------------------------------------------------- */

/* Some rows and columns of the result, and some terms of each. */
typedef struct part {
    const float *x, *weight;
    int64_t stride, depth;     /* from row to row of either; how many terms */
    float *out;
    int64_t out_stride, rows, columns;
    bool add;                  /* to the terms before; else there were none */
} part;

/* acc[row * columns + column] += the terms from i on; `load_terms` loads up to a vector of them. */
#define ADD_TERMS(load_terms)                                                                                      \
    do {                                                                                                           \
        vector w[LANES];                                                                                           \
        for (int c = 0; c < columns; c++) w[c] = load_terms(weight + c * stride + i);                              \
        for (int r = 0; r < rows; r++) {                                                                           \
            vector term = load_terms(x + r * stride + i);                                                          \
            for (int c = 0; c < columns; c++)                                                                      \
                acc[r * columns + c] = multiply_add(term, w[c], acc[r * columns + c]);                             \
        }                                                                                                          \
    } while (0)
#define LOAD_REST(at) load_first(at, rest)

/* The sums of rows x columns products, each in lanes still. The sizes are constants where it is called. */
INLINE void sum_block(const float *x, const float *weight, int64_t stride, int64_t depth, const int rows,
                      const int columns, vector acc[])
{
    const vector zero = {0};
    int64_t i = 0, rest = (int64_t)((uint64_t)depth % LANES), whole = depth - rest;
    for (int k = 0; k < rows * columns; k++) acc[k] = zero;
    for (; i < whole; i += LANES) ADD_TERMS(load);
    if (rest) ADD_TERMS(LOAD_REST);
}

/* The same of one product: the order of the terms is that of sum_block. */
INLINE vector sum_one(const float *x, const float *weight, int64_t depth)
{
    vector acc = {0};
    int64_t i = 0;
    for (; i + UNROLLED <= depth; i += UNROLLED)
        for (int k = 0; k < UNROLLED; k += LANES) acc = multiply_add(load(x + i + k), load(weight + i + k), acc);
    for (; i + LANES <= depth; i += LANES) acc = multiply_add(load(x + i), load(weight + i), acc);
    if (i < depth) acc = multiply_add(load_first(x + i, depth - i), load_first(weight + i, depth - i), acc);
    return acc;
}

INLINE void put(float *out, float sum, bool add) { *out = add ? *out + sum : sum; }

static void block(const float *x, const float *weight, const part *p, float *out)
{
    vector acc[LANES];
    float sums[LANES];
    sum_block(x, weight, p->stride, p->depth, BLOCK_ROWS, BLOCK_COLUMNS, acc);
    store(sums, fold(acc));
    for (int r = 0; r < BLOCK_ROWS; r++)
        for (int c = 0; c < BLOCK_COLUMNS; c++) put(out + r * p->out_stride + c, sums[r * BLOCK_COLUMNS + c], p->add);
}

/* Columns by four and rows by as many as a block has; what is left of either is left. */
static void multiply_blocks(const part *p)
{
    for (int64_t c = 0; c + BLOCK_COLUMNS <= p->columns; c += BLOCK_COLUMNS)
        for (int64_t r = 0; r + BLOCK_ROWS <= p->rows; r += BLOCK_ROWS)
            block(p->x + r * p->stride, p->weight + c * p->stride, p, p->out + r * p->out_stride + c);
}

/* Column by column: weights are read as they lie, once. */
static void multiply_rows(const part *given)
{
    const part p = *given; /* which stores to the results cannot change */
    for (int64_t c = 0; c < p.columns; c++)
        for (int64_t r = 0; r < p.rows; r++)
            put(p.out + r * p.out_stride + c, fold_one(sum_one(p.x + r * p.stride, p.weight + c * p.stride, p.depth)),
                p.add);
}

/* --- tasks -------------------------------------------------------------------------------------------------------- */

typedef struct job {
    const cinch_call *c;
    int64_t m, n, k;
    int64_t columns;      /* of a task */
    int64_t column_tasks;
} job;

typedef struct area {
    int64_t row, column, rows, columns;
} area;

static part part_of(const job *j, area a, int64_t k)
{
    const cinch_call *c = j->c;
    return (part){.x = (const float *)c->in[0].data + a.row * j->k + k, .stride = j->k,
                  .weight = (const float *)c->in[1].data + a.column * j->k + k, .depth = cinch_cpu_min(DEPTH, j->k - k),
                  .out = (float *)c->out->data + a.row * j->n + a.column, .out_stride = j->n,
                  .rows = a.rows, .columns = a.columns, .add = k > 0};
}

/* Whole blocks; the columns that are left of them; the rows that are left. */
static void multiply(const job *j, area a, int64_t k)
{
    part p = part_of(j, a, k);
    int64_t rows = a.rows / BLOCK_ROWS * BLOCK_ROWS, columns = rows ? a.columns / BLOCK_COLUMNS * BLOCK_COLUMNS : 0;
    multiply_blocks(&p);
    p = part_of(j, (area){a.row, a.column + columns, rows, a.columns - columns}, k);
    multiply_rows(&p);
    p = part_of(j, (area){a.row + rows, a.column, a.rows - rows, a.columns}, k);
    multiply_rows(&p);
}

/* activation(out + bias), in the second result where there is one, or activation(out, seen) */
static void finish(const job *j, area a)
{
    float third[MOST_COLUMNS], kept[MOST_COLUMNS];
    const cinch_tensor *given = &j->c->in[2], *second = j->c->n_out > 1 ? &j->c->out[1] : NULL;
    bool seen = j->c->op == CINCH_OP_matmul_grad;
    cinch_tile activation = cinch_tiles[j->c->attr->matmul.activation];
    if (!seen) cinch_load(third, given->data, given->dtype, a.column, a.columns);
    for (int64_t r = a.row; r < a.row + a.rows; r++) {
        float *out = (float *)j->c->out->data + r * j->n + a.column;
        if (seen) cinch_load(third, given->data, given->dtype, r * j->n + a.column, a.columns);
        for (int64_t c = 0; c < a.columns && !seen; c++) out[c] += third[c];
        if (activation)
            activation(second ? kept : out, (const float *[3]){out, third}, j->c->attr->matmul.param, a.columns);
        if (second) cinch_store(second->data, second->dtype, r * j->n + a.column, kept, a.columns);
    }
}

static void run_task(void *arg, int64_t task, int worker)
{
    const job *j = arg;
    area a = {.row = task / j->column_tasks * TASK_ROWS, .column = task % j->column_tasks * j->columns};
    (void)worker;
    a.rows = cinch_cpu_min(TASK_ROWS, j->m - a.row);
    a.columns = cinch_cpu_min(j->columns, j->n - a.column);
    for (int64_t k = 0; k < j->k; k += DEPTH) multiply(j, a, k);
    if (j->c->n_in > 2) finish(j, a);
}

/* --- the product -------------------------------------------------------------------------------------------------- */

bool cinch_dots_suit(const cinch_call *c)
{
    const cinch_tensor *x = &c->in[0], *weight = &c->in[1];
    bool f32 = x->dtype == CINCH_F32 && weight->dtype == CINCH_F32 && c->out->dtype == CINCH_F32;
    if (!f32 || c->attr->matmul.transpose_a || !c->attr->matmul.transpose_b) return false;
    if (cinch_cpu_span(weight, 0, weight->rank - 2) != 1 || x->dim[x->rank - 1] < 1) return false;
    return c->attr->matmul.invariant || cinch_cpu_span(c->out, 0, c->out->rank - 1) == 1;
}

cinch_status cinch_dots_run(cinch_backend *b, const cinch_call *c)
{
    job j = {.c = c, .m = cinch_cpu_span(c->out, 0, c->out->rank - 1), .n = c->out->dim[c->out->rank - 1],
             .k = c->in[0].dim[c->in[0].rank - 1]};
    int64_t columns = cinch_cpu_parts(TASK_WORDS / j.k, COLUMN_STEP) * COLUMN_STEP;
    j.columns = cinch_cpu_max(COLUMN_STEP, cinch_cpu_min(MOST_COLUMNS, columns));
    j.column_tasks = cinch_cpu_parts(j.n, j.columns);
    cinch_pool_run(cinch_cpu_pool(b), cinch_cpu_parts(j.m, TASK_ROWS) * j.column_tasks, run_task, &j);
    return CINCH_OK;
}
