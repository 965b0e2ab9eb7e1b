/* SPDX-License-Identifier: Apache-2.0 */
/* Handles of several threads on one copy of the weights, opened, used and closed side by side and in any order. */
#include <cinch/infer.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"
#include "train_runs.h"

TestSuite(infer_threads, .fini = remove_runs);

enum { THREADS = 4, ROUNDS = 6, ROWS = 20, SAMPLE = 784 };

typedef struct work {
    const cinch_infer *from;   /* to share */
    cinch_infer *handle;       /* or that it has been given */
    const float *x, *y;        /* rows, and what is to become of them */
    int index, wrong;
} work;

/* Failed assertions are for the test's own thread; so this one counts. */
static void use(work *w, cinch_infer *h)
{
    static const int64_t sizes[] = {1, 3, 8, 20};
    float y[ROWS * SAMPLE], error[ROWS];
    for (int i = 0; i < 40; i++) {
        int64_t n = sizes[(i + w->index) % 4], first = (int64_t)(i * 7) % (ROWS - n + 1);
        w->wrong += cinch_infer_reconstruct(h, w->x + first * SAMPLE, NULL, n, y) != CINCH_OK;
        w->wrong += memcmp(y, w->y + first * SAMPLE, (size_t)(n * SAMPLE) * sizeof *y) != 0;
        w->wrong += cinch_infer_score(h, w->x + first * SAMPLE, NULL, n, error) != CINCH_OK;
        /* Errors are each thread's own. */
        w->wrong += cinch_infer_reconstruct(h, w->x, NULL, ROWS + 1, y) != CINCH_USAGE;
    }
}

static void *share_and_use(void *arg)
{
    work *w = arg;
    for (int i = 0; i < ROUNDS; i++) {
        cinch_infer *h;
        if (cinch_infer_share(&h, w->from)) return w->wrong += 1000, NULL;
        use(w, h);
        cinch_infer_close(h);
    }
    return NULL;
}

static void *use_and_close(void *arg)
{
    work *w = arg;
    use(w, w->handle);
    cinch_infer_close(w->handle);
    return NULL;
}

static cinch_infer *opened(int threads)
{
    cinch_infer *h;
    cinch_infer_options options = {.device = "cpu", .threads = threads, .max_batch = ROWS};
    OK(cinch_infer_open(&h, run_path("a"), &options));
    return h;
}

static void fill(float *x, float *y)
{
    trained("a", small_config("train.device=cpu", "train.epochs=1", NULL));
    for (int i = 0; i < ROWS * SAMPLE; i++) x[i] = (float)(i * 37 % 101) / 101;
    cinch_infer *h = opened(1);
    OK(cinch_infer_reconstruct(h, x, NULL, ROWS, y));
    cinch_infer_close(h);
}

/* All of `w` at once, and meanwhile `h` on this thread, where there is one. */
static void run_all(work *w, void *(*body)(void *), cinch_infer *h)
{
    pthread_t threads[THREADS];
    work own = {.x = w->x, .y = w->y};
    for (int i = 0; i < THREADS; i++) cr_assert_eq(pthread_create(&threads[i], NULL, body, &w[i]), 0);
    for (int i = 0; h && i < ROUNDS; i++) use(&own, h);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++) cr_assert_eq(w[i].wrong, 0, "thread %d: %d calls went wrong", i, w[i].wrong);
    cr_assert_eq(own.wrong, 0, "this thread: %d calls went wrong", own.wrong);
}

/* All share one handle that is in use itself. */
Test(infer_threads, share_while_it_works)
{
    static float x[ROWS * SAMPLE], y[ROWS * SAMPLE];
    fill(x, y);
    for (int pool = 1; pool <= 2; pool++) {
        work w[THREADS];
        cinch_infer *h = opened(pool);
        for (int i = 0; i < THREADS; i++) w[i] = (work){.from = h, .x = x, .y = y, .index = i};
        run_all(w, share_and_use, h);
        cinch_infer_close(h);
    }
}

/* The first handle goes before all others, which are closed where they were used; the last takes the weights along. */
Test(infer_threads, close_in_any_order)
{
    static float x[ROWS * SAMPLE], y[ROWS * SAMPLE];
    fill(x, y);
    work w[THREADS];
    cinch_infer *h = opened(1), *second;
    OK(cinch_infer_share(&second, h));
    for (int i = 0; i < THREADS; i++) {
        w[i] = (work){.x = x, .y = y, .index = i};
        OK(cinch_infer_share(&w[i].handle, i % 2 ? second : h));
        cr_assert_str_eq(cinch_infer_describe(w[i].handle)->device, "cpu");
        cr_assert_eq(cinch_infer_describe(w[i].handle)->max_batch, ROWS);
    }
    cinch_infer_close(h);
    cinch_infer_close(second);
    run_all(w, use_and_close, NULL);
}
