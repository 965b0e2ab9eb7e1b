/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a page: escaping, numbers, pictures, errors that stick. */
#include "report/page.h"
#include "report_pixels.h"

#include <locale.h>
#include <math.h>

TestSuite(report_page, .init = make_folder, .fini = remove_folder);

/* What `write` puts on a page. */
static char *text_of(void (*write)(cinch_page *page))
{
    static char text[1 << 16];
    cinch_page page;
    cinch_page_begin(&page);
    write(&page);
    cr_assert_eq(cinch_page_end(&page), CINCH_OK, "%s", cinch_last_error());
    cr_assert(page.length < (int)sizeof text && (int)strlen(page.text) == page.length);
    memcpy(text, page.text, (size_t)page.length + 1);
    cinch_page_free(&page);
    return text;
}

static void write_hostile(cinch_page *page) { cinch_page_text(page, "<script>alert('1') && \"x\"</script>\x01"); }
static void write_utf8(cinch_page *page)
{
    cinch_page_text(page, "\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80 \xFF \xC3( \xE2\x82");
}

Test(report_page, text_is_escaped)
{
    cr_expect_str_eq(text_of(write_hostile),
                     "&lt;script&gt;alert(&#39;1&#39;) &amp;&amp; &quot;x&quot;&lt;/script&gt; ");
    cr_expect_str_eq(text_of(write_utf8),
                     "\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80 \xEF\xBF\xBD \xEF\xBF\xBD( \xEF\xBF\xBD\xEF\xBF\xBD",
                     "what is UTF-8 stays, every other byte is replaced");
}

static void write_counts(cinch_page *page)
{
    static const long long counts[] = { 0, 7, 999, 1000, -1000, 1234567 };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        cinch_page_count(page, counts[i]);
        cinch_page_put(page, "|");
    }
}

static void write_numbers(cinch_page *page)
{
    cinch_page_number(page, 0.0123456789);
    cinch_page_number(page, NAN);
    cinch_page_print(page, "%.1f %s", 2.5, "<b>");
}

Test(report_page, numbers)
{
    cr_expect_str_eq(text_of(write_counts), "0|7|999|1&#8239;000|-1&#8239;000|1&#8239;234&#8239;567|");
    cr_expect_str_eq(text_of(write_numbers), "0.012346&ndash;2.5 <b>");
}

Test(report_page, the_programs_locale_does_not_matter)
{
    char text[64];
    const char *comma = setlocale(LC_NUMERIC, "de_DE.UTF-8");
    if (!comma) comma = setlocale(LC_NUMERIC, "fr_FR.UTF-8");
    cr_expect_str_eq(text_of(write_numbers), "0.012346&ndash;2.5 <b>");
    snprintf(text, sizeof text, "%.1f", 2.5);
    cr_expect_str_eq(text, comma ? "2,5" : "2.5", "the locale is the program's again");
}

static cinch_picture checkered;
static void write_picture(cinch_page *page) { cinch_page_picture(page, &checkered, "class='a'", "a \"b\""); }

/* Bytes of base64, by the definition. */
static size_t decode(const char *text, uint8_t *out)
{
    size_t n = 0;
    uint32_t bits = 0, count = 0;
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (; *text && strchr(digits, *text); text++) {
        bits = bits << 6 | (uint32_t)(strchr(digits, *text) - digits);
        if ((count += 6) < 8) continue;
        out[n++] = (uint8_t)(bits >> (count -= 8));
    }
    return n;
}

Test(report_page, pictures_are_in_it)
{
    for (int side = 1; side < 8; side++) { /* files of all lengths modulo 3 */
        uint8_t png[4096];
        cr_assert_eq(cinch_picture_create(&checkered, side, 2, (cinch_color){ 10, 20, 30 }), CINCH_OK);
        cinch_picture_fill(&checkered, 0, 0, 1, 1, (cinch_color){ 200, 100, (uint8_t)side });
        char *text = text_of(write_picture), expected[128];
        snprintf(expected, sizeof expected,
                 "<img class='a' width='%d' height='2' alt='a &quot;b&quot;' src='data:image/png;base64,", side);
        cr_assert(!strncmp(text, expected, strlen(expected)), "%s", text);
        FILE *file = fopen(in_folder("a.png"), "w");
        size_t size = decode(text + strlen(expected), png);
        cr_assert(file && fwrite(png, 1, size, file) == size && !fclose(file));
        cinch_picture back = read_png(in_folder("a.png"));
        cr_expect(back.width == side && !memcmp(back.rgb, checkered.rgb, (size_t)side * 6));
        cinch_picture_free(&back);
        cinch_picture_free(&checkered);
    }
}

Test(report_page, the_first_error_sticks)
{
    cinch_page page;
    cinch_picture none = { 0 };
    cinch_page_begin(&page);
    cinch_page_put(&page, "before");
    cinch_page_picture(&page, &none, "", "");
    cinch_page_put(&page, "after");
    cinch_page_text(&page, "after");
    cr_expect_neq(cinch_page_end(&page), CINCH_OK);
    cr_expect_str_eq(page.text, "before");
    cinch_page_free(&page);
}
