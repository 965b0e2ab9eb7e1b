/* SPDX-License-Identifier: Apache-2.0 */
/*
 * t-SNE. Pairs are few enough (a few thousand points) that repulsion is exact; attraction goes over the nearest
 * neighbours. Sums are taken in LANES parts, so that the compiler vectorises them and their order is fixed.
 */
#include "report/projection.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 16, EXAGGERATED = 150 /* steps */, MOST_NEIGHBOURS = 90 };
static const double perplexity = 30, exaggeration = 12;

typedef struct {
    int32_t to;
    float weight;
} edge;

typedef struct {
    int64_t n, room;   /* points; with padding to whole lanes */
    int neighbours;
    edge *edges;       /* [n, neighbours]: p(j given i), for the pair both ways */
    float *x, *y;      /* [room]: the padding is far away from everything */
    float *force_x, *force_y, *step_x, *step_y, *gain_x, *gain_y;
} layout;

/* --- who attracts whom -------------------------------------------------------------------------------------------- */

static int nearer(const void *a, const void *b)
{
    const edge *x = a, *y = b;
    if (x->weight != y->weight) return x->weight < y->weight ? -1 : 1;
    return (x->to > y->to) - (x->to < y->to);
}

static float square_distance(const float *a, const float *b, int64_t k)
{
    double sum = 0;
    for (int64_t j = 0; j < k; j++) sum += ((double)a[j] - (double)b[j]) * ((double)a[j] - (double)b[j]);
    return (float)sum;
}

/* Weights exp(-beta d) of the edges, whose weights are squared distances d; returns their entropy. */
static double weigh(const edge *near, int count, double beta, double *weight)
{
    double sum = 0, mean = 0, least = (double)near[0].weight;
    for (int i = 0; i < count; i++) {
        double d = (double)near[i].weight - least;
        weight[i] = exp(-beta * d);
        sum += weight[i];
        mean += weight[i] * d;
    }
    for (int i = 0; i < count; i++) weight[i] /= sum;
    return log(sum) + beta * mean / sum;
}

/* Distances become probabilities of the wanted perplexity, by bisection of the bandwidth. */
static void calibrate(edge *near, int count, double wanted)
{
    double weight[MOST_NEIGHBOURS], low = 0, high = INFINITY, beta = 1;
    for (int round = 0; round < 64; round++) {
        bool wide = weigh(near, count, beta, weight) > log(wanted);
        if (wide) low = beta;
        else high = beta;
        beta = isinf(high) ? 2 * beta : (low + high) / 2;
    }
    for (int i = 0; i < count; i++) near[i].weight = (float)weight[i];
}

static cinch_status find_neighbours(layout *l, const float *codes, int64_t k, const volatile int *stop, edge *all)
{
    double wanted = l->neighbours < 3 * perplexity ? l->neighbours / 3.0 : perplexity;
    for (int64_t i = 0; i < l->n; i++) {
        int count = 0;
        TRY(cinch_stopped(stop));
        for (int64_t j = 0; j < l->n; j++)
            if (j != i) all[count++] = (edge){ (int32_t)j, square_distance(codes + i * k, codes + j * k, k) };
        qsort(all, (size_t)count, sizeof *all, nearer);
        calibrate(all, l->neighbours, fmax(wanted, 1));
        memcpy(l->edges + i * l->neighbours, all, (size_t)l->neighbours * sizeof *all);
    }
    return CINCH_OK;
}

/* --- forces ------------------------------------------------------------------------------------------------------- */

/* Of all points on point i: the sum of q = 1 / (1 + d^2), and those of q^2 (x_i - x_j) and q^2 (y_i - y_j). */
static double repel(const layout *l, int64_t i, float force[2])
{
    float sum[LANES] = { 0 }, fx[LANES] = { 0 }, fy[LANES] = { 0 }, x = l->x[i], y = l->y[i];
    for (int64_t j = 0; j < l->room; j += LANES)
        for (int64_t k = 0; k < LANES; k++) {
            float dx = x - l->x[j + k], dy = y - l->y[j + k], q = 1 / (1 + dx * dx + dy * dy);
            sum[k] += q;
            fx[k] += q * q * dx;
            fy[k] += q * q * dy;
        }
    double total = -1; /* the point itself */
    force[0] = force[1] = 0;
    for (int k = 0; k < LANES; k++) total += (double)sum[k], force[0] += fx[k], force[1] += fy[k];
    return total;
}

/* The sum of all q; forces hold the repulsion, not yet divided by it. */
static double repel_all(layout *l)
{
    double total = 0;
    for (int64_t i = 0; i < l->n; i++) {
        float force[2];
        total += repel(l, i, force);
        l->force_x[i] = force[0];
        l->force_y[i] = force[1];
    }
    return total;
}

