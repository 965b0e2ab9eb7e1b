/* SPDX-License-Identifier: Apache-2.0 */
/* Random ops, from the definition in rng.h, over a Philox of its own. */
#include <math.h>

#include "oracle.h"

/* Philox4x32-10 as in figure 4 of Salmon et al., SC 2011: ten rounds of (hi, lo) products and key bumps. */
void oracle_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint64_t l0 = counter[0], r0 = counter[1], l1 = counter[2], r1 = counter[3];
    uint64_t k0 = key[0], k1 = key[1];
    const uint64_t low = 0xFFFFFFFF;
    for (int round = 0; round < 10; round++) {
        uint64_t first = l0 * 3528531795u, second = l1 * 3449720151u; /* M0, M1 */
        l0 = (second >> 32) ^ r0 ^ k0;
        r0 = second & low;
        l1 = (first >> 32) ^ r1 ^ k1;
        r1 = first & low;
        k0 = (k0 + 2654435769u) & low; /* the golden ratio */
        k1 = (k1 + 3144134277u) & low; /* sqrt(3) - 1 */
    }
    out[0] = (uint32_t)l0, out[1] = (uint32_t)r0, out[2] = (uint32_t)l1, out[3] = (uint32_t)r1;
}

static void four_words(const oracle_tensor *position, uint32_t stream, int64_t row, int64_t block, uint32_t out[4])
{
    uint32_t p[5];
    for (int i = 0; i < 5; i++) p[i] = (uint32_t)(int32_t)position->v[i]; /* seed low, high; step low, high; sample */
    uint32_t counter[4] = {(uint32_t)block, (uint32_t)row + p[4], p[2], p[3]}, key[2] = {p[0], p[1] ^ stream};
    oracle_philox(counter, key, out);
}

/* Axis 0 is the sample axis; four elements of a sample share a block. A scalar is one sample of one element. */
uint32_t oracle_random_word(const oracle_tensor *t, const oracle_tensor *position, uint32_t stream, int64_t i)
{
    int64_t width = t->rank ? oracle_span(t, 1, t->rank) : 1, element = i % width;
    uint32_t words[4];
    four_words(position, stream, i / width, element / 4, words);
    return words[element % 4];
}

/* The top 24 bits as a fraction. */
static double fraction(uint32_t word)
{
    return ldexp((double)(word >> 8), -24);
}

static double unit(const oracle_tensor *t, const oracle_call *c, int64_t i)
{
    return fraction(oracle_random_word(t, &c->in[c->n_in - 1], c->attr->random.stream, i));
}

void oracle_uniform(oracle_call *c)
{
    double low = c->attr->random.a, high = c->attr->random.b;
    for (int64_t i = 0; i < oracle_count(&c->out[0]); i++) c->out[0].v[i] = low + (high - low) * unit(&c->out[0], c, i);
}

void oracle_bernoulli(oracle_call *c)
{
    for (int64_t i = 0; i < oracle_count(&c->out[0]); i++)
        c->out[0].v[i] = unit(&c->out[0], c, i) < c->attr->random.a ? 1 : 0;
}

/* Box and Muller 1958, two numbers from two words: sqrt(-2 ln u) cos or sin(2 pi v), u in (0, 1]. */
void oracle_normal(oracle_call *c)
{
    const oracle_tensor *y = &c->out[0], *position = &c->in[0];
    int64_t width = y->rank ? oracle_span(y, 1, y->rank) : 1;
    for (int64_t i = 0; i < oracle_count(y); i++) {
        int64_t element = i % width, pair = element % 4 / 2 * 2;
        uint32_t words[4];
        four_words(position, c->attr->random.stream, i / width, element / 4, words);
        double radius = sqrt(-2 * log(fraction(words[pair]) + ldexp(1, -24)));
        double angle = 2 * M_PI * fraction(words[pair + 1]);
        y->v[i] = c->attr->random.a + c->attr->random.b * radius * (element % 2 ? sin(angle) : cos(angle));
    }
}

/* low + floor(word * (high - low) / 2^32) */
void oracle_integers(oracle_call *c)
{
    uint64_t range = (uint64_t)(c->attr->random.high - c->attr->random.low);
    for (int64_t i = 0; i < oracle_count(&c->out[0]); i++) {
        uint64_t word = oracle_random_word(&c->out[0], &c->in[0], c->attr->random.stream, i);
        c->out[0].v[i] = (double)(c->attr->random.low + (int64_t)(word * range >> 32));
    }
}

/* Zero with probability p, else x / (1 - p). */
static void drop(oracle_call *c, const oracle_tensor *position)
{
    double p = c->attr->random.a;
    if (!oracle_expect(c, oracle_same_dims(&c->in[0], &c->out[0]), "wrong output shape")) return;
    for (int64_t i = 0; i < oracle_count(&c->out[0]); i++) {
        bool keep = fraction(oracle_random_word(&c->out[0], position, c->attr->random.stream, i)) >= p;
        c->out[0].v[i] = keep ? c->in[0].v[i] / (1 - p) : 0;
    }
}

void oracle_dropout(oracle_call *c) { drop(c, &c->in[1]); }

/* The mask is that of the forward call. */
void oracle_dropout_grad(oracle_call *c)
{
    if (oracle_expect(c, c->forward != NULL, "no forward call")) drop(c, &c->forward->in[1]);
}

/* Each row: 0 .. n-1 in the order of their words, equal words by index. */
void oracle_permutation(oracle_call *c)
{
    oracle_tensor *y = &c->out[0];
    if (!oracle_expect(c, y->rank == 2, "a permutation has two axes")) return;
    int64_t n = y->dim[1];
    for (int64_t row = 0; row < y->dim[0]; row++)
        for (int64_t i = 0; i < n; i++) {
            uint32_t word = oracle_random_word(y, &c->in[0], c->attr->random.stream, row * n + i);
            int64_t place = i; /* insertion into the i numbers before, which are in order already */
            for (; place > 0; place--) {
                int64_t before = (int64_t)y->v[row * n + place - 1];
                if (oracle_random_word(y, &c->in[0], c->attr->random.stream, row * n + before) <= word) break;
                y->v[row * n + place] = (double)before;
            }
            y->v[row * n + place] = (double)i;
        }
}
