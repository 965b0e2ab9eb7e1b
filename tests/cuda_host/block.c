/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads of a block. A thread runs until it has to wait for others; a fibre whose thread ends takes the next one
 * itself, so that a kernel without barriers costs no switches. Warps are taken in varied order, each as far as it can
 * go or, in other blocks, by turns; so are the lanes of a warp.
 */
#include "parts.h"
#include "block.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { WARPS = CUDA_HOST_THREADS / CUDA_HOST_WARP };

typedef struct thread {
    cuda_host_fibre *fibre;     /* NULL before it begins */
    const char *file;           /* of the barrier it waits at */
    int line;
    cuda_host_meeting kind;     /* of the meeting it waits in */
    unsigned lanes;
    int from;
    uint64_t value;
} thread;

/* Sets of lanes. A lane that is in none of the last three runs now. */
typedef struct warp {
    unsigned live, ready, meeting, barrier;
    int turn;                   /* where the search for the next lane begins */
    bool backwards;
} warp;

uint3 cuda_host_thread_index, cuda_host_block_index, cuda_host_block_size, cuda_host_grid_size;

static struct {
    const cuda_host_kernel *kernel;
    thread thread[CUDA_HOST_THREADS];
    warp warp[WARPS];
    int n_warps, now;           /* the thread that runs */
    bool by_turns, failed, running;
    pthread_t runner;
    cuda_host_fibre *idle[CUDA_HOST_THREADS], *all[CUDA_HOST_THREADS];
    int n_idle, n_all;
} block;

/* --- failing ------------------------------------------------------------------------------------------------------ */

static void leave_block(cuda_host_fibre *from)
{
    cuda_host_fibre_switch(from, cuda_host_main_fibre());
}

/* The threads that wait are given up. */
static void fail(cudaError_t error)
{
    block.failed = true;
    cuda_host_break(error);
    leave_block(block.thread[block.now].fibre);
}

static const char *where(char text[256])
{
    snprintf(text, 256, "%s, block %u, thread %u", block.kernel->name, cuda_host_block_index.x,
             cuda_host_thread_index.x);
    return text;
}

bool cuda_host_in_kernel(void) { return block.running && pthread_equal(block.runner, pthread_self()); }

void cuda_host_fail_kernel(const void *address, const char *what)
{
    char text[256];
    cuda_host_complain("%s touches %p: %s", where(text), address, what);
    fail(cudaErrorIllegalAddress);
}

/* The lowest thread of those in a set of each warp, or -1. */
#define FIRST_IN(set)                                                                   \
    static int first_in_##set(void)                                                     \
    {                                                                                   \
        for (int w = 0; w < block.n_warps; w++)                                         \
            if (block.warp[w].set) return w * CUDA_HOST_WARP + __builtin_ctz(block.warp[w].set); \
        return -1;                                                                      \
    }
FIRST_IN(live)
FIRST_IN(meeting)
FIRST_IN(barrier)

static void complain_stuck(void)
{
    int meets = first_in_meeting(), waits = first_in_barrier();
    char in_meeting[128] = "", at_barrier[512] = "";
    if (meets >= 0)
        snprintf(in_meeting, sizeof in_meeting, "thread %d waits in a shuffle or vote of lanes %08x", meets,
                 block.thread[meets].lanes);
    if (waits >= 0)
        snprintf(at_barrier, sizeof at_barrier, "thread %d waits at __syncthreads (%s:%d)", waits,
                 block.thread[waits].file, block.thread[waits].line);
    cuda_host_complain("%s, block %u: %s, %s", block.kernel->name, cuda_host_block_index.x,
                       waits >= 0 ? at_barrier : in_meeting,
                       waits < 0 ? "that not all come to" : meets < 0 ? "other threads wait at another" : in_meeting);
}

/* --- meetings of a warp ------------------------------------------------------------------------------------------- */

static bool all_agree(const thread *of_warp, unsigned lanes)
{
    const thread *first = &of_warp[__builtin_ctz(lanes)];
    for (unsigned rest = lanes; rest; rest &= rest - 1) {
        const thread *t = &of_warp[__builtin_ctz(rest)];
        if (t->lanes != lanes || t->kind != first->kind) return false;
    }
    return true;
}

