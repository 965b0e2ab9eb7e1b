/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every scalar formula, once. Plain inline functions without branches, so that the C compiler vectorises the loops
 * around them and nvcc compiles the same text: `cinch_f_<op>` for every ELEMENTWISE op of ops.def, `cinch_i_<op>` for
 * those that also take i32, and the updates of the optimisers.
 *
 * exp, log, tanh, erf, sin, cos and pow are within 2 ulp of the exact value (sin and cos for |x| <= 2^28, pow for
 * a >= 0; beyond that they stay finite and lose accuracy). Not-a-number goes through, infinities give the limits.
 * The polynomials are minimax fits; CINCH_FMA is one rounding where the instruction set has it, so results differ in
 * the last place between kernel sets, never between threads.
 */
#ifndef CINCH_CORE_FORMULA_H
#define CINCH_CORE_FORMULA_H

#include "core/backend.h"
#include "core/rng.h"

#include <math.h>
#include <stdint.h>

#if defined(__CUDACC__) || defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define CINCH_FMA(a, b, c) fmaf(a, b, c)
#else
#define CINCH_FMA(a, b, c) ((a) * (b) + (c))
#endif

/* --- bits --------------------------------------------------------------------------------------------------------- */

CINCH_HD uint32_t cinch_bits(float x)
{
    union { float f; uint32_t u; } c = {x};
    return c.u;
}

CINCH_HD float cinch_from_bits(uint32_t u)
{
    union { uint32_t u; float f; } c = {u};
    return c.f;
}

CINCH_HD uint64_t cinch_bits64(double x)
{
    union { double f; uint64_t u; } c = {x};
    return c.u;
}

/* 2^n, n in -126..127. */
CINCH_HD float cinch_pow2(int32_t n) { return cinch_from_bits((uint32_t)(n + 127) << 23); }

/* Adding this rounds |x| < 2^22 to the nearest integer, which then stands in the low bits. */
#define CINCH_ROUNDER 0x1.8p23f
#define CINCH_ROUNDER64 0x1.8p52

/* --- exp ---------------------------------------------------------------------------------------------------------- */

/* e^r - 1 for |r| <= ln(2)/2. */
CINCH_HD float cinch_expm1_core(float r)
{
    float p = CINCH_FMA(0x1.6a46d6p-10f, r, 0x1.1239a0p-7f);
    p = CINCH_FMA(p, r, 0x1.5558b6p-5f);
    p = CINCH_FMA(p, r, 0x1.555492p-3f);
    p = CINCH_FMA(p, r, 0x1.fffffcp-2f);
    return CINCH_FMA(p, r * r, r);
}

/* x = n ln(2) + r; gives r. |x| < 2^20. */
CINCH_HD float cinch_exp_split(float x, int32_t *n)
{
    float t = CINCH_FMA(x, 0x1.715476p0f, CINCH_ROUNDER), k = t - CINCH_ROUNDER;
    *n = (int32_t)(cinch_bits(t) - 0x4B400000u);
    return CINCH_FMA(k, -0x1.7F7D1Cp-20f, CINCH_FMA(k, -0x1.62E4p-1f, x)); /* ln(2) in two parts, the first 15 bits */
}

CINCH_HD float cinch_f_exp(float x)
{
    int32_t n;
    x = x > 89 ? 89 : x;
    x = x < -104 ? -104 : x;
    float y = 1 + cinch_expm1_core(cinch_exp_split(x, &n));
    return y * cinch_pow2(n >> 1) * cinch_pow2(n - (n >> 1)); /* in two steps: the ends are beyond one exponent */
}

/* e^x - 1, accurate near 0; x <= 80. */
CINCH_HD float cinch_expm1(float x)
{
    int32_t n;
    x = x < -80 ? -80 : x;
    float y = cinch_expm1_core(cinch_exp_split(x, &n)), scale = cinch_pow2(n);
    return CINCH_FMA(scale, y, scale - 1);
}

/* --- log ---------------------------------------------------------------------------------------------------------- */

