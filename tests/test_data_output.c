/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are there whole or not at all: without a name until they are whole, or with a temporary one where the
   system refuses that. */
#include "data_files.h"

#include <cinch/data.h>

#include "data/output.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
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

static void expect_file(const char *path, char seed)
{
    size_t size;
    struct stat found;
    uint8_t *got = get_file(path, &size);
    cr_expect(size == SIZE && !memcmp(got, content(seed), SIZE));
    free(got);
    cr_assert_eq(lstat(path, &found), 0);
    cr_expect(S_ISREG(found.st_mode));
    cr_expect_eq(found.st_mode & 0777, 0640, "mode %o", found.st_mode & 0777);
    cr_expect_eq(found.st_nlink, 1);
}

/* Over nothing, over a file and over a link, which is replaced; `extra` files are there while one is written. */
static void write_everywhere(int extra)
{
    const char *path = in_folder("x.npy"), *link = in_folder("link.npy");
    umask(027);
    cinch_output out = half_written(path, 1);
    cr_expect_eq(count_files(), extra);
    finish(&out, 1);
    expect_file(path, 1);
    chmod(path, 0600);
    out = half_written(path, 2);
    cr_expect_eq(count_files(), 1 + extra);
    finish(&out, 2);
    expect_file(path, 2);
    cr_assert_eq(symlink("nowhere", link), 0);
    out = half_written(link, 3);
    finish(&out, 3);
    expect_file(link, 3);
    expect_file(path, 2);
    cr_expect_eq(count_files(), 2, "nothing is left");
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
