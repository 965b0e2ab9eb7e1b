/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table of cases. A row is an op, its operands' shapes, its attributes and types; the same row is an oracle test
 * (test_oracle.c), a gradient check (test_gradient.c), a parity check of two backends (test_parity.c) and a benchmark
 * (bench/bench_ops.c).
 *
 *     ROW(matmul, IN(S(33, 65), S(17, 65)), ATTR(matmul, .transpose_b = 1), F32 | BF16, GRAD)
 *
 * ROW(op, operands, attributes, types, flags, more fields...). A new op needs a row (test_coverage.c) and an oracle.
 *
 * Use: pick a family and a row, make an instance of it in one of its types, run it:
 *
 *     case_instance *c = case_create(&family->rows[i], CINCH_F32);
 *     ... c->call.in[k].v are the operands' values, exact in their types; c->call.out[k].v is room for the oracle ...
 *     case_free(c);
 */
#ifndef CINCH_TESTS_CASE_H
#define CINCH_TESTS_CASE_H

#include "oracle.h"

enum { CASE_INPUTS = 10, CASE_OUTPUTS = 2 };

/* Types a row is run in: those of its operands that ops.def leaves open. */
enum { F32 = 1 << CINCH_F32, BF16 = 1 << CINCH_BF16, I32 = 1 << CINCH_I32, U8 = 1 << CINCH_U8 };

enum {
    GRAD = 1,         /* the op's derivative is checked */
    GRAD2 = 2 | GRAD, /* and its second derivative */
    SPEED = 4         /* worth timing: bench ops runs these rows */
};

/* What an operand holds. Integers of the default range are -5..5, bytes 0..255. */
typedef enum case_range {
    SIGNED,        /* -2.5 .. 2.5 */
    SMALL,         /* -0.4 .. 0.4 */
    POSITIVE,      /* 0.25 .. 4 */
    NONZERO,       /* 0.25 .. 4, either sign */
    PROBABILITY,   /* 0.05 .. 0.95 */
    UNIT,          /* 0 .. 1, the ends too */
    WIDE,          /* magnitudes 1e-6 .. 90, either sign: both tails */
    WIDE_POSITIVE, /* magnitudes 1e-30 .. 1e30 */
    WHOLE,         /* -3 .. 3, whole: many ties */
    HALVES,        /* multiples of one half: what rounding decides */
    HOLES,         /* SIGNED with some NaN */
    SPECIAL,       /* zeros, infinities, NaN, subnormal and huge numbers among others */
    FLAGS,         /* 0 or 1 */
    BYTES,         /* 0 .. 255 */
    ROWS,          /* i32: rows of operand 0, of the output for scatter_add; some outside except for record */
    DIGITS,        /* i32: 0 .. depth - 1 of one_hot, and one beyond on each side */
    POSITION,      /* i32 [8]: see rng.h */
    FRACTION,      /* f32 []: 0.1 .. 0.9 */
    HYPER,         /* f32 [groups, 8]: see backend.h */
    SEGMENTS       /* i32 [n, 4]: with gaps, groups and flags, over operand 0 */
} case_range;

typedef struct case_shape { int32_t rank; int64_t dim[CINCH_RANK_MAX]; } case_shape;

typedef struct case_row {
    cinch_op op;
    int n_in;
    case_shape in[CASE_INPUTS];
    cinch_attr attr;
    unsigned types;             /* F32 | BF16 | ... */
    unsigned flags;             /* GRAD | ... */
    case_range range[CASE_INPUTS];
    case_shape out;             /* where the operands do not say it; see has_out */
    bool has_out;
    unsigned to;                /* the type of the output where it is not the operands' */
    unsigned as[CASE_INPUTS];   /* the type of an operand where it is not the row's: F32, U8; 0: it is */
    unsigned fixed;             /* bit k: no derivative is taken with respect to operand k */
    float tolerance;            /* factor on the usual bounds; 0: 1 */
    float scale;                /* absolute size of the rounding errors; 0: from the operands */
    const char *attr_text, *file;
    int line;
} case_row;

#define S(...) {(int32_t)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), {__VA_ARGS__}}
#define SCALAR {0, {0}}
#define IN(...) .n_in = (int)(sizeof((case_shape[]){__VA_ARGS__}) / sizeof(case_shape)), .in = {__VA_ARGS__}
#define NO_INPUT .n_in = 0
#define OUT(...) .has_out = true, .out = __VA_ARGS__
/* In parentheses, so that they pass through macros as one argument. */
#define ATTR(member, ...) (.member = {__VA_ARGS__})
#define PARAMS(...) (.scalars = {{__VA_ARGS__}})
#define NO_ATTR (.scalars = {{0}})
#define CASE_OPEN(...) __VA_ARGS__
#define RANGE(...) .range = {__VA_ARGS__}
#define ROW(op_, in_, attr_, types_, ...)                                                                          \
    {.op = CINCH_OP_##op_, in_, .attr = {CASE_OPEN attr_}, .types = types_, .attr_text = #attr_, .file = __FILE__, \
     .line = __LINE__, .flags = __VA_ARGS__}

typedef struct case_family {
    const char *name;
    const case_row *rows;
    int n;
} case_family;

/* Defines the family's table from `static const case_row rows[]`. */
#define FAMILY(name) const case_family case_##name = {#name, rows, (int)(sizeof rows / sizeof rows[0])}

extern const case_family case_elementwise, case_activation, case_chain, case_matmul, case_reduce, case_softmax,
    case_move, case_random, case_effects;

/* All families. */
extern const case_family *const case_families[];
extern const int case_family_count;

typedef struct case_instance {
    const case_row *row;
    cinch_dtype dtype;
    oracle_call call;
    oracle_tensor in[CASE_INPUTS], out[CASE_OUTPUTS];
    struct case_instance *forward; /* of an op that reads a saved output: the op that saved it */
    char text[256];                /* cases_matmul.c:12: matmul [33, 65] [17, 65] ... f32 */
} case_instance;

/* The row in one of its types, with reproducible values. Never fails: out of memory ends the test. */
case_instance *case_create(const case_row *row, cinch_dtype dtype);
void case_free(case_instance *c);

/* Fills an operand with its range; called by case_create. */
void case_fill(case_instance *c, int k);

/* A fresh number in [0, 1) of a sequence. */
double case_draw(uint64_t *state);

/* The next instance of a family in table order, or NULL at the end; frees the one before. Walks rows and types:
   for (case_walk w = {family}; (c = case_next(&w));) */
typedef struct case_walk {
    const case_family *family;
    int row, type;
    case_instance *now;
} case_walk;
case_instance *case_next(case_walk *w);

/* Memory or the end of the test. */
void *case_alloc(size_t count, size_t size);

#endif
