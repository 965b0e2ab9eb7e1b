/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Philox4x32-10: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011. Counter-based, so a number
 * depends only on where it stands: key = (seed, stream), counter = (block of 4 elements, sample, step lo, step hi).
 * Axis 0 of a random tensor is the sample axis; its global sample is its row plus the position's sample offset, so a
 * mask does not depend on threads, rank, accumulation split, backend or resume.
 */
#ifndef CINCH_CORE_RNG_H
#define CINCH_CORE_RNG_H

#include <stdint.h>

#ifdef __CUDACC__
#define CINCH_HD static __host__ __device__ __forceinline__
#else
#define CINCH_HD static inline __attribute__((unused))
#endif

/* The position operand of the random ops: i32 [8] in the controls block. */
enum {
    CINCH_POSITION_SEED_LOW,
    CINCH_POSITION_SEED_HIGH,
    CINCH_POSITION_STEP_LOW,
    CINCH_POSITION_STEP_HIGH,
    CINCH_POSITION_SAMPLE,    /* global index in the step of row 0 */
    CINCH_POSITION_COUNT = 8
};

typedef struct cinch_philox { uint32_t v[4]; } cinch_philox;

CINCH_HD cinch_philox cinch_philox_round(cinch_philox c, uint32_t key0, uint32_t key1)
{
    uint64_t p0 = (uint64_t)0xD2511F53u * c.v[0], p1 = (uint64_t)0xCD9E8D57u * c.v[2];
    cinch_philox r = {{(uint32_t)(p1 >> 32) ^ c.v[1] ^ key0, (uint32_t)p1,
                       (uint32_t)(p0 >> 32) ^ c.v[3] ^ key1, (uint32_t)p0}};
    return r;
}

CINCH_HD cinch_philox cinch_philox4x32(cinch_philox counter, uint32_t key0, uint32_t key1)
{
    for (int i = 0; i < 10; i++) {
        counter = cinch_philox_round(counter, key0, key1);
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    return counter;
}

/* The four words of elements 4*block .. 4*block+3 of sample `row`. The seed's high half and the stream share a key. */
CINCH_HD cinch_philox cinch_random_words(const int32_t *position, uint32_t stream, uint32_t row, uint32_t block)
{
    cinch_philox counter = {{block, row + (uint32_t)position[CINCH_POSITION_SAMPLE],
                             (uint32_t)position[CINCH_POSITION_STEP_LOW],
                             (uint32_t)position[CINCH_POSITION_STEP_HIGH]}};
    return cinch_philox4x32(counter, (uint32_t)position[CINCH_POSITION_SEED_LOW],
                            (uint32_t)position[CINCH_POSITION_SEED_HIGH] ^ stream);
}

/* 24 bits to [0, 1). */
CINCH_HD float cinch_unit_float(uint32_t word) { return (float)(word >> 8) * 0x1p-24f; }

#endif
