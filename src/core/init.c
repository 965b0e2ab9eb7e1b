/* SPDX-License-Identifier: Apache-2.0 */
/* How parameters start. A parameter's numbers depend on the seed and its name alone. */
#include <math.h>
#include <string.h>

#include "core/rng.h"
#include "core/store.h"

static uint32_t name_hash(const char *name)
{
    uint32_t hash = 2166136261u;
    for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 16777619u;
    return hash;
}

static cinch_philox words(uint64_t seed, uint32_t stream, int64_t block)
{
    cinch_philox counter = {{(uint32_t)block, (uint32_t)(block >> 32), 0x696e6974u, 0}};
    return cinch_philox4x32(counter, (uint32_t)seed, (uint32_t)(seed >> 32) ^ stream);
}

static void fill_uniform(float *x, int64_t n, uint64_t seed, uint32_t stream, double low, double high)
{
    for (int64_t i = 0; i < n; i++) {
        cinch_philox w = words(seed, stream, i / 4);
        x[i] = (float)(low + (high - low) * cinch_unit_float(w.v[i % 4]));
    }
}

/* Box & Muller, 1958: two words make two numbers. */
static void fill_normal(float *x, int64_t n, uint64_t seed, uint32_t stream, double mean, double deviation)
{
    const double turn = 6.283185307179586;
    for (int64_t i = 0; i < n; i++) {
        cinch_philox w = words(seed, stream, i / 4);
        int pair = (int)(i % 4) / 2 * 2;
        double radius = sqrt(-2 * log(1 - (double)cinch_unit_float(w.v[pair])));
        double angle = turn * cinch_unit_float(w.v[pair + 1]);
        x[i] = (float)(mean + deviation * radius * (i % 2 ? sin(angle) : cos(angle)));
    }
}

static void fill_constant(float *x, int64_t n, float value)
{
    for (int64_t i = 0; i < n; i++) x[i] = value;
}

/* As PyTorch counts them, for [out, in] and [O, kh, kw, I]. */
static void fans(const cinch_param_entry *e, double *in, double *out)
{
    const cinch_shape *s = &e->shape;
    double count = (double)cinch_shape_count(*s), rows = s->rank ? (double)s->dim[0] : 1;
    double columns = s->rank > 1 ? (double)s->dim[s->rank - 1] : rows;
    *in = e->options.init.fan_in ? (double)e->options.init.fan_in : s->rank > 1 ? count / rows : rows;
    *out = e->options.init.fan_out ? (double)e->options.init.fan_out : s->rank > 1 ? count / columns : rows;
    if (*in < 1) *in = 1;
    if (*out < 1) *out = 1;
}

void cinch_initialise(const cinch_param_entry *e, uint64_t seed, float *x)
{
    const cinch_init *init = &e->options.init;
    int64_t n = cinch_shape_count(e->shape);
    uint32_t stream = name_hash(e->name);
    double in, out, bound;
    fans(e, &in, &out);
    switch (init->kind) {
    case CINCH_INIT_ZEROS: fill_constant(x, n, 0); return;
    case CINCH_INIT_ONES: fill_constant(x, n, 1); return;
    case CINCH_INIT_CONSTANT: fill_constant(x, n, init->a); return;
    case CINCH_INIT_UNIFORM: fill_uniform(x, n, seed, stream, init->a, init->b); return;
    case CINCH_INIT_NORMAL: fill_normal(x, n, seed, stream, init->a, init->b); return;
    case CINCH_INIT_XAVIER_NORMAL: fill_normal(x, n, seed, stream, 0, sqrt(2 / (in + out))); return;
    case CINCH_INIT_KAIMING_NORMAL: fill_normal(x, n, seed, stream, 0, sqrt(2 / in)); return;
    case CINCH_INIT_XAVIER_UNIFORM: bound = sqrt(6 / (in + out)); break;
    case CINCH_INIT_KAIMING_UNIFORM: bound = sqrt(6 / in); break;
    default: bound = 1 / sqrt(in); break;
    }
    fill_uniform(x, n, seed, stream, -bound, bound);
}
