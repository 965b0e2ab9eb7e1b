/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Principal components: the best that a linear code can do, as something to compare with. Up to 4096 features from the
 * covariance of all training rows; beyond, by subspace iteration from random directions, which never writes the
 * covariance down: Halko, Martinsson & Tropp, SIAM Review 53 (2011), algorithm 4.4. Products run on the device in f32,
 * sums over blocks of rows and everything after that in double.
 */
#include "train/pca.h"

#include "core/rng.h"
#include "core/status.h"
#include "train/eigen.h"
#include "train/sweep.h"

#include <cinch/ops.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_ROWS = 1024, DIRECT_FEATURES = 1024, EXACT_FEATURES = 4096, EXACT_TURNS = 200, RANDOM_TURNS = 4 };
static const double most_flops = 2e13;

/* What the passes over the data share. */
typedef struct pass {
    int64_t d, m;          /* features; directions */
    double *sum;           /* [d], [d, d] or [m, d]: where blocks are added up */
    size_t n_sum;
    float *block;          /* [n_sum] */
    float *mean;           /* [d] */
    float *directions;     /* [m, d] */
    double error;          /* sum of squares */
    cinch_device *device;
    const cinch_feed_source *rows;
    const volatile int *stop;
} pass;

/* --- passes over the data ----------------------------------------------------------------------------------------- */

static cinch_value flat(const pass *p, cinch_graph *g, cinch_value x, int64_t n)
{
    return cinch_reshape(g, x, CINCH_SHAPE(n, p->d));
}

static cinch_value centred(const pass *p, cinch_graph *g, cinch_value x, int64_t n)
{
    return cinch_sub(g, flat(p, g, x, n), cinch_input(g, "mean", CINCH_F32, CINCH_SHAPE(p->d)));
}

static cinch_value directions_of(const pass *p, cinch_graph *g)
{
    return cinch_input(g, "directions", CINCH_F32, CINCH_SHAPE(p->m, p->d));
}

static void write_sum(void *user, cinch_graph *g, const cinch_batch *batch, int64_t n)
{
    cinch_output(g, "sum", cinch_sum(g, flat(user, g, batch->x, n), CINCH_AXIS(0), false));
}

static void write_covariance(void *user, cinch_graph *g, const cinch_batch *batch, int64_t n)
{
    cinch_value c = centred(user, g, batch->x, n);
    cinch_output(g, "sum", cinch_matmul(g, c, c, true, false));
}

/* directions * covariance, without the covariance */
static void write_image(void *user, cinch_graph *g, const cinch_batch *batch, int64_t n)
{
    cinch_value c = centred(user, g, batch->x, n), along = cinch_matmul(g, c, directions_of(user, g), false, true);
    cinch_output(g, "sum", cinch_matmul(g, along, c, true, false));
}

/* What is left of the samples beside their parts along the directions. */
static void write_error(void *user, cinch_graph *g, const cinch_batch *batch, int64_t n)
{
    cinch_value c = centred(user, g, batch->x, n), v = directions_of(user, g);
    cinch_value left = cinch_sub(g, c, cinch_matmul(g, cinch_matmul(g, c, v, false, true), v, false, false));
    cinch_output(g, "sum", cinch_sum(g, cinch_square(g, left), CINCH_ALL_AXES, false));
}

static cinch_status give_inputs(void *user, cinch_plan *plan)
{
    const pass *p = user;
    size_t row = (size_t)p->d * sizeof(float);
    if (cinch_plan_has(plan, "mean")) TRY(cinch_plan_write(plan, "mean", p->mean, row));
    if (!cinch_plan_has(plan, "directions")) return CINCH_OK;
    return cinch_plan_write(plan, "directions", p->directions, (size_t)p->m * row);
}

static cinch_status add_block(void *user, cinch_plan *plan, int64_t n)
{
    pass *p = user;
    (void)n;
    TRY(cinch_plan_read(plan, "sum", p->block, p->n_sum * sizeof *p->block));
    for (size_t i = 0; i < p->n_sum; i++) p->sum[i] += (double)p->block[i];
    return CINCH_OK;
}

static cinch_status add_error(void *user, cinch_plan *plan, int64_t n)
{
    float sum;
    (void)n;
    TRY(cinch_plan_read(plan, "sum", &sum, sizeof sum));
    ((pass *)user)->error += (double)sum;
    return CINCH_OK;
}

static cinch_status sweep(pass *p, void (*write)(void *, cinch_graph *, const cinch_batch *, int64_t),
                          cinch_status (*visit)(void *, cinch_plan *, int64_t))
{
    cinch_sweep s = {.device = p->device, .write = write, .prepare = give_inputs, .visit = visit, .user = p,
                     .stop = p->stop};
    return cinch_sweep_run(&s, p->rows, BLOCK_ROWS);
}

