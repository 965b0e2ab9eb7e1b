/* SPDX-License-Identifier: Apache-2.0 */
/* tuning.json of a run folder: what the device's libraries chose, so that a resumed run computes the same bytes. */
#ifndef CINCH_TRAIN_TUNING_H
#define CINCH_TRAIN_TUNING_H

#include <cinch/device.h>

/* Gives the file's choices to the device, before plans are made. No file is no error; one that cannot be taken is left
   alone, and *note is then a new line for people that says why. CINCH_DEVICE where memory is short. */
cinch_status cinch_tuning_load(cinch_device *device, const char *path, char **note);

/* Writes the device's choices; where it makes none, a file of another device stays. CINCH_OUTPUT. */
cinch_status cinch_tuning_save(cinch_device *device, const char *path);

#endif
