/* SPDX-License-Identifier: Apache-2.0 */
/* Eigenvalues, and PCA on data whose principal components are known. */
#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"
#include "train/eigen.h"
#include "train/pca.h"

#define OK(call) cr_assert_eq((call), CINCH_OK, "%s: %s", #call, cinch_last_error())

static double uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) * 0x1p-53 - 0.5;
}

/* --- eigenvalues -------------------------------------------------------------------------------------------------- */

static void check_eigen(const double *a, int n)
{
    size_t count = (size_t)n * (size_t)n;
    double *copy = malloc(count * sizeof *copy), *values = malloc((size_t)n * sizeof *values);
    double *vectors = malloc(count * sizeof *vectors), scale = 1e-300;
    memcpy(copy, a, count * sizeof *copy);
    for (size_t i = 0; i < count; i++) scale = fmax(scale, fabs(a[i]));
    OK(cinch_eigen_symmetric(copy, n, values, vectors));
    for (int k = 0; k < n; k++) {
        const double *v = vectors + k * n;
        if (k) cr_assert_leq(values[k], values[k - 1], "descending");
        for (int i = 0; i < n; i++) {
            double y = 0;
            for (int j = 0; j < n; j++) y += a[i * n + j] * v[j];
            cr_assert_lt(fabs(y - values[k] * v[i]), 1e-13 * n * scale, "n %d, vector %d", n, k);
        }
        for (int m = 0; m <= k; m++) {
            double y = 0;
            for (int j = 0; j < n; j++) y += v[j] * vectors[m * n + j];
            cr_assert_lt(fabs(y - (m == k)), 1e-13 * n);
        }
    }
    free(copy);
    free(values);
    free(vectors);
}

Test(pca, eigenvalues)
{
    uint64_t state = 1;
    double *a = calloc(200 * 200, sizeof *a);
    static const int sizes[] = {1, 2, 3, 4, 7, 20, 65, 200};
    for (int s = 0; s < 8; s++) {
        int n = sizes[s];
        for (int i = 0; i < n; i++)
            for (int j = 0; j <= i; j++) a[i * n + j] = a[j * n + i] = uniform(&state);
        check_eigen(a, n);
        for (int i = 0; i < n * n; i++) a[i] = i / n == i % n ? i % n % 3 : 0; /* diagonal, repeated */
        check_eigen(a, n);
        for (int i = 0; i < n * n; i++) a[i] = 1; /* rank one */
        check_eigen(a, n);
        memset(a, 0, (size_t)n * (size_t)n * sizeof *a);
        check_eigen(a, n);
    }
    double bad[] = {1, NAN, NAN, 1}, values[2], vectors[4];
    cr_assert_eq(cinch_eigen_symmetric(bad, 2, values, vectors), CINCH_NUMERIC);
    free(a);
}

Test(pca, orthonormal_rows)
{
    uint64_t state = 3;
    double q[20 * 50];
    for (int i = 0; i < 20; i++) /* dependent rows too */
        for (int j = 0; j < 50; j++)
            q[i * 50 + j] = i % 4 == 3 ? 2 * q[(i - 1) * 50 + j] : i == 6 ? 0 : uniform(&state);
    cinch_orthonormalise(q, 20, 50);
    for (int i = 0; i < 20; i++)
        for (int k = 0; k <= i; k++) {
            double y = 0;
            for (int j = 0; j < 50; j++) y += q[i * 50 + j] * q[k * 50 + j];
            cr_assert_lt(fabs(y - (i == k)), 1e-14);
        }
}

/* --- data --------------------------------------------------------------------------------------------------------- */

/* n samples of d numbers around `mean` that vary along `rank` orthogonal cosines, with variances (rank - r)^2 / 12. */
static float *waves(int64_t n, int64_t d, int rank, double mean)
{
    uint64_t state = 9;
    const double pi = acos(-1);
    float *x = malloc((size_t)(n * d) * sizeof *x);
    double *row = malloc((size_t)d * sizeof *row);
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < d; j++) row[j] = mean;
        for (int r = 0; r < rank; r++) {
            double size = uniform(&state) * (rank - r) * sqrt(2 / (double)d);
            for (int64_t j = 0; j < d; j++) row[j] += size * cos(pi * (r + 1) * ((double)j + 0.5) / (double)d);
        }
        for (int64_t j = 0; j < d; j++) x[i * d + j] = (float)row[j];
    }
    free(row);
    return x;
}

