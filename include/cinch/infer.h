/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serving: a trained model behind five calls, on the caller's memory. All that a call needs is taken when the handle is
 * opened; no call allocates memory, on the host or on the device, starts a thread or opens a file.
 *
 *     cinch_infer *model;
 *     cinch_infer_options options = {.device = "cpu", .max_batch = 64};
 *     if (cinch_infer_open(&model, "runs/first", &options)) puts(cinch_last_error());
 *     const cinch_infer_info *info = cinch_infer_describe(model);     // 784 numbers a sample, 64 a code
 *     float x[784], code[64], y[784], error;
 *     ...
 *     cinch_infer_encode(model, x, NULL, 1, code, NULL);
 *     cinch_infer_decode(model, code, NULL, 1, y);
 *     cinch_infer_score(model, x, NULL, 1, &error);
 *     cinch_infer_close(model);
 *
 * Samples are f32 [n, sample], one after another, channels last, in the range that the model was trained on: what goes
 * in info->low to info->high, what comes out info->output_low to info->output_high, which differ where the model was
 * trained to give another target than its input; for data that came as integers value = raw * info->scale +
 * info->offset, in and out. Codes are f32 [n, code]. n is 1 to max_batch; a call computes with the smallest of 1, 8, 64
 * and max_batch samples that n fits in. Labels are i32 [n], for conditional models (info->classes > 0); others leave
 * them alone. Where n is larger, where a pointer is NULL that may not be, or where labels are missing or unknown to the
 * model, a call is CINCH_USAGE and writes nothing.
 *
 * On the CPU in f32 what becomes of a sample is the same, to the byte, in whatever company: it does not depend on n, on
 * the other samples, on the number of threads or on the handle; and it is what `cinch encode`, `decode` and
 * `reconstruct` write. On a GPU the last bits may differ between batches of different sizes.
 *
 * Threads: a handle belongs to one thread at a time. For several threads, give each a handle of its own by
 * cinch_infer_share: they work side by side, on one copy of the weights.
 *
 *     cinch_infer *mine;                      // in each thread, while `model` is open; or beforehand, for each of them
 *     cinch_infer_share(&mine, model);
 *     ...
 *     cinch_infer_close(mine);                // in any order
 *
 * A handle also has its own CPU threads, which split the work of one call: with as many handles as processors, open
 * with options.threads = 1.
 */
#ifndef CINCH_INFER_H
#define CINCH_INFER_H

#include <cinch/model.h>
#include <cinch/plan.h>

CINCH_BEGIN

typedef struct cinch_infer cinch_infer;

typedef struct cinch_infer_options {
    const char *device;      /* as cinch_device_open's; NULL: "auto" */
    int threads;             /* CPU threads of a handle; 0: all this process may use */
    bool keep_blas_threads;  /* see cinch_device_options */
    int64_t max_batch;       /* most samples of a call; 0: 64 */
    const char *precision;   /* "f32", "tf32", "bf16"; NULL: as the run was trained, f32 without a config.json */
} cinch_infer_options;

/* Opens a run folder: model.safetensors (parameters under PyTorch's names, in its layouts) and config.json, which may
   be missing where the metadata of model.safetensors hold cinch.model and cinch.sample, as cinch writes them. Without
   these metadata config.json must say model.input_size and model.output_activation. Or opens a model.safetensors
   itself. The run's data and its other files need not be there. `options` may be NULL.
   Errors: CINCH_DATA for files that are missing, truncated, malformed or do not fit each other; CINCH_USAGE for the
   options; CINCH_DEVICE for the device, or where memory is short, on the host or there. Thread-safe. */
CINCH_API cinch_status cinch_infer_open(cinch_infer **out, const char *path, const cinch_infer_options *options);

/* The same from a whole model.safetensors in memory, with cinch's metadata; `bytes` may be freed afterwards. */
CINCH_API cinch_status cinch_infer_open_memory(cinch_infer **out, const void *bytes, size_t size,
                                               const cinch_infer_options *options);

/* Another handle on the same weights, device, max_batch and precision, with its own threads, plans and buffers. Any
   thread may call it while `handle` is open and in use. Errors: CINCH_DEVICE as above. */
CINCH_API cinch_status cinch_infer_share(cinch_infer **out, const cinch_infer *handle);

