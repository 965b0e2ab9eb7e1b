/* SPDX-License-Identifier: Apache-2.0 */
/* A GPU as a backend: one stream does all work in order; a second brings batches ahead of it. */
#include "cuda/backend.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cuda/fetch.h"
#include "cuda/lt.h"
#include "cuda/staging.h"
#include "cuda/table.h"

/* --- errors ------------------------------------------------------------------------------------------------------- */

cinch_status cinch_cuda_check(cudaError_t error, const char *format, ...)
{
    char what[512];
    va_list args;
    if (error == cudaSuccess) return CINCH_OK;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    cudaGetLastError(); /* an error that a later launch must not be blamed for */
    return cinch_fail(CINCH_DEVICE, "cuda: %s: %s", what, cudaGetErrorString(error));
}

static const char *dtype_name(cinch_dtype dtype)
{
    static const char *const names[CINCH_DTYPE_COUNT] = {"f32", "bf16", "i32", "u8"};
    return names[dtype];
}

static void add_tensor(const cinch_tensor *t, char *text, size_t size)
{
    size_t at = strlen(text);
    at += (size_t)snprintf(text + at, size - at, " [");
    for (int i = 0; i < t->rank && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%lld", i ? ", " : "", (long long)t->dim[i]);
    if (at < size) snprintf(text + at, size - at, "] %s", dtype_name(t->dtype));
}

void cinch_cuda_describe_call(const cinch_call *c, char *text, size_t size)
{
    snprintf(text, size, "%s", cinch_cuda_op_names[c->op]);
    for (int k = 0; k < c->n_in; k++) add_tensor(&c->in[k], text, size);
    if (c->n_out) strncat(text, " ->", size - strlen(text) - 1);
    for (int k = 0; k < c->n_out; k++) add_tensor(&c->out[k], text, size);
}

cinch_status cinch_cuda_launched(const cinch_call *c)
{
    char text[400];
    cudaError_t error = cudaGetLastError();
    if (error == cudaSuccess) return CINCH_OK;
    cinch_cuda_describe_call(c, text, sizeof text);
    return cinch_cuda_check(error, "%s", text);
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

static cinch_status cuda_room(cinch_backend *b, size_t *available, size_t *total)
{
    (void)b;
    return cinch_cuda_check(cudaMemGetInfo(available, total), "asking for the device's memory");
}

static cinch_status cuda_alloc(cinch_backend *b, size_t bytes, void **memory)
{
    size_t available = 0, total = 0;
    *memory = NULL;
    cudaError_t error = cudaMalloc(memory, bytes ? bytes : 1);
    if (error == cudaSuccess) return CINCH_OK;
    *memory = NULL;
    if (error != cudaErrorMemoryAllocation || cuda_room(b, &available, &total))
        return cinch_cuda_check(error, "taking %zu bytes", bytes);
    cudaGetLastError();
    return cinch_fail(CINCH_DEVICE, "cuda: out of memory: %zu bytes wanted, %zu of the device's %zu are free", bytes,
                      available, total);
}

static void cuda_release(cinch_backend *b, void *memory)
{
    (void)b;
    cudaFree(memory);
}

static cinch_status cuda_write(cinch_backend *b, void *device, const void *host, size_t bytes)
{
    return cinch_cuda_staging_write(cinch_cuda_of(b)->staging, device, host, bytes);
}

static cinch_status cuda_sync(cinch_backend *b)
{
    return cinch_cuda_check(cudaStreamSynchronize(cinch_cuda_stream(b)), "waiting for the device");
}

static cinch_status cuda_read(cinch_backend *b, void *host, const void *device, size_t bytes)
{
    cudaError_t error = cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, cinch_cuda_stream(b));
    TRY(cinch_cuda_check(error, "copying %zu bytes from the device", bytes));
    return cuda_sync(b);
}

static cinch_status cuda_fill(cinch_backend *b, void *device, int byte, size_t bytes)
{
    return cinch_cuda_check(cudaMemsetAsync(device, byte, bytes, cinch_cuda_stream(b)), "filling %zu bytes", bytes);
}

/* --- batches ahead of the work ------------------------------------------------------------------------------------ */

static cinch_status open_ahead(cinch_cuda *cuda)
{
    if (cuda->ahead) return CINCH_OK;
    TRY(cinch_cuda_check(cudaStreamCreateWithFlags(&cuda->copies, cudaStreamNonBlocking), "making a stream"));
    for (int i = 0; i < 2; i++)
        TRY(cinch_cuda_check(cudaEventCreateWithFlags(&cuda->given[i], cudaEventDisableTiming), "making an event"));
    TRY(cinch_cuda_check(cudaEventCreateWithFlags(&cuda->copied, cudaEventDisableTiming), "making an event"));
    return cinch_cuda_staging_open(&cuda->ahead, cuda->copies);
}

/* The copy waits for the work that was given before the slot's last turn ended, and later work waits for the copy. */
static cinch_status cuda_write_ahead(cinch_backend *b, int slot, void *device, const void *host, size_t bytes)
{
    cinch_cuda *cuda = cinch_cuda_of(b);
    TRY(open_ahead(cuda));
    if (slot != cuda->turn)
        TRY(cinch_cuda_check(cudaEventRecord(cuda->given[cuda->turn], cuda->stream), "recording an event"));
    cuda->turn = slot;
    TRY(cinch_cuda_check(cudaStreamWaitEvent(cuda->copies, cuda->given[slot], 0), "ordering a copy"));
    TRY(cinch_cuda_staging_write(cuda->ahead, device, host, bytes));
    TRY(cinch_cuda_check(cudaEventRecord(cuda->copied, cuda->copies), "recording an event"));
    return cinch_cuda_check(cudaStreamWaitEvent(cuda->stream, cuda->copied, 0), "ordering a copy");
}

/* --- capture ------------------------------------------------------------------------------------------------------ */

static cinch_status cuda_capture_begin(cinch_backend *b)
{
    return cinch_cuda_check(cudaStreamBeginCapture(cinch_cuda_stream(b), cudaStreamCaptureModeThreadLocal),
                            "recording the step");
}

static cinch_status cuda_capture_end(cinch_backend *b, void **graph)
{
    cudaGraph_t recorded = NULL;
    cudaGraphExec_t ready = NULL;
    cudaError_t error = cudaStreamEndCapture(cinch_cuda_stream(b), &recorded);
    if (!error && graph) error = cudaGraphInstantiate(&ready, recorded, 0);
    if (recorded) cudaGraphDestroy(recorded);
    if (!graph) {
        cudaGetLastError();
        return CINCH_OK;
    }
    *graph = error ? NULL : ready;
    return cinch_cuda_check(error, "recording the step");
}

static cinch_status cuda_replay(cinch_backend *b, void *graph)
{
    return cinch_cuda_check(cudaGraphLaunch(graph, cinch_cuda_stream(b)), "replaying the step");
}

static void cuda_capture_free(cinch_backend *b, void *graph)
{
    (void)b;
    cudaGraphExecDestroy(graph);
}

/* --- the rest ----------------------------------------------------------------------------------------------------- */

static cinch_status cuda_all_reduce(cinch_backend *b, float *data, int64_t count)
{
    (void)b, (void)data, (void)count;
    return CINCH_OK;
}

static cinch_status cuda_enter(cinch_backend *b)
{
    int device = cinch_cuda_of(b)->device;
    return cinch_cuda_check(cudaSetDevice(device), "choosing device %d", device);
}

static void cuda_describe(cinch_backend *b, char *text, size_t size)
{
    const cinch_cuda *cuda = cinch_cuda_of(b);
    char lt[64];
    cinch_cuda_lt_describe(cuda->lt, lt, sizeof lt);
    snprintf(text, size, "%s, compute capability %d.%d, %d multiprocessors, CUDA %d.%d, driver for %d.%d, %s",
             cuda->name, cuda->capability / 10, cuda->capability % 10, cuda->multiprocessors, cuda->runtime / 1000,
             cuda->runtime % 1000 / 10, cuda->driver / 1000, cuda->driver % 1000 / 10, lt);
}

static const char *cuda_notice(cinch_backend *b)
{
    (void)b;
    return NULL;
}

static void cuda_choices(cinch_backend *b, void (*visit)(void *, const char *, const char *), void *user)
{
    cinch_cuda_lt_choices(cinch_cuda_of(b)->lt, visit, user);
}

static cinch_status cuda_choose(cinch_backend *b, const char *key, const char *choice)
{
    return cinch_cuda_lt_choose(cinch_cuda_of(b)->lt, key, choice);
}

/* --- opening and closing ------------------------------------------------------------------------------------------ */

static void cuda_close(cinch_backend *b)
{
    cinch_cuda *cuda = cinch_cuda_of(b);
    cudaSetDevice(cuda->device);
    if (cuda->copies) cudaStreamSynchronize(cuda->copies);
    if (cuda->stream) cudaStreamSynchronize(cuda->stream);
    cinch_cuda_staging_close(cuda->ahead);
    cinch_cuda_staging_close(cuda->staging);
    cinch_cuda_lt_close(cuda->lt);
    for (int i = 0; i < 2; i++)
        if (cuda->given[i]) cudaEventDestroy(cuda->given[i]);
    if (cuda->copied) cudaEventDestroy(cuda->copied);
    if (cuda->copies) cudaStreamDestroy(cuda->copies);
    if (cuda->stream) cudaStreamDestroy(cuda->stream);
    free(cuda);
}

static const cinch_backend_vtable vtable = {
    .name = "cuda",
    .enter = cuda_enter,
    .close = cuda_close,
    .alloc = cuda_alloc,
    .release = cuda_release,
    .write = cuda_write,
    .read = cuda_read,
    .write_ahead = cuda_write_ahead,
    .fetch_open = cinch_cuda_fetch_open,
    .fetch_close = cinch_cuda_fetch_close,
    .fetch_start = cinch_cuda_fetch_start,
    .fetch_finish = cinch_cuda_fetch_finish,
    .fill = cuda_fill,
    .sync = cuda_sync,
    .capture_begin = cuda_capture_begin,
    .capture_end = cuda_capture_end,
    .replay = cuda_replay,
    .capture_free = cuda_capture_free,
    .all_reduce = cuda_all_reduce,
    .describe = cuda_describe,
    .notice = cuda_notice,
    .room = cuda_room,
    .choices = cuda_choices,
    .choose = cuda_choose,
};

static cinch_status attribute(const cinch_cuda *cuda, enum cudaDeviceAttr which, int *value)
{
    return cinch_cuda_check(cudaDeviceGetAttribute(value, which, cuda->device), "asking device %d", cuda->device);
}

static cinch_status look_at_device(cinch_cuda *cuda)
{
    struct cudaDeviceProp properties;
    int major = 0, minor = 0;
    TRY(cinch_cuda_check(cudaGetDeviceProperties(&properties, cuda->device), "asking device %d", cuda->device));
    snprintf(cuda->name, sizeof cuda->name, "%s", properties.name);
    TRY(attribute(cuda, cudaDevAttrMultiProcessorCount, &cuda->multiprocessors));
    TRY(attribute(cuda, cudaDevAttrComputeCapabilityMajor, &major));
    TRY(attribute(cuda, cudaDevAttrComputeCapabilityMinor, &minor));
    cuda->capability = 10 * major + minor;
    TRY(cinch_cuda_check(cudaDriverGetVersion(&cuda->driver), "asking for the driver's version"));
    return cinch_cuda_check(cudaRuntimeGetVersion(&cuda->runtime), "asking for the runtime's version");
}

/* A GPU that this build has no code for would fail at the first kernel. */
static cinch_status check_code(const cinch_cuda *cuda)
{
    cudaError_t error = cinch_cuda_find_code();
    if (error != cudaErrorNoKernelImageForDevice && error != cudaErrorInvalidDeviceFunction)
        return cinch_cuda_check(error, "looking for code for device %d", cuda->device);
    cudaGetLastError();
    return cinch_fail(CINCH_DEVICE, "cuda: this build of cinch has no code for %s (compute capability %d.%d); build it "
                      "with -DCINCH_CUDA_ARCHITECTURES=%d", cuda->name, cuda->capability / 10, cuda->capability % 10,
                      cuda->capability);
}

static cinch_status set_up(cinch_cuda *cuda)
{
    TRY(cuda_enter(&cuda->base));
    TRY(look_at_device(cuda));
    TRY(check_code(cuda));
    TRY(cinch_cuda_check(cudaStreamCreateWithFlags(&cuda->stream, cudaStreamNonBlocking), "making a stream"));
    TRY(cinch_cuda_staging_open(&cuda->staging, cuda->stream));
    return cinch_cuda_lt_open(&cuda->base, &cuda->lt);
}

cinch_status cinch_cuda_open(cinch_backend **out, int device)
{
    *out = NULL;
    cinch_cuda *cuda = cinch_calloc(1, sizeof *cuda);
    if (!cuda) return CINCH_DEVICE;
    cuda->base = (cinch_backend){&vtable, cinch_cuda_kernels, CINCH_CUDA_LT_WORKSPACE};
    cuda->device = device;
    cinch_status status = set_up(cuda);
    if (status) cuda_close(&cuda->base);
    else *out = &cuda->base;
    return status;
}
