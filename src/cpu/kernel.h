/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the files that are compiled once for each instruction set. Everything they share carries the set's name:
 * run_add is cinch_cpu_run_add_avx2. Each op has a run and a plan function; table.c makes the kernel table of them.
 */
#ifndef CINCH_CPU_KERNEL_H
#define CINCH_CPU_KERNEL_H

#include "core/formula.h"
#include "core/status.h"
#include "cpu/cpu.h"

#include <string.h>

#define CINCH_ISA_PASTE2(name, isa) cinch_cpu_##name##_##isa
#define CINCH_ISA_PASTE(name, isa) CINCH_ISA_PASTE2(name, isa)
#define CINCH_ISA_NAME(name) CINCH_ISA_PASTE(name, CINCH_ISA)
#define CINCH_RUN(op) CINCH_ISA_NAME(run_##op)
#define CINCH_PLAN(op) CINCH_ISA_NAME(plan_##op)

/* i32 in memory that is handed about as f32. */
typedef int32_t __attribute__((may_alias)) cinch_word;

/* Elementwise loops may write over an operand at the same index: no iteration reads what another wrote. */
#if defined(__clang__)
#define CINCH_IVDEP _Pragma("clang loop vectorize(assume_safety)")
#else
#define CINCH_IVDEP _Pragma("GCC ivdep")
#endif

#define ELEMENTWISE(name, inputs, params, types)
#define OP(name, inputs, outputs, attr, place, saves, types)        \
    cinch_status CINCH_RUN(name)(cinch_backend *, const cinch_call *); \
    cinch_status CINCH_PLAN(name)(cinch_backend *, const cinch_call *, size_t *scratch, size_t *saved);
#include "core/ops.def"
cinch_status CINCH_RUN(elementwise)(cinch_backend *, const cinch_call *);
cinch_status CINCH_PLAN(elementwise)(cinch_backend *, const cinch_call *, size_t *scratch, size_t *saved);

/* Defines an op's two functions from `run` and `plan`, both static. */
#define CINCH_CPU_KERNEL(op, run, plan)                                                                            \
    cinch_status CINCH_RUN(op)(cinch_backend * b, const cinch_call *c) { return run(b, c); }                       \
    cinch_status CINCH_PLAN(op)(cinch_backend * b, const cinch_call *c, size_t *scratch, size_t *saved)            \
    {                                                                                                              \
        *scratch = *saved = 0;                                                                                     \
        return plan(b, c, scratch, saved);                                                                         \
    }
#define CINCH_CPU_KERNEL_UNPLANNED(op, run)                                                                        \
    cinch_status CINCH_RUN(op)(cinch_backend * b, const cinch_call *c) { return run(b, c); }                       \
    cinch_status CINCH_PLAN(op)(cinch_backend * b, const cinch_call *c, size_t *scratch, size_t *saved)            \
    {                                                                                                              \
        (void)b, (void)c;                                                                                          \
        *scratch = *saved = 0;                                                                                     \
        return CINCH_OK;                                                                                           \
    }

/* An elementwise op over n contiguous numbers; in[k] may be `out`. One for each op, NULL for all others; those of
   i32 take the same pointers as int32_t. */
typedef void (*cinch_tile)(float *out, const float *const in[3], const float param[2], int64_t n);
#define cinch_tiles CINCH_ISA_NAME(tiles)
#define cinch_integer_tiles CINCH_ISA_NAME(integer_tiles)
extern const cinch_tile cinch_tiles[CINCH_OP_COUNT], cinch_integer_tiles[CINCH_OP_COUNT];

/* n elements of a tensor's memory from element `at` on, as f32 and back. */
#define cinch_load CINCH_ISA_NAME(load)
#define cinch_store CINCH_ISA_NAME(store)
void cinch_load(float *to, const void *from, cinch_dtype dtype, int64_t at, int64_t n);
void cinch_store(void *to, cinch_dtype dtype, int64_t at, const float *from, int64_t n);

#endif