/* NULL is fine. The weights go with the last handle on them; so does the device of the one that was opened first. */
CINCH_API void cinch_infer_close(cinch_infer *handle);

typedef struct cinch_infer_info {
    const char *model;       /* its family: "dense", "vae" */
    const char *device;      /* "cpu", "cuda:0" */
    cinch_precision precision;
    cinch_shape sample, code;
    int64_t sample_size, code_size; /* numbers of one sample, of one code */
    double low, high;        /* of samples that go in; equal: no bounds are known */
    double scale, offset;    /* value = raw * scale + offset, of the training data and its target */
    bool variational;        /* codes have a log-variance, and there is a prior to sample from */
    int32_t classes;         /* labels of a conditional model are 0 to classes - 1; 0: there are none */
    int64_t max_batch;
    int64_t parameters;
    double output_low, output_high; /* of samples that come out; equal: no bounds are known */
} cinch_infer_info;

/* Owned by the handle. Any thread may call it. */
CINCH_API const cinch_infer_info *cinch_infer_describe(const cinch_infer *handle);

/* Samples x to codes. A variational model's code is the mean of its posterior; `logvar` (as `code`; NULL: not wanted)
   receives the log-variance and is left alone by other models. */
CINCH_API cinch_status cinch_infer_encode(cinch_infer *handle, const float *x, const int32_t *label, int64_t n,
                                          float *code, float *logvar);

/* Codes to samples x. */
CINCH_API cinch_status cinch_infer_decode(cinch_infer *handle, const float *code, const int32_t *label, int64_t n,
                                          float *x);

/* Samples x to what the model makes of their codes, y [n, sample]; `y` may be `x`. */
CINCH_API cinch_status cinch_infer_reconstruct(cinch_infer *handle, const float *x, const int32_t *label, int64_t n,
                                               float *y);

/* The error of each sample's reconstruction: the mean over its numbers of (x - y)^2, summed in double, into error [n].
   High where a sample is not like those that the model was trained on. */
CINCH_API cinch_status cinch_infer_score(cinch_infer *handle, const float *x, const int32_t *label, int64_t n,
                                         float *error);

/* n samples of a variational model, from codes drawn from N(0, 1), into x; the samples are numbered, and those of
   number first, first + 1, ... are the same for the same seed however they are split into calls: those of
   `cinch sample`. `label` NULL: all labels in turn, by number. CINCH_USAGE, besides the above, for a model without a
   prior and for a number of a sample beyond 0 to 2^31 - 1. */
CINCH_API cinch_status cinch_infer_sample(cinch_infer *handle, uint64_t seed, int64_t first, const int32_t *label,
                                          int64_t n, float *x);

/* --- how long it takes -------------------------------------------------------------------------------------------- */

typedef struct cinch_infer_bench_options {
    cinch_infer_options infer;  /* max_batch is the batch size; 0: 1 */
    int64_t calls;           /* timed; 0: enough for about two seconds */
    const char *weights;     /* of a workload: a safetensors file; NULL: fresh ones */
    const char *data;        /* samples to reconstruct in turn, from an .npy file of f32; NULL: random ones */
} cinch_infer_bench_options;

typedef struct cinch_infer_bench {
    char device[32];         /* "cpu", "cuda:0" */
    int threads;             /* of the CPU */
    cinch_precision precision;
    int64_t batch_size, calls;
    double min_us, p50_us, p90_us, p99_us, max_us;  /* of one call of cinch_infer_reconstruct, samples in and out */
    double samples_per_s;    /* of the median */
    double open_ms;          /* of cinch_infer_open, warm-up included */
    double error;            /* mean of cinch_infer_score over the data: to compare with others that run the model */
} cinch_infer_bench;

/* Latency of reconstruct, of a run folder or model.safetensors (where there is one of that name, or it has a slash) or
   else of a workload of the benchmark set ("dense"). Errors: as cinch_infer_open's; CINCH_USAGE for an unknown
   workload, naming the nearest, and for options; CINCH_DATA for data of another shape or without a whole batch.
   `options` may be NULL. */
CINCH_API cinch_status cinch_bench_infer(const char *what, const cinch_infer_bench_options *options,
                                         cinch_infer_bench *out);

CINCH_END

#endif
