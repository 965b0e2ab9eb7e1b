/* SPDX-License-Identifier: Apache-2.0 */
#include "data/split.h"

#include "core/permute.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NOWHERE = CINCH_PART_COUNT };

/* The shuffle's epoch that is the split's alone. */
#define SPLIT_EPOCH UINT64_MAX

void cinch_split_free(cinch_split *split)
{
    for (int p = 0; p < CINCH_PART_COUNT; p++) free(split->index[p]);
    memset(split, 0, sizeof *split);
}

static int64_t within(int64_t rows, int64_t limit) { return limit > 0 && limit < rows ? limit : rows; }

/* Fills the lists from each row's part, NOWHERE for none. */
static cinch_status collect(cinch_split *split, const uint8_t *part, int64_t rows)
{
    int64_t at[NOWHERE + 1] = {0};
    memset(split, 0, sizeof *split);
    for (int64_t i = 0; i < rows; i++) at[part[i]]++;
    for (int p = 0; p < CINCH_PART_COUNT; p++) {
        split->count[p] = at[p];
        at[p] = 0;
        split->index[p] = cinch_calloc((size_t)split->count[p], sizeof **split->index);
        if (!split->index[p]) {
            cinch_split_free(split);
            return CINCH_DEVICE;
        }
    }
    for (int64_t i = 0; i < rows; i++)
        if (part[i] != NOWHERE) split->index[part[i]][at[part[i]]++] = (int32_t)i;
    return CINCH_OK;
}

/* --- making ------------------------------------------------------------------------------------------------------- */

static cinch_status shares_of(const double given[3], double share[3])
{
    static const double usual[3] = {80, 10, 10};
    double sum = given[0] + given[1] + given[2];
    bool unset = given[0] == 0 && given[1] == 0 && given[2] == 0;
    if (!unset && !(given[0] >= 0 && given[1] >= 0 && given[2] >= 0 && sum > 0 && isfinite(sum)))
        return cinch_fail(CINCH_USAGE, "data.split=%g,%g,%g: expected three shares of at least 0", given[0], given[1],
                          given[2]);
    for (int p = 0; p < 3; p++) share[p] = unset ? usual[p] / 100 : given[p] / sum;
    return CINCH_OK;
}

static int64_t round_share(int64_t rows, double share)
{
    int64_t count = (int64_t)floor((double)rows * share + 0.5);
    return count < rows ? count : rows;
}

/* How many of `rows` go to validation and to testing; a training part that is wanted is not left empty. */
static void sizes_of(int64_t rows, const double share[3], bool own_test, int64_t *val, int64_t *test)
{
    *val = round_share(rows, share[CINCH_PART_VAL]);
    *test = own_test ? 0 : round_share(rows, share[CINCH_PART_TEST]);
    if (*test > rows - *val) *test = rows - *val;
    if (share[CINCH_PART_TRAIN] > 0 && *val + *test == rows && rows > 0) {
        if (*val > *test) --*val;
        else --*test;
    }
}

cinch_status cinch_split_make(cinch_split *split, const int64_t own[2], const cinch_dataset_options *options)
{
    int64_t rows = own[0] + own[1], taken = within(own[0], options->limit), val, test;
    double share[3];
    memset(split, 0, sizeof *split);
    TRY(shares_of(options->split, share));
    sizes_of(taken, share, own[1] > 0, &val, &test);
    uint8_t *part = cinch_calloc((size_t)rows, 1);
    if (!part) return CINCH_DEVICE;
    memset(part, NOWHERE, (size_t)rows);
    memset(part, CINCH_PART_TRAIN, (size_t)taken);
    memset(part + own[0], CINCH_PART_TEST, (size_t)within(own[1], options->limit));
    cinch_shuffle shuffle = cinch_shuffle_make(options->seed, SPLIT_EPOCH, taken);
    for (int64_t i = 0; i < val + test; i++)
        part[cinch_shuffle_at(&shuffle, i)] = i < val ? CINCH_PART_VAL : CINCH_PART_TEST;
    cinch_status status = collect(split, part, rows);
    free(part);
    return status;
}

/* --- copying ------------------------------------------------------------------------------------------------------ */

static cinch_status mark(uint8_t *part, int64_t rows, int p, const int32_t *index, int64_t count, const char *name)
{
    for (int64_t i = 0; i < count; i++) {
        int32_t row = index[i];
        if (row < 0 || row >= rows)
            return cinch_fail(CINCH_DATA, "%s: part %s has row %d, the data %lld rows", name, cinch_part_name(p), row,
                              (long long)rows);
        if (part[row] != NOWHERE)
            return cinch_fail(CINCH_DATA, "%s: row %d is in part %s and again in part %s", name, row,
                              cinch_part_name(part[row]), cinch_part_name(p));
        part[row] = (uint8_t)p;
    }
    return CINCH_OK;
}

cinch_status cinch_split_copy(cinch_split *split, const int32_t *const index[CINCH_PART_COUNT],
                              const int64_t count[CINCH_PART_COUNT], const int64_t own[2], int64_t limit,
                              const char *name)
{
    int64_t rows = own[0] + own[1], train = within(own[0], limit), test = within(own[1], limit);
    memset(split, 0, sizeof *split);
    uint8_t *part = cinch_calloc((size_t)rows, 1);
    if (!part) return CINCH_DEVICE;
    memset(part, NOWHERE, (size_t)rows);
    cinch_status status = CINCH_OK;
    for (int p = 0; p < CINCH_PART_COUNT && !status; p++) status = mark(part, rows, p, index[p], count[p], name);
    memset(part + train, NOWHERE, (size_t)(own[0] - train));
    memset(part + own[0] + test, NOWHERE, (size_t)(own[1] - test));
    if (!status) status = collect(split, part, rows);
    free(part);
    return status;
}
