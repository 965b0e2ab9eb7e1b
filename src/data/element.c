/* SPDX-License-Identifier: Apache-2.0 */
#include "data/element.h"

#include "core/status.h"

#include <string.h>

static const struct {
    const char *name;
    size_t size;
} elements[CINCH_ELEMENT_COUNT] = {
    [CINCH_ELEMENT_NONE] = {"?", 0},       [CINCH_ELEMENT_BOOL] = {"BOOL", 1},
    [CINCH_ELEMENT_U8] = {"U8", 1},        [CINCH_ELEMENT_I8] = {"I8", 1},
    [CINCH_ELEMENT_F8_E5M2] = {"F8_E5M2", 1}, [CINCH_ELEMENT_F8_E4M3] = {"F8_E4M3", 1},
    [CINCH_ELEMENT_F8_E8M0] = {"F8_E8M0", 1}, [CINCH_ELEMENT_I16] = {"I16", 2},
    [CINCH_ELEMENT_U16] = {"U16", 2},      [CINCH_ELEMENT_F16] = {"F16", 2},
    [CINCH_ELEMENT_BF16] = {"BF16", 2},    [CINCH_ELEMENT_I32] = {"I32", 4},
    [CINCH_ELEMENT_U32] = {"U32", 4},      [CINCH_ELEMENT_F32] = {"F32", 4},
    [CINCH_ELEMENT_I64] = {"I64", 8},      [CINCH_ELEMENT_U64] = {"U64", 8},
    [CINCH_ELEMENT_F64] = {"F64", 8},      [CINCH_ELEMENT_C64] = {"C64", 8},
};

static bool known(cinch_element e) { return e > CINCH_ELEMENT_NONE && e < CINCH_ELEMENT_COUNT; }

const char *cinch_element_name(cinch_element element) { return elements[known(element) ? element : 0].name; }

size_t cinch_element_size(cinch_element element) { return known(element) ? elements[element].size : 0; }

cinch_element cinch_element_of(cinch_dtype dtype)
{
    switch (dtype) {
    case CINCH_F32: return CINCH_ELEMENT_F32;
    case CINCH_BF16: return CINCH_ELEMENT_BF16;
    case CINCH_I32: return CINCH_ELEMENT_I32;
    case CINCH_U8: return CINCH_ELEMENT_U8;
    default: return CINCH_ELEMENT_NONE;
    }
}

cinch_element cinch_element_named(const char *name)
{
    for (int e = 1; e < CINCH_ELEMENT_COUNT; e++)
        if (strcmp(name, elements[e].name) == 0) return (cinch_element)e;
    return CINCH_ELEMENT_NONE;
}

double cinch_element_full_scale(cinch_element element)
{
    switch (element) {
    case CINCH_ELEMENT_BOOL: return 1;
    case CINCH_ELEMENT_U8: return 255;
    case CINCH_ELEMENT_U16: return 65535;
    default: return 0;
    }
}

bool cinch_element_is_integer(cinch_element element)
{
    switch (element) {
    case CINCH_ELEMENT_BOOL: case CINCH_ELEMENT_U8: case CINCH_ELEMENT_I8: case CINCH_ELEMENT_I16:
    case CINCH_ELEMENT_U16: case CINCH_ELEMENT_I32: case CINCH_ELEMENT_U32: case CINCH_ELEMENT_I64:
    case CINCH_ELEMENT_U64: return true;
    default: return false;
    }
}

bool cinch_element_convertible(cinch_element element)
{
    return cinch_element_is_integer(element) || element == CINCH_ELEMENT_F16 || element == CINCH_ELEMENT_BF16 ||
           element == CINCH_ELEMENT_F32 || element == CINCH_ELEMENT_F64;
}

/* --- conversion --------------------------------------------------------------------------------------------------- */

static float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static double double_of_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* IEEE binary16: 1 sign, 5 exponent, 10 fraction bits. A subnormal is fraction * 2^-24, exact in f32. */
static float half_to_float(uint32_t half)
{
    uint32_t sign = (half & 0x8000u) << 16, exponent = (half >> 10) & 31, fraction = half & 1023;
    if (exponent == 31) return float_of_bits(sign | 0x7F800000u | fraction << 13);
    if (exponent > 0) return float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
    float magnitude = (float)fraction * 0x1p-24f;
    return sign ? -magnitude : magnitude;
}

static uint8_t swap8(uint8_t w) { return w; }

/* Expands `what`(element, type of the word, how to swap it, its value) for every convertible type. */
#define EACH_ELEMENT(what)                                                    \
    what(BOOL, uint8_t, swap8, w != 0)                                        \
    what(U8, uint8_t, swap8, w)                                               \
    what(I8, uint8_t, swap8, (int8_t)w)                                       \
    what(U16, uint16_t, __builtin_bswap16, w)                                 \
    what(I16, uint16_t, __builtin_bswap16, (int16_t)w)                        \
    what(F16, uint16_t, __builtin_bswap16, half_to_float(w))                  \
    what(BF16, uint16_t, __builtin_bswap16, float_of_bits((uint32_t)w << 16)) \
    what(U32, uint32_t, __builtin_bswap32, w)                                 \
    what(I32, uint32_t, __builtin_bswap32, (int32_t)w)                        \
    what(F32, uint32_t, __builtin_bswap32, float_of_bits(w))                  \
    what(U64, uint64_t, __builtin_bswap64, w)                                 \
    what(I64, uint64_t, __builtin_bswap64, (int64_t)w)                        \
    what(F64, uint64_t, __builtin_bswap64, double_of_bits(w))

#define LOOP(name, word, swap, value)                             \
    case CINCH_ELEMENT_##name:                                    \
        for (int64_t i = 0; i < count; i++) {                     \
            word w;                                               \
            memcpy(&w, at + (size_t)i * sizeof w, sizeof w);      \
            if (swapped) w = swap(w);                             \
            out[i * stride] = (float)(value);                     \
        }                                                         \
        break;

void cinch_element_convert(cinch_element element, bool swapped, const void *bytes, int64_t count, float *out,
                           int64_t stride)
{
    const uint8_t *at = bytes;
    if (element == CINCH_ELEMENT_F32 && !swapped && stride == 1) {
        if (count) memcpy(out, bytes, (size_t)count * sizeof *out);
        return;
    }
    switch (element) {
        EACH_ELEMENT(LOOP)
    default: break;
    }
}

#define ONE(name, word, swap, value)         \
    case CINCH_ELEMENT_##name: {             \
        word w;                              \
        memcpy(&w, bytes, sizeof w);         \
        if (swapped) w = swap(w);            \
        return (double)(value);              \
    }

double cinch_element_double(cinch_element element, bool swapped, const void *bytes)
{
    switch (element) {
        EACH_ELEMENT(ONE)
    default: return 0;
    }
}

cinch_status cinch_element_to_float(cinch_element element, const void *bytes, int64_t count, float *out)
{
    if (!cinch_element_convertible(element))
        return cinch_fail(CINCH_DATA, "%s elements cannot be turned into numbers", cinch_element_name(element));
    cinch_element_convert(element, false, bytes, count, out, 1);
    return CINCH_OK;
}
