/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks, warps and shared memory of the stand-in: kernels that are right give the same under every seed, and each
   planted mistake is caught. */
#include "planted.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { SEEDS = 8, BLOCKS = 3, COUNT = BLOCKS * PLANTED_BLOCK };
#define OK(call) cr_assert_eq((int)(call), 0, "%s", #call)

static float *x, *y, host[COUNT];
static cudaStream_t stream;

static void set_up(void)
{
    for (int i = 0; i < COUNT; i++) host[i] = (float)i;
    OK(cudaMalloc((void **)&x, sizeof host));
    OK(cudaMalloc((void **)&y, sizeof host));
    OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
}

static void tear_down(void)
{
    cuda_host_mend();
    OK(cudaFree(x));
    OK(cudaFree(y));
    OK(cudaStreamDestroy(stream));
    cr_assert_eq(cuda_host_leaks(), 0);
}

TestSuite(threads, .init = set_up, .fini = tear_down);

static void write_x(void) { OK(cudaMemcpyAsync(x, host, sizeof host, cudaMemcpyHostToDevice, stream)); }

static void read_from(const float *device, float *to)
{
    OK(cudaMemcpyAsync(to, device, sizeof host, cudaMemcpyDeviceToHost, stream));
    OK(cudaStreamSynchronize(stream));
}

/* --- kernels that are right --------------------------------------------------------------------------------------- */

Test(threads, every_element_once)
{
    float result[COUNT];
    for (int seed = 0; seed < SEEDS; seed++) {
        for (int blocks = 1; blocks < 9; blocks++) {
            cuda_host_seed((uint64_t)seed);
            write_x();
            planted_scale(x, COUNT - 1, 2, 1, blocks, stream);
            read_from(x, result);
            for (int i = 0; i < COUNT - 1; i++) cr_assert_eq(result[i], 2 * host[i] + 1);
            cr_assert_eq(result[COUNT - 1], host[COUNT - 1]);
        }
    }
}

Test(threads, sums)
{
    float result[COUNT];
    for (int seed = 0; seed < SEEDS; seed++) {
        cuda_host_seed((uint64_t)seed);
        write_x();
        planted_sum(x, y, BLOCKS, stream);
        read_from(y, result);
        for (int b = 0; b < BLOCKS; b++)
            cr_assert_eq(result[b], (float)PLANTED_BLOCK * (host[b * PLANTED_BLOCK] + 0.5f * (PLANTED_BLOCK - 1)));
    }
}

Test(threads, votes)
{
    float result[COUNT];
    for (int seed = 0; seed < SEEDS; seed++) {
        cuda_host_seed((uint64_t)seed);
        write_x();
        planted_votes(x, stream);
        read_from(x, result);
        for (int i = 0; i < 6; i++)
            cr_expect_eq(result[i], 32, "vote %d under seed %d: %g lanes are right", i, seed, result[i]);
    }
}

/* --- barriers ----------------------------------------------------------------------------------------------------- */

static bool is_reversed(const float *result, const float *of, int blocks)
{
    for (int i = 0; i < blocks * PLANTED_BLOCK; i++)
        if (result[i] != of[i - i % PLANTED_BLOCK + PLANTED_BLOCK - 1 - i % PLANTED_BLOCK]) return false;
    return true;
}

static bool reverses(bool right)
{
    float result[COUNT];
    write_x();
    planted_reverse(x, BLOCKS, right, stream);
    read_from(x, result);
    return is_reversed(result, host, BLOCKS);
}

static bool reverses_twice(bool right)
{
    float result[COUNT];
    write_x();
    planted_reverse_twice(x, y, right, stream);
    read_from(y, result);
    return is_reversed(result, host, 2);
}

static bool swaps(bool right)
{
    float result[COUNT];
    write_x();
    planted_swap_in_warp(x, right, stream);
    read_from(x, result);
    for (int i = 0; i < PLANTED_BLOCK; i++)
        if (result[i] != host[i ^ 1]) return false;
    return true;
}

