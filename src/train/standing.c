/* SPDX-License-Identifier: Apache-2.0 */
/* How far a run has come, as metrics.jsonl says. */
#include <cinch/train.h>

#include "core/json.h"
#include "core/status.h"
#include "train/folder.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A line that is no such object (a run that is being written) says nothing. */
static void take_line(cinch_standing *s, const char *line, size_t length)
{
    json_t *o = cinch_json_load(line, length, &(json_error_t){0});
    const char *event = json_string_value(json_object_get(o, "event"));
    const json_t *elapsed = json_object_get(o, "elapsed_s");
    if (event)
        *s = (cinch_standing){.ended = !strcmp(event, "end"), .steps = json_integer_value(json_object_get(o, "step")),
                              .epochs = json_integer_value(json_object_get(o, "epoch")),
                              .elapsed_s = json_is_number(elapsed) ? json_number_value(elapsed) : NAN};
    json_decref(o);
}

static cinch_status read_last(const char *path, cinch_standing *out)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    FILE *file = fopen(path, "re");
    if (!file && errno == ENOENT) return CINCH_OK;
    if (!file) return cinch_fail(errno == ENOMEM ? CINCH_DEVICE : CINCH_DATA, "%s: %s", path, strerror(errno));
    while ((length = getline(&line, &room, file)) > 0) take_line(out, line, (size_t)length);
    free(line);
    fclose(file);
    return CINCH_OK;
}

cinch_status cinch_run_standing(const char *path, cinch_standing *out)
{
    cinch_folder folder;
    *out = (cinch_standing){.elapsed_s = NAN};
    cinch_status status = cinch_folder_create(&folder, path);
    if (!status) status = read_last(folder.metrics, out);
    cinch_folder_free(&folder);
    return status;
}
