/* SPDX-License-Identifier: Apache-2.0 */
/* What a device's libraries chose, as text that outlives the process. */
#include "core/device.h"

#include <string.h>

#include "core/json.h"
#include "core/status.h"

enum { FORMAT = 1, DESCRIPTION = 512 };

/* --- writing ------------------------------------------------------------------------------------------------------ */

typedef struct collected {
    json_t *choices;
    cinch_status status;
} collected;

static void collect(void *user, const char *key, const char *choice)
{
    collected *c = user;
    if (!c->status) c->status = cinch_json_put(c->choices, key, json_string(choice));
}

/* Fills `whole`. */
static cinch_status describe(cinch_device *device, json_t *whole, collected *c)
{
    char text[DESCRIPTION];
    cinch_device_describe(device, text, sizeof text);
    TRY(cinch_json_put(whole, "cinch_tuning", json_integer(FORMAT)));
    TRY(cinch_json_put(whole, "device", json_string(text)));
    c->choices = json_object();
    TRY(cinch_json_put(whole, "choices", c->choices));
    device->backend->vtable->choices(device->backend, collect, c);
    return c->status;
}

cinch_status cinch_device_tuning(cinch_device *device, char **text)
{
    *text = NULL;
    if (!device->backend->vtable->choices) return CINCH_OK;
    collected c = {0};
    json_t *whole = json_object();
    cinch_status status = whole ? describe(device, whole, &c)
                                : cinch_fail(CINCH_DEVICE, "out of memory for the tuning");
    if (!status && json_object_size(c.choices) > 0) status = cinch_json_text(text, whole, 2);
    json_decref(whole);
    return status;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static cinch_status no_tuning(const char *what) { return cinch_fail(CINCH_DATA, "tuning: %s", what); }

/* Everything is looked at before anything is taken. */
static cinch_status check(cinch_device *device, json_t *whole)
{
    char now[DESCRIPTION];
    const char *key, *then = json_string_value(json_object_get(whole, "device"));
    json_t *choice, *choices = json_object_get(whole, "choices");
    if (json_integer_value(json_object_get(whole, "cinch_tuning")) != FORMAT) return no_tuning("not of this format");
    if (!then || !json_is_object(choices)) return no_tuning("no device or no choices in it");
    cinch_device_describe(device, now, sizeof now);
    if (strcmp(then, now)) return cinch_fail(CINCH_DATA, "tuning: it is of %.160s, and this is %.160s", then, now);
    json_object_foreach(choices, key, choice)
        if (!json_is_string(choice)) return cinch_fail(CINCH_DATA, "tuning: %.60s: the choice is not a text", key);
    return CINCH_OK;
}

static cinch_status take(cinch_device *device, json_t *whole)
{
    const char *key;
    json_t *choice;
    TRY(check(device, whole));
    TRY(cinch_device_enter(device));
    json_object_foreach(json_object_get(whole, "choices"), key, choice)
        TRY(device->backend->vtable->choose(device->backend, key, json_string_value(choice)));
    return CINCH_OK;
}

cinch_status cinch_device_tune(cinch_device *device, const char *text)
{
    json_t *whole;
    if (!device->backend->vtable->choose) return CINCH_OK;
    TRY(cinch_json_parse(&whole, text, "tuning", CINCH_DATA));
    cinch_status status = take(device, whole);
    json_decref(whole);
    return status;
}
