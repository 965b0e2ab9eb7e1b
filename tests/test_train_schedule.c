/* SPDX-License-Identifier: Apache-2.0 */
/* Learning rates against their closed forms, written apart. */
#include <criterion/criterion.h>

#include <math.h>

#include "train/schedule.h"

static double rate(cinch_schedule_config s, int64_t step, int64_t steps, int64_t epoch, int64_t drops)
{
    return cinch_schedule_lr(&s, 0.1, &(cinch_schedule_point){step, steps, epoch, drops});
}

static void near(double a, double b) { cr_assert_lt(fabs(a - b), 1e-15 + 1e-13 * fabs(b), "%.17g is not %.17g", a, b); }

Test(schedule, closed_forms)
{
    const double pi = acos(-1);
    for (int64_t t = 0; t <= 100; t++) {
        int64_t epoch = t / 10;
        near(rate((cinch_schedule_config){.name = "constant"}, t, 100, epoch, 0), 0.1);
        near(rate((cinch_schedule_config){.name = "step", .factor = 0.5, .every = 3}, t, 100, epoch, 0),
             0.1 * pow(0.5, floor((double)epoch / 3)));
        near(rate((cinch_schedule_config){.name = "exponential", .factor = 0.9}, t, 100, epoch, 0),
             0.1 * pow(0.9, (double)epoch));
        near(rate((cinch_schedule_config){.name = "linear", .min_lr = 0.02}, t, 100, epoch, 0),
             0.1 - 0.08 * (double)t / 100);
        near(rate((cinch_schedule_config){.name = "cosine", .min_lr = 0.02}, t, 100, epoch, 0),
             0.06 + 0.04 * cos(pi * (double)t / 100));
        near(rate((cinch_schedule_config){.name = "plateau", .factor = 0.3}, t, 100, epoch, t % 4),
             0.1 * pow(0.3, (double)(t % 4)));
    }
}

Test(schedule, floor_and_warm_up)
{
    cinch_schedule_config s = {.name = "exponential", .factor = 0.1, .min_lr = 0.005};
    near(rate(s, 0, 100, 5, 0), 0.005);
    s = (cinch_schedule_config){.name = "cosine", .warmup_steps = 10};
    for (int64_t t = 0; t < 10; t++) near(rate(s, t, 110, 0, 0), 0.1 * (double)(t + 1) / 10);
    for (int64_t t = 10; t < 110; t++) near(rate(s, t, 110, 0, 0), 0.05 * (1 + cos(acos(-1) * (double)(t - 10) / 100)));
    near(rate(s, 200, 110, 0, 0), 0);
    s = (cinch_schedule_config){.name = "linear", .warmup_steps = 200};
    near(rate(s, 50, 100, 0, 0), 0.1 * 51 / 200);
}

/* PyTorch's ReduceLROnPlateau with patience 2: the third epoch in a row without a better loss drops. */
Test(schedule, plateau)
{
    cinch_schedule_config s = {.name = "plateau", .every = 2};
    cinch_plateau p = {.best = NAN};
    static const double losses[] = {1, 0.9, 0.95, 0.9, 0.89999, 0.5, 0.6, NAN, 0.7, 0.5, 0.5, 0.5, 0.4};
    static const int64_t drops[] = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3};
    for (int i = 0; i < 13; i++) {
        cinch_plateau_observe(&p, &s, losses[i]);
        cr_assert_eq(p.drops, drops[i], "after epoch %d: %d drops", i, (int)p.drops);
    }
    cr_assert_float_eq(p.best, 0.4, 0);
}
