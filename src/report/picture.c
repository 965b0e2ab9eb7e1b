/* SPDX-License-Identifier: Apache-2.0 */
#include "report/picture.h"

#include "report/font.h"

#include <stdlib.h>
#include <string.h>

cinch_status cinch_picture_create(cinch_picture *picture, int width, int height, cinch_color background)
{
    *picture = (cinch_picture){ 0 };
    if (width < 1 || height < 1 || width > CINCH_PICTURE_MAX_SIDE || height > CINCH_PICTURE_MAX_SIDE)
        return cinch_fail(CINCH_USAGE, "a picture of %d x %d pixels: a side is 1 to %d; draw fewer or smaller items",
                          width, height, CINCH_PICTURE_MAX_SIDE);
    picture->rgb = cinch_calloc((size_t)width * (size_t)height, 3);
    if (!picture->rgb) return CINCH_DEVICE;
    picture->width = width;
    picture->height = height;
    cinch_picture_fill(picture, 0, 0, width, height, background);
    return CINCH_OK;
}

void cinch_picture_free(cinch_picture *picture)
{
    free(picture->rgb);
    *picture = (cinch_picture){ 0 };
}

static uint8_t *pixel_at(const cinch_picture *picture, int x, int y)
{
    return picture->rgb + ((size_t)y * (size_t)picture->width + (size_t)x) * 3;
}

static bool inside(const cinch_picture *picture, int x, int y)
{
    return x >= 0 && y >= 0 && x < picture->width && y < picture->height;
}

static void set(cinch_picture *picture, int x, int y, cinch_color color)
{
    if (inside(picture, x, y)) memcpy(pixel_at(picture, x, y), &color, 3);
}

static uint8_t mix(int below, int above, int amount)
{
    return (uint8_t)((below * (255 - amount) + above * amount + 127) / 255);
}

void cinch_picture_blend(cinch_picture *picture, int x, int y, cinch_color color, int amount)
{
    if (!inside(picture, x, y)) return;
    uint8_t *pixel = pixel_at(picture, x, y);
    pixel[0] = mix(pixel[0], color.r, amount);
    pixel[1] = mix(pixel[1], color.g, amount);
    pixel[2] = mix(pixel[2], color.b, amount);
}

/* The part of [start, start + length) inside [0, size). */
static void clip(int start, int length, int size, int *from, int *to)
{
    int64_t end = (int64_t)start + length;
    *from = start < 0 ? 0 : start;
    *to = end > size ? size : (int)end;
}

void cinch_picture_fill(cinch_picture *picture, int x, int y, int width, int height, cinch_color color)
{
    int left, right, top, bottom;
    clip(x, width, picture->width, &left, &right);
    clip(y, height, picture->height, &top, &bottom);
    for (int row = top; row < bottom; row++)
        for (int column = left; column < right; column++) memcpy(pixel_at(picture, column, row), &color, 3);
}

void cinch_picture_frame(cinch_picture *picture, int x, int y, int width, int height, cinch_color color)
{
    cinch_picture_fill(picture, x, y, width, 1, color);
    cinch_picture_fill(picture, x, y + height - 1, width, 1, color);
    cinch_picture_fill(picture, x, y, 1, height, color);
    cinch_picture_fill(picture, x + width - 1, y, 1, height, color);
}

static void draw_character(cinch_picture *picture, int x, int y, int code, const cinch_text *style)
{
    for (int row = 0; row < CINCH_FONT_HEIGHT * style->scale; row++)
        for (int column = 0; column < CINCH_FONT_WIDTH * style->scale; column++) {
            if (!cinch_font_ink_scaled(code, column, row, style->scale)) continue;
            if (style->up)
                set(picture, x + row, y - column, style->color);
            else
                set(picture, x + column, y + row, style->color);
        }
}

void cinch_picture_text(cinch_picture *picture, int x, int y, const char *text, cinch_text style)
{
    if (style.scale < 1) style.scale = 1;
    int advance = CINCH_FONT_WIDTH * style.scale, fits = style.room / advance, code;
    bool cut = style.room > 0 && cinch_font_width(text, style.scale) > style.room;
    for (int i = 0; (code = cinch_font_next(&text)) && (!cut || i < fits); i++) {
        draw_character(picture, x, y, cut && i >= fits - 2 ? '.' : code, &style);
        if (style.up)
            y -= advance;
        else
            x += advance;
    }
}

void cinch_picture_blit(cinch_picture *picture, int x, int y, const cinch_picture *source)
{
    int left, right, top, bottom;
    clip(x, source->width, picture->width, &left, &right);
    clip(y, source->height, picture->height, &top, &bottom);
    for (int row = top; row < bottom && left < right; row++)
        memcpy(pixel_at(picture, left, row), pixel_at(source, left - x, row - y), (size_t)(right - left) * 3);
}