static void give_values(thread *of_warp, unsigned lanes)
{
    uint64_t given[CUDA_HOST_WARP], ballot = 0;
    for (unsigned rest = lanes; rest; rest &= rest - 1) {
        int lane = __builtin_ctz(rest);
        given[lane] = of_warp[lane].value;
        if (given[lane]) ballot |= UINT64_C(1) << lane;
    }
    for (unsigned rest = lanes; rest; rest &= rest - 1) {
        thread *t = &of_warp[__builtin_ctz(rest)];
        t->value = t->kind == CUDA_HOST_SHUFFLE ? given[t->from] : ballot;
    }
}

/* Ends the meetings that all have come to. */
static bool end_meetings(int w)
{
    warp *p = &block.warp[w];
    thread *of_warp = &block.thread[w * CUDA_HOST_WARP];
    bool any = false;
    for (unsigned rest = p->meeting; rest;) {
        unsigned lanes = of_warp[__builtin_ctz(rest)].lanes;
        bool complete = !(lanes & ~p->meeting) && all_agree(of_warp, lanes);
        if (complete) {
            give_values(of_warp, lanes);
            p->meeting &= ~lanes;
            p->ready |= lanes;
            any = true;
        }
        rest &= complete ? ~lanes : rest - 1;
    }
    return any;
}

/* --- who is next -------------------------------------------------------------------------------------------------- */

/* A bit of the set, counting from `turn` up or down. */
static int pick_bit(unsigned set, int turn, bool backwards)
{
    unsigned turned = set >> turn | set << (-turn & 31);
    int at = backwards ? 31 - __builtin_clz(turned) : __builtin_ctz(turned);
    return (at + turn) & 31;
}

static void vary_warp(warp *p)
{
    uint32_t r = cuda_host_random(64);
    p->turn = r & 31;
    p->backwards = r & 32;
}

/* A warp with lanes that can go on, or -1. */
static int pick_warp(void)
{
    int turn = (int)cuda_host_random((uint32_t)block.n_warps);
    for (int i = 0; i < block.n_warps; i++) {
        int w = (turn + i) % block.n_warps;
        if (block.warp[w].ready || end_meetings(w)) return w;
    }
    return -1;
}

/* Where all that live wait at the same barrier, they go on. */
static bool open_barrier(void)
{
    int first = first_in_live();
    for (int w = 0; w < block.n_warps; w++) {
        warp *p = &block.warp[w];
        if (p->barrier != p->live) return false;
        for (unsigned rest = p->live; rest; rest &= rest - 1) {
            const thread *t = &block.thread[w * CUDA_HOST_WARP + __builtin_ctz(rest)], *f = &block.thread[first];
            if (t->line != f->line || (t->file != f->file && strcmp(t->file, f->file))) return false;
        }
    }
    for (int w = 0; w < block.n_warps; w++) {
        warp *p = &block.warp[w];
        p->ready = p->live;
        p->barrier = 0;
        vary_warp(p);
    }
    return first >= 0;
}

/* The thread to go on with, or -1: the block is done, or stuck. */
static int pick_thread(void)
{
    int w = block.now / CUDA_HOST_WARP;
    if (block.warp[w].ready) goto found;
    if (end_meetings(w) && !(block.by_turns && cuda_host_random(2))) goto found;
    w = pick_warp();
    if (w >= 0) goto found;
    if (!open_barrier()) return -1;
    w = pick_warp();
found:;
    warp *p = &block.warp[w];
    int lane = pick_bit(p->ready, p->turn, p->backwards);
    p->ready &= ~(1u << lane);
    return w * CUDA_HOST_WARP + lane;
}

/* --- going on ----------------------------------------------------------------------------------------------------- */

static void set_now(int t)
{
    block.now = t;
    cuda_host_thread_index.x = (unsigned)t;
}

static cuda_host_fibre *take_fibre(void);

/* From a fibre whose thread waits, or has ended, to another thread; returns when the fibre has a thread again. */
static void go_on(cuda_host_fibre *self, bool ended)
{
    int t = pick_thread();
    if (t < 0) {
        if (first_in_live() >= 0) {
            complain_stuck();
            fail(cudaErrorLaunchFailure);
        }
        if (ended) block.idle[block.n_idle++] = self;
        leave_block(self);
        return;
    }
    set_now(t);
    thread *next = &block.thread[t];
    if (!next->fibre) {
        next->fibre = ended ? self : take_fibre();
    } else if (ended) {
        block.idle[block.n_idle++] = self;
    }
    if (next->fibre != self) cuda_host_fibre_switch(self, next->fibre);
}

static void run_threads(void)
{
    for (;;) {
        int t = block.now;
        cuda_host_fibre *self = block.thread[t].fibre;
        block.kernel->run(block.kernel->args);
        block.warp[t / CUDA_HOST_WARP].live &= ~(1u << t % CUDA_HOST_WARP);
        go_on(self, true);
    }
}

