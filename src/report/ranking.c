/* SPDX-License-Identifier: Apache-2.0 */
#include "report/ranking.h"

#include "core/status.h"

#include <math.h>
#include <stdlib.h>

enum { CHUNK = 256 };

/* The first part that has rows, of those that tell most. */
static cinch_status rows_to_show(cinch_run *run, cinch_run_rows *rows)
{
    cinch_dataset *data;
    static const cinch_part others[] = {CINCH_PART_VAL, CINCH_PART_TRAIN};
    TRY(cinch_run_dataset(run, &data));
    if (cinch_dataset_part(data, CINCH_PART_TEST, &rows->index) > 0) return cinch_run_rows_of(run, NULL, rows);
    *rows = (cinch_run_rows){.data = data};
    for (int i = 0; i < 2 && !rows->n; i++) {
        rows->part = cinch_part_name(others[i]);
        rows->n = cinch_dataset_part(data, others[i], &rows->index);
    }
    return cinch_run_target(run, &rows->target);
}

static cinch_status reconstruct(const cinch_ranking *r, const int32_t *row, int64_t n, const float *in, float *out)
{
    int32_t *label;
    TRY(cinch_rows_labels(r->rows.data, row, n, &label));
    cinch_status status = cinch_run_reconstruct(r->run, in, label, n, out);
    free(label);
    return status;
}

static cinch_status read_all(const cinch_ranking *r, const int32_t *row, int64_t n, float *in, float *target,
                             float *out)
{
    cinch_dataset *wanted = r->rows.target ? r->rows.target : r->rows.data;
    TRY(cinch_dataset_gather_float(r->rows.data, row, n, in));
    if (target) TRY(cinch_dataset_gather_float(wanted, row, n, target));
    return out ? reconstruct(r, row, n, in, out) : CINCH_OK;
}

cinch_status cinch_ranking_show(const cinch_ranking *r, const int32_t *row, int64_t n, float *in, float *target,
                                float *out)
{
    if (in) return read_all(r, row, n, in, target, out);
    float *values = cinch_calloc((size_t)(n * r->size), sizeof *values);
    cinch_status status = values ? read_all(r, row, n, values, target, out) : CINCH_DEVICE;
    free(values);
    return status;
}

static cinch_status rank_chunk(cinch_ranking *r, int64_t first, int64_t n, float *memory)
{
    int32_t row[CHUNK];
    float *target = memory + CHUNK * r->size, *out = target + CHUNK * r->size;
    for (int64_t i = 0; i < n; i++) row[i] = cinch_rows_at(&r->rows, first + i);
    TRY(cinch_ranking_show(r, row, n, memory, target, out));
    for (int64_t i = 0; i < n; i++) {
        double error = cinch_mean_square(target + i * r->size, out + i * r->size, r->size);
        r->order[first + i] = (cinch_ranked){first + i, error};
    }
    return CINCH_OK;
}

/* By error, descending; what is not a number comes first. */
static int worse_first(const void *a, const void *b)
{
    const cinch_ranked *x = a, *y = b;
    if (isnan(x->error) != isnan(y->error)) return isnan(x->error) ? -1 : 1;
    if (x->error != y->error && !isnan(x->error)) return x->error > y->error ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

cinch_status cinch_ranking_make(cinch_ranking *r, cinch_run *run, int64_t most)
{
    *r = (cinch_ranking){.run = run, .size = cinch_rows_sample_size(run)};
    TRY(rows_to_show(run, &r->rows));
    if (r->rows.n > most) r->rows.n = most;
    float *memory = cinch_calloc((size_t)(3 * CHUNK * r->size), sizeof *memory);
    r->order = cinch_calloc((size_t)r->rows.n, sizeof *r->order);
    cinch_status status = memory && r->order ? CINCH_OK : CINCH_DEVICE;
    for (int64_t first = 0; !status && first < r->rows.n; first += CHUNK)
        status = rank_chunk(r, first, r->rows.n - first < CHUNK ? r->rows.n - first : CHUNK, memory);
    free(memory);
    if (!status) qsort(r->order, (size_t)r->rows.n, sizeof *r->order, worse_first);
    return status;
}

void cinch_ranking_free(cinch_ranking *r)
{
    free(r->order);
    *r = (cinch_ranking){.run = NULL};
}

void cinch_ranking_typical(const cinch_ranking *r, int count, cinch_ranked *out)
{
    int64_t n = r->rows.n, first = n * 2 / 5, span = n / 5 > count ? n / 5 : count;
    if (first + span > n) first = n - span;
    for (int i = 0; i < count; i++) out[i] = r->order[first + span * i / count];
}
