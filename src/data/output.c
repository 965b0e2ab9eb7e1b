/* SPDX-License-Identifier: Apache-2.0 */
#include "data/output.h"

#include <cinch/data.h>

#include "data/failpoint.h"
#include "data/text_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINKS_MAX = 40 /* as many as Linux follows */ };

const char *cinch_write_advice(int error)
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

/* Closes and removes first, so that the disk is free again by the time the caller reads the message. */
static cinch_status give_up(cinch_output *out, const char *what, int error)
{
    cinch_status status = cinch_fail(CINCH_OUTPUT, "%s: %s: %s; %s", out->path, what, strerror(error),
                                     cinch_write_advice(error));
    cinch_output_close(out);
    return status;
}

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash) return cinch_strdup(".");
    return slash == path ? cinch_strdup("/") : cinch_format("%.*s", (int)(slash - path), path);
}

/* --- names -------------------------------------------------------------------------------------------------------- */

enum { CLIPPED = NAME_MAX - sizeof "..tmp--" - 20 - 10 /* of a process and of a serial number */ };

/* So much of a name that the temporary one is no longer than a name may be; whole characters of UTF-8. */
static int clipped(const char *name)
{
    size_t length = strnlen(name, CLIPPED);
    while (length > 0 && ((unsigned char)name[length] & 0xC0) == 0x80) length--;
    return (int)length;
}

static char *temporary_for(const cinch_output *out)
{
    static atomic_uint serial;
    const char *slash = strrchr(out->path, '/'), *name = slash ? slash + 1 : out->path;
    return cinch_format("%s/.%.*s.tmp-%ld-%u", out->folder, clipped(name), name, (long)getpid(),
                        atomic_fetch_add(&serial, 1));
}

/* Makes something of a name that is free; what has one may be left from a killed process that had the same number. */
static cinch_status make_temporary(cinch_output *out, int (*make)(cinch_output *))
{
    for (int attempt = 0; attempt < 100; attempt++) {
        free(out->temporary);
        out->temporary = temporary_for(out);
        if (!out->temporary) return CINCH_DEVICE;
        if (make(out) == 0) return CINCH_OK;
        if (errno != EEXIST) break;
    }
    int error = errno;
    free(out->temporary);
    out->temporary = NULL;
    return cinch_fail(CINCH_OUTPUT, "%s: cannot create a file in %s: %s; %s", out->path, out->folder, strerror(error),
                      cinch_write_advice(error));
}

/* Never with more rights than in the end; what a file system without rights says of them is no error. */
static int create_file(const cinch_output *out, const char *name, int flags)
{
    int fd = open(name, flags | O_CLOEXEC, out->replaces ? out->mode : 0666);
    if (fd >= 0 && out->replaces) fchmod(fd, out->mode);
    return fd;
}

static int make_file(cinch_output *out)
{
    out->fd = create_file(out, out->temporary, O_WRONLY | O_CREAT | O_EXCL);
    out->open = out->fd >= 0;
    return out->open ? 0 : -1;
}

/* Linux links an open file to a name by way of /proc. */
static const char *by_number(int fd, char path[32])
{
    snprintf(path, 32, "/proc/self/fd/%d", fd);
    return path;
}

static int link_as(const cinch_output *out, const char *name)
{
    char path[32];
    return linkat(AT_FDCWD, by_number(out->fd, path), AT_FDCWD, name, AT_SYMLINK_FOLLOW);
}

static int make_link(cinch_output *out) { return link_as(out, out->temporary); }

/* --- opening ------------------------------------------------------------------------------------------------------ */

/* A file without a name is gone with the process, whatever ends that. Not every file system has them. */
static bool create_unnamed(cinch_output *out)
{
    char path[32];
    out->fd = create_file(out, out->folder, O_RDWR | O_TMPFILE);
    if (out->fd < 0) return false;
    out->open = out->unnamed = access(by_number(out->fd, path), F_OK) == 0;
    if (!out->open) close(out->fd);
    return out->open;
}

static cinch_status open_direct(cinch_output *out)
{
    bool standard = strcmp(out->path, "-") == 0;
    out->direct = true;
    out->fd = standard ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0) : open(out->path, O_WRONLY | O_CLOEXEC);
    if (out->fd < 0)
        return cinch_fail(CINCH_OUTPUT, "%s: cannot open: %s; %s", out->path, strerror(errno),
                          cinch_write_advice(errno));
    out->open = true;
    return CINCH_OK;
}

/* A link stays one: what it leads to is written, be it there or not. */
static cinch_status follow(cinch_output *out)
{
    char to[PATH_MAX];
    ssize_t length;
    for (int links = 0; links < LINKS_MAX && (length = readlink(out->path, to, sizeof to)) > 0; links++) {
        const char *slash = *to == '/' ? NULL : strrchr(out->path, '/');
        char *path = cinch_format("%.*s%.*s", slash ? (int)(slash + 1 - out->path) : 0, out->path, (int)length, to);
        if (!path) return CINCH_DEVICE;
        free(out->path);
        out->path = path;
    }
    out->folder = folder_of(out->path);
    return out->folder ? CINCH_OK : CINCH_DEVICE;
}

static cinch_status open_file(cinch_output *out)
{
    TRY(follow(out));
    cinch_failpoint("create");
    return create_unnamed(out) ? CINCH_OK : make_temporary(out, make_file);
}

