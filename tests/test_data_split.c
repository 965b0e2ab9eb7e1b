/* SPDX-License-Identifier: Apache-2.0 */
#include <cinch/data.h>
#include <criterion/criterion.h>

#include "core/permute.h"
#include "data_files.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

TestSuite(split, .fini = remove_folder);

/* --- the shuffle -------------------------------------------------------------------------------------------------- */

static void check_bijection(uint64_t seed, uint64_t epoch, int64_t n)
{
    char *seen = calloc((size_t)n, 1);
    for (int64_t i = 0; i < n; i++) {
        int64_t j = cinch_permute(seed, epoch, n, i);
        cr_assert(j >= 0 && j < n && !seen[j], "n %lld, i %lld: %lld", (long long)n, (long long)i, (long long)j);
        seen[j] = 1;
    }
    free(seen);
}

Test(split, permutations_are_bijections)
{
    for (int64_t n = 1; n <= 600; n++) check_bijection((uint64_t)n * 7919, (uint64_t)n % 5, n);
    for (int64_t n = 1023; n <= 1026; n++) check_bijection(UINT64_MAX, UINT64_MAX, n);
    check_bijection(1, 1, 60000);
    check_bijection(1, 2, 131073);
}

/* Far beyond 2^32: still in range, still one to one on a sample. */
Test(split, permutations_of_much)
{
    const int64_t n = (INT64_C(1) << 61) + 12345;
    int64_t seen[2000];
    for (int i = 0; i < 2000; i++) {
        seen[i] = cinch_permute(3, 4, n, n - 1 - i * (n / 2000));
        cr_assert(seen[i] >= 0 && seen[i] < n);
        for (int k = 0; k < i; k++) cr_assert_neq(seen[i], seen[k]);
    }
}

static double chi_square(const int *count, int cells, double expected)
{
    double sum = 0;
    for (int i = 0; i < cells; i++) sum += (count[i] - expected) * (count[i] - expected) / expected;
    return sum;
}

/* Over many epochs each row comes to each place equally often, and so do pairs of rows to the first two places. The
   statistics have (n-1)^2 * n/(n-1) and n(n-1)-1 degrees of freedom; 6 deviations are allowed. */
Test(split, permutations_look_uniform)
{
    static const int sizes[] = {2, 3, 5, 8, 10, 13, 33};
    enum { TURNS = 20000 };
    for (int s = 0; s < 7; s++) {
        int n = sizes[s], places[33 * 33] = {0}, pairs[33 * 33] = {0}, at[33];
        for (int e = 0; e < TURNS; e++) {
            cinch_shuffle p = cinch_shuffle_make(42, (uint64_t)e, n);
            for (int i = 0; i < n; i++) {
                at[i] = (int)cinch_shuffle_at(&p, i);
                places[i * n + at[i]]++;
            }
            pairs[at[0] * (n - 1) + at[1] - (at[1] > at[0])]++;
        }
        double freedom = n * (n - 1.0), x = chi_square(places, n * n, (double)TURNS / n);
        cr_assert_lt(x * (n - 1) / n, (n - 1.0) * (n - 1) + 6 * sqrt(2) * (n - 1), "places of %d: %g", n, x);
        x = chi_square(pairs, n * (n - 1), TURNS / freedom);
        cr_assert_lt(x, freedom - 1 + 6 * sqrt(2 * freedom), "pairs of %d: %g", n, x);
    }
}

/* Of two neighbours' images each is the greater half of the time, a value is not drawn to its place, and epochs and
   seeds are unlike one another. */
Test(split, permutations_are_unlike)
{
    enum { N = 50000 };
    int ascents = 0, fixed = 0, same_epoch = 0, same_seed = 0;
    double covariance = 0, middle = (N - 1) / 2.0;
    for (int i = 0; i < N; i++) {
        int64_t a = cinch_permute(5, 0, N, i);
        ascents += i > 0 && a > cinch_permute(5, 0, N, i - 1);
        fixed += a == i;
        same_epoch += a == cinch_permute(5, 1, N, i);
        same_seed += a == cinch_permute(6, 0, N, i);
        covariance += (a - middle) * (i - middle);
    }
    cr_assert_float_eq(ascents, N / 2, 400); /* deviation sqrt(N/12) = 65 */
    cr_assert_leq(fixed, 8);                 /* Poisson of mean 1 */
    cr_assert_leq(same_epoch, 8);
    cr_assert_leq(same_seed, 8);
    cr_assert_float_eq(covariance / (N * (N * (double)N / 12)), 0, 6 / sqrt(N));
}

