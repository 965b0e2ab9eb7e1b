/* SPDX-License-Identifier: Apache-2.0 */
/* Algorithms that the CUDA backend chose for products go out as texts, come back, and nothing breaks what follows. */
#include "backends.h"
#include "case.h"
#include "run.h"
#include "value.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 400, SIZE = 512 };

typedef struct choices {
    int n;
    char key[MOST][SIZE], text[MOST][SIZE];
} choices;

static choices first, second;

static void keep(void *user, const char *key, const char *choice)
{
    choices *c = user;
    cr_assert_lt(c->n, MOST);
    cr_assert_lt(strlen(key), SIZE);
    cr_assert_lt(strlen(choice), SIZE);
    strcpy(c->key[c->n], key);
    strcpy(c->text[c->n++], choice);
}

static void collect(cinch_backend *b, choices *c)
{
    c->n = 0;
    b->vtable->choices(b, keep, c);
}

static const char *text_of(const choices *c, const char *key)
{
    for (int i = 0; i < c->n; i++)
        if (!strcmp(c->key[i], key)) return c->text[i];
    return "";
}

static cinch_backend *open_gpu(void)
{
    cinch_backend *b = backends_cuda();
    if (!b) cr_skip_test("there is no GPU");
    return b;
}

static void give(cinch_backend *b, const choices *c)
{
    for (int i = 0; i < c->n; i++)
        cr_assert_eq(b->vtable->choose(b, c->key[i], c->text[i]), CINCH_OK, "%s", cinch_last_error());
}

/* --- some products ------------------------------------------------------------------------------------------------ */

/* Of the family's cases, those of an op in both types, without the large ones. */
static bool is_taken(const case_row *row)
{
    int64_t size = 1;
    for (int i = 0; i < row->in[0].rank; i++) size *= row->in[0].dim[i];
    return size < 20000 && !(row->flags & SPEED);
}

static run_result run_row(cinch_backend *b, const case_instance *c)
{
    const run_variant plain = {.in_place = -1, .commit = -1, .poison = 0xFF};
    run_result result = {0};
    char why[256];
    cr_assert(run_case(b, c, &plain, &result, why, sizeof why), "%s: %s", c->text, why);
    return result;
}

/* What `b` computes is what `other` computes, to the last bit; or, where that is not asked, close to the oracle. */
static void run_all(cinch_backend *b, cinch_backend *other)
{
    for (int i = 0; i < case_matmul.n; i++)
        for (int type = 0; type < CINCH_DTYPE_COUNT; type++) {
            const case_row *row = &case_matmul.rows[i];
            if (!(row->types >> type & 1) || !is_taken(row)) continue;
            case_instance *c = case_create(row, (cinch_dtype)type);
            run_result got = run_row(b, c);
            if (other) {
                run_result want = run_row(other, c);
                cr_expect(run_result_same(&want, &got), "%s: other bytes", c->text);
                run_result_free(&want);
            } else {
                char why[256];
                double worst = 0;
                value_bound bound = value_bound_of(c, got.dtype[0]);
                cr_assert(oracle_run(&c->call));
                cr_expect(value_compare(got.data[0], c->out[0].v, got.count[0], got.dtype[0], bound, &worst, why,
                                        sizeof why), "%s: %s", c->text, why);
            }
            run_result_free(&got);
            case_free(c);
        }
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

Test(choices, come_back_and_give_the_same_bytes)
{
    cinch_backend *a = open_gpu(), *b = open_gpu();
    run_all(a, NULL);
    collect(a, &first);
    cr_expect_gt(first.n, 50);
    give(b, &first);
    run_all(b, a);
    collect(b, &second);
    cr_expect_eq(first.n, second.n);
    for (int i = 0; i < first.n; i++)
        cr_expect_str_eq(first.text[i], text_of(&second, first.key[i]), "%s", first.key[i]);
    backends_close(a);
    backends_close(b);
}

/* One product's algorithm under another's name: it does not fit, or it computes the other product as well. */
Test(choices, that_do_not_fit_are_made_anew)
{
    cinch_backend *a = open_gpu(), *b = open_gpu();
    run_all(a, NULL);
    collect(a, &first);
    second = first;
    for (int i = 0; i < first.n; i++) strcpy(second.text[i], first.text[(i + 7) % first.n]);
    give(b, &second);
    run_all(b, NULL);
    backends_close(a);
    backends_close(b);
}

/* Without any algorithm of the library's, the own kernel computes everything. */
Test(choices, of_none_leave_the_own_kernel)
{
    cinch_backend *a = open_gpu(), *b = open_gpu();
    run_all(a, NULL);
    collect(a, &first);
    for (int i = 0; i < first.n; i++) strcpy(first.text[i], "none");
    give(b, &first);
    run_all(b, NULL);
    collect(b, &second);
    for (int i = 0; i < first.n; i++) cr_expect_str_eq(text_of(&second, first.key[i]), "none");
    backends_close(a);
    backends_close(b);
}

/* Plans hold on to what they were made with. */
Test(choices, that_come_too_late_change_nothing)
{
    cinch_backend *a = open_gpu();
    run_all(a, NULL);
    collect(a, &first);
    for (int i = 0; i < first.n; i++)
        cr_expect_eq(a->vtable->choose(a, first.key[i], "none"), CINCH_OK);
    run_all(a, NULL);
    collect(a, &second);
    for (int i = 0; i < first.n; i++) cr_expect_str_eq(text_of(&second, first.key[i]), first.text[i]);
    backends_close(a);
}

Test(choices, that_are_none_are_refused)
{
    cinch_backend *b = open_gpu();
    char digits[132], *key = case_alloc(5000, 1);
    memset(digits, 'a', sizeof digits);
    digits[131] = 0;
    const char *bad[] = {"", "x", "NONE", "nonee", digits, digits + 1, digits + 2, digits + 4};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_eq(b->vtable->choose(b, "matmul", bad[i]), CINCH_DATA, "'%s'", bad[i]);
    digits[10] = 'g';
    cr_expect_eq(b->vtable->choose(b, "matmul", digits + 3), CINCH_DATA);
    digits[10] = 'f';
    cr_expect_eq(b->vtable->choose(b, "matmul", digits + 3), CINCH_OK, "of another product");
    memset(key, 'k', 4999);
    cr_expect_eq(b->vtable->choose(b, key, digits + 3), CINCH_DATA);
    collect(b, &first);
    cr_expect_eq(first.n, 1);
    free(key);
    backends_close(b);
}
