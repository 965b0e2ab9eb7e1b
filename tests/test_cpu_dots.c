/* SPDX-License-Identifier: Apache-2.0 */
/* Products whose rows are invariant: close to double precision, and the same bytes for a row whatever rows are beside
   it, for 1, 2 and 3 threads, in every kernel set that this CPU has. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"

enum { ROWS = 133 };

typedef struct shape {
    int64_t n, k;
    bool bias;
    cinch_op activation;
} shape;

/* Columns and terms beside every size of block, vector, task and depth. */
static const shape shapes[] = {
    {512, 784, true, CINCH_OP_relu}, {784, 512, true, CINCH_OP_sigmoid},  {1, 1, true, CINCH_OP_tanh},
    {3, 2, false, 0},                {16, 16, true, 0},                   {17, 15, true, CINCH_OP_relu},
    {31, 33, false, 0},              {5, 1025, true, 0},                  {129, 64, true, CINCH_OP_gelu_tanh},
    {33, 2048, false, 0},            {130, 2500, true, CINCH_OP_sigmoid}, {19, 100, false, 0},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static uint32_t state = 1;

static float *numbers(int64_t n)
{
    float *x = malloc((size_t)n * sizeof *x);
    cr_assert_not_null(x);
    for (int64_t i = 0; i < n; i++) {
        state = state * 1664525 + 1013904223;
        x[i] = (float)(int32_t)state * 0x1p-31f;
    }
    return x;
}

/* z [m, n] from rows of x; the bytes that were there before must not matter. */
static void multiply(cinch_backend *b, const shape *s, int64_t m, float *x, float *weight, float *bias, float *z)
{
    cinch_tensor in[3] = {{x, {m, s->k}, 2, CINCH_F32}, {weight, {s->n, s->k}, 2, CINCH_F32},
                          {bias, {s->n}, 1, CINCH_F32}};
    cinch_tensor out = {z, {m, s->n}, 2, CINCH_F32};
    cinch_attr attr = {.matmul = {.transpose_b = 1, .activation = s->bias ? (uint16_t)s->activation : 0,
                                  .invariant = 1}};
    cinch_call c = {.op = s->bias ? CINCH_OP_matmul_bias : CINCH_OP_matmul, .attr = &attr, .n_in = s->bias ? 3 : 2,
                    .n_out = 1, .in = in, .out = &out};
    memset(z, 0xFF, (size_t)(m * s->n) * sizeof *z);
    cr_assert_eq(b->kernels[c.op].run(b, &c), CINCH_OK);
}

static double activate(cinch_op op, double x)
{
    switch (op) {
    case CINCH_OP_relu: return x > 0 ? x : 0;
    case CINCH_OP_sigmoid: return 1 / (1 + exp(-x));
    case CINCH_OP_tanh: return tanh(x);
    case CINCH_OP_gelu_tanh: return 0.5 * x * (1 + tanh(sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
    default: return x;
    }
}

static void check_values(const shape *s, const float *x, const float *weight, const float *bias, const float *z)
{
    double bound = 1e-6 * (1 + sqrt((double)s->k));
    for (int64_t r = 0; r < ROWS; r += 11)
        for (int64_t c = 0; c < s->n; c++) {
            double sum = s->bias ? (double)bias[c] : 0;
            for (int64_t i = 0; i < s->k; i++) sum += (double)x[r * s->k + i] * (double)weight[c * s->k + i];
            double want = s->bias ? activate(s->activation, sum) : sum, is = (double)z[r * s->n + c];
            cr_assert(fabs(is - want) <= bound, "[%lld x %lld]: row %lld, column %lld is %g, want %g", (long long)s->n,
                      (long long)s->k, (long long)r, (long long)c, is, want);
        }
}

/* All rows again, a few at a time. */
static void check_alone(cinch_backend *b, const shape *s, float *x, float *weight, float *bias, const float *z)
{
    static const int64_t few[] = {1, 2, 3, 4, 5, 8, 64, 65, 128};
    float *part = malloc((size_t)(ROWS * s->n) * sizeof *part);
    for (size_t i = 0; i < sizeof few / sizeof *few; i++)
        for (int64_t r = 0; r < ROWS; r += few[i]) {
            int64_t m = ROWS - r < few[i] ? ROWS - r : few[i];
            multiply(b, s, m, x + r * s->k, weight, bias, part);
            cr_assert_eq(memcmp(part, z + r * s->n, (size_t)(m * s->n) * sizeof *part), 0,
                         "[%lld x %lld]: %lld rows from %lld differ from the same among %d", (long long)s->n,
                         (long long)s->k, (long long)m, (long long)r, ROWS);
        }
    free(part);
}

static void check_shape(cinch_backend *b[3], const shape *s)
{
    size_t bytes = (size_t)(ROWS * s->n) * sizeof(float);
    float *x = numbers(ROWS * s->k), *weight = numbers(s->n * s->k), *bias = numbers(s->n);
    float *z = malloc(bytes), *again = malloc(bytes);
    multiply(b[0], s, ROWS, x, weight, bias, z);
    check_values(s, x, weight, bias, z);
    check_alone(b[0], s, x, weight, bias, z);
    for (int t = 1; t < 3; t++) {
        multiply(b[t], s, ROWS, x, weight, bias, again);
        cr_assert_eq(memcmp(z, again, bytes), 0, "[%lld x %lld] differs on %d threads", (long long)s->n,
                     (long long)s->k, t + 1);
    }
    free(x), free(weight), free(bias), free(z), free(again);
}

Test(cpu_dots, rows_do_not_depend_on_each_other)
{
    for (int k = 0; k < BACKENDS_ISAS; k++) {
        cinch_backend *b[3];
        for (int t = 0; t < 3; t++) b[t] = backends_cpu(backends_isas[k], t + 1);
        for (int i = 0; b[0] && i < SHAPES; i++) check_shape(b, &shapes[i]);
        for (int t = 0; t < 3; t++) backends_close(b[t]);
    }
}
