/* SPDX-License-Identifier: Apache-2.0 */
#include "report/picture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *advice(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR: return "does the folder exist?";
    case EACCES:
    case EPERM:
    case EROFS: return "may this user write there?";
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return "free some space and try again";
    case EISDIR: return "give the name of a file";
    default: return "check the path and the disk";
    }
}

static cinch_status cannot_write(const char *path, int error)
{
    return cinch_fail(CINCH_OUTPUT, "%s: cannot write: %s; %s", path, strerror(error), advice(error));
}

static cinch_status write_bytes(int fd, const uint8_t *bytes, size_t size, const char *path)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return cannot_write(path, written < 0 ? errno : ENOSPC);
        bytes += written;
        size -= (size_t)written;
    }
    return CINCH_OK;
}

/* Writes to the open file `fd`; an error names `path`. */
static cinch_status write_png(const cinch_picture *picture, int fd, const char *path)
{
    uint8_t *bytes;
    size_t size;
    cinch_status status = cinch_picture_encode(picture, &bytes, &size);
    if (status) return cinch_fail_in(status, path);
    status = write_bytes(fd, bytes, size, path);
    free(bytes);
    return status;
}

/* Pipes and some file systems have no fsync; that is no failure. */
static bool flush_failed(int fd) { return fsync(fd) && errno != EINVAL && errno != ENOTSUP; }

static cinch_status write_and_close(const cinch_picture *picture, int fd, const char *path)
{
    cinch_status status = write_png(picture, fd, path);
    if (!status && flush_failed(fd)) status = cannot_write(path, errno);
    if (close(fd) && !status) status = cannot_write(path, errno);
    return status;
}

/* "folder/.NAME.tmp-PROCESS-0", the name by which cinch_remove_leftovers knows what a killed run has left. */
static char *temporary_for(const char *target)
{
    const char *slash = strrchr(target, '/'), *name = slash ? slash + 1 : target;
    return cinch_format("%.*s.%s.tmp-%ld-0", (int)(name - target), target, name, (long)getpid());
}

static cinch_status write_beside(const cinch_picture *picture, const char *temporary, const char *target,
                                 const char *path)
{
    unlink(temporary); /* left by a killed process of the same number */
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) return cannot_write(path, errno);
    cinch_status status = write_and_close(picture, fd, path);
    if (!status && rename(temporary, target)) status = cannot_write(path, errno);
    if (status) unlink(temporary);
    return status;
}

/* `target` is where the links of `path` lead. */
static cinch_status write_replacing(const cinch_picture *picture, const char *target, const char *path)
{
    char *temporary = temporary_for(target);
    if (!temporary) return CINCH_DEVICE;
    cinch_status status = write_beside(picture, temporary, target, path);
    free(temporary);
    return status;
}

/* Renaming a file over a device or a pipe would remove it. */
static cinch_status write_in_place(const cinch_picture *picture, const char *path)
{
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd < 0) return cannot_write(path, errno);
    return write_and_close(picture, fd, path);
}

/* A link stays one: what it leads to is replaced. /dev/stdout may lead to a file that no longer has a name. */
static cinch_status write_existing(const cinch_picture *picture, const char *path)
{
    char *target = realpath(path, NULL);
    if (!target)
        return errno == ENOMEM ? cinch_fail(CINCH_DEVICE, "%s: out of memory", path) : write_in_place(picture, path);
    cinch_status status = write_replacing(picture, target, path);
    free(target);
    return status;
}

cinch_status cinch_picture_write(const cinch_picture *picture, const char *path)
{
    struct stat existing;
    if (!path[0]) return cannot_write("''", ENOENT);
    if (stat(path, &existing)) return write_replacing(picture, path, path);
    return S_ISREG(existing.st_mode) ? write_existing(picture, path) : write_in_place(picture, path);
}
