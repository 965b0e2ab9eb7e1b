/* SPDX-License-Identifier: Apache-2.0 */
#include "core/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/module.h"
#include "core/options.h"
#include "core/status.h"

/* --- opening ------------------------------------------------------------------------------------------------------ */

cinch_status cinch_device_gpus(int *count)
{
    const cinch_module *module;
    *count = 0;
    TRY(cinch_module_load(&module, "cuda"));
    return module->count(count);
}

static cinch_status open_gpu(cinch_device *device, int index)
{
    const cinch_module *module;
    TRY(cinch_module_load(&module, "cuda"));
    TRY(module->open(&device->backend, index));
    device->memory.now = device->memory.peak = device->backend->held;
    snprintf(device->name, sizeof device->name, "%s:%d", device->backend->vtable->name, index);
    return CINCH_OK;
}

static cinch_status open_numbered(cinch_device *device, int index)
{
    int count;
    TRY(cinch_device_gpus(&count));
    if (index < count) return open_gpu(device, index);
    if (count == 1) return cinch_fail(CINCH_USAGE, "there is one GPU, cuda:0");
    return cinch_fail(CINCH_USAGE, "there are %d GPUs, cuda:0 to cuda:%d", count, count - 1);
}

static cinch_status open_cpu(cinch_device *device, const cinch_device_options *options)
{
    cinch_cpu_options cpu = {options->threads, options->keep_blas_threads, options->isa};
    TRY(cinch_cpu_open(&device->backend, &cpu));
    snprintf(device->name, sizeof device->name, "%s", device->backend->vtable->name);
    return CINCH_OK;
}

/* Why there is no GPU stays with the device. */
static cinch_status open_auto(cinch_device *device, const cinch_device_options *options)
{
    int count;
    cinch_status status = cinch_device_gpus(&count);
    for (int i = 0; i < count; i++) {
        status = open_gpu(device, i);
        if (!status) return device->no_gpu[0] = 0, CINCH_OK;
        if (!device->no_gpu[0]) snprintf(device->no_gpu, sizeof device->no_gpu, "cuda:%d: %s", i, cinch_last_error());
    }
    if (!device->no_gpu[0]) snprintf(device->no_gpu, sizeof device->no_gpu, "%s", cinch_last_error());
    return open_cpu(device, options);
}

/* The number of "cuda" or "cuda:N", or -1. */
static int gpu_number(const char *name)
{
    if (!strcmp(name, "cuda")) return 0;
    if (strncmp(name, "cuda:", strlen("cuda:"))) return -1;
    const char *digits = name + strlen("cuda:");
    if (!*digits || strlen(digits) > 4) return -1;
    return digits[strspn(digits, "0123456789")] ? -1 : atoi(digits);
}

static cinch_status open_named(cinch_device *device, const char *name, const cinch_device_options *options)
{
    if (!strcmp(name, "auto")) return open_auto(device, options);
    if (!strcmp(name, "cpu")) return open_cpu(device, options);
    if (gpu_number(name) >= 0) {
        cinch_status status = open_numbered(device, gpu_number(name));
        char where[64];
        snprintf(where, sizeof where, "device %s", name);
        return status ? cinch_fail_in(status, where) : CINCH_OK;
    }
    return cinch_device_unknown("device", name);
}

