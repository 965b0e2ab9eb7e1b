/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CINCH_BENCH_ROWS_LARGE_H
#define CINCH_BENCH_ROWS_LARGE_H

#include "case.h"

extern const case_family case_large;

#endif