/* --- parts -------------------------------------------------------------------------------------------------------- */

/* Counts are right, lists ascend, no row is in two parts. Returns how many rows are in any. */
static int64_t check_parts(const cinch_dataset *d)
{
    const cinch_dataset_info *info = cinch_dataset_describe(d);
    char *seen = calloc((size_t)info->rows, 1);
    int64_t all = 0;
    for (int p = 0; p < CINCH_PART_COUNT; p++) {
        const int32_t *index;
        int64_t n = cinch_dataset_part(d, (cinch_part)p, &index);
        cr_assert_eq(n, info->part[p]);
        for (int64_t i = 0; i < n; i++) {
            cr_assert(index[i] >= 0 && index[i] < info->rows && !seen[index[i]]);
            cr_assert(i == 0 || index[i] > index[i - 1]);
            seen[index[i]] = 1;
        }
        all += n;
    }
    free(seen);
    return all;
}

static cinch_dataset *wrapped(int64_t rows, const cinch_dataset_options *o)
{
    static const uint8_t zeros[100000];
    cinch_dataset *d;
    cr_assert_eq(cinch_dataset_wrap(&d, zeros, CINCH_U8, rows, CINCH_SHAPE(1), NULL, o), CINCH_OK, "%s",
                 cinch_last_error());
    return d;
}

Test(split, sizes)
{
    static const struct { int64_t rows; cinch_dataset_options o; int64_t part[3]; } cases[] = {
        {1000, {.seed = 1}, {800, 100, 100}},
        {1001, {.seed = 1}, {801, 100, 100}},
        {1, {.seed = 1}, {1, 0, 0}},
        {2, {.seed = 1}, {2, 0, 0}},
        {5, {.seed = 1}, {3, 1, 1}},
        {10, {.seed = 1}, {8, 1, 1}},
        {1000, {.split = {1, 0, 0}}, {1000, 0, 0}},
        {1000, {.split = {0, 1, 0}}, {0, 1000, 0}},
        {1000, {.split = {0, 0, 3}}, {0, 0, 1000}},
        {3, {.split = {0, 1, 1}}, {0, 2, 1}},
        {1000, {.split = {70, 20, 10}}, {700, 200, 100}},
        {1000, {.split = {0.5, 0.25, 0.25}}, {500, 250, 250}},
        {3, {.split = {0.001, 1, 1}}, {1, 1, 1}},
        {1, {.split = {0.001, 1, 1}}, {1, 0, 0}},
        {1000, {.limit = 100}, {80, 10, 10}},
        {1000, {.limit = 5000}, {800, 100, 100}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cinch_dataset *d = wrapped(cases[i].rows, &cases[i].o);
        for (int p = 0; p < 3; p++)
            cr_assert_eq(cinch_dataset_part(d, (cinch_part)p, NULL), cases[i].part[p], "case %zu, %s: %lld", i,
                         cinch_part_name((cinch_part)p), (long long)cinch_dataset_part(d, (cinch_part)p, NULL));
        int64_t limit = cases[i].o.limit && cases[i].o.limit < cases[i].rows ? cases[i].o.limit : cases[i].rows;
        cr_assert_eq(check_parts(d), limit);
        for (int p = 0; p < 3; p++) {
            const int32_t *index;
            int64_t n = cinch_dataset_part(d, (cinch_part)p, &index);
            cr_assert(n == 0 || index[n - 1] < limit);
        }
        cinch_dataset_free(d);
    }
}

Test(split, shares_refused)
{
    static const double bad[][3] = {{-1, 1, 1}, {1, -1, 1}, {1, 1, NAN}, {INFINITY, 1, 1}, {1, -1, 0}};
    cinch_dataset *d;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cinch_dataset_options o = {.split = {bad[i][0], bad[i][1], bad[i][2]}};
        cr_assert_eq(cinch_dataset_wrap(&d, "", CINCH_U8, 1, CINCH_SHAPE(1), NULL, &o), CINCH_USAGE);
        cr_assert(error_says("data.split=", "expected three shares"));
    }
}

