/* SPDX-License-Identifier: Apache-2.0 */
#include "train/checkpoint.h"

#include <cinch/data.h>
#include <cinch/version.h>

#include "core/json.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { KEPT = 2, LISTED = 64, TENSORS = CINCH_SLAB_COUNT + 2, CHECKSUM_TEXT = 9 };
static const char format_version[] = "1";

/* --- what a checkpoint holds -------------------------------------------------------------------------------------- */

/* A flat tensor of the file: a slab on the device, or host memory. */
typedef struct item {
    const char *name;
    int64_t count;
    cinch_slab slab;
    float *host;     /* not NULL: here */
} item;

static bool has_slab(const cinch_optimizer *o, cinch_slab slab)
{
    if (slab == CINCH_SLAB_GRADIENT) return false;
    if (slab == CINCH_SLAB_MOMENT2) return o->kind != CINCH_SGD && o->kind != CINCH_ADAGRAD;
    return slab != CINCH_SLAB_EMA || o->ema > 0;
}

static int list_slabs(const cinch_checkpoint *c, item items[TENSORS])
{
    int n = 0;
    for (cinch_slab slab = 0; slab < CINCH_SLAB_COUNT; slab++) {
        int64_t count = has_slab(c->optimizer, slab) ? cinch_params_slab_size(c->params, slab) : 0;
        if (count > 0) items[n++] = (item){cinch_slab_name(slab), count, slab, NULL};
    }
    return n;
}

static int list_items(const cinch_checkpoint *c, item items[TENSORS], bool with_best)
{
    int n = list_slabs(c, items);
    if (!with_best) return n;
    items[n++] = (item){"best.weights", c->best->n_weights, 0, c->best->weights};
    if (c->best->n_states > 0) items[n++] = (item){"best.states", c->best->n_states, 0, c->best->states};
    return n;
}

/* {"encoder.0.weight": ["trainable", 512, 784], ...}: what the slabs hold, in order. */
static json_t *describe_parameter(cinch_param_info info)
{
    const char *slab = cinch_slab_name(info.options.state ? CINCH_SLAB_STATE
                                       : info.options.frozen ? CINCH_SLAB_FROZEN : CINCH_SLAB_TRAINABLE);
    json_t *row = json_pack("[s]", slab);
    for (int i = 0; i < info.shape.rank; i++) json_array_append_new(row, json_integer(info.shape.dim[i]));
    if (json_array_size(row) == (size_t)info.shape.rank + 1) return row;
    json_decref(row); /* memory was short */
    return NULL;
}

static cinch_status names_text(const cinch_params *params, char **text)
{
    json_t *object = json_object();
    cinch_status status = object ? CINCH_OK : cinch_fail(CINCH_DEVICE, "out of memory for a checkpoint");
    for (int i = 0; !status && i < cinch_params_count(params); i++) {
        cinch_param_info info = cinch_params_info(params, i);
        status = cinch_json_put(object, info.name, describe_parameter(info));
    }
    if (!status) status = cinch_json_text(text, object, 0);
    json_decref(object);
    return status;
}

static const char *checksum_text(unsigned long crc, char text[CHECKSUM_TEXT])
{
    snprintf(text, CHECKSUM_TEXT, "%08lx", crc & 0xfffffffful);
    return text;
}

/* --- the folder --------------------------------------------------------------------------------------------------- */

static char *path_of(const cinch_checkpoint *c, int64_t step)
{
    return cinch_format("%s/step-%" PRId64 ".safetensors", c->folder, step);
}

/* N of "step-N.safetensors", -1 for any other name. */
static int64_t step_of(const char *name)
{
    int64_t step = -1;
    int end = 0;
    if (sscanf(name, "step-%" SCNd64 ".safetensors%n", &step, &end) != 1 || !end || name[end]) return -1;
    return step;
}

/* Keeps the LISTED largest, descending. */
static void insert(int64_t *steps, int *n, int64_t step)
{
    int at = *n;
    while (at > 0 && steps[at - 1] < step) at--;
    if (at == LISTED) return;
    int last = *n < LISTED ? (*n)++ : LISTED - 1;
    memmove(steps + at + 1, steps + at, (size_t)(last - at) * sizeof *steps);
    steps[at] = step;
}

