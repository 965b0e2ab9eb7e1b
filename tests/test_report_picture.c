/* SPDX-License-Identifier: Apache-2.0 */
#include "report/font.h"
#include "report/stroke.h"
#include "report_pixels.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>

TestSuite(report_picture, .init = make_folder, .fini = remove_folder);

static const cinch_color WHITE = { 255, 255, 255 }, RED = { 255, 0, 0 }, BLUE = { 0, 0, 255 }, BLACK = { 0, 0, 0 };

static cinch_picture blank(int width, int height)
{
    cinch_picture picture;
    cr_assert_eq(cinch_picture_create(&picture, width, height, WHITE), CINCH_OK);
    return picture;
}

Test(report_picture, sizes_are_checked)
{
    static const int bad[][2] = { { 0, 5 }, { 5, 0 }, { -1, 5 }, { CINCH_PICTURE_MAX_SIDE + 1, 1 }, { 1, 1 << 30 } };
    cinch_picture picture;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_expect_eq(cinch_picture_create(&picture, bad[i][0], bad[i][1], WHITE), CINCH_USAGE);
        cr_expect_null(picture.rgb);
        cinch_picture_free(&picture);
    }
}

Test(report_picture, shapes_are_clipped)
{
    cinch_picture p = blank(20, 10), source = blank(6, 6), none = { 0 };
    cinch_picture_fill(&p, -5, -5, 8, 7, RED);
    cr_expect_eq(count(&p, RED), 3 * 2);
    cinch_picture_fill(&p, 18, 8, INT32_MAX, INT32_MAX, BLUE);
    cr_expect_eq(count(&p, BLUE), 2 * 2);
    cinch_picture_fill(&p, 5, 5, -3, 4, BLACK);
    cinch_picture_fill(&p, 40, 40, 4, 4, BLACK);
    cr_expect_eq(count(&p, BLACK), 0);
    cinch_picture_frame(&p, 6, 2, 7, 6, BLACK);
    cr_expect_eq(count(&p, BLACK), 2 * 7 + 2 * 4);
    cr_expect(same_color(pixel(&p, 7, 3), WHITE));

    cinch_picture_fill(&source, 0, 0, 6, 6, BLACK);
    cinch_picture_fill(&source, 5, 5, 1, 1, RED);
    cinch_picture_fill(&p, 0, 0, 20, 10, WHITE);
    cinch_picture_blit(&p, -4, -4, &source);
    cr_expect_eq(count(&p, BLACK), 3);
    cr_expect(same_color(pixel(&p, 1, 1), RED));
    cinch_picture_blit(&p, 17, 8, &source);
    cr_expect_eq(count(&p, BLACK), 3 + 6);
    cinch_picture_blit(&p, 25, 0, &source);
    cinch_picture_blit(&p, -7, 0, &source);
    cr_expect_eq(count(&p, BLACK), 3 + 6);

    cinch_picture_fill(&none, 0, 0, 5, 5, RED);
    cinch_picture_text(&none, 0, 0, "text", (cinch_text){ .color = RED });
    cinch_picture_free(&p), cinch_picture_free(&source);
}

/* A glyph's 13 rows as one string. */
static void glyph(int code, char bits[CINCH_FONT_WIDTH * CINCH_FONT_HEIGHT + 1])
{
    int n = 0;
    for (int y = 0; y < CINCH_FONT_HEIGHT; y++)
        for (int x = 0; x < CINCH_FONT_WIDTH; x++) bits[n++] = cinch_font_ink(code, x, y) ? '#' : '.';
    bits[n] = 0;
}

Test(report_picture, every_character_has_its_own_glyph)
{
    char a[CINCH_FONT_WIDTH * CINCH_FONT_HEIGHT + 1], b[sizeof a];
    for (int i = 32; i <= 127; i++) {
        glyph(i, a);
        cr_expect_eq(strchr(a, '#') == NULL, i == ' ', "'%c' is drawn", i);
        for (int y = 0; y < CINCH_FONT_HEIGHT; y++) cr_expect_not(cinch_font_ink(i, CINCH_FONT_WIDTH - 1, y));
        for (int j = 32; j < i; j++) {
            glyph(j, b);
            cr_expect_str_neq(a, b, "'%c' differs from '%c'", i, j);
        }
    }
    cr_expect(cinch_font_ink('L', 0, 1) && cinch_font_ink('L', 4, 9) && !cinch_font_ink('L', 4, 1));
    cr_expect_not(cinch_font_ink('L', 0, -1) || cinch_font_ink('L', -1, 1) || cinch_font_ink('L', 0, 13));
}

static int ink_of(const char *text)
{
    int n = 0, code;
    while ((code = cinch_font_next(&text)))
        for (int i = 0; i < CINCH_FONT_WIDTH * CINCH_FONT_HEIGHT; i++) n += cinch_font_ink(code, i % 6, i / 6);
    return n;
}

