/* SPDX-License-Identifier: Apache-2.0 */
#include "case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/node.h"
#include "core/rng.h"

const case_family *const case_families[] = {
    &case_elementwise, &case_activation, &case_chain,  &case_matmul,  &case_reduce,
    &case_softmax,     &case_move,       &case_random, &case_effects,
};
const int case_family_count = (int)(sizeof case_families / sizeof case_families[0]);

void *case_alloc(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (!memory) {
        fputs("tests: out of memory\n", stderr);
        abort();
    }
    return memory;
}

/* --- shapes: what each op gives, apart from core's shape rules ---------------------------------------------------- */

static case_shape broadcast_of(const case_row *row)
{
    case_shape out = {0};
    for (int k = 0; k < row->n_in; k++)
        if (row->in[k].rank > out.rank) out.rank = row->in[k].rank;
    for (int axis = 0; axis < out.rank; axis++) out.dim[axis] = 1;
    for (int k = 0; k < row->n_in; k++)
        for (int axis = 0; axis < row->in[k].rank; axis++) {
            int64_t *dim = &out.dim[axis + out.rank - row->in[k].rank];
            if (*dim == 1) *dim = row->in[k].dim[axis];
        }
    return out;
}

static case_shape product_of(const case_row *row)
{
    case_row batch = *row;
    batch.n_in = 2;
    batch.in[0].rank -= 2;
    batch.in[1].rank -= 2;
    case_shape out = broadcast_of(&batch), a = row->in[0], b = row->in[1];
    out.dim[out.rank++] = a.dim[a.rank - (row->attr.matmul.transpose_a ? 1 : 2)];
    out.dim[out.rank++] = b.dim[b.rank - (row->attr.matmul.transpose_b ? 2 : 1)];
    return out;
}

static case_shape without_axes(case_shape in, int first, int last)
{
    case_shape out = {0};
    for (int axis = 0; axis < in.rank; axis++)
        if (axis < first || axis > last) out.dim[out.rank++] = in.dim[axis];
    return out;
}

static case_shape joined(case_shape a, case_shape b, int b_from)
{
    for (int axis = b_from; axis < b.rank; axis++) a.dim[a.rank++] = b.dim[axis];
    return a;
}

static case_shape concat_of(const case_row *row)
{
    case_shape out = row->in[0];
    for (int k = 1; k < row->n_in; k++) out.dim[row->attr.axis.first] += row->in[k].dim[row->attr.axis.first];
    return out;
}

static case_shape transpose_of(const case_row *row)
{
    case_shape out = row->in[0];
    for (int axis = 0; axis < out.rank; axis++) out.dim[axis] = row->in[0].dim[row->attr.transpose.order[axis]];
    return out;
}

static case_shape output_shape(const case_row *row, int k)
{
    const cinch_attr *attr = &row->attr;
    if (k == 1 && row->op == CINCH_OP_matmul_sums)
        return without_axes(row->in[0], attr->matmul.transpose_a ? 0 : 1, attr->matmul.transpose_a ? 0 : 1);
    if (row->has_out) return row->out;
    if (cinch_ops[row->op].kind == CINCH_KIND_ELEMENTWISE) return broadcast_of(row);
    switch (row->op) {
    case CINCH_OP_chain: return attr->chain.reduce ? (case_shape){0} : broadcast_of(row);
    case CINCH_OP_matmul:
    case CINCH_OP_matmul_bias:
    case CINCH_OP_matmul_bias_keep:
    case CINCH_OP_matmul_grad:
    case CINCH_OP_matmul_sums: return product_of(row);
    case CINCH_OP_sum:
    case CINCH_OP_max:
    case CINCH_OP_min:
    case CINCH_OP_logsumexp: return without_axes(row->in[0], attr->axis.first, attr->axis.last);
    case CINCH_OP_argmax: return without_axes(row->in[0], attr->axis.first, attr->axis.first);
    case CINCH_OP_transpose: return transpose_of(row);
    case CINCH_OP_concat: return concat_of(row);
    case CINCH_OP_gather: return joined(row->in[1], row->in[0], 1);
    case CINCH_OP_one_hot: return joined(row->in[0], (case_shape){1, {attr->axis.depth}}, 0);
    default: return row->in[0];
    }
}

static const char *const types[] = {"f32", "bf16", "i32", "u8"};

/* --- types -------------------------------------------------------------------------------------------------------- */

/* The type of a mask of one, else `otherwise`. */
static cinch_dtype type_in(unsigned mask, cinch_dtype otherwise)
{
    for (int type = 0; type < CINCH_DTYPE_COUNT; type++)
        if (mask == 1u << type) return (cinch_dtype)type;
    return otherwise;
}

static cinch_dtype operand_type(const case_row *row, int k, cinch_dtype dtype)
{
    if (row->as[k]) return type_in(row->as[k], dtype);
    switch (row->range[k]) {
    case ROWS:
    case DIGITS:
    case POSITION:
    case SEGMENTS: return CINCH_I32;
    case HYPER:
    case FRACTION: return CINCH_F32;
    default: return dtype;
    }
}

static cinch_dtype output_type(const case_row *row, cinch_dtype dtype)
{
    if (row->to) return type_in(row->to, dtype);
    if (row->op == CINCH_OP_one_hot) return CINCH_F32;
    if (row->op == CINCH_OP_chain && row->attr.chain.reduce) return CINCH_F32;
    return row->op == CINCH_OP_argmax ? CINCH_I32 : dtype;
}

/* --- instances ---------------------------------------------------------------------------------------------------- */

