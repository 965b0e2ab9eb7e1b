/* SPDX-License-Identifier: Apache-2.0 */
/* One mistake that may end the process, by name. Status 0: it was not caught. */
#include "planted.h"

#include <stdio.h>
#include <string.h>

enum { COUNT = 1000, FAR = 1 << 17 };

static float *x;

static void right(void) { planted_store(x, COUNT - 1, 1, NULL); }
static void behind(void) { planted_store(x, COUNT, 1, NULL); }
static void before(void) { planted_store(x, -1, 1, NULL); }
static void far_behind(void) { planted_store(x, FAR, 1, NULL); }
static void shared(void) { planted_shared(x, 3, NULL); }
static void shared_right(void) { planted_shared(x, -1, NULL); }

static void host_reads(void)
{
    volatile float value = x[1];
    (void)value;
}

static void released(void)
{
    float *y;
    if (cudaMalloc((void **)&y, COUNT * sizeof *y) || cudaFree(y)) return;
    planted_store(y, 0, 1, NULL);
}

static void not_released(void)
{
    static void *left;
    if (!cudaMalloc(&left, 100)) right();
}

static const struct { const char *name; void (*run)(void); } mistakes[] = {
    {"none", right}, {"shared-none", shared_right}, {"behind", behind}, {"before", before}, {"far-behind", far_behind},
    {"shared", shared}, {"host-reads", host_reads}, {"released", released}, {"not-released", not_released},
};

int main(int argc, char **argv)
{
    if (argc != 2 || cudaMalloc((void **)&x, COUNT * sizeof *x)) return 2;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        if (strcmp(mistakes[i].name, argv[1])) continue;
        mistakes[i].run();
        cudaError_t error = cudaDeviceSynchronize(), freed = cudaFree(x);
        return error || freed;
    }
    return 2;
}
