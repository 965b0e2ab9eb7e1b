/* SPDX-License-Identifier: Apache-2.0 */
/* How accurate the formulas are: floats of all sizes, special ones too, against doubles, on every kernel set. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"

enum { BATCH = 1 << 16, STRIDE = 2039 /* prime: one float of so many, of either sign, with all exponents */ };

static double ref_sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double ref_softplus(double x) { return (x > 0 ? x : 0) + log1p(exp(-fabs(x))); }
static double ref_silu(double x) { return x * ref_sigmoid(x); }
static double ref_gelu_erf(double x) { return x * 0.5 * erfc(-x * M_SQRT1_2); }
static double ref_gelu_tanh(double x) { return x * ref_sigmoid(2 * sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)); }
static double ref_elu(double x) { return x > 0 ? x : expm1(x); }
static double ref_softsign(double x) { return isinf(x) ? NAN : x / (1 + fabs(x)); }
static double ref_relu(double x) { return x < 0 ? 0 : x; }
static double ref_square(double x) { return x * x; }
static double ref_reciprocal(double x) { return 1 / x; }
static double ref_rsqrt(double x) { return 1 / sqrt(x); }
static double ref_sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }
static double ref_is_finite(double x) { return isfinite(x) ? 1 : 0; }
static double ref_neg(double x) { return -x; }

/* Errors up to `ulp` units in the last place, or up to `absolute` where the definition cancels or passes subnormals. */
typedef struct formula {
    const char *name;
    cinch_op op;
    double (*reference)(double);
    double ulp, absolute;
    double limit; /* |x| beyond this is only asked to stay within [-1, 1] */
} formula;

#define ROW(name, reference, ulp, absolute) {#name, CINCH_OP_##name, reference, ulp, absolute, INFINITY}
static const formula formulas[] = {
    ROW(exp, exp, 2, 0),
    ROW(log, log, 2, 0),
    ROW(tanh, tanh, 2, 0),
    ROW(erf, erf, 2, 0),
    {"sin", CINCH_OP_sin, sin, 2, 0, 0x1p28},
    {"cos", CINCH_OP_cos, cos, 2, 0, 0x1p28},
    ROW(sqrt, sqrt, 0.51, 0),
    ROW(rsqrt, ref_rsqrt, 1.51, 0),
    ROW(reciprocal, ref_reciprocal, 0.51, 0),
    ROW(neg, ref_neg, 0, 0),
    ROW(abs, fabs, 0, 0),
    ROW(sign, ref_sign, 0, 0),
    ROW(square, ref_square, 0.51, 0),
    ROW(is_finite, ref_is_finite, 0, 0),
    ROW(relu, ref_relu, 0, 0),
    ROW(sigmoid, ref_sigmoid, 3, 0),
    ROW(softplus, ref_softplus, 3.5, 0),
    ROW(softsign, ref_softsign, 1.51, 0),
    ROW(silu, ref_silu, 4, 1e-36),
    ROW(elu, ref_elu, 2, 0),
    ROW(gelu_erf, ref_gelu_erf, 4, 2e-7),
    ROW(gelu_tanh, ref_gelu_tanh, 4, 2e-7),
};

