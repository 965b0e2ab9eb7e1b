/* SPDX-License-Identifier: Apache-2.0 */
/* Streams: work waits in them until something waits for it; then they take turns in varied order. */
#include "parts.h"
#include "block.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_WAITING = 512, GRID_MOST = 0x7fffffff };

static struct CUstream_st *streams, legacy;
static int waiting;

/* --- work --------------------------------------------------------------------------------------------------------- */

cuda_host_item *cuda_host_copy_item(const cuda_host_item *item, const void *args)
{
    cuda_host_item *copy = malloc(sizeof *copy + item->bytes);
    if (!copy) return NULL;
    *copy = *item;
    copy->next = NULL;
    if (item->bytes) memcpy(copy->args, args, item->bytes);
    if (copy->event) cuda_host_event_keep(copy->event);
    return copy;
}

static void run_item(const cuda_host_item *item)
{
    cuda_host_kernel kernel = {item->name, item->run, item->args, item->blocks, item->threads};
    if (item->kind == CUDA_HOST_RECORD) cuda_host_event_done(item->event, item->number);
    if (cuda_host_broken()) return;
    if (item->kind == CUDA_HOST_KERNEL) cuda_host_run_kernel(&kernel);
    if (item->kind == CUDA_HOST_RUN) item->run(item->args);
}

static void free_item(cuda_host_item *item)
{
    if (item->event) cuda_host_event_drop(item->event);
    free(item);
}

/* --- taking turns ------------------------------------------------------------------------------------------------- */

static bool can_run(const struct CUstream_st *s)
{
    return s->first && (s->first->kind != CUDA_HOST_WAIT || cuda_host_event_is_done(s->first->event, s->first->number));
}

static struct CUstream_st *pick_stream(void)
{
    uint32_t n = 0;
    struct CUstream_st *picked = NULL;
    for (struct CUstream_st *s = streams; s; s = s->next)
        if (can_run(s) && !cuda_host_random(++n)) picked = s;
    return picked;
}

bool cuda_host_step(void)
{
    struct CUstream_st *s = pick_stream();
    if (!s) return false;
    cuda_host_item *item = s->first;
    cuda_host_open_memory();
    run_item(item);
    cuda_host_close_memory();
    s->first = item->next;
    waiting--;
    free_item(item);
    return true;
}

static void drain_stream(cudaStream_t stream)
{
    if (!stream->first) return;
    cuda_host_open_memory();
    while (stream->first && cuda_host_step()) continue;
    cuda_host_check_guards();
    cuda_host_close_memory();
}

void cuda_host_drain(void)
{
    if (!waiting) return;
    cuda_host_open_memory();
    while (cuda_host_step()) continue;
    cuda_host_check_guards();
    cuda_host_close_memory();
}

/* --- giving work -------------------------------------------------------------------------------------------------- */

static bool is_stream(cudaStream_t stream)
{
    const struct CUstream_st *s = streams;
    while (s && s != stream) s = s->next;
    return s || stream == &legacy;
}

/* The stream that a handle stands for. The legacy stream waits for all others, and they for it. */
static cudaStream_t stream_of(cudaStream_t stream)
{
    return !stream || stream == cudaStreamLegacy ? &legacy : stream;
}

cudaError_t cuda_host_append(cudaStream_t stream, const cuda_host_item *item, const void *args)
{
    if (stream == &legacy) cuda_host_drain();
    cuda_host_item *copy = cuda_host_copy_item(item, args);
    if (!copy) return cudaErrorMemoryAllocation;
    if (stream == &legacy) {
        cuda_host_open_memory();
        run_item(copy);
        cuda_host_close_memory();
        free_item(copy);
        return cuda_host_broken();
    }
    if (stream->first) stream->last->next = copy;
    else stream->first = copy;
    stream->last = copy;
    if (++waiting > MOST_WAITING) cuda_host_drain();
    return cudaSuccess;
}

cudaError_t cuda_host_give_item(cudaStream_t given, const cuda_host_item *item, const void *args)
{
    cudaStream_t stream = stream_of(given);
    if (!is_stream(stream)) {
        cuda_host_complain("%s: %p is no stream", item->name, (void *)given);
        return cudaErrorInvalidResourceHandle;
    }
    if (stream == &legacy) {
        cudaError_t unsafe = cuda_host_unsafe(item->name);
        if (unsafe) return cudaErrorStreamCaptureImplicit;
    }
    return stream->capture ? cuda_host_record(stream->capture, item, args) : cuda_host_append(stream, item, args);
}