/* Steps of the checkpoints in the folder, newest first. A folder that cannot be read is not taken for an empty one:
   training would begin anew and lose what is there. */
static cinch_status list_steps(const char *folder, int64_t steps[LISTED], int *n)
{
    *n = 0;
    DIR *dir = opendir(folder);
    if (!dir && errno == ENOENT) return CINCH_OK;
    errno = dir ? 0 : errno;
    for (struct dirent *e; dir && (e = readdir(dir)); errno = 0)
        if (step_of(e->d_name) >= 0) insert(steps, n, step_of(e->d_name));
    int error = errno;
    if (dir) closedir(dir);
    if (!error) return CINCH_OK;
    return cinch_fail(error == ENOMEM ? CINCH_DEVICE : CINCH_DATA, "%s: cannot be read: %s", folder, strerror(error));
}

/* Removes all but the newest, and those of steps later than this one, which another course of training left. */
static cinch_status remove_old(const cinch_checkpoint *c)
{
    int64_t steps[LISTED];
    int n, kept = 0;
    TRY(list_steps(c->folder, steps, &n));
    for (int i = 0; i < n; i++) {
        if (steps[i] <= c->state->step && kept++ < KEPT) continue;
        char *path = path_of(c, steps[i]);
        if (!path) return CINCH_DEVICE;
        unlink(path);
        free(path);
    }
    return CINCH_OK;
}

/* What the bytes of a run depend on besides the configuration: the backend, its kernels and libraries. How many threads
   there are is not part of it. */
