/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device and pinned memory. An allocation is a mapping of its own:
 *
 *     guard | slack | the bytes asked for | slack, less than 256 bytes | guard
 *
 * All of it is poisoned; the slack is checked, and ASan told of it. Device memory (of a large allocation its beginning)
 * can be touched only while work runs. What was released stays mapped, out of reach, for a while.
 */
#include "parts.h"
#include "shadow.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, GUARD = 1 << 20, CHUNK = 1 << 20, SHUT = 1 << 20, ALIGNMENT = 256, KEPT = 64 };
enum { POISON = 0xFF, SLACK = 0xB5 };

typedef enum kind { DEVICE, PINNED } kind;
static const char *const kind_names[] = {"device memory", "pinned memory"};

typedef struct region {
    struct region *next;
    kind of;
    unsigned char *mapping, *start;
    size_t mapped, bytes;
} region;

static region *live, *released;
static int open_count, n_released;
static bool unchecked;          /* work has run since the guards were looked at */
static size_t used;

static size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }
static unsigned char *first_of(const region *r) { return r->mapping + GUARD; }
static unsigned char *end_of(const region *r) { return r->mapping + r->mapped - GUARD; }

/* --- finding ------------------------------------------------------------------------------------------------------ */

static region *find_start(region *list, const void *memory)
{
    while (list && list->start != memory) list = list->next;
    return list;
}

/* The live allocation whose mapping holds the address. */
static region *find_near(region *list, const void *address)
{
    const unsigned char *at = address;
    while (list && (at < list->mapping || at >= list->mapping + list->mapped)) list = list->next;
    return list;
}

static bool is_within(kind of, const void *memory, size_t bytes)
{
    const unsigned char *at = memory;
    const region *r = find_near(live, memory);
    return r && r->of == of && at >= r->start && bytes <= r->bytes && (size_t)(at - r->start) <= r->bytes - bytes;
}

bool cuda_host_is_device(const void *memory, size_t bytes)
{
    CUDA_HOST_LOCK;
    return is_within(DEVICE, memory, bytes);
}

cuda_host_place cuda_host_place_of(const void *memory, size_t bytes)
{
    if (is_within(DEVICE, memory, bytes)) return CUDA_HOST_DEVICE;
    if (is_within(PINNED, memory, bytes)) return CUDA_HOST_PINNED;
    return find_near(live, memory) || find_near(released, memory) ? CUDA_HOST_NOWHERE : CUDA_HOST_PAGEABLE;
}

void cuda_host_describe_address(const void *address, char *text, size_t size)
{
    const unsigned char *at = address;
    const region *r = find_near(live, address), *old = find_near(released, address);
    const region *of = r ? r : old;
    if (!of) snprintf(text, size, "not memory of the device");
    else if (at < of->start) snprintf(text, size, "%td bytes before", of->start - at);
    else if (at < of->start + of->bytes) snprintf(text, size, "at byte %td of", at - of->start);
    else snprintf(text, size, "%td bytes behind the end of", at - of->start - (ptrdiff_t)of->bytes);
    size_t length = strlen(text);
    if (!of) return;
    snprintf(text + length, size - length, "%s %s of %zu bytes", r ? "" : " released", kind_names[of->of], of->bytes);
}

/* --- guards ------------------------------------------------------------------------------------------------------- */

static void set_access(const region *r, int access)
{
    mprotect(first_of(r), (size_t)(end_of(r) - first_of(r)), access);
}

/* The system takes its time for each page. */
static void shut(const region *r, int access)
{
    size_t bytes = (size_t)(end_of(r) - first_of(r));
    if (r->of == DEVICE) mprotect(first_of(r), bytes < SHUT ? bytes : SHUT, access);
}

void cuda_host_open_memory(void)
{
    if (open_count++) return;
    unchecked = true;
    for (region *r = live; r; r = r->next) shut(r, PROT_READ | PROT_WRITE);
}

void cuda_host_close_memory(void)
{
    if (--open_count) return;
    for (region *r = live; r; r = r->next) shut(r, PROT_NONE);
}

/* The slack's first byte that was written to, or NULL. */
__attribute__((no_sanitize("address"))) static const unsigned char *find_damage(const region *r)
{
    const unsigned char *end = end_of(r);
    for (const unsigned char *at = first_of(r); at < r->start; at++)
        if (*at != SLACK) return at;
    for (const unsigned char *at = r->start + r->bytes; at < end; at++)
        if (*at != SLACK) return at;
    return NULL;
}

static void check_guards(const region *r)
{
    char text[128];
    const unsigned char *damage = find_damage(r);
    if (!damage) return;
    cuda_host_describe_address(damage, text, sizeof text);
    cuda_host_complain("something wrote %s", text);
    cuda_host_break(cudaErrorIllegalAddress);
}

void cuda_host_check_guards(void)
{
    if (!unchecked) return;
    cuda_host_open_memory();
    unchecked = false;
    for (region *r = live; r; r = r->next) check_guards(r);
    cuda_host_close_memory();
}

/* --- allocating --------------------------------------------------------------------------------------------------- */

/* A file of poison: mapped in place of memory, only what is touched takes time. */
static int poison_file(void)
{
    static int file = -1;
    if (file >= 0) return file;
    unsigned char *poison = malloc(CHUNK);
    if (!poison) return -1;
    memset(poison, POISON, CHUNK);
    file = memfd_create("poison", MFD_CLOEXEC);
    if (file >= 0 && write(file, poison, CHUNK) != CHUNK) {
        close(file);
        file = -1;
    }
    free(poison);
    return file;
}

