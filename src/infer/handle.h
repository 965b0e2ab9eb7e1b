/* SPDX-License-Identifier: Apache-2.0 */
/* A handle from the inside. */
#ifndef CINCH_INFER_HANDLE_H
#define CINCH_INFER_HANDLE_H

#include <cinch/infer.h>

#include "trained/forward.h"
#include "trained/weights.h"

#include <stdatomic.h>

/* What handles share; read only once the first of them is open. */
typedef struct cinch_served {
    atomic_int handles;
    char *name;                 /* for errors */
    cinch_model *model;
    cinch_border border;
    cinch_params *params;
    cinch_device *device;       /* that the weights were allocated on: the first handle's */
    cinch_infer_options options; /* resolved; its texts are NULL */
    cinch_precision precision;
} cinch_served;

enum { CINCH_BUCKETS = 4 };

struct cinch_infer {
    cinch_served *served;
    cinch_device *device;
    cinch_infer_info info;
    int64_t bucket[CINCH_BUCKETS];   /* sizes of batches, ascending */
    int n_buckets;
    cinch_plan *plan[CINCH_FORWARDS][CINCH_BUCKETS]; /* sample: of variational models */
    cinch_buffer *x, *label;         /* what all plans read; label NULL where no model needs it */
    float *staging;                  /* [max_batch, sample or code]: results of padded batches */
    int32_t *turn;                   /* [max_batch]: labels in turn */
};

/* What a model is made from. */
typedef struct cinch_infer_source {
    const char *name;
    const cinch_tensor_file *file;  /* its weights; NULL: fresh ones */
    const char *json;               /* the model section */
    cinch_border border;
    cinch_precision precision;
} cinch_infer_source;

cinch_status cinch_infer_create(cinch_infer **out, const cinch_infer_source *source,
                                const cinch_infer_options *options);

/* "f32", "tf32", "bf16"; NULL: f32. CINCH_USAGE. */
cinch_status cinch_infer_precision(const char *name, cinch_precision *out);

#endif
