/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Training runs: a folder with config.json, parts.safetensors (which rows are for what), model.safetensors,
 * checkpoint/, metrics.jsonl and environment.json (what ran it, each time). Its report is report.h's.
 *
 *     cinch_config *c = ...;
 *     cinch_train_result result;
 *     cinch_train(c, "runs/first", NULL, &result);
 *     cinch_run *run;
 *     cinch_run_open(&run, "runs/first", NULL);
 *     cinch_evaluation e;
 *     cinch_run_evaluate(run, NULL, &e);
 *
 * A run belongs to one thread at a time.
 */
#ifndef CINCH_TRAIN_H
#define CINCH_TRAIN_H

#include <cinch/config.h>
#include <cinch/data.h>
#include <cinch/model.h>

CINCH_BEGIN

/* What is known after each logged step or epoch; NaN where a number does not exist. */
typedef struct cinch_progress {
    const char *event;       /* "start", "step", "epoch", "end", "note" */
    const char *note;        /* one line for people, or NULL */
    int64_t step, steps, epoch, epochs;
    double loss, loss_recon, loss_kl, val_loss, lr, grad_norm, samples_per_s, elapsed_s;
} cinch_progress;

/* What a run is trained and measured on, open. */
typedef struct cinch_open_data {
    cinch_dataset *data;     /* with its parts; NULL: nothing is open */
    cinch_dataset *target;   /* NULL: the data itself */
} cinch_open_data;

typedef struct cinch_train_options {
    bool overwrite;          /* removes the run that is in the folder first; files of others stay */
    bool resume;             /* goes on from the newest valid checkpoint (afresh when there is none yet);
                                CINCH_DATA where there are some and none is valid */
    void (*progress)(void *user, const cinch_progress *progress);  /* called on the training thread; may be NULL */
    void *user;
    /* Looked at after each step; when it becomes a status other than 0 (CINCH_INTERRUPTED, ...) the run is saved and
       cinch_train returns it. May be set by a signal handler. */
    const volatile int *stop;
    const char *command;     /* how this was asked for, in words for environment.json and the report; may be NULL */
    /* Not NULL: after success the data is left open here, to be given to cinch_run_open (standard input can be read
       once) and freed by the caller; else nothing is. */
    cinch_open_data *keep;
} cinch_train_options;

typedef struct cinch_train_result {
    int64_t steps, epochs;
    double loss, val_loss, best_val_loss, elapsed_s;
    int64_t best_epoch;
    int64_t parameters;
} cinch_train_result;

/* Trains as `config` says and leaves a run folder at `path`. Nothing is lost on any error: the last checkpoint stays.
   Errors: CINCH_USAGE (configuration, a folder that is not empty), CINCH_DATA, CINCH_DEVICE, CINCH_NUMERIC (a loss that
   is not finite, naming the layer), CINCH_OUTPUT, or the status in *stop. `options` and `result` may be NULL. */
CINCH_API cinch_status cinch_train(const cinch_config *config, const char *path, const cinch_train_options *options,
                                   cinch_train_result *result);

/* Whether cinch_train would begin with this folder, going by the two first of the options: CINCH_USAGE for one that is
   not empty or a run that is not to be resumed so, CINCH_DATA for none to resume. Nothing is written. */
CINCH_API cinch_status cinch_train_check(const cinch_config *config, const char *path,
                                         const cinch_train_options *options);

/* What training would take: layers, parameters and planned bytes; nothing is written. */
typedef struct cinch_dry_run {
    int64_t parameters, trainable;
    int64_t planned_bytes;   /* arena, inputs, parameters, optimiser state, resident data */
    int64_t activation_bytes; /* of the largest plan of a step: see cinch_plan_info */
    int64_t weight_bytes;
    int64_t steps_per_epoch;
    double flops_per_step;   /* of the matrix products */
} cinch_dry_run;
/* *model is handed over (cinch_model_free) for its layer summary. Errors as cinch_train's. */
CINCH_API cinch_status cinch_train_dry_run(const cinch_config *config, cinch_dry_run *out, cinch_model **model);

/* --- a finished (or stopped) run ---------------------------------------------------------------------------------- */

typedef struct cinch_run cinch_run;

typedef struct cinch_run_options {
    const char *device;      /* NULL: "auto" */
    int threads;
    int64_t batch_size;      /* 0: as in training */
    const char *precision;   /* "f32", "tf32", "bf16"; NULL: as in training. The weights are f32 in any case. */
    uint64_t seed;           /* of what evaluation draws: codes from posteriors, noise on the input */
    /* Looked at between batches; when it becomes a status other than 0 (CINCH_INTERRUPTED, ...) the call that computes
       returns it, and what it was to give is not whole. May be set by a signal handler; NULL: nothing stops it. */
    const volatile int *stop;
    cinch_open_data own;     /* the run's own data where it is open already, borrowed until cinch_run_free */
} cinch_run_options;

