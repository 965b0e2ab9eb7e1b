/* SPDX-License-Identifier: Apache-2.0 */
#include "report/subject.h"

#include "core/status.h"
#include "report/item.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 64, SMALL_SIDE = 32, CURVE_WIDTH = 96, CURVE_HEIGHT = 48, COLUMNS = 50 };

/* --- which -------------------------------------------------------------------------------------------------------- */

/* The errors of all ranked samples by their place. */
static cinch_status errors_by_place(const cinch_ranking *r, double **out)
{
    *out = cinch_calloc((size_t)r->rows.n, sizeof **out);
    for (int64_t i = 0; *out && i < r->rows.n; i++) (*out)[r->order[i].place] = r->order[i].error;
    return *out ? CINCH_OK : CINCH_DEVICE;
}

static cinch_status choose(cinch_points *p, const cinch_ranking *r)
{
    double *errors;
    TRY(errors_by_place(r, &errors));
    for (int64_t i = 0; i < p->n; i++) {
        int64_t place = r->rows.n * i / p->n;
        p->row[i] = cinch_rows_at(&r->rows, place);
        p->error[i] = errors[place];
    }
    free(errors);
    return CINCH_OK;
}

static cinch_status create(cinch_points *p, const cinch_ranking *r)
{
    const cinch_model *model = cinch_run_model(r->run);
    p->n = r->rows.n < CINCH_POINTS_MOST ? r->rows.n : CINCH_POINTS_MOST;
    p->code_size = cinch_shape_count(cinch_model_code_shape(model));
    size_t n = (size_t)p->n, numbers = n * (size_t)p->code_size;
    bool variational = cinch_model_is_variational(model);
    p->row = cinch_calloc(n, sizeof *p->row);
    p->error = cinch_calloc(n, sizeof *p->error);
    p->code = cinch_calloc(numbers, sizeof *p->code);
    p->logvar = variational ? cinch_calloc(numbers, sizeof *p->logvar) : NULL;
    p->pca = cinch_calloc(n, 2 * sizeof *p->pca);
    p->tsne = cinch_calloc(n, 2 * sizeof *p->tsne);
    bool all = p->row && p->error && p->code && p->pca && p->tsne && (p->logvar || !variational);
    return all ? CINCH_OK : CINCH_DEVICE;
}

/* --- pictures ----------------------------------------------------------------------------------------------------- */

/* A tile of at most SMALL_SIDE each way; of a vector, a small plot. */
static cinch_tile small_tile(const cinch_sample *sample)
{
    cinch_tile t = cinch_item_of(sample).tile;
    if (!t.rows) {
        t.width = CURVE_WIDTH;
        t.height = CURVE_HEIGHT;
        return t;
    }
    int side = t.rows > t.cols ? t.rows : t.cols;
    t.shrink = (side + SMALL_SIDE - 1) / SMALL_SIDE;
    t.width = (t.cols - 1) / t.shrink + 1;
    t.height = (t.rows - 1) / t.shrink + 1;
    return t;
}

static cinch_status paint(cinch_points *p, const cinch_tile *tile, int64_t i, const float *values)
{
    int x = (int)(i % p->columns) * p->width, y = (int)(i / p->columns) * p->height;
    cinch_stroke stroke = cinch_stroke_style(0);
    if (!tile->rows) return cinch_tile_curve(&p->sprite, tile, x, y, values, &stroke);
    cinch_tile_image(&p->sprite, tile, x, y, values);
    return CINCH_OK;
}

/* --- codes and pictures, in pieces -------------------------------------------------------------------------------- */

typedef struct {
    cinch_points *points;
    const cinch_ranking *ranking;
    cinch_tile tile;
    float *values; /* [CHUNK, sample] */
} survey;

