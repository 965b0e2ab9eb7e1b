/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the verbs of the command share. One process runs one verb on one thread; texts that are borrowed here live in
 * argv or in the library.
 */
#ifndef CINCH_CLI_CLI_H
#define CINCH_CLI_CLI_H

#include <cinch/config.h>
#include <cinch/data.h>
#include <cinch/device.h>
#include <cinch/model.h>
#include <cinch/train.h>
#include <jansson.h>

typedef struct cinch_verb cinch_verb;

/* A flag of the configuration or a --set, to be applied from left to right. */
typedef struct cinch_assignment {
    const char *name;        /* "--lr" or "optimizer.lr" */
    const char *value;       /* NULL: the flag stands alone */
    bool by_flag;
} cinch_assignment;

/* The command line. */
typedef struct cinch_cli {
    const cinch_verb *verb;
    const char **operands;   /* what is not a flag; NULL ends them */
    int n_operands;
    const char *operand;     /* the first: RUN, ...; NULL: none was given */
    const char *second;      /* what follows it: bench train WORKLOAD */
    const char *out, *resume, *weights, *data, *steps, *calls;
    const char *num_samples, *label, *sampler, *from, *to, *num_points, *path, *posterior;
    bool json, quiet, help, overwrite, dry_run, losses;
    cinch_assignment *assignments;
    const char **files;      /* of --config */
    int n_assignments, n_files;
    cinch_config *config;    /* made by cinch_cli_configure */
    char *command;           /* the whole command line, as a shell takes it */
} cinch_cli;

/* Which keys of the configuration a verb takes, as flags and by --set. */
typedef enum cinch_keys {
    CINCH_KEYS_COMMON,       /* --device, --threads, ...: what every verb takes; no --set */
    CINCH_KEYS_DATA,         /* and --data and the keys that say how it is read */
    CINCH_KEYS_TARGET,       /* and --target */
    CINCH_KEYS_ALL
} cinch_keys;

enum { CINCH_OPERANDS_ANY = 1 << 30 };

struct cinch_verb {
    const char *name, *summary;
    const char *operand;     /* what is not a flag, for messages: "RUN"; NULL: nothing */
    int operands;            /* how many at most; the first is needed */
    cinch_keys keys;
    const char *usage;       /* after "cinch NAME " */
    const char *text;        /* what it does, for its help; lines of at most 100 characters, each with its newline */
    const char *example;     /* lines, each with its newline */
    cinch_status (*run)(cinch_cli *cli);
};

#define TRY(call)                               \
    do {                                        \
        cinch_status try_status_ = (call);      \
        if (try_status_) return try_status_;    \
    } while (0)

/* --- verbs.c ------------------------------------------------------------------------------------------------------ */

/* By number, NULL past the last; by name, CINCH_USAGE naming the nearest. */
const cinch_verb *cinch_verb_at(int index);
cinch_status cinch_verb_find(const char *name, const cinch_verb **out);

cinch_status cinch_verb_train(cinch_cli *cli);
cinch_status cinch_verb_eval(cinch_cli *cli);
cinch_status cinch_verb_encode(cinch_cli *cli);
cinch_status cinch_verb_decode(cinch_cli *cli);
cinch_status cinch_verb_reconstruct(cinch_cli *cli);
cinch_status cinch_verb_sample(cinch_cli *cli);
cinch_status cinch_verb_interpolate(cinch_cli *cli);
cinch_status cinch_verb_compare(cinch_cli *cli);
cinch_status cinch_verb_inspect(cinch_cli *cli);
cinch_status cinch_verb_models(cinch_cli *cli);
cinch_status cinch_verb_config(cinch_cli *cli);
cinch_status cinch_verb_report(cinch_cli *cli);
cinch_status cinch_verb_devices(cinch_cli *cli);
cinch_status cinch_verb_bench(cinch_cli *cli);

/* --- flags.c: the flags that are not keys of the configuration ---------------------------------------------------- */

typedef struct cinch_flag {
    const char *verbs;       /* apart by blanks; NULL: every verb has it */
    const char *name;        /* "--out" */
    const char *value;       /* "RUN"; NULL: it stands alone */
    const char *help;
    size_t offset;           /* of a bool or const char * in cinch_cli */
} cinch_flag;

/* A verb's flags by number, false past the last; by name, NULL when it has none such. */
bool cinch_flag_at(const cinch_verb *verb, int index, const cinch_flag **out);
const cinch_flag *cinch_flag_find(const cinch_verb *verb, const char *name);

/* The configuration's flags that a verb takes, by number. A flag that several families have comes once. */
bool cinch_flag_key_at(const cinch_verb *verb, int index, cinch_option_info *out);
/* Whether the verb takes this option's flag (also its key, by --set). */
bool cinch_flag_takes(const cinch_verb *verb, const cinch_option_info *option);

/* Every option: the configuration's, then each family's own; false past the last. */
bool cinch_cli_option(int index, cinch_option_info *out);

