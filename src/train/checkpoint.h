/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint/step-N.safetensors: every slab as a flat tensor (trainable, frozen, state, moments, ema) and the best
 * weights; as metadata the state of training (cinch.state), names and shapes of what the slabs hold (cinch.names), a
 * fingerprint of the configuration, what computed it (cinch.version, cinch.device), and a checksum of the state and all
 * tensors' bytes (cinch.crc32). It is only taken between updates, so there are no gradients in it. The newest valid one
 * wins; two are kept.
 */
#ifndef CINCH_TRAIN_CHECKPOINT_H
#define CINCH_TRAIN_CHECKPOINT_H

#include <cinch/device.h>
#include <cinch/params.h>

#include "train/best.h"
#include "train/state.h"

/* All borrowed. Plans must have been made, so that all slabs exist. */
typedef struct cinch_checkpoint {
    const char *folder;        /* exists */
    const char *fingerprint;   /* of the configuration: another one's checkpoint is not taken */
    const cinch_optimizer *optimizer;
    int64_t batches, accumulate; /* of an epoch; of a step */
    cinch_device *device;
    cinch_params *params;
    cinch_state *state;
    cinch_best *best;
    void (*note)(void *user, const char *text);  /* what the caller should know */
    void *user;
} cinch_checkpoint;

/* Writes the checkpoint of state->step, then removes all but the newest two. CINCH_OUTPUT, CINCH_DEVICE. */
cinch_status cinch_checkpoint_save(const cinch_checkpoint *c);

/* Takes back the newest valid checkpoint; *found is false where there is none at all. A damaged one that is passed over
   is noted, as are differences of version and device. CINCH_DATA where there are checkpoints and none is valid,
   CINCH_DEVICE when memory runs out. */
cinch_status cinch_checkpoint_load(const cinch_checkpoint *c, bool *found);

#endif
