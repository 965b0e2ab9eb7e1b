/* SPDX-License-Identifier: Apache-2.0 */
/* The own kernel for products: any sizes, strides, addresses and mix of types. */
#ifndef CINCH_CUDA_MATMUL_H
#define CINCH_CUDA_MATMUL_H

#include "core/grid.h"
#include "cuda/cuda.h"

CINCH_BEGIN

/* An operand: elements between neighbours in its outer size (a's rows, b's columns), and between neighbours in k. */
typedef struct cinch_cuda_matrix {
    const void *data;
    cinch_dtype dtype;
    int64_t size, outer_step, k_step;   /* size: elements of one matrix */
} cinch_cuda_matrix;

/* out [.., m, n] = activation(a b + bias, seen). */
typedef struct cinch_cuda_matrices {
    cinch_cuda_matrix in[2];
    cinch_grid batch;                   /* of the results, and where their operands lie; in matrices */
    int64_t n_batch, m, n, k;
    void *out;
    cinch_dtype type;
    const void *bias;                   /* [n], or NULL */
    cinch_dtype bias_type;
    const void *seen;                   /* [.., m, n], the second input of an activation's gradient, or NULL */
    cinch_dtype seen_type;
    int activation;                     /* an ELEMENTWISE op with one input, or with two and `seen`, or 0 */
    float param[2];
} cinch_cuda_matrices;

cinch_status cinch_cuda_multiply(cinch_backend *b, const cinch_call *c, const cinch_cuda_matrices *p);

CINCH_END

#endif
