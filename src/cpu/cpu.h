/* SPDX-License-Identifier: Apache-2.0 */
/* What the CPU backend is made of, and cutting work into pieces. */
#ifndef CINCH_CPU_CPU_H
#define CINCH_CPU_CPU_H

#include "core/backend.h"
#include "cpu/pool.h"

/* A kernel set: all kernels compiled for one instruction set. */
typedef struct cinch_isa {
    const char *name;
    const cinch_kernel *kernels;
} cinch_isa;

typedef struct cinch_cpu {
    cinch_backend base;
    cinch_pool *pool;
    const cinch_isa *isa;
    char *workspace;        /* of all workers */
    size_t workspace_bytes; /* of each */
} cinch_cpu;

static inline cinch_pool *cinch_cpu_pool(cinch_backend *b) { return ((cinch_cpu *)b)->pool; }

/* The set of that name; NULL: $CINCH_CPU_ISA, else the best this CPU has. CINCH_USAGE names the choices. */
cinch_status cinch_isa_choose(const cinch_isa **out, const char *name);
/* The name of the best set this CPU has, whatever was asked for. */
const char *cinch_isa_best(void);

/* Memory of each worker's own, for parts of operands in another type or order, as BLAS has its own: asked for while
   planning, as large as the largest that was asked for. CINCH_DEVICE. */
cinch_status cinch_cpu_reserve(cinch_backend *b, size_t bytes);
static inline void *cinch_cpu_workspace(cinch_backend *b, int worker)
{
    return ((cinch_cpu *)b)->workspace + (size_t)worker * ((cinch_cpu *)b)->workspace_bytes;
}

/* Elements of a task of a kernel that streams through memory. Fixed, so that results do not depend on threads. */
enum { CINCH_CPU_PIECE = 16384 };

typedef void (*cinch_cpu_range)(void *arg, int64_t begin, int64_t end, int worker);

/* f over 0 .. n-1 in pieces of `piece`. */
void cinch_cpu_pieces(cinch_backend *b, int64_t n, int64_t piece, cinch_cpu_range f, void *arg);

/* a tensor's sizes from axis `first` up to, not with, `end` */
static inline int64_t cinch_cpu_span(const cinch_tensor *t, int first, int end)
{
    int64_t n = 1;
    for (int i = first; i < end; i++) n *= t->dim[i];
    return n;
}

static inline int64_t cinch_cpu_min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t cinch_cpu_max(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t cinch_cpu_parts(int64_t n, int64_t part) { return (n + part - 1) / part; }

#endif
