/* SPDX-License-Identifier: Apache-2.0 */
/* Feeding plans: the right rows in the right order, resident or streamed. */
#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"
#include "train/batches.h"
#include "train/prefetch.h"

#define OK(call) cr_assert_eq((call), CINCH_OK, "%s: %s", #call, cinch_last_error())

enum { ROWS = 37, WIDTH = 5, BATCH = 8 };

/* Row i of u8 holds i, i + 1, ...; of f32 halves of that. */
static cinch_dataset *numbered(cinch_dtype dtype, void *memory, const cinch_dataset_options *options)
{
    cinch_dataset *data;
    for (int i = 0; i < ROWS * WIDTH; i++) {
        int value = i / WIDTH + i % WIDTH;
        if (dtype == CINCH_U8) ((uint8_t *)memory)[i] = (uint8_t)value;
        else ((float *)memory)[i] = (float)value / 2;
    }
    OK(cinch_dataset_wrap(&data, memory, dtype, ROWS, CINCH_SHAPE(WIDTH), NULL, options));
    return data;
}

/* A plan that copies a batch of n to "y". */
static cinch_plan *copying(cinch_device *device, cinch_feed *feed, int64_t n)
{
    cinch_graph *g;
    cinch_plan *plan;
    OK(cinch_graph_create(&g));
    cinch_output(g, "y", cinch_feed_batch(feed, g, n).x);
    OK(cinch_plan_create(&plan, g, device, NULL, NULL));
    cinch_graph_free(g);
    OK(cinch_feed_bind(feed, plan));
    return plan;
}

typedef struct fixture {
    cinch_device *device;
    cinch_feed *feed;
    cinch_plan *whole, *last;
} fixture;

static fixture begin(const cinch_feed_source *source, cinch_feed_options options)
{
    fixture f = {0};
    OK(cinch_device_open(&f.device, backends_device(), NULL));
    OK(cinch_feed_create(&f.feed, f.device, source, &options));
    f.whole = copying(f.device, f.feed, cinch_feed_batch_size(f.feed, 0));
    f.last = copying(f.device, f.feed, cinch_feed_batch_size(f.feed, cinch_feed_batches(f.feed) - 1));
    return f;
}

static void end(fixture *f)
{
    cinch_plan_free(f->whole);
    cinch_plan_free(f->last);
    cinch_feed_free(f->feed);
    cinch_device_free(f->device);
}

static int64_t get(fixture *f, int64_t epoch, int64_t batch, float *out)
{
    int64_t n = cinch_feed_batch_size(f->feed, batch);
    cinch_plan *plan = n == cinch_feed_batch_size(f->feed, 0) ? f->whole : f->last;
    OK(cinch_feed_next(f->feed, plan, epoch, batch));
    OK(cinch_plan_run(plan));
    OK(cinch_plan_read(plan, "y", out, (size_t)n * WIDTH * sizeof *out));
    return n;
}

Test(batches, in_order_and_scaled)
{
    uint8_t memory[ROWS * WIDTH];
    cinch_dataset *data = numbered(CINCH_U8, memory, &(cinch_dataset_options){.range = {-1, 1}});
    cinch_feed_source source = {.data = data, .count = ROWS};
    for (int never = 0; never < 2; never++) {
        fixture f = begin(&source, (cinch_feed_options){.batch_size = BATCH, .never_resident = never});
        float y[BATCH * WIDTH];
        cr_assert_eq(cinch_feed_samples(f.feed), ROWS);
        cr_assert_eq(cinch_feed_batches(f.feed), 5);
        cr_assert_eq(cinch_feed_batch_size(f.feed, 4), 5);
        cr_assert_eq(cinch_feed_is_resident(f.feed), !never);
        cr_assert_eq(cinch_feed_bytes(f.feed), never ? 2 * BATCH * WIDTH : ROWS * WIDTH);
        for (int64_t b = 0; b < 5; b++)
            for (int64_t i = 0, n = get(&f, 0, b, y) * WIDTH; i < n; i++) {
                double raw = (double)(b * BATCH + i / WIDTH + i % WIDTH);
                cr_assert_float_eq(y[i], -1 + 2 * raw / 255, 1e-6);
            }
        end(&f);
    }
    cinch_dataset_free(data);
}

