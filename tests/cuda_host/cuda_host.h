/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stand-in for the CUDA runtime, for tests without a GPU: it runs the sources of src/cuda, compiled by g++ with
 * device.h, on the CPU. It is strict where a GPU is lenient, so that a mistake shows:
 *
 *   memory     device memory is poisoned, lies between guard pages, and can be touched only while work runs, so that
 *              the host cannot read it by mistake; pinned memory is poisoned and guarded
 *   streams    work waits until something waits for it, and streams take turns in varied order
 *   kernels    the blocks of a launch, and the threads of a block, run in varied order
 *   capture    records, and refuses what a GPU refuses
 *
 * A mistake is told on stderr as "cuda_host: ..." and is the error that a GPU gives, for good where it is so there.
 *
 *   CINCH_CUDA_HOST_SEED=n        another order of everything
 *   CINCH_CUDA_HOST_FAIL=n        the n-th call of the runtime or of cuBLASLt fails
 *   CINCH_CUDA_HOST_COUNT_FILE=f  at exit: how many calls there were, and the name of the one that was made to fail
 *   CINCH_CUDA_HOST_MEMORY=n      bytes of the device, with K, M or G; 8G
 *   CINCH_CUDA_HOST_DEVICES=n     how many devices there are; 1
 *   CINCH_CUDA_HOST_DRIVER=n      the driver's version, as 13000; 0: there is none
 *   CINCH_CUDA_HOST_RELU=drops-nan  cuBLASLt's ReLU gives 0 for NaN
 *
 * A process that leaves anything of the runtime behind ends with status 23 and says what.
 */
#ifndef CINCH_TESTS_CUDA_HOST_H
#define CINCH_TESTS_CUDA_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- for the stand-ins of libraries, and for tests ---------------------------------------------------------------- */

/* First in every function of a library: counts the call; nonzero where it has to fail. */
int cuda_host_fails(const char *name);

/* Work of a library: run(args) on a copy of the `bytes` at args, when its turn on the stream comes (and again at every
   launch of the graph where the stream is being captured). Only then may device memory be touched. */
typedef void cuda_host_work(const void *args);
cudaError_t cuda_host_enqueue(cudaStream_t stream, const char *name, cuda_host_work *run, const void *args,
                              size_t bytes);

/* Do these bytes lie in one allocation of device memory? */
bool cuda_host_is_device(const void *memory, size_t bytes);

/* One line on stderr, after "cuda_host: ". */
void cuda_host_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* From now on every call gives this error, as after a kernel that faulted. */
void cuda_host_break(cudaError_t error);

/* --- for tests of the stand-in ------------------------------------------------------------------------------------ */

void cuda_host_seed(uint64_t seed);
/* Runs what waits; forgets the error for good, the last error and the last complaint. */
void cuda_host_mend(void);
/* The last complaint, or "". */
const char *cuda_host_complaint(void);
/* How many allocations, streams, events and graphs exist; says on stderr what they are. */
int cuda_host_leaks(void);
uint64_t cuda_host_calls(void);
/* How many pieces of work wait in a stream. */
int cuda_host_waiting(cudaStream_t stream);
/* The n-th call from now on fails; 0: none. */
void cuda_host_fail_at(uint64_t n);

#ifdef __cplusplus
}
#endif

#endif
