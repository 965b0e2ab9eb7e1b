/* SPDX-License-Identifier: Apache-2.0 */
#include "report/grid.h"

#include "report/font.h"
#include "report/tile.h"

#include <stdio.h>

enum { MARGIN = 18, GAP = 8, TITLE = 40, HEADING = 24, CAPTION = 20, BAND_GAP = 8, SECTION_GAP = 12 };
enum { BAR = 120, SAMPLE = 34, WIDEST_CAPTION = 140, WIDEST_ROW_TITLE = 180, WIDEST_TITLE = 900 };
enum { NARROWEST = 320, NARROWEST_APART = 560 };

static const cinch_color WHITE = { 255, 255, 255 }, INK = { 0x22, 0x22, 0x22 }, SOFT = { 0x60, 0x60, 0x60 };
static const cinch_color RULE = { 0xD0, 0xD0, 0xD0 };

/* Everything about the sheet but its height, which comes from walking over it. */
typedef struct {
    const cinch_grid *grid;
    bool vectors;
    cinch_tile tile, first;      /* first: of the first row of each section, where it has a scale of its own */
    int label_width; /* of the row titles, with the space after them */
    int cell_width;  /* a tile or its caption, with the space after them */
    int width;       /* of the picture */
    cinch_picture picture;
} sheet;

static int text_width(const char *text) { return text ? cinch_font_width(text, 1) : 0; }

static int larger(int a, int b) { return a > b ? a : b; }

static int smaller(int a, int b) { return a < b ? a : b; }

static bool is_empty(const cinch_grid_section *section) { return section->n < 1 || section->n_rows < 1; }

static void put(sheet *s, int x, int y, const char *text, cinch_color color, int room)
{
    cinch_picture_text(&s->picture, x, y, text, (cinch_text){ .color = color, .room = room });
}

static const char *caption_of(const cinch_grid_row *row, int item)
{
    return row->captions ? row->captions[item] : NULL;
}

static int items_per_line(const sheet *s, const cinch_grid_section *section)
{
    return s->grid->columns > 0 ? smaller(s->grid->columns, section->n) : section->n;
}

/* Widens labels and cells to hold the texts of one row. */
static void measure_row(sheet *s, const cinch_grid_row *row, int n)
{
    if (!s->vectors) s->label_width = larger(s->label_width, smaller(text_width(row->title), WIDEST_ROW_TITLE));
    for (int i = 0; i < n; i++)
        s->cell_width = larger(s->cell_width, smaller(text_width(caption_of(row, i)), WIDEST_CAPTION));
}

static void measure_widths(sheet *s)
{
    int columns = 0, title = smaller(s->grid->title ? cinch_font_width(s->grid->title, 2) : 0, WIDEST_TITLE);
    s->cell_width = s->tile.width;
    for (int i = 0; i < s->grid->n_sections; i++) {
        const cinch_grid_section *section = &s->grid->sections[i];
        if (is_empty(section)) continue;
        columns = larger(columns, items_per_line(s, section));
        for (int r = 0; r < section->n_rows; r++) measure_row(s, &section->rows[r], section->n);
    }
    s->label_width += s->label_width ? 12 : 0;
    s->cell_width += GAP;
    int64_t content = (int64_t)columns * s->cell_width - GAP + s->label_width;
    if (content > CINCH_PICTURE_MAX_SIDE) content = CINCH_PICTURE_MAX_SIDE;
    int least = s->grid->first_apart ? NARROWEST_APART : NARROWEST;
    s->width = 2 * MARGIN + larger(larger((int)content, title), least);
}

/* That of row r of a section. */
static cinch_tile *tile_of(sheet *s, int r) { return r == 0 && s->grid->first_apart ? &s->first : &s->tile; }

static void close_range(cinch_tile *tile, double low, double high)
{
    if (low < high) tile->low = low, tile->high = high;
    cinch_tile_close_range(tile);
}

static void measure_ranges(sheet *s)
{
    const cinch_grid *grid = s->grid;
    for (int i = 0; i < grid->n_sections; i++) {
        const cinch_grid_section *section = &grid->sections[i];
        for (int r = 0; r < section->n_rows && section->n > 0; r++)
            cinch_tile_range(tile_of(s, r), section->rows[r].values, section->n);
    }
    close_range(&s->tile, grid->low, grid->high);
    close_range(&s->first, grid->first_low, grid->first_high);
}

/* Where the tile of a column begins; tiles are centred above their captions. */
static int tile_left(const sheet *s, int column)
{
    return MARGIN + s->label_width + column * s->cell_width + (s->cell_width - GAP - s->tile.width) / 2;
}

