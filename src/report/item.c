/* SPDX-License-Identifier: Apache-2.0 */
#include "report/item.h"

#include "report/grid.h"
#include "report/svg.h"

#include <math.h>
#include <stdio.h>

enum { CURVE_SHOWN = 160, LARGEST_SHOWN = 128 };

cinch_item cinch_item_of(const cinch_sample *sample)
{
    cinch_grid grid = { 0 };
    cinch_grid_shape(&grid, sample->shape);
    cinch_item item = { .tile = cinch_tile_fit(grid.height, grid.width, grid.channels),
                        .bounded = sample->low < sample->high };
    item.shown_width = !grid.height ? CURVE_SHOWN : item.tile.width < LARGEST_SHOWN ? item.tile.width : LARGEST_SHOWN;
    if (item.bounded) item.tile.low = sample->low, item.tile.high = sample->high;
    if (!grid.height) return item;
    item.tile.width /= item.tile.enlarge;
    item.tile.height /= item.tile.enlarge;
    item.tile.enlarge = 1;
    return item;
}

cinch_item cinch_item_around(const cinch_run *run, const float *values, int n)
{
    cinch_sample sample = cinch_run_output(run);
    cinch_item item = cinch_item_of(&sample);
    if (item.bounded) return item;
    cinch_tile_range(&item.tile, values, n);
    cinch_tile_close_range(&item.tile);
    return item;
}

static void show_image(cinch_page *page, const cinch_item *item, const float *values, const char *alt)
{
    char style[64];
    cinch_picture picture = { 0 };
    cinch_color clear = { 0 };
    if (!page->status) page->status = cinch_picture_create(&picture, item->tile.width, item->tile.height, clear);
    if (page->status) return;
    cinch_tile_image(&picture, &item->tile, 0, 0, values);
    snprintf(style, sizeof style, "class='image' style='width:%dpx'", item->shown_width);
    cinch_page_picture(page, &picture, style, alt);
    cinch_picture_free(&picture);
}

void cinch_item_show(cinch_page *page, const cinch_item *item, const float *const *values, int n, const char *alt)
{
    const cinch_tile *t = &item->tile;
    if (t->rows) show_image(page, item, values[0], alt);
    else cinch_svg_curves(page, values, n, t->cols, t->channels, t->low, t->high, alt);
}
