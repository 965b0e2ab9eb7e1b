/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine can do: fused multiply-adds, matrix products, memory. */
#include <cinch/graph.h>
#include <cinch/ops.h>
#include <cinch/plan.h>
#include <cinch/train.h>

#include "core/status.h"
#include "train/bench.h"
#include "train/clock.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* --- the same work on every thread, timed together --------------------------------------------------------------- */

enum { MAX_THREADS = 256 };

typedef struct worker {
    void (*work)(struct worker *);
    float *a, *b, *c;   /* triad: arrays of n */
    int64_t n;
    double amount;      /* done: flops, or bytes */
    float sink;         /* keeps the compiler from dropping the work */
} worker;

static void *run_worker(void *argument)
{
    worker *w = argument;
    w->work(w);
    return NULL;
}

/* Seconds until all have finished. */
static cinch_status run_all(worker *workers, int n, double *seconds)
{
    pthread_t threads[MAX_THREADS];
    int started = 1;
    double start = cinch_seconds();
    while (started < n && !pthread_create(&threads[started], NULL, run_worker, &workers[started])) started++;
    workers[0].work(&workers[0]);
    for (int i = 1; i < started; i++) pthread_join(threads[i], NULL);
    *seconds = cinch_seconds() - start;
    return started == n ? CINCH_OK : cinch_fail(CINCH_DEVICE, "cannot start %d threads", n);
}

/* Best rate of several goes, in units of 1e9 a second. */
static cinch_status best_rate(worker *workers, int n, double *rate)
{
    *rate = 0;
    for (int go = 0; go < 10; go++) {
        double seconds, amount = 0;
        TRY(run_all(workers, n, &seconds));
        for (int i = 0; i < n; i++) amount += workers[i].amount;
        if (amount / seconds * 1e-9 > *rate) *rate = amount / seconds * 1e-9;
    }
    return CINCH_OK;
}

/* --- fused multiply-adds in registers ------------------------------------------------------------------------------ */

enum { FMA_CHAINS = 12, FMA_ROUNDS = 4000000 };

/* Twelve independent chains of x = x * a + b: enough to fill two pipes of latency four. */
#define FMA_LOOP(name, target, vector, lanes, set, step, first)                                          \
    target static void fma_##name(worker *w)                                                             \
    {                                                                                                    \
        vector x[FMA_CHAINS], a = set(0.999f), b = set(1e-3f);                                           \
        for (int k = 0; k < FMA_CHAINS; k++) x[k] = set((float)k);                                       \
        for (int i = 0; i < FMA_ROUNDS; i++)                                                             \
            _Pragma("GCC unroll 12") for (int k = 0; k < FMA_CHAINS; k++) x[k] = step(x[k], a, b);       \
        for (int k = 0; k < FMA_CHAINS; k++) w->sink += first(x[k]);                                     \
        w->amount = 2.0 * (lanes) * FMA_CHAINS * FMA_ROUNDS;                                             \
    }

#if defined(__x86_64__)
#define SSE_STEP(x, a, b) _mm_add_ps(_mm_mul_ps(x, a), b)
FMA_LOOP(generic, , __m128, 4, _mm_set1_ps, SSE_STEP, _mm_cvtss_f32)
FMA_LOOP(avx2, __attribute__((target("avx2,fma"))), __m256, 8, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_cvtss_f32)
FMA_LOOP(avx512, __attribute__((target("avx512f"))), __m512, 16, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_cvtss_f32)
#else
#define PLAIN(x) (x)
#define PLAIN_STEP(x, a, b) ((x) * (a) + (b))
FMA_LOOP(generic, , float, 1, PLAIN, PLAIN_STEP, PLAIN)
#endif

static void (*fma_loop(void))(worker *)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return fma_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return fma_avx2;
#endif
    return fma_generic;
}

static cinch_status measure_fma(int threads, double *gflops)
{
    worker workers[MAX_THREADS];
    memset(workers, 0, sizeof workers);
    for (int i = 0; i < threads; i++) workers[i].work = fma_loop();
    return best_rate(workers, threads, gflops);
}

/* --- memory: a = b + s c over arrays much larger than the caches ----------------------------------------------------- */

enum { TRIAD_FLOATS = 1 << 24 };

static void triad(worker *w)
{
    float *restrict a = w->a, *restrict b = w->b, *restrict c = w->c;
    for (int64_t i = 0; i < w->n; i++) a[i] = b[i] + 3 * c[i];
    w->amount = 12.0 * (double)w->n;
}

