/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/pool.h"

#include "core/status.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

/* How long a worker looks for the next job before it sleeps: the gap between two kernels of a step, not more. */
enum { SPIN_NANOSECONDS = 100000, MAX_THREADS = 1024 };

#if defined(__x86_64__) || defined(__i386__)
#define RELAX() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define RELAX() __asm__ __volatile__("yield")
#else
#define RELAX() ((void)0)
#endif

typedef struct worker {
    cinch_pool *pool;
    pthread_t thread;
    int index;
} worker;

/*
 * `job` is odd while a job is open. A worker enters by raising `inside` and then looking at `job` again; the caller
 * closes the job and then waits for `inside` to fall to 0. Both are sequentially consistent, so either the worker sees
 * the job closed or the caller sees the worker inside: nobody reads a job that is being replaced.
 */
struct cinch_pool {
    cinch_task task;
    void *arg;
    int64_t n;
    _Alignas(64) atomic_int_least64_t next;
    _Alignas(64) atomic_uint job;
    _Alignas(64) atomic_int inside;
    _Alignas(64) atomic_int sleeping;
    atomic_bool stop;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    int threads, started;
    worker *workers;
};

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void claim(cinch_pool *pool, int index)
{
    int64_t i;
    while ((i = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed)) < pool->n)
        pool->task(pool->arg, i, index);
}

static bool work_waits(cinch_pool *pool, unsigned seen)
{
    unsigned job = atomic_load(&pool->job);
    return ((job & 1) && job != seen) || atomic_load(&pool->stop);
}

static bool spin(cinch_pool *pool, unsigned seen)
{
    int64_t end = now() + SPIN_NANOSECONDS;
    do {
        for (int i = 0; i < 32; i++) {
            if (work_waits(pool, seen)) return true;
            RELAX();
        }
    } while (now() < end);
    return false;
}

static void sleep_until_work(cinch_pool *pool, unsigned seen)
{
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->sleeping, 1);
    while (!work_waits(pool, seen)) pthread_cond_wait(&pool->wake, &pool->mutex);
    atomic_fetch_sub(&pool->sleeping, 1);
    pthread_mutex_unlock(&pool->mutex);
}

static void *worker_main(void *arg)
{
    worker *w = arg;
    cinch_pool *pool = w->pool;
    unsigned seen = 0;
    for (;;) {
        if (!spin(pool, seen)) sleep_until_work(pool, seen);
        if (atomic_load(&pool->stop)) return NULL;
        atomic_fetch_add(&pool->inside, 1);
        unsigned job = atomic_load(&pool->job);
        if (job & 1) {
            seen = job;
            claim(pool, w->index);
        }
        atomic_fetch_sub(&pool->inside, 1);
    }
}

static void wake_sleepers(cinch_pool *pool)
{
    if (!atomic_load(&pool->sleeping)) return;
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
}

static void wait_for_workers(cinch_pool *pool)
{
    for (int turns = 0; atomic_load(&pool->inside); turns++) {
        if (turns < 10000) RELAX();
        else sched_yield();
    }
}

void cinch_pool_run(cinch_pool *pool, int64_t n, cinch_task task, void *arg)
{
    if (n <= 1 || pool->threads == 1) {
        for (int64_t i = 0; i < n; i++) task(arg, i, 0);
        return;
    }
    pool->task = task;
    pool->arg = arg;
    pool->n = n;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    atomic_fetch_add(&pool->job, 1);
    wake_sleepers(pool);
    claim(pool, 0);
    atomic_fetch_add(&pool->job, 1);
    wait_for_workers(pool);
}

/* Signals are for the program's own threads. */
static cinch_status start_workers(cinch_pool *pool)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = 0;
    for (int i = 1; i < pool->threads && !failed; i++) {
        worker *w = &pool->workers[i];
        *w = (worker){.pool = pool, .index = i};
        failed = pthread_create(&w->thread, NULL, worker_main, w);
        if (!failed) pool->started = i;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!failed) return CINCH_OK;
    return cinch_fail(CINCH_DEVICE, "thread %d of %d could not be started: ask for fewer threads", pool->started + 2,
                      pool->threads);
}

cinch_status cinch_pool_create(cinch_pool **out, int threads)
{
    *out = NULL;
    if (threads < 0 || threads > MAX_THREADS)
        return cinch_fail(CINCH_USAGE, "%d threads: give 1 to %d, or 0 for all there are", threads, MAX_THREADS);
    cinch_pool *pool = aligned_alloc(64, (sizeof *pool + 63) / 64 * 64);
    if (!pool) return cinch_fail(CINCH_DEVICE, "out of memory: the thread pool");
    *pool = (cinch_pool){.threads = threads ? threads : cinch_pool_default_threads()};
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pool->workers = cinch_calloc((size_t)pool->threads, sizeof *pool->workers);
    cinch_status status = pool->workers ? start_workers(pool) : CINCH_DEVICE;
    if (status) cinch_pool_free(pool);
    else *out = pool;
    return status;
}

void cinch_pool_free(cinch_pool *pool)
{
    if (!pool) return;
    atomic_store(&pool->stop, true);
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 1; i <= pool->started; i++) pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->workers);
    free(pool);
}

int cinch_pool_threads(const cinch_pool *pool) { return pool->threads; }
