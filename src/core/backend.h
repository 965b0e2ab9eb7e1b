/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seam between core and a backend. Core owns all meaning (shapes, derivatives, memory, precision, randomness,
 * order); a backend only runs "this op on these pointers". A backend is total: its kernel table is expanded from
 * ops.def, so a missing kernel does not link.
 */
#ifndef CINCH_CORE_BACKEND_H
#define CINCH_CORE_BACKEND_H

#include <cinch/status.h>
#include <cinch/types.h>

/* Every op by number: CINCH_OP_add, ... */
typedef enum cinch_op {
#define LEAF(name) CINCH_OP_##name,
#define VIEW(name) CINCH_OP_##name,
#define OP(name, inputs, outputs, attr, place, saves, types) CINCH_OP_##name,
#include "core/ops.def"
    CINCH_OP_COUNT
} cinch_op;

/* --- attributes --------------------------------------------------------------------------------------------------- */

enum { CINCH_CHAIN_STEPS = 8, CINCH_CHAIN_INPUTS = 8 };

/* An operand of a chain's step: input k is k, the result of step k is CINCH_CHAIN_INPUTS + k. */
typedef struct cinch_chain_step {
    uint16_t op;        /* an ELEMENTWISE op */
    int8_t operand[3];  /* see above; -1 where the op has fewer, and IMMEDIATE takes `immediate` */
    float param[2];
    float immediate;    /* the value of the one operand that is CINCH_CHAIN_IMMEDIATE */
} cinch_chain_step;

enum { CINCH_CHAIN_IMMEDIATE = 127 };

typedef struct cinch_attr {
    union {
        struct { float v[2]; } scalars;       /* elementwise: params; cast: scale, offset; fill: value */
        struct { int8_t transpose_a, transpose_b; uint16_t activation; float param[2]; int8_t tf32, invariant; } matmul;
                                              /* activation: an ELEMENTWISE op with one input (two in matmul_grad),
                                                 or 0; tf32: f32 operands may be rounded to ten bits before they are
                                                 multiplied; invariant: on the CPU a row of f32 results must not
                                                 depend on how many rows there are, where b is one matrix, transposed */
        struct { int8_t first, last;          /* reductions: axes first..last; others: axis `first` */
                 int8_t reverse, exclusive;   /* cumsum */
                 int32_t depth; } axis;       /* one_hot */
        struct { int8_t order[CINCH_RANK_MAX]; } transpose;  /* out axis i is in axis order[i] */
        struct { int64_t start[CINCH_RANK_MAX], step[CINCH_RANK_MAX]; } slice;
        struct { int64_t before[CINCH_RANK_MAX]; float value; } pad;
        struct { uint32_t stream; float a, b; int64_t low, high; } random;
                                              /* uniform [a,b); normal mean a, deviation b; bernoulli p = a;
                                                 integers [low, high); dropout p = a */
        struct { int8_t nesterov, decoupled, centred, has_momentum; } update;
        struct { int8_t n_steps, reduce;      /* reduce: 1 sums all elements, of the inputs' broadcast
                                                  shape, to one f32 */
                 cinch_chain_step step[CINCH_CHAIN_STEPS]; } chain;
        struct { int64_t offset; } window;    /* elements from the start of the operand */
        struct { int32_t index; } leaf;       /* which leaf of its kind; result, written: which output;
                                                 pack: 1 where it goes to the gradient slab */
    };
} cinch_attr;

/* Hyper-parameters of the updates: f32 [groups, CINCH_HYPER_COUNT], in the controls block, computed by the host. */
enum {
    CINCH_HYPER_LR,
    CINCH_HYPER_DECAY,
    CINCH_HYPER_MOMENTUM,     /* sgd, rmsprop: momentum; adam: beta1 */
    CINCH_HYPER_BETA2,        /* adam: beta2; rmsprop: alpha */
    CINCH_HYPER_EPS,
    CINCH_HYPER_CORRECTION1,  /* adam: 1 / (1 - beta1^t); adagrad: 1 / (1 + (t-1) lr_decay); sgd: dampening factor */
    CINCH_HYPER_CORRECTION2,  /* adam: 1 / sqrt(1 - beta2^t) */
    CINCH_HYPER_REST2,        /* 1 - beta2, or 1 - alpha: taken from the f32 0.999 it would be off by 1e-5 */
    CINCH_HYPER_COUNT = 8
};

/* A row of the segment table, i32 [n, CINCH_SEGMENT_COUNT]: offset and length in elements, group, flags. */
enum { CINCH_SEGMENT_OFFSET, CINCH_SEGMENT_LENGTH, CINCH_SEGMENT_GROUP, CINCH_SEGMENT_FLAGS, CINCH_SEGMENT_COUNT };
enum { CINCH_SEGMENT_DECAY = 1 };

/* --- one call ----------------------------------------------------------------------------------------------------- */

/* Contiguous, row-major. */
typedef struct cinch_tensor {
    void *data;
    int64_t dim[CINCH_RANK_MAX];
    int32_t rank;
    cinch_dtype dtype;
} cinch_tensor;

static inline int64_t cinch_tensor_count(const cinch_tensor *t)
{
    int64_t count = 1;
    for (int i = 0; i < t->rank; i++) count *= t->dim[i];
    return count;
}

/* While planning, every `data`, `scratch` and `saved` is NULL. `out` may equal an input where ops.def allows. */
typedef struct cinch_call {
    cinch_op op;
    const cinch_attr *attr;
    int32_t n_in, n_out;
    cinch_tensor *in, *out;
    void *scratch;          /* as many bytes as plan() asked for, 64-byte aligned, contents undefined */
    void *saved;            /* a forward op's opaque output, or its gradient's input; NULL when nobody reads it */
    const float *commit;    /* effects do nothing when this is not NULL and *commit is 0 (device memory) */
} cinch_call;