static cuda_host_fibre *take_fibre(void)
{
    if (block.n_idle) return block.idle[--block.n_idle];
    cuda_host_fibre *fibre = cuda_host_fibre_create(run_threads);
    if (!fibre) {
        cuda_host_complain("no memory for the threads of %s", block.kernel->name);
        __builtin_trap();
    }
    return block.all[block.n_all++] = fibre;
}

void cuda_host_barrier(const char *file, int line)
{
    int t = block.now;
    thread *self = &block.thread[t];
    self->file = file;
    self->line = line;
    block.warp[t / CUDA_HOST_WARP].barrier |= 1u << t % CUDA_HOST_WARP;
    go_on(self->fibre, false);
}

/* What is wrong with a call of a warp's function, or NULL. */
static const char *check_meeting(cuda_host_meeting kind, unsigned lanes, int from)
{
    int t = block.now;
    if (!(lanes >> t % CUDA_HOST_WARP & 1)) return "does not take part itself";
    if (lanes & ~block.warp[t / CUDA_HOST_WARP].live) return "names lanes that have ended or never were";
    if (kind != CUDA_HOST_SHUFFLE) return NULL;
    if (from >= 0 && from < CUDA_HOST_WARP && lanes >> from & 1) return NULL;
    return "reads from a lane that does not take part";
}

uint64_t cuda_host_meet(cuda_host_meeting kind, unsigned lanes, uint64_t value, int from)
{
    int t = block.now;
    thread *self = &block.thread[t];
    char text[256];
    const char *wrong = check_meeting(kind, lanes, from);
    if (wrong) {
        cuda_host_complain("%s: a shuffle or vote of lanes %08x %s", where(text), lanes, wrong);
        fail(cudaErrorLaunchFailure);
    }
    self->kind = kind;
    self->lanes = lanes;
    self->from = from;
    self->value = value;
    block.warp[t / CUDA_HOST_WARP].meeting |= 1u << t % CUDA_HOST_WARP;
    go_on(self->fibre, false);
    return self->value;
}

/* --- blocks ------------------------------------------------------------------------------------------------------- */

static void give_up_fibres(void)
{
    for (int i = 0; i < block.n_all; i++) {
        cuda_host_fibre_restart(block.all[i]);
        block.idle[i] = block.all[i];
    }
    block.n_idle = block.n_all;
}

static void run_block(unsigned index)
{
    unsigned threads = block.kernel->threads;
    cuda_host_block_index.x = index;
    cuda_host_begin_arrays();
    block.by_turns = cuda_host_random(2);
    memset(block.thread, 0, threads * sizeof *block.thread);
    for (int w = 0; w < block.n_warps; w++) {
        unsigned rest = threads - (unsigned)w * CUDA_HOST_WARP;
        unsigned lanes = rest >= CUDA_HOST_WARP ? ~0u : (1u << rest) - 1;
        block.warp[w] = (warp){.live = lanes, .ready = lanes};
        vary_warp(&block.warp[w]);
    }
    block.now = CUDA_HOST_WARP * (int)cuda_host_random((uint32_t)block.n_warps);
    set_now(pick_thread());
    block.thread[block.now].fibre = take_fibre();
    block.running = true;
    cuda_host_fibre_switch(cuda_host_main_fibre(), block.thread[block.now].fibre);
    block.running = false;
    if (block.failed) give_up_fibres();
    if (!cuda_host_check_arrays(block.kernel->name)) block.failed = true;
}

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
    while (b) {
        uint32_t rest = a % b;
        a = b, b = rest;
    }
    return a;
}

bool cuda_host_run_kernel(const cuda_host_kernel *kernel)
{
    uint32_t n = kernel->blocks, at = cuda_host_random(n), step = n > 1 ? 1 + cuda_host_random(n - 1) : 1;
    while (common_divisor(step, n) != 1) step++;
    block.kernel = kernel;
    block.failed = false;
    block.runner = pthread_self();
    block.n_warps = ((int)kernel->threads + CUDA_HOST_WARP - 1) / CUDA_HOST_WARP;
    cuda_host_block_size = (uint3){kernel->threads, 1, 1};
    cuda_host_grid_size = (uint3){n, 1, 1};
    for (uint32_t i = 0; i < n && !block.failed; i++) {
        run_block(at);
        at = (uint32_t)(((uint64_t)at + step) % n);
    }
    return !block.failed;
}
