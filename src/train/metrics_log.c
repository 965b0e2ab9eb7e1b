/* SPDX-License-Identifier: Apache-2.0 */
#include "train/metrics_log.h"

#include "core/status.h"
#include "data/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static cinch_status cannot(const char *what, const char *path)
{
    return cinch_fail(CINCH_OUTPUT, "%s: cannot %s: %s; %s", path, what, strerror(errno), cinch_write_advice(errno));
}

/* Whether a line belongs to the first `last_step` steps and not to the run's end. */
static bool kept(const char *line, int64_t last_step)
{
    char event[16];
    int64_t step;
    return sscanf(line, "{\"event\": \"%15[a-z]\", \"step\": %" SCNd64, event, &step) == 2 && step <= last_step &&
           strcmp(event, "end");
}

/* Bytes of the file's leading lines that are kept, read through the line buffer. */
static int64_t kept_length(cinch_metrics_log *log, int64_t last_step)
{
    int64_t length = 0;
    while (last_step >= 0) {
        ssize_t n = pread(log->file, log->line, sizeof log->line - 1, length);
        char *end = n > 0 ? memchr(log->line, '\n', (size_t)n) : NULL;
        if (!end) break;
        *end = 0;
        if (!kept(log->line, last_step)) break;
        length += end - log->line + 1;
    }
    return length;
}

cinch_status cinch_metrics_open(cinch_metrics_log *log, const char *path, int64_t last_step)
{
    *log = (cinch_metrics_log){.path = path};
    log->file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (log->file < 0) return cannot("open", path);
    if (ftruncate(log->file, kept_length(log, last_step)) == 0 && lseek(log->file, 0, SEEK_END) >= 0) return CINCH_OK;
    cinch_status status = cannot("cut back", path);
    cinch_metrics_close(log);
    return status;
}

void cinch_metrics_close(cinch_metrics_log *log)
{
    if (log->file >= 0) close(log->file);
    log->file = -1;
}

static void append(cinch_metrics_log *log, const char *format, ...) CINCH_PRINTF(2, 3);
static void append(cinch_metrics_log *log, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int room = CINCH_LOG_LINE - log->length;
    int length = vsnprintf(log->line + log->length, (size_t)room, format, args);
    log->length += length < room ? length : room - 1;
    va_end(args);
}

void cinch_metrics_begin(cinch_metrics_log *log, const char *event, int64_t step, int64_t epoch)
{
    log->length = 0;
    log->nonfinite = false;
    append(log, "{\"event\": \"%s\", \"step\": %" PRId64 ", \"epoch\": %" PRId64, event, step, epoch);
}

/* The embedding program's locale may write a comma. */
static char *number_text(double value, char text[32])
{
    snprintf(text, 32, isfinite(value) ? "%.9g" : "null", value);
    char *comma = strchr(text, ',');
    if (comma) *comma = '.';
    return text;
}

void cinch_metrics_number(cinch_metrics_log *log, const char *key, double value)
{
    char text[32];
    append(log, ", \"%s\": %s", key, number_text(value, text));
    log->nonfinite |= !isfinite(value);
}

cinch_status cinch_metrics_end(cinch_metrics_log *log)
{
    append(log, "%s}\n", log->nonfinite ? ", \"nonfinite\": true" : "");
    for (int done = 0; done < log->length;) {
        ssize_t n = write(log->file, log->line + done, (size_t)(log->length - done));
        if (n < 0 && errno != EINTR) return cannot("write", log->path);
        if (n > 0) done += (int)n;
    }
    return CINCH_OK;
}
