/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel table: an op of ops.def without kernels does not link. */
#include "cuda/cuda.h"
#include "cuda/table.h"

const cinch_kernel cinch_cuda_kernels[CINCH_OP_COUNT] = {
#define ELEMENTWISE(name, inputs, params, types) \
    [CINCH_OP_##name] = {cinch_cuda_plan_elementwise, cinch_cuda_run_elementwise},
#define OP(name, inputs, outputs, attr, place, saves, types) \
    [CINCH_OP_##name] = {cinch_cuda_plan_##name, cinch_cuda_run_##name},
#include "core/ops.def"
};

const char *const cinch_cuda_op_names[CINCH_OP_COUNT] = {
#define LEAF(name) [CINCH_OP_##name] = #name,
#define VIEW(name) [CINCH_OP_##name] = #name,
#define OP(name, inputs, outputs, attr, place, saves, types) [CINCH_OP_##name] = #name,
#include "core/ops.def"
};