static void draw_caption(sheet *s, int column, int y, const char *caption)
{
    int room = s->cell_width - GAP, width = smaller(text_width(caption), room);
    int left = MARGIN + s->label_width + column * s->cell_width + (room - width) / 2;
    if (caption) put(s, left, y + 2, caption, SOFT, room);
}

/* Items first..last-1 of one row of images, below *y. */
static void draw_image_row(sheet *s, const cinch_grid_row *row, const cinch_tile *tile, int first, int last, int *y)
{
    int room = s->label_width - 12, label = smaller(text_width(row->title), room);
    if (row->title) put(s, MARGIN + room - label, *y + (s->tile.height - CINCH_FONT_HEIGHT) / 2, row->title, INK, room);
    for (int i = first; i < last; i++) {
        int x = tile_left(s, i - first);
        cinch_picture_frame(&s->picture, x - 1, *y - 1, s->tile.width + 2, s->tile.height + 2, RULE);
        if (s->picture.rgb) cinch_tile_image(&s->picture, tile, x, *y, cinch_tile_item(tile, row->values, i));
        draw_caption(s, i - first, *y + s->tile.height, caption_of(row, i));
    }
    *y += s->tile.height + (row->captions ? CAPTION : 4);
}

static void draw_images(sheet *s, const cinch_grid_section *section, int first, int last, int *y)
{
    for (int r = 0; r < section->n_rows; r++) draw_image_row(s, &section->rows[r], tile_of(s, r), first, last, y);
}

/* All rows of one item as curves in one frame. */
static cinch_status draw_plot(sheet *s, const cinch_grid_section *section, int item, int column, int y)
{
    int x = tile_left(s, column);
    cinch_picture_frame(&s->picture, x, y, s->tile.width, s->tile.height, RULE);
    for (int r = 0; r < section->n_rows; r++) {
        cinch_stroke stroke = cinch_stroke_style(r);
        stroke.width *= 0.75;
        const float *values = cinch_tile_item(&s->tile, section->rows[r].values, item);
        if (s->picture.rgb) TRY(cinch_tile_curve(&s->picture, &s->tile, x, y, values, &stroke));
    }
    return CINCH_OK;
}

/* The first caption that any row has for the item. */
static const char *any_caption(const cinch_grid_section *section, int item)
{
    const char *caption = NULL;
    for (int r = 0; r < section->n_rows && !caption; r++) caption = caption_of(&section->rows[r], item);
    return caption;
}

static cinch_status draw_plots(sheet *s, const cinch_grid_section *section, int first, int last, int *y)
{
    for (int i = first; i < last; i++) {
        TRY(draw_plot(s, section, i, i - first, *y));
        draw_caption(s, i - first, *y + s->tile.height, any_caption(section, i));
    }
    *y += s->tile.height + CAPTION;
    return CINCH_OK;
}

static void draw_heading(sheet *s, const char *title, int *y)
{
    int width = s->width - 2 * MARGIN;
    if (!title) return;
    put(s, MARGIN, *y, title, INK, width);
    cinch_picture_fill(&s->picture, MARGIN, *y + 15, width, 1, RULE);
    *y += HEADING;
}

static cinch_status draw_section(sheet *s, const cinch_grid_section *section, int *y)
{
    if (is_empty(section)) return CINCH_OK;
    draw_heading(s, section->title, y);
    int step = items_per_line(s, section);
    for (int first = 0; first < section->n && *y <= CINCH_PICTURE_MAX_SIDE; first += step) {
        int last = first + smaller(section->n - first, step);
        if (s->vectors)
            TRY(draw_plots(s, section, first, last, y));
        else
            draw_images(s, section, first, last, y);
        *y += BAND_GAP;
    }
    *y += SECTION_GAP;
    return CINCH_OK;
}

/* A grey scale from x on; gives x after it. */
static int draw_scale(sheet *s, const cinch_tile *tile, int x, int y)
{
    char low[32], high[32];
    snprintf(low, sizeof low, "%.4g", tile->low);
    snprintf(high, sizeof high, "%.4g", tile->high);
    put(s, x, y, low, SOFT, 0);
    x += text_width(low) + 6;
    for (int i = 0; i < BAR; i++) {
        uint8_t grey = (uint8_t)(i * 255 / (BAR - 1));
        cinch_picture_fill(&s->picture, x + i, y, 1, 12, (cinch_color){ grey, grey, grey });
    }
    cinch_picture_frame(&s->picture, x - 1, y - 1, BAR + 2, 14, RULE);
    put(s, x + BAR + 6, y, high, SOFT, 0);
    return x + BAR + 6 + text_width(high) + 24;
}

