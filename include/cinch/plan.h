/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan is a graph made ready to run on a device: fused, with every temporary at a fixed place in one arena. After
 * the first run a step allocates nothing, chooses nothing and checks no shapes.
 *
 *     cinch_plan *plan;
 *     cinch_plan_create(&plan, graph, device, params, NULL);
 *     cinch_plan_write(plan, "x", batch, sizeof batch);
 *     cinch_plan_run(plan);
 *     cinch_plan_read(plan, "loss", &loss, sizeof loss);
 *
 * The plan keeps its own copy of the graph, which may be freed. Plans on one device share one arena; they, the device
 * and the parameters belong to one thread at a time.
 */
#ifndef CINCH_PLAN_H
#define CINCH_PLAN_H

#include <cinch/device.h>
#include <cinch/graph.h>
#include <cinch/params.h>

CINCH_BEGIN

typedef struct cinch_plan cinch_plan;

/* f32: every value and every product, strictly. tf32: values stay f32; products may round their operands to ten bits
   (on a GPU; the CPU computes them as f32). bf16: activations, and copies of the weights that products read, are
   stored as bf16 (eight bits); all arithmetic and every sum is f32, and so are parameters, their gradients and updates,
   states, losses, statistics, inputs, outputs and metrics. A parameter with keep_f32 stays f32, and so do products with
   it. */
typedef enum cinch_precision { CINCH_PRECISION_F32, CINCH_PRECISION_TF32, CINCH_PRECISION_BF16 } cinch_precision;

/* "f32", "tf32" or "bf16". */
CINCH_API const char *cinch_precision_name(cinch_precision precision);

typedef struct cinch_plan_options {
    cinch_precision precision;
    bool batch_invariant; /* on the CPU, in f32: a sample's results are the same bytes whatever the other samples of its
                            batch, and their number. For serving; large products are somewhat slower. */
    bool use_ema;        /* trainable parameters are read from CINCH_SLAB_EMA */
    bool no_fusion;      /* for tests: run the ops as they were written */
    bool private_memory; /* for tests: every temporary has its own memory, poisoned before each run */
    int metric_rows;     /* length of the metrics ring; 0: 256 */
} cinch_plan_options;

/* Errors: the graph's own first error; CINCH_DEVICE when memory is short, with the need. `params` may be NULL when the
   graph has none; they may have been allocated on another handle of the same device, as long as no plan and no call
   changes them. `options` may be NULL. */
CINCH_API cinch_status cinch_plan_create(cinch_plan **out, const cinch_graph *graph, cinch_device *device,
                                         cinch_params *params, const cinch_plan_options *options);
CINCH_API void cinch_plan_free(cinch_plan *plan);

/* Writes an input or control by name; `bytes` must be its size. CINCH_USAGE otherwise. Controls travel with the next
   run. A graph that pruned the name away ignores it: asking for an unknown name is CINCH_USAGE. */
CINCH_API cinch_status cinch_plan_write(cinch_plan *plan, const char *input, const void *data, size_t bytes);
CINCH_API cinch_status cinch_plan_control(cinch_plan *plan, const char *control, const void *data, size_t bytes);
/* A control of one f32. */
CINCH_API cinch_status cinch_plan_set(cinch_plan *plan, const char *control, double value);
/* Whether the plan has a control or input of this name. */
CINCH_API bool cinch_plan_has(const cinch_plan *plan, const char *name);

/* Lets an input be a buffer, at an offset in bytes (multiple of 64); the buffer must outlive the plan's runs. */
CINCH_API cinch_status cinch_plan_bind(cinch_plan *plan, const char *input, cinch_buffer *buffer, size_t offset);

/* Where the random numbers of the next run stand: see rng.h. */
CINCH_API void cinch_plan_position(cinch_plan *plan, uint64_t seed, uint64_t step, int64_t first_sample);

/* Takes the memory that the first run would take: inputs that are not bound by now, slabs, the arena. CINCH_DEVICE. */
CINCH_API cinch_status cinch_plan_prepare(cinch_plan *plan);

/* Runs the plan; on a GPU it may return before the work is done. */
CINCH_API cinch_status cinch_plan_run(cinch_plan *plan);

/* Copies an output; waits for it. */
CINCH_API cinch_status cinch_plan_read(cinch_plan *plan, const char *output, void *data, size_t bytes);
/* Shape of an output, rank -1 when there is none of this name. */
CINCH_API cinch_shape cinch_plan_output_shape(const cinch_plan *plan, const char *output);

/* Metrics in order of declaration: how many, their names; and the last `rows` runs' values, oldest first, as
   values[rows][count]. At most metric_rows. Waits. */
CINCH_API int cinch_plan_metric_count(const cinch_plan *plan);
CINCH_API const char *cinch_plan_metric_name(const cinch_plan *plan, int index);
CINCH_API cinch_status cinch_plan_metrics(cinch_plan *plan, int rows, float *values);
/* The same in two parts: `start` asks for the metrics of all runs so far and returns at once, `finish` gives the last
   `rows` of those, and waits for no run that came after `start`. */
CINCH_API cinch_status cinch_plan_metrics_start(cinch_plan *plan);
CINCH_API cinch_status cinch_plan_metrics_finish(cinch_plan *plan, int rows, float *values);

/* Runs the last step again, node by node, without effects, and names the first node whose output is not finite:
   CINCH_NUMERIC with "encoder.2: matmul gave nan ...", or CINCH_OK when all are finite. */
CINCH_API cinch_status cinch_plan_find_nonfinite(cinch_plan *plan);

typedef struct cinch_plan_info {
    int nodes, calls;           /* of the graph after dead code; after fusion */
    size_t arena_bytes;         /* temporaries: the sum of the next two */
    size_t activation_bytes;    /* what is computed from the batch, its gradients, and kernels' scratch memory */
    size_t weight_bytes;        /* bf16 copies of weights, made anew in each run */
    size_t private_bytes;       /* sum of all temporaries' sizes: what no reuse would take */
    size_t input_bytes, output_bytes, control_bytes;
    double flops;               /* multiply-adds of products counted as 2 */
} cinch_plan_info;

CINCH_API cinch_plan_info cinch_plan_describe(const cinch_plan *plan);

CINCH_END

#endif
