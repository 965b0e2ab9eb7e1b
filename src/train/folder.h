/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a run folder. */
#ifndef CINCH_TRAIN_FOLDER_H
#define CINCH_TRAIN_FOLDER_H

#include <cinch/config.h>

typedef struct cinch_folder {
    char *path, *config, *parts, *metrics, *model, *checkpoint, *tuning, *environment;
    int lock;      /* a file descriptor; -1: none */
} cinch_folder;

/* Puts the names together; nothing is touched. */
cinch_status cinch_folder_create(cinch_folder *folder, const char *path);
void cinch_folder_free(cinch_folder *folder);

/* Whether there is a file of this name. One that cannot be looked at counts, so that opening it says why. */
bool cinch_file_exists(const char *path);

/* Whether a run may be started here: CINCH_USAGE when the folder holds something, unless that is a run (its
   config.json, or what one that was killed before that has left) and `overwrite` is true or it is to be resumed. */
cinch_status cinch_folder_check(const cinch_folder *folder, bool overwrite, bool resume);

/* Makes the folder, sees to it that no other process trains in it (CINCH_OUTPUT), removes what killed writers left,
   and with `clear` all files of an earlier run. */
cinch_status cinch_folder_begin(cinch_folder *folder, bool clear);

/* Writes config.json by temporary file and rename: from now on this is a run, which can be resumed. Makes the folder of
   the checkpoints. */
cinch_status cinch_folder_write_config(const cinch_folder *folder, const cinch_config *config);

/* Reads config.json, resolved. CINCH_DATA. */
cinch_status cinch_folder_read_config(const cinch_folder *folder, cinch_config **out);

/* A hash of all keys that may not change when a run is resumed, as text. */
cinch_status cinch_config_fingerprint(const cinch_config *config, char text[32]);

#endif
