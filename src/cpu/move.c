/* SPDX-License-Identifier: Apache-2.0 */
/* Moving data of any type: elements are copied by their size. */
#include "core/formula.h"
#include "cpu/kernel.h"

/* --- a strided copy ------------------------------------------------------------------------------------------------ */

/* out (contiguous) from in with strides in elements; outer axes are cut into tasks. */
typedef struct walk {
    const char *in;
    char *out;
    size_t size;                       /* of an element */
    int rank;
    int64_t dim[CINCH_RANK_MAX], stride[CINCH_RANK_MAX];
    int64_t rows, row;                 /* rows of the last axis, its length */
    int64_t rows_per_task;
} walk;

#define COPY_ROW(type)                                                                             \
    for (int64_t j = 0; j < n; j++) ((type *)out)[j] = ((const type *)in)[j * stride];

static void copy_row(char *out, const char *in, int64_t n, int64_t stride, size_t size)
{
    if (stride == 1) memcpy(out, in, (size_t)n * size);
    else if (size == 4) COPY_ROW(uint32_t)
    else if (size == 2) COPY_ROW(uint16_t)
    else COPY_ROW(uint8_t)
}

static void walk_rows(void *arg, int64_t task, int worker)
{
    const walk *w = arg;
    int64_t first = task * w->rows_per_task, last = cinch_cpu_min(first + w->rows_per_task, w->rows);
    (void)worker;
    for (int64_t row = first; row < last; row++) {
        int64_t offset = 0, left = row;
        for (int axis = w->rank - 2; axis >= 0; axis--) {
            offset += left % w->dim[axis] * w->stride[axis];
            left /= w->dim[axis];
        }
        copy_row(w->out + (size_t)(row * w->row) * w->size, w->in + offset * (int64_t)w->size, w->row,
                 w->stride[w->rank - 1], w->size);
    }
}

/* Joins axes that are one run in both tensors, so that rows are long. */
static void join_axes(walk *w)
{
    for (int i = w->rank - 1; i > 0; i--) {
        if (w->stride[i - 1] != w->stride[i] * w->dim[i] && w->dim[i - 1] != 1) continue;
        if (w->dim[i - 1] == 1) w->stride[i - 1] = w->stride[i];
        else w->stride[i - 1] = w->stride[i];
        w->dim[i - 1] *= w->dim[i];
        for (int j = i; j < w->rank - 1; j++) {
            w->dim[j] = w->dim[j + 1];
            w->stride[j] = w->stride[j + 1];
        }
        w->rank--;
    }
}

static void run_walk(cinch_backend *backend, walk *w)
{
    if (!w->rank) {
        w->rank = 1;
        w->dim[0] = w->stride[0] = 1;
    }
    join_axes(w);
    w->row = w->dim[w->rank - 1];
    w->rows = 1;
    for (int i = 0; i < w->rank - 1; i++) w->rows *= w->dim[i];
    if (!w->row || !w->rows) return;
    w->rows_per_task = w->row < CINCH_CPU_PIECE ? cinch_cpu_parts(CINCH_CPU_PIECE, w->row) : 1;
    cinch_pool_run(cinch_cpu_pool(backend), cinch_cpu_parts(w->rows, w->rows_per_task), walk_rows, w);
}

static walk walk_of(const cinch_call *call)
{
    walk w = {.in = call->in[0].data, .out = call->out[0].data, .size = cinch_dtype_size(call->out[0].dtype),
              .rank = call->out[0].rank};
    memcpy(w.dim, call->out[0].dim, sizeof w.dim);
    return w;
}

static void strides_of(const cinch_tensor *t, int64_t stride[CINCH_RANK_MAX])
{
    int64_t next = 1;
    for (int i = t->rank - 1; i >= 0; i--) {
        stride[i] = next;
        next *= t->dim[i];
    }
}

static cinch_status run_copy(cinch_backend *backend, const cinch_call *call)
{
    walk w = walk_of(call);
    strides_of(&call->in[0], w.stride);
    run_walk(backend, &w);
    return CINCH_OK;
}
CINCH_CPU_KERNEL_UNPLANNED(copy, run_copy)

static cinch_status run_broadcast(cinch_backend *backend, const cinch_call *call)
{
    walk w = walk_of(call);
    int64_t stride[CINCH_RANK_MAX];
    strides_of(&call->in[0], stride);
    for (int i = 0; i < w.rank; i++) {
        int own = i - (w.rank - call->in[0].rank);
        w.stride[i] = own < 0 || call->in[0].dim[own] == 1 ? 0 : stride[own];
    }
    run_walk(backend, &w);
    return CINCH_OK;
}
CINCH_CPU_KERNEL_UNPLANNED(broadcast, run_broadcast)

