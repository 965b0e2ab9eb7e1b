/* SPDX-License-Identifier: Apache-2.0 */
/* Effects: writing states, and the optimiser's update of all trainable parameters at once. */
#include <math.h>
#include <stdlib.h>

#include "core/grad.h"
#include "core/status.h"
#include "core/store.h"

/* --- writing states ----------------------------------------------------------------------------------------------- */

static bool effect_shape(cinch_graph *g, cinch_node *node)
{
    cinch_shape state = g->nodes[g->operands[node->first_in]].shape;
    cinch_shape value = g->nodes[g->operands[node->first_in + 1]].shape;
    char a[64], b[64];
    node->shape = state;
    if (node->op == CINCH_OP_record || cinch_same_shape(state, value)) return true;
    cinch_graph_fail(g, "%s: the state is %s but the value %s", cinch_ops[node->op].name, cinch_shape_text(state, a),
                     cinch_shape_text(value, b));
    return false;
}

#define EFFECT_RULE(name) const cinch_rule cinch_rule_##name = {effect_shape, NULL, NULL};
EFFECT_RULE(assign)
EFFECT_RULE(accumulate)
EFFECT_RULE(ema)
EFFECT_RULE(sgd)
EFFECT_RULE(adam)
EFFECT_RULE(rmsprop)
EFFECT_RULE(adagrad)
EFFECT_RULE(record)

/* What the effect wrote can only be memory that outlives the step. */
static bool is_state(const cinch_graph *g, cinch_value v)
{
    for (const cinch_node *n = &g->nodes[v.id];; n = &g->nodes[g->operands[n->first_in]]) {
        if (n->op == CINCH_OP_parameter || n->op == CINCH_OP_slab || n->op == CINCH_OP_written) return true;
        if (n->op != CINCH_OP_reshape && n->op != CINCH_OP_window) return false;
    }
}

/* Operand 0 as it is after the effect. */
static cinch_value effect(cinch_graph *g, cinch_op op, const cinch_attr *attr, int n, const cinch_value *in)
{
    if (g->status) return (cinch_value){0};
    if (cinch_valid(in[0]) && !is_state(g, in[0])) return cinch_graph_fail(g, "%s: not a state", cinch_ops[op].name);
    cinch_value done = cinch_append(g, op, attr, n, in);
    if (!cinch_valid(done)) return done;
    return cinch_append_as(g, CINCH_OP_written, &(cinch_attr){.leaf = {0}}, 1, &done, cinch_dtype_of(g, in[0]),
                           cinch_shape_of(g, in[0]));
}

cinch_value cinch_assign(cinch_graph *g, cinch_value state, cinch_value value)
{
    return effect(g, CINCH_OP_assign, NULL, 2, (cinch_value[]){state, value});
}

cinch_value cinch_accumulate(cinch_graph *g, cinch_value state, cinch_value value, cinch_value scale)
{
    return effect(g, CINCH_OP_accumulate, NULL, 3, (cinch_value[]){state, value, scale});
}

cinch_value cinch_ema(cinch_graph *g, cinch_value state, cinch_value value, cinch_value decay)
{
    return effect(g, CINCH_OP_ema, NULL, 3, (cinch_value[]){state, value, decay});
}

/* --- gradients ---------------------------------------------------------------------------------------------------- */

/* Axes over which a constraint's norms are taken. */
static unsigned norm_axes(const cinch_param_entry *e)
{
    return e->options.constraint == CINCH_UNIT_COLUMNS ? CINCH_AXIS(0) : CINCH_ALL_AXES & ~CINCH_AXIS(0);
}

/* d without its part along each unit vector of w, which the update could not keep. */
static cinch_value project(cinch_graph *g, const cinch_param_entry *e, cinch_value d, cinch_value w)
{
    if (e->options.constraint != CINCH_UNIT_ROWS && e->options.constraint != CINCH_UNIT_COLUMNS) return d;
    cinch_value along = cinch_sum(g, cinch_mul(g, d, w), norm_axes(e), true);
    return cinch_sub(g, d, cinch_mul(g, along, w));
}

