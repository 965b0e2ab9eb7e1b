/* SPDX-License-Identifier: Apache-2.0 */
/* The forward passes of a trained model, as the command and infer.h run them: the same plans, and so the same bytes. */
#ifndef CINCH_TRAINED_FORWARD_H
#define CINCH_TRAINED_FORWARD_H

#include <cinch/model.h>
#include <cinch/plan.h>

/* encode: "x" to "y" and, of variational models, "logvar"; decode: codes "x" to "y"; reconstruct: "x" to "y";
   sample: codes drawn from the prior at the plan's position to "y". Conditional models have an input "label" i32 [n]
   in each. */
typedef enum cinch_forward {
    CINCH_ENCODE, CINCH_DECODE, CINCH_RECONSTRUCT, CINCH_SAMPLE, CINCH_FORWARDS
} cinch_forward;

/* Appends the pass for `n` samples. */
void cinch_forward_write(const cinch_model *model, cinch_graph *graph, cinch_params *params, cinch_forward direction,
                         int64_t n);

/* A plan of it; what it makes of a sample does not depend on n (see cinch_plan_options.batch_invariant). */
cinch_status cinch_forward_create(cinch_plan **out, const cinch_model *model, cinch_device *device,
                                  cinch_params *params, cinch_forward direction, int64_t n, cinch_precision precision);

/* Whether a conditional model can take these labels, and has them; any other takes none. CINCH_USAGE; `name` is what
   the model is called in the error. */
cinch_status cinch_forward_check_labels(const cinch_model *model, const char *name, const int32_t *label, int64_t n);

/* [n, sample...] */
cinch_shape cinch_forward_shape(int64_t n, cinch_shape sample);

#endif