static cinch_status run_slice(cinch_backend *backend, const cinch_call *call)
{
    walk w = walk_of(call);
    int64_t stride[CINCH_RANK_MAX];
    strides_of(&call->in[0], stride);
    for (int i = 0; i < w.rank; i++) {
        w.in += call->attr->slice.start[i] * stride[i] * (int64_t)w.size;
        w.stride[i] = call->attr->slice.step[i] * stride[i];
    }
    run_walk(backend, &w);
    return CINCH_OK;
}
CINCH_CPU_KERNEL_UNPLANNED(slice, run_slice)

/* --- transpose --------------------------------------------------------------------------------------------------------- */

enum { TILE = 32 };

/* A tile of the last two axes of `out`, whose rows run along columns of `in`. */
#define TRANSPOSE_TILE(type)                                                                              \
    for (int64_t i = 0; i < rows; i++)                                                                    \
        for (int64_t j = 0; j < columns; j++)                                                             \
            ((type *)out)[i * out_stride + j] = ((const type *)in)[i * in_row + j * in_column];

static void transpose_tile(char *out, int64_t out_stride, const char *in, int64_t in_row, int64_t in_column, int64_t rows,
                           int64_t columns, size_t size)
{
    if (size == 4) TRANSPOSE_TILE(uint32_t)
    else if (size == 2) TRANSPOSE_TILE(uint16_t)
    else TRANSPOSE_TILE(uint8_t)
}

/* One task: TILE rows of one matrix of the last two axes. */
static void transpose_rows(void *arg, int64_t task, int worker)
{
    const walk *w = arg;
    int64_t m = w->dim[w->rank - 2], n = w->row, strips = cinch_cpu_parts(m, TILE);
    int64_t left = task / strips, i = task % strips * TILE, offset = 0, matrix = left;
    (void)worker;
    for (int axis = w->rank - 3; axis >= 0; axis--) {
        offset += left % w->dim[axis] * w->stride[axis];
        left /= w->dim[axis];
    }
    for (int64_t j = 0; j < n; j += TILE) {
        int64_t from = offset + i * w->stride[w->rank - 2] + j * w->stride[w->rank - 1];
        transpose_tile(w->out + (size_t)((matrix * m + i) * n + j) * w->size, n, w->in + from * (int64_t)w->size,
                       w->stride[w->rank - 2], w->stride[w->rank - 1], cinch_cpu_min(TILE, m - i), cinch_cpu_min(TILE, n - j),
                       w->size);
    }
}

static cinch_status run_transpose(cinch_backend *backend, const cinch_call *call)
{
    walk w = walk_of(call);
    int64_t stride[CINCH_RANK_MAX];
    strides_of(&call->in[0], stride);
    for (int i = 0; i < w.rank; i++) w.stride[i] = stride[call->attr->transpose.order[i]];
    if (w.rank < 2 || w.stride[w.rank - 1] == 1) {
        run_walk(backend, &w);
        return CINCH_OK;
    }
    w.row = w.dim[w.rank - 1];
    int64_t matrices = cinch_cpu_span(&call->out[0], 0, w.rank - 2);
    cinch_pool_run(cinch_cpu_pool(backend), matrices * cinch_cpu_parts(w.dim[w.rank - 2], TILE), transpose_rows, &w);
    return CINCH_OK;
}
CINCH_CPU_KERNEL_UNPLANNED(transpose, run_transpose)

/* --- fill, iota --------------------------------------------------------------------------------------------------------- */

/* The bits of a number in a type. */
static uint32_t encode(float value, cinch_dtype dtype)
{
    union { float f; uint32_t u; int32_t i; } v = {.f = value};
    if (dtype == CINCH_BF16) return cinch_to_bf16(value);
    if (dtype == CINCH_I32) v.i = (int32_t)value;
    if (dtype == CINCH_U8) v.u = (uint8_t)value;
    return v.u;
}

static void fill_elements(char *out, int64_t n, uint32_t bits, size_t size)
{
    if (size == 1) memset(out, (int)bits, (size_t)n);
    else if (size == 2)
        for (int64_t i = 0; i < n; i++) ((uint16_t *)out)[i] = (uint16_t)bits;
    else
        for (int64_t i = 0; i < n; i++) ((uint32_t *)out)[i] = bits;
}

typedef struct filling {
    char *out;
    int64_t n;
    uint32_t bits;
    size_t size;
} filling;

