/* SPDX-License-Identifier: Apache-2.0 */
/* The table of compare: a line a run, columns as wide as what stands in them. */
#include "cli/compare.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELL = 64 };
enum { NAME, MODEL, LATENT, PARAMETERS, PART, N, MSE, PCA, SHARE, EPOCHS, STEPS, TIME, SPEED, DATA, COLUMNS };

static const struct { const char *head; bool text; } columns[COLUMNS] = {
    [NAME] = {"name", true}, [MODEL] = {"model", true}, [LATENT] = {"latent_dim", false},
    [PARAMETERS] = {"parameters", false}, [PART] = {"part", true}, [N] = {"n", false}, [MSE] = {"mse", false},
    [PCA] = {"pca_mse", false}, [SHARE] = {"mse/pca", false}, [EPOCHS] = {"epochs", false}, [STEPS] = {"steps", false},
    [TIME] = {"elapsed_s", false}, [SPEED] = {"samples/s", false}, [DATA] = {"data", true}};

typedef char row[COLUMNS][CELL];

/* Names come from paths; what would steer a terminal is shown as ?. */
static void put_text(char cell[CELL], const char *text)
{
    snprintf(cell, CELL, "%.60s", text);
    for (; *cell; cell++)
        if (iscntrl((unsigned char)*cell)) *cell = '?';
}

static void put_whole(char cell[CELL], int64_t value) { snprintf(cell, CELL, "%lld", (long long)value); }

/* Of training, of which a run without its log says nothing. */
static void put_count(char cell[CELL], const cinch_standing *standing, int64_t value)
{
    put_text(cell, "-");
    if (isfinite(standing->elapsed_s)) put_whole(cell, value);
}

static void put_number(char cell[CELL], const char *format, double value)
{
    snprintf(cell, CELL, isfinite(value) ? format : "-", value);
}

static void fill(row r, const cinch_contender *c, const cinch_comparison *found)
{
    const cinch_evaluation *e = &found->evaluation;
    put_text(r[NAME], c->name);
    put_text(r[MODEL], cinch_model_name(cinch_run_model(c->run)));
    put_whole(r[LATENT], found->latent_dim);
    put_whole(r[PARAMETERS], e->parameters);
    put_text(r[PART], e->part);
    put_whole(r[N], e->n);
    put_number(r[MSE], "%.6g", e->mse);
    put_number(r[PCA], "%.6g", e->pca_mse);
    put_number(r[SHARE], "%.4g", e->mse / e->pca_mse);
    put_count(r[EPOCHS], &found->standing, found->standing.epochs);
    put_count(r[STEPS], &found->standing, found->standing.steps);
    put_number(r[TIME], "%.2f", found->standing.elapsed_s);
    put_number(r[SPEED], "%.0f", found->samples_per_s);
    put_text(r[DATA], c->data);
}

/* The data is worth a column where it is not the same for all. */
static bool data_differs(const cinch_contender *runs, int n)
{
    for (int i = 1; i < n; i++)
        if (strcmp(runs[0].data, runs[i].data)) return true;
    return false;
}

static int width_of(const row *rows, int n, int column)
{
    int width = 0;
    for (int i = 0; i < n; i++) {
        int length = (int)strlen(rows[i][column]);
        if (length > width) width = length;
    }
    return width;
}

static void print_row(const row *rows, int n, int at, int shown)
{
    for (int i = 0; i < shown; i++) {
        int width = i == DATA ? 0 : width_of(rows, n, i);
        cinch_cli_print(columns[i].text ? "%s%-*s" : "%s%*s", i ? "  " : "", width, rows[at][i]);
    }
    cinch_cli_print("\n");
}

cinch_status cinch_compare_print(const cinch_cli *cli, const cinch_contender *runs, int n,
                                 const cinch_comparison *found)
{
    row *rows = calloc((size_t)n + 1, sizeof *rows);
    int shown = data_differs(runs, n) ? COLUMNS : DATA;
    if (!rows) return cinch_cli_no_memory();
    for (int i = 0; i < COLUMNS; i++) put_text(rows[0][i], columns[i].head);
    for (int i = 0; i < n; i++) fill(rows[i + 1], &runs[i], &found[i]);
    for (int i = 0; i <= n; i++) print_row((const row *)rows, n + 1, i, shown);
    for (int i = 0; i < n; i++)
        if (!isfinite(found[i].evaluation.pca_mse))
            cinch_cli_note(cli, "%s: no PCA: %s", runs[i].name, found[i].evaluation.pca_note);
    free(rows);
    return CINCH_OK;
}
