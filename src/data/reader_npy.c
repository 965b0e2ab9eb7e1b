/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .npy, versions 1 to 3 (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html): magic, version, the
 * header's length, a Python dict with descr, fortran_order and shape, then the elements.
 */
#include "data/array.h"
#include "data/reader.h"

#include <stdlib.h>
#include <string.h>

enum { HEADER_MAX = 1 << 20 };

/* --- the header: {'descr': '<f4', 'fortran_order': False, 'shape': (60000, 784), } -------------------------------- */

typedef struct parser {
    const char *at, *name;
    cinch_array *array;
    char descr[16];
    bool has_descr, has_order, has_shape;
} parser;

static cinch_status malformed(const parser *p)
{
    return cinch_fail(CINCH_DATA, "%s: its .npy header is malformed near '%.20s'", p->name, p->at);
}

static void skip_space(parser *p) { p->at += strspn(p->at, " \t\r\n"); }

static bool take(parser *p, char c)
{
    skip_space(p);
    if (*p->at != c) return false;
    p->at++;
    return true;
}

static bool take_word(parser *p, const char *word)
{
    skip_space(p);
    if (strncmp(p->at, word, strlen(word))) return false;
    p->at += strlen(word);
    return true;
}

/* A string in either quotes, cut to fit. */
static bool take_string(parser *p, char *out, size_t size)
{
    skip_space(p);
    char quote = *p->at;
    const char *end = quote == '\'' || quote == '"' ? strchr(p->at + 1, quote) : NULL;
    if (!end) return false;
    size_t n = (size_t)(end - p->at - 1);
    if (n >= size) n = size - 1;
    memcpy(out, p->at + 1, n);
    out[n] = 0;
    p->at = end + 1;
    return true;
}

/* Digits, and the L that Python 2 put after them. */
static cinch_status take_size(parser *p, int64_t *size)
{
    skip_space(p);
    if (*p->at < '0' || *p->at > '9') return malformed(p);
    for (*size = 0; *p->at >= '0' && *p->at <= '9'; p->at++)
        if (__builtin_mul_overflow(*size, 10, size) || __builtin_add_overflow(*size, *p->at - '0', size))
            return cinch_fail(CINCH_DATA, "%s: its header claims a size that overflows", p->name);
    if (*p->at == 'L') p->at++;
    return CINCH_OK;
}

static cinch_status take_shape(parser *p)
{
    cinch_array *a = p->array;
    int64_t size = 0;
    if (!take(p, '(')) return malformed(p);
    while (!take(p, ')')) {
        TRY(take_size(p, &size));
        if (a->rank >= CINCH_RANK_MAX)
            return cinch_fail(CINCH_DATA, "%s: has more than %d axes", p->name, CINCH_RANK_MAX);
        a->dim[a->rank++] = size;
        if (!take(p, ',')) {
            if (!take(p, ')')) return malformed(p);
            break;
        }
    }
    p->has_shape = true;
    return CINCH_OK;
}

static cinch_status take_order(parser *p)
{
    if (take_word(p, "True"))
        return cinch_fail(CINCH_DATA, "%s: is in Fortran order; save numpy.ascontiguousarray(x) instead", p->name);
    p->has_order = take_word(p, "False");
    return p->has_order ? CINCH_OK : malformed(p);
}

static cinch_status take_descr(parser *p)
{
    skip_space(p);
    if (*p->at == '[')
        return cinch_fail(CINCH_DATA, "%s: holds records; save one field of them, an array of numbers", p->name);
    p->has_descr = take_string(p, p->descr, sizeof p->descr);
    return p->has_descr ? CINCH_OK : malformed(p);
}

static cinch_status take_item(parser *p)
{
    char key[32];
    if (!take_string(p, key, sizeof key) || !take(p, ':')) return malformed(p);
    if (strcmp(key, "descr") == 0 && !p->has_descr) return take_descr(p);
    if (strcmp(key, "fortran_order") == 0 && !p->has_order) return take_order(p);
    if (strcmp(key, "shape") == 0 && !p->has_shape) return take_shape(p);
    return malformed(p);
}

static cinch_status take_dict(parser *p)
{
    if (!take(p, '{')) return malformed(p);
    while (!take(p, '}')) {
        TRY(take_item(p));
        if (!take(p, ',')) {
            if (!take(p, '}')) return malformed(p);
            break;
        }
    }
    skip_space(p);
    return *p->at == 0 && p->has_descr && p->has_order && p->has_shape ? CINCH_OK : malformed(p);
}

/* --- descr: byte order, kind, size -------------------------------------------------------------------------------- */

