/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one engine of all elementwise ops; a single op is a chain of one step. The result is cut into pieces for the
 * pool and these into tiles that stay in the first-level cache: every step's loop runs over a tile. An operand that
 * lies as the result does is read where it is; others are brought into the tile's order first.
 */
#include "cpu/fold.h"
#include "core/grid.h"

enum {
    TILE = 512,
    LONG_ROW = 128, /* rows of at least this length are tiles of their own */
};

typedef enum source {
    FLAT,      /* as the result */
    ONCE,      /* a tile's worth is prepared once for a piece: a number, or a pattern that tiles repeat */
    BY_ROW,    /* tiles lie within rows, where it is contiguous or constant */
    GATHERED,  /* copied row by row into each tile */
} source;

typedef struct operand {
    const void *data;
    cinch_dtype dtype;
    source source;
} operand;

typedef struct engine {
    const cinch_chain_step *step;
    int n_steps, n_in;
    operand in[CINCH_CHAIN_INPUTS];
    cinch_grid grid;
    void *out;
    cinch_dtype dtype;        /* of the result; F32 stands for any four bytes that need no conversion */
    float *partial;           /* one for each piece where the chain ends in a sum, else NULL */
    const cinch_tile *tiles;
    int64_t total, tile, piece;
    bool rows;                /* tiles end where rows do */
} engine;

/* One piece's buffers, and where each operand of the current tile lies. */
typedef struct workspace {
    _Alignas(64) float in[CINCH_CHAIN_INPUTS][TILE];
    _Alignas(64) float result[CINCH_CHAIN_STEPS][TILE];
    _Alignas(64) float number[CINCH_CHAIN_STEPS][TILE];
    _Alignas(64) float sum[CINCH_LANES];
    const float *at[2 * CINCH_CHAIN_INPUTS];
} workspace;

/* --- preparing a call --------------------------------------------------------------------------------------------- */

static int64_t row_length(const engine *e) { return e->grid.dim[e->grid.rank - 1]; }

static bool lies_flat(const cinch_grid *g, int k, int first)
{
    int64_t step = 1;
    for (int i = g->rank; i-- > first; step *= g->dim[i])
        if (g->stride[k][i] != step) return false;
    return true;
}

/* The operand repeats itself every so many elements, 1 for a number; 0 where it does not. */
static int64_t period(const cinch_grid *g, int k)
{
    int first = 0;
    int64_t count = 1;
    while (first < g->rank && g->stride[k][first] == 0) first++;
    for (int i = first; i < g->rank; i++) count *= g->dim[i];
    return lies_flat(g, k, first) ? count : 0;
}

static void choose_tile(engine *e)
{
    int64_t longest = 1;
    bool direct = e->n_steps == 1 && !e->partial && e->dtype == CINCH_F32;
    for (int k = 0; k < e->n_in; k++) {
        int64_t p = period(&e->grid, k);
        bool flat = lies_flat(&e->grid, k, 0);
        direct = direct && flat && e->in[k].dtype == CINCH_F32;
        if (!flat && p <= TILE && p > longest) longest = p;
    }
    for (int k = 0; k < 3 && direct; k++) direct = e->step[0].operand[k] < CINCH_CHAIN_INPUTS;
    e->rows = e->grid.rank > 1 && row_length(e) >= LONG_ROW;
    e->tile = direct ? CINCH_CPU_PIECE : e->rows ? TILE : TILE / longest * longest;
    e->piece = CINCH_CPU_PIECE / e->tile * e->tile;
}

static source choose_source(const engine *e, int k)
{
    if (lies_flat(&e->grid, k, 0)) return FLAT;
    int64_t p = period(&e->grid, k);
    if (p == 1 || (!e->rows && p && p <= TILE && e->tile % p == 0)) return ONCE;
    return e->rows ? BY_ROW : GATHERED;
}

static void set_grid(engine *e, const cinch_call *c, bool reduce)
{
    if (reduce) {
        cinch_grid_span_inputs(&e->grid, c); /* what a chain sums over */
    } else {
        e->grid.rank = c->out->rank;
        memcpy(e->grid.dim, c->out->dim, sizeof e->grid.dim);
    }
    e->total = 1;
    for (int i = 0; i < e->grid.rank; i++) e->total *= e->grid.dim[i];
    for (int k = 0; k < c->n_in; k++) cinch_grid_add(&e->grid, &c->in[k]);
    if (e->total) cinch_grid_collapse(&e->grid);
}

