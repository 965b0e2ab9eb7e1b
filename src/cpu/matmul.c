/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matrix products. The result is cut into blocks by the shapes alone; each block is one single-threaded product of
 * OpenBLAS in a task of the pool, and gets its bias and activation while it is still in cache. The sum over k is
 * never cut by the number of threads. A block's product goes through block_product() alone, which is where products
 * over weights packed beforehand would come in.
 */
#include "cpu/blas.h"
#include "cpu/dots.h"
#include "cpu/kernel.h"
#include "core/grid.h"

enum {
    MIXED_BLOCK = 128, MIXED_DEPTH = 512, /* of products with bf16 operands */
    ROUND = 32,
    TILE = 512
};

/* What OpenBLAS multiplies without packing: so many multiplications at most and, where b is stored transposed and a is
   not, so many results, of at least so many terms. Beyond `large_work`, packing pays. An operand beyond `cache_words`
   is read from far away: larger and shallower blocks read it less often. */
static const int64_t small_work = 1000000, small_results = 1024, small_terms = 128, large_work = 1 << 27;
static const int64_t cache_words = 1 << 20, shallow_terms = 244;

enum { A, B };

typedef struct job {
    cinch_backend *backend;
    const cinch_call *c;
    bool transpose[2];
    int64_t m, n, k, ld[2];
    cinch_grid batch;                /* operands A and B; in matrices */
    int64_t n_batch;
    int64_t rows, columns, depth;    /* of a block */
    int64_t row_blocks, column_blocks;
    bool rows_inside;                /* neighbouring tasks share columns: b is the larger operand */
    const cinch_tensor *bias, *seen; /* or NULL */
    const cinch_tensor *activated;   /* where the activation goes while `out` keeps what it saw; or NULL */
    cinch_tile activation;
} job;

/* One block: its result is c [rows, columns] at (row, column) of matrix `index`. */
typedef struct block {
    int64_t index, row, column, rows, columns;
    float *c;
    int64_t ldc;
    float *scratch; /* the worker's */
} block;

/* --- shapes ------------------------------------------------------------------------------------------------------- */

static cinch_tensor batch_of(const cinch_tensor *t)
{
    cinch_tensor batch = *t;
    batch.rank -= 2;
    return batch;
}

static void set_batch(job *j)
{
    const cinch_call *c = j->c;
    j->batch.rank = c->out->rank - 2;
    memcpy(j->batch.dim, c->out->dim, sizeof j->batch.dim);
    j->n_batch = cinch_cpu_span(c->out, 0, j->batch.rank);
    for (int k = A; k <= B; k++) {
        cinch_tensor batch = batch_of(&c->in[k]);
        cinch_grid_add(&j->batch, &batch);
    }
}

/* Many matrices times one are one tall matrix times it. */
static void stack_rows(job *j)
{
    cinch_tensor a = batch_of(&j->c->in[A]), b = batch_of(&j->c->in[B]);
    if (j->transpose[A] || j->n_batch == 1 || cinch_tensor_count(&b) != 1 || cinch_tensor_count(&a) != j->n_batch)
        return;
    j->m *= j->n_batch;
    j->n_batch = 1;
    j->batch.rank = 0;
}

static bool all_f32(const cinch_call *c)
{
    return c->in[A].dtype == CINCH_F32 && c->in[B].dtype == CINCH_F32 && c->out->dtype == CINCH_F32;
}

/* --- blocks ------------------------------------------------------------------------------------------------------- */

