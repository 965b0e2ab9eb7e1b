/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing runs: which samples are drawn, what each run makes of them, what goes wrong. */
#include <cinch/report.h>

#include "report_pixels.h"
#include "train_runs.h"

#include <math.h>

#include "backends.h"

TestSuite(report_compare, .fini = remove_runs);

enum { SIDE = 28, SIZE = SIDE * SIDE, ENLARGED = 3, SHOWN = 10 };

static cinch_contender contender(const char *name, cinch_dataset *data)
{
    cinch_contender c = {.name = name, .data = "pictures"};
    OK(cinch_run_open(&c.run, run_path(name), &(cinch_run_options){.device = backends_device(), .threads = 2}));
    OK(cinch_run_rows_of(c.run, data, &c.rows));
    return c;
}

/* The picture of a comparison, which must be drawn. */
static cinch_picture drawn(const cinch_contender *runs, int n)
{
    const char *why;
    char path[600];
    cinch_comparison found[4];
    OK(cinch_report_compare(runs, n, found));
    OK(cinch_report_compare_write(runs, n, found, run_path("out"), &why));
    cr_assert_null(why, "%s", why);
    snprintf(path, sizeof path, "%s/compare.png", run_path("out"));
    return read_png(path);
}

static int shade(float value) { return (int)(fminf(fmaxf(value, 0), 1) * 255 + 0.5f); }

static bool stands_at(const cinch_picture *p, int left, int top, const float *x)
{
    for (int k = 0, i = SIZE / 2; k < SIZE; k++, i = (i + 331) % SIZE) { /* differences show early */
        int column = left + i % SIDE * ENLARGED + 1, row = top + i / SIDE * ENLARGED + 1;
        if (abs(pixel(p, column, row).r - shade(x[i])) > 1) return false;
    }
    return true;
}

/* Whether a sample is drawn anywhere on the sheet. */
static bool is_drawn(const cinch_picture *p, const float *x)
{
    for (int top = 0; top + SIDE * ENLARGED <= p->height; top++)
        for (int left = 0; left + SIDE * ENLARGED <= p->width; left++)
            if (stands_at(p, left, top, x)) return true;
    return false;
}

static bool has_row(const cinch_run_rows *rows, int32_t row)
{
    for (int64_t i = 0; i < rows->n; i++)
        if (rows->index[i] == row) return true;
    return false;
}

Test(report_compare, samples_are_of_every_runs_part)
{
    trained("a", small_config("train.seed=1", "data.spec=shapes:2000", NULL));
    trained("b", small_config("train.seed=2", "data.spec=shapes:2000", NULL));
    cinch_contender runs[] = {contender("a", NULL), contender("b", NULL)};
    cinch_picture picture = drawn(runs, 2);
    int common = 0, shown = 0;
    for (int64_t i = 0; i < runs[0].rows.n; i++) {
        float x[SIZE];
        int32_t row = runs[0].rows.index[i];
        OK(cinch_dataset_gather_float(runs[0].rows.data, &row, 1, x));
        bool here = is_drawn(&picture, x), there = has_row(&runs[1].rows, row);
        common += there;
        shown += here;
        cr_expect(!here || there, "row %d is in the test part of one run alone", row);
    }
    cr_assert(common > 0 && common < runs[0].rows.n, "the parts have %d rows in common", common);
    cr_expect_eq(shown, common < SHOWN ? common : SHOWN);
    cinch_picture_free(&picture);
    for (int i = 0; i < 2; i++) cinch_run_free(runs[i].run);
}

/* Labels of a conditional model are those of the samples. */
Test(report_compare, reconstructions_stand_below_their_samples)
{
    trained("plain", small_config(NULL));
    trained("told", small_config("model.name=vae", "model.condition=label", NULL));
    cinch_contender runs[] = {contender("plain", NULL), contender("told", NULL)};
    cinch_picture picture = drawn(runs, 2);
    float x[SIZE], y[SIZE];
    for (int k = 0; k < SHOWN; k++) {
        int32_t row = runs[0].rows.index[k * runs[0].rows.n / SHOWN];
        int32_t label = cinch_dataset_labels(runs[0].rows.data)[row];
        OK(cinch_dataset_gather_float(runs[0].rows.data, &row, 1, x));
        cr_expect(is_drawn(&picture, x), "sample %d", k);
        for (int i = 0; i < 2; i++) {
            OK(cinch_run_reconstruct(runs[i].run, x, &label, 1, y));
            cr_expect(is_drawn(&picture, y), "what %s makes of sample %d", runs[i].name, k);
        }
    }
    cinch_picture_free(&picture);
    for (int i = 0; i < 2; i++) cinch_run_free(runs[i].run);
}

