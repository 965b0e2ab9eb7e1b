/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sheet of small pictures as a PNG: reconstructions.png, samples.png and their like.
 *
 *     cinch_grid_row pair[] = {{"original", x, NULL}, {"reconstruction", y, errors}};      x, y: [8, 28, 28, 1]
 *     cinch_grid_section worst = {"worst", 8, pair, 2};
 *     cinch_grid grid = {.title = "dense, test part", .height = 28, .width = 28, .channels = 1,
 *                        .sections = &worst, .n_sections = 1};
 *     TRY(cinch_grid_write("run/reconstructions.png", &grid));
 */
#ifndef CINCH_REPORT_GRID_H
#define CINCH_REPORT_GRID_H

#include "core/status.h"

#include <cinch/model.h>

typedef struct {
    const char *title;           /* to the left of the row, or NULL */
    const float *values;         /* [n, height, width, channels], or [n, width, channels] for vectors */
    const char *const *captions; /* [n], each below its picture, each may be NULL; or NULL */
} cinch_grid_row;

/* n items seen in n_rows ways, one above the other; of vectors the rows are curves in one plot. */
typedef struct {
    const char *title; /* above the rows, or NULL */
    int n;
    const cinch_grid_row *rows;
    int n_rows;
} cinch_grid_section;

typedef struct {
    const char *title;           /* or NULL */
    int height, width, channels; /* of one item; height 0: a vector of `width`. 3 channels are RGB, of any other number
                                    the first is shown */
    double low, high;            /* the values drawn black and white; both 0: the range of all values */
    bool first_apart;            /* of images: the first row of each section has a scale of its own: inputs, where what
                                    comes out has another range */
    double first_low, first_high; /* of that scale, as low and high */
    int columns;                 /* items side by side before a new line begins; 0: all of them */
    const cinch_grid_section *sections;
    int n_sections;
} cinch_grid;

/* Sets height, width and channels for samples of a shape, channels last; what is no image is a vector. */
void cinch_grid_shape(cinch_grid *grid, cinch_shape sample);

/* Sets the scales for what comes out, `out`, and, above it, what goes in, `in`: NULL where both have one range. Curves
   share a plot, whose scale then holds all values. */
void cinch_grid_scales(cinch_grid *grid, const cinch_sample *in, const cinch_sample *out);

/* Draws the sheet and writes it to `path` (see cinch_picture_write). Small images are enlarged by a whole factor to
   about 90 pixels, large ones averaged down to at most 256. Values that are not finite are magenta.
   CINCH_USAGE when there is nothing to draw or the sheet is too large, CINCH_OUTPUT, CINCH_DEVICE. */
cinch_status cinch_grid_write(const char *path, const cinch_grid *grid);

#endif
