/* SPDX-License-Identifier: Apache-2.0 */
#include "data/layout.h"

#include <stdio.h>
#include <string.h>

enum { CHANNELS_MAX = 4 /* as many as a picture has; more are not taken for channels unasked */ };

typedef enum axis { AXIS_ASK, AXIS_FIRST, AXIS_LAST } axis;

const char *cinch_layout_text(cinch_shape shape, char *text, size_t size)
{
    size_t at = 0;
    text[0] = 0;
    for (int32_t i = 0; i < shape.rank && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%lld", i ? "x" : "", (long long)shape.dim[i]);
    return text;
}

static bool few(int64_t size) { return size >= 1 && size <= CHANNELS_MAX; }

static axis guess(cinch_shape s)
{
    bool first = few(s.dim[0]), last = few(s.dim[s.rank - 1]);
    return first == last ? AXIS_ASK : first ? AXIS_FIRST : AXIS_LAST;
}

static cinch_status parse(axis *out, const char *wanted)
{
    *out = AXIS_ASK;
    if (!wanted) return CINCH_OK;
    if (strcmp(wanted, "channels_last") == 0) *out = AXIS_LAST;
    else if (strcmp(wanted, "channels_first") == 0) *out = AXIS_FIRST;
    else return cinch_fail(CINCH_USAGE, "data.layout=%s: expected channels_last or channels_first", wanted);
    return CINCH_OK;
}

static void append_axis(cinch_shape *s, int64_t size) { s->dim[s->rank++] = size; }

static void channels_to_back(cinch_layout *l)
{
    l->channels_first = true;
    memcpy(l->sample.dim, l->source.dim + 1, (size_t)(l->source.rank - 1) * sizeof *l->sample.dim);
    l->sample.dim[l->source.rank - 1] = l->source.dim[0];
    l->planes = l->source.dim[0];
}

static cinch_status ask(cinch_shape source, const char *name)
{
    char text[96];
    return cinch_fail(CINCH_USAGE, "%s: which axis of its %s samples holds the channels? Say data.layout=channels_last "
                      "or channels_first", name, cinch_layout_text(source, text, sizeof text));
}

cinch_status cinch_layout_resolve(cinch_layout *layout, cinch_shape source, const char *wanted, bool known_last,
                                  const char *name)
{
    axis channels;
    *layout = (cinch_layout){.source = source, .sample = source, .count = cinch_shape_count(source), .planes = 1};
    TRY(parse(&channels, wanted));
    if (known_last) return CINCH_OK;
    if (source.rank == 0 || (source.rank == 2 && channels == AXIS_ASK)) {
        append_axis(&layout->sample, 1); /* a single number is a vector of one, a grey picture has one channel */
        return CINCH_OK;
    }
    if (source.rank == 1) return CINCH_OK;
    if (channels == AXIS_ASK) channels = guess(source);
    if (channels == AXIS_ASK) return ask(source, name);
    if (channels == AXIS_FIRST) channels_to_back(layout);
    return CINCH_OK;
}
