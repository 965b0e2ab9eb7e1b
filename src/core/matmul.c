/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix products. */
#include "core/grad.h"

static cinch_value product(cinch_graph *g, cinch_op op, int n, const cinch_value *in, bool transpose_a,
                           bool transpose_b)
{
    return cinch_append(g, op, &(cinch_attr){.matmul = {transpose_a, transpose_b, 0, {0, 0}}}, n, in);
}

/* Leading axes of a product's operand. */
static cinch_shape batch_of(cinch_shape shape)
{
    shape.rank -= 2;
    return shape;
}

static bool matmul_shape(cinch_graph *g, cinch_node *node)
{
    char ta[64], tb[64];
    cinch_shape a = g->nodes[g->operands[node->first_in]].shape, b = g->nodes[g->operands[node->first_in + 1]].shape;
    cinch_shape batch;
    int fa = node->attr.matmul.transpose_a, fb = node->attr.matmul.transpose_b;
    if (a.rank < 2 || b.rank < 2 || a.dim[a.rank - 1 - fa] != b.dim[b.rank - 2 + fb] ||
        !cinch_broadcast_shapes(batch_of(a), batch_of(b), &batch)) {
        cinch_graph_fail(g, "matmul: %s%s times %s%s does not fit", cinch_shape_text(a, ta), fa ? " transposed" : "",
                         cinch_shape_text(b, tb), fb ? " transposed" : "");
        return false;
    }
    node->shape = batch;
    node->shape.dim[node->shape.rank++] = a.dim[a.rank - 2 + fa];
    node->shape.dim[node->shape.rank++] = b.dim[b.rank - 1 - fb];
    return true;
}

static bool matmul_bias_shape(cinch_graph *g, cinch_node *node)
{
    char text[64];
    if (!matmul_shape(g, node)) return false;
    cinch_shape bias = g->nodes[g->operands[node->first_in + 2]].shape;
    if (bias.rank == 1 && bias.dim[0] == node->shape.dim[node->shape.rank - 1]) return true;
    cinch_graph_fail(g, "matmul: the bias is %s but the product has %lld columns", cinch_shape_text(bias, text),
                     (long long)node->shape.dim[node->shape.rank - 1]);
    return false;
}

/* C = A B:  dA = dC B^T,  dB = A^T dC; where an operand is stored transposed, so is its gradient. */
static void give_product(cinch_gradient *r, cinch_value dy)
{
    cinch_graph *g = r->g;
    bool ta = r->node.attr.matmul.transpose_a, tb = r->node.attr.matmul.transpose_b;
    cinch_value a = r->in[0], b = r->in[1];
    if (cinch_wanted(r, 0)) {
        cinch_value da = ta ? product(g, CINCH_OP_matmul, 2, (cinch_value[]){b, dy}, tb, true)
                            : product(g, CINCH_OP_matmul, 2, (cinch_value[]){dy, b}, false, !tb);
        cinch_give(r, 0, cinch_sum_to(g, da, cinch_shape_of(g, a)));
    }
    if (cinch_wanted(r, 1)) {
        cinch_value db = tb ? product(g, CINCH_OP_matmul, 2, (cinch_value[]){dy, a}, true, ta)
                            : product(g, CINCH_OP_matmul, 2, (cinch_value[]){a, dy}, !ta, false);
        cinch_give(r, 1, cinch_sum_to(g, db, cinch_shape_of(g, b)));
    }
}

static void grad_matmul(cinch_gradient *r) { give_product(r, r->dy); }
const cinch_rule cinch_rule_matmul = {matmul_shape, grad_matmul, NULL};

/* The gradient before the fused activation, from the product without it. */
static cinch_value before_activation(cinch_gradient *r)
{
    cinch_graph *g = r->g;
    const cinch_attr *attr = &r->node.attr;
    cinch_attr scalars = {.scalars = {{attr->matmul.param[0], attr->matmul.param[1]}}};
    cinch_value z = product(g, CINCH_OP_matmul_bias, 3, r->in, attr->matmul.transpose_a, attr->matmul.transpose_b);
    cinch_value y = cinch_append(g, attr->matmul.activation, &scalars, 1, &z), dz;
    cinch_grad_seeded(g, y, r->dy, &z, 1, &dz);
    return dz;
}

