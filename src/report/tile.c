/* SPDX-License-Identifier: Apache-2.0 */
#include "report/tile.h"

#include <math.h>
#include <stdlib.h>

enum { GOOD_SIDE = 90, LARGEST_SIDE = 256, PLOT_WIDTH = 200, PLOT_HEIGHT = 100, PLOT_PAD = 5 };

static const cinch_color NOT_FINITE = { 255, 0, 255 };

cinch_tile cinch_tile_fit(int rows, int cols, int channels)
{
    cinch_tile tile = { rows, cols, channels, PLOT_WIDTH, PLOT_HEIGHT, 1, 1, INFINITY, -INFINITY, false };
    if (rows == 0) return tile;
    int side = rows > cols ? rows : cols;
    if (side < GOOD_SIDE) tile.enlarge = (GOOD_SIDE + side / 2) / side;
    if (side > LARGEST_SIDE) tile.shrink = side / LARGEST_SIDE + (side % LARGEST_SIDE != 0);
    tile.width = (cols - 1) / tile.shrink * tile.enlarge + tile.enlarge;
    tile.height = (rows - 1) / tile.shrink * tile.enlarge + tile.enlarge;
    return tile;
}

static size_t item_size(const cinch_tile *tile)
{
    return (size_t)(tile->rows ? tile->rows : 1) * (size_t)tile->cols * (size_t)tile->channels;
}

const float *cinch_tile_item(const cinch_tile *tile, const float *values, int i)
{
    return values + (size_t)i * item_size(tile);
}

/* RGB for images of three channels, else the first one alone. */
static int shown_channels(const cinch_tile *tile) { return tile->rows && tile->channels == 3 ? 3 : 1; }

void cinch_tile_range(cinch_tile *tile, const float *values, int n)
{
    size_t end = (size_t)n * item_size(tile), stride = (size_t)tile->channels, shown = (size_t)shown_channels(tile);
    for (size_t i = 0; i < end; i += stride)
        for (size_t c = i; c < i + shown; c++) {
            if (!isfinite(values[c]))
                tile->not_finite = true;
            else
                tile->low = fmin(tile->low, values[c]), tile->high = fmax(tile->high, values[c]);
        }
}

void cinch_tile_close_range(cinch_tile *tile)
{
    if (tile->low < tile->high) return;
    if (tile->low > tile->high)
        tile->low = 0, tile->high = 1;
    else {
        double half = fmax(fabs(tile->low) * 0.1, 0.5);
        tile->low -= half, tile->high += half;
    }
}

/* The mean of one channel over the block of values that becomes cell (row, col); NaN when one is not finite. */
static double block_mean(const cinch_tile *tile, const float *values, int row, int col, int channel)
{
    int bottom = (row + 1) * tile->shrink, right = (col + 1) * tile->shrink, count = 0;
    double sum = 0;
    for (int y = row * tile->shrink; y < bottom && y < tile->rows; y++)
        for (int x = col * tile->shrink; x < right && x < tile->cols; x++, count++)
            sum += values[((size_t)y * (size_t)tile->cols + (size_t)x) * (size_t)tile->channels + (size_t)channel];
    return sum / count;
}

static uint8_t shade(const cinch_tile *tile, double value)
{
    double part = (value - tile->low) / (tile->high - tile->low);
    return (uint8_t)(fmin(fmax(part, 0), 1) * 255 + 0.5);
}

static cinch_color cell_color(const cinch_tile *tile, const float *values, int row, int col)
{
    double mean[3];
    for (int c = 0; c < 3; c++) {
        mean[c] = c < shown_channels(tile) ? block_mean(tile, values, row, col, c) : mean[0];
        if (!isfinite(mean[c])) return NOT_FINITE;
    }
    return (cinch_color){ shade(tile, mean[0]), shade(tile, mean[1]), shade(tile, mean[2]) };
}

void cinch_tile_image(cinch_picture *picture, const cinch_tile *tile, int x, int y, const float *values)
{
    int size = tile->enlarge;
    for (int row = 0; row < tile->height / size; row++)
        for (int col = 0; col < tile->width / size; col++)
            cinch_picture_fill(picture, x + col * size, y + row * size, size, size, cell_color(tile, values, row, col));
}

cinch_status cinch_tile_curve(cinch_picture *picture, const cinch_tile *tile, int x, int y, const float *values,
                              const cinch_stroke *stroke)
{
    double *at_x = cinch_calloc((size_t)tile->cols, 2 * sizeof *at_x);
    if (!at_x) return CINCH_DEVICE;
    double *at_y = at_x + tile->cols, room_x = tile->width - 2 * PLOT_PAD, room_y = tile->height - 2 * PLOT_PAD;
    for (int i = 0; i < tile->cols; i++) {
        double along = tile->cols > 1 ? i / (tile->cols - 1.0) : 0.5;
        double up = (values[(size_t)i * (size_t)tile->channels] - tile->low) / (tile->high - tile->low);
        at_x[i] = x + PLOT_PAD + along * room_x;
        at_y[i] = isfinite(up) ? y + PLOT_PAD + (1 - fmin(fmax(up, 0), 1)) * room_y : NAN;
    }
    cinch_status status = cinch_picture_polyline(picture, at_x, at_y, tile->cols, stroke);
    free(at_x);
    return status;
}