static oracle_tensor make_tensor(case_shape shape, cinch_dtype dtype)
{
    oracle_tensor t = {.rank = shape.rank, .dtype = dtype};
    memcpy(t.dim, shape.dim, sizeof t.dim);
    t.v = case_alloc((size_t)oracle_count(&t), sizeof *t.v);
    return t;
}

static void append_shape(char *text, size_t size, const case_shape *shape)
{
    size_t used = strlen(text);
    used += (size_t)snprintf(text + used, size - used, " [");
    for (int i = 0; i < shape->rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%lld", i ? ", " : "", (long long)shape->dim[i]);
    if (used < size) snprintf(text + used, size - used, "]");
}

/* " (u8) to f32" of rows whose operands or results are of other types. */
static void append_types(char *text, size_t size, const case_row *row, cinch_dtype dtype)
{
    for (int k = 0; k < row->n_in; k++) {
        size_t used = strlen(text);
        if (row->as[k]) snprintf(text + used, size - used, " %d: %s", k, types[operand_type(row, k, dtype)]);
    }
    size_t used = strlen(text);
    if (row->to) snprintf(text + used, size - used, " to %s", types[type_in(row->to, dtype)]);
}

static void describe(case_instance *c)
{
    const case_row *row = c->row;
    const char *file = strrchr(row->file, '/');
    snprintf(c->text, sizeof c->text, "%s:%d: %s", file ? file + 1 : row->file, row->line, cinch_ops[row->op].name);
    for (int k = 0; k < row->n_in; k++) append_shape(c->text, sizeof c->text, &row->in[k]);
    size_t used = strlen(c->text);
    bool plain = !strcmp(row->attr_text, "NO_ATTR") || !strcmp(row->attr_text, "(.scalars = {{0}})");
    snprintf(c->text + used, sizeof c->text - used, "%s%s %s", plain ? "" : " ", plain ? "" : row->attr_text,
             types[c->dtype]);
    append_types(c->text, sizeof c->text, row, c->dtype);
}

/* dropout_grad reads what dropout saved: that call, on the same shape with the same attributes. */
static case_instance *dropout_of(const case_row *row, cinch_dtype dtype)
{
    case_row *forward = case_alloc(1, sizeof *forward);
    *forward = *row;
    forward->op = CINCH_OP_dropout;
    forward->n_in = 2;
    forward->in[1] = (case_shape)S(CINCH_POSITION_COUNT);
    forward->range[1] = POSITION;
    return case_create(forward, dtype);
}

/* A ReLU's gradient may read what the product before it saved. Where the gradient sees zeros and ones, that is the
   ReLU of plus and minus ones, which a product with the unit matrix gives. */
static case_instance *relu_of(const case_instance *c)
{
    case_row *forward = case_alloc(1, sizeof *forward);
    *forward = *c->row;
    forward->op = CINCH_OP_matmul_bias;
    forward->attr = (cinch_attr){.matmul = {.activation = CINCH_OP_relu}};
    int64_t n = c->row->in[2].dim[1];
    forward->in[0] = c->row->in[2];
    forward->in[1] = (case_shape)S(n, n);
    forward->in[2] = (case_shape)S(n);
    case_instance *f = case_create(forward, c->dtype);
    for (int64_t i = 0; i < oracle_count(&f->in[0]); i++) f->in[0].v[i] = 2 * c->in[2].v[i] - 1;
    for (int64_t i = 0; i < n * n; i++) f->in[1].v[i] = i / n == i % n;
    for (int64_t i = 0; i < n; i++) f->in[2].v[i] = 0;
    return f;
}

static case_instance *forward_of(const case_instance *c)
{
    bool relu = c->row->op == CINCH_OP_matmul_grad && c->row->attr.matmul.activation == CINCH_OP_relu_grad;
    if (c->row->op == CINCH_OP_dropout_grad) return dropout_of(c->row, c->dtype);
    return relu && c->row->range[2] == FLAGS ? relu_of(c) : NULL;
}

case_instance *case_create(const case_row *row, cinch_dtype dtype)
{
    case_instance *c = case_alloc(1, sizeof *c);
    c->row = row;
    c->dtype = dtype;
    c->call = (oracle_call){row->op, &row->attr, row->n_in, cinch_ops[row->op].n_out, c->in, c->out, NULL, NULL};
    describe(c);
    for (int k = 0; k < row->n_in; k++) c->in[k] = make_tensor(row->in[k], operand_type(row, k, dtype));
    for (int k = 0; k < c->call.n_out; k++) c->out[k] = make_tensor(output_shape(row, k), output_type(row, dtype));
    for (int k = 0; k < row->n_in; k++) case_fill(c, k);
    c->forward = forward_of(c);
    if (c->forward) c->call.forward = &c->forward->call;
    return c;
}

void case_free(case_instance *c)
{
    if (!c) return;
    for (int k = 0; k < c->call.n_in; k++) free(c->in[k].v);
    for (int k = 0; k < c->call.n_out; k++) free(c->out[k].v);
    if (c->forward) {
        const case_row *row = c->forward->row;
        case_free(c->forward);
        free((void *)row);
    }
    free(c);
}

case_instance *case_next(case_walk *w)
{
    case_free(w->now);
    w->now = NULL;
    while (!w->now && w->row < w->family->n) {
        const case_row *row = &w->family->rows[w->row];
        if (row->types & 1u << w->type) w->now = case_create(row, (cinch_dtype)w->type);
        if (++w->type == CINCH_DTYPE_COUNT) w->type = 0, w->row++;
    }
    return w->now;
}
