/* SPDX-License-Identifier: Apache-2.0 */
/* Epilogues, from their documentation. */
#include "lt_epilogue.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- auxiliary buffers -------------------------------------------------------------------------------------------- */

/* A mask is in column order like D: bit i % 8 of byte i / 8 of a column is for row i. */
static bool read_mask(const unsigned char *mask, int64_t bit) { return mask[bit / 8] >> bit % 8 & 1; }

static void write_mask(unsigned char *mask, int64_t bit, bool value)
{
    unsigned char one = (unsigned char)(1u << bit % 8);
    mask[bit / 8] = (unsigned char)(value ? mask[bit / 8] | one : mask[bit / 8] & ~one);
}

static void fill(void *memory, int64_t type, const cuda_host_lt_operand *x)
{
    for (int64_t j = 0; j < x->cols; j++)
        for (int64_t i = 0; i < x->rows; i++) lt_store(memory, type, i * x->row + j * x->col, NAN);
}

/* Up to the end of the 128 bits that a column's last bit is in, set bits: padding is nobody's. */
static void poison_aux(const cuda_host_lt_problem *p, const lt_place *at)
{
    cuda_host_lt_operand like = { .rows = p->m, .cols = p->n, .row = 1, .col = p->aux_ld };
    if (!(p->epilogue & CUDA_HOST_LT_MASKS)) {
        fill(at->aux, p->d.type, &like);
        return;
    }
    for (int64_t j = 0; j < p->n; j++)
        memset((char *)at->aux + j * p->aux_ld / 8, 0xff, (size_t)((p->m + 127) / 128 * 16));
}

void lt_poison_outputs(const cuda_host_lt_job *job, const lt_place *at)
{
    const cuda_host_lt_problem *p = &job->problem;
    uint32_t e = p->epilogue;
    int64_t length = e == CUBLASLT_EPILOGUE_BGRADB ? p->n : p->m;
    if (at->c != at->d || at->beta == 0) fill(at->d, p->d.type, &p->d);
    if (e & CUDA_HOST_LT_AUX && !(e & CUDA_HOST_LT_BACKWARD)) poison_aux(p, at);
    if (e & CUDA_HOST_LT_USES_BIAS && !(e & CUDA_HOST_LT_BIAS))
        for (int64_t i = 0; i < length; i++) lt_store(at->bias, p->d.type, i, NAN);
}

/* --- functions ---------------------------------------------------------------------------------------------------- */

static const float ROOT = 0.7978845608028654f, CUBE = 0.044715f; /* sqrt(2 / pi) */

/* As the GPU's own instruction for it, which is right to 11 bits. */
static float coarse_tanh(float x)
{
    int exponent;
    float fraction = frexpf(tanhf(x), &exponent);
    return ldexpf(rintf(ldexpf(fraction, 11)), exponent - 11);
}

static float gelu(float x) { return 0.5f * x * (1 + coarse_tanh(ROOT * (x + CUBE * x * x * x))); }

static float gelu_slope(float x)
{
    float t = coarse_tanh(ROOT * (x + CUBE * x * x * x));
    return 0.5f * (1 + t) + 0.5f * x * (1 - t * t) * ROOT * (1 + 3 * CUBE * x * x);
}

/* Not documented, and told both ways: CINCH_CUDA_HOST_RELU says which. */
static bool drops_nan(void)
{
    const char *text = getenv("CINCH_CUDA_HOST_RELU");
    return text && !strcmp(text, "drops-nan");
}

/* Row i and column j of the batch, from its product with alpha and its share of C. */
static float finish(const cuda_host_lt_problem *p, const lt_place *at, int64_t i, int64_t j, float x)
{
    uint32_t e = p->epilogue;
    int64_t aux = i + j * p->aux_ld;
    if (e & CUDA_HOST_LT_BIAS) x += lt_load(at->bias, p->d.type, i);
    if (e & CUDA_HOST_LT_DRELU) return read_mask(at->aux, aux) ? x : 0;
    if (e & CUDA_HOST_LT_DGELU) return x * gelu_slope(lt_load(at->aux, p->d.type, aux));
    if (e & CUDA_HOST_LT_RELU) {
        if (e & CUDA_HOST_LT_AUX) write_mask(at->aux, aux, !(x < 0));
        return x < 0 || (isnan(x) && drops_nan()) ? 0 : x;
    }
    if (e & CUDA_HOST_LT_GELU) {
        if (e & CUDA_HOST_LT_AUX) lt_store(at->aux, p->d.type, aux, x);
        return gelu(x);
    }
    return x;
}

void lt_finish_tile(const cuda_host_lt_job *job, lt_place *at, lt_tile sums)
{
    const cuda_host_lt_problem *p = &job->problem;
    for (int j = 0; j < at->columns; j++)
        for (int i = 0; i < at->rows; i++) {
            int64_t row = at->row + i, column = at->column + j;
            float x = at->alpha * sums[j][i];
            if (at->beta != 0) x += at->beta * lt_load(at->c, p->c.type, row * p->c.row + column * p->c.col);
            x = finish(p, at, row, column, x);
            at->row_sums[i] += x;
            lt_store(at->d, p->d.type, row * p->d.row + column * p->d.col, x);
        }
}

void lt_sum_over_k(const cuda_host_lt_operand *x, const void *memory, int64_t step, int64_t k_step, int64_t n,
                   int64_t k, void *out, int64_t out_type)
{
    for (int64_t i = 0; i < n; i++) {
        float s = 0;
        for (int64_t p = 0; p < k; p++) s += lt_load(memory, x->type, i * step + p * k_step);
        lt_store(out, out_type, i, s);
    }
}
