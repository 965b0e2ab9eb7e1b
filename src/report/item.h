/* SPDX-License-Identifier: Apache-2.0 */
/* One sample on a page: an image, or a vector or sequence (its first channel) as curves. */
#ifndef CINCH_REPORT_ITEM_H
#define CINCH_REPORT_ITEM_H

#include "report/page.h"
#include "report/tile.h"

#include <cinch/train.h>

typedef struct {
    cinch_tile tile; /* of an image as it is stored: page.css enlarges it */
    int shown_width; /* pixels on the page */
    bool bounded;    /* a range that is known is the scale */
} cinch_item;

/* For samples of a kind: low to high is their range, where one is known. Else cinch_tile_range on item.tile takes in
   all values to be shown, then cinch_tile_close_range. */
cinch_item cinch_item_of(const cinch_sample *sample);

/* The same for n samples that a run's model made. */
cinch_item cinch_item_around(const cinch_run *run, const float *values, int n);

/* An image, or n curves over one another, of values [sample] each; `alt` says what it shows. Of several values an image
   shows the first. */
void cinch_item_show(cinch_page *page, const cinch_item *item, const float *const *values, int n, const char *alt);

#endif
