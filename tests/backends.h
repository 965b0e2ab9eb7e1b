/* SPDX-License-Identifier: Apache-2.0 */
/* The backends a leg runs on. */
#ifndef CINCH_TESTS_BACKENDS_H
#define CINCH_TESTS_BACKENDS_H

#include "core/backend.h"

enum { BACKENDS_ISAS = 3 };
extern const char *const backends_isas[BACKENDS_ISAS]; /* generic first */

/* The CPU with a kernel set and threads; NULL where this CPU lacks the set. Any other failure fails the test. */
cinch_backend *backends_cpu(const char *isa, int threads);
/* A GPU, or NULL where there is none; under CINCH_REQUIRE_CUDA=1 that is a failure, not a skip. */
cinch_backend *backends_cuda(void);
bool backends_require_cuda(void);
/* The device of tests that run on any: $CINCH_TEST_DEVICE, or cpu. */
const char *backends_device(void);
void backends_close(cinch_backend *b);

#endif