/* Adds up a pass's blocks into new memory at p->sum. */
static cinch_status add_up(pass *p, size_t count, void (*write)(void *, cinch_graph *, const cinch_batch *, int64_t))
{
    free(p->sum);
    free(p->block);
    p->n_sum = count;
    p->sum = cinch_calloc(count, sizeof *p->sum);
    p->block = cinch_calloc(count, sizeof *p->block);
    return p->sum && p->block ? sweep(p, write, add_block) : CINCH_DEVICE;
}

/* --- the covariance, up to 4096 features -------------------------------------------------------------------------- */

static cinch_status find_mean(pass *p)
{
    TRY(add_up(p, (size_t)p->d, write_sum));
    for (int64_t i = 0; i < p->d; i++) p->mean[i] = (float)(p->sum[i] / (double)p->rows->count);
    return CINCH_OK;
}

static cinch_status direct(pass *p, double *basis, int64_t k)
{
    size_t d = (size_t)p->d;
    double *values = cinch_calloc(d, sizeof *values), *vectors = cinch_calloc(d * d, sizeof *vectors);
    cinch_status status = values && vectors ? cinch_eigen_symmetric(p->sum, (int)d, values, vectors) : CINCH_DEVICE;
    if (!status) memcpy(basis, vectors, (size_t)k * d * sizeof *basis);
    free(values);
    free(vectors);
    return status;
}

/* --- subspace iteration ------------------------------------------------------------------------------------------- */

typedef struct subspace {
    pass *pass;
    int64_t m;
    double *q, *image;       /* [m, d]: orthonormal rows, and q * covariance */
    double *small, *values, *vectors;  /* [m, m], [m], [m, m] */
    cinch_plan *product;     /* with a covariance in memory; NULL: through the data */
} subspace;

/* The same directions every time. */
static void start_randomly(double *q, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        cinch_philox words = cinch_philox4x32((cinch_philox){{(uint32_t)i, (uint32_t)(i >> 32), 0, 0}}, 0x70636131u, 0);
        double sum = 0;
        for (int k = 0; k < 4; k++) sum += (double)cinch_unit_float(words.v[k]) - 0.5;
        q[i] = sum;
    }
}

static cinch_status multiply(subspace *s)
{
    pass *p = s->pass;
    size_t count = (size_t)(s->m * p->d);
    for (size_t i = 0; i < count; i++) p->directions[i] = (float)s->q[i];
    if (!s->product) {
        TRY(add_up(p, count, write_image));
        memcpy(s->image, p->sum, count * sizeof *s->image);
        return CINCH_OK;
    }
    TRY(cinch_plan_write(s->product, "directions", p->directions, count * sizeof(float)));
    TRY(cinch_plan_run(s->product));
    TRY(cinch_plan_read(s->product, "image", p->directions, count * sizeof(float)));
    for (size_t i = 0; i < count; i++) s->image[i] = (double)p->directions[i];
    return CINCH_OK;
}

static double dot(const double *x, const double *y, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i] * y[i];
    return sum;
}

/* Rayleigh-Ritz: the eigenvalues of the covariance within the subspace; the sum of the largest k. */
static cinch_status ritz(subspace *s, int64_t k, double *energy)
{
    int64_t d = s->pass->d, m = s->m;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j <= i; j++) s->small[i * m + j] = dot(s->image + i * d, s->q + j * d, d);
    TRY(cinch_eigen_symmetric(s->small, (int)m, s->values, s->vectors));
    *energy = 0;
    for (int64_t i = 0; i < k; i++) *energy += s->values[i];
    return CINCH_OK;
}

/* The k best directions within the subspace. */
static void take_basis(const subspace *s, double *basis, int64_t k)
{
    int64_t d = s->pass->d, m = s->m;
    memset(basis, 0, (size_t)(k * d) * sizeof *basis);
    for (int64_t i = 0; i < k; i++)
        for (int64_t j = 0; j < m; j++)
            for (int64_t c = 0; c < d; c++) basis[i * d + c] += s->vectors[i * m + j] * s->q[j * d + c];
}

static cinch_status iterate(subspace *s, double *basis, int64_t k, int turns)
{
    double energy, before = 0;
    start_randomly(s->q, s->m * s->pass->d);
    cinch_orthonormalise(s->q, (int)s->m, (int)s->pass->d);
    for (int turn = 0;; turn++) {
        TRY(cinch_stopped(s->pass->stop));
        TRY(multiply(s));
        TRY(ritz(s, k, &energy));
        if (turn + 1 >= turns || fabs(energy - before) <= 1e-8 * fabs(energy)) break;
        before = energy;
        memcpy(s->q, s->image, (size_t)(s->m * s->pass->d) * sizeof *s->q);
        cinch_orthonormalise(s->q, (int)s->m, (int)s->pass->d);
    }
    take_basis(s, basis, k);
    return CINCH_OK;
}

