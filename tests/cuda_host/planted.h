/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels for the tests of the stand-in; those with `right` false have a mistake. Blocks have 256 threads. */
#ifndef CINCH_TESTS_CUDA_HOST_PLANTED_H
#define CINCH_TESTS_CUDA_HOST_PLANTED_H

#include "cuda_host.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { PLANTED_BLOCK = 256 };

/* x[i] = x[i] * by + add, with as many blocks as given. */
void planted_scale(float *x, int64_t n, float by, float add, int blocks, cudaStream_t stream);
/* x[at] = value */
void planted_store(float *x, int64_t at, float value, cudaStream_t stream);
/* y[b] is the sum of block b's 256 elements of x. */
void planted_sum(const float *x, float *y, int blocks, cudaStream_t stream);
/* Each block turns its 256 elements around; wrong: without the barrier between writing and reading. */
void planted_reverse(float *x, int blocks, bool right, cudaStream_t stream);
/* The same twice, through the same shared memory; wrong: without the barrier between reading and writing again. */
void planted_reverse_twice(const float *x, float *y, bool right, cudaStream_t stream);
/* Neighbours change places; wrong: without the barrier of the warp. */
void planted_swap_in_warp(float *x, bool right, cudaStream_t stream);
/* Each warp, on its own, adds the lanes' numbers up in memory; wrong: all warps in the same memory. */
void planted_sum_of_warps(const float *x, float *y, bool right, cudaStream_t stream);
/* Half of the block comes to the barrier; the other half ends (right), waits at another or in a shuffle. */
void planted_half_ends(float *x, cudaStream_t stream);
void planted_two_barriers(float *x, cudaStream_t stream);
void planted_barrier_and_shuffle(float *x, cudaStream_t stream);
/* A shuffle, of lanes that have ended, or of which one is not among those it names, or with a source that is not. */
void planted_shuffle_of_ended(float *x, cudaStream_t stream);
void planted_shuffle_without_itself(float *x, cudaStream_t stream);
void planted_shuffle_from_outside(float *x, cudaStream_t stream);
/* y[0..5]: shuffles and votes of the first warp, each as a number that tells whether they are right. */
void planted_votes(float *y, cudaStream_t stream);
/* Writes shared memory of 256 elements at 256 + beyond. */
void planted_shared(float *x, int beyond, cudaStream_t stream);
/* What shared memory holds before anything is written to it. */
void planted_unwritten(float *x, int blocks, cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