static cinch_status encode(survey *s, int64_t first, int64_t n)
{
    int32_t *label;
    cinch_points *p = s->points;
    float *logvar = p->logvar ? p->logvar + first * p->code_size : NULL;
    TRY(cinch_rows_labels(s->ranking->rows.data, p->row + first, n, &label));
    float *code = p->code + first * p->code_size;
    cinch_status status = cinch_run_encode(s->ranking->run, s->values, label, n, code, logvar);
    free(label);
    return status;
}

static cinch_status take_piece(survey *s, int64_t first, int64_t n)
{
    TRY(cinch_ranking_show(s->ranking, s->points->row + first, n, s->values, NULL, NULL));
    TRY(encode(s, first, n));
    for (int64_t i = 0; i < n; i++)
        TRY(paint(s->points, &s->tile, first + i, s->values + i * s->ranking->size));
    return CINCH_OK;
}

/* Values without bounds share the scale that the first piece has. */
static cinch_status find_scale(survey *s, const cinch_sample *sample)
{
    int64_t n = s->points->n < CHUNK ? s->points->n : CHUNK;
    s->tile = small_tile(sample);
    if (sample->low < sample->high) return CINCH_OK;
    TRY(cinch_ranking_show(s->ranking, s->points->row, n, s->values, NULL, NULL));
    cinch_tile_range(&s->tile, s->values, (int)n);
    cinch_tile_close_range(&s->tile);
    return CINCH_OK;
}

static cinch_status make_sprite(cinch_points *p, const cinch_tile *tile)
{
    p->columns = COLUMNS;
    p->width = tile->width;
    p->height = tile->height;
    int rows = (int)((p->n + COLUMNS - 1) / COLUMNS);
    return cinch_picture_create(&p->sprite, COLUMNS * p->width, rows * p->height, (cinch_color){ 255, 255, 255 });
}

static cinch_status take_all(survey *s)
{
    cinch_sample sample = cinch_model_sample(cinch_run_model(s->ranking->run));
    TRY(find_scale(s, &sample));
    TRY(make_sprite(s->points, &s->tile));
    for (int64_t first = 0; first < s->points->n; first += CHUNK)
        TRY(take_piece(s, first, s->points->n - first < CHUNK ? s->points->n - first : CHUNK));
    return CINCH_OK;
}

static cinch_status place_points(cinch_points *p, const volatile int *stop)
{
    TRY(cinch_components_find(&p->components, p->code, p->n, p->code_size, CINCH_COMPONENTS_MOST));
    cinch_components_project(&p->components, p->code, p->n, p->pca);
    memcpy(p->tsne, p->pca, (size_t)(2 * p->n) * sizeof *p->tsne);
    return cinch_project_tsne(p->code, p->n, p->code_size, stop, p->tsne);
}

static cinch_status look_at_points(cinch_points *p, const cinch_ranking *ranking, const volatile int *stop)
{
    survey s = { .points = p, .ranking = ranking };
    TRY(create(p, ranking));
    TRY(choose(p, ranking));
    s.values = cinch_calloc((size_t)(CHUNK * ranking->size), sizeof *s.values);
    cinch_status status = s.values ? take_all(&s) : CINCH_DEVICE;
    free(s.values);
    return status ? status : place_points(p, stop);
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

cinch_status cinch_subject_look(cinch_subject *s, cinch_run *run, int64_t most, const volatile int *stop)
{
    *s = (cinch_subject){ .run = run, .seed = cinch_config_train(cinch_run_config(run))->seed, .stop = stop };
    TRY(cinch_ranking_make(&s->ranking, run, most));
    TRY(cinch_run_evaluate_rows(run, &s->ranking.rows, &s->evaluation));
    return look_at_points(&s->points, &s->ranking, stop);
}

void cinch_subject_free(cinch_subject *s)
{
    cinch_points *p = &s->points;
    cinch_ranking_free(&s->ranking);
    free(p->row);
    free(p->error);
    free(p->code);
    free(p->logvar);
    cinch_components_free(&p->components);
    free(p->pca);
    free(p->tsne);
    cinch_picture_free(&p->sprite);
    *s = (cinch_subject){ .run = NULL };
}
