/* SPDX-License-Identifier: Apache-2.0 */
/* A conditional VAE draws garments of the class asked for, as a linear classifier trained on real ones sees it. */
#include "train_runs.h"

#include <cinch/ops.h>
#include <cinch/plan.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends.h"

TestSuite(train_vae_labels, .fini = remove_runs);

#define FASHION "/usr/share/datasets/fashion-mnist"
enum { PIXELS = 784, CLASSES = 10, ROWS = 20000, BATCH = 200, EPOCHS = 5, SAMPLES = 1000 };

/* --- softmax regression on real pictures -------------------------------------------------------------------------- */

typedef struct classifier {
    cinch_device *device;
    cinch_params *params;
    cinch_plan *learn, *judge;
} classifier;

static const cinch_optimizer adam = {.kind = CINCH_ADAM, .lr = 2e-3, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};

static cinch_value write_scores(classifier *c, cinch_graph *g)
{
    cinch_value x = cinch_input(g, "x", CINCH_F32, CINCH_SHAPE(BATCH, PIXELS));
    cinch_value w = cinch_param(g, c->params, "weight", CINCH_SHAPE(CLASSES, PIXELS), NULL);
    cinch_value b = cinch_param(g, c->params, "bias", CINCH_SHAPE(CLASSES), NULL);
    return cinch_linear(g, x, w, b);
}

static void make_classifier(classifier *c)
{
    cinch_graph *learn, *judge;
    OK(cinch_device_open(&c->device, backends_device(), NULL));
    OK(cinch_params_create(&c->params));
    OK(cinch_graph_create(&learn));
    OK(cinch_graph_create(&judge));
    cinch_value label = cinch_input(learn, "label", CINCH_I32, CINCH_SHAPE(BATCH));
    cinch_value loss = cinch_loss_cross_entropy(learn, write_scores(c, learn), label, CINCH_MEAN);
    cinch_update(learn, c->params, loss, cinch_gradients(learn, c->params, loss), &adam);
    cinch_output(judge, "class", cinch_argmax(judge, write_scores(c, judge), 1, false));
    OK(cinch_graph_status(learn));
    OK(cinch_graph_status(judge));
    OK(cinch_params_allocate(c->params, c->device, 0));
    OK(cinch_plan_create(&c->learn, learn, c->device, c->params, NULL));
    OK(cinch_plan_create(&c->judge, judge, c->device, c->params, NULL));
    cinch_graph_free(learn);
    cinch_graph_free(judge);
}

static void free_classifier(classifier *c)
{
    cinch_plan_free(c->learn);
    cinch_plan_free(c->judge);
    cinch_params_free(c->params);
    cinch_device_free(c->device);
}

static void learn(classifier *c, cinch_dataset *data)
{
    static float x[BATCH * PIXELS];
    float hyper[64];
    int32_t rows[BATCH], labels[BATCH];
    for (int step = 0; step < EPOCHS * ROWS / BATCH; step++) {
        for (int i = 0; i < BATCH; i++) {
            rows[i] = (int32_t)((step * BATCH + i) % ROWS);
            labels[i] = cinch_dataset_labels(data)[rows[i]];
        }
        OK(cinch_dataset_gather_float(data, rows, BATCH, x));
        OK(cinch_plan_write(c->learn, "x", x, sizeof x));
        OK(cinch_plan_write(c->learn, "label", labels, sizeof labels));
        cinch_optimizer_hyper(&adam, adam.lr, step + 1, NULL, hyper);
        OK(cinch_plan_control(c->learn, "hyper", hyper, sizeof hyper));
        OK(cinch_plan_run(c->learn));
    }
}

/* The share of pictures [n, 784] that it takes for what they should be. */
static double share_right(classifier *c, const float *x, const int32_t *label, int n)
{
    int right = 0;
    int32_t class[BATCH];
    for (int first = 0; first < n; first += BATCH) {
        OK(cinch_plan_write(c->judge, "x", x + first * PIXELS, BATCH * PIXELS * sizeof *x));
        OK(cinch_plan_run(c->judge));
        OK(cinch_plan_read(c->judge, "class", class, sizeof class));
        for (int i = 0; i < BATCH; i++) right += class[i] == label[first + i];
    }
    return (double)right / n;
}

/* Real pictures that it has not seen: such a classifier is known to be right about 82 to 84 times of 100. */
static void expect_it_to_know(classifier *c, cinch_dataset *data)
{
    static float x[SAMPLES * PIXELS];
    int32_t rows[SAMPLES], labels[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) labels[i] = cinch_dataset_labels(data)[rows[i] = ROWS + i];
    OK(cinch_dataset_gather_float(data, rows, SAMPLES, x));
    double right = share_right(c, x, labels, SAMPLES);
    cr_assert_gt(right, 0.79, "%g of real pictures", right);
}

/* --- the model ---------------------------------------------------------------------------------------------------- */

static void sample(const char *name, float x[SAMPLES * PIXELS], int32_t labels[SAMPLES])
{
    cinch_run *run;
    cinch_sampling sampling = {.seed = 1, .label = -1};
    for (int i = 0; i < SAMPLES; i++) labels[i] = i % CLASSES;
    OK(cinch_run_open(&run, run_path(name), &(cinch_run_options){.device = "cpu"}));
    OK(cinch_run_sample(run, &sampling, SAMPLES, x));
    cinch_run_free(run);
}

Test(train_vae_labels, samples_are_of_the_class_that_is_asked_for)
{
    static float x[SAMPLES * PIXELS];
    int32_t labels[SAMPLES];
    classifier c = {0};
    cinch_dataset *data;
    if (access(FASHION, R_OK)) cr_skip_test("no Fashion-MNIST in " FASHION);
    OK(cinch_dataset_open(&data, FASHION, NULL));
    make_classifier(&c);
    learn(&c, data);
    expect_it_to_know(&c, data);
    trained("told", small_config("model.name=vae", "model.condition=label", "loss.beta=4", "model.hidden_sizes=128",
                                 "model.latent_dim=16", "data.spec=" FASHION, "data.limit=30000", "train.batch_size=64",
                                 "train.epochs=6", "optimizer.lr=2e-3", "train.log_every=0", NULL));
    sample("told", x, labels);
    double right = share_right(&c, x, labels, SAMPLES);
    cr_assert_gt(right, 0.85, "%g of the samples", right);
    for (int i = 0; i < SAMPLES; i++) labels[i] = (labels[i] + 3) % CLASSES;
    cr_assert_lt(share_right(&c, x, labels, SAMPLES), 0.15, "another label is not what it sees");
    cinch_dataset_free(data);
    free_classifier(&c);
}
