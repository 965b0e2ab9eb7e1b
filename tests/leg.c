/* SPDX-License-Identifier: Apache-2.0 */
#include "leg.h"

#include <criterion/hooks.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ENOUGH_FAILURES = 40 };
static const char counts_name[] = "CINCH_TEST_COUNTS";

void leg_fail(leg *l, const case_instance *c, const char *where, const char *why)
{
    l->failed++;
    fprintf(stderr, "%s: %s%s%s: %s\n", leg_name, c->text, *where ? ", " : "", where, why);
}

bool leg_hopeless(const leg *l)
{
    return l->failed >= ENOUGH_FAILURES;
}

static void add_counts(const leg *l)
{
    const char *path = getenv(counts_name);
    FILE *file = path ? fopen(path, "a") : NULL;
    if (!file) return;
    fprintf(file, "%d %d %d\n", l->cases, l->calls, l->skipped);
    fclose(file);
}

void leg_end(const leg *l)
{
    fprintf(stderr, "%s: %-11s %5d cases, %6d calls, %d skipped, %d failed", leg_name, l->family, l->cases, l->calls,
            l->skipped, l->failed);
    if (l->worst > 0) fprintf(stderr, "; closest to its bound: %.2f (%s)", l->worst, l->worst_at);
    fputc('\n', stderr);
    add_counts(l);
    cr_assert_eq(l->failed, 0, "%s: %s: %d cases failed", leg_name, l->family, l->failed);
}

ReportHook(PRE_ALL)(struct criterion_test_set *set)
{
    char path[] = "/tmp/cinch-counts-XXXXXX";
    int file = mkstemp(path);
    (void)set;
    if (file < 0) return;
    close(file);
    setenv(counts_name, path, 1);
}

ReportHook(POST_ALL)(struct criterion_global_stats *stats)
{
    const char *path = getenv(counts_name);
    FILE *file = path ? fopen(path, "r") : NULL;
    long cases = 0, calls = 0, skipped = 0, c, n, s;
    (void)stats;
    while (file && fscanf(file, "%ld %ld %ld", &c, &n, &s) == 3) cases += c, calls += n, skipped += s;
    if (file) fclose(file);
    if (path) unlink(path);
    fprintf(stderr, "%s leg: %ld cases run in %ld calls, %ld skipped\n", leg_name, cases, calls, skipped);
}
