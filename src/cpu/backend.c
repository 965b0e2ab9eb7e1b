/* SPDX-License-Identifier: Apache-2.0 */
/* The CPU as a backend: memory is the process's own, and a call is done when it returns. */
#include "cpu/cpu.h"

#include "core/status.h"
#include "cpu/blas.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGNMENT = 64, HUGE_PAGE = 2 << 20 };

/* Products read matrices down their columns: large pages spare them most of the address translation. */
static cinch_status cpu_alloc(cinch_backend *b, size_t bytes, void **memory)
{
    (void)b;
    size_t alignment = bytes >= 2 * HUGE_PAGE ? HUGE_PAGE : ALIGNMENT;
    *memory = NULL;
    if (bytes <= SIZE_MAX - ALIGNMENT && posix_memalign(memory, alignment, bytes ? bytes : 1) == 0) {
#ifdef MADV_HUGEPAGE
        if (alignment == HUGE_PAGE) madvise(*memory, bytes / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
#endif
        return CINCH_OK;
    }
    *memory = NULL;
    return cinch_fail(CINCH_DEVICE, "cpu: out of memory: %zu bytes", bytes);
}

static void cpu_release(cinch_backend *b, void *memory)
{
    (void)b;
    free(memory);
}

static cinch_status cpu_write(cinch_backend *b, void *device, const void *host, size_t bytes)
{
    (void)b;
    if (bytes) memcpy(device, host, bytes);
    return CINCH_OK;
}

static cinch_status cpu_read(cinch_backend *b, void *host, const void *device, size_t bytes)
{
    (void)b;
    if (bytes) memcpy(host, device, bytes);
    return CINCH_OK;
}

static cinch_status cpu_fill(cinch_backend *b, void *device, int byte, size_t bytes)
{
    (void)b;
    if (bytes) memset(device, byte, bytes);
    return CINCH_OK;
}

static cinch_status cpu_sync(cinch_backend *b)
{
    (void)b;
    return CINCH_OK;
}

static cinch_status cpu_all_reduce(cinch_backend *b, float *data, int64_t count)
{
    (void)b, (void)data, (void)count;
    return CINCH_OK;
}

static void processor_name(char *text, size_t size)
{
    char line[256];
    snprintf(text, size, "CPU");
    FILE *file = fopen("/proc/cpuinfo", "re");
    if (!file) return;
    while (fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) || !colon || !colon[1]) continue;
        snprintf(text, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
        break;
    }
    fclose(file);
}

static void cpu_describe(cinch_backend *b, char *text, size_t size)
{
    const cinch_cpu *cpu = (const cinch_cpu *)b;
    char processor[128], blas[64];
    int threads = cinch_pool_threads(cpu->pool);
    processor_name(processor, sizeof processor);
    cinch_blas_describe(blas, sizeof blas);
    snprintf(text, size, "%s, %s kernels, %d thread%s, %s", processor, cpu->isa->name, threads,
             threads == 1 ? "" : "s", blas);
}

static const char *cpu_notice(cinch_backend *b)
{
    (void)b;
    return cinch_cpu_notice();
}

static void cpu_close(cinch_backend *b)
{
    cinch_pool_free(((cinch_cpu *)b)->pool);
    free(((cinch_cpu *)b)->workspace);
    free(b);
}

static const cinch_backend_vtable vtable = {
    .name = "cpu",
    .close = cpu_close,
    .alloc = cpu_alloc,
    .release = cpu_release,
    .write = cpu_write,
    .read = cpu_read,
    .fill = cpu_fill,
    .sync = cpu_sync,
    .all_reduce = cpu_all_reduce,
    .describe = cpu_describe,
    .notice = cpu_notice,
};

cinch_status cinch_cpu_open(cinch_backend **out, const cinch_cpu_options *options)
{
    cinch_cpu_options o = options ? *options : (cinch_cpu_options){0};
    const cinch_isa *isa;
    *out = NULL;
    TRY(cinch_isa_choose(&isa, o.isa));
    cinch_cpu *cpu = cinch_calloc(1, sizeof *cpu);
    if (!cpu) return CINCH_DEVICE;
    *cpu = (cinch_cpu){.base = {&vtable, isa->kernels}, .isa = isa};
    cinch_status status = cinch_pool_create(&cpu->pool, o.threads);
    if (status) {
        free(cpu);
        return status;
    }
    cinch_blas_open(o.keep_blas_threads);
    *out = &cpu->base;
    return CINCH_OK;
}

cinch_status cinch_cpu_reserve(cinch_backend *b, size_t bytes)
{
    cinch_cpu *cpu = (cinch_cpu *)b;
    void *workspace;
    bytes = (bytes + 63) / 64 * 64;
    if (bytes <= cpu->workspace_bytes) return CINCH_OK;
    TRY(cpu_alloc(b, bytes * (size_t)cinch_pool_threads(cpu->pool), &workspace));
    free(cpu->workspace);
    cpu->workspace = workspace;
    cpu->workspace_bytes = bytes;
    return CINCH_OK;
}

/* --- cutting work ------------------------------------------------------------------------------------------------- */

typedef struct pieces {
    int64_t n, piece;
    cinch_cpu_range f;
    void *arg;
} pieces;

static void run_piece(void *arg, int64_t task, int worker)
{
    const pieces *p = arg;
    int64_t begin = task * p->piece;
    p->f(p->arg, begin, cinch_cpu_min(begin + p->piece, p->n), worker);
}

void cinch_cpu_pieces(cinch_backend *b, int64_t n, int64_t piece, cinch_cpu_range f, void *arg)
{
    pieces p = {n, piece, f, arg};
    cinch_pool_run(cinch_cpu_pool(b), cinch_cpu_parts(n, piece), run_piece, &p);
}
