/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After a handle was opened no call takes memory, opens a file or starts a thread; and opening survives every
 * allocation that fails. The functions that would be called are this program's own, which count and may fail.
 */
#include <cinch/infer.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "backends.h"
#include "infer/handle.h"
#include "train_runs.h"

TestSuite(infer_memory, .fini = remove_runs);

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { COUNTED = 0 }; /* the sanitizers bring their own */
static void arm(long at) { (void)at; }
static long disarm(void) { return 0; }
static long alive(void) { return 0; }
#else
enum { COUNTED = 1 };

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

static atomic_bool armed;
static atomic_long calls, blocks;
static long fail_at;

static void arm(long at)
{
    fail_at = at;
    atomic_store(&calls, 0);
    atomic_store(&blocks, 0);
    atomic_store(&armed, true);
}

/* How many calls there were. */
static long disarm(void)
{
    atomic_store(&armed, false);
    return atomic_load(&calls);
}

/* Blocks taken less blocks given back. */
static long alive(void) { return atomic_load(&blocks); }

/* The C library's own calls are left alone: a stream that finds no memory for its buffer works without, and what
   belongs to a thread is kept for the next one. */
static bool ours(const void *caller)
{
    Dl_info about;
    if (!atomic_load(&armed)) return false;
    if (!dladdr(caller, &about) || !about.dli_fname) return true;
    return !strstr(about.dli_fname, "libc.so") && !strstr(about.dli_fname, "ld-linux");
}
#define OURS ours(__builtin_return_address(0))

static bool fails(bool own) { return own && atomic_fetch_add(&calls, 1) + 1 == fail_at; }

static void *note(bool own, void *memory)
{
    if (memory && own) atomic_fetch_add(&blocks, 1);
    return memory;
}

static void *none(void) { return errno = ENOMEM, NULL; }

#pragma GCC visibility push(default) /* libraries call them too */

