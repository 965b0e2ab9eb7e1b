/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures by way of the report module. */
#include "cli/cli.h"

#include <cinch/report.h>

#include <stdlib.h>
#include <string.h>

enum { SHOWN = 64 /* unless --limit says another number */ };

static int64_t rows_shown(const cinch_cli *cli, const cinch_conversion *c)
{
    if (c->rows <= SHOWN || cinch_cli_given(cli, "data.limit")) return c->rows;
    cinch_cli_note(cli, "the first %d of %lld rows are drawn; --limit N draws another number", SHOWN,
                   (long long)c->rows);
    return SHOWN;
}

cinch_status cinch_convert_png(const cinch_cli *cli, const cinch_conversion *c, bool originals)
{
    int64_t n = rows_shown(cli, c);
    cinch_sample sample = cinch_run_output(c->run), input = cinch_model_sample(cinch_run_model(c->run));
    bool other = cinch_config_data(cinch_run_config(c->run))->target;
    void *in, *out = NULL;
    TRY(cinch_cli_room("--limit", n, cinch_shape_count(c->in), &in));
    cinch_status status = cinch_cli_room("--limit", n, cinch_shape_count(sample.shape), &out);
    if (!status) status = cinch_convert_read(c, 0, n, in);
    if (!status) status = c->apply(c->run, in, c->labels, n, out);
    if (!status) status = cinch_report_samples(cli->out, &sample, n, out, other ? &input : NULL,
                                               originals ? in : NULL);
    free(in);
    free(out);
    return status ? status : cinch_convert_report(cli, n, sample.shape);
}
