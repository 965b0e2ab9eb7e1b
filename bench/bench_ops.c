/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast each kernel runs, over the rows of the tests' table of cases that are marked SPEED.
 *
 *     cinch-bench-ops [--device cpu|cuda[:N]] [--op NAME] [--family NAME] [--large] [--json] ...
 *
 * Bytes are those that must be read and written, once each; operations are counted for products alone.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/module.h"
#include "core/node.h"
#include "core/status.h"
#include "rows_large.h"
#include "run.h"

/* SPEED rows; every row; rows_large.c; every small row once, to see that it runs. */
typedef enum selection { TIMED, ALL, LARGE, ONCE } selection;

typedef struct options {
    const char *device, *op, *family, *isa;
    int threads;
    double seconds; /* for each row */
    selection rows;
    bool json;
} options;

typedef struct figures {
    double median, least, bytes, flops;
    int runs;
} figures;

static const char usage[] =
    "usage: cinch-bench-ops [options]\n"
    "  --device NAME   cpu (default), cuda or cuda:N\n"
    "  --op NAME       only this op\n"
    "  --family NAME   only this family: elementwise, activation, chain, matmul, reduce, softmax, move,\n"
    "                  random, effects\n"
    "  --isa SET       kernel set of the CPU: generic, avx2, avx512 (default: the best)\n"
    "  --threads N     default: all\n"
    "  --ms N          time for each row (default 50)\n"
    "  --all           every row of the table, not only those marked for timing\n"
    "  --large         rows of a size that keeps a GPU busy instead\n"
    "  --once          no timing: every small row once, its memory between guard bands; for tools that watch memory\n"
    "  --json          one JSON document\n"
    "example: cinch-bench-ops --family matmul --threads 1\n";

static bool parse(int argc, char **argv, options *o)
{
    static const struct option flags[] = {
        {"device", 1, 0, 'd'}, {"op", 1, 0, 'o'},    {"family", 1, 0, 'f'}, {"isa", 1, 0, 'i'},  {"threads", 1, 0, 't'},
        {"ms", 1, 0, 'm'},     {"all", 0, 0, 'a'},   {"large", 0, 0, 'l'},  {"once", 0, 0, '1'}, {"json", 0, 0, 'j'},
        {"help", 0, 0, 'h'},   {0, 0, 0, 0},
    };
    *o = (options){.device = "cpu", .seconds = 0.05};
    for (int c; (c = getopt_long(argc, argv, "", flags, NULL)) != -1;) switch (c) {
        case 'd': o->device = optarg; break;
        case 'o': o->op = optarg; break;
        case 'f': o->family = optarg; break;
        case 'i': o->isa = optarg; break;
        case 't': o->threads = atoi(optarg); break;
        case 'm': o->seconds = atof(optarg) / 1000; break;
        case 'a': o->rows = ALL; break;
        case 'l': o->rows = LARGE; break;
        case '1': o->rows = ONCE; break;
        case 'j': o->json = true; break;
        case 'h': fputs(usage, stdout); exit(0);
        default: return false;
        }
    return optind == argc;
}

/* --- the device --------------------------------------------------------------------------------------------------- */

/* "auto" is the CPU here, whose kernels most of these rows are sized for. */
static cinch_status open_backend(const options *o, cinch_backend **b)
{
    const cinch_module *module;
    int devices, device = 0;
    if (!strcmp(o->device, "cpu") || !strcmp(o->device, "auto"))
        return cinch_cpu_open(b, &(cinch_cpu_options){.threads = o->threads, .isa = o->isa});
    if (strcmp(o->device, "cuda") && sscanf(o->device, "cuda:%d", &device) != 1)
        return cinch_fail(CINCH_USAGE, "--device %s: cpu, cuda or cuda:N", o->device);
    TRY(cinch_module_load(&module, "cuda"));
    TRY(module->count(&devices));
    if (device < 0 || device >= devices) return cinch_fail(CINCH_DEVICE, "device %d: there are %d", device, devices);
    return module->open(b, device);
}

static bool on_gpu(const cinch_backend *b) { return b->vtable->capture_begin != NULL; }

