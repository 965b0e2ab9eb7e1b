/* SPDX-License-Identifier: Apache-2.0 */
/* How much memory this process may use, and uses. */
#ifndef CINCH_TRAIN_MEMORY_H
#define CINCH_TRAIN_MEMORY_H

#include <stdint.h>

/* Bytes: the least of the machine's memory, the cgroup's limit and the address space allowed by ulimit. */
int64_t cinch_memory_limit(void);

/* Resident bytes, now and at most so far; 0 where the system does not tell. */
int64_t cinch_memory_resident(void);
int64_t cinch_memory_peak(void);

#endif
