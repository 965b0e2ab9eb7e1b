/* SPDX-License-Identifier: Apache-2.0 */
/* A library that a module is linked with, and that is not there when it is loaded. */
#include <cinch/export.h>

CINCH_API int library_call(void);

int library_call(void) { return 0; }