static void fill_piece(void *arg, int64_t task, int worker)
{
    const filling *f = arg;
    int64_t first = task * CINCH_CPU_PIECE;
    (void)worker;
    fill_elements(f->out + (size_t)first * f->size, cinch_cpu_min(CINCH_CPU_PIECE, f->n - first), f->bits, f->size);
}

static cinch_status run_fill(cinch_backend *backend, const cinch_call *call)
{
    const cinch_tensor *out = &call->out[0];
    filling f = {out->data, cinch_tensor_count(out), encode(call->attr->scalars.v[0], out->dtype), cinch_dtype_size(out->dtype)};
    cinch_pool_run(cinch_cpu_pool(backend), cinch_cpu_parts(f.n, CINCH_CPU_PIECE), fill_piece, &f);
    return CINCH_OK;
}
CINCH_CPU_KERNEL_UNPLANNED(fill, run_fill)

static cinch_status run_iota(cinch_backend *backend, const cinch_call *call)
{
    const cinch_tensor *out = &call->out[0];
    int axis = call->attr->axis.first;
    int64_t outer = cinch_cpu_span(out, 0, axis), n = out->dim[axis], inner = cinch_cpu_span(out, axis + 1, out->rank);
    size_t size = cinch_dtype_size(out->dtype);
    (void)backend;
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < n; i++) {
            uint32_t bits = out->dtype == CINCH_I32 ? (uint32_t)i : encode((float)i, out->dtype);
            fill_elements((char *)out->data + (size_t)((o * n + i) * inner) * size, inner, bits, size);
        }
    return CINCH_OK;
}
CINCH_CPU_KERNEL_UNPLANNED(iota, run_iota)

/* --- pad, concat, pack ------------------------------------------------------------------------------------------------------ */

/* Copies `in` into the part of `out` that begins at `start`. */
static void copy_into(const cinch_tensor *out, const cinch_tensor *in, const int64_t *start)
{
    size_t size = cinch_dtype_size(out->dtype);
    int last = in->rank - 1;
    int64_t row = in->rank ? in->dim[last] : 1, rows = in->rank ? cinch_cpu_span(in, 0, last) : 1, stride[CINCH_RANK_MAX];
    strides_of(out, stride);
    for (int64_t r = 0; r < rows; r++) {
        int64_t at = in->rank ? start[last] : 0, left = r;
        for (int axis = last - 1; axis >= 0; axis--) {
            at += (left % in->dim[axis] + start[axis]) * stride[axis];
            left /= in->dim[axis];
        }
        memcpy((char *)out->data + (size_t)at * size, (const char *)in->data + (size_t)(r * row) * size, (size_t)row * size);
    }
}

static cinch_status run_pad(cinch_backend *backend, const cinch_call *call)
{
    const cinch_tensor *out = &call->out[0];
    filling f = {out->data, cinch_tensor_count(out), encode(call->attr->pad.value, out->dtype), cinch_dtype_size(out->dtype)};
    cinch_pool_run(cinch_cpu_pool(backend), cinch_cpu_parts(f.n, CINCH_CPU_PIECE), fill_piece, &f);
    if (cinch_tensor_count(&call->in[0])) copy_into(out, &call->in[0], call->attr->pad.before);
    return CINCH_OK;
}
CINCH_CPU_KERNEL_UNPLANNED(pad, run_pad)

static cinch_status run_concat(cinch_backend *backend, const cinch_call *call)
{
    int axis = call->attr->axis.first;
    int64_t start[CINCH_RANK_MAX] = {0};
    (void)backend;
    for (int k = 0; k < call->n_in; k++) {
        if (cinch_tensor_count(&call->in[k])) copy_into(&call->out[0], &call->in[k], start);
        start[axis] += call->in[k].dim[axis];
    }
    return CINCH_OK;
}
CINCH_CPU_KERNEL_UNPLANNED(concat, run_concat)

/* Operands that the planner placed here already are not copied. */
static cinch_status run_pack(cinch_backend *backend, const cinch_call *call)
{
    float *next = call->out[0].data;
    (void)backend;
    for (int k = 0; k < call->n_in; k++) {
        int64_t n = cinch_tensor_count(&call->in[k]), padded = (n + 15) / 16 * 16;
        if (call->in[k].data != next && n) memcpy(next, call->in[k].data, (size_t)n * sizeof *next);
        if (padded > n) memset(next + n, 0, (size_t)(padded - n) * sizeof *next);
        next += padded;
    }
    return CINCH_OK;
}
CINCH_CPU_KERNEL_UNPLANNED(pack, run_pack)