/* log(1 + f) + e ln(2) for |f| <= 1/3. */
CINCH_HD float cinch_log_core(float f, float e)
{
    float p = CINCH_FMA(-0x1.07bee0p-3f, f, 0x1.1e72a0p-3f);
    p = CINCH_FMA(p, f, -0x1.f332d0p-4f);
    p = CINCH_FMA(p, f, 0x1.1ed452p-3f);
    p = CINCH_FMA(p, f, -0x1.559c88p-3f);
    p = CINCH_FMA(p, f, 0x1.99d05cp-3f);
    p = CINCH_FMA(p, f, -0x1.fffef8p-3f);
    p = CINCH_FMA(p, f, 0x1.555506p-2f);
    p = CINCH_FMA(p, f, -0.5f);
    p = CINCH_FMA(p, f * f, e * 0x1.7F7D1Cp-20f);
    return CINCH_FMA(e, 0x1.62E4p-1f, f + p);
}

/* x = 2^e (1 + f) with 1 + f in [2/3, 4/3); gives f. x is positive and normal. */
CINCH_HD float cinch_log_split(float x, float *e)
{
    int32_t k = (int32_t)(cinch_bits(x) - 0x3F2AAAABu) >> 23;
    *e = (float)k;
    return cinch_from_bits(cinch_bits(x) - ((uint32_t)k << 23)) - 1;
}

/* y where 0 < x < inf, else the limits of the logarithm. */
CINCH_HD float cinch_log_limits(float x, float y)
{
    y = x > 0 ? y : x == 0 ? -INFINITY : NAN;
    return x < INFINITY ? y : x;
}

CINCH_HD float cinch_f_log(float x)
{
    float e, small = x < 0x1p-126f ? 1.0f : 0.0f;
    float f = cinch_log_split(small != 0 ? x * 0x1p23f : x, &e);
    return cinch_log_limits(x, cinch_log_core(f, e - 23 * small));
}

/* log(1 + x), accurate near 0. */
CINCH_HD float cinch_log1p(float x)
{
    float e, u = 1 + x, f = cinch_log_split(u, &e);
    return cinch_log_limits(u, cinch_log_core(e == 0 ? x : f, e));
}

/* --- sine and cosine ---------------------------------------------------------------------------------------------- */

/* For |r| <= pi/4 and the quadrant q. */
CINCH_HD float cinch_sine_core(float r, uint32_t q)
{
    float z = r * r;
    float s = CINCH_FMA(CINCH_FMA(-0x1.9951fap-13f, z, 0x1.110774p-7f), z, -0x1.555546p-3f);
    float c = CINCH_FMA(CINCH_FMA(0x1.99e816p-16f, z, -0x1.6c0c28p-10f), z, 0x1.55554ap-5f);
    s = CINCH_FMA(s, z * r, r);
    c = CINCH_FMA(c, z * z, CINCH_FMA(z, -0.5f, 1));
    return cinch_from_bits(cinch_bits(q & 1 ? c : s) ^ (q & 2) << 30);
}

/* x = q pi/2 + r. In double, where pi/2 in two parts is enough for every x up to 2^28. */
CINCH_HD float cinch_sine_split(float x, uint32_t *q)
{
    double t = (double)x * 0x1.45f306dc9c883p-1 + CINCH_ROUNDER64, k = t - CINCH_ROUNDER64;
    *q = (uint32_t)cinch_bits64(t);
    float r = (float)((x - k * 0x1.921fb5p0) - k * 0x1.110b4611a6263p-26);
    r = r > 0.8f ? 0.8f : r;
    return r < -0.8f ? -0.8f : r;
}

CINCH_HD float cinch_f_sin(float x)
{
    uint32_t q;
    float r = cinch_sine_split(x, &q);
    return cinch_sine_core(r, q);
}

CINCH_HD float cinch_f_cos(float x)
{
    uint32_t q;
    float r = cinch_sine_split(x, &q);
    return cinch_sine_core(r, q + 1);
}

/* --- error function ----------------------------------------------------------------------------------------------- */

/* erf(x) / x - 1 for |x| <= 1. */
CINCH_HD float cinch_erf_near(float x)
{
    float z = x * x, p = CINCH_FMA(0x1.477e96p-14f, z, -0x1.a354bcp-11f);
    p = CINCH_FMA(p, z, 0x1.53f26ep-8f);
    p = CINCH_FMA(p, z, -0x1.b7f71ep-6f);
    p = CINCH_FMA(p, z, 0x1.ce2ce6p-4f);
    p = CINCH_FMA(p, z, -0x1.81273ep-2f);
    return CINCH_FMA(p, z, 0x1.06eba8p-3f);
}

