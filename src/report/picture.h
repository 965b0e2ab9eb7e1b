/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A picture in memory, 8-bit RGB, and what can be drawn into it. (0, 0) is the top left corner, y grows downwards.
 * Every drawing call clips at the borders; on a picture of no size it draws nothing, so a layout can be measured by
 * running the code that paints it. Not thread-safe per picture.
 */
#ifndef CINCH_REPORT_PICTURE_H
#define CINCH_REPORT_PICTURE_H

#include "core/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint8_t r, g, b;
} cinch_color;

typedef struct {
    int width, height;
    uint8_t *rgb; /* [height, width, 3], owned */
} cinch_picture;

typedef struct {
    cinch_color color;
    int scale; /* 0 is 1; at 1 a character is 6 x 13 pixels */
    int room;  /* pixels; longer text is cut and ends in ".."; 0: no limit */
    bool up;   /* reads from the bottom to the top, starting at (x, y) */
} cinch_text;

enum { CINCH_PICTURE_MAX_SIDE = 32767 };

/* A picture filled with `background`; CINCH_USAGE when a side is not 1..CINCH_PICTURE_MAX_SIDE. */
cinch_status cinch_picture_create(cinch_picture *picture, int width, int height, cinch_color background);

/* Frees the pixels; a zeroed or freed picture is fine. */
void cinch_picture_free(cinch_picture *picture);

/* Mixes `color` into one pixel, `amount` of 255 parts. */
void cinch_picture_blend(cinch_picture *picture, int x, int y, cinch_color color, int amount);

/* A filled rectangle, and a frame one pixel thick. */
void cinch_picture_fill(cinch_picture *picture, int x, int y, int width, int height, cinch_color color);
void cinch_picture_frame(cinch_picture *picture, int x, int y, int width, int height, cinch_color color);

/* One line of UTF-8 text with its top left corner at (x, y); characters outside ASCII are hollow boxes. */
void cinch_picture_text(cinch_picture *picture, int x, int y, const char *text, cinch_text style);

/* Copies `source`, its top left corner to (x, y). */
void cinch_picture_blit(cinch_picture *picture, int x, int y, const cinch_picture *source);

/* The picture as a PNG in memory, to be freed with free(). CINCH_DEVICE when memory ran out, CINCH_OUTPUT. */
cinch_status cinch_picture_encode(const cinch_picture *picture, uint8_t **bytes, size_t *size);

/* Writes a PNG by data/text_file.h, so that `path` is the old file or the whole new one. What a link leads to is
   replaced, not the link; a device or a pipe is written as it is. CINCH_OUTPUT when it cannot be written, CINCH_DEVICE
   when memory ran out. */
cinch_status cinch_picture_write(const cinch_picture *picture, const char *path);

#endif