static void describe_engine(const cinch_checkpoint *c, char *text, size_t size)
{
    char all[256];
    size_t used = (size_t)snprintf(text, size, "%s", cinch_device_name(c->device));
    cinch_device_describe(c->device, all, sizeof all);
    for (char *save, *part = strtok_r(all, ",", &save); part && used < size; part = strtok_r(NULL, ",", &save))
        if (!strstr(part, " thread"))
            used += (size_t)snprintf(text + used, size - used, ",%s%s", *part == ' ' ? "" : " ", part);
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

typedef cinch_status take_bytes(void *user, const void *bytes, size_t size);

static cinch_status to_file(void *writer, const void *bytes, size_t size)
{
    return cinch_tensor_writer_write(writer, bytes, size);
}

static cinch_status to_checksum(void *checksum, const void *bytes, size_t size)
{
    unsigned long *crc = checksum;
    *crc = crc32_z(*crc, bytes, size);
    return CINCH_OK;
}

/* What is written of a checkpoint, and room for its largest slab. */
typedef struct content {
    const cinch_checkpoint *c;
    item items[TENSORS];
    int n;
    float *room;
} content;

static cinch_status give_items(const content *all, take_bytes *take, void *user)
{
    for (int i = 0; i < all->n; i++) {
        const item *it = &all->items[i];
        if (!it->host) TRY(cinch_params_slab_read(all->c->params, it->slab, all->room));
        TRY(take(user, it->host ? it->host : all->room, (size_t)it->count * sizeof(float)));
    }
    return CINCH_OK;
}

/* Of the state's text and all tensors. The header, which it is part of, is written before them: slabs are read twice
   rather than kept. */
static cinch_status write_checksum(const content *all, cinch_tensor_writer *w, const char *state)
{
    char text[CHECKSUM_TEXT];
    unsigned long crc = crc32_z(0, (const unsigned char *)state, strlen(state));
    TRY(give_items(all, to_checksum, &crc));
    return cinch_tensor_writer_metadata(w, "cinch.crc32", checksum_text(crc, text));
}

static cinch_status write_metadata(const content *all, cinch_tensor_writer *w)
{
    const cinch_checkpoint *c = all->c;
    char device[256];
    char *state = NULL, *names = NULL;
    describe_engine(c, device, sizeof device);
    cinch_status status;
    TRY_GOTO(cinch_state_write(c->state, &state));
    TRY_GOTO(names_text(c->params, &names));
    TRY_GOTO(cinch_tensor_writer_metadata(w, "cinch.checkpoint", format_version));
    TRY_GOTO(cinch_tensor_writer_metadata(w, "cinch.version", cinch_version()));
    TRY_GOTO(cinch_tensor_writer_metadata(w, "cinch.device", device));
    TRY_GOTO(cinch_tensor_writer_metadata(w, "cinch.config", c->fingerprint));
    TRY_GOTO(cinch_tensor_writer_metadata(w, "cinch.state", state));
    TRY_GOTO(cinch_tensor_writer_metadata(w, "cinch.names", names));
    TRY_GOTO(write_checksum(all, w, state));
done:
    free(state);
    free(names);
    return status;
}

static cinch_status write_file(const content *all, cinch_tensor_writer *w)
{
    TRY(write_metadata(all, w));
    for (int i = 0; i < all->n; i++)
        TRY(cinch_tensor_writer_declare(w, all->items[i].name, CINCH_ELEMENT_F32, 1, &all->items[i].count));
    TRY(give_items(all, to_file, w));
    return cinch_tensor_writer_commit(w);
}

static cinch_status list_content(const cinch_checkpoint *c, content *all)
{
    int64_t most = 0;
    *all = (content){.c = c};
    all->n = list_items(c, all->items, c->best->there);
    for (int i = 0; i < all->n; i++)
        if (all->items[i].count > most) most = all->items[i].count;
    all->room = cinch_calloc((size_t)most, sizeof *all->room);
    return all->room ? CINCH_OK : CINCH_DEVICE;
}

cinch_status cinch_checkpoint_save(const cinch_checkpoint *c)
{
    cinch_tensor_writer *w = NULL;
    content all;
    TRY(list_content(c, &all));
    char *path = path_of(c, c->state->step);
    cinch_status status = path ? cinch_tensor_writer_create(&w, path) : CINCH_DEVICE;
    if (!status) status = write_file(&all, w);
    cinch_tensor_writer_free(w);
    free(all.room);
    free(path);
    return status ? status : remove_old(c);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static cinch_status expect(const cinch_tensor_file *file, const char *path, const char *key, const char *wanted)
{
    const char *value = cinch_tensor_file_metadata(file, key);
    if (value && !strcmp(value, wanted)) return CINCH_OK;
    return cinch_fail(CINCH_DATA, "%s: %s is %.60s, not %.60s", path, key, value ? value : "missing", wanted);
}

static cinch_status expect_config(const cinch_tensor_file *file, const char *path, const char *fingerprint)
{
    cinch_status status = expect(file, path, "cinch.config", fingerprint);
    return status ? cinch_fail_also(status, ": config.json was changed since, put it back") : CINCH_OK;
}

/* Earlier builds wrote none. */
static cinch_status check_checksum(const cinch_tensor_file *file, const char *path, const char *state)
{
    char text[CHECKSUM_TEXT];
    const char *written = cinch_tensor_file_metadata(file, "cinch.crc32");
    unsigned long crc = crc32_z(0, (const unsigned char *)state, strlen(state));
    if (!written) return CINCH_OK;
    for (int64_t i = 0; i < cinch_tensor_file_count(file); i++) {
        const cinch_tensor_entry *entry = cinch_tensor_file_entry(file, i);
        crc = crc32_z(crc, entry->data, (size_t)entry->bytes);
    }
    if (!strcmp(written, checksum_text(crc, text))) return CINCH_OK;
    return cinch_fail(CINCH_DATA, "%s: damaged: its crc32 is %s, not the %.8s that was written", path, text, written);
}

static cinch_status check_metadata(const cinch_checkpoint *c, const cinch_tensor_file *file, const char *path,
                                   cinch_state *state)
{
    char *names;
    const char *text = cinch_tensor_file_metadata(file, "cinch.state");
    TRY(expect(file, path, "cinch.checkpoint", format_version));
    TRY(expect_config(file, path, c->fingerprint));
    TRY(names_text(c->params, &names));
    cinch_status status = expect(file, path, "cinch.names", names);
    free(names);
    if (status) return status;
    if (!text) return cinch_fail(CINCH_DATA, "%s: cinch.state is missing", path);
    TRY(check_checksum(file, path, text));
    TRY(cinch_state_read(state, text, path));
    if (state->batch < c->batches && state->batch % c->accumulate == 0) return CINCH_OK;
    return cinch_fail(CINCH_DATA, "%s: there is no batch %" PRId64 " to go on from", path, state->batch);
}

static cinch_status read_item(const cinch_checkpoint *c, const cinch_tensor_file *file, const item *it)
{
    const cinch_tensor_entry *entry = cinch_tensor_file_find(file, it->name);
    if (it->host) return memcpy(it->host, entry->data, (size_t)entry->bytes), CINCH_OK;
    float *host = cinch_calloc((size_t)it->count, sizeof *host);
    if (!host) return CINCH_DEVICE;
    memcpy(host, entry->data, (size_t)entry->bytes);
    cinch_status status = cinch_params_slab_write(c->params, it->slab, host);
    free(host);
    return status;
}

/* Checks all of the file before anything is taken from it. */
static cinch_status take_file(const cinch_checkpoint *c, const cinch_tensor_file *file, const char *path)
{
    item items[TENSORS];
    cinch_state state;
    const cinch_tensor_entry *entry;
    bool with_best = cinch_tensor_file_find(file, "best.weights") && c->best->weights;
    int n = list_items(c, items, with_best);
    TRY(check_metadata(c, file, path, &state));
    for (int i = 0; i < n; i++)
        TRY(cinch_tensor_file_require(file, items[i].name, CINCH_ELEMENT_F32, CINCH_SHAPE(items[i].count), &entry));
    for (int i = 0; i < n; i++) TRY(read_item(c, file, &items[i]));
    c->best->there = with_best;
    *c->state = state;
    return CINCH_OK;
}

static void note(const cinch_checkpoint *c, char *text)
{
    if (text && c->note) c->note(c->user, text);
    free(text);
}

/* Same bytes are promised only for the same build, processor and libraries. */
static void note_difference(const cinch_checkpoint *c, const cinch_tensor_file *file, const char *key, const char *now)
{
    const char *then = cinch_tensor_file_metadata(file, key);
    if (then && !strcmp(then, now)) return;
    note(c, cinch_format("the checkpoint was made by %s, and now %s goes on: last digits may differ",
                         then ? then : "an unknown cinch", now));
}

static cinch_status load_file(const cinch_checkpoint *c, const char *path)
{
    cinch_tensor_file *file;
    char device[256];
    TRY(cinch_tensor_file_open(&file, path));
    cinch_status status = take_file(c, file, path);
    describe_engine(c, device, sizeof device);
    if (!status) {
        note_difference(c, file, "cinch.version", cinch_version());
        note_difference(c, file, "cinch.device", device);
    }
    cinch_tensor_file_free(file);
    return status;
}

static cinch_status load_step(const cinch_checkpoint *c, int64_t step)
{
    char *path = path_of(c, step);
    cinch_status status = path ? load_file(c, path) : CINCH_DEVICE;
    free(path);
    return status;
}

/* The newest could not be used; `why` is its error. */
static cinch_status load_older(const cinch_checkpoint *c, const int64_t *steps, int n, const char *why)
{
    cinch_status status = CINCH_DATA;
    for (int i = 0; i < n && status && status != CINCH_DEVICE; i++) status = load_step(c, steps[i]);
    if (status == CINCH_DEVICE) return status;
    if (!status) return note(c, cinch_format("%s; an older checkpoint is tried", why)), CINCH_OK;
    return cinch_fail(CINCH_DATA, "%s; no checkpoint can be used; where that cannot be mended, start another run with "
                      "--config", why);
}

/* Only a run without any checkpoint is begun anew: what others have learnt would be lost. */
cinch_status cinch_checkpoint_load(const cinch_checkpoint *c, bool *found)
{
    int64_t steps[LISTED];
    int n;
    TRY(list_steps(c->folder, steps, &n));
    *found = n > 0;
    cinch_status status = n ? load_step(c, steps[0]) : CINCH_OK;
    if (!status || status == CINCH_DEVICE) return status;
    char *why = cinch_strdup(cinch_last_error());
    status = why ? load_older(c, steps + 1, n - 1, why) : CINCH_DEVICE;
    free(why);
    return status;
}
