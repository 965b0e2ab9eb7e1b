/* SPDX-License-Identifier: Apache-2.0 */
/* One small bitmap font of fixed width, drawn for cinch: the printable characters of ASCII. */
#ifndef CINCH_REPORT_FONT_H
#define CINCH_REPORT_FONT_H

#include <stdbool.h>

/* The cell of a character, in font pixels; its last column is the space between letters, row 9 the base line. */
enum { CINCH_FONT_WIDTH = 6, CINCH_FONT_HEIGHT = 13 };

/* Whether font pixel (x, y) of `code` is inked; false outside the cell. Codes outside 32..126 are a hollow box. */
bool cinch_font_ink(int code, int x, int y);

/* The same at `scale` times the size; at scale 2 the stairs of slanted strokes are filled. */
bool cinch_font_ink_scaled(int code, int x, int y, int scale);

/* Takes one character off UTF-8 text: its code when it is ASCII, 127 for any other, 0 at the end. */
int cinch_font_next(const char **text);

/* The width of a line of text in picture pixels. */
int cinch_font_width(const char *text, int scale);

#endif
