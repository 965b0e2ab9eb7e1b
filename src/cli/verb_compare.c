/* SPDX-License-Identifier: Apache-2.0 */
/* compare: runs are opened, configurations trained, then all are measured side by side. */
#include "cli/compare.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One operand. */
typedef struct entry {
    char *name, *path;       /* path: of the run folder */
    cinch_config *config;    /* NULL: it is a run */
    bool resume, trained;    /* what its folder has of the configuration */
    cinch_run *run;
    cinch_measured on;
} entry;

typedef struct comparison {
    cinch_cli *cli;
    int n, configs;
    entry *entries;              /* all [n] */
    cinch_contender *contenders;
    cinch_comparison *found;
} comparison;

/* --- operands and flags ------------------------------------------------------------------------------------------- */

static bool is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

/* A configuration is an object in JSON. A pipe is not looked into; reading the configuration says what hinders it. */
static bool is_something_else(const char *path)
{
    struct stat about;
    FILE *file = stat(path, &about) == 0 && S_ISREG(about.st_mode) ? fopen(path, "re") : NULL;
    if (!file) return false;
    int first;
    do first = getc(file);
    while (isspace(first));
    fclose(file);
    return first != '{';
}

static cinch_status classify(comparison *c)
{
    for (int i = 0; i < c->n; i++) {
        const char *operand = c->cli->operands[i];
        if (access(operand, F_OK))
            return cinch_cli_fail(CINCH_DATA, "%s: %s", operand, errno == ENOENT ?
                                  "no such run folder or configuration" : strerror(errno));
        if (is_folder(operand)) continue;
        if (is_something_else(operand))
            return cinch_cli_fail(CINCH_DATA, "%s: neither a run folder nor a configuration, as `cinch config --json` "
                                  "prints it", operand);
        TRY(cinch_config_create(&c->entries[i].config));
        c->configs++;
    }
    return CINCH_OK;
}

static bool takes(cinch_keys keys, const cinch_option_info *option)
{
    return cinch_flag_takes(&(cinch_verb){.keys = keys}, option);
}

/* The data of runs is what they are measured on, that of configurations what they are trained on. */
static cinch_status check_assignment(const comparison *c, const cinch_assignment *a)
{
    cinch_option_info option;
    TRY(cinch_config_find(a->name, &option));
    bool limit = !strcmp(option.key, "data.limit");
    if (takes(CINCH_KEYS_COMMON, &option) && !limit) return CINCH_OK;
    if (!takes(CINCH_KEYS_TARGET, &option) && !c->configs)
        return cinch_cli_fail(CINCH_USAGE, "%s: is for training, and the runs are trained; name a config.json",
                              a->name);
    if (takes(CINCH_KEYS_TARGET, &option) && c->configs && c->configs < c->n)
        return cinch_cli_fail(CINCH_USAGE, "%s: is what runs are measured on but configurations trained on; compare "
                                           "runs, or configurations, alone", a->name);
    return CINCH_OK;
}

static cinch_status check_flags(const comparison *c)
{
    const cinch_cli *cli = c->cli;
    for (int i = 0; i < cli->n_assignments; i++) TRY(check_assignment(c, &cli->assignments[i]));
    if (!c->configs) TRY(cinch_cli_check_data_keys(cli));
    if (c->configs && !cli->out)
        return cinch_cli_fail(CINCH_USAGE, "compare: --out FOLDER is missing, for the runs of the configurations");
    if (cli->overwrite && !c->configs)
        return cinch_cli_fail(CINCH_USAGE, "--overwrite: removes the runs of configurations, and all here are runs");
    if (cli->out && !access(cli->out, F_OK) && !is_folder(cli->out))
        return cinch_cli_fail(CINCH_OUTPUT, "--out %s: not a folder", cli->out);
    return CINCH_OK;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n > m && !strcmp(text + n - m, end);
}

/* Runs are measured one after the other, and a configuration is looked at before it is trained. */
static cinch_status refuse_stdin(const cinch_config *config)
{
    const cinch_data_config *d = cinch_config_data(config);
    const struct { const char *flag, *spec; } all[] = {{"data", d->spec}, {"target", d->target},
                                                       {"val-data", d->val_spec}};
    for (int i = 0; i < 3; i++)
        if (all[i].spec && ends_with(all[i].spec, "+-"))
            return cinch_cli_fail(CINCH_USAGE, "--%s %s: standard input can be read once, and compare "
                                  "would read it again; name a file", all[i].flag, all[i].spec);
    return CINCH_OK;
}

