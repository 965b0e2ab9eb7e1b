/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Derivative rules against central differences, both computed in double by the oracles, so that rules are tested apart
 * from kernels. With L = sum(dy * op(x)), the rule's dL/dx is compared element by element (a sample of large operands)
 * and along random directions (all elements at once); rows with GRAD2 do the same with S = sum(r * dL/dx).
 */
#include "evaluate.h"
#include "leg.h"

#include <cinch/ops.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/node.h"

LEG("gradient")

enum { WRT = CASE_INPUTS + 1, SAMPLES = 24, DIRECTIONS = 2 };
static const double step = 1e-5, tolerance = 5e-7;

/* A scalar function of some leaves, and what should be its gradient. */
typedef struct subject {
    cinch_graph *g;
    evaluator *e;
    int n;
    cinch_value leaf[WRT], slope[WRT];
    double *at[WRT];             /* the leaves' numbers */
    cinch_value y, weight;       /* the function is sum(y * weight) */
    leg *l;
    const case_instance *c;
    const char *order;
} subject;

static int64_t count_of(const subject *s, cinch_value v)
{
    return cinch_shape_count(cinch_shape_of(s->g, v));
}

static double function(subject *s)
{
    const double *y = evaluate(s->e, s->y), *w = evaluate(s->e, s->weight);
    double sum = 0;
    for (int64_t i = 0; y && w && i < count_of(s, s->y); i++) sum += y[i] * w[i];
    return y && w ? sum : NAN;
}

/* (L(x + h d) - L(x - h d)) / 2h for leaf k. */
static double difference(subject *s, int k, const double *direction)
{
    int64_t n = count_of(s, s->leaf[k]);
    double *moved = case_alloc((size_t)n, sizeof *moved), value[2];
    for (int side = 0; side < 2; side++) {
        for (int64_t i = 0; i < n; i++) moved[i] = s->at[k][i] + (side ? step : -step) * direction[i];
        evaluate_set(s->e, s->leaf[k], moved);
        value[side] = function(s);
    }
    evaluate_set(s->e, s->leaf[k], s->at[k]);
    free(moved);
    s->l->calls++;
    return (value[1] - value[0]) / (2 * step);
}

static bool close_enough(subject *s, double rule, double want, int k, const char *what, int64_t i)
{
    char why[200];
    double share = fabs(rule - want) / (tolerance * (1 + fabs(want)));
    if (share <= 1) {
        if (share > s->l->worst) {
            s->l->worst = share;
            snprintf(s->l->worst_at, sizeof s->l->worst_at, "%s", s->c->text);
        }
        return true;
    }
    snprintf(why, sizeof why, "%s derivative, operand %d, %s %lld: the rule gives %.9g, a central difference %.9g",
             s->order, k, what, (long long)i, rule, want);
    leg_fail(s->l, s->c, "", why);
    return false;
}

static bool check_elements(subject *s, int k, const double *slope, uint64_t *random)
{
    int64_t n = count_of(s, s->leaf[k]), tried = n < SAMPLES ? n : SAMPLES;
    double *direction = case_alloc((size_t)n, sizeof *direction);
    bool ok = true;
    for (int64_t t = 0; ok && t < tried; t++) {
        int64_t i = n == tried ? t : (int64_t)(case_draw(random) * (double)n);
        direction[i] = 1;
        ok = close_enough(s, slope[i], difference(s, k, direction), k, "element", i);
        direction[i] = 0;
    }
    free(direction);
    return ok;
}

static bool check_directions(subject *s, int k, const double *slope, uint64_t *random)
{
    int64_t n = count_of(s, s->leaf[k]);
    double *direction = case_alloc((size_t)n, sizeof *direction);
    bool ok = true;
    for (int d = 0; ok && d < DIRECTIONS; d++) {
        double along = 0;
        for (int64_t i = 0; i < n; i++) {
            direction[i] = (2 * case_draw(random) - 1) / sqrt((double)n);
            along += direction[i] * slope[i];
        }
        ok = close_enough(s, along, difference(s, k, direction), k, "direction", d);
    }
    free(direction);
    return ok;
}

