/* SPDX-License-Identifier: Apache-2.0 */
/* Products large enough to be cut into many blocks, along every side: some of their elements against double precision,
   and the same bytes for 1, 2 and 3 threads. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"

typedef struct shape {
    int64_t batch, m, n, k;
    int ta, tb;
} shape;

static const shape shapes[] = {
    {1, 64, 512, 784, 0, 1},  {1, 64, 784, 512, 0, 0},   {1, 512, 784, 64, 1, 0}, {1, 65, 1000, 2100, 0, 1},
    {1, 40, 1100, 3000, 0, 0}, {1, 700, 600, 500, 0, 1}, {1, 700, 601, 500, 1, 0}, {1, 513, 257, 1500, 1, 1},
    {1, 1, 3000, 1000, 0, 1}, {1, 3000, 1, 1000, 0, 0},  {1, 1, 1, 100000, 0, 1}, {1, 2000, 2000, 1, 0, 0},
    {1, 300, 5000, 20, 0, 1}, {5, 200, 300, 400, 0, 1},  {40, 70, 60, 50, 0, 0},
};
enum { SHAPES = sizeof shapes / sizeof *shapes, SAMPLES = 300 };

static uint32_t state = 1;

static float number(void)
{
    state = state * 1664525 + 1013904223;
    return (float)(int32_t)state * 0x1p-31f;
}

static float *numbers(int64_t n)
{
    float *x = malloc((size_t)n * sizeof *x);
    cr_assert_not_null(x);
    for (int64_t i = 0; i < n; i++) x[i] = number();
    return x;
}

static void multiply(cinch_backend *b, const shape *s, float *x, float *y, float *bias, float *z)
{
    cinch_tensor in[3] = {{x, {s->batch, s->ta ? s->k : s->m, s->ta ? s->m : s->k}, 3, CINCH_F32},
                          {y, {s->batch, s->tb ? s->n : s->k, s->tb ? s->k : s->n}, 3, CINCH_F32},
                          {bias, {s->n}, 1, CINCH_F32}};
    cinch_tensor out = {z, {s->batch, s->m, s->n}, 3, CINCH_F32};
    cinch_attr attr = {.matmul = {(int8_t)s->ta, (int8_t)s->tb, CINCH_OP_tanh, {0, 0}}};
    cinch_call c = {.op = CINCH_OP_matmul_bias, .attr = &attr, .n_in = 3, .n_out = 1, .in = in, .out = &out};
    size_t scratch = 0, saved = 0;
    cr_assert_eq(b->kernels[c.op].plan(b, &c, &scratch, &saved), CINCH_OK, "%s", cinch_last_error());
    cr_assert_eq(scratch, 0);
    memset(z, 0xFF, (size_t)(s->batch * s->m * s->n) * sizeof *z); /* what is there before must not matter */
    cr_assert_eq(b->kernels[c.op].run(b, &c), CINCH_OK);
}

static double exact(const shape *s, const float *x, const float *y, const float *bias, int64_t at)
{
    int64_t column = at % s->n, row = at / s->n % s->m, matrix = at / s->n / s->m;
    double sum = 0;
    x += matrix * s->m * s->k;
    y += matrix * s->n * s->k;
    for (int64_t i = 0; i < s->k; i++) {
        float left = s->ta ? x[i * s->m + row] : x[row * s->k + i];
        float right = s->tb ? y[column * s->k + i] : y[i * s->n + column];
        sum += (double)left * (double)right;
    }
    return tanh(sum + (double)bias[column]);
}

static void check_elements(const shape *s, const float *x, const float *y, const float *bias, const float *z)
{
    int64_t count = s->batch * s->m * s->n;
    double bound = 1e-6 * (1 + sqrt((double)s->k));
    for (int i = 0; i < SAMPLES; i++) {
        number();
        int64_t at = i < 2 ? i * (count - 1) : (int64_t)(state % (uint64_t)count);
        double want = exact(s, x, y, bias, at);
        cr_assert(fabs((double)z[at] - want) <= bound, "[%lld x %lld x %lld x %lld]: element %lld is %g, want %g",
                  (long long)s->batch, (long long)s->m, (long long)s->n, (long long)s->k, (long long)at,
                  (double)z[at], want);
    }
}

Test(cpu_products, large_shapes)
{
    cinch_backend *b[3];
    for (int i = 0; i < 3; i++) cr_assert_eq(cinch_cpu_open(&b[i], &(cinch_cpu_options){.threads = i + 1}), CINCH_OK);
    for (int i = 0; i < SHAPES; i++) {
        const shape *s = &shapes[i];
        size_t bytes = (size_t)(s->batch * s->m * s->n) * sizeof(float);
        float *x = numbers(s->batch * s->m * s->k), *y = numbers(s->batch * s->n * s->k), *bias = numbers(s->n);
        float *z = malloc(bytes), *again = malloc(bytes);
        multiply(b[0], s, x, y, bias, z);
        check_elements(s, x, y, bias, z);
        for (int t = 1; t < 3; t++) {
            multiply(b[t], s, x, y, bias, again);
            cr_assert_eq(memcmp(z, again, bytes), 0, "shape %d differs on %d threads", i, t + 1);
        }
        free(x), free(y), free(bias), free(z), free(again);
    }
    for (int i = 0; i < 3; i++) b[i]->vtable->close(b[i]);
}
