/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A graph by hand: a line is fitted to points by the gradient of the mean squared error, which cinch writes down.
 */
#include <cinch/cinch.h>

#include <stdio.h>

enum { POINTS = 5, STEPS = 200 };

/* y = slope x + offset; the loss and its derivatives are the graph's outputs. */
static void write(cinch_graph *g)
{
    cinch_value x = cinch_input(g, "x", CINCH_F32, CINCH_SHAPE(POINTS));
    cinch_value y = cinch_input(g, "y", CINCH_F32, CINCH_SHAPE(POINTS));
    cinch_value w[2] = {cinch_input(g, "slope", CINCH_F32, (cinch_shape){0}),
                        cinch_input(g, "offset", CINCH_F32, (cinch_shape){0})};
    cinch_value error = cinch_sub(g, cinch_add(g, cinch_mul(g, x, w[0]), w[1]), y), dw[2];
    cinch_value loss = cinch_mean(g, cinch_square(g, error), CINCH_ALL_AXES, false);
    cinch_grad(g, loss, w, 2, dw);
    cinch_output(g, "loss", loss);
    cinch_output(g, "dslope", dw[0]);
    cinch_output(g, "doffset", dw[1]);
}

static cinch_status fit(cinch_plan *plan)
{
    const float x[POINTS] = {0, 1, 2, 3, 4}, y[POINTS] = {1, 3, 5, 7, 9};
    float slope = 0, offset = 0, loss = 0, dslope, doffset;
    cinch_status status = cinch_plan_write(plan, "x", x, sizeof x);
    if (!status) status = cinch_plan_write(plan, "y", y, sizeof y);
    for (int i = 0; !status && i < STEPS; i++) {
        cinch_plan_write(plan, "slope", &slope, sizeof slope);
        cinch_plan_write(plan, "offset", &offset, sizeof offset);
        if ((status = cinch_plan_run(plan))) break;
        cinch_plan_read(plan, "loss", &loss, sizeof loss);
        cinch_plan_read(plan, "dslope", &dslope, sizeof dslope);
        cinch_plan_read(plan, "doffset", &doffset, sizeof doffset);
        slope -= 0.1f * dslope;
        offset -= 0.1f * doffset;
    }
    printf("y = %.2f x + %.2f, loss %.6f\n", slope, offset, loss);
    return status;
}

int main(void)
{
    cinch_device *device = NULL;
    cinch_graph *g = NULL;
    cinch_plan *plan = NULL;
    cinch_status status = cinch_device_open(&device, "auto", NULL);
    if (!status) status = cinch_graph_create(&g);
    if (!status) write(g);
    if (!status) status = cinch_plan_create(&plan, g, device, NULL, NULL); /* tells the graph's errors, too */
    if (!status) status = fit(plan);
    if (status) fprintf(stderr, "%s\n", cinch_last_error());
    cinch_plan_free(plan);
    cinch_graph_free(g);
    cinch_device_free(device);
    return status;
}
