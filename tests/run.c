/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/node.h"
#include "value.h"

enum { GUARD = 256, CANARY = 0xA5, BUFFERS = CASE_INPUTS + 1 };

/* Device memory with a band on either side, and what it held before the call. */
typedef struct guarded {
    cinch_backend *b;
    void *base;
    unsigned char *image;
    size_t start, bytes, total;
} guarded;

static bool open_guarded(guarded *m, cinch_backend *b, size_t bytes, size_t shift, const void *contents, int poison)
{
    *m = (guarded){.b = b, .start = GUARD + shift, .bytes = bytes, .total = bytes + shift + 2 * GUARD};
    m->image = case_alloc(m->total, 1);
    memset(m->image, CANARY, m->total);
    if (contents) memcpy(m->image + m->start, contents, bytes);
    else memset(m->image + m->start, poison, bytes);
    return !b->vtable->alloc(b, m->total, &m->base) && !b->vtable->write(b, m->base, m->image, m->total);
}

static void *memory_of(const guarded *m)
{
    return m->base ? (char *)m->base + m->start : NULL;
}

static void close_guarded(guarded *m)
{
    if (m->base) m->b->vtable->release(m->b, m->base);
    free(m->image);
    *m = (guarded){0};
}

typedef enum expectation { UNCHANGED, ANYTHING } expectation;

/* Reads the memory back and checks its bands, and its contents where they should be as before. */
static const char *inspect_memory(guarded *m, expectation contents)
{
    if (!m->base) return NULL;
    unsigned char *now = case_alloc(m->total, 1);
    const char *wrong = NULL;
    if (m->b->vtable->read(m->b, now, m->base, m->total)) wrong = "could not be read back";
    else if (memcmp(now, m->image, m->start)) wrong = "was written before its start";
    else if (memcmp(now + m->start + m->bytes, m->image + m->start + m->bytes, m->total - m->start - m->bytes))
        wrong = "was written behind its end";
    else if (contents == UNCHANGED && memcmp(now + m->start, m->image + m->start, m->bytes)) wrong = "was changed";
    memcpy(m->image, now, m->total);
    free(now);
    return wrong;
}

/* --- a call with its memory --------------------------------------------------------------------------------------- */

typedef struct prepared {
    cinch_call call;
    cinch_tensor in[CASE_INPUTS], out[CASE_OUTPUTS];
    guarded operand[CASE_INPUTS], output[CASE_OUTPUTS], scratch, saved, flag;
    int in_place; /* or -1 */
    bool alias;
} prepared;

static cinch_tensor describe(const oracle_tensor *t)
{
    cinch_tensor out = {.rank = t->rank, .dtype = t->dtype};
    memcpy(out.dim, t->dim, sizeof out.dim);
    return out;
}

static size_t bytes_of(const cinch_tensor *t)
{
    return (size_t)cinch_tensor_count(t) * cinch_dtype_size(t->dtype);
}

static bool place_operand(prepared *p, cinch_backend *b, const case_instance *c, int k, const run_variant *v)
{
    size_t bytes = bytes_of(&p->in[k]), shift = (size_t)v->shift * cinch_dtype_size(p->in[k].dtype);
    if (k == 1 && v->alias) return true;
    void *contents = case_alloc(bytes + 1, 1);
    value_store(c->in[k].v, oracle_count(&c->in[k]), c->in[k].dtype, contents);
    bool placed = open_guarded(&p->operand[k], b, bytes, shift, contents, 0);
    free(contents);
    return placed;
}

static bool place_operands(prepared *p, cinch_backend *b, const case_instance *c, const run_variant *v)
{
    for (int k = 0; k < c->call.n_in; k++)
        if (!place_operand(p, b, c, k, v)) return false;
    for (int k = 0; k < c->call.n_in; k++) p->in[k].data = memory_of(&p->operand[k == 1 && v->alias ? 0 : k]);
    return true;
}