/* --- measuring ---------------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double size_of(const oracle_tensor *t)
{
    return (double)oracle_count(t) * (double)cinch_dtype_size(t->dtype);
}

/* Read and written; of a table, the rows that are taken. */
static double bytes_of(const case_instance *c)
{
    double bytes = 0;
    for (int k = 0; k < c->call.n_out; k++) bytes += size_of(&c->out[k]);
    for (int k = 0; k < c->call.n_in; k++) {
        bytes += size_of(c->call.op == CINCH_OP_gather && k == 0 ? &c->out[0] : &c->in[k]);
        if (cinch_ops[c->call.op].writes >> k & 1) bytes += size_of(&c->in[k]);
    }
    return bytes;
}

static double flops_of(const case_instance *c)
{
    if (c->call.op < CINCH_OP_matmul || c->call.op > CINCH_OP_matmul_sums) return 0;
    const oracle_tensor *a = &c->in[0];
    int64_t inner = a->dim[a->rank - (c->row->attr.matmul.transpose_a ? 2 : 1)];
    return 2 * (double)oracle_count(&c->out[0]) * (double)inner;
}

/* How many fit between two bounds. */
static int fitting(double amount, double each, int low, int high)
{
    double n = amount / (each > 1e-9 ? each : 1e-9);
    return n < low ? low : n > high ? high : (int)n;
}

/* On a GPU, operands that go round in more memory than its caches hold, and many calls for one wait: many a kernel
   takes less time than it takes to tell the host that it is done. */
static run_pace pace_for(const cinch_backend *b, const case_instance *c, int times, double each)
{
    enum { BEYOND_CACHES = 192 << 20, COPIES_MOST = 64, CALLS_MOST = 200 };
    if (!on_gpu(b)) return (run_pace){times, 1, 1};
    return (run_pace){times, fitting(2e-3, each, 1, CALLS_MOST), fitting(BEYOND_CACHES, bytes_of(c), 1, COPIES_MOST)};
}

/* A few runs to warm up and to see how many fit into the time. */
static bool measure(cinch_backend *b, const case_instance *c, double seconds, figures *f, char *why, size_t size)
{
    enum { WARM = 3, MOST = 10000 };
    double warm[WARM];
    run_pace first = {WARM, on_gpu(b) ? 10 : 1, 1};
    if (!run_timed(b, c, &first, warm, why, size)) return false;
    run_pace pace = pace_for(b, c, 0, warm[WARM - 1]);
    int n = pace.times = fitting(seconds, warm[WARM - 1] * pace.calls, 5, MOST);
    double *times = case_alloc((size_t)n, sizeof *times);
    bool ok = run_timed(b, c, &pace, times, why, size);
    qsort(times, (size_t)n, sizeof *times, by_value);
    *f = (figures){times[n / 2], times[0], bytes_of(c), flops_of(c), n};
    free(times);
    return ok;
}

/* Does it run, and leave its buffers and operands alone? */
static bool run_once(cinch_backend *b, const case_instance *c, char *why, size_t size)
{
    run_result result = {0};
    bool ok = run_case(b, c, &(run_variant){.in_place = -1, .commit = -1, .poison = 0xFF}, &result, why, size);
    run_result_free(&result);
    return ok;
}

/* --- reporting ---------------------------------------------------------------------------------------------------- */

static void print_escaped(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') putchar('\\');
        putchar(*text);
    }
    putchar('"');
}

static void report(const case_instance *c, const figures *f, bool json, bool first)
{
    if (!json) {
        printf("%-84.84s %10.1f us %8.2f GB/s", strstr(c->text, ": ") + 2, f->median * 1e6, f->bytes / f->median / 1e9);
        if (f->flops > 0) printf(" %8.1f GFLOP/s", f->flops / f->median / 1e9);
        putchar('\n');
        return;
    }
    printf("%s\n  {\"op\": \"%s\", \"case\": ", first ? "" : ",", cinch_ops[c->call.op].name);
    print_escaped(c->text);
    printf(", \"us\": %.3f, \"us_min\": %.3f, \"runs\": %d, \"bytes\": %.0f, \"gb_per_s\": %.4g", f->median * 1e6,
           f->least * 1e6, f->runs, f->bytes, f->bytes / f->median / 1e9);
    if (f->flops > 0) printf(", \"flops\": %.0f, \"gflop_per_s\": %.4g", f->flops, f->flops / f->median / 1e9);
    putchar('}');
}

