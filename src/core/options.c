/* SPDX-License-Identifier: Apache-2.0 */
#include "core/options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/json.h"

/* --- lists of words ----------------------------------------------------------------------------------------------- */

enum { WORDS_MAX = 128, WORDS_TEXT = 1024 };

typedef struct word_list {
    char text[WORDS_TEXT];
    const char *word[WORDS_MAX];
    int n;
} word_list;

static void split_words(word_list *out, const char *list)
{
    char *rest = NULL;
    snprintf(out->text, sizeof out->text, "%s", list);
    out->n = 0;
    for (char *w = strtok_r(out->text, " ", &rest); w && out->n < WORDS_MAX; w = strtok_r(NULL, " ", &rest))
        out->word[out->n++] = w;
}

int cinch_option_position(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (int i = 0; list && *list; i++) {
        size_t next = strcspn(list, " ");
        if (next == length && !strncmp(list, word, length)) return i;
        list += next + strspn(list + next, " ");
    }
    return -1;
}

cinch_status cinch_option_unknown(const char *what, const char *name, const char *list)
{
    word_list words;
    split_words(&words, list);
    const char *near = cinch_nearest(name, words.word, words.n);
    if (near) return cinch_fail(CINCH_USAGE, "%s %s: unknown; did you mean %s? (%s)", what, name, near, list);
    return cinch_fail(CINCH_USAGE, "%s %s: unknown; there are: %s", what, name, list);
}

