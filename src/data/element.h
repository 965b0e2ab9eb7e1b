/* SPDX-License-Identifier: Apache-2.0 */
/* Element types in files, and their conversion to what the library computes with. */
#ifndef CINCH_DATA_ELEMENT_H
#define CINCH_DATA_ELEMENT_H

#include <cinch/data.h>

/* The type of that name (safetensors' spelling), or CINCH_ELEMENT_NONE. */
cinch_element cinch_element_named(const char *name);

/* The greatest value of types that hold pictures or flags (U8, U16, BOOL); 0 for the others. */
double cinch_element_full_scale(cinch_element element);

bool cinch_element_is_integer(cinch_element element);

/* `count` elements from `bytes` (any alignment), big-endian if `swapped`, to out[0], out[stride], ...; wide types are
   rounded. `element` is one that cinch_element_convertible accepts. */
void cinch_element_convert(cinch_element element, bool swapped, const void *bytes, int64_t count, float *out,
                           int64_t stride);
bool cinch_element_convertible(cinch_element element);

/* One element of a convertible type as a double; i64 and u64 beyond 2^53 are rounded. */
double cinch_element_double(cinch_element element, bool swapped, const void *bytes);

#endif
