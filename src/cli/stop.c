/* SPDX-License-Identifier: Apache-2.0 */
/* Signals that ask a run to stop. */
#include "cli/cli.h"

#include <signal.h>
#include <time.h>

enum { PATIENCE = 5 /* seconds after which a second signal ends the process at once */ };

static volatile int stop;
static volatile time_t asked;

static cinch_status status_of(int number)
{
    return number == SIGUSR1 ? CINCH_SUSPENDED : number == SIGINT ? CINCH_INTERRUPTED : CINCH_TERMINATED;
}

/* Tools such as timeout send a signal twice, to the process and to its group; a person who presses Ctrl-C again some
   seconds later does not want to wait. */
static void ask(int number)
{
    time_t now = time(NULL);
    if (!stop) {
        stop = (int)status_of(number);
        asked = now;
    } else if (now - asked >= PATIENCE) {
        signal(number, SIG_DFL);
        raise(number);
    }
}

const volatile int *cinch_cli_stop(void) { return &stop; }

const volatile int *cinch_cli_catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGUSR1};
    struct sigaction action = {.sa_handler = ask, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) sigaction(numbers[i], &action, NULL);
    return &stop;
}
