/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CINCH_REPORT_COMPARE_H
#define CINCH_REPORT_COMPARE_H

#include <cinch/report.h>

#include "report/rows.h"

/* Draws the picture. CINCH_USAGE where the runs have no samples in common to draw. */
cinch_status cinch_compare_draw(const cinch_contender *runs, int n, const cinch_comparison *found, const char *path);

#endif
