/* SPDX-License-Identifier: Apache-2.0 */
/* The same calls on two backends: the plainest and the best kernels of the CPU, the CPU and the GPU. */
#include "backends.h"
#include "leg.h"
#include "value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

LEG("parity")

static cinch_backend *reference, *best, *gpu;

static void open_all(void)
{
    reference = backends_cpu(backends_isas[0], 1);
    for (int isa = BACKENDS_ISAS; !best && isa-- > 1;) best = backends_cpu(backends_isas[isa], 1);
    gpu = backends_cuda();
}

static void close_all(void)
{
    backends_close(reference);
    backends_close(best);
    backends_close(gpu);
}

/* Each may stand at its bound's far end. Where rounding to an integer or a comparison decides, they agree exactly. */
static void compare_results(leg *l, const case_instance *c, const char *where, const run_result *a, const run_result *b)
{
    char why[256];
    for (int i = 0; i < a->n; i++) {
        double worst = 0, *want = case_alloc((size_t)a->count[i], sizeof *want);
        value_bound bound = value_bound_of(c, a->dtype[i]);
        bound.absolute *= 2, bound.relative *= 2;
        value_load(a->data[i], a->count[i], a->dtype[i], want);
        if (!value_compare(b->data[i], want, a->count[i], a->dtype[i], bound, &worst, why, sizeof why))
            leg_fail(l, c, where, why);
        if (worst > l->worst) {
            l->worst = worst;
            snprintf(l->worst_at, sizeof l->worst_at, "%s", c->text);
        }
        free(want);
    }
}

static const run_variant plain = {.in_place = -1, .commit = -1, .poison = 0xFF};

static void run_both(leg *l, const case_instance *c, cinch_backend *a, cinch_backend *b, const run_variant *v,
                     const char *where)
{
    run_result of_a = {0}, of_b = {0};
    char why[256];
    if (!a || !b) {
        l->skipped++;
        return;
    }
    l->calls += 2;
    if (run_case(a, c, v, &of_a, why, sizeof why) && run_case(b, c, v, &of_b, why, sizeof why))
        compare_results(l, c, where, &of_a, &of_b);
    else leg_fail(l, c, where, why);
    run_result_free(&of_a);
    run_result_free(&of_b);
}

static void run_family(const case_family *family)
{
    leg l = {.family = family->name};
    case_walk walk = {.family = family};
    cr_assert(gpu || !backends_require_cuda(), "CINCH_REQUIRE_CUDA=1, but there is no CUDA backend");
    for (case_instance *c; !leg_hopeless(&l) && (c = case_next(&walk));) {
        l.cases++;
        run_both(&l, c, reference, best, &plain, "generic and best kernels");
        run_both(&l, c, best ? best : reference, gpu, &plain, "CPU and GPU");
    }
    case_free(walk.now);
    leg_end(&l);
}

/* What a GPU's kernels read and write many bytes of at a time, where it does not stand on a boundary for that. */
static void run_shifted(const case_family *family)
{
    leg l = {.family = family->name};
    case_walk walk = {.family = family};
    run_variant shifted = plain;
    shifted.shift = 1;
    for (case_instance *c; !leg_hopeless(&l) && (c = case_next(&walk));) {
        l.cases++;
        if (gpu) run_both(&l, c, best ? best : reference, gpu, &shifted, "CPU and GPU, off alignment");
    }
    case_free(walk.now);
    leg_end(&l);
}

TestSuite(parity, .init = open_all, .fini = close_all);

Test(parity, elementwise) { run_family(&case_elementwise); }
Test(parity, activation) { run_family(&case_activation); }
Test(parity, chain) { run_family(&case_chain); }
Test(parity, matmul) { run_family(&case_matmul); }
Test(parity, reduce) { run_family(&case_reduce); }
Test(parity, softmax) { run_family(&case_softmax); }
Test(parity, move) { run_family(&case_move); }
Test(parity, random) { run_family(&case_random); }
Test(parity, effects) { run_family(&case_effects); }
Test(parity, off_alignment)
{
    for (int f = 0; f < case_family_count; f++) run_shifted(case_families[f]);
}
