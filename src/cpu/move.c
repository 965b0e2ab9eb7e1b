/* SPDX-License-Identifier: Apache-2.0 */
/* Ops that fill, convert or move elements. */
#include "cpu/kernel.h"
#include "core/strided.h"

enum { TILE = 512, BLOCK = 32 };

/* --- strided copies: broadcast, transpose, slice, pad and concat all come to this --------------------------------- */

enum { FROM = CINCH_FROM, TO = CINCH_TO };

typedef uint32_t __attribute__((may_alias)) word4;
typedef uint16_t __attribute__((may_alias)) word2;

/* n elements with strides; for each size of element. */
#define STRIDED(type, expression)                                                               \
    do {                                                                                        \
        type *y = (type *)to;                                                                   \
        const type *x = (const type *)from;                                                     \
        for (int64_t i = 0; i < n; i++) y[i * to_step] = x[expression];                         \
    } while (0)

static void copy_run(char *to, int64_t to_step, const char *from, int64_t from_step, int64_t n, size_t size)
{
    if (to_step == 1 && from_step == 1) memcpy(to, from, (size_t)n * size);
    else if (size == 4) STRIDED(word4, i * from_step);
    else if (size == 2) STRIDED(word2, i * from_step);
    else STRIDED(uint8_t, i * from_step);
}

static void move_piece(void *arg, int64_t begin, int64_t end, int worker)
{
    const cinch_strided *s = arg;
    const cinch_grid *g = &s->grid;
    int inner = g->rank - 1;
    int64_t length = g->dim[inner], column = begin % length, size = (int64_t)s->size;
    int64_t to_step = g->stride[TO][inner], from_step = g->stride[FROM][inner];
    cinch_cursor cursor;
    (void)worker;
    cinch_cursor_start(&cursor, g, inner, begin / length);
    for (int64_t n; begin < end; begin += n, column = 0) {
        n = cinch_cpu_min(length - column, end - begin);
        copy_run(s->to + (cursor.offset[TO] + column * to_step) * size, to_step,
                 s->from + (cursor.offset[FROM] + column * from_step) * size, from_step, n, s->size);
        cinch_cursor_next(&cursor, g);
    }
}

/* A copy in blocks whose lines stay in cache on both sides, for a source that is contiguous along another axis than the
   result, `across`. */
typedef struct turner {
    cinch_strided copy;
    int across;
    int64_t blocks[2];
} turner;

/* That axis; -1 where blocks are no use. */
static int find_across(const cinch_grid *g)
{
    int inner = g->rank - 1;
    if (g->stride[TO][inner] != 1 || g->stride[FROM][inner] < 2 || g->dim[inner] < 4) return -1;
    for (int i = 0; i < inner; i++)
        if (g->stride[FROM][i] == 1 && g->dim[i] >= 4) return i;
    return -1;
}

static void turn_block(void *arg, int64_t task, int worker)
{
    const turner *t = arg;
    cinch_grid g = t->copy.grid;
    int inner = g.rank - 1, across = t->across;
    int64_t j = task % t->blocks[1] * BLOCK, i = task / t->blocks[1] % t->blocks[0] * BLOCK;
    int64_t columns = cinch_cpu_min(BLOCK, g.dim[inner] - j), rows = cinch_cpu_min(BLOCK, g.dim[across] - i);
    int64_t from_step = g.stride[FROM][inner], row_step = g.stride[TO][across];
    (void)worker;
    g.dim[across] = 1;
    int64_t index = task / t->blocks[1] / t->blocks[0], size = (int64_t)t->copy.size;
    int64_t to = cinch_grid_offset(&g, TO, inner, index) + i * row_step + j;
    int64_t from = cinch_grid_offset(&g, FROM, inner, index) + i + j * from_step;
    _Alignas(64) char block[BLOCK * BLOCK * 4]; /* lines a power of two apart would push each other out of the cache */
    for (int64_t k = 0; k < columns; k++)
        memcpy(block + k * BLOCK * size, t->copy.from + (from + k * from_step) * size, (size_t)(rows * size));
    for (int64_t r = 0; r < rows; r++)
        copy_run(t->copy.to + (to + r * row_step) * size, 1, block + r * size, BLOCK, columns, t->copy.size);
}

