/* SPDX-License-Identifier: Apache-2.0 */
/* Principal components by power iteration: few are wanted, and codes are few beside images. */
#include "report/projection.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 300 };

typedef struct {
    const float *codes;
    int64_t n;
    cinch_components *out;
    double *next; /* [k] */
} search;

static double dot(const double *a, const double *b, int64_t k)
{
    double sum = 0;
    for (int64_t j = 0; j < k; j++) sum += a[j] * b[j];
    return sum;
}

static double along(const cinch_components *c, const float *code, const double *direction)
{
    double sum = 0;
    for (int64_t j = 0; j < c->k; j++) sum += ((double)code[j] - c->mean[j]) * direction[j];
    return sum;
}

static void take_mean(const search *s)
{
    cinch_components *c = s->out;
    for (int64_t i = 0; i < s->n; i++)
        for (int64_t j = 0; j < c->k; j++) c->mean[j] += (double)s->codes[i * c->k + j];
    for (int64_t j = 0; j < c->k; j++) c->mean[j] /= (double)s->n;
}

static double total_variance(const search *s)
{
    double sum = 0;
    for (int64_t i = 0; i < s->n; i++)
        for (int64_t j = 0; j < s->out->k; j++) {
            double d = (double)s->codes[i * s->out->k + j] - s->out->mean[j];
            sum += d * d;
        }
    return sum / (double)s->n;
}

/* To unit length, at a right angle to the first m directions; false where nothing is left. */
static bool straighten(const cinch_components *c, double *v, int m)
{
    double before = sqrt(dot(v, v, c->k));
    for (int d = 0; d < m; d++) {
        const double *other = c->direction + d * c->k;
        double part = dot(v, other, c->k);
        for (int64_t j = 0; j < c->k; j++) v[j] -= part * other[j];
    }
    double size = sqrt(dot(v, v, c->k));
    if (!(size > 1e-9 * before) || !(size > 1e-150)) return false;
    for (int64_t j = 0; j < c->k; j++) v[j] /= size;
    return true;
}

/* next = (codes' codes) v, with the mean taken off. */
static void multiply(const search *s, const double *v)
{
    const cinch_components *c = s->out;
    memset(s->next, 0, (size_t)c->k * sizeof *s->next);
    for (int64_t i = 0; i < s->n; i++) {
        double part = along(c, s->codes + i * c->k, v);
        for (int64_t j = 0; j < c->k; j++) s->next[j] += part * ((double)s->codes[i * c->k + j] - c->mean[j]);
    }
}

/* A start that no regular data is at a right angle to. */
static void scatter(double *v, int64_t k, int m)
{
    for (int64_t j = 0; j < k; j++) v[j] = sin(1.7 * (double)j + 0.3 + m) + 1.1;
}

/* The largest direction at a right angle to the m before it. */
static void find_direction(const search *s, int m)
{
    const cinch_components *c = s->out;
    double *v = c->direction + m * c->k;
    scatter(v, c->k, m);
    bool found = m < c->k && straighten(c, v, m);
    for (int round = 0; found && round < ROUNDS; round++) {
        multiply(s, v);
        found = straighten(c, s->next, m);
        double moved = 1 - fabs(dot(v, s->next, c->k));
        memcpy(v, s->next, (size_t)c->k * sizeof *v);
        if (moved < 1e-12) break;
    }
    if (!found) memset(v, 0, (size_t)c->k * sizeof *v);
}

static void measure(const search *s, int m, double total)
{
    double sum = 0;
    cinch_components *c = s->out;
    for (int64_t i = 0; i < s->n; i++) sum += pow(along(c, s->codes + i * c->k, c->direction + m * c->k), 2);
    c->deviation[m] = sqrt(sum / (double)s->n);
    c->share[m] = total > 0 ? sum / (double)s->n / total : 0;
}

cinch_status cinch_components_find(cinch_components *c, const float *codes, int64_t n, int64_t k, int m)
{
    *c = (cinch_components){ .m = m, .k = k, .mean = cinch_calloc((size_t)k, (size_t)(m + 2) * sizeof *c->mean) };
    if (!c->mean) return CINCH_DEVICE;
    c->direction = c->mean + k;
    search s = { codes, n, c, c->direction + m * k };
    take_mean(&s);
    double total = total_variance(&s);
    for (int i = 0; i < m; i++) {
        find_direction(&s, i);
        measure(&s, i, total);
    }
    return CINCH_OK;
}

void cinch_components_free(cinch_components *c)
{
    free(c->mean);
    *c = (cinch_components){ 0 };
}

void cinch_components_project(const cinch_components *c, const float *codes, int64_t n, double *xy)
{
    for (int64_t i = 0; i < n; i++)
        for (int axis = 0; axis < 2; axis++)
            xy[2 * i + axis] = axis < c->m ? along(c, codes + i * c->k, c->direction + axis * c->k) : 0;
}