/* What is left of these rows after their k best components, in double: an oracle for small d. */
static double oracle(const float *x, int n, int d, int k)
{
    double *mean = calloc((size_t)d, sizeof *mean), *c = calloc((size_t)d * (size_t)d, sizeof *c), left = 0;
    double *values = malloc((size_t)d * sizeof *values), *vectors = malloc((size_t)d * (size_t)d * sizeof *vectors);
    for (int i = 0; i < n * d; i++) mean[i % d] += (double)x[i] / n;
    for (int i = 0; i < n; i++)
        for (int a = 0; a < d; a++)
            for (int b = 0; b < d; b++)
                c[a * d + b] += ((double)x[i * d + a] - mean[a]) * ((double)x[i * d + b] - mean[b]) / n;
    OK(cinch_eigen_symmetric(c, d, values, vectors));
    for (int i = k; i < d; i++) left += values[i] / d;
    free(mean);
    free(c);
    free(values);
    free(vectors);
    return left;
}

static double error_of(const float *x, int64_t n, int64_t d, int64_t k, const char *note)
{
    cinch_device *device;
    cinch_dataset *data;
    cinch_pca pca;
    double mse;
    OK(cinch_device_open(&device, backends_device(), NULL));
    OK(cinch_dataset_wrap(&data, x, CINCH_F32, n, CINCH_SHAPE(d), NULL, NULL));
    cinch_feed_source rows = {.data = data, .count = n};
    OK(cinch_pca_fit(&pca, device, &rows, k, NULL));
    cr_assert_str_eq(pca.note, note);
    OK(cinch_pca_error(&pca, device, &rows, NULL, &mse));
    cinch_pca_free(&pca);
    cinch_dataset_free(data);
    cinch_device_free(device);
    return mse;
}

Test(pca, small_against_the_definition)
{
    enum { N = 1500, D = 30 };
    uint64_t state = 4;
    float *x = malloc(N * D * sizeof *x);
    for (int i = 0; i < N * D; i++) x[i] = (float)(5 + uniform(&state) * (1 + i % D));
    for (int k = 1; k <= D; k += 7) {
        double mse = error_of(x, N, D, k, "exact"), wanted = oracle(x, N, D, k);
        cr_assert_lt(fabs(mse - wanted), 1e-5 * wanted + 1e-9, "%d components: %g, not %g", k, mse, wanted);
    }
    cr_assert_lt(error_of(x, N, D, D, "exact"), 1e-9);
    cr_assert_lt(error_of(x, N, D, 100, "exact"), 1e-9, "more components than features");
    free(x);
}

/* Subspace iteration with the covariance (up to 4096 features) and without it. The components are known up to what
   the sample's chance correlations turn them; no more than `rank` of them means no error at all. */
Test(pca, many_features)
{
    static const int64_t features[] = {1100, 4500};
    for (int i = 0; i < 2; i++) {
        int64_t d = features[i], n = 300;
        const char *note = i ? "randomised" : "exact";
        float *x = waves(n, d, 6, 2);
        cr_assert_lt(error_of(x, n, d, 6, note), 1e-9);
        double rest = 0, mse = error_of(x, n, d, 4, note);
        for (int r = 4; r < 6; r++) rest += (6 - r) * (6 - r) / 12.0 / (double)d;
        cr_assert(mse < 1.2 * rest && mse > 0.8 * rest, "%g is far from %g", mse, rest);
        free(x);
    }
}

Test(pca, too_large)
{
    static float one;
    cinch_dataset *data;
    cinch_pca pca;
    OK(cinch_dataset_wrap(&data, &one, CINCH_F32, 1, CINCH_SHAPE(1), NULL, NULL));
    cinch_dataset_info *info = (cinch_dataset_info *)(void *)cinch_dataset_describe(data);
    info->sample.dim[0] = 1 << 24; /* nothing is read before the refusal */
    cinch_feed_source rows = {.data = data, .count = 100000};
    cr_assert_eq(cinch_pca_fit(&pca, NULL, &rows, 64, NULL), CINCH_USAGE);
    info->sample.dim[0] = 1;
    cinch_dataset_free(data);
}
