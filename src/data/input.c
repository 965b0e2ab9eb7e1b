/* SPDX-License-Identifier: Apache-2.0 */
#include "data/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_PIECE = 1 << 20, LARGEST_PIECE = 1 << 30, STREAM_BUFFER = 1 << 17 };

static cinch_status open_stream(cinch_input *in, const char *path)
{
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return cinch_fail(CINCH_DATA, "%s: cannot be opened: %s", in->name, strerror(errno));
    in->gz = gzdopen(fd, "rb");
    if (in->gz) {
        gzbuffer(in->gz, STREAM_BUFFER);
        return CINCH_OK;
    }
    close(fd);
    return cinch_fail(CINCH_DEVICE, "%s: out of memory", in->name);
}

static cinch_status open_any(cinch_input *in, const char *path)
{
    if (strcmp(path, "-") == 0) return open_stream(in, path);
    TRY(cinch_map(&in->mapping, path));
    bool gzip = in->mapping.size >= 2 && in->mapping.bytes[0] == 0x1F && in->mapping.bytes[1] == 0x8B;
    if (!gzip) return CINCH_OK;
    cinch_unmap(&in->mapping);
    return open_stream(in, path);
}

cinch_status cinch_input_open(cinch_input *in, const char *path)
{
    memset(in, 0, sizeof *in);
    in->name = cinch_strdup(strcmp(path, "-") == 0 ? "standard input" : path);
    if (!in->name) return CINCH_DEVICE;
    cinch_status status = open_any(in, path);
    if (status) cinch_input_close(in);
    return status;
}

void cinch_input_close(cinch_input *in)
{
    if (in->gz) gzclose(in->gz);
    cinch_unmap(&in->mapping);
    free(in->loaded);
    free(in->name);
    memset(in, 0, sizeof *in);
}

static cinch_status stream_error(const cinch_input *in)
{
    int code = Z_OK;
    const char *text = gzerror(in->gz, &code);
    if (code == Z_MEM_ERROR) return cinch_fail(CINCH_DEVICE, "%s: out of memory", in->name);
    if (code == Z_ERRNO) return cinch_fail(CINCH_DATA, "%s: cannot be read: %s", in->name, strerror(errno));
    const char *reason = strstr(text, ": "); /* after zlib's own name for the file */
    return cinch_fail(CINCH_DATA, "%s: damaged gzip data: %s", in->name, reason ? reason + 2 : text);
}

static cinch_status read_stream(cinch_input *in, uint8_t *out, size_t size, size_t *got)
{
    *got = 0;
    while (*got < size) {
        size_t piece = size - *got < LARGEST_PIECE ? size - *got : LARGEST_PIECE;
        int count = gzread(in->gz, out + *got, (unsigned)piece);
        if (count < 0) return stream_error(in);
        if (count == 0) break;
        *got += (size_t)count;
    }
    in->at += *got;
    return CINCH_OK;
}

static size_t mapped_left(const cinch_input *in) { return in->mapping.size - in->at; }

cinch_status cinch_input_read(cinch_input *in, void *out, size_t size, size_t *got)
{
    if (in->gz) return read_stream(in, out, size, got);
    *got = size < mapped_left(in) ? size : mapped_left(in);
    if (*got) memcpy(out, in->mapping.bytes + in->at, *got);
    in->at += *got;
    return CINCH_OK;
}

static cinch_status load_stream(cinch_input *in, size_t size, size_t *got)
{
    size_t room = 0, have = 0, count = 0;
    *got = 0;
    do {
        room = room == 0 ? FIRST_PIECE : room <= size / 2 ? room * 2 : size;
        if (room > size) room = size;
        uint8_t *grown = realloc(in->loaded, room ? room : 1);
        if (!grown) return cinch_fail(CINCH_DEVICE, "%s: out of memory for %zu bytes", in->name, room);
        in->loaded = grown;
        TRY(read_stream(in, in->loaded + have, room - have, &count));
        have += count;
    } while (have == room && room < size);
    *got = have;
    return CINCH_OK;
}

cinch_status cinch_input_load(cinch_input *in, size_t size, const uint8_t **bytes, size_t *got)
{
    if (in->gz) {
        TRY(load_stream(in, size, got));
        *bytes = in->loaded;
        return CINCH_OK;
    }
    *got = size < mapped_left(in) ? size : mapped_left(in);
    *bytes = in->mapping.bytes ? in->mapping.bytes + in->at : (const uint8_t *)"";
    in->at += *got;
    return CINCH_OK;
}

cinch_status cinch_input_rest(cinch_input *in, size_t *rest)
{
    char piece[4096];
    size_t got = sizeof piece;
    int code = Z_OK;
    *rest = mapped_left(in);
    if (!in->gz) return CINCH_OK;
    for (*rest = 0; got == sizeof piece && *rest < (1 << 20); *rest += got)
        TRY(read_stream(in, (uint8_t *)piece, sizeof piece, &got));
    gzerror(in->gz, &code);
    if (code == Z_BUF_ERROR)
        return cinch_fail(CINCH_DATA, "%s: the gzip file ends early; is the download complete?", in->name);
    return CINCH_OK;
}
