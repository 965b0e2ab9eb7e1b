/* SPDX-License-Identifier: Apache-2.0 */
#include <cinch/data.h>
#include <criterion/criterion.h>

#include "data/spec.h"
#include "data_files.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(readers, .fini = remove_folder);

/* --- making files ------------------------------------------------------------------------------------------- */

/* An IDX header, and as many elements as it claims less `missing` bytes: 1, 2, 3, ... as bytes. */
static bytes idx_bytes(int code, int width, int rank, const uint32_t *dim, int64_t missing)
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

static void put(const char *path, bytes b)
{
    size_t n = strlen(path);
    if (n > 3 && strcmp(path + n - 3, ".gz") == 0) put_gzip(path, b.at, b.size);
    else put_file(path, b.at, b.size);
    free(b.at);
}

static bytes npy_bytes(int version, const char *dict, const void *data, size_t size)
{
    bytes b = {0};
    append(&b, "\x93NUMPY", 6);
    append_little(&b, (uint64_t)version, 2);
    append_little(&b, strlen(dict), version == 1 ? 2 : 4);
    append(&b, dict, strlen(dict));
    append(&b, data, size);
    return b;
}

static cinch_dataset *opened(const char *spec, const cinch_dataset_options *options)
{
    cinch_dataset *d;
    cr_assert_eq(cinch_dataset_open(&d, spec, options), CINCH_OK, "%s", cinch_last_error());
    return d;
}

static void refused(const char *spec, const cinch_dataset_options *options, cinch_status status, const char *words)
{
    cinch_dataset *d;
    cinch_status got = cinch_dataset_open(&d, spec, options);
    cr_assert_eq(got, status, "%s: status %d: %s", spec, got, got ? cinch_last_error() : "");
    cr_assert_null(d);
    cr_assert(strstr(cinch_last_error(), words), "%s: '%s', expected '%s'", spec, cinch_last_error(), words);
    cr_assert_not(strchr(cinch_last_error(), '\n'));
}

static void check_shape(cinch_shape shape, cinch_shape expected)
{
    cr_assert_eq(shape.rank, expected.rank);
    for (int i = 0; i < shape.rank; i++) cr_assert_eq(shape.dim[i], expected.dim[i]);
}

/* --- IDX ---------------------------------------------------------------------------------------------------- */

Test(readers, idx_types)
{
    static const struct { int code, width; const char *type; double third; } types[] = {
        {0x08, 1, "U8", 3}, {0x09, 1, "I8", 3}, {0x0B, 2, "I16", 3}, {0x0C, 4, "I32", 3},
        {0x0D, 4, "F32", 0x1.8p-148}, {0x0E, 8, "F64", 0 /* a subnormal f64 is 0 in f32 */}};
    static const char *const names[] = {"x-idx2-ubyte", "x-idx2-ubyte.gz"};
    float value[8];
    for (int t = 0; t < 6; t++)
        for (int z = 0; z < 2; z++) {
            const char *path = in_folder(names[z]);
            put(path, idx_bytes(types[t].code, types[t].width, 2, (uint32_t[]){2, 4}, 0));
            cinch_dataset *d = opened(path, &(cinch_dataset_options){.range_none = true});
            const cinch_dataset_info *i = cinch_dataset_describe(d);
            cr_assert_str_eq(i->source_type, types[t].type);
            cr_assert_eq(i->rows, 2);
            check_shape(i->sample, CINCH_SHAPE(4));
            cr_assert_eq(cinch_dataset_gather_float(d, NULL, 2, value), CINCH_OK);
            cr_assert_eq(value[2], (float)types[t].third, "%s: %g", types[t].type, value[2]);
            cinch_dataset_free(d);
        }
}

