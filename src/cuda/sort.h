/* SPDX-License-Identifier: Apache-2.0 */
/* Sorting on the device: the same network for every input, so nothing depends on the order of threads. */
#ifndef CINCH_CUDA_SORT_H
#define CINCH_CUDA_SORT_H

#include "cuda/cuda.h"

CINCH_BEGIN

/* The length to which a row of n keys is to be filled up, with keys that come last: a power of two. */
static inline int64_t cinch_cuda_sort_length(int64_t n)
{
    int64_t length = 1;
    while (length < n) length *= 2;
    return length;
}

/* Sorts each of `rows` rows of `length` keys, in place. Keys of a row that must keep their order carry their place in
   the low bits. */
void cinch_cuda_sort(cinch_backend *b, uint64_t *keys, int64_t rows, int64_t length);

CINCH_END

#endif
