/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

static cinch_status check_codes(const cinch_cli *cli, cinch_shape has, cinch_shape wanted)
{
    char a[96], b[96];
    if (!strcmp(cinch_cli_shape(has, a, sizeof a), cinch_cli_shape(wanted, b, sizeof b))) return CINCH_OK;
    return cinch_cli_fail(CINCH_DATA, "%s: a row is %s, a code of this run %s; was it written by encode with this run?",
                          cli->data, a, b);
}

/* All codes get the same label. */
static cinch_status read_label(const cinch_cli *cli, const cinch_run *run, int32_t *label)
{
    int32_t classes = cinch_model_classes(cinch_run_model(run));
    TRY(cinch_convert_label(cli, run, label));
    if (!classes || *label >= 0) return CINCH_OK;
    return cinch_cli_fail(CINCH_USAGE, "decode: --label is missing, which the conditional model of %s wants: 0 to %d",
                          cinch_run_path(run), classes - 1);
}

static cinch_status decode(const cinch_cli *cli, cinch_run *run, const cinch_dataset *codes)
{
    const cinch_dataset_info *info = cinch_dataset_describe(codes);
    cinch_conversion c = {.run = run, .data = codes, .rows = cinch_cli_rows(cli, info->rows), .in = info->sample,
                          .out = cinch_run_source_shape(run), .apply = cinch_run_decode,
                          .restore = cinch_convert_restore};
    int32_t label, *labels;
    TRY(check_codes(cli, info->sample, cinch_model_code_shape(cinch_run_model(run))));
    TRY(read_label(cli, run, &label));
    if (!(c.labels = labels = calloc((size_t)c.rows, sizeof *labels))) return cinch_cli_no_memory();
    for (int64_t i = 0; i < c.rows; i++) labels[i] = label;
    if (label < 0) c.labels = NULL;
    bool picture = cinch_convert_to_picture(cli);
    cinch_status status = picture ? cinch_convert_png(cli, &c, false) : cinch_convert_npy(cli, &c);
    free(labels);
    return status;
}

static cinch_status open_and_decode(const cinch_cli *cli, cinch_run *run)
{
    cinch_dataset *codes;
    cinch_dataset_options options = {.layout = "channels_last", .range_none = true};
    TRY(cinch_cli_keep_data(cli, cli->data));
    TRY(cinch_dataset_open(&codes, cli->data, &options));
    cinch_status status = decode(cli, run, codes);
    cinch_dataset_free(codes);
    return status;
}

cinch_status cinch_verb_decode(cinch_cli *cli)
{
    cinch_run *run;
    TRY(cinch_convert_check(cli, true, ".png"));
    TRY(cinch_cli_open_run(cli, &run));
    cinch_status status = open_and_decode(cli, run);
    cinch_run_free(run);
    return status;
}