static bool selected(const options *o, const case_family *family, const case_row *row)
{
    bool timed = row->flags & SPEED;
    if ((o->rows == TIMED && !timed) || (o->rows == ONCE && timed)) return false;
    if (o->family && strcmp(o->family, family->name)) return false;
    return !o->op || !strcmp(o->op, cinch_ops[row->op].name);
}

static bool run_row(cinch_backend *b, const case_row *row, cinch_dtype type, const options *o, bool first)
{
    char why[256];
    figures f = {0};
    case_instance *c = case_create(row, type);
    bool ok = o->rows == ONCE ? run_once(b, c, why, sizeof why) : measure(b, c, o->seconds, &f, why, sizeof why);
    if (!ok) fprintf(stderr, "cinch: bench ops: %s: %s\n", c->text, why);
    else if (o->rows != ONCE) report(c, &f, o->json, first);
    case_free(c);
    return ok;
}

/* Runs the selected rows, or counts them where there is no backend; gives how many, or -1 after a failure. */
static int run_family(cinch_backend *b, const case_family *family, const options *o, int done)
{
    for (int i = 0; i < family->n; i++)
        for (int type = 0; type < CINCH_DTYPE_COUNT; type++) {
            const case_row *row = &family->rows[i];
            if (!(row->types >> type & 1) || !selected(o, family, row)) continue;
            if (b && !run_row(b, row, (cinch_dtype)type, o, done == 0)) return -1;
            done++;
        }
    return done;
}

static int run_families(cinch_backend *b, const options *o)
{
    int done = 0;
    if (o->rows == LARGE) return run_family(b, &case_large, o, 0);
    for (int f = 0; done >= 0 && f < case_family_count; f++) done = run_family(b, case_families[f], o, done);
    return done;
}

/* Names of ops that would have rows. */
static int timed_ops(const options *o, const char *names[CINCH_OP_COUNT])
{
    int n = 0;
    options other = *o;
    for (int i = 0; i < CINCH_OP_COUNT; i++) {
        other.op = names[n] = cinch_ops[i].name;
        if (run_families(NULL, &other)) n++;
    }
    return n;
}

static int fail_rows(const options *o)
{
    const char *names[CINCH_OP_COUNT];
    int n = o->op ? timed_ops(o, names) : 0;
    const char *near = n ? cinch_nearest(o->op, names, n) : NULL;
    if (!n) fputs("cinch: bench ops: no such rows; --help lists the families, --all takes every row\n", stderr);
    else fprintf(stderr, "cinch: bench ops: no op %s is timed; ", o->op);
    if (near) fprintf(stderr, "did you mean %s?\n", near);
    for (int i = 0; !near && i < n; i++)
        fprintf(stderr, "%s%s%s", i ? " " : "there are: ", names[i], i + 1 < n ? "" : "\n");
    return 2;
}

static int run_all(cinch_backend *b, const options *o)
{
    char text[512] = "";
    if (!run_families(NULL, o)) return fail_rows(o);
    b->vtable->describe(b, text, sizeof text);
    if (o->json) {
        printf("{\"device\": ");
        print_escaped(text);
        printf(", \"rows\": [");
    } else {
        puts(text);
    }
    int done = run_families(b, o);
    if (o->json) puts("\n]}");
    else if (o->rows == ONCE && done > 0) printf("%d rows ran\n", done);
    return done < 0;
}

int main(int argc, char **argv)
{
    options o;
    cinch_backend *b;
    if (!parse(argc, argv, &o)) {
        fputs(usage, stderr);
        return 2;
    }
    cinch_status status = open_backend(&o, &b);
    if (status) {
        fprintf(stderr, "cinch: bench ops: %s\n", cinch_last_error());
        return (int)status;
    }
    int result = run_all(b, &o);
    b->vtable->close(b);
    return result;
}
