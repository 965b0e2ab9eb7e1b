/* SPDX-License-Identifier: Apache-2.0 */
#include "report/picture.h"

#include <limits.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Everything libpng's callbacks report, and what must be freed after they jumped. */
typedef struct {
    png_structp png;
    png_infop info;
    uint8_t *bytes;
    int length, room;
    bool out_of_memory;
    char message[160];
} encoder;

static void on_error(png_structp png, png_const_charp message)
{
    encoder *e = png_get_error_ptr(png);
    snprintf(e->message, sizeof e->message, "%s", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) { (void)png, (void)message; }

static png_voidp on_malloc(png_structp png, png_alloc_size_t size)
{
    void *memory = malloc(size);
    if (!memory) ((encoder *)png_get_mem_ptr(png))->out_of_memory = true;
    return memory;
}

static void on_free(png_structp png, png_voidp memory) { (void)png, free(memory); }

static void on_write(png_structp png, png_bytep bytes, size_t size)
{
    encoder *e = png_get_io_ptr(png);
    bool fits = size <= (size_t)(INT_MAX - e->length);
    if (!fits || cinch_grow((void **)&e->bytes, &e->room, e->length + (int)size, 1)) {
        e->out_of_memory = true;
        png_error(png, "no room");
    }
    memcpy(e->bytes + e->length, bytes, size);
    e->length += (int)size;
}

/* libpng leaves this function by longjmp; all it needs afterwards is in *e. */
static bool encode(encoder *e, const cinch_picture *picture)
{
    e->png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, e, on_error, on_warning, e, on_malloc, on_free);
    if (!e->png || !(e->info = png_create_info_struct(e->png))) return false;
    if (setjmp(png_jmpbuf(e->png))) return false;
    png_set_write_fn(e->png, e, on_write, NULL);
    png_set_IHDR(e->png, e->info, (png_uint_32)picture->width, (png_uint_32)picture->height, 8, PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(e->png, e->info);
    for (int row = 0; row < picture->height; row++)
        png_write_row(e->png, picture->rgb + (size_t)row * (size_t)picture->width * 3);
    png_write_end(e->png, NULL);
    return true;
}

cinch_status cinch_picture_encode(const cinch_picture *picture, uint8_t **bytes, size_t *size)
{
    encoder e = { .bytes = NULL };
    bool ok = encode(&e, picture);
    png_destroy_write_struct(&e.png, &e.info);
    *bytes = e.bytes;
    *size = (size_t)e.length;
    if (ok) return CINCH_OK;
    free(e.bytes);
    *bytes = NULL;
    if (e.out_of_memory)
        return cinch_fail(CINCH_DEVICE, "out of memory for a picture of %d x %d", picture->width, picture->height);
    return cinch_fail(CINCH_OUTPUT, "a picture of %d x %d cannot be encoded: libpng says %s",
                      picture->width, picture->height, e.message[0] ? e.message : "no reason");
}
