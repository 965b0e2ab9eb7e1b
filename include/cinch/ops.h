/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations. Unless said otherwise they take and give f32 (or bf16, computed in f32), operands broadcast as in
 * NumPy, all are differentiable any number of times, none allocates on the device, and a wrong shape or type makes
 * the graph remember an error (graph.h).
 */
#ifndef CINCH_OPS_H
#define CINCH_OPS_H

#include <cinch/graph.h>

CINCH_BEGIN

/* --- elementwise (elementwise.c) ---------------------------------------------------------------------------------- */

/* Also for i32, where div truncates: neg abs sign square clamp, add sub mul div minimum maximum, comparisons, where. */
CINCH_API cinch_value cinch_neg(cinch_graph *g, cinch_value x);
CINCH_API cinch_value cinch_abs(cinch_graph *g, cinch_value x);    /* derivative 0 at 0 */
CINCH_API cinch_value cinch_sign(cinch_graph *g, cinch_value x);   /* -1, 0, 1 */
CINCH_API cinch_value cinch_square(cinch_graph *g, cinch_value x);
CINCH_API cinch_value cinch_clamp(cinch_graph *g, cinch_value x, float low, float high);
CINCH_API cinch_value cinch_add(cinch_graph *g, cinch_value a, cinch_value b);
CINCH_API cinch_value cinch_sub(cinch_graph *g, cinch_value a, cinch_value b);
CINCH_API cinch_value cinch_mul(cinch_graph *g, cinch_value a, cinch_value b);
CINCH_API cinch_value cinch_div(cinch_graph *g, cinch_value a, cinch_value b);
CINCH_API cinch_value cinch_minimum(cinch_graph *g, cinch_value a, cinch_value b); /* ties share the gradient */
CINCH_API cinch_value cinch_maximum(cinch_graph *g, cinch_value a, cinch_value b);
CINCH_API cinch_value cinch_pow(cinch_graph *g, cinch_value a, cinch_value b);     /* f32; a >= 0 */

/* x * scale + offset with plain numbers. */
CINCH_API cinch_value cinch_affine(cinch_graph *g, cinch_value x, float scale, float offset);

/* 1 where true, else 0, in the operands' type; no gradient. */
CINCH_API cinch_value cinch_equal(cinch_graph *g, cinch_value a, cinch_value b);
CINCH_API cinch_value cinch_not_equal(cinch_graph *g, cinch_value a, cinch_value b);
CINCH_API cinch_value cinch_less(cinch_graph *g, cinch_value a, cinch_value b);
CINCH_API cinch_value cinch_less_equal(cinch_graph *g, cinch_value a, cinch_value b);
CINCH_API cinch_value cinch_greater(cinch_graph *g, cinch_value a, cinch_value b);
CINCH_API cinch_value cinch_greater_equal(cinch_graph *g, cinch_value a, cinch_value b);
CINCH_API cinch_value cinch_is_finite(cinch_graph *g, cinch_value x);
/* a where condition is not 0, else b; all three of one type. */
CINCH_API cinch_value cinch_where(cinch_graph *g, cinch_value condition, cinch_value a, cinch_value b);

CINCH_API cinch_value cinch_reciprocal(cinch_graph *g, cinch_value x);
CINCH_API cinch_value cinch_exp(cinch_graph *g, cinch_value x);
CINCH_API cinch_value cinch_log(cinch_graph *g, cinch_value x);
CINCH_API cinch_value cinch_sqrt(cinch_graph *g, cinch_value x);
CINCH_API cinch_value cinch_rsqrt(cinch_graph *g, cinch_value x);
CINCH_API cinch_value cinch_sin(cinch_graph *g, cinch_value x);
CINCH_API cinch_value cinch_cos(cinch_graph *g, cinch_value x);
CINCH_API cinch_value cinch_erf(cinch_graph *g, cinch_value x);

CINCH_API cinch_value cinch_relu(cinch_graph *g, cinch_value x);   /* derivative 0 at 0 */
CINCH_API cinch_value cinch_leaky_relu(cinch_graph *g, cinch_value x, float slope);
CINCH_API cinch_value cinch_elu(cinch_graph *g, cinch_value x, float alpha);
CINCH_API cinch_value cinch_gelu_tanh(cinch_graph *g, cinch_value x);
CINCH_API cinch_value cinch_gelu_erf(cinch_graph *g, cinch_value x);
CINCH_API cinch_value cinch_silu(cinch_graph *g, cinch_value x);
CINCH_API cinch_value cinch_sigmoid(cinch_graph *g, cinch_value x);
CINCH_API cinch_value cinch_tanh(cinch_graph *g, cinch_value x);
CINCH_API cinch_value cinch_softplus(cinch_graph *g, cinch_value x);
/* x / (1 + |x|); Glorot & Bengio 2010, section 3. */
CINCH_API cinch_value cinch_softsign(cinch_graph *g, cinch_value x);

