/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CINCH_CUDA_TABLE_H
#define CINCH_CUDA_TABLE_H

#include "core/backend.h"

extern const cinch_kernel cinch_cuda_kernels[CINCH_OP_COUNT];
extern const char *const cinch_cuda_op_names[CINCH_OP_COUNT];

#endif
