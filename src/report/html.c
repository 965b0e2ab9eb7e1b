/* SPDX-License-Identifier: Apache-2.0 */
/* report.html: the page around its sections. */
#include "report/html.h"

#include <cinch/version.h>

#include "data/text_file.h"
#include "report/section.h"

void cinch_section_open(cinch_page *page, const char *id, const char *heading)
{
    cinch_page_print(page, "<section id='%s'><h2>%s</h2>\n", id, heading);
}

void cinch_section_close(cinch_page *page) { cinch_page_put(page, "</section>\n"); }

static void head(cinch_page *page, const cinch_subject *s)
{
    cinch_page_put(page, "<!DOCTYPE html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n"
                         "<meta name='viewport' content='width=device-width, initial-scale=1'>\n"
                         "<meta name='color-scheme' content='light dark'>\n<link rel='icon' href='data:,'>\n<title>");
    cinch_page_text(page, cinch_model_name(cinch_run_model(s->run)));
    cinch_page_put(page, " on ");
    cinch_page_text(page, cinch_config_data(cinch_run_config(s->run))->spec);
    cinch_page_put(page, "</title>\n<style>\n");
    cinch_page_put(page, cinch_page_css);
    cinch_page_put(page, "</style>\n</head>\n<body>\n<main>\n");
}

static void foot(cinch_page *page)
{
    cinch_page_print(page, "<footer>Made by cinch %s. This file needs no network.</footer>\n</main>\n<script>\n",
                     cinch_version());
    cinch_page_put(page, cinch_page_js);
    cinch_page_put(page, "</script>\n</body>\n</html>");
}

static void write_page(cinch_page *page, const cinch_subject *s)
{
    static void (*const sections[])(cinch_page *, const cinch_subject *) = {
        cinch_section_summary, cinch_section_history, cinch_section_reconstructions, cinch_section_errors,
        cinch_section_latent,  cinch_section_samples, cinch_section_traversals,      cinch_section_layers,
        cinch_section_data,    cinch_section_environment,
    };
    head(page, s);
    for (size_t i = 0; i < sizeof sections / sizeof *sections && !page->status; i++) {
        sections[i](page, s);
        if (!page->status) page->status = cinch_stopped(s->stop);
    }
    foot(page);
}

cinch_status cinch_html_write(const cinch_subject *subject, const char *path)
{
    cinch_page page;
    cinch_page_begin(&page);
    write_page(&page, subject);
    cinch_status status = cinch_page_end(&page);
    if (!status) status = cinch_write_text(path, page.text);
    cinch_page_free(&page);
    return status;
}
