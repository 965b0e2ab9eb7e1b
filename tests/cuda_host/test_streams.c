/* SPDX-License-Identifier: Apache-2.0 */
/* Memory, streams, events and capture of the stand-in: each planted mistake is caught, and what is right passes. */
#include "planted.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS = 8, COUNT = 1000, BYTES = COUNT * sizeof(float) };
#define OK(call) cr_assert_eq((int)(call), 0, "%s", #call)
#define GIVES(error, call) cr_assert_eq((int)(call), (int)(error), "%s", #call)

static float *x, *y, *pinned, host[COUNT], result[COUNT];
static cudaStream_t stream, other;

static void set_up(void)
{
    for (int i = 0; i < COUNT; i++) host[i] = (float)i;
    OK(cudaMalloc((void **)&x, BYTES));
    OK(cudaMalloc((void **)&y, BYTES));
    OK(cudaMallocHost((void **)&pinned, BYTES));
    OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    OK(cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking));
}

static void tear_down(void)
{
    cuda_host_mend();
    OK(cudaFree(x));
    OK(cudaFree(y));
    OK(cudaFreeHost(pinned));
    OK(cudaStreamDestroy(stream));
    OK(cudaStreamDestroy(other));
    cr_assert_eq(cuda_host_leaks(), 0);
}

TestSuite(streams, .init = set_up, .fini = tear_down);

static void complained(const char *text)
{
    cr_assert(strstr(cuda_host_complaint(), text), "\"%s\" is not in \"%s\"", text, cuda_host_complaint());
}