/* CINCH_USAGE, naming another verb that has the flag, or the nearest flag that the verb has. */
cinch_status cinch_flag_unknown(const cinch_verb *verb, const char *name);

/* --- args.c ------------------------------------------------------------------------------------------------------- */

/* Keeps argv as cli->command, then reads argv[from...] for cli->verb and cuts it up.
   CINCH_USAGE. Free also after an error. */
cinch_status cinch_cli_parse(cinch_cli *cli, int argc, char **argv, int from);
void cinch_cli_free(cinch_cli *cli);

/* Applies the flags and --set to `config`, without resolving it; or one of them. */
cinch_status cinch_cli_assign(const cinch_cli *cli, cinch_config *config);
cinch_status cinch_cli_assign_one(const cinch_assignment *assignment, cinch_config *config);

/* cli->config from --config files, flags and --set, resolved. */
cinch_status cinch_cli_configure(cinch_cli *cli);

/* Whether a key was given by a flag or --set. */
bool cinch_cli_given(const cinch_cli *cli, const char *key);

/* A flag's text as a whole number from `low`; `fallback` for NULL. */
cinch_status cinch_cli_whole(const char *flag, const char *text, int64_t low, int64_t fallback, int64_t *out);

/* --- help.c ------------------------------------------------------------------------------------------------------- */

void cinch_help_all(void);
void cinch_help_verb(const cinch_verb *verb);

/* What stands behind an option's flag ("N", "X", "FILE"; NULL: nothing), and what it means, into text[size]. */
const char *cinch_help_placeholder(const cinch_option_info *option);
void cinch_help_option(const cinch_verb *verb, const cinch_option_info *option, char *text, size_t size);

/* --- document.c --------------------------------------------------------------------------------------------------- */

/* Prints the manual page of the command ("man") or of a verb ("man-train"), or bash's completion ("bash"). */
cinch_status cinch_document(const char *what);

/* --- output.c ----------------------------------------------------------------------------------------------------- */

/* Sets the command's own error text and returns `status`; it wins over cinch_last_error(). */
cinch_status cinch_cli_fail(cinch_status status, const char *format, ...) CINCH_PRINTF(2, 3);
cinch_status cinch_cli_no_memory(void);
/* Zeros for `n` rows of `row` floats or int32s, to be freed; CINCH_DEVICE that says how much `flag`, which decides on
   n, wants. */
cinch_status cinch_cli_room(const char *flag, int64_t n, int64_t row, void **out);

/* Makes the standard streams safe to use, though the caller may have closed some, and failed writes errors. */
void cinch_cli_open_streams(void);
/* Flushes standard output: `status`, or CINCH_OUTPUT when `status` is 0 and something could not be written. */
cinch_status cinch_cli_close_streams(cinch_status status);
/* The one line of an error, on standard error. */
void cinch_cli_print_error(void);

/* To standard output; failures show at the end. */
void cinch_cli_print(const char *format, ...) CINCH_PRINTF(1, 2);

/* A line on standard error, unless --quiet. */
void cinch_cli_note(const cinch_cli *cli, const char *format, ...) CINCH_PRINTF(2, 3);

/* JSON: values are taken over; NULL (memory was short) is remembered and fails the print. */
void cinch_cli_json_set(json_t *object, const char *key, json_t *value);
void cinch_cli_json_add(json_t *array, json_t *value);
json_t *cinch_cli_json_number(double value);    /* null where it is not finite */
json_t *cinch_cli_json_text(const char *text); /* null for NULL; bytes that are not UTF-8 become ? */
json_t *cinch_cli_json_sizes(cinch_shape shape);
/* Prints it on one line. */
cinch_status cinch_cli_print_json(json_t *value);

/* "[28, 28, 1]" */
const char *cinch_cli_shape(cinch_shape shape, char *text, size_t size);

/* --- stop.c ------------------------------------------------------------------------------------------------------- */

/* From now on SIGINT, SIGTERM and SIGUSR1 set a flag, which is returned, to the status to end with. */
const volatile int *cinch_cli_catch_signals(void);
/* The same flag; signals are left as they are. */
const volatile int *cinch_cli_stop(void);

/* --- progress.c --------------------------------------------------------------------------------------------------- */

typedef struct cinch_bar {
    const cinch_cli *cli;
    bool quiet, terminal;
    bool drawn;              /* the cursor stands behind a bar */
    bool begun;
    double started, last;    /* seconds */
    int64_t first_step;      /* where this process began */
    double val_loss;
} cinch_bar;

void cinch_bar_begin(cinch_bar *bar, const cinch_cli *cli);
/* For cinch_train_options.progress; `user` is the bar. */
void cinch_bar_progress(void *user, const cinch_progress *progress);
void cinch_bar_end(cinch_bar *bar);

/* --- run.c: what the verbs on a run share ------------------------------------------------------------------------- */

