/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

static cinch_status restore(const cinch_conversion *c, const float *values, int64_t n, float *out)
{
    cinch_dataset_restore(c->data, values, n, out);
    return CINCH_OK;
}

static cinch_status reconstruct(const cinch_cli *cli, cinch_run *run)
{
    cinch_dataset *data;
    TRY(cinch_cli_open_data(cli, run, &data));
    const cinch_dataset_info *info = cinch_dataset_describe(data);
    cinch_conversion c = {.run = run, .data = data, .rows = cinch_cli_rows(cli, info->rows), .in = info->sample,
                          .out = info->source, .apply = cinch_run_reconstruct, .restore = restore,
                          .labels = cinch_dataset_labels(data)};
    cinch_status status = cinch_convert_to_picture(cli) ? cinch_convert_png(cli, &c, true) : cinch_convert_npy(cli, &c);
    cinch_dataset_free(data);
    return status;
}

cinch_status cinch_verb_reconstruct(cinch_cli *cli)
{
    cinch_run *run;
    TRY(cinch_convert_check(cli, true, ".png"));
    TRY(cinch_cli_open_run(cli, &run));
    cinch_status status = reconstruct(cli, run);
    cinch_run_free(run);
    return status;
}
