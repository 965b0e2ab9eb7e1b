/* SPDX-License-Identifier: Apache-2.0 */
/* Which cinch this is, at compile time (macros) and at run time (function). */
#ifndef CINCH_VERSION_H
#define CINCH_VERSION_H

#include <cinch/export.h>

#define CINCH_VERSION_MAJOR 0
#define CINCH_VERSION_MINOR 1
#define CINCH_VERSION_PATCH 0
#define CINCH_VERSION "0.1.0"

CINCH_BEGIN

/* The version of the library that is running, "major.minor.patch"; a static string. Thread-safe. */
CINCH_API const char *cinch_version(void);

CINCH_END

#endif
