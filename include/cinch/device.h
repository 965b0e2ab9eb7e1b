/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device runs plans and holds memory: the CPU, or a GPU where its backend module is installed.
 *
 *     cinch_device *device;
 *     if (cinch_device_open(&device, "auto", NULL)) puts(cinch_last_error());
 *     ...
 *     cinch_device_free(device);
 *
 * A device and everything made on it belong to one thread at a time; two devices are independent.
 */
#ifndef CINCH_DEVICE_H
#define CINCH_DEVICE_H

#include <cinch/export.h>
#include <cinch/status.h>
#include <cinch/types.h>

CINCH_BEGIN

typedef struct cinch_device cinch_device;
typedef struct cinch_buffer cinch_buffer;

typedef struct cinch_device_options {
    int threads;            /* CPU threads; 0: the lesser of CPU affinity and cgroup quota */
    bool keep_blas_threads; /* false: OpenBLAS is set to one thread for the whole process, cinch's pool does the
                               rest; true: the embedding program owns OpenBLAS's thread count */
    const char *isa;        /* CPU kernel set: "generic", "avx2", "avx512"; NULL: $CINCH_CPU_ISA, else the best */
} cinch_device_options;

/* Opens "cpu", "cuda:N", "cuda" (which is "cuda:0") or "auto" (the first GPU that can be used, else the CPU). `options`
   may be NULL.
   Errors: CINCH_USAGE for an unknown name, kernel set or GPU number, CINCH_DEVICE where the device cannot be used. */
CINCH_API cinch_status cinch_device_open(cinch_device **out, const char *name, const cinch_device_options *options);

/* How many GPUs there are, "cuda:0" to "cuda:N-1"; at least one, or CINCH_DEVICE and the last error says why there is
   none: the backend's module is not installed, cannot be loaded (a library that it needs is missing) or is of another
   version; there is no driver, it is too old, or it finds no GPU. Thread-safe. */
CINCH_API cinch_status cinch_device_gpus(int *count);

/* Frees the device; plans, buffers and parameters on it must be gone. NULL is fine. */
CINCH_API void cinch_device_free(cinch_device *device);

/* "cpu" or "cuda:0"; owned by the device. */
CINCH_API const char *cinch_device_name(const cinch_device *device);

/* Writes one line for people (processor, kernel set, threads, libraries) into text[size]. */
CINCH_API void cinch_device_describe(cinch_device *device, char *text, size_t size);

/* Why the device is slower than it could be (an OpenBLAS core older than the CPU), one static line, or NULL. */
CINCH_API const char *cinch_device_notice(cinch_device *device);

/* Why "auto" took the CPU, one line owned by the device; NULL where it did not. */
CINCH_API const char *cinch_device_no_gpu(const cinch_device *device);

typedef struct cinch_device_memory {
    size_t now, peak;         /* bytes that cinch holds on the device, now and at most so far, its libraries' too */
    size_t total, available;  /* bytes that the device has, and that nobody holds; 0: it has no memory of its own */
} cinch_device_memory;

CINCH_API cinch_device_memory cinch_device_memory_used(const cinch_device *device);

/* What the device's libraries chose while plans were made (which algorithm for which product), as JSON on several
   lines; new text for cinch_free, NULL where nothing was chosen. `tune` takes it back, before plans are made, so that
   they compute the same bytes; a device that chooses nothing, the CPU, leaves it alone.
   Errors: CINCH_DATA where `text` is no such JSON or of another device or version of its libraries; the choices are
   then made anew. */
CINCH_API cinch_status cinch_device_tuning(cinch_device *device, char **text);
CINCH_API cinch_status cinch_device_tune(cinch_device *device, const char *text);

/* Waits until all work given to the device is done. */
CINCH_API cinch_status cinch_device_sync(cinch_device *device);

/* Memory on the device, zeroed, to bind plans to (a resident data set, say). CINCH_DEVICE when none is left. */
CINCH_API cinch_status cinch_buffer_create(cinch_buffer **out, cinch_device *device, size_t bytes);
CINCH_API void cinch_buffer_free(cinch_buffer *buffer);
CINCH_API size_t cinch_buffer_size(const cinch_buffer *buffer);

/* Copies between host memory and the buffer; [offset, offset + bytes) must lie inside it (CINCH_USAGE). */
CINCH_API cinch_status cinch_buffer_write(cinch_buffer *buffer, size_t offset, const void *host, size_t bytes);
/* Writes beside the work under way, for buffers of two slots that take turns, each written for the work given next. It
   is the turn of the slot, 0 or 1 (CINCH_USAGE otherwise), that was written last, on this device and in whichever
   buffer. The write comes after all work given before the slot's last turn ended, and before all work given later. */
CINCH_API cinch_status cinch_buffer_write_ahead(cinch_buffer *buffer, int slot, size_t offset, const void *host,
                                                size_t bytes);
CINCH_API cinch_status cinch_buffer_read(cinch_buffer *buffer, size_t offset, void *host, size_t bytes);

CINCH_END

#endif
