/* SPDX-License-Identifier: Apache-2.0 */
/* One small picture on a sheet: an image, or a vector as a curve. */
#ifndef CINCH_REPORT_TILE_H
#define CINCH_REPORT_TILE_H

#include "report/stroke.h"

typedef struct {
    int rows, cols, channels; /* of the values, [rows, cols, channels]; rows 0: a vector [cols, channels] */
    int width, height;        /* of the tile, in pixels */
    int enlarge, shrink;      /* pixels a value, values a pixel; one of them is 1 */
    double low, high;         /* the values drawn black and white, or at the bottom and the top */
    bool not_finite;          /* such values were seen by cinch_tile_range */
} cinch_tile;

/* Sets the sizes; the range is left empty (low > high). */
cinch_tile cinch_tile_fit(int rows, int cols, int channels);

/* Widens the range to hold what is shown of n items. */
void cinch_tile_range(cinch_tile *tile, const float *values, int n);

/* Makes an empty range 0 to 1, and one of a single value wide enough to divide by. */
void cinch_tile_close_range(cinch_tile *tile);

/* The values of item i among the items one after the other at `values`. */
const float *cinch_tile_item(const cinch_tile *tile, const float *values, int i);

/* Draws one item with its top left corner at (x, y); its values are borrowed. */
void cinch_tile_image(cinch_picture *picture, const cinch_tile *tile, int x, int y, const float *values);
cinch_status cinch_tile_curve(cinch_picture *picture, const cinch_tile *tile, int x, int y, const float *values,
                              const cinch_stroke *stroke);

#endif