static void turn(cinch_backend *b, const cinch_strided *s, int across, int64_t total)
{
    int64_t rows = s->grid.dim[across], columns = s->grid.dim[s->grid.rank - 1];
    turner t = {*s, across, {cinch_cpu_parts(rows, BLOCK), cinch_cpu_parts(columns, BLOCK)}};
    cinch_pool_run(cinch_cpu_pool(b), total / rows / columns * t.blocks[0] * t.blocks[1], turn_block, &t);
}

static void move(cinch_backend *b, cinch_strided s)
{
    int64_t total = 1;
    for (int i = 0; i < s.grid.rank; i++) total *= s.grid.dim[i];
    if (!total) return;
    cinch_grid_collapse(&s.grid);
    int across = find_across(&s.grid);
    if (across >= 0) turn(b, &s, across, total);
    else cinch_cpu_pieces(b, total, CINCH_CPU_PIECE, move_piece, &s);
}

static cinch_status run_copy(cinch_backend *b, const cinch_call *c)
{
    move(b, cinch_strided_over(c->out, &c->in[0], c->out));
    return CINCH_OK;
}
CINCH_CPU_KERNEL_UNPLANNED(copy, run_copy)

static cinch_status run_broadcast(cinch_backend *b, const cinch_call *c)
{
    move(b, cinch_strided_broadcast(c));
    return CINCH_OK;
}
CINCH_CPU_KERNEL_UNPLANNED(broadcast, run_broadcast)

static cinch_status run_transpose(cinch_backend *b, const cinch_call *c)
{
    move(b, cinch_strided_transpose(c));
    return CINCH_OK;
}
CINCH_CPU_KERNEL_UNPLANNED(transpose, run_transpose)

static cinch_status run_slice(cinch_backend *b, const cinch_call *c)
{
    move(b, cinch_strided_slice(c));
    return CINCH_OK;
}
CINCH_CPU_KERNEL_UNPLANNED(slice, run_slice)

static cinch_status run_concat(cinch_backend *b, const cinch_call *c)
{
    for (int k = 0; k < c->n_in; k++) move(b, cinch_strided_concat(c, k));
    return CINCH_OK;
}
CINCH_CPU_KERNEL_UNPLANNED(concat, run_concat)

/* --- fill and pad ------------------------------------------------------------------------------------------------- */

typedef struct filler {
    void *to;
    cinch_dtype dtype;
    float value;
} filler;

static void fill_piece(void *arg, int64_t begin, int64_t end, int worker)
{
    const filler *f = arg;
    int64_t n = end - begin;
    size_t size = cinch_dtype_size(f->dtype);
    char *to = (char *)f->to + begin * (int64_t)size;
    _Alignas(4) char value[4];
    (void)worker;
    cinch_store(value, f->dtype, 0, &f->value, 1);
    if (size == 1) memset(to, value[0], (size_t)n);
    else copy_run(to, 1, value, 0, n, size);
}

static void fill(cinch_backend *b, const cinch_tensor *out, float value)
{
    filler f = {out->data, out->dtype, value};
    cinch_cpu_pieces(b, cinch_tensor_count(out), CINCH_CPU_PIECE, fill_piece, &f);
}

static cinch_status run_fill(cinch_backend *b, const cinch_call *c)
{
    fill(b, c->out, c->attr->scalars.v[0]);
    return CINCH_OK;
}
CINCH_CPU_KERNEL_UNPLANNED(fill, run_fill)

static cinch_status run_pad(cinch_backend *b, const cinch_call *c)
{
    fill(b, c->out, c->attr->pad.value);
    move(b, cinch_strided_pad(c));
    return CINCH_OK;
}
CINCH_CPU_KERNEL_UNPLANNED(pad, run_pad)

/* --- iota --------------------------------------------------------------------------------------------------------- */

typedef struct counter {
    const cinch_tensor *out;
    int64_t length, inner;
} counter;

static void count_run(const counter *j, int64_t at, int64_t first, int64_t step, int64_t n)
{
    float numbers[TILE];
    if (j->out->dtype == CINCH_I32) {
        int32_t *to = (int32_t *)j->out->data + at;
        for (int64_t i = 0; i < n; i++) to[i] = (int32_t)(first + i * step);
        return;
    }
    for (int64_t i = 0; i < n; i++) numbers[i] = (float)(int32_t)(first + i * step);
    cinch_store(j->out->data, j->out->dtype, at, numbers, n);
}

