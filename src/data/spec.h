/* SPDX-License-Identifier: Apache-2.0 */
/* [FORMAT+]PATH[:MEMBER] taken apart. */
#ifndef CINCH_DATA_SPEC_H
#define CINCH_DATA_SPEC_H

#include <stdbool.h>

#include "core/status.h"

typedef struct cinch_spec {
    char *format;   /* NULL: to be found out */
    char *path;     /* "-" is standard input */
    char *member;   /* NULL: none */
} cinch_spec;

/* A path that exists is taken whole; else `word+` before it is a FORMAT, and what follows the first ':' whose left side
   exists (or the first of all) is the MEMBER. CINCH_USAGE for an empty path, "-" without FORMAT, an unknown FORMAT. */
cinch_status cinch_spec_parse(cinch_spec *spec, const char *text);
void cinch_spec_free(cinch_spec *spec);

/* Whether this names standard input; false for what is no SPEC. */
bool cinch_spec_is_stdin(const char *text);

/* What is to be said of data that a run was trained on, behind the error that opening it gave: that it is looked for
   from here, where it has a relative path; or that it was piped in. NULL where it is there, or is generated. A static
   text. */
const char *cinch_spec_advice(const char *text);

/* Of reader.c: whether any reader, built or not, has this name; and the error that names the nearest. */
bool cinch_format_known(const char *format);
cinch_status cinch_format_unknown(const char *format);

#endif
