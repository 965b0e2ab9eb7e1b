/* SPDX-License-Identifier: Apache-2.0 */
#include "core/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"

static cinch_status open_backend(cinch_backend **out, const char *name, const cinch_device_options *options)
{
    static const char *const known[] = {"auto", "cpu"};
    cinch_cpu_options cpu = {options->threads, options->keep_blas_threads, options->isa};
    if (!strcmp(name, "auto") || !strcmp(name, "cpu")) return cinch_cpu_open(out, &cpu);
    if (!strncmp(name, "cuda", 4))
        return cinch_fail(CINCH_DEVICE, "device %s: this build of cinch has no CUDA backend; use --device cpu", name);
    const char *near = cinch_nearest(name, known, 2);
    return cinch_fail(CINCH_USAGE, "device '%s': unknown; did you mean %s? (auto cpu cuda cuda:N)", name,
                      near ? near : "cpu");
}

cinch_status cinch_device_open(cinch_device **out, const char *name, const cinch_device_options *options)
{
    *out = NULL;
    cinch_device *device = cinch_calloc(1, sizeof *device);
    if (!device) return CINCH_DEVICE;
    cinch_status status = open_backend(&device->backend, name, options ? options : &(cinch_device_options){0});
    if (status) {
        free(device);
        return status;
    }
    snprintf(device->name, sizeof device->name, "%s", device->backend->vtable->name);
    *out = device;
    return CINCH_OK;
}

void cinch_device_free(cinch_device *device)
{
    if (!device) return;
    cinch_device_release(device, device->arena, device->arena_bytes);
    device->backend->vtable->close(device->backend);
    free(device);
}

const char *cinch_device_name(const cinch_device *device) { return device->name; }

void cinch_device_describe(cinch_device *device, char *text, size_t size)
{
    device->backend->vtable->describe(device->backend, text, size);
}

const char *cinch_device_notice(cinch_device *device) { return device->backend->vtable->notice(device->backend); }

cinch_device_memory cinch_device_memory_used(const cinch_device *device) { return device->memory; }

cinch_status cinch_device_sync(cinch_device *device) { return device->backend->vtable->sync(device->backend); }

/* --- memory -------------------------------------------------------------------------------------------------- */

cinch_status cinch_device_enter(cinch_device *device)
{
    cinch_backend *backend = device->backend;
    return backend->vtable->enter ? backend->vtable->enter(backend) : CINCH_OK;
}

cinch_status cinch_device_alloc(cinch_device *device, size_t bytes, void **memory)
{
    *memory = NULL;
    if (!bytes) return CINCH_OK;
    TRY(cinch_device_enter(device));
    TRY(device->backend->vtable->alloc(device->backend, bytes, memory));
    device->memory.now += bytes;
    if (device->memory.now > device->memory.peak) device->memory.peak = device->memory.now;
    return CINCH_OK;
}

void cinch_device_release(cinch_device *device, void *memory, size_t bytes)
{
    if (!memory) return;
    device->backend->vtable->release(device->backend, memory);
    device->memory.now -= bytes;
}

cinch_status cinch_device_reserve(cinch_device *device, size_t bytes)
{
    if (bytes <= device->arena_bytes) return CINCH_OK;
    cinch_device_release(device, device->arena, device->arena_bytes);
    device->arena = NULL;
    device->arena_bytes = 0;
    device->arena_generation++;
    cinch_status status = cinch_device_alloc(device, bytes, &device->arena);
    if (status)
        return cinch_fail(status, "%s: the plan needs %zu bytes for its temporaries; a smaller --batch-size needs less",
                          device->name, bytes);
    device->arena_bytes = bytes;
    return CINCH_OK;
}

/* --- buffers --------------------------------------------------------------------------------------------------- */

cinch_status cinch_buffer_create(cinch_buffer **out, cinch_device *device, size_t bytes)
{
    *out = NULL;
    cinch_buffer *buffer = cinch_calloc(1, sizeof *buffer);
    if (!buffer) return CINCH_DEVICE;
    *buffer = (cinch_buffer){device, bytes, NULL};
    cinch_status status = cinch_device_alloc(device, bytes, &buffer->memory);
    if (!status && bytes) status = device->backend->vtable->fill(device->backend, buffer->memory, 0, bytes);
    if (status) {
        cinch_buffer_free(buffer);
        return status;
    }
    *out = buffer;
    return CINCH_OK;
}

void cinch_buffer_free(cinch_buffer *buffer)
{
    if (!buffer) return;
    cinch_device_release(buffer->device, buffer->memory, buffer->bytes);
    free(buffer);
}

size_t cinch_buffer_size(const cinch_buffer *buffer) { return buffer->bytes; }

static cinch_status check_range(const cinch_buffer *buffer, size_t offset, size_t bytes)
{
    if (offset <= buffer->bytes && bytes <= buffer->bytes - offset) return CINCH_OK;
    return cinch_fail(CINCH_USAGE, "buffer of %zu bytes: no %zu bytes at %zu", buffer->bytes, bytes, offset);
}

cinch_status cinch_buffer_write(cinch_buffer *buffer, size_t offset, const void *host, size_t bytes)
{
    cinch_backend *backend = buffer->device->backend;
    TRY(check_range(buffer, offset, bytes));
    return bytes ? backend->vtable->write(backend, (char *)buffer->memory + offset, host, bytes) : CINCH_OK;
}

cinch_status cinch_buffer_read(cinch_buffer *buffer, size_t offset, void *host, size_t bytes)
{
    cinch_backend *backend = buffer->device->backend;
    TRY(check_range(buffer, offset, bytes));
    return bytes ? backend->vtable->read(backend, host, (char *)buffer->memory + offset, bytes) : CINCH_OK;
}
