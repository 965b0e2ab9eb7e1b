/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `shapes`: 28x28 grey pictures of one figure each, of five known factors: kind (the label), scale, rotation, x, y.
 * Row i depends on the seed and i alone, and everything is drawn in integers, so the pictures are the same everywhere.
 * In the manner of dSprites (Matthey et al., 2017, https://github.com/google-deepmind/dsprites-dataset).
 */
#include "core/rng.h"
#include "data/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 28, KINDS = 4, DEFAULT_ROWS = 12000, GRID = 4 /* samples along a pixel's side */ };

/* Lengths are Q16 pixels, sines Q30. */
#define PIXEL 65536
#define TIMES_Q16(length, factor) (((length) * (int64_t)((factor) * 65536.0)) >> 16)

typedef struct figure {
    uint32_t kind;
    uint32_t turn;  /* rotation, 65536 to the circle */
    int64_t scale, x, y;
    int64_t sine, cosine;
    int64_t half, arm, width; /* of the square's side, the cross's arms */
} figure;

/* sin(pi/2 * z) for z in [0, 1], by its Taylor series to z^9 (error below 4e-6). */
static int64_t quarter_sine(int64_t z)
{
    static const double term[] = {1.5707963267948966, -0.6459640975062462, 0.07969262624616704, -0.004681754135318687,
                                  0.00016044118478735982};
    int64_t square = z * z >> 30, sum = 0;
    for (int i = 4; i >= 0; i--) sum = (sum * square >> 30) + (int64_t)(term[i] * 1073741824.0);
    return sum * z >> 30;
}

static int64_t sine(uint32_t turn)
{
    uint32_t quadrant = turn >> 14 & 3, within = turn & 16383;
    int64_t z = (int64_t)(quadrant & 1 ? 16384 - within : within) << 16;
    return quadrant & 2 ? -quarter_sine(z) : quarter_sine(z);
}

static figure figure_at(uint64_t seed, int64_t row)
{
    cinch_philox c = {{(uint32_t)row, (uint32_t)((uint64_t)row >> 32), 0x73686170u, 0}};
    cinch_philox a = cinch_philox4x32(c, (uint32_t)seed, (uint32_t)(seed >> 32));
    c.v[3] = 1;
    cinch_philox b = cinch_philox4x32(c, (uint32_t)seed, (uint32_t)(seed >> 32));
    figure f = {
        .kind = (uint32_t)((uint64_t)a.v[0] * KINDS >> 32),
        .turn = a.v[1] >> 16,
        .scale = 4 * PIXEL + (int64_t)((uint64_t)a.v[2] * (5 * PIXEL) >> 32),
        .x = 10 * PIXEL + (int64_t)((uint64_t)a.v[3] * (8 * PIXEL) >> 32),
        .y = 10 * PIXEL + (int64_t)((uint64_t)b.v[0] * (8 * PIXEL) >> 32),
    };
    f.sine = sine(f.turn);
    f.cosine = sine(f.turn + 16384);
    f.half = TIMES_Q16(f.scale, 0.70710678);
    f.arm = TIMES_Q16(f.scale, 0.9);
    f.width = TIMES_Q16(f.scale, 0.3);
    return f;
}

cinch_shapes_factors cinch_shapes_at(uint64_t seed, int64_t row)
{
    figure f = figure_at(seed, row);
    return (cinch_shapes_factors){
        .kind = (int32_t)f.kind,
        .scale = (float)f.scale / PIXEL,
        .rotation = (float)(f.turn * (6.283185307179586 / 65536)),
        .x = (float)f.x / PIXEL,
        .y = (float)f.y / PIXEL,
    };
}

static int64_t magnitude(int64_t x) { return x < 0 ? -x : x; }

/* Whether (u, v), from the figure's centre along its own axes, lies in it. */
static bool inside(const figure *f, int64_t u, int64_t v)
{
    int64_t au = magnitude(u), av = magnitude(v);
    switch (f->kind) {
    case 0: return au <= f->half && av <= f->half;
    case 1: return u * u + 4 * v * v <= f->scale * f->scale;
    case 2: return 2 * v >= -f->scale && TIMES_Q16(au, 1.7320508) + v <= f->scale;
    default: return (au <= f->arm && av <= f->width) || (av <= f->arm && au <= f->width);
    }
}

/* How many of the pixel's samples lie in the figure. */
static int covered(const figure *f, int column, int row)
{
    int hits = 0;
    for (int i = 0; i < GRID * GRID; i++) {
        int64_t dx = column * PIXEL + (2 * (i % GRID) + 1) * (PIXEL / GRID / 2) - f->x;
        int64_t up = f->y - row * PIXEL - (2 * (i / GRID) + 1) * (PIXEL / GRID / 2);
        int64_t u = (dx * f->cosine + up * f->sine) >> 30, v = (up * f->cosine - dx * f->sine) >> 30;
        hits += inside(f, u, v);
    }
    return hits;
}

/* Only pixels near the figure are sampled. */
static void draw(const figure *f, uint8_t *out)
{
    int64_t reach = f->scale + PIXEL;
    memset(out, 0, SIDE * SIDE);
    for (int row = 0; row < SIDE; row++) {
        int64_t dy = row * PIXEL + PIXEL / 2 - f->y;
        for (int column = 0; column < SIDE; column++) {
            int64_t dx = column * PIXEL + PIXEL / 2 - f->x;
            if (dx * dx + dy * dy > reach * reach) continue;
            out[row * SIDE + column] = (uint8_t)((covered(f, column, row) * 255 + GRID * GRID / 2) / (GRID * GRID));
        }
    }
}

/* --- the reader --------------------------------------------------------------------------------------------------- */

static cinch_status read_rows(const cinch_source *source, int64_t first, int64_t count, void *out)
{
    const uint64_t *seed = source->state;
    for (int64_t i = 0; i < count; i++) {
        figure f = figure_at(*seed, first + i);
        draw(&f, (uint8_t *)out + i * SIDE * SIDE);
    }
    return CINCH_OK;
}

/* A number without a sign, up to `most`, and what follows it; false otherwise. */
static bool take_number(const char **text, uint64_t most, uint64_t *number)
{
    char *end;
    if (**text < '0' || **text > '9') return false;
    errno = 0;
    *number = strtoull(*text, &end, 10);
    *text = end;
    return errno == 0 && *number <= most;
}

/* N or N,SEED. */
static cinch_status parse_member(const char *member, uint64_t *rows, uint64_t *seed)
{
    const char *at = member;
    bool good = take_number(&at, INT32_MAX, rows) && *rows > 0;
    if (good && *at == ',') {
        at++;
        good = take_number(&at, UINT64_MAX, seed);
    }
    if (good && *at == 0) return CINCH_OK;
    return cinch_fail(CINCH_USAGE, "shapes:%s: expected shapes:N or shapes:N,SEED with N from 1 to %d", member,
                      INT32_MAX);
}

static cinch_status open_shapes(cinch_source *source, const cinch_spec *spec)
{
    uint64_t rows = DEFAULT_ROWS, *seed = cinch_calloc(1, sizeof *seed);
    if (!seed) return CINCH_DEVICE;
    source->state = seed;
    source->close = free;
    if (spec->member) TRY(parse_member(spec->member, &rows, seed));
    source->labels = cinch_calloc(rows, sizeof *source->labels);
    if (!source->labels) return CINCH_DEVICE;
    for (uint64_t i = 0; i < rows; i++) source->labels[i] = (int32_t)figure_at(*seed, (int64_t)i).kind;
    source->count[0] = (int64_t)rows;
    source->sample = CINCH_SHAPE(SIDE, SIDE, 1);
    source->channels_last = true;
    source->element = CINCH_ELEMENT_U8;
    source->read = read_rows;
    return CINCH_OK;
}

const cinch_reader cinch_reader_shapes = {
    .name = "shapes",
    .what = "built in: 12000 small grey pictures with known factors; shapes:N, shapes:N,SEED",
    .builtin = true,
    .open = open_shapes,
};
