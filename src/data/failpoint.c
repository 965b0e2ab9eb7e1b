/* SPDX-License-Identifier: Apache-2.0 */
#include "data/failpoint.h"

#ifdef CINCH_FAILPOINTS

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_long reached;

/* Written to standard error, so that a driver knows where the process died. */
static void say(const char *name)
{
    ssize_t ignored = write(STDERR_FILENO, "failpoint ", 10);
    ignored = write(STDERR_FILENO, name, strlen(name));
    ignored = write(STDERR_FILENO, "\n", 1);
    (void)ignored;
}

void cinch_failpoint(const char *name)
{
    const char *wanted = getenv("CINCH_FAILPOINT");
    if (!wanted || atomic_fetch_add(&reached, 1) + 1 != atol(wanted)) return;
    say(name);
    raise(SIGKILL);
}

#else

/* ISO C wants a declaration in every file. */
typedef int cinch_failpoint_unused;

#endif
