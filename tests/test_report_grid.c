/* SPDX-License-Identifier: Apache-2.0 */
#include "report/grid.h"
#include "report/stroke.h"
#include "report_pixels.h"

#include <limits.h>
#include <math.h>

TestSuite(report_grid, .init = make_folder, .fini = remove_folder);

static const cinch_color WHITE = { 255, 255, 255 }, MAGENTA = { 255, 0, 255 }, SOFT = { 0x60, 0x60, 0x60 };

static cinch_picture write_and_read(const cinch_grid *grid)
{
    const char *path = in_folder("grid.png");
    cr_assert_eq(cinch_grid_write(path, grid), CINCH_OK, "%s", cinch_last_error());
    return read_png(path);
}

static float *filled(int n, float value)
{
    float *values = malloc((size_t)n * sizeof *values);
    for (int i = 0; i < n; i++) values[i] = value;
    return values;
}

/* The number of `side` x `side` blocks of the colour of which none is part of a larger one. */
static int blocks(const cinch_picture *p, cinch_color color, int side)
{
    int n = 0;
    for (int y = 1; y + side < p->height; y++)
        for (int x = 1; x + side < p->width; x++) {
            if (!same_color(pixel(p, x, y), color)) continue;
            if (same_color(pixel(p, x - 1, y), color) || same_color(pixel(p, x, y - 1), color)) continue;
            bool whole = count_in(p, x, y, side, side, color) == side * side;
            n += whole && !same_color(pixel(p, x + side, y), color) && !same_color(pixel(p, x, y + side), color);
        }
    return n;
}

static cinch_color grey(int value) { return (cinch_color){ (uint8_t)value, (uint8_t)value, (uint8_t)value }; }

Test(report_grid, images_stand_on_one_scale)
{
    enum { ITEM = 28 * 28 };
    float *dark = filled(3 * ITEM, 0.2f), *bright = filled(3 * ITEM, 0.4f);
    dark[0] = 0;
    bright[0] = 1;
    cinch_grid_row rows[] = { { "original", dark, NULL }, { "reconstruction", bright, NULL } };
    cinch_grid_section section = { "worst", 3, rows, 2 };
    cinch_grid grid = { .height = 28, .width = 28, .channels = 1, .sections = &section, .n_sections = 1 };
    cinch_picture p = write_and_read(&grid);
    cr_expect_eq(blocks(&p, grey(51), 84), 2, "28 x 28 becomes 84 x 84; two dark ones are whole");
    cr_expect_eq(blocks(&p, grey(102), 84), 2);
    cr_expect_geq(count(&p, grey(51)), 3 * 84 * 84 - 9);
    cr_expect_eq(blocks(&p, grey(0), 3), 1, "the pixel of the lowest value is black, 3 x 3");
    cinch_picture_free(&p);
    grid.low = -0.2, grid.high = 0.8;
    p = write_and_read(&grid);
    cr_expect_eq(blocks(&p, grey(102), 84), 2, "a range that is given is used");
    cr_expect_eq(blocks(&p, grey(153), 84), 2);
    cinch_picture_free(&p);
    free(dark), free(bright);
}

Test(report_grid, inputs_stand_on_a_scale_of_their_own)
{
    enum { ITEM = 28 * 28 };
    float *in = filled(3 * ITEM, 0.2f), *out = filled(3 * ITEM, 40);
    out[0] = 0, out[1] = 100;
    cinch_grid_row rows[] = { { "original", in, NULL }, { "reconstruction", out, NULL } };
    cinch_grid_section section = { "worst", 3, rows, 2 };
    cinch_grid grid = { .height = 28, .width = 28, .channels = 1, .sections = &section, .n_sections = 1 };
    cinch_sample unit = { CINCH_SHAPE(28, 28, 1), 0, 1, 0 }, any = { CINCH_SHAPE(28, 28, 1), 0, 0, 0 };
    cinch_grid_scales(&grid, &unit, &any);
    cr_expect(grid.first_apart);
    cinch_picture p = write_and_read(&grid);
    cr_expect_eq(blocks(&p, grey(51), 84), 3, "inputs from 0 to 1");
    cr_expect_eq(blocks(&p, grey(102), 84), 2, "what comes out from 0 to 100");
    cinch_picture_free(&p);
    cinch_grid_scales(&grid, &unit, &unit);
    cr_expect(!grid.first_apart && grid.low == 0 && grid.high == 1, "one range is one scale");
    free(in), free(out);
}

