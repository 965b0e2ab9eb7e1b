/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of src/report share: a folder of their own, PNG files read back, pixels counted. */
#ifndef CINCH_TESTS_REPORT_PIXELS_H
#define CINCH_TESTS_REPORT_PIXELS_H

#include "report/picture.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static inline void make_folder(void)
{
    strcpy(folder, "/tmp/cinch-report-XXXXXX");
    cr_assert(mkdtemp(folder), "a folder in /tmp");
}

static inline const char *in_folder(const char *name)
{
    static char path[400];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static inline bool is_self_or_parent(const char *name) { return !strcmp(name, ".") || !strcmp(name, ".."); }

static inline int files_in_folder(void)
{
    int n = 0;
    DIR *dir = opendir(folder);
    cr_assert(dir);
    for (struct dirent *entry; (entry = readdir(dir));) n += !is_self_or_parent(entry->d_name);
    closedir(dir);
    return n;
}

static inline void remove_folder(void)
{
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (!is_self_or_parent(entry->d_name)) unlink(in_folder(entry->d_name));
    if (dir) closedir(dir);
    rmdir(folder);
}

/* The file as libpng decodes it; freed with cinch_picture_free. */
static inline cinch_picture read_png(const char *path)
{
    png_image image = { .version = PNG_IMAGE_VERSION };
    cr_assert(png_image_begin_read_from_file(&image, path), "%s: %s", path, image.message);
    image.format = PNG_FORMAT_RGB;
    cinch_picture picture = { (int)image.width, (int)image.height, malloc(PNG_IMAGE_SIZE(image)) };
    cr_assert(png_image_finish_read(&image, NULL, picture.rgb, 0, NULL), "%s: %s", path, image.message);
    return picture;
}

static inline cinch_color pixel(const cinch_picture *picture, int x, int y)
{
    cinch_color color;
    cr_assert(x >= 0 && y >= 0 && x < picture->width && y < picture->height, "(%d, %d) is inside", x, y);
    memcpy(&color, picture->rgb + 3 * ((size_t)y * (size_t)picture->width + (size_t)x), 3);
    return color;
}

static inline bool same_color(cinch_color a, cinch_color b) { return a.r == b.r && a.g == b.g && a.b == b.b; }

/* Pixels of exactly this colour in the rectangle. */
static inline int count_in(const cinch_picture *picture, int x, int y, int width, int height, cinch_color color)
{
    int n = 0;
    for (int row = y; row < y + height; row++)
        for (int column = x; column < x + width; column++) n += same_color(pixel(picture, column, row), color);
    return n;
}

static inline int count(const cinch_picture *picture, cinch_color color)
{
    return count_in(picture, 0, 0, picture->width, picture->height, color);
}

static inline void one_line_naming(const char *part)
{
    cr_expect(strstr(cinch_last_error(), part), "'%s' names '%s'", cinch_last_error(), part);
    cr_expect_null(strchr(cinch_last_error(), '\n'));
}

#endif