Test(readers, idx_hostile)
{
    const char *path = in_folder("x-idx3-ubyte");
    bytes good = idx_bytes(8, 1, 3, (uint32_t[]){3, 4, 5}, 0);
    for (size_t n = 0; n < good.size; n++) {
        put_file(path, good.at, n);
        refused(path, NULL, CINCH_DATA, n < 16 ? "ends inside its IDX header" : "short of 3 images of 4x5");
        put_gzip(path, good.at, n);
        refused(path, NULL, CINCH_DATA, n < 16 ? "ends inside its IDX header" : "short of 3 images of 4x5");
    }
    append(&good, "x", 1);
    put_file(path, good.at, good.size);
    refused(path, NULL, CINCH_DATA, "1 bytes left over after 3 images of 4x5");
    put_gzip(path, good.at, good.size);
    refused(path, NULL, CINCH_DATA, "1 bytes left over after 3 images of 4x5");
    free(good.at);
    static const struct { const char *bytes; size_t size; const char *words; } bad[] = {
        {"\0\0\x08\0", 4, "has 0 axes"},
        {"\0\0\x08\x07zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", 36, "has 7 axes"},
        {"\0\0\x0A\x01\0\0\0\x01x", 9, "is not IDX data"},
        {"\0\1\x08\x01\0\0\0\x01x", 9, "is not IDX data"},
        {"\0\0\x08\x01\0\0\0\0", 8, "is empty: axis 0"},
        {"\0\0\x08\x02\0\0\0\1\0\0\0\0", 12, "is empty: axis 1"},
        {"\0\0\x08\x02\xFF\xFF\xFF\xFF\x7F\xFF\xFF\xFF", 12, "short of an array of [4294967295, 2147483647]"},
        {"\0\0\x08\x02\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 12, "overflows"},
        {"\0\0\x08\x03\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 16, "overflows"},
        {"\0\0\x0E\x02\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 12, "overflows"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put_file(path, bad[i].bytes, bad[i].size);
        refused(path, NULL, CINCH_DATA, bad[i].words);
        put_gzip(path, bad[i].bytes, bad[i].size);
        refused(path, NULL, CINCH_DATA, bad[i].words);
    }
}

/* gzip files that were cut or damaged. */
Test(readers, idx_gzip_damage)
{
    const char *path = in_folder("x-idx3-ubyte.gz");
    size_t size;
    cinch_dataset *d;
    put(path, idx_bytes(8, 1, 3, (uint32_t[]){20, 8, 8}, 0));
    uint8_t *all = get_file(path, &size);
    for (size_t n = 0; n < size; n++) {
        put_file(path, all, n);
        cr_assert_eq(cinch_dataset_open(&d, path, NULL), CINCH_DATA, "%zu of %zu bytes", n, size);
        cr_assert(error_says(path, ""));
    }
    put_file(path, all, size - 4);
    refused(path, NULL, CINCH_DATA, "the gzip file ends early; is the download complete?");
    all[size - 8] ^= 1;
    put_file(path, all, size);
    refused(path, NULL, CINCH_DATA, ".gz: damaged gzip data: incorrect data check");
    free(all);
}

Test(readers, idx_says_how_much_is_missing)
{
    const char *path = in_folder("t10k-images-idx3-ubyte.gz");
    put(path, idx_bytes(8, 1, 3, (uint32_t[]){10000, 28, 28}, 1200));
    refused(path, NULL, CINCH_DATA,
            "t10k-images-idx3-ubyte.gz: 1,200 bytes short of 10000 images of 28x28; is the download complete?");
}

/* --- folders ------------------------------------------------------------------------------------------------ */

static void put_mnist(const char *suffix, bool labels, bool test)
{
    char name[64];
    snprintf(name, sizeof name, "train-images-idx3-ubyte%s", suffix);
    put(in_folder(name), idx_bytes(8, 1, 3, (uint32_t[]){6, 2, 3}, 0));
    snprintf(name, sizeof name, "t10k-images-idx3-ubyte%s", suffix);
    if (test) put(in_folder(name), idx_bytes(8, 1, 3, (uint32_t[]){4, 2, 3}, 0));
    snprintf(name, sizeof name, "train-labels-idx1-ubyte%s", suffix);
    if (labels) put(in_folder(name), idx_bytes(8, 1, 1, (uint32_t[]){6}, 0));
    snprintf(name, sizeof name, "t10k-labels-idx1-ubyte%s", suffix);
    if (labels && test) put(in_folder(name), idx_bytes(8, 1, 1, (uint32_t[]){4}, 0));
}

static void check_mnist(bool labels, bool test)
{
    int32_t index[] = {5, 6};
    uint8_t rows[12];
    cinch_dataset *d = opened(in_folder("."), NULL);
    const cinch_dataset_info *i = cinch_dataset_describe(d);
    cr_assert_str_eq(i->reader, "idx");
    cr_assert_eq(i->rows, test ? 10 : 6);
    cr_assert_eq(i->container_test, test ? 4 : 0);
    cr_assert_eq(i->dtype, CINCH_U8);
    check_shape(i->sample, CINCH_SHAPE(2, 3, 1));
    check_shape(i->source, CINCH_SHAPE(2, 3));
    cr_assert_eq(i->has_labels, labels);
    cr_assert_eq(i->classes, labels ? 7 : 0);
    cr_assert_eq(cinch_dataset_gather(d, index, test ? 2 : 1, rows), CINCH_OK);
    cr_assert(rows[0] == 31 && rows[5] == 36 && (!test || (rows[6] == 1 && rows[11] == 6)));
    if (labels) cr_assert(cinch_dataset_labels(d)[5] == 6 && (!test || cinch_dataset_labels(d)[9] == 4));
    else cr_assert_null(cinch_dataset_labels(d));
    cinch_dataset_free(d);
    remove_folder();
}

Test(readers, mnist_folders)
{
    for (int i = 0; i < 8; i++) {
        put_mnist(i & 4 ? ".gz" : "", i & 1, i & 2);
        check_mnist(i & 1, i & 2);
    }
    put(in_folder("train-images.idx3-ubyte"), idx_bytes(8, 1, 3, (uint32_t[]){6, 2, 3}, 0));
    put(in_folder("t10k-images.idx3-ubyte.gz"), idx_bytes(8, 1, 3, (uint32_t[]){4, 2, 3}, 0));
    check_mnist(false, true);
}

Test(readers, mnist_folders_refused)
{
    refused(in_folder("."), NULL, CINCH_DATA, "a folder without train-images-idx3-ubyte");
    put_mnist("", true, true);
    unlink(in_folder("train-images-idx3-ubyte"));
    refused(in_folder("."), NULL, CINCH_DATA, "train-images-idx3-ubyte (plain or .gz) is missing");
    put_mnist("", true, true);
    unlink(in_folder("t10k-labels-idx1-ubyte"));
    refused(in_folder("."), NULL, CINCH_DATA, "t10k-labels-idx1-ubyte is missing");
    put_mnist("", true, true);
    put(in_folder("train-labels-idx1-ubyte"), idx_bytes(8, 1, 1, (uint32_t[]){5}, 0));
    refused(in_folder("."), NULL, CINCH_DATA, "train-labels-idx1-ubyte: 5 labels for 6 samples");
    put(in_folder("train-labels-idx1-ubyte"), idx_bytes(8, 1, 2, (uint32_t[]){6, 1}, 0));
    refused(in_folder("."), NULL, CINCH_DATA, "one number a row");
    put_mnist("", true, true);
    put(in_folder("t10k-images-idx3-ubyte"), idx_bytes(8, 1, 3, (uint32_t[]){4, 3, 2}, 0));
    refused(in_folder("."), NULL, CINCH_DATA, "another shape or type");
    put(in_folder("t10k-images-idx3-ubyte"), idx_bytes(8, 1, 3, (uint32_t[]){4, 2, 3}, 7));
    refused(in_folder("."), NULL, CINCH_DATA, "t10k-images-idx3-ubyte: 7 bytes short of 4 images of 2x3");
}

/* --- .npy --------------------------------------------------------------------------------------------------- */

Test(readers, npy_types)
{
    static const struct { const char *descr; int width; uint64_t word; float value; } types[] = {
        {"|b1", 1, 1, 1}, {"|u1", 1, 200, 200}, {"|i1", 1, 0x9C, -100}, {"u1", 1, 200, 200},
        {"<u2", 2, 65535, 65535}, {"<i2", 2, 0x8001, -32767}, {">u2", 2, 65535, 65535}, {">i2", 2, 0x8001, -32767},
        {"<f2", 2, 0xC248, -3.140625f}, {">f2", 2, 0xC248, -3.140625f}, {"=f2", 2, 0xC248, -3.140625f},
        {"<u4", 4, 3000000000, 3000000000.f}, {">u4", 4, 3000000000, 3000000000.f}, {"<i4", 4, 0xFFFFFFFE, -2},
        {">i4", 4, 0xFFFFFFFE, -2}, {"<f4", 4, 0xC0490FDB, -3.14159274f}, {">f4", 4, 0xC0490FDB, -3.14159274f},
        {"<u8", 8, UINT64_MAX, 0x1p64f}, {">i8", 8, (uint64_t)-7, -7}, {"<i8", 8, (uint64_t)-7, -7},
        {"<f8", 8, 0xC00921FB54442D18, -3.14159274f}, {">f8", 8, 0xC00921FB54442D18, -3.14159274f},
    };
    char dict[128];
    float value[4];
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        for (int version = 1; version <= 3; version++) {
            const char *path = in_folder("x.npy");
            bytes data = {0};
            for (int i = 0; i < 4; i++)
                (types[t].descr[0] == '>' ? append_big : append_little)(&data, i == 1 ? types[t].word : 0, types[t].width);
            snprintf(dict, sizeof dict, "{'descr': '%s', 'fortran_order': False, 'shape': (2, 2), }\n", types[t].descr);
            put(path, npy_bytes(version, dict, data.at, data.size));
            free(data.at);
            cinch_dataset *d = opened(path, &(cinch_dataset_options){.range_none = true});
            cr_assert_eq(cinch_dataset_describe(d)->dtype, types[t].width == 1 && types[t].value >= 0 ? CINCH_U8 : CINCH_F32);
            cr_assert_eq(cinch_dataset_gather_float(d, NULL, 2, value), CINCH_OK);
            cr_assert(value[0] == 0 && value[1] == types[t].value && value[2] == 0, "%s: %g", types[t].descr, value[1]);
            cinch_dataset_free(d);
        }
}

#define NPY(descr, order, shape) "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape "}"

Test(readers, npy_headers)
{
    static const struct { const char *dict; cinch_shape source; int64_t rows; } good[] = {
        {NPY("'<f4'", "False", "(6,)"), {0}, 6},
        {NPY("'<f4'", "False", "(6 , )"), {0}, 6},
        {"{'shape':(2L,3L),'fortran_order':False,'descr':'<f4'}", {1, {3}}, 2},
        {"{\"descr\":\"<f4\",\"shape\":(1,2,3),\"fortran_order\":False,}   \n", {2, {2, 3}}, 1},
        {NPY("'<f4'", "False", "(1,1,1,1,1,6)"), {5, {1, 1, 1, 1, 6}}, 1},
    };
    float zeros[6] = {0};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        const char *path = in_folder("x.npy");
        put(path, npy_bytes(1, good[i].dict, zeros, sizeof zeros));
        cinch_dataset *d = opened(path, &(cinch_dataset_options){.layout = "channels_last"});
        cr_assert_eq(cinch_dataset_describe(d)->rows, good[i].rows);
        check_shape(cinch_dataset_describe(d)->source, good[i].source);
        cinch_dataset_free(d);
    }
}

Test(readers, npy_hostile)
{
    static const struct { const char *dict, *words; } bad[] = {
        {NPY("'<f4'", "True", "(2, 2)"), "Fortran order; save numpy.ascontiguousarray(x)"},
        {NPY("'|O'", "False", "(2, 2)"), "holds Python objects"},
        {NPY("[('a', '<f4')]", "False", "(2, 2)"), "holds records"},
        {NPY("'<U7'", "False", "(2, 2)"), "NumPy type '<U7'"},
        {NPY("'<c8'", "False", "(2, 2)"), "NumPy type '<c8'"},
        {NPY("'<M8[ns]'", "False", "(2, 2)"), "NumPy type"},
        {NPY("'<f16'", "False", "(2, 2)"), "NumPy type '<f16'"},
        {NPY("''", "False", "(2, 2)"), "NumPy type ''"},
        {NPY("'<f4'", "False", "()"), "a single number"},
        {NPY("'<f4'", "False", "(1,1,1,1,1,1,4)"), "more than 6 axes"},
        {NPY("'<f4'", "False", "(0, 4)"), "is empty: axis 0"},
        {NPY("'<f4'", "False", "(-1, 4)"), "malformed"},
        {NPY("'<f4'", "False", "(2 2)"), "malformed"},
        {NPY("'<f4'", "False", "(2, 2"), "malformed"},
        {NPY("'<f4'", "False", "[2, 2]"), "malformed"},
        {NPY("'<f4'", "False", "(2.0, 2)"), "malformed"},
        {NPY("'<f4'", "0", "(2, 2)"), "malformed"},
        {NPY("<f4", "False", "(2, 2)"), "malformed"},
        {NPY("'<f4", "False", "(2, 2)"), "malformed"},
        {NPY("'<f4'", "False", "(99999999999999999999,)"), "overflows"},
        {NPY("'<f4'", "False", "(4294967296, 4294967296)"), "overflows"},
        {NPY("'<f4'", "False", "(9223372036854775807,)"), "overflows"},
        {NPY("'<f4'", "False", "(4611686018427387904, 2)"), "overflows"},
        {NPY("'<f4'", "False", "(2, 3)"), "8 bytes short of an array of [2, 3]; is the download complete?"},
        {NPY("'<f4'", "False", "(3,)"), "4 bytes left over after 3 values"},
        {NPY("'<f4'", "False", "(2, 2)") "x", "malformed"},
        {"{'descr': '<f4', 'shape': (2, 2)}", "malformed"},
        {"{'descr': '<f4', 'fortran_order': False}", "malformed"},
        {"{'fortran_order': False, 'shape': (2, 2)}", "malformed"},
        {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)}", "malformed"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), 'more': 1}", "malformed"},
        {"{}", "malformed"},
        {"", "malformed"},
    };
    float four[4] = {0};
    const char *path = in_folder("x.npy");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put(path, npy_bytes(1, bad[i].dict, four, sizeof four));
        refused(path, NULL, CINCH_DATA, bad[i].words);
        cr_assert(error_says(path, ""));
    }
    put(path, npy_bytes(4, bad[0].dict, four, sizeof four));
    refused(path, NULL, CINCH_DATA, "version 4.0");
    put_file(path, "\x93NUMPY\x02\0\xFF\xFF\xFF\x7F", 12);
    refused(path, NULL, CINCH_DATA, "a header of 2147483647 bytes");
    put_file(path, "NUMPY", 5);
    refused(path, NULL, CINCH_DATA, "ends inside its .npy header");
    put_file(path, "NUMPYNUMPY", 10);
    refused(path, NULL, CINCH_DATA, "is not .npy data");
    put_file(path, "\x93NUMPY\x01\0\x05\0{\0'}}", 15);
    refused(path, NULL, CINCH_DATA, "holds a zero byte");
}

