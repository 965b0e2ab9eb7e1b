/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oracle: every op once more, naively, in double, from its definition; written apart from src/core/formula.h so
 * that a wrong formula there shows. One function per op of ops.def; a missing one does not link.
 *
 *     oracle_tensor a = {.rank = 1, .dim = {3}, .v = (double[]){1, 2, 3}}, y = {.rank = 1, .dim = {3}, .v = out};
 *     oracle_call call = {.op = CINCH_OP_neg, .attr = &(cinch_attr){0}, .n_in = 1, .n_out = 1, .in = &a, .out = &y};
 *     oracle_run(&call);
 *
 * Floats are not rounded to their storage type; integers are exact.
 */
#ifndef CINCH_TESTS_ORACLE_H
#define CINCH_TESTS_ORACLE_H

#include "core/backend.h"

typedef struct oracle_tensor {
    double *v;
    int64_t dim[CINCH_RANK_MAX];
    int32_t rank;
    cinch_dtype dtype;
} oracle_tensor;

typedef struct oracle_call {
    cinch_op op;
    const cinch_attr *attr;
    int32_t n_in, n_out;
    oracle_tensor *in, *out;           /* effects write in[] as ops.def says */
    const struct oracle_call *forward; /* of an op that reads a saved output: the op that saved it */
    const char *wrong;                 /* set where the shapes do not fit the definition */
} oracle_call;

typedef void (*oracle_function)(oracle_call *);

/* By op; NULL for leaves and views. */
extern const oracle_function oracles[CINCH_OP_COUNT];

/* Runs the op; false (and call->wrong) where the shapes do not fit its definition. */
bool oracle_run(oracle_call *call);

/* One elementwise op on numbers: x[0..2], p[0..1]; `integer` for i32 and u8 arithmetic. */
double oracle_scalar(cinch_op op, const double *x, const double *p, bool integer);

/* --- for the oracles themselves ----------------------------------------------------------------------------------- */

#define OP(name, inputs, outputs, attr, place, saves, types) void oracle_##name(oracle_call *c);
#include "core/ops.def"

/* if (!oracle_expect(c, cond, "why")) return; */
bool oracle_expect(oracle_call *c, bool fits, const char *why);

int64_t oracle_count(const oracle_tensor *t);
/* Product of dim[first .. last - 1]. */
int64_t oracle_span(const oracle_tensor *t, int first, int last);
bool oracle_same_dims(const oracle_tensor *a, const oracle_tensor *b);
bool oracle_is_integer(cinch_dtype dtype);

/* Position of flat index i along each axis of t. */
void oracle_unravel(const oracle_tensor *t, int64_t i, int64_t at[CINCH_RANK_MAX]);
/* Flat index in t of a position. */
int64_t oracle_ravel(const oracle_tensor *t, const int64_t at[CINCH_RANK_MAX]);
/* Flat index in `from`, broadcast as NumPy does to `to`, of to's flat index i. */
int64_t oracle_broadcast_index(const oracle_tensor *from, const oracle_tensor *to, int64_t i);
/* Does `from` broadcast to exactly `to`? */
bool oracle_broadcasts(const oracle_tensor *from, const oracle_tensor *to);

/* The four words of rng.h's definition, from an implementation of its own. */
void oracle_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);
/* The 32-bit word of element `i` of a random tensor shaped like t, at `position`. */
uint32_t oracle_random_word(const oracle_tensor *t, const oracle_tensor *position, uint32_t stream, int64_t i);

#endif
