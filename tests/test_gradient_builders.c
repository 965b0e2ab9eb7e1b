/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the public builders compose from ops: values against naive definitions in double, gradients against central
 * differences. Everything is evaluated by the oracles (evaluate.h), without plans or kernels.
 */
#include <cinch/ops.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "evaluate.h"

enum { LEAVES = 3, MOST = 128 };

/* A composition of up to three leaves, and the same value naively: out[] from the leaves' numbers. */
typedef struct composition {
    const char *name;
    cinch_value (*build)(cinch_graph *g, const cinch_value *x);
    void (*naive)(const double *const *x, double *out);
    case_range range[LEAVES];
    cinch_shape shape[LEAVES];
    int n, fixed; /* leaves, and a bit for each that is no f32 or has no gradient */
} composition;

#define N 4
#define C 5
#define NC N *C
#define PAIR .n = 2, .shape = {CINCH_SHAPE(N, C), CINCH_SHAPE(N, C)}

/* --- losses: l(i) is the loss of element i ------------------------------------------------------------------------ */

static double softplus(double x) { return log(1 + exp(x)); }
static double mse_of(double p, double t) { return (p - t) * (p - t); }
static double l1_of(double p, double t) { return fabs(p - t); }
static double huber_of(double p, double t)
{
    double d = fabs(p - t), delta = 0.75;
    return d <= delta ? d * d / 2 : delta * (d - delta / 2);
}
static double bce_of(double p, double t) { return -t * log(p) - (1 - t) * log(1 - p); }
static double bce_logits_of(double x, double t) { return t * softplus(-x) + (1 - t) * softplus(x); }
static double kl_of(double mu, double logvar) { return -0.5 * (1 + logvar - mu * mu - exp(logvar)); }

static void reduce_naively(const double *each, int n, int batch, cinch_reduction r, double *out)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += each[i];
    if (r == CINCH_NONE) memcpy(out, each, (size_t)n * sizeof *each);
    else out[0] = r == CINCH_SUM ? sum : r == CINCH_MEAN ? sum / n : sum / batch;
}

static cinch_value mse(cinch_graph *g, cinch_value a, cinch_value b, cinch_reduction r)
{
    return cinch_loss_mse(g, a, b, r);
}
static cinch_value l1(cinch_graph *g, cinch_value a, cinch_value b, cinch_reduction r)
{
    return cinch_loss_l1(g, a, b, r);
}
static cinch_value huber(cinch_graph *g, cinch_value a, cinch_value b, cinch_reduction r)
{
    return cinch_loss_huber(g, a, b, 0.75f, r);
}
static cinch_value bce(cinch_graph *g, cinch_value a, cinch_value b, cinch_reduction r)
{
    return cinch_loss_bce(g, a, b, r);
}
static cinch_value bce_logits(cinch_graph *g, cinch_value a, cinch_value b, cinch_reduction r)
{
    return cinch_loss_bce_logits(g, a, b, r);
}
static cinch_value kl(cinch_graph *g, cinch_value a, cinch_value b, cinch_reduction r)
{
    return cinch_loss_gaussian_kl(g, a, b, r);
}

#define LOSS(name, reduction)                                                                      \
    static cinch_value build_##name##_##reduction(cinch_graph *g, const cinch_value *x)            \
    {                                                                                              \
        return name(g, x[0], x[1], reduction);                                                     \
    }                                                                                              \
    static void naive_##name##_##reduction(const double *const *x, double *out)                    \
    {                                                                                              \
        double each[NC];                                                                           \
        for (int i = 0; i < NC; i++) each[i] = name##_of(x[0][i], x[1][i]);                        \
        reduce_naively(each, NC, N, reduction, out);                                               \
    }
#define LOSSES(name) LOSS(name, CINCH_MEAN) LOSS(name, CINCH_BATCHMEAN) LOSS(name, CINCH_SUM) LOSS(name, CINCH_NONE)
LOSSES(mse)
LOSSES(l1)
LOSSES(huber)
LOSSES(bce)
LOSSES(bce_logits)
LOSSES(kl)