/* The planner lets operands of `pack` be computed where they end up: each from the next multiple of 16 floats on. */
static bool place_in_output(prepared *p, cinch_backend *b, const case_instance *c, const run_variant *v)
{
    unsigned char *contents = case_alloc(bytes_of(&p->out[0]) + 1, 1);
    memset(contents, v->poison, bytes_of(&p->out[0]));
    size_t at[CASE_INPUTS], next = 0;
    for (int k = 0; k < c->call.n_in; k++) {
        at[k] = next;
        value_store(c->in[k].v, oracle_count(&c->in[k]), c->in[k].dtype, contents + next);
        next += (bytes_of(&p->in[k]) + 63) / 64 * 64;
    }
    bool placed = open_guarded(&p->output[0], b, bytes_of(&p->out[0]), 0, contents, 0);
    free(contents);
    p->out[0].data = memory_of(&p->output[0]);
    for (int k = 0; k < c->call.n_in; k++) p->in[k].data = (char *)p->out[0].data + at[k];
    return placed;
}

static bool place_outputs(prepared *p, cinch_backend *b, const run_variant *v)
{
    for (int k = 0; k < p->call.n_out; k++) {
        size_t shift = (size_t)v->shift * cinch_dtype_size(p->out[k].dtype);
        if (k == 0 && v->in_place >= 0) {
            p->out[k].data = p->in[v->in_place].data;
            continue;
        }
        if (!open_guarded(&p->output[k], b, bytes_of(&p->out[k]), shift, NULL, v->poison)) return false;
        p->out[k].data = memory_of(&p->output[k]);
    }
    return true;
}

/* What plan() asks for; a gradient op gets the saved memory of the forward call instead. */
static bool place_workspace(prepared *p, cinch_backend *b, const run_variant *v, void *forward_saved)
{
    const cinch_kernel *kernel = &b->kernels[p->call.op];
    size_t scratch = 0, saved = 0;
    if (kernel->plan && kernel->plan(b, &p->call, &scratch, &saved)) return false;
    if (scratch && !open_guarded(&p->scratch, b, scratch, 0, NULL, v->poison)) return false;
    bool wanted = cinch_ops[p->call.op].saves && !v->no_saved;
    if (saved && wanted && !open_guarded(&p->saved, b, saved, 0, NULL, v->poison)) return false;
    p->call.scratch = memory_of(&p->scratch);
    p->call.saved = forward_saved ? forward_saved : memory_of(&p->saved);
    return true;
}

static bool place_flag(prepared *p, cinch_backend *b, const run_variant *v)
{
    float value = (float)v->commit;
    if (v->commit < 0) return true;
    if (!open_guarded(&p->flag, b, sizeof value, 0, &value, 0)) return false;
    p->call.commit = memory_of(&p->flag);
    return true;
}

static bool prepare(prepared *p, cinch_backend *b, const case_instance *c, const run_variant *v, void *forward_saved)
{
    memset(p, 0, sizeof *p);
    p->in_place = v->in_place;
    p->alias = v->alias;
    for (int k = 0; k < c->call.n_in; k++) p->in[k] = describe(&c->in[k]);
    for (int k = 0; k < c->call.n_out; k++) p->out[k] = describe(&c->out[k]);
    p->call = (cinch_call){.op = c->call.op, .attr = c->call.attr, .n_in = c->call.n_in, .n_out = c->call.n_out,
                           .in = p->in, .out = p->out};
    if (!place_workspace(p, b, v, forward_saved) || !place_flag(p, b, v)) return false;
    if (v->in_output) return place_in_output(p, b, c, v);
    return place_operands(p, b, c, v) && place_outputs(p, b, v);
}

static void discard(prepared *p)
{
    for (int k = 0; k < CASE_INPUTS; k++) close_guarded(&p->operand[k]);
    for (int k = 0; k < CASE_OUTPUTS; k++) close_guarded(&p->output[k]);
    close_guarded(&p->scratch);
    close_guarded(&p->saved);
    close_guarded(&p->flag);
}

