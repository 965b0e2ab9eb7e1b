/* SPDX-License-Identifier: Apache-2.0 */
#include "report/picture.h"

#include "data/text_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A link stays one: where it leads to. What is not a regular file is written as it is, by the name it was given. */
static cinch_status follow(const char *path, char **target)
{
    struct stat found;
    bool regular = stat(path, &found) == 0 && S_ISREG(found.st_mode);
    *target = regular ? realpath(path, NULL) : cinch_strdup(path);
    if (*target) return CINCH_OK;
    if (!regular || errno == ENOMEM) return cinch_fail(CINCH_DEVICE, "%s: out of memory", path);
    return cinch_fail(CINCH_OUTPUT, "%s: cannot write: %s; give the name of a file", path, strerror(errno));
}

static cinch_status write_to(const char *path, const uint8_t *bytes, size_t size)
{
    char *target;
    TRY(follow(path, &target));
    cinch_status status = cinch_write_bytes(target, bytes, size);
    free(target);
    return status;
}

cinch_status cinch_picture_write(const cinch_picture *picture, const char *path)
{
    uint8_t *bytes;
    size_t size;
    cinch_status status = cinch_picture_encode(picture, &bytes, &size);
    if (status) return cinch_fail_in(status, path);
    status = write_to(path, bytes, size);
    free(bytes);
    return status;
}