static void prepare(engine *e, const cinch_call *c, const cinch_chain_step *step, int n_steps, bool reduce)
{
    bool integer = c->out->dtype == CINCH_I32;
    *e = (engine){.step = step, .n_steps = n_steps, .n_in = c->n_in, .out = c->out->data,
                  .dtype = integer ? CINCH_F32 : c->out->dtype, .partial = reduce ? c->scratch : NULL,
                  .tiles = integer ? cinch_integer_tiles : cinch_tiles};
    set_grid(e, c, reduce);
    for (int k = 0; k < c->n_in; k++) e->in[k] = (operand){c->in[k].data, integer ? CINCH_F32 : c->in[k].dtype, FLAT};
    if (!e->total) return;
    choose_tile(e);
    for (int k = 0; k < c->n_in; k++) e->in[k].source = choose_source(e, k);
}

/* --- a tile's operands -------------------------------------------------------------------------------------------- */

static void fill(float *to, float value, int64_t n)
{
    for (int64_t i = 0; i < n; i++) to[i] = value;
}

/* n elements from `offset` on where the innermost axis is contiguous, else the one at `offset` n times. */
static void load_run(const engine *e, int k, float *to, int64_t offset, int64_t n)
{
    const operand *o = &e->in[k];
    if (e->grid.stride[k][e->grid.rank - 1]) {
        cinch_load(to, o->data, o->dtype, offset, n);
    } else {
        float value;
        cinch_load(&value, o->data, o->dtype, offset, 1);
        fill(to, value, n);
    }
}

static void gather(const engine *e, int k, float *to, int64_t at, int64_t n)
{
    int64_t length = row_length(e), row = at / length, column = at - row * length;
    int64_t step = e->grid.stride[k][e->grid.rank - 1];
    cinch_cursor cursor;
    cinch_cursor_start(&cursor, &e->grid, e->grid.rank - 1, row);
    for (int64_t done = 0, part; done < n; done += part, column = 0) {
        part = cinch_cpu_min(n - done, length - column);
        load_run(e, k, to + done, cursor.offset[k] + column * step, part);
        cinch_cursor_next(&cursor, &e->grid);
    }
}

static const float *load_row(const engine *e, int k, float *to, int64_t at, int64_t n)
{
    int64_t length = row_length(e), row = at / length, step = e->grid.stride[k][e->grid.rank - 1];
    int64_t offset = cinch_grid_offset(&e->grid, k, e->grid.rank - 1, row) + (at - row * length) * step;
    if (step && e->in[k].dtype == CINCH_F32) return (const float *)e->in[k].data + offset;
    load_run(e, k, to, offset, n);
    return to;
}

static void load_once(const engine *e, workspace *w)
{
    for (int k = 0; k < e->n_in; k++) {
        if (e->in[k].source != ONCE) continue;
        gather(e, k, w->in[k], 0, cinch_cpu_min(e->tile, e->total));
        w->at[k] = w->in[k];
    }
    for (int s = 0; s < e->n_steps; s++)
        for (int k = 0; k < 3; k++)
            if (e->step[s].operand[k] == CINCH_CHAIN_IMMEDIATE) fill(w->number[s], e->step[s].immediate, TILE);
}

static void load_tile(const engine *e, workspace *w, int64_t at, int64_t n)
{
    for (int k = 0; k < e->n_in; k++) {
        const operand *o = &e->in[k];
        if (o->source == ONCE) continue;
        w->at[k] = w->in[k];
        if (o->source == BY_ROW) w->at[k] = load_row(e, k, w->in[k], at, n);
        else if (o->source == GATHERED) gather(e, k, w->in[k], at, n);
        else if (o->dtype == CINCH_F32) w->at[k] = (const float *)o->data + at;
        else cinch_load(w->in[k], o->data, o->dtype, at, n);
    }
}

/* --- running ------------------------------------------------------------------------------------------------------ */