/* Opens a folder with config.json and model.safetensors. CINCH_DATA where they are missing or damaged. `options` may be
   NULL. The run's data need not be there. */
CINCH_API cinch_status cinch_run_open(cinch_run **out, const char *path, const cinch_run_options *options);
CINCH_API void cinch_run_free(cinch_run *run);
/* Borrowed from the run. */
CINCH_API const char *cinch_run_path(const cinch_run *run);
CINCH_API const cinch_config *cinch_run_config(const cinch_run *run);
CINCH_API const cinch_model *cinch_run_model(const cinch_run *run);
CINCH_API cinch_params *cinch_run_params(cinch_run *run);
/* A sample that comes out of the model: its range is the target's where the run has one (cinch_model_sample: of what
   goes in). */
CINCH_API cinch_sample cinch_run_output(const cinch_run *run);
/* The run's own data set (opened on first use, unless it was given; its saved parts apply). */
CINCH_API cinch_status cinch_run_dataset(cinch_run *run, cinch_dataset **borrowed);

/* How far the run in a folder has come, from the last line of its metrics.jsonl. */
typedef struct cinch_standing {
    bool ended;              /* training came to its end */
    int64_t steps, epochs;   /* 0 where there is no such file */
    double elapsed_s;        /* of training, over all times it was resumed; NaN where there is no such file */
} cinch_standing;
/* CINCH_DATA where the file is there but cannot be read. */
CINCH_API cinch_status cinch_run_standing(const char *path, cinch_standing *out);

/* Rows of a data set and what to call them. */
typedef struct cinch_run_rows {
    cinch_dataset *data;     /* borrowed */
    const char *part;        /* "test", "val", "train", "all" */
    const int32_t *index;    /* owned by the data set; NULL: the first n */
    int64_t n;
    cinch_dataset *target;   /* what to reconstruct, row by row, borrowed; NULL: the data itself */
} cinch_run_rows;

/* What is evaluated: all of `data` or, when NULL, the run's saved test part. CINCH_DATA when `data` has other samples
   than the model, CINCH_USAGE when there is no test part. */
CINCH_API cinch_status cinch_run_rows_of(cinch_run *run, cinch_dataset *data, cinch_run_rows *out);
/* The same without the run's own target, which need not be there. */
CINCH_API cinch_status cinch_run_inputs_of(cinch_run *run, cinch_dataset *data, cinch_run_rows *out);
/* The target of all rows of the run's own data set (opened on first use); NULL: the data itself. Errors: those of
   cinch_run_dataset; CINCH_DATA where the target is not there, or does not suit the data. */
CINCH_API cinch_status cinch_run_target(cinch_run *run, cinch_dataset **borrowed);

typedef struct cinch_evaluation {
    const char *part;        /* what the figures are of */
    int64_t n;
    double loss, loss_recon; /* averages a sample; NaN, as all that follow, where there is no such term */
    double loss_kl, loss_sparsity;
    double kl_share;         /* loss_kl / (|loss_recon| + loss_kl) */
    double loss_floor;       /* of bce: what perfect reconstructions of grey data would have */
    double elbo;             /* of variational models with bce or gaussian: nats a sample whatever the reduction, from
                                one draw of each posterior; loss_recon and loss_kl are of that draw, too */
    double kl_active, active; /* shares of the code's numbers in use, see cinch_model_loss */
    double noisy_mse, denoised_mse; /* of denoising models: of the input with noise, and of what becomes of it, both
                                to the clean target */
    double mse, rmse, mae;   /* over all numbers of all samples, in the model's range */
    double rel_l2;           /* mean over samples of |y - x| / |x|; samples that are zero are left out */
    double pca_mse;          /* PCA at the same latent size fitted to the training part; NaN with pca_note set */
    const char *pca_note;    /* "exact" or "randomised", or why pca_mse is missing: also where another target than the
                                data is to come out; owned by the run */
    int64_t parameters;
    const char *loss_note;   /* why loss, loss_recon and what follows from them are NaN: targets outside [0,1] for bce;
                                NULL: they are not for that */
} cinch_evaluation;

/* Evaluates the rows that cinch_run_rows_of gives for `data`. */
CINCH_API cinch_status cinch_run_evaluate(cinch_run *run, cinch_dataset *data, cinch_evaluation *out);
/* The same for fewer or other rows, at least one, of a data set that cinch_run_rows_of has accepted. */
CINCH_API cinch_status cinch_run_evaluate_rows(cinch_run *run, const cinch_run_rows *rows, cinch_evaluation *out);

/* Forward passes on host memory: x [n, sample] f32 in the model's range, code [n, code shape], any n; padded and split
   into batches inside. `label` [n] is for conditional models (CINCH_USAGE where it is missing, or beyond the model's
   classes), else NULL. A variational model's code is its mean; `logvar` (as `code`; NULL: not wanted) receives its
   log-variance and is left alone by other models. */
