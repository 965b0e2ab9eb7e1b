/* SPDX-License-Identifier: Apache-2.0 */
/* The harness itself: kernels that misbehave on purpose are found out. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "backends.h"
#include "run.h"
#include "value.h"

static cinch_backend *cpu;
static const cinch_kernel *honest;
static cinch_kernel bad[CINCH_OP_COUNT];

static void open_cpu(void)
{
    cpu = backends_cpu("generic", 1);
    honest = cpu->kernels;
    memcpy(bad, honest, sizeof bad);
    cpu->kernels = bad;
}

static void close_cpu(void) { backends_close(cpu); }
TestSuite(oracle_harness, .init = open_cpu, .fini = close_cpu);

static const case_row add = ROW(add, IN(S(33), S(33)), NO_ATTR, F32, 0);
static const case_row permutation =
    ROW(permutation, IN(S(8)), ATTR(random, .stream = 1), I32, 0, RANGE(POSITION), OUT(S(3, 33)));
static const case_row dropout =
    ROW(dropout, IN(S(33), S(8)), ATTR(random, .a = 0.5f), F32, 0, RANGE(SIGNED, POSITION));
static const case_row assign = ROW(assign, IN(S(33), S(33)), NO_ATTR, F32, 0);

/* What the harness says of the row: "" where it finds nothing wrong. */
static const char *verdict(const case_row *row)
{
    static char why[256];
    case_instance *c = case_create(row, row->types == I32 ? CINCH_I32 : CINCH_F32);
    const run_variant plain = {.in_place = -1, .commit = -1, .poison = 0xFF};
    run_result r;
    double worst = 0;
    why[0] = 0;
    if (run_case(cpu, c, &plain, &r, why, sizeof why)) {
        cr_assert(oracle_run(&c->call), "%s", c->call.wrong);
        const double *want = c->call.n_out ? c->out[0].v : c->in[0].v;
        value_compare(r.data[0], want, r.count[0], r.dtype[0], value_bound_of(c, r.dtype[0]), &worst, why, sizeof why);
    }
    run_result_free(&r);
    case_free(c);
    return why;
}

typedef cinch_status (*run_function)(cinch_backend *, const cinch_call *);

static void expect_verdict(const case_row *row, run_function run, const char *part)
{
    bad[row->op].run = run;
    const char *why = verdict(row);
    cr_expect(*part ? strstr(why, part) != NULL : !*why, "the harness says '%s', not '%s'", why, part);
}

/* Runs the honest kernel and gives the output's floats. */
static float *output_of(cinch_backend *b, const cinch_call *c)
{
    honest[c->op].run(b, c);
    return c->out[0].data;
}

static cinch_status behind(cinch_backend *b, const cinch_call *c) { return output_of(b, c)[33] = 0, CINCH_OK; }
static cinch_status before(cinch_backend *b, const cinch_call *c) { return output_of(b, c)[-1] = 0, CINCH_OK; }
static cinch_status not_a_number(cinch_backend *b, const cinch_call *c) { return output_of(b, c)[32] = NAN, CINCH_OK; }
static cinch_status infinite(cinch_backend *b, const cinch_call *c) { return output_of(b, c)[32] = INFINITY, CINCH_OK; }
static cinch_status imprecise(cinch_backend *b, const cinch_call *c)
{
    return output_of(b, c)[7] *= 1.00001f, CINCH_OK;
}

static cinch_status touches_operand(cinch_backend *b, const cinch_call *c)
{
    output_of(b, c);
    ((float *)c->in[1].data)[32] += 1;
    return CINCH_OK;
}

static cinch_status behind_operand(cinch_backend *b, const cinch_call *c)
{
    output_of(b, c);
    ((float *)c->in[0].data)[33] += 1;
    return CINCH_OK;
}

static cinch_status leaves_the_last(cinch_backend *b, const cinch_call *c)
{
    float last = ((float *)c->out[0].data)[32];
    output_of(b, c)[32] = last;
    return CINCH_OK;
}

static cinch_status behind_scratch(cinch_backend *b, const cinch_call *c)
{
    size_t scratch = 0, saved = 0;
    honest[c->op].plan(b, c, &scratch, &saved);
    honest[c->op].run(b, c);
    ((char *)c->scratch)[scratch] = 0;
    return CINCH_OK;
}

static cinch_status behind_saved(cinch_backend *b, const cinch_call *c)
{
    size_t scratch = 0, saved = 0;
    honest[c->op].plan(b, c, &scratch, &saved);
    honest[c->op].run(b, c);
    ((char *)c->saved)[saved] = 0;
    return CINCH_OK;
}

static cinch_status wrong_state(cinch_backend *b, const cinch_call *c)
{
    honest[c->op].run(b, c);
    ((float *)c->in[0].data)[3] += 1;
    return CINCH_OK;
}

static cinch_status changes_value(cinch_backend *b, const cinch_call *c)
{
    honest[c->op].run(b, c);
    ((float *)c->in[1].data)[3] += 1;
    return CINCH_OK;
}

Test(oracle_harness, honest_kernels_pass)
{
    expect_verdict(&add, honest[CINCH_OP_add].run, "");
    expect_verdict(&permutation, honest[CINCH_OP_permutation].run, "");
    expect_verdict(&dropout, honest[CINCH_OP_dropout].run, "");
    expect_verdict(&assign, honest[CINCH_OP_assign].run, "");
}

Test(oracle_harness, writing_outside_is_found)
{
    expect_verdict(&add, behind, "the output was written behind its end");
    expect_verdict(&add, before, "the output was written before its start");
    expect_verdict(&add, behind_operand, "operand 0 was written behind its end");
    expect_verdict(&permutation, behind_scratch, "the scratch memory was written behind its end");
    expect_verdict(&dropout, behind_saved, "the saved memory was written behind its end");
}

Test(oracle_harness, changed_operands_are_found)
{
    expect_verdict(&add, touches_operand, "operand 1 was changed");
    expect_verdict(&assign, changes_value, "operand 1 was changed");
}

Test(oracle_harness, wrong_results_are_found)
{
    expect_verdict(&add, not_a_number, "element 32 of 33 is nan");
    expect_verdict(&add, infinite, "element 32 of 33 is inf");
    expect_verdict(&add, imprecise, "element 7 of 33");
    expect_verdict(&add, leaves_the_last, "element 32 of 33 is");
    expect_verdict(&assign, wrong_state, "element 3 of 33");
}