/* Which curve is which: the row titles of the first section that has items. */
static cinch_status draw_curve_names(sheet *s, int *y)
{
    const cinch_grid_section *section = s->grid->sections;
    while (is_empty(section)) section++;
    int x = MARGIN;
    for (int r = 0; r < section->n_rows; r++) {
        const char *title = section->rows[r].title;
        if (!title) continue;
        cinch_stroke stroke = cinch_stroke_style(r);
        double line_x[] = { x + 1, x + SAMPLE - 1 }, line_y[] = { *y + 6.5, *y + 6.5 };
        TRY(cinch_picture_polyline(&s->picture, line_x, line_y, 2, &stroke));
        put(s, x + SAMPLE + 8, *y, title, INK, 0);
        x += SAMPLE + 8 + text_width(title) + 24;
    }
    if (x > MARGIN) *y += 20;
    return CINCH_OK;
}

/* The first row of each section, where it has a scale of its own, and that of all others; gives x after them. */
static int draw_scales(sheet *s, int y)
{
    if (!s->grid->first_apart) return draw_scale(s, &s->tile, MARGIN, y);
    put(s, MARGIN, y, "first row", SOFT, 0);
    int x = draw_scale(s, &s->first, MARGIN + text_width("first row") + 10, y);
    put(s, x, y, "others", SOFT, 0);
    return draw_scale(s, &s->tile, x + text_width("others") + 10, y);
}

/* What else a reader has to know about the values. */
static void draw_notes(sheet *s, int x, int y)
{
    char note[64];
    const cinch_grid *grid = s->grid;
    if (s->vectors || grid->channels == 3) {
        const char *which = grid->first_apart ? "values after the first row" : "values";
        snprintf(note, sizeof note, "%s %.4g to %.4g", which, s->tile.low, s->tile.high);
        put(s, x, y, note, SOFT, 0);
        x += text_width(note) + 24;
    }
    if (grid->channels > 1 && (s->vectors || grid->channels != 3)) {
        snprintf(note, sizeof note, "first of %d channels", grid->channels);
        put(s, x, y, note, SOFT, 0);
        x += text_width(note) + 24;
    }
    const char *gaps = s->vectors ? "gaps: not finite" : "magenta: not finite";
    if (s->tile.not_finite || s->first.not_finite) put(s, x, y, gaps, SOFT, 0);
}

/* Walks over the sheet from top to bottom; *height is known at the end. Without a picture this only measures. */
static cinch_status walk(sheet *s, int *height)
{
    int y = MARGIN;
    if (s->grid->title) {
        cinch_text style = { .color = INK, .scale = 2, .room = s->width - 2 * MARGIN };
        cinch_picture_text(&s->picture, MARGIN, y - 4, s->grid->title, style);
        y += TITLE;
    }
    for (int i = 0; i < s->grid->n_sections; i++) TRY(draw_section(s, &s->grid->sections[i], &y));
    if (s->vectors) TRY(draw_curve_names(s, &y));
    bool grey = !s->vectors && s->grid->channels != 3;
    draw_notes(s, grey ? draw_scales(s, y) : MARGIN, y);
    *height = y + CINCH_FONT_HEIGHT + MARGIN;
    return CINCH_OK;
}

static cinch_status check(const cinch_grid *grid)
{
    int items = 0;
    for (int i = 0; i < grid->n_sections; i++) items |= !is_empty(&grid->sections[i]);
    if (!items) return cinch_fail(CINCH_USAGE, "there is nothing to draw: no item in any section");
    if (grid->height < 0 || grid->width < 1 || grid->channels < 1)
        return cinch_fail(CINCH_USAGE, "items of %d x %d with %d channels cannot be drawn", grid->height, grid->width,
                          grid->channels);
    return CINCH_OK;
}

static cinch_status draw(sheet *s)
{
    int height;
    TRY(check(s->grid));
    s->vectors = s->grid->height == 0;
    s->tile = cinch_tile_fit(s->grid->height, s->grid->width, s->grid->channels);
    s->first = s->tile;
    measure_ranges(s);
    measure_widths(s);
    TRY(walk(s, &height));
    TRY(cinch_picture_create(&s->picture, s->width, height, WHITE));
    return walk(s, &height);
}

cinch_status cinch_grid_write(const char *path, const cinch_grid *grid)
{
    sheet s = { .grid = grid };
    cinch_status status = draw(&s);
    if (status)
        cinch_fail_in(status, path);
    else
        status = cinch_picture_write(&s.picture, path);
    cinch_picture_free(&s.picture);
    return status;
}
