/* SPDX-License-Identifier: Apache-2.0 */
#include "core/json.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static cinch_status fail_memory(void) { return cinch_fail(CINCH_DEVICE, "out of memory for a JSON value"); }

static cinch_status fail_parse(const char *origin, const json_error_t *error, cinch_status bad)
{
    if (json_error_code(error) == json_error_out_of_memory) return fail_memory();
    if (json_error_code(error) == json_error_cannot_open_file)
        return cinch_fail(bad, "%s: cannot be opened; is the path right?", origin);
    return cinch_fail(bad, "%s: not JSON: line %d, column %d: %s", origin, error->line, error->column, error->text);
}

cinch_status cinch_json_parse(json_t **out, const char *text, const char *origin, cinch_status bad)
{
    json_error_t error;
    *out = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    return *out ? CINCH_OK : fail_parse(origin, &error, bad);
}

cinch_status cinch_json_read(json_t **out, const char *path, cinch_status bad)
{
    json_error_t error;
    *out = json_load_file(path, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    return *out ? CINCH_OK : fail_parse(path, &error, bad);
}

json_t *cinch_json_guess(const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!value && json_error_code(&error) != json_error_out_of_memory) value = json_string(text);
    if (!value) cinch_fail(CINCH_DEVICE, "out of memory, or not UTF-8, in the value of an option");
    return value;
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
static bool reads_back(const char *text, const json_t *value)
{
    json_t *again = json_loads(text, JSON_DECODE_ANY, NULL);
    bool same = again && json_equal(again, value);
    json_decref(again);
    return same;
}

cinch_status cinch_json_text(char **out, const json_t *value, int indent)
{
    size_t flags = JSON_ENCODE_ANY | (indent ? JSON_INDENT((size_t)indent) : 0);
    for (size_t digits = 15; digits <= 17; digits++) {
        *out = json_dumps(value, flags | JSON_REAL_PRECISION(digits));
        if (!*out) return fail_memory();
        if (digits == 17 || reads_back(*out, value)) break;
        free(*out);
    }
    return CINCH_OK;
}

char *cinch_json_brief(const json_t *value, char text[48])
{
    char *whole = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    snprintf(text, 48, "%.44s%s", whole ? whole : "?", whole && strlen(whole) > 44 ? "..." : "");
    free(whole);
    return text;
}
