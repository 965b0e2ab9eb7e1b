/* SPDX-License-Identifier: Apache-2.0 */
/* The loops around the scalar formulas, and around loading and storing. */
#include "cpu/kernel.h"

#define TILE(name, type, expression)                                                                              \
    static void name(float *out_, const float *const in_[3], const float param[2], int64_t n)                     \
    {                                                                                                             \
        type *out = (type *)out_;                                                                                 \
        const type *a = (const type *)in_[0], *b = (const type *)in_[1], *c = (const type *)in_[2];               \
        float p = param[0], q = param[1];                                                                         \
        (void)b, (void)c, (void)p, (void)q;                                                                       \
        CINCH_IVDEP                                                                                               \
        for (int64_t i = 0; i < n; i++) out[i] = expression;                                                      \
    }

#define CALL_1_0(f) f(a[i])
#define CALL_1_1(f) f(a[i], p)
#define CALL_1_2(f) f(a[i], p, q)
#define CALL_2_0(f) f(a[i], b[i])
#define CALL_2_1(f) f(a[i], b[i], p)
#define CALL_3_0(f) f(a[i], b[i], c[i])
#define CALL_3_1(f) f(a[i], b[i], c[i], p)

#define OP(name, inputs, outputs, attr, place, saves, types)
#define ELEMENTWISE(name, inputs, params, types) TILE(tile_##name, float, CALL_##inputs##_##params(cinch_f_##name))
#include "core/ops.def"

const cinch_tile cinch_tiles[CINCH_OP_COUNT] = {
#define OP(name, inputs, outputs, attr, place, saves, types)
#define ELEMENTWISE(name, inputs, params, types) [CINCH_OP_##name] = tile_##name,
#include "core/ops.def"
};

/* --- i32 ---------------------------------------------------------------------------------------------------------- */

#define INTEGER_OPS(X)                                                                                            \
    X(neg, 1, 0) X(abs, 1, 0) X(sign, 1, 0) X(square, 1, 0) X(clamp, 1, 2) X(add, 2, 0) X(sub, 2, 0) X(mul, 2, 0) \
    X(div, 2, 0) X(minimum, 2, 0) X(maximum, 2, 0) X(equal, 2, 0) X(less, 2, 0) X(less_equal, 2, 0) X(where, 3, 0)

#define INTEGER_TILE(name, inputs, params) TILE(integer_##name, cinch_word, CALL_##inputs##_##params(cinch_i_##name))
INTEGER_OPS(INTEGER_TILE)

const cinch_tile cinch_integer_tiles[CINCH_OP_COUNT] = {
#define ENTRY(name, inputs, params) [CINCH_OP_##name] = integer_##name,
    INTEGER_OPS(ENTRY)
};

/* ops.def says "FBI" of exactly these. */
#define ONE(name, inputs, params) +1
enum {
    LISTED = INTEGER_OPS(ONE),
    DECLARED = 0
#define OP(name, inputs, outputs, attr, place, saves, types)
#define ELEMENTWISE(name, inputs, params, types) +(sizeof(types) == sizeof "FBI")
#include "core/ops.def"
};
_Static_assert(LISTED == (int)DECLARED, "an elementwise op of ops.def lacks its i32 tile");

/* --- storage types ------------------------------------------------------------------------------------------------ */

#define LOAD(type, formula)                                                                 \
    do {                                                                                    \
        const type *x = (const type *)from + at;                                            \
        for (int64_t i = 0; i < n; i++) to[i] = formula(x[i]);                              \
    } while (0)

#define STORE(type, formula)                                                                \
    do {                                                                                    \
        type *y = (type *)to + at;                                                          \
        for (int64_t i = 0; i < n; i++) y[i] = formula(from[i]);                            \
    } while (0)

void cinch_load(float *restrict to, const void *restrict from, cinch_dtype dtype, int64_t at, int64_t n)
{
    switch (dtype) {
    case CINCH_F32: memcpy(to, (const float *)from + at, (size_t)n * sizeof *to); break;
    case CINCH_BF16: LOAD(uint16_t, cinch_from_bf16); break;
    case CINCH_I32: LOAD(int32_t, (float)); break;
    case CINCH_U8: LOAD(uint8_t, (float)); break;
    case CINCH_DTYPE_COUNT: break;
    }
}

void cinch_store(void *restrict to, cinch_dtype dtype, int64_t at, const float *restrict from, int64_t n)
{
    switch (dtype) {
    case CINCH_F32: memcpy((float *)to + at, from, (size_t)n * sizeof *from); break;
    case CINCH_BF16: STORE(uint16_t, cinch_to_bf16); break;
    case CINCH_I32: STORE(int32_t, cinch_to_i32); break;
    case CINCH_U8: STORE(uint8_t, cinch_to_u8); break;
    case CINCH_DTYPE_COUNT: break;
    }
}
