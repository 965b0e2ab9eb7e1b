/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <cinch/report.h>

#include <stdlib.h>
#include <string.h>

typedef struct walk {
    cinch_run *run;
    cinch_run_rows rows;
    int64_t ends[2], points;
    cinch_path path;
} walk;

static cinch_status read_path(const char *text, cinch_path *out)
{
    *out = text && !strcmp(text, "slerp") ? CINCH_PATH_SLERP : CINCH_PATH_LINEAR;
    if (!text || !strcmp(text, "slerp") || !strcmp(text, "linear")) return CINCH_OK;
    return cinch_cli_fail(CINCH_USAGE, "--path %s: unknown; one of: linear slerp", text);
}

static cinch_status read_walk(const cinch_cli *cli, walk *w)
{
    TRY(cinch_cli_whole("--from", cli->from, 0, 0, &w->ends[0]));
    TRY(cinch_cli_whole("--to", cli->to, 0, 1, &w->ends[1]));
    TRY(cinch_cli_whole("--num-points", cli->num_points, 2, 10, &w->points));
    TRY(read_path(cli->path, &w->path));
    for (int i = 0; i < 2; i++)
        if (w->ends[i] >= w->rows.n)
            return cinch_cli_fail(CINCH_USAGE, "%s %lld: there are rows 0 to %lld", i ? "--to" : "--from",
                                  (long long)w->ends[i], (long long)w->rows.n - 1);
    return CINCH_OK;
}

static cinch_status write_npy(const cinch_cli *cli, const walk *w, const float *y)
{
    cinch_shape row = cinch_run_source_shape(w->run), all = {.rank = row.rank + 1, .dim = {w->points}};
    memcpy(all.dim + 1, row.dim, (size_t)row.rank * sizeof *row.dim);
    void *restored;
    TRY(cinch_cli_room("--num-points", w->points, cinch_shape_count(row), &restored));
    cinch_status status = cinch_run_restore(w->run, y, w->points, restored);
    if (!status) status = cinch_npy_write(cli->out, CINCH_ELEMENT_F32, all, restored);
    free(restored);
    return status ? status : cinch_convert_report(cli, w->points, row);
}

static cinch_status write_result(const cinch_cli *cli, const walk *w, const float *y)
{
    cinch_sample sample = cinch_run_output(w->run);
    if (!cinch_convert_to_picture(cli)) return write_npy(cli, w, y);
    TRY(cinch_report_samples(cli->out, &sample, w->points, y, NULL, NULL));
    return cinch_convert_report(cli, w->points, sample.shape);
}

/* x [2, sample], y [points, sample] */
static cinch_status interpolate(const cinch_cli *cli, const walk *w, float *x, float *y)
{
    int32_t index[2], label[2];
    const int32_t *labels = cinch_dataset_labels(w->rows.data);
    for (int i = 0; i < 2; i++) {
        index[i] = w->rows.index ? w->rows.index[w->ends[i]] : (int32_t)w->ends[i];
        label[i] = labels ? labels[index[i]] : 0;
    }
    TRY(cinch_dataset_gather_float(w->rows.data, index, 2, x));
    TRY(cinch_run_interpolate(w->run, x, labels ? label : NULL, w->path, w->points, y));
    return write_result(cli, w, y);
}

static cinch_status go(const cinch_cli *cli, cinch_run *run, cinch_dataset *data)
{
    walk w = {.run = run};
    TRY(cinch_run_inputs_of(run, data, &w.rows));
    w.rows.n = cinch_cli_rows(cli, w.rows.n);
    TRY(read_walk(cli, &w));
    int64_t size = cinch_shape_count(cinch_model_sample(cinch_run_model(run)).shape);
    void *y;
    TRY(cinch_cli_room("--num-points", w.points, size, &y));
    float *x = calloc(2 * (size_t)size, sizeof *x);
    cinch_status status = x ? interpolate(cli, &w, x, y) : cinch_cli_no_memory();
    free(x);
    free(y);
    return status;
}

static cinch_status open_data(const cinch_cli *cli, cinch_run *run)
{
    cinch_dataset *data = NULL;
    if (cinch_cli_given(cli, "data.spec")) TRY(cinch_cli_open_data(cli, run, &data));
    else TRY(cinch_cli_keep_data(cli, cinch_config_data(cinch_run_config(run))->spec));
    cinch_status status = go(cli, run, data);
    cinch_dataset_free(data);
    return status;
}

cinch_status cinch_verb_interpolate(cinch_cli *cli)
{
    cinch_run *run;
    TRY(cinch_convert_check(cli, false, ".png"));
    TRY(cinch_cli_check_data_keys(cli));
    TRY(cinch_cli_open_run(cli, &run));
    cinch_status status = open_data(cli, run);
    cinch_run_free(run);
    return status;
}
