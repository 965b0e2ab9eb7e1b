/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A graph is a list of operations on tensors, written down before anything runs. Values are indices into it;
 * operands exist before their users, so the order of the calls is the order of execution.
 *
 *     cinch_graph *g;
 *     cinch_graph_create(&g);
 *     cinch_value x = cinch_input(g, "x", CINCH_F32, CINCH_SHAPE(32, 784));
 *     cinch_value w = cinch_input(g, "w", CINCH_F32, CINCH_SHAPE(10, 784));
 *     cinch_value loss = cinch_mean(g, cinch_square(g, cinch_matmul(g, x, w, false, true)), CINCH_ALL_AXES, false);
 *     cinch_value dw;
 *     cinch_grad(g, loss, &w, 1, &dw);
 *     cinch_output(g, "loss", loss);
 *     cinch_output(g, "dw", dw);
 *     if (cinch_graph_status(g)) puts(cinch_last_error());   // one check for all of the above
 *
 * Errors are sticky: a call with a bad shape gives the invalid value (id 0), the graph keeps the first message with
 * its name scope, and later calls pass the invalid value through. A graph belongs to one thread at a time.
 */
#ifndef CINCH_GRAPH_H
#define CINCH_GRAPH_H

#include <cinch/export.h>
#include <cinch/status.h>
#include <cinch/types.h>

CINCH_BEGIN

typedef struct cinch_graph cinch_graph;

/* A tensor of the graph. Zero-initialised is the invalid value. */
typedef struct cinch_value { int32_t id; } cinch_value;

CINCH_API cinch_status cinch_graph_create(cinch_graph **out);
CINCH_API void cinch_graph_free(cinch_graph *graph);

/* The graph's first error (also set as this thread's last error), or CINCH_OK. */
CINCH_API cinch_status cinch_graph_status(cinch_graph *graph);

/* Records an error of the caller's own, as the ops do; returns the invalid value. */
CINCH_API cinch_value cinch_graph_fail(cinch_graph *graph, const char *format, ...) CINCH_PRINTF(2, 3);
/* The same for an allocation that failed (CINCH_DEVICE), with this thread's last error as its text. */
CINCH_API cinch_value cinch_graph_out_of_memory(cinch_graph *graph);

/* Nodes written so far. */
CINCH_API int cinch_graph_size(const cinch_graph *graph);

/* --- names -------------------------------------------------------------------------------------------------------- */

/* Name scopes nest; "encoder", "2" gives "encoder.2". They prefix error messages and parameter names, and key the
   random streams: the same scopes in the same order draw the same numbers. */
CINCH_API void cinch_scope_push(cinch_graph *graph, const char *name);
CINCH_API void cinch_scope_pop(cinch_graph *graph);
/* The current scope's full name; owned by the graph, valid until the next push or pop. */
CINCH_API const char *cinch_scope(const cinch_graph *graph);

/* --- leaves and roots --------------------------------------------------------------------------------------------- */

/* A tensor that the caller writes before a step (cinch_plan_write) or binds to a buffer (cinch_plan_bind).
   Asking again for the same name gives the same value; another shape or type is an error. */
CINCH_API cinch_value cinch_input(cinch_graph *graph, const char *name, cinch_dtype dtype, cinch_shape shape);

/* A small tensor in the controls block, which goes to the device in one copy before each step: learning rates,
   loss weights, batch indices. Written by cinch_plan_control. Same name, same value. */
CINCH_API cinch_value cinch_control(cinch_graph *graph, const char *name, cinch_dtype dtype, cinch_shape shape);

/* Host data, copied into the graph. */
CINCH_API cinch_value cinch_constant(cinch_graph *graph, cinch_dtype dtype, cinch_shape shape, const void *data);

/* Names a value that can be read after a step (cinch_plan_read); it stays until the plan runs again. */
CINCH_API void cinch_output(cinch_graph *graph, const char *name, cinch_value value);

/* Names a scalar f32 that is recorded each step in a ring on the device (cinch_plan_metrics). */
CINCH_API void cinch_metric(cinch_graph *graph, const char *name, cinch_value value);

/* Effects happen only in steps where `flag` (scalar f32) is not 0; at most once per graph. */
CINCH_API void cinch_commit_if(cinch_graph *graph, cinch_value flag);

/* --- questions ---------------------------------------------------------------------------------------------------- */

CINCH_API bool cinch_valid(cinch_value value);
/* Shape and type of a value; of the invalid value: a scalar f32. */
CINCH_API cinch_shape cinch_shape_of(const cinch_graph *graph, cinch_value value);
CINCH_API cinch_dtype cinch_dtype_of(const cinch_graph *graph, cinch_value value);
/* Size of one axis; negative axes count from the last. */
CINCH_API int64_t cinch_dim(const cinch_graph *graph, cinch_value value, int axis);

/* --- gradients ---------------------------------------------------------------------------------------------------- */

/* Appends the nodes that compute d loss / d wrt[i] (loss: scalar f32) and puts them into out[i], with wrt[i]'s shape;
   zeros where the loss does not depend on it. May be called any number of times, also for gradients of gradients. */
CINCH_API void cinch_grad(cinch_graph *graph, cinch_value loss, const cinch_value *wrt, int n, cinch_value *out);

/* The same for a value of any shape, given its gradient `seed` (same shape). */
CINCH_API void cinch_grad_seeded(cinch_graph *graph, cinch_value y, cinch_value seed, const cinch_value *wrt, int n,
                                 cinch_value *out);

/* `x`, through which no gradient flows. */
CINCH_API cinch_value cinch_stop_gradient(cinch_graph *graph, cinch_value x);

/* What is built between the two keeps only its inputs; the backward pass runs it again, with the same random
   numbers. Does not nest. */
CINCH_API void cinch_recompute_begin(cinch_graph *graph);
CINCH_API void cinch_recompute_end(cinch_graph *graph);

CINCH_END

#endif