/* x as another type: stored value * scale + offset, computed in f32; to u8 and i32 it rounds to nearest even and
   saturates. Differentiable between f32 and bf16. */
CINCH_API cinch_value cinch_cast(cinch_graph *g, cinch_value x, cinch_dtype dtype, float scale, float offset);

/* --- matmul (matmul.c) -------------------------------------------------------------------------------------------- */

/* a [..., M, K] times b [..., K, N] gives [..., M, N]; a flag says that the operand is stored transposed. Leading axes
   broadcast. */
CINCH_API cinch_value cinch_matmul(cinch_graph *g, cinch_value a, cinch_value b, bool transpose_a, bool transpose_b);

/* x [..., in] times weight [out, in] transposed, plus bias [out] unless it is the invalid value: PyTorch's Linear. */
CINCH_API cinch_value cinch_linear(cinch_graph *g, cinch_value x, cinch_value weight, cinch_value bias);

/* --- reductions (reduce.c) ---------------------------------------------------------------------------------------- */

/* Axes are a bit mask, CINCH_AXIS(0) | CINCH_AXIS(2); negative axes count from the last through CINCH_LAST(1) = the
   last axis, CINCH_LAST(2) = the last two. keep: reduced axes stay as size 1. */
#define CINCH_AXIS(axis) (1u << (axis))
#define CINCH_LAST(n) (((1u << (n)) - 1) << 16)
#define CINCH_ALL_AXES 0xffffu
CINCH_API cinch_value cinch_sum(cinch_graph *g, cinch_value x, unsigned axes, bool keep);  /* f32, i32 */
CINCH_API cinch_value cinch_mean(cinch_graph *g, cinch_value x, unsigned axes, bool keep);
CINCH_API cinch_value cinch_max(cinch_graph *g, cinch_value x, unsigned axes, bool keep);  /* f32, i32; ties share */
CINCH_API cinch_value cinch_min(cinch_graph *g, cinch_value x, unsigned axes, bool keep);
CINCH_API cinch_value cinch_logsumexp(cinch_graph *g, cinch_value x, unsigned axes, bool keep);
/* i32 index of the first largest element along one axis (negative: from the last); no gradient. */
CINCH_API cinch_value cinch_argmax(cinch_graph *g, cinch_value x, int axis, bool keep);
/* Running sum along an axis, from the end when `reverse`. */
CINCH_API cinch_value cinch_cumsum(cinch_graph *g, cinch_value x, int axis, bool reverse);
/* Over the last axis. */
CINCH_API cinch_value cinch_softmax(cinch_graph *g, cinch_value x);
CINCH_API cinch_value cinch_log_softmax(cinch_graph *g, cinch_value x);

/* --- moving data (move.c): any type ------------------------------------------------------------------------------- */

CINCH_API cinch_value cinch_fill(cinch_graph *g, cinch_dtype dtype, cinch_shape shape, float value);
CINCH_API cinch_value cinch_scalar(cinch_graph *g, float value);   /* f32 [] */
/* 0, 1, 2, ... along `axis`, the same over all others; f32 or i32. */
CINCH_API cinch_value cinch_iota(cinch_graph *g, cinch_dtype dtype, cinch_shape shape, int axis);
/* Same elements, another shape; one size may be -1. Costs nothing. */
CINCH_API cinch_value cinch_reshape(cinch_graph *g, cinch_value x, cinch_shape shape);
CINCH_API cinch_value cinch_broadcast(cinch_graph *g, cinch_value x, cinch_shape shape);
/* Axis i of the result is axis order[i] of x. */
CINCH_API cinch_value cinch_transpose(cinch_graph *g, cinch_value x, const int *order);
/* x[start : stop : step] along one axis; negative start and stop count from the end, step > 0. */
CINCH_API cinch_value cinch_slice(cinch_graph *g, cinch_value x, int axis, int64_t start, int64_t stop, int64_t step);
/* before[i] and after[i] elements of `value` around axis i. */
CINCH_API cinch_value cinch_pad(cinch_graph *g, cinch_value x, const int64_t *before, const int64_t *after,
                                float value);