static void naive_cross_entropy(const double *const *x, double *out)
{
    for (int i = 0; i < N; i++) {
        double sum = 0;
        for (int c = 0; c < C; c++) sum += exp(x[0][i * C + c]);
        out[i] = log(sum) - x[0][i * C + (int)x[1][i]];
    }
}
static cinch_value build_cross_entropy(cinch_graph *g, const cinch_value *x)
{
    return cinch_loss_cross_entropy(g, x[0], x[1], CINCH_NONE);
}
static void naive_cross_entropy_mean(const double *const *x, double *out)
{
    double each[N];
    naive_cross_entropy(x, each);
    reduce_naively(each, N, N, CINCH_MEAN, out);
}
static cinch_value build_cross_entropy_mean(cinch_graph *g, const cinch_value *x)
{
    return cinch_loss_cross_entropy(g, x[0], x[1], CINCH_MEAN);
}

static void naive_relative_l2(const double *const *x, double *out)
{
    for (int i = 0; i < N; i++) {
        double error = 0, size = 0;
        for (int c = 0; c < C; c++) {
            error += (x[0][i * C + c] - x[1][i * C + c]) * (x[0][i * C + c] - x[1][i * C + c]);
            size += x[1][i * C + c] * x[1][i * C + c];
        }
        out[i] = sqrt(error / size);
    }
}
static cinch_value build_relative_l2(cinch_graph *g, const cinch_value *x)
{
    return cinch_loss_relative_l2(g, x[0], x[1], CINCH_NONE);
}
static void naive_relative_l2_mean(const double *const *x, double *out)
{
    double each[N];
    naive_relative_l2(x, each);
    reduce_naively(each, N, N, CINCH_BATCHMEAN, out);
}
static cinch_value build_relative_l2_mean(cinch_graph *g, const cinch_value *x)
{
    return cinch_loss_relative_l2(g, x[0], x[1], CINCH_BATCHMEAN);
}

/* --- reductions over several, not neighbouring axes of [2, 3, 4] -------------------------------------------------- */

#define X(i, j, k) x[0][((i) * 3 + (j)) * 4 + (k)]

static cinch_value build_mean(cinch_graph *g, const cinch_value *x)
{
    return cinch_mean(g, x[0], CINCH_AXIS(0) | CINCH_AXIS(2), false);
}
static void naive_mean(const double *const *x, double *out)
{
    for (int j = 0; j < 3; j++) {
        out[j] = 0;
        for (int i = 0; i < 2; i++)
            for (int k = 0; k < 4; k++) out[j] += X(i, j, k) / 8;
    }
}
static cinch_value build_max(cinch_graph *g, const cinch_value *x)
{
    return cinch_max(g, x[0], CINCH_AXIS(0) | CINCH_LAST(1), true);
}
static void naive_max(const double *const *x, double *out)
{
    for (int j = 0; j < 3; j++) {
        out[j] = -INFINITY;
        for (int i = 0; i < 2; i++)
            for (int k = 0; k < 4; k++) out[j] = fmax(out[j], X(i, j, k));
    }
}
static cinch_value build_logsumexp(cinch_graph *g, const cinch_value *x)
{
    return cinch_logsumexp(g, x[0], CINCH_AXIS(0) | CINCH_AXIS(2), false);
}
static void naive_logsumexp(const double *const *x, double *out)
{
    for (int j = 0; j < 3; j++) {
        double sum = 0;
        for (int i = 0; i < 2; i++)
            for (int k = 0; k < 4; k++) sum += exp(X(i, j, k));
        out[j] = log(sum);
    }
}
static cinch_value build_sum_last_two(cinch_graph *g, const cinch_value *x)
{
    return cinch_sum(g, x[0], CINCH_LAST(2), true);
}
static void naive_sum_last_two(const double *const *x, double *out)
{
    for (int i = 0; i < 2; i++) {
        out[i] = 0;
        for (int j = 0; j < 3; j++)
            for (int k = 0; k < 4; k++) out[i] += X(i, j, k);
    }
}

/* --- products: rows of all leading axes as one matrix ------------------------------------------------------------- */