cinch_value cinch_gradients(cinch_graph *g, cinch_params *p, cinch_value loss)
{
    int n = 0;
    cinch_value *values = cinch_calloc((size_t)p->n, sizeof *values), *d = cinch_calloc((size_t)p->n, sizeof *d);
    int *index = cinch_calloc((size_t)p->n, sizeof *index);
    cinch_value packed = {0};
    if (!values || !d || !index) {
        cinch_graph_out_of_memory(g);
        goto done;
    }
    for (int i = 0; i < p->n; i++)
        if (cinch_slab_of(&p->entries[i]) == CINCH_SLAB_TRAINABLE) {
            index[n] = i;
            values[n++] = cinch_params_value(g, p, i);
        }
    if (!n) {
        cinch_graph_fail(g, "there is no trainable parameter");
        goto done;
    }
    cinch_grad(g, loss, values, n, d);
    for (int i = 0; i < n; i++) d[i] = project(g, &p->entries[index[i]], d[i], values[i]);
    packed = cinch_append(g, CINCH_OP_pack, NULL, n, d);
done:
    free(values);
    free(d);
    free(index);
    return packed;
}

cinch_value cinch_gradients_slab(cinch_graph *g, cinch_params *p)
{
    return cinch_slab_value(g, p, CINCH_SLAB_GRADIENT);
}

void cinch_gradients_add(cinch_graph *g, cinch_params *p, cinch_value gradients, cinch_value scale)
{
    cinch_accumulate(g, cinch_gradients_slab(g, p), gradients, scale);
}

void cinch_gradients_clear(cinch_graph *g, cinch_params *p)
{
    cinch_value slab = cinch_gradients_slab(g, p);
    cinch_assign(g, slab, cinch_fill(g, CINCH_F32, cinch_shape_of(g, slab), 0));
}

/* --- the update --------------------------------------------------------------------------------------------------- */

static cinch_value segments_of(cinch_graph *g, cinch_params *p)
{
    int n = 0;
    int32_t(*rows)[CINCH_SEGMENT_COUNT] = cinch_calloc((size_t)p->n, sizeof *rows);
    if (!rows) return cinch_graph_out_of_memory(g);
    if (cinch_params_slab_size(p, CINCH_SLAB_TRAINABLE) > INT32_MAX) {
        free(rows);
        return cinch_graph_fail(g, "more than 2^31 trainable parameters");
    }
    cinch_params_lay_out(p);
    for (int i = 0; i < p->n; i++) {
        const cinch_param_entry *e = &p->entries[i];
        if (cinch_slab_of(e) != CINCH_SLAB_TRAINABLE) continue;
        rows[n][CINCH_SEGMENT_OFFSET] = (int32_t)e->offset;
        rows[n][CINCH_SEGMENT_LENGTH] = (int32_t)cinch_shape_count(e->shape);
        rows[n][CINCH_SEGMENT_GROUP] = e->options.group;
        rows[n++][CINCH_SEGMENT_FLAGS] = e->options.no_decay ? 0 : CINCH_SEGMENT_DECAY;
    }
    cinch_value table = cinch_constant(g, CINCH_I32, CINCH_SHAPE(n, CINCH_SEGMENT_COUNT), rows);
    free(rows);
    return table;
}

/* min(1, clip / norm), as torch.nn.utils.clip_grad_norm_. */
static cinch_value clip_factor(cinch_graph *g, cinch_value norm, double clip)
{
    if (!(clip > 0)) return cinch_scalar(g, 1);
    cinch_value ratio = cinch_div(g, cinch_scalar(g, (float)clip), cinch_affine(g, norm, 1, 1e-6f));
    return cinch_minimum(g, ratio, cinch_scalar(g, 1));
}

static cinch_value apply(cinch_graph *g, cinch_params *p, cinch_value gradients, cinch_value scale,
                         const cinch_optimizer *o)
{
    cinch_attr attr = {.update = {.nesterov = o->nesterov, .decoupled = o->kind == CINCH_ADAMW, .centred = o->centred,
                                  .has_momentum = o->momentum > 0}};
    cinch_value w = cinch_slab_value(g, p, CINCH_SLAB_TRAINABLE);
    cinch_value m = cinch_slab_value(g, p, CINCH_SLAB_MOMENT1);
    cinch_value hyper = cinch_control(g, "hyper", CINCH_F32, CINCH_SHAPE(8, CINCH_HYPER_COUNT));
    cinch_value segments = segments_of(g, p);
    if (o->kind == CINCH_SGD || o->kind == CINCH_ADAGRAD) {
        cinch_value in[] = {w, gradients, m, scale, hyper, segments};
        return effect(g, o->kind == CINCH_SGD ? CINCH_OP_sgd : CINCH_OP_adagrad, &attr, 6, in);
    }
    cinch_value v = cinch_slab_value(g, p, CINCH_SLAB_MOMENT2);
    cinch_value in[] = {w, gradients, m, v, scale, hyper, segments};
    return effect(g, o->kind == CINCH_RMSPROP ? CINCH_OP_rmsprop : CINCH_OP_adam, &attr, 7, in);
}