static cinch_status subspace_iteration(pass *p, cinch_plan *product, double *basis, int64_t k, int turns)
{
    size_t m = (size_t)p->m, d = (size_t)p->d;
    subspace s = {.pass = p, .m = p->m, .product = product};
    s.q = cinch_calloc(m * d, sizeof *s.q);
    s.image = cinch_calloc(m * d, sizeof *s.image);
    s.small = cinch_calloc(m * m, sizeof *s.small);
    s.values = cinch_calloc(m, sizeof *s.values);
    s.vectors = cinch_calloc(m * m, sizeof *s.vectors);
    bool there = s.q && s.image && s.small && s.values && s.vectors;
    cinch_status status = there ? iterate(&s, basis, k, turns) : CINCH_DEVICE;
    free(s.q);
    free(s.image);
    free(s.small);
    free(s.values);
    free(s.vectors);
    return status;
}

/* A plan that multiplies directions with the covariance at p->sum. */
static cinch_status plan_product(pass *p, cinch_plan **plan)
{
    cinch_graph *g;
    TRY(cinch_graph_create(&g));
    cinch_value c = cinch_input(g, "covariance", CINCH_F32, CINCH_SHAPE(p->d, p->d));
    cinch_output(g, "image", cinch_matmul(g, directions_of(p, g), c, false, false));
    cinch_status status = cinch_plan_create(plan, g, p->device, NULL, NULL);
    cinch_graph_free(g);
    TRY(status);
    for (size_t i = 0; i < p->n_sum; i++) p->block[i] = (float)(p->sum[i] / (double)p->rows->count);
    return cinch_plan_write(*plan, "covariance", p->block, p->n_sum * sizeof *p->block);
}

static cinch_status by_covariance(pass *p, double *basis, int64_t k)
{
    cinch_plan *product = NULL;
    TRY(add_up(p, (size_t)(p->d * p->d), write_covariance));
    if (p->d <= DIRECT_FEATURES || p->m == p->d) return direct(p, basis, k);
    cinch_status status = plan_product(p, &product);
    if (!status) status = subspace_iteration(p, product, basis, k, EXACT_TURNS);
    cinch_plan_free(product);
    return status;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static cinch_status find_basis(pass *p, cinch_pca *pca)
{
    TRY(find_mean(p));
    cinch_status status;
    if (p->d <= EXACT_FEATURES) status = by_covariance(p, pca->basis, pca->k);
    else status = subspace_iteration(p, NULL, pca->basis, pca->k, RANDOM_TURNS);
    pca->note = p->d <= EXACT_FEATURES ? "exact" : "randomised";
    memcpy(pca->mean, p->mean, (size_t)p->d * sizeof *p->mean);
    return status;
}

static void free_pass(pass *p)
{
    free(p->sum);
    free(p->block);
    free(p->mean);
    free(p->directions);
}

cinch_status cinch_pca_fit(cinch_pca *pca, cinch_device *device, const cinch_feed_source *rows, int64_t k,
                           const volatile int *stop)
{
    int64_t d = cinch_shape_count(cinch_dataset_describe(rows->data)->sample);
    *pca = (cinch_pca){.d = d, .k = least(k, d)};
    int64_t m = least(d, pca->k + (pca->k > 64 ? pca->k / 4 : 16));
    double flops = 4.0 * RANDOM_TURNS * (double)rows->count * (double)d * (double)m;
    if (d > EXACT_FEATURES && flops > most_flops)
        return cinch_fail(CINCH_USAGE, "%" PRId64 " samples of %" PRId64 " numbers are too many for PCA here",
                          rows->count, d);
    pass p = {.d = d, .m = m, .device = device, .rows = rows, .stop = stop};
    p.mean = cinch_calloc((size_t)d, sizeof *p.mean);
    p.directions = cinch_calloc((size_t)(m * d), sizeof *p.directions);
    pca->mean = cinch_calloc((size_t)d, sizeof *pca->mean);
    pca->basis = cinch_calloc((size_t)(pca->k * d), sizeof *pca->basis);
    bool there = p.mean && p.directions && pca->mean && pca->basis;
    cinch_status status = there ? find_basis(&p, pca) : CINCH_DEVICE;
    free_pass(&p);
    if (status) cinch_pca_free(pca);
    return status;
}

void cinch_pca_free(cinch_pca *pca)
{
    free(pca->mean);
    free(pca->basis);
    *pca = (cinch_pca){0};
}

cinch_status cinch_pca_error(const cinch_pca *pca, cinch_device *device, const cinch_feed_source *rows,
                             const volatile int *stop, double *mse)
{
    size_t count = (size_t)(pca->k * pca->d);
    pass p = {.d = pca->d, .m = pca->k, .mean = pca->mean, .device = device, .rows = rows, .stop = stop};
    p.directions = cinch_calloc(count, sizeof *p.directions);
    if (!p.directions) return CINCH_DEVICE;
    for (size_t i = 0; i < count; i++) p.directions[i] = (float)pca->basis[i];
    cinch_status status = sweep(&p, write_error, add_error);
    free(p.directions);
    *mse = p.error / ((double)rows->count * (double)pca->d);
    return status;
}
