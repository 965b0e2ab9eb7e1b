/* SPDX-License-Identifier: Apache-2.0 */
/* jansson with cinch's errors. Values given to `put` and `append` are taken over, also when the call fails. */
#ifndef CINCH_CORE_JSON_H
#define CINCH_CORE_JSON_H

#include <jansson.h>

#include "core/status.h"

/* Parses text; duplicate keys are refused. Any value may stand at the top. `origin` begins the error, whose status is
   `bad` (CINCH_USAGE or CINCH_DATA). */
cinch_status cinch_json_parse(json_t **out, const char *text, const char *origin, cinch_status bad);
/* The same of bytes, with jansson's error; NULL with errno ENOMEM when memory ran out. */
json_t *cinch_json_load(const char *text, size_t size, json_error_t *error);
cinch_status cinch_json_read(json_t **out, const char *path, cinch_status bad);

/* The value of a text that is JSON, else the text as a string. CINCH_USAGE when it is not UTF-8. */
cinch_status cinch_json_guess(json_t **out, const char *text);

/* value == NULL (memory was short when it was made) is CINCH_DEVICE. */
cinch_status cinch_json_put(json_t *object, const char *key, json_t *value);
cinch_status cinch_json_append(json_t *array, json_t *value);

/* Text of any value, to be freed; keys in their order, numbers as short as they can be read back from. `indent` 0: one
   line. */
cinch_status cinch_json_text(char **out, const json_t *value, int indent);

/* A string, or null for NULL. In a text that is not UTF-8 (a path, a command line) all bytes beyond ASCII become ?, and
   it is cut to 1,023 bytes. NULL when memory is short. */
json_t *cinch_json_lossy(const char *text);

/* The value on one line, cut to fit into an error message. Returns text. */
char *cinch_json_brief(const json_t *value, char text[48]);

#endif
