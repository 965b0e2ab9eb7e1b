/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast each kernel runs, over the rows of the tests' table of cases that are marked SPEED.
 *
 *     cinch-bench-ops [--op NAME] [--family NAME] [--isa generic|avx2|avx512] [--threads N] [--ms N] [--all] [--json]
 *
 * Bytes are those of all operands and outputs, once each; operations are counted for products alone.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/node.h"
#include "run.h"

typedef struct options {
    const char *op, *family, *isa;
    int threads;
    double seconds; /* for each row */
    bool all, json;
} options;

typedef struct figures {
    double median, least, bytes, flops;
    int runs;
} figures;

static const char usage[] =
    "usage: cinch-bench-ops [options]\n"
    "  --op NAME       only this op\n"
    "  --family NAME   only this family: elementwise, activation, chain, matmul, reduce, softmax, move,\n"
    "                  random, effects\n"
    "  --isa SET       kernel set: generic, avx2, avx512 (default: the best)\n"
    "  --threads N     default: all\n"
    "  --ms N          time for each row (default 50)\n"
    "  --all           every row of the table, not only those marked for timing\n"
    "  --json          one JSON document\n"
    "example: cinch-bench-ops --family matmul --threads 1\n";

static bool parse(int argc, char **argv, options *o)
{
    static const struct option flags[] = {
        {"op", 1, 0, 'o'},  {"family", 1, 0, 'f'}, {"isa", 1, 0, 'i'},  {"threads", 1, 0, 't'}, {"ms", 1, 0, 'm'},
        {"all", 0, 0, 'a'}, {"json", 0, 0, 'j'},   {"help", 0, 0, 'h'}, {0, 0, 0, 0},
    };
    *o = (options){.seconds = 0.05};
    for (int c; (c = getopt_long(argc, argv, "", flags, NULL)) != -1;) switch (c) {
        case 'o': o->op = optarg; break;
        case 'f': o->family = optarg; break;
        case 'i': o->isa = optarg; break;
        case 't': o->threads = atoi(optarg); break;
        case 'm': o->seconds = atof(optarg) / 1000; break;
        case 'a': o->all = true; break;
        case 'j': o->json = true; break;
        case 'h': fputs(usage, stdout); exit(0);
        default: return false;
        }
    return optind == argc;
}

/* --- measuring ------------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double size_of(const oracle_tensor *t)
{
    return (double)oracle_count(t) * (double)cinch_dtype_size(t->dtype);
}

/* Read and written. */
static double bytes_of(const case_instance *c)
{
    double bytes = c->call.n_out ? size_of(&c->out[0]) : 0;
    for (int k = 0; k < c->call.n_in; k++) {
        bytes += size_of(&c->in[k]);
        if (cinch_ops[c->call.op].writes >> k & 1) bytes += size_of(&c->in[k]);
    }
    return bytes;
}

static double flops_of(const case_instance *c)
{
    if (c->call.op != CINCH_OP_matmul && c->call.op != CINCH_OP_matmul_bias) return 0;
    const oracle_tensor *a = &c->in[0];
    int64_t inner = a->dim[a->rank - (c->row->attr.matmul.transpose_a ? 2 : 1)];
    return 2 * (double)oracle_count(&c->out[0]) * (double)inner;
}

/* A few runs to warm up and to see how many fit into the time. */
static bool measure(cinch_backend *b, const case_instance *c, double seconds, figures *f, char *why, size_t size)
{
    enum { WARM = 3, MOST = 10000 };
    double warm[WARM];
    if (!run_timed(b, c, WARM, warm, why, size)) return false;
    double wanted = seconds / (warm[WARM - 1] > 1e-7 ? warm[WARM - 1] : 1e-7);
    int n = wanted < 5 ? 5 : wanted > MOST ? MOST : (int)wanted;
    double *times = case_alloc((size_t)n, sizeof *times);
    bool ok = run_timed(b, c, n, times, why, size);
    qsort(times, (size_t)n, sizeof *times, by_value);
    *f = (figures){times[n / 2], times[0], bytes_of(c), flops_of(c), n};
    free(times);
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
    if (!o->all && !(row->flags & SPEED)) return false;
    if (o->family && strcmp(o->family, family->name)) return false;
    return !o->op || !strcmp(o->op, cinch_ops[row->op].name);
}

/* Runs the selected rows; gives how many, or -1 after a failure. */
static int run_family(cinch_backend *b, const case_family *family, const options *o, int done)
{
    char why[256];
    figures f;
    for (int i = 0; i < family->n; i++)
        for (int type = 0; type < CINCH_DTYPE_COUNT; type++) {
            const case_row *row = &family->rows[i];
            if (!(row->types >> type & 1) || !selected(o, family, row)) continue;
            case_instance *c = case_create(row, (cinch_dtype)type);
            bool ok = measure(b, c, o->seconds, &f, why, sizeof why);
            if (ok) report(c, &f, o->json, done++ == 0);
            else fprintf(stderr, "cinch-bench-ops: %s: %s\n", c->text, why);
            case_free(c);
            if (!ok) return -1;
        }
    return done;
}

static bool any_selected(const options *o)
{
    for (int f = 0; f < case_family_count; f++)
        for (int i = 0; i < case_families[f]->n; i++)
            if (selected(o, case_families[f], &case_families[f]->rows[i])) return true;
    return false;
}

static int run_all(cinch_backend *b, const options *o)
{
    char text[256] = "";
    int done = 0;
    if (!any_selected(o)) {
        fputs("cinch-bench-ops: no such rows; --help lists the families, --all takes every row\n", stderr);
        return 2;
    }
    b->vtable->describe(b, text, sizeof text);
    if (o->json) {
        printf("{\"device\": ");
        print_escaped(text);
        printf(", \"rows\": [");
    } else {
        puts(text);
    }
    for (int f = 0; done >= 0 && f < case_family_count; f++) done = run_family(b, case_families[f], o, done);
    if (o->json) puts("\n]}");
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
    cinch_status status = cinch_cpu_open(&b, &(cinch_cpu_options){.threads = o.threads, .isa = o.isa});
    if (status) {
        fprintf(stderr, "cinch-bench-ops: %s\n", cinch_last_error());
        return (int)status;
    }
    int result = run_all(b, &o);
    b->vtable->close(b);
    return result;
}
