/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of a handle. None takes memory. */
#include "infer/handle.h"

#include "core/status.h"

#include <inttypes.h>
#include <string.h>

static cinch_status check(const cinch_infer *h, const void *in, const void *out, int64_t n)
{
    if (n < 1 || n > h->info.max_batch)
        return cinch_fail(CINCH_USAGE, "%s: %" PRId64 " samples in a call; the handle was opened for 1 to %" PRId64
                          " (max_batch)", h->served->name, n, h->info.max_batch);
    if (in && out) return CINCH_OK;
    return cinch_fail(CINCH_USAGE, "%s: a call without memory to read from or to write to", h->served->name);
}

static int bucket_of(const cinch_infer *h, int64_t n)
{
    int b = 0;
    while (h->bucket[b] < n) b++;
    return b;
}

/* Beyond n rows stays what was there: rows do not depend on each other. */
static cinch_status write_labels(cinch_infer *h, const int32_t *label, int64_t n)
{
    if (!h->label) return CINCH_OK;
    TRY(cinch_forward_check_labels(h->served->model, h->served->name, label, n));
    return cinch_buffer_write(h->label, 0, label, (size_t)n * sizeof *label);
}

/* Runs a pass on n rows of `row` numbers. */
static cinch_status run(cinch_infer *h, cinch_forward direction, const float *in, int64_t row, const int32_t *label,
                        int64_t n)
{
    TRY(write_labels(h, label, n));
    TRY(cinch_buffer_write(h->x, 0, in, (size_t)(n * row) * sizeof *in));
    return cinch_plan_run(h->plan[direction][bucket_of(h, n)]);
}

/* The first n rows of an output. */
static cinch_status read_rows(cinch_infer *h, cinch_forward direction, const char *output, int64_t row, int64_t n,
                              float *out)
{
    int b = bucket_of(h, n);
    size_t whole = (size_t)(h->bucket[b] * row) * sizeof *out;
    float *to = n == h->bucket[b] ? out : h->staging;
    TRY(cinch_plan_read(h->plan[direction][b], output, to, whole));
    if (to != out) memcpy(out, to, (size_t)(n * row) * sizeof *out);
    return CINCH_OK;
}

cinch_status cinch_infer_encode(cinch_infer *h, const float *x, const int32_t *label, int64_t n, float *code,
                                float *logvar)
{
    TRY(check(h, x, code, n));
    TRY(run(h, CINCH_ENCODE, x, h->info.sample_size, label, n));
    TRY(read_rows(h, CINCH_ENCODE, "y", h->info.code_size, n, code));
    if (!logvar || !h->info.variational) return CINCH_OK;
    return read_rows(h, CINCH_ENCODE, "logvar", h->info.code_size, n, logvar);
}

cinch_status cinch_infer_decode(cinch_infer *h, const float *code, const int32_t *label, int64_t n, float *x)
{
    TRY(check(h, code, x, n));
    TRY(run(h, CINCH_DECODE, code, h->info.code_size, label, n));
    return read_rows(h, CINCH_DECODE, "y", h->info.sample_size, n, x);
}

cinch_status cinch_infer_reconstruct(cinch_infer *h, const float *x, const int32_t *label, int64_t n, float *y)
{
    TRY(check(h, x, y, n));
    TRY(run(h, CINCH_RECONSTRUCT, x, h->info.sample_size, label, n));
    return read_rows(h, CINCH_RECONSTRUCT, "y", h->info.sample_size, n, y);
}

static float mean_square(const float *x, const float *y, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        double d = (double)x[i] - (double)y[i];
        sum += d * d;
    }
    return (float)(sum / (double)n);
}

cinch_status cinch_infer_score(cinch_infer *h, const float *x, const int32_t *label, int64_t n, float *error)
{
    int64_t size = h->info.sample_size;
    TRY(check(h, x, error, n));
    TRY(cinch_infer_reconstruct(h, x, label, n, h->staging));
    for (int64_t i = 0; i < n; i++) error[i] = mean_square(x + i * size, h->staging + i * size, size);
    return CINCH_OK;
}

/* All labels in turn, by the samples' numbers. */
static const int32_t *labels_in_turn(cinch_infer *h, int64_t first, int64_t n)
{
    for (int64_t i = 0; i < n; i++) h->turn[i] = (int32_t)((first + i) % h->info.classes);
    return h->turn;
}

static cinch_status check_prior(const cinch_infer *h, int64_t first, int64_t n)
{
    if (!h->info.variational)
        return cinch_fail(CINCH_USAGE, "%s: model %s has no prior to sample from", h->served->name, h->info.model);
    if (first >= 0 && first <= INT32_MAX - n + 1) return CINCH_OK;
    return cinch_fail(CINCH_USAGE, "%s: samples are numbered 0 to 2^31 - 1; from %" PRId64 " on there are no %" PRId64,
                      h->served->name, first, n);
}

cinch_status cinch_infer_sample(cinch_infer *h, uint64_t seed, int64_t first, const int32_t *label, int64_t n, float *x)
{
    TRY(check(h, x, x, n));
    TRY(check_prior(h, first, n));
    TRY(write_labels(h, !label && h->info.classes ? labels_in_turn(h, first, n) : label, n));
    cinch_plan *plan = h->plan[CINCH_SAMPLE][bucket_of(h, n)];
    cinch_plan_position(plan, seed, 0, first);
    TRY(cinch_plan_run(plan));
    return read_rows(h, CINCH_SAMPLE, "y", h->info.sample_size, n, x);
}
