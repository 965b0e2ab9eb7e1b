/* SPDX-License-Identifier: Apache-2.0 */
/* A small text file that is there whole or not at all. */
#ifndef CINCH_TRAIN_TEXT_FILE_H
#define CINCH_TRAIN_TEXT_FILE_H

#include <cinch/status.h>

/* Writes text and a newline by temporary file, sync and rename. CINCH_OUTPUT. */
cinch_status cinch_write_text(const char *path, const char *text);

#endif