void *malloc(size_t size)
{
    bool own = OURS;
    return fails(own) ? none() : note(own, __libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    bool own = OURS;
    return fails(own) ? none() : note(own, __libc_calloc(count, size));
}

void *aligned_alloc(size_t alignment, size_t size)
{
    bool own = OURS;
    return fails(own) ? none() : note(own, __libc_memalign(alignment, size));
}

void *realloc(void *memory, size_t size)
{
    bool own = OURS;
    if (fails(own)) return none();
    return note(own && !memory, __libc_realloc(memory, size));
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    bool own = OURS;
    void *found = fails(own) ? NULL : note(own, __libc_memalign(alignment, size));
    if (found) *memory = found;
    return found ? 0 : ENOMEM;
}

void free(void *memory)
{
    if (memory && OURS) atomic_fetch_sub(&blocks, 1);
    __libc_free(memory);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

void *mmap(void *address, size_t size, int protection, int flags, int file, off_t offset)
{
    static __typeof__(&mmap) real;
    if (!real) real = REAL(mmap);
    return fails(OURS) ? (errno = ENOMEM, MAP_FAILED) : real(address, size, protection, flags, file, offset);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
    static __typeof__(&pthread_create) real;
    if (!real) real = REAL(pthread_create);
    return fails(OURS) ? EAGAIN : real(thread, attributes, start, argument);
}

int open(const char *path, int flags, ...)
{
    static int (*real)(const char *, int, ...);
    bool own = OURS;
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    if (!real) real = REAL(open);
    return fails(own) ? (errno = ENOMEM, -1) : real(path, flags, mode);
}
#pragma GCC visibility pop
#endif

enum { MOST = 100, SAMPLE = 784, CODE = 6 };

typedef struct room {
    float x[MOST * SAMPLE], y[MOST * SAMPLE], code[MOST * CODE], logvar[MOST * CODE], error[MOST];
    int32_t label[MOST];
} room;

static cinch_infer *opened(const char *name, const char *device, int threads)
{
    cinch_infer *h;
    cinch_infer_options options = {.device = device, .threads = threads, .max_batch = MOST};
    OK(cinch_infer_open(&h, run_path(name), &options));
    return h;
}

/* Every call, at every size of batch, and calls that are refused. */
static cinch_status call_all(cinch_infer *h, room *r)
{
    static const int64_t sizes[] = {1, 5, 8, 64, 70, MOST};
    cinch_status status = CINCH_OK;
    for (size_t i = 0; !status && i < 2 * sizeof sizes / sizeof *sizes; i++) {
        int64_t n = sizes[i % (sizeof sizes / sizeof *sizes)];
        status = cinch_infer_encode(h, r->x, r->label, n, r->code, r->logvar);
        if (!status) status = cinch_infer_decode(h, r->code, r->label, n, r->y);
        if (!status) status = cinch_infer_reconstruct(h, r->x, r->label, n, r->y);
        if (!status) status = cinch_infer_score(h, r->x, r->label, n, r->error);
        if (!status) status = cinch_infer_sample(h, i, 3, NULL, n, r->y);
        if (!status && !cinch_infer_encode(h, r->x, r->label, MOST + 1, r->code, NULL)) status = CINCH_INTERNAL;
    }
    return status;
}

Test(infer_memory, no_call_takes_any)
{
    static room r;
    trained("a", small_config("model.name=vae", "model.condition=label", "train.epochs=1", NULL));
    if (COUNTED) {
        arm(0);
        void *volatile block = malloc(10);
        free(block);
        cr_assert_eq(disarm(), 1, "allocations are not seen");
    }
    for (int threads = 1; threads <= 3; threads++) {
        cinch_infer *h = opened("a", backends_device(), threads);
        cinch_device_memory before = cinch_device_memory_used(h->device), after;
        bool host_only = !strcmp(backends_device(), "cpu");
        arm(0);
        cinch_status status = call_all(h, &r);
        long taken = disarm();
        cr_assert_eq(status, CINCH_OK, "%s", cinch_last_error());
        if (host_only) cr_assert_eq(taken, 0, "%ld calls of the allocator, mmap, open or pthread_create", taken);
        after = cinch_device_memory_used(h->device);
        cr_assert(after.now == before.now && after.peak == before.peak, "memory was taken on the device");
        cinch_infer_close(h);
    }
}

/* Opens and shares with the allocation of this number failing; how many there were. */
static long open_with_failure(long at)
{
    cinch_infer *h = NULL, *second = NULL;
    cinch_infer_options options = {.device = "cpu", .threads = 2, .max_batch = 9};
    const char *path = run_path("a");
    arm(at);
    cinch_status status = cinch_infer_open(&h, path, &options);
    bool opened_first = !status;
    if (!status) status = cinch_infer_share(&second, h);
    cinch_infer_close(h);
    cinch_infer_close(second);
    long count = disarm();
    cr_assert_eq(alive(), 0, "failure %ld: %ld blocks are left", at, alive());
    cr_assert(!status || (at && (status == CINCH_DEVICE || status == CINCH_DATA)),
              "failure %ld: status %d", at, status);
    cr_assert(!status || (opened_first ? !second : !h), "failure %ld: a handle though it failed", at);
    cr_assert(!status || error_holds(""), "failure %ld: not one line", at);
    return count;
}

/* Every one of the first and of the last, and some of those between. */
Test(infer_memory, opening_survives_failed_allocations)
{
    if (!COUNTED) cr_skip("the sanitizers bring their own malloc");
    trained("a", small_config("model.name=vae", "model.condition=label", "model.hidden_sizes=4", "train.epochs=1",
                              NULL));
    open_with_failure(0); /* what libraries keep for good is taken now */
    long total = open_with_failure(0);
    cr_assert_gt(total, 500, "only %ld allocations", total);
    for (long at = 1; at <= total; at += at < 300 || at > total - 50 ? 1 : 5) open_with_failure(at);
}