CINCH_API cinch_status cinch_run_encode(cinch_run *run, const float *x, const int32_t *label, int64_t n, float *code,
                                        float *logvar);
CINCH_API cinch_status cinch_run_decode(cinch_run *run, const float *code, const int32_t *label, int64_t n, float *x);
CINCH_API cinch_status cinch_run_reconstruct(cinch_run *run, const float *x, const int32_t *label, int64_t n, float *y);

/* Codes to sample from: a variational model's prior N(0, 1), or a Gaussian fitted to the codes of the training part,
   which any model has (its data must be there). */
typedef enum cinch_sampler { CINCH_SAMPLER_AUTO, CINCH_SAMPLER_PRIOR, CINCH_SAMPLER_GAUSSIAN } cinch_sampler;

typedef struct cinch_sampling {
    cinch_sampler sampler;   /* auto: the prior where there is one */
    uint64_t seed;
    int64_t first;           /* number of the first sample: samples may be drawn in pieces */
    int32_t label;           /* of a conditional model; below 0: all labels in turn */
} cinch_sampling;

/* n codes [n, code shape], and n samples [n, sample] in the model's range. The same seed gives the same ones.
   CINCH_USAGE for a prior that the model has not, or a label that it does not know. */
CINCH_API cinch_status cinch_run_draw_codes(cinch_run *run, const cinch_sampling *sampling, int64_t n, float *code);
CINCH_API cinch_status cinch_run_sample(cinch_run *run, const cinch_sampling *sampling, int64_t n, float *x);

/* n draws from the posteriors that cinch_run_encode gave: mean + exp(logvar / 2) noise, all [n, code shape]; `code` is
   neither of the others. Of `sampling`, seed and first count. CINCH_USAGE for a model that is not variational. */
CINCH_API cinch_status cinch_run_draw_posterior(cinch_run *run, const cinch_sampling *sampling, const float *mean,
                                                const float *logvar, int64_t n, float *code);

typedef enum cinch_path { CINCH_PATH_LINEAR, CINCH_PATH_SLERP } cinch_path;

/* Decodes `points` (at least 2) codes from that of x[0] to that of x[1], x [2, sample], into y [points, sample]; slerp
   goes along the great circle. `label` [2] is for conditional models: the first one's is taken all the way. */
CINCH_API cinch_status cinch_run_interpolate(cinch_run *run, const float *x, const int32_t *label, cinch_path path,
                                             int64_t points, float *y);

/* Values [n, sample] in the model's range back to the scale and axes that the training data has in its container
   (cinch_run_source_shape), without needing that data. `out` is not `values`. */
CINCH_API cinch_shape cinch_run_source_shape(const cinch_run *run);
CINCH_API cinch_status cinch_run_restore(cinch_run *run, const float *values, int64_t n, float *out);

/* --- benchmarks --------------------------------------------------------------------------------------------------- */

typedef struct cinch_bench {
    const char *workload;
    int64_t batch_size;
    int threads;
    double step_ms, step_ms_min, step_ms_max;  /* step_ms is the median */
    double samples_per_s, first_step_ms, flops_per_step, share_of_peak;
    int64_t peak_bytes;      /* largest resident size less that after start-up; on a GPU the most memory that was
                                allocated there, less the samples */
    int64_t activation_bytes, weight_bytes;    /* planned: see cinch_plan_info */
    double loss_first, loss_last;
    double losses[20];       /* of steps 1 to 20, each before its update */
    int n_losses;
} cinch_bench;

typedef struct cinch_bench_options {
    const char *device;
    int threads;
    int64_t batch_size;      /* 0: the workload's */
    int64_t steps;           /* timed; 0: enough for about five seconds. On a GPU each is the average of ten steps,
                                which it runs without the host waiting in between. */
    const char *weights;     /* initial weights from a safetensors file; NULL: fresh ones */
    const char *data;        /* samples from an .npy file, batch after batch, again and again; NULL: random ones */
    cinch_precision precision;
} cinch_bench_options;

/* Whole training steps of a workload of the benchmark set ("dense"), on data that is on the device: step 1 is timed
   alone, steps 2 to 20 are not, then come the timed ones. CINCH_USAGE for an unknown workload, naming the nearest. */
CINCH_API cinch_status cinch_bench_train(const char *workload, const cinch_bench_options *options, cinch_bench *out);

typedef struct cinch_peak {
    int threads;
    double fma_gflops;       /* fused multiply-adds in registers, 1e9 a second */
    double sgemm_gflops;     /* a square matrix product */
    double triad_gbytes;     /* a = b + s c in memory: 12 bytes an element */
} cinch_peak;
/* What the machine can do with `threads` threads (0: default). */
CINCH_API cinch_status cinch_bench_peak(int threads, cinch_peak *out);

CINCH_END

#endif
