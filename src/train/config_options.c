/* SPDX-License-Identifier: Apache-2.0 */
#include "train/config_options.h"

#include <math.h>
#include <string.h>

enum { BATCH_LIMIT = 1 << 24 };
static const double steps_limit = 1e15; /* such counts are exact in a double */

#define DATA(kind, name, field, ...) CINCH_OPTION("data", name, kind, cinch_settings, data.field, __VA_ARGS__)
static const cinch_option data_rows[] = {
    DATA(STRING, "spec", public.spec, "shapes", "where data comes from, [FORMAT+]PATH[:MEMBER]; shapes: generated "
         "pictures", .flag = "--data"),
    DATA(STRING, "val_spec", public.val_spec, NULL, "validation data; else a part of the data", .flag = "--val-data"),
    DATA(STRING, "target", public.target, NULL, "what to reconstruct instead of the data: as many rows, of the same "
         "shape; clean pairs, say", .flag = "--target"),
    DATA(STRING, "layout", public.layout, NULL, "axes of array input, never guessed when both fit",
         .choices = "channels_last channels_first"),
    DATA(NUMBERS, "split", public.split, "0.8,0.1,0.1", "shares of train, validation and test; a container's own test "
         "part stays", .count = 3, .high = INFINITY),
    DATA(STRING, "range", range, "0:1", "integer images become floats from LOW to HIGH (LOW:HIGH); none: they stay"),
    DATA(ENUM, "nan", nan, "error", "values that are not finite (nan, inf); error: such data is refused; keep: they "
         "stay, and nan comes out where nan went in", .choices = "error keep", .later = true),
    DATA(INT64, "limit", public.limit, "0", "take only the first so many samples; 0: all", .high = steps_limit,
         .flag = "--limit"),
    DATA(BOOL, "shuffle", public.shuffle, "true", "another order in each epoch", .flag = "--no-shuffle"),
    DATA(ENUM, "resident", resident, "auto", "auto: data that fits lives on the device; never: it is streamed",
         .choices = "auto never"),
    {0}};

#define LOSS(kind, name, field, ...) CINCH_OPTION("loss", name, kind, cinch_settings, loss.field, __VA_ARGS__)
static const cinch_option loss_rows[] = {
    LOSS(STRING, "name", public.name, "auto", "of the reconstruction; auto: mse, of variational models with a sigmoid "
         "bce_logits; bce and bce_logits want targets in [0,1]; gaussian: likelihood under a learned deviation",
         .choices = "auto mse l1 huber bce bce_logits relative_l2 gaussian",
         .flag = "--loss"),
    LOSS(ENUM, "reduction", reduction, "auto", "mean: over all elements; batchmean: summed per sample, averaged over "
         "the batch; sum; auto: batchmean for variational models, else mean; none: the elements' own losses, which "
         "training refuses, for it wants one number", .choices = "auto mean batchmean sum none"),
    LOSS(NUMBER, "delta", public.delta, "1", "where huber turns from square to line",
         .high = INFINITY, .low_open = true, .only = "huber"),
    LOSS(NUMBER, "l1", public.l1, "0", "times the sum of |w| over weights, added to the loss", .high = INFINITY),
    LOSS(NUMBER, "l2", public.l2, "0", "times the sum of w^2 over weights, added to the loss", .high = INFINITY),
    LOSS(NUMBER, "beta", public.beta, "1", "weight of the KL of variational models; above 1 samples are more typical, "
         "reconstructions less sharp", .high = INFINITY, .flag = "--beta"),
    LOSS(STRING, "anneal", public.anneal, "none", "how beta rises from 0: once, or again and again (Fu et al. 2019)",
         .choices = "none linear cyclical", .aliases = "kl_annealing"),
    LOSS(INT64, "anneal_steps", public.anneal_steps, "auto", "steps of the linear rise, or of a cycle, half of which "
         "is the rise; auto: half of training, a quarter of it", .low = 1, .high = steps_limit, .word = "auto"),
    LOSS(NUMBER, "free_bits", public.free_bits, "0", "nats of KL that each number of the code has for free "
         "(Kingma et al. 2016)", .high = INFINITY),
    LOSS(STRING, "sparsity", sparsity, "none", "of the code, KIND:WEIGHT; kl: of its mean activation to "
         "loss.sparsity_target; l1, l2: of its numbers", .flag = "--sparsity"),
    LOSS(NUMBER, "sparsity_target", public.sparsity_target, "0.05", "mean activation that sparsity kl draws to",
         .high = 1, .low_open = true, .high_open = true, .aliases = "rho"),
    {0}};

