/* SPDX-License-Identifier: Apache-2.0 */
#include "trained/workload.h"

#include "core/status.h"

#include <stdlib.h>
#include <string.h>

static const cinch_workload workloads[] = {
    {"dense", "{\"name\": \"dense\", \"hidden_sizes\": [512, 256], \"latent_dim\": 64, "
     "\"output_activation\": \"sigmoid\"}", {{1, {784}}, 0, 1, 0}, 256, {.kind = CINCH_ADAM, .lr = 1e-3}}};
enum { WORKLOADS = sizeof workloads / sizeof *workloads };

cinch_status cinch_workload_find(const char *name, const char *missing, const cinch_workload **out)
{
    const char *names[WORKLOADS];
    for (int i = 0; i < WORKLOADS; i++) {
        names[i] = workloads[i].name;
        if (strcmp(name, names[i])) continue;
        *out = &workloads[i];
        return CINCH_OK;
    }
    const char *near = cinch_nearest(name, names, WORKLOADS);
    if (near) return cinch_fail(CINCH_USAGE, "%s: %s; did you mean %s?", name, missing, near);
    return cinch_fail(CINCH_USAGE, "%s: %s; workloads are: %s", name, missing, names[0]);
}

int cinch_bench_threads(cinch_device *device)
{
    char text[256];
    cinch_device_describe(device, text, sizeof text);
    const char *word = strstr(text, " thread");
    while (word && word > text && word[-1] >= '0' && word[-1] <= '9') word--;
    int threads = word ? atoi(word) : 1;
    return threads < 1 ? 1 : threads > CINCH_BENCH_THREADS ? CINCH_BENCH_THREADS : threads;
}
