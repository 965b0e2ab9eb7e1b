/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <cinch/infer.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- train -------------------------------------------------------------------------------------------------------- */

static json_t *losses_json(const cinch_bench *b)
{
    json_t *array = json_array();
    for (int i = 0; i < b->n_losses; i++) cinch_cli_json_add(array, cinch_cli_json_number(b->losses[i]));
    return array;
}

static const char *precision_name(const cinch_cli *cli)
{
    return cinch_precision_name(cinch_config_train(cli->config)->precision);
}

static cinch_status print_json(const cinch_cli *cli, const cinch_bench *b, const char *device)
{
    json_t *o = json_object();
    cinch_cli_json_set(o, "workload", cinch_cli_json_text(b->workload));
    cinch_cli_json_set(o, "device", cinch_cli_json_text(device));
    cinch_cli_json_set(o, "precision", cinch_cli_json_text(precision_name(cli)));
    cinch_cli_json_set(o, "threads", json_integer(b->threads));
    cinch_cli_json_set(o, "batch_size", json_integer(b->batch_size));
    cinch_cli_json_set(o, "step_ms", cinch_cli_json_number(b->step_ms));
    cinch_cli_json_set(o, "step_ms_min", cinch_cli_json_number(b->step_ms_min));
    cinch_cli_json_set(o, "step_ms_max", cinch_cli_json_number(b->step_ms_max));
    cinch_cli_json_set(o, "samples_per_s", cinch_cli_json_number(b->samples_per_s));
    cinch_cli_json_set(o, "first_step_ms", cinch_cli_json_number(b->first_step_ms));
    cinch_cli_json_set(o, "peak_bytes", json_integer(b->peak_bytes));
    cinch_cli_json_set(o, "activation_bytes", json_integer(b->activation_bytes));
    cinch_cli_json_set(o, "weight_bytes", json_integer(b->weight_bytes));
    cinch_cli_json_set(o, "flops_per_step", json_integer((json_int_t)b->flops_per_step));
    cinch_cli_json_set(o, "share_of_peak", cinch_cli_json_number(b->share_of_peak));
    cinch_cli_json_set(o, "loss_first", cinch_cli_json_number(b->loss_first));
    cinch_cli_json_set(o, "loss_last", cinch_cli_json_number(b->loss_last));
    if (cli->losses) cinch_cli_json_set(o, "losses", losses_json(b));
    return cinch_cli_print_json(o);
}

static void print_table(const cinch_cli *cli, const cinch_bench *b, const char *device)
{
    cinch_cli_print("%s, batch size %lld, %s, %s", b->workload, (long long)b->batch_size, device, precision_name(cli));
    if (!strcmp(device, "cpu")) cinch_cli_print(", %d threads", b->threads);
    cinch_cli_print("\n");
    cinch_cli_print("  step        %.3f ms (%.3f to %.3f), the first %.3f ms\n", b->step_ms, b->step_ms_min,
                    b->step_ms_max, b->first_step_ms);
    cinch_cli_print("  samples/s   %.0f\n", b->samples_per_s);
    cinch_cli_print("  products    %.3f GFLOP a step, %.0f%% of this machine's peak\n", b->flops_per_step * 1e-9,
                    100 * b->share_of_peak);
    cinch_cli_print("  memory      %.1f MiB above start-up; planned for activations %.2f MiB, for bf16 copies of "
                    "weights %.2f MiB\n", (double)b->peak_bytes / 1048576, (double)b->activation_bytes / 1048576,
                    (double)b->weight_bytes / 1048576);
    cinch_cli_print("  loss        %.6g first, %.6g last\n", b->loss_first, b->loss_last);
    for (int i = 0; cli->losses && i < b->n_losses; i++) cinch_cli_print("  step %-2d     %.8g\n", i + 1, b->losses[i]);
}

