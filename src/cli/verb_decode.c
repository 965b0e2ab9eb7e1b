/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <string.h>

static cinch_status restore(const cinch_conversion *c, const float *values, int64_t n, float *out)
{
    return cinch_run_restore(c->run, values, n, out);
}

static cinch_status check_codes(const cinch_cli *cli, cinch_shape has, cinch_shape wanted)
{
    char a[96], b[96];
    if (!strcmp(cinch_cli_shape(has, a, sizeof a), cinch_cli_shape(wanted, b, sizeof b))) return CINCH_OK;
    return cinch_cli_fail(CINCH_DATA, "%s: a row is %s, a code of this run %s; was it written by encode with this run?",
                          cli->data, a, b);
}

static cinch_status decode(const cinch_cli *cli, cinch_run *run, const cinch_dataset *codes)
{
    const cinch_dataset_info *info = cinch_dataset_describe(codes);
    cinch_conversion c = {.run = run, .data = codes, .rows = cinch_cli_rows(cli, info->rows), .in = info->sample,
                          .out = cinch_run_source_shape(run), .apply = cinch_run_decode, .restore = restore};
    TRY(check_codes(cli, info->sample, cinch_model_code_shape(cinch_run_model(run))));
    return cinch_convert_to_picture(cli) ? cinch_convert_png(cli, &c, false) : cinch_convert_npy(cli, &c);
}

static cinch_status open_and_decode(const cinch_cli *cli, cinch_run *run)
{
    cinch_dataset *codes;
    cinch_dataset_options options = {.layout = "channels_last", .range_none = true};
    TRY(cinch_dataset_open(&codes, cli->data, &options));
    cinch_status status = decode(cli, run, codes);
    cinch_dataset_free(codes);
    return status;
}

cinch_status cinch_verb_decode(cinch_cli *cli)
{
    cinch_run *run;
    TRY(cinch_convert_check(cli, true));
    TRY(cinch_cli_open_run(cli, &run));
    cinch_status status = open_and_decode(cli, run);
    cinch_run_free(run);
    return status;
}
