/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shuffle without a table: position i of epoch e of seed s is computed on its own, so any place of any epoch can be
 * reached at once. A Feistel network over just enough bits for n, its round keys from Philox; a value outside 0..n-1
 * is sent through again until it falls inside (cycle walking: Black & Rogaway, "Ciphers with arbitrary finite domains",
 * CT-RSA 2002). From n = 33 the domain is smaller than 2n, so that takes fewer than two turns on average.
 */
#ifndef CINCH_CORE_PERMUTE_H
#define CINCH_CORE_PERMUTE_H

#include "core/rng.h"

enum { CINCH_PERMUTE_ROUNDS = 12 };

typedef struct cinch_shuffle {
    int64_t n;
    int32_t low_bits, high_bits; /* the two halves: equal, or the high one is a bit wider */
    uint32_t key[CINCH_PERMUTE_ROUNDS];
} cinch_shuffle;

/* The shuffle of 0..n-1 for one epoch; n >= 0. Worth keeping when many positions are asked for. */
CINCH_HD cinch_shuffle cinch_shuffle_make(uint64_t seed, uint64_t epoch, int64_t n)
{
    cinch_shuffle p = {n, 0, 0, {0}};
    int32_t bits = 6; /* halves of fewer than 3 bits mix poorly: small n walks further instead */
    while (bits < 62 && ((int64_t)1 << bits) < n) bits++;
    p.low_bits = bits / 2;
    p.high_bits = bits - bits / 2;
    for (uint32_t block = 0; block < CINCH_PERMUTE_ROUNDS / 4; block++) {
        cinch_philox counter = {{block, 0x7065726Du, (uint32_t)epoch, (uint32_t)(epoch >> 32)}};
        cinch_philox words = cinch_philox4x32(counter, (uint32_t)seed, (uint32_t)(seed >> 32));
        for (int k = 0; k < 4; k++) p.key[4 * block + k] = words.v[k];
    }
    return p;
}

/* murmur3's finaliser: every input bit reaches every output bit. */
CINCH_HD uint32_t cinch_permute_mix(uint32_t x)
{
    x = (x ^ (x >> 16)) * 0x85EBCA6Bu;
    x = (x ^ (x >> 13)) * 0xC2B2AE35u;
    return x ^ (x >> 16);
}

/* Where position i of the epoch points to, both in 0..n-1. */
CINCH_HD int64_t cinch_shuffle_at(const cinch_shuffle *p, int64_t i)
{
    uint32_t low_mask = (uint32_t)(((uint64_t)1 << p->low_bits) - 1);
    uint32_t high_mask = (uint32_t)(((uint64_t)1 << p->high_bits) - 1);
    do {
        uint32_t low = (uint32_t)i & low_mask, high = (uint32_t)(i >> p->low_bits);
        for (int r = 0; r < CINCH_PERMUTE_ROUNDS; r += 2) {
            high ^= cinch_permute_mix(low + p->key[r]) & high_mask;
            low ^= cinch_permute_mix(high + p->key[r + 1]) & low_mask;
        }
        i = (int64_t)((uint64_t)high << p->low_bits | low);
    } while (i >= p->n);
    return i;
}

/* Both in one: a bijection of 0..n-1 for every (seed, epoch); 0 <= i < n. */
CINCH_HD int64_t cinch_permute(uint64_t seed, uint64_t epoch, int64_t n, int64_t i)
{
    cinch_shuffle p = cinch_shuffle_make(seed, epoch, n);
    return cinch_shuffle_at(&p, i);
}

#endif
