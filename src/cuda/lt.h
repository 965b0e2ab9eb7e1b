/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thin layer on cuBLASLt: row-major products, one workspace, and the algorithms chosen so far. An algorithm is asked
 * for while planning and looked up while running, so that a step chooses and allocates nothing.
 */
#ifndef CINCH_CUDA_LT_H
#define CINCH_CUDA_LT_H

#include "cuda/cuda.h"

CINCH_BEGIN

/* What the library does to a product on its way to memory. GELU is its tanh form, in the library's approximation. */
typedef enum cinch_cuda_epilogue {
    CINCH_CUDA_PLAIN,
    CINCH_CUDA_BIAS,
    CINCH_CUDA_BIAS_RELU,
    CINCH_CUDA_BIAS_RELU_MASK,  /* aux receives bits for RELU_GRAD */
    CINCH_CUDA_BIAS_GELU,
    CINCH_CUDA_BIAS_GELU_KEEP,  /* aux receives a b + bias */
    CINCH_CUDA_RELU_GRAD,       /* of the product, by the bits in aux */
    CINCH_CUDA_GELU_GRAD,       /* of the product and what GELU saw, in aux */
    CINCH_CUDA_SUMS,            /* `bias` receives the sums of a over k, [m], of d's type */
    CINCH_CUDA_EPILOGUES
} cinch_cuda_epilogue;

/* d [m, n] = a b, `batch` times. Products are compared byte by byte: no padding, start from {0}. */
typedef struct cinch_cuda_product {
    int64_t m, n, k;
    int64_t batch, stride_a, stride_b, stride_d; /* matrices; elements from one to the next, 0: the same one again */
    int64_t aux_ld, aux_stride;                  /* in elements or bits; 0 where the epilogue has no aux */
    int32_t transpose_a, transpose_b;            /* a is stored [k, m], b [n, k] */
    int32_t type_a, type_b, type_d;              /* cinch_dtype; the bias is of d's type */
    int32_t epilogue;
    int32_t tf32, zero;
} cinch_cuda_product;

typedef struct cinch_cuda_operands {
    const void *a, *b;
    void *d, *bias, *aux;       /* bias and aux are read or written, as the epilogue says */
} cinch_cuda_operands;

/* All addresses must be multiples of this: what a thread loads at once at most. Parameters in bf16 have 32. */
enum { CINCH_CUDA_LT_ALIGNMENT = 16 };

/* Bytes of the device that products may use besides, one after the other. */
enum { CINCH_CUDA_LT_WORKSPACE = 32 << 20 };

/* `b` can already give memory. */
cinch_status cinch_cuda_lt_open(cinch_backend *b, cinch_cuda_lt **out);
void cinch_cuda_lt_close(cinch_cuda_lt *lt);
/* "cuBLASLt 13.0.0". */
void cinch_cuda_lt_describe(const cinch_cuda_lt *lt, char *text, size_t size);

/* Chooses an algorithm, if the library has one, and remembers it; results never depend on the order in which threads
   finish, and a ReLU gives NaN for NaN. Says whether there is one. Errors name the call c. */
cinch_status cinch_cuda_lt_plan(cinch_backend *b, const cinch_call *c, const cinch_cuda_product *p, bool *found);

/* Has an algorithm been chosen for it? */
bool cinch_cuda_lt_has(const cinch_cuda_lt *lt, const cinch_cuda_product *p);

/* Runs a product that has one. */
cinch_status cinch_cuda_lt_run(cinch_backend *b, const cinch_call *c, const cinch_cuda_product *p,
                               const cinch_cuda_operands *at);

/* Bits per row of a mask for a result of n columns: rows are whole lines of memory. */
static inline int64_t cinch_cuda_lt_mask_bits(int64_t n) { return cinch_cuda_parts(n, 128) * 128; }

/* A mask could not be written where it was wanted: from now on no mask is good. */
void cinch_cuda_lt_lose_masks(cinch_cuda_lt *lt);
bool cinch_cuda_lt_has_masks(const cinch_cuda_lt *lt);

/* The choices as texts, and back; a choice that no longer fits is made anew while planning. */
void cinch_cuda_lt_choices(const cinch_cuda_lt *lt, void (*visit)(void *user, const char *key, const char *choice),
                           void *user);
cinch_status cinch_cuda_lt_choose(cinch_cuda_lt *lt, const char *key, const char *choice);

CINCH_END

#endif
