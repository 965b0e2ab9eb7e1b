/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/fetch.h"

#include <stdlib.h>

typedef struct fetch {
    void *memory;       /* pinned */
    cudaEvent_t done;   /* the copy to it */
} fetch;

static cinch_status set_up(fetch *f, size_t bytes)
{
    TRY(cinch_cuda_check(cudaMallocHost(&f->memory, bytes ? bytes : 1), "%zu bytes of pinned memory", bytes));
    return cinch_cuda_check(cudaEventCreateWithFlags(&f->done, cudaEventDisableTiming), "making an event");
}

cinch_status cinch_cuda_fetch_open(cinch_backend *b, size_t bytes, void **out)
{
    fetch *f = *out = cinch_calloc(1, sizeof *f);
    if (!f) return CINCH_DEVICE;
    cinch_status status = set_up(f, bytes);
    if (!status) return CINCH_OK;
    cinch_cuda_fetch_close(b, f);
    *out = NULL;
    return status;
}

/* A copy may still be under way. */
void cinch_cuda_fetch_close(cinch_backend *b, void *closed)
{
    fetch *f = closed;
    if (!f) return;
    cudaStreamSynchronize(cinch_cuda_stream(b));
    if (f->done) cudaEventDestroy(f->done);
    if (f->memory) cudaFreeHost(f->memory);
    free(f);
}

cinch_status cinch_cuda_fetch_start(cinch_backend *b, void *started, const void *device, size_t bytes)
{
    fetch *f = started;
    cudaError_t error = cudaMemcpyAsync(f->memory, device, bytes, cudaMemcpyDeviceToHost, cinch_cuda_stream(b));
    TRY(cinch_cuda_check(error, "copying %zu bytes from the device", bytes));
    return cinch_cuda_check(cudaEventRecord(f->done, cinch_cuda_stream(b)), "recording an event");
}

cinch_status cinch_cuda_fetch_finish(cinch_backend *b, void *finished, const void **host)
{
    fetch *f = finished;
    (void)b;
    *host = f->memory;
    return cinch_cuda_check(cudaEventSynchronize(f->done), "waiting for a copy from the device");
}
