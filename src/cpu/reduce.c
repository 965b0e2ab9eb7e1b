/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sum, max, min and logsumexp over the axes first..last, seen as [outer, length, inner]. Short rows (inner) are folded
 * several at once, as if they were one; long rows in blocks of columns. Where one result has many terms, chunks of
 * them give partial results that are folded in a second round. All of this follows from the shape alone.
 */
#include "cpu/fold.h"

enum {
    WIDE = 64,          /* accumulators of a line of short rows */
    SHORT_ROW = 128,
    BLOCK = 1024,       /* columns of a block at most */
    CHUNK_ROWS = 256,   /* rows of a chunk at least, where rows are long */
    BUFFER = 4 * BLOCK
};

/* How numbers are folded; four-byte words of either type. */
typedef struct reducer {
    void (*line)(void *acc, int64_t wide, const void *x, int64_t n);
    void (*rows)(void *acc, const void *x, int64_t stride, int64_t rows, int64_t n);
    void (*halve)(void *acc, int64_t m, int64_t inner);
    uint32_t identity;
} reducer;

#define REDUCER(name, type, identity_)                                                                            \
    static void line_##name(void *acc, int64_t wide, const void *x, int64_t n) { fold_##name(acc, wide, x, n); }  \
    static void rows_##name(void *acc, const void *x_, int64_t stride, int64_t rows, int64_t n)                   \
    {                                                                                                             \
        const type *x = x_;                                                                                       \
        for (; rows >= 4; rows -= 4, x += 4 * stride) fold4_##name(acc, x, stride, n);                            \
        for (; rows > 0; rows--, x += stride) fold1_##name(acc, x, n);                                            \
    }                                                                                                             \
    static void merge_##name(void *acc, int64_t m, int64_t inner) { halve_##name(acc, m, inner); }                \
    static const reducer reducer_##name = {line_##name, rows_##name, merge_##name, identity_};

REDUCER(sum, float, 0)
REDUCER(max, float, 0xFF800000u)
REDUCER(min, float, 0x7F800000u)
REDUCER(integer_sum, cinch_word, 0)
REDUCER(integer_max, cinch_word, 0x80000000u)
REDUCER(integer_min, cinch_word, 0x7FFFFFFFu)

typedef struct job {
    const reducer *r;
    const void *x;
    cinch_dtype dtype, out_dtype;    /* F32 also stands for i32: words that need no conversion */
    void *out;
    int64_t outer, length, inner;
    int64_t chunk, chunks;           /* rows of a chunk; with several, out is [outer, chunks, inner] */
    int64_t block, blocks;           /* columns of a block */
    int64_t group;                   /* outer indices of a task */
    bool logsumexp;
} job;

/* A part of one result: rows of a chunk, columns of a block. */
typedef struct part {
    int64_t at, rows, columns;       /* first element */
    int64_t wide, lanes;             /* columns times the rows folded at once */
} part;

static void load_words(const job *j, void *to, int64_t at, int64_t n) { cinch_load(to, j->x, j->dtype, at, n); }

static void start(void *acc, int64_t n, uint32_t identity)
{
    cinch_word *words = acc;
    for (int64_t i = 0; i < n; i++) words[i] = (int32_t)identity;
}

/* --- a part whose rows lie end to end ----------------------------------------------------------------------------- */

static void reduce_line(const job *j, const part *p, void *acc)
{
    int64_t n = p->rows * p->columns, most = BUFFER / p->wide * p->wide;
    float buffer[BUFFER];
    if (j->dtype == CINCH_F32) {
        j->r->line(acc, p->wide, (const float *)j->x + p->at, n);
        return;
    }
    for (int64_t done = 0, k; done < n; done += k) {
        k = cinch_cpu_min(most, n - done);
        load_words(j, buffer, p->at + done, k);
        j->r->line(acc, p->wide, buffer, k);
    }
}

/* --- a block of columns ------------------------------------------------------------------------------------------- */

static void reduce_block(const job *j, const part *p, void *acc)
{
    float buffer[BUFFER];
    if (j->dtype == CINCH_F32) {
        j->r->rows(acc, (const float *)j->x + p->at, j->inner, p->rows, p->columns);
        return;
    }
    for (int64_t row = 0, k; row < p->rows; row += k) {
        k = cinch_cpu_min(4, p->rows - row);
        for (int64_t i = 0; i < k; i++)
            load_words(j, buffer + i * p->columns, p->at + (row + i) * j->inner, p->columns);
        j->r->rows(acc, buffer, p->columns, k, p->columns);
    }
}

static void reduce_part(const job *j, const part *p, void *acc)
{
    start(acc, p->wide, j->r->identity);
    if (p->columns == j->inner) reduce_line(j, p, acc);
    else reduce_block(j, p, acc);
    j->r->halve(acc, p->lanes, p->columns);
}

/* --- log(sum(exp(x))) --------------------------------------------------------------------------------------------- */

static void add_exp(float *restrict acc, const float *restrict x, const float *restrict shift, int64_t n)
{
    for (int64_t i = 0; i < n; i++) acc[i] += cinch_f_exp(x[i] - shift[i]);
}

/* As log(sum(exp(x - shift))) + shift with the largest as shift, unless that is infinite. */
static void sum_exp(const job *j, const part *p, const float *shift, float *acc)
{
    float buffer[BLOCK];
    bool line = p->columns == j->inner;
    int64_t step = line ? p->wide : p->columns, n = p->rows * p->columns;
    start(acc, p->wide, 0);
    for (int64_t done = 0, k; done < n; done += k) {
        int64_t at = p->at + (line ? done : done / p->columns * j->inner);
        k = cinch_cpu_min(step, n - done);
        const float *x = (const float *)j->x + at;
        if (j->dtype != CINCH_F32) {
            load_words(j, buffer, at, k);
            x = buffer;
        }
        add_exp(acc, x, shift, k);
    }
    halve_sum(acc, p->lanes, p->columns);
}