/* Their errors are to what is to be reconstructed. */
Test(report_compare, errors_are_to_the_target)
{
    cinch_dataset *other;
    trained("a", small_config(NULL));
    cinch_contender run = contender("a", NULL);
    OK(cinch_dataset_open(&other, "shapes:600,7", NULL));
    cinch_picture plain = drawn(&run, 1);
    run.rows.target = other;
    cinch_picture aimed = drawn(&run, 1);
    cr_assert(plain.width == aimed.width && plain.height == aimed.height);
    size_t bytes = 3 * (size_t)plain.width * (size_t)plain.height, errors = 3 * (size_t)plain.width * 140;
    cr_expect(memcmp(plain.rgb, aimed.rgb, bytes), "other errors");
    cr_expect_arr_eq(plain.rgb, aimed.rgb, errors, "the originals stay as they are");
    cinch_picture_free(&plain);
    cinch_picture_free(&aimed);
    cinch_dataset_free(other);
    cinch_run_free(run.run);
}

/* Other data of the same shape: the first run's samples; none in common: no picture, and the figures all the same. */
Test(report_compare, other_data_and_no_rows_in_common)
{
    const char *why;
    cinch_dataset *other;
    cinch_comparison found[2];
    trained("a", small_config(NULL));
    OK(cinch_dataset_open(&other, "shapes:600,7", NULL));
    cinch_contender runs[] = {contender("a", NULL), contender("a", other)};
    cinch_picture picture = drawn(runs, 2);
    float x[SIZE];
    OK(cinch_dataset_gather_float(runs[0].rows.data, runs[0].rows.index, 1, x));
    cr_expect(is_drawn(&picture, x));
    cinch_picture_free(&picture);
    runs[1].rows = runs[0].rows;
    runs[1].rows.n = 20;
    runs[0].rows.index += 20;
    runs[0].rows.n -= 20;
    OK(cinch_report_compare(runs, 2, found));
    cr_expect_eq(found[0].evaluation.n + found[1].evaluation.n, 60);
    OK(cinch_report_compare_write(runs, 2, found, run_path("out"), &why));
    cr_expect(why && strstr(why, "no sample is in every run's test part"), "%s", why);
    cr_expect_not(has_run_file("out", "compare.png"), "the picture of earlier is gone");
    cr_expect(has_run_file("out", "compare.json"));
    for (int i = 0; i < 2; i++) cinch_run_free(runs[i].run);
    cinch_dataset_free(other);
}

Test(report_compare, an_error_names_the_run)
{
    cinch_comparison found[1];
    cinch_dataset *unlabelled;
    float zeros[4 * SIZE] = {0};
    trained("told", small_config("model.name=vae", "model.condition=label", NULL));
    OK(cinch_dataset_wrap(&unlabelled, zeros, CINCH_F32, 4, CINCH_SHAPE(SIDE, SIDE, 1), NULL, NULL));
    cinch_contender run = contender("told", unlabelled);
    cr_expect_eq(cinch_report_compare(&run, 1, found), CINCH_DATA);
    one_line_naming(run_path("told"));
    cr_expect_eq(cinch_report_compare_write(&run, 1, found, "/proc/none", NULL), CINCH_OUTPUT);
    cinch_run_free(run.run);
    cinch_dataset_free(unlabelled);
}

/* --- how far a run is --------------------------------------------------------------------------------------------- */

Test(report_compare, standing_of_a_run)
{
    cinch_standing s;
    heard h = {.stop_at_step = 5, .stop_with = CINCH_INTERRUPTED};
    OK(cinch_run_standing(run_path("none"), &s));
    cr_expect(!s.ended && s.steps == 0 && isnan(s.elapsed_s));
    cr_expect_eq(train_in("a", small_config(NULL), (cinch_train_options){0}, &h, NULL), CINCH_INTERRUPTED);
    OK(cinch_run_standing(run_path("a"), &s));
    cr_expect(!s.ended && s.steps == 5);
    cinch_train_result result = resumed("a", small_config(NULL));
    OK(cinch_run_standing(run_path("a"), &s));
    cr_expect(s.ended && s.steps == result.steps && s.epochs == 2);
    cr_expect(s.elapsed_s > 0 && s.elapsed_s < 60);
}

Test(report_compare, whether_a_folder_can_be_trained_in)
{
    cinch_train_options resume = {.resume = true}, overwrite = {.overwrite = true}, none = {0};
    cinch_config *same = small_config(NULL), *other = small_config("optimizer.lr=0.5", NULL);
    OK(cinch_train_check(same, run_path("a"), &none));
    cr_expect_eq(cinch_train_check(same, run_path("a"), &resume), CINCH_DATA);
    cr_expect_not(has_run_file("a", "."), "looking makes nothing");
    trained("a", small_config(NULL));
    cr_expect_eq(cinch_train_check(same, run_path("a"), &none), CINCH_USAGE);
    OK(cinch_train_check(same, run_path("a"), &resume));
    OK(cinch_train_check(other, run_path("a"), &overwrite));
    cr_expect_eq(cinch_train_check(other, run_path("a"), &resume), CINCH_USAGE);
    cr_expect(error_holds("optimizer.lr") || error_holds("--lr"), "%s", cinch_last_error());
    cinch_config_free(same);
    cinch_config_free(other);
}
