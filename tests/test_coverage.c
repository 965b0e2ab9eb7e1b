/* SPDX-License-Identifier: Apache-2.0 */
/* Every op of ops.def has a case for each of its types, every derivative rule a gradient check. */
#include "case.h"

#include <criterion/criterion.h>
#include <string.h>

#include "core/node.h"

/* Types, or flags, of all rows of an op together. */
static unsigned types_of(cinch_op op)
{
    unsigned types = 0;
    for (int f = 0; f < case_family_count; f++)
        for (int i = 0; i < case_families[f]->n; i++)
            if (case_families[f]->rows[i].op == op) types |= case_families[f]->rows[i].types;
    return types;
}

static unsigned flags_of(cinch_op op)
{
    unsigned flags = 0;
    for (int f = 0; f < case_family_count; f++)
        for (int i = 0; i < case_families[f]->n; i++)
            if (case_families[f]->rows[i].op == op) flags |= case_families[f]->rows[i].flags;
    return flags;
}

static bool has_kernel(cinch_op op)
{
    cinch_op_kind kind = cinch_ops[op].kind;
    return kind == CINCH_KIND_ELEMENTWISE || kind == CINCH_KIND_OP || kind == CINCH_KIND_EFFECT;
}

Test(coverage, every_type_of_every_op_has_a_case)
{
    static const char letters[] = "FBIU";
    for (int op = 0; op < CINCH_OP_COUNT; op++)
        for (int type = 0; has_kernel(op) && type < CINCH_DTYPE_COUNT; type++) {
            bool declared = strchr(cinch_ops[op].types, letters[type]), tested = types_of(op) >> type & 1;
            cr_expect(!declared || tested, "%s has no case for type %c: add a row to tests/cases_*.c",
                      cinch_ops[op].name, letters[type]);
            cr_expect(declared || !tested, "%s has a case for type %c, which ops.def does not declare",
                      cinch_ops[op].name, letters[type]);
        }
}

Test(coverage, every_derivative_rule_is_checked)
{
    for (int op = 0; op < CINCH_OP_COUNT; op++) {
        if (!has_kernel(op)) continue;
        bool differentiable = cinch_rules[op]->grad || cinch_rules[op]->expand;
        bool checked = flags_of(op) & GRAD, twice = (flags_of(op) & GRAD2) == GRAD2;
        /* What dropout saved belongs to it: its gradient is checked through dropout's second derivative. */
        if (op == CINCH_OP_dropout_grad) continue;
        cr_expect(!differentiable || checked, "%s has a derivative but no row with GRAD", cinch_ops[op].name);
        cr_expect(!cinch_rules[op]->grad || twice, "%s has a derivative rule but no row with GRAD2",
                  cinch_ops[op].name);
        cr_expect(differentiable || !checked, "%s has a row with GRAD but no derivative", cinch_ops[op].name);
    }
}

/* Sizes around vector widths, several ranks; every row runs in some type. */
Test(coverage, rows_are_sound)
{
    for (int f = 0; f < case_family_count; f++)
        for (int i = 0; i < case_families[f]->n; i++) {
            const case_row *row = &case_families[f]->rows[i];
            cr_expect(row->types, "%s:%d: no type", row->file, row->line);
            cr_expect(cinch_ops[row->op].n_in == CINCH_ANY_COUNT || cinch_ops[row->op].n_in == row->n_in,
                      "%s:%d: %s takes %d operands", row->file, row->line, cinch_ops[row->op].name,
                      cinch_ops[row->op].n_in);
        }
}
