/* SPDX-License-Identifier: Apache-2.0 */
/* Shared memory: each array is poisoned where a block meets it first, and its bands looked at when the block ends. */
#include "block.h"
#include "parts.h"
#include "shadow.h"

#include <string.h>

enum { POISON = 0xFF, BAND = 0xB5 };

uint64_t cuda_host_block_number;
static cuda_host_array *arrays;   /* of this block */

void cuda_host_begin_arrays(void)
{
    cuda_host_block_number++;
    arrays = NULL;
}

void cuda_host_enter_array(cuda_host_array *array)
{
    unsigned char *before = array->memory - CUDA_HOST_BAND, *after = array->memory + array->bytes;
    ASAN_UNPOISON_MEMORY_REGION(before, array->bytes + 2 * CUDA_HOST_BAND);
    memset(before, BAND, CUDA_HOST_BAND);
    memset(array->memory, POISON, array->bytes);
    memset(after, BAND, CUDA_HOST_BAND);
    ASAN_POISON_MEMORY_REGION(before, CUDA_HOST_BAND);
    ASAN_POISON_MEMORY_REGION(after, CUDA_HOST_BAND);
    array->block = cuda_host_block_number;
    array->next = arrays;
    arrays = array;
}

__attribute__((no_sanitize("address"))) static bool is_whole(const cuda_host_array *a)
{
    for (size_t i = 0; i < CUDA_HOST_BAND; i++)
        if (a->memory[-1 - (ptrdiff_t)i] != BAND || a->memory[a->bytes + i] != BAND) return false;
    return true;
}

bool cuda_host_check_arrays(const char *kernel)
{
    for (const cuda_host_array *a = arrays; a; a = a->next) {
        if (is_whole(a)) continue;
        cuda_host_complain("%s, block %u: wrote outside of shared memory \"%s\" of %zu bytes", kernel,
                           cuda_host_block_index.x, a->name, a->bytes);
        cuda_host_break(cudaErrorIllegalAddress);
        return false;
    }
    return true;
}
