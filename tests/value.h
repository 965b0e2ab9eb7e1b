/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as the types store them, and how far a kernel may be from the oracle. */
#ifndef CINCH_TESTS_VALUE_H
#define CINCH_TESTS_VALUE_H

#include "case.h"

/* The nearest value that the type can hold, ties to even. */
double value_round(double x, cinch_dtype dtype);

/* n values to and from storage. */
void value_store(const double *v, int64_t n, cinch_dtype dtype, void *memory);
void value_load(const void *memory, int64_t n, cinch_dtype dtype, double *v);

/* How far an element may be from `want`: absolute + relative * |want|. */
typedef struct value_bound { double absolute, relative; } value_bound;

/* The bound of a case's tensor of type `dtype` (an output, or an operand that an effect wrote): a few roundings of
   f32, growing with the square root of the number of terms of a sum, and one rounding to bf16 where it is stored so;
   0 for integers and for ops that only choose or move. */
value_bound value_bound_of(const case_instance *c, cinch_dtype dtype);

/* Compares n stored elements with `want`; false and one line in why[size] at the first outside the bound. NaN only
   equals NaN, infinities only themselves; a bound of 0
   asks for the stored value nearest to `want`. Adds the largest share of the bound used to *worst. */
bool value_compare(const void *memory, const double *want, int64_t n, cinch_dtype dtype, value_bound bound,
                   double *worst, char *why, size_t size);

#endif
