/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serves a run as a filter: f32 numbers in, sample after sample; f32 numbers out, or a line with each sample's error.
 *
 *     serve runs/first score < samples.f32
 *     serve runs/first encode < samples.f32 | serve runs/first decode > reconstructions.f32
 */
#include <cinch/cinch.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 64 };

static cinch_status answer(cinch_infer *model, const char *what, const float *x, int64_t n, float *y)
{
    if (!strcmp(what, "encode")) return cinch_infer_encode(model, x, NULL, n, y, NULL);
    if (!strcmp(what, "decode")) return cinch_infer_decode(model, x, NULL, n, y);
    if (!strcmp(what, "score")) return cinch_infer_score(model, x, NULL, n, y);
    return cinch_infer_reconstruct(model, x, NULL, n, y);
}

/* A batch at a time, until the input ends; what is less than a sample is left. */
static cinch_status serve(cinch_infer *model, const char *what)
{
    const cinch_infer_info *info = cinch_infer_describe(model);
    bool score = !strcmp(what, "score");
    size_t in = (size_t)(strcmp(what, "decode") ? info->sample_size : info->code_size);
    size_t out = score ? 1 : (size_t)(strcmp(what, "encode") ? info->sample_size : info->code_size);
    float *x = malloc(BATCH * in * sizeof *x), *y = malloc(BATCH * out * sizeof *y);
    cinch_status status = x && y ? CINCH_OK : CINCH_DEVICE;
    for (size_t n; !status && (n = fread(x, in * sizeof *x, BATCH, stdin)) > 0;) {
        status = answer(model, what, x, (int64_t)n, y);
        for (size_t i = 0; !status && score && i < n; i++) printf("%g\n", (double)y[i]);
        if (!status && !score) fwrite(y, out * sizeof *y, n, stdout);
    }
    free(x);
    free(y);
    return status;
}

int main(int argc, char **argv)
{
    cinch_infer *model;
    if (argc != 3) return fprintf(stderr, "usage: %s RUN encode|decode|reconstruct|score\n", argv[0]), CINCH_USAGE;
    cinch_status status = cinch_infer_open(&model, argv[1], &(cinch_infer_options){.max_batch = BATCH});
    if (!status) status = serve(model, argv[2]);
    if (status) fprintf(stderr, "%s\n", cinch_last_error());
    cinch_infer_close(model);
    return !status && fflush(stdout) ? CINCH_OUTPUT : status;
}
