/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

/* What is written of each row: the code is the mean for plain models. */
typedef enum part { PART_MEAN, PART_LOGVAR, PART_DRAW } part;

typedef struct encoding {
    cinch_conversion rows;
    bool draws;              /* --posterior sample */
    uint64_t seed;
} encoding;

/* Codes of `n` rows from `first`; `other` is of the size of `code`. */
static cinch_status encode_rows(const encoding *e, part what, const float *x, int64_t first, int64_t n, float *code,
                                float *other)
{
    cinch_run *run = e->rows.run;
    const int32_t *label = e->rows.labels ? e->rows.labels + first : NULL;
    const cinch_sampling sampling = {.seed = e->seed, .first = first};
    size_t size = (size_t)(n * cinch_shape_count(e->rows.out));
    if (what == PART_LOGVAR) return cinch_run_encode(run, x, label, n, other, code);
    if (what == PART_MEAN) return cinch_run_encode(run, x, label, n, code, NULL);
    float *logvar = calloc(size, sizeof *logvar);
    if (!logvar) return cinch_cli_no_memory();
    cinch_status status = cinch_run_encode(run, x, label, n, other, logvar);
    if (!status) status = cinch_run_draw_posterior(run, &sampling, other, logvar, n, code);
    free(logvar);
    return status;
}

enum { PIECE = 1 << 22 /* floats, about */, ROWS_MAX = 1 << 16 };

static int64_t piece_rows(const encoding *e)
{
    int64_t in = cinch_shape_count(e->rows.in), out = cinch_shape_count(e->rows.out);
    int64_t rows = PIECE / (in > out ? in : out);
    return rows < 1 ? 1 : rows > ROWS_MAX ? ROWS_MAX : rows;
}

typedef cinch_status (*sink)(void *writer, const void *bytes, size_t size);

/* All rows' codes, piece after piece, into the writer. `x` is room for a piece, `code` and `other` too. */
static cinch_status write_pieces(const encoding *e, part what, float *x, float *code, float *other, sink write,
                                 void *writer)
{
    size_t row = (size_t)cinch_shape_count(e->rows.out) * sizeof *code;
    int64_t most = piece_rows(e);
    for (int64_t first = 0; first < e->rows.rows; first += most) {
        int64_t n = e->rows.rows - first < most ? e->rows.rows - first : most;
        TRY(cinch_convert_read(&e->rows, first, n, x));
        TRY(encode_rows(e, what, x, first, n, code, other));
        TRY(write(writer, code, (size_t)n * row));
    }
    return CINCH_OK;
}

static cinch_status write_part(const encoding *e, part what, sink write, void *writer)
{
    size_t rows = (size_t)piece_rows(e), codes = rows * (size_t)cinch_shape_count(e->rows.out);
    float *x = calloc(rows * (size_t)cinch_shape_count(e->rows.in), sizeof *x);
    float *code = calloc(codes, sizeof *code), *other = calloc(codes, sizeof *other);
    bool room = x && code && other;
    cinch_status status = room ? write_pieces(e, what, x, code, other, write, writer) : cinch_cli_no_memory();
    free(x);
    free(code);
    free(other);
    return status;
}

static cinch_shape all_rows(const encoding *e)
{
    cinch_shape shape = {.rank = e->rows.out.rank + 1, .dim = {e->rows.rows}};
    memcpy(shape.dim + 1, e->rows.out.dim, (size_t)e->rows.out.rank * sizeof *shape.dim);
    return shape;
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static cinch_status to_npy(void *writer, const void *bytes, size_t size)
{
    return cinch_npy_writer_write(writer, bytes, size);
}

static cinch_status to_npz(void *writer, const void *bytes, size_t size)
{
    return cinch_npz_writer_write(writer, bytes, size);
}

static cinch_status write_npy(const cinch_cli *cli, const encoding *e)
{
    cinch_npy_writer *writer;
    TRY(cinch_npy_writer_create(&writer, cli->out, CINCH_ELEMENT_F32, all_rows(e)));
    cinch_status status = write_part(e, e->draws ? PART_DRAW : PART_MEAN, to_npy, writer);
    if (!status) status = cinch_npy_writer_commit(writer);
    cinch_npy_writer_free(writer);
    return status;
}

static cinch_status write_npz(const cinch_cli *cli, const encoding *e)
{
    static const char *const names[] = {"mu", "logvar", "z"};
    cinch_npz_writer *writer;
    TRY(cinch_npz_writer_create(&writer, cli->out));
    cinch_status status = CINCH_OK;
    for (int what = PART_MEAN; !status && what < (e->draws ? 3 : 2); what++) {
        status = cinch_npz_writer_begin(writer, names[what], CINCH_ELEMENT_F32, all_rows(e));
        if (!status) status = write_part(e, (part)what, to_npz, writer);
    }
    if (!status) status = cinch_npz_writer_commit(writer);
    cinch_npz_writer_free(writer);
    return status;
}

/* --- the verb ----------------------------------------------------------------------------------------------------- */

static bool to_archive(const cinch_cli *cli)
{
    size_t n = strlen(cli->out);
    return n > 4 && !strcmp(cli->out + n - 4, ".npz");
}

static cinch_status check_posterior(const cinch_cli *cli, const cinch_run *run)
{
    const char *name = cli->posterior;
    bool variational = cinch_model_is_variational(cinch_run_model(run));
    if (name && strcmp(name, "mean") && strcmp(name, "sample"))
        return cinch_cli_fail(CINCH_USAGE, "--posterior %s: unknown; one of: mean sample", name);
    if (name && !variational)
        return cinch_cli_fail(CINCH_USAGE, "--posterior: model %s is not variational; its codes are what they are",
                              cinch_model_name(cinch_run_model(run)));
    if (variational || !to_archive(cli)) return CINCH_OK;
    return cinch_cli_fail(CINCH_USAGE, "--out %s: model %s has no mu and logvar; write an .npy", cli->out,
                          cinch_model_name(cinch_run_model(run)));
}

static cinch_status encode(const cinch_cli *cli, cinch_run *run)
{
    cinch_dataset *data;
    TRY(check_posterior(cli, run));
    TRY(cinch_cli_open_data(cli, run, &data));
    const cinch_dataset_info *info = cinch_dataset_describe(data);
    encoding e = {.draws = cli->posterior && !strcmp(cli->posterior, "sample"),
                  .seed = cinch_config_train(cli->config)->seed};
    e.rows = (cinch_conversion){.run = run, .data = data, .rows = cinch_cli_rows(cli, info->rows), .in = info->sample,
                                .out = cinch_model_code_shape(cinch_run_model(run)),
                                .labels = cinch_dataset_labels(data)};
    cinch_status status = to_archive(cli) ? write_npz(cli, &e) : write_npy(cli, &e);
    if (!status) status = cinch_convert_report(cli, e.rows.rows, e.rows.out);
    cinch_dataset_free(data);
    return status;
}

cinch_status cinch_verb_encode(cinch_cli *cli)
{
    cinch_run *run;
    TRY(cinch_convert_check(cli, true, ".npz"));
    TRY(cinch_cli_open_run(cli, &run));
    cinch_status status = encode(cli, run);
    cinch_run_free(run);
    return status;
}