typedef struct cinch_backend cinch_backend;

typedef struct cinch_kernel {
    cinch_status (*plan)(cinch_backend *, const cinch_call *, size_t *scratch, size_t *saved); /* may be NULL */
    cinch_status (*run)(cinch_backend *, const cinch_call *);
} cinch_kernel;

/* --- a backend ---------------------------------------------------------------------------------------------------- */

typedef struct cinch_backend_vtable {
    const char *name;
    /* Before a thread gives work: makes the device the thread's own. NULL where threads have none. */
    cinch_status (*enter)(cinch_backend *);
    void (*close)(cinch_backend *);
    cinch_status (*alloc)(cinch_backend *, size_t bytes, void **memory);   /* 64-byte aligned, contents undefined */
    void (*release)(cinch_backend *, void *memory);
    cinch_status (*write)(cinch_backend *, void *device, const void *host, size_t bytes); /* host is free at once */
    cinch_status (*read)(cinch_backend *, void *host, const void *device, size_t bytes);  /* waits */
    /* Like write, but beside the work under way, for memory in two slots, 0 and 1, that take turns: a write makes it
       its slot's turn. It comes after all work given before that slot's last turn ended, and before all work given
       after it. NULL where it would be `write`. */
    cinch_status (*write_ahead)(cinch_backend *, int slot, void *device, const void *host, size_t bytes);
    /* Reads that the host does not wait for until it needs them. A fetch is one such read, of at most `bytes`, again
       and again: `start` returns at once and reads what is there after all work given before; `finish` waits for that
       alone and gives host memory that is the fetch's, good until the next start. NULL where `read` never waits. */
    cinch_status (*fetch_open)(cinch_backend *, size_t bytes, void **fetch);
    void (*fetch_close)(cinch_backend *, void *fetch);
    cinch_status (*fetch_start)(cinch_backend *, void *fetch, const void *device, size_t bytes);
    cinch_status (*fetch_finish)(cinch_backend *, void *fetch, const void **host);
    cinch_status (*fill)(cinch_backend *, void *device, int byte, size_t bytes);
    cinch_status (*sync)(cinch_backend *);
    /* Capture: NULL where a backend has none. `replay` runs what was recorded between begin and end; end without a
       graph drops it. */
    cinch_status (*capture_begin)(cinch_backend *);
    cinch_status (*capture_end)(cinch_backend *, void **graph);
    cinch_status (*replay)(cinch_backend *, void *graph);
    void (*capture_free)(cinch_backend *, void *graph);
    /* Sums `count` f32 over all ranks in place; a world of one does nothing. */
    cinch_status (*all_reduce)(cinch_backend *, float *data, int64_t count);
    /* One line for people: the processor and kernel set, the libraries. */
    void (*describe)(cinch_backend *, char *text, size_t size);
    /* Why the device is slower than it could be, one static line, or NULL. */
    const char *(*notice)(cinch_backend *);
    /* Bytes that are free on the device, and that it has. NULL where memory is the process's own. */
    cinch_status (*room)(cinch_backend *, size_t *available, size_t *total);
    /* What was chosen while planning (which of a library's algorithms for which product), as texts: `visit` is called
       for each; `choose` takes them back before plans are made. NULL where nothing is chosen. */
    void (*choices)(cinch_backend *, void (*visit)(void *user, const char *key, const char *choice), void *user);
    cinch_status (*choose)(cinch_backend *, const char *key, const char *choice);
} cinch_backend_vtable;

/* What every backend begins with. */
struct cinch_backend {
    const cinch_backend_vtable *vtable;
    const cinch_kernel *kernels;   /* [CINCH_OP_COUNT]; leaves and views have none */
    size_t held;                   /* bytes of the device that it took for itself when it was opened */
};

typedef struct cinch_cpu_options {
    int threads;            /* 0: the lesser of CPU affinity and cgroup quota */
    bool keep_blas_threads; /* true: the embedding program owns OpenBLAS's thread count */
    const char *isa;        /* NULL: $CINCH_CPU_ISA, else the best this CPU has; generic, avx2, avx512 */
} cinch_cpu_options;

CINCH_BEGIN
cinch_status cinch_cpu_open(cinch_backend **out, const cinch_cpu_options *options);
/* One line when OpenBLAS runs kernels for an older CPU than this one, else NULL. Static; thread-safe. */
const char *cinch_cpu_notice(void);
CINCH_END

/* --- a backend in a module of its own ----------------------------------------------------------------------------- */

/* A module links nothing of core and exports one function. What it needs of core comes in the host; what core needs
   comes in the module. Both sides must have been built from the same op list and structs. */
enum { CINCH_MODULE_ABI = 2 << 24 | (int)sizeof(cinch_attr) << 10 | CINCH_OP_COUNT };

typedef struct cinch_host {
    void (*fail)(const char *text);               /* sets this thread's error text */
    void *(*allocate)(size_t count, size_t size); /* zeroed; NULL with the error set; released with free() */
} cinch_host;

typedef struct cinch_module {
    int32_t abi;            /* first in every version: where it is another number, nothing else may be looked at */
    const char *version;    /* of cinch */
    /* How many devices can be used; CINCH_DEVICE with the reason (no driver, too old, no device) where none can. */
    cinch_status (*count)(int *devices);
    cinch_status (*open)(cinch_backend **out, int device);
} cinch_module;

/* `host` must outlive the module. The module is static, and never NULL. */
typedef const cinch_module *cinch_module_entry(int32_t abi, const cinch_host *host);
#define CINCH_MODULE_ENTRY "cinch_backend_module"

#endif
