/* SPDX-License-Identifier: Apache-2.0 */
#include <cinch/data.h>
#include <criterion/criterion.h>

#include "data_files.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

TestSuite(safetensors, .fini = remove_folder);

/* --- a round trip ------------------------------------------------------------------------------------------------- */

static const float weight[6] = {1, -2, 3.5f, 4, 5, -6e-30f};
static const uint16_t half[3] = {0x3F80, 0x4000, 0xBF80};
static const uint8_t flags[5] = {1, 0, 1, 255, 7};

static void write_example(const char *path, size_t piece)
{
    cinch_tensor_writer *w;
    bytes all = {0};
    cr_assert_eq(cinch_tensor_writer_create(&w, path), CINCH_OK);
    cr_assert_eq(cinch_tensor_writer_metadata(w, "cinch.format", "1"), CINCH_OK);
    cr_assert_eq(cinch_tensor_writer_metadata(w, "größe \"q\" \\", "zwölf\n\tund\x01"), CINCH_OK);
    cr_assert_eq(cinch_tensor_writer_declare(w, "encoder.0.weight", CINCH_ELEMENT_F32, 2, (int64_t[]){2, 3}), CINCH_OK);
    cr_assert_eq(cinch_tensor_writer_declare(w, "nothing", CINCH_ELEMENT_F64, 2, (int64_t[]){0, 7}), CINCH_OK);
    cr_assert_eq(cinch_tensor_writer_declare(w, "bf", CINCH_ELEMENT_BF16, 1, (int64_t[]){3}), CINCH_OK);
    cr_assert_eq(cinch_tensor_writer_declare(w, "größe", CINCH_ELEMENT_U8, 1, (int64_t[]){5}), CINCH_OK);
    cr_assert_eq(cinch_tensor_writer_declare(w, "one", CINCH_ELEMENT_BOOL, 0, NULL), CINCH_OK);
    append(&all, weight, sizeof weight);
    append(&all, half, sizeof half);
    append(&all, flags, sizeof flags);
    append(&all, "\1", 1);
    for (size_t at = 0; at < all.size; at += piece) {
        size_t n = piece < all.size - at ? piece : all.size - at;
        cr_assert_eq(cinch_tensor_writer_write(w, all.at + at, n), CINCH_OK);
    }
    cr_assert_eq(cinch_tensor_writer_commit(w), CINCH_OK, "%s", cinch_last_error());
    cinch_tensor_writer_free(w);
    free(all.at);
}

static void check_entry(const cinch_tensor_file *f, int64_t i, const char *name, const char *element, const void *data,
                        int64_t size)
{
    const cinch_tensor_entry *e = cinch_tensor_file_entry(f, i);
    cr_assert_str_eq(e->name, name);
    cr_assert_str_eq(cinch_element_name(e->element), element);
    cr_assert_eq(e->bytes, size);
    cr_assert_eq(memcmp(e->data, data, (size_t)size), 0);
    cr_assert_eq(cinch_tensor_file_find(f, name), e);
}

static void check_example(const cinch_tensor_file *f)
{
    const char *key, *value;
    cr_assert_eq(cinch_tensor_file_count(f), 5);
    check_entry(f, 0, "encoder.0.weight", "F32", weight, sizeof weight);
    check_entry(f, 1, "nothing", "F64", "", 0);
    check_entry(f, 2, "bf", "BF16", half, sizeof half);
    check_entry(f, 3, "größe", "U8", flags, sizeof flags);
    check_entry(f, 4, "one", "BOOL", "\1", 1);
    const cinch_tensor_entry *e = cinch_tensor_file_entry(f, 0);
    cr_assert(e->rank == 2 && e->dim[0] == 2 && e->dim[1] == 3 && e->count == 6 && e->begin == 0);
    cr_assert(cinch_tensor_file_entry(f, 4)->rank == 0 && cinch_tensor_file_entry(f, 4)->count == 1);
    cr_assert_null(cinch_tensor_file_entry(f, 5));
    cr_assert_null(cinch_tensor_file_entry(f, -1));
    cr_assert_null(cinch_tensor_file_find(f, "encoder"));
    cr_assert_str_eq(cinch_tensor_file_metadata(f, "cinch.format"), "1");
    cr_assert_null(cinch_tensor_file_metadata(f, "cinch"));
    cr_assert(cinch_tensor_file_metadata_at(f, 1, &key, &value));
    cr_assert_str_eq(key, "größe \"q\" \\");
    cr_assert_str_eq(value, "zwölf\n\tund\x01");
    cr_assert_not(cinch_tensor_file_metadata_at(f, 2, &key, &value));
}

