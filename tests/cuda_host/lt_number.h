/* SPDX-License-Identifier: Apache-2.0 */
/* The storage types of the stand-in for cuBLASLt, from their definitions. */
#ifndef CINCH_TESTS_CUDA_HOST_LT_NUMBER_H
#define CINCH_TESTS_CUDA_HOST_LT_NUMBER_H

#include <library_types.h>
#include <stdint.h>
#include <string.h>

static inline float lt_from_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static inline uint32_t lt_bits(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

/* To the nearest of 7 bits, ties to even. */
static inline uint16_t lt_to_bf16(float f)
{
    uint32_t bits = lt_bits(f);
    if (f != f) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* To the nearest of 10 bits, ties away from zero, as cvt.rna.tf32.f32 does. */
static inline float lt_to_tf32(float f)
{
    uint32_t bits = lt_bits(f);
    if ((bits & 0x7f800000) == 0x7f800000) return f;
    return lt_from_bits((bits + 0x1000) & 0xffffe000);
}

static inline float lt_load(const void *memory, int64_t type, int64_t i)
{
    return type == CUDA_R_16BF ? lt_from_bits((uint32_t)((const uint16_t *)memory)[i] << 16)
                               : ((const float *)memory)[i];
}

static inline void lt_store(void *memory, int64_t type, int64_t i, float f)
{
    if (type == CUDA_R_16BF)
        ((uint16_t *)memory)[i] = lt_to_bf16(f);
    else
        ((float *)memory)[i] = f;
}

static inline int64_t lt_size(int64_t type) { return type == CUDA_R_16BF ? 2 : 4; }

#endif
