/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GPUs that are the CPU, with what a GPU has besides: several devices, memory of its own, writes beside the work,
 * choices.
 *
 *   PRETEND_DEVICES=n   how many; 2
 *   PRETEND_MEMORY=n    bytes of each; 1 GiB
 *   PRETEND_HELD=n      bytes that a device says it took for itself; 0
 *   PRETEND_DRIVER=n   part of its description; 1
 *   PRETEND_BROKEN=n    device n cannot be opened
 *   PRETEND_LOG=file    a line for each device opened, each choice given and, at the end, the writes beside the work
 */
#include "core/backend.h"

#include <cinch/version.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER = 64, TEXT = 64, OPEN = 16 };

/* A device that is open; its backend is the CPU's. */
typedef struct opened {
    cinch_backend *backend;
    size_t held;
    long long ahead;
    char choice[TEXT];
} opened;

static opened devices[OPEN];
static const cinch_backend_vtable *cpu;
static const cinch_host *host;

/* NULL: where there is room for one more. */
static opened *of(const cinch_backend *b)
{
    for (int i = 0; i < OPEN; i++)
        if (devices[i].backend == b) return &devices[i];
    abort();
}

static long long number(const char *name, long long otherwise)
{
    const char *text = getenv(name);
    return text ? atoll(text) : otherwise;
}

static void note(const char *format, const char *a, const char *b)
{
    const char *path = getenv("PRETEND_LOG");
    FILE *file = path ? fopen(path, "a") : NULL;
    if (!file) return;
    fprintf(file, format, a, b);
    fputc('\n', file);
    fclose(file);
}

static cinch_status fail(const char *text)
{
    host->fail(text);
    return CINCH_DEVICE;
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

static size_t total(void) { return (size_t)number("PRETEND_MEMORY", 1 << 30); }

static cinch_status pretend_room(cinch_backend *b, size_t *available, size_t *all)
{
    *all = total();
    *available = *all - of(b)->held;
    return CINCH_OK;
}

/* The size goes before the memory. */
static cinch_status pretend_alloc(cinch_backend *b, size_t bytes, void **memory)
{
    *memory = NULL;
    if (bytes > total() - of(b)->held) return fail("pretend: out of memory");
    char *whole;
    if (cpu->alloc(b, bytes + HEADER, (void **)&whole)) return fail("pretend: the host's memory is short");
    memcpy(whole, &bytes, sizeof bytes);
    of(b)->held += bytes;
    *memory = whole + HEADER;
    return CINCH_OK;
}

static void pretend_release(cinch_backend *b, void *memory)
{
    size_t bytes;
    char *whole = (char *)memory - HEADER;
    memcpy(&bytes, whole, sizeof bytes);
    of(b)->held -= bytes;
    cpu->release(b, whole);
}

static cinch_status pretend_write_ahead(cinch_backend *b, int slot, void *device, const void *from, size_t bytes)
{
    (void)slot;
    of(b)->ahead++;
    return cpu->write(b, device, from, bytes);
}

/* --- choices ------------------------------------------------------------------------------------------------------ */

static void pretend_choices(cinch_backend *b, void (*visit)(void *user, const char *key, const char *choice),
                            void *user)
{
    visit(user, "product [2, 3]", of(b)->choice[0] ? of(b)->choice : "made here");
}

static cinch_status pretend_choose(cinch_backend *b, const char *key, const char *choice)
{
    if (strcmp(key, "product [2, 3]") || strlen(choice) >= TEXT) {
        host->fail("pretend: no such choice");
        return CINCH_DATA;
    }
    snprintf(of(b)->choice, TEXT, "%s", choice);
    note("choose %s = %s", key, choice);
    return CINCH_OK;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static void pretend_describe(cinch_backend *b, char *text, size_t size)
{
    (void)b;
    snprintf(text, size, "Pretend GPU, driver %lld", number("PRETEND_DRIVER", 1));
}

static const char *pretend_notice(cinch_backend *b)
{
    (void)b;
    return NULL;
}

static void pretend_close(cinch_backend *b)
{
    char text[TEXT];
    snprintf(text, sizeof text, "%lld", of(b)->ahead);
    if (of(b)->ahead) note("ahead %s%s", text, "");
    if (of(b)->held) note("left %s%s", "memory", "");
    *of(b) = (opened){0};
    cpu->close(b);
}

static cinch_status count(int *n)
{
    *n = (int)number("PRETEND_DEVICES", 2);
    return CINCH_OK;
}

static cinch_status open_device(cinch_backend **out, int device)
{
    static cinch_backend_vtable vtable;
    char text[TEXT];
    *out = NULL;
    if (device == number("PRETEND_BROKEN", -1)) return fail("pretend: this one is broken");
    if (cinch_cpu_open(out, NULL)) return fail("pretend: the CPU cannot be opened");
    cpu = (*out)->vtable;
    vtable = *cpu;
    vtable.name = "cuda";
    vtable.close = pretend_close;
    vtable.alloc = pretend_alloc;
    vtable.release = pretend_release;
    vtable.write_ahead = pretend_write_ahead;
    vtable.room = pretend_room;
    vtable.choices = pretend_choices;
    vtable.choose = pretend_choose;
    vtable.describe = pretend_describe;
    vtable.notice = pretend_notice;
    (*out)->vtable = &vtable;
    (*out)->held = (size_t)number("PRETEND_HELD", 0);
    *of(NULL) = (opened){.backend = *out};
    snprintf(text, sizeof text, "%d", device);
    note("open %s%s", text, "");
    return CINCH_OK;
}

CINCH_API cinch_module_entry cinch_backend_module;

const cinch_module *cinch_backend_module(int32_t abi, const cinch_host *given)
{
    static const cinch_module module = {CINCH_MODULE_ABI, CINCH_VERSION, count, open_device};
    if (abi == CINCH_MODULE_ABI) host = given;
    return &module;
}
