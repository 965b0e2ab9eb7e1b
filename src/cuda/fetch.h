/* SPDX-License-Identifier: Apache-2.0 */
/* Copies to the host that nothing waits for until they are needed: pinned memory, and an event behind the copy. */
#ifndef CINCH_CUDA_FETCH_H
#define CINCH_CUDA_FETCH_H

#include "cuda/cuda.h"

/* The backend's functions of these names: core/backend.h. */
cinch_status cinch_cuda_fetch_open(cinch_backend *b, size_t bytes, void **fetch);
void cinch_cuda_fetch_close(cinch_backend *b, void *fetch);
cinch_status cinch_cuda_fetch_start(cinch_backend *b, void *fetch, const void *device, size_t bytes);
cinch_status cinch_cuda_fetch_finish(cinch_backend *b, void *fetch, const void **host);

#endif
