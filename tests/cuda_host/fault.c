/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kernel that touches what is out of reach is ended, as a GPU does. Where it is the program that touches device
 * memory, it is told which before it dies. ASan says both itself, with more about it.
 */
#include "parts.h"
#include "shadow.h"

#ifdef CUDA_HOST_ASAN

void cuda_host_watch_faults(void) {}

#else

#include <signal.h>
#include <stdlib.h>

static struct sigaction before;

static void on_fault(int signal, siginfo_t *info, void *context)
{
    char text[128];
    (void)context;
    cuda_host_describe_address(info->si_addr, text, sizeof text);
    if (cuda_host_in_kernel()) cuda_host_fail_kernel(info->si_addr, text);
    cuda_host_complain("the program touches %p: %s", info->si_addr, text);
    sigaction(signal, &before, NULL);
}

void cuda_host_watch_faults(void)
{
    static bool watching;
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    if (watching) return;
    watching = true;
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, &before);
}

#endif