static cinch_status measure_triad(int threads, double *gbytes)
{
    worker workers[MAX_THREADS];
    float *memory = malloc(3 * sizeof(float) * (size_t)TRIAD_FLOATS);
    if (!memory) return cinch_fail(CINCH_DEVICE, "out of memory: %d bytes", 12 * TRIAD_FLOATS);
    for (int64_t i = 0; i < 3 * (int64_t)TRIAD_FLOATS; i++) memory[i] = (float)(i & 1023);
    int64_t share = TRIAD_FLOATS / threads;
    for (int i = 0; i < threads; i++) {
        float *start = memory + i * share;
        workers[i] = (worker){.work = triad, .a = start, .b = start + TRIAD_FLOATS, .c = start + 2 * (int64_t)TRIAD_FLOATS,
                              .n = share};
    }
    cinch_status status = best_rate(workers, threads, gbytes);
    free(memory);
    return status;
}

/* --- matrix products, through a plan as in training ------------------------------------------------------------------ */

enum { PRODUCT_SIZE = 2048 };

static cinch_status plan_product(cinch_device *device, cinch_plan **plan)
{
    cinch_graph *g;
    TRY(cinch_graph_create(&g));
    cinch_shape shape = CINCH_SHAPE(PRODUCT_SIZE, PRODUCT_SIZE);
    cinch_value a = cinch_input(g, "a", CINCH_F32, shape), b = cinch_input(g, "b", CINCH_F32, shape);
    cinch_output(g, "product", cinch_matmul(g, a, b, false, true));
    cinch_status status = cinch_plan_create(plan, g, device, NULL, NULL);
    cinch_graph_free(g);
    return status;
}

static cinch_status fill_product(cinch_plan *plan)
{
    size_t count = (size_t)PRODUCT_SIZE * PRODUCT_SIZE;
    float *numbers = cinch_calloc(count, sizeof *numbers);
    if (!numbers) return CINCH_DEVICE;
    for (size_t i = 0; i < count; i++) numbers[i] = (float)(i % 1021) * 1e-3f;
    cinch_status status = cinch_plan_write(plan, "a", numbers, count * sizeof *numbers);
    if (!status) status = cinch_plan_write(plan, "b", numbers, count * sizeof *numbers);
    free(numbers);
    return status;
}

static cinch_status time_product(cinch_device *device, cinch_plan *plan, double *gflops)
{
    *gflops = 0;
    for (int go = 0; go < 8; go++) {
        double start = cinch_seconds();
        TRY(cinch_plan_run(plan));
        TRY(cinch_device_sync(device));
        double rate = cinch_plan_describe(plan).flops / (cinch_seconds() - start) * 1e-9;
        if (rate > *gflops) *gflops = rate;
    }
    return CINCH_OK;
}

cinch_status cinch_sgemm_peak(cinch_device *device, double *gflops)
{
    cinch_plan *plan = NULL;
    cinch_status status;
    TRY_GOTO(plan_product(device, &plan));
    TRY_GOTO(fill_product(plan));
    TRY_GOTO(time_product(device, plan, gflops));
done:
    cinch_plan_free(plan);
    return status;
}

/* --- all three ----------------------------------------------------------------------------------------------------------- */

int cinch_bench_threads(cinch_device *device)
{
    char text[256];
    cinch_device_describe(device, text, sizeof text);
    const char *word = strstr(text, " thread");
    while (word && word > text && word[-1] >= '0' && word[-1] <= '9') word--;
    int threads = word ? atoi(word) : 1;
    return threads < 1 ? 1 : threads > MAX_THREADS ? MAX_THREADS : threads;
}

static cinch_status measure(cinch_device *device, cinch_peak *out)
{
    out->threads = cinch_bench_threads(device);
    TRY(measure_fma(out->threads, &out->fma_gflops));
    TRY(cinch_sgemm_peak(device, &out->sgemm_gflops));
    return measure_triad(out->threads, &out->triad_gbytes);
}

cinch_status cinch_bench_peak(int threads, cinch_peak *out)
{
    cinch_device *device;
    TRY(cinch_device_open(&device, "cpu", &(cinch_device_options){.threads = threads}));
    cinch_status status = measure(device, out);
    cinch_device_free(device);
    return status;
}
