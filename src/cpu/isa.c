/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/cpu.h"

#include "core/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const cinch_kernel cinch_cpu_kernels_generic[CINCH_OP_COUNT];
#if defined(__x86_64__)
extern const cinch_kernel cinch_cpu_kernels_avx2[CINCH_OP_COUNT];
extern const cinch_kernel cinch_cpu_kernels_avx512[CINCH_OP_COUNT];
#endif

/* From the plainest to the best. */
static const cinch_isa isas[] = {
    {"generic", cinch_cpu_kernels_generic},
#if defined(__x86_64__)
    {"avx2", cinch_cpu_kernels_avx2},
    {"avx512", cinch_cpu_kernels_avx512},
#endif
};
enum { ISAS = sizeof isas / sizeof *isas };

static bool supported(int i)
{
#if defined(__x86_64__)
    if (i == 1) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (i == 2)
        return supported(1) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#endif
    return i == 0;
}

static int best(void)
{
    int i = ISAS - 1;
    while (!supported(i)) i--;
    return i;
}

const char *cinch_isa_best(void) { return isas[best()].name; }

static cinch_status refuse(const char *name, const char *why)
{
    char choices[64] = "";
    for (int i = 0; i < ISAS; i++) {
        size_t used = strlen(choices);
        if (supported(i)) snprintf(choices + used, sizeof choices - used, "%s%s", used ? " " : "", isas[i].name);
    }
    return cinch_fail(CINCH_USAGE, "CPU kernel set '%s': %s; choose one of: %s", name, why, choices);
}

cinch_status cinch_isa_choose(const cinch_isa **out, const char *name)
{
    const char *wanted = name ? name : getenv("CINCH_CPU_ISA");
    *out = &isas[best()];
    if (!wanted || !*wanted) return CINCH_OK;
    for (int i = 0; i < ISAS; i++) {
        if (strcmp(wanted, isas[i].name)) continue;
        *out = &isas[i];
        return supported(i) ? CINCH_OK : refuse(wanted, "this CPU cannot run it");
    }
    return refuse(wanted, name ? "unknown" : "unknown (from CINCH_CPU_ISA)");
}
