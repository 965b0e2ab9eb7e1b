/* SPDX-License-Identifier: Apache-2.0 */
/* The head of an .npy file or of an array in an .npz file. */
#ifndef CINCH_DATA_NPY_HEADER_H
#define CINCH_DATA_NPY_HEADER_H

#include <cinch/data.h>

enum { CINCH_NPY_HEADER_MAX = 384 };

/* Bytes of the array's numbers. CINCH_USAGE, naming `path`, where NumPy has no such element or the shape overflows. */
cinch_status cinch_npy_check(const char *path, cinch_element element, cinch_shape shape, int64_t *bytes);

/* Writes the head of version 1.0 into `text`; returns its length. */
size_t cinch_npy_header(char text[CINCH_NPY_HEADER_MAX], cinch_element element, cinch_shape shape);

#endif
