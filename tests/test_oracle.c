/* SPDX-License-Identifier: Apache-2.0 */
/* Every kernel of the CPU backend against the oracle, on every kernel set of this CPU. */
#include "backends.h"
#include "leg.h"
#include "value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/node.h"

LEG("oracle")

enum { THREADS = 3 };
static cinch_backend *cpu[BACKENDS_ISAS][THREADS];
static const run_variant plain = {.in_place = -1, .commit = -1, .poison = 0xFF};

static void open_all(void)
{
    for (int isa = 0; isa < BACKENDS_ISAS; isa++)
        for (int n = 0; n < THREADS; n++) cpu[isa][n] = backends_cpu(backends_isas[isa], n + 1);
}

static void close_all(void)
{
    for (int isa = 0; isa < BACKENDS_ISAS; isa++)
        for (int threads = 0; threads < THREADS; threads++) backends_close(cpu[isa][threads]);
}

/* --- what the oracle says, with the operands as they were --------------------------------------------------------- */

typedef struct expected {
    int n, target[RUN_RESULTS];
    double *before[RUN_RESULTS], *want[RUN_RESULTS]; /* of an effect's operands; of outputs only want */
    int64_t count[RUN_RESULTS];
} expected;

static double *copy_of(const double *v, int64_t n)
{
    double *copy = case_alloc((size_t)n, sizeof *copy);
    memcpy(copy, v, (size_t)n * sizeof *copy);
    return copy;
}

static bool ask_oracle(case_instance *c, expected *e)
{
    *e = (expected){0};
    e->n = run_targets(c, e->target);
    for (int i = 0; i < e->n; i++) {
        oracle_tensor *t = e->target[i] < 0 ? &c->out[-1 - e->target[i]] : &c->in[e->target[i]];
        e->count[i] = oracle_count(t);
        e->before[i] = copy_of(t->v, e->count[i]);
    }
    bool fits = oracle_run(&c->call);
    for (int i = 0; i < e->n; i++) {
        oracle_tensor *t = e->target[i] < 0 ? &c->out[-1 - e->target[i]] : &c->in[e->target[i]];
        e->want[i] = copy_of(t->v, e->count[i]);
        memcpy(t->v, e->before[i], (size_t)e->count[i] * sizeof(double));
    }
    return fits;
}

static void forget(expected *e)
{
    for (int i = 0; i < e->n; i++) {
        free(e->before[i]);
        free(e->want[i]);
    }
}

/* --- one case on one kernel set ----------------------------------------------------------------------------------- */

typedef struct trial {
    leg *l;
    case_instance *c;
    const expected *e;
    char where[96];
} trial;

static bool run_variant_of(trial *t, cinch_backend *b, const run_variant *v, run_result *result)
{
    char why[256];
    t->l->calls++;
    if (run_case(b, t->c, v, result, why, sizeof why)) return true;
    leg_fail(t->l, t->c, t->where, why);
    return false;
}

static void compare_with_oracle(trial *t, const run_result *r)
{
    char why[256];
    for (int i = 0; i < r->n; i++) {
        double worst = 0;
        value_bound bound = value_bound_of(t->c, r->dtype[i]);
        if (!value_compare(r->data[i], t->e->want[i], r->count[i], r->dtype[i], bound, &worst, why, sizeof why))
            leg_fail(t->l, t->c, t->where, why);
        if (worst <= t->l->worst) continue;
        t->l->worst = worst;
        snprintf(t->l->worst_at, sizeof t->l->worst_at, "%s", t->c->text);
    }
}

/* The variant must give the same bytes as the plain run. */
static void expect_same(trial *t, cinch_backend *b, const run_variant *v, const run_result *want)
{
    run_result got;
    if (!run_variant_of(t, b, v, &got)) return;
    if (!run_result_same(want, &got)) leg_fail(t->l, t->c, t->where, "does not give the same bytes as a plain run");
    run_result_free(&got);
}

static void same_in_place(trial *t, cinch_backend *b, const char *isa, const run_result *want)
{
    for (int k = 0; k < t->c->call.n_in; k++) {
        run_variant v = {.in_place = k, .commit = -1, .poison = 0xFF};
        if (!run_fits_in_place(t->c, k)) continue;
        snprintf(t->where, sizeof t->where, "%s, in place over operand %d", isa, k);
        expect_same(t, b, &v, want);
    }
}

/* Both operands are one: the output over them must be as it is elsewhere. */
static void same_aliased(trial *t, cinch_backend *b, const char *isa)
{
    case_instance *c = t->c;
    run_variant v = {.in_place = -1, .commit = -1, .alias = true, .poison = 0xFF};
    run_result want;
    if (c->call.n_in != 2 || !c->call.n_out || c->in[0].dtype != c->in[1].dtype) return;
    if (!oracle_same_dims(&c->in[0], &c->in[1])) return;
    snprintf(t->where, sizeof t->where, "%s, one operand twice", isa);
    if (!run_variant_of(t, b, &v, &want)) return;
    v.in_place = 0;
    snprintf(t->where, sizeof t->where, "%s, one operand twice, in place", isa);
    if (run_fits_in_place(c, 0)) expect_same(t, b, &v, &want);
    run_result_free(&want);
}