/* Cut at every byte: refused; changed at every byte: refused or read, never harmed. */
Test(readers, npy_damage)
{
    const char *path = in_folder("x.npy");
    float four[4] = {0};
    cinch_dataset *d;
    bytes good = npy_bytes(1, NPY("'<f4'", "False", "(2, 2)"), four, sizeof four);
    for (size_t n = 0; n < good.size; n++) {
        put_file(path, good.at, n);
        cr_assert_eq(cinch_dataset_open(&d, path, NULL), CINCH_DATA);
    }
    for (size_t i = 0; i < good.size; i++)
        for (int x = 1; x < 256; x += 23) {
            good.at[i] ^= (uint8_t)x;
            put_file(path, good.at, good.size);
            cinch_status status = cinch_dataset_open(&d, path, NULL);
            cr_assert(status == CINCH_OK || status == CINCH_DATA);
            cinch_dataset_free(d);
            good.at[i] ^= (uint8_t)x;
        }
    free(good.at);
}

Test(readers, npy_written_and_read)
{
    static const struct { cinch_element element; cinch_shape shape; } cases[] = {
        {CINCH_ELEMENT_F32, {2, {3, 5}}}, {CINCH_ELEMENT_U8, {3, {3, 4, 2}}}, {CINCH_ELEMENT_I32, {1, {7}}},
        {CINCH_ELEMENT_F32, {6, {2, 1, 1, 1, 1, 3}}}, {CINCH_ELEMENT_I64, {2, {4, 1}}},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const char *path = in_folder("x.npy");
        size_t size, header;
        uint8_t data[256];
        for (int i = 0; i < 256; i++) data[i] = (uint8_t)(i * 31);
        size_t length = (size_t)cinch_shape_count(cases[c].shape) * cinch_element_size(cases[c].element);
        cr_assert_eq(cinch_npy_write(path, cases[c].element, cases[c].shape, data), CINCH_OK, "%s", cinch_last_error());
        uint8_t *file = get_file(path, &size);
        header = size - length;
        cr_assert_eq(header % 64, 0);
        cr_assert_eq(file[header - 1], '\n');
        cr_assert_eq(memcmp(file + header, data, length), 0);
        free(file);
        cinch_dataset *d = opened(path, &(cinch_dataset_options){.layout = "channels_last"});
        cr_assert_str_eq(cinch_dataset_describe(d)->source_type, cinch_element_name(cases[c].element));
        cr_assert_eq(cinch_dataset_describe(d)->rows, cases[c].shape.dim[0]);
        cinch_dataset_free(d);
    }
    cr_assert_eq(count_files(), 1);
}

