/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters and states by name. The first graph built with a store declares them; then the store takes their
 * memory, in slabs (all trainable ones end to end, and so on), and fills them; later graphs find them again.
 *
 *     cinch_params *p;
 *     cinch_params_create(&p);
 *     cinch_value w = cinch_param(g, p, "weight", CINCH_SHAPE(512, 784), &(cinch_param_options){0});
 *     cinch_params_allocate(p, device, seed);
 *
 * A store belongs to one thread at a time.
 */
#ifndef CINCH_PARAMS_H
#define CINCH_PARAMS_H

#include <cinch/device.h>
#include <cinch/graph.h>

CINCH_BEGIN

typedef struct cinch_params cinch_params;

/* How a parameter starts. fan_in is the product of all axes but the first ([out, in], [O, kh, kw, I]), fan_out the
   first times the receptive field. */
typedef enum cinch_init_kind {
    CINCH_INIT_DEFAULT,         /* kaiming_uniform with a = sqrt(5), as PyTorch's layers: U(+-1/sqrt(fan_in)) */
    CINCH_INIT_ZEROS,
    CINCH_INIT_ONES,
    CINCH_INIT_CONSTANT,        /* `a` */
    CINCH_INIT_UNIFORM,         /* [a, b) */
    CINCH_INIT_NORMAL,          /* mean a, deviation b */
    CINCH_INIT_XAVIER_UNIFORM,  /* Glorot & Bengio 2010 */
    CINCH_INIT_XAVIER_NORMAL,
    CINCH_INIT_KAIMING_UNIFORM, /* He et al. 2015, for ReLU */
    CINCH_INIT_KAIMING_NORMAL
} cinch_init_kind;

typedef struct cinch_init {
    cinch_init_kind kind;
    float a, b;
    int64_t fan_in, fan_out;    /* 0: from the shape */
} cinch_init;

/* Applied around each update to rows of axis 0 (`unit_rows`) or columns: see the names. */
typedef enum cinch_constraint {
    CINCH_UNCONSTRAINED,
    CINCH_UNIT_ROWS,            /* every row has norm 1; gradients lose their part along the row before the update */
    CINCH_UNIT_COLUMNS,
    CINCH_NON_NEGATIVE,
    CINCH_MAX_NORM_ROWS         /* rows longer than `limit` are scaled to it */
} cinch_constraint;

typedef struct cinch_param_options {
    cinch_init init;
    int group;                  /* 0..7; each group has its own learning rate factor */
    bool no_decay;              /* biases and norms */
    bool frozen;                /* not updated */
    bool state;                 /* written by effects (batch statistics, codebooks), not by the optimiser */
    bool keep_f32;              /* stays f32 in bf16 plans */
    cinch_constraint constraint;
    float limit;
} cinch_param_options;

CINCH_API cinch_status cinch_params_create(cinch_params **out);
CINCH_API void cinch_params_free(cinch_params *params);

/* The parameter "<scope>.<name>" as a value of the graph, declared on first use. f32. Errors (in the graph): another
   shape under the same name, a new name after cinch_params_allocate. `options` may be NULL. */
CINCH_API cinch_value cinch_param(cinch_graph *graph, cinch_params *params, const char *name, cinch_shape shape,
                                  const cinch_param_options *options);

/* Takes device memory for all declared parameters and initialises them from `seed`; each parameter's numbers depend
   on the seed and its name alone. CINCH_DEVICE when there is not enough memory. */
CINCH_API cinch_status cinch_params_allocate(cinch_params *params, cinch_device *device, uint64_t seed);

typedef struct cinch_param_info {
    const char *name;           /* owned by the store */
    cinch_shape shape;
    cinch_param_options options;
} cinch_param_info;

/* Parameters in order of declaration. */
CINCH_API int cinch_params_count(const cinch_params *params);
CINCH_API cinch_param_info cinch_params_info(const cinch_params *params, int index);
/* Index by name, -1 if there is none. */
CINCH_API int cinch_params_find(const cinch_params *params, const char *name);
/* Freezes or thaws before cinch_params_allocate. */
CINCH_API void cinch_params_freeze(cinch_params *params, int index, bool frozen);
/* Trainable numbers in all, states left out. */
CINCH_API int64_t cinch_params_trainable(const cinch_params *params);
CINCH_API int64_t cinch_params_total(const cinch_params *params);