static void run_step(const engine *e, workspace *w, int s, float *to, int64_t n)
{
    const cinch_chain_step *step = &e->step[s];
    const float *in[3] = {NULL, NULL, NULL};
    for (int k = 0; k < 3; k++) {
        int o = step->operand[k];
        if (o >= 0) in[k] = o == CINCH_CHAIN_IMMEDIATE ? w->number[s] : w->at[o];
    }
    e->tiles[step->op](to, in, step->param, n);
    w->at[CINCH_CHAIN_INPUTS + s] = to;
}

static void run_tile(const engine *e, workspace *w, int64_t at, int64_t n)
{
    int last = e->n_steps - 1;
    bool direct = !e->partial && e->dtype == CINCH_F32;
    load_tile(e, w, at, n);
    for (int s = 0; s < last; s++) run_step(e, w, s, w->result[s], n);
    run_step(e, w, last, direct ? (float *)e->out + at : w->result[last], n);
    if (e->partial) fold_sum(w->sum, CINCH_LANES, w->result[last], n);
    else if (!direct) cinch_store(e->out, e->dtype, at, w->result[last], n);
}

static void run_piece(void *arg, int64_t begin, int64_t end, int worker)
{
    const engine *e = arg;
    workspace w;
    (void)worker;
    memset(w.sum, 0, sizeof w.sum);
    load_once(e, &w);
    for (int64_t at = begin, n; at < end; at += n) {
        n = cinch_cpu_min(e->tile, end - at);
        if (e->rows) n = cinch_cpu_min(n, row_length(e) - at % row_length(e));
        run_tile(e, &w, at, n);
    }
    if (!e->partial) return;
    halve_sum(w.sum, CINCH_LANES, 1);
    e->partial[begin / e->piece] = w.sum[0];
}

static void run_engine(cinch_backend *b, engine *e)
{
    if (e->total) cinch_cpu_pieces(b, e->total, e->piece, run_piece, e);
    if (!e->partial) return;
    double sum = 0;
    for (int64_t i = 0; e->total && i < cinch_cpu_parts(e->total, e->piece); i++) sum += e->partial[i];
    cinch_store(e->out, e->dtype, 0, &(float){(float)sum}, 1);
}

cinch_status CINCH_RUN(elementwise)(cinch_backend *b, const cinch_call *c)
{
    cinch_chain_step step = {(uint16_t)c->op, {-1, -1, -1}, {c->attr->scalars.v[0], c->attr->scalars.v[1]}, 0};
    engine e;
    for (int k = 0; k < c->n_in; k++) step.operand[k] = (int8_t)k;
    prepare(&e, c, &step, 1, false);
    run_engine(b, &e);
    return CINCH_OK;
}

cinch_status CINCH_PLAN(elementwise)(cinch_backend *b, const cinch_call *c, size_t *scratch, size_t *saved)
{
    (void)b, (void)c;
    *scratch = *saved = 0;
    return CINCH_OK;
}

static cinch_status run_chain(cinch_backend *b, const cinch_call *c)
{
    engine e;
    prepare(&e, c, c->attr->chain.step, c->attr->chain.n_steps, c->attr->chain.reduce);
    run_engine(b, &e);
    return CINCH_OK;
}

static cinch_status plan_chain(cinch_backend *b, const cinch_call *c, size_t *scratch, size_t *saved)
{
    engine e;
    (void)b, (void)saved;
    if (c->n_in > CINCH_CHAIN_INPUTS || c->attr->chain.n_steps < 1 || c->attr->chain.n_steps > CINCH_CHAIN_STEPS)
        return cinch_fail(CINCH_INTERNAL, "chain: %d steps over %d inputs", c->attr->chain.n_steps, c->n_in);
    if (!c->attr->chain.reduce) return CINCH_OK;
    prepare(&e, c, c->attr->chain.step, c->attr->chain.n_steps, true);
    e.partial = (float[]){0};
    if (e.total) choose_tile(&e);
    *scratch = e.total ? (size_t)cinch_cpu_parts(e.total, e.piece) * sizeof(float) : sizeof(float);
    return CINCH_OK;
}

CINCH_CPU_KERNEL(chain, run_chain, plan_chain)
