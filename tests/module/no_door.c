/* SPDX-License-Identifier: Apache-2.0 */
/* A library that is no module at all. */
#include <cinch/export.h>

CINCH_API int cinch_something_else(void);

int cinch_something_else(void) { return 0; }
