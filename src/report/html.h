/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CINCH_REPORT_HTML_H
#define CINCH_REPORT_HTML_H

#include "report/subject.h"

/* Writes the page about a run, one file that needs no other and no network, by temporary file and rename. Errors: those
   of the run's passes, CINCH_DATA where metrics.jsonl is missing, CINCH_OUTPUT, CINCH_DEVICE. */
cinch_status cinch_html_write(const cinch_subject *subject, const char *path);

#endif
