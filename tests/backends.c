/* SPDX-License-Identifier: Apache-2.0 */
#include "backends.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "core/module.h"

const char *const backends_isas[BACKENDS_ISAS] = {"generic", "avx2", "avx512"};

static bool cpu_has(const char *isa)
{
#if defined(__x86_64__)
    if (!strcmp(isa, "avx2")) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (!strcmp(isa, "avx512"))
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#endif
    return !strcmp(isa, "generic");
}

cinch_backend *backends_cpu(const char *isa, int threads)
{
    cinch_backend *b = NULL;
    cinch_status status = cinch_cpu_open(&b, &(cinch_cpu_options){.threads = threads, .isa = isa});
    if (!status) return b;
    cr_assert(!cpu_has(isa), "%s kernels on %d threads: %s", isa, threads, cinch_last_error());
    return NULL;
}

bool backends_require_cuda(void)
{
    const char *require = getenv("CINCH_REQUIRE_CUDA");
    return require && !strcmp(require, "1");
}

cinch_backend *backends_cuda(void)
{
    const cinch_module *module;
    cinch_backend *b = NULL;
    int devices = 0;
    cinch_status status = cinch_module_load(&module, "cuda");
    if (!status) status = module->count(&devices);
    cr_assert(!status || !backends_require_cuda(), "CINCH_REQUIRE_CUDA=1, but: %s", cinch_last_error());
    if (status) return NULL;
    status = module->open(&b, 0);
    cr_assert(!status, "the GPU cannot be opened: %s", cinch_last_error());
    return b;
}

const char *backends_device(void)
{
    const char *device = getenv("CINCH_TEST_DEVICE");
    return device && *device ? device : "cpu";
}

void backends_close(cinch_backend *b)
{
    if (b) b->vtable->close(b);
}
