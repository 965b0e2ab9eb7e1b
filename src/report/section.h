/* SPDX-License-Identifier: Apache-2.0 */
/* The sections of report.html, in their order. Errors stick to the page. */
#ifndef CINCH_REPORT_SECTION_H
#define CINCH_REPORT_SECTION_H

#include "report/page.h"
#include "report/subject.h"

void cinch_section_summary(cinch_page *page, const cinch_subject *subject);         /* names, the figures that count */
void cinch_section_history(cinch_page *page, const cinch_subject *subject);         /* metrics.jsonl over the steps */
void cinch_section_reconstructions(cinch_page *page, const cinch_subject *subject); /* typical ones and the worst */
void cinch_section_errors(cinch_page *page, const cinch_subject *subject);          /* histogram, all figures of eval */
void cinch_section_latent(cinch_page *page, const cinch_subject *subject);          /* PCA and t-SNE of the codes */
void cinch_section_samples(cinch_page *page, const cinch_subject *subject);
void cinch_section_traversals(cinch_page *page, const cinch_subject *subject);      /* a code, one change at a time */
void cinch_section_layers(cinch_page *page, const cinch_subject *subject);
void cinch_section_data(cinch_page *page, const cinch_subject *subject);
void cinch_section_environment(cinch_page *page, const cinch_subject *subject);     /* command, device, configuration */

/* Opens <section id='id'> with its heading; page.css and the contents list know the ids. */
void cinch_section_open(cinch_page *page, const char *id, const char *heading);
void cinch_section_close(cinch_page *page);

/* A row of a table of two columns: a name, and a value as printf has it (escaped; at most 1,023 bytes of it). */
void cinch_section_row(cinch_page *page, const char *name, const char *format, ...) CINCH_PRINTF(3, 4);

#endif
