/* SPDX-License-Identifier: Apache-2.0 */
/* Samples and paths between samples: codes that no data gave, decoded. */
#include "train/run.h"

#include "core/status.h"
#include "train/sweep.h"

#include <cinch/ops.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int64_t code_count(const cinch_run *r) { return cinch_shape_count(cinch_model_code_shape(r->model)); }

/* --- a Gaussian fitted to the training codes ---------------------------------------------------------------------- */

typedef struct moments {
    cinch_run *run;
    int64_t k;
    double *sum, *square;   /* [k], [k, k] */
    float *block;           /* [k, k] */
} moments;

static void write_moments(void *user, cinch_graph *g, const cinch_batch *batch, int64_t n)
{
    const moments *m = user;
    cinch_value code = cinch_model_encode(m->run->model, g, m->run->params, batch, CINCH_EVALUATE).mean;
    code = cinch_reshape(g, code, CINCH_SHAPE(n, m->k));
    cinch_output(g, "sum", cinch_sum(g, code, CINCH_AXIS(0), false));
    cinch_output(g, "square", cinch_matmul(g, code, code, true, false));
}

static cinch_status add_moments(void *user, cinch_plan *plan, int64_t n)
{
    moments *m = user;
    size_t k = (size_t)m->k;
    (void)n;
    TRY(cinch_plan_read(plan, "sum", m->block, k * sizeof *m->block));
    for (size_t i = 0; i < k; i++) m->sum[i] += (double)m->block[i];
    TRY(cinch_plan_read(plan, "square", m->block, k * k * sizeof *m->block));
    for (size_t i = 0; i < k * k; i++) m->square[i] += (double)m->block[i];
    return CINCH_OK;
}

static cinch_status sweep_codes(moments *m, int64_t *n)
{
    cinch_run *r = m->run;
    cinch_feed_source rows;
    TRY(cinch_run_training_rows(r, &rows));
    rows.target = NULL;
    TRY(cinch_run_labels(r, rows.data, &rows.labels));
    cinch_sweep sweep = {.device = r->device, .params = r->params, .precision = r->precision, .write = write_moments,
                         .visit = add_moments, .user = m, .stop = r->stop};
    *n = rows.count;
    return cinch_sweep_run(&sweep, &rows, r->batch_size);
}

/* The lower triangle of `a` [k, k] becomes its Cholesky factor; directions without spread get none. */
static void factorise(double *a, int64_t k)
{
    for (int64_t j = 0; j < k; j++) {
        double *row = a + j * k, pivot = row[j];
        for (int64_t c = 0; c < j; c++) pivot -= row[c] * row[c];
        double root = pivot > 1e-12 ? sqrt(pivot) : 0;
        for (int64_t i = j + 1; i < k; i++) {
            double *below = a + i * k, x = below[j];
            for (int64_t c = 0; c < j; c++) x -= below[c] * row[c];
            below[j] = root > 0 ? x / root : 0;
        }
        row[j] = root;
    }
}

static bool all_finite(const double *x, int64_t n)
{
    bool finite = true;
    for (int64_t i = 0; i < n; i++) finite = finite && isfinite(x[i]);
    return finite;
}

/* Sums of codes to their mean and covariance. */
static cinch_status finish(moments *m, int64_t n)
{
    int64_t k = m->k;
    for (int64_t i = 0; i < k; i++) m->sum[i] /= (double)n;
    for (int64_t i = 0; i < k * k; i++) m->square[i] = m->square[i] / (double)n - m->sum[i / k] * m->sum[i % k];
    if (all_finite(m->sum, k) && all_finite(m->square, k * k)) return CINCH_OK;
    return cinch_fail(CINCH_DATA, "%s: the codes of the training part are not finite, and no Gaussian fits them: the "
                      "data holds nan or inf, or the weights do; repair the data and train anew", m->run->folder.path);
}

