/* SPDX-License-Identifier: Apache-2.0 */
#include "train/batches.h"

#include "core/permute.h"
#include "core/status.h"
#include "train/memory.h"
#include "train/prefetch.h"

#include <cinch/ops.h>

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 2, CHUNK_BYTES = 1 << 22 };

struct cinch_feed {
    cinch_device *device;
    cinch_feed_source source;
    cinch_feed_options options;
    size_t row_bytes;
    cinch_buffer *buffer;       /* all rows in the feed's order, or two slots of a batch */
    bool resident;
    cinch_shuffle order;    /* of order_epoch; used by the thread when streaming */
    int64_t order_epoch;
    int32_t *rows;              /* [batch_size]: the control */
    int slot;                   /* streaming from here on: the slot of the next batch */
    uint8_t *staging;           /* [batch_size]: raw rows that the thread has read */
    int32_t *wanted;            /* [batch_size]: which rows of the data set these are */
    cinch_prefetch *prefetch;
};

/* --- sizes ------------------------------------------------------------------------------------------------------------- */

int64_t cinch_feed_samples(const cinch_feed *f) { return f->source.count; }

int64_t cinch_feed_batches(const cinch_feed *f)
{
    return (f->source.count + f->options.batch_size - 1) / f->options.batch_size;
}

int64_t cinch_feed_batch_size(const cinch_feed *f, int64_t batch)
{
    int64_t left = f->source.count - batch * f->options.batch_size;
    return left < f->options.batch_size ? left : f->options.batch_size;
}

static int64_t rows_held(const cinch_feed *f)
{
    return f->resident ? f->source.count : SLOTS * f->options.batch_size;
}

size_t cinch_feed_bytes(const cinch_feed *f)
{
    return f->row_bytes * (size_t)rows_held(f);
}

bool cinch_feed_is_resident(const cinch_feed *f) { return f->resident; }

cinch_feed_source cinch_feed_part(cinch_dataset *data, cinch_part part)
{
    cinch_feed_source source = {.data = data};
    source.count = cinch_dataset_part(data, part, &source.index);
    return source;
}

/* --- order ------------------------------------------------------------------------------------------------------------- */

/* Places in the feed of a batch's samples, into places[size]. */
static void order_batch(cinch_feed *f, int64_t epoch, int64_t batch, int32_t *places)
{
    int64_t first = batch * f->options.batch_size, size = cinch_feed_batch_size(f, batch);
    if (f->options.shuffle && f->order_epoch != epoch) {
        f->order = cinch_shuffle_make(f->options.seed, (uint64_t)epoch, f->source.count);
        f->order_epoch = epoch;
    }
    for (int64_t i = 0; i < size; i++)
        places[i] = (int32_t)(f->options.shuffle ? cinch_shuffle_at(&f->order, first + i) : first + i);
}

/* Rows of the data set at these places. */
static void find_rows(const cinch_feed *f, const int32_t *places, int64_t n, int32_t *rows)
{
    for (int64_t i = 0; i < n; i++) rows[i] = f->source.index ? f->source.index[places[i]] : places[i];
}

/* --- streaming ------------------------------------------------------------------------------------------------------------ */

static cinch_status fetch_batch(void *user, int64_t epoch, int64_t batch)
{
    cinch_feed *f = user;
    int64_t size = cinch_feed_batch_size(f, batch);
    order_batch(f, epoch, batch, f->wanted);
    find_rows(f, f->wanted, size, f->wanted);
    return cinch_dataset_gather(f->source.data, f->wanted, size, f->staging);
}

static cinch_status next_streamed(cinch_feed *f, int64_t epoch, int64_t batch)
{
    int64_t size = cinch_feed_batch_size(f, batch), first = f->slot * f->options.batch_size;
    TRY(cinch_prefetch_wait(f->prefetch, epoch, batch));
    TRY(cinch_buffer_write_ahead(f->buffer, (size_t)first * f->row_bytes, f->staging, (size_t)size * f->row_bytes));
    bool last = batch + 1 == cinch_feed_batches(f);
    cinch_prefetch_ask(f->prefetch, epoch + last, last ? 0 : batch + 1);
    for (int64_t i = 0; i < size; i++) f->rows[i] = (int32_t)(first + i);
    f->slot = (f->slot + 1) % SLOTS;
    return CINCH_OK;
}

static cinch_status start_streaming(cinch_feed *f)
{
    size_t batch = (size_t)f->options.batch_size;
    f->wanted = cinch_calloc(batch, sizeof *f->wanted);
    f->staging = cinch_calloc(batch, f->row_bytes);
    if (!f->wanted || !f->staging) return CINCH_DEVICE;
    TRY(cinch_buffer_create(&f->buffer, f->device, SLOTS * batch * f->row_bytes));
    return cinch_prefetch_create(&f->prefetch, fetch_batch, f);
}

/* --- resident --------------------------------------------------------------------------------------------------------------- */

