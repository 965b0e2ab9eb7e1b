/* SPDX-License-Identifier: Apache-2.0 */
#include "train/session.h"

#include <cinch/version.h>

#include "core/json.h"
#include "data/text_file.h"
#include "train/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <time.h>

/* ISO 8601, in UTC. */
static void print_time(char text[32])
{
    struct tm now;
    time_t seconds = time(NULL);
    text[0] = '\0';
    if (gmtime_r(&seconds, &now)) strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &now);
}

static void print_system(char text[256])
{
    struct utsname system;
    text[0] = '\0';
    if (!uname(&system)) snprintf(text, 256, "%.80s %.80s %.80s", system.sysname, system.release, system.machine);
}

static cinch_status describe(json_t *o, const cinch_session *s)
{
    char started[32], system[256];
    print_time(started);
    print_system(system);
    TRY(cinch_json_put(o, "command", cinch_json_lossy(s->command)));
    TRY(cinch_json_put(o, "started", json_string(started)));
    TRY(cinch_json_put(o, "step", json_integer(s->step)));
    TRY(cinch_json_put(o, "cinch", json_string(cinch_version())));
    TRY(cinch_json_put(o, "device", cinch_json_lossy(s->device)));
    return cinch_json_put(o, "system", json_string(system));
}

static cinch_status add(json_t *sessions, const cinch_session *s)
{
    json_t *o = json_object();
    cinch_status status = o ? describe(o, s) : cinch_fail(CINCH_DEVICE, "out of memory for environment.json");
    if (!status) return cinch_json_append(sessions, o);
    json_decref(o);
    return status;
}

/* The file's object with its array; new ones where there are none that can be read. */
static cinch_status open_record(const char *path, json_t **record)
{
    *record = NULL;
    cinch_status status = cinch_file_exists(path) ? cinch_json_read(record, path, CINCH_DATA) : CINCH_OK;
    if (status && status != CINCH_DATA) return status;
    if (json_is_array(json_object_get(*record, "sessions"))) return CINCH_OK;
    json_decref(*record);
    *record = json_object();
    if (!*record) return cinch_fail(CINCH_DEVICE, "out of memory for %s", path);
    return cinch_json_put(*record, "sessions", json_array());
}

static cinch_status write_record(const char *path, const json_t *record)
{
    char *text;
    TRY(cinch_json_text(&text, record, 2));
    cinch_status status = cinch_write_text(path, text);
    free(text);
    return status;
}

cinch_status cinch_session_record(const char *path, const cinch_session *session)
{
    json_t *record;
    cinch_status status = open_record(path, &record);
    if (!status) status = add(json_object_get(record, "sessions"), session);
    if (!status) status = write_record(path, record);
    json_decref(record);
    return status;
}
