/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/staging.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 2, SLOT_BYTES = 4 << 20, ALIGNMENT = 64 };

struct cinch_cuda_staging {
    cudaStream_t stream;
    char *memory;               /* [SLOTS][SLOT_BYTES], pinned */
    cudaEvent_t done[SLOTS];    /* the copies out of the slot */
    int slot;
    size_t used;                /* bytes of this slot */
};

cinch_status cinch_cuda_staging_open(cinch_cuda_staging **out, cudaStream_t stream)
{
    cinch_cuda_staging *s = *out = cinch_calloc(1, sizeof *s);
    if (!s) return CINCH_DEVICE;
    s->stream = stream;
    void *memory = NULL;
    cinch_status status = cinch_cuda_check(cudaMallocHost(&memory, (size_t)SLOTS * SLOT_BYTES), "pinned memory");
    s->memory = memory;
    for (int i = 0; !status && i < SLOTS; i++)
        status = cinch_cuda_check(cudaEventCreateWithFlags(&s->done[i], cudaEventDisableTiming), "making an event");
    if (!status) return CINCH_OK;
    cinch_cuda_staging_close(s);
    *out = NULL;
    return status;
}

void cinch_cuda_staging_close(cinch_cuda_staging *s)
{
    if (!s) return;
    for (int i = 0; i < SLOTS; i++)
        if (s->done[i]) cudaEventDestroy(s->done[i]);
    if (s->memory) cudaFreeHost(s->memory);
    free(s);
}

static cinch_status take_next_slot(cinch_cuda_staging *s)
{
    TRY(cinch_cuda_check(cudaEventRecord(s->done[s->slot], s->stream), "recording an event"));
    s->slot = (s->slot + 1) % SLOTS;
    s->used = 0;
    return cinch_cuda_check(cudaEventSynchronize(s->done[s->slot]), "waiting for a copy to the device");
}

cinch_status cinch_cuda_staging_write(cinch_cuda_staging *s, void *device, const void *host, size_t bytes)
{
    for (size_t done = 0, n; done < bytes; done += n) {
        n = bytes - done < SLOT_BYTES ? bytes - done : SLOT_BYTES;
        if (n > SLOT_BYTES - s->used) TRY(take_next_slot(s));
        char *from = s->memory + (size_t)s->slot * SLOT_BYTES + s->used;
        memcpy(from, (const char *)host + done, n);
        TRY(cinch_cuda_check(cudaMemcpyAsync((char *)device + done, from, n, cudaMemcpyHostToDevice, s->stream),
                             "copying %zu bytes to the device", n));
        s->used = (s->used + n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
    return CINCH_OK;
}
