/* SPDX-License-Identifier: Apache-2.0 */
#include "report/rows.h"

#include "core/status.h"

int32_t cinch_rows_at(const cinch_run_rows *rows, int64_t i) { return rows->index ? rows->index[i] : (int32_t)i; }

cinch_status cinch_rows_labels(const cinch_dataset *data, const int32_t *row, int64_t n, int32_t **label)
{
    const int32_t *labels = cinch_dataset_labels(data);
    *label = labels ? cinch_calloc((size_t)n, sizeof **label) : NULL;
    for (int64_t i = 0; *label && i < n; i++) (*label)[i] = labels[row[i]];
    return labels && !*label ? CINCH_DEVICE : CINCH_OK;
}

int64_t cinch_rows_sample_size(const cinch_run *run)
{
    return cinch_shape_count(cinch_model_sample(cinch_run_model(run)).shape);
}

double cinch_mean_square(const float *x, const float *y, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
    return sum / (double)n;
}
