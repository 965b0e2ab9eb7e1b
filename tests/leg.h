/* SPDX-License-Identifier: Apache-2.0 */
/* A leg's bookkeeping: what ran, what was skipped, what failed. Criterion runs each test in a process of its own, so
   the counts meet in a file, which hooks make and print. */
#ifndef CINCH_TESTS_LEG_H
#define CINCH_TESTS_LEG_H

#include <criterion/criterion.h>

#include "run.h"

typedef struct leg {
    const char *family;
    int cases, calls, skipped, failed;
    double worst;             /* largest share of a bound that was used */
    char worst_at[256];
} leg;

/* Records a failure of the case `c` and reports it; a few of them are enough. */
void leg_fail(leg *l, const case_instance *c, const char *where, const char *why);
/* Has the family failed so often that it may stop? */
bool leg_hopeless(const leg *l);
/* Prints the family's line, adds to the leg's counts, fails the test if a case failed. */
void leg_end(const leg *l);

/* Once in the leg's file: its name. leg.c's hooks print the counts of all families at the end. */
extern const char leg_name[];
#define LEG(name) const char leg_name[] = name;

#endif
