/* SPDX-License-Identifier: Apache-2.0 */
#include "data_sets.h"

#include <stdio.h>
#include <unistd.h>

TestSuite(idx, .fini = remove_folder);

/* --- IDX ---------------------------------------------------------------------------------------------------------- */

Test(idx, types)
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

Test(idx, hostile)
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
Test(idx, gzip_damage)
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

Test(idx, says_how_much_is_missing)
{
    const char *path = in_folder("t10k-images-idx3-ubyte.gz");
    put(path, idx_bytes(8, 1, 3, (uint32_t[]){10000, 28, 28}, 1200));
    refused(path, NULL, CINCH_DATA,
            "t10k-images-idx3-ubyte.gz: 1,200 bytes short of 10000 images of 28x28; is the download complete?");
}

/* --- folders ------------------------------------------------------------------------------------------------------ */

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

Test(idx, folders)
{
    for (int i = 0; i < 8; i++) {
        put_mnist(i & 4 ? ".gz" : "", i & 1, i & 2);
        check_mnist(i & 1, i & 2);
    }
    put(in_folder("train-images.idx3-ubyte"), idx_bytes(8, 1, 3, (uint32_t[]){6, 2, 3}, 0));
    put(in_folder("t10k-images.idx3-ubyte.gz"), idx_bytes(8, 1, 3, (uint32_t[]){4, 2, 3}, 0));
    check_mnist(false, true);
}

Test(idx, folders_refused)
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
