/* SPDX-License-Identifier: Apache-2.0 */
/* A sheet of samples that a model made, with what they were made from above them. */
#include <cinch/report.h>

#include "core/status.h"
#include "report/grid.h"

enum { COLUMNS = 10 };

void cinch_grid_shape(cinch_grid *grid, cinch_shape sample)
{
    bool image = sample.rank == 3;
    grid->height = image ? (int)sample.dim[0] : 0;
    grid->width = (int)(image ? sample.dim[1] : sample.rank == 2 ? sample.dim[0] : cinch_shape_count(sample));
    grid->channels = (int)(image ? sample.dim[2] : sample.rank == 2 ? sample.dim[1] : 1);
}

void cinch_grid_scales(cinch_grid *grid, const cinch_sample *in, const cinch_sample *out)
{
    bool bounded = out->low < out->high, same = !in || (in->low == out->low && in->high == out->high);
    grid->first_apart = in && grid->height && !(bounded && same);
    if (bounded && (same || grid->height)) grid->low = out->low, grid->high = out->high;
    if (grid->first_apart && in->low < in->high) grid->first_low = in->low, grid->first_high = in->high;
}

cinch_status cinch_report_samples(const char *path, const cinch_sample *sample, int64_t n, const float *values,
                                  const cinch_sample *original, const float *originals)
{
    cinch_grid_row rows[] = {{"original", originals, NULL}, {"reconstruction", values, NULL}};
    cinch_grid_row alone = {NULL, values, NULL};
    if (n < 1 || n > INT32_MAX) return cinch_fail(CINCH_USAGE, "%s: no picture of %lld samples", path, (long long)n);
    cinch_grid_section section = {NULL, (int)n, originals ? rows : &alone, originals ? 2 : 1};
    cinch_grid grid = {.columns = COLUMNS, .sections = &section, .n_sections = 1};
    cinch_grid_shape(&grid, sample->shape);
    cinch_grid_scales(&grid, originals ? original : NULL, sample);
    return cinch_grid_write(path, &grid);
}