Test(readers, npy_writer_refuses)
{
    const char *path = in_folder("x.npy");
    cinch_npy_writer *w;
    float x[2] = {0};
    cr_assert_eq(cinch_npy_write(path, CINCH_ELEMENT_BF16, CINCH_SHAPE(2), x), CINCH_USAGE);
    cr_assert(error_says(path, "NumPy has no element type BF16"));
    cr_assert_eq(cinch_npy_write(path, CINCH_ELEMENT_F32, CINCH_SHAPE(-1), x), CINCH_USAGE);
    cr_assert_eq(cinch_npy_write(path, CINCH_ELEMENT_F32, CINCH_SHAPE(INT64_MAX, 2), x), CINCH_USAGE);
    cr_assert_eq(cinch_npy_write("/dev/full", CINCH_ELEMENT_F32, CINCH_SHAPE(2), x), CINCH_OUTPUT);
    cr_assert_eq(cinch_npy_write("/nonexistent/x.npy", CINCH_ELEMENT_F32, CINCH_SHAPE(2), x), CINCH_OUTPUT);
    cr_assert_eq(cinch_npy_writer_create(&w, path, CINCH_ELEMENT_F32, CINCH_SHAPE(2)), CINCH_OK);
    cr_assert_eq(cinch_npy_writer_write(w, x, 4), CINCH_OK);
    cr_assert_eq(cinch_npy_writer_commit(w), CINCH_USAGE);
    cr_assert(error_says(path, "4 bytes of the array's 8 were written"));
    cr_assert_eq(cinch_npy_writer_write(w, x, 5), CINCH_USAGE);
    cinch_npy_writer_free(w);
    cinch_npy_writer_free(NULL);
    cr_assert_eq(count_files(), 0);
}

/* --- shapes ------------------------------------------------------------------------------------------------- */

enum { SHAPES = 400, PIXELS = 28 * 28 };