static cinch_status set_element(cinch_array *a, const char *descr)
{
    static const struct { const char *code; cinch_element element; } codes[] = {
        {"b1", CINCH_ELEMENT_BOOL}, {"u1", CINCH_ELEMENT_U8},  {"i1", CINCH_ELEMENT_I8},  {"u2", CINCH_ELEMENT_U16},
        {"i2", CINCH_ELEMENT_I16},  {"f2", CINCH_ELEMENT_F16}, {"u4", CINCH_ELEMENT_U32}, {"i4", CINCH_ELEMENT_I32},
        {"f4", CINCH_ELEMENT_F32},  {"u8", CINCH_ELEMENT_U64}, {"i8", CINCH_ELEMENT_I64}, {"f8", CINCH_ELEMENT_F64},
    };
    const char *code = descr[0] && strchr("<>|=", descr[0]) ? descr + 1 : descr;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(code, codes[i].code) == 0) a->element = codes[i].element;
    a->swapped = descr[0] == '>' && cinch_element_size(a->element) > 1;
    if (a->element) return CINCH_OK;
    if (code[0] == 'O')
        return cinch_fail(CINCH_DATA, "%s: holds Python objects; save an array of numbers", a->input.name);
    return cinch_fail(CINCH_DATA, "%s: holds elements of NumPy type '%s'; bool, integers, f16, f32 and f64 are read",
                      a->input.name, descr);
}

/* --- the file ----------------------------------------------------------------------------------------------------- */

static cinch_status ends_early(const cinch_array *a)
{
    return cinch_fail(CINCH_DATA, "%s: ends inside its .npy header; is it complete?", a->input.name);
}

static cinch_status header_length(cinch_array *a, size_t *length)
{
    uint8_t head[8], size[4] = {0};
    size_t got, bytes;
    TRY(cinch_input_read(&a->input, head, sizeof head, &got));
    if (got < sizeof head) return ends_early(a);
    if (memcmp(head, "\x93NUMPY", 6)) return cinch_fail(CINCH_DATA, "%s: is not .npy data", a->input.name);
    if (head[6] < 1 || head[6] > 3)
        return cinch_fail(CINCH_DATA, "%s: .npy version %d.%d; 1 to 3 are read", a->input.name, head[6], head[7]);
    bytes = head[6] == 1 ? 2 : 4;
    TRY(cinch_input_read(&a->input, size, bytes, &got));
    if (got < bytes) return ends_early(a);
    *length = (size_t)size[0] | (size_t)size[1] << 8 | (size_t)size[2] << 16 | (size_t)size[3] << 24;
    if (*length <= HEADER_MAX) return CINCH_OK;
    return cinch_fail(CINCH_DATA, "%s: a header of %zu bytes; at most %d are read", a->input.name, *length, HEADER_MAX);
}

static cinch_status read_header(cinch_array *a, char *text, size_t length)
{
    size_t got;
    parser p = {.at = text, .name = a->input.name, .array = a};
    TRY(cinch_input_read(&a->input, text, length, &got));
    if (got < length) return ends_early(a);
    if (strlen(text) < length) return cinch_fail(CINCH_DATA, "%s: its .npy header holds a zero byte", a->input.name);
    TRY(take_dict(&p));
    return set_element(a, p.descr);
}

static cinch_status read_array(cinch_array *a)
{
    size_t length = 0;
    TRY(header_length(a, &length));
    char *text = cinch_calloc(length + 1, 1);
    if (!text) return CINCH_DEVICE;
    cinch_status status = read_header(a, text, length);
    free(text);
    TRY(status);
    return cinch_array_load(a);
}

cinch_status cinch_npy_open(cinch_array *array, const char *path)
{
    memset(array, 0, sizeof *array);
    cinch_status status = cinch_input_open(&array->input, path);
    if (!status) status = read_array(array);
    if (status) cinch_array_close(array);
    return status;
}

/* --- the reader --------------------------------------------------------------------------------------------------- */

static bool probe(const char *path, const cinch_peek *peek)
{
    size_t n = strlen(path);
    if (peek->folder) return false;
    if (peek->size >= 6 && memcmp(peek->head, "\x93NUMPY", 6) == 0) return true;
    return n > 4 && strcmp(path + n - 4, ".npy") == 0;
}

static void close_state(void *state)
{
    cinch_array_close(state);
    free(state);
}

static cinch_status open_npy(cinch_source *source, const cinch_spec *spec)
{
    cinch_array *a = cinch_calloc(1, sizeof *a);
    if (!a) return CINCH_DEVICE;
    source->state = a;
    source->close = close_state;
    TRY(cinch_npy_open(a, spec->path));
    source->count[0] = a->dim[0];
    source->rows[0] = a->data;
    source->sample.rank = a->rank - 1;
    memcpy(source->sample.dim, a->dim + 1, (size_t)source->sample.rank * sizeof *a->dim);
    source->element = a->element;
    source->swapped = a->swapped;
    return CINCH_OK;
}

const cinch_reader cinch_reader_npy = {
    .name = "npy",
    .what = "NumPy's array file",
    .probe = probe,
    .open = open_npy,
};