/* Each epoch has every row of the part once, in an order of its own that both ways share; jumping about is right. */
Test(batches, shuffled_the_same_both_ways)
{
    float memory[ROWS * WIDTH], a[BATCH * WIDTH], b[BATCH * WIDTH], first[BATCH];
    static const int32_t index[] = {3, 4, 6, 9, 10, 12, 17, 18, 20, 21, 25, 30, 31, 36};
    cinch_dataset *data = numbered(CINCH_F32, memory, NULL);
    cinch_feed_source source = {.data = data, .index = index, .count = 14};
    cinch_feed_options options = {.batch_size = 4, .shuffle = true, .seed = 5};
    fixture r = begin(&source, options);
    options.never_resident = true;
    fixture s = begin(&source, options);
    int moved = 0;
    for (int64_t epoch = 0; epoch < 3; epoch++) {
        int seen[ROWS] = {0};
        for (int64_t batch = 0; batch < 4; batch++) {
            int64_t n = get(&r, epoch, batch, a);
            cr_assert_eq(get(&s, epoch, batch, b), n);
            cr_assert_eq(memcmp(a, b, (size_t)n * WIDTH * sizeof *a), 0);
            for (int64_t i = 0; i < n; i++) seen[(int)(a[i * WIDTH] * 2)]++;
            if (epoch == 0 && batch == 0)
                for (int i = 0; i < 4; i++) first[i] = a[i * WIDTH];
            else if (batch == 0)
                for (int i = 0; i < 4; i++) moved += first[i] != a[i * WIDTH];
        }
        for (int i = 0; i < ROWS; i++) {
            bool in = false;
            for (int k = 0; k < 14; k++) in |= index[k] == i;
            cr_assert_eq(seen[i], in, "epoch %d has row %d %d times", (int)epoch, i, seen[i]);
        }
    }
    cr_assert_gt(moved, 0);
    static const int64_t jumps[][2] = {{2, 3}, {0, 0}, {0, 0}, {1, 2}, {1, 1}, {2, 0}};
    for (int i = 0; i < 6; i++) {
        int64_t n = get(&r, jumps[i][0], jumps[i][1], a);
        get(&s, jumps[i][0], jumps[i][1], b);
        cr_assert_eq(memcmp(a, b, (size_t)n * WIDTH * sizeof *a), 0);
    }
    end(&r);
    end(&s);
    cinch_dataset_free(data);
}

Test(batches, one_batch_and_none)
{
    uint8_t memory[ROWS * WIDTH];
    cinch_dataset *data = numbered(CINCH_U8, memory, NULL);
    cinch_feed_source source = {.data = data, .count = 3};
    fixture f = begin(&source, (cinch_feed_options){.batch_size = 100, .never_resident = true});
    float y[3 * WIDTH];
    cr_assert_eq(cinch_feed_batches(f.feed), 1);
    cr_assert_eq(get(&f, 0, 0, y), 3);
    cr_assert_eq(get(&f, 1, 0, y), 3);
    end(&f);
    source.count = 0;
    cr_assert_eq(cinch_feed_create(&f.feed, NULL, &source, &(cinch_feed_options){.batch_size = 4}), CINCH_DATA);
    cr_assert_null(f.feed);
    cinch_dataset_free(data);
}

/* --- columns ------------------------------------------------------------------------------------------------------ */