/* The same bytes on every machine: an Adler sum over the first pictures, made when the generator was. */
Test(readers, shapes_are_the_same_everywhere)
{
    static uint8_t all[SHAPES * PIXELS], one[PIXELS];
    cinch_dataset *d = opened("shapes", NULL), *other = opened("shapes:500,7", NULL);
    uint32_t a = 1, b = 0;
    int32_t row = 123;
    cr_assert_eq(cinch_dataset_read(d, 0, SHAPES, all), CINCH_OK);
    for (size_t i = 0; i < sizeof all; i++) {
        a = (a + all[i]) % 65521;
        b = (b + a) % 65521;
    }
    cr_assert_eq(b << 16 | a, 0x42058938, "%08x", b << 16 | a);
    cr_assert_eq(cinch_dataset_gather(d, &row, 1, one), CINCH_OK);
    cr_assert_eq(memcmp(one, all + row * PIXELS, PIXELS), 0);
    cr_assert_eq(cinch_dataset_describe(d)->rows, 12000);
    cr_assert_eq(cinch_dataset_describe(other)->rows, 500);
    cr_assert_eq(cinch_dataset_gather(other, &row, 1, one), CINCH_OK);
    cr_assert_neq(memcmp(one, all + row * PIXELS, PIXELS), 0);
    cinch_dataset_free(d);
    cinch_dataset_free(other);
}

/* The factors describe the picture: mass and centre of what is drawn. */
Test(readers, shapes_have_their_factors)
{
    static const double area[] = {2, 1.5707963, 1.2990381, 1.8 * 0.6 * 2 - 0.36}; /* at scale 1 */
    static uint8_t picture[PIXELS];
    cinch_dataset *d = opened("shapes:400,3", NULL);
    for (int32_t row = 0; row < SHAPES; row++) {
        cinch_shapes_factors f = cinch_shapes_at(3, row);
        double mass = 0, x = 0, y = 0;
        cr_assert_eq(cinch_dataset_gather(d, &row, 1, picture), CINCH_OK);
        for (int i = 0; i < PIXELS; i++) {
            mass += picture[i] / 255.0;
            x += picture[i] / 255.0 * (i % 28 + 0.5);
            y += picture[i] / 255.0 * (i / 28 + 0.5);
        }
        double expected = area[f.kind] * f.scale * f.scale;
        cr_assert_eq(cinch_dataset_labels(d)[row], f.kind);
        cr_assert_float_eq(mass, expected, 0.03 * expected + 0.5, "row %d: mass %g, expected %g", row, mass, expected);
        cr_assert_float_eq(x / mass, f.x, 0.1);
        cr_assert_float_eq(y / mass, f.y, 0.1);
    }
    cinch_dataset_free(d);
}

/* A triangle's corner lies where its rotation says: counter-clockwise from straight up. */
Test(readers, shapes_turn_counter_clockwise)
{
    static uint8_t picture[PIXELS];
    cinch_dataset *d = opened("shapes", NULL);
    int checked = 0;
    for (int32_t row = 0; row < SHAPES; row++) {
        cinch_shapes_factors f = cinch_shapes_at(0, row);
        if (f.kind != 2 || f.scale < 6) continue;
        cr_assert_eq(cinch_dataset_gather(d, &row, 1, picture), CINCH_OK);
        for (int corner = 0; corner < 6; corner++) { /* corners, and the middles of sides opposite them */
            double angle = f.rotation + 1.5707963 + corner * 1.0471976;
            int x = (int)(f.x + 0.75 * f.scale * cos(angle)), y = (int)(f.y - 0.75 * f.scale * sin(angle));
            cr_assert_eq(picture[y * 28 + x] > 127, corner % 2 == 0, "row %d, corner %d", row, corner);
        }
        checked++;
    }
    cr_assert_gt(checked, 20);
    cinch_dataset_free(d);
}

Test(readers, shapes_factors_are_uniform)
{
    enum { N = 40000 };
    double sum[5] = {0};
    int kinds[4] = {0};
    for (int i = 0; i < N; i++) {
        cinch_shapes_factors f = cinch_shapes_at(0, i);
        const double unit[5] = {f.kind / 3.0, (f.scale - 4) / 5, f.rotation / 6.2831853, (f.x - 10) / 8, (f.y - 10) / 8};
        kinds[f.kind]++;
        for (int k = 0; k < 5; k++) {
            cr_assert(unit[k] >= 0 && unit[k] <= 1);
            sum[k] += unit[k];
        }
    }
    for (int k = 0; k < 4; k++) cr_assert_float_eq(kinds[k], N / 4, 350); /* 4 deviations */
    for (int k = 0; k < 5; k++) cr_assert_float_eq(sum[k] / N, 0.5, k ? 0.006 : 0.0075);
}

/* --- SPEC --------------------------------------------------------------------------------------------------- */

static bool same(const char *a, const char *b) { return a && b ? strcmp(a, b) == 0 : a == b; }

Test(readers, specs)
{
    put_file(in_folder("a:b"), "x", 1);
    put_file(in_folder("npy+x"), "x", 1);
    cr_assert_eq(chdir(in_folder(".")), 0);
    static const struct { const char *text, *format, *path, *member; } good[] = {
        {"x.npy", NULL, "x.npy", NULL},
        {"f.h5:/a/b:c", NULL, "f.h5", "/a/b:c"},
        {"npz+t.npz:X", "npz", "t.npz", "X"},
        {"npy+-", "npy", "-", NULL},
        {"a:b", NULL, "a:b", NULL},
        {"a:b:c", NULL, "a:b", "c"},
        {"npy+x", NULL, "npy+x", NULL},
        {"./csv+x", NULL, "./csv+x", NULL},
        {"A+b", NULL, "A+b", NULL},
        {"shapes:5,1", NULL, "shapes", "5,1"},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        cinch_spec s;
        cr_assert_eq(cinch_spec_parse(&s, good[i].text), CINCH_OK, "%s", good[i].text);
        cr_assert(same(s.format, good[i].format) && same(s.path, good[i].path) && same(s.member, good[i].member), "%s",
                  good[i].text);
        cinch_spec_free(&s);
    }
}

