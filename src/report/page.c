/* SPDX-License-Identifier: Apache-2.0 */
#include "report/page.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- life --------------------------------------------------------------------------------------------------------- */

void cinch_page_begin(cinch_page *page)
{
    *page = (cinch_page){ .locale = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0) };
    if (page->locale) page->before = uselocale(page->locale);
    else page->status = cinch_fail(CINCH_DEVICE, "out of memory for a report");
}

static void restore_locale(cinch_page *page)
{
    if (!page->locale) return;
    uselocale(page->before);
    freelocale(page->locale);
    page->locale = (locale_t)0;
}

cinch_status cinch_page_end(cinch_page *page)
{
    restore_locale(page);
    return page->status;
}

void cinch_page_free(cinch_page *page)
{
    restore_locale(page);
    free(page->text);
    *page = (cinch_page){ 0 };
}

/* --- text --------------------------------------------------------------------------------------------------------- */

/* Room for `size` more bytes and the zero; NULL after an error. */
static char *grow(cinch_page *page, size_t size)
{
    if (page->status) return NULL;
    if (size > (size_t)(INT_MAX - page->length - 1))
        page->status = cinch_fail(CINCH_OUTPUT, "a report of more than 2 GB");
    else
        page->status = cinch_grow((void **)&page->text, &page->room, page->length + (int)size + 1, 1);
    return page->status ? NULL : page->text + page->length;
}

static void add(cinch_page *page, const char *bytes, size_t size)
{
    char *to = grow(page, size);
    if (!to) return;
    memcpy(to, bytes, size);
    to[size] = '\0';
    page->length += (int)size;
}

void cinch_page_put(cinch_page *page, const char *html) { add(page, html, strlen(html)); }

void cinch_page_print(cinch_page *page, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    char *to = size >= 0 ? grow(page, (size_t)size) : NULL;
    if (to) vsnprintf(to, (size_t)size + 1, format, again);
    if (to) page->length += size;
    va_end(again);
    va_end(args);
}

/* How many bytes the UTF-8 character at `text` has; 0 where it is none. */
static int character_size(const unsigned char *text)
{
    int size = *text < 0x80 ? 1 : *text >= 0xC2 && *text < 0xE0 ? 2 : *text >= 0xE0 && *text < 0xF0 ? 3
             : *text >= 0xF0 && *text < 0xF5 ? 4 : 0;
    for (int i = 1; i < size; i++)
        if ((text[i] & 0xC0) != 0x80) return 0;
    return size;
}

static const char *escape_of(char c)
{
    switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return (unsigned char)c < 0x20 && c != '\n' && c != '\t' ? " " : NULL;
    }
}

void cinch_page_text(cinch_page *page, const char *text)
{
    while (*text && !page->status) {
        const char *escape = escape_of(*text);
        int size = character_size((const unsigned char *)text);
        if (escape) cinch_page_put(page, escape);
        else if (size) add(page, text, (size_t)size);
        else cinch_page_put(page, "\xEF\xBF\xBD");
        text += size ? size : 1;
    }
}

/* --- numbers ------------------------------------------------------------------------------------------------------ */

void cinch_page_count(cinch_page *page, long long value)
{
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%lld", value);
    for (int i = 0; i < n; i++) {
        add(page, digits + i, 1);
        if (i + 1 < n && (n - 1 - i) % 3 == 0 && digits[i] != '-') cinch_page_put(page, "&#8239;");
    }
}

void cinch_page_number(cinch_page *page, double value)
{
    if (isfinite(value)) cinch_page_print(page, "%.5g", value);
    else cinch_page_put(page, "&ndash;");
}

/* --- pictures ----------------------------------------------------------------------------------------------------- */

/* Base64 of RFC 4648. */
static void add_base64(cinch_page *page, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t length = (size + 2) / 3 * 4;
    char *to = grow(page, length);
    if (!to) return;
    for (size_t i = 0; i < size; i += 3) {
        uint32_t three = (uint32_t)bytes[i] << 16 | (i + 1 < size ? (uint32_t)bytes[i + 1] << 8 : 0) |
                         (i + 2 < size ? bytes[i + 2] : 0);
        for (int k = 0; k < 4; k++) *to++ = i + (size_t)k > size ? '=' : digits[three >> (18 - 6 * k) & 63];
    }
    *to = '\0';
    page->length += (int)length;
}

void cinch_page_picture(cinch_page *page, const cinch_picture *picture, const char *attributes, const char *alt)
{
    uint8_t *png;
    size_t size;
    if (!page->status) page->status = cinch_picture_encode(picture, &png, &size);
    if (page->status) return;
    cinch_page_print(page, "<img %s width='%d' height='%d' alt='", attributes, picture->width, picture->height);
    cinch_page_text(page, alt);
    cinch_page_put(page, "' src='data:image/png;base64,");
    add_base64(page, png, size);
    cinch_page_put(page, "'>");
    free(png);
}