cinch_status cinch_device_unknown(const char *what, const char *name)
{
    static const char list[] = "auto cpu cuda cuda:N";
    if (strncasecmp(name, "gpu", 3)) return cinch_option_unknown(what, name, list);
    return cinch_fail(CINCH_USAGE, "%s %s: unknown; did you mean cuda? (%s)", what, name, list);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

const char *cinch_option_leaf(const cinch_option *row) { return strrchr(row->key, '.') + 1; }

const cinch_option *cinch_option_find(const cinch_option *rows, const char *leaf)
{
    for (; rows->key; rows++)
        if (!strcmp(cinch_option_leaf(rows), leaf) || cinch_option_position(rows->aliases, leaf) >= 0) return rows;
    return NULL;
}

static const char *type_name(const cinch_option *row)
{
    static const char *const names[] = {"int", "int", "number", "seconds", "bool", "string", "enum", "ints", "numbers"};
    return row->choices ? "enum" : names[row->type];
}

void cinch_option_describe(const cinch_option *row, cinch_option_info *out)
{
    *out = (cinch_option_info){.key = row->key, .flag = row->flag, .type = type_name(row), .fallback = row->fallback,
                               .choices = row->choices, .aliases = row->aliases, .help = row->help};
}

/* --- one value ---------------------------------------------------------------------------------------------------- */

static cinch_status fail_type(const cinch_option *row, const json_t *value)
{
    static const char *const wanted[] = {
        "a whole number", "a whole number", "a number", "a time such as 90, 90s, 10m or 2h", "true or false",
        "a string", "a string", "whole numbers such as 512,256", "numbers such as 0.8,0.1,0.1"};
    char text[48];
    return cinch_fail(CINCH_USAGE, "%s %s: wrong type; must be %s%s%s", row->key, cinch_json_brief(value, text),
                      wanted[row->type], row->word ? " or " : "", row->word ? row->word : "");
}

static cinch_status check_range(const cinch_option *row, double x)
{
    if (row->low == 0 && row->high == 0) return CINCH_OK;
    bool low = row->low_open ? x > row->low : x >= row->low, high = row->high_open ? x < row->high : x <= row->high;
    if (low && high) return CINCH_OK;
    const char *from = row->low_open ? "above" : "at least", *to = row->high_open ? "below" : "at most";
    if (isinf(row->high))
        return cinch_fail(CINCH_USAGE, "%s %.12g: out of range; must be %s %.12g", row->key, x, from, row->low);
    return cinch_fail(CINCH_USAGE, "%s %.12g: out of range; must be %s %.12g and %s %.12g", row->key, x, from, row->low,
                      to, row->high);
}

static bool is_word(const cinch_option *row, const json_t *value)
{
    return row->word && json_is_string(value) && !strcmp(json_string_value(value), row->word);
}

/* Whole reals (1e4) are integers too, as far as a double counts by ones. */
static cinch_status read_integer(const cinch_option *row, const json_t *value, int64_t *out)
{
    double real = json_number_value(value);
    if (json_is_integer(value)) *out = json_integer_value(value);
    else if (json_is_real(value) && floor(real) == real && fabs(real) <= 0x1p53) *out = (int64_t)real;
    else return fail_type(row, value);
    return check_range(row, (double)*out);
}

static cinch_status read_number(const cinch_option *row, const json_t *value, double *out)
{
    if (!json_is_number(value)) return fail_type(row, value);
    *out = json_number_value(value);
    return check_range(row, *out);
}

static cinch_status set_integer(const cinch_option *row, const json_t *value, void *field)
{
    int64_t x = (int64_t)row->word_value;
    if (!is_word(row, value)) TRY(read_integer(row, value, &x));
    if (row->type == CINCH_OPTION_INT64) *(int64_t *)field = x;
    else if (x >= INT32_MIN && x <= INT32_MAX) *(int *)field = (int)x;
    else return fail_type(row, value);
    return CINCH_OK;
}

static cinch_status set_number(const cinch_option *row, const json_t *value, double *field)
{
    *field = row->word_value;
    return is_word(row, value) ? CINCH_OK : read_number(row, value, field);
}

/* "10m" to 600; the number before the unit is JSON's, so that no locale matters. */
static cinch_status set_seconds(const cinch_option *row, const json_t *value, double *field)
{
    static const double seconds[] = {1, 60, 3600, 86400};
    if (!json_is_string(value)) return set_number(row, value, field);
    char text[32], units[] = "smhd";
    size_t length = json_string_length(value);
    if (length < 2 || length >= sizeof text) return fail_type(row, value);
    memcpy(text, json_string_value(value), length + 1);
    const char *unit = strchr(units, text[length - 1]);
    if (unit) text[length - 1] = '\0';
    json_t *number;
    TRY(cinch_json_guess(&number, text));
    bool fits = json_is_number(number);
    double x = json_number_value(number) * (unit ? seconds[unit - units] : 1);
    json_decref(number);
    if (!fits) return fail_type(row, value);
    *field = x;
    return check_range(row, x);
}

static cinch_status set_string(const cinch_option *row, const json_t *value, char **field)
{
    if (!json_is_string(value)) return fail_type(row, value);
    const char *text = json_string_value(value);
    if (row->choices && cinch_option_position(row->choices, text) < 0)
        return cinch_option_unknown(row->key, text, row->choices);
    *field = cinch_strdup(text);
    return *field ? CINCH_OK : CINCH_DEVICE;
}

static cinch_status set_enum(const cinch_option *row, const json_t *value, int *field)
{
    if (!json_is_string(value)) return fail_type(row, value);
    *field = cinch_option_position(row->choices, json_string_value(value));
    return *field >= 0 ? CINCH_OK : cinch_option_unknown(row->key, json_string_value(value), row->choices);
}

static cinch_status list_of_one(const json_t *value, json_t **out)
{
    *out = json_array();
    cinch_status status = cinch_json_append(*out, json_incref((json_t *)value));
    if (status) json_decref(*out);
    return status;
}

/* A list of any spelling as a JSON array, a new reference. */
static cinch_status read_array(const cinch_option *row, const json_t *value, json_t **out)
{
    if (!json_is_array(value) && !json_is_number(value) && !json_is_string(value)) return fail_type(row, value);
    if (json_is_array(value)) {
        *out = json_incref((json_t *)value);
        return CINCH_OK;
    }
    if (json_is_number(value)) return list_of_one(value, out);
    char *text = cinch_format("[%s]", json_string_value(value));
    cinch_status status = text ? cinch_json_parse(out, text, row->key, CINCH_USAGE) : CINCH_DEVICE;
    free(text);
    return status == CINCH_USAGE ? fail_type(row, value) : status;
}

static cinch_status fill_ints(const cinch_option *row, const json_t *value, const json_t *array, cinch_ints *field)
{
    field->n = (int)json_array_size(array);
    if (row->count && field->n > row->count)
        return cinch_fail(CINCH_USAGE, "%s: %d numbers; must be at most %d", row->key, field->n, row->count);
    field->v = cinch_calloc((size_t)field->n, sizeof *field->v);
    if (!field->v) return CINCH_DEVICE;
    for (int i = 0; i < field->n; i++) {
        const json_t *item = json_array_get(array, (size_t)i);
        if (!json_is_number(item)) return fail_type(row, value);
        TRY(read_integer(row, item, &field->v[i]));
    }
    return CINCH_OK;
}

static cinch_status fill_numbers(const cinch_option *row, const json_t *value, const json_t *array, double *field)
{
    if (json_array_size(array) != (size_t)row->count)
        return cinch_fail(CINCH_USAGE, "%s: %zu numbers; must be %d", row->key, json_array_size(array), row->count);
    for (int i = 0; i < row->count; i++) {
        const json_t *item = json_array_get(array, (size_t)i);
        if (!json_is_number(item)) return fail_type(row, value);
        TRY(read_number(row, item, &field[i]));
    }
    return CINCH_OK;
}

static cinch_status set_list(const cinch_option *row, const json_t *value, void *field)
{
    json_t *array;
    TRY(read_array(row, value, &array));
    cinch_status status = row->type == CINCH_OPTION_INTS ? fill_ints(row, value, array, field)
                                                         : fill_numbers(row, value, array, field);
    json_decref(array);
    return status;
}

static cinch_status set_value(const cinch_option *row, const json_t *value, void *field)
{
    switch (row->type) {
    case CINCH_OPTION_INT:
    case CINCH_OPTION_INT64: return set_integer(row, value, field);
    case CINCH_OPTION_NUMBER: return set_number(row, value, field);
    case CINCH_OPTION_SECONDS: return set_seconds(row, value, field);
    case CINCH_OPTION_BOOL:
        *(bool *)field = json_is_true(value);
        return json_is_boolean(value) ? CINCH_OK : fail_type(row, value);
    case CINCH_OPTION_STRING: return set_string(row, value, field);
    case CINCH_OPTION_ENUM: return set_enum(row, value, field);
    case CINCH_OPTION_INTS:
    case CINCH_OPTION_NUMBERS: return set_list(row, value, field);
    }
    return cinch_fail(CINCH_INTERNAL, "%s: no such type of option", row->key);
}

static void free_value(const cinch_option *row, void *field)
{
    if (row->type == CINCH_OPTION_STRING) {
        free(*(char **)field);
        *(char **)field = NULL;
    } else if (row->type == CINCH_OPTION_INTS) {
        free(((cinch_ints *)field)->v);
        *(cinch_ints *)field = (cinch_ints){0};
    }
}

cinch_status cinch_option_check(const cinch_option *row, const json_t *value)
{
    union { char *string; cinch_ints ints; int64_t integer; double numbers[8]; } scratch = {0};
    if (json_is_null(value)) return CINCH_OK;
    cinch_status status = set_value(row, value, &scratch);
    free_value(row, &scratch);
    return status;
}

static cinch_status put_string(json_t **out, const char *text)
{
    *out = json_string(text);
    return *out ? CINCH_OK : cinch_fail(CINCH_DEVICE, "out of memory for the value of an option");
}

cinch_status cinch_option_value(json_t **out, const char *type, const char *text)
{
    char padded[64];
    if (*text == '.' && !strcmp(type, "number") && strlen(text) < sizeof padded - 1) {
        snprintf(padded, sizeof padded, "0%s", text); /* JSON knows no .001 */
        text = padded;
    }
    TRY(cinch_json_guess(out, text));
    if (json_is_string(*out) || json_is_null(*out) || (strcmp(type, "string") && strcmp(type, "enum"))) return CINCH_OK;
    json_decref(*out); /* a folder may be called 2024 */
    return put_string(out, text);
}

/* --- whole structs ------------------------------------------------------------------------------------------------ */

static void *field_of(const cinch_option *row, const void *base) { return (char *)base + row->offset; }

static cinch_status set_default(const cinch_option *row, void *field)
{
    if (!row->fallback) return CINCH_OK;
    json_t *value;
    TRY(cinch_option_value(&value, type_name(row), row->fallback));
    cinch_status status = set_value(row, value, field);
    json_decref(value);
    return status;
}

/* The value given under the key or one of its aliases; the JSON object itself lets no key stand twice. */
static cinch_status given_value(const cinch_option *row, const json_t *object, const json_t **out)
{
    const char *key, *found = NULL;
    json_t *value;
    *out = NULL;
    json_object_foreach((json_t *)object, key, value) {
        if (strcmp(key, cinch_option_leaf(row)) && cinch_option_position(row->aliases, key) < 0) continue;
        if (found) return cinch_fail(CINCH_USAGE, "%s: given twice, as %s and %s; leave one out", row->key, found, key);
        found = key;
        *out = value;
    }
    return CINCH_OK;
}

static cinch_status read_row(const cinch_option *row, const json_t *object, void *field)
{
    const json_t *value = NULL;
    if (object) TRY(given_value(row, object, &value));
    return value && !json_is_null(value) ? set_value(row, value, field) : set_default(row, field);
}

static cinch_status fail_key(const cinch_option_set *sets, int n, const char *key)
{
    const char *names[WORDS_MAX];
    const char *in = sets[0].rows->key;
    int count = 0, dot = (int)(cinch_option_leaf(sets[0].rows) - in);
    for (int i = 0; i < n; i++)
        for (const cinch_option *row = sets[i].rows; row->key && count < WORDS_MAX; row++)
            names[count++] = cinch_option_leaf(row);
    const char *near = cinch_nearest(key, names, count);
    if (near) return cinch_fail(CINCH_USAGE, "%.*s%s: unknown key; did you mean %.*s%s?", dot, in, key, dot, in, near);
    return cinch_fail(CINCH_USAGE, "%.*s%s: unknown key; `cinch config` lists the keys", dot, in, key);
}

static cinch_status check_keys(const cinch_option_set *sets, int n, const json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        bool known = false;
        for (int i = 0; i < n; i++) known = known || cinch_option_find(sets[i].rows, key);
        if (!known) return fail_key(sets, n, key);
    }
    return CINCH_OK;
}