/* Blocks that OpenBLAS multiplies without packing, as large as they may be; false where it would not. */
static bool cut_small(job *j)
{
    bool narrow = j->transpose[B] && !j->transpose[A];
    bool streams = !narrow && j->k * cinch_cpu_max(j->m, j->n) > cache_words;
    int64_t work = j->m * j->n * cinch_cpu_max(j->k, 1);
    int64_t parts = cinch_cpu_parts(j->k, streams ? shallow_terms : small_work / small_results);
    if (!cinch_blas_small_blocks() || (work > large_work && cinch_cpu_min(j->m, j->n) > 2 * ROUND)) return false;
    if (narrow && j->k < small_terms) return false;
    j->depth = cinch_cpu_max(1, cinch_cpu_parts(j->k, cinch_cpu_max(parts, 1)));
    int64_t results = narrow ? small_results : small_work / j->depth;
    int64_t rows = cinch_cpu_min(j->m, ROUND), columns = cinch_cpu_min(j->n, ROUND);
    while (2 * rows * columns <= results && rows * columns * j->depth < small_work / 2) {
        bool wider = columns < j->n && (columns <= 2 * rows || rows >= j->m);
        if (wider) columns *= 2;
        else if (rows < j->m) rows *= 2;
        else break;
    }
    j->rows = rows;
    j->columns = columns;
    return true;
}

/* Blocks that OpenBLAS packs: enough of them for many threads, but more than a few only while they are large, and cut
   so that as little as can be is packed more than once. */
static void cut_large(job *j)
{
    const int64_t least = 1 << 21, most = 1 << 26, few = 8, large = 256 * 256;
    int64_t work = j->m * j->n * j->k, share = cinch_cpu_max(least, cinch_cpu_min(most, work * j->n_batch / 8));
    int64_t tasks = cinch_cpu_max(1, cinch_cpu_min(work / share, cinch_cpu_max(few, j->m * j->n / large)));
    int64_t best_rows = 1, best_columns = tasks;
    for (int64_t rows = 1; rows <= tasks; rows++) {
        int64_t columns = cinch_cpu_parts(tasks, rows);
        if (rows * j->n + columns * j->m >= best_rows * j->n + best_columns * j->m) continue;
        best_rows = rows;
        best_columns = columns;
    }
    j->rows = cinch_cpu_parts(cinch_cpu_parts(j->m, best_rows), ROUND) * ROUND;
    j->columns = cinch_cpu_parts(cinch_cpu_parts(j->n, best_columns), ROUND) * ROUND;
    j->depth = cinch_cpu_max(j->k, 1);
}

static void cut(job *j)
{
    if (!all_f32(j->c)) {
        j->rows = j->columns = MIXED_BLOCK;
        j->depth = MIXED_DEPTH;
    } else if (!cut_small(j)) {
        cut_large(j);
    }
    j->row_blocks = cinch_cpu_parts(j->m, j->rows);
    j->column_blocks = cinch_cpu_parts(j->n, j->columns);
    j->rows_inside = j->n >= j->m;
}

static job job_of(const cinch_call *c)
{
    const cinch_tensor *a = &c->in[A], *b = &c->in[B];
    job j = {.c = c, .transpose = {c->attr->matmul.transpose_a, c->attr->matmul.transpose_b},
             .m = c->out->dim[c->out->rank - 2], .n = c->out->dim[c->out->rank - 1],
             .k = a->dim[a->rank - (c->attr->matmul.transpose_a ? 2 : 1)],
             .ld = {a->dim[a->rank - 1], b->dim[b->rank - 1]}};
    set_batch(&j);
    stack_rows(&j);
    if (c->op == CINCH_OP_matmul_grad) j.seen = &c->in[2];
    if (c->op == CINCH_OP_matmul_bias || c->op == CINCH_OP_matmul_bias_keep) j.bias = &c->in[2];
    if (c->op == CINCH_OP_matmul_bias_keep) j.activated = &c->out[1];
    if (j.bias || j.seen) j.activation = cinch_tiles[c->attr->matmul.activation];
    cut(&j);
    return j;
}

/* --- one block ---------------------------------------------------------------------------------------------------- */

/* Where the operand's part of the block begins, for terms from `k` on. A's outer sizes are rows, B's columns. */
static int64_t operand_at(const job *j, const block *b, int which, int64_t k)
{
    const cinch_tensor *t = &j->c->in[which];
    int64_t size = t->dim[t->rank - 2] * t->dim[t->rank - 1];
    int64_t matrix = cinch_grid_offset(&j->batch, which, j->batch.rank, b->index) * size;
    int64_t outer = which == A ? b->row : b->column;
    bool outer_is_row = j->transpose[which] == (which == B);
    return matrix + (outer_is_row ? outer * j->ld[which] + k : k * j->ld[which] + outer);
}