/* 1 - erf(x) for x >= 1. */
CINCH_HD float cinch_erf_far(float x)
{
    float p = CINCH_FMA(0x1.6c14dcp-16f, x, -0x1.cef484p-12f);
    p = CINCH_FMA(p, x, 0x1.139ba8p-8f);
    p = CINCH_FMA(p, x, -0x1.9d0d72p-6f);
    p = CINCH_FMA(p, x, 0x1.bc1960p-4f);
    p = CINCH_FMA(p, x, 0x1.4434e2p-1f);
    p = CINCH_FMA(p, x, 0x1.212c30p0f);
    p = CINCH_FMA(p, x, -0x1.8b5090p-13f);
    return cinch_f_exp(-p);
}

CINCH_HD float cinch_f_erf(float x)
{
    float t = fabsf(x), near = CINCH_FMA(t, cinch_erf_near(t), t), far = 1 - cinch_erf_far(t);
    return copysignf(t > 1 ? far : near, x);
}

/* Distribution function of the normal distribution. */
CINCH_HD float cinch_normal_cdf(float x)
{
    float t = fabsf(x) * 0x1.6a09e6p-1f;
    float near = 0.5f * CINCH_FMA(t, cinch_erf_near(t), t), far = 0.5f * cinch_erf_far(t);
    float tail = t > 1 ? far : 0.5f - near;
    return x > 0 ? 1 - tail : tail;
}

/* --- pow ---------------------------------------------------------------------------------------------------------- */

/* log(x) for finite x > 0 in double, to 2^-36 of itself. */
CINCH_HD double cinch_log_long(float x)
{
    float e, small = x < 0x1p-126f ? 1.0f : 0.0f;
    double f = cinch_log_split(small != 0 ? x * 0x1p23f : x, &e), s = f / (2 + f), z = s * s;
    double p = ((((((1.0 / 13) * z + 1.0 / 11) * z + 1.0 / 9) * z + 1.0 / 7) * z + 1.0 / 5) * z + 1.0 / 3) * z + 1;
    return (double)(e - 23 * small) * 0x1.62e42fefa39efp-1 + 2 * s * p;
}

/* e^(b log a); the exponent is kept in double, or its rounding would show. a >= 0. */
CINCH_HD float cinch_f_pow(float a, float b)
{
    double log_a = a > 0 ? cinch_log_long(a) : a == 0 ? -(double)INFINITY : (double)NAN;
    double y = (double)b * (a < INFINITY ? log_a : (double)a);
    y = y > 89 ? 89 : y;
    y = y < -104 ? -104 : y;
    double t = y * 0x1.71547652b82fep0 + CINCH_ROUNDER64, k = t - CINCH_ROUNDER64;
    int32_t n = (int32_t)(uint32_t)cinch_bits64(t);
    float x = 1 + cinch_expm1_core((float)(y - k * 0x1.62e42fefa39efp-1));
    x = x * cinch_pow2(n >> 1) * cinch_pow2(n - (n >> 1));
    return ((b == 0) | (a == 1)) ? 1 : x;
}

/* --- arithmetic --------------------------------------------------------------------------------------------------- */

CINCH_HD float cinch_f_neg(float x) { return -x; }
CINCH_HD float cinch_f_abs(float x) { return fabsf(x); }
CINCH_HD float cinch_f_sign(float x) { return x > 0 ? 1 : x < 0 ? -1 : x; }
CINCH_HD float cinch_f_square(float x) { return x * x; }
CINCH_HD float cinch_f_clamp(float x, float low, float high)
{
    x = x < low ? low : x;
    return x > high ? high : x;
}
CINCH_HD float cinch_f_add(float a, float b) { return a + b; }
CINCH_HD float cinch_f_sub(float a, float b) { return a - b; }
CINCH_HD float cinch_f_mul(float a, float b) { return a * b; }
CINCH_HD float cinch_f_div(float a, float b) { return a / b; }
CINCH_HD float cinch_f_minimum(float a, float b)
{
    float m = a < b ? a : b; /* b where either is not a number */
    return a != a ? a : m;
}
CINCH_HD float cinch_f_maximum(float a, float b)
{
    float m = a > b ? a : b;
    return a != a ? a : m;
}
CINCH_HD float cinch_f_equal(float a, float b) { return a == b ? 1.0f : 0.0f; }
CINCH_HD float cinch_f_less(float a, float b) { return a < b ? 1.0f : 0.0f; }
CINCH_HD float cinch_f_less_equal(float a, float b) { return a <= b ? 1.0f : 0.0f; }
CINCH_HD float cinch_f_where(float c, float a, float b) { return c != 0 ? a : b; }
CINCH_HD float cinch_f_reciprocal(float x) { return 1 / x; }
CINCH_HD float cinch_f_sqrt(float x) { return sqrtf(x); }
CINCH_HD float cinch_f_rsqrt(float x) { return 1 / sqrtf(x); }
CINCH_HD float cinch_f_is_finite(float x) { return (cinch_bits(x) & 0x7F800000u) != 0x7F800000u ? 1.0f : 0.0f; }

