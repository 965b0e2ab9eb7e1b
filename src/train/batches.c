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

/* The samples, or their targets. */
typedef struct side {
    cinch_dataset *data;
    const char *input;      /* of the graph */
    size_t row_bytes;
    cinch_buffer *buffer;   /* all rows in the feed's order, or two slots of a batch */
    uint8_t *staging;       /* streaming: the batch that the thread reads */
} side;

struct cinch_feed {
    cinch_device *device;
    cinch_feed_source source;
    cinch_feed_options options;
    side sides[2];
    int n_sides;
    bool resident;
    cinch_shuffle order;    /* of order_epoch; used by the thread when streaming */
    int64_t order_epoch;
    int32_t *rows;              /* [batch_size]: the control */
    int32_t *wanted;            /* [batch_size]: rows of the data set, streaming */
    int slot;
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
    size_t bytes = 0;
    for (int i = 0; i < f->n_sides; i++) bytes += f->sides[i].row_bytes * (size_t)rows_held(f);
    return bytes;
}

bool cinch_feed_is_resident(const cinch_feed *f) { return f->resident; }

cinch_feed_source cinch_feed_part(cinch_dataset *data, cinch_dataset *target, cinch_part part)
{
    cinch_feed_source source = {.data = data, .target = target};
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
    for (int i = 0; i < f->n_sides; i++)
        TRY(cinch_dataset_gather(f->sides[i].data, f->wanted, size, f->sides[i].staging));
    return CINCH_OK;
}

static cinch_status next_streamed(cinch_feed *f, int64_t epoch, int64_t batch)
{
    int64_t size = cinch_feed_batch_size(f, batch), first = f->slot * f->options.batch_size;
    TRY(cinch_prefetch_wait(f->prefetch, epoch, batch));
    for (int i = 0; i < f->n_sides; i++) {
        side *s = &f->sides[i];
        TRY(cinch_buffer_write(s->buffer, (size_t)first * s->row_bytes, s->staging, (size_t)size * s->row_bytes));
    }
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
    if (!f->wanted) return CINCH_DEVICE;
    for (int i = 0; i < f->n_sides; i++) {
        side *s = &f->sides[i];
        s->staging = cinch_calloc(batch, s->row_bytes);
        if (!s->staging) return CINCH_DEVICE;
        TRY(cinch_buffer_create(&s->buffer, f->device, SLOTS * batch * s->row_bytes));
    }
    return cinch_prefetch_create(&f->prefetch, fetch_batch, f);
}

/* --- resident --------------------------------------------------------------------------------------------------------------- */

/* Copies the feed's rows from `first` on through chunk memory. */
static cinch_status load_rows(cinch_feed *f, side *s, void *chunk, int32_t *rows, int64_t first, int64_t n)
{
    for (int64_t i = 0; i < n; i++) rows[i] = f->source.index ? f->source.index[first + i] : (int32_t)(first + i);
    TRY(cinch_dataset_gather(s->data, rows, n, chunk));
    return cinch_buffer_write(s->buffer, (size_t)first * s->row_bytes, chunk, (size_t)n * s->row_bytes);
}

static cinch_status load_side(cinch_feed *f, side *s)
{
    int64_t step = CHUNK_BYTES / (int64_t)s->row_bytes;
    if (step < 1) step = 1;
    if (step > f->source.count) step = f->source.count;
    void *chunk = cinch_calloc((size_t)step, s->row_bytes);
    int32_t *rows = cinch_calloc((size_t)step, sizeof *rows);
    cinch_status status = chunk && rows ? CINCH_OK : CINCH_DEVICE;
    for (int64_t first = 0; !status && first < f->source.count; first += step) {
        int64_t left = f->source.count - first;
        status = load_rows(f, s, chunk, rows, first, left < step ? left : step);
    }
    free(chunk);
    free(rows);
    return status;
}

static void free_buffers(cinch_feed *f)
{
    for (int i = 0; i < f->n_sides; i++) {
        cinch_buffer_free(f->sides[i].buffer);
        f->sides[i].buffer = NULL;
    }
}