static bool same_part(const cinch_dataset *a, const cinch_dataset *b, cinch_part p)
{
    const int32_t *x, *y;
    int64_t n = cinch_dataset_part(a, p, &x), m = cinch_dataset_part(b, p, &y);
    return n == m && memcmp(x, y, (size_t)n * sizeof *x) == 0;
}

/* The same seed splits alike, another one differently, and the parts are spread over the rows. */
Test(split, seeds)
{
    cinch_dataset *a = wrapped(10000, &(cinch_dataset_options){.seed = 9});
    cinch_dataset *b = wrapped(10000, &(cinch_dataset_options){.seed = 9});
    cinch_dataset *c = wrapped(10000, &(cinch_dataset_options){.seed = 10});
    const int32_t *index;
    double sum = 0;
    for (int p = 0; p < 3; p++) {
        cr_assert(same_part(a, b, (cinch_part)p));
        cr_assert_not(same_part(a, c, (cinch_part)p));
    }
    int64_t n = cinch_dataset_part(a, CINCH_PART_TEST, &index);
    for (int64_t i = 0; i < n; i++) sum += index[i];
    cr_assert_float_eq(sum / (double)n, 4999.5, 6 * 2887 / sqrt((double)n));
    cinch_dataset_free(a);
    cinch_dataset_free(b);
    cinch_dataset_free(c);
}

/* --- a container with a test part of its own ---------------------------------------------------------------------- */

static void put_labels(const char *name, uint32_t n)
{
    bytes b = {0};
    append_big(&b, 0x803, 4);
    append_big(&b, n, 4);
    append_big(&b, 1, 4);
    append_big(&b, 1, 4);
    for (uint32_t i = 0; i < n; i++) append_big(&b, i, 1);
    put_file(in_folder(name), b.at, b.size);
    free(b.at);
}

Test(split, own_test_part)
{
    static const struct { cinch_dataset_options o; int64_t part[3]; } cases[] = {
        {{.seed = 1}, {90, 10, 50}},          {{.split = {80, 20, 0}}, {80, 20, 50}},
        {{.split = {1, 0, 0}}, {100, 0, 50}}, {{.split = {0, 1, 0}}, {0, 100, 50}},
        {{.split = {0, 0, 1}}, {100, 0, 50}}, {{.limit = 20}, {18, 2, 20}},
        {{.limit = 70}, {63, 7, 50}},
    };
    put_labels("train-images-idx3-ubyte", 100);
    put_labels("t10k-images-idx3-ubyte", 50);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int32_t *index;
        cinch_dataset *d;
        cr_assert_eq(cinch_dataset_open(&d, in_folder("."), &cases[i].o), CINCH_OK, "%s", cinch_last_error());
        check_parts(d);
        for (int p = 0; p < 3; p++)
            cr_assert_eq(cinch_dataset_part(d, (cinch_part)p, NULL), cases[i].part[p], "case %zu", i);
        cinch_dataset_part(d, CINCH_PART_TEST, &index);
        for (int64_t k = 0; k < cases[i].part[2]; k++) cr_assert_eq(index[k], 100 + k);
        cinch_dataset_free(d);
    }
}

/* --- keeping parts ------------------------------------------------------------------------------------------------ */