static void same_elsewhere(trial *t, cinch_backend *b, const char *isa, const run_result *want)
{
    run_variant shifted = plain, unsaved = plain, packed = plain;
    shifted.shift = 1;
    unsaved.no_saved = true;
    packed.in_output = true;
    snprintf(t->where, sizeof t->where, "%s, off alignment", isa);
    expect_same(t, b, &shifted, want);
    snprintf(t->where, sizeof t->where, "%s, without its saved output", isa);
    if (cinch_ops[t->c->call.op].saves) expect_same(t, b, &unsaved, want);
    snprintf(t->where, sizeof t->where, "%s, operands in the output", isa);
    if (t->c->call.op == CINCH_OP_pack) expect_same(t, b, &packed, want);
}

/* A step that does not commit changes nothing, except for `record`. */
static void same_by_flag(trial *t, cinch_backend *b, const char *isa, const run_result *want)
{
    run_variant commit = plain, refuse = plain;
    run_result got;
    commit.commit = 1;
    refuse.commit = 0;
    if (!cinch_ops[t->c->call.op].writes) return;
    snprintf(t->where, sizeof t->where, "%s, commit flag 1", isa);
    expect_same(t, b, &commit, want);
    snprintf(t->where, sizeof t->where, "%s, commit flag 0", isa);
    if (t->c->call.op == CINCH_OP_record) {
        expect_same(t, b, &refuse, want);
        return;
    }
    if (!run_variant_of(t, b, &refuse, &got)) return;
    for (int i = 0; i < got.n; i++) {
        unsigned char *before = case_alloc((size_t)got.count[i] + 1, 8);
        value_store(t->e->before[i], got.count[i], got.dtype[i], before);
        if (memcmp(before, got.data[i], (size_t)got.count[i] * cinch_dtype_size(got.dtype[i])))
            leg_fail(t->l, t->c, t->where, "changed a state");
        free(before);
    }
    run_result_free(&got);
}

static void same_by_threads(trial *t, cinch_backend *const b[THREADS], const char *isa, const run_result *want)
{
    for (int n = 1; n < THREADS; n++) {
        run_variant v = plain;
        v.poison = n == 1 ? 0 : 0x55;
        snprintf(t->where, sizeof t->where, "%s, %d threads", isa, n + 1);
        expect_same(t, b[n], &v, want);
    }
}

static void run_on(leg *l, case_instance *c, const expected *e, cinch_backend *const b[THREADS], const char *isa)
{
    trial t = {l, c, e, ""};
    run_result want;
    snprintf(t.where, sizeof t.where, "%s", isa);
    if (!run_variant_of(&t, b[0], &plain, &want)) return;
    compare_with_oracle(&t, &want);
    same_by_threads(&t, b, isa, &want);
    same_in_place(&t, b[0], isa, &want);
    same_aliased(&t, b[0], isa);
    same_elsewhere(&t, b[0], isa, &want);
    same_by_flag(&t, b[0], isa, &want);
    run_result_free(&want);
}

static void run_family(const case_family *family)
{
    leg l = {.family = family->name};
    case_walk walk = {.family = family};
    for (case_instance *c; !leg_hopeless(&l) && (c = case_next(&walk));) {
        expected e;
        l.cases++;
        if (!ask_oracle(c, &e)) leg_fail(&l, c, "", c->call.wrong);
        for (int isa = 0; isa < BACKENDS_ISAS; isa++) {
            if (!cpu[isa][0]) l.skipped++;
            else if (!c->call.wrong) run_on(&l, c, &e, cpu[isa], backends_isas[isa]);
        }
        forget(&e);
    }
    case_free(walk.now);
    leg_end(&l);
}

TestSuite(oracle, .init = open_all, .fini = close_all);

Test(oracle, elementwise) { run_family(&case_elementwise); }
Test(oracle, activation) { run_family(&case_activation); }
Test(oracle, chain) { run_family(&case_chain); }
Test(oracle, matmul) { run_family(&case_matmul); }
Test(oracle, reduce) { run_family(&case_reduce); }
Test(oracle, softmax) { run_family(&case_softmax); }
Test(oracle, move) { run_family(&case_move); }
Test(oracle, random) { run_family(&case_random); }
Test(oracle, effects) { run_family(&case_effects); }

/* The oracle's Philox gives the known answers of the Random123 distribution (kat_vectors, philox4x32 10). */
Test(oracle, philox)
{
    static const struct { uint32_t counter[4], key[2], want[4]; } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        uint32_t got[4];
        oracle_philox(known[i].counter, known[i].key, got);
        cr_assert_arr_eq(got, known[i].want, sizeof got, "known answer %zu", i);
    }
}