/* Takes memory on the device for all rows; false when there is not enough, or they shall not live there. */
static bool take_residence(cinch_feed *f)
{
    f->resident = true;
    size_t held = cinch_device_memory_used(f->device).now;
    bool fits = !f->options.never_resident && cinch_feed_bytes(f) + held <= (size_t)cinch_memory_limit() / 2;
    for (int i = 0; fits && i < f->n_sides; i++)
        fits = !cinch_buffer_create(&f->sides[i].buffer, f->device, cinch_feed_bytes(f) / (size_t)f->n_sides);
    if (!fits) free_buffers(f);
    return f->resident = fits;
}

/* --- life ------------------------------------------------------------------------------------------------------------------- */

static void add_side(cinch_feed *f, cinch_dataset *data, const char *input)
{
    const cinch_dataset_info *info = cinch_dataset_describe(data);
    size_t bytes = (size_t)cinch_shape_count(info->sample) * cinch_dtype_size(info->dtype);
    f->sides[f->n_sides++] = (side){.data = data, .input = input, .row_bytes = bytes};
}

static cinch_status fill(cinch_feed *f)
{
    f->rows = cinch_calloc((size_t)f->options.batch_size, sizeof *f->rows);
    if (!f->rows) return CINCH_DEVICE;
    if (!take_residence(f)) return start_streaming(f);
    for (int i = 0; i < f->n_sides; i++) TRY(load_side(f, &f->sides[i]));
    return CINCH_OK;
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
    add_side(f, source->data, "data");
    if (source->target) add_side(f, source->target, "target_data");
    cinch_status status = fill(f);
    if (status) cinch_feed_free(f);
    else *out = f;
    return status;
}

void cinch_feed_free(cinch_feed *f)
{
    if (!f) return;
    cinch_prefetch_free(f->prefetch);
    free_buffers(f);
    for (int i = 0; i < f->n_sides; i++) free(f->sides[i].staging);
    free(f->rows);
    free(f->wanted);
    free(f);
}

/* --- graphs and plans --------------------------------------------------------------------------------------------------------- */

static cinch_value side_value(const cinch_feed *f, const side *s, cinch_graph *g, int64_t n)
{
    const cinch_dataset_info *info = cinch_dataset_describe(s->data);
    cinch_shape table = {.rank = info->sample.rank + 1, .dim = {rows_held(f)}};
    memcpy(table.dim + 1, info->sample.dim, (size_t)info->sample.rank * sizeof *table.dim);
    cinch_value rows = cinch_control(g, "rows", CINCH_I32, CINCH_SHAPE(n));
    cinch_value x = cinch_gather(g, cinch_input(g, s->input, info->dtype, table), rows);
    if (info->dtype == CINCH_F32 && info->scale == 1 && info->offset == 0) return x;
    return cinch_cast(g, x, CINCH_F32, (float)info->scale, (float)info->offset);
}

cinch_value cinch_feed_value(const cinch_feed *f, cinch_graph *g, int64_t n) { return side_value(f, &f->sides[0], g, n); }

cinch_value cinch_feed_target(const cinch_feed *f, cinch_graph *g, int64_t n)
{
    return side_value(f, &f->sides[f->n_sides - 1], g, n);
}

cinch_status cinch_feed_bind(cinch_feed *f, cinch_plan *plan)
{
    for (int i = 0; i < f->n_sides; i++)
        if (cinch_plan_has(plan, f->sides[i].input)) TRY(cinch_plan_bind(plan, f->sides[i].input, f->sides[i].buffer, 0));
    return CINCH_OK;
}

cinch_status cinch_feed_next(cinch_feed *f, cinch_plan *plan, int64_t epoch, int64_t batch)
{
    if (f->resident) order_batch(f, epoch, batch, f->rows);
    else TRY(next_streamed(f, epoch, batch));
    return cinch_plan_control(plan, "rows", f->rows, (size_t)cinch_feed_batch_size(f, batch) * sizeof *f->rows);
}