Test(split, set_parts)
{
    cinch_dataset *d = wrapped(10, NULL);
    const int32_t train[] = {7, 2, 3}, val[] = {9}, test[] = {0, 1}, twice[] = {3}, far[] = {10}, under[] = {-1};
    const int32_t *const good[3] = {train, val, test};
    const int64_t count[3] = {3, 1, 2};
    const int32_t *index;
    cr_assert_eq(cinch_dataset_set_parts(d, good, count), CINCH_OK);
    cr_assert_eq(check_parts(d), 6);
    cr_assert_eq(cinch_dataset_part(d, CINCH_PART_TRAIN, &index), 3);
    cr_assert(index[0] == 2 && index[1] == 3 && index[2] == 7);
    const int32_t *const bad[][3] = {{train, twice, test}, {train, far, test}, {train, under, test}};
    static const char *const words[] = {"row 3 is in part train and again in part val",
                                        "part val has row 10, the data 10", "part val has row -1"};
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(cinch_dataset_set_parts(d, bad[i], count), CINCH_DATA);
        cr_assert(error_says("memory", words[i]));
        cr_assert_eq(cinch_dataset_part(d, CINCH_PART_TRAIN, NULL), 3);
    }
    const int32_t *const none[3] = {NULL, NULL, NULL};
    cr_assert_eq(cinch_dataset_set_parts(d, none, (const int64_t[3]){0, 0, 0}), CINCH_OK);
    cr_assert_eq(check_parts(d), 0);
    cinch_dataset_free(d);
}

Test(split, save_and_load)
{
    const char *path = in_folder("split.safetensors");
    cinch_dataset *a = wrapped(1000, &(cinch_dataset_options){.seed = 4});
    cinch_dataset *b = wrapped(1000, NULL), *c = wrapped(999, NULL);
    cinch_dataset *few = wrapped(1000, &(cinch_dataset_options){.limit = 100});
    const int32_t *index;
    cr_assert_eq(cinch_dataset_save_parts(a, path), CINCH_OK, "%s", cinch_last_error());
    cr_assert_eq(cinch_dataset_load_parts(b, path), CINCH_OK, "%s", cinch_last_error());
    for (int p = 0; p < 3; p++) cr_assert(same_part(a, b, (cinch_part)p));
    cr_assert_eq(cinch_dataset_load_parts(few, path), CINCH_OK);
    cr_assert_eq(check_parts(few), 100);
    int64_t n = cinch_dataset_part(few, CINCH_PART_TRAIN, &index);
    cr_assert_lt(index[n - 1], 100);
    cr_assert_eq(cinch_dataset_load_parts(c, path), CINCH_DATA);
    cr_assert(error_says(path, "was made for data of 1000 rows; memory has 999"));
    cr_assert_eq(cinch_dataset_load_parts(b, in_folder("absent")), CINCH_DATA);
    cr_assert_eq(cinch_dataset_save_parts(b, "/nonexistent/x"), CINCH_OUTPUT);
    cinch_dataset_free(a);
    cinch_dataset_free(b);
    cinch_dataset_free(c);
    cinch_dataset_free(few);
}

static void put_split(const char *path, const char *rows, cinch_element element)
{
    cinch_tensor_writer *w;
    const int64_t none = 0;
    cr_assert_eq(cinch_tensor_writer_create(&w, path), CINCH_OK);
    if (rows) cr_assert_eq(cinch_tensor_writer_metadata(w, "cinch.rows", rows), CINCH_OK);
    for (int p = 0; p < 3; p++)
        cr_assert_eq(cinch_tensor_writer_declare(w, cinch_part_name((cinch_part)p), element, 1, &none), CINCH_OK);
    cr_assert_eq(cinch_tensor_writer_commit(w), CINCH_OK);
    cinch_tensor_writer_free(w);
}

Test(split, load_refuses)
{
    const char *path = in_folder("split.safetensors");
    cinch_dataset *d = wrapped(10, NULL);
    put_split(path, NULL, CINCH_ELEMENT_I32);
    cr_assert_eq(cinch_dataset_load_parts(d, path), CINCH_DATA);
    cr_assert(error_says(path, "does not say how many rows"));
    put_split(path, "10", CINCH_ELEMENT_I64);
    cr_assert_eq(cinch_dataset_load_parts(d, path), CINCH_DATA);
    cr_assert(error_says(path, "holds no list of rows 'train'"));
    put_split(path, "10", CINCH_ELEMENT_I32);
    cr_assert_eq(cinch_dataset_load_parts(d, path), CINCH_OK);
    cr_assert_eq(check_parts(d), 0);
    cinch_dataset_free(d);
}
