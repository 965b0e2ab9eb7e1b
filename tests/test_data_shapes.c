/* SPDX-License-Identifier: Apache-2.0 */
#include "data_sets.h"

#include <math.h>

TestSuite(shapes, .fini = remove_folder);

/* --- shapes ------------------------------------------------------------------------------------------------------- */

enum { SHAPES = 400, PIXELS = 28 * 28 };

/* The same bytes on every machine: an Adler sum over the first pictures, made when the generator was. */
Test(shapes, are_the_same_everywhere)
{
    static uint8_t all[SHAPES * PIXELS], one[PIXELS];
    cinch_dataset *d = opened("shapes", NULL), *other = opened("shapes:500,7", NULL);
    uint32_t a = 1, b = 0;
    int32_t row = 123;
    cr_assert_eq(cinch_dataset_read(d, 0, SHAPES, all), CINCH_OK);
    for (size_t i = 0; i < sizeof all; i++) {
        a = (a + all[i]) % 65521;
        b = (b + a) % 65521;
    }
    cr_assert_eq(b << 16 | a, 0x42058938, "%08x", b << 16 | a);
    cr_assert_eq(cinch_dataset_gather(d, &row, 1, one), CINCH_OK);
    cr_assert_eq(memcmp(one, all + row * PIXELS, PIXELS), 0);
    cr_assert_eq(cinch_dataset_describe(d)->rows, 12000);
    cr_assert_eq(cinch_dataset_describe(other)->rows, 500);
    cr_assert_eq(cinch_dataset_gather(other, &row, 1, one), CINCH_OK);
    cr_assert_neq(memcmp(one, all + row * PIXELS, PIXELS), 0);
    cinch_dataset_free(d);
    cinch_dataset_free(other);
}

/* The factors describe the picture: mass and centre of what is drawn. */
Test(shapes, have_their_factors)
{
    static const double area[] = {2, 1.5707963, 1.2990381, 1.8 * 0.6 * 2 - 0.36}; /* at scale 1 */
    static uint8_t picture[PIXELS];
    cinch_dataset *d = opened("shapes:400,3", NULL);
    for (int32_t row = 0; row < SHAPES; row++) {
        cinch_shapes_factors f = cinch_shapes_at(3, row);
        double mass = 0, x = 0, y = 0;
        cr_assert_eq(cinch_dataset_gather(d, &row, 1, picture), CINCH_OK);
        for (int i = 0; i < PIXELS; i++) {
            mass += picture[i] / 255.0;
            x += picture[i] / 255.0 * (i % 28 + 0.5);
            y += picture[i] / 255.0 * (i / 28 + 0.5);
        }
        double expected = area[f.kind] * f.scale * f.scale;
        cr_assert_eq(cinch_dataset_labels(d)[row], f.kind);
        cr_assert_float_eq(mass, expected, 0.03 * expected + 0.5, "row %d: mass %g, expected %g", row, mass, expected);
        cr_assert_float_eq(x / mass, f.x, 0.1);
        cr_assert_float_eq(y / mass, f.y, 0.1);
    }
    cinch_dataset_free(d);
}

/* A triangle's corner lies where its rotation says: counter-clockwise from straight up. */
Test(shapes, turn_counter_clockwise)
{
    static uint8_t picture[PIXELS];
    cinch_dataset *d = opened("shapes", NULL);
    int checked = 0;
    for (int32_t row = 0; row < SHAPES; row++) {
        cinch_shapes_factors f = cinch_shapes_at(0, row);
        if (f.kind != 2 || f.scale < 6) continue;
        cr_assert_eq(cinch_dataset_gather(d, &row, 1, picture), CINCH_OK);
        for (int corner = 0; corner < 6; corner++) { /* corners, and the middles of sides opposite them */
            double angle = f.rotation + 1.5707963 + corner * 1.0471976;
            int x = (int)(f.x + 0.75 * f.scale * cos(angle)), y = (int)(f.y - 0.75 * f.scale * sin(angle));
            cr_assert_eq(picture[y * 28 + x] > 127, corner % 2 == 0, "row %d, corner %d", row, corner);
        }
        checked++;
    }
    cr_assert_gt(checked, 20);
    cinch_dataset_free(d);
}

Test(shapes, factors_are_uniform)
{
    enum { N = 40000 };
    double sum[5] = {0};
    int kinds[4] = {0};
    for (int i = 0; i < N; i++) {
        cinch_shapes_factors f = cinch_shapes_at(0, i);
        const double unit[5] = {f.kind / 3.0, (f.scale - 4) / 5, f.rotation / 6.2831853,
                                (f.x - 10) / 8, (f.y - 10) / 8};
        kinds[f.kind]++;
        for (int k = 0; k < 5; k++) {
            cr_assert(unit[k] >= 0 && unit[k] <= 1);
            sum[k] += unit[k];
        }
    }
    for (int k = 0; k < 4; k++) cr_assert_float_eq(kinds[k], N / 4, 350); /* 4 deviations */
    for (int k = 0; k < 5; k++) cr_assert_float_eq(sum[k] / N, 0.5, k ? 0.006 : 0.0075);
}