Test(safetensors, round_trip)
{
    static const size_t pieces[] = {1, 7, 1000};
    for (int i = 0; i < 3; i++) {
        const char *path = in_folder("x.safetensors");
        cinch_tensor_file *f;
        size_t size;
        write_example(path, pieces[i]);
        cr_assert_eq(count_files(), 1);
        cr_assert_eq(cinch_tensor_file_open(&f, path), CINCH_OK, "%s", cinch_last_error());
        check_example(f);
        cinch_tensor_file_free(f);
        uint8_t *all = get_file(path, &size);
        cr_assert_eq(all[0] % 8, 0);
        cr_assert_eq(cinch_tensor_file_open_memory(&f, all, size, "memory"), CINCH_OK);
        check_example(f);
        cinch_tensor_file_free(f);
        free(all);
    }
    cinch_tensor_file_free(NULL);
    cinch_tensor_writer_free(NULL);
}

Test(safetensors, nothing_in_it)
{
    const char *path = in_folder("empty.safetensors");
    cinch_tensor_writer *w;
    cinch_tensor_file *f;
    cr_assert_eq(cinch_tensor_writer_create(&w, path), CINCH_OK);
    cr_assert_eq(cinch_tensor_writer_commit(w), CINCH_OK);
    cinch_tensor_writer_free(w);
    cr_assert_eq(cinch_tensor_file_open(&f, path), CINCH_OK);
    cr_assert_eq(cinch_tensor_file_count(f), 0);
    cr_assert_null(cinch_tensor_file_find(f, "x"));
    cinch_tensor_file_free(f);
}

Test(safetensors, require)
{
    const char *path = in_folder("x.safetensors");
    const cinch_tensor_entry *e;
    cinch_tensor_file *f;
    write_example(path, 1000);
    cr_assert_eq(cinch_tensor_file_open(&f, path), CINCH_OK);
    cr_assert_eq(cinch_tensor_file_require(f, "bf", CINCH_ELEMENT_BF16, CINCH_SHAPE(3), &e), CINCH_OK);
    cr_assert_eq(e, cinch_tensor_file_find(f, "bf"));
    cr_assert_eq(cinch_tensor_file_require(f, "one", CINCH_ELEMENT_BOOL, (cinch_shape){0}, &e), CINCH_OK);
    cr_assert_eq(cinch_tensor_file_require(f, "bg", CINCH_ELEMENT_BF16, CINCH_SHAPE(3), &e), CINCH_DATA);
    cr_assert(error_says(path, "has no tensor 'bg'"));
    cr_assert_eq(cinch_tensor_file_require(f, "bf", CINCH_ELEMENT_F16, CINCH_SHAPE(3), &e), CINCH_DATA);
    cr_assert(error_says(path, "tensor 'bf' is BF16 [3], not F16 [3]"));
    cr_assert_eq(cinch_tensor_file_require(f, "encoder.0.weight", CINCH_ELEMENT_F32, CINCH_SHAPE(3, 2), &e),
                 CINCH_DATA);
    cr_assert(error_says(path, "is F32 [2, 3], not F32 [3, 2]"));
    cr_assert_null(e);
    cinch_tensor_file_free(f);
}

/* --- what the reader refuses -------------------------------------------------------------------------------------- */

static cinch_status open_bytes(const void *data, size_t size)
{
    cinch_tensor_file *f;
    cinch_status status = cinch_tensor_file_open_memory(&f, data, size, "hostile.safetensors");
    cr_assert_eq(f == NULL, status != CINCH_OK);
    cinch_tensor_file_free(f);
    return status;
}

static cinch_status open_header(const char *header, size_t data_bytes)
{
    bytes file = {0};
    append_little(&file, strlen(header), 8);
    append(&file, header, strlen(header));
    for (size_t i = 0; i < data_bytes; i++) append(&file, "", 1);
    cinch_status status = open_bytes(file.at, file.size);
    free(file.at);
    return status;
}

