/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a case's kernel on a backend through the seam: every buffer between guard bands, outputs, scratch and saved
 * memory poisoned, operands checked to be as they were.
 */
#ifndef CINCH_TESTS_RUN_H
#define CINCH_TESTS_RUN_H

#include "case.h"

enum { RUN_RESULTS = 5 };

/* {.in_place = -1, .commit = -1} is a plain run. */
typedef struct run_variant {
    int in_place;          /* the operand whose memory the output takes, or -1 */
    int commit;            /* the commit flag's value, or -1 for none */
    bool alias;            /* operand 1 is operand 0 */
    bool no_saved;         /* nobody reads the saved output */
    bool in_output;        /* pack: the operands lie in the output already, each at its place */
    int shift;             /* elements by which tensors stand off a 64-byte boundary */
    unsigned char poison;  /* what uninitialised memory holds */
} run_variant;

/* Outputs, or the operands that an effect wrote. */
typedef struct run_result {
    int n;
    void *data[RUN_RESULTS];
    int64_t count[RUN_RESULTS];
    cinch_dtype dtype[RUN_RESULTS];
} run_result;

/* Operand numbers of what an effect writes, or -1 - k for output k, in the order of run_result; gives their number. */
int run_targets(const case_instance *c, int target[RUN_RESULTS]);

/* May the output take operand k's memory: ops.def allows it and they are alike. */
bool run_fits_in_place(const case_instance *c, int k);

/* Runs the case; false and one line in why[size] where the backend fails, leaves its buffers or touches operands. */
bool run_case(cinch_backend *b, const case_instance *c, const run_variant *variant, run_result *result, char *why,
              size_t size);
void run_result_free(run_result *result);
/* Are all bytes the same? */
bool run_result_same(const run_result *a, const run_result *b);

/* For benchmarks: how often a call is run, and on how much memory. */
typedef struct run_pace {
    int times;     /* measurements */
    int calls;     /* in a row in each of them, the device being waited for at the end; replayed from a recording where
                      the backend makes any */
    int copies;    /* of the call's memory, in turn, so that no call finds its operands in a cache; 0 is 1 */
} run_pace;

/* Gives the seconds that one call takes, times[pace->times]. */
bool run_timed(cinch_backend *b, const case_instance *c, const run_pace *pace, double *times, char *why, size_t size);

#endif
