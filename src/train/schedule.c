/* SPDX-License-Identifier: Apache-2.0 */
#include "train/schedule.h"

#include <math.h>
#include <string.h>

/* How far between the end of the warm-up and the last update, in [0, 1]. */
static double progress_of(const cinch_schedule_config *s, const cinch_schedule_point *at)
{
    int64_t length = at->steps - s->warmup_steps;
    if (length <= 0) return 0;
    double done = (double)(at->step - s->warmup_steps) / (double)length;
    return done < 0 ? 0 : done > 1 ? 1 : done;
}

static double decayed(const cinch_schedule_config *s, double lr, const cinch_schedule_point *at)
{
    if (!strcmp(s->name, "step")) return lr * pow(s->factor, (double)(s->every > 0 ? at->epoch / s->every : 0));
    if (!strcmp(s->name, "exponential")) return lr * pow(s->factor, (double)at->epoch);
    if (!strcmp(s->name, "plateau")) return lr * pow(s->factor, (double)at->drops);
    if (!strcmp(s->name, "linear")) return lr + (s->min_lr - lr) * progress_of(s, at);
    if (!strcmp(s->name, "cosine"))
        return s->min_lr + 0.5 * (lr - s->min_lr) * (1 + cos(3.14159265358979323846 * progress_of(s, at)));
    return lr; /* constant */
}

double cinch_schedule_lr(const cinch_schedule_config *schedule, double lr, const cinch_schedule_point *at)
{
    double rate = decayed(schedule, lr, at);
    if (rate < schedule->min_lr) rate = schedule->min_lr;
    if (at->step < schedule->warmup_steps) rate *= (double)(at->step + 1) / (double)schedule->warmup_steps;
    return rate;
}

void cinch_plateau_observe(cinch_plateau *plateau, const cinch_schedule_config *schedule, double loss)
{
    if (isnan(plateau->best) || loss < plateau->best * (1 - 1e-4)) {
        plateau->best = loss;
        plateau->bad_epochs = 0;
    } else if (++plateau->bad_epochs > schedule->every) {
        plateau->drops++;
        plateau->bad_epochs = 0;
    }
}

double cinch_schedule_beta(const cinch_loss_config *loss, int64_t step, int64_t steps)
{
    bool linear = !strcmp(loss->anneal, "linear");
    double length = (double)(loss->anneal_steps > 0 ? loss->anneal_steps : linear ? steps / 2 : steps / 4);
    if (!strcmp(loss->anneal, "none") || length < 1) return loss->beta;
    double share = linear ? (double)step / length : 2 * fmod((double)step, length) / length;
    return loss->beta * (share < 1 ? share : 1);
}
