/* SPDX-License-Identifier: Apache-2.0 */
/* Files of samples that a test makes, and data sets opened from them; for programs with Criterion. */
#ifndef CINCH_TESTS_DATA_SETS_H
#define CINCH_TESTS_DATA_SETS_H

#include <cinch/data.h>
#include <criterion/criterion.h>

#include "data_files.h"

#include <stdlib.h>
#include <string.h>

/* A .npy header's dict. */
#define NPY(descr, order, shape) "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape "}"

/* An IDX header, and as many elements as it claims less `missing` bytes: 1, 2, 3, ... as bytes. */
static inline bytes idx_bytes(int code, int width, int rank, const uint32_t *dim, int64_t missing)
{
    bytes b = {0};
    int64_t count = 1;
    append_big(&b, (uint64_t)code << 8 | (uint64_t)rank, 4);
    for (int i = 0; i < rank; i++) {
        append_big(&b, dim[i], 4);
        count *= dim[i];
    }
    for (int64_t i = 0; i < count; i++) append_big(&b, (uint64_t)(i + 1), width);
    b.size -= (size_t)missing;
    return b;
}

static inline void put(const char *path, bytes b)
{
    size_t n = strlen(path);
    if (n > 3 && strcmp(path + n - 3, ".gz") == 0) put_gzip(path, b.at, b.size);
    else put_file(path, b.at, b.size);
    free(b.at);
}

static inline bytes npy_bytes(int version, const char *dict, const void *data, size_t size)
{
    bytes b = {0};
    append(&b, "\x93NUMPY", 6);
    append_little(&b, (uint64_t)version, 2);
    append_little(&b, strlen(dict), version == 1 ? 2 : 4);
    append(&b, dict, strlen(dict));
    append(&b, data, size);
    return b;
}

static inline cinch_dataset *opened(const char *spec, const cinch_dataset_options *options)
{
    cinch_dataset *d;
    cr_assert_eq(cinch_dataset_open(&d, spec, options), CINCH_OK, "%s", cinch_last_error());
    return d;
}

static inline void refused(const char *spec, const cinch_dataset_options *options, cinch_status status,
                           const char *words)
{
    cinch_dataset *d;
    cinch_status got = cinch_dataset_open(&d, spec, options);
    cr_assert_eq(got, status, "%s: status %d: %s", spec, got, got ? cinch_last_error() : "");
    cr_assert_null(d);
    cr_assert(strstr(cinch_last_error(), words), "%s: '%s', expected '%s'", spec, cinch_last_error(), words);
    cr_assert_not(strchr(cinch_last_error(), '\n'));
}

static inline void check_shape(cinch_shape shape, cinch_shape expected)
{
    cr_assert_eq(shape.rank, expected.rank);
    for (int i = 0; i < shape.rank; i++) cr_assert_eq(shape.dim[i], expected.dim[i]);
}

#endif