static void logsumexp_part(const job *j, const part *p, float *acc)
{
    float shift[BLOCK];
    reduce_part(j, p, acc);
    for (int64_t i = 0; i < p->columns; i++) shift[i] = cinch_f_is_finite(acc[i]) != 0 ? acc[i] : 0;
    for (int64_t have = p->columns; have < p->wide; have *= 2)
        memcpy(shift + have, shift, (size_t)have * sizeof *shift);
    sum_exp(j, p, shift, acc);
    for (int64_t i = 0; i < p->columns; i++) acc[i] = cinch_f_log(acc[i]) + shift[i];
}

/* --- cutting the work --------------------------------------------------------------------------------------------- */

static void run_part(const job *j, int64_t outer, int64_t chunk, int64_t block)
{
    float acc[BLOCK];
    int64_t row = chunk * j->chunk, column = block * j->block;
    part p = {.at = (outer * j->length + row) * j->inner + column,
              .rows = cinch_cpu_min(j->chunk, j->length - row),
              .columns = cinch_cpu_min(j->block, j->inner - column)};
    p.lanes = p.columns == j->inner ? cinch_lanes_for(p.rows, WIDE / cinch_cpu_min(p.columns, WIDE)) : 1;
    p.wide = p.lanes * p.columns;
    if (j->logsumexp) logsumexp_part(j, &p, acc);
    else reduce_part(j, &p, acc);
    cinch_store(j->out, j->out_dtype, (outer * j->chunks + chunk) * j->inner + column, acc, p.columns);
}

static void run_task(void *arg, int64_t task, int worker)
{
    const job *j = arg;
    (void)worker;
    int64_t block = task % j->blocks, chunk = task / j->blocks % j->chunks;
    int64_t first = task / j->blocks / j->chunks * j->group, end = cinch_cpu_min(first + j->group, j->outer);
    for (int64_t outer = first; outer < end; outer++) run_part(j, outer, chunk, block);
}

static void cut(job *j, bool one_chunk)
{
    bool lines = j->inner <= SHORT_ROW;
    int64_t length = cinch_cpu_max(j->length, 1);
    j->block = lines ? j->inner : cinch_cpu_min(BLOCK, cinch_cpu_max(SHORT_ROW, CINCH_CPU_PIECE / length / 64 * 64));
    j->block = cinch_cpu_min(cinch_cpu_max(j->block, 1), cinch_cpu_max(j->inner, 1));
    j->chunk = lines ? cinch_cpu_max(CINCH_CPU_PIECE / j->block, 1) : CHUNK_ROWS;
    if (one_chunk || length < 2 * j->chunk) j->chunk = length;
    j->blocks = cinch_cpu_parts(j->inner, j->block);
    j->chunks = cinch_cpu_parts(length, j->chunk);
    j->group = cinch_cpu_max(1, CINCH_CPU_PIECE / (j->chunk * j->block));
}

static void run_job(cinch_backend *b, job *j)
{
    if (!j->outer || !j->inner) return;
    cinch_pool_run(cinch_cpu_pool(b), cinch_cpu_parts(j->outer, j->group) * j->chunks * j->blocks, run_task, j);
}

static job job_of(const cinch_call *c, const reducer *r)
{
    const cinch_tensor *x = &c->in[0];
    int first = c->attr->axis.first, last = c->attr->axis.last;
    bool integer = x->dtype == CINCH_I32;
    job j = {.r = r, .x = x->data, .dtype = integer ? CINCH_F32 : x->dtype,
             .out_dtype = integer ? CINCH_F32 : c->out->dtype, .out = c->out->data,
             .outer = cinch_cpu_span(x, 0, first), .length = cinch_cpu_span(x, first, last + 1),
             .inner = cinch_cpu_span(x, last + 1, x->rank), .logsumexp = c->op == CINCH_OP_logsumexp};
    cut(&j, j.logsumexp);
    return j;
}

static cinch_status plan(cinch_backend *b, const cinch_call *c, size_t *scratch, size_t *saved)
{
    (void)b, (void)saved;
    job j = job_of(c, NULL);
    if (j.chunks > 1) *scratch = (size_t)(j.outer * j.chunks * j.inner) * sizeof(float);
    return CINCH_OK;
}

static cinch_status run(cinch_backend *b, const cinch_call *c, const reducer *r)
{
    job j = job_of(c, r), second = j;
    if (j.chunks == 1) {
        run_job(b, &j);
        return CINCH_OK;
    }
    j.out = c->scratch;
    j.out_dtype = CINCH_F32;
    run_job(b, &j);
    second.x = c->scratch;
    second.dtype = CINCH_F32;
    second.length = j.chunks;
    cut(&second, true);
    run_job(b, &second);
    return CINCH_OK;
}

#define REDUCTION(name)                                                                                      \
    static cinch_status run_##name(cinch_backend *b, const cinch_call *c)                                    \
    {                                                                                                        \
        return run(b, c, c->in[0].dtype == CINCH_I32 ? &reducer_integer_##name : &reducer_##name);           \
    }                                                                                                        \
    CINCH_CPU_KERNEL(name, run_##name, plan)
REDUCTION(sum)
REDUCTION(max)
REDUCTION(min)

static cinch_status run_logsumexp(cinch_backend *b, const cinch_call *c) { return run(b, c, &reducer_max); }
CINCH_CPU_KERNEL(logsumexp, run_logsumexp, plan)
