/* SPDX-License-Identifier: Apache-2.0 */
/* Plain copies and fills of device memory, for the launchers of all kernels. */
#ifndef CINCH_CUDA_MOVE_H
#define CINCH_CUDA_MOVE_H

#include "cuda/cuda.h"

CINCH_BEGIN

/* `bytes` bytes; the two do not overlap. Does nothing where `commit` is not NULL and *commit, on the device, is 0. */
void cinch_cuda_copy(cinch_backend *b, void *to, const void *from, int64_t bytes, const float *commit);

/* `bytes` bytes, with the four of `word` again and again. */
void cinch_cuda_fill(cinch_backend *b, void *to, int64_t bytes, uint32_t word);

static inline bool cinch_cuda_aligned(const void *data, size_t to) { return (uintptr_t)data % to == 0; }

CINCH_END

#endif
