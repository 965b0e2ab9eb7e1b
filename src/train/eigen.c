/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Householder's reduction to tridiagonal form, then implicit QL with Wilkinson's shift: Golub & Van Loan, "Matrix
 * computations", sections 8.3.1 to 8.3.3. Vectors are kept as rows, so that every inner loop runs along memory.
 */
#include "train/eigen.h"

#include "core/status.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static double dot(const double *x, const double *y, int n)
{
    double sum[4] = {0};
    int i = 0;
    for (; i + 4 <= n; i += 4)
        for (int k = 0; k < 4; k++) sum[k] += x[i + k] * y[i + k];
    for (; i < n; i++) sum[0] += x[i] * y[i];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static void add_scaled(double *y, double scale, const double *x, int n)
{
    for (int i = 0; i < n; i++) y[i] += scale * x[i];
}

static void mirror(double *a, int n)
{
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++) a[(size_t)i * n + j] = a[(size_t)j * n + i];
}

/* Makes v [m] the reflector I - beta v v' that sends it to a multiple of the first unit vector; returns beta and puts
   that multiple into *image. */
static double reflector(double *v, int m, double *image)
{
    double norm = sqrt(dot(v, v, m));
    *image = v[0] > 0 ? -norm : norm;
    if (norm == 0) return 0;
    v[0] -= *image;
    return 2 / dot(v, v, m);
}

/* One step: the block of `a` below and right of column k becomes H block H; its reflector stays in row k. */
static void reflect_block(double *a, int n, int k, double beta, double *w)
{
    int m = n - k - 1;
    double *v = a + (size_t)k * n + k + 1;
    for (int i = 0; i < m; i++) w[i] = beta * dot(a + (size_t)(k + 1 + i) * n + k + 1, v, m);
    add_scaled(w, -0.5 * beta * dot(w, v, m), v, m);
    for (int i = 0; i < m; i++) {
        double *row = a + (size_t)(k + 1 + i) * n + k + 1;
        add_scaled(row, -v[i], w, m);
        add_scaled(row, -w[i], v, m);
    }
}

/* a becomes its reflectors (row k, right of the diagonal, weights in beta); diagonal and off[0..n-2] are the
   tridiagonal form. */
static void tridiagonalise(double *a, int n, double *diagonal, double *off, double *beta, double *w)
{
    for (int k = 0; k < n; k++) {
        diagonal[k] = a[(size_t)k * n + k];
        off[k] = beta[k] = 0;
        if (k == n - 1) break;
        double *v = a + (size_t)k * n + k + 1;
        beta[k] = reflector(v, n - k - 1, &off[k]);
        if (beta[k] != 0) reflect_block(a, n, k, beta[k], w);
    }
}

/* Rows of q [n, n] become Q' = H_last ... H_0, so that Q' a Q is tridiagonal. */
static void gather_reflectors(const double *a, int n, const double *beta, double *q, double *w)
{
    memset(q, 0, (size_t)n * n * sizeof *q);
    for (int i = 0; i < n; i++) q[(size_t)i * n + i] = 1;
    for (int k = n - 2; k >= 0; k--) { /* right to left: q <- q H_k acts on columns k+1.. of rows k+1.. only */
        if (beta[k] == 0) continue;
        int m = n - k - 1;
        const double *v = a + (size_t)k * n + k + 1;
        for (int i = k + 1; i < n; i++) {
            double *row = q + (size_t)i * n + k + 1;
            w[i] = beta[k] * dot(row, v, m);
            add_scaled(row, -w[i], v, m);
        }
    }
}

static void rotate_rows(double *x, double *y, double c, double s, int n)
{
    for (int i = 0; i < n; i++) {
        double t = y[i];
        y[i] = s * x[i] + c * t;
        x[i] = c * x[i] - s * t;
    }
}

