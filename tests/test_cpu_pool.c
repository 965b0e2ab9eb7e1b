/* SPDX-License-Identifier: Apache-2.0 */
/* The thread pool and the choice of its size. */
#include <criterion/criterion.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "cpu/pool.h"

enum { MOST = 1000, WORKERS = 8 };

typedef struct record {
    atomic_int done[MOST], busy[WORKERS];
    atomic_int strangers, clashes; /* workers out of range; two tasks of one worker at once */
    int threads;
} record;

static void note(void *arg, int64_t task, int worker)
{
    record *r = arg;
    if (worker < 0 || worker >= r->threads) {
        atomic_fetch_add(&r->strangers, 1);
        return;
    }
    if (atomic_fetch_add(&r->busy[worker], 1)) atomic_fetch_add(&r->clashes, 1);
    atomic_fetch_add(&r->done[task], 1);
    for (volatile int i = 0; i < 50; i++) continue;
    atomic_fetch_sub(&r->busy[worker], 1);
}

static void run_once_each(cinch_pool *pool, record *r, int64_t n)
{
    for (int i = 0; i < MOST; i++) r->done[i] = 0;
    cinch_pool_run(pool, n, note, r);
    for (int i = 0; i < MOST; i++)
        cr_assert_eq(r->done[i], i < n, "task %d of %lld ran %d times", i, (long long)n, r->done[i]);
}

static void exercise(int threads)
{
    static record r;
    cinch_pool *pool;
    r.threads = threads;
    cr_assert_eq(cinch_pool_create(&pool, threads), CINCH_OK, "%s", cinch_last_error());
    cr_assert_eq(cinch_pool_threads(pool), threads);
    for (int round = 0; round < 300; round++) run_once_each(pool, &r, round * 37 % MOST);
    cr_assert_eq(r.strangers, 0);
    cr_assert_eq(r.clashes, 0);
    cinch_pool_free(pool);
}

Test(cpu_pool, every_task_runs_once)
{
    int threads[] = {1, 2, 3, WORKERS};
    for (int i = 0; i < 4; i++) exercise(threads[i]);
}

/* Workers sleep between jobs that are far apart and must wake for the next. */
Test(cpu_pool, wakes_from_sleep)
{
    static record r;
    cinch_pool *pool;
    r.threads = 3;
    cr_assert_eq(cinch_pool_create(&pool, 3), CINCH_OK);
    for (int round = 0; round < 20; round++) {
        nanosleep(&(struct timespec){0, 2000000}, NULL);
        run_once_each(pool, &r, 100);
    }
    cinch_pool_free(pool);
}

Test(cpu_pool, opens_and_closes)
{
    cinch_pool *pool;
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(cinch_pool_create(&pool, 1 + i % 4), CINCH_OK);
        cinch_pool_free(pool);
    }
    cinch_pool_free(NULL);
}

Test(cpu_pool, refuses_odd_sizes)
{
    cinch_pool *pool;
    cr_assert_eq(cinch_pool_create(&pool, -1), CINCH_USAGE);
    cr_assert_null(pool);
    cr_assert_eq(cinch_pool_create(&pool, 1000000), CINCH_USAGE);
    cr_assert(strstr(cinch_last_error(), "1000000"), "%s", cinch_last_error());
}

Test(cpu_pool, follows_affinity)
{
    cpu_set_t before, one;
    cr_assert_eq(sched_getaffinity(0, sizeof before, &before), 0);
    int threads = cinch_pool_default_threads(), cpu = 0;
    cr_assert(threads >= 1 && threads <= CPU_COUNT(&before), "%d threads", threads);
    while (!CPU_ISSET(cpu, &before)) cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    cr_assert_eq(sched_setaffinity(0, sizeof one, &one), 0);
    cr_assert_eq(cinch_pool_default_threads(), 1);
}
