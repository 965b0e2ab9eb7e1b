/* SPDX-License-Identifier: Apache-2.0 */
/* Copies and fills. Pageable host memory is read when the copy is asked for, pinned memory when the copy runs. */
#include "parts.h"

#include <stdlib.h>
#include <string.h>

typedef struct copy {
    void *to;
    const void *from;        /* NULL: the bytes follow */
    size_t bytes;
} copy;

typedef struct fill {
    void *to;
    int byte;
    size_t bytes;
} fill;

static void run_copy(const void *args)
{
    const copy *c = args;
    memmove(c->to, c->from ? c->from : c + 1, c->bytes);
}

static void run_fill(const void *args)
{
    const fill *f = args;
    memset(f->to, f->byte, f->bytes);
}

/* --- what may be copied where ------------------------------------------------------------------------------------- */

static const char *const place_names[] = {"device", "pinned", "pageable"};

static bool check_place(const char *name, const char *end, const void *memory, size_t bytes, bool device)
{
    char text[128];
    cuda_host_place place = cuda_host_place_of(memory, bytes);
    if (place != CUDA_HOST_NOWHERE && (place == CUDA_HOST_DEVICE) == device) return true;
    if (place == CUDA_HOST_NOWHERE) {
        cuda_host_describe_address(memory, text, sizeof text);
        cuda_host_complain("%s: %s of %zu bytes begins %s", name, end, bytes, text);
    } else {
        cuda_host_complain("%s: the %s is %s memory, and the kind says otherwise", name, end, place_names[place]);
    }
    return false;
}

static cudaError_t check_copy(const char *name, const copy *c, enum cudaMemcpyKind *kind)
{
    bool to_device = cuda_host_place_of(c->to, c->bytes) == CUDA_HOST_DEVICE;
    bool from_device = cuda_host_place_of(c->from, c->bytes) == CUDA_HOST_DEVICE;
    if (*kind == cudaMemcpyDefault)
        *kind = to_device ? from_device ? cudaMemcpyDeviceToDevice : cudaMemcpyHostToDevice
                          : from_device ? cudaMemcpyDeviceToHost : cudaMemcpyHostToHost;
    if (*kind < cudaMemcpyHostToHost || *kind > cudaMemcpyDeviceToDevice) return cudaErrorInvalidMemcpyDirection;
    from_device = *kind == cudaMemcpyDeviceToHost || *kind == cudaMemcpyDeviceToDevice;
    to_device = *kind == cudaMemcpyHostToDevice || *kind == cudaMemcpyDeviceToDevice;
    bool right = check_place(name, "source", c->from, c->bytes, from_device) &&
                 check_place(name, "target", c->to, c->bytes, to_device);
    return right ? cudaSuccess : cudaErrorInvalidValue;
}

/* --- giving it to a stream ---------------------------------------------------------------------------------------- */

static cudaError_t give_staged(const char *name, const copy *c, cudaStream_t stream)
{
    copy *staged = malloc(sizeof *staged + c->bytes);
    if (!staged) return cudaErrorMemoryAllocation;
    *staged = (copy){c->to, NULL, c->bytes};
    memcpy(staged + 1, c->from, c->bytes);
    cudaError_t error = cuda_host_enqueue(stream, name, run_copy, staged, sizeof *staged + c->bytes);
    free(staged);
    return error;
}

static cudaError_t give_copy(const char *name, const copy *c, enum cudaMemcpyKind kind, cudaStream_t stream)
{
    cudaError_t error = check_copy(name, c, &kind);
    if (error || !c->bytes) return error;
    bool pageable = cuda_host_place_of(c->from, c->bytes) == CUDA_HOST_PAGEABLE ||
                    cuda_host_place_of(c->to, c->bytes) == CUDA_HOST_PAGEABLE;
    if (pageable) error = cuda_host_unsafe("a copy of pageable memory");
    if (error) return error;
    if (pageable && kind == cudaMemcpyHostToDevice) return give_staged(name, c, stream);
    error = cuda_host_enqueue(stream, name, run_copy, c, sizeof *c);
    if (!error && pageable) error = cuda_host_wait(stream);
    return error ? error : cuda_host_broken();
}

/* --- the runtime's ------------------------------------------------------------------------------------------------ */

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind, cudaStream_t stream)
{
    CUDA_HOST_BEGIN(cudaErrorUnknown);
    return cuda_host_end(give_copy(__func__, &(copy){to, from, bytes}, kind, stream));
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind)
{
    CUDA_HOST_BEGIN(cudaErrorUnknown);
    CUDA_HOST_UNSAFE;
    cudaError_t error = give_copy(__func__, &(copy){to, from, bytes}, kind, NULL);
    cuda_host_check_guards();
    return cuda_host_end(error ? error : cuda_host_broken());
}

static cudaError_t give_fill(const char *name, const fill *f, cudaStream_t stream)
{
    if (!check_place(name, "memory", f->to, f->bytes, true)) return cudaErrorInvalidValue;
    return f->bytes ? cuda_host_enqueue(stream, name, run_fill, f, sizeof *f) : cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *to, int byte, size_t bytes, cudaStream_t stream)
{
    CUDA_HOST_BEGIN(cudaErrorUnknown);
    return cuda_host_end(give_fill(__func__, &(fill){to, byte, bytes}, stream));
}

cudaError_t cudaMemset(void *to, int byte, size_t bytes)
{
    CUDA_HOST_BEGIN(cudaErrorUnknown);
    CUDA_HOST_UNSAFE;
    return cuda_host_end(give_fill(__func__, &(fill){to, byte, bytes}, NULL));
}