#define OPTIMIZER(kind, name, field, ...)                                                                              \
    CINCH_OPTION("optimizer", name, kind, cinch_settings, optimizer.field, __VA_ARGS__)
static const cinch_option optimizer_rows[] = {
    OPTIMIZER(ENUM, "name", kind, "adam", "the formulas are PyTorch's", .choices = "adam adamw sgd rmsprop adagrad",
              .flag = "--optimizer"),
    OPTIMIZER(NUMBER, "lr", lr, "1e-3", "learning rate", .high = INFINITY, .low_open = true, .flag = "--lr",
              .aliases = "learning_rate"),
    OPTIMIZER(NUMBER, "weight_decay", weight_decay, "auto", "of weights, not biases; auto: 0.01 for adamw, else 0",
              .high = INFINITY, .word = "auto", .word_value = -1, .flag = "--weight-decay"),
    OPTIMIZER(NUMBER, "momentum", momentum, "0", "of sgd and rmsprop", .high = 1, .high_open = true,
              .only = "sgd rmsprop"),
    OPTIMIZER(BOOL, "nesterov", nesterov, "false", "Nesterov's momentum", .only = "sgd"),
    OPTIMIZER(BOOL, "centred", centred, "false", "subtract the mean gradient's square", .only = "rmsprop",
              .aliases = "centered"),
    OPTIMIZER(NUMBER, "beta1", beta1, "0.9", "decay of the mean gradient", .high = 1, .low_open = true,
              .high_open = true, .only = "adam adamw"),
    OPTIMIZER(NUMBER, "beta2", beta2, "0.999", "decay of the mean squared gradient", .high = 1, .low_open = true,
              .high_open = true, .only = "adam adamw"),
    OPTIMIZER(NUMBER, "alpha", alpha, "0.99", "decay of the mean squared gradient", .high = 1, .low_open = true,
              .high_open = true, .only = "rmsprop"),
    OPTIMIZER(NUMBER, "eps", eps, "auto", "added to the denominator; auto: 1e-8, adagrad 1e-10", .high = 1,
              .low_open = true, .word = "auto", .only = "adam adamw rmsprop adagrad"),
    OPTIMIZER(NUMBER, "clip", clip, "0", "largest global norm of the gradient; 0: any", .high = INFINITY,
              .flag = "--grad-clip"),
    OPTIMIZER(NUMBER, "ema", ema, "0", "decay of averaged weights, which are then the model's; 0: none", .high = 1,
              .high_open = true),
    {0}};

#define SCHEDULE(kind, name, field, ...)                                                                               \
    CINCH_OPTION("schedule", name, kind, cinch_settings, schedule.field, __VA_ARGS__)
static const cinch_option schedule_rows[] = {
    SCHEDULE(STRING, "name", name, "constant", "of the learning rate", .choices = "constant step exponential cosine "
             "linear plateau"),
    SCHEDULE(INT64, "warmup_steps", warmup_steps, "0", "steps of a linear rise at the start", .high = steps_limit),
    SCHEDULE(NUMBER, "factor", factor, "auto", "of each drop; exponential drops every epoch; auto: 0.1, exponential "
             "0.95", .high = 1, .low_open = true, .word = "auto", .only = "step exponential plateau"),
    SCHEDULE(INT64, "every", every, "10", "step: epochs between drops; plateau: epochs without a better validation "
             "loss", .low = 1, .high = steps_limit, .only = "step plateau"),
    SCHEDULE(NUMBER, "min_lr", min_lr, "0", "never lower than this", .high = INFINITY),
    {0}};