/* The operand's part as f32: where it is, or copied to `to`. */
static const float *operand(const job *j, const block *b, int which, int64_t k, int64_t depth, float *to, int64_t *ld)
{
    const cinch_tensor *t = &j->c->in[which];
    int64_t outer = which == A ? b->rows : b->columns, at = operand_at(j, b, which, k);
    bool outer_is_row = j->transpose[which] == (which == B);
    int64_t rows = outer_is_row ? outer : depth, columns = outer_is_row ? depth : outer;
    *ld = j->ld[which];
    if (t->dtype == CINCH_F32) return (const float *)t->data + at;
    for (int64_t r = 0; r < rows; r++) cinch_load(to + r * columns, t->data, t->dtype, at + r * j->ld[which], columns);
    *ld = columns;
    return to;
}

static void block_product(const job *j, const block *b)
{
    for (int64_t r = 0; j->k == 0 && r < b->rows; r++) memset(b->c + r * b->ldc, 0, (size_t)b->columns * sizeof *b->c);
    for (int64_t k = 0; k < j->k; k += j->depth) {
        int64_t depth = cinch_cpu_min(j->depth, j->k - k);
        cinch_product p = {.transpose_a = j->transpose[A], .transpose_b = j->transpose[B], .m = b->rows,
                           .n = b->columns, .k = depth, .beta = k ? 1 : 0, .c = b->c, .ldc = b->ldc};
        p.a = operand(j, b, A, k, depth, b->scratch, &p.lda);
        p.b = operand(j, b, B, k, depth, b->scratch + MIXED_BLOCK * MIXED_DEPTH, &p.ldb);
        cinch_blas_product(&p);
    }
}

static void add_row(float *restrict c, const float *restrict bias, int64_t n)
{
    for (int64_t i = 0; i < n; i++) c[i] += bias[i];
}

static void add_row_relu(float *restrict c, const float *restrict bias, int64_t n)
{
    for (int64_t i = 0; i < n; i++) c[i] = cinch_f_relu(c[i] + bias[i]);
}

/* n of what the gradient of an activation sees: where it is, or as f32 in `to`. */
static const float *seen_row(const job *j, int64_t at, float *to, int64_t n)
{
    if (j->seen->dtype == CINCH_F32) return (const float *)j->seen->data + at;
    cinch_load(to, j->seen->data, j->seen->dtype, at, n);
    return to;
}

/* The activation of n neighbours in c, which lie at `at` in the result. */
static void activate_row(const job *j, float *c, int64_t at, int64_t n)
{
    float row[TILE];
    const float *in[3] = {c, j->seen ? seen_row(j, at, row, n) : NULL};
    j->activation(j->activated ? row : c, in, j->c->attr->matmul.param, n);
    if (j->activated) cinch_store(j->activated->data, j->activated->dtype, at, row, n);
}

/* Bias and activation, a strip of columns at a time. */
static void finish(const job *j, const block *b, int64_t at)
{
    float bias[TILE];
    bool relu = j->bias && !j->activated && j->c->attr->matmul.activation == CINCH_OP_relu;
    for (int64_t i = 0, n; i < b->columns; i += n) {
        n = cinch_cpu_min(TILE, b->columns - i);
        if (j->bias) cinch_load(bias, j->bias->data, j->bias->dtype, b->column + i, n);
        for (int64_t r = 0; r < b->rows; r++) {
            float *c = b->c + r * b->ldc + i;
            if (relu) {
                add_row_relu(c, bias, n);
                continue;
            }
            if (j->bias) add_row(c, bias, n);
            if (j->activation) activate_row(j, c, at + r * j->n + i, n);
        }
    }
}

static size_t scratch_floats(void)
{
    return 2 * MIXED_BLOCK * MIXED_DEPTH + MIXED_BLOCK * MIXED_BLOCK;
}

