/* SPDX-License-Identifier: Apache-2.0 */
/* Rows by number: gather, scatter_add, one_hot. */
#include "cpu/kernel.h"

enum { COLUMNS = 512 /* of a block of scatter_add */ };

/* --- gather: rows outside the table read as zeros ----------------------------------------------------------------- */

typedef struct gatherer {
    const char *table;
    const int32_t *rows;
    char *to;
    int64_t n_rows;
    size_t bytes; /* of a row */
} gatherer;

static void gather_piece(void *arg, int64_t begin, int64_t end, int worker)
{
    const gatherer *g = arg;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        char *to = g->to + i * (int64_t)g->bytes;
        int64_t row = g->rows[i];
        if (row < 0 || row >= g->n_rows) memset(to, 0, g->bytes);
        else if (g->bytes == 4) memcpy(to, g->table + row * 4, 4);
        else memcpy(to, g->table + row * (int64_t)g->bytes, g->bytes);
    }
}

static cinch_status run_gather(cinch_backend *b, const cinch_call *c)
{
    const cinch_tensor *x = &c->in[0];
    int64_t width = cinch_cpu_span(x, 1, x->rank);
    gatherer g = {x->data, c->in[1].data, c->out->data, x->dim[0], (size_t)width * cinch_dtype_size(x->dtype)};
    if (!width) return CINCH_OK;
    cinch_cpu_pieces(b, cinch_tensor_count(&c->in[1]), cinch_cpu_max(1, CINCH_CPU_PIECE / width), gather_piece, &g);
    return CINCH_OK;
}
CINCH_CPU_KERNEL_UNPLANNED(gather, run_gather)

/* --- scatter_add: a task owns some rows and columns of the result and adds to them in order ----------------------- */

typedef struct scatterer {
    const cinch_call *c;
    float *sum;              /* the result as f32, or as words that are i32 */
    int64_t n, width, rows;  /* rows to add; elements of a row; rows of the result */
    int64_t blocks, share;   /* blocks of columns; result rows of a task */
    bool integer;
} scatterer;

static void add_row(const scatterer *s, float *to, int64_t from, int64_t n)
{
    float x[COLUMNS];
    if (s->integer) {
        cinch_word *y = (cinch_word *)to;
        const int32_t *v = (const int32_t *)s->c->in[0].data + from;
        for (int64_t i = 0; i < n; i++) y[i] = cinch_i_add(y[i], v[i]);
        return;
    }
    const float *v = (const float *)s->c->in[0].data + from;
    if (s->c->in[0].dtype != CINCH_F32) {
        cinch_load(x, s->c->in[0].data, s->c->in[0].dtype, from, n);
        v = x;
    }
    for (int64_t i = 0; i < n; i++) to[i] += v[i];
}

static void scatter_task(void *arg, int64_t task, int worker)
{
    const scatterer *s = arg;
    const int32_t *where = s->c->in[1].data;
    int64_t column = task % s->blocks * COLUMNS, n = cinch_cpu_min(COLUMNS, s->width - column);
    int64_t first = task / s->blocks * s->share, end = cinch_cpu_min(first + s->share, s->rows);
    (void)worker;
    for (int64_t r = first; r < end; r++) memset(s->sum + r * s->width + column, 0, (size_t)n * sizeof(float));
    for (int64_t i = 0; i < s->n; i++)
        if (where[i] >= first && where[i] < end)
            add_row(s, s->sum + where[i] * s->width + column, i * s->width + column, n);
    if (s->c->out->dtype != CINCH_BF16) return;
    for (int64_t r = first; r < end; r++) {
        int64_t at = r * s->width + column;
        cinch_store(s->c->out->data, CINCH_BF16, at, s->sum + at, n);
    }
}

static cinch_status run_scatter_add(cinch_backend *b, const cinch_call *c)
{
    const cinch_tensor *y = c->out;
    scatterer s = {.c = c, .sum = y->dtype == CINCH_BF16 ? c->scratch : y->data,
                   .n = cinch_tensor_count(&c->in[1]), .width = cinch_cpu_span(y, 1, y->rank), .rows = y->dim[0],
                   .integer = y->dtype == CINCH_I32};
    if (!s.width || !s.rows) return CINCH_OK;
    /* Every task reads all of `where`: not too many of them. */
    int64_t work = (s.n + s.rows) * cinch_cpu_min(s.width, COLUMNS);
    int64_t shares = cinch_cpu_min(cinch_cpu_min(cinch_cpu_max(1, work / CINCH_CPU_PIECE), 16), s.rows);
    s.blocks = cinch_cpu_parts(s.width, COLUMNS);
    s.share = cinch_cpu_parts(s.rows, shares);
    cinch_pool_run(cinch_cpu_pool(b), s.blocks * cinch_cpu_parts(s.rows, s.share), scatter_task, &s);
    return CINCH_OK;
}

static cinch_status plan_scatter_add(cinch_backend *b, const cinch_call *c, size_t *scratch, size_t *saved)
{
    (void)b, (void)saved;
    if (c->out->dtype == CINCH_BF16) *scratch = (size_t)cinch_tensor_count(c->out) * sizeof(float);
    return CINCH_OK;
}
CINCH_CPU_KERNEL(scatter_add, run_scatter_add, plan_scatter_add)

/* --- one_hot: numbers outside 0 .. depth-1 give zeros ------------------------------------------------------------- */

static void one_hot_piece(void *arg, int64_t begin, int64_t end, int worker)
{
    const cinch_call *c = arg;
    int64_t depth = c->attr->axis.depth;
    float one = 1;
    (void)worker;
    size_t size = cinch_dtype_size(c->out->dtype);
    memset((char *)c->out->data + begin * depth * (int64_t)size, 0, (size_t)((end - begin) * depth) * size);
    for (int64_t i = begin; i < end; i++) {
        int64_t number = ((const int32_t *)c->in[0].data)[i];
        if (number >= 0 && number < depth) cinch_store(c->out->data, c->out->dtype, i * depth + number, &one, 1);
    }
}

static cinch_status run_one_hot(cinch_backend *b, const cinch_call *c)
{
    int64_t depth = c->attr->axis.depth;
    if (depth <= 0) return CINCH_OK;
    int64_t piece = cinch_cpu_max(1, CINCH_CPU_PIECE / depth);
    cinch_cpu_pieces(b, cinch_tensor_count(&c->in[0]), piece, one_hot_piece, (void *)c);
    return CINCH_OK;
}
CINCH_CPU_KERNEL_UNPLANNED(one_hot, run_one_hot)
