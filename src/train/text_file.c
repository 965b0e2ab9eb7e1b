/* SPDX-License-Identifier: Apache-2.0 */
#include "train/text_file.h"

#include "core/status.h"
#include "data/output.h"

#include <string.h>

cinch_status cinch_write_text(const char *path, const char *text)
{
    cinch_output out = {0};
    cinch_status status = cinch_output_open(&out, path);
    if (!status) status = cinch_output_write(&out, text, strlen(text));
    if (!status) status = cinch_output_write(&out, "\n", 1);
    if (!status) status = cinch_output_commit(&out);
    cinch_output_close(&out);
    return status;
}
