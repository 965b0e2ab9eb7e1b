/* SPDX-License-Identifier: Apache-2.0 */
#include "train/tuning.h"

#include <cinch/config.h>

#include "core/status.h"
#include "data/text_file.h"
#include "train/folder.h"

#include <stdlib.h>

enum { LONGEST = 16 << 20 };

static cinch_status take(cinch_device *device, const char *path)
{
    char *text;
    TRY(cinch_read_text(path, LONGEST, &text));
    cinch_status status = cinch_device_tune(device, text);
    free(text);
    return status;
}

cinch_status cinch_tuning_load(cinch_device *device, const char *path, char **note)
{
    *note = NULL;
    if (!cinch_file_exists(path)) return CINCH_OK;
    cinch_status status = take(device, path);
    if (status != CINCH_DATA) return status;
    *note = cinch_format("%s: %s; algorithms are chosen anew, last digits may differ", path, cinch_last_error());
    return *note ? CINCH_OK : CINCH_DEVICE;
}

cinch_status cinch_tuning_save(cinch_device *device, const char *path)
{
    char *text;
    TRY(cinch_device_tuning(device, &text));
    if (!text) return CINCH_OK;
    cinch_status status = cinch_write_text(path, text);
    cinch_free(text);
    return status;
}
