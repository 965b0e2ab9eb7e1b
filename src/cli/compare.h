/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CINCH_CLI_COMPARE_H
#define CINCH_CLI_COMPARE_H

#include "cli/cli.h"

#include <cinch/report.h>

/* Prints the table of `n` runs; in compare_table.c. */
cinch_status cinch_compare_print(const cinch_cli *cli, const cinch_contender *runs, int n,
                                 const cinch_comparison *found);

#endif
