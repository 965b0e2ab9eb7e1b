/* SPDX-License-Identifier: Apache-2.0 */
/* Finding and opening a backend's module. */
#ifndef CINCH_CORE_MODULE_H
#define CINCH_CORE_MODULE_H

#include "core/backend.h"

/* The module of this backend ("cuda": libcinch_cuda.so), loaded at the first call that finds it and kept. Looked for
   in $CINCH_BACKEND_PATH (folders with colons between them; then nowhere else), in cinch/ beside the library or the
   program that holds it, in ../lib/cinch from there, and in the installation's <libdir>/cinch. CINCH_DEVICE says why
   there is none. Thread-safe. */
cinch_status cinch_module_load(const cinch_module **out, const char *backend);

#endif
