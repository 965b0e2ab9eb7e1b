/* SPDX-License-Identifier: Apache-2.0 */
/* The table of verbs. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#define SPEC_TEXT                                                                                                      \
    "SPEC is [FORMAT+]PATH: a folder laid out like MNIST, an IDX file (plain or .gz), an .npy file,\n"                 \
    "npy+- for standard input, or shapes, generated pictures.\n"

static const cinch_verb verbs[] = {
    {"train", "train an autoencoder and leave a run folder", NULL, 0, CINCH_KEYS_ALL,
     "[--model NAME] [--data SPEC] --out RUN | --resume RUN | --dry-run",
     "Trains on the training part of the data and leaves a run folder: config.json, model.safetensors\n"
     "(PyTorch's names), checkpoint/, metrics.jsonl and pictures. Ctrl-C saves; --resume goes on.\n" SPEC_TEXT
     "Each flag is shorthand for a key; `cinch config` lists all keys, --set reaches those without a flag.\n",
     "  cinch train --model dense --data /usr/share/datasets/fashion-mnist --epochs 10 --out runs/first\n"
     "  cinch train --resume runs/first --epochs 20\n"
     "  cinch train --data x.npy --hidden-sizes 512,256 --latent-dim 32 --set schedule.name=cosine --out runs/second\n",
     cinch_verb_train},
    {"eval", "measure how well a run reconstructs", "RUN", 1, CINCH_KEYS_TARGET,
     "RUN [--data SPEC [--target SPEC]] [--json]",
     "Errors of the reconstruction, beside those of PCA with as many components: of the run's test part,\n"
     "or of all rows of other data. A run that was trained with --target wants one for other data too, or\n"
     "--set data.target= to be compared with the data itself.\n" SPEC_TEXT,
     "  cinch eval runs/first --json\n", cinch_verb_eval},
    {"encode", "turn data into codes", "RUN", 1, CINCH_KEYS_DATA, "RUN --data SPEC --out z.npy|z.npz",
     "Writes one code a row; into an .npz the mean mu and the log-variance logvar of a variational model's.\n"
     SPEC_TEXT,
     "  cinch encode runs/first --data images.npy --out codes.npy\n"
     "  cinch encode runs/vae --data images.npy --posterior sample --seed 1 --out codes.npz\n", cinch_verb_encode},
    {"decode", "turn codes into data", "RUN", 1, CINCH_KEYS_COMMON, "RUN --data z.npy --out x.npy|x.png",
     "Writes what the decoder makes of each code, scaled back and in the axes of the data that the run\n"
     "was trained on.\n",
     "  cinch decode runs/first --data codes.npy --out decoded.npy\n", cinch_verb_decode},
    {"reconstruct", "encode and decode data", "RUN", 1, CINCH_KEYS_DATA, "RUN --data SPEC --out x.npy|x.png",
     "Writes the reconstruction of each row, scaled back and in the data's axes; a picture shows the\n"
     "originals above.\n"
     SPEC_TEXT,
     "  cinch reconstruct runs/first --data images.npy --limit 32 --out pairs.png\n", cinch_verb_reconstruct},
    {"sample", "draw new samples", "RUN", 1, CINCH_KEYS_COMMON, "RUN --out x.npy|x.png [--num-samples N] [--label K]",
     "Decodes codes that are drawn from a variational model's prior, or from a Gaussian fitted to the codes of\n"
     "the training part, so that a plain autoencoder samples too.\n",
     "  cinch sample runs/vae --num-samples 64 --seed 1 --out samples.png\n"
     "  cinch sample runs/first --sampler gaussian --out samples.npy\n", cinch_verb_sample},
    {"interpolate", "walk from one sample to another", "RUN", 1, CINCH_KEYS_DATA,
     "RUN [--data SPEC] --from I --to J --out x.png|x.npy",
     "Decodes the codes on the way from row I's to row J's, of the run's test part or of other data.\n" SPEC_TEXT,
     "  cinch interpolate runs/vae --from 0 --to 7 --num-points 10 --path slerp --out path.png\n",
     cinch_verb_interpolate},
    {"compare", "put runs side by side: errors, PCA, time, pictures", "RUN|CONFIG.json", CINCH_OPERANDS_ANY,
     CINCH_KEYS_ALL, "RUN|CONFIG.json... [--out FOLDER] [--data SPEC] [--json]",
     "One table of what each RUN is and how well it reconstructs the test part, beside PCA with as many\n"
     "components. Each CONFIG.json is trained first, in a run folder of its name in FOLDER; one that is there\n"
     "already is taken up. FOLDER also gets compare.json and compare.png: the same samples, and what each makes\n"
     "of them. --data, --limit and data.* are what RUNs are measured on, as for eval, and what CONFIGs are\n"
     "trained on, as for train, as are all flags of train.\n" SPEC_TEXT,
     "  cinch compare runs/first runs/second --out compared\n"
     "  cinch config --model vae --latent-dim 32 --json > vae.json\n"
     "  cinch compare runs/first vae.json --epochs 20 --out compared\n", cinch_verb_compare},
    {"report", "make a run's report anew", "RUN", 1, CINCH_KEYS_COMMON, "RUN [--limit N] [--json]",
     "Writes RUN/report.html and the run's pictures, as train does at its end: figures beside PCA's, losses,\n"
     "reconstructions, errors, codes, samples, layers, data, environment. The page needs no network. The run's\n"
     "data must be there; the first 20,000 rows of its test part, or --limit of them, are looked at.\n",
     "  cinch report runs/first\n", cinch_verb_report},
    {"inspect", "show what a run, a file or data holds", "RUN|FILE|DATA", 1, CINCH_KEYS_DATA,
     "RUN|FILE|DATA [--json]",
     "Of a run: its layers and tensors; of a safetensors file: names, types, shapes, sizes and metadata;\n"
     "of data: shape, type, range and missing values.\n",
     "  cinch inspect runs/first\n"
     "  cinch inspect runs/first/model.safetensors --json\n"
     "  cinch inspect /usr/share/datasets/fashion-mnist\n", cinch_verb_inspect},
    {"models", "list the model families, their options and defaults", NULL, 0, CINCH_KEYS_COMMON, "[--json]",
     "Every option is a key (model.KEY) and, where one is shown, a flag of train.\n",
     "  cinch models\n", cinch_verb_models},
    {"config", "print a complete configuration", NULL, 0, CINCH_KEYS_ALL, "[--model NAME] [--json]",
     "Prints every key with its value and meaning; with --json, what `train --config FILE` takes. All flags\n"
     "of train set keys here too.\n",
     "  cinch config --model dense\n"
     "  cinch config --model dense --lr 3e-4 --json > mine.json && cinch train --config mine.json --out runs/mine\n",
     cinch_verb_config},
    {"devices", "list what can compute, and why a GPU cannot", NULL, 0, CINCH_KEYS_COMMON, "[--json]",
     "The CPU with its kernel set, threads and OpenBLAS core, and whether a GPU is usable.\n",
     "  cinch devices\n", cinch_verb_devices},
    {"bench", "time training steps, serving, single operations or the machine",
     "train WORKLOAD, infer RUN, ops or peak", 2, CINCH_KEYS_COMMON,
     "train WORKLOAD | infer RUN|WORKLOAD | ops [OP] | peak  [--json]",
     "train WORKLOAD: whole training steps on data in memory (dense: 784-512-256-64 and back, Adam).\n"
     "infer RUN|WORKLOAD: latency of one reconstruction of --batch-size samples (default 1) through\n"
     "infer.h, by a run, a model.safetensors or a workload.\n"
     "ops: single operations, or one of them, by the program cinch-bench-ops that is built with the tests.\n"
     "peak: what the machine can do: multiply-adds, a large product, memory bandwidth.\n",
     "  cinch bench train dense --batch-size 64 --json\n"
     "  cinch bench infer runs/first --threads 1 --json\n"
     "  cinch bench peak\n", cinch_verb_bench}};
enum { VERBS = sizeof verbs / sizeof *verbs };

const cinch_verb *cinch_verb_at(int index) { return index >= 0 && index < VERBS ? &verbs[index] : NULL; }

static cinch_status fail_verb(const char *name)
{
    const char *names[VERBS];
    char list[256];
    size_t at = 0;
    for (int i = 0; i < VERBS; i++) {
        names[i] = verbs[i].name;
        at += (size_t)snprintf(list + at, sizeof list - at, i ? " %s" : "%s", names[i]);
    }
    static const char *const flags[] = {"help", "version"};
    const char *flag = *name == '-' ? cinch_nearest(name + strspn(name, "-"), flags, 2) : NULL;
    if (flag) return cinch_cli_fail(CINCH_USAGE, "%s: unknown flag; did you mean --%s?", name, flag);
    if (*name == '-')
        return cinch_cli_fail(CINCH_USAGE, "%s: a verb comes first; usage: cinch VERB [...] (%s)", name, list);
    if (!strcmp(name, "version")) return cinch_cli_fail(CINCH_USAGE, "version: is a flag: cinch --version");
    const char *near = cinch_nearest(name, names, VERBS);
    if (near) return cinch_cli_fail(CINCH_USAGE, "%s: unknown verb; did you mean %s? (%s)", name, near, list);
    return cinch_cli_fail(CINCH_USAGE, "%s: unknown verb; one of: %s", name, list);
}

cinch_status cinch_verb_find(const char *name, const cinch_verb **out)
{
    for (int i = 0; i < VERBS; i++)
        if (!strcmp(verbs[i].name, name)) return *out = &verbs[i], CINCH_OK;
    return fail_verb(name);
}
