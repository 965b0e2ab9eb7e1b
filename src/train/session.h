/* SPDX-License-Identifier: Apache-2.0 */
/* environment.json: each time that a run was started or resumed, by what command line, when, and on what. */
#ifndef CINCH_TRAIN_SESSION_H
#define CINCH_TRAIN_SESSION_H

#include <cinch/status.h>

#include <stdint.h>

typedef struct cinch_session {
    const char *command;   /* NULL: not known */
    const char *device;    /* in words */
    int64_t step;          /* it begins after */
} cinch_session;

/* Adds a session, with the time and the versions of cinch and the system; `path` is made where it is missing, and anew
   where it cannot be read. CINCH_OUTPUT, CINCH_DEVICE. */
cinch_status cinch_session_record(const char *path, const cinch_session *session);

#endif
