/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <cinch/report.h>

#include <string.h>

/* Where the device that has trained has no room for it, the CPU does what is left: the run is there. */
static cinch_status write_report(const cinch_cli *cli, const char *run, const cinch_open_data *data)
{
    const cinch_train_config *t = cinch_config_train(cli->config);
    cinch_report_options options = {.run = {.device = t->device, .threads = t->threads, .stop = cinch_cli_stop(),
                                            .own = *data}};
    cinch_status status = cinch_report_write(run, &options);
    if (status != CINCH_DEVICE || !strcmp(options.run.device, "cpu")) return status;
    cinch_cli_note(cli, "the report is made on the CPU: %s", cinch_last_error());
    options.run.device = "cpu";
    return cinch_report_write(run, &options);
}

cinch_status cinch_cli_report_trained(const cinch_cli *cli, const char *run, const cinch_open_data *data)
{
    cinch_status status = write_report(cli, run, data);
    if (!status) return CINCH_OK;
    bool stopped = (int)status == *cinch_cli_stop();
    return cinch_cli_fail(status, "%s%s; training has ended and the run is whole; cinch report %s makes its page",
                          stopped ? run : cinch_last_error(), stopped ? ": stopped during the report" : "", run);
}

static cinch_status print_files(const cinch_cli *cli)
{
    if (!cli->json) return cinch_cli_print("%s/report.html\n", cli->operand), CINCH_OK;
    json_t *o = json_object();
    cinch_cli_json_set(o, "run", cinch_cli_json_text(cli->operand));
    cinch_cli_json_set(o, "report", cinch_cli_json_text("report.html"));
    return cinch_cli_print_json(o);
}

cinch_status cinch_verb_report(cinch_cli *cli)
{
    TRY(cinch_cli_configure(cli));
    cinch_report_options options = {.run = cinch_cli_run_options(cli), .rows = cinch_config_data(cli->config)->limit};
    TRY(cinch_report_write(cli->operand, &options));
    TRY(print_files(cli));
    cinch_cli_tell_device(cli);
    return CINCH_OK;
}
