/* SPDX-License-Identifier: Apache-2.0 */
#include "data_sets.h"

#include <stdio.h>

TestSuite(npy, .fini = remove_folder);

/* --- .npy --------------------------------------------------------------------------------------------------------- */

Test(npy, types)
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
            for (int i = 0; i < 4; i++) {
                uint64_t word = i == 1 ? types[t].word : 0;
                (types[t].descr[0] == '>' ? append_big : append_little)(&data, word, types[t].width);
            }
            snprintf(dict, sizeof dict, "{'descr': '%s', 'fortran_order': False, 'shape': (2, 2), }\n", types[t].descr);
            put(path, npy_bytes(version, dict, data.at, data.size));
            free(data.at);
            cinch_dataset *d = opened(path, &(cinch_dataset_options){.range_none = true});
            bool stays_u8 = types[t].width == 1 && types[t].value >= 0;
            cr_assert_eq(cinch_dataset_describe(d)->dtype, stays_u8 ? CINCH_U8 : CINCH_F32);
            cr_assert_eq(cinch_dataset_gather_float(d, NULL, 2, value), CINCH_OK);
            cr_assert(value[0] == 0 && value[1] == types[t].value && value[2] == 0, "%s: %g", types[t].descr, value[1]);
            cinch_dataset_free(d);
        }
}

Test(npy, headers)
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

static const struct { const char *dict, *words; } bad_dicts[] = {
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

Test(npy, hostile)
{
    float four[4] = {0};
    const char *path = in_folder("x.npy");
    for (size_t i = 0; i < sizeof bad_dicts / sizeof *bad_dicts; i++) {
        put(path, npy_bytes(1, bad_dicts[i].dict, four, sizeof four));
        refused(path, NULL, CINCH_DATA, bad_dicts[i].words);
        cr_assert(error_says(path, ""));
    }
    put(path, npy_bytes(4, bad_dicts[0].dict, four, sizeof four));
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
Test(npy, damage)
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

Test(npy, written_and_read)
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

Test(npy, writer_refuses)
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
