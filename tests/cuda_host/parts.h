/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the stand-in know of each other. One mutex guards all of it. */
#ifndef CINCH_TESTS_CUDA_HOST_PARTS_H
#define CINCH_TESTS_CUDA_HOST_PARTS_H

#include "cuda_host.h"

/* --- calls.c: what every function of the runtime begins and ends with --------------------------------------------- */

typedef struct cuda_host_lock { int held; } cuda_host_lock;
cuda_host_lock cuda_host_take(void);
void cuda_host_give(cuda_host_lock *lock);
#define CUDA_HOST_LOCK cuda_host_lock lock __attribute__((cleanup(cuda_host_give), unused)) = cuda_host_take()

/* The error that the call has to return at once: an injected one, one for good, no device; else cudaSuccess. */
cudaError_t cuda_host_begin(const char *name, cudaError_t injected);
/* Remembers an error for cudaGetLastError and returns it. */
cudaError_t cuda_host_end(cudaError_t error);
/* cudaSuccess, or the error for good. */
cudaError_t cuda_host_broken(void);

#define CUDA_HOST_BEGIN(injected)                                    \
    CUDA_HOST_LOCK;                                                  \
    cudaError_t begun = cuda_host_begin(__func__, injected);         \
    if (begun) return cuda_host_end(begun)

/* A varied number below n, from the seed. */
uint32_t cuda_host_random(uint32_t n);

/* --- memory.c ----------------------------------------------------------------------------------------------------- */

/* Device memory can be touched between open and close; they nest. */
void cuda_host_open_memory(void);
void cuda_host_close_memory(void);
/* Checks all guard bands; breaks the device where one was written to. */
void cuda_host_check_guards(void);
typedef enum cuda_host_place {
    CUDA_HOST_DEVICE, CUDA_HOST_PINNED, CUDA_HOST_PAGEABLE,
    CUDA_HOST_NOWHERE       /* partly outside of an allocation, or released */
} cuda_host_place;
cuda_host_place cuda_host_place_of(const void *memory, size_t bytes);
int cuda_host_memory_leaks(void);
/* "12 bytes behind device memory of 400 bytes": what lies at or near an address. */
void cuda_host_describe_address(const void *address, char *text, size_t size);

/* --- fibre.c ------------------------------------------------------------------------------------------------------ */

typedef struct cuda_host_fibre cuda_host_fibre;
/* The fibre that stands for the thread of the program. */
cuda_host_fibre *cuda_host_main_fibre(void);
/* A new one, or NULL. It runs entry(), which must not return. */
cuda_host_fibre *cuda_host_fibre_create(void (*entry)(void));
/* Forgets what it was doing; it begins anew. */
void cuda_host_fibre_restart(cuda_host_fibre *fibre);
void cuda_host_fibre_switch(cuda_host_fibre *from, cuda_host_fibre *to);

/* --- block.c ------------------------------------------------------------------------------------------------------ */

enum { CUDA_HOST_THREADS = 1024, CUDA_HOST_WARP = 32 };

typedef struct cuda_host_kernel {
    const char *name;
    cuda_host_work *run;   /* one thread */
    const void *args;
    unsigned blocks, threads;
} cuda_host_kernel;

/* Runs all blocks; false, and the device is broken, where a thread faulted. */
bool cuda_host_run_kernel(const cuda_host_kernel *kernel);

/* Does this thread of the program run a kernel? */
bool cuda_host_in_kernel(void);
/* Ends the kernel that touched the address; does not return. */
void cuda_host_fail_kernel(const void *address, const char *what);

/* --- array.c ------------------------------------------------------------------------------------------------------ */

/* Around a block: its shared arrays are new; false, and the device is broken, where one was written around. */
void cuda_host_begin_arrays(void);
bool cuda_host_check_arrays(const char *kernel);

/* --- fault.c ------------------------------------------------------------------------------------------------------ */

void cuda_host_watch_faults(void);

/* --- queue.c ------------------------------------------------------------------------------------------------------ */

/* A piece of work; `threads` is 0 where it is no kernel. An event's number says which of its records is meant. */
typedef enum cuda_host_kind { CUDA_HOST_RUN, CUDA_HOST_KERNEL, CUDA_HOST_RECORD, CUDA_HOST_WAIT } cuda_host_kind;

typedef struct cuda_host_item {
    struct cuda_host_item *next;
    cuda_host_kind kind;
    const char *name;
    cuda_host_work *run;
    unsigned blocks, threads;
    cudaEvent_t event;
    uint64_t number;
    size_t bytes;
    _Alignas(16) unsigned char args[];
} cuda_host_item;

/* Gives work to a stream, or to its capture. */
cudaError_t cuda_host_give_item(cudaStream_t stream, const cuda_host_item *item, const void *args);
/* Puts a copy at the end of the queue. */
cudaError_t cuda_host_append(cudaStream_t stream, const cuda_host_item *item, const void *args);
cuda_host_item *cuda_host_copy_item(const cuda_host_item *item, const void *args);
void cuda_host_drain(void);
/* Runs work until the stream's is done. */
cudaError_t cuda_host_wait(cudaStream_t stream);
/* Runs one piece of work; false where none is waiting. */
bool cuda_host_step(void);
int cuda_host_stream_leaks(void);

struct CUstream_st {
    struct CUstream_st *next;
    cuda_host_item *first, *last;
    cudaGraph_t capture;            /* what is being recorded, or NULL */
};

/* --- event.c ------------------------------------------------------------------------------------------------------ */

void cuda_host_event_done(cudaEvent_t event, uint64_t number);
bool cuda_host_event_is_done(cudaEvent_t event, uint64_t number);
void cuda_host_event_keep(cudaEvent_t event);
void cuda_host_event_drop(cudaEvent_t event);
int cuda_host_event_leaks(void);

/* --- graph.c ------------------------------------------------------------------------------------------------------ */

/* Adds work to a capture. */
cudaError_t cuda_host_record(cudaGraph_t graph, const cuda_host_item *item, const void *args);
void cuda_host_invalidate(cudaGraph_t graph);
/* The number of the capture that a stream is in, or 0. */
uint64_t cuda_host_capture_of(cudaStream_t stream);
/* The error of a call that a capture does not allow, which spoils the capture; cudaSuccess where none is under way. */
cudaError_t cuda_host_unsafe(const char *name);
int cuda_host_graph_leaks(void);

#define CUDA_HOST_UNSAFE                                     \
    do {                                                     \
        cudaError_t unsafe = cuda_host_unsafe(__func__);     \
        if (unsafe) return cuda_host_end(unsafe);            \
    } while (0)

/* --- device.c ----------------------------------------------------------------------------------------------------- */

/* Why there is no device, or cudaSuccess. */
cudaError_t cuda_host_no_device(void);
size_t cuda_host_memory_size(void);

#endif
