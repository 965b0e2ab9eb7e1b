/* SPDX-License-Identifier: Apache-2.0 */
/* The tables expanded from ops.def. */
#include "core/node.h"

#define W(operand) (1 << (operand))
enum { ANY = CINCH_ANY_COUNT, NEVER = CINCH_NEVER, ANY_INPUT = CINCH_ANY_INPUT };

const cinch_op_info cinch_ops[CINCH_OP_COUNT] = {
#define LEAF(name) {#name, CINCH_KIND_LEAF, ANY, 1, NEVER, 0, 0, 0, "FBIU"},
#define VIEW(name) {#name, CINCH_KIND_VIEW, 1, 1, NEVER, 0, 0, 0, "FBIU"},
#define ELEMENTWISE(name, inputs, params, types) \
    {#name, CINCH_KIND_ELEMENTWISE, inputs, 1, ANY_INPUT, params, 0, 0, types},
#define OP(name, inputs, outputs, attr, place, saves, types) \
    {#name, CINCH_KIND_OP, inputs, outputs, place, 0, saves, 0, types},
#define EFFECT(name, inputs, attr, writes, types) {#name, CINCH_KIND_EFFECT, inputs, 0, NEVER, 0, 0, writes, types},
#include "core/ops.def"
};

const cinch_rule *const cinch_rules[CINCH_OP_COUNT] = {
#define VIEW(name) [CINCH_OP_##name] = &cinch_rule_##name,
#define OP(name, inputs, outputs, attr, place, saves, types) [CINCH_OP_##name] = &cinch_rule_##name,
#include "core/ops.def"
};
