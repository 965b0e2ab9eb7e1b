/* SPDX-License-Identifier: Apache-2.0 */
/* What random numbers must be whatever their formula: well distributed, and tied to their place alone. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"
#include "core/rng.h"
#include "run.h"
#include "value.h"

static cinch_backend *cpu;
static void open_cpu(void)
{
    cr_assert(!cinch_cpu_open(&cpu, &(cinch_cpu_options){.threads = 2}), "%s", cinch_last_error());
}
static void close_cpu(void) { backends_close(cpu); }
TestSuite(oracle_random, .init = open_cpu, .fini = close_cpu);

#define DRAW(op, type, shape, ...) \
    ROW(op, IN(S(CINCH_POSITION_COUNT)), ATTR(random, .stream = 77, __VA_ARGS__), type, 0, RANGE(POSITION), OUT(shape))

typedef struct place { int64_t seed, step, sample; } place;

/* The row's numbers at a place, to be freed; *n of them. `last` is the operand that holds the position. */
static double *draw(const case_row *row, cinch_dtype dtype, place p, int64_t *n)
{
    case_instance *c = case_create(row, dtype);
    double *position = c->in[c->call.n_in - 1].v;
    const run_variant plain = {.in_place = -1, .commit = -1, .poison = 0xFF};
    run_result r;
    char why[256];
    position[CINCH_POSITION_SEED_LOW] = (double)p.seed;
    position[CINCH_POSITION_STEP_LOW] = (double)p.step;
    position[CINCH_POSITION_SAMPLE] = (double)p.sample;
    cr_assert(run_case(cpu, c, &plain, &r, why, sizeof why), "%s: %s", c->text, why);
    *n = r.count[0];
    double *v = case_alloc((size_t)*n, sizeof *v);
    value_load(r.data[0], *n, r.dtype[0], v);
    run_result_free(&r);
    case_free(c);
    return v;
}

/* --- distributions ------------------------------------------------------------------------------------------------ */

/* Mean of (x - centre)^power. */
static double moment(const double *x, int64_t n, double centre, int power)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += pow(x[i] - centre, power);
    return sum / (double)n;
}

/* `what` is near `want`, five of its standard errors wide. */
static void expect_near(const char *what, double got, double want, double error)
{
    cr_expect(fabs(got - want) <= 5 * error, "%s is %g, want %g within %g", what, got, want, 5 * error);
}

/* Pearson's statistic of counts that should be equal has mean bins - 1 and deviation sqrt(2 (bins - 1)). */
static void expect_even(const char *what, const double *x, int64_t n, double low, double high, int bins)
{
    double *count = case_alloc((size_t)bins, sizeof *count), want = (double)n / bins, statistic = 0;
    for (int64_t i = 0; i < n; i++) {
        int bin = (int)floor((x[i] - low) / (high - low) * bins);
        cr_assert(bin >= 0 && bin < bins, "%s: %g is outside [%g, %g)", what, x[i], low, high);
        count[bin]++;
    }
    for (int bin = 0; bin < bins; bin++) statistic += (count[bin] - want) * (count[bin] - want) / want;
    expect_near(what, statistic, bins - 1, sqrt(2.0 * (bins - 1)));
    free(count);
}

/* Neighbours, and elements a row apart, have nothing to do with each other. */
static void expect_unrelated(const char *what, const double *x, int64_t n, int64_t lag)
{
    double mean = moment(x, n, 0, 1), variance = moment(x, n, mean, 2), sum = 0;
    for (int64_t i = lag; i < n; i++) sum += (x[i] - mean) * (x[i - lag] - mean);
    expect_near(what, sum / (double)(n - lag) / variance, 0, 1 / sqrt((double)(n - lag)));
}

Test(oracle_random, uniform_is_even)
{
    static const case_row row = DRAW(uniform, F32, S(511, 401), .a = -2, .b = 1);
    int64_t n;
    double *x = draw(&row, CINCH_F32, (place){1, 2, 0}, &n);
    expect_near("mean", moment(x, n, 0, 1), -0.5, sqrt(0.75 / (double)n));
    expect_near("variance", moment(x, n, -0.5, 2), 0.75, sqrt((81.0 / 80 - 0.5625) / (double)n));
    expect_even("64 bins", x, n, -2, 1, 64);
    for (int64_t lag = 1; lag < 6; lag++) expect_unrelated("correlation of neighbours", x, n, lag);
    expect_unrelated("correlation of samples", x, n, 401);
    free(x);
}

Test(oracle_random, normal_is_normal)
{
    static const case_row row = DRAW(normal, F32, S(509, 403), .a = 0, .b = 1);
    int64_t n, beyond = 0;
    double *x = draw(&row, CINCH_F32, (place){3, 4, 0}, &n);
    expect_near("mean", moment(x, n, 0, 1), 0, 1 / sqrt((double)n));
    expect_near("variance", moment(x, n, 0, 2), 1, sqrt(2 / (double)n));
    expect_near("skewness", moment(x, n, 0, 3), 0, sqrt(15 / (double)n));
    expect_near("kurtosis", moment(x, n, 0, 4), 3, sqrt(96 / (double)n));
    for (int64_t i = 0; i < n; i++) beyond += fabs(x[i]) > 3;
    expect_near("share beyond three deviations", (double)beyond / (double)n, 0.0026998, sqrt(0.0027 / (double)n));
    for (int64_t i = 0; i < n; i++) x[i] = 0.5 * erfc(-x[i] / sqrt(2));
    expect_even("64 bins of equal weight", x, n, 0, 1 + 1e-12, 64);
    for (int64_t lag = 1; lag < 6; lag++) expect_unrelated("correlation of neighbours", x, n, lag);
    free(x);
}

