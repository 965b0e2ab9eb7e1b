/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way from pageable host memory to the device: pinned memory in two slots. Writes are put one behind the other in
 * a slot and copied on the stream from there; a slot is used again when the copies out of it are done. So a write
 * neither waits for the device, but for the slot's last use, nor keeps the caller's memory.
 */
#ifndef CINCH_CUDA_STAGING_H
#define CINCH_CUDA_STAGING_H

#include "cuda/cuda.h"

/* Pinned memory is taken here; `stream` is borrowed. */
cinch_status cinch_cuda_staging_open(cinch_cuda_staging **out, cudaStream_t stream);
/* The stream must have been waited for. NULL is fine. */
void cinch_cuda_staging_close(cinch_cuda_staging *staging);

/* Copies to the device after the work given to the stream before; `host` is free at once. */
cinch_status cinch_cuda_staging_write(cinch_cuda_staging *staging, void *device, const void *host, size_t bytes);

#endif
