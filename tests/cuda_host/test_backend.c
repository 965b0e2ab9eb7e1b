/* SPDX-License-Identifier: Apache-2.0 */
/* The backend from the inside: what waits for what. */
#include "cuda/cuda.h"
#include "cuda_host.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS = 16, MUCH = 40, BYTES = 64 };

static char error[1024];
static void fail(const char *text) { snprintf(error, sizeof error, "%s", text); }
static void *allocate(size_t count, size_t size) { return calloc(count, size); }
static const cinch_host host = {fail, allocate};

extern cinch_module_entry cinch_backend_module;
static cinch_backend *b;
static const cinch_backend_vtable *v;
static unsigned char *x, *y;

#define OK(call) cr_assert_eq((int)(call), CINCH_OK, "%s: %s", #call, error)

static void set_up(void)
{
    OK(cinch_backend_module(CINCH_MODULE_ABI, &host)->open(&b, 0));
    v = b->vtable;
    OK(v->alloc(b, 2 * BYTES, (void **)&x));
    OK(v->alloc(b, 2 * BYTES, (void **)&y));
    OK(v->fill(b, x, 0, 2 * BYTES));
    OK(v->fill(b, y, 0, 2 * BYTES));
    OK(v->sync(b));
}

static void tear_down(void)
{
    v->release(b, x);
    v->release(b, y);
    v->close(b);
    cr_assert_eq(cuda_host_leaks(), 0);
}

TestSuite(backend, .init = set_up, .fini = tear_down);

static int waiting(void) { return cuda_host_waiting(cinch_cuda_stream(b)); }

/* Work that takes a while. */
static void give_work(unsigned char *memory, int value)
{
    for (int i = 0; i < MUCH; i++) OK(v->fill(b, memory, value, BYTES));
}

/* What it says it holds is what is gone: allocations have a granularity on top. */
Test(backend, what_it_holds)
{
    size_t available, total;
    v->release(b, x);
    v->release(b, y);
    x = y = NULL;
    OK(v->room(b, &available, &total));
    cr_assert_geq(total - available, b->held);
    cr_assert_lt(total - available, b->held + (1 << 16));
}

/* --- reads that nobody waits for ---------------------------------------------------------------------------------- */

Test(backend, a_fetch_has_what_was_there_and_waits_for_no_more)
{
    void *fetch;
    const void *bytes;
    OK(v->fetch_open(b, BYTES, &fetch));
    for (int round = 1; round < 4; round++) {
        give_work(x, round);
        int before = waiting();
        OK(v->fetch_start(b, fetch, x, BYTES));
        cr_assert_geq(waiting(), before, "asking waits for nothing");
        give_work(x, 100);
        OK(v->fetch_finish(b, fetch, &bytes));
        for (int i = 0; i < BYTES; i++) cr_assert_eq(((const unsigned char *)bytes)[i], round);
        cr_assert_eq(waiting(), MUCH, "what was given later still waits");
    }
    v->fetch_close(b, fetch);
}

Test(backend, a_fetch_that_is_never_finished)
{
    void *fetch;
    OK(v->fetch_open(b, BYTES, &fetch));
    give_work(x, 1);
    OK(v->fetch_start(b, fetch, x, BYTES));
    v->fetch_close(b, fetch);
    v->fetch_close(b, NULL);
}

/* Every call of it, in turn: an error, or the right bytes; nothing left behind, which the end of the test looks at. */
Test(backend, faults_of_a_fetch)
{
    int refused = 0;
    for (uint64_t n = 1; n <= 8; n++) {
        void *fetch = NULL;
        const void *bytes = NULL;
        give_work(x, (int)n);
        cuda_host_fail_at(n);
        cinch_status status = v->fetch_open(b, BYTES, &fetch);
        cr_assert_eq(status != CINCH_OK, fetch == NULL);
        if (!status) status = v->fetch_start(b, fetch, x, BYTES);
        if (!status) status = v->fetch_finish(b, fetch, &bytes);
        if (!status) cr_assert_eq(*(const unsigned char *)bytes, n);
        else cr_assert(strstr(error, "cuda: "), "%s", error);
        refused += status != CINCH_OK;
        v->fetch_close(b, fetch);
        cuda_host_fail_at(0);
    }
    cr_assert_eq(refused, 5, "%d", refused);
}

/* --- writes ahead ------------------------------------------------------------------------------------------------- */

/* A step: both columns of its batch go to the slot, then work reads them. */
static void give_step(int step)
{
    unsigned char batch[BYTES];
    int slot = step % 2;
    memset(batch, step, sizeof batch);
    OK(v->write_ahead(b, slot, x + slot * BYTES, batch, BYTES));
    OK(v->write_ahead(b, slot, y + slot * BYTES, batch, BYTES));
}

/* The fourth step's columns may come while the third works, not before the second, which had their slot, is done. */
Test(backend, columns_come_while_the_step_before_works)
{
    int early = 0;
    unsigned char *work;
    OK(v->alloc(b, BYTES, (void **)&work));
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        cuda_host_seed(seed);
        for (int step = 1; step <= 3; step++) {
            give_step(step);
            give_work(work, step);
        }
        give_step(4);
        OK(cudaStreamSynchronize(cinch_cuda_of(b)->copies));
        cr_assert_leq(waiting(), MUCH + 8, "the second step is done");
        early += waiting() > 2;
        OK(v->sync(b));
    }
    cr_expect_gt(early, SEEDS / 2, "under %d of %d seeds", early, SEEDS);
    v->release(b, work);
}

/* What a step reads is its own batch, in both columns, whatever comes ahead. */
Test(backend, every_step_has_its_own_columns)
{
    enum { STEPS = 9 };
    void *fetch[STEPS][2];
    const void *bytes;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        cuda_host_seed(seed);
        for (int step = 0; step < STEPS; step++) {
            give_step(step);
            for (int k = 0; k < 2; k++) {
                OK(v->fetch_open(b, BYTES, &fetch[step][k]));
                OK(v->fetch_start(b, fetch[step][k], (k ? y : x) + step % 2 * BYTES, BYTES));
            }
        }
        for (int i = 0; i < 2 * STEPS; i++) {
            OK(v->fetch_finish(b, fetch[i / 2][i % 2], &bytes));
            cr_expect_eq(*(const unsigned char *)bytes, i / 2, "seed %d, step %d", (int)seed, i / 2);
            v->fetch_close(b, fetch[i / 2][i % 2]);
        }
    }
}
