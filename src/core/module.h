/* SPDX-License-Identifier: Apache-2.0 */
/* Finding and opening a backend's module. */
#ifndef CINCH_CORE_MODULE_H
#define CINCH_CORE_MODULE_H

#include "core/backend.h"

/* The module of this backend ("cuda": libcinch_cuda.so), loaded at the first call that finds it and kept. Looked for
   in $CINCH_BACKEND_PATH (folders with colons between them; then nowhere else); else, from the folder of the library or
   of the program that holds it, in cinch/, lib/cinch/ and ../<libdir>/cinch/, then where the build was to be installed.
   CINCH_DEVICE says in one line why there is none. There is one backend of this kind, so one name. Thread-safe. */
cinch_status cinch_module_load(const cinch_module **out, const char *backend);

#endif
