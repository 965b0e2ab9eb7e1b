/* SPDX-License-Identifier: Apache-2.0 */
#include "report/picture.h"

#include "data/text_file.h"

#include <stdlib.h>

cinch_status cinch_picture_write(const cinch_picture *picture, const char *path)
{
    uint8_t *bytes;
    size_t size;
    cinch_status status = cinch_picture_encode(picture, &bytes, &size);
    if (status) return cinch_fail_in(status, path);
    status = cinch_write_bytes(path, bytes, size);
    free(bytes);
    return status;
}