static cinch_value constrained(cinch_graph *g, const cinch_param_entry *e, cinch_value w)
{
    if (e->options.constraint == CINCH_NON_NEGATIVE) return cinch_relu(g, w);
    cinch_value norm = cinch_sqrt(g, cinch_sum(g, cinch_square(g, w), norm_axes(e), true));
    norm = cinch_maximum(g, norm, cinch_scalar(g, 1e-12f));
    if (e->options.constraint != CINCH_MAX_NORM_ROWS) return cinch_div(g, w, norm);
    cinch_value limit = cinch_scalar(g, e->options.limit);
    return cinch_mul(g, w, cinch_div(g, limit, cinch_maximum(g, norm, limit)));
}

/* Puts the updated weights back where their constraints want them. */
static void constrain(cinch_graph *g, cinch_params *p, cinch_value weights)
{
    for (int i = 0; i < p->n; i++) {
        const cinch_param_entry *e = &p->entries[i];
        if (e->options.constraint == CINCH_UNCONSTRAINED || cinch_slab_of(e) != CINCH_SLAB_TRAINABLE) continue;
        cinch_value w = cinch_window(g, weights, e->offset, e->shape);
        cinch_assign(g, w, constrained(g, e, w));
    }
}

cinch_value cinch_update(cinch_graph *g, cinch_params *p, cinch_value loss, cinch_value gradients,
                         const cinch_optimizer *o)
{
    if (g->status) return (cinch_value){0};
    if (o->kind == CINCH_RMSPROP && o->centred && o->momentum > 0)
        return cinch_graph_fail(g, "rmsprop: 'centred' and 'momentum' do not go together; take one of them");
    cinch_scope_push(g, "the gradient");
    cinch_value norm = cinch_sqrt(g, cinch_sum(g, cinch_square(g, gradients), CINCH_ALL_AXES, false));
    cinch_scope_pop(g);
    cinch_value finite = cinch_is_finite(g, norm);
    if (cinch_valid(loss)) finite = cinch_mul(g, finite, cinch_is_finite(g, loss));
    cinch_commit_if(g, cinch_reshape(g, finite, (cinch_shape){0}));
    if (!g->status && g->nodes[gradients.id].op == CINCH_OP_pack) g->nodes[gradients.id].attr.leaf.index = 1;
    cinch_value weights = apply(g, p, gradients, clip_factor(g, norm, o->clip), o);
    constrain(g, p, weights);
    if (o->ema > 0) cinch_ema(g, cinch_slab_value(g, p, CINCH_SLAB_EMA), weights, cinch_scalar(g, (float)o->ema));
    return norm;
}

static double or_default(double value, double fallback) { return value != 0 ? value : fallback; }

void cinch_optimizer_hyper(const cinch_optimizer *o, double lr, int64_t t, const double *lr_factor, float hyper[64])
{
    bool adam = o->kind == CINCH_ADAM || o->kind == CINCH_ADAMW;
    /* As the kernel has them: 1 - 0.999f is off by 1e-5, which the corrections must share. */
    double beta1 = (float)or_default(o->beta1, 0.9), beta2 = (float)or_default(o->beta2, 0.999);
    double second = o->kind == CINCH_RMSPROP ? or_default(o->alpha, 0.99) : beta2;
    for (int group = 0; group < 8; group++) {
        float *h = hyper + group * CINCH_HYPER_COUNT;
        h[CINCH_HYPER_LR] = (float)(lr * (lr_factor ? lr_factor[group] : 1));
        h[CINCH_HYPER_DECAY] = (float)o->weight_decay;
        h[CINCH_HYPER_MOMENTUM] = (float)(adam ? beta1 : o->momentum);
        h[CINCH_HYPER_BETA2] = (float)second;
        h[CINCH_HYPER_REST2] = (float)(1 - second);
        h[CINCH_HYPER_EPS] = (float)or_default(o->eps, o->kind == CINCH_ADAGRAD ? 1e-10 : 1e-8);
        h[CINCH_HYPER_CORRECTION1] = (float)(adam ? 1 / (1 - pow(beta1, (double)t)) : 1);
        h[CINCH_HYPER_CORRECTION2] = (float)(adam ? 1 / sqrt(1 - pow(beta2, (double)t)) : 1);
    }
}
