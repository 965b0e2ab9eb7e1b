/* SPDX-License-Identifier: Apache-2.0 */
#include "data/text_file.h"

#include "core/status.h"
#include "data/output.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

cinch_status cinch_write_bytes(const char *path, const void *bytes, size_t size)
{
    cinch_output out = {0};
    cinch_status status = cinch_output_open(&out, path);
    if (!status) status = cinch_output_write(&out, bytes, size);
    if (!status) status = cinch_output_commit(&out);
    cinch_output_close(&out);
    return status;
}

cinch_status cinch_write_text(const char *path, const char *text)
{
    char *line = cinch_format("%s\n", text);
    if (!line) return CINCH_DEVICE;
    cinch_status status = cinch_write_bytes(path, line, strlen(line));
    free(line);
    return status;
}

/* Of a regular file: opening a pipe would wait. */
static cinch_status look_at(const char *path, size_t most, size_t *size)
{
    struct stat about;
    if (stat(path, &about)) return cinch_fail(CINCH_DATA, "%s: cannot be read: %s", path, strerror(errno));
    if (!S_ISREG(about.st_mode)) return cinch_fail(CINCH_DATA, "%s: not a file", path);
    if ((uintmax_t)about.st_size > most) return cinch_fail(CINCH_DATA, "%s: longer than %zu bytes", path, most);
    *size = (size_t)about.st_size;
    return CINCH_OK;
}

static cinch_status read_all(FILE *file, const char *path, size_t size, char *text)
{
    if (fread(text, 1, size, file) == size && strlen(text) == size) return CINCH_OK;
    return cinch_fail(CINCH_DATA, "%s: cannot be read as text", path);
}

cinch_status cinch_read_text(const char *path, size_t most, char **text)
{
    size_t size = 0;
    *text = NULL;
    TRY(look_at(path, most, &size));
    char *whole = cinch_calloc(size + 1, 1);
    if (!whole) return CINCH_DEVICE;
    FILE *file = fopen(path, "rbe");
    cinch_status status = file ? read_all(file, path, size, whole) : errno == ENOMEM ? CINCH_DEVICE : CINCH_DATA;
    if (!file) cinch_fail(status, "%s: cannot be opened: %s", path, strerror(errno));
    if (file) fclose(file);
    if (status) free(whole);
    else *text = whole;
    return status;
}

static cinch_status make_folder(const char *path)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST) return CINCH_OK;
    return cinch_fail(errno == ENOMEM ? CINCH_DEVICE : CINCH_OUTPUT, "%s: cannot make the folder: %s; %s", path,
                      strerror(errno), cinch_write_advice(errno));
}

cinch_status cinch_make_folders(const char *path)
{
    char *part = cinch_strdup(path);
    if (!part) return CINCH_DEVICE;
    cinch_status status = CINCH_OK;
    for (char *slash = strchr(part + 1, '/'); slash && !status; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        status = make_folder(part);
        *slash = '/';
    }
    free(part);
    return status ? status : make_folder(path);
}