/* What opening and measuring goes by. */
static cinch_status configure(const comparison *c)
{
    cinch_cli *cli = c->cli;
    cinch_option_info option;
    TRY(cinch_config_create(&cli->config));
    for (int i = 0; i < cli->n_assignments; i++) {
        TRY(cinch_config_find(cli->assignments[i].name, &option));
        if (takes(CINCH_KEYS_TARGET, &option)) TRY(cinch_cli_assign_one(&cli->assignments[i], cli->config));
    }
    TRY(cinch_config_resolve(cli->config));
    return c->n == 1 && !c->configs ? CINCH_OK : refuse_stdin(cli->config);
}

/* --- names -------------------------------------------------------------------------------------------------------- */

/* Cuts `path` to its last part: "runs/first/" to "first", "a.json" to "a", "first/config.json" to "first". */
static const char *last_part(char *path, bool config)
{
    if (config && ends_with(path, "/config.json")) path[strlen(path) - strlen("/config.json")] = '\0';
    else if (config && ends_with(path, ".json")) path[strlen(path) - strlen(".json")] = '\0';
    while (ends_with(path, "/")) path[strlen(path) - 1] = '\0';
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static bool is_taken(const comparison *c, int before, const char *name)
{
    for (int i = 0; i < before; i++)
        if (!strcmp(c->entries[i].name, name)) return true;
    return false;
}

/* The second "first" is "first-2". */
static char *free_name(const comparison *c, int i, const char *name)
{
    char *other = strdup(name);
    for (int number = 2; other && is_taken(c, i, other); number++) {
        free(other);
        if (asprintf(&other, "%s-%d", name, number) < 0) other = NULL;
    }
    return other;
}

static cinch_status name_entry(comparison *c, int i)
{
    entry *e = &c->entries[i];
    const char *operand = c->cli->operands[i];
    char *copy = strcmp(operand, ".") ? strdup(operand) : realpath(operand, NULL);
    e->name = copy ? free_name(c, i, last_part(copy, e->config != NULL)) : NULL;
    free(copy);
    if (!e->name) return cinch_cli_no_memory();
    if (!e->config) e->path = strdup(operand);
    else if (asprintf(&e->path, "%s/%s", c->cli->out, e->name) < 0) e->path = NULL;
    return e->path ? CINCH_OK : cinch_cli_no_memory();
}

/* --- configurations ----------------------------------------------------------------------------------------------- */

static cinch_status same_text(const cinch_config *a, const cinch_config *b, bool *same)
{
    char *x = NULL, *y = NULL;
    cinch_status status = cinch_config_text(a, &x);
    if (!status) status = cinch_config_text(b, &y);
    *same = !status && !strcmp(x, y);
    cinch_free(x);
    cinch_free(y);
    return status;
}

/* Whether a run of this very configuration has come to its end there. */
static cinch_status look_whether_trained(entry *e, const char *saved_path)
{
    cinch_config *saved;
    cinch_standing standing;
    TRY(cinch_run_standing(e->path, &standing));
    TRY(cinch_config_create(&saved));
    cinch_status status = cinch_config_load(saved, saved_path);
    if (!status) status = cinch_config_resolve(saved);
    if (!status) status = same_text(saved, e->config, &e->trained);
    e->trained = e->trained && standing.ended;
    cinch_config_free(saved);
    return status;
}

static cinch_status look_into_folder(const cinch_cli *cli, entry *e)
{
    char *saved;
    if (asprintf(&saved, "%s/config.json", e->path) < 0) return cinch_cli_no_memory();
    e->resume = !cli->overwrite && access(saved, F_OK) == 0;
    cinch_train_options options = {.overwrite = cli->overwrite, .resume = e->resume};
    cinch_status status = cinch_train_check(e->config, e->path, &options);
    if (status == CINCH_USAGE && e->resume)
        cinch_cli_fail(status, "%s: has a run of another configuration: %s; --overwrite removes it", e->path,
                       cinch_last_error());
    if (!status && e->resume) status = look_whether_trained(e, saved);
    free(saved);
    return status;
}

/* What is wrong shows before anything is trained. */
static cinch_status prepare(const comparison *c, int i)
{
    entry *e = &c->entries[i];
    cinch_dry_run unused;
    cinch_model *model;
    TRY(cinch_config_load(e->config, c->cli->operands[i]));
    TRY(cinch_cli_assign(c->cli, e->config));
    TRY(cinch_config_resolve(e->config));
    TRY(refuse_stdin(e->config));
    TRY(look_into_folder(c->cli, e));
    if (e->trained) return CINCH_OK;
    cinch_status status = cinch_train_dry_run(e->config, &unused, &model);
    cinch_model_free(model);
    return status ? cinch_cli_fail(status, "%s: %s", c->cli->operands[i], cinch_last_error()) : CINCH_OK;
}

static cinch_status train(const comparison *c, const entry *e)
{
    cinch_train_result unused;
    if (e->trained) return cinch_cli_note(c->cli, "%s: is trained already", e->path), CINCH_OK;
    cinch_cli_note(c->cli, "%s: %s", e->path, e->resume ? "training goes on" : "training");
    return cinch_cli_train(c->cli, e->config, e->path, e->resume, &unused);
}

/* --- runs --------------------------------------------------------------------------------------------------------- */

/* The command line's data is what it was trained on. */
static cinch_status open_trained(const comparison *c, entry *e)
{
    TRY(cinch_run_rows_of(e->run, NULL, &e->on.rows));
    e->on.rows.n = cinch_cli_rows(c->cli, e->on.rows.n);
    return CINCH_OK;
}

static cinch_status open_entry(const comparison *c, int i)
{
    entry *e = &c->entries[i];
    cinch_contender *to = &c->contenders[i];
    bool other = !e->config && cinch_cli_given(c->cli, "data.spec");
    TRY(cinch_cli_open_run_at(c->cli, e->path, &e->run));
    *to = (cinch_contender){.run = e->run, .name = e->name};
    TRY(e->config ? open_trained(c, e) : cinch_cli_open_measured(c->cli, e->run, &e->on));
    to->data = cinch_config_data(other ? c->cli->config : cinch_run_config(e->run))->spec;
    to->rows = e->on.rows;
    return CINCH_OK;
}

/* Into --out; *note says what there is. */
static cinch_status write_out(const comparison *c, char note[512])
{
    const char *why, *folder = c->cli->out;
    TRY(cinch_report_compare_write(c->contenders, c->n, c->found, folder, &why));
    if (why) snprintf(note, 512, "%.150s/compare.json; %s", folder, why);
    else snprintf(note, 512, "%.150s/compare.json, %.150s/compare.png", folder, folder);
    return CINCH_OK;
}

static cinch_status print_json(const comparison *c)
{
    char *json;
    TRY(cinch_report_compare_json(c->contenders, c->n, c->found, &json));
    cinch_cli_print("%s\n", json);
    cinch_free(json);
    return CINCH_OK;
}

/* After training, signals are caught. */
static cinch_status measure(const comparison *c)
{
    cinch_status status = cinch_report_compare(c->contenders, c->n, c->found);
    if (!status || (int)status != *cinch_cli_stop()) return status;
    return cinch_cli_fail(status, "compare: stopped while measuring; the runs are whole and the same command does not "
                                  "train them again");
}

static cinch_status show(const comparison *c)
{
    char note[512] = "";
    TRY(measure(c));
    if (c->cli->out) TRY(write_out(c, note));
    if (c->cli->json) TRY(print_json(c));
    else TRY(cinch_compare_print(c->cli, c->contenders, c->n, c->found));
    if (*note) cinch_cli_note(c->cli, "%s", note);
    cinch_cli_tell_device(c->cli);
    return CINCH_OK;
}

/* --- the verb ----------------------------------------------------------------------------------------------------- */

static cinch_status make_entries(comparison *c)
{
    c->entries = calloc((size_t)c->n, sizeof *c->entries);
    c->contenders = calloc((size_t)c->n, sizeof *c->contenders);
    c->found = calloc((size_t)c->n, sizeof *c->found);
    if (!c->entries || !c->contenders || !c->found) return cinch_cli_no_memory();
    TRY(classify(c));
    TRY(check_flags(c));
    TRY(configure(c));
    for (int i = 0; i < c->n; i++) TRY(name_entry(c, i));
    return CINCH_OK;
}

static cinch_status compare(comparison *c)
{
    TRY(make_entries(c));
    for (int i = 0; i < c->n; i++) TRY(c->entries[i].config ? prepare(c, i) : open_entry(c, i));
    for (int i = 0; i < c->n; i++)
        if (c->entries[i].config) TRY(train(c, &c->entries[i]));
    for (int i = 0; i < c->n; i++)
        if (c->entries[i].config) TRY(open_entry(c, i));
    return show(c);
}

static void free_comparison(comparison *c)
{
    for (int i = 0; c->entries && i < c->n; i++) {
        entry *e = &c->entries[i];
        cinch_cli_close_measured(&e->on);
        cinch_run_free(e->run);
        cinch_config_free(e->config);
        free(e->name);
        free(e->path);
    }
    free(c->entries);
    free(c->contenders);
    free(c->found);
}

cinch_status cinch_verb_compare(cinch_cli *cli)
{
    comparison c = {.cli = cli, .n = cli->n_operands};
    cinch_status status = compare(&c);
    free_comparison(&c);
    return status;
}
