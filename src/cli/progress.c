/* SPDX-License-Identifier: Apache-2.0 */
/* How far training is: a bar on a terminal, a line an epoch elsewhere. */
#include "cli/cli.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static const double redraw_seconds = 0.1;
enum { BAR_MIN = 8, BAR_MAX = 40, LINE = 240 };

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static bool can_redraw(void)
{
    const char *kind = getenv("TERM");
    return isatty(STDERR_FILENO) && kind && strcmp(kind, "dumb");
}

void cinch_bar_begin(cinch_bar *bar, const cinch_cli *cli)
{
    *bar = (cinch_bar){.cli = cli, .quiet = cli->quiet, .terminal = can_redraw(), .val_loss = NAN};
}

static int columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

/* Ends the bar's line, so that what follows has its own. */
static void clear(cinch_bar *bar)
{
    if (bar->drawn) fputs("\r\033[K", stderr);
    bar->drawn = false;
}

/* "1:02:03" or "2:03" */
static const char *duration(double seconds, char text[32])
{
    long long s = seconds < 0 ? 0 : (long long)(seconds + 0.5);
    if (s >= 3600) snprintf(text, 32, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    else snprintf(text, 32, "%lld:%02lld", s / 60, s % 60);
    return text;
}

static size_t put(char *line, size_t at, const char *format, double value)
{
    if (!isfinite(value) || at >= LINE) return at;
    return at + (size_t)snprintf(line + at, LINE - at, format, value);
}

/* From the pace of this process, for a resumed run has steps that it did not take. */
static double time_left(const cinch_bar *bar, const cinch_progress *p)
{
    int64_t done = p->step - bar->first_step;
    if (done <= 0 || p->steps <= 0) return NAN;
    return (seconds_now() - bar->started) * (double)(p->steps - p->step) / (double)done;
}

/* "loss 0.0123  val_loss 0.0125  41250 samples/s  1:23 left"; of a variational model "recon 225.1  kl 14.9" follows the
   loss. */
static void describe(const cinch_bar *bar, const cinch_progress *p, double val_loss, char line[LINE])
{
    char left[32];
    size_t at = 0;
    *line = '\0';
    at = put(line, at, "  loss %.5g", p->loss);
    if (isfinite(p->loss_kl)) at = put(line, at, "  recon %.5g", p->loss_recon);
    at = put(line, at, "  kl %.5g", p->loss_kl);
    at = put(line, at, "  val_loss %.5g", val_loss);
    at = put(line, at, "  %.0f samples/s", p->samples_per_s);
    double seconds = time_left(bar, p);
    if (isfinite(seconds) && at < LINE) snprintf(line + at, LINE - at, "  %s left", duration(seconds, left));
}

/* "epoch 3/10", or "step 120/500" where no number of epochs ends the run. */
static void position(const cinch_progress *p, char *text, size_t size)
{
    bool by_epoch = p->epochs > 0;
    snprintf(text, size, by_epoch ? "epoch %lld/%lld" : "step %lld/%lld", (long long)(by_epoch ? p->epoch : p->step),
             (long long)(by_epoch ? p->epochs : p->steps));
}

/* Cells that are left beside the texts, the brackets and the percentage. */
static int room_for_bar(const char *where, const char *figures)
{
    int room = columns() - (int)strlen(where) - (int)strlen(figures) - 9;
    return room > BAR_MAX ? BAR_MAX : room;
}

/* On a narrow terminal the validation loss goes first, then the bar; a line is never wrapped, for it could not be
   cleared. */
static void draw(cinch_bar *bar, const cinch_progress *p)
{
    char where[64], figures[LINE], cells[BAR_MAX + 1];
    double part = p->steps > 0 ? (double)p->step / (double)p->steps : 0;
    position(p, where, sizeof where);
    describe(bar, p, bar->val_loss, figures);
    int width = room_for_bar(where, figures);
    if (width < BAR_MIN) describe(bar, p, NAN, figures);
    if (width < BAR_MIN) width = room_for_bar(where, figures);
    for (int i = 0; i < width; i++) cells[i] = i < (int)(part * width) ? '#' : '.';
    cells[width > 0 ? width : 0] = '\0';
    clear(bar);
    if (width >= BAR_MIN) fprintf(stderr, "%s [%s] %3.0f%%%s", where, cells, 100 * part, figures);
    else fprintf(stderr, "%s%.*s", where, columns() - 1 - (int)strlen(where), figures);
    bar->drawn = true;
}

static void draw_now_and_then(cinch_bar *bar, const cinch_progress *p)
{
    double now = seconds_now();
    if (!bar->terminal || now - bar->last < redraw_seconds) return;
    bar->last = now;
    draw(bar, p);
}

static void print_epoch(cinch_bar *bar, const cinch_progress *p)
{
    char where[64], figures[LINE];
    bar->val_loss = p->val_loss;
    position(p, where, sizeof where);
    describe(bar, p, p->val_loss, figures);
    clear(bar);
    fprintf(stderr, "%s%s\n", where, figures);
}

void cinch_bar_progress(void *user, const cinch_progress *p)
{
    cinch_bar *bar = user;
    if (bar->quiet) return;
    if (!bar->begun) {
        bar->begun = true;
        bar->started = seconds_now();
        bar->first_step = p->step; /* the first event comes before the first step */
    }
    if (!strcmp(p->event, "start")) cinch_cli_tell_device(bar->cli);
    if (p->note) {
        clear(bar);
        fprintf(stderr, "%s\n", p->note);
    }
    if (!strcmp(p->event, "step")) draw_now_and_then(bar, p);
    else if (!strcmp(p->event, "epoch")) print_epoch(bar, p);
}

void cinch_bar_end(cinch_bar *bar) { clear(bar); }
