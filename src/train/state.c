/* SPDX-License-Identifier: Apache-2.0 */
#include "train/state.h"

#include "core/json.h"

#include <math.h>

/* One row a number, so that writing and reading cannot differ. */
typedef struct field {
    const char *name;
    size_t offset;
    bool real;
    int count;  /* of an array; 0: a single number */
} field;

#define WHOLE(name) {#name, offsetof(cinch_state, name), false, 0}
#define REAL(name) {#name, offsetof(cinch_state, name), true, 0}
static const field fields[] = {
    WHOLE(step), WHOLE(epoch), WHOLE(batch),
    WHOLE(plateau.bad_epochs), WHOLE(plateau.drops), REAL(plateau.best),
    WHOLE(since_best), WHOLE(best_epoch), REAL(best_loss),
    REAL(loss), REAL(val_loss), REAL(samples), REAL(elapsed),
    {"sum", offsetof(cinch_state, sum), true, CINCH_STATE_METRICS}};
enum { FIELDS = sizeof fields / sizeof *fields };

static json_t *number(const char *at, bool real)
{
    if (!real) return json_integer(*(const int64_t *)(const void *)at);
    double value = *(const double *)(const void *)at;
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *numbers(const field *f, const char *at)
{
    if (!f->count) return number(at, f->real);
    json_t *array = json_array();
    for (int i = 0; i < f->count; i++) json_array_append_new(array, number(at + i * (int)sizeof(double), f->real));
    if (json_array_size(array) == (size_t)f->count) return array;
    json_decref(array); /* memory was short */
    return NULL;
}

cinch_status cinch_state_write(const cinch_state *state, char **text)
{
    json_t *object = json_object();
    cinch_status status = object ? CINCH_OK : cinch_fail(CINCH_DEVICE, "out of memory for a checkpoint");
    for (int i = 0; !status && i < FIELDS; i++)
        status = cinch_json_put(object, fields[i].name, numbers(&fields[i], (const char *)state + fields[i].offset));
    if (!status) status = cinch_json_text(text, object, 0);
    json_decref(object);
    return status;
}

static bool take(const json_t *value, bool real, char *at)
{
    if (real) {
        *(double *)(void *)at = json_is_number(value) ? json_number_value(value) : NAN;
        return json_is_number(value) || json_is_null(value);
    }
    *(int64_t *)(void *)at = json_integer_value(value);
    return json_is_integer(value) && json_integer_value(value) >= 0;
}

static bool take_field(const json_t *value, const field *f, char *at)
{
    if (!f->count) return take(value, f->real, at);
    bool fits = json_array_size(value) == (size_t)f->count;
    for (int i = 0; fits && i < f->count; i++)
        fits = take(json_array_get(value, (size_t)i), f->real, at + i * (int)sizeof(double));
    return fits;
}

cinch_status cinch_state_read(cinch_state *state, const char *text, const char *origin)
{
    json_t *object;
    TRY(cinch_json_parse(&object, text, origin, CINCH_DATA));
    cinch_status status = CINCH_OK;
    for (int i = 0; !status && i < FIELDS; i++)
        if (!take_field(json_object_get(object, fields[i].name), &fields[i], (char *)state + fields[i].offset))
            status = cinch_fail(CINCH_DATA, "%s: the state lacks %s", origin, fields[i].name);
    json_decref(object);
    return status;
}
