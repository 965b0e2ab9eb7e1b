/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are there whole or not at all: without a name until they are whole, or with a temporary one where the
   system refuses that. */
#include "data_files.h"

#include <cinch/data.h>

#include "data/output.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

TestSuite(output, .fini = remove_folder);

enum { SIZE = 200000 };

/* --- a system that refuses ---------------------------------------------------------------------------------------- */

static bool no_unnamed, no_links;

int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
    va_end(args);
    if (!no_unnamed || (flags & O_TMPFILE) != O_TMPFILE) return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    errno = EOPNOTSUPP;
    return -1;
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags)
{
    if (!no_links) return (int)syscall(SYS_linkat, from_folder, from, to_folder, to, flags);
    errno = EPERM;
    return -1;
}

static bool has_unnamed(void)
{
    int fd = open(in_folder("."), O_RDWR | O_TMPFILE, 0600);
    if (fd >= 0) close(fd);
    return fd >= 0;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static const char *content(char seed)
{
    static char text[SIZE];
    for (int i = 0; i < SIZE; i++) text[i] = (char)(seed + i % 101);
    return text;
}

static cinch_output half_written(const char *path, char seed)
{
    cinch_output out;
    cr_assert_eq(cinch_output_open(&out, path), CINCH_OK, "%s", cinch_last_error());
    cr_assert_eq(cinch_output_write(&out, content(seed), SIZE / 2), CINCH_OK);
    return out;
}

static void finish(cinch_output *out, char seed)
{
    cr_assert_eq(cinch_output_write(out, content(seed) + SIZE / 2, SIZE - SIZE / 2), CINCH_OK);
    cr_assert_eq(cinch_output_commit(out), CINCH_OK, "%s", cinch_last_error());
}

static void expect_file(const char *path, char seed, mode_t mode)
{
    size_t size;
    struct stat found;
    uint8_t *got = get_file(path, &size);
    cr_expect(size == SIZE && !memcmp(got, content(seed), SIZE));
    free(got);
    cr_assert_eq(lstat(path, &found), 0);
    cr_expect(S_ISREG(found.st_mode));
    cr_expect_eq(found.st_mode & 07777, mode, "mode %o", found.st_mode & 07777);
    cr_expect_eq(found.st_nlink, 1);
}

static void write_file(const char *path, char seed, int files)
{
    cinch_output out = half_written(path, seed);
    cr_expect_eq(count_files(), files);
    finish(&out, seed);
}

/* Over nothing, over a private file and through links; `extra` files are there while one is written. */
static void write_everywhere(int extra)
{
    const char *path = in_folder("x.npy"), *link = in_folder("link.npy"), *second = in_folder("second.npy");
    struct stat found;
    umask(027);
    write_file(path, 1, extra);
    expect_file(path, 1, 0640);
    chmod(path, 0600);
    write_file(path, 2, 1 + extra);
    expect_file(path, 2, 0600);
    chmod(path, 0446);
    cr_assert_eq(symlink("x.npy", link), 0);
    cr_assert_eq(symlink(link, second), 0);
    write_file(second, 3, 3 + extra);
    expect_file(path, 3, 0446);
    cr_expect(!lstat(second, &found) && S_ISLNK(found.st_mode) && !lstat(link, &found) && S_ISLNK(found.st_mode));
    unlink(path);
    write_file(second, 4, 2 + extra);
    expect_file(path, 4, 0640);
    cr_expect_eq(count_files(), 3, "nothing is left");
}

/* While it is written nobody else may read it either. */
Test(output, replaces_a_private_file_privately)
{
    for (int i = 0; i < 2; i++) {
        struct stat found;
        no_unnamed = i == 1;
        put_file(in_folder("x.npy"), "old", 3);
        chmod(in_folder("x.npy"), 0600);
        cinch_output out = half_written(in_folder("x.npy"), 1);
        cr_expect(!fstat(out.fd, &found) && (found.st_mode & 0777) == 0600, "mode %o", found.st_mode & 0777);
        finish(&out, 1);
    }
}

Test(output, has_no_name_until_it_is_whole)
{
    if (has_unnamed()) write_everywhere(0);
}

Test(output, has_a_temporary_name_where_it_needs_one)
{
    no_unnamed = true;
    write_everywhere(1);
}

Test(output, is_copied_where_links_are_refused)
{
    no_links = true;
    if (has_unnamed()) write_everywhere(0);
}

Test(output, is_gone_when_it_is_not_committed)
{
    for (int i = 0; i < 2; i++) {
        no_unnamed = i == 1;
        cinch_output out = half_written(in_folder("x.npy"), 1);
        cinch_output_close(&out);
        cr_expect_eq(count_files(), 0);
    }
}

/* What killed processes of the same number have left is no obstacle. */
Test(output, finds_a_temporary_name_that_is_free)
{
    char name[64];
    put_file(in_folder("x.npy"), "old", 3);
    for (int serial = 0; serial < 3; serial++) {
        snprintf(name, sizeof name, ".x.npy.tmp-%ld-%d", (long)getpid(), serial);
        put_file(in_folder(name), "old", 3);
    }
    cinch_output out = half_written(in_folder("x.npy"), 1);
    finish(&out, 1);
    cr_expect_eq(count_files(), 4);
    cr_assert_eq(cinch_remove_leftovers(in_folder(".")), CINCH_OK);
    cr_expect_eq(count_files(), 1);
}

/* The temporary name of a name that is as long as can be is no longer, and known for what it is. */
Test(output, may_have_the_longest_name)
{
    char name[NAME_MAX + 2];
    for (int i = 0; i < NAME_MAX + 1; i++) name[i] = i % 2 ? '\xA9' : '\xC3';
    name[NAME_MAX] = name[NAME_MAX + 1] = 0;
    strcpy(name + NAME_MAX - 5, "m.npy");
    umask(027);
    for (int i = 0; i < 4; i++) {
        no_unnamed = i > 1;
        write_file(in_folder(name), (char)i, (i > 0) + (i > 1));
        expect_file(in_folder(name), (char)i, 0640);
    }
    cinch_output killed = half_written(in_folder(name), 5);
    cr_expect_eq(count_files(), 2);
    cr_assert_eq(cinch_remove_leftovers(in_folder(".")), CINCH_OK);
    cr_expect_eq(count_files(), 1);
    cinch_output_close(&killed);
    cr_expect_eq(cinch_output_open(&killed, in_folder(strcat(name, "y"))), CINCH_OUTPUT);
    cr_expect(error_says(name, "File name too long"), "%s", cinch_last_error());
}

Test(output, refuses_a_loop_of_links)
{
    cinch_output out;
    cr_assert_eq(symlink("loop", in_folder("loop")), 0);
    cr_expect_eq(cinch_output_open(&out, in_folder("loop")), CINCH_OUTPUT);
    cr_expect(error_says("loop", "symbolic links"), "%s", cinch_last_error());
}

Test(output, errors_say_what_to_do)
{
    cinch_output out;
    static const char *const bad[][2] = {{"/nonexistent/x.npy", "does the folder exist?"},
                                         {"/dev/null/x.npy", "does the folder exist?"},
                                         {"/proc/x.npy", "cannot create a file in /proc"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_expect_eq(cinch_output_open(&out, bad[i][0]), CINCH_OUTPUT);
        cr_expect(error_says(bad[i][0], bad[i][1]), "%s", cinch_last_error());
    }
    out = half_written(in_folder("gone.npy"), 1);
    remove_folder();
    cr_expect_eq(cinch_output_commit(&out), CINCH_OUTPUT);
    cr_expect(error_says("gone.npy", "does the folder exist?"), "%s", cinch_last_error());
}
