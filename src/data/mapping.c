/* SPDX-License-Identifier: Apache-2.0 */
#include "data/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static cinch_status map_descriptor(cinch_mapping *mapping, int fd, const char *path)
{
    struct stat found;
    if (fstat(fd, &found)) return cinch_fail(CINCH_DATA, "%s: %s", path, strerror(errno));
    if (S_ISDIR(found.st_mode)) return cinch_fail(CINCH_DATA, "%s: is a folder; a file is wanted", path);
    if (!S_ISREG(found.st_mode)) return cinch_fail(CINCH_DATA, "%s: is not a regular file", path);
    if (found.st_size == 0) return CINCH_OK;
    void *bytes = mmap(NULL, (size_t)found.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return cinch_fail(errno == ENOMEM ? CINCH_DEVICE : CINCH_DATA, "%s: cannot be mapped: %s", path,
                          strerror(errno));
    mapping->bytes = bytes;
    mapping->size = (size_t)found.st_size;
    return CINCH_OK;
}

cinch_status cinch_map(cinch_mapping *mapping, const char *path)
{
    memset(mapping, 0, sizeof *mapping);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe without a writer must not wait */
    if (fd < 0) return cinch_fail(CINCH_DATA, "%s: cannot be opened: %s", path, strerror(errno));
    cinch_status status = map_descriptor(mapping, fd, path);
    close(fd);
    return status;
}

void cinch_unmap(cinch_mapping *mapping)
{
    if (mapping->bytes) munmap((void *)mapping->bytes, mapping->size);
    memset(mapping, 0, sizeof *mapping);
}