static bool map_poison(const region *r)
{
    int file = poison_file();
    if (file < 0) return false;
    for (unsigned char *at = first_of(r), *end = end_of(r); at < end; at += CHUNK) {
        size_t n = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
        int flags = MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE;
        if (mmap(at, n, PROT_READ | PROT_WRITE, flags, file, 0) == MAP_FAILED) return false;
    }
    return true;
}

static region *map_region(kind of, size_t bytes)
{
    size_t room = round_up(bytes, ALIGNMENT), inner = round_up(room, PAGE);
    region *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    *r = (region){.of = of, .bytes = bytes, .mapped = inner + 2 * GUARD};
    r->mapping = mmap(NULL, r->mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (r->mapping != MAP_FAILED) {
        r->start = end_of(r) - room;
        if (map_poison(r)) return r;
        munmap(r->mapping, r->mapped);
    }
    free(r);
    return NULL;
}

static void fill_slack(const region *r)
{
    size_t before = (size_t)(r->start - first_of(r)), after = (size_t)(end_of(r) - r->start) - r->bytes;
    memset(first_of(r), SLACK, before);
    memset(r->start + r->bytes, SLACK, after);
    ASAN_POISON_MEMORY_REGION(first_of(r), before);
    ASAN_POISON_MEMORY_REGION(r->start + r->bytes, after);
    if (!open_count) shut(r, PROT_NONE);
}

static cudaError_t allocate(kind of, void **memory, size_t bytes)
{
    *memory = NULL;
    if (!bytes) return cudaSuccess;
    size_t size = cuda_host_memory_size(), room = of == DEVICE ? size - (used < size ? used : size) : SIZE_MAX / 4;
    if (bytes > room || round_up(bytes, ALIGNMENT) > room) return cudaErrorMemoryAllocation;
    cuda_host_watch_faults();
    region *r = map_region(of, bytes);
    if (!r) return cudaErrorMemoryAllocation;
    fill_slack(r);
    if (of == DEVICE) used += round_up(bytes, ALIGNMENT);
    r->next = live;
    live = r;
    *memory = r->start;
    return cudaSuccess;
}

/* --- releasing ---------------------------------------------------------------------------------------------------- */

static void unlink_region(region **list, region *r)
{
    while (*list != r) list = &(*list)->next;
    *list = r->next;
}

static void unmap_oldest(void)
{
    region *r = released;
    while (r->next) r = r->next;
    unlink_region(&released, r);
    n_released--;
    ASAN_UNPOISON_MEMORY_REGION(r->mapping, r->mapped);
    munmap(r->mapping, r->mapped);
    free(r);
}

static cudaError_t release(kind of, void *memory, const char *name)
{
    char text[128];
    if (!memory) return cudaSuccess;
    cuda_host_drain();
    region *r = find_start(live, memory);
    if (!r || r->of != of) {
        cuda_host_describe_address(memory, text, sizeof text);
        cuda_host_complain("%s of %p: %s", name, memory, text);
        return cudaErrorInvalidValue;
    }
    set_access(r, PROT_READ | PROT_WRITE);
    check_guards(r);
    unlink_region(&live, r);
    if (of == DEVICE) used -= round_up(r->bytes, ALIGNMENT);
    madvise(first_of(r), (size_t)(end_of(r) - first_of(r)), MADV_DONTNEED);
    set_access(r, PROT_NONE);
    r->next = released;
    released = r;
    if (++n_released > KEPT) unmap_oldest();
    return cudaSuccess;
}

int cuda_host_memory_leaks(void)
{
    int n = 0;
    for (region *r = live; r; r = r->next, n++)
        if (n < 8) cuda_host_complain("%s of %zu bytes was not released", kind_names[r->of], r->bytes);
    return n;
}

/* --- the runtime's ------------------------------------------------------------------------------------------------ */

cudaError_t cudaMalloc(void **memory, size_t bytes)
{
    CUDA_HOST_BEGIN(cudaErrorMemoryAllocation);
    CUDA_HOST_UNSAFE;
    return cuda_host_end(allocate(DEVICE, memory, bytes));
}

cudaError_t cudaHostAlloc(void **memory, size_t bytes, unsigned flags)
{
    CUDA_HOST_BEGIN(cudaErrorMemoryAllocation);
    (void)flags;
    CUDA_HOST_UNSAFE;
    return cuda_host_end(allocate(PINNED, memory, bytes));
}

cudaError_t cudaMallocHost(void **memory, size_t bytes)
{
    CUDA_HOST_BEGIN(cudaErrorMemoryAllocation);
    CUDA_HOST_UNSAFE;
    return cuda_host_end(allocate(PINNED, memory, bytes));
}

/* What is released is released even where the call is made to fail: there is nothing else that a caller could do. */
static cudaError_t release_call(kind of, void *memory, const char *name)
{
    CUDA_HOST_LOCK;
    cudaError_t begun = cuda_host_begin(name, cudaErrorUnknown), unsafe = cuda_host_unsafe(name);
    if (unsafe) return cuda_host_end(unsafe);
    cudaError_t error = release(of, memory, name);
    return cuda_host_end(begun ? begun : error ? error : cuda_host_broken());
}

cudaError_t cudaFree(void *memory) { return release_call(DEVICE, memory, __func__); }
cudaError_t cudaFreeHost(void *memory) { return release_call(PINNED, memory, __func__); }

cudaError_t cudaMemGetInfo(size_t *available, size_t *total)
{
    CUDA_HOST_BEGIN(cudaErrorUnknown);
    *total = cuda_host_memory_size();
    *available = *total - used;
    return cudaSuccess;
}