Test(readers, specs_refused)
{
    put_file(in_folder("x.csv"), "1,2\n", 4);
    put_file(in_folder("x"), "\x89HDF\r\n\x1a\n", 8);
    put_file(in_folder("x.png"), "\x89PNG", 4);
    put_file(in_folder("x.npz"), "PK\x03\x04", 4);
    put_file(in_folder("text"), "hello", 5);
    put_file(in_folder("zero"), "", 0);
    cr_assert_eq(chdir(in_folder(".")), 0);
    refused("", NULL, CINCH_USAGE, "no data named");
    refused("npy+", NULL, CINCH_USAGE, "no data named");
    refused("-", NULL, CINCH_USAGE, "standard input needs a format");
    refused("cvs+-", NULL, CINCH_USAGE, "did you mean csv+?");
    refused("csv+-", NULL, CINCH_DATA, "standard input: is csv data, and the CSV reader is not part of this build");
    refused("x.csv", NULL, CINCH_DATA, "x.csv: is csv data, and the CSV reader is not");
    refused("x", NULL, CINCH_DATA, "x: is h5 data, and the HDF5 library is not");
    refused("imgs+.", NULL, CINCH_DATA, "the reader of picture folders");
    refused("x.png", NULL, CINCH_DATA, "is png data");
    refused("x.npz:X", NULL, CINCH_DATA, "is npz data");
    refused("text", NULL, CINCH_DATA, "its first bytes are of no known format");
    refused("zero", NULL, CINCH_DATA, "zero: is empty");
    refused("absent", NULL, CINCH_DATA, "absent: No such file");
    refused("shapes:0", NULL, CINCH_USAGE, "expected shapes:N");
    refused("shapes:1x", NULL, CINCH_USAGE, "expected shapes:N");
    refused("shapes:-1", NULL, CINCH_USAGE, "expected shapes:N");
    refused("shapes:1,", NULL, CINCH_USAGE, "expected shapes:N");
    refused("shapes:3000000000", NULL, CINCH_USAGE, "expected shapes:N");
    refused("shapes:1,99999999999999999999", NULL, CINCH_USAGE, "expected shapes:N");
    put(in_folder("y.npy"), npy_bytes(1, NPY("'|u1'", "False", "(2, 2)"), "abcd", 4));
    refused("y.npy:X", NULL, CINCH_USAGE, "npy data has no members");
    refused("idx+y.npy", NULL, CINCH_DATA, "is not IDX data");
}

Test(readers, standard_input)
{
    const char *path = in_folder("x.npy");
    for (int z = 0; z < 2; z++) {
        bytes b = npy_bytes(1, NPY("'|u1'", "False", "(2, 2)"), "abcd", 4);
        (z ? put_gzip : put_file)(path, b.at, b.size);
        free(b.at);
        int fd = open(path, O_RDONLY);
        cr_assert(fd >= 0 && dup2(fd, STDIN_FILENO) == STDIN_FILENO);
        close(fd);
        char row[2];
        cinch_dataset *d = opened("npy+-", NULL);
        cr_assert_eq(cinch_dataset_read(d, 1, 1, row), CINCH_OK);
        cr_assert_eq(memcmp(row, "cd", 2), 0);
        cinch_dataset_free(d);
    }
    refused("npy+-", NULL, CINCH_DATA, "standard input: ends inside its .npy header");
}

/* --- layouts and values ------------------------------------------------------------------------------------- */

Test(readers, layouts)
{
    static const struct { cinch_shape source; const char *layout; cinch_shape sample; bool first; } good[] = {
        {{1, {9}}, NULL, {1, {9}}, false},
        {{0}, NULL, {1, {1}}, false},
        {{2, {5, 4}}, NULL, {3, {5, 4, 1}}, false},
        {{2, {5, 4}}, "channels_last", {2, {5, 4}}, false},
        {{2, {5, 4}}, "channels_first", {2, {4, 5}}, true},
        {{3, {5, 6, 3}}, NULL, {3, {5, 6, 3}}, false},
        {{3, {3, 5, 6}}, NULL, {3, {5, 6, 3}}, true},
        {{3, {3, 5, 4}}, "channels_first", {3, {5, 4, 3}}, true},
        {{3, {3, 5, 4}}, "channels_last", {3, {3, 5, 4}}, false},
        {{4, {2, 5, 6, 7}}, NULL, {4, {5, 6, 7, 2}}, true},
        {{5, {9, 5, 6, 7, 4}}, NULL, {5, {9, 5, 6, 7, 4}}, false},
    };
    static const cinch_shape unclear[] = {{3, {3, 5, 4}}, {3, {5, 5, 5}}, {3, {1, 28, 1}}, {4, {9, 9, 9, 9}}};
    static const uint8_t zeros[9 * 9 * 9 * 9];
    cinch_dataset *d;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        cinch_dataset_options o = {.layout = good[i].layout};
        cr_assert_eq(cinch_dataset_wrap(&d, zeros, CINCH_U8, 1, good[i].source, NULL, &o), CINCH_OK);
        check_shape(cinch_dataset_describe(d)->sample, good[i].sample);
        check_shape(cinch_dataset_describe(d)->source, good[i].source);
        cr_assert_eq(cinch_dataset_describe(d)->channels_first, good[i].first);
        cinch_dataset_free(d);
    }
    for (size_t i = 0; i < sizeof unclear / sizeof *unclear; i++) {
        cr_assert_eq(cinch_dataset_wrap(&d, zeros, CINCH_U8, 1, unclear[i], NULL, NULL), CINCH_USAGE);
        cr_assert(strstr(cinch_last_error(), "which axis"));
    }
    cinch_dataset_options wrong = {.layout = "nchw"};
    cr_assert_eq(cinch_dataset_wrap(&d, zeros, CINCH_U8, 1, CINCH_SHAPE(3, 5, 6), NULL, &wrong), CINCH_USAGE);
    cr_assert(strstr(cinch_last_error(), "expected channels_last or channels_first"));
}