/* Runs the batch's plan: sums of its data, targets and labels, row by row, into out[3][BATCH]. */
static void sum_columns(cinch_device *device, cinch_feed *feed, int64_t epoch, int64_t batch, float out[3][BATCH])
{
    static const char *const names[] = {"x", "target", "label"};
    int64_t n = cinch_feed_batch_size(feed, batch);
    cinch_graph *g;
    cinch_plan *plan;
    OK(cinch_graph_create(&g));
    cinch_batch b = cinch_feed_batch(feed, g, n);
    cinch_output(g, names[0], cinch_sum(g, b.x, CINCH_AXIS(1), false));
    cinch_output(g, names[1], cinch_sum(g, b.target, CINCH_AXIS(1), false));
    cinch_output(g, names[2], cinch_cast(g, b.label, CINCH_F32, 1, 0));
    OK(cinch_plan_create(&plan, g, device, NULL, NULL));
    OK(cinch_feed_bind(feed, plan));
    OK(cinch_feed_next(feed, plan, epoch, batch));
    OK(cinch_plan_run(plan));
    for (int k = 0; k < 3; k++) OK(cinch_plan_read(plan, names[k], out[k], (size_t)n * sizeof **out));
    cinch_plan_free(plan);
    cinch_graph_free(g);
}

/* All columns are of the same rows, also where they are brought batch by batch. */
Test(batches, columns_belong_together)
{
    uint8_t bytes[ROWS * WIDTH];
    float numbers[ROWS * WIDTH], sum[3][BATCH];
    int32_t labels[ROWS];
    cinch_dataset *data = numbered(CINCH_U8, bytes, &(cinch_dataset_options){.range = {0, 255}});
    cinch_dataset *target = numbered(CINCH_F32, numbers, NULL);
    for (int i = 0; i < ROWS; i++) labels[i] = 1000 + i;
    cinch_feed_source source = {.data = data, .target = target, .labels = labels, .count = ROWS};
    for (int never = 0; never < 2; never++) {
        cinch_device *device;
        cinch_feed *feed;
        cinch_feed_options options = {.batch_size = BATCH, .shuffle = true, .seed = 3, .never_resident = never};
        OK(cinch_device_open(&device, backends_device(), NULL));
        OK(cinch_feed_create(&feed, device, &source, &options));
        for (int64_t step = 0; step < 12; step++) {
            int64_t n = cinch_feed_batch_size(feed, step % 5);
            sum_columns(device, feed, step / 5, step % 5, sum);
            for (int64_t i = 0; i < n; i++) {
                double row = (double)sum[2][i] - 1000;
                cr_assert_float_eq(sum[0][i], 5 * row + 10, 1e-3, "step %d: row %g has %g", (int)step, row,
                                   (double)sum[0][i]);
                cr_assert_float_eq(sum[1][i], (5 * row + 10) / 2, 1e-3);
            }
        }
        cinch_feed_free(feed);
        cinch_device_free(device);
    }
    cinch_dataset_free(data);
    cinch_dataset_free(target);
}

/* --- the thread --------------------------------------------------------------------------------------------------- */

cinch_status cinch_fail(cinch_status status, const char *format, ...);

static cinch_status fetch(void *user, int64_t epoch, int64_t batch)
{
    if (batch == 13) return cinch_fail(CINCH_DATA, "row %d is torn", 13);
    *(int64_t *)user = epoch * 1000 + batch;
    return CINCH_OK;
}

Test(batches, prefetch_and_its_errors)
{
    cinch_prefetch *p;
    int64_t got = -1;
    OK(cinch_prefetch_create(&p, fetch, &got));
    for (int64_t i = 0; i < 200; i++) {
        if (i == 13) {
            cr_assert_eq(cinch_prefetch_wait(p, 2, i), CINCH_DATA);
            cr_assert_str_eq(cinch_last_error(), "row 13 is torn", "the text crosses the threads");
            continue;
        }
        OK(cinch_prefetch_wait(p, 2, i));
        cr_assert_eq(got, 2000 + i);
        if (i % 3) cinch_prefetch_ask(p, 2, i + 1 + (i % 7 == 0)); /* the wrong one, now and then */
    }
    cinch_prefetch_ask(p, 3, 0);
    cinch_prefetch_free(p);
    cinch_prefetch_free(NULL);
}
