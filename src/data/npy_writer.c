/* SPDX-License-Identifier: Apache-2.0 */
/* Writing .npy, version 1.0. */
#include <cinch/data.h>

#include "core/status.h"
#include "data/npy_header.h"
#include "data/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 64, PREFIX = 10 /* magic, version, length */ };

struct cinch_npy_writer {
    char *path;
    cinch_output output;
    int64_t bytes, written;
};

static const char *descr_of(cinch_element element)
{
    switch (element) {
    case CINCH_ELEMENT_BOOL: return "|b1";
    case CINCH_ELEMENT_U8: return "|u1";
    case CINCH_ELEMENT_I8: return "|i1";
    case CINCH_ELEMENT_U16: return "<u2";
    case CINCH_ELEMENT_I16: return "<i2";
    case CINCH_ELEMENT_F16: return "<f2";
    case CINCH_ELEMENT_U32: return "<u4";
    case CINCH_ELEMENT_I32: return "<i4";
    case CINCH_ELEMENT_F32: return "<f4";
    case CINCH_ELEMENT_U64: return "<u8";
    case CINCH_ELEMENT_I64: return "<i8";
    case CINCH_ELEMENT_F64: return "<f8";
    case CINCH_ELEMENT_C64: return "<c8";
    default: return NULL;
    }
}

cinch_status cinch_npy_check(const char *path, cinch_element element, cinch_shape shape, int64_t *bytes)
{
    *bytes = (int64_t)cinch_element_size(element);
    if (!descr_of(element))
        return cinch_fail(CINCH_USAGE, "%s: NumPy has no element type %s", path, cinch_element_name(element));
    if (shape.rank < 0 || shape.rank > CINCH_RANK_MAX)
        return cinch_fail(CINCH_USAGE, "%s: an array has 0 to %d axes", path, CINCH_RANK_MAX);
    for (int32_t i = 0; i < shape.rank; i++)
        if (shape.dim[i] < 0 || __builtin_mul_overflow(*bytes, shape.dim[i], bytes))
            return cinch_fail(CINCH_USAGE, "%s: the array's shape overflows", path);
    return CINCH_OK;
}

/* Magic, version, length and the dict, padded with spaces to a multiple of 64 and ended by a newline. */
size_t cinch_npy_header(char text[CINCH_NPY_HEADER_MAX], cinch_element element, cinch_shape shape)
{
    char *dict = text + PREFIX;
    size_t size = CINCH_NPY_HEADER_MAX - PREFIX, at = 0;
    at += (size_t)snprintf(dict, size, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr_of(element));
    for (int32_t i = 0; i < shape.rank; i++)
        at += (size_t)snprintf(dict + at, size - at, shape.rank == 1 ? "%lld," : i ? ", %lld" : "%lld",
                               (long long)shape.dim[i]);
    at += (size_t)snprintf(dict + at, size - at, "), }");
    size_t total = (PREFIX + at + 1 + ALIGN - 1) / ALIGN * ALIGN;
    memset(dict + at, ' ', total - PREFIX - at);
    text[total - 1] = '\n';
    memcpy(text, "\x93NUMPY\x01\x00", 8);
    text[8] = (char)((total - PREFIX) & 255);
    text[9] = (char)((total - PREFIX) >> 8);
    return total;
}

cinch_status cinch_npy_writer_create(cinch_npy_writer **out, const char *path, cinch_element element, cinch_shape shape)
{
    char header[CINCH_NPY_HEADER_MAX];
    int64_t bytes;
    *out = NULL;
    TRY(cinch_npy_check(path, element, shape, &bytes));
    cinch_npy_writer *w = cinch_calloc(1, sizeof *w);
    if (!w) return CINCH_DEVICE;
    w->bytes = bytes;
    w->path = cinch_strdup(path);
    cinch_status status = w->path ? cinch_output_open(&w->output, path) : CINCH_DEVICE;
    if (!status) status = cinch_output_write(&w->output, header, cinch_npy_header(header, element, shape));
    if (status) cinch_npy_writer_free(w);
    else *out = w;
    return status;
}

cinch_status cinch_npy_writer_write(cinch_npy_writer *writer, const void *bytes, size_t size)
{
    if (size > (uint64_t)(writer->bytes - writer->written))
        return cinch_fail(CINCH_USAGE, "%s: more bytes than the array's %lld", writer->path, (long long)writer->bytes);
    TRY(cinch_output_write(&writer->output, bytes, size));
    writer->written += (int64_t)size;
    return CINCH_OK;
}

cinch_status cinch_npy_writer_commit(cinch_npy_writer *writer)
{
    if (writer->written != writer->bytes)
        return cinch_fail(CINCH_USAGE, "%s: %lld bytes of the array's %lld were written", writer->path,
                          (long long)writer->written, (long long)writer->bytes);
    return cinch_output_commit(&writer->output);
}

void cinch_npy_writer_free(cinch_npy_writer *writer)
{
    if (!writer) return;
    cinch_output_close(&writer->output);
    free(writer->path);
    free(writer);
}

cinch_status cinch_npy_write(const char *path, cinch_element element, cinch_shape shape, const void *data)
{
    cinch_npy_writer *writer;
    TRY(cinch_npy_writer_create(&writer, path, element, shape));
    cinch_status status = cinch_npy_writer_write(writer, data, (size_t)writer->bytes);
    if (!status) status = cinch_npy_writer_commit(writer);
    cinch_npy_writer_free(writer);
    return status;
}
