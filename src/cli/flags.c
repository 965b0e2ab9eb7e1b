/* SPDX-License-Identifier: Apache-2.0 */
/* The flags: the command's own stand in a table here, all others are options of the configuration. */
#include "cli/cli.h"

#include <string.h>

enum { NAMES_MAX = 256 };

#define FLAG(verbs, name, value, field, help) {verbs, name, value, help, offsetof(cinch_cli, field)}
static const cinch_flag flags[] = {
    FLAG("train", "--out", "RUN", out, "the run folder, to be made"),
    FLAG("train", "--resume", "RUN", resume, "go on with a run that was stopped, or train a finished one longer"),
    FLAG("train", "--overwrite", NULL, overwrite, "remove the run that is in the folder first; other files stay"),
    FLAG("train", "--dry-run", NULL, dry_run, "say what training would take and write nothing"),
    FLAG("compare", "--out", "FOLDER", out, "gets compare.png, compare.json and the runs of configurations"),
    FLAG("compare", "--overwrite", NULL, overwrite, "train configurations anew; the runs in their folders are removed "
         "first"),
    FLAG("encode", "--out", "FILE", out, "z.npy: codes, [rows, code] (- is standard output); z.npz, of a variational "
         "model: mu and logvar"),
    FLAG("encode", "--posterior", "NAME", posterior, "what a variational model's code is: its mean, or a sample, which "
         "--seed decides and an .npz holds as z; default mean"),
    FLAG("decode reconstruct", "--out", "FILE", out, "x.npy: all rows, scaled back and in the data's axes (- is "
         "standard output); x.png: a picture"),
    FLAG("sample interpolate", "--out", "FILE", out, "x.npy: scaled back and in the axes of the data that the run was "
         "trained on (- is standard output); x.png: a picture"),
    FLAG("sample", "--num-samples", "N", num_samples, "how many; default 64"),
    FLAG("sample", "--sampler", "NAME", sampler, "prior: of a variational model; gaussian: fitted to the codes of the "
         "training part; default: the prior where there is one"),
    FLAG("sample decode", "--label", "K", label, "of a conditional model; sample without it takes all in turn"),
    FLAG("interpolate", "--from", "I", from, "number of the row to start at; default 0"),
    FLAG("interpolate", "--to", "J", to, "number of the row to end at; default 1"),
    FLAG("interpolate", "--num-points", "N", num_points, "with both ends; default 10"),
    FLAG("interpolate", "--path", "NAME", path, "linear, or slerp: along the great circle; default linear"),
    FLAG("train config", "--config", "FILE.json", files, "a configuration as `cinch config --json` prints it or a run "
         "folder holds it; flags and --set win over it"),
    FLAG("train config compare eval encode reconstruct interpolate inspect", "--set", "KEY=VALUE", assignments,
         "one key; VALUE is JSON or else a string"),
    FLAG("decode", "--data", "SPEC", data, "codes, as encode writes them"),
    FLAG("bench", "--weights", "FILE", weights, "weights of a workload, safetensors with PyTorch's names"),
    FLAG("bench", "--data", "FILE.npy", data, "f32 rows to train on or to reconstruct, instead of random ones"),
    FLAG("bench", "--steps", "N", steps, "train: timed steps; default: about five seconds"),
    FLAG("bench", "--losses", NULL, losses, "train: the loss of each of the first 20 steps too"),
    FLAG("bench", "--calls", "N", calls, "infer: timed calls; default: about two seconds"),
    FLAG(NULL, "--json", NULL, json, "results as JSON on standard output"),
    FLAG(NULL, "--quiet", NULL, quiet, "nothing on standard error but errors"),
    FLAG(NULL, "--help", NULL, help, "this text")};
enum { FLAGS = sizeof flags / sizeof *flags };

static const char *const common[] = {"--device", "--precision", "--threads", "--batch-size", "--seed", "--limit"};
enum { COMMON = sizeof common / sizeof *common };

static bool listed(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; at && (at = strstr(at, word)); at += length)
        if ((at == list || at[-1] == ' ') && (at[length] == ' ' || !at[length])) return true;
    return false;
}

bool cinch_flag_at(const cinch_verb *verb, int index, const cinch_flag **out)
{
    for (int i = 0; i < FLAGS; i++) {
        if (flags[i].verbs && !listed(flags[i].verbs, verb->name)) continue;
        if (index-- > 0) continue;
        *out = &flags[i];
        return true;
    }
    return false;
}

