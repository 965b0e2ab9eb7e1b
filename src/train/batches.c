/* SPDX-License-Identifier: Apache-2.0 */
#include "train/batches.h"

#include "core/permute.h"
#include "core/status.h"
#include "train/memory.h"
#include "train/prefetch.h"

#include <cinch/ops.h>

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 2, CHUNK_BYTES = 1 << 22, COLUMNS = 3 };

/* One of a batch's tensors. */
typedef struct column {
    const char *name;           /* of the plans' input */
    const cinch_dataset *data;  /* NULL: labels */
    const int32_t *labels;
    cinch_shape sample;
    cinch_dtype dtype;
    double scale, offset;
    size_t row_bytes;
    cinch_buffer *buffer;       /* all rows in the feed's order, or two slots of a batch */
    uint8_t *staging;           /* streaming: [batch_size] raw rows that the thread has read */
} column;

struct cinch_feed {
    cinch_device *device;
    cinch_feed_source source;
    cinch_feed_options options;
    column columns[COLUMNS];
    int n_columns;
    bool resident;
    cinch_shuffle order;    /* of order_epoch; used by the thread when streaming */
    int64_t order_epoch;
    int32_t *rows;              /* [batch_size]: the control */
    int slot;                   /* streaming from here on: the slot of the next batch */
    int32_t *wanted;            /* [batch_size]: which rows of the data set these are */
    cinch_prefetch *prefetch;
};

/* --- sizes -------------------------------------------------------------------------------------------------------- */

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

static size_t row_bytes(const cinch_feed *f)
{
    size_t bytes = 0;
    for (int k = 0; k < f->n_columns; k++) bytes += f->columns[k].row_bytes;
    return bytes;
}

size_t cinch_feed_bytes(const cinch_feed *f) { return row_bytes(f) * (size_t)rows_held(f); }

bool cinch_feed_is_resident(const cinch_feed *f) { return f->resident; }

cinch_feed_source cinch_feed_part(cinch_dataset *data, cinch_part part)
{
    cinch_feed_source source = {.data = data};
    source.count = cinch_dataset_part(data, part, &source.index);
    return source;
}

/* --- columns ------------------------------------------------------------------------------------------------------ */

static void add_dataset(cinch_feed *f, const char *name, const cinch_dataset *data)
{
    const cinch_dataset_info *info = cinch_dataset_describe(data);
    size_t bytes = (size_t)cinch_shape_count(info->sample) * cinch_dtype_size(info->dtype);
    f->columns[f->n_columns++] = (column){.name = name, .data = data, .sample = info->sample, .dtype = info->dtype,
                                          .scale = info->scale, .offset = info->offset, .row_bytes = bytes};
}

static void add_columns(cinch_feed *f)
{
    add_dataset(f, "data", f->source.data);
    if (f->source.target) add_dataset(f, "target", f->source.target);
    if (f->source.labels)
        f->columns[f->n_columns++] = (column){.name = "label", .labels = f->source.labels, .dtype = CINCH_I32,
                                              .scale = 1, .row_bytes = sizeof(int32_t)};
}

/* Raw rows of the column. */
static cinch_status gather(const column *c, const int32_t *rows, int64_t n, void *out)
{
    if (c->data) return cinch_dataset_gather(c->data, rows, n, out);
    for (int64_t i = 0; i < n; i++) ((int32_t *)out)[i] = c->labels[rows[i]];
    return CINCH_OK;
}

/* --- order -------------------------------------------------------------------------------------------------------- */

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

/* --- streaming ---------------------------------------------------------------------------------------------------- */

static cinch_status fetch_batch(void *user, int64_t epoch, int64_t batch)
{
    cinch_feed *f = user;
    int64_t size = cinch_feed_batch_size(f, batch);
    order_batch(f, epoch, batch, f->wanted);
    find_rows(f, f->wanted, size, f->wanted);
    for (int k = 0; k < f->n_columns; k++) TRY(gather(&f->columns[k], f->wanted, size, f->columns[k].staging));
    return CINCH_OK;
}

static cinch_status upload(const column *c, int slot, int64_t first, int64_t size)
{
    return cinch_buffer_write_ahead(c->buffer, slot, (size_t)first * c->row_bytes, c->staging,
                                    (size_t)size * c->row_bytes);
}

static cinch_status next_streamed(cinch_feed *f, int64_t epoch, int64_t batch)
{
    int64_t size = cinch_feed_batch_size(f, batch), first = f->slot * f->options.batch_size;
    TRY(cinch_prefetch_wait(f->prefetch, epoch, batch));
    for (int k = 0; k < f->n_columns; k++) TRY(upload(&f->columns[k], f->slot, first, size));
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
    for (int k = 0; k < f->n_columns; k++) {
        column *c = &f->columns[k];
        if (!(c->staging = cinch_calloc(batch, c->row_bytes))) return CINCH_DEVICE;
        TRY(cinch_buffer_create(&c->buffer, f->device, SLOTS * batch * c->row_bytes));
    }
    return cinch_prefetch_create(&f->prefetch, fetch_batch, f);
}