static bool all_are(const float *values, float value)
{
    for (int i = 0; i < COUNT; i++)
        if (values[i] != value) return false;
    return true;
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

Test(streams, new_memory_is_poisoned)
{
    OK(cudaMemcpy(result, x, BYTES, cudaMemcpyDeviceToHost));
    for (int i = 0; i < COUNT; i++) cr_assert(isnan(result[i]) && isnan(pinned[i]));
}

Test(streams, freeing_what_is_not_there)
{
    float *again;
    GIVES(cudaErrorInvalidValue, cudaFree(host));
    complained("not memory of the device");
    GIVES(cudaErrorInvalidValue, cudaFree(x + 1));
    complained("at byte 4 of device memory of 4000 bytes");
    GIVES(cudaErrorInvalidValue, cudaFree(pinned));
    GIVES(cudaErrorInvalidValue, cudaFreeHost(x));
    OK(cudaMalloc((void **)&again, 100));
    OK(cudaFree(again));
    GIVES(cudaErrorInvalidValue, cudaFree(again));
    complained("at byte 0 of released device memory of 100 bytes");
    OK(cudaFree(NULL));
    OK(cudaFreeHost(NULL));
}

Test(streams, what_is_left_is_counted)
{
    void *memory;
    cudaEvent_t event;
    int before = cuda_host_leaks();
    OK(cudaMalloc(&memory, 1));
    OK(cudaEventCreateWithFlags(&event, 0));
    cr_assert_eq(cuda_host_leaks(), before + 2);
    OK(cudaFree(memory));
    OK(cudaEventDestroy(event));
    cr_assert_eq(cuda_host_leaks(), before);
}

Test(streams, memory_runs_out)
{
    size_t available, total;
    void *memory;
    setenv("CINCH_CUDA_HOST_MEMORY", "1M", 1);
    OK(cudaMemGetInfo(&available, &total));
    cr_assert_eq(total, 1 << 20);
    cr_assert_eq(available, total - 2 * 4096);
    GIVES(cudaErrorMemoryAllocation, cudaMalloc(&memory, available + 1));
    GIVES(cudaErrorMemoryAllocation, cudaGetLastError());
    OK(cudaMalloc(&memory, available));
    OK(cudaFree(memory));
    unsetenv("CINCH_CUDA_HOST_MEMORY");
}

/* --- copies ------------------------------------------------------------------------------------------------------- */

Test(streams, kinds_of_copies)
{
    GIVES(cudaErrorInvalidValue, cudaMemcpyAsync(x, host, BYTES, cudaMemcpyDeviceToDevice, stream));
    complained("the source is pageable memory");
    GIVES(cudaErrorInvalidValue, cudaMemcpyAsync(x, pinned, BYTES, cudaMemcpyDeviceToHost, stream));
    complained("the source is pinned memory");
    GIVES(cudaErrorInvalidValue, cudaMemcpyAsync(x, y, BYTES, cudaMemcpyHostToDevice, stream));
    complained("the source is device memory");
    GIVES(cudaErrorInvalidValue, cudaMemcpyAsync(host, pinned, BYTES, cudaMemcpyHostToDevice, stream));
    complained("the target is pageable memory");
    GIVES(cudaErrorInvalidValue, cudaMemcpyAsync(x, host, BYTES + 1, cudaMemcpyHostToDevice, stream));
    complained("target of 4001 bytes begins at byte 0 of device memory of 4000 bytes");
    GIVES(cudaErrorInvalidValue, cudaMemsetAsync(host, 0, BYTES, stream));
    GIVES(cudaErrorInvalidValue, cudaMemsetAsync(x + 1, 0, BYTES, stream));
    OK(cudaStreamSynchronize(stream));
    OK(cudaMemcpyAsync(x, host, BYTES, cudaMemcpyDefault, stream));
    OK(cudaMemcpyAsync(y, x, BYTES, cudaMemcpyDefault, stream));
    OK(cudaMemcpyAsync(result, y, BYTES, cudaMemcpyDefault, stream));
    cr_assert_arr_eq(result, host, BYTES);
}

/* Pageable memory may be written to at once; pinned memory not before its copy has been waited for. */
static bool copies_numbers(const float *source, bool waits)
{
    float *slot = pinned;
    for (int i = 0; i < COUNT; i++) slot[i] = source[i];
    OK(cudaMemcpyAsync(x, slot, BYTES, cudaMemcpyHostToDevice, stream));
    if (waits) OK(cudaStreamSynchronize(stream));
    for (int i = 0; i < COUNT; i++) slot[i] = -1;
    OK(cudaMemcpyAsync(y, slot, BYTES, cudaMemcpyHostToDevice, stream));
    OK(cudaMemcpy(result, x, BYTES, cudaMemcpyDeviceToHost));
    return !memcmp(result, source, BYTES);
}

Test(streams, slot_reused_too_early)
{
    for (int seed = 0; seed < SEEDS; seed++) {
        cuda_host_seed((uint64_t)seed);
        cr_assert(copies_numbers(host, true));
        cr_assert(!copies_numbers(host, false), "seed %d", seed);
    }
    float pageable[COUNT];
    memcpy(pageable, host, BYTES);
    OK(cudaMemcpyAsync(x, pageable, BYTES, cudaMemcpyHostToDevice, stream));
    memset(pageable, 0, BYTES);
    OK(cudaMemcpy(result, x, BYTES, cudaMemcpyDeviceToHost));
    cr_assert_arr_eq(result, host, BYTES);
}

Test(streams, result_read_too_early)
{
    OK(cudaMemcpyAsync(x, host, BYTES, cudaMemcpyHostToDevice, stream));
    OK(cudaMemcpyAsync(pinned, x, BYTES, cudaMemcpyDeviceToHost, stream));
    cr_assert(isnan(pinned[0]), "a copy to pinned memory does not wait");
    OK(cudaStreamSynchronize(stream));
    cr_assert_arr_eq(pinned, host, BYTES);
}

/* --- order between streams ---------------------------------------------------------------------------------------- */

/* The other stream writes what this one adds to. */
static bool in_order(bool waits)
{
    cudaEvent_t written;
    OK(cudaEventCreateWithFlags(&written, cudaEventDisableTiming));
    OK(cudaMemset(x, 0, BYTES));
    planted_scale(x, COUNT, 0, 3, 2, other);
    OK(cudaEventRecord(written, other));
    if (waits) OK(cudaStreamWaitEvent(stream, written, 0));
    planted_scale(x, COUNT, 1, 4, 2, stream);
    OK(cudaEventDestroy(written));
    OK(cudaStreamSynchronize(stream));
    OK(cudaStreamSynchronize(other));
    OK(cudaMemcpy(result, x, BYTES, cudaMemcpyDeviceToHost));
    return all_are(result, 7);
}

Test(streams, missing_wait_between_streams)
{
    int caught = 0;
    for (int seed = 0; seed < 2 * SEEDS; seed++) {
        cuda_host_seed((uint64_t)seed);
        cr_assert(in_order(true), "seed %d", seed);
        if (!in_order(false)) caught++;
    }
    cr_assert_geq(caught, SEEDS / 2, "caught under %d of %d seeds", caught, 2 * SEEDS);
}

Test(streams, events)
{
    cudaEvent_t event;
    int queries = 0;
    OK(cudaEventCreateWithFlags(&event, 0));
    OK(cudaEventQuery(event));
    OK(cudaEventSynchronize(event));
    OK(cudaMemcpyAsync(x, host, BYTES, cudaMemcpyHostToDevice, stream));
    for (int i = 0; i < 5; i++) planted_scale(x, COUNT, 1, 1, 1, stream);
    OK(cudaEventRecord(event, stream));
    while (cudaEventQuery(event) == cudaErrorNotReady) queries++;
    cr_assert_geq(queries, 5, "work goes on while it is asked for, no faster");
    OK(cudaGetLastError());
    for (int i = 0; i < 2; i++) planted_scale(x, COUNT, 1, 1, 1, stream);
    GIVES(cudaErrorNotReady, cudaStreamQuery(stream));
    OK(cudaStreamQuery(stream));
    OK(cudaEventDestroy(event));
    GIVES(cudaErrorInvalidResourceHandle, cudaEventDestroy(event));
}

Test(streams, long_queues)
{
    OK(cudaMemset(x, 0, BYTES));
    for (int i = 0; i < 2000; i++) planted_scale(x, 3, 1, 1, 1, i % 2 ? stream : other);
    OK(cudaDeviceSynchronize());
    OK(cudaMemcpy(result, x, 3 * sizeof *x, cudaMemcpyDeviceToHost));
    cr_assert_eq(result[2], 2000);
}

/* --- capture ------------------------------------------------------------------------------------------------------ */

static cudaGraphExec_t record(void (*work)(void))
{
    cudaGraph_t graph;
    cudaGraphExec_t ready;
    OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    work();
    OK(cudaStreamEndCapture(stream, &graph));
    OK(cudaGraphInstantiate(&ready, graph, 0));
    OK(cudaGraphDestroy(graph));
    return ready;
}

static float added = 5;

static void some_work(void)
{
    OK(cudaMemsetAsync(y, 0, BYTES, stream));
    planted_scale(x, COUNT, 1, added, 3, stream);
    OK(cudaMemcpyAsync(y, x, BYTES, cudaMemcpyDeviceToDevice, stream));
}

Test(streams, recorded_work)
{
    OK(cudaMemset(x, 0, BYTES));
    cudaGraphExec_t ready = record(some_work);
    OK(cudaMemcpy(result, x, BYTES, cudaMemcpyDeviceToHost));
    cr_assert(all_are(result, 0), "recording runs nothing");
    added = 100; /* the arguments are those of the recording */
    for (int i = 0; i < 3; i++) OK(cudaGraphLaunch(ready, stream));
    OK(cudaGraphExecDestroy(ready));
    GIVES(cudaErrorInvalidValue, cudaGraphExecDestroy(ready));
    OK(cudaStreamSynchronize(stream));
    OK(cudaMemcpy(result, y, BYTES, cudaMemcpyDeviceToHost));
    cr_assert(all_are(result, 15));
}

static void check_refusal(cudaError_t (*call)(void), cudaError_t error, const char *complaint)
{
    cudaGraph_t graph = (cudaGraph_t)1;
    OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    planted_scale(x, COUNT, 1, 1, 1, stream);
    GIVES(error, call());
    complained(complaint);
    planted_scale(x, COUNT, 1, 1, 1, stream);
    GIVES(cudaErrorStreamCaptureInvalidated, cudaGetLastError());
    GIVES(cudaErrorStreamCaptureInvalidated, cudaStreamEndCapture(stream, &graph));
    cr_assert_null(graph);
    GIVES(cudaErrorStreamCaptureInvalidated, cudaGetLastError());
    OK(cudaStreamSynchronize(stream));
}

static void *any;
static cudaEvent_t recorded_before;
static cudaError_t allocates(void) { return cudaMalloc(&any, 100); }
static cudaError_t allocates_pinned(void) { return cudaMallocHost(&any, 100); }
static cudaError_t frees(void) { return cudaFree(x); }
static cudaError_t waits_for_stream(void) { return cudaStreamSynchronize(stream); }
static cudaError_t waits_for_device(void) { return cudaDeviceSynchronize(); }
static cudaError_t reads(void) { return cudaMemcpy(result, x, BYTES, cudaMemcpyDeviceToHost); }
static cudaError_t copies_pageable(void) { return cudaMemcpyAsync(x, host, BYTES, cudaMemcpyHostToDevice, stream); }
static cudaError_t asks_event(void) { return cudaEventQuery(recorded_before); }
static cudaError_t waits_for_event_outside(void) { return cudaStreamWaitEvent(stream, recorded_before, 0); }

Test(streams, what_a_capture_refuses)
{
    const cudaError_t no = cudaErrorStreamCaptureUnsupported;
    OK(cudaEventCreateWithFlags(&recorded_before, 0));
    OK(cudaEventRecord(recorded_before, other));
    check_refusal(allocates, no, "cudaMalloc during a capture");
    check_refusal(allocates_pinned, no, "cudaMallocHost during a capture");
    check_refusal(frees, no, "cudaFree during a capture");
    check_refusal(waits_for_stream, no, "cudaStreamSynchronize during a capture");
    check_refusal(waits_for_device, no, "cudaDeviceSynchronize during a capture");
    check_refusal(reads, no, "cudaMemcpy during a capture");
    check_refusal(copies_pageable, no, "a copy of pageable memory during a capture");
    check_refusal(asks_event, no, "cudaEventQuery during a capture");
    check_refusal(waits_for_event_outside, cudaErrorStreamCaptureIsolation, "an event from outside");
    OK(cudaEventDestroy(recorded_before));
}

Test(streams, events_of_a_capture)
{
    cudaGraph_t graph;
    cudaEvent_t event;
    OK(cudaEventCreateWithFlags(&event, 0));
    OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    OK(cudaEventRecord(event, stream));
    OK(cudaStreamWaitEvent(stream, event, 0));
    OK(cudaStreamEndCapture(stream, &graph));
    OK(cudaGraphDestroy(graph));
    GIVES(cudaErrorCapturedEvent, cudaEventSynchronize(event));
    OK(cudaEventDestroy(event));
}

/* --- faults ------------------------------------------------------------------------------------------------------- */

static cudaError_t small_program(void)
{
    float *memory = NULL;
    cudaStream_t own = NULL;
    cudaError_t error = cudaMalloc((void **)&memory, BYTES);
    if (!error) error = cudaStreamCreateWithFlags(&own, 0);
    if (!error) error = cudaMemsetAsync(memory, 0, BYTES, own);
    if (!error) planted_scale(memory, COUNT, 1, 1, 1, own);
    if (!error) error = cudaGetLastError();
    if (!error) error = cudaStreamSynchronize(own);
    cudaError_t freed = cudaFree(memory), destroyed = own ? cudaStreamDestroy(own) : cudaSuccess;
    return error ? error : freed ? freed : destroyed;
}

Test(streams, every_call_can_fail)
{
    const cudaError_t errors[] = {cudaErrorMemoryAllocation, cudaErrorMemoryAllocation, cudaErrorUnknown,
                                  cudaErrorLaunchFailure, cudaErrorUnknown, cudaErrorUnknown, cudaErrorUnknown};
    enum { CALLS = sizeof errors / sizeof *errors };
    int left = cuda_host_leaks();
    uint64_t before = cuda_host_calls();
    OK(small_program());
    cr_assert_eq(cuda_host_calls() - before, CALLS);
    for (int i = 0; i < CALLS; i++) {
        cuda_host_fail_at((uint64_t)i + 1);
        GIVES(errors[i], small_program());
        cr_assert_eq(cuda_host_leaks(), left, "call %d", i);
        cudaGetLastError();
    }
    OK(small_program());
}

/* --- why there is no device --------------------------------------------------------------------------------------- */

Test(streams, no_device)
{
    int n = -1;
    setenv("CINCH_CUDA_HOST_DEVICES", "0", 1);
    GIVES(cudaErrorNoDevice, cudaGetDeviceCount(&n));
    unsetenv("CINCH_CUDA_HOST_DEVICES");
    setenv("CINCH_CUDA_HOST_DRIVER", "11040", 1);
    GIVES(cudaErrorInsufficientDriver, cudaGetDeviceCount(&n));
    OK(cudaDriverGetVersion(&n));
    cr_assert_eq(n, 11040);
    setenv("CINCH_CUDA_HOST_DRIVER", "0", 1);
    GIVES(cudaErrorInsufficientDriver, cudaGetDeviceCount(&n));
    OK(cudaDriverGetVersion(&n));
    cr_assert_eq(n, 0);
    unsetenv("CINCH_CUDA_HOST_DRIVER");
    OK(cudaGetDeviceCount(&n));
    cr_assert_eq(n, 1);
    GIVES(cudaErrorInvalidDevice, cudaSetDevice(1));
    OK(cudaSetDevice(0));
}
