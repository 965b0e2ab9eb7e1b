/* SPDX-License-Identifier: Apache-2.0 */
/* OpenBLAS: single-threaded products, called from the pool's tasks. */
#ifndef CINCH_CPU_BLAS_H
#define CINCH_CPU_BLAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One product, row-major: c [m, n] = a b + beta c; a is [m, k] or, transposed, [k, m], and b likewise. */
typedef struct cinch_product {
    bool transpose_a, transpose_b;
    int64_t m, n, k;
    const float *a, *b;
    int64_t lda, ldb, ldc;
    float beta;
    float *c;
} cinch_product;

void cinch_blas_product(const cinch_product *p);

/* Sets OpenBLAS to one thread for the process unless `keep`. */
void cinch_blas_open(bool keep);

/* Whether OpenBLAS multiplies small matrices without packing them first, in which case small blocks are the fastest:
   true of its AVX-512 cores since 0.3.17. */
bool cinch_blas_small_blocks(void);

/* "OpenBLAS 0.3.21 (Cooperlake)". */
void cinch_blas_describe(char *text, size_t size);

#endif
