/* SPDX-License-Identifier: Apache-2.0 */
/* What kernels call: device.h makes the names of CUDA of it. */
#ifndef CINCH_TESTS_CUDA_HOST_THREADS_H
#define CINCH_TESTS_CUDA_HOST_THREADS_H

#include "cuda_host.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of the thread that runs. */
extern uint3 cuda_host_thread_index, cuda_host_block_index;
extern uint3 cuda_host_block_size, cuda_host_grid_size;

/* A launch: run(args) is one thread; the args are copied. The error, if any, waits for cudaGetLastError. */
void cuda_host_launch(const char *name, cuda_host_work *run, const void *args, size_t bytes, int64_t blocks,
                      int64_t threads, cudaStream_t stream);

/* Where the live threads of the block meet. */
void cuda_host_barrier(const char *file, int line);

/* What a warp does together. `lanes` is the mask; each gives a value. */
typedef enum cuda_host_meeting {
    CUDA_HOST_SYNC,      /* nothing */
    CUDA_HOST_SHUFFLE,   /* the value that lane `from` gave */
    CUDA_HOST_BALLOT     /* a bit for each lane whose value is not 0 */
} cuda_host_meeting;
uint64_t cuda_host_meet(cuda_host_meeting kind, unsigned lanes, uint64_t value, int from);

/* One shared array: `bytes` between two bands of CUDA_HOST_BAND. Each block finds it poisoned. */
enum { CUDA_HOST_BAND = 64 };
typedef struct cuda_host_array {
    const char *name;
    unsigned char *memory;   /* the array's; the bands lie around it */
    size_t bytes;
    uint64_t block;          /* which block used it last */
    struct cuda_host_array *next;
} cuda_host_array;
extern uint64_t cuda_host_block_number;
void cuda_host_enter_array(cuda_host_array *array);

#ifdef __cplusplus
}
#endif

#endif