static void iota_piece(void *arg, int64_t begin, int64_t end, int worker)
{
    const counter *j = arg;
    (void)worker;
    for (int64_t n; begin < end; begin += n) {
        int64_t number = begin / j->inner % j->length;
        int64_t run = j->inner == 1 ? j->length - number : j->inner - begin % j->inner;
        n = cinch_cpu_min(cinch_cpu_min(run, TILE), end - begin);
        count_run(j, begin, number, j->inner == 1, n);
    }
}

static cinch_status run_iota(cinch_backend *b, const cinch_call *c)
{
    int axis = c->attr->axis.first;
    counter j = {c->out, c->out->rank ? c->out->dim[axis] : 1, cinch_cpu_span(c->out, axis + 1, c->out->rank)};
    cinch_cpu_pieces(b, cinch_tensor_count(c->out), CINCH_CPU_PIECE, iota_piece, &j);
    return CINCH_OK;
}

static cinch_status plan_iota(cinch_backend *b, const cinch_call *c, size_t *scratch, size_t *saved)
{
    (void)b, (void)scratch, (void)saved;
    if (!c->out->rank || c->out->dim[c->attr->axis.first] <= INT32_MAX) return CINCH_OK;
    return cinch_fail(CINCH_USAGE, "iota: an axis of more than 2^31 elements; split it");
}
CINCH_CPU_KERNEL(iota, run_iota, plan_iota)

/* --- cast --------------------------------------------------------------------------------------------------------- */

static void cast_piece(void *arg, int64_t begin, int64_t end, int worker)
{
    const cinch_call *c = arg;
    float x[TILE], scale = c->attr->scalars.v[0], offset = c->attr->scalars.v[1];
    (void)worker;
    for (int64_t n; begin < end; begin += n) {
        n = cinch_cpu_min(TILE, end - begin);
        cinch_load(x, c->in[0].data, c->in[0].dtype, begin, n);
        if (scale != 1 || offset != 0) /* the same on every set: integers may follow */
            for (int64_t i = 0; i < n; i++) x[i] = x[i] * scale + offset;
        cinch_store(c->out->data, c->out->dtype, begin, x, n);
    }
}

static cinch_status run_cast(cinch_backend *b, const cinch_call *c)
{
    cinch_cpu_pieces(b, cinch_tensor_count(c->out), CINCH_CPU_PIECE, cast_piece, (void *)c);
    return CINCH_OK;
}
CINCH_CPU_KERNEL_UNPLANNED(cast, run_cast)

/* --- pack --------------------------------------------------------------------------------------------------------- */

typedef struct packer {
    float *to;
    const float *from;
} packer;

static void pack_piece(void *arg, int64_t begin, int64_t end, int worker)
{
    const packer *p = arg;
    (void)worker;
    memcpy(p->to + begin, p->from + begin, (size_t)(end - begin) * sizeof *p->to);
}

/* An input that was computed at its place is left there. */
static cinch_status run_pack(cinch_backend *b, const cinch_call *c)
{
    int64_t at = 0, room = cinch_tensor_count(c->out);
    float *out = c->out->data;
    for (int k = 0; k < c->n_in; k++) {
        int64_t count = cinch_tensor_count(&c->in[k]), next = cinch_cpu_min((at + count + 15) / 16 * 16, room);
        packer p = {out + at, c->in[k].data};
        if (p.to != p.from) cinch_cpu_pieces(b, count, CINCH_CPU_PIECE, pack_piece, &p);
        memset(out + at + count, 0, (size_t)(next - at - count) * sizeof *out);
        at = next;
    }
    memset(out + at, 0, (size_t)(room - at) * sizeof *out);
    return CINCH_OK;
}

static cinch_status plan_pack(cinch_backend *b, const cinch_call *c, size_t *scratch, size_t *saved)
{
    int64_t need = 0;
    (void)b, (void)scratch, (void)saved;
    for (int k = 0; k < c->n_in; k++) need = (need + 15) / 16 * 16 + cinch_tensor_count(&c->in[k]);
    if (need <= cinch_tensor_count(c->out)) return CINCH_OK;
    return cinch_fail(CINCH_INTERNAL, "pack: %lld elements do not fit into %lld", (long long)need,
                      (long long)cinch_tensor_count(c->out));
}
CINCH_CPU_KERNEL(pack, run_pack, plan_pack)