/* --- activations -------------------------------------------------------------------------------------------------- */

CINCH_HD float cinch_f_relu(float x) { return x < 0 ? 0 : x; }
CINCH_HD float cinch_f_relu_grad(float dy, float y) { return y <= 0 ? 0 : dy; }
CINCH_HD float cinch_f_leaky_relu(float x, float slope) { return x > 0 ? x : x * slope; }
CINCH_HD float cinch_f_leaky_relu_grad(float dy, float x, float slope) { return x > 0 ? dy : dy * slope; }
CINCH_HD float cinch_f_elu(float x, float alpha) { return x > 0 ? x : alpha * cinch_expm1(x > 0 ? 0 : x); }
CINCH_HD float cinch_f_elu_grad(float dy, float x, float alpha) { return x > 0 ? dy : dy * alpha * cinch_f_exp(x); }

CINCH_HD float cinch_f_tanh(float x)
{
    float t = fabsf(x), z = x * x, e = cinch_expm1(2 * (t > 10 ? 10 : t));
    float p = CINCH_FMA(-0x1.995794p-8f, z, 0x1.58ec9cp-6f);
    p = CINCH_FMA(p, z, -0x1.b91f22p-5f);
    p = CINCH_FMA(p, z, 0x1.110cf0p-3f);
    p = CINCH_FMA(p, z, -0x1.55554ap-2f);
    return copysignf(t < 0.55f ? CINCH_FMA(p, z * t, t) : e / (e + 2), x);
}
CINCH_HD float cinch_f_tanh_grad(float dy, float y) { return dy * CINCH_FMA(-y, y, 1); }

CINCH_HD float cinch_f_sigmoid(float x)
{
    float t = cinch_f_exp(-fabsf(x));
    return (x < 0 ? t : 1) / (1 + t);
}
CINCH_HD float cinch_f_sigmoid_grad(float dy, float y) { return dy * (y * (1 - y)); }

CINCH_HD float cinch_f_silu(float x) { return x * cinch_f_sigmoid(x); }
CINCH_HD float cinch_f_silu_grad(float dy, float x)
{
    float s = cinch_f_sigmoid(x);
    return dy * (s * CINCH_FMA(x, 1 - s, 1));
}

/* max(x, 0) + log(1 + e^-|x|). */
CINCH_HD float cinch_f_softplus(float x)
{
    return (x < 0 ? 0 : x) + cinch_log1p(cinch_f_exp(-fabsf(x)));
}
CINCH_HD float cinch_f_softsign(float x) { return x / (1 + fabsf(x)); }

/* 0.5 (1 + tanh(u)) is sigmoid(2u); u = sqrt(2/pi) (x + 0.044715 x^3). Hendrycks & Gimpel, arXiv 1606.08415. */
CINCH_HD float cinch_gelu_inner(float x) { return x * CINCH_FMA(0x1.2444F2p-4f, x * x, 0x1.988454p0f); }
CINCH_HD float cinch_f_gelu_tanh(float x) { return x * cinch_f_sigmoid(cinch_gelu_inner(x)); }
CINCH_HD float cinch_f_gelu_tanh_grad(float dy, float x)
{
    float t = cinch_f_clamp(x, -16, 16), s = cinch_f_sigmoid(cinch_gelu_inner(t));
    float inner_grad = CINCH_FMA(3 * 0x1.2444F2p-4f, t * t, 0x1.988454p0f);
    return dy * CINCH_FMA(t * inner_grad, s * (1 - s), s);
}
CINCH_HD float cinch_f_gelu_erf(float x) { return x * cinch_normal_cdf(x); }
CINCH_HD float cinch_f_gelu_erf_grad(float dy, float x)
{
    float t = cinch_f_clamp(x, -16, 16), density = 0x1.988454p-2f * cinch_f_exp(-0.5f * t * t);
    return dy * CINCH_FMA(t, density, cinch_normal_cdf(t));
}

/* --- losses ------------------------------------------------------------------------------------------------------- */