cudaError_t cuda_host_enqueue(cudaStream_t stream, const char *name, cuda_host_work *run, const void *args,
                              size_t bytes)
{
    CUDA_HOST_LOCK;
    cuda_host_item item = {.kind = CUDA_HOST_RUN, .name = name, .run = run, .bytes = bytes};
    return cuda_host_broken() ? cuda_host_broken() : cuda_host_give_item(stream, &item, args);
}

static cudaError_t launch(const cuda_host_item *item, const void *args, int64_t blocks, int64_t threads,
                          cudaStream_t stream)
{
    cudaError_t begun = cuda_host_begin(item->name, cudaErrorLaunchFailure);
    if (begun) return begun;
    if (blocks < 1 || blocks > GRID_MOST || threads < 1 || threads > CUDA_HOST_THREADS) {
        cuda_host_complain("%s: launched with %lld blocks of %lld threads", item->name, (long long)blocks,
                           (long long)threads);
        return cudaErrorInvalidConfiguration;
    }
    return cuda_host_give_item(stream, item, args);
}

void cuda_host_launch(const char *name, cuda_host_work *run, const void *args, size_t bytes, int64_t blocks,
                      int64_t threads, cudaStream_t stream)
{
    CUDA_HOST_LOCK;
    cuda_host_item item = {.kind = CUDA_HOST_KERNEL, .name = name, .run = run, .bytes = bytes,
                           .blocks = (unsigned)blocks, .threads = (unsigned)threads};
    cuda_host_end(launch(&item, args, blocks, threads, stream));
}

/* --- the runtime's ------------------------------------------------------------------------------------------------ */

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
    CUDA_HOST_BEGIN(cudaErrorMemoryAllocation);
    (void)flags;
    struct CUstream_st *s = calloc(1, sizeof *s);
    if (!s) return cuda_host_end(cudaErrorMemoryAllocation);
    s->next = streams;
    streams = s;
    *stream = s;
    return cudaSuccess;
}

cudaError_t cudaStreamCreate(cudaStream_t *stream) { return cudaStreamCreateWithFlags(stream, 0); }

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    CUDA_HOST_LOCK;
    cudaError_t begun = cuda_host_begin(__func__, cudaErrorUnknown);
    if (stream == &legacy || !is_stream(stream)) return cuda_host_end(cudaErrorInvalidResourceHandle);
    drain_stream(stream);
    if (stream->capture) cuda_host_invalidate(stream->capture);
    struct CUstream_st **at = &streams;
    while (*at != stream) at = &(*at)->next;
    *at = stream->next;
    free(stream);
    return cuda_host_end(begun ? begun : cuda_host_broken());
}

cudaError_t cuda_host_wait(cudaStream_t given)
{
    cudaStream_t stream = stream_of(given);
    if (!is_stream(stream)) return cudaErrorInvalidResourceHandle;
    if (stream == &legacy) cuda_host_drain();
    else drain_stream(stream);
    return cuda_host_broken();
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    CUDA_HOST_BEGIN(cudaErrorUnknown);
    CUDA_HOST_UNSAFE;
    return cuda_host_end(cuda_host_wait(stream));
}

cudaError_t cudaStreamQuery(cudaStream_t stream)
{
    CUDA_HOST_BEGIN(cudaErrorUnknown);
    CUDA_HOST_UNSAFE;
    stream = stream_of(stream);
    if (!is_stream(stream)) return cuda_host_end(cudaErrorInvalidResourceHandle);
    cuda_host_step();
    return cuda_host_end(cuda_host_broken() ? cuda_host_broken() : stream->first ? cudaErrorNotReady : cudaSuccess);
}

cudaError_t cudaDeviceSynchronize(void)
{
    CUDA_HOST_BEGIN(cudaErrorUnknown);
    CUDA_HOST_UNSAFE;
    cuda_host_drain();
    return cuda_host_end(cuda_host_broken());
}

int cuda_host_waiting(cudaStream_t stream)
{
    CUDA_HOST_LOCK;
    int n = 0;
    for (const cuda_host_item *item = stream->first; item; item = item->next) n++;
    return n;
}

int cuda_host_stream_leaks(void)
{
    int n = 0;
    for (struct CUstream_st *s = streams; s; s = s->next) n++;
    if (n) cuda_host_complain("%d streams were not destroyed", n);
    return n;
}
