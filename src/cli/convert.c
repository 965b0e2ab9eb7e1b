/* SPDX-License-Identifier: Apache-2.0 */
/* encode, decode and reconstruct: rows go through the model in pieces that fit into memory. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE = 1 << 22 /* floats, about */, ROWS_MAX = 1 << 16 };

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n > m && !strcmp(text + n - m, end);
}

bool cinch_convert_to_picture(const cinch_cli *cli) { return ends_with(cli->out, ".png"); }

cinch_status cinch_convert_check(const cinch_cli *cli, bool data, const char *also)
{
    const char *verb = cli->verb->name;
    if (data && !cli->data && !cinch_cli_given(cli, "data.spec"))
        return cinch_cli_fail(CINCH_USAGE, "%s: --data is missing; usage: cinch %s %s", verb, verb, cli->verb->usage);
    if (!cli->out)
        return cinch_cli_fail(CINCH_USAGE, "%s: --out is missing; usage: cinch %s %s", verb, verb, cli->verb->usage);
    if (!strcmp(cli->out, "-") && cli->json)
        return cinch_cli_fail(CINCH_USAGE, "--json: standard output is taken by --out -; name a file");
    if (!strcmp(cli->out, "-") || ends_with(cli->out, ".npy") || (also && ends_with(cli->out, also)))
        return CINCH_OK;
    return cinch_cli_fail(CINCH_USAGE, "--out %s: must end in .npy%s%s, or be - for standard output", cli->out,
                          also ? " or " : "", also ? also : "");
}

cinch_status cinch_convert_read(const cinch_conversion *c, int64_t first, int64_t n, float *values)
{
    if (c->read) return c->read(c, first, n, values);
    int32_t *index = calloc((size_t)n, sizeof *index);
    if (!index) return cinch_cli_no_memory();
    for (int64_t i = 0; i < n; i++) index[i] = (int32_t)(first + i);
    cinch_status status = cinch_dataset_gather_float(c->data, index, n, values);
    free(index);
    return status;
}

cinch_status cinch_convert_restore(const cinch_conversion *c, const float *values, int64_t n, float *out)
{
    return cinch_run_restore(c->run, values, n, out);
}

cinch_status cinch_convert_label(const cinch_cli *cli, const cinch_run *run, int32_t *label)
{
    int64_t value;
    int32_t classes = cinch_model_classes(cinch_run_model(run));
    const char *path = cinch_run_path(run);
    TRY(cinch_cli_whole("--label", cli->label, 0, -1, &value));
    *label = value < classes ? (int32_t)value : -1;
    if (value < classes) return CINCH_OK;
    if (classes)
        return cinch_cli_fail(CINCH_USAGE, "--label %s: the model of %s knows 0 to %d", cli->label, path, classes - 1);
    return cinch_cli_fail(CINCH_USAGE, "--label %s: the model of %s is not conditional; train with --condition label",
                          cli->label, path);
}

typedef struct piece {
    int64_t rows;
    float *in, *result, *written;
} piece;

static void free_piece(piece *p)
{
    free(p->in);
    free(p->result);
    free(p->written);
}

static cinch_status make_piece(piece *p, const cinch_conversion *c)
{
    int64_t in = cinch_shape_count(c->in), out = cinch_shape_count(c->out), wider = in > out ? in : out;
    p->rows = PIECE / wider;
    if (p->rows < 1) p->rows = 1;
    if (p->rows > ROWS_MAX) p->rows = ROWS_MAX;
    if (p->rows > c->rows) p->rows = c->rows;
    p->in = calloc((size_t)(p->rows * in), sizeof *p->in);
    p->result = calloc((size_t)(p->rows * out), sizeof *p->result);
    if (c->restore) p->written = calloc((size_t)(p->rows * out), sizeof *p->written);
    return p->in && p->result && (p->written || !c->restore) ? CINCH_OK : cinch_cli_no_memory();
}

static cinch_status convert_piece(const cinch_conversion *c, const piece *p, int64_t first, int64_t n,
                                  cinch_npy_writer *writer)
{
    TRY(cinch_convert_read(c, first, n, p->in));
    TRY(c->apply(c->run, p->in, c->labels ? c->labels + first : NULL, n, p->result));
    if (c->restore) TRY(c->restore(c, p->result, n, p->written));
    const float *out = c->restore ? p->written : p->result;
    return cinch_npy_writer_write(writer, out, (size_t)(n * cinch_shape_count(c->out)) * sizeof *out);
}

static cinch_status convert_all(const cinch_conversion *c, const piece *p, cinch_npy_writer *writer)
{
    for (int64_t first = 0; first < c->rows; first += p->rows)
        TRY(convert_piece(c, p, first, c->rows - first < p->rows ? c->rows - first : p->rows, writer));
    return cinch_npy_writer_commit(writer);
}

static cinch_shape rows_shape(int64_t rows, cinch_shape row)
{
    cinch_shape shape = {.rank = row.rank + 1, .dim = {rows}};
    memcpy(shape.dim + 1, row.dim, (size_t)row.rank * sizeof *row.dim);
    return shape;
}

cinch_status cinch_convert_npy(const cinch_cli *cli, const cinch_conversion *c)
{
    piece p = {0};
    cinch_npy_writer *writer = NULL;
    cinch_status status = make_piece(&p, c);
    if (!status) status = cinch_npy_writer_create(&writer, cli->out, CINCH_ELEMENT_F32, rows_shape(c->rows, c->out));
    if (!status) status = convert_all(c, &p, writer);
    cinch_npy_writer_free(writer);
    free_piece(&p);
    return status ? status : cinch_convert_report(cli, c->rows, c->out);
}

cinch_status cinch_convert_report(const cinch_cli *cli, int64_t rows, cinch_shape row)
{
    char shape[96];
    cinch_cli_tell_device(cli);
    if (!cli->json) {
        cinch_cli_note(cli, "%s: %lld rows of %s", cli->out, (long long)rows,
                       cinch_cli_shape(row, shape, sizeof shape));
        return CINCH_OK;
    }
    json_t *object = json_object();
    cinch_cli_json_set(object, "out", cinch_cli_json_text(cli->out));
    cinch_cli_json_set(object, "rows", json_integer(rows));
    cinch_cli_json_set(object, "shape", cinch_cli_json_sizes(rows_shape(rows, row)));
    return cinch_cli_print_json(object);
}