static bool check_leaf(subject *s, int k)
{
    uint64_t random = 12345 + (uint64_t)k;
    int64_t n = count_of(s, s->leaf[k]);
    const double *computed = evaluate(s->e, s->slope[k]);
    if (!computed) {
        leg_fail(s->l, s->c, "", evaluate_error(s->e));
        return false;
    }
    double *slope = case_alloc((size_t)n, sizeof *slope); /* evaluating elsewhere forgets it */
    memcpy(slope, computed, (size_t)n * sizeof *slope);
    bool ok = check_elements(s, k, slope, &random) && check_directions(s, k, slope, &random);
    free(slope);
    return ok;
}

/* --- building ----------------------------------------------------------------------------------------------------- */

typedef struct setup {
    cinch_graph *g;
    cinch_value in[CASE_INPUTS], y, dy;
    cinch_value wrt[WRT], slope[WRT], slope2[WRT], weight[WRT], total;
    int wrt_operand[WRT], n_wrt;
} setup;

static cinch_shape shape_of(const oracle_tensor *t)
{
    cinch_shape shape = {.rank = t->rank};
    memcpy(shape.dim, t->dim, sizeof shape.dim);
    return shape;
}

static cinch_value named(cinch_graph *g, const char *name, int k, cinch_dtype dtype, cinch_shape shape)
{
    char text[32];
    snprintf(text, sizeof text, "%s%d", name, k);
    return cinch_input(g, text, dtype, shape);
}

static void build_op(setup *b, const case_instance *c)
{
    for (int k = 0; k < c->call.n_in; k++) b->in[k] = named(b->g, "in", k, c->in[k].dtype, shape_of(&c->in[k]));
    bool rule = cinch_rules[c->call.op]->shape;
    b->y = rule ? cinch_append(b->g, c->call.op, c->call.attr, c->call.n_in, b->in)
                : cinch_append_as(b->g, c->call.op, c->call.attr, c->call.n_in, b->in, c->out[0].dtype,
                                  shape_of(&c->out[0]));
    b->dy = named(b->g, "dy", 0, CINCH_F32, shape_of(&c->out[0]));
    for (int k = 0; k < c->call.n_in; k++)
        if (c->in[k].dtype == CINCH_F32 && !(c->row->fixed >> k & 1)) {
            b->wrt_operand[b->n_wrt] = k;
            b->wrt[b->n_wrt++] = b->in[k];
        }
}

/* S = sum over operands of sum(r * dL/dx), differentiated with respect to the operands and dy. */
static void build_second(setup *b)
{
    b->total = cinch_scalar(b->g, 0);
    for (int k = 0; k < b->n_wrt; k++) {
        b->weight[k] = named(b->g, "r", k, CINCH_F32, cinch_shape_of(b->g, b->slope[k]));
        cinch_value part = cinch_sum(b->g, cinch_mul(b->g, b->slope[k], b->weight[k]), CINCH_ALL_AXES, false);
        b->total = cinch_add(b->g, b->total, part);
    }
    cinch_value wrt[WRT];
    memcpy(wrt, b->wrt, sizeof wrt);
    wrt[b->n_wrt] = b->dy;
    cinch_grad(b->g, b->total, wrt, b->n_wrt + 1, b->slope2);
}

static bool build(setup *b, leg *l, const case_instance *c, bool twice)
{
    cinch_shape want = shape_of(&c->out[0]);
    *b = (setup){0};
    cr_assert(!cinch_graph_create(&b->g));
    build_op(b, c);
    if (cinch_valid(b->y) && (!cinch_same_shape(cinch_shape_of(b->g, b->y), want) ||
                              cinch_dtype_of(b->g, b->y) != c->out[0].dtype)) {
        leg_fail(l, c, "", "the shape rule gives another shape or type than the table of cases");
        return false;
    }
    cinch_grad_seeded(b->g, b->y, b->dy, b->wrt, b->n_wrt, b->slope);
    if (twice) build_second(b);
    if (!cinch_graph_status(b->g)) return true;
    leg_fail(l, c, "", cinch_last_error());
    return false;
}

