/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/blas.h"

#include "cpu/cpu.h"

#include <cblas.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

void cinch_blas_product(const cinch_product *p)
{
    cblas_sgemm(CblasRowMajor, p->transpose_a ? CblasTrans : CblasNoTrans, p->transpose_b ? CblasTrans : CblasNoTrans,
                (blasint)p->m, (blasint)p->n, (blasint)p->k, 1, p->a, (blasint)p->lda, p->b, (blasint)p->ldb, p->beta,
                p->c, (blasint)p->ldc);
}

void cinch_blas_open(bool keep)
{
    if (!keep) openblas_set_num_threads(1);
}

static bool core_is_one_of(const char *const *names)
{
    const char *core = openblas_get_corename();
    for (; *names; names++)
        if (!strcasecmp(core, *names)) return true;
    return false;
}

static const char *const avx512_cores[] = {"SkylakeX", "Cooperlake", "SapphireRapids", NULL};
static const char *const avx2_cores[] = {"Haswell", "Zen", "SkylakeX", "Cooperlake", "SapphireRapids", NULL};

/* "OpenBLAS 0.3.21 ..." */
static int version(void)
{
    int major = 0, minor = 0, patch = 0;
    if (sscanf(openblas_get_config(), "OpenBLAS %d.%d.%d", &major, &minor, &patch) != 3) return 0;
    return (major * 1000 + minor) * 1000 + patch;
}

bool cinch_blas_small_blocks(void) { return version() >= 3017 && core_is_one_of(avx512_cores); }

void cinch_blas_describe(char *text, size_t size)
{
    int v = version();
    const char *core = openblas_get_corename();
    if (v) snprintf(text, size, "OpenBLAS %d.%d.%d (%s)", v / 1000000, v / 1000 % 1000, v % 1000, core);
    else snprintf(text, size, "OpenBLAS (%s)", core);
}

/* --- the notice --------------------------------------------------------------------------------------------------- */

static char notice[256];
static pthread_once_t notice_once = PTHREAD_ONCE_INIT;

static void write_notice(void)
{
    const char *best = cinch_isa_best();
    bool avx512 = !strcmp(best, "avx512"), avx2 = !strcmp(best, "avx2");
    if ((avx512 && !core_is_one_of(avx512_cores)) || (avx2 && !core_is_one_of(avx2_cores)))
        snprintf(notice, sizeof notice,
                 "OpenBLAS runs its '%s' core on a CPU with %s, which may halve the speed of products: unset "
                 "OPENBLAS_CORETYPE or install a newer OpenBLAS",
                 openblas_get_corename(), avx512 ? "AVX-512" : "AVX2");
}

const char *cinch_cpu_notice(void)
{
    pthread_once(&notice_once, write_notice);
    return *notice ? notice : NULL;
}
