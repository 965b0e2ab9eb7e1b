/* SPDX-License-Identifier: Apache-2.0 */
#include "train/memory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* The start of a small file as text, without allocating; "" where it cannot be read. */
static void read_text(const char *path, char *text, size_t size)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = file < 0 ? 0 : read(file, text, size - 1);
    text[n > 0 ? n : 0] = 0;
    if (file >= 0) close(file);
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* A limit from a cgroup's file; "max" and a missing file are none. */
static int64_t file_limit(const char *path)
{
    char text[64];
    read_text(path, text, sizeof text);
    long long value = strtoll(text, NULL, 10);
    return value > 0 ? value : INT64_MAX;
}

int64_t cinch_memory_limit(void)
{
    struct rlimit space;
    int64_t limit = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    limit = least(limit, file_limit("/sys/fs/cgroup/memory.max"));
    limit = least(limit, file_limit("/sys/fs/cgroup/memory/memory.limit_in_bytes"));
    if (!getrlimit(RLIMIT_AS, &space) && space.rlim_cur != RLIM_INFINITY) limit = least(limit, (int64_t)space.rlim_cur);
    return limit;
}

/* A line of /proc/self/status, in kB there. */
static int64_t status_line(const char *name)
{
    char text[4096];
    read_text("/proc/self/status", text, sizeof text);
    const char *line = strstr(text, name);
    return line ? strtoll(line + strlen(name), NULL, 10) * 1024 : 0;
}

int64_t cinch_memory_resident(void) { return status_line("\nVmRSS:"); }

int64_t cinch_memory_peak(void) { return status_line("\nVmHWM:"); }
