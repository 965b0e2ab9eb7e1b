/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTML page in the making: text that grows. An error sticks: later calls add nothing, and it is looked at once, at
 * the end. Numbers are written with a point whatever the locale (cinch_page_begin to cinch_page_end, on one thread).
 *
 *     cinch_page page;
 *     cinch_page_begin(&page);
 *     cinch_page_print(&page, "<p>%d samples of <b>", n);
 *     cinch_page_text(&page, name);                          escaped
 *     cinch_page_put(&page, "</b></p>\n");                   as it is
 *     TRY(cinch_page_end(&page));
 */
#ifndef CINCH_REPORT_PAGE_H
#define CINCH_REPORT_PAGE_H

#include "report/picture.h"

#include <locale.h>

typedef struct {
    char *text; /* owned; ends in a zero */
    int length, room;
    cinch_status status;
    locale_t locale, before;
} cinch_page;

void cinch_page_begin(cinch_page *page);

/* The first error; the text stays. Then cinch_page_free, which a page whose end was not reached takes, too. */
cinch_status cinch_page_end(cinch_page *page);
void cinch_page_free(cinch_page *page);

void cinch_page_put(cinch_page *page, const char *html);
void cinch_page_print(cinch_page *page, const char *format, ...) CINCH_PRINTF(2, 3);

/* Text of people and files: what means something to HTML is escaped; what is not UTF-8 becomes U+FFFD. */
void cinch_page_text(cinch_page *page, const char *text);

/* <img>, the picture in it as a PNG; `attributes` stand in the tag ("class='x'"), `alt` is escaped. */
void cinch_page_picture(cinch_page *page, const cinch_picture *picture, const char *attributes, const char *alt);

/* A whole number with thin spaces between its thousands; a number with five digits, a dash where it is not finite. */
void cinch_page_count(cinch_page *page, long long value);
void cinch_page_number(cinch_page *page, double value);

/* The files page.css and page.js, which every page holds; made by scripts/cmake/embed.cmake. */
extern const char cinch_page_css[], cinch_page_js[];

#endif