CINCH_API cinch_value cinch_concat(cinch_graph *g, const cinch_value *x, int n, int axis);
/* Rows of axis 0: x [R, ...], rows i32 [...] gives [..., x's other axes]. Rows outside 0..R-1 read as zeros. */
CINCH_API cinch_value cinch_gather(cinch_graph *g, cinch_value x, cinch_value rows);
/* The reverse: out [n, ...] with out[rows[i]] += x[i], in order of i; rows outside are dropped. */
CINCH_API cinch_value cinch_scatter_add(cinch_graph *g, cinch_value x, cinch_value rows, int64_t n);
/* i32 [...] to f32 [..., depth]; numbers outside 0..depth-1 give zeros. */
CINCH_API cinch_value cinch_one_hot(cinch_graph *g, cinch_value index, int64_t depth);

/* --- random (random.c): Philox, see the design of streams in rng.h ------------------------------------------------ */

/* Axis 0 is the sample axis: a sample's numbers do not depend on how the batch is split. No gradient. */
CINCH_API cinch_value cinch_uniform(cinch_graph *g, cinch_shape shape, float low, float high);
CINCH_API cinch_value cinch_normal(cinch_graph *g, cinch_shape shape, float mean, float deviation);
CINCH_API cinch_value cinch_bernoulli(cinch_graph *g, cinch_shape shape, float p);         /* f32 0 or 1 */
CINCH_API cinch_value cinch_integers(cinch_graph *g, cinch_shape shape, int64_t low, int64_t high); /* i32, < high */
/* i32 [rows, n]: each row a random order of 0..n-1. */
CINCH_API cinch_value cinch_permutation(cinch_graph *g, int64_t rows, int64_t n);
/* Zero with probability p, else x / (1 - p). */
CINCH_API cinch_value cinch_dropout(cinch_graph *g, cinch_value x, float p);

/* --- losses (loss.c) ---------------------------------------------------------------------------------------------- */

/* What becomes of the elements' losses, axis 0 being the batch: `mean` of all elements, `batchmean` (summed per
   sample, averaged over samples), `sum`, or `none` (the elements' losses as they are). */
typedef enum cinch_reduction { CINCH_MEAN, CINCH_BATCHMEAN, CINCH_SUM, CINCH_NONE } cinch_reduction;

CINCH_API cinch_value cinch_loss_mse(cinch_graph *g, cinch_value prediction, cinch_value target, cinch_reduction r);
CINCH_API cinch_value cinch_loss_l1(cinch_graph *g, cinch_value prediction, cinch_value target, cinch_reduction r);
/* 0.5 d^2 where |d| <= delta, else delta (|d| - delta / 2); Huber 1964. */
CINCH_API cinch_value cinch_loss_huber(cinch_graph *g, cinch_value prediction, cinch_value target, float delta,
                                       cinch_reduction r);
/* Probabilities in [0, 1]; logarithms are floored at -100, as in PyTorch. */
CINCH_API cinch_value cinch_loss_bce(cinch_graph *g, cinch_value probability, cinch_value target, cinch_reduction r);
CINCH_API cinch_value cinch_loss_bce_logits(cinch_graph *g, cinch_value logit, cinch_value target, cinch_reduction r);
/* logits [N, C] or [N, ..., C], label i32 [N] or [N, ...]; `none` gives the labels' shape; `mean` is over labels. */
CINCH_API cinch_value cinch_loss_cross_entropy(cinch_graph *g, cinch_value logits, cinch_value label,
                                               cinch_reduction r);
/* KL(N(mu, exp(logvar)) || N(0, 1)) = -0.5 (1 + logvar - mu^2 - exp(logvar)); Kingma & Welling 2014, appendix B. */
CINCH_API cinch_value cinch_loss_gaussian_kl(cinch_graph *g, cinch_value mu, cinch_value logvar, cinch_reduction r);
/* sqrt(sum d^2 / sum target^2) per sample, `none` giving [N]; `mean` and `batchmean` average over samples. */
CINCH_API cinch_value cinch_loss_relative_l2(cinch_graph *g, cinch_value prediction, cinch_value target,
                                             cinch_reduction r);

/* --- effects: run at the end of the step (commit phase) ----------------------------------------------------------- */

/* state (a value of cinch_state or of an earlier effect) becomes `value`. Returns the new state, which later effects
   may read; everything else in the step reads the old one. */
CINCH_API cinch_value cinch_assign(cinch_graph *g, cinch_value state, cinch_value value);
/* state += scale * value; scale f32 []. */
CINCH_API cinch_value cinch_accumulate(cinch_graph *g, cinch_value state, cinch_value value, cinch_value scale);
/* state = decay * state + (1 - decay) * value; decay f32 []. */
CINCH_API cinch_value cinch_ema(cinch_graph *g, cinch_value state, cinch_value value, cinch_value decay);

CINCH_END

#endif
