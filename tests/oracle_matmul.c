/* SPDX-License-Identifier: Apache-2.0 */
/* out[..., m, n] = sum over k of a[..., m, k] b[..., k, n]; a flag says that an operand's last two axes are swapped. */
#include "oracle.h"

/* The tensor without its last two axes. */
static oracle_tensor batch_of(const oracle_tensor *t)
{
    oracle_tensor batch = *t;
    batch.rank -= 2;
    return batch;
}

static double element(const oracle_tensor *t, int64_t batch, int64_t row, int64_t column, bool transposed)
{
    int64_t columns = t->dim[t->rank - 1], rows = t->dim[t->rank - 2];
    return t->v[(batch * rows + (transposed ? column : row)) * columns + (transposed ? row : column)];
}

static bool fits(oracle_call *c)
{
    const oracle_tensor *a = &c->in[0], *b = &c->in[1], *y = &c->out[0];
    if (!oracle_expect(c, a->rank >= 2 && b->rank >= 2 && y->rank >= 2, "ranks below 2")) return false;
    bool ta = c->attr->matmul.transpose_a, tb = c->attr->matmul.transpose_b;
    oracle_tensor batch = batch_of(y), batch_a = batch_of(a), batch_b = batch_of(b);
    return oracle_expect(c, a->dim[a->rank - (ta ? 2 : 1)] == b->dim[b->rank - (tb ? 1 : 2)], "inner sizes differ") &&
           oracle_expect(c, y->dim[y->rank - 2] == a->dim[a->rank - (ta ? 1 : 2)], "wrong number of rows") &&
           oracle_expect(c, y->dim[y->rank - 1] == b->dim[b->rank - (tb ? 2 : 1)], "wrong number of columns") &&
           oracle_expect(c, oracle_broadcasts(&batch_a, &batch) && oracle_broadcasts(&batch_b, &batch), "wrong batch");
}

static double product(const oracle_call *c, int64_t batch, int64_t row, int64_t column)
{
    const oracle_tensor *a = &c->in[0], *b = &c->in[1];
    bool ta = c->attr->matmul.transpose_a, tb = c->attr->matmul.transpose_b;
    oracle_tensor whole = batch_of(&c->out[0]), batch_a = batch_of(a), batch_b = batch_of(b);
    int64_t ia = oracle_broadcast_index(&batch_a, &whole, batch), ib = oracle_broadcast_index(&batch_b, &whole, batch);
    double sum = 0;
    for (int64_t k = 0; k < a->dim[a->rank - (ta ? 2 : 1)]; k++)
        sum += element(a, ia, row, k, ta) * element(b, ib, k, column, tb);
    return sum;
}

static void products(oracle_call *c, double (*finish)(const oracle_call *, int64_t i, double y))
{
    oracle_tensor *y = &c->out[0];
    int64_t rows = y->dim[y->rank - 2], columns = y->dim[y->rank - 1];
    for (int64_t i = 0; i < oracle_count(y); i++)
        y->v[i] = finish(c, i, product(c, i / (rows * columns), i / columns % rows, i % columns));
}

static double keep(const oracle_call *c, int64_t i, double y)
{
    (void)c, (void)i;
    return y;
}

static double activation(const oracle_call *c, double y, double seen)
{
    double x[2] = {y, seen}, p[2] = {c->attr->matmul.param[0], c->attr->matmul.param[1]};
    return c->attr->matmul.activation ? oracle_scalar(c->attr->matmul.activation, x, p, false) : y;
}

static double biased(const oracle_call *c, int64_t i, double y)
{
    return y + c->in[2].v[oracle_broadcast_index(&c->in[2], &c->out[0], i)];
}

static double activated(const oracle_call *c, int64_t i, double y) { return activation(c, biased(c, i, y), 0); }
static double graded(const oracle_call *c, int64_t i, double y) { return activation(c, y, c->in[2].v[i]); }

static bool bias_fits(oracle_call *c)
{
    return fits(c) && oracle_expect(c, oracle_broadcasts(&c->in[2], &c->out[0]), "the bias does not broadcast");
}

void oracle_matmul(oracle_call *c)
{
    if (fits(c)) products(c, keep);
}

void oracle_matmul_bias(oracle_call *c)
{
    if (bias_fits(c)) products(c, activated);
}

void oracle_matmul_bias_keep(oracle_call *c)
{
    if (!bias_fits(c)) return;
    products(c, biased);
    for (int64_t i = 0; i < oracle_count(&c->out[0]); i++) c->out[1].v[i] = activation(c, c->out[0].v[i], 0);
}

void oracle_matmul_grad(oracle_call *c)
{
    if (!fits(c) ||
        !oracle_expect(c, oracle_same_dims(&c->in[2], &c->out[0]), "what the gradient sees has another shape"))
        return;
    products(c, graded);
}

/* sums[m] = sum over k of a[m, k] */
void oracle_matmul_sums(oracle_call *c)
{
    const oracle_tensor *a = &c->in[0];
    bool ta = c->attr->matmul.transpose_a;
    int64_t m = a->dim[ta ? 1 : 0], terms = a->dim[ta ? 0 : 1];
    if (!fits(c) || !oracle_expect(c, a->rank == 2 && c->out[1].rank == 1 && c->out[1].dim[0] == m, "wrong sums"))
        return;
    products(c, keep);
    for (int64_t i = 0; i < m; i++) c->out[1].v[i] = 0;
    for (int64_t i = 0; i < m * terms; i++) c->out[1].v[i / terms] += element(a, 0, i / terms, i % terms, ta);
}
