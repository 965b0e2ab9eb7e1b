/* SPDX-License-Identifier: Apache-2.0 */
/* Events: how many times one was recorded, and which of its records has been reached. */
#include "parts.h"

#include <stdlib.h>
#include <time.h>

struct CUevent_st {
    struct CUevent_st *next;
    int references;             /* one of its owner, one of each piece of work that names it */
    uint64_t recorded, done;
    uint64_t capture;           /* the number of the capture that it was last recorded in, or 0 */
    double when;
};

static struct CUevent_st *events;   /* that have not been destroyed */

static bool is_event(cudaEvent_t event)
{
    const struct CUevent_st *e = events;
    while (e && e != event) e = e->next;
    return e;
}

void cuda_host_event_keep(cudaEvent_t event) { event->references++; }

void cuda_host_event_drop(cudaEvent_t event)
{
    if (!--event->references) free(event);
}

bool cuda_host_event_is_done(cudaEvent_t event, uint64_t number) { return event->done >= number; }

void cuda_host_event_done(cudaEvent_t event, uint64_t number)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    event->when = (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
    if (event->done < number) event->done = number;
}

/* --- the runtime's ------------------------------------------------------------------------------------------------ */

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags)
{
    CUDA_HOST_BEGIN(cudaErrorMemoryAllocation);
    (void)flags;
    struct CUevent_st *e = calloc(1, sizeof *e);
    if (!e) return cuda_host_end(cudaErrorMemoryAllocation);
    *e = (struct CUevent_st){.next = events, .references = 1};
    events = e;
    *event = e;
    return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t *event) { return cudaEventCreateWithFlags(event, 0); }

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    CUDA_HOST_LOCK;
    cudaError_t begun = cuda_host_begin(__func__, cudaErrorUnknown);
    if (!is_event(event)) return cuda_host_end(cudaErrorInvalidResourceHandle);
    struct CUevent_st **at = &events;
    while (*at != event) at = &(*at)->next;
    *at = event->next;
    cuda_host_event_drop(event);
    return cuda_host_end(begun ? begun : cuda_host_broken());
}

static cudaError_t record_event(cudaEvent_t event, cudaStream_t stream)
{
    uint64_t capture = cuda_host_capture_of(stream);
    if (!is_event(event)) return cudaErrorInvalidResourceHandle;
    event->capture = capture;
    if (capture) return cudaSuccess;
    cuda_host_item item = {.kind = CUDA_HOST_RECORD, .name = "cudaEventRecord", .event = event,
                           .number = ++event->recorded};
    return cuda_host_give_item(stream, &item, NULL);
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    CUDA_HOST_BEGIN(cudaErrorUnknown);
    return cuda_host_end(record_event(event, stream));
}

/* Within a capture the stream's own order is enough: captures of more than one stream are not stood in for. */
static cudaError_t wait_in_capture(cudaStream_t stream, cudaEvent_t event, uint64_t capture)
{
    if (capture && capture == event->capture) return cudaSuccess;
    if (capture) {
        cuda_host_complain("cudaStreamWaitEvent: a captured stream waits for an event from outside of the capture");
        cuda_host_invalidate(stream->capture);
        return cudaErrorStreamCaptureIsolation;
    }
    cuda_host_complain("cudaStreamWaitEvent: waits for an event that was recorded in a capture");
    return cudaErrorNotSupported;
}

static cudaError_t wait_event(cudaStream_t stream, cudaEvent_t event)
{
    uint64_t capture = cuda_host_capture_of(stream);
    if (!is_event(event)) return cudaErrorInvalidResourceHandle;
    if (capture || event->capture) return wait_in_capture(stream, event, capture);
    if (!event->recorded) return cudaSuccess;
    cuda_host_item item = {.kind = CUDA_HOST_WAIT, .name = "cudaStreamWaitEvent", .event = event,
                           .number = event->recorded};
    return cuda_host_give_item(stream, &item, NULL);
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags)
{
    CUDA_HOST_BEGIN(cudaErrorUnknown);
    (void)flags;
    return cuda_host_end(wait_event(stream, event));
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    CUDA_HOST_BEGIN(cudaErrorUnknown);
    CUDA_HOST_UNSAFE;
    if (!is_event(event)) return cuda_host_end(cudaErrorInvalidResourceHandle);
    if (event->capture) return cuda_host_end(cudaErrorCapturedEvent);
    cuda_host_open_memory();
    while (event->done < event->recorded && cuda_host_step()) continue;
    cuda_host_close_memory();
    return cuda_host_end(cuda_host_broken());
}

cudaError_t cudaEventQuery(cudaEvent_t event)
{
    CUDA_HOST_BEGIN(cudaErrorUnknown);
    CUDA_HOST_UNSAFE;
    if (!is_event(event)) return cuda_host_end(cudaErrorInvalidResourceHandle);
    if (event->capture) return cuda_host_end(cudaErrorCapturedEvent);
    if (event->done < event->recorded) cuda_host_step();
    if (cuda_host_broken()) return cuda_host_end(cuda_host_broken());
    return event->done < event->recorded ? cudaErrorNotReady : cudaSuccess;
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t start, cudaEvent_t end)
{
    CUDA_HOST_BEGIN(cudaErrorUnknown);
    if (!is_event(start) || !is_event(end)) return cuda_host_end(cudaErrorInvalidResourceHandle);
    if (!start->recorded || !end->recorded) return cuda_host_end(cudaErrorInvalidResourceHandle);
    if (start->done < start->recorded || end->done < end->recorded) return cudaErrorNotReady;
    *milliseconds = (float)(end->when - start->when);
    return cudaSuccess;
}

int cuda_host_event_leaks(void)
{
    int n = 0;
    for (struct CUevent_st *e = events; e; e = e->next) n++;
    if (n) cuda_host_complain("%d events were not destroyed", n);
    return n;
}
