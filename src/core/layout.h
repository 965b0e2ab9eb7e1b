/* SPDX-License-Identifier: Apache-2.0 */
/* Where every value of a plan lies. */
#ifndef CINCH_CORE_LAYOUT_H
#define CINCH_CORE_LAYOUT_H

#include "core/passes.h"

typedef enum cinch_region {
    CINCH_REGION_NONE,
    CINCH_REGION_ARENA,    /* temporaries: the device's shared arena */
    CINCH_REGION_OWN,      /* the plan's own memory: outputs, constants, controls */
    CINCH_REGION_INPUT,    /* input `index`, bound to a buffer or the plan's own */
    CINCH_REGION_PARAM,    /* parameter `index` in its slab */
    CINCH_REGION_SLAB      /* slab `index` */
} cinch_region;

typedef struct cinch_place {
    cinch_region region;
    int32_t index;
    size_t offset;         /* bytes */
} cinch_place;

typedef struct cinch_layout {
    cinch_place *value;    /* by node */
    cinch_place *saved;    /* by node: the saved output of a forward op */
    cinch_place *scratch;  /* by node */
    size_t weight_bytes;   /* of the arena: copies of parameters in another type, at its start */
    size_t arena_bytes, own_bytes, controls_bytes; /* the controls lie at the start of the plan's own memory */
    size_t private_bytes;  /* sum of all temporaries */
} cinch_layout;

/* Bytes that a kernel asked for, by node. */
typedef struct cinch_needs { size_t *scratch, *saved; } cinch_needs;

/* `private_memory`: no temporary shares memory with another, none is computed in place. */
cinch_status cinch_layout_create(cinch_layout *out, const cinch_graph *g, const cinch_schedule *s, cinch_needs needs,
                                 bool private_memory);
void cinch_layout_free(cinch_layout *layout);

static inline size_t cinch_align(size_t bytes) { return (bytes + 63) / 64 * 64; }

#endif