/* One implicit QL sweep over the unreduced block l..m. */
static void ql_sweep(double *d, double *e, double *q, int n, int l, int m)
{
    double g = (d[l + 1] - d[l]) / (2 * e[l]), r = hypot(g, 1);
    g = d[m] - d[l] + e[l] / (g + copysign(r, g));
    double s = 1, c = 1, p = 0;
    for (int i = m - 1; i >= l; i--) {
        double f = s * e[i], b = c * e[i];
        r = hypot(f, g);
        e[i + 1] = r;
        if (r == 0) { /* the block splits: take the rest next time */
            d[i + 1] -= p;
            e[m] = 0;
            return;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        r = (d[i] - g) * s + 2 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
        rotate_rows(q + (size_t)i * n, q + (size_t)(i + 1) * n, c, s, n);
    }
    d[l] -= p;
    e[l] = g;
    e[m] = 0;
}

/* What rounding makes of a zero. Between eigenvalues that are zero themselves, which a matrix of less than full rank
   has, nothing smaller can be told from it. */
static double noise(const double *d, const double *e, int n)
{
    double largest = 0;
    for (int i = 0; i < n; i++) largest = fmax(largest, fabs(d[i]) + fabs(e[i]));
    return 0x1p-52 * largest;
}

/* End of the unreduced block that starts at l. */
static int block_end(const double *d, const double *e, int n, int l, double zero)
{
    int m = l;
    while (m < n - 1 && fabs(e[m]) > 0x1p-52 * (fabs(d[m]) + fabs(d[m + 1])) && fabs(e[m]) > zero) m++;
    return m;
}

static cinch_status diagonalise(double *d, double *e, double *q, int n)
{
    double zero = noise(d, e, n);
    for (int l = 0; l < n; l++)
        for (int sweep = 0, m; (m = block_end(d, e, n, l, zero)) != l; sweep++) {
            if (sweep == 60) return cinch_fail(CINCH_NUMERIC, "eigenvalues: no convergence after 60 sweeps");
            ql_sweep(d, e, q, n, l, m);
        }
    return CINCH_OK;
}

static void sort_descending(double *values, double *vectors, int n, double *w)
{
    for (int i = 0; i < n; i++) {
        int largest = i;
        for (int j = i + 1; j < n; j++)
            if (values[j] > values[largest]) largest = j;
        if (largest == i) continue;
        double value = values[i], *x = vectors + (size_t)i * n, *y = vectors + (size_t)largest * n;
        values[i] = values[largest];
        values[largest] = value;
        memcpy(w, x, (size_t)n * sizeof *w);
        memcpy(x, y, (size_t)n * sizeof *w);
        memcpy(y, w, (size_t)n * sizeof *w);
    }
}

static bool all_finite(const double *a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(a[i])) return false;
    return true;
}

cinch_status cinch_eigen_symmetric(double *a, int n, double *values, double *vectors)
{
    if (n == 0) return CINCH_OK;
    mirror(a, n);
    if (!all_finite(a, (size_t)n * n)) return cinch_fail(CINCH_NUMERIC, "eigenvalues of a matrix that is not finite");
    double *work = cinch_calloc((size_t)n * 3, sizeof *work);
    if (!work) return CINCH_DEVICE;
    double *off = work, *beta = work + n, *w = work + 2 * (size_t)n;
    tridiagonalise(a, n, values, off, beta, w);
    gather_reflectors(a, n, beta, vectors, w);
    cinch_status status = diagonalise(values, off, vectors, n);
    if (!status) sort_descending(values, vectors, n, w);
    free(work);
    return status;
}

/* Takes from `row` its parts along the rows before it. */
static void project_out(double *q, int row, int n)
{
    double *x = q + (size_t)row * n;
    for (int j = 0; j < row; j++) add_scaled(x, -dot(q + (size_t)j * n, x, n), q + (size_t)j * n, n);
}

void cinch_orthonormalise(double *q, int m, int n)
{
    for (int i = 0; i < m; i++) {
        double *x = q + (size_t)i * n, before = sqrt(dot(x, x, n)), after;
        project_out(q, i, n);
        project_out(q, i, n);
        after = sqrt(dot(x, x, n));
        for (int unit = i; !(after > 1e-10 * before) || after == 0; unit++) { /* dependent: try unit vectors */
            memset(x, 0, (size_t)n * sizeof *x);
            x[unit % n] = before = 1;
            project_out(q, i, n);
            project_out(q, i, n);
            after = sqrt(dot(x, x, n));
            if (after < 0.1 / sqrt((double)n)) after = 0;
        }
        for (int j = 0; j < n; j++) x[j] /= after;
    }
}
