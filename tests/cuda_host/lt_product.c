/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The products. D is made in tiles: blocks of op(A) and op(B) are packed as f32, multiplied with sums in f32 along k in
 * order, and finished by the epilogue (lt_epilogue.c). One piece of work runs at a time, so the blocks are static.
 */
#include "lt_epilogue.h"

/* k in blocks of DEPTH; panels are what one call of multiply() takes of a block. */
enum { DEPTH = 256, PANEL_ROWS = 8, PANEL_COLUMNS = 4 };

typedef float vector __attribute__((vector_size(PANEL_ROWS * sizeof(float))));

static _Alignas(64) float a_block[LT_TILE_ROWS * DEPTH], b_block[LT_TILE_COLUMNS * DEPTH];
static _Alignas(64) lt_tile sum, part;

/* --- blocks ------------------------------------------------------------------------------------------------------- */

/* A range of op(A)'s rows or op(B)'s columns, and of k. */
typedef struct block {
    const void *memory;
    int64_t type, first, step, depth_first, depth_step; /* in elements */
    int count, depth;
    bool tf32;
} block;

static float load(const block *x, int64_t i, int64_t p)
{
    float f = lt_load(x->memory, x->type, (x->first + i) * x->step + (x->depth_first + p) * x->depth_step);
    return x->tf32 ? lt_to_tf32(f) : f;
}

/* Panel after panel; in each, `width` numbers for each k; 0 where the block ends within a panel. */
static void pack(const block *x, int width, float *out)
{
    for (int start = 0; start < x->count; start += width)
        for (int p = 0; p < x->depth; p++)
            for (int i = start; i < start + width; i++) *out++ = i < x->count ? load(x, i, p) : 0;
}

/* Blocks and tiles are this file's own: a sanitizer would only cost time. */
#define FAST(...) __attribute__((no_sanitize("address", "undefined"), ##__VA_ARGS__))

/* out[column][row] += a panel of A times a panel of B; the same bits with every instruction set. */
FAST(always_inline)
static inline void multiply_panels(const float *a, const float *b, int depth, float *out)
{
    vector s0 = { 0 }, s1 = { 0 }, s2 = { 0 }, s3 = { 0 };
    for (int p = 0; p < depth; p++, a += PANEL_ROWS, b += PANEL_COLUMNS) {
        vector v = *(const vector *)a;
        s0 += v * b[0], s1 += v * b[1], s2 += v * b[2], s3 += v * b[3];
    }
    *(vector *)out += s0;
    *(vector *)(out + LT_TILE_ROWS) += s1;
    *(vector *)(out + 2 * LT_TILE_ROWS) += s2;
    *(vector *)(out + 3 * LT_TILE_ROWS) += s3;
}

typedef void multiply_function(const float *a, const float *b, int depth, float *out);

FAST()
static void multiply_anywhere(const float *a, const float *b, int depth, float *out)
{
    multiply_panels(a, b, depth, out);
}

#ifdef __x86_64__
FAST(target("avx2"))
static void multiply_avx2(const float *a, const float *b, int depth, float *out)
{
    multiply_panels(a, b, depth, out);
}
#endif

static multiply_function *best_multiply(void)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2")) return multiply_avx2;
#endif
    return multiply_anywhere;
}

/* `to` = the tile's products over k from first up to, not with, end */
static void multiply_range(const cuda_host_lt_problem *p, const lt_place *at, int64_t first, int64_t end, lt_tile to)
{
    bool tf32 = p->compute == CUBLAS_COMPUTE_32F_FAST_TF32;
    multiply_function *multiply = best_multiply();
    memset(to, 0, sizeof(lt_tile));
    for (int64_t k = first; k < end; k += DEPTH) {
        int depth = (int)(end - k < DEPTH ? end - k : DEPTH);
        pack(&(block){ at->a, p->a.type, at->row, p->a.row, k, p->a.col, at->rows, depth, tf32 }, PANEL_ROWS, a_block);
        pack(&(block){ at->b, p->b.type, at->column, p->b.col, k, p->b.row, at->columns, depth, tf32 }, PANEL_COLUMNS,
             b_block);
        for (int j = 0; j < at->columns; j += PANEL_COLUMNS)
            for (int i = 0; i < at->rows; i += PANEL_ROWS)
                multiply(a_block + i * depth, b_block + j * depth, depth, &to[j][i]);
    }
}