static bool is_target(const prepared *p, int k)
{
    return k == p->in_place || (p->alias && p->in_place >= 0 && k == 0) || cinch_ops[p->call.op].writes >> k & 1;
}

static bool complain(const char *wrong, const char *what, int k, char *why, size_t size)
{
    if (!wrong) return true;
    if (k < 0) snprintf(why, size, "%s %s", what, wrong);
    else snprintf(why, size, "%s %d %s", what, k, wrong);
    return false;
}

static bool inspect(prepared *p, char *why, size_t size)
{
    for (int k = 0; k < p->call.n_in; k++)
        if (!complain(inspect_memory(&p->operand[k], is_target(p, k) ? ANYTHING : UNCHANGED), "operand", k, why, size))
            return false;
    for (int k = 0; k < p->call.n_out; k++)
        if (!complain(inspect_memory(&p->output[k], ANYTHING), k ? "output" : "the output", k ? k : -1, why, size))
            return false;
    return complain(inspect_memory(&p->scratch, ANYTHING), "the scratch memory", -1, why, size) &&
           complain(inspect_memory(&p->saved, ANYTHING), "the saved memory", -1, why, size) &&
           complain(inspect_memory(&p->flag, UNCHANGED), "the commit flag", -1, why, size);
}

/* --- results ------------------------------------------------------------------------------------------------------ */

int run_targets(const case_instance *c, int target[RUN_RESULTS])
{
    int n = 0;
    for (int k = 0; k < c->call.n_out; k++) target[n++] = -1 - k;
    for (int k = 0; k < c->call.n_in; k++)
        if (cinch_ops[c->call.op].writes >> k & 1) target[n++] = k;
    return n;
}

static void keep_results(const prepared *p, const case_instance *c, run_result *result)
{
    int target[RUN_RESULTS];
    *result = (run_result){.n = run_targets(c, target)};
    for (int i = 0; i < result->n; i++) {
        int k = target[i] == -1 ? p->in_place : target[i];
        if (p->alias && k == 1) k = 0;
        const guarded *m = k < 0 ? &p->output[-1 - target[i]] : &p->operand[k];
        const cinch_tensor *t = target[i] < 0 ? &p->out[-1 - target[i]] : &p->in[k];
        result->count[i] = cinch_tensor_count(t);
        result->dtype[i] = t->dtype;
        result->data[i] = case_alloc(m->bytes + 1, 1);
        memcpy(result->data[i], m->image + m->start, m->bytes);
    }
}

void run_result_free(run_result *result)
{
    for (int i = 0; i < result->n; i++) free(result->data[i]);
    *result = (run_result){0};
}

bool run_result_same(const run_result *a, const run_result *b)
{
    if (a->n != b->n) return false;
    for (int i = 0; i < a->n; i++)
        if (a->count[i] != b->count[i] ||
            memcmp(a->data[i], b->data[i], (size_t)a->count[i] * cinch_dtype_size(a->dtype[i])))
            return false;
    return true;
}

bool run_fits_in_place(const case_instance *c, int k)
{
    int place = cinch_ops[c->call.op].place;
    if (!c->call.n_out || (place != k && place != CINCH_ANY_INPUT)) return false;
    return c->in[k].dtype == c->out[0].dtype && oracle_same_dims(&c->in[k], &c->out[0]);
}

/* --- running ------------------------------------------------------------------------------------------------------ */

static bool launch(cinch_backend *b, prepared *p, char *why, size_t size)
{
    if (!b->kernels[p->call.op].run(b, &p->call) && !b->vtable->sync(b)) return true;
    snprintf(why, size, "%s", cinch_last_error());
    return false;
}

