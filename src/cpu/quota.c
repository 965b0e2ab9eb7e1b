/* SPDX-License-Identifier: Apache-2.0 */
/* How many threads this process may usefully run: CPU affinity and the cgroup's CPU quota, version 1 or 2. */
#include "cpu/pool.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_SIZE = 4096 };

static int affinity(void)
{
    cpu_set_t set;
    if (!sched_getaffinity(0, sizeof set, &set)) return CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}

static int threads_of(double quota, double period)
{
    if (quota <= 0 || period <= 0 || quota / period > INT_MAX / 2) return INT_MAX;
    int threads = (int)(quota / period);
    if (threads < quota / period) threads++;
    return threads;
}

/* The first words of a small file; false when there is none. */
static bool read_line(const char *path, char *text, int size)
{
    FILE *file = fopen(path, "re");
    if (!file) return false;
    bool found = fgets(text, size, file) != NULL;
    fclose(file);
    return found;
}

static double read_number(const char *path)
{
    char text[64];
    return read_line(path, text, sizeof text) ? atof(text) : -1;
}

static bool join(char *path, const char *root, const char *group, const char *name)
{
    return snprintf(path, PATH_SIZE, "%s%s/%s", root, group, name) < PATH_SIZE;
}

static int quota_v2(const char *root, const char *group)
{
    char path[PATH_SIZE], text[64], first[32];
    double period;
    if (!join(path, root, group, "cpu.max") || !read_line(path, text, sizeof text)) return INT_MAX;
    if (sscanf(text, "%31s %lf", first, &period) != 2 || !strcmp(first, "max")) return INT_MAX;
    return threads_of(atof(first), period);
}

static int quota_v1(const char *root, const char *group)
{
    char path[PATH_SIZE];
    if (!join(path, root, group, "cpu.cfs_quota_us")) return INT_MAX;
    double quota = read_number(path);
    if (!join(path, root, group, "cpu.cfs_period_us")) return INT_MAX;
    return threads_of(quota, read_number(path));
}

/* The least quota of the group and of all above it; a container may see only its own, as the root. */
static int least_quota(int (*quota)(const char *, const char *), const char *root, char *group)
{
    int least = INT_MAX;
    for (;;) {
        int q = quota(root, group);
        if (q < least) least = q;
        char *slash = strrchr(group, '/');
        if (!slash) return least;
        *slash = 0;
    }
}

/* "0::/path" is version 2, "4:cpu,cpuacct:/path" version 1. */
static int quota_of_line(char *line)
{
    char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group) return INT_MAX;
    *controllers++ = 0;
    *group++ = 0;
    group[strcspn(group, "\n")] = 0;
    if (!strcmp(group, "/")) *group = 0;
    if (!*controllers) return least_quota(quota_v2, "/sys/fs/cgroup", group);
    for (char *save, *name = strtok_r(controllers, ",", &save); name; name = strtok_r(NULL, ",", &save))
        if (!strcmp(name, "cpu")) return least_quota(quota_v1, "/sys/fs/cgroup/cpu", group);
    return INT_MAX;
}

static int cgroup_quota(void)
{
    char line[PATH_SIZE];
    int least = INT_MAX;
    FILE *file = fopen("/proc/self/cgroup", "re");
    if (!file) return least;
    while (fgets(line, sizeof line, file)) {
        int q = quota_of_line(line);
        if (q < least) least = q;
    }
    fclose(file);
    return least;
}

int cinch_pool_default_threads(void)
{
    int threads = affinity(), quota = cgroup_quota();
    if (quota < threads) threads = quota;
    return threads < 1 ? 1 : threads;
}
