/* SPDX-License-Identifier: Apache-2.0 */
/* Anti-aliased lines with dashes, and the six styles by which curves are told apart with and without colour. */
#ifndef CINCH_REPORT_STROKE_H
#define CINCH_REPORT_STROKE_H

#include "report/picture.h"

enum { CINCH_STROKES = 6, CINCH_STROKE_DASHES = 6 };

typedef struct {
    cinch_color color;
    double width;                       /* pixels; ends are round */
    double dashes[CINCH_STROKE_DASHES]; /* pixels on, off, on, off, ...; on may be 0: a dot */
    int n_dashes;                       /* even; 0: solid */
} cinch_stroke;

/* Style i modulo CINCH_STROKES: the colours of Okabe and Ito (2008), each with its own dashes. */
cinch_stroke cinch_stroke_style(int i);

/* Lines through n points, pixel (i, j) covering [i, i+1) x [j, j+1). A point that is not finite is a gap; a point
   between two gaps is a disc. CINCH_DEVICE when memory ran out. */
cinch_status cinch_picture_polyline(cinch_picture *picture, const double *x, const double *y, int n,
                                    const cinch_stroke *stroke);

#endif