Test(report_picture, text_is_drawn_cut_and_turned)
{
    cinch_picture p = blank(200, 200), q = blank(200, 200);
    cinch_picture_text(&p, 10, 20, "Loss 0.0031", (cinch_text){ .color = RED });
    cr_expect_eq(count(&p, RED), ink_of("Loss 0.0031"));
    cr_expect_eq(count_in(&p, 10, 20, cinch_font_width("Loss 0.0031", 1), 13, RED), count(&p, RED));

    cinch_picture_text(&q, 20, 150, "Loss 0.0031", (cinch_text){ .color = RED, .up = true });
    for (int x = 0; x < 66; x++)
        for (int y = 0; y < 13; y++)
            cr_assert(same_color(pixel(&p, 10 + x, 20 + y), pixel(&q, 20 + y, 150 - x)), "turned at (%d, %d)", x, y);

    cinch_picture_fill(&p, 0, 0, 200, 200, WHITE);
    cinch_picture_text(&p, 0, 0, "reconstruction", (cinch_text){ .color = RED, .room = 50 });
    cr_expect_eq(count(&p, RED), ink_of("recons.."));
    cinch_picture_fill(&p, 0, 0, 200, 200, WHITE);
    cinch_picture_text(&p, 0, 0, "12345678", (cinch_text){ .color = RED, .room = 48 });
    cr_expect_eq(count(&p, RED), ink_of("12345678"), "text that just fits is whole");

    cr_expect_eq(cinch_font_width("na\xc3\xafve \xe2\x82\xac", 1), 7 * 6, "UTF-8 counts characters");
    cr_expect_eq(ink_of("\xe2\x82\xac\xff\x01"), 3 * ink_of("\x7f"), "the others are boxes");
    cinch_picture_text(&p, -3, -3, "clipped at every side", (cinch_text){ .color = RED, .scale = 3 });
    cinch_picture_text(&p, 190, 195, "clipped", (cinch_text){ .color = RED, .scale = 2 });
    cinch_picture_free(&p), cinch_picture_free(&q);
}

Test(report_picture, scale_two_fills_slanted_strokes_only)
{
    cinch_picture p = blank(30, 30);
    cinch_picture_text(&p, 0, 0, "L", (cinch_text){ .color = RED, .scale = 2 });
    cr_expect_eq(count(&p, RED), 4 * ink_of("L"));
    cinch_picture_fill(&p, 0, 0, 30, 30, WHITE);
    cinch_picture_text(&p, 0, 0, "/", (cinch_text){ .color = RED, .scale = 2 });
    cr_expect_eq(count(&p, RED), 4 * ink_of("/") + 2 * 4, "two quarters at each of four steps");
    cinch_picture_free(&p);
}

Test(report_picture, lines_are_smooth)
{
    cinch_picture p = blank(60, 60);
    cinch_stroke thin = { .color = RED, .width = 1 }, thick = { .color = BLUE, .width = 4 };
    cr_assert_eq(cinch_picture_polyline(&p, (double[]){ 5.5, 50.5 }, (double[]){ 10.5, 10.5 }, 2, &thin), CINCH_OK);
    cr_expect_eq(count(&p, RED), 46, "a line through pixel centres is crisp");
    cr_expect_eq(count_in(&p, 5, 10, 46, 1, RED), 46);
    cr_assert_eq(cinch_picture_polyline(&p, (double[]){ 10, 10 }, (double[]){ 20, 50 }, 2, &thick), CINCH_OK);
    cr_expect_eq(count_in(&p, 8, 21, 4, 28, BLUE), 4 * 28, "a thick line has its width");

    cinch_picture_fill(&p, 0, 0, 60, 60, WHITE);
    cr_assert_eq(cinch_picture_polyline(&p, (double[]){ 5, 55 }, (double[]){ 10, 40 }, 2, &thin), CINCH_OK);
    int soft = 0;
    double total = 0;
    for (int i = 0; i < 60 * 60; i++) {
        cinch_color c = pixel(&p, i % 60, i / 60);
        cr_assert(c.r == 255 && c.g == c.b, "only mixtures of red and white");
        soft += c.g > 0 && c.g < 255;
        total += (255 - c.g) / 255.0;
    }
    cr_expect_gt(soft, 60);
    cr_expect_float_eq(total, hypot(50, 30), 3, "its ink is its length, it is %g", total);
    cinch_picture_free(&p);
}