static void run_block(void *arg, int64_t task, int worker)
{
    const job *j = arg;
    int64_t in_matrix = task % (j->row_blocks * j->column_blocks);
    int64_t row = j->rows_inside ? in_matrix % j->row_blocks : in_matrix / j->column_blocks;
    int64_t column = j->rows_inside ? in_matrix / j->row_blocks : in_matrix % j->column_blocks;
    block b = {.index = task / (j->row_blocks * j->column_blocks), .row = row * j->rows, .column = column * j->columns};
    cinch_tensor *out = j->c->out;
    b.rows = cinch_cpu_min(j->rows, j->m - b.row);
    b.columns = cinch_cpu_min(j->columns, j->n - b.column);
    int64_t at = (b.index * j->m + b.row) * j->n + b.column;
    bool direct = out->dtype == CINCH_F32;
    if (!all_f32(j->c)) b.scratch = cinch_cpu_workspace(j->backend, worker);
    b.c = direct ? (float *)out->data + at : b.scratch + 2 * MIXED_BLOCK * MIXED_DEPTH;
    b.ldc = direct ? j->n : b.columns;
    block_product(j, &b);
    if (j->bias || j->seen) finish(j, &b, at);
    for (int64_t r = 0; !direct && r < b.rows; r++)
        cinch_store(out->data, out->dtype, at + r * j->n, b.c + r * b.ldc, b.columns);
}

static cinch_status run(cinch_backend *b, const cinch_call *c)
{
    if (!cinch_tensor_count(c->out)) return CINCH_OK;
    if (cinch_dots_suit(c)) return cinch_dots_run(b, c);
    job j = job_of(c);
    j.backend = b;
    cinch_pool_run(cinch_cpu_pool(b), j.n_batch * j.row_blocks * j.column_blocks, run_block, &j);
    return CINCH_OK;
}

static cinch_status plan(cinch_backend *b, const cinch_call *c, size_t *scratch, size_t *saved)
{
    (void)scratch, (void)saved;
    if (c->out->rank < 2) return cinch_fail(CINCH_INTERNAL, "matmul: a result of rank %d", c->out->rank);
    for (int k = 0; k < 2; k++)
        for (int i = c->in[k].rank - 2; i < c->in[k].rank; i++)
            if (c->in[k].dim[i] > INT32_MAX)
                return cinch_fail(CINCH_USAGE, "matmul: a matrix of more than 2^31 rows or columns; split it");
    return all_f32(c) ? CINCH_OK : cinch_cpu_reserve(b, scratch_floats() * sizeof(float));
}

CINCH_CPU_KERNEL(matmul, run, plan)
CINCH_CPU_KERNEL(matmul_bias, run, plan)
CINCH_CPU_KERNEL(matmul_bias_keep, run, plan)
CINCH_CPU_KERNEL(matmul_grad, run, plan)

/* --- a product and the sums of its first operand ------------------------------------------------------------------ */

/* The sums as a call of their own, which comes after the product and may use its scratch memory. */
typedef struct sums {
    cinch_call call;
    cinch_attr attr;
} sums;

static void set_sums(sums *s, const cinch_call *c)
{
    int8_t axis = c->attr->matmul.transpose_a ? 0 : 1;
    s->attr = (cinch_attr){.axis = {.first = axis, .last = axis}};
    s->call = *c;
    s->call.op = CINCH_OP_sum;
    s->call.attr = &s->attr;
    s->call.n_in = s->call.n_out = 1;
    s->call.out = &c->out[1];
}

static cinch_status run_sums(cinch_backend *b, const cinch_call *c)
{
    sums s;
    set_sums(&s, c);
    TRY(run(b, c));
    return CINCH_RUN(sum)(b, &s.call);
}

static cinch_status plan_sums(cinch_backend *b, const cinch_call *c, size_t *scratch, size_t *saved)
{
    sums s;
    size_t more;
    set_sums(&s, c);
    TRY(plan(b, c, scratch, saved));
    TRY(CINCH_PLAN(sum)(b, &s.call, &more, saved));
    if (more > *scratch) *scratch = more;
    return CINCH_OK;
}
CINCH_CPU_KERNEL(matmul_sums, run_sums, plan_sums)