static cinch_status bench_train(cinch_cli *cli)
{
    cinch_facts device;
    cinch_bench result = {0};
    const cinch_train_config *t = cinch_config_train(cli->config);
    cinch_bench_options options = {.device = t->device, .threads = t->threads, .weights = cli->weights,
                                   .data = cli->data, .precision = t->precision};
    if (!cli->second) return cinch_cli_fail(CINCH_USAGE, "bench train: WORKLOAD is missing, dense for example");
    if (cinch_cli_given(cli, "train.batch_size")) options.batch_size = t->batch_size;
    TRY(cinch_cli_whole("--steps", cli->steps, 1, 0, &options.steps));
    TRY(cinch_bench_train(cli->second, &options, &result));
    TRY(cinch_cli_look_at(t->device, t->threads, &device));
    if (!cli->json) print_table(cli, &result, device.name);
    cinch_status status = cli->json ? print_json(cli, &result, device.name) : CINCH_OK;
    if (!status) cinch_cli_tell_device(cli);
    return status;
}

/* --- infer -------------------------------------------------------------------------------------------------------- */

static cinch_status print_infer_json(const cinch_cli *cli, const cinch_infer_bench *b)
{
    json_t *o = json_object();
    cinch_cli_json_set(o, "what", cinch_cli_json_text(cli->second));
    cinch_cli_json_set(o, "device", cinch_cli_json_text(b->device));
    cinch_cli_json_set(o, "precision", cinch_cli_json_text(cinch_precision_name(b->precision)));
    cinch_cli_json_set(o, "threads", json_integer(b->threads));
    cinch_cli_json_set(o, "batch_size", json_integer(b->batch_size));
    cinch_cli_json_set(o, "calls", json_integer(b->calls));
    cinch_cli_json_set(o, "min_us", cinch_cli_json_number(b->min_us));
    cinch_cli_json_set(o, "p50_us", cinch_cli_json_number(b->p50_us));
    cinch_cli_json_set(o, "p90_us", cinch_cli_json_number(b->p90_us));
    cinch_cli_json_set(o, "p99_us", cinch_cli_json_number(b->p99_us));
    cinch_cli_json_set(o, "max_us", cinch_cli_json_number(b->max_us));
    cinch_cli_json_set(o, "samples_per_s", cinch_cli_json_number(b->samples_per_s));
    cinch_cli_json_set(o, "open_ms", cinch_cli_json_number(b->open_ms));
    cinch_cli_json_set(o, "error", cinch_cli_json_number(b->error));
    return cinch_cli_print_json(o);
}

static void print_infer_table(const cinch_cli *cli, const cinch_infer_bench *b)
{
    cinch_cli_print("%s, batch size %lld, %s, %s", cli->second, (long long)b->batch_size, b->device,
                    cinch_precision_name(b->precision));
    if (!strcmp(b->device, "cpu")) cinch_cli_print(", %d threads", b->threads);
    cinch_cli_print("\n  latency     %.1f us (%.1f to %.1f), 90%% within %.1f, 99%% within %.1f; %lld calls\n",
                    b->p50_us, b->min_us, b->max_us, b->p90_us, b->p99_us, (long long)b->calls);
    cinch_cli_print("  samples/s   %.0f\n  opening     %.1f ms\n", b->samples_per_s, b->open_ms);
    cinch_cli_print("  error       %.6g\n", b->error);
}

static cinch_status bench_infer(cinch_cli *cli)
{
    cinch_infer_bench result;
    const cinch_train_config *t = cinch_config_train(cli->config);
    cinch_infer_bench_options options = {.infer = {.device = t->device, .threads = t->threads}, .weights = cli->weights,
                                         .data = cli->data};
    if (!cli->second) return cinch_cli_fail(CINCH_USAGE, "bench infer: RUN or WORKLOAD is missing, dense for example");
    if (cinch_cli_given(cli, "train.batch_size")) options.infer.max_batch = t->batch_size;
    if (cinch_cli_given(cli, "train.precision")) options.infer.precision = cinch_precision_name(t->precision);
    TRY(cinch_cli_whole("--calls", cli->calls, 1, 0, &options.calls));
    TRY(cinch_bench_infer(cli->second, &options, &result));
    if (!cli->json) print_infer_table(cli, &result);
    cinch_status status = cli->json ? print_infer_json(cli, &result) : CINCH_OK;
    if (!status) cinch_cli_tell_device(cli);
    return status;
}

/* --- peak --------------------------------------------------------------------------------------------------------- */

