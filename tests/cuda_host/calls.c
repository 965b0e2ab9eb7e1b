/* SPDX-License-Identifier: Apache-2.0 */
/* What every call begins and ends with: the mutex, the count, injected faults, errors; and what is left at the end. */
#include "parts.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LEFTOVERS = 23 };

static pthread_mutex_t mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static _Thread_local cudaError_t last;
static cudaError_t for_good;
static uint64_t calls, fail_at, state;
static const char *failed = "";
static char complaint[1024];
static bool ready;

/* --- settings ----------------------------------------------------------------------------------------------------- */

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

void cuda_host_seed(uint64_t seed)
{
    state = (seed + 1) * UINT64_C(0x9E3779B97F4A7C15) | 1;
}

static void read_settings(void)
{
    ready = true;
    fail_at = number("CINCH_CUDA_HOST_FAIL", 0);
    cuda_host_seed(number("CINCH_CUDA_HOST_SEED", 0));
}

/* xorshift64* */
uint32_t cuda_host_random(uint32_t n)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)((state * UINT64_C(0x2545F4914F6CDD1D) >> 32) * n >> 32);
}

/* --- calls -------------------------------------------------------------------------------------------------------- */

cuda_host_lock cuda_host_take(void)
{
    pthread_mutex_lock(&mutex);
    if (!ready) read_settings();
    return (cuda_host_lock){1};
}

void cuda_host_give(cuda_host_lock *lock)
{
    if (lock->held) pthread_mutex_unlock(&mutex);
}

uint64_t cuda_host_calls(void) { return calls; }

int cuda_host_fails(const char *name)
{
    CUDA_HOST_LOCK;
    if (++calls != fail_at) return 0;
    failed = name;
    return 1;
}

cudaError_t cuda_host_begin(const char *name, cudaError_t injected)
{
    cudaError_t none = cuda_host_no_device();
    if (cuda_host_fails(name)) return injected;
    return none ? none : for_good;
}

cudaError_t cuda_host_end(cudaError_t error)
{
    if (error && error != cudaErrorNotReady) last = error;
    return error;
}

cudaError_t cuda_host_broken(void) { return for_good; }

void cuda_host_fail_at(uint64_t call)
{
    CUDA_HOST_LOCK;
    fail_at = call ? calls + call : 0;
}

void cuda_host_break(cudaError_t error)
{
    if (!for_good) for_good = error;
}

void cuda_host_mend(void)
{
    CUDA_HOST_LOCK;
    cuda_host_drain();
    for_good = last = cudaSuccess;
    complaint[0] = 0;
}

void cuda_host_complain(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(complaint, sizeof complaint, format, args);
    va_end(args);
    fprintf(stderr, "cuda_host: %s\n", complaint);
}

const char *cuda_host_complaint(void) { return complaint; }

cudaError_t cudaPeekAtLastError(void)
{
    CUDA_HOST_LOCK;
    return for_good ? for_good : last;
}

cudaError_t cudaGetLastError(void)
{
    CUDA_HOST_LOCK;
    cudaError_t error = for_good ? for_good : last;
    last = cudaSuccess;
    return error;
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

int cuda_host_leaks(void)
{
    CUDA_HOST_LOCK;
    return cuda_host_memory_leaks() + cuda_host_stream_leaks() + cuda_host_event_leaks() + cuda_host_graph_leaks();
}

static void write_count(void)
{
    const char *path = getenv("CINCH_CUDA_HOST_COUNT_FILE");
    FILE *file = path && *path ? fopen(path, "w") : NULL;
    if (!file) return;
    fprintf(file, "%llu %s\n", (unsigned long long)calls, failed);
    fclose(file);
}

__attribute__((destructor)) static void end(void)
{
    write_count();
    if (!cuda_host_leaks()) return;
    fflush(NULL);
    _exit(LEFTOVERS);
}