/* The ink of one curve drawn as a single segment and as `parts` of them is the same. */
Test(report_picture, joints_do_not_darken)
{
    enum { PARTS = 500 };
    double x[PARTS + 1], y[PARTS + 1];
    for (int i = 0; i <= PARTS; i++) x[i] = 5 + 50.0 * i / PARTS, y[i] = 10 + 33.0 * i / PARTS;
    cinch_picture p = blank(60, 60), q = blank(60, 60);
    cinch_stroke stroke = { .color = BLACK, .width = 2 };
    cr_assert_eq(cinch_picture_polyline(&p, x, y, PARTS + 1, &stroke), CINCH_OK);
    cr_assert_eq(cinch_picture_polyline(&q, (double[]){ x[0], x[PARTS] }, (double[]){ y[0], y[PARTS] }, 2, &stroke),
                 CINCH_OK);
    for (int i = 0; i < 60 * 60; i++)
        cr_assert_leq(abs(pixel(&p, i % 60, i / 60).g - pixel(&q, i % 60, i / 60).g), 4, "at %d, %d", i % 60, i / 60);
    cinch_picture_free(&p), cinch_picture_free(&q);
}

static int runs_in_row(const cinch_picture *p, int row)
{
    int runs = 0;
    for (int x = 1; x < p->width; x++) runs += pixel(p, x, row).g < 128 && pixel(p, x - 1, row).g >= 128;
    return runs;
}

Test(report_picture, dashes_differ_without_colour)
{
    int runs[CINCH_STROKES];
    for (int i = 0; i < CINCH_STROKES; i++) {
        cinch_picture p = blank(300, 20);
        cinch_stroke stroke = cinch_stroke_style(i);
        stroke.color = BLACK;
        cr_assert_eq(cinch_picture_polyline(&p, (double[]){ 5, 295 }, (double[]){ 10.5, 10.5 }, 2, &stroke), CINCH_OK);
        runs[i] = runs_in_row(&p, 10);
        for (int j = 0; j < i; j++) cr_expect_neq(runs[i], runs[j], "styles %d and %d", i, j);
        cinch_picture_free(&p);
    }
    cr_expect_eq(runs[0], 1, "the first is solid");
    cr_expect(same_color(cinch_stroke_style(0).color, cinch_stroke_style(CINCH_STROKES).color));
}

Test(report_picture, gaps_and_lonely_points)
{
    cinch_picture p = blank(100, 20);
    cinch_stroke stroke = { .color = BLACK, .width = 2 };
    double x[] = { 5, 30, NAN, 50, 60, 70, 95 }, y[] = { 10, 10, 10, 10, INFINITY, 10, 10 };
    cr_assert_eq(cinch_picture_polyline(&p, x, y, 7, &stroke), CINCH_OK);
    cr_expect_eq(runs_in_row(&p, 10), 3);
    cr_expect_eq(count_in(&p, 32, 0, 14, 20, WHITE), 14 * 20, "nothing in the first gap");
    cr_expect_eq(count_in(&p, 54, 0, 14, 20, WHITE), 14 * 20, "nothing in the second");
    cr_expect_geq(count_in(&p, 47, 7, 6, 6, BLACK), 9, "a point by itself is a disc");
    cinch_picture_free(&p);
}

Test(report_picture, far_points_are_harmless)
{
    cinch_picture p = blank(50, 50);
    double x[] = { -1e308, 25, 1e308, 25, -1e9, 3 }, y[] = { 25, 25, 25, -1e308, 1e308, 3 };
    for (int i = 0; i < CINCH_STROKES; i++) {
        cinch_stroke stroke = cinch_stroke_style(i);
        cr_expect_eq(cinch_picture_polyline(&p, x, y, 6, &stroke), CINCH_OK);
    }
    cr_expect_lt(count(&p, WHITE), 50 * 50);
    double nowhere[] = { NAN, NAN }, outside[] = { 500, 600 };
    cinch_stroke stroke = cinch_stroke_style(0);
    cr_expect_eq(cinch_picture_polyline(&p, nowhere, nowhere, 2, &stroke), CINCH_OK);
    cr_expect_eq(cinch_picture_polyline(&p, outside, outside, 2, &stroke), CINCH_OK);
    cr_expect_eq(cinch_picture_polyline(&p, outside, outside, 0, &stroke), CINCH_OK);
    cinch_picture_free(&p);
}

/* Noise, so that the file is as large as its pixels. */
static cinch_picture noise(int width, int height)
{
    cinch_picture p = blank(width, height);
    uint32_t state = 1;
    for (int i = 0; i < width * height * 3; i++) p.rgb[i] = (uint8_t)((state = state * 1664525 + 1013904223) >> 24);
    return p;
}

static void expect_same(const cinch_picture *a, const cinch_picture *b)
{
    cr_assert(a->width == b->width && a->height == b->height, "%d x %d and %d x %d", a->width, a->height, b->width,
              b->height);
    cr_expect_eq(memcmp(a->rgb, b->rgb, (size_t)a->width * (size_t)a->height * 3), 0);
}