static void grad_matmul_bias(cinch_gradient *r)
{
    cinch_value dy = r->node.attr.matmul.activation ? before_activation(r) : r->dy;
    give_product(r, dy);
    if (cinch_wanted(r, 2)) cinch_give(r, 2, cinch_sum_to(r->g, dy, cinch_shape_of(r->g, r->in[2])));
}
const cinch_rule cinch_rule_matmul_bias = {matmul_bias_shape, grad_matmul_bias, NULL};

/* --- what fusion makes of them: never differentiated, for gradients come before passes ---------------------------- */

static bool matmul_grad_shape(cinch_graph *g, cinch_node *node)
{
    char text[64], seen[64];
    if (!matmul_shape(g, node)) return false;
    cinch_shape shape = g->nodes[g->operands[node->first_in + 2]].shape;
    if (cinch_same_shape(shape, node->shape)) return true;
    cinch_graph_fail(g, "matmul: the product is %s but what the gradient sees %s", cinch_shape_text(node->shape, text),
                     cinch_shape_text(shape, seen));
    return false;
}

static cinch_value expand_matmul_grad(cinch_graph *g, const cinch_node *n)
{
    cinch_attr scalars = {.scalars = {{n->attr.matmul.param[0], n->attr.matmul.param[1]}}};
    cinch_value in[3] = {cinch_operand(g, n, 0), cinch_operand(g, n, 1), cinch_operand(g, n, 2)};
    in[1] = product(g, CINCH_OP_matmul, 2, in, n->attr.matmul.transpose_a, n->attr.matmul.transpose_b);
    return cinch_append(g, n->attr.matmul.activation, &scalars, 2, in + 1);
}
const cinch_rule cinch_rule_matmul_grad = {matmul_grad_shape, NULL, expand_matmul_grad};
const cinch_rule cinch_rule_matmul_bias_keep = {matmul_bias_shape, NULL, NULL};
const cinch_rule cinch_rule_matmul_sums = {matmul_shape, NULL, NULL};

/* Rows of all leading axes as one matrix: one large product instead of many small ones. */
static cinch_value as_matrix(cinch_graph *g, cinch_value x)
{
    return cinch_reshape(g, x, CINCH_SHAPE(-1, cinch_dim(g, x, -1)));
}

static cinch_value with_rows_of(cinch_graph *g, cinch_value y, cinch_value x)
{
    cinch_shape shape = cinch_shape_of(g, x);
    shape.dim[shape.rank - 1] = cinch_dim(g, y, -1);
    return cinch_reshape(g, y, shape);
}

cinch_value cinch_matmul(cinch_graph *g, cinch_value a, cinch_value b, bool transpose_a, bool transpose_b)
{
    bool stacked = cinch_shape_of(g, a).rank > 2 && cinch_shape_of(g, b).rank == 2 && !transpose_a;
    if (!stacked) return product(g, CINCH_OP_matmul, 2, (cinch_value[]){a, b}, transpose_a, transpose_b);
    cinch_value rows = as_matrix(g, a);
    return with_rows_of(g, product(g, CINCH_OP_matmul, 2, (cinch_value[]){rows, b}, false, transpose_b), a);
}

cinch_value cinch_linear(cinch_graph *g, cinch_value x, cinch_value weight, cinch_value bias)
{
    if (!cinch_valid(bias)) return cinch_matmul(g, x, weight, false, true);
    bool matrix = cinch_shape_of(g, x).rank == 2;
    cinch_value rows = matrix ? x : as_matrix(g, x);
    cinch_value y = product(g, CINCH_OP_matmul_bias, 3, (cinch_value[]){rows, weight, bias}, false, true);
    return matrix ? y : with_rows_of(g, y, x);
}
