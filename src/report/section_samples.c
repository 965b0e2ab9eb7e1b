/* SPDX-License-Identifier: Apache-2.0 */
/* What the decoder makes of codes that are drawn. */
#include "report/item.h"
#include "report/section.h"

#include "core/status.h"

#include <stdio.h>
#include <stdlib.h>

enum { SAMPLES = 40 };

static void show_samples(cinch_page *page, const cinch_subject *s, const float *x)
{
    char alt[48];
    int32_t classes = cinch_model_classes(cinch_run_model(s->run));
    cinch_item item = cinch_item_around(s->run, x, SAMPLES);
    cinch_page_put(page, "<div class='strip'>\n");
    for (int i = 0; i < SAMPLES; i++) {
        const float *value = x + i * s->ranking.size;
        snprintf(alt, sizeof alt, classes ? "sample of label %d" : "sample", classes ? i % classes : 0);
        cinch_page_put(page, "<figure class='pair'>");
        cinch_item_show(page, &item, &value, 1, alt);
        if (classes) cinch_page_print(page, "<figcaption>label %d</figcaption>", i % classes);
        cinch_page_put(page, "</figure>\n");
    }
    cinch_page_put(page, "</div>\n");
}

static void say_why_none(cinch_page *page)
{
    cinch_page_put(page, "<p class='note'>There are none: ");
    cinch_page_text(page, cinch_last_error());
    cinch_page_put(page, "</p>\n");
}

/* Codes that no Gaussian fits are something to tell, not an error. */
static cinch_status draw_samples(cinch_page *page, const cinch_subject *s, float *x)
{
    cinch_sampling sampling = { .seed = s->seed, .label = -1 };
    cinch_status status = cinch_run_sample(s->run, &sampling, SAMPLES, x);
    if (status == CINCH_DATA) say_why_none(page);
    else if (status) return status;
    else show_samples(page, s, x);
    return page->status;
}

void cinch_section_samples(cinch_page *page, const cinch_subject *s)
{
    bool prior = cinch_model_is_variational(cinch_run_model(s->run));
    if (page->status) return;
    cinch_section_open(page, "samples", "Samples");
    cinch_page_print(page, "<p>Decoded from codes drawn from %s.</p>\n", prior ? "the prior, N(0, 1)"
                     : "a Gaussian fitted to the training part&rsquo;s codes: a plain autoencoder has no "
                       "prior of its own");
    float *x = cinch_calloc((size_t)(SAMPLES * s->ranking.size), sizeof *x);
    page->status = x ? draw_samples(page, s, x) : CINCH_DEVICE;
    free(x);
    cinch_section_close(page);
}