#define F32(shape, begin, end) "{\"dtype\":\"F32\",\"shape\":[" shape "],\"data_offsets\":[" begin "," end "]}"

static const struct {
    const char *header;
    size_t data;
    const char *words;
} hostile[] = {
    {" {}", 0, "does not begin with '{'"},
    {"[]", 0, "does not begin with '{'"},
    {"{", 0, "header is not valid"},
    {"{}x", 0, "header is not valid"},
    {"{\"a\":1,}", 0, "header is not valid"},
    {"{'a':1}", 0, "header is not valid"},
    {"{\"a\xFF\":1}", 0, "header is not valid"},
    {"{\"\xC0\x80\":1}", 0, "header is not valid"},
    {"{\"\xED\xA0\x80\":1}", 0, "header is not valid"},
    {"{\"\\ud800\":1}", 0, "header is not valid"},
    {"{\"a\\u0000b\":" F32("1", "0", "4") "}", 4, "header is not valid"},
    {"{\"a\":" F32("1", "0", "4") ",\"a\":" F32("1", "0", "4") "}", 4, "duplicate object key"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "duplicate object key"},
    {"{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, "duplicate object key"},
    {"{\"__metadata__\":{\"k\":1}}", 0, "metadata 'k' is not a string"},
    {"{\"__metadata__\":{\"k\":null}}", 0, "metadata 'k' is not a string"},
    {"{\"__metadata__\":{\"k\":{\"l\":\"m\"}}}", 0, "metadata 'k' is not a string"},
    {"{\"__metadata__\":[\"k\"]}", 0, "not an object of strings"},
    {"{\"__metadata__\":\"k\"}", 0, "not an object of strings"},
    {"{\"a\":1}", 0, "is not an object"},
    {"{\"a\":[]}", 0, "is not an object"},
    {"{\"a\":{}}", 0, "no dtype"},
    {"{\"a\":{\"dtype\":4,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "no dtype"},
    {"{\"a\":{\"dtype\":\"F31\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "unknown dtype 'F31'"},
    {"{\"a\":{\"dtype\":\"f32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "unknown dtype 'f32'"},
    {"{\"a\":{\"dtype\":\"?\",\"shape\":[1],\"data_offsets\":[0,0]}}", 0, "unknown dtype '?'"},
    {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "no shape"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":4,\"data_offsets\":[0,4]}}", 4, "no shape"},
    {"{\"a\":" F32("-1", "0", "4") "}", 4, "shape holds more than whole sizes"},
    {"{\"a\":" F32("1.0", "0", "4") "}", 4, "shape holds more than whole sizes"},
    {"{\"a\":" F32("1e0", "0", "4") "}", 4, "shape holds more than whole sizes"},
    {"{\"a\":" F32("\"1\"", "0", "4") "}", 4, "shape holds more than whole sizes"},
    {"{\"a\":" F32("99999999999999999999", "0", "4") "}", 4, "header is not valid"},
    {"{\"a\":" F32("4294967296,4294967296", "0", "4") "}", 4, "shape overflows"},
    {"{\"a\":" F32("9223372036854775807", "0", "4") "}", 4, "shape overflows"},
    {"{\"a\":" F32("4611686018427387904", "0", "0") "}", 0, "shape overflows"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "no data_offsets"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, "no data_offsets"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,4]}}", 4, "no data_offsets"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":{\"0\":0,\"1\":4}}}", 4, "no data_offsets"},
    {"{\"a\":" F32("1", "0.5", "4") "}", 4, "no data_offsets"},
    {"{\"a\":" F32("1", "-4", "0") "}", 4, "data_offsets are not a range"},
    {"{\"a\":" F32("1", "4", "0") "}", 4, "data_offsets are not a range"},
    {"{\"a\":" F32("1", "0", "9223372036854775807") "}", 4, "ends at byte 9223372036854775807 of the data"},
    {"{\"a\":" F32("2", "0", "8") "}", 7, "ends at byte 8 of the data, which has 7"},
    {"{\"a\":" F32("1", "0", "8") "}", 8, "takes 4 bytes, its data_offsets span 8"},
    {"{\"a\":" F32("3", "0", "8") "}", 8, "takes 12 bytes, its data_offsets span 8"},
    {"{\"a\":" F32("0", "0", "4") "}", 4, "takes 0 bytes"},
    {"{\"a\":" F32("1", "0", "4") ",\"b\":" F32("1", "0", "4") "}", 4, "tensors 'a' and 'b' overlap"},
    {"{\"b\":" F32("2", "4", "12") ",\"a\":" F32("2", "0", "8") "}", 12, "tensors 'a' and 'b' overlap"},
    {"{\"a\":" F32("1", "0", "4") ",\"b\":" F32("1", "8", "12") "}", 12, "a hole of 4 bytes before tensor 'b'"},
    {"{\"a\":" F32("1", "4", "8") "}", 8, "a hole of 4 bytes before tensor 'a'"},
    {"{\"a\":" F32("0", "4", "4") "}", 4, "a hole of 4 bytes"},
    {"{\"a\":" F32("1", "0", "4") "}", 5, "1 bytes left over"},
    {"{}", 1, "1 bytes left over"},
};

Test(safetensors, refuses_hostile_headers)
{
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        cr_assert_eq(open_header(hostile[i].header, hostile[i].data), CINCH_DATA, "accepted: %s", hostile[i].header);
        cr_assert(error_says("hostile.safetensors", hostile[i].words), "%s", hostile[i].header);
    }
}

Test(safetensors, accepts_what_the_format_allows)
{
    static const struct { const char *header; size_t data; } good[] = {
        {"{}", 0},
        {"{}    ", 0},
        {"{\"__metadata__\":{}}", 0},
        {"{\"b\":" F32("1", "4", "8") ",\"a\":" F32("1", "0", "4") "}", 8},
        {"{\"a\":" F32("", "0", "4") "}", 4},
        {"{\"a\":" F32("0,9223372036854775807", "0", "0") "}", 0},
        {"{\"z\":" F32("1", "4", "8") ",\"e\":" F32("0", "4", "4") ",\"a\":" F32("1", "0", "4") "}", 8},
        {"{\"[[[[[[[[[[[[[[[[[[[[\\\"{\":" F32("1", "0", "4") "}", 4},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_assert_eq(open_header(good[i].header, good[i].data), CINCH_OK, "%s: %s", good[i].header, cinch_last_error());
}

Test(safetensors, refuses_deep_nesting)
{
    enum { DEPTH = 5000000 };
    char *header = malloc(DEPTH + 16);
    int n = sprintf(header, "{\"a\":");
    memset(header + n, '[', DEPTH);
    header[n + DEPTH] = 0;
    cr_assert_eq(open_header(header, 0), CINCH_DATA);
    cr_assert(error_says("hostile.safetensors", "nests deeper than"));
    free(header);
}

Test(safetensors, refuses_bad_lengths)
{
    uint8_t file[64] = {0};
    cr_assert_eq(open_bytes(file, 0), CINCH_DATA);
    cr_assert(error_says("hostile.safetensors", "is empty"));
    cr_assert_eq(open_bytes(file, 7), CINCH_DATA);
    cr_assert(error_says("hostile.safetensors", "7 bytes are too few"));
    cr_assert_eq(open_bytes(file, 8), CINCH_DATA);
    cr_assert(error_says("hostile.safetensors", "the header is empty"));
    file[0] = 57;
    cr_assert_eq(open_bytes(file, 64), CINCH_DATA);
    cr_assert(error_says("hostile.safetensors", "truncated: the header has 57 bytes, the file 56"));
    memset(file, 255, 8);
    cr_assert_eq(open_bytes(file, 64), CINCH_DATA);
    cr_assert(error_says("hostile.safetensors", "over the 100 MB allowed"));
    memcpy(file, "\x01\xE1\xF5\x05\0\0\0\0", 8); /* 100,000,001 */
    cr_assert_eq(open_bytes(file, 64), CINCH_DATA);
    cr_assert(error_says("hostile.safetensors", "over the 100 MB allowed"));
    memcpy(file, "\x00\xE1\xF5\x05\0\0\0\0", 8); /* 100,000,000 */
    cr_assert_eq(open_bytes(file, 64), CINCH_DATA);
    cr_assert(error_says("hostile.safetensors", "truncated"));
}

Test(safetensors, refuses_what_is_no_file)
{
    cinch_tensor_file *f;
    const char *path = in_folder("zero");
    put_file(path, "", 0);
    cr_assert_eq(cinch_tensor_file_open(&f, path), CINCH_DATA);
    cr_assert(error_says(path, "is empty"));
    cr_assert_eq(cinch_tensor_file_open(&f, in_folder("missing")), CINCH_DATA);
    cr_assert(error_says("missing", "No such file"));
    cr_assert_eq(cinch_tensor_file_open(&f, in_folder(".")), CINCH_DATA);
    cr_assert(error_says(".", "is a folder"));
    cr_assert_eq(cinch_tensor_file_open(&f, "/dev/null"), CINCH_DATA);
    cr_assert(error_says("/dev/null", "not a regular file"));
}

/* Every file cut short is refused; one with a byte changed is refused or read without harm. */
Test(safetensors, survives_damage)
{
    const char *path = in_folder("x.safetensors");
    size_t size;
    write_example(path, 1000);
    uint8_t *all = get_file(path, &size);
    for (size_t n = 0; n < size; n++) {
        uint8_t *part = malloc(n + 1); /* of its own, so that reading past its end shows */
        memcpy(part, all, n);
        part = realloc(part, n ? n : 1);
        cr_assert_eq(open_bytes(part, n), CINCH_DATA, "%zu of %zu bytes", n, size);
        free(part);
    }
    for (size_t i = 0; i < size; i++)
        for (int x = 1; x < 256; x += 7) {
            all[i] ^= (uint8_t)x;
            cinch_status status = open_bytes(all, size);
            cr_assert(status == CINCH_OK || status == CINCH_DATA);
            all[i] ^= (uint8_t)x;
        }
    free(all);
}

/* --- the writer --------------------------------------------------------------------------------------------------- */

static cinch_tensor_writer *writer_of(const char *path, int64_t floats)
{
    cinch_tensor_writer *w;
    cr_assert_eq(cinch_tensor_writer_create(&w, path), CINCH_OK);
    cr_assert_eq(cinch_tensor_writer_declare(w, "x", CINCH_ELEMENT_F32, 1, &floats), CINCH_OK);
    return w;
}

Test(safetensors, writer_refuses_misuse)
{
    const char *path = in_folder("x.safetensors");
    cinch_tensor_writer *w = writer_of(path, 1);
    const int64_t two[2] = {INT64_MAX, 2}, one = 1, less = -1, big = INT64_MAX / 2;
    cr_assert_eq(cinch_tensor_writer_declare(w, "x", CINCH_ELEMENT_F32, 1, &one), CINCH_USAGE);
    cr_assert(error_says(path, "'x' is declared twice"));
    cr_assert_eq(cinch_tensor_writer_declare(w, "__metadata__", CINCH_ELEMENT_F32, 1, &one), CINCH_USAGE);
    cr_assert_eq(cinch_tensor_writer_declare(w, "\xFF", CINCH_ELEMENT_F32, 1, &one), CINCH_USAGE);
    cr_assert(error_says(path, "is not UTF-8"));
    cr_assert_eq(cinch_tensor_writer_metadata(w, "k", "\xFF"), CINCH_USAGE);
    cr_assert_eq(cinch_tensor_writer_metadata(w, "\xFF", "v"), CINCH_USAGE);
    cr_assert_eq(cinch_tensor_writer_metadata(w, "k", "v"), CINCH_OK);
    cr_assert_eq(cinch_tensor_writer_metadata(w, "k", "v"), CINCH_USAGE);
    cr_assert_eq(cinch_tensor_writer_declare(w, "y", CINCH_ELEMENT_NONE, 1, &one), CINCH_USAGE);
    cr_assert_eq(cinch_tensor_writer_declare(w, "y", CINCH_ELEMENT_U8, 2, two), CINCH_USAGE);
    cr_assert(error_says(path, "overflows"));
    cr_assert_eq(cinch_tensor_writer_declare(w, "y", CINCH_ELEMENT_U8, 1, &less), CINCH_USAGE);
    cr_assert_eq(cinch_tensor_writer_declare(w, "y", CINCH_ELEMENT_F64, 1, &one), CINCH_USAGE);
    cr_assert(error_says(path, "declare wider elements first"));
    cr_assert_eq(cinch_tensor_writer_declare(w, "y", CINCH_ELEMENT_U8, 1, &big), CINCH_OK);
    cr_assert_eq(cinch_tensor_writer_declare(w, "z", CINCH_ELEMENT_U8, 1, &big), CINCH_USAGE);
    cr_assert(error_says(path, "size overflows"));
    cinch_tensor_writer_free(w);
    cr_assert_eq(count_files(), 0);
}

Test(safetensors, writer_counts_bytes)
{
    const char *path = in_folder("x.safetensors");
    float x[3] = {1, 2, 3};
    cinch_tensor_writer *w = writer_of(path, 2);
    cr_assert_eq(cinch_tensor_writer_write(w, x, 4), CINCH_OK);
    cr_assert_not(is_file(path));
    cr_assert_eq(cinch_tensor_writer_declare(w, "late", CINCH_ELEMENT_U8, 0, NULL), CINCH_USAGE);
    cr_assert_eq(cinch_tensor_writer_write(w, x, 8), CINCH_USAGE);
    cr_assert(error_says(path, "more bytes than the 8 declared"));
    cr_assert_eq(count_files(), 0);
    cr_assert_eq(cinch_tensor_writer_write(w, x, 4), CINCH_USAGE);
    cr_assert_eq(cinch_tensor_writer_commit(w), CINCH_USAGE);
    cinch_tensor_writer_free(w);
    w = writer_of(path, 2);
    cr_assert_eq(cinch_tensor_writer_write(w, x, 4), CINCH_OK);
    cr_assert_eq(cinch_tensor_writer_commit(w), CINCH_USAGE);
    cr_assert(error_says(path, "4 bytes of 8 declared were written"));
    cinch_tensor_writer_free(w);
    w = writer_of(path, 1);
    cr_assert_eq(cinch_tensor_writer_write(w, x, 4), CINCH_OK);
    cr_assert_eq(cinch_tensor_writer_commit(w), CINCH_OK);
    cr_assert_eq(cinch_tensor_writer_commit(w), CINCH_USAGE);
    cinch_tensor_writer_free(w);
    cr_assert_eq(count_files(), 1);
}

Test(safetensors, abandoned_writer_leaves_the_old_file)
{
    const char *path = in_folder("x.safetensors");
    size_t before, after;
    float x = 1;
    write_example(path, 1000);
    uint8_t *old = get_file(path, &before);
    cinch_tensor_writer *w = writer_of(path, 2);
    cr_assert_eq(cinch_tensor_writer_write(w, &x, 4), CINCH_OK);
    cinch_tensor_writer_free(w);
    cr_assert_eq(count_files(), 1);
    uint8_t *now = get_file(path, &after);
    cr_assert(before == after && memcmp(old, now, before) == 0);
    free(old);
    free(now);
}

/* A limit on file sizes stands in for a full disk: writes come back short, then fail. */
Test(safetensors, full_disk)
{
    const char *path = in_folder("x.safetensors");
    struct rlimit limit = {100000, RLIM_INFINITY};
    size_t before, after;
    char *much = calloc(1, 400000);
    write_example(path, 1000);
    uint8_t *old = get_file(path, &before);
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cinch_tensor_writer *w = writer_of(path, 100000);
    cr_assert_eq(cinch_tensor_writer_write(w, much, 400000), CINCH_OUTPUT);
    cr_assert(error_says(path, "cannot write: File too large"));
    cr_assert_eq(count_files(), 1);
    cr_assert_eq(cinch_tensor_writer_commit(w), CINCH_USAGE);
    cinch_tensor_writer_free(w);
    uint8_t *now = get_file(path, &after);
    cr_assert(before == after && memcmp(old, now, before) == 0);
    free(old);
    free(now);
    free(much);
}

Test(safetensors, cannot_be_written)
{
    float x = 1;
    static const char *const paths[][2] = {
        {"/dev/full", "No space left"}, {"/nonexistent/x", "No such file"},
        {".", "is a folder"}, {"/proc/x", "cannot create"}};
    for (int i = 0; i < 4; i++) {
        const char *path = paths[i][0];
        cinch_tensor_writer *w = writer_of(path, 1);
        cinch_status status = cinch_tensor_writer_write(w, &x, sizeof x);
        cr_assert_eq(status, CINCH_OUTPUT, "%s", path);
        cr_assert(error_says(path, paths[i][1]));
        cinch_tensor_writer_free(w);
    }
}

Test(safetensors, devices_are_written_directly)
{
    float x = 1;
    cinch_tensor_writer *w = writer_of("/dev/null", 1);
    cr_assert_eq(cinch_tensor_writer_write(w, &x, sizeof x), CINCH_OK);
    cr_assert_eq(cinch_tensor_writer_commit(w), CINCH_OK);
    cinch_tensor_writer_free(w);
    cr_assert_neq(access("/dev/null", W_OK), -1);
}

Test(safetensors, leftovers)
{
    static const char *const gone[] = {".x.safetensors.tmp-12-0", ".a.tmp-1-2.tmp-3-44"};
    static const char *const kept[] = {"x.safetensors.tmp-12-0", ".x.tmp-12", ".x.tmp-12-", ".x.tmp-1-2x", ".tmp", "x"};
    for (int i = 0; i < 2; i++) put_file(in_folder(gone[i]), "x", 1);
    for (int i = 0; i < 6; i++) put_file(in_folder(kept[i]), "x", 1);
    cr_assert_eq(cinch_remove_leftovers(in_folder(".")), CINCH_OK);
    for (int i = 0; i < 2; i++) cr_assert_not(is_file(in_folder(gone[i])));
    for (int i = 0; i < 6; i++) cr_assert(is_file(in_folder(kept[i])));
    cr_assert_eq(cinch_remove_leftovers("/nonexistent"), CINCH_OUTPUT);
}

/* --- elements ----------------------------------------------------------------------------------------------------- */

Test(safetensors, elements_to_float)
{
    static const struct { cinch_element element; uint64_t word; float value; } cases[] = {
        {CINCH_ELEMENT_F32, 0xC0490FDB, -3.14159274f}, {CINCH_ELEMENT_BF16, 0xC049, -3.140625f},
        {CINCH_ELEMENT_F16, 0x3C00, 1},                {CINCH_ELEMENT_F16, 0xC248, -3.140625f},
        {CINCH_ELEMENT_F16, 0x7BFF, 65504},            {CINCH_ELEMENT_F16, 0x0001, 0x1p-24f},
        {CINCH_ELEMENT_F16, 0x83FF, -1023 * 0x1p-24f}, {CINCH_ELEMENT_F16, 0x0400, 0x1p-14f},
        {CINCH_ELEMENT_F16, 0x7C00, INFINITY},         {CINCH_ELEMENT_F16, 0xFC00, -INFINITY},
        {CINCH_ELEMENT_F64, 0xC00921FB54442D18, -3.14159274f}, {CINCH_ELEMENT_U8, 255, 255},
        {CINCH_ELEMENT_I8, 0x80, -128},                {CINCH_ELEMENT_BOOL, 1, 1},
        {CINCH_ELEMENT_I16, 0x8000, -32768},           {CINCH_ELEMENT_U16, 0xFFFF, 65535},
        {CINCH_ELEMENT_I32, 0x80000000, -2147483648.f}, {CINCH_ELEMENT_U32, 0xFFFFFFFF, 4294967296.f},
        {CINCH_ELEMENT_I64, (uint64_t)INT64_MIN, -0x1p63f}, {CINCH_ELEMENT_U64, UINT64_MAX, 0x1p64f},
        {CINCH_ELEMENT_U64, 0x8000008000000001, 0x1.000002p63f},
    };
    uint8_t place[9];
    float value;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memcpy(place + 1, &cases[i].word, 8); /* not aligned */
        cr_assert_eq(cinch_element_to_float(cases[i].element, place + 1, 1, &value), CINCH_OK);
        cr_assert_eq(value, cases[i].value, "case %zu: %g, expected %g", i, value, cases[i].value);
    }
    cr_assert_eq(cinch_element_to_float(CINCH_ELEMENT_F16, "\x01\x7E", 1, &value), CINCH_OK);
    cr_assert(value != value);
    cr_assert_eq(cinch_element_to_float(CINCH_ELEMENT_C64, place, 1, &value), CINCH_DATA);
    cr_assert_eq(cinch_element_to_float(CINCH_ELEMENT_F8_E4M3, place, 1, &value), CINCH_DATA);
    cr_assert_eq(cinch_element_size(CINCH_ELEMENT_C64), 8);
    cr_assert_eq(cinch_element_size((cinch_element)-1), 0);
    cr_assert_eq(cinch_element_of(CINCH_BF16), CINCH_ELEMENT_BF16);
}
