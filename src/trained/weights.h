/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.safetensors: parameters under PyTorch's names, in its layouts, so that Python's safetensors and load_state_dict
 * take them. This is the one place where layouts are changed. Metadata: cinch.format ("1"), cinch.version, cinch.model
 * (the complete model section) and cinch.sample (what a sample is, see cinch_border).
 */
#ifndef CINCH_TRAINED_WEIGHTS_H
#define CINCH_TRAINED_WEIGHTS_H

#include <cinch/data.h>
#include <cinch/model.h>

/* What a sample is to the model, and what it was in its container: all it takes to use a model without its data. */
typedef struct cinch_border {
    cinch_sample sample;
    cinch_shape source;     /* of a sample in the container */
    double scale, offset;   /* value = raw * scale + offset, of what goes in and, as targets must be alike, comes out */
    double out_low, out_high; /* of what comes out: of a target where there is one; equal: no bounds are known. A file
                               of an older cinch has but the range of what goes in */
} cinch_border;

/* `target` describes what is to come out: `data` itself, unless there is another target. */
cinch_border cinch_border_of(const cinch_dataset_info *data, const cinch_dataset_info *target);

/* A sample that comes out. */
cinch_sample cinch_border_output(const cinch_border *border);

/* Writes the file by temporary file and rename. `slab`: CINCH_SLAB_TRAINABLE, or CINCH_SLAB_EMA for averaged weights.
   CINCH_OUTPUT, CINCH_DEVICE. */
cinch_status cinch_weights_save(const char *path, const cinch_model *model, const cinch_border *border,
                                cinch_params *params, cinch_slab slab);

/* What must fit: every tensor of the file and every parameter; only the shapes of those that both have; or every
   parameter, whatever else is in the file (what only training needs). */
typedef enum cinch_weights_fit { CINCH_WEIGHTS_ALL, CINCH_WEIGHTS_PARTIAL, CINCH_WEIGHTS_NEEDED } cinch_weights_fit;

/* Reads parameters by name, any float type. CINCH_DATA for a tensor that is missing, not the model's, or of another
   shape. *taken (may be NULL): how many were read. */
cinch_status cinch_weights_load(const cinch_tensor_file *file, const char *path, const cinch_model *model,
                                cinch_params *params, cinch_weights_fit fit, int *taken);

/* Takes cinch.model and cinch.sample; *json is owned by the file. CINCH_DATA when this is not a cinch model. */
cinch_status cinch_weights_describe(const cinch_tensor_file *file, const char *path, const char **json,
                                    cinch_border *border);

#endif