cinch_status cinch_device_open(cinch_device **out, const char *name, const cinch_device_options *options)
{
    *out = NULL;
    cinch_device *device = cinch_calloc(1, sizeof *device);
    if (!device) return CINCH_DEVICE;
    cinch_status status = open_named(device, name, options ? options : &(cinch_device_options){0});
    if (status) free(device);
    else *out = device;
    return status;
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

const char *cinch_device_no_gpu(const cinch_device *device) { return device->no_gpu[0] ? device->no_gpu : NULL; }

cinch_status cinch_device_sync(cinch_device *device)
{
    TRY(cinch_device_enter(device));
    return device->backend->vtable->sync(device->backend);
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

cinch_status cinch_device_enter(cinch_device *device)
{
    cinch_backend *backend = device->backend;
    return backend->vtable->enter ? backend->vtable->enter(backend) : CINCH_OK;
}

/* What the device has and what is free; false where memory is the process's own, or the device does not tell. */
static bool look_at_room(const cinch_device *device, size_t *available, size_t *total)
{
    cinch_backend *backend = device->backend;
    *available = *total = 0;
    if (!backend->vtable->room || (backend->vtable->enter && backend->vtable->enter(backend))) return false;
    if (!backend->vtable->room(backend, available, total)) return true;
    *available = *total = 0;
    return false;
}

cinch_device_memory cinch_device_memory_used(const cinch_device *device)
{
    cinch_device_memory memory = device->memory;
    look_at_room(device, &memory.available, &memory.total);
    return memory;
}

static double mib(size_t bytes) { return (double)bytes / (1 << 20); }

/* After `bytes` could not be had. A device may fail for other reasons, whose text then stays. */
static cinch_status explain_lack(const cinch_device *device, cinch_status status, size_t bytes, const char *what)
{
    char room[128] = "";
    size_t available, total;
    if (look_at_room(device, &available, &total)) {
        if (available >= bytes) return cinch_fail_in(status, device->name);
        snprintf(room, sizeof room, ", and %.1f of the device's %.1f MiB are free", mib(available), mib(total));
    }
    return cinch_fail(status, "%s: out of memory: %.1f MiB (%zu bytes) are needed for %s, %.1f MiB are held already%s; "
                      "a smaller --batch-size or model needs less", device->name, mib(bytes), bytes, what,
                      mib(device->memory.now), room);
}

static cinch_status take(cinch_device *device, size_t bytes, const char *what, void **memory)
{
    *memory = NULL;
    if (!bytes) return CINCH_OK;
    TRY(cinch_device_enter(device));
    cinch_status status = device->backend->vtable->alloc(device->backend, bytes, memory);
    if (status) return explain_lack(device, status, bytes, what);
    device->memory.now += bytes;
    if (device->memory.now > device->memory.peak) device->memory.peak = device->memory.now;
    return CINCH_OK;
}

cinch_status cinch_device_alloc(cinch_device *device, size_t bytes, void **memory)
{
    return take(device, bytes, "parameters, inputs or data", memory);
}

void cinch_device_release(cinch_device *device, void *memory, size_t bytes)
{
    if (!memory) return;
    device->backend->vtable->release(device->backend, memory);
    device->memory.now -= bytes;
}

cinch_status cinch_device_write(cinch_device *device, void *memory, const void *host, size_t bytes)
{
    TRY(cinch_device_enter(device));
    return bytes ? device->backend->vtable->write(device->backend, memory, host, bytes) : CINCH_OK;
}

cinch_status cinch_device_read(cinch_device *device, void *host, const void *memory, size_t bytes)
{
    TRY(cinch_device_enter(device));
    return bytes ? device->backend->vtable->read(device->backend, host, memory, bytes) : CINCH_OK;
}

cinch_status cinch_device_reserve(cinch_device *device, size_t bytes)
{
    if (bytes <= device->arena_bytes) return CINCH_OK;
    cinch_device_release(device, device->arena, device->arena_bytes);
    device->arena = NULL;
    device->arena_bytes = 0;
    device->arena_generation++;
    TRY(take(device, bytes, "the plan's temporaries", &device->arena));
    device->arena_bytes = bytes;
    return CINCH_OK;
}

/* --- buffers ------------------------------------------------------------------------------------------------------ */

/* All writes come after it, also those that do not wait for other work. */
static cinch_status clear(cinch_buffer *buffer)
{
    cinch_backend *backend = buffer->device->backend;
    TRY(backend->vtable->fill(backend, buffer->memory, 0, buffer->bytes));
    return backend->vtable->write_ahead ? backend->vtable->sync(backend) : CINCH_OK;
}

cinch_status cinch_buffer_create(cinch_buffer **out, cinch_device *device, size_t bytes)
{
    *out = NULL;
    cinch_buffer *buffer = cinch_calloc(1, sizeof *buffer);
    if (!buffer) return CINCH_DEVICE;
    *buffer = (cinch_buffer){device, bytes, NULL};
    cinch_status status = cinch_device_alloc(device, bytes, &buffer->memory);
    if (!status && bytes) status = clear(buffer);
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
    TRY(check_range(buffer, offset, bytes));
    return cinch_device_write(buffer->device, (char *)buffer->memory + offset, host, bytes);
}

cinch_status cinch_buffer_write_ahead(cinch_buffer *buffer, int slot, size_t offset, const void *host, size_t bytes)
{
    cinch_backend *backend = buffer->device->backend;
    if (slot != 0 && slot != 1) return cinch_fail(CINCH_USAGE, "slot %d: there are two, 0 and 1", slot);
    if (!backend->vtable->write_ahead) return cinch_buffer_write(buffer, offset, host, bytes);
    TRY(check_range(buffer, offset, bytes));
    TRY(cinch_device_enter(buffer->device));
    return bytes ? backend->vtable->write_ahead(backend, slot, (char *)buffer->memory + offset, host, bytes) : CINCH_OK;
}

cinch_status cinch_buffer_read(cinch_buffer *buffer, size_t offset, void *host, size_t bytes)
{
    TRY(check_range(buffer, offset, bytes));
    return cinch_device_read(buffer->device, host, (char *)buffer->memory + offset, bytes);
}