/* Each edge pulls at both of its ends, with p(i, j) = (p(j given i) + p(i given j)) / 2n. */
static void attract_all(layout *l, double factor)
{
    float scale = (float)(factor / (2 * (double)l->n));
    for (int64_t i = 0; i < l->n; i++)
        for (int e = 0; e < l->neighbours; e++) {
            edge at = l->edges[i * l->neighbours + e];
            float dx = l->x[i] - l->x[at.to], dy = l->y[i] - l->y[at.to];
            float pull = scale * at.weight / (1 + dx * dx + dy * dy);
            l->force_x[i] -= pull * dx, l->force_y[i] -= pull * dy;
            l->force_x[at.to] += pull * dx, l->force_y[at.to] += pull * dy;
        }
}

/* --- steps -------------------------------------------------------------------------------------------------------- */

/* Gains as in Jacobs, Neural Networks 1 (1988): larger while the sign stays. */
static void move_axis(int64_t n, float *at, const float *force, float *step, float *gain, float rate, float momentum)
{
    for (int64_t i = 0; i < n; i++) {
        gain[i] = (force[i] > 0) == (step[i] > 0) ? gain[i] + 0.2f : gain[i] * 0.8f;
        if (gain[i] < 0.01f) gain[i] = 0.01f;
        step[i] = momentum * step[i] + rate * gain[i] * 4 * force[i];
        at[i] += step[i];
    }
}

static void step(layout *l, int number)
{
    bool early = number < EXAGGERATED;
    double total = repel_all(l), rate = fmax((double)l->n / exaggeration, 50) / 4; /* Belkina et al. 2019 */
    for (int64_t i = 0; i < l->n; i++) {
        l->force_x[i] = (float)(l->force_x[i] / total);
        l->force_y[i] = (float)(l->force_y[i] / total);
    }
    attract_all(l, early ? exaggeration : 1);
    float momentum = early ? 0.5f : 0.8f;
    move_axis(l->n, l->x, l->force_x, l->step_x, l->gain_x, (float)rate, momentum);
    move_axis(l->n, l->y, l->force_y, l->step_y, l->gain_y, (float)rate, momentum);
}

static double deviation(const double *xy, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += xy[2 * i] * xy[2 * i];
    return sqrt(sum / (double)n);
}

/* The points' components, small; points of one place are set apart a little, else no force ever parts them. */
static void begin(layout *l, const double *xy)
{
    double spread = deviation(xy, l->n), scale = spread > 0 ? 1e-4 / spread : 0;
    for (int64_t i = 0; i < l->room; i++) {
        bool point = i < l->n;
        l->x[i] = point ? (float)(scale * xy[2 * i] + 1e-6 * sin(12.9898 * (double)i)) : 1e18f;
        l->y[i] = point ? (float)(scale * xy[2 * i + 1] + 1e-6 * cos(78.233 * (double)i)) : 1e18f;
        l->gain_x[i] = l->gain_y[i] = 1;
    }
}

static cinch_status create(layout *l, int64_t n)
{
    enum { FIELDS = 8 };
    l->n = n;
    l->room = (n + LANES - 1) / LANES * LANES;
    l->neighbours = n - 1 < MOST_NEIGHBOURS ? (int)(n - 1) : MOST_NEIGHBOURS;
    l->edges = cinch_calloc((size_t)n, (size_t)l->neighbours * sizeof *l->edges);
    l->x = cinch_calloc((size_t)l->room, FIELDS * sizeof *l->x);
    if (!l->edges || !l->x) return CINCH_DEVICE;
    float **field[FIELDS - 1] = { &l->y, &l->force_x, &l->force_y, &l->step_x, &l->step_y, &l->gain_x, &l->gain_y };
    for (int i = 0; i < FIELDS - 1; i++) *field[i] = l->x + (i + 1) * l->room;
    return CINCH_OK;
}

static cinch_status run(layout *l, const volatile int *stop, double *xy)
{
    begin(l, xy);
    for (int i = 0; i < CINCH_TSNE_STEPS; i++) {
        TRY(cinch_stopped(stop));
        step(l, i);
    }
    for (int64_t i = 0; i < l->n; i++) {
        xy[2 * i] = (double)l->x[i];
        xy[2 * i + 1] = (double)l->y[i];
    }
    return CINCH_OK;
}

cinch_status cinch_project_tsne(const float *codes, int64_t n, int64_t k, const volatile int *stop, double *xy)
{
    layout l = { 0 };
    if (n < 4) return CINCH_OK;
    edge *all = cinch_calloc((size_t)n, sizeof *all);
    cinch_status status = all ? create(&l, n) : CINCH_DEVICE;
    if (!status) status = find_neighbours(&l, codes, k, stop, all);
    if (!status) status = run(&l, stop, xy);
    free(all);
    free(l.edges);
    free(l.x);
    return status;
}
