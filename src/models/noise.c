/* SPDX-License-Identifier: Apache-2.0 */
/* Denoising: what training does to the input. Vincent et al., JMLR 11 (2010). */
#include <string.h>

#include "core/json.h"
#include "models/family.h"

cinch_status cinch_model_read_noise(cinch_model *m)
{
    static const char *const kinds[] = {"none", "gaussian", "salt_pepper", "masking"};
    const char *text = m->shared.noise, *colon = strchr(text, ':');
    size_t length = strcspn(text, ":");
    json_t *amount = NULL;
    int kind = -1;
    for (int i = 0; i < 4; i++)
        if (length == strlen(kinds[i]) && !strncmp(text, kinds[i], length)) kind = i;
    if (kind == NOISE_NONE && !colon) return CINCH_OK;
    if (colon) TRY(cinch_json_guess(&amount, colon + 1));
    double value = json_is_number(amount) ? json_number_value(amount) : -1;
    json_decref(amount);
    if (kind <= NOISE_NONE || value < 0 || (kind != NOISE_GAUSSIAN && value > 1))
        return cinch_fail(CINCH_USAGE, "model.noise %s: must be KIND:AMOUNT, such as gaussian:0.3, salt_pepper:0.1 or "
                          "masking:0.2 (shares are 0 to 1); or none", text);
    m->noise = (cinch_noise)kind;
    m->noise_amount = value;
    return CINCH_OK;
}

/* Of the bounds that the data has; unbounded data counts as [0, 1]. */
static cinch_value salt_or_pepper(const cinch_model *m, cinch_graph *g, cinch_shape shape)
{
    float low = (float)m->sample.low, high = (float)m->sample.high;
    if (low == high) low = 0, high = 1;
    return cinch_affine(g, cinch_bernoulli(g, shape, 0.5f), high - low, low);
}

static cinch_value add_noise(const cinch_model *m, cinch_graph *g, cinch_value x, cinch_shape shape)
{
    bool bounded = m->sample.low < m->sample.high;
    cinch_value y = cinch_add(g, x, cinch_normal(g, shape, 0, (float)m->noise_amount));
    return bounded ? cinch_clamp(g, y, (float)m->sample.low, (float)m->sample.high) : y;
}

cinch_value cinch_model_corrupt(const cinch_model *m, cinch_graph *g, cinch_value x)
{
    cinch_shape shape = cinch_shape_of(g, x);
    float amount = (float)m->noise_amount;
    if (!cinch_valid(x) || m->noise == NOISE_NONE) return x;
    cinch_scope_push(g, "noise");
    if (m->noise == NOISE_GAUSSIAN) x = add_noise(m, g, x, shape);
    else if (m->noise == NOISE_MASKING) x = cinch_mul(g, x, cinch_bernoulli(g, shape, 1 - amount));
    else x = cinch_where(g, cinch_bernoulli(g, shape, amount), salt_or_pepper(m, g, shape), x);
    cinch_scope_pop(g);
    return x;
}
