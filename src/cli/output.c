/* SPDX-License-Identifier: Apache-2.0 */
/* Standard output and standard error. */
#include "cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char message[2048];
static int output_error;    /* errno of the first write to standard output that failed */
static bool memory_short;   /* while JSON was made */

/* --- errors ------------------------------------------------------------------------------------------------------- */

cinch_status cinch_cli_fail(cinch_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return status;
}

cinch_status cinch_cli_no_memory(void) { return cinch_cli_fail(CINCH_DEVICE, "out of memory"); }

/* More than the machine has is not asked for: Linux would promise it, and end the process later. */
cinch_status cinch_cli_room(const char *flag, int64_t n, int64_t row, void **out)
{
    double wanted = (double)n * (double)row * sizeof(float);
    double all = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    *out = wanted > all ? NULL : calloc((size_t)n, (size_t)row * sizeof(float));
    if (*out) return CINCH_OK;
    return cinch_cli_fail(CINCH_DEVICE, "%s %lld: wants %.1f GiB of memory, of which there are %.1f; take fewer", flag,
                          (long long)n, wanted / (1 << 30), all / (1 << 30));
}

/* Texts come from files and command lines: they shall neither break the line nor steer the terminal. */
void cinch_cli_print_error(void)
{
    char line[sizeof message + 16];
    const char *text = *message ? message : cinch_last_error();
    int n = snprintf(line, sizeof line - 1, "cinch: %s", *text ? text : "failed, and nothing says why");
    if (n > (int)sizeof line - 2) n = (int)sizeof line - 2;
    for (int i = 0; i < n; i++)
        if (iscntrl((unsigned char)line[i])) line[i] = line[i] == '\n' || line[i] == '\t' ? ' ' : '?';
    line[n++] = '\n';
    for (int done = 0; done < n;) {
        ssize_t written = write(STDERR_FILENO, line + done, (size_t)(n - done));
        if (written <= 0 && errno != EINTR) break;
        if (written > 0) done += (int)written;
    }
}

static void check_output(int result)
{
    if (result < 0 && !output_error) output_error = errno ? errno : EIO;
}

/* Results come before notes on them; when they could not be written, the error stands alone. */
void cinch_cli_note(const cinch_cli *cli, const char *format, ...)
{
    check_output(fflush(stdout));
    if (cli->quiet || output_error) return;
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

/* --- standard output ---------------------------------------------------------------------------------------------- */

/* A stream that the caller closed would become the next file that is opened, and that file be printed into. What takes
   its place refuses to be used. */
static void occupy(int fd, int flags)
{
    if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF) return;
    int null = open("/dev/null", flags);
    if (null < 0 || null == fd) return;
    dup2(null, fd);
    close(null);
}

void cinch_cli_open_streams(void)
{
    occupy(STDIN_FILENO, O_WRONLY);
    occupy(STDOUT_FILENO, O_RDONLY);
    occupy(STDERR_FILENO, O_RDWR);
}

void cinch_cli_print(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    check_output(vprintf(format, args));
    va_end(args);
}

cinch_status cinch_cli_close_streams(cinch_status status)
{
    check_output(fflush(stdout));
    if (status || !output_error) return status;
    return cinch_cli_fail(CINCH_OUTPUT, "standard output: cannot write: %s", strerror(output_error));
}

/* --- JSON --------------------------------------------------------------------------------------------------------- */

void cinch_cli_json_set(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value)) memory_short = true;
}

void cinch_cli_json_add(json_t *array, json_t *value)
{
    if (json_array_append_new(array, value)) memory_short = true;
}

json_t *cinch_cli_json_number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

json_t *cinch_cli_json_text(const char *text)
{
    char ascii[1024];
    json_t *value = text ? json_string(text) : json_null();
    if (value) return value;
    snprintf(ascii, sizeof ascii, "%s", text);
    for (char *c = ascii; *c; c++)
        if ((unsigned char)*c > 126) *c = '?';
    return json_string(ascii);
}

json_t *cinch_cli_json_sizes(cinch_shape shape)
{
    json_t *array = json_array();
    for (int i = 0; i < shape.rank; i++) cinch_cli_json_add(array, json_integer(shape.dim[i]));
    return array;
}

static int print_piece(const char *piece, size_t size, void *user)
{
    (void)user;
    check_output(fwrite(piece, 1, size, stdout) == size ? 0 : -1);
    return 0;
}

cinch_status cinch_cli_print_json(json_t *value)
{
    bool fine = value && !memory_short && !json_dump_callback(value, print_piece, NULL, JSON_REAL_PRECISION(15));
    json_decref(value);
    if (!fine) return cinch_cli_no_memory();
    cinch_cli_print("\n");
    return CINCH_OK;
}

const char *cinch_cli_shape(cinch_shape shape, char *text, size_t size)
{
    size_t at = (size_t)snprintf(text, size, "[");
    for (int i = 0; i < shape.rank && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, i ? ", %lld" : "%lld", (long long)shape.dim[i]);
    if (at < size) snprintf(text + at, size - at, "]");
    return text;
}
