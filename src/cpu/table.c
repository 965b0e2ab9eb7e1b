/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel table of one instruction set: an op of ops.def without kernels does not link. */
#include "cpu/kernel.h"

extern const cinch_kernel CINCH_ISA_NAME(kernels)[CINCH_OP_COUNT];

const cinch_kernel CINCH_ISA_NAME(kernels)[CINCH_OP_COUNT] = {
#define ELEMENTWISE(name, inputs, params, types) [CINCH_OP_##name] = {CINCH_PLAN(elementwise), CINCH_RUN(elementwise)},
#define OP(name, inputs, outputs, attr, place, saves, types) [CINCH_OP_##name] = {CINCH_PLAN(name), CINCH_RUN(name)},
#include "core/ops.def"
};