CINCH_HD float cinch_f_huber(float prediction, float target, float delta)
{
    float d = fabsf(prediction - target);
    return d <= delta ? 0.5f * d * d : delta * (d - 0.5f * delta);
}
CINCH_HD float cinch_f_huber_grad(float dy, float prediction, float target, float delta)
{
    return dy * cinch_f_clamp(prediction - target, -delta, delta);
}

CINCH_HD float cinch_floor_log(float x) { return x < -100 ? -100 : x; }
CINCH_HD float cinch_f_bce(float p, float target)
{
    float yes = cinch_floor_log(cinch_f_log(p)), no = cinch_floor_log(cinch_log1p(-p));
    return (target - 1) * no - target * yes;
}
CINCH_HD float cinch_f_bce_grad(float dy, float p, float target)
{
    return dy * (p - target) / cinch_f_maximum((1 - p) * p, 1e-12f);
}
CINCH_HD float cinch_f_bce_logits(float x, float target)
{
    return (x < 0 ? 0 : x) - x * target + cinch_log1p(cinch_f_exp(-fabsf(x)));
}

/* --- storage types ------------------------------------------------------------------------------------------------ */

CINCH_HD float cinch_from_bf16(uint16_t x) { return cinch_from_bits((uint32_t)x << 16); }

/* To nearest, ties to even; not-a-number stays one. */
CINCH_HD uint16_t cinch_to_bf16(float x)
{
    uint32_t u = cinch_bits(x), rounded = (u + 0x7FFFu + (u >> 16 & 1)) >> 16, nan = u >> 16 | 0x40u;
    return (uint16_t)(x != x ? nan : rounded);
}

/* To nearest even, saturating; not-a-number gives 0. */
CINCH_HD uint8_t cinch_to_u8(float x)
{
    x = x > 0 ? x : 0;
    x = x < 255 ? x : 255;
    return (uint8_t)cinch_bits(x + CINCH_ROUNDER);
}
CINCH_HD int32_t cinch_to_i32(float x)
{
    float rounder = copysignf(0x1p23f, x), r = x + rounder - rounder;
    r = fabsf(x) < 0x1p23f ? r : x;
    float inside = r > -0x1p31f ? r : -0x1p31f;
    inside = inside < 0x1.fffffep30f ? inside : 0x1.fffffep30f;
    int32_t i = (int32_t)(x == x ? inside : 0);
    return r >= 0x1p31f ? INT32_MAX : i;
}

/* --- i32: wraps around, as the hardware does ---------------------------------------------------------------------- */

CINCH_HD int32_t cinch_i_neg(int32_t x) { return (int32_t)(0u - (uint32_t)x); }
CINCH_HD int32_t cinch_i_abs(int32_t x) { return x < 0 ? cinch_i_neg(x) : x; }
CINCH_HD int32_t cinch_i_sign(int32_t x) { return (x > 0) - (x < 0); }
CINCH_HD int32_t cinch_i_mul(int32_t a, int32_t b) { return (int32_t)((uint32_t)a * (uint32_t)b); }
CINCH_HD int32_t cinch_i_square(int32_t x) { return cinch_i_mul(x, x); }
CINCH_HD int32_t cinch_i_clamp(int32_t x, float low, float high)
{
    int32_t l = cinch_to_i32(low), h = cinch_to_i32(high);
    x = x < l ? l : x;
    return x > h ? h : x;
}
CINCH_HD int32_t cinch_i_add(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }
CINCH_HD int32_t cinch_i_sub(int32_t a, int32_t b) { return (int32_t)((uint32_t)a - (uint32_t)b); }
/* Truncates; by 0 gives 0. */
CINCH_HD int32_t cinch_i_div(int32_t a, int32_t b)
{
    int32_t safe = b == 0 || b == -1 ? 1 : b;
    return b == 0 ? 0 : b == -1 ? cinch_i_neg(a) : a / safe;
}
CINCH_HD int32_t cinch_i_minimum(int32_t a, int32_t b) { return a < b ? a : b; }
CINCH_HD int32_t cinch_i_maximum(int32_t a, int32_t b) { return a > b ? a : b; }
CINCH_HD int32_t cinch_i_equal(int32_t a, int32_t b) { return a == b; }
CINCH_HD int32_t cinch_i_less(int32_t a, int32_t b) { return a < b; }
CINCH_HD int32_t cinch_i_less_equal(int32_t a, int32_t b) { return a <= b; }
CINCH_HD int32_t cinch_i_where(int32_t c, int32_t a, int32_t b) { return c != 0 ? a : b; }