/* Rows of [2, 3, 5], channels first, come out as [3, 5, 2]; values go back to where they were. */
Test(readers, channels_first)
{
    cinch_dataset *d;
    uint8_t raw[60], rows[60];
    float floats[60], values[60], back[60];
    for (int i = 0; i < 60; i++) floats[i] = raw[i] = (uint8_t)(4 * i);
    for (int type = 0; type < 2; type++) {
        const void *data = type ? (const void *)floats : raw;
        cr_assert_eq(cinch_dataset_wrap(&d, data, type ? CINCH_F32 : CINCH_U8, 2, CINCH_SHAPE(2, 3, 5), NULL, NULL), CINCH_OK);
        cr_assert_null(cinch_dataset_rows(d));
        cr_assert_eq(cinch_dataset_gather_float(d, NULL, 2, values), CINCH_OK);
        for (int i = 0; i < 60; i++) {
            int n = i / 30, pixel = i % 30 / 2, channel = i % 2;
            float expected = floats[n * 30 + channel * 15 + pixel];
            cr_assert_float_eq(values[i], type ? expected : expected / 255, 1e-6);
        }
        cinch_dataset_restore(d, values, 2, back);
        for (int i = 0; i < 60; i++) cr_assert_float_eq(back[i], floats[i], 1e-4);
        if (!type) cr_assert_eq(cinch_dataset_read(d, 0, 2, rows), CINCH_OK);
        if (!type) for (int i = 0; i < 60; i++) cr_assert_eq(rows[i], raw[i / 30 * 30 + i % 2 * 15 + i % 30 / 2]);
        cinch_dataset_free(d);
    }
}

Test(readers, ranges)
{
    static const struct { const char *descr; cinch_dataset_options o; double low, high, at_top; } good[] = {
        {"'|u1'", {.limit = 0}, 0, 1, 1},          {"'|u1'", {.range = {-1, 1}}, -1, 1, 1},
        {"'|u1'", {.range_none = true}, 0, 255, 255}, {"'<u2'", {.limit = 0}, 0, 1, 1},
        {"'<u2'", {.range = {-1, 1}}, -1, 1, 1},   {"'<u2'", {.range_none = true}, 0, 65535, 65535},
        {"'|i1'", {.limit = 0}, 0, 0, -1},         {"'|i1'", {.range = {0, 1}}, 0, 0, -1},
    };
    float values[4];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char dict[96];
        int width = good[i].descr[3] - '0';
        snprintf(dict, sizeof dict, NPY("%s", "False", "(4, 1)"), good[i].descr);
        put(in_folder("x.npy"), npy_bytes(1, dict, "\xFF\xFF\xFF\xFF\0\0\0\0", (size_t)(4 * width)));
        cinch_dataset *d = opened(in_folder("x.npy"), &good[i].o);
        const cinch_dataset_info *info = cinch_dataset_describe(d);
        cr_assert(info->low == good[i].low && info->high == good[i].high, "%s", dict);
        cr_assert_eq(cinch_dataset_gather_float(d, NULL, 4, values), CINCH_OK);
        cr_assert_float_eq(values[0], good[i].at_top, 1e-6);
        if (width == 2) cr_assert_float_eq(values[3], good[i].low, 1e-6);
        cinch_dataset_free(d);
    }
    put(in_folder("x.npy"), npy_bytes(1, NPY("'<f4'", "False", "(1, 1)"), "\0\0\0\0", 4));
    refused(in_folder("x.npy"), &(cinch_dataset_options){.range = {-1, 1}}, CINCH_USAGE, "is for u8 and u16 data, this is F32");
    refused("shapes:9", &(cinch_dataset_options){.range = {1, -1}}, CINCH_USAGE, "data.range=1:-1");
    refused("shapes:9", &(cinch_dataset_options){.range = {NAN, 1}}, CINCH_USAGE, "data.range=");
    refused("shapes:9", &(cinch_dataset_options){.limit = -1}, CINCH_USAGE, "data.limit=-1");
}

/* Floats: the range their values span, if it is a usual one. */
Test(readers, ranges_of_floats)
{
    static const struct { float value[4]; double low, high; } cases[] = {
        {{0, 0.5f, 1, 0.2f}, 0, 1},   {{0.009f, 0.5f, 0.991f, 0.2f}, 0, 1}, {{0, 0.5f, 0.9f, 0.2f}, 0, 0},
        {{-1, 0.5f, 1, 0.2f}, -1, 1}, {{-1, 0.5f, 1.001f, 0.2f}, 0, 0},     {{0, 1, NAN, 0}, 0, 0},
        {{0, 1, INFINITY, 0}, 0, 0},  {{3, 3, 3, 3}, 0, 0},
    };
    cinch_dataset *d;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_eq(cinch_dataset_wrap(&d, cases[i].value, CINCH_F32, 1, CINCH_SHAPE(4), NULL, NULL), CINCH_OK);
        cr_assert(cinch_dataset_describe(d)->low == cases[i].low && cinch_dataset_describe(d)->high == cases[i].high,
                  "case %zu", i);
        cinch_dataset_free(d);
    }
}

Test(readers, measure)
{
    const float x[8] = {1, 2, NAN, 4, INFINITY, -INFINITY, 5, 3};
    cinch_dataset *d;
    cinch_dataset_stats s;
    cr_assert_eq(cinch_dataset_wrap(&d, x, CINCH_F32, 2, CINCH_SHAPE(4), NULL, NULL), CINCH_OK);
    cr_assert_eq(cinch_dataset_measure(d, &s), CINCH_OK);
    cr_assert(s.min == 1 && s.max == 5 && s.nan == 1 && s.infinite == 2);
    cr_assert_float_eq(s.mean, 3, 1e-12);
    cr_assert_float_eq(s.deviation, sqrt(2), 1e-12);
    cinch_dataset_free(d);
    d = opened("shapes:3000", NULL);
    cr_assert_eq(cinch_dataset_measure(d, &s), CINCH_OK);
    cr_assert(s.min == 0 && s.max == 255 && s.nan == 0 && s.mean > 20 && s.mean < 30 && s.deviation > 60);
    cinch_dataset_free(d);
}