cinch_status cinch_options_read(const cinch_option_set *sets, int n, const json_t *object)
{
    TRY(check_keys(sets, n, object));
    for (int i = 0; i < n; i++)
        for (const cinch_option *row = sets[i].rows; row->key; row++)
            TRY(read_row(row, object, field_of(row, sets[i].base)));
    return CINCH_OK;
}

static json_t *number_value(const cinch_option *row, double x)
{
    return row->word && x == row->word_value ? json_string(row->word) : json_real(x);
}

static json_t *integer_value(const cinch_option *row, int64_t x)
{
    return row->word && (double)x == row->word_value ? json_string(row->word) : json_integer(x);
}

static json_t *list_value(const cinch_option *row, const void *field)
{
    const cinch_ints *ints = field;
    const double *numbers = field;
    bool whole = row->type == CINCH_OPTION_INTS;
    json_t *array = json_array();
    for (int i = 0; array && i < (whole ? ints->n : row->count); i++)
        if (cinch_json_append(array, whole ? json_integer(ints->v[i]) : json_real(numbers[i]))) {
            json_decref(array);
            return NULL;
        }
    return array;
}

static json_t *choice_value(const cinch_option *row, int position)
{
    word_list words;
    split_words(&words, row->choices);
    return json_string(words.word[position]);
}

