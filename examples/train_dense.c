/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trains a dense autoencoder on IDX images and says how well it reconstructs those kept for testing.
 *
 *     train_dense train-images-idx3-ubyte.gz runs/first
 */
#include <cinch/cinch.h>

#include <stdio.h>
#include <string.h>

/* Called on the training thread after each logged step and epoch. */
static void tell(void *user, const cinch_progress *p)
{
    (void)user;
    if (!strcmp(p->event, "epoch"))
        printf("epoch %lld of %lld: loss %.5f, validation %.5f\n", (long long)p->epoch, (long long)p->epochs, p->loss,
               p->val_loss);
}

static cinch_status configure(cinch_config *config, const char *images)
{
    static const char *const settings[][2] = {
        {"model.name", "dense"}, {"model.hidden_sizes", "256"}, {"model.latent_dim", "16"}, {"train.epochs", "3"}};
    cinch_status status = cinch_config_set(config, "data.spec", images);
    for (int i = 0; !status && i < 4; i++) status = cinch_config_set(config, settings[i][0], settings[i][1]);
    return status ? status : cinch_config_resolve(config);
}

static cinch_status train(const char *images, const char *folder)
{
    cinch_config *config;
    cinch_train_options options = {.overwrite = true, .progress = tell};
    cinch_status status = cinch_config_create(&config);
    if (!status) status = configure(config, images);
    if (!status) status = cinch_train(config, folder, &options, NULL);
    cinch_config_free(config);
    return status;
}

static cinch_status evaluate(const char *folder)
{
    cinch_run *run;
    cinch_evaluation e;
    cinch_status status = cinch_run_open(&run, folder, NULL);
    if (!status) status = cinch_run_evaluate(run, NULL, &e);
    if (!status) printf("%lld test images: mse %.5f, PCA %.5f\n", (long long)e.n, e.mse, e.pca_mse);
    cinch_run_free(run);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 3) return fprintf(stderr, "usage: %s IMAGES RUN-FOLDER\n", argv[0]), CINCH_USAGE;
    cinch_status status = train(argv[1], argv[2]);
    if (!status) status = evaluate(argv[2]);
    if (status) fprintf(stderr, "%s\n", cinch_last_error());
    return status;
}