/* --- rows and labels ---------------------------------------------------------------------------------------- */

Test(readers, rows_in_place)
{
    const char *path = in_folder("x.npy");
    float x[6] = {1, 2, 3, 4, 5, 6};
    cr_assert_eq(cinch_npy_write(path, CINCH_ELEMENT_F32, CINCH_SHAPE(3, 2), x), CINCH_OK);
    cinch_dataset *d = opened(path, NULL);
    cr_assert_not_null(cinch_dataset_rows(d));
    cr_assert_eq(memcmp(cinch_dataset_rows(d), x, sizeof x), 0);
    float out[2];
    int32_t rows[] = {3, -1};
    cr_assert_eq(cinch_dataset_gather(d, &rows[0], 1, out), CINCH_USAGE);
    cr_assert_eq(cinch_dataset_gather(d, &rows[1], 1, out), CINCH_USAGE);
    cr_assert_eq(cinch_dataset_gather_float(d, &rows[0], 1, out), CINCH_USAGE);
    cr_assert_eq(cinch_dataset_read(d, 2, 2, out), CINCH_USAGE);
    cr_assert_eq(cinch_dataset_read(d, -1, 1, out), CINCH_USAGE);
    cr_assert_eq(cinch_dataset_read(d, INT64_MAX, 1, out), CINCH_USAGE);
    cr_assert_eq(cinch_dataset_read(d, 3, 0, out), CINCH_OK);
    cinch_dataset_free(d);
    put(path, npy_bytes(1, NPY("'<f4'", "False", "(3, 2)"), x, sizeof x)); /* not aligned to 4 bytes */
    d = opened(path, NULL);
    cr_assert_null(cinch_dataset_rows(d));
    cr_assert_eq(cinch_dataset_read(d, 1, 1, out), CINCH_OK);
    cr_assert_eq(out[1], 4);
    cinch_dataset_free(d);
    cinch_dataset_free(NULL);
}

Test(readers, labels)
{
    const char *x = in_folder("x.npy"), *y = in_folder("y.npy");
    cinch_dataset_options o = {.label = y};
    const float good[3] = {2, 0, 1}, fraction[3] = {2, 0.5f, 1}, negative[3] = {2, -1, 1};
    const int64_t wide[3] = {2, 0, INT64_C(1) << 40};
    cr_assert_eq(cinch_npy_write(x, CINCH_ELEMENT_F32, CINCH_SHAPE(3, 1), good), CINCH_OK);
    cr_assert_eq(cinch_npy_write(y, CINCH_ELEMENT_F32, CINCH_SHAPE(3), good), CINCH_OK);
    cinch_dataset *d = opened(x, &o);
    cr_assert(cinch_dataset_describe(d)->has_labels && cinch_dataset_describe(d)->classes == 3);
    cr_assert(cinch_dataset_labels(d)[0] == 2 && cinch_dataset_labels(d)[1] == 0 && cinch_dataset_labels(d)[2] == 1);
    cinch_dataset_free(d);
    cr_assert_eq(cinch_npy_write(y, CINCH_ELEMENT_F32, CINCH_SHAPE(3), fraction), CINCH_OK);
    refused(x, &o, CINCH_DATA, "label 0.5 at row 1");
    cr_assert_eq(cinch_npy_write(y, CINCH_ELEMENT_F32, CINCH_SHAPE(3), negative), CINCH_OK);
    refused(x, &o, CINCH_DATA, "label -1 at row 1");
    cr_assert_eq(cinch_npy_write(y, CINCH_ELEMENT_I64, CINCH_SHAPE(3), wide), CINCH_OK);
    refused(x, &o, CINCH_DATA, "label 1.09951e+12 at row 2");
    cr_assert_eq(cinch_npy_write(y, CINCH_ELEMENT_I64, CINCH_SHAPE(2), wide), CINCH_OK);
    refused(x, &o, CINCH_DATA, "2 labels for the 3 rows");
    cr_assert_eq(cinch_npy_write(y, CINCH_ELEMENT_F32, CINCH_SHAPE(1, 3), good), CINCH_OK);
    refused(x, &o, CINCH_DATA, "one number a row");
    refused("shapes:4", &(cinch_dataset_options){.label = "shapes:4"}, CINCH_DATA, "one number a row");
    refused("shapes:4", &(cinch_dataset_options){.label = "absent"}, CINCH_DATA, "absent: No such file");
}

Test(readers, memory)
{
    const uint8_t x[6] = {1, 2, 3, 4, 5, 6};
    const int32_t y[3] = {1, 0, 4}, wrong[3] = {0, -3, 0};
    cinch_dataset *d;
    cr_assert_eq(cinch_dataset_wrap(&d, x, CINCH_U8, 3, CINCH_SHAPE(2), y, NULL), CINCH_OK);
    cr_assert_eq(cinch_dataset_rows(d), (const void *)x);
    cr_assert(cinch_dataset_labels(d)[2] == 4 && cinch_dataset_describe(d)->classes == 5);
    cr_assert_str_eq(cinch_dataset_describe(d)->reader, "memory");
    cinch_dataset_free(d);
    cr_assert_eq(cinch_dataset_wrap(&d, x, CINCH_U8, 3, CINCH_SHAPE(2), wrong, NULL), CINCH_DATA);
    cr_assert_eq(cinch_dataset_wrap(&d, x, CINCH_I32, 3, CINCH_SHAPE(2), NULL, NULL), CINCH_USAGE);
    cr_assert_eq(cinch_dataset_wrap(&d, x, CINCH_U8, 0, CINCH_SHAPE(2), NULL, NULL), CINCH_USAGE);
    cr_assert_eq(cinch_dataset_wrap(&d, x, CINCH_U8, 1, CINCH_SHAPE(2, 0), NULL, NULL), CINCH_DATA);
    cr_assert_null(d);
}