static cinch_value build_linear(cinch_graph *g, const cinch_value *x) { return cinch_linear(g, x[0], x[1], x[2]); }
static void naive_linear(const double *const *x, double *out)
{
    for (int row = 0; row < 6; row++)
        for (int o = 0; o < 5; o++) {
            out[row * 5 + o] = x[2][o];
            for (int i = 0; i < 4; i++) out[row * 5 + o] += x[0][row * 4 + i] * x[1][o * 4 + i];
        }
}
static cinch_value build_stacked(cinch_graph *g, const cinch_value *x)
{
    return cinch_matmul(g, x[0], x[1], false, false);
}
static void naive_stacked(const double *const *x, double *out)
{
    for (int row = 0; row < 6; row++)
        for (int o = 0; o < 5; o++) {
            out[row * 5 + o] = 0;
            for (int i = 0; i < 4; i++) out[row * 5 + o] += x[0][row * 4 + i] * x[1][i * 5 + o];
        }
}

/* --- the graph's own ways ----------------------------------------------------------------------------------------- */

static cinch_value layer(cinch_graph *g, cinch_value x) { return cinch_tanh(g, cinch_mul(g, cinch_sin(g, x), x)); }
static void naive_layers(const double *const *x, double *out)
{
    for (int i = 0; i < NC; i++) {
        double y = tanh(sin(x[0][i]) * x[0][i]);
        out[i] = tanh(sin(y) * y) * x[0][i];
    }
}
/* A value used several times, with and without being computed again. */
static cinch_value build_layers(cinch_graph *g, const cinch_value *x)
{
    return cinch_mul(g, layer(g, layer(g, x[0])), x[0]);
}
static cinch_value build_recomputed(cinch_graph *g, const cinch_value *x)
{
    cinch_recompute_begin(g);
    cinch_value y = layer(g, x[0]);
    cinch_recompute_end(g);
    cinch_recompute_begin(g);
    y = layer(g, y);
    cinch_recompute_end(g);
    return cinch_mul(g, y, x[0]);
}
/* d/dx x^3 inside the graph: the gradient is a value like any other. */
static cinch_value build_gradient(cinch_graph *g, const cinch_value *x)
{
    cinch_value d, cube = cinch_mul(g, cinch_square(g, x[0]), x[0]);
    cinch_grad(g, cinch_sum(g, cube, CINCH_ALL_AXES, false), &x[0], 1, &d);
    return d;
}
static void naive_gradient(const double *const *x, double *out)
{
    for (int i = 0; i < NC; i++) out[i] = 3 * x[0][i] * x[0][i];
}
/* And its gradient again: the third derivative of x^4 along x. */
static cinch_value build_third(cinch_graph *g, const cinch_value *x)
{
    cinch_value y = cinch_square(g, cinch_square(g, x[0]));
    for (int i = 0; i < 3; i++) cinch_grad(g, cinch_sum(g, y, CINCH_ALL_AXES, false), &x[0], 1, &y);
    return y;
}
static void naive_third(const double *const *x, double *out)
{
    for (int i = 0; i < NC; i++) out[i] = 24 * x[0][i];
}
static cinch_value build_slices(cinch_graph *g, const cinch_value *x)
{
    cinch_value a = cinch_slice(g, x[0], -1, -3, -1, 1), b = cinch_slice(g, x[0], 1, 0, 4, 2);
    return cinch_affine(g, cinch_mul(g, a, b), -2, 1);
}
static void naive_slices(const double *const *x, double *out)
{
    for (int i = 0; i < N; i++)
        for (int k = 0; k < 2; k++) out[i * 2 + k] = 1 - 2 * x[0][i * C + 2 + k] * x[0][i * C + 2 * k];
}

