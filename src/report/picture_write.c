/* SPDX-License-Identifier: Apache-2.0 */
#include "report/picture.h"

#include <errno.h>
#include <fcntl.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Everything libpng's callbacks report, and what must be freed after they jumped. */
typedef struct {
    png_structp png;
    png_infop info;
    int fd;
    int write_error; /* errno of the write that failed */
    bool out_of_memory;
    char message[160];
} encoder;

static void on_error(png_structp png, png_const_charp message)
{
    encoder *e = png_get_error_ptr(png);
    snprintf(e->message, sizeof e->message, "%s", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) { (void)png, (void)message; }

static png_voidp on_malloc(png_structp png, png_alloc_size_t size)
{
    void *memory = malloc(size);
    if (!memory) ((encoder *)png_get_mem_ptr(png))->out_of_memory = true;
    return memory;
}

static void on_free(png_structp png, png_voidp memory) { (void)png, free(memory); }

static void on_write(png_structp png, png_bytep bytes, size_t size)
{
    encoder *e = png_get_io_ptr(png);
    while (size > 0) {
        ssize_t written = write(e->fd, bytes, size);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {
            e->write_error = written < 0 ? errno : ENOSPC;
            png_error(png, "write failed");
        }
        bytes += written;
        size -= (size_t)written;
    }
}

/* libpng leaves this function by longjmp; all it needs afterwards is in *e. */
static bool encode_picture(encoder *e, const cinch_picture *picture)
{
    e->png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, e, on_error, on_warning, e, on_malloc, on_free);
    if (!e->png || !(e->info = png_create_info_struct(e->png))) return false;
    if (setjmp(png_jmpbuf(e->png))) return false;
    png_set_write_fn(e->png, e, on_write, NULL);
    png_set_IHDR(e->png, e->info, (png_uint_32)picture->width, (png_uint_32)picture->height, 8, PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(e->png, e->info);
    for (int row = 0; row < picture->height; row++)
        png_write_row(e->png, picture->rgb + (size_t)row * (size_t)picture->width * 3);
    png_write_end(e->png, NULL);
    return true;
}

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

/* Writes to the open file `fd`; an error names `path`. */
static cinch_status write_png(const cinch_picture *picture, int fd, const char *path)
{
    encoder e = { .fd = fd };
    bool ok = encode_picture(&e, picture);
    png_destroy_write_struct(&e.png, &e.info);
    if (ok) return CINCH_OK;
    if (e.write_error) return cannot_write(path, e.write_error);
    if (e.out_of_memory) return cinch_fail(CINCH_DEVICE, "%s: out of memory while writing the picture", path);
    const char *reason = e.message[0] ? e.message : "no reason given";
    return cinch_fail(CINCH_OUTPUT, "%s: cannot write: libpng says %s", path, reason);
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