/* --- random numbers from words ------------------------------------------------------------------------------------ */

/* Two normal numbers from two words: Box & Muller 1958, the first word in (0, 1]. */
CINCH_HD void cinch_normal_pair(uint32_t word0, uint32_t word1, float *z0, float *z1)
{
    float radius = sqrtf(-2 * cinch_f_log(cinch_unit_float(word0) + 0x1p-24f));
    float turn = 4 * cinch_unit_float(word1), t = turn + CINCH_ROUNDER;
    float r = (turn - (t - CINCH_ROUNDER)) * 0x1.921fb6p0f;
    *z0 = radius * cinch_sine_core(r, cinch_bits(t) + 1);
    *z1 = radius * cinch_sine_core(r, cinch_bits(t));
}

/* low + (0 .. range-1), range <= 2^32. */
CINCH_HD int32_t cinch_integer_word(uint32_t word, int64_t low, uint64_t range)
{
    return (int32_t)(low + (int64_t)(word * range >> 32));
}

/* --- optimisers: PyTorch's. `g` is the clipped gradient, `h` a row of hyper-parameters (backend.h), `decay` is h's
   weight decay or 0 ------------------------------------------------------------------------------------------------ */

#define CINCH_LERP(a, b, weight) CINCH_FMA(weight, (b) - (a), a)

/* Kingma & Ba, ICLR 2015; decoupled: Loshchilov & Hutter, ICLR 2019. */
CINCH_HD void cinch_update_adam(float *w, float g, float *m, float *v, const float *h, float decay, int decoupled)
{
    g = decoupled ? g : CINCH_FMA(decay, *w, g);
    float start = decoupled ? *w * (1 - h[CINCH_HYPER_LR] * decay) : *w;
    *m = CINCH_LERP(*m, g, 1 - h[CINCH_HYPER_MOMENTUM]);
    *v = CINCH_FMA(h[CINCH_HYPER_BETA2], *v, h[CINCH_HYPER_REST2] * g * g);
    float size = h[CINCH_HYPER_LR] * h[CINCH_HYPER_CORRECTION1];
    *w = start - size * *m / CINCH_FMA(sqrtf(*v), h[CINCH_HYPER_CORRECTION2], h[CINCH_HYPER_EPS]);
}

CINCH_HD void cinch_update_sgd(float *w, float g, float *buffer, const float *h, float decay, int nesterov)
{
    g = CINCH_FMA(decay, *w, g);
    *buffer = CINCH_FMA(h[CINCH_HYPER_MOMENTUM], *buffer, h[CINCH_HYPER_CORRECTION1] * g);
    float step = nesterov ? CINCH_FMA(h[CINCH_HYPER_MOMENTUM], *buffer, g) : *buffer;
    *w = CINCH_FMA(-h[CINCH_HYPER_LR], step, *w);
}

CINCH_HD void cinch_update_sgd_plain(float *w, float g, const float *h, float decay)
{
    *w = CINCH_FMA(-h[CINCH_HYPER_LR], CINCH_FMA(decay, *w, g), *w);
}

/* g over the root of its running mean square; `mean` is read and written when centred. Hinton 2012; Graves 2013. */
CINCH_HD float cinch_rmsprop_step(float g, float *square, float *mean, const float *h, int centred)
{
    *square = CINCH_FMA(h[CINCH_HYPER_BETA2], *square, h[CINCH_HYPER_REST2] * g * g);
    if (!centred) return g / (sqrtf(*square) + h[CINCH_HYPER_EPS]);
    *mean = CINCH_LERP(*mean, g, h[CINCH_HYPER_REST2]);
    return g / (sqrtf(CINCH_FMA(-*mean, *mean, *square)) + h[CINCH_HYPER_EPS]);
}

/* Duchi, Hazan & Singer, JMLR 12 (2011). */
CINCH_HD void cinch_update_adagrad(float *w, float g, float *sum, const float *h, float decay)
{
    g = CINCH_FMA(decay, *w, g);
    *sum = CINCH_FMA(g, g, *sum);
    float rate = h[CINCH_HYPER_LR] * h[CINCH_HYPER_CORRECTION1];
    *w = *w - rate * g / (sqrtf(*sum) + h[CINCH_HYPER_EPS]);
}

#endif
