/* SPDX-License-Identifier: Apache-2.0 */
/* Effects: in[] is written where ops.def says. The optimisers are PyTorch's documented algorithms. */
#include <math.h>

#include "oracle.h"

void oracle_assign(oracle_call *c)
{
    if (!oracle_expect(c, oracle_count(&c->in[0]) == oracle_count(&c->in[1]), "operands differ in size")) return;
    for (int64_t i = 0; i < oracle_count(&c->in[0]); i++) c->in[0].v[i] = c->in[1].v[i];
}

void oracle_accumulate(oracle_call *c)
{
    if (!oracle_expect(c, oracle_count(&c->in[0]) == oracle_count(&c->in[1]), "operands differ in size")) return;
    for (int64_t i = 0; i < oracle_count(&c->in[0]); i++) c->in[0].v[i] += c->in[2].v[0] * c->in[1].v[i];
}

void oracle_ema(oracle_call *c)
{
    if (!oracle_expect(c, oracle_count(&c->in[0]) == oracle_count(&c->in[1]), "operands differ in size")) return;
    double decay = c->in[2].v[0];
    for (int64_t i = 0; i < oracle_count(&c->in[0]); i++)
        c->in[0].v[i] = decay * c->in[0].v[i] + (1 - decay) * c->in[1].v[i];
}

/* Scalars go to one row of the ring, one column each. */
void oracle_record(oracle_call *c)
{
    oracle_tensor *ring = &c->in[0];
    int64_t k = c->n_in - 2, row = (int64_t)c->in[1].v[0];
    if (!oracle_expect(c, ring->rank == 2 && ring->dim[1] == k, "the ring has another width")) return;
    for (int64_t i = 0; i < k; i++) ring->v[row * k + i] = c->in[2 + i].v[0];
}

/* --- optimisers: one element at a time over the segment table ----------------------------------------------------- */

typedef struct element {
    double *weight, g, *state1, *state2; /* the weight, its gradient, what the optimiser remembers */
    const double *hyper;                 /* its group's row */
    double decay;                        /* 0 where the segment has none */
    const cinch_attr *attr;
} element;

typedef void (*optimizer)(element *);

static void for_segments(oracle_call *c, optimizer step, int states)
{
    const oracle_tensor *scale = &c->in[c->n_in - 3], *hyper = &c->in[c->n_in - 2], *segments = &c->in[c->n_in - 1];
    for (int64_t s = 0; s < segments->dim[0]; s++) {
        const double *row = segments->v + s * CINCH_SEGMENT_COUNT;
        const double *h = hyper->v + (int64_t)row[CINCH_SEGMENT_GROUP] * CINCH_HYPER_COUNT;
        bool decays = (int64_t)row[CINCH_SEGMENT_FLAGS] & CINCH_SEGMENT_DECAY;
        for (int64_t k = 0; k < (int64_t)row[CINCH_SEGMENT_LENGTH]; k++) {
            int64_t i = (int64_t)row[CINCH_SEGMENT_OFFSET] + k;
            element e = {c->in[0].v + i, c->in[1].v[i] * scale->v[0], c->in[2].v + i, NULL,
                         h, decays ? h[CINCH_HYPER_DECAY] : 0, c->attr};
            if (states > 1) e.state2 = c->in[3].v + i;
            step(&e);
        }
    }
}

/* torch.optim.SGD: b = momentum b + (1 - dampening) g; nesterov steps along g + momentum b. */
static void sgd(element *e)
{
    const double *h = e->hyper;
    double g = e->g + e->decay * *e->weight, step = g;
    if (e->attr->update.has_momentum) {
        *e->state1 = h[CINCH_HYPER_MOMENTUM] * *e->state1 + h[CINCH_HYPER_CORRECTION1] * g;
        step = e->attr->update.nesterov ? g + h[CINCH_HYPER_MOMENTUM] * *e->state1 : *e->state1;
    }
    *e->weight -= h[CINCH_HYPER_LR] * step;
}

/* torch.optim.Adam and AdamW (decoupled decay): Kingma & Ba 2015; Loshchilov & Hutter 2019. */
static void adam(element *e)
{
    const double *h = e->hyper;
    double g = e->g, beta1 = h[CINCH_HYPER_MOMENTUM], beta2 = h[CINCH_HYPER_BETA2];
    if (e->attr->update.decoupled) *e->weight -= h[CINCH_HYPER_LR] * e->decay * *e->weight;
    else g += e->decay * *e->weight;
    *e->state1 = beta1 * *e->state1 + (1 - beta1) * g;
    *e->state2 = beta2 * *e->state2 + h[CINCH_HYPER_REST2] * g * g;
    double root = sqrt(*e->state2) * h[CINCH_HYPER_CORRECTION2] + h[CINCH_HYPER_EPS];
    *e->weight -= h[CINCH_HYPER_LR] * h[CINCH_HYPER_CORRECTION1] * *e->state1 / root;
}

/* torch.optim.RMSprop: Hinton's lecture 6e; the second state is the momentum or, centred, the gradient's average. */
static void rmsprop(element *e)
{
    const double *h = e->hyper;
    double g = e->g + e->decay * *e->weight, alpha = h[CINCH_HYPER_BETA2], spread;
    *e->state1 = alpha * *e->state1 + h[CINCH_HYPER_REST2] * g * g;
    spread = *e->state1;
    if (e->attr->update.centred) {
        *e->state2 = alpha * *e->state2 + h[CINCH_HYPER_REST2] * g;
        spread -= *e->state2 * *e->state2;
    }
    double step = g / (sqrt(spread) + h[CINCH_HYPER_EPS]);
    if (e->attr->update.has_momentum) step = *e->state2 = h[CINCH_HYPER_MOMENTUM] * *e->state2 + step;
    *e->weight -= h[CINCH_HYPER_LR] * step;
}

/* torch.optim.Adagrad: Duchi et al. 2011. */
static void adagrad(element *e)
{
    const double *h = e->hyper;
    double g = e->g + e->decay * *e->weight;
    *e->state1 += g * g;
    *e->weight -= h[CINCH_HYPER_LR] * h[CINCH_HYPER_CORRECTION1] * g / (sqrt(*e->state1) + h[CINCH_HYPER_EPS]);
}

void oracle_sgd(oracle_call *c) { for_segments(c, sgd, 1); }
void oracle_adam(oracle_call *c) { for_segments(c, adam, 2); }
void oracle_rmsprop(oracle_call *c) { for_segments(c, rmsprop, 2); }
void oracle_adagrad(oracle_call *c) { for_segments(c, adagrad, 1); }
