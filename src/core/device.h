/* SPDX-License-Identifier: Apache-2.0 */
/* A device as core sees it: a backend, its memory account, and the arena that plans share. */
#ifndef CINCH_CORE_DEVICE_H
#define CINCH_CORE_DEVICE_H

#include <cinch/device.h>

#include "core/backend.h"

struct cinch_device {
    cinch_backend *backend;
    char name[32];
    char no_gpu[512];           /* why "auto" took the CPU, or "" */
    cinch_device_memory memory; /* what is held, now and at most; the rest is asked of the backend */
    void *arena;
    size_t arena_bytes;
    unsigned arena_generation;  /* grows when the arena moves; plans then look up their pointers again */
};

struct cinch_buffer {
    cinch_device *device;
    size_t bytes;
    void *memory;
};

/* Before work is given to the backend itself: the calling thread may have used another device. */
cinch_status cinch_device_enter(cinch_device *device);

/* Memory on the device; `bytes` is given again to release it, for the account. */
cinch_status cinch_device_alloc(cinch_device *device, size_t bytes, void **memory);
void cinch_device_release(cinch_device *device, void *memory, size_t bytes);

/* Copies between host and the device's memory, from any thread; nothing where there are no bytes. */
cinch_status cinch_device_write(cinch_device *device, void *memory, const void *host, size_t bytes);
cinch_status cinch_device_read(cinch_device *device, void *host, const void *memory, size_t bytes);

/* Makes the shared arena at least this large. */
cinch_status cinch_device_reserve(cinch_device *device, size_t bytes);

#endif