static cinch_status fit(cinch_run *r)
{
    int64_t k = code_count(r), n = 0;
    moments m = {.run = r, .k = k, .sum = cinch_calloc((size_t)k, sizeof *m.sum),
                 .square = cinch_calloc((size_t)(k * k), sizeof *m.square),
                 .block = cinch_calloc((size_t)(k * k), sizeof *m.block)};
    cinch_status status = m.sum && m.square && m.block ? sweep_codes(&m, &n) : CINCH_DEVICE;
    if (!status) status = finish(&m, n);
    free(m.block);
    if (status) {
        free(m.sum);
        free(m.square);
        return status;
    }
    factorise(m.square, k);
    r->code_mean = m.sum;
    r->code_factor = m.square;
    return CINCH_OK;
}

/* --- drawing ------------------------------------------------------------------------------------------------------ */

/* n codes of independent standard normal numbers, the same on every device. */
static cinch_status draw_normal(cinch_run *r, const cinch_sampling *s, int64_t n, float *code)
{
    cinch_graph *g;
    cinch_plan *plan;
    TRY(cinch_graph_create(&g));
    cinch_scope_push(g, "sample");
    cinch_output(g, "z", cinch_normal(g, CINCH_SHAPE(n, code_count(r)), 0, 1));
    cinch_scope_pop(g);
    cinch_status status = cinch_plan_create(&plan, g, r->device, NULL, NULL);
    cinch_graph_free(g);
    if (status) return status;
    cinch_plan_position(plan, s->seed, 0, s->first);
    status = cinch_plan_run(plan);
    if (!status) status = cinch_plan_read(plan, "z", code, (size_t)(n * code_count(r)) * sizeof *code);
    cinch_plan_free(plan);
    return status;
}

cinch_status cinch_run_draw_posterior(cinch_run *r, const cinch_sampling *s, const float *mean, const float *logvar,
                                      int64_t n, float *code)
{
    if (!cinch_model_is_variational(r->model))
        return cinch_fail(CINCH_USAGE, "%s: model %s has no posterior to draw from", r->folder.path,
                          cinch_model_name(r->model));
    TRY(draw_normal(r, s, n, code));
    for (int64_t i = 0; i < n * code_count(r); i++) code[i] = mean[i] + expf(0.5f * logvar[i]) * code[i];
    return CINCH_OK;
}

/* A code of standard normal numbers to one of the fitted Gaussian, in place: from the last number on, for each needs
   only those before it. */
static void colour(const cinch_run *r, float *code, int64_t k)
{
    for (int64_t i = k; i-- > 0;) {
        double x = r->code_mean[i];
        for (int64_t c = 0; c <= i; c++) x += r->code_factor[i * k + c] * (double)code[c];
        code[i] = (float)x;
    }
}

static cinch_status check_sampler(const cinch_run *r, const cinch_sampling *s)
{
    int32_t classes = cinch_model_classes(r->model);
    if (s->sampler == CINCH_SAMPLER_PRIOR && !cinch_model_is_variational(r->model))
        return cinch_fail(CINCH_USAGE, "%s: model %s has no prior to sample from; take the sampler gaussian",
                          r->folder.path, cinch_model_name(r->model));
    if (classes && s->label >= classes)
        return cinch_fail(CINCH_USAGE, "label %d: the model knows 0 to %d", s->label, classes - 1);
    if (s->label < 0 || classes) return CINCH_OK;
    return cinch_fail(CINCH_USAGE, "label %d: the model is not conditional; train with --condition label", s->label);
}

/* A label asked for, or all of them in turn. */
static cinch_status write_labels(const cinch_run *r, const cinch_sampling *s, int64_t n, int32_t **label)
{
    int32_t classes = cinch_model_classes(r->model);
    *label = classes ? cinch_calloc((size_t)n, sizeof **label) : NULL;
    if (classes && !*label) return CINCH_DEVICE;
    for (int64_t i = 0; *label && i < n; i++)
        (*label)[i] = s->label >= 0 ? s->label : (int32_t)((s->first + i) % classes);
    return CINCH_OK;
}

