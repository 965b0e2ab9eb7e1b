/* SPDX-License-Identifier: Apache-2.0 */
#include "train/folder.h"

#include <cinch/data.h>

#include "core/json.h"
#include "core/status.h"
#include "data/text_file.h"
#include "train/config_options.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a run may have left, besides its checkpoints. */
static const char *const run_files[] = {"config.json", "parts.safetensors", "metrics.jsonl", "model.safetensors",
                                        "tuning.json", "environment.json", "reconstructions.png", "history.png",
                                        "samples.png", "report.html"};
enum { RUN_FILES = sizeof run_files / sizeof *run_files };

cinch_status cinch_folder_create(cinch_folder *f, const char *path)
{
    *f = (cinch_folder){.lock = -1};
    f->path = cinch_strdup(path);
    f->config = cinch_format("%s/config.json", path);
    f->parts = cinch_format("%s/parts.safetensors", path);
    f->metrics = cinch_format("%s/metrics.jsonl", path);
    f->model = cinch_format("%s/model.safetensors", path);
    f->checkpoint = cinch_format("%s/checkpoint", path);
    f->tuning = cinch_format("%s/tuning.json", path);
    f->environment = cinch_format("%s/environment.json", path);
    bool all = f->path && f->config && f->parts && f->metrics && f->model && f->checkpoint && f->tuning &&
               f->environment;
    return all ? CINCH_OK : CINCH_DEVICE;
}

void cinch_folder_free(cinch_folder *f)
{
    if (f->lock > 0) close(f->lock);
    free(f->path);
    free(f->config);
    free(f->parts);
    free(f->metrics);
    free(f->model);
    free(f->checkpoint);
    free(f->tuning);
    free(f->environment);
    *f = (cinch_folder){.lock = -1};
}

bool cinch_file_exists(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 || errno != ENOENT;
}

static cinch_status cannot(const char *path, const char *what)
{
    return cinch_fail(errno == ENOMEM ? CINCH_DEVICE : CINCH_OUTPUT, "%s: cannot %s: %s; %s", path, what,
                      strerror(errno), cinch_write_advice(errno));
}

/* --- may a run begin here? ---------------------------------------------------------------------------------------- */

/* Opens a folder to list it; NULL without an error where there is none. One that cannot be read is not taken for an
   empty one, for what is in it would be lost. */
static cinch_status open_listing(const char *path, DIR **out)
{
    *out = opendir(path);
    return *out || errno == ENOENT || errno == ENOTDIR ? CINCH_OK : cannot(path, "read the folder");
}

/* Temporary files that a killed run left do not count. */
static cinch_status look_whether_empty(const char *path, bool *empty)
{
    DIR *dir;
    *empty = true;
    TRY(open_listing(path, &dir));
    for (struct dirent *e; dir && *empty && (e = readdir(dir));) *empty = e->d_name[0] == '.';
    if (dir) closedir(dir);
    return CINCH_OK;
}

static bool is_cinch_config(const json_t *value) { return json_object_get(value, "cinch_config") != NULL; }

/* Other people's programs, too, call a file config.json. */
static cinch_status look_for_config(const char *path, bool *found)
{
    json_t *value;
    cinch_status status = cinch_json_read(&value, path, CINCH_DATA);
    *found = !status && is_cinch_config(value);
    if (!status) json_decref(value);
    return status == CINCH_DATA ? CINCH_OK : status;
}

/* The parts are written before config.json: they may be all that a killed run has left. */
static cinch_status look_for_parts(const char *path, bool *found)
{
    cinch_tensor_file *file;
    cinch_status status = cinch_tensor_file_open(&file, path);
    *found = !status && cinch_tensor_file_metadata(file, "cinch.rows");
    if (!status) cinch_tensor_file_free(file);
    return status == CINCH_DATA ? CINCH_OK : status;
}

static cinch_status look_for_run(const cinch_folder *f, bool *found)
{
    return cinch_file_exists(f->config) ? look_for_config(f->config, found) : look_for_parts(f->parts, found);
}

static bool is_file(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && !S_ISDIR(about.st_mode);
}

cinch_status cinch_folder_check(const cinch_folder *f, bool overwrite, bool resume)
{
    bool empty, is_run;
    if (is_file(f->path))
        return resume ? cinch_fail(CINCH_DATA, "%s: is no run folder", f->path)
                      : cinch_fail(CINCH_OUTPUT, "%s: is a file; name a folder for the run", f->path);
    if (resume && cinch_file_exists(f->config)) return CINCH_OK;
    if (resume) return cinch_fail(CINCH_DATA, "%s: no config.json, so there is no run to resume", f->path);
    TRY(look_whether_empty(f->path, &empty));
    if (empty) return CINCH_OK;
    TRY(look_for_run(f, &is_run));
    if (!is_run)
        return cinch_fail(CINCH_USAGE, "%s: not empty and no run folder (no config.json of cinch's); remove it "
                          "yourself or take another", f->path);
    if (overwrite) return CINCH_OK;
    return cinch_fail(CINCH_USAGE, "%s: not empty; --overwrite removes the run in it%s", f->path,
                      cinch_file_exists(f->config) ? ", --resume goes on with it" : "");
}

/* --- beginning ---------------------------------------------------------------------------------------------------- */