static cinch_status bench_peak(cinch_cli *cli)
{
    cinch_peak peak;
    const char *device = cinch_config_train(cli->config)->device;
    if (!strncmp(device, "cuda", 4))
        return cinch_cli_fail(CINCH_USAGE, "bench peak: it measures the CPU; `cinch bench train dense --device %s` "
                              "gives the share of a GPU's peak", device);
    TRY(cinch_bench_peak(cinch_config_train(cli->config)->threads, &peak));
    if (!cli->json) {
        cinch_cli_print("cpu, %d threads\n  multiply-adds  %.1f GFLOP/s\n  product        %.1f GFLOP/s\n"
                        "  memory         %.1f GB/s\n", peak.threads, peak.fma_gflops, peak.sgemm_gflops,
                        peak.triad_gbytes);
        return CINCH_OK;
    }
    json_t *o = json_object();
    cinch_cli_json_set(o, "device", cinch_cli_json_text("cpu"));
    cinch_cli_json_set(o, "threads", json_integer(peak.threads));
    cinch_cli_json_set(o, "fma_gflops", cinch_cli_json_number(peak.fma_gflops));
    cinch_cli_json_set(o, "sgemm_gflops", cinch_cli_json_number(peak.sgemm_gflops));
    cinch_cli_json_set(o, "triad_gbytes", cinch_cli_json_number(peak.triad_gbytes));
    return cinch_cli_print_json(o);
}

/* --- ops: a program of its own, for the cases are the tests' ------------------------------------------------------ */

/* Beside the command or, in a build tree, among the tests. */
static bool find_program(char *path, size_t size)
{
    static const char *const places[] = {"", "bench/", "../bench/"};
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0) return false;
    self[n] = '\0';
    *strrchr(self, '/') = '\0';
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        int length = snprintf(path, size, "%s/%scinch-bench-ops", self, places[i]);
        if (length < (int)size && access(path, X_OK) == 0) return true;
    }
    return false;
}

static cinch_status bench_ops(cinch_cli *cli)
{
    char path[4200], threads[16];
    char *arguments[10] = {"cinch-bench-ops"};
    const cinch_train_config *t = cinch_config_train(cli->config);
    int n = 1;
    if (!find_program(path, sizeof path))
        return cinch_cli_fail(CINCH_USAGE, "bench ops: the program cinch-bench-ops is not beside this command; it is "
                              "built with the tests (cmake -DCINCH_TESTS=ON)");
    if (cli->json) arguments[n++] = "--json";
    if (cinch_cli_given(cli, "train.device")) {
        arguments[n++] = "--device";
        arguments[n++] = (char *)t->device;
    }
    if (cinch_cli_given(cli, "train.threads")) {
        snprintf(threads, sizeof threads, "%d", t->threads);
        arguments[n++] = "--threads";
        arguments[n++] = threads;
    }
    if (cli->second) {
        arguments[n++] = "--op";
        arguments[n++] = (char *)cli->second;
    }
    execv(path, arguments);
    return cinch_cli_fail(CINCH_INTERNAL, "%s: cannot be run: %s", path, strerror(errno));
}

/* --- the verb ----------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    cinch_status (*run)(cinch_cli *cli);
} kinds[] = {{"train", bench_train}, {"infer", bench_infer}, {"ops", bench_ops}, {"peak", bench_peak}};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* A flag that would change nothing is refused. */
static cinch_status check_flags(const cinch_cli *cli)
{
    const struct {
        const char *flag;
        bool given;
        const char *kinds;
    } rows[] = {{"--weights", cli->weights, "train infer"}, {"--data", cli->data, "train infer"},
                {"--steps", cli->steps, "train"}, {"--losses", cli->losses, "train"}, {"--calls", cli->calls, "infer"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].given && !strstr(rows[i].kinds, cli->operand))
            return cinch_cli_fail(CINCH_USAGE, "%s: not of bench %s but of bench %.5s", rows[i].flag, cli->operand,
                                  rows[i].kinds);
    return CINCH_OK;
}

cinch_status cinch_verb_bench(cinch_cli *cli)
{
    const char *names[KINDS];
    TRY(cinch_cli_configure(cli));
    for (int i = 0; i < KINDS; i++) {
        names[i] = kinds[i].name;
        if (strcmp(cli->operand, names[i])) continue;
        TRY(check_flags(cli));
        return kinds[i].run(cli);
    }
    const char *near = cinch_nearest(cli->operand, names, KINDS);
    return cinch_cli_fail(CINCH_USAGE, "bench %s: unknown%s%s%s (train infer ops peak)", cli->operand,
                          near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}
