/* SPDX-License-Identifier: Apache-2.0 */
/* Principal components against a definition, and what t-SNE must keep. */
#include "report/projection.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double uniform(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return (double)(*state >> 8) / (1 << 24) - 0.5;
}

/* n codes [n, k] in `groups` clouds around corners of a cube; code i belongs to group i % groups. */
static float *clouds(int64_t n, int64_t k, int groups, double apart)
{
    uint32_t state = 7;
    float *codes = malloc((size_t)(n * k) * sizeof *codes);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < k; j++) codes[i * k + j] = (float)(uniform(&state) + (i % groups == j ? apart : 0));
    return codes;
}

/* --- components --------------------------------------------------------------------------------------------------- */

Test(report_projection, components_of_known_spread)
{
    enum { N = 400, K = 5 };
    static const double spread[K] = { 0.1, 4, 0.5, 2, 1 };
    static const int order[] = { 1, 3, 4, 2 };
    uint32_t state = 3;
    float codes[N * K];
    cinch_components c;
    for (int i = 0; i < N; i++) /* in pairs around 10, so that the mean is exact */
        for (int j = 0; j < K; j++)
            codes[i * K + j] = i % 2 ? 20 - codes[(i - 1) * K + j] : (float)(10 + spread[j] * uniform(&state));
    cr_assert_eq(cinch_components_find(&c, codes, N, K, 4), CINCH_OK);
    double total = 0, variance[K] = { 0 };
    for (int i = 0; i < N; i++)
        for (int j = 0; j < K; j++) variance[j] += pow((double)codes[i * K + j] - 10, 2) / N;
    for (int j = 0; j < K; j++) total += variance[j];
    for (int m = 0; m < 4; m++) {
        cr_expect_gt(fabs(c.direction[m * K + order[m]]), 0.98, "component %d lies along axis %d", m, order[m]);
        cr_expect_float_eq(c.deviation[m], sqrt(variance[order[m]]), 0.05 * c.deviation[m]);
        cr_expect_float_eq(c.share[m], variance[order[m]] / total, 0.02);
        for (int l = 0; l <= m; l++) {
            double dot = 0;
            for (int j = 0; j < K; j++) dot += c.direction[m * K + j] * c.direction[l * K + j];
            cr_expect_float_eq(dot, l == m, 1e-9, "orthonormal");
        }
    }
    double xy[2 * N], sum = 0;
    cinch_components_project(&c, codes, N, xy);
    for (int i = 0; i < N; i++) {
        double along = 0;
        for (int j = 0; j < K; j++) along += ((double)codes[i * K + j] - c.mean[j]) * c.direction[K + j];
        cr_expect_float_eq(xy[2 * i + 1], along, 1e-9);
        sum += xy[2 * i];
    }
    cr_expect_float_eq(sum, 0, 1e-6);
    cinch_components_free(&c);
}

Test(report_projection, components_that_are_not_there)
{
    static const struct {
        int64_t n, k;
        int found;
    } cases[] = { { 1, 4, 0 }, { 2, 4, 1 }, { 50, 1, 1 }, { 50, 3, 3 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cinch_components c;
        float *codes = clouds(cases[i].n, cases[i].k, 1, 0);
        double *xy = calloc((size_t)cases[i].n, 2 * sizeof *xy);
        cr_assert_eq(cinch_components_find(&c, codes, cases[i].n, cases[i].k, CINCH_COMPONENTS_MOST), CINCH_OK);
        cinch_components_project(&c, codes, cases[i].n, xy);
        for (int m = 0; m < c.m; m++)
            cr_expect_eq(c.deviation[m] > 1e-6, m < cases[i].found, "[%d, %d], component %d: %g", (int)cases[i].n,
                         (int)cases[i].k, m, c.deviation[m]);
        if (cases[i].k == 1) cr_expect_eq(xy[1], 0);
        cinch_components_free(&c);
        free(codes), free(xy);
    }
}

/* --- t-SNE -------------------------------------------------------------------------------------------------------- */

static double *embedded(const float *codes, int64_t n, int64_t k)
{
    cinch_components c;
    double *xy = calloc((size_t)n, 2 * sizeof *xy);
    cr_assert_eq(cinch_components_find(&c, codes, n, k, 2), CINCH_OK);
    cinch_components_project(&c, codes, n, xy);
    cr_assert_eq(cinch_project_tsne(codes, n, k, NULL, xy), CINCH_OK);
    cinch_components_free(&c);
    return xy;
}

/* Points whose nearest neighbour is of their group. */
static int64_t kept(const double *xy, int64_t n, int groups)
{
    int64_t good = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t best = -1;
        double least = INFINITY;
        for (int64_t j = 0; j < n; j++) {
            double d = hypot(xy[2 * i] - xy[2 * j], xy[2 * i + 1] - xy[2 * j + 1]);
            if (j != i && d < least) least = d, best = j;
        }
        good += best >= 0 && best % groups == i % groups;
    }
    return good;
}

/* Of the groups' centres, the least distance over the largest distance of a point to its own. */
static double separation(const double *xy, int64_t n, int groups)
{
    double centre[16][2] = { { 0 } }, least = INFINITY, widest = 0;
    for (int64_t i = 0; i < 2 * n; i++) centre[i / 2 % groups][i % 2] += xy[i] * groups / (double)n;
    for (int64_t i = 0; i < n; i++)
        widest = fmax(widest, hypot(xy[2 * i] - centre[i % groups][0], xy[2 * i + 1] - centre[i % groups][1]));
    for (int a = 0; a < groups; a++)
        for (int b = 0; b < a; b++)
            least = fmin(least, hypot(centre[a][0] - centre[b][0], centre[a][1] - centre[b][1]));
    return least / widest;
}

Test(report_projection, tsne_keeps_groups_apart)
{
    static const int64_t sizes[] = { 20, 60, 500 };
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int groups = sizes[s] == 20 ? 2 : 5;
        float *codes = clouds(sizes[s], 16, groups, 4);
        double *xy = embedded(codes, sizes[s], 16);
        cr_expect_eq(kept(xy, sizes[s], groups), sizes[s], "%d points", (int)sizes[s]);
        if (sizes[s] == 500) cr_expect_gt(separation(xy, 500, groups), 1, "%g", separation(xy, 500, groups));
        free(codes), free(xy);
    }
}

Test(report_projection, tsne_is_the_same_each_time)
{
    float *codes = clouds(150, 6, 3, 2);
    double *a = embedded(codes, 150, 6), *b = embedded(codes, 150, 6);
    cr_expect_eq(memcmp(a, b, 300 * sizeof *a), 0);
    free(codes), free(a), free(b);
}

Test(report_projection, tsne_of_odd_data_is_finite)
{
    static const int64_t sizes[] = { 0, 1, 3, 4, 5, 17, 92 };
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int same = 0; same < 2; same++) {
            int64_t n = sizes[s];
            float *codes = clouds(n ? n : 1, 3, 1, 0);
            double *xy = calloc((size_t)n + 1, 2 * sizeof *xy);
            if (same) memset(codes, 0, (size_t)n * 3 * sizeof *codes);
            cr_assert_eq(cinch_project_tsne(codes, n, 3, NULL, xy), CINCH_OK);
            for (int64_t i = 0; i < 2 * n; i++)
                cr_expect(isfinite(xy[i]), "%d points, %s", (int)n, same ? "all the same" : "a cloud");
            free(codes), free(xy);
        }
}
