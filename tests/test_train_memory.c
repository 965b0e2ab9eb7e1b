/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After the first step the training loop allocates nothing: counted at malloc itself. What OpenBLAS takes for itself
 * does not count: some of its kernels for small products get and free scratch memory in each call.
 */
#include "train_runs.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || !defined(__GLIBC__)
#define COUNTING 0
#else
#define COUNTING 1
#endif

static atomic_long allocations;
static atomic_bool counting;

#if COUNTING
static void count_for(const void *caller)
{
    Dl_info info;
    if (counting && !(dladdr(caller, &info) && info.dli_fname && strstr(info.dli_fname, "blas"))) allocations++;
}
#define COUNT() count_for(__builtin_return_address(0))

/* The program's own take the place of the C library's, for every library in the process. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size)
{
    COUNT();
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    COUNT();
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    COUNT();
    return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    COUNT();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    COUNT();
    *memory = __libc_memalign(alignment, size);
    return *memory ? 0 : 12;
}
#endif

TestSuite(memory, .fini = remove_runs);

enum { MARKS = 128 };

typedef struct marks {
    int n;
    long at[MARKS];
    const char *event[MARKS];
} marks;

static void mark(void *user, const cinch_progress *p)
{
    marks *m = user;
    counting = true;
    if (m->n < MARKS) {
        m->event[m->n] = p->event;
        m->at[m->n++] = allocations;
    }
}

/* Not one allocation from the first step that is reported to the last epoch, the first short batch and the validations
   included: reporting all steps or some, resident or streamed, with accumulation, keeping best weights. */
Test(memory, steps_allocate_nothing)
{
    static const char *const variants[][3] = {
        {"train.log_every=1", "optimizer.ema=0.9", NULL},
        {"train.log_every=4", "schedule.name=plateau", NULL},
        {"data.resident=never", "train.patience=3", NULL},
        {"train.accumulate=2", "optimizer.clip=0.1", NULL}};
    for (int v = 0; COUNTING && v < 4; v++) {
        marks m = {0};
        const char *settings[] = {"train.epochs=4", "train.checkpoint_every=none", "train.batch_size=50",
                                  variants[v][0], variants[v][1], NULL};
        cinch_config *c = small_config_of(settings);
        cinch_train_options options = {.progress = mark, .user = &m, .overwrite = true};
        counting = false;
        OK(cinch_train(c, run_path("a"), &options, NULL));
        cinch_config_free(c);
        cr_assert_gt(m.n, 8);
        int first = 0, last = m.n - 1;
        while (strcmp(m.event[first], "step")) first++;
        while (strcmp(m.event[last], "epoch")) last--;
        cr_assert_gt(last - first, 4);
        for (int i = first + 1; i <= last; i++)
            cr_assert_eq(m.at[i], m.at[first], "variant %d: %ld allocations before report %d (%s)", v,
                         m.at[i] - m.at[first], i, m.event[i]);
    }
    cr_assert(!COUNTING || allocations > 10, "the counter counts: the run's end allocates");
}