static cinch_status lock_folder(cinch_folder *f)
{
    f->lock = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->lock < 0) return cannot(f->path, "open the folder");
    /* Some systems have no locks. */
    if (flock(f->lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return CINCH_OK;
    return cinch_fail(CINCH_OUTPUT, "%s: another process is training in it", f->path);
}

static bool is_checkpoint(const char *name)
{
    int64_t step;
    int end = 0;
    return sscanf(name, "step-%" SCNd64 ".safetensors%n", &step, &end) == 1 && end && !name[end];
}

static cinch_status cannot_remove(const char *folder, const char *name)
{
    char what[300];
    snprintf(what, sizeof what, "remove %s", name);
    return cannot(folder, what);
}

static cinch_status remove_checkpoints(const cinch_folder *f)
{
    DIR *dir;
    cinch_status status = CINCH_OK;
    TRY(open_listing(f->checkpoint, &dir));
    for (struct dirent *e; dir && !status && (e = readdir(dir));)
        if (is_checkpoint(e->d_name) && unlinkat(dirfd(dir), e->d_name, 0))
            status = cannot_remove(f->checkpoint, e->d_name);
    if (dir) closedir(dir);
    return status;
}

/* A read-only file system refuses to remove what is not there, too. */
static bool remove_file(const cinch_folder *f, const char *name)
{
    bool there = !faccessat(f->lock, name, F_OK, AT_SYMLINK_NOFOLLOW) || errno != ENOENT;
    return !there || !unlinkat(f->lock, name, 0) || errno == ENOENT;
}

/* The configuration goes last: while it is there the folder is known as a run's. */
static cinch_status clear_folder(const cinch_folder *f)
{
    TRY(remove_checkpoints(f));
    rmdir(f->checkpoint); /* stays where there are other people's files in it */
    for (int i = RUN_FILES; i-- > 0;)
        if (!remove_file(f, run_files[i])) return cannot_remove(f->path, run_files[i]);
    return CINCH_OK;
}

cinch_status cinch_folder_begin(cinch_folder *f, bool clear)
{
    TRY(cinch_make_folders(f->path));
    TRY(lock_folder(f));
    TRY(cinch_remove_leftovers(f->path));
    if (cinch_file_exists(f->checkpoint)) TRY(cinch_remove_leftovers(f->checkpoint));
    return clear ? clear_folder(f) : CINCH_OK;
}

/* --- config.json -------------------------------------------------------------------------------------------------- */

cinch_status cinch_folder_write_config(const cinch_folder *f, const cinch_config *config)
{
    char *text;
    TRY(cinch_config_text(config, &text));
    cinch_status status = cinch_write_text(f->config, text);
    cinch_free(text);
    return status ? status : cinch_make_folders(f->checkpoint);
}

/* Errors begin with the path. */
static cinch_status load_and_resolve(cinch_config *config, const char *path)
{
    TRY(cinch_config_load(config, path));
    cinch_status status = cinch_config_resolve(config);
    return status == CINCH_USAGE ? cinch_fail_in(status, path) : status;
}

cinch_status cinch_folder_read_config(const cinch_folder *f, cinch_config **out)
{
    *out = NULL;
    if (is_file(f->path)) return cinch_fail(CINCH_DATA, "%s: is no run folder", f->path);
    if (!cinch_file_exists(f->config))
        return cinch_fail(CINCH_DATA, "%s: no such file; is this a run folder?", f->config);
    cinch_status status = cinch_config_create(out);
    if (!status) status = load_and_resolve(*out, f->config);
    if (!status) return CINCH_OK;
    cinch_config_free(*out);
    *out = NULL;
    return status == CINCH_USAGE ? CINCH_DATA : status;
}

/* FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t hash_text(const char *text)
{
    uint64_t hash = 0xCBF29CE484222325u;
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 0x100000001B3u;
    return hash;
}

/* Takes out what the table lets a resumed run change. */
static cinch_status reset_changing(cinch_config *copy)
{
    for (int i = 0; i < CINCH_SECTIONS; i++)
        for (const cinch_option *row = cinch_sections[i].rows; row->key; row++)
            if (row->may_change) TRY(cinch_config_set(copy, row->key, "null"));
    return CINCH_OK;
}

/* Takes out an option that older configurations do not have, where it says nothing else than they do. */
static cinch_status drop_later(json_t *section, const cinch_option *row)
{
    cinch_option_info info;
    json_t *fallback;
    cinch_option_describe(row, &info);
    TRY(cinch_option_value(&fallback, info.type, info.fallback));
    if (json_equal(json_object_get(section, cinch_option_leaf(row)), fallback))
        json_object_del(section, cinch_option_leaf(row));
    json_decref(fallback);
    return CINCH_OK;
}

static cinch_status drop_all_later(json_t *config)
{
    for (int i = 0; i < CINCH_SECTIONS; i++)
        for (const cinch_option *row = cinch_sections[i].rows; row->key; row++)
            if (row->later) TRY(drop_later(json_object_get(config, cinch_sections[i].name), row));
    return CINCH_OK;
}

static cinch_status text_to_hash(const cinch_config *config, char **text)
{
    char *complete;
    json_t *object = NULL;
    TRY(cinch_config_text(config, &complete));
    cinch_status status = cinch_json_parse(&object, complete, "config", CINCH_INTERNAL);
    if (!status) status = drop_all_later(object);
    if (!status) status = cinch_json_text(text, object, 2);
    json_decref(object);
    cinch_free(complete);
    return status;
}

static cinch_status fingerprint(cinch_config *copy, char out[32])
{
    char *text;
    TRY(reset_changing(copy));
    TRY(cinch_config_resolve(copy));
    TRY(text_to_hash(copy, &text));
    snprintf(out, 32, "%016" PRIx64, hash_text(text));
    cinch_free(text);
    return CINCH_OK;
}

cinch_status cinch_config_fingerprint(const cinch_config *config, char text[32])
{
    cinch_config *copy;
    TRY(cinch_config_copy(&copy, config));
    cinch_status status = fingerprint(copy, text);
    cinch_config_free(copy);
    return status;
}