#define ROW_OF(name_, naive_, ...) {.name = #name_, .build = build_##name_, .naive = naive_, __VA_ARGS__}
#define LOSS_ROWS(name, ...)                                                    \
    ROW_OF(name##_CINCH_MEAN, naive_##name##_CINCH_MEAN, PAIR, __VA_ARGS__),           \
    ROW_OF(name##_CINCH_BATCHMEAN, naive_##name##_CINCH_BATCHMEAN, PAIR, __VA_ARGS__), \
    ROW_OF(name##_CINCH_SUM, naive_##name##_CINCH_SUM, PAIR, __VA_ARGS__),             \
    ROW_OF(name##_CINCH_NONE, naive_##name##_CINCH_NONE, PAIR, __VA_ARGS__)
#define LABELLED .n = 2, .fixed = 2, .shape = {CINCH_SHAPE(N, C), CINCH_SHAPE(N)}, .range = {SIGNED, ROWS}
#define CUBE .n = 1, .shape = {CINCH_SHAPE(2, 3, 4)}
#define SINGLE .n = 1, .shape = {CINCH_SHAPE(N, C)}

static const composition losses[] = {
    LOSS_ROWS(mse, .range = {SIGNED}),
    LOSS_ROWS(l1, .range = {SIGNED}),
    LOSS_ROWS(huber, .range = {SIGNED}),
    LOSS_ROWS(bce, .range = {PROBABILITY, PROBABILITY}),
    LOSS_ROWS(bce_logits, .range = {SIGNED, PROBABILITY}),
    LOSS_ROWS(kl, .range = {SIGNED}),
    ROW_OF(cross_entropy, naive_cross_entropy, LABELLED),
    ROW_OF(cross_entropy_mean, naive_cross_entropy_mean, LABELLED),
    ROW_OF(relative_l2, naive_relative_l2, PAIR, .range = {SIGNED, NONZERO}),
    ROW_OF(relative_l2_mean, naive_relative_l2_mean, PAIR, .range = {SIGNED, NONZERO}),
};

static const composition reductions[] = {
    ROW_OF(mean, naive_mean, CUBE),
    ROW_OF(max, naive_max, CUBE),
    ROW_OF(logsumexp, naive_logsumexp, CUBE),
    ROW_OF(sum_last_two, naive_sum_last_two, CUBE),
};

static const composition products[] = {
    ROW_OF(linear, naive_linear, .n = 3, .shape = {CINCH_SHAPE(2, 3, 4), CINCH_SHAPE(5, 4), CINCH_SHAPE(5)}),
    ROW_OF(stacked, naive_stacked, .n = 2, .shape = {CINCH_SHAPE(2, 3, 4), CINCH_SHAPE(4, 5)}),
};

static const composition graphs[] = {
    ROW_OF(layers, naive_layers, SINGLE),
    ROW_OF(recomputed, naive_layers, SINGLE),
    ROW_OF(gradient, naive_gradient, SINGLE),
    ROW_OF(third, naive_third, SINGLE),
    ROW_OF(slices, naive_slices, SINGLE),
};

/* --- checking ----------------------------------------------------------------------------------------------------- */

typedef struct trial {
    const composition *c;
    cinch_graph *g;
    evaluator *e;
    cinch_value x[LEAVES], y, dy, dx[LEAVES];
    double at[LEAVES][MOST], seed[MOST];
    int64_t count[LEAVES], n_out;
} trial;

/* Numbers of the ranges that case_fill gives, for one leaf. */
static void fill_leaf(trial *t, int k, uint64_t *random)
{
    for (int64_t i = 0; i < t->count[k]; i++) {
        double u = case_draw(random);
        switch (t->c->range[k]) {
        case PROBABILITY: t->at[k][i] = 0.05 + 0.9 * u; break;
        case NONZERO: t->at[k][i] = (u < 0.5 ? -1 : 1) * (0.3 + u); break;
        case ROWS: t->at[k][i] = floor(u * C); break;
        default: t->at[k][i] = 4 * u - 2; break;
        }
    }
}

static void open_trial(trial *t, const composition *c)
{
    static const char *const names[LEAVES] = {"a", "b", "c"};
    uint64_t random = 5;
    *t = (trial){.c = c};
    cr_assert(!cinch_graph_create(&t->g));
    for (int k = 0; k < c->n; k++) {
        cinch_dtype dtype = c->range[k] == ROWS ? CINCH_I32 : CINCH_F32;
        t->x[k] = cinch_input(t->g, names[k], dtype, c->shape[k]);
        t->count[k] = cinch_shape_count(c->shape[k]);
        fill_leaf(t, k, &random);
    }
    t->y = c->build(t->g, t->x);
    t->dy = cinch_input(t->g, "dy", CINCH_F32, cinch_shape_of(t->g, t->y));
    t->n_out = cinch_shape_count(cinch_shape_of(t->g, t->y));
    cinch_grad_seeded(t->g, t->y, t->dy, t->x, c->n, t->dx);
    cr_assert(!cinch_graph_status(t->g), "%s: %s", c->name, cinch_last_error());
    for (int64_t i = 0; i < t->n_out; i++) t->seed[i] = 2 * case_draw(&random) - 1;
    t->e = evaluate_open(t->g);
    for (int k = 0; k < c->n; k++) evaluate_set(t->e, t->x[k], t->at[k]);
    evaluate_set(t->e, t->dy, t->seed);
}

static void close_trial(trial *t)
{
    evaluate_close(t->e);
    cinch_graph_free(t->g);
}

static bool near(double a, double b) { return fabs(a - b) <= 1e-6 * (1 + fabs(b)); }

static void check_value(trial *t)
{
    double want[MOST];
    const double *x[LEAVES] = {t->at[0], t->at[1], t->at[2]}, *got = evaluate(t->e, t->y);
    cr_assert(got, "%s: %s", t->c->name, evaluate_error(t->e));
    t->c->naive(x, want);
    for (int64_t i = 0; i < t->n_out; i++)
        cr_assert(near(got[i], want[i]), "%s: element %lld is %.9g, want %.9g", t->c->name, (long long)i, got[i],
                  want[i]);
}

/* sum(naive(x) * seed) with element i of leaf k moved. */
static double moved(trial *t, int k, int64_t i, double by)
{
    double out[MOST], sum = 0, before = t->at[k][i];
    const double *x[LEAVES] = {t->at[0], t->at[1], t->at[2]};
    t->at[k][i] = before + by;
    t->c->naive(x, out);
    t->at[k][i] = before;
    for (int64_t j = 0; j < t->n_out; j++) sum += out[j] * t->seed[j];
    return sum;
}

static void check_gradient(trial *t)
{
    const double h = 1e-5;
    for (int k = 0; k < t->c->n; k++) {
        if (t->c->fixed >> k & 1) continue;
        const double *dx = evaluate(t->e, t->dx[k]);
        cr_assert(dx, "%s: %s", t->c->name, evaluate_error(t->e));
        for (int64_t i = 0; i < t->count[k]; i++) {
            double want = (moved(t, k, i, h) - moved(t, k, i, -h)) / (2 * h);
            cr_assert(near(dx[i], want), "%s: gradient of leaf %d, element %lld is %.9g, want %.9g", t->c->name, k,
                      (long long)i, dx[i], want);
        }
    }
}

static void check_all(const composition *all, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        trial t;
        open_trial(&t, &all[i]);
        check_value(&t);
        check_gradient(&t);
        close_trial(&t);
    }
}

#define CHECK(all) check_all(all, sizeof all / sizeof all[0])

Test(gradient_builders, losses) { CHECK(losses); }
Test(gradient_builders, reductions) { CHECK(reductions); }
Test(gradient_builders, products) { CHECK(products); }
Test(gradient_builders, graphs) { CHECK(graphs); }

/* Nothing flows through stop_gradient, nor to what the value does not depend on. */
Test(gradient_builders, stops)
{
    cinch_graph *g;
    cinch_value x[2], d[2];
    const double at[3] = {1, -2, 3};
    cr_assert(!cinch_graph_create(&g));
    x[0] = cinch_input(g, "a", CINCH_F32, CINCH_SHAPE(3));
    x[1] = cinch_input(g, "b", CINCH_F32, CINCH_SHAPE(3));
    cinch_value y = cinch_mul(g, x[0], cinch_stop_gradient(g, cinch_square(g, x[0])));
    cinch_grad(g, cinch_sum(g, y, CINCH_ALL_AXES, false), x, 2, d);
    cr_assert(!cinch_graph_status(g), "%s", cinch_last_error());
    evaluator *e = evaluate_open(g);
    evaluate_set(e, x[0], at);
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(evaluate(e, d[0])[i], at[i] * at[i]);
        cr_expect_eq(evaluate(e, d[1])[i], 0);
    }
    evaluate_close(e);
    cinch_graph_free(g);
}