static bool sums_warps(bool right)
{
    float result[COUNT];
    write_x();
    planted_sum_of_warps(x, y, right, stream);
    read_from(y, result);
    for (int w = 0; w < PLANTED_BLOCK / 32; w++)
        if (result[w] != 32 * (host[32 * w] + 15.5f)) return false;
    return true;
}

/* Right under every seed; with the mistake wrong under all but a few. */
static void check_barrier(bool (*works)(bool right), int at_least)
{
    int caught = 0;
    for (int seed = 0; seed < SEEDS; seed++) {
        cuda_host_seed((uint64_t)seed);
        cr_assert(works(true), "seed %d", seed);
        if (!works(false)) caught++;
    }
    cr_assert_geq(caught, at_least, "caught under %d of %d seeds", caught, SEEDS);
}

Test(threads, missing_barrier) { check_barrier(reverses, SEEDS); }
Test(threads, missing_second_barrier) { check_barrier(reverses_twice, SEEDS); }
Test(threads, missing_barrier_of_warp) { check_barrier(swaps, SEEDS); }
Test(threads, warps_in_the_same_memory) { check_barrier(sums_warps, SEEDS / 4); }

/* --- threads that do not come ------------------------------------------------------------------------------------- */

static void check_fault(void (*kernel)(float *, cudaStream_t), cudaError_t error, const char *complaint)
{
    for (int seed = 0; seed < SEEDS; seed++) {
        cuda_host_seed((uint64_t)seed);
        kernel(x, stream);
        cr_assert_eq(cudaGetLastError(), cudaSuccess, "the launch itself is right");
        cr_assert_eq(cudaStreamSynchronize(stream), error, "seed %d", seed);
        cr_assert(strstr(cuda_host_complaint(), complaint), "%s", cuda_host_complaint());
        cr_assert_eq(cudaStreamSynchronize(stream), error, "it stays");
        cr_assert_eq(cudaGetLastError(), error, "it stays");
        cuda_host_mend();
        cr_assert(reverses(true), "the next kernel runs");
    }
}

Test(threads, half_of_a_block_ends)
{
    float result[COUNT];
    write_x();
    planted_half_ends(x, stream);
    read_from(x, result);
    cr_assert_eq(result[PLANTED_BLOCK - 1], 1);
    cr_assert_eq(result[0], 0);
}

Test(threads, two_barriers) { check_fault(planted_two_barriers, cudaErrorLaunchFailure, "wait at another"); }
Test(threads, barrier_and_shuffle)
{
    check_fault(planted_barrier_and_shuffle, cudaErrorLaunchFailure, "waits at __syncthreads");
}
Test(threads, shuffle_of_ended)
{
    check_fault(planted_shuffle_of_ended, cudaErrorLaunchFailure, "shuffle or vote of lanes ffffffff");
}
Test(threads, shuffle_without_itself)
{
    check_fault(planted_shuffle_without_itself, cudaErrorLaunchFailure, "does not take part itself");
}
Test(threads, shuffle_from_outside)
{
    check_fault(planted_shuffle_from_outside, cudaErrorLaunchFailure, "reads from a lane that does not take part");
}

Test(threads, launches_that_cannot_be)
{
    planted_scale(x, COUNT, 1, 0, 0, stream);
    cr_assert_eq(cudaGetLastError(), cudaErrorInvalidConfiguration);
    cr_assert_eq(cudaGetLastError(), cudaSuccess);
    OK(cudaStreamSynchronize(stream));
}

/* --- shared memory ------------------------------------------------------------------------------------------------ */

Test(threads, unwritten_shared_memory)
{
    float result[COUNT];
    for (int seed = 0; seed < SEEDS; seed++) {
        cuda_host_seed((uint64_t)seed);
        write_x();
        planted_unwritten(x, BLOCKS, stream);
        read_from(x, result);
        for (int i = 0; i < COUNT; i++) cr_assert(isnan(result[i]), "%d is %g under seed %d", i, result[i], seed);
    }
}
