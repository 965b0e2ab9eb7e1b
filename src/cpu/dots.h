/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products of rows with rows: x [..., k] times weight [n, k] transposed, as in a linear layer, without packing either.
 * A number of the result is summed in an order that k alone fixes, so a row's results do not depend on how many rows
 * there are; and one row, which is bound by reading the weights, goes as fast as they can be read.
 */
#ifndef CINCH_CPU_DOTS_H
#define CINCH_CPU_DOTS_H

#include "cpu/kernel.h"

#define cinch_dots_suit CINCH_ISA_NAME(dots_suit)
#define cinch_dots_run CINCH_ISA_NAME(dots_run)

/* Whether a product is computed here: it must be of this kind, and say that its rows are to be invariant or have but
   one of them. */
bool cinch_dots_suit(const cinch_call *call);

cinch_status cinch_dots_run(cinch_backend *backend, const cinch_call *call);

#endif