static float from_bits(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* The distance in units of the last place of `want`; subnormal numbers have the unit of the smallest normal one. */
static double distance(float got, double want)
{
    int exponent;
    if (isnan(want) || isnan(got)) return isnan(want) && isnan(got) ? 0 : INFINITY;
    if (isinf((float)want) || isinf(got)) return (float)want == got ? 0 : INFINITY;
    frexp(fabs(want) < 0x1p-126 ? 0x1p-126 : want, &exponent);
    return fabs((double)got - want) / ldexp(1, exponent - 24);
}

static void run(cinch_backend *b, cinch_op op, int n_in, float *const in[2], float *out, int64_t n)
{
    cinch_tensor t[2] = {{in[0], {n}, 1, CINCH_F32}, {in[1], {n}, 1, CINCH_F32}}, y = {out, {n}, 1, CINCH_F32};
    cinch_attr attr = {.scalars = {{1, 0}}}; /* elu's alpha */
    cinch_call c = {.op = op, .attr = &attr, .n_in = n_in, .n_out = 1, .in = t, .out = &y};
    cr_assert_eq(b->kernels[op].run(b, &c), CINCH_OK);
}

static void check(const formula *f, const char *isa, float x, float got)
{
    double want = f->reference((double)x), d = distance(got, want);
    if (fabs((double)x) > f->limit && !isinf(x)) {
        cr_assert(got >= -1 && got <= 1, "%s: %s(%a) is %g", isa, f->name, (double)x, (double)got);
        return;
    }
    if (d <= f->ulp || fabs((double)got - want) <= f->absolute) return;
    cr_assert_fail("%s: %s(%a) is %a, want %a: off by %.2f ulp, %g allowed", isa, f->name, (double)x, (double)got,
                   want, d, f->ulp);
}

static void sweep(cinch_backend *b, const char *isa, const formula *f)
{
    static float x[BATCH], y[BATCH];
    uint64_t bits = 0;
    while (bits < UINT64_C(1) << 32) {
        int64_t n = 0;
        for (; n < BATCH && bits < UINT64_C(1) << 32; bits += STRIDE) x[n++] = from_bits((uint32_t)bits);
        run(b, f->op, 1, (float *[]){x, NULL}, y, n);
        for (int64_t i = 0; i < n; i++) check(f, isa, x[i], y[i]);
    }
}

static void specials(cinch_backend *b, const char *isa, const formula *f)
{
    float x[] = {0, -0.0f, 1, -1, INFINITY, -INFINITY, NAN, -NAN, 0x1p-149f, -0x1p-149f, 0x1p-126f,
                 3.4028235e38f, -3.4028235e38f, 88.72283f, 88.72284f, -87.33655f, -103.97208f, -104,
                 0.34657359f, 0.54999f, 0.55001f, 1.0000001f};
    float y[sizeof x / sizeof *x];
    int n = sizeof x / sizeof *x;
    run(b, f->op, 1, (float *[]){x, NULL}, y, n);
    for (int i = 0; i < n; i++) check(f, isa, x[i], y[i]);
}

Test(cpu_formula, one_operand)
{
    for (int i = 0; i < BACKENDS_ISAS; i++) {
        cinch_backend *b = backends_cpu(backends_isas[i], 1);
        if (!b) continue;
        for (size_t k = 0; k < sizeof formulas / sizeof *formulas; k++) {
            specials(b, backends_isas[i], &formulas[k]);
            sweep(b, backends_isas[i], &formulas[k]);
        }
        backends_close(b);
    }
}

/* --- pow ---------------------------------------------------------------------------------------------------------- */

static uint64_t random_state = 88172645463325252u;

static uint32_t random_bits(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32);
}

static void check_powers(cinch_backend *b, const char *isa, float *x, float *y, int64_t n)
{
    static float z[BATCH];
    run(b, CINCH_OP_pow, 2, (float *[]){x, y}, z, n);
    for (int64_t i = 0; i < n; i++) {
        double d = distance(z[i], pow((double)x[i], (double)y[i]));
        cr_assert(d <= 2, "%s: pow(%a, %a) is %a: off by %.2f ulp", isa, (double)x[i], (double)y[i], (double)z[i], d);
    }
}

/* Bases of all sizes, exponents that keep the result in range. */
static void random_powers(float *x, float *y)
{
    for (int64_t i = 0; i < BATCH; i++) {
        x[i] = i & 1 ? from_bits(random_bits() & 0x7FFFFFFF) : 1 + (float)(int32_t)random_bits() * 0x1p-32f;
        y[i] = i & 2 ? from_bits(random_bits()) : (float)(int32_t)random_bits() * 0x1p-26f;
        if (isnan(x[i]) || isnan(y[i])) x[i] = y[i] = 2;
    }
}

static void special_powers(cinch_backend *b, const char *isa)
{
    static const float values[] = {0, 1, 2, 0.5f, INFINITY, NAN, 0x1p-149f, 3.4028235e38f, 0.99999994f};
    float x[2 * 81], y[2 * 81];
    int n = 0;
    for (int i = 0; i < 81; i++)
        for (int sign = -1; sign <= 1; sign += 2) {
            x[n] = values[i / 9];
            y[n++] = (float)sign * values[i % 9];
        }
    check_powers(b, isa, x, y, n);
}

Test(cpu_formula, pow)
{
    static float x[BATCH], y[BATCH];
    for (int i = 0; i < BACKENDS_ISAS; i++) {
        cinch_backend *b = backends_cpu(backends_isas[i], 1);
        if (!b) continue;
        special_powers(b, backends_isas[i]);
        for (int round = 0; round < 8; round++) {
            random_powers(x, y);
            check_powers(b, backends_isas[i], x, y, BATCH);
        }
        backends_close(b);
    }
}

/* --- limits of the losses ----------------------------------------------------------------------------------------- */

Test(cpu_formula, bce_floors_its_logarithms)
{
    float p[] = {0, 1, 0, 1, 0.5f, 1e-30f}, t[] = {0, 1, 1, 0, 0.5f, 0}, y[6];
    float want[] = {0, 0, 100, 100, 0.6931472f, 1e-30f};
    for (int i = 0; i < BACKENDS_ISAS; i++) {
        cinch_backend *b = backends_cpu(backends_isas[i], 1);
        if (!b) continue;
        run(b, CINCH_OP_bce, 2, (float *[]){p, t}, y, 6);
        for (int k = 0; k < 6; k++)
            cr_assert_float_eq(y[k], want[k], want[k] * 2e-7f, "%s: bce(%g, %g) is %g", backends_isas[i], (double)p[k],
                               (double)t[k], (double)y[k]);
        backends_close(b);
    }
}
