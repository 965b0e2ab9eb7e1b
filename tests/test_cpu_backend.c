/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the CPU backend: kernel sets, threads, memory. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"

static void expect_set(const cinch_cpu_options *options, const char *set)
{
    cinch_backend *b;
    char text[512], wanted[64];
    cr_assert_eq(cinch_cpu_open(&b, options), CINCH_OK, "%s", cinch_last_error());
    b->vtable->describe(b, text, sizeof text);
    snprintf(wanted, sizeof wanted, "%s kernels", set);
    cr_assert(strstr(text, wanted), "wanted %s, got: %s", wanted, text);
    b->vtable->close(b);
}

static void expect_refusal(const cinch_cpu_options *options, const char *name)
{
    cinch_backend *b = (cinch_backend *)1;
    cr_assert_eq(cinch_cpu_open(&b, options), CINCH_USAGE);
    cr_assert_null(b);
    cr_assert(strstr(cinch_last_error(), name) && strstr(cinch_last_error(), "generic"), "%s", cinch_last_error());
}

Test(cpu_backend, chooses_its_kernel_set)
{
    unsetenv("CINCH_CPU_ISA");
    for (int i = 0; i < BACKENDS_ISAS; i++) {
        cinch_backend *b = backends_cpu(backends_isas[i], 1);
        if (b) expect_set(&(cinch_cpu_options){.isa = backends_isas[i]}, backends_isas[i]);
        backends_close(b);
    }
    expect_refusal(&(cinch_cpu_options){.isa = "sse9"}, "sse9");
    expect_refusal(&(cinch_cpu_options){.isa = "AVX2"}, "AVX2");
}

Test(cpu_backend, reads_the_environment)
{
    setenv("CINCH_CPU_ISA", "generic", 1);
    expect_set(NULL, "generic");
    setenv("CINCH_CPU_ISA", "fast", 1);
    expect_refusal(NULL, "fast");
    expect_set(&(cinch_cpu_options){.isa = "generic"}, "generic"); /* the option goes first */
    setenv("CINCH_CPU_ISA", "", 1);
    cinch_backend *b;
    cr_assert_eq(cinch_cpu_open(&b, NULL), CINCH_OK);
    b->vtable->close(b);
}

Test(cpu_backend, describes_itself)
{
    cinch_backend *b;
    char text[512], little[8];
    cr_assert_eq(cinch_cpu_open(&b, &(cinch_cpu_options){.threads = 3}), CINCH_OK);
    b->vtable->describe(b, text, sizeof text);
    cr_assert(strstr(text, "3 threads") && strstr(text, "OpenBLAS"), "%s", text);
    cr_assert_null(strchr(text, '\n'));
    b->vtable->describe(b, little, sizeof little);
    cr_assert(strlen(little) < sizeof little);
    cr_assert_eq(b->vtable->notice(b), cinch_cpu_notice());
    b->vtable->close(b);
}

Test(cpu_backend, gives_and_takes_memory)
{
    cinch_backend *b;
    cr_assert_eq(cinch_cpu_open(&b, NULL), CINCH_OK);
    size_t sizes[] = {0, 1, 63, 4097, 5 << 20};
    for (int i = 0; i < 5; i++) {
        unsigned char *memory, back[2] = {0};
        cr_assert_eq(b->vtable->alloc(b, sizes[i], (void **)&memory), CINCH_OK);
        cr_assert_eq((uintptr_t)memory % 64, 0);
        cr_assert_eq(b->vtable->fill(b, memory, 0x5A, sizes[i]), CINCH_OK);
        if (sizes[i]) {
            cr_assert_eq(b->vtable->write(b, memory + sizes[i] - 1, "\x7", 1), CINCH_OK);
            cr_assert_eq(b->vtable->read(b, back, memory + sizes[i] - 1, 1), CINCH_OK);
            cr_assert_eq(back[0], 7);
        }
        b->vtable->release(b, memory);
    }
    b->vtable->close(b);
}

Test(cpu_backend, reports_memory_it_cannot_get)
{
    cinch_backend *b;
    void *memory = &b;
    cr_assert_eq(cinch_cpu_open(&b, NULL), CINCH_OK);
    cr_assert_eq(b->vtable->alloc(b, SIZE_MAX - 1, &memory), CINCH_DEVICE);
    cr_assert_null(memory);
    cr_assert(strstr(cinch_last_error(), "out of memory"), "%s", cinch_last_error());
    b->vtable->close(b);
}