/* On what to compute, as the flags say; cli->config is made. */
cinch_run_options cinch_cli_run_options(const cinch_cli *cli);
/* Opens cli->operand so; cli->config is made by it. */
cinch_status cinch_cli_open_run(cinch_cli *cli, cinch_run **out);
/* The run at `path` by a configuration that is made. */
cinch_status cinch_cli_open_run_at(const cinch_cli *cli, const char *path, cinch_run **out);

/* Trains in a run folder, showing how far it is, and draws the run's pictures; --overwrite counts. */
cinch_status cinch_cli_train(const cinch_cli *cli, const cinch_config *config, const char *run, bool resume,
                             cinch_train_result *result);

/* Opens --data as the run's data was read, but for data.* given here; checks that it suits the model. */
cinch_status cinch_cli_open_data(const cinch_cli *cli, cinch_run *run, cinch_dataset **out);

/* Refuses keys that say how --data is read where it is not given. */
cinch_status cinch_cli_check_data_keys(const cinch_cli *cli);

/* What a run is to be measured on. */
typedef struct cinch_measured {
    cinch_dataset *data, *target;  /* of --data and --target; NULL: not given */
    cinch_run_rows rows;           /* of it or, without --data, of the run's test part; as many as --limit says */
} cinch_measured;
/* Free it also after an error. CINCH_USAGE where --data is given for a run that was trained on other targets than its
   input, but no --target. */
cinch_status cinch_cli_open_measured(const cinch_cli *cli, cinch_run *run, cinch_measured *out);
void cinch_cli_close_measured(cinch_measured *measured);

/* CINCH_USAGE where --out is the file that holds the data. */
cinch_status cinch_cli_keep_data(const cinch_cli *cli, const char *spec);

/* The data options of a configuration. */
cinch_dataset_options cinch_cli_data_options(const cinch_config *config);

/* Rows to take: all, or --limit. */
int64_t cinch_cli_rows(const cinch_cli *cli, int64_t rows);

/* What a device is; "auto" may be asked for. */
typedef struct cinch_facts {
    char name[32], text[512];
    char no_gpu[512];        /* why "auto" took the CPU, or "" */
    const char *notice;      /* why it is slower than it could be, or NULL; a static text */
    cinch_device_memory memory;
} cinch_facts;
cinch_status cinch_cli_look_at(const char *name, int threads, cinch_facts *out);

/* Says which device "auto" takes and why, and what slows it down; to be called when no error can follow, for an error
   is one line. cli->config is made. */
void cinch_cli_tell_device(const cinch_cli *cli);
/* What the first GPU is, or why there is none, in one line. */
const char *cinch_cli_gpu(char *text, size_t size);

/* --- verb_report.c ------------------------------------------------------------------------------------------------ */

/* Writes the report and the pictures of a run folder that `train` has just left; a signal leaves out what is not yet
   written. `data` is what training has left open. */
cinch_status cinch_cli_report_trained(const cinch_cli *cli, const char *run, const cinch_open_data *data);

/* --- convert.c: rows in, rows out, in pieces ---------------------------------------------------------------------- */

typedef struct cinch_conversion {
    cinch_run *run;
    const cinch_dataset *data;
    /* `n` rows from `first`, as values; NULL: the data's. `user` is its own. */
    cinch_status (*read)(const struct cinch_conversion *c, int64_t first, int64_t n, float *values);
    const void *user;
    int64_t rows;            /* the first so many */
    cinch_shape in, out;     /* of one row; `out` as it is written */
    cinch_status (*apply)(cinch_run *run, const float *in, const int32_t *label, int64_t n, float *out);
    const int32_t *labels;   /* of the rows, or NULL */
    /* Back to the axes and scale outside, [n, out] from as many numbers; NULL: written as they are. */
    cinch_status (*restore)(const struct cinch_conversion *c, const float *values, int64_t n, float *out);
} cinch_conversion;

/* --out is there, --data too if `data`, and the file is of a kind that can be written: .npy, - or `also` (".png",
   NULL: nothing else). */
cinch_status cinch_convert_check(const cinch_cli *cli, bool data, const char *also);
/* Whether --out is a picture. */
bool cinch_convert_to_picture(const cinch_cli *cli);

/* For cinch_conversion.restore: back to what the run was trained on. */
cinch_status cinch_convert_restore(const cinch_conversion *c, const float *values, int64_t n, float *out);

/* --label as a number that the run's model knows, -1 without it. */
cinch_status cinch_convert_label(const cinch_cli *cli, const cinch_run *run, int32_t *label);

/* Converts all rows into --out, an .npy file or standard output. */
cinch_status cinch_convert_npy(const cinch_cli *cli, const cinch_conversion *c);

/* Draws the first rows into --out, with the originals above if `originals`. */
cinch_status cinch_convert_png(const cinch_cli *cli, const cinch_conversion *c, bool originals);

/* `n` rows that go into the conversion, from `first`, as values. */
cinch_status cinch_convert_read(const cinch_conversion *c, int64_t first, int64_t n, float *values);

/* What was written, on standard output (--json) or standard error. */
cinch_status cinch_convert_report(const cinch_cli *cli, int64_t rows, cinch_shape row);

#endif