const cinch_flag *cinch_flag_find(const cinch_verb *verb, const char *name)
{
    const cinch_flag *flag;
    if (!strcmp(name, "-h")) name = "--help";
    for (int i = 0; cinch_flag_at(verb, i, &flag); i++)
        if (!strcmp(flag->name, name)) return flag;
    return NULL;
}

/* --- options ------------------------------------------------------------------------------------------------------ */

/* Options of a family beyond those that all have. */
static bool own_option(const char *family, int index, cinch_option_info *out)
{
    int shared = 0;
    while (cinch_family_option(NULL, shared, out)) shared++;
    return cinch_family_option(family, shared + index, out);
}

/* Every option: the configuration's, then each family's own; false past the last. */
static bool option_at(int index, cinch_option_info *out)
{
    cinch_family_info family;
    int count = 0;
    if (cinch_config_option(index, out)) return true;
    while (cinch_config_option(count, out)) count++;
    index -= count;
    for (int f = 0; cinch_family(f, &family); f++) {
        for (count = 0; !family.preset_of && own_option(family.name, count, out); count++)
            if (index-- == 0) return true;
    }
    return false;
}

static bool is_common(const char *flag)
{
    for (int i = 0; i < COMMON; i++)
        if (flag && !strcmp(common[i], flag)) return true;
    return false;
}

bool cinch_flag_takes(const cinch_verb *verb, const cinch_option_info *option)
{
    if (verb->keys == CINCH_KEYS_ALL || is_common(option->flag)) return true;
    if (!strcmp(option->key, "data.target")) return verb->keys == CINCH_KEYS_TARGET;
    bool data = option->flag ? !strcmp(option->flag, "--data") : !strncmp(option->key, "data.", 5);
    return verb->keys != CINCH_KEYS_COMMON && data;
}

static bool seen_before(int index, const char *flag)
{
    cinch_option_info option;
    for (int i = 0; i < index && option_at(i, &option); i++)
        if (option.flag && !strcmp(option.flag, flag)) return true;
    return false;
}

bool cinch_flag_key_at(const cinch_verb *verb, int index, cinch_option_info *out)
{
    for (int i = 0; option_at(i, out); i++) {
        if (!out->flag || !cinch_flag_takes(verb, out) || seen_before(i, out->flag)) continue;
        if (index-- == 0) return true;
    }
    return false;
}

/* The first verb that has the flag, NULL when none has. */
static const cinch_verb *verb_with(const char *name)
{
    const cinch_verb *verb;
    cinch_option_info option;
    bool key = !strncmp(name, "--", 2) && !cinch_config_find(name, &option);
    for (int i = 0; (verb = cinch_verb_at(i)); i++)
        if (cinch_flag_find(verb, name) || (key && cinch_flag_takes(verb, &option))) return verb;
    return NULL;
}

/* All begin with "--", which makes none of them nearer. */
static const char *nearest_flag(const cinch_verb *verb, const char *name)
{
    const char *names[NAMES_MAX];
    const cinch_flag *flag;
    cinch_option_info option;
    int n = 0;
    for (int i = 0; n < NAMES_MAX && cinch_flag_at(verb, i, &flag); i++) names[n++] = flag->name + 2;
    for (int i = 0; n < NAMES_MAX && cinch_flag_key_at(verb, i, &option); i++) names[n++] = option.flag + 2;
    return cinch_nearest(name + strspn(name, "-"), names, n);
}

cinch_status cinch_flag_unknown(const cinch_verb *verb, const char *name)
{
    const cinch_verb *other = verb_with(name);
    if (other)
        return cinch_cli_fail(CINCH_USAGE, "%s: %s does not take it, %s does", name, verb->name, other->name);
    if (!strcmp(name, "--version")) return cinch_cli_fail(CINCH_USAGE, "--version: stands alone: cinch --version");
    const char *near = nearest_flag(verb, name);
    if (near)
        return cinch_cli_fail(CINCH_USAGE, "%s: unknown flag of %s; did you mean --%s?", name, verb->name, near);
    return cinch_cli_fail(CINCH_USAGE, "%s: unknown flag; `cinch %s --help` lists the flags", name, verb->name);
}
