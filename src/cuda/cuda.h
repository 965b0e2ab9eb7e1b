/* SPDX-License-Identifier: Apache-2.0 */
/* What the CUDA backend is made of: shared by the host code in C and the launchers in .cu files. */
#ifndef CINCH_CUDA_CUDA_H
#define CINCH_CUDA_CUDA_H

#include "core/backend.h"
#include "core/status.h"

#include <cuda_runtime_api.h>

CINCH_BEGIN

typedef struct cinch_cuda_lt cinch_cuda_lt;           /* cuBLASLt: lt.h */
typedef struct cinch_cuda_staging cinch_cuda_staging; /* staging.h */

typedef struct cinch_cuda {
    cinch_backend base;
    int device;
    int multiprocessors;
    cudaStream_t stream;            /* all work, in order */
    cinch_cuda_staging *staging;
    cudaStream_t copies;            /* write_ahead, from its first call on */
    cinch_cuda_staging *ahead;
    cudaEvent_t given[2], copied;   /* work given before the last turn of either slot ended; the last copy ahead */
    int turn;                       /* the slot that was written last */
    cinch_cuda_lt *lt;
    char name[256];                 /* the device's */
    int capability, driver, runtime; /* 90 for 9.0; 13000 for 13.0 */
} cinch_cuda;

static inline cinch_cuda *cinch_cuda_of(cinch_backend *b) { return (cinch_cuda *)b; }
static inline cudaStream_t cinch_cuda_stream(cinch_backend *b) { return ((cinch_cuda *)b)->stream; }

/* CINCH_OK, or CINCH_DEVICE with "cuda: WHAT: the runtime's words". `format` says what was tried, in users' terms. */
cinch_status cinch_cuda_check(cudaError_t error, const char *format, ...) CINCH_PRINTF(2, 3);

/* After the launches of a call: CINCH_OK, or CINCH_DEVICE with the op and its shapes. */
cinch_status cinch_cuda_launched(const cinch_call *c);

/* "matmul [33, 65] [65, 17] -> [33, 17] f32" into text[size]. */
void cinch_cuda_describe_call(const cinch_call *c, char *text, size_t size);

/* Every op's run and plan function; table.c makes the kernel table of them. All elementwise ops share one pair. */
#define ELEMENTWISE(name, inputs, params, types)
#define OP(name, inputs, outputs, attr, place, saves, types)              \
    cinch_status cinch_cuda_run_##name(cinch_backend *, const cinch_call *); \
    cinch_status cinch_cuda_plan_##name(cinch_backend *, const cinch_call *, size_t *scratch, size_t *saved);
#include "core/ops.def"
cinch_status cinch_cuda_run_elementwise(cinch_backend *, const cinch_call *);
cinch_status cinch_cuda_plan_elementwise(cinch_backend *, const cinch_call *, size_t *scratch, size_t *saved);

/* Defines an op's two functions from `run` and `plan`, both static. */
#define CINCH_CUDA_KERNEL(op, run, plan)                                                                           \
    cinch_status cinch_cuda_run_##op(cinch_backend *b, const cinch_call *c) { return run(b, c); }                  \
    cinch_status cinch_cuda_plan_##op(cinch_backend *b, const cinch_call *c, size_t *scratch, size_t *saved)       \
    {                                                                                                              \
        *scratch = *saved = 0;                                                                                     \
        return plan(b, c, scratch, saved);                                                                         \
    }
#define CINCH_CUDA_KERNEL_UNPLANNED(op, run)                                                                       \
    cinch_status cinch_cuda_run_##op(cinch_backend *b, const cinch_call *c) { return run(b, c); }                  \
    cinch_status cinch_cuda_plan_##op(cinch_backend *b, const cinch_call *c, size_t *scratch, size_t *saved)       \
    {                                                                                                              \
        (void)b, (void)c;                                                                                          \
        *scratch = *saved = 0;                                                                                     \
        return CINCH_OK;                                                                                           \
    }

/* a tensor's sizes from axis `first` up to, not with, `end` */
static inline int64_t cinch_cuda_span(const cinch_tensor *t, int first, int end)
{
    int64_t n = 1;
    for (int i = first; i < end; i++) n *= t->dim[i];
    return n;
}

static inline int64_t cinch_cuda_min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t cinch_cuda_max(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t cinch_cuda_parts(int64_t n, int64_t part) { return (n + part - 1) / part; }

CINCH_END

#endif