#define TRAIN(kind, name, field, ...) CINCH_OPTION("train", name, kind, cinch_settings, train.field, __VA_ARGS__)
static const cinch_option train_rows[] = {
    TRAIN(INT64, "epochs", public.epochs, "auto", "passes over the training part; auto: 10, or max_steps alone decides",
          .low = 1, .high = steps_limit, .word = "auto", .flag = "--epochs", .may_change = true),
    TRAIN(INT64, "max_steps", public.max_steps, "0", "stop after so many updates; 0: epochs alone decides",
          .high = steps_limit, .flag = "--max-steps", .may_change = true),
    TRAIN(INT64, "batch_size", public.batch_size, "128", "samples a batch", .low = 1, .high = BATCH_LIMIT,
          .flag = "--batch-size"),
    TRAIN(INT64, "accumulate", public.accumulate, "1", "batches an update", .low = 1, .high = BATCH_LIMIT),
    TRAIN(INT64, "patience", public.patience, "0", "stop after so many epochs without a better validation loss; 0: "
          "never", .high = steps_limit, .flag = "--patience"),
    TRAIN(BOOL, "restore_best", public.restore_best, "true", "the weights of the best epoch are the model's"),
    TRAIN(INT64, "seed", public.seed, "0", "of everything random", .high = 0x1p63, .flag = "--seed"),
    TRAIN(ENUM, "precision", public.precision, "f32", "of matrix products and activations; tf32: products on a GPU "
          "round their operands; bf16: activations take half the memory, weights stay f32",
          .choices = CINCH_PRECISION_NAMES, .flag = "--precision"),
    TRAIN(STRING, "device", public.device, "auto", "auto, cpu, cuda or cuda:N", .flag = "--device", .may_change = true),
    TRAIN(INT, "threads", public.threads, "auto", "CPU threads; auto: as many as this process may use", .low = 1,
          .high = 4096, .word = "auto", .flag = "--threads", .may_change = true),
    TRAIN(STRING, "from_weights", public.from_weights, NULL, "start from this safetensors file",
          .flag = "--from-weights"),
    TRAIN(BOOL, "partial", public.partial, "false", "from_weights may lack parameters", .flag = "--partial"),
    TRAIN(STRING, "checkpoint_every", checkpoint_every, "1e", "1e: epoch, 500s: steps, 10m: minutes, 2h: hours; none: "
          "at the end only", .flag = "--checkpoint-every"),
    TRAIN(INT64, "log_every", public.log_every, "50", "steps between lines of the log; 0: epochs only",
          .high = steps_limit, .flag = "--log-every", .may_change = true),
    TRAIN(SECONDS, "time_limit", public.time_limit, "0", "save and stop after 90s, 10m, 2h; 0: never", .high = INFINITY,
          .flag = "--time-limit", .may_change = true),
    TRAIN(STRING, "on_nonfinite", public.on_nonfinite, "stop", "a step whose loss or gradient is not finite: stop and "
          "name the layer, or skip it", .choices = "stop skip"),
    TRAIN(BOOL, "report", public.report, "true", "`cinch train` makes report.html and the pictures at its end",
          .may_change = true),
    {0}};

const cinch_section cinch_sections[CINCH_SECTIONS] = {
    {"data", data_rows}, {"loss", loss_rows}, {"optimizer", optimizer_rows}, {"schedule", schedule_rows},
    {"train", train_rows}};

const cinch_section *cinch_section_find(const char *name)
{
    for (int i = 0; i < CINCH_SECTIONS; i++)
        if (!strcmp(cinch_sections[i].name, name)) return &cinch_sections[i];
    return NULL;
}
