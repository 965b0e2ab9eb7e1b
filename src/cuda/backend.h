/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CINCH_CUDA_BACKEND_H
#define CINCH_CUDA_BACKEND_H

#include "cuda/cuda.h"

CINCH_BEGIN

/* Opens GPU number `device`. CINCH_DEVICE with the reason. */
cinch_status cinch_cuda_open(cinch_backend **out, int device);

/* Whether the module has code that the current device can run: cudaSuccess, or the runtime's reason. */
cudaError_t cinch_cuda_find_code(void);

CINCH_END

#endif