Test(report_grid, channels)
{
    static const struct {
        int channels;
        cinch_color color;
    } cases[] = {
        { 1, { 51, 51, 51 } }, { 2, { 51, 51, 51 } },  { 3, { 51, 102, 153 } },
        { 4, { 51, 51, 51 } }, { 64, { 51, 51, 51 } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int channels = cases[i].channels;
        float *values = filled(2 * 16 * 16 * channels, 0);
        for (int j = 0; j < 2 * 16 * 16 * channels; j++) values[j] = 0.2f * (float)(1 + j % channels % 3);
        cinch_grid_row row = { NULL, values, NULL };
        cinch_grid_section section = { NULL, 2, &row, 1 };
        cinch_grid grid = {
            .height = 16, .width = 16, .channels = channels, .low = 0, .high = 1, .sections = &section, .n_sections = 1
        };
        cinch_picture p = write_and_read(&grid);
        cr_expect_eq(blocks(&p, cases[i].color, 96), 2, "%d channels", channels);
        cinch_picture_free(&p);
        free(values);
    }
}

Test(report_grid, not_finite_is_magenta)
{
    float *values = filled(28 * 28, 0.5f);
    values[100] = NAN, values[300] = INFINITY, values[500] = -INFINITY, values[0] = 0, values[1] = 1;
    cinch_grid_row row = { NULL, values, NULL };
    cinch_grid_section section = { NULL, 1, &row, 1 };
    cinch_grid grid = { .height = 28, .width = 28, .channels = 1, .sections = &section, .n_sections = 1 };
    cinch_picture p = write_and_read(&grid);
    cr_expect_eq(count(&p, MAGENTA), 3 * 9);
    cr_expect_eq(blocks(&p, MAGENTA, 3), 3);
    cinch_picture_free(&p);
    for (int i = 0; i < 28 * 28; i++) values[i] = NAN;
    p = write_and_read(&grid);
    cr_expect_eq(blocks(&p, MAGENTA, 84), 1, "nothing finite at all");
    cinch_picture_free(&p);
    free(values);
}

Test(report_grid, sizes)
{
    static const struct {
        int height, width, tile_height, tile_width;
    } cases[] = {
        { 1, 1, 90, 90 },       { 8, 8, 88, 88 },       { 28, 28, 84, 84 },     { 32, 32, 96, 96 }, { 64, 64, 64, 64 },
        { 200, 200, 200, 200 }, { 256, 100, 256, 100 }, { 600, 600, 200, 200 }, { 1, 300, 1, 150 }, { 513, 2, 171, 1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int height = cases[i].height, width = cases[i].width, seen = 0;
        float *values = filled(height * width * 3, 0);
        for (int j = 0; j < height * width * 3; j += 3) values[j] = 1;
        cinch_grid_row row = { NULL, values, NULL };
        cinch_grid_section section = { NULL, 1, &row, 1 };
        cinch_grid grid = { .height = height, .width = width, .channels = 3, .sections = &section, .n_sections = 1 };
        cinch_picture p = write_and_read(&grid);
        seen = count(&p, (cinch_color){ 255, 0, 0 });
        cr_expect_eq(seen, cases[i].tile_height * cases[i].tile_width, "%d x %d: %d pixels", height, width, seen);
        cinch_picture_free(&p);
        free(values);
    }
}

Test(report_grid, large_images_are_averaged)
{
    float *values = filled(600 * 600, 0);
    for (int i = 0; i < 600 * 600; i++) values[i] = (float)(i % 3 == 0); /* of each block of 3 x 3, a third */
    cinch_grid_row row = { NULL, values, NULL };
    cinch_grid_section section = { NULL, 1, &row, 1 };
    cinch_grid grid = { .height = 600, .width = 600, .channels = 1, .sections = &section, .n_sections = 1 };
    cinch_picture p = write_and_read(&grid);
    cr_expect_eq(blocks(&p, grey(85), 200), 1);
    cinch_picture_free(&p);
    free(values);
}

Test(report_grid, lines_wrap_and_captions_take_room)
{
    static const char *const captions[] = { "0.0031", "0.0032", NULL, "0.0034", "a very long caption that is cut off",
                                            "" };
    float *values = filled(6 * 28 * 28, 0.2f);
    cinch_grid_row row = { "original", values, NULL };
    cinch_grid_section section = { NULL, 6, &row, 1 };
    cinch_grid grid = {
        .height = 28, .width = 28, .channels = 1, .low = 0, .high = 1, .sections = &section, .n_sections = 1
    };
    cinch_picture one_line = write_and_read(&grid);
    grid.columns = 3;
    cinch_picture wrapped = write_and_read(&grid);
    row.captions = captions;
    cinch_picture captioned = write_and_read(&grid);
    cr_expect_gt(one_line.width, wrapped.width);
    cr_expect_geq(wrapped.height, one_line.height + 84);
    cr_expect_eq(blocks(&one_line, grey(51), 84), 6);
    cr_expect_eq(blocks(&wrapped, grey(51), 84), 6);
    cr_expect_eq(blocks(&captioned, grey(51), 84), 6);
    cr_expect_gt(captioned.height, wrapped.height);
    cr_expect_gt(count(&captioned, SOFT), count(&wrapped, SOFT) + 150, "the captions' letters");
    cinch_picture_free(&one_line), cinch_picture_free(&wrapped), cinch_picture_free(&captioned);
    free(values);
}

/* Pixels of the style's own colour in the upper part, where the plots are; the names of the curves are below. */
static int curve_ink(const cinch_picture *p, int style)
{
    return count_in(p, 0, 0, p->width, 118, cinch_stroke_style(style).color);
}

Test(report_grid, vectors_are_curves)
{
    enum { N = 3, LENGTH = 50 };
    float original[N * LENGTH], reconstruction[N * LENGTH];
    for (int i = 0; i < N * LENGTH; i++) {
        original[i] = sinf((float)i * 0.2f);
        reconstruction[i] = 0.8f * cosf((float)i * 0.2f);
    }
    cinch_grid_row rows[] = { { "original", original, NULL }, { "reconstruction", reconstruction, NULL } };
    cinch_grid_section section = { NULL, N, rows, 2 };
    cinch_grid grid = { .width = LENGTH, .channels = 1, .sections = &section, .n_sections = 1 };
    cinch_picture p = write_and_read(&grid);
    cr_expect_gt(curve_ink(&p, 0), 300);
    cr_expect_gt(curve_ink(&p, 1), 200);
    for (int style = 0; style < 2; style++)
        cr_expect_gt(count_in(&p, 0, 120, p.width, p.height - 120, cinch_stroke_style(style).color), 20, "named below");
    cinch_picture_free(&p);
    section.n_rows = 1;
    p = write_and_read(&grid);
    int whole = curve_ink(&p, 0);
    cr_expect_eq(curve_ink(&p, 1), 0);
    cinch_picture_free(&p);
    for (int i = 0; i < N * LENGTH; i++)
        if (i % LENGTH > 10 && i % LENGTH < 36) original[i] = NAN;
    p = write_and_read(&grid);
    cr_expect(curve_ink(&p, 0) > whole / 4 && curve_ink(&p, 0) < whole * 2 / 3, "half of it is a gap");
    cinch_picture_free(&p);
}

Test(report_grid, vectors_of_any_length_and_channels)
{
    static const int sizes[][2] = { { 1, 1 }, { 2, 1 }, { 5000, 1 }, { 50, 7 }, { 1, 3 }, { 40, 3 } };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        int total = sizes[i][0] * sizes[i][1];
        float *values = filled(total, 0);
        for (int j = 0; j < total; j++) values[j] = (float)(j % 11);
        cinch_grid_row row = { "original", values, NULL };
        cinch_grid_section section = { "typical", 1, &row, 1 };
        cinch_grid grid = {
            .title = "vectors", .width = sizes[i][0], .channels = sizes[i][1], .sections = &section, .n_sections = 1
        };
        cinch_picture p = write_and_read(&grid);
        cr_expect_gt(count_in(&p, 0, 60, p.width, 130, cinch_stroke_style(0).color), 3, "%d x %d", sizes[i][0],
                     sizes[i][1]);
        cinch_picture_free(&p);
        free(values);
    }
}

Test(report_grid, empty_sections_are_left_out)
{
    float *values = filled(28 * 28, 0.2f);
    cinch_grid_row row = { "original", values, NULL };
    cinch_grid_section sections[] = { { "worst", 0, &row, 1 }, { "worst", 1, NULL, 0 }, { "typical", 1, &row, 1 } };
    cinch_grid grid = {
        .height = 28, .width = 28, .channels = 1, .low = 0, .high = 1, .sections = sections, .n_sections = 3
    };
    cinch_picture all = write_and_read(&grid);
    grid.sections = sections + 2, grid.n_sections = 1;
    cinch_picture last = write_and_read(&grid);
    cr_expect(all.width == last.width && all.height == last.height);
    cr_expect_eq(memcmp(all.rgb, last.rgb, (size_t)all.width * (size_t)all.height * 3), 0);
    cr_expect_gt(count(&all, WHITE), 0);
    cinch_picture_free(&all), cinch_picture_free(&last);
    free(values);
}

Test(report_grid, errors)
{
    float *values = filled(4000, 0.2f);
    cinch_grid_row row = { "original", values, NULL };
    cinch_grid_section section = { NULL, 1, &row, 1 };
    cinch_grid grid = { .height = 1, .width = 1, .channels = 1, .sections = &section, .n_sections = 1 };
    cr_expect_eq(cinch_grid_write("/nonexistent/a.png", &grid), CINCH_OUTPUT);
    one_line_naming("/nonexistent/a.png");
    section.n = 4000;
    cr_expect_eq(cinch_grid_write(in_folder("a.png"), &grid), CINCH_USAGE, "too wide");
    one_line_naming("a.png: a picture of");
    grid.columns = 1;
    cr_expect_eq(cinch_grid_write(in_folder("a.png"), &grid), CINCH_USAGE, "too high");
    section.n = -1;
    cr_expect_eq(cinch_grid_write(in_folder("a.png"), &grid), CINCH_USAGE);
    one_line_naming("nothing to draw");
    section.n = 1;
    grid.channels = 0;
    cr_expect_eq(cinch_grid_write(in_folder("a.png"), &grid), CINCH_USAGE);
    grid.channels = 1, grid.height = -1;
    cr_expect_eq(cinch_grid_write(in_folder("a.png"), &grid), CINCH_USAGE);
    grid.height = grid.width = 1, grid.n_sections = 0;
    cr_expect_eq(cinch_grid_write(in_folder("a.png"), &grid), CINCH_USAGE);
    cr_expect_eq(files_in_folder(), 0);
    free(values);
}