/* Prepares and runs the forward call, whose saved memory the case reads. */
static bool run_forward(prepared *p, cinch_backend *b, const case_instance *c, const run_variant *v, char *why,
                        size_t size)
{
    run_variant plain = {.in_place = -1, .commit = -1, .poison = v->poison};
    if (!c->forward) return true;
    snprintf(why, size, "out of memory for the forward call");
    return prepare(p, b, c->forward, &plain, NULL) && launch(b, p, why, size) && inspect(p, why, size);
}

static bool run_prepared(cinch_backend *b, prepared *p, prepared *forward, char *why, size_t size)
{
    return launch(b, p, why, size) && inspect(p, why, size) &&
           complain(inspect_memory(&forward->saved, UNCHANGED), "the forward call's saved memory", -1, why, size);
}

bool run_case(cinch_backend *b, const case_instance *c, const run_variant *v, run_result *result, char *why,
              size_t size)
{
    prepared p = {0}, forward = {0};
    bool ok = run_forward(&forward, b, c, v, why, size);
    *result = (run_result){0};
    if (ok && !(ok = prepare(&p, b, c, v, memory_of(&forward.saved)))) snprintf(why, size, "%s", cinch_last_error());
    if (ok) ok = run_prepared(b, &p, &forward, why, size);
    if (ok) keep_results(&p, c, result);
    discard(&p);
    discard(&forward);
    return ok;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The calls of one measurement: given one by one, or as a recording of them. */
static bool give_calls(cinch_backend *b, prepared *p, const run_pace *pace, void *graph)
{
    if (graph) return !b->vtable->replay(b, graph);
    for (int i = 0; i < pace->calls; i++) {
        const cinch_call *call = &p[i % pace->copies].call;
        if (b->kernels[call->op].run(b, call)) return false;
    }
    return true;
}

static bool record_calls(cinch_backend *b, prepared *p, const run_pace *pace, void **graph)
{
    if (!b->vtable->capture_begin || pace->calls == 1) return true;
    if (b->vtable->capture_begin(b)) return false;
    bool given = give_calls(b, p, pace, NULL);
    return !b->vtable->capture_end(b, given ? graph : NULL) && given;
}

static bool time_calls(cinch_backend *b, prepared *p, const run_pace *pace, double *times)
{
    void *graph = NULL;
    bool ok = record_calls(b, p, pace, &graph);
    for (int i = 0; ok && i < pace->times; i++) {
        double start = now();
        ok = give_calls(b, p, pace, graph) && !b->vtable->sync(b);
        times[i] = (now() - start) / pace->calls;
    }
    if (graph) b->vtable->capture_free(b, graph);
    return ok;
}

/* Every copy runs once before the clock does. */
static bool prepare_copies(prepared *p, cinch_backend *b, const case_instance *c, int copies, void *forward_saved)
{
    const run_variant plain = {.in_place = -1, .commit = -1};
    for (int i = 0; i < copies; i++) {
        const cinch_call *call = &p[i].call;
        if (!prepare(&p[i], b, c, &plain, forward_saved) || b->kernels[call->op].run(b, call)) return false;
    }
    return !b->vtable->sync(b);
}

bool run_timed(cinch_backend *b, const case_instance *c, const run_pace *given, double *times, char *why, size_t size)
{
    run_pace pace = *given;
    if (pace.copies < 1) pace.copies = 1;
    prepared forward = {0}, *p = case_alloc((size_t)pace.copies, sizeof *p);
    bool forward_ran = run_forward(&forward, b, c, &(run_variant){.in_place = -1, .commit = -1}, why, size);
    bool ok = forward_ran && prepare_copies(p, b, c, pace.copies, memory_of(&forward.saved));
    if (ok) ok = time_calls(b, p, &pace, times);
    if (forward_ran && !ok) snprintf(why, size, "%s", cinch_last_error());
    for (int i = 0; i < pace.copies; i++) discard(&p[i]);
    free(p);
    discard(&forward);
    return ok;
}
