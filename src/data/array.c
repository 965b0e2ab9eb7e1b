/* SPDX-License-Identifier: Apache-2.0 */
#include "data/array.h"

#include "data/element.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void cinch_array_close(cinch_array *array)
{
    cinch_input_close(&array->input);
    memset(array, 0, sizeof *array);
}

/* 1234567 as "1,234,567". */
static const char *grouped(char text[32], uint64_t number)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number), at = 0;
    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0) text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = 0;
    return text;
}

/* "10000 images of 28x28", "10000 values", "an array of [2, 3, 4, 5]". */
static const char *contents(const cinch_array *a, char *text, size_t size)
{
    bool picture = a->rank == 3 && a->element == CINCH_ELEMENT_U8;
    size_t at = (size_t)snprintf(text, size,
                                 picture ? "%lld images of %lldx%lld"
                                         : a->rank == 1 ? "%lld values" : "an array of [%lld",
                                 (long long)a->dim[0], (long long)a->dim[1], (long long)a->dim[2]);
    if (picture || a->rank == 1) return text;
    for (int32_t i = 1; i < a->rank && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, ", %lld", (long long)a->dim[i]);
    if (at < size) snprintf(text + at, size - at, "]");
    return text;
}

static cinch_status measure(cinch_array *a)
{
    a->bytes = (int64_t)cinch_element_size(a->element);
    for (int32_t i = 0; i < a->rank; i++) {
        if (a->dim[i] == 0) return cinch_fail(CINCH_DATA, "%s: is empty: axis %d has no elements", a->input.name, i);
        if (a->dim[i] < 0 || __builtin_mul_overflow(a->bytes, a->dim[i], &a->bytes))
            return cinch_fail(CINCH_DATA, "%s: its header claims a size that overflows", a->input.name);
    }
    return CINCH_OK;
}

static cinch_status check_header(const cinch_array *a)
{
    if (a->rank == 0) return cinch_fail(CINCH_DATA, "%s: holds a single number, not an array", a->input.name);
    if (a->rank > CINCH_RANK_MAX)
        return cinch_fail(CINCH_DATA, "%s: has %d axes; %d at most", a->input.name, a->rank, CINCH_RANK_MAX);
    if (!cinch_element_convertible(a->element))
        return cinch_fail(CINCH_DATA, "%s: elements of an unknown type", a->input.name);
    return CINCH_OK;
}

cinch_status cinch_array_load(cinch_array *array)
{
    size_t got = 0, rest = 0;
    char number[32], text[160];
    TRY(check_header(array));
    TRY(measure(array));
    TRY(cinch_input_load(&array->input, (size_t)array->bytes, &array->data, &got));
    if (got < (size_t)array->bytes)
        return cinch_fail(CINCH_DATA, "%s: %s bytes short of %s; is the download complete?", array->input.name,
                          grouped(number, (uint64_t)array->bytes - got), contents(array, text, sizeof text));
    TRY(cinch_input_rest(&array->input, &rest));
    if (rest == 0) return CINCH_OK;
    return cinch_fail(CINCH_DATA, "%s: %s bytes left over after %s", array->input.name, grouped(number, rest),
                      contents(array, text, sizeof text));
}

cinch_status cinch_labels_convert(const char *name, cinch_element element, bool swapped, const void *bytes,
                                  int64_t count, int32_t *out)
{
    size_t size = cinch_element_size(element);
    for (int64_t i = 0; i < count; i++) {
        double value = cinch_element_double(element, swapped, (const uint8_t *)bytes + (size_t)i * size);
        if (!(value >= 0 && value < INT32_MAX) || value != floor(value))
            return cinch_fail(CINCH_DATA, "%s: label %g at row %lld; labels are whole numbers from 0", name, value,
                              (long long)i);
        out[i] = (int32_t)value;
    }
    return CINCH_OK;
}
