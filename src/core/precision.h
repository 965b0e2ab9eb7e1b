/* SPDX-License-Identifier: Apache-2.0 */
/* Which type each f32 value of a graph is stored in under bf16: decided in precision.c, written down in retype.c. */
#ifndef CINCH_CORE_PRECISION_H
#define CINCH_CORE_PRECISION_H

#include "core/passes.h"

/* Indexed by node. Of nodes that are f32 in the graph; all others stay what they are. */
typedef struct cinch_types {
    const cinch_graph *g;
    cinch_schedule schedule;
    uint8_t *users;     /* what is known of its users: bits of precision.c */
    bool *low;          /* stored as bf16 */
    bool *repeated;     /* never stored: each user gets its own, in f32, which fusion then takes into the user */
    bool *copied;       /* parameters that are read as bf16 */
} cinch_types;

cinch_status cinch_types_create(cinch_types *out, const cinch_graph *g);
void cinch_types_free(cinch_types *types);

/* How node `id` reads its operand k. */
typedef enum cinch_reading { CINCH_READS_ANY, CINCH_READS_BF16, CINCH_READS_F32 } cinch_reading;
cinch_reading cinch_types_reading(const cinch_types *types, int32_t id, int k);

/* A view that has no place of its own in the order: written where it is needed, in the type that is needed. */
static inline bool cinch_is_plain_view(const cinch_types *t, int32_t id)
{
    cinch_op op = t->g->nodes[id].op;
    return (op == CINCH_OP_reshape || op == CINCH_OP_stop_gradient) && !t->schedule.commit[id];
}

/* The value behind plain views. */
int32_t cinch_types_base(const cinch_types *types, int32_t id);

/* *g written again with these types, casts included. */
cinch_status cinch_retype(cinch_graph **out, const cinch_types *types);

#endif
