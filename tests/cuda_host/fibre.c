/* SPDX-License-Identifier: Apache-2.0 */
/* Fibres: stacks that take turns in one thread of the program. */
#include "parts.h"
#include "shadow.h"

#include <stdlib.h>
#include <sys/mman.h>

#ifdef CUDA_HOST_ASAN
#include <sanitizer/common_interface_defs.h>
enum { STACK = 256 << 10 };
#else
enum { STACK = 128 << 10 };
#endif
enum { GUARD = 64 << 10 };

#if !defined(__x86_64__) && !defined(__aarch64__)
#define WITH_UCONTEXT
#include <ucontext.h>
#endif

struct cuda_host_fibre {
    void *top;               /* of its stack, where its registers lie; while it does not run */
    void (*entry)(void);
    const void *stack;       /* NULL for the program's own until a fibre has been run */
    size_t size;
    void *fake;              /* what ASan keeps for it */
#ifdef WITH_UCONTEXT
    ucontext_t context;
#endif
};

static cuda_host_fibre main_fibre, *previous, *running;

cuda_host_fibre *cuda_host_main_fibre(void) { return &main_fibre; }

/* --- the switch itself: callee-saved registers on the stack ------------------------------------------------------- */

#if defined(__x86_64__)
__asm__(".text\n.globl cuda_host_swap\n.hidden cuda_host_swap\n.type cuda_host_swap, @function\ncuda_host_swap:\n"
        "push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\n"
        "mov %rsp, (%rdi)\nmov %rsi, %rsp\n"
        "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\nret\n"
        ".size cuda_host_swap, . - cuda_host_swap\n");
enum { SAVED = 6, RETURN = 6 };
#elif defined(__aarch64__)
__asm__(".text\n.globl cuda_host_swap\n.hidden cuda_host_swap\n.type cuda_host_swap, %function\ncuda_host_swap:\n"
        "sub sp, sp, #160\n"
        "stp x19, x20, [sp, #0]\nstp x21, x22, [sp, #16]\nstp x23, x24, [sp, #32]\nstp x25, x26, [sp, #48]\n"
        "stp x27, x28, [sp, #64]\nstp x29, x30, [sp, #80]\n"
        "stp d8, d9, [sp, #96]\nstp d10, d11, [sp, #112]\nstp d12, d13, [sp, #128]\nstp d14, d15, [sp, #144]\n"
        "mov x9, sp\nstr x9, [x0]\nmov sp, x1\n"
        "ldp x19, x20, [sp, #0]\nldp x21, x22, [sp, #16]\nldp x23, x24, [sp, #32]\nldp x25, x26, [sp, #48]\n"
        "ldp x27, x28, [sp, #64]\nldp x29, x30, [sp, #80]\n"
        "ldp d8, d9, [sp, #96]\nldp d10, d11, [sp, #112]\nldp d12, d13, [sp, #128]\nldp d14, d15, [sp, #144]\n"
        "add sp, sp, #160\nret\n"
        ".size cuda_host_swap, . - cuda_host_swap\n");
enum { SAVED = 20, RETURN = 11 };
#endif
#ifndef WITH_UCONTEXT
void cuda_host_swap(void **save, void *load);
#endif

/* After a switch, on the stack switched to. */
static void arrived(cuda_host_fibre *self)
{
#ifdef CUDA_HOST_ASAN
    __sanitizer_finish_switch_fiber(self->fake, &previous->stack, &previous->size);
#endif
    running = self;
}

static void first(void)
{
    arrived(running);
    running->entry();
    abort();
}

void cuda_host_fibre_switch(cuda_host_fibre *from, cuda_host_fibre *to)
{
    previous = from;
    running = to;
#ifdef CUDA_HOST_ASAN
    __sanitizer_start_switch_fiber(&from->fake, to->stack, to->size);
#endif
#ifdef WITH_UCONTEXT
    swapcontext(&from->context, &to->context);
#else
    cuda_host_swap(&from->top, to->top);
#endif
    arrived(from);
}

/* --- making them -------------------------------------------------------------------------------------------------- */

void cuda_host_fibre_restart(cuda_host_fibre *fibre)
{
    fibre->fake = NULL;
    ASAN_UNPOISON_MEMORY_REGION(fibre->stack, fibre->size);
#ifdef WITH_UCONTEXT
    getcontext(&fibre->context);
    fibre->context.uc_stack.ss_sp = (void *)fibre->stack;
    fibre->context.uc_stack.ss_size = fibre->size;
    makecontext(&fibre->context, first, 0);
#else
    /* The registers, the address that the swap returns to, and what keeps the stack aligned as after a call. */
    void **top = (void **)((char *)fibre->stack + fibre->size) - SAVED - 4;
    for (int i = 0; i < SAVED + 4; i++) top[i] = NULL;
    *(void (**)(void))&top[RETURN] = first;
    fibre->top = top;
#endif
}

cuda_host_fibre *cuda_host_fibre_create(void (*entry)(void))
{
    cuda_host_fibre *fibre = calloc(1, sizeof *fibre);
    if (!fibre) return NULL;
    char *memory = mmap(NULL, STACK + GUARD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
                        0);
    if (memory == MAP_FAILED || mprotect(memory, GUARD, PROT_NONE)) {
        free(fibre);
        return NULL;
    }
    fibre->entry = entry;
    fibre->stack = memory + GUARD;
    fibre->size = STACK;
    cuda_host_fibre_restart(fibre);
    return fibre;
}