cinch_status cinch_run_draw_codes(cinch_run *r, const cinch_sampling *s, int64_t n, float *code)
{
    int64_t k = code_count(r);
    bool prior = s->sampler == CINCH_SAMPLER_PRIOR ||
                 (s->sampler == CINCH_SAMPLER_AUTO && cinch_model_is_variational(r->model));
    TRY(check_sampler(r, s));
    TRY(draw_normal(r, s, n, code));
    if (prior) return CINCH_OK;
    if (!r->code_mean) TRY(fit(r));
    for (int64_t i = 0; i < n; i++) colour(r, code + i * k, k);
    return CINCH_OK;
}

cinch_status cinch_run_sample(cinch_run *r, const cinch_sampling *s, int64_t n, float *x)
{
    int32_t *label;
    if (n < 1) return cinch_fail(CINCH_USAGE, "%lld samples: ask for at least 1", (long long)n);
    float *code = cinch_calloc((size_t)n, (size_t)code_count(r) * sizeof *code);
    if (!code) return CINCH_DEVICE;
    cinch_status status = cinch_run_draw_codes(r, s, n, code);
    if (!status) status = write_labels(r, s, n, &label);
    if (!status) {
        status = cinch_run_decode(r, code, label, n, x);
        free(label);
    }
    free(code);
    return status;
}

/* --- paths between two codes -------------------------------------------------------------------------------------- */

static double dot(const float *a, const float *b, int64_t k)
{
    double sum = 0;
    for (int64_t i = 0; i < k; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

/* Weights of the ends at `t` in [0, 1]. Along a great circle the length stays that of Gaussian codes: Shoemake 1985. */
static void weigh(cinch_path path, double angle, double t, double weight[2])
{
    bool straight = path == CINCH_PATH_LINEAR || sin(angle) < 1e-6;
    weight[0] = straight ? 1 - t : sin((1 - t) * angle) / sin(angle);
    weight[1] = straight ? t : sin(t * angle) / sin(angle);
}

static void walk(cinch_path path, const float *ends, int64_t k, int64_t points, float *code)
{
    const float *from = ends, *to = ends + k;
    double size = sqrt(dot(from, from, k) * dot(to, to, k)), cosine = size > 0 ? dot(from, to, k) / size : 1;
    double angle = acos(cosine > 1 ? 1 : cosine < -1 ? -1 : cosine), weight[2];
    for (int64_t p = 0; p < points; p++) {
        weigh(path, angle, (double)p / (double)(points - 1), weight);
        for (int64_t i = 0; i < k; i++)
            code[p * k + i] = (float)(weight[0] * (double)from[i] + weight[1] * (double)to[i]);
    }
}

static cinch_status decode_path(cinch_run *r, const float *ends, const int32_t *label, cinch_path path, int64_t points,
                                float *y)
{
    int64_t k = code_count(r);
    float *code = cinch_calloc((size_t)points, (size_t)k * sizeof *code);
    int32_t *labels = cinch_calloc((size_t)points, sizeof *labels);
    cinch_status status = code && labels ? CINCH_OK : CINCH_DEVICE;
    for (int64_t p = 0; !status && label && p < points; p++) labels[p] = label[0];
    if (!status) walk(path, ends, k, points, code);
    if (!status) status = cinch_run_decode(r, code, label ? labels : NULL, points, y);
    free(code);
    free(labels);
    return status;
}

cinch_status cinch_run_interpolate(cinch_run *r, const float *x, const int32_t *label, cinch_path path, int64_t points,
                                   float *y)
{
    if (points < 2) return cinch_fail(CINCH_USAGE, "%lld points: a path has at least 2", (long long)points);
    float *ends = cinch_calloc((size_t)(2 * code_count(r)), sizeof *ends);
    if (!ends) return CINCH_DEVICE;
    cinch_status status = cinch_run_encode(r, x, label, 2, ends, NULL);
    if (!status) status = decode_path(r, ends, label, path, points, y);
    free(ends);
    return status;
}
