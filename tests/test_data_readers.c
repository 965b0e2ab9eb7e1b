/* SPDX-License-Identifier: Apache-2.0 */
#include "data_sets.h"

#include "data/spec.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

TestSuite(readers, .fini = remove_folder);

/* --- SPEC --------------------------------------------------------------------------------------------------------- */

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

/* --- layouts and values ------------------------------------------------------------------------------------------- */

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
        cr_assert_eq(cinch_dataset_wrap(&d, data, type ? CINCH_F32 : CINCH_U8, 2, CINCH_SHAPE(2, 3, 5), NULL, NULL),
                     CINCH_OK);
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
    refused(in_folder("x.npy"), &(cinch_dataset_options){.range = {-1, 1}}, CINCH_USAGE,
            "is for u8 and u16 data, this is F32");
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
    const cinch_dataset_options keep = {.keep_nan = true};
    cinch_dataset *d;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_eq(cinch_dataset_wrap(&d, cases[i].value, CINCH_F32, 1, CINCH_SHAPE(4), NULL, &keep), CINCH_OK);
        cr_assert(cinch_dataset_describe(d)->low == cases[i].low && cinch_dataset_describe(d)->high == cases[i].high,
                  "case %zu", i);
        cinch_dataset_free(d);
    }
}

static const char *put_array(const char *name, cinch_element element, int64_t rows, int64_t width, const void *data)
{
    const char *path = in_folder(name);
    cr_assert_eq(cinch_npy_write(path, element, CINCH_SHAPE(rows, width), data), CINCH_OK);
    return path;
}

/* What the limit leaves away is not looked at, integers cannot be it, and f64 may overflow. */
Test(readers, values_that_are_not_finite)
{
    const float x[8] = {1, 2, 3, 4, 5, -INFINITY, NAN, 3};
    const double wide[2] = {1, 1e300};
    const int32_t whole[2] = {0x7FC00000, INT32_MIN};
    const cinch_dataset_options two = {.limit = 2}, keep = {.keep_nan = true},
                                told = {.keep_nan_by = "set data.nan=keep"};
    const char *bad = put_array("bad.npy", CINCH_ELEMENT_F32, 4, 2, x);
    refused(bad, NULL, CINCH_DATA, "2 values are not finite, the first in row 2; repair the data");
    cr_expect_null(strstr(cinch_last_error(), "data.nan"));
    refused(bad, &told, CINCH_DATA, "the first in row 2; repair the data, or set data.nan=keep");
    cinch_dataset_free(opened(bad, &two));
    cinch_dataset_free(opened(bad, &keep));
    bad = put_array("wide.npy", CINCH_ELEMENT_F64, 2, 1, wide);
    refused(bad, NULL, CINCH_DATA, "1 value is not finite as f32, the first in row 1");
    cinch_dataset_free(opened(put_array("whole.npy", CINCH_ELEMENT_I32, 2, 1, whole), NULL));
}

Test(readers, bounds)
{
    const float x[6] = {1, 2, NAN, 4, -5, 3};
    const uint8_t grey[4] = {0, 51, 102, 255};
    const int32_t rows[] = {0, 1};
    const cinch_dataset_options keep = {.keep_nan = true};
    double low, high;
    cinch_dataset *d;
    cr_assert_eq(cinch_dataset_wrap(&d, x, CINCH_F32, 3, CINCH_SHAPE(2), NULL, &keep), CINCH_OK);
    cr_assert_eq(cinch_dataset_bounds(d, rows, 2, &low, &high), CINCH_OK);
    cr_assert(low == 1 && high == 4);
    cr_assert_eq(cinch_dataset_bounds(d, NULL, 3, &low, &high), CINCH_OK);
    cr_assert(low == -5 && high == 4);
    cr_assert_eq(cinch_dataset_bounds(d, NULL, 4, &low, &high), CINCH_USAGE);
    cinch_dataset_free(d);
    cr_assert_eq(cinch_dataset_wrap(&d, grey, CINCH_U8, 4, CINCH_SHAPE(1), NULL, NULL), CINCH_OK);
    cr_assert_eq(cinch_dataset_bounds(d, NULL, 3, &low, &high), CINCH_OK);
    cr_assert(low == 0 && fabs(high - 0.4) < 1e-12);
    cinch_dataset_free(d);
}

Test(readers, measure)
{
    const float x[8] = {1, 2, NAN, 4, INFINITY, -INFINITY, 5, 3};
    cinch_dataset *d;
    cinch_dataset_stats s;
    const cinch_dataset_options keep = {.keep_nan = true};
    cr_assert_eq(cinch_dataset_wrap(&d, x, CINCH_F32, 2, CINCH_SHAPE(4), NULL, &keep), CINCH_OK);
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

/* --- rows and labels ---------------------------------------------------------------------------------------------- */

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