/* --- checking ----------------------------------------------------------------------------------------------------- */

static double *random_numbers(int64_t n, uint64_t seed)
{
    double *v = case_alloc((size_t)n, sizeof *v);
    for (int64_t i = 0; i < n; i++) v[i] = (double)(float)(4 * case_draw(&seed) - 2);
    return v;
}

static void set_random(const setup *b, evaluator *e, cinch_value leaf, uint64_t seed)
{
    double *v = random_numbers(cinch_shape_count(cinch_shape_of(b->g, leaf)), seed);
    evaluate_set(e, leaf, v);
    free(v);
}

static bool check_first(const setup *b, evaluator *e, leg *l, const case_instance *c)
{
    subject s = {.g = b->g, .e = e, .n = b->n_wrt, .y = b->y, .weight = b->dy, .l = l, .c = c, .order = "first"};
    bool ok = true;
    for (int k = 0; k < s.n; k++) {
        s.leaf[k] = b->wrt[k], s.slope[k] = b->slope[k];
        s.at[k] = c->in[b->wrt_operand[k]].v;
    }
    for (int k = 0; ok && k < s.n; k++) ok = check_leaf(&s, k);
    return ok;
}

static void check_second(const setup *b, evaluator *e, leg *l, const case_instance *c, const double *dy,
                         cinch_value one)
{
    subject s = {.g = b->g, .e = e, .n = b->n_wrt + 1, .y = b->total, .weight = one, .l = l, .c = c, .order = "second"};
    double *dy_copy = case_alloc((size_t)oracle_count(&c->out[0]), sizeof *dy_copy);
    memcpy(dy_copy, dy, (size_t)oracle_count(&c->out[0]) * sizeof *dy_copy);
    for (int k = 0; k < b->n_wrt; k++) {
        s.leaf[k] = b->wrt[k], s.slope[k] = b->slope2[k];
        s.at[k] = c->in[b->wrt_operand[k]].v;
    }
    s.leaf[b->n_wrt] = b->dy, s.slope[b->n_wrt] = b->slope2[b->n_wrt], s.at[b->n_wrt] = dy_copy;
    for (int k = 0; k < s.n; k++)
        if (!check_leaf(&s, k)) break;
    free(dy_copy);
}

static void check_case(leg *l, const case_instance *c)
{
    setup b;
    bool twice = (c->row->flags & GRAD2) == GRAD2;
    if (build(&b, l, c, twice)) {
        cinch_value one = cinch_scalar(b.g, 1);
        evaluator *e = evaluate_open(b.g);
        for (int k = 0; k < c->call.n_in; k++) evaluate_set(e, b.in[k], c->in[k].v);
        set_random(&b, e, b.dy, 77);
        for (int k = 0; twice && k < b.n_wrt; k++) set_random(&b, e, b.weight[k], 99 + (uint64_t)k);
        if (check_first(&b, e, l, c) && twice) {
            double *dy = random_numbers(oracle_count(&c->out[0]), 77);
            check_second(&b, e, l, c, dy, one);
            free(dy);
        }
        evaluate_close(e);
    }
    cinch_graph_free(b.g);
}

static void run_family(const case_family *family)
{
    leg l = {.family = family->name};
    for (int i = 0; i < family->n && !leg_hopeless(&l); i++) {
        const case_row *row = &family->rows[i];
        if (!(row->flags & GRAD) || !(row->types & F32)) continue;
        case_instance *c = case_create(row, CINCH_F32);
        l.cases++;
        check_case(&l, c);
        case_free(c);
    }
    leg_end(&l);
}

Test(gradient, elementwise) { run_family(&case_elementwise); }
Test(gradient, activation) { run_family(&case_activation); }
Test(gradient, chain) { run_family(&case_chain); }
Test(gradient, matmul) { run_family(&case_matmul); }
Test(gradient, reduce) { run_family(&case_reduce); }
Test(gradient, softmax) { run_family(&case_softmax); }
Test(gradient, move) { run_family(&case_move); }
Test(gradient, random) { run_family(&case_random); }