static void multiply_tile(const cuda_host_lt_job *job, const lt_place *at)
{
    const cuda_host_lt_problem *p = &job->problem;
    for (int i = 0; i < job->splits; i++) {
        multiply_range(p, at, p->k * i / job->splits, p->k * (i + 1) / job->splits, i ? part : sum);
        for (int j = 0; i && j < at->columns; j++)
            for (int r = 0; r < at->rows; r++) sum[j][r] += part[j][r];
    }
}

/* --- a batch ------------------------------------------------------------------------------------------------------ */

static int at_most(int64_t n, int most) { return (int)(n < most ? n : most); }

/* Rows outside, so that sums over D's rows are complete when a range of rows is done. */
static void run_batch(const cuda_host_lt_job *job, lt_place *at)
{
    const cuda_host_lt_problem *p = &job->problem;
    for (at->row = 0; at->row < p->m; at->row += LT_TILE_ROWS) {
        at->rows = at_most(p->m - at->row, LT_TILE_ROWS);
        memset(at->row_sums, 0, sizeof at->row_sums);
        for (at->column = 0; at->column < p->n; at->column += LT_TILE_COLUMNS) {
            at->columns = at_most(p->n - at->column, LT_TILE_COLUMNS);
            multiply_tile(job, at);
            lt_finish_tile(job, at, sum);
        }
        if (p->epilogue & CUDA_HOST_LT_BGRAD)
            for (int i = 0; i < at->rows; i++) lt_store(at->bias, p->d.type, at->row + i, at->row_sums[i]);
    }
    if (p->epilogue == CUBLASLT_EPILOGUE_BGRADA)
        lt_sum_over_k(&p->a, at->a, p->a.row, p->a.col, p->m, p->k, at->bias, p->d.type);
    if (p->epilogue == CUBLASLT_EPILOGUE_BGRADB)
        lt_sum_over_k(&p->b, at->b, p->b.col, p->b.row, p->n, p->k, at->bias, p->d.type);
}

static void *offset(const void *memory, int64_t type, int64_t elements)
{
    return memory ? (char *)(uintptr_t)memory + elements * lt_size(type) : NULL;
}

static lt_place place_of(const cuda_host_lt_job *job, int64_t batch)
{
    const cuda_host_lt_problem *p = &job->problem;
    bool masks = p->epilogue & CUDA_HOST_LT_MASKS;
    lt_place at = {
        .a = offset(job->a, p->a.type, batch * p->a.batch),
        .b = offset(job->b, p->b.type, batch * p->b.batch),
        .c = offset(job->c, p->c.type, batch * p->c.batch),
        .d = offset(job->d, p->d.type, batch * p->d.batch),
        .bias = offset(job->bias, p->d.type, batch * p->bias_stride),
        .aux = offset(job->aux, p->d.type, masks ? 0 : batch * p->aux_stride),
        .alpha = job->device_alpha ? *job->device_alpha : job->alpha,
        .beta = job->device_beta ? *job->device_beta : job->beta,
    };
    if (masks && at.aux) at.aux = (char *)at.aux + batch * p->aux_stride / 8;
    return at;
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

/* What the product may scribble over: what it uses, and the end of what it was given. */
static void poison_workspace(const cuda_host_lt_job *job)
{
    uint64_t end = job->workspace_given < 256 ? job->workspace_given : 256;
    if (!job->workspace) return;
    memset(job->workspace, 0xff, job->workspace_used);
    memset((char *)job->workspace + job->workspace_given - end, 0xff, end);
}

void cuda_host_lt_run(const void *args)
{
    const cuda_host_lt_job *job = args;
    poison_workspace(job);
    for (int64_t i = 0; i < job->problem.batch; i++) {
        lt_place at = place_of(job, i);
        lt_poison_outputs(job, &at);
    }
    for (int64_t i = 0; i < job->problem.batch; i++) {
        lt_place at = place_of(job, i);
        run_batch(job, &at);
    }
    poison_workspace(job);
}