static cinch_status open_either(cinch_output *out, const char *path)
{
    struct stat found = {0};
    out->path = cinch_strdup(path);
    if (!out->path) return CINCH_DEVICE;
    if (strcmp(path, "-") == 0) return open_direct(out);
    out->replaces = stat(path, &found) == 0;
    out->mode = found.st_mode & 0777;
    if (!out->replaces && errno != ENOENT) return give_up(out, "cannot write", errno);
    if (!out->replaces || S_ISREG(found.st_mode)) return open_file(out);
    if (!S_ISDIR(found.st_mode)) return open_direct(out);
    return cinch_fail(CINCH_OUTPUT, "%s: is a folder; a file is to be written there", path);
}

cinch_status cinch_output_open(cinch_output *out, const char *path)
{
    memset(out, 0, sizeof *out);
    cinch_status status = open_either(out, path);
    if (status) cinch_output_close(out);
    return status;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

cinch_status cinch_output_write(cinch_output *out, const void *bytes, size_t size)
{
    const char *at = bytes;
    if (!out->open) return cinch_fail(CINCH_USAGE, "write to a file that is not open");
    while (size > 0) {
        size_t piece = size < (1u << 30) ? size : (1u << 30);
        ssize_t written = write(out->fd, at, piece);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return give_up(out, "cannot write", errno);
        if (written == 0) return give_up(out, "cannot write", ENOSPC);
        at += written;
        size -= (size_t)written;
    }
    return CINCH_OK;
}

/* --- the commit --------------------------------------------------------------------------------------------------- */

/* Some file systems have nothing to sync and say so. */
static int sync_descriptor(int fd) { return fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP ? 0 : -1; }

static int sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return errno == EACCES ? 0 : -1; /* writable but not readable: cannot be synced */
    int result = sync_descriptor(fd), error = errno;
    close(fd);
    errno = error;
    return result;
}

static cinch_status close_descriptor(cinch_output *out)
{
    out->open = false;
    return close(out->fd) == 0 || errno == EINTR ? CINCH_OK : give_up(out, "cannot write", errno);
}

/* Where links are refused a file without a name is copied into one that has one. */
static cinch_status copy_to_temporary(cinch_output *out)
{
    char bytes[1 << 16];
    int from = out->fd, error;
    ssize_t size = 0;
    out->open = false;
    cinch_status status = make_temporary(out, make_file);
    for (off_t at = 0; !status && (size = pread(from, bytes, sizeof bytes, at)) > 0; at += size)
        status = cinch_output_write(out, bytes, (size_t)size);
    error = errno;
    close(from);
    if (!status && size < 0) return give_up(out, "cannot copy", error);
    if (!status && sync_descriptor(out->fd)) return give_up(out, "cannot sync", errno);
    if (status) cinch_output_close(out);
    return status;
}

/* The one that is wanted, where nothing has it; else one beside it, to be renamed. */
static cinch_status give_name(cinch_output *out)
{
    cinch_failpoint("link");
    bool linked = link_as(out, out->path) == 0;
    if (!linked && errno == EEXIST) linked = make_temporary(out, make_link) == CINCH_OK;
    if (!linked) TRY(copy_to_temporary(out));
    cinch_failpoint("linked");
    return CINCH_OK;
}

static cinch_status rename_temporary(cinch_output *out)
{
    cinch_failpoint("rename");
    if (rename(out->temporary, out->path)) return give_up(out, "cannot rename the temporary file", errno);
    free(out->temporary);
    out->temporary = NULL;
    cinch_failpoint("renamed");
    return CINCH_OK;
}

static cinch_status publish(cinch_output *out)
{
    cinch_failpoint("fsync");
    if (sync_descriptor(out->fd)) return give_up(out, "cannot sync", errno);
    if (out->unnamed) TRY(give_name(out));
    TRY(close_descriptor(out));
    if (out->temporary) TRY(rename_temporary(out));
    if (sync_folder(out->folder)) return give_up(out, "written, but its folder cannot be synced", errno);
    cinch_failpoint("synced");
    return CINCH_OK;
}

cinch_status cinch_output_commit(cinch_output *out)
{
    if (!out->open) return cinch_fail(CINCH_USAGE, "commit of a file that is not open");
    TRY(out->direct ? close_descriptor(out) : publish(out));
    cinch_output_close(out);
    return CINCH_OK;
}

void cinch_output_close(cinch_output *out)
{
    if (out->open) close(out->fd);
    if (out->temporary) unlink(out->temporary);
    free(out->path);
    free(out->temporary);
    free(out->folder);
    memset(out, 0, sizeof *out);
}

/* --- leftovers ---------------------------------------------------------------------------------------------------- */

/* Is this a name that temporary_for() makes: .NAME.tmp-DIGITS-DIGITS? */
static bool is_temporary(const char *name)
{
    const char *mark = NULL, *next = name;
    while ((next = strstr(next, ".tmp-"))) mark = next++;
    if (name[0] != '.' || !mark) return false;
    const char *at = mark + strlen(".tmp-");
    size_t process = strspn(at, "0123456789"), serial = 0;
    if (process && at[process] == '-') serial = strspn(at + process + 1, "0123456789");
    return serial && at[process + 1 + serial] == 0;
}

cinch_status cinch_remove_leftovers(const char *folder)
{
    DIR *listing = opendir(folder);
    if (!listing)
        return cinch_fail(errno == ENOMEM ? CINCH_DEVICE : CINCH_OUTPUT, "%s: cannot read the folder: %s", folder,
                          strerror(errno));
    cinch_status status = CINCH_OK;
    for (struct dirent *entry; !status && (entry = readdir(listing));)
        if (is_temporary(entry->d_name) && unlinkat(dirfd(listing), entry->d_name, 0))
            status = cinch_fail(CINCH_OUTPUT, "%s/%s: cannot remove: %s", folder, entry->d_name, strerror(errno));
    closedir(listing);
    return status;
}
