/* SPDX-License-Identifier: Apache-2.0 */
#include "core/json.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static cinch_status fail_memory(void) { return cinch_fail(CINCH_DEVICE, "out of memory for a JSON value"); }

/* When memory runs out, jansson 2.14 speaks of bad JSON (then errno tells), or loses a letter and goes on, with errno
   lost too where a number follows: so all is read twice and compared. */
static json_t *keep_if_whole(json_t *value, json_t *again)
{
    bool whole = value && again && errno != ENOMEM && json_equal(value, again);
    json_decref(again);
    if (whole) return value;
    if (value) errno = ENOMEM;
    json_decref(value);
    return NULL;
}

json_t *cinch_json_load(const char *text, size_t size, json_error_t *error)
{
    size_t how = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
    errno = 0;
    json_t *value = json_loadb(text, size, how, error);
    return keep_if_whole(value, value ? json_loadb(text, size, how, NULL) : NULL);
}

static cinch_status parse_text(json_t **out, const char *text, size_t size, const char *origin, cinch_status bad)
{
    json_error_t error;
    *out = cinch_json_load(text, size, &error);
    if (*out) return CINCH_OK;
    if (errno == ENOMEM) return fail_memory();
    return cinch_fail(bad, "%s: not JSON: line %d, column %d: %s", origin, error.line, error.column, error.text);
}

cinch_status cinch_json_parse(json_t **out, const char *text, const char *origin, cinch_status bad)
{
    return parse_text(out, text, strlen(text), origin, bad);
}

enum { PIECE = 1 << 16, LONGEST_FILE = 1 << 28 };

/* All of a file, which may be a pipe, into new memory. */
static cinch_status read_all(FILE *file, char **text, size_t *size, const char *path, cinch_status bad)
{
    int room = 0;
    for (size_t got = 1; got; *size += got) {
        if (*size + PIECE > LONGEST_FILE) return cinch_fail(bad, "%s: too long for a JSON file", path);
        TRY(cinch_grow((void **)text, &room, (int)*size + PIECE, 1));
        got = fread(*text + *size, 1, PIECE, file);
    }
    return ferror(file) ? cinch_fail(bad, "%s: cannot be read: %s", path, strerror(errno)) : CINCH_OK;
}

cinch_status cinch_json_read(json_t **out, const char *path, cinch_status bad)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = fopen(path, "rb");
    if (!file)
        return cinch_fail(errno == ENOMEM ? CINCH_DEVICE : bad, "%s: cannot be opened: %s", path, strerror(errno));
    cinch_status status = read_all(file, &text, &size, path, bad);
    fclose(file);
    if (!status) status = parse_text(out, text, size, path, bad);
    free(text);
    return status;
}

cinch_status cinch_json_guess(json_t **out, const char *text)
{
    json_error_t error;
    *out = cinch_json_load(text, strlen(text), &error);
    if (!*out && errno != ENOMEM) *out = json_string(text);
    if (*out) return CINCH_OK;
    return errno == ENOMEM ? fail_memory() : cinch_fail(CINCH_USAGE, "not UTF-8, as JSON must be");
}

cinch_status cinch_json_put(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) ? fail_memory() : CINCH_OK;
}

cinch_status cinch_json_append(json_t *array, json_t *value)
{
    return json_array_append_new(array, value) ? fail_memory() : CINCH_OK;
}

/* Whether `text` is read back as the same value. */
static cinch_status read_back(bool *same, const char *text, const json_t *value)
{
    json_t *again;
    TRY(cinch_json_parse(&again, text, "JSON written by cinch", CINCH_INTERNAL));
    *same = json_equal(again, value);
    json_decref(again);
    return CINCH_OK;
}

static cinch_status dump(char **out, const json_t *value, size_t flags)
{
    errno = 0;
    *out = json_dumps(value, flags);
    if (*out && errno != ENOMEM) return CINCH_OK;
    free(*out);
    *out = NULL;
    return fail_memory();
}

cinch_status cinch_json_text(char **out, const json_t *value, int indent)
{
    size_t flags = JSON_ENCODE_ANY | (indent ? JSON_INDENT((size_t)indent) : 0);
    for (size_t digits = 15;; digits++) {
        bool same = digits == 17;
        TRY(dump(out, value, flags | JSON_REAL_PRECISION(digits)));
        cinch_status status = same ? CINCH_OK : read_back(&same, *out, value);
        if (!status && same) return CINCH_OK;
        free(*out);
        *out = NULL;
        if (status) return status;
    }
}

json_t *cinch_json_lossy(const char *text)
{
    char ascii[1024];
    json_t *value = text ? json_string(text) : json_null();
    if (value) return value;
    snprintf(ascii, sizeof ascii, "%s", text);
    for (char *c = ascii; *c; c++)
        if ((unsigned char)*c > 126) *c = '?';
    return json_string(ascii);
}

char *cinch_json_brief(const json_t *value, char text[48])
{
    char *whole = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    snprintf(text, 48, "%.44s%s", whole ? whole : "?", whole && strlen(whole) > 44 ? "..." : "");
    free(whole);
    return text;
}