/* Slabs: f32 arrays on the device. The optimiser's follow the layout of CINCH_SLAB_TRAINABLE and exist once a graph
   or a call has asked for them. Offsets are padded to 16 floats; the gaps stay 0. */
typedef enum cinch_slab {
    CINCH_SLAB_TRAINABLE, CINCH_SLAB_FROZEN, CINCH_SLAB_STATE,
    CINCH_SLAB_GRADIENT, CINCH_SLAB_MOMENT1, CINCH_SLAB_MOMENT2, CINCH_SLAB_EMA,
    CINCH_SLAB_COUNT
} cinch_slab;

/* Floats in a slab; 0 where it does not exist. */
CINCH_API int64_t cinch_params_slab_size(const cinch_params *params, cinch_slab slab);
CINCH_API const char *cinch_slab_name(cinch_slab slab);
/* Copies a whole slab to or from the host; its memory is taken (zeroed) on first use. */
CINCH_API cinch_status cinch_params_slab_read(cinch_params *params, cinch_slab slab, float *host);
CINCH_API cinch_status cinch_params_slab_write(cinch_params *params, cinch_slab slab, const float *host);

/* Copies one parameter (count floats, row-major) to or from the host. `slab` CINCH_SLAB_EMA reads the averaged weights
   of a trainable one; otherwise pass CINCH_SLAB_TRAINABLE, meaning the parameter's own. */
CINCH_API cinch_status cinch_params_read(cinch_params *params, int index, cinch_slab slab, float *host);
CINCH_API cinch_status cinch_params_write(cinch_params *params, int index, const float *host);

/* --- training (update.c) ------------------------------------------------------------------------------------------ */

/* All gradients of `loss` with respect to the trainable parameters, packed as f32 in the trainable slab's layout. */
CINCH_API cinch_value cinch_gradients(cinch_graph *graph, cinch_params *params, cinch_value loss);

/* Adds scale * gradients to the gradient slab / the gradient slab as a value / sets it to zero: accumulation. */
CINCH_API void cinch_gradients_add(cinch_graph *graph, cinch_params *params, cinch_value gradients, cinch_value scale);
CINCH_API cinch_value cinch_gradients_slab(cinch_graph *graph, cinch_params *params);
CINCH_API void cinch_gradients_clear(cinch_graph *graph, cinch_params *params);

typedef enum cinch_optimizer_kind {
    CINCH_ADAM, CINCH_ADAMW, CINCH_SGD, CINCH_RMSPROP, CINCH_ADAGRAD
} cinch_optimizer_kind;

/* The formulas are PyTorch's. Zero means the default in brackets. */
typedef struct cinch_optimizer {
    cinch_optimizer_kind kind;
    bool nesterov;              /* sgd */
    bool centred;               /* rmsprop without momentum */
    double lr;                  /* [1e-3] */
    double weight_decay;        /* [0] adamw: decoupled; others: added to the gradient */
    double momentum;            /* [0] sgd, rmsprop */
    double beta1, beta2;        /* [0.9, 0.999] adam, adamw */
    double alpha;               /* [0.99] rmsprop */
    double eps;                 /* [1e-8; adagrad 1e-10] */
    double clip;                /* [0: none] largest global norm of the gradient */
    double ema;                 /* [0: none] decay of the averaged weights */
} cinch_optimizer;

/* Appends one update of all trainable parameters from packed gradients: global-norm clipping, constraints, the
   optimiser, the average of the weights. The step happens only if `loss` and the gradient's norm are finite
   (cinch_commit_if). Gives the gradient's norm before clipping, a scalar f32. CINCH_RMSPROP that
   is centred and has a momentum is the graph's error, CINCH_USAGE. */
CINCH_API cinch_value cinch_update(cinch_graph *graph, cinch_params *params, cinch_value loss, cinch_value gradients,
                                   const cinch_optimizer *optimizer);

/* Learning rate and bias corrections of update number `t` (from 1), for the control "hyper" f32 [8 groups, 8];
   lr_factor[8] per group or NULL. Computed in double. */
CINCH_API void cinch_optimizer_hyper(const cinch_optimizer *optimizer, double lr, int64_t t, const double *lr_factor,
                                     float hyper[64]);

CINCH_END

#endif
