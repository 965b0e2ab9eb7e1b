/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

static cinch_status mean_code(cinch_run *run, const float *x, const int32_t *label, int64_t n, float *code)
{
    return cinch_run_encode(run, x, label, n, code, NULL);
}

static cinch_status encode(const cinch_cli *cli, cinch_run *run)
{
    cinch_dataset *data;
    TRY(cinch_cli_open_data(cli, run, &data));
    const cinch_dataset_info *info = cinch_dataset_describe(data);
    cinch_conversion c = {.run = run, .data = data, .rows = cinch_cli_rows(cli, info->rows), .in = info->sample,
                          .out = cinch_model_code_shape(cinch_run_model(run)), .apply = mean_code,
                          .labels = cinch_dataset_labels(data)};
    cinch_status status = cinch_convert_npy(cli, &c);
    cinch_dataset_free(data);
    return status;
}

cinch_status cinch_verb_encode(cinch_cli *cli)
{
    cinch_run *run;
    TRY(cinch_convert_check(cli, true, false));
    TRY(cinch_cli_open_run(cli, &run));
    cinch_status status = encode(cli, run);
    cinch_run_free(run);
    return status;
}
