/* SPDX-License-Identifier: Apache-2.0 */
#include "trained/forward.h"

#include <cinch/ops.h>

#include "core/status.h"

#include <string.h>

cinch_shape cinch_forward_shape(int64_t n, cinch_shape sample)
{
    cinch_shape shape = {.rank = sample.rank + 1, .dim = {n}};
    memcpy(shape.dim + 1, sample.dim, (size_t)sample.rank * sizeof *sample.dim);
    return shape;
}

/* The scope is part of what is drawn. */
static cinch_value draw(cinch_graph *g, cinch_shape shape)
{
    cinch_scope_push(g, "sample");
    cinch_value z = cinch_normal(g, shape, 0, 1);
    cinch_scope_pop(g);
    return z;
}

void cinch_forward_write(const cinch_model *model, cinch_graph *g, cinch_params *params, cinch_forward direction,
                         int64_t n)
{
    bool from_codes = direction == CINCH_DECODE || direction == CINCH_SAMPLE;
    cinch_shape one = from_codes ? cinch_model_code_shape(model) : cinch_model_sample(model).shape;
    cinch_shape in = cinch_forward_shape(n, one);
    cinch_batch batch = {.x = direction == CINCH_SAMPLE ? draw(g, in) : cinch_input(g, "x", CINCH_F32, in)};
    if (cinch_model_classes(model) > 0) batch.label = cinch_input(g, "label", CINCH_I32, CINCH_SHAPE(n));
    cinch_code code = {.mean = batch.x};
    if (!from_codes) code = cinch_model_encode(model, g, params, &batch, CINCH_EVALUATE);
    cinch_value y = code.mean;
    if (direction != CINCH_ENCODE) y = cinch_model_decode(model, g, params, y, batch.label, CINCH_EVALUATE);
    cinch_output(g, "y", y);
    if (direction == CINCH_ENCODE && cinch_valid(code.logvar)) cinch_output(g, "logvar", code.logvar);
}

cinch_status cinch_forward_create(cinch_plan **out, const cinch_model *model, cinch_device *device,
                                  cinch_params *params, cinch_forward direction, int64_t n, cinch_precision precision)
{
    cinch_graph *g;
    cinch_plan_options options = {.precision = precision, .batch_invariant = true};
    *out = NULL;
    TRY(cinch_graph_create(&g));
    cinch_forward_write(model, g, params, direction, n);
    cinch_status status = cinch_plan_create(out, g, device, params, &options);
    cinch_graph_free(g);
    return status;
}

cinch_status cinch_forward_check_labels(const cinch_model *model, const char *name, const int32_t *label, int64_t n)
{
    int32_t classes = cinch_model_classes(model);
    if (!classes) return CINCH_OK;
    if (!label) return cinch_fail(CINCH_USAGE, "%s: the model is conditional and wants a label for every row", name);
    for (int64_t i = 0; i < n; i++)
        if (label[i] < 0 || label[i] >= classes)
            return cinch_fail(CINCH_USAGE, "label %d: the model knows 0 to %d", label[i], classes - 1);
    return CINCH_OK;
}