Test(oracle_random, bernoulli_and_integers_have_their_shares)
{
    static const case_row coin = DRAW(bernoulli, F32, S(257, 513), .a = 0.3f);
    static const case_row die = DRAW(integers, I32, S(257, 513), .low = -3, .high = 4);
    int64_t n;
    double *x = draw(&coin, CINCH_F32, (place){5, 6, 0}, &n);
    expect_near("mean", moment(x, n, 0, 1), 0.3, sqrt(0.21 / (double)n));
    free(x);
    x = draw(&die, CINCH_I32, (place){5, 6, 0}, &n);
    expect_even("faces", x, n, -3, 4, 7);
    free(x);
}

Test(oracle_random, permutation_has_each_number_once)
{
    enum { ROWS_ = 2000, N_ = 33 };
    static const case_row row = DRAW(permutation, I32, S(ROWS_, N_), .a = 0);
    int64_t n;
    double *x = draw(&row, CINCH_I32, (place){7, 8, 0}, &n), first[ROWS_], last[ROWS_];
    int same = 0;
    for (int r = 0; r < ROWS_; r++) {
        bool seen[N_] = {false};
        for (int i = 0; i < N_; i++) {
            int v = (int)x[r * N_ + i];
            cr_assert(v >= 0 && v < N_ && !seen[v], "row %d has %d twice, or outside", r, v);
            seen[v] = true;
        }
        first[r] = x[r * N_], last[r] = x[r * N_ + N_ - 1];
        same += r > 0 && !memcmp(x + r * N_, x + (r - 1) * N_, N_ * sizeof *x);
    }
    cr_expect_eq(same, 0, "rows repeat");
    expect_even("what comes first", first, ROWS_, 0, N_, N_);
    expect_even("what comes last", last, ROWS_, 0, N_, N_);
    free(x);
}

Test(oracle_random, dropout_keeps_its_share_and_the_mean)
{
    static const case_row row = ROW(dropout, IN(S(257, 513), S(CINCH_POSITION_COUNT)),
                                    ATTR(random, .stream = 77, .a = 0.2f), F32, 0, RANGE(POSITIVE, POSITION));
    int64_t n, dropped = 0;
    double *x = draw(&row, CINCH_F32, (place){9, 10, 0}, &n);
    for (int64_t i = 0; i < n; i++) dropped += x[i] == 0;
    expect_near("share dropped", (double)dropped / (double)n, 0.2, sqrt(0.16 / (double)n));
    expect_near("mean", moment(x, n, 0, 1), (0.25 + 4) / 2, 2 / sqrt((double)n));
    free(x);
}

/* --- places ------------------------------------------------------------------------------------------------------- */

static bool same_numbers(const double *a, const double *b, int64_t n) { return !memcmp(a, b, (size_t)n * sizeof *a); }

/* Rows 4..7 of a batch of eight are rows 0..3 of a batch that begins at sample 4: splitting changes nothing. */
static void expect_split(const case_row *whole, const case_row *part, cinch_dtype dtype)
{
    int64_t n, half;
    double *all = draw(whole, dtype, (place){11, 12, 0}, &n);
    double *head = draw(part, dtype, (place){11, 12, 0}, &half), *tail = draw(part, dtype, (place){11, 12, 4}, &half);
    cr_assert_eq(2 * half, n);
    cr_expect(same_numbers(all, head, half), "the first half of the batch differs");
    cr_expect(same_numbers(all + half, tail, half), "the second half of the batch differs");
    cr_expect(!same_numbers(head, tail, half), "both halves are the same");
    free(all);
    free(head);
    free(tail);
}

#define SPLIT(op, type, dtype, ...)                                                                             \
    do {                                                                                                        \
        static const case_row whole = DRAW(op, type, S(8, 37), __VA_ARGS__);                                   \
        static const case_row part = DRAW(op, type, S(4, 37), __VA_ARGS__);                                    \
        expect_split(&whole, &part, dtype);                                                                     \
    } while (0)

Test(oracle_random, numbers_belong_to_samples)
{
    SPLIT(uniform, F32, CINCH_F32, .a = 0, .b = 1);
    SPLIT(normal, F32, CINCH_F32, .a = 0, .b = 1);
    SPLIT(bernoulli, F32, CINCH_F32, .a = 0.5f);
    SPLIT(integers, I32, CINCH_I32, .low = 0, .high = 1000);
    SPLIT(permutation, I32, CINCH_I32, .a = 0);
}

Test(oracle_random, seeds_steps_and_streams_differ)
{
    static const case_row row = DRAW(uniform, F32, S(4, 37), .a = 0, .b = 1);
    static const case_row other = ROW(uniform, IN(S(CINCH_POSITION_COUNT)), ATTR(random, .stream = 78, .a = 0, .b = 1),
                                      F32, 0, RANGE(POSITION), OUT(S(4, 37)));
    int64_t n;
    double *x[5] = {draw(&row, CINCH_F32, (place){1, 1, 0}, &n), draw(&row, CINCH_F32, (place){2, 1, 0}, &n),
                    draw(&row, CINCH_F32, (place){1, 2, 0}, &n), draw(&other, CINCH_F32, (place){1, 1, 0}, &n),
                    draw(&row, CINCH_F32, (place){1, 1, 0}, &n)};
    for (int i = 1; i < 4; i++) cr_expect(!same_numbers(x[0], x[i], n), "place %d gives the same numbers", i);
    cr_expect(same_numbers(x[0], x[4], n), "the same place gives other numbers");
    for (int i = 0; i < 5; i++) free(x[i]);
}
