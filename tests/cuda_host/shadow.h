/* SPDX-License-Identifier: Apache-2.0 */
/* Telling ASan what may not be touched, where there is one. */
#ifndef CINCH_TESTS_CUDA_HOST_SHADOW_H
#define CINCH_TESTS_CUDA_HOST_SHADOW_H

#ifdef __SANITIZE_ADDRESS__
#define CUDA_HOST_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CUDA_HOST_ASAN
#endif
#endif

#ifdef CUDA_HOST_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(memory, size) ((void)(memory), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(memory, size) ((void)(memory), (void)(size))
#endif

#endif