static json_t *value_of(const cinch_option *row, const void *field)
{
    switch (row->type) {
    case CINCH_OPTION_INT: return integer_value(row, *(const int *)field);
    case CINCH_OPTION_INT64: return integer_value(row, *(const int64_t *)field);
    case CINCH_OPTION_NUMBER:
    case CINCH_OPTION_SECONDS: return number_value(row, *(const double *)field);
    case CINCH_OPTION_BOOL: return json_boolean(*(const bool *)field);
    case CINCH_OPTION_STRING: return *(char *const *)field ? json_string(*(char *const *)field) : json_null();
    case CINCH_OPTION_ENUM: return choice_value(row, *(const int *)field);
    case CINCH_OPTION_INTS:
    case CINCH_OPTION_NUMBERS: return list_value(row, field);
    }
    return NULL;
}

cinch_status cinch_options_write(const cinch_option_set *sets, int n, json_t *object)
{
    for (int i = 0; i < n; i++)
        for (const cinch_option *row = sets[i].rows; row->key; row++)
            TRY(cinch_json_put(object, cinch_option_leaf(row), value_of(row, field_of(row, sets[i].base))));
    return CINCH_OK;
}

void cinch_options_free(const cinch_option_set *sets, int n)
{
    for (int i = 0; i < n; i++)
        for (const cinch_option *row = sets[i].rows; sets[i].base && row->key; row++)
            free_value(row, field_of(row, sets[i].base));
}

/* Of bools and numbers, which is all that `only` stands at. */
static cinch_status compare_default(bool *same, const cinch_option *row, const void *field)
{
    union { int64_t integer; int small; double number; bool flag; } fallback = {0};
    TRY(set_default(row, &fallback));
    switch (row->type) {
    case CINCH_OPTION_BOOL: *same = *(const bool *)field == fallback.flag; break;
    case CINCH_OPTION_INT: *same = *(const int *)field == fallback.small; break;
    case CINCH_OPTION_INT64: *same = *(const int64_t *)field == fallback.integer; break;
    default: *same = *(const double *)field == fallback.number;
    }
    return CINCH_OK;
}

cinch_status cinch_options_suit(const cinch_option *rows, const void *base, const char *name)
{
    for (; rows->key; rows++) {
        if (!rows->only || cinch_option_position(rows->only, name) >= 0) continue;
        bool same;
        TRY(compare_default(&same, rows, field_of(rows, base)));
        if (!same)
            return cinch_fail(CINCH_USAGE, "%s: means nothing to %s; it belongs to: %s", rows->key, name, rows->only);
    }
    return CINCH_OK;
}