/* --- resident ----------------------------------------------------------------------------------------------------- */

/* Copies the column's rows from `first` on through chunk memory. */
static cinch_status load_rows(cinch_feed *f, const column *c, void *chunk, int32_t *rows, int64_t first, int64_t n)
{
    for (int64_t i = 0; i < n; i++) rows[i] = (int32_t)(first + i);
    find_rows(f, rows, n, rows);
    TRY(gather(c, rows, n, chunk));
    return cinch_buffer_write(c->buffer, (size_t)first * c->row_bytes, chunk, (size_t)n * c->row_bytes);
}

static cinch_status load_column(cinch_feed *f, const column *c)
{
    int64_t step = CHUNK_BYTES / (int64_t)c->row_bytes;
    if (step < 1) step = 1;
    if (step > f->source.count) step = f->source.count;
    void *chunk = cinch_calloc((size_t)step, c->row_bytes);
    int32_t *rows = cinch_calloc((size_t)step, sizeof *rows);
    cinch_status status = chunk && rows ? CINCH_OK : CINCH_DEVICE;
    for (int64_t first = 0; !status && first < f->source.count; first += step) {
        int64_t left = f->source.count - first;
        status = load_rows(f, c, chunk, rows, first, left < step ? left : step);
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

static cinch_status load(cinch_feed *f)
{
    for (int k = 0; k < f->n_columns; k++) TRY(load_column(f, &f->columns[k]));
    return CINCH_OK;
}

static void free_buffers(cinch_feed *f)
{
    for (int k = 0; k < f->n_columns; k++) {
        cinch_buffer_free(f->columns[k].buffer);
        f->columns[k].buffer = NULL;
    }
}

/* Takes memory on the device for all rows; false when there is not enough, or they shall not live there. */
static bool take_residence(cinch_feed *f)
{
    f->resident = true;
    size_t held = cinch_device_memory_used(f->device).now;
    bool fits = !f->options.never_resident && cinch_feed_bytes(f) + held <= device_limit(f->device) / 2;
    for (int k = 0; fits && k < f->n_columns; k++) {
        column *c = &f->columns[k];
        fits = !cinch_buffer_create(&c->buffer, f->device, c->row_bytes * (size_t)f->source.count);
    }
    if (!fits) free_buffers(f);
    return f->resident = fits;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

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
    add_columns(f);
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
    for (int k = 0; k < f->n_columns; k++) free(f->columns[k].staging);
    free(f->rows);
    free(f->wanted);
    free(f);
}

/* --- graphs and plans --------------------------------------------------------------------------------------------- */

static cinch_value write_column(const cinch_feed *f, const column *c, cinch_graph *g, int64_t n)
{
    cinch_shape table = {.rank = c->sample.rank + 1, .dim = {rows_held(f)}};
    memcpy(table.dim + 1, c->sample.dim, (size_t)c->sample.rank * sizeof *table.dim);
    cinch_value rows = cinch_control(g, "rows", CINCH_I32, CINCH_SHAPE(n));
    cinch_value x = cinch_gather(g, cinch_input(g, c->name, c->dtype, table), rows);
    if (!c->data || (c->dtype == CINCH_F32 && c->scale == 1 && c->offset == 0)) return x;
    return cinch_cast(g, x, CINCH_F32, (float)c->scale, (float)c->offset);
}

cinch_batch cinch_feed_batch(const cinch_feed *f, cinch_graph *g, int64_t n)
{
    cinch_batch batch = {.x = write_column(f, &f->columns[0], g, n)};
    for (int k = 1; k < f->n_columns; k++) {
        cinch_value x = write_column(f, &f->columns[k], g, n);
        if (f->columns[k].data) batch.target = x;
        else batch.label = x;
    }
    return batch;
}

cinch_status cinch_feed_bind(cinch_feed *f, cinch_plan *plan)
{
    for (int k = 0; k < f->n_columns; k++) TRY(cinch_plan_bind(plan, f->columns[k].name, f->columns[k].buffer, 0));
    return CINCH_OK;
}

cinch_status cinch_feed_next(cinch_feed *f, cinch_plan *plan, int64_t epoch, int64_t batch)
{
    if (f->resident) order_batch(f, epoch, batch, f->rows);
    else TRY(next_streamed(f, epoch, batch));
    return cinch_plan_control(plan, "rows", f->rows, (size_t)cinch_feed_batch_size(f, batch) * sizeof *f->rows);
}