/* Copies the feed's rows from `first` on through chunk memory. */
static cinch_status load_rows(cinch_feed *f, void *chunk, int32_t *rows, int64_t first, int64_t n)
{
    for (int64_t i = 0; i < n; i++) rows[i] = (int32_t)(first + i);
    find_rows(f, rows, n, rows);
    TRY(cinch_dataset_gather(f->source.data, rows, n, chunk));
    return cinch_buffer_write(f->buffer, (size_t)first * f->row_bytes, chunk, (size_t)n * f->row_bytes);
}

static cinch_status load(cinch_feed *f)
{
    int64_t step = CHUNK_BYTES / (int64_t)f->row_bytes;
    if (step < 1) step = 1;
    if (step > f->source.count) step = f->source.count;
    void *chunk = cinch_calloc((size_t)step, f->row_bytes);
    int32_t *rows = cinch_calloc((size_t)step, sizeof *rows);
    cinch_status status = chunk && rows ? CINCH_OK : CINCH_DEVICE;
    for (int64_t first = 0; !status && first < f->source.count; first += step) {
        int64_t left = f->source.count - first;
        status = load_rows(f, chunk, rows, first, left < step ? left : step);
    }
    free(chunk);
    free(rows);
    return status;
}

/* What this process may hold on the device. */
static size_t device_limit(const cinch_device *device)
{
    cinch_device_memory memory = cinch_device_memory_used(device);
    return memory.total ? memory.available + memory.now : (size_t)cinch_memory_limit();
}

/* Takes memory on the device for all rows; false when there is not enough, or they shall not live there. */
static bool take_residence(cinch_feed *f)
{
    f->resident = true;
    size_t held = cinch_device_memory_used(f->device).now;
    bool fits = !f->options.never_resident && cinch_feed_bytes(f) + held <= device_limit(f->device) / 2;
    return f->resident = fits && !cinch_buffer_create(&f->buffer, f->device, cinch_feed_bytes(f));
}

/* --- life ------------------------------------------------------------------------------------------------------------------- */

static cinch_status fill(cinch_feed *f)
{
    f->rows = cinch_calloc((size_t)f->options.batch_size, sizeof *f->rows);
    if (!f->rows) return CINCH_DEVICE;
    return take_residence(f) ? load(f) : start_streaming(f);
}

cinch_status cinch_feed_create(cinch_feed **out, cinch_device *device, const cinch_feed_source *source,
                               const cinch_feed_options *options)
{
    *out = NULL;
    if (source->count < 1) return cinch_fail(CINCH_DATA, "no rows to feed: the part is empty");
    cinch_feed *f = cinch_calloc(1, sizeof *f);
    if (!f) return CINCH_DEVICE;
    *f = (cinch_feed){.device = device, .source = *source, .options = *options, .order_epoch = -1};
    if (f->options.batch_size > source->count) f->options.batch_size = source->count;
    const cinch_dataset_info *info = cinch_dataset_describe(source->data);
    f->row_bytes = (size_t)cinch_shape_count(info->sample) * cinch_dtype_size(info->dtype);
    cinch_status status = fill(f);
    if (status) cinch_feed_free(f);
    else *out = f;
    return status;
}

void cinch_feed_free(cinch_feed *f)
{
    if (!f) return;
    cinch_prefetch_free(f->prefetch);
    cinch_buffer_free(f->buffer);
    free(f->staging);
    free(f->rows);
    free(f->wanted);
    free(f);
}

/* --- graphs and plans --------------------------------------------------------------------------------------------------------- */

cinch_value cinch_feed_value(const cinch_feed *f, cinch_graph *g, int64_t n)
{
    const cinch_dataset_info *info = cinch_dataset_describe(f->source.data);
    cinch_shape table = {.rank = info->sample.rank + 1, .dim = {rows_held(f)}};
    memcpy(table.dim + 1, info->sample.dim, (size_t)info->sample.rank * sizeof *table.dim);
    cinch_value rows = cinch_control(g, "rows", CINCH_I32, CINCH_SHAPE(n));
    cinch_value x = cinch_gather(g, cinch_input(g, "data", info->dtype, table), rows);
    if (info->dtype == CINCH_F32 && info->scale == 1 && info->offset == 0) return x;
    return cinch_cast(g, x, CINCH_F32, (float)info->scale, (float)info->offset);
}

cinch_status cinch_feed_bind(cinch_feed *f, cinch_plan *plan) { return cinch_plan_bind(plan, "data", f->buffer, 0); }

cinch_status cinch_feed_next(cinch_feed *f, cinch_plan *plan, int64_t epoch, int64_t batch)
{
    if (f->resident) order_batch(f, epoch, batch, f->rows);
    else TRY(next_streamed(f, epoch, batch));
    return cinch_plan_control(plan, "rows", f->rows, (size_t)cinch_feed_batch_size(f, batch) * sizeof *f->rows);
}
