/* SPDX-License-Identifier: Apache-2.0 */
#include "data/spec.h"

#include <cinch/data.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool exists(const char *path) { return access(path, F_OK) == 0; }

void cinch_spec_free(cinch_spec *spec)
{
    free(spec->format);
    free(spec->path);
    free(spec->member);
    memset(spec, 0, sizeof *spec);
}

/* The length of the word before a leading "word+", or 0. */
static size_t format_length(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789");
    return text[n] == '+' ? n : 0;
}

/* Cuts the MEMBER off `path`, in place. */
static char *cut_member(char *path)
{
    char *first = strchr(path, ':');
    if (!first || exists(path)) return NULL;
    for (char *colon = first; colon; colon = strchr(colon + 1, ':')) {
        *colon = 0;
        if (exists(path)) return colon + 1;
        *colon = ':';
    }
    *first = 0;
    return first + 1;
}

static cinch_status take_format(cinch_spec *spec, const char **rest)
{
    size_t n = format_length(*rest);
    if (n == 0 || exists(*rest)) return CINCH_OK;
    spec->format = cinch_format("%.*s", (int)n, *rest);
    if (!spec->format) return CINCH_DEVICE;
    if (!cinch_format_known(spec->format)) return cinch_format_unknown(spec->format);
    *rest += n + 1;
    return CINCH_OK;
}

static cinch_status take_path(cinch_spec *spec, const char *text)
{
    spec->path = cinch_strdup(text);
    if (!spec->path) return CINCH_DEVICE;
    char *member = cut_member(spec->path);
    if (!member) return CINCH_OK;
    spec->member = cinch_strdup(member);
    return spec->member ? CINCH_OK : CINCH_DEVICE;
}

static cinch_status parse(cinch_spec *spec, const char *text)
{
    const char *rest = text;
    TRY(take_format(spec, &rest));
    TRY(take_path(spec, rest));
    if (!spec->path[0])
        return cinch_fail(CINCH_USAGE, "'%s': no data named; expected [FORMAT+]PATH[:MEMBER]", text);
    if (strcmp(spec->path, "-") == 0 && !spec->format)
        return cinch_fail(CINCH_USAGE, "-: standard input needs a format, for example npy+-");
    return CINCH_OK;
}

cinch_status cinch_spec_parse(cinch_spec *spec, const char *text)
{
    memset(spec, 0, sizeof *spec);
    cinch_status status = parse(spec, text);
    if (status) cinch_spec_free(spec);
    return status;
}

bool cinch_spec_is_stdin(const char *text)
{
    cinch_spec spec;
    if (cinch_spec_parse(&spec, text)) return false;
    bool standard = strcmp(spec.path, "-") == 0;
    cinch_spec_free(&spec);
    return standard;
}

const char *cinch_spec_advice(const char *text)
{
    cinch_spec spec;
    if (cinch_spec_is_stdin(text)) return "; the run's data came from standard input: pipe it in again";
    if (cinch_spec_parse(&spec, text)) return NULL;
    bool missing = access(spec.path, F_OK) && errno == ENOENT, relative = spec.path[0] != '/';
    cinch_spec_free(&spec);
    if (!missing) return NULL;
    return relative ? "; the run's data is looked for from this folder: be in the one where training was started"
                    : "; the run's data was there when training was started: have it there again";
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && S_ISREG(x.st_mode) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

cinch_status cinch_data_is_file(const char *text, const char *path, bool *same)
{
    cinch_spec spec;
    *same = false;
    TRY(cinch_spec_parse(&spec, text));
    *same = same_file(spec.path, path);
    cinch_spec_free(&spec);
    return CINCH_OK;
}