Test(report_picture, files_hold_the_pixels)
{
    static const int sizes[][2] = { { 1, 1 }, { 1, 300 }, { 300, 1 }, { 31, 33 }, { 640, 480 } };
    const char *path = in_folder("a.png");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        cinch_picture p = noise(sizes[i][0], sizes[i][1]);
        cr_assert_eq(cinch_picture_write(&p, path), CINCH_OK, "%s", cinch_last_error());
        cinch_picture back = read_png(path);
        expect_same(&p, &back);
        cinch_picture_free(&p), cinch_picture_free(&back);
    }
    cr_expect_eq(files_in_folder(), 1, "no temporary file is left");
}

static void put_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    cr_assert(file);
    fputs(text, file);
    fclose(file);
}

Test(report_picture, permissions_follow_the_umask)
{
    char path[128];
    strcpy(path, in_folder("a.png"));
    cinch_picture p = noise(20, 20);
    umask(027);
    cr_assert_eq(cinch_picture_write(&p, path), CINCH_OK);
    struct stat info;
    cr_assert_eq(stat(path, &info), 0);
    cr_expect_eq(info.st_mode & 0777, 0640, "mode %o", info.st_mode & 0777);
    cr_expect_eq(files_in_folder(), 1);
    cinch_picture_free(&p);
}

Test(report_picture, wrong_places_are_one_line)
{
    const char *const bad[] = { "/nonexistent/a.png", "/proc/a.png", "/dev/null/a.png", folder, "" };
    cinch_picture p = noise(20, 20);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_expect_eq(cinch_picture_write(&p, bad[i]), CINCH_OUTPUT, "'%s'", bad[i]);
        one_line_naming(bad[i]);
    }
    cinch_picture_write(&p, bad[0]);
    one_line_naming("does the folder exist?");
    cinch_picture_free(&p);
}

Test(report_picture, links_stay_links)
{
    char link[128];
    struct stat info;
    strcpy(link, in_folder("link.png"));
    put_file(in_folder("a.png"), "old");
    cr_assert_eq(symlink("a.png", link), 0);
    cinch_picture p = noise(20, 20);
    cr_assert_eq(cinch_picture_write(&p, link), CINCH_OK, "%s", cinch_last_error());
    cr_expect(!lstat(link, &info) && S_ISLNK(info.st_mode));
    cinch_picture back = read_png(in_folder("a.png"));
    expect_same(&p, &back);
    cr_expect_eq(files_in_folder(), 2);
    cinch_picture_free(&p), cinch_picture_free(&back);
}

/* A pipe by name stands for all that is not a regular file; replacing a real device would break the machine. */
Test(report_picture, pipes_are_written_in_place)
{
    char path[128];
    unsigned char bytes[8] = { 0 };
    struct stat info;
    strcpy(path, in_folder("pipe.png"));
    cr_assert_eq(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    cr_assert_geq(reader, 0);
    cinch_picture small = noise(20, 20);
    cr_expect_eq(cinch_picture_write(&small, path), CINCH_OK, "%s", cinch_last_error());
    cr_expect(!lstat(path, &info) && S_ISFIFO(info.st_mode), "the pipe is still there");
    cr_expect_eq(files_in_folder(), 1);
    cr_expect_eq(read(reader, bytes, sizeof bytes), sizeof bytes);
    cr_expect(png_check_sig(bytes, sizeof bytes), "what comes out of it is a PNG");
    cinch_picture_free(&small);
    close(reader);
}

/* A disk that is full after `bytes` bytes of a file. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

Test(report_picture, a_full_disk_keeps_the_old_file)
{
    char path[128];
    strcpy(path, in_folder("a.png"));
    cinch_picture old = noise(8, 8), p = noise(60, 60);
    cr_assert_eq(cinch_picture_write(&old, path), CINCH_OK);
    static const rlim_t full[] = { 0, 1, 7, 8, 20, 33, 40, 50, 1000, 8192, 10000 };
    for (size_t i = 0; i < sizeof full / sizeof full[0]; i++) {
        limit_files(full[i]);
        cr_expect_eq(cinch_picture_write(&p, path), CINCH_OUTPUT, "at %d bytes", (int)full[i]);
        limit_files(RLIM_INFINITY);
        one_line_naming(path);
        one_line_naming("free some space");
        cr_expect_eq(files_in_folder(), 1, "the temporary file is removed");
    }
    cinch_picture back = read_png(path);
    expect_same(&old, &back);
    cinch_picture_free(&back);
    cr_assert_eq(cinch_picture_write(&p, path), CINCH_OK, "and it works once there is room");
    back = read_png(path);
    expect_same(&p, &back);
    cinch_picture_free(&back), cinch_picture_free(&old), cinch_picture_free(&p);
}
