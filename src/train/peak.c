/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine can do: fused multiply-adds, matrix products, memory. */
#include <cinch/graph.h>
#include <cinch/ops.h>
#include <cinch/plan.h>
#include <cinch/train.h>

#include "core/status.h"
#include "train/bench.h"
#include "train/clock.h"
#include "trained/workload.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* --- the same work on every thread, timed together ---------------------------------------------------------------- */

enum { MAX_THREADS = CINCH_BENCH_THREADS };

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

/* --- fused multiply-adds in registers ----------------------------------------------------------------------------- */

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

/* --- memory: a = b + s c over arrays much larger than the caches -------------------------------------------------- */

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
        workers[i] = (worker){.work = triad, .a = start, .b = start + TRIAD_FLOATS,
                              .c = start + 2 * (int64_t)TRIAD_FLOATS, .n = share};
    }
    cinch_status status = best_rate(workers, threads, gbytes);
    free(memory);
    return status;
}

/* --- matrix products, through a plan as in training --------------------------------------------------------------- */

typedef struct product {
    cinch_precision precision;
    int64_t size;      /* of a side */
    int in_a_row;      /* products, before the device is waited for */
} product;

enum { CPU_SIZE = 2048, GPU_SIZE = 8192, GPU_SIZE_LEAST = 256, GPU_IN_A_ROW = 10 };

static cinch_dtype product_type(const product *p)
{
    return p->precision == CINCH_PRECISION_BF16 ? CINCH_BF16 : CINCH_F32;
}

static cinch_status plan_product(const product *p, cinch_device *device, cinch_plan **plan)
{
    cinch_graph *g;
    TRY(cinch_graph_create(&g));
    cinch_shape shape = CINCH_SHAPE(p->size, p->size);
    cinch_value a = cinch_input(g, "a", product_type(p), shape), b = cinch_input(g, "b", product_type(p), shape);
    cinch_output(g, "product", cinch_matmul(g, a, b, false, true));
    cinch_status status = cinch_plan_create(plan, g, device, NULL, &(cinch_plan_options){.precision = p->precision});
    cinch_graph_free(g);
    return status;
}

/* Numbers from -1 to 1 that do not repeat: zeros and patterns take less power, and a GPU then runs faster. */
static void fill_numbers(void *memory, int64_t count, cinch_dtype dtype)
{
    uint32_t state = 1, bits;
    for (int64_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u; /* Numerical Recipes' */
        float number = (float)(int32_t)state * 0x1p-31f;
        memcpy(&bits, &number, sizeof bits);
        if (dtype == CINCH_BF16) ((uint16_t *)memory)[i] = (uint16_t)(bits >> 16);
        else ((float *)memory)[i] = number;
    }
}

static cinch_status fill_product(const product *p, cinch_plan *plan)
{
    int64_t count = p->size * p->size;
    size_t bytes = (size_t)count * cinch_dtype_size(product_type(p));
    void *numbers = cinch_calloc(bytes, 1);
    if (!numbers) return CINCH_DEVICE;
    fill_numbers(numbers, count, product_type(p));
    cinch_status status = cinch_plan_write(plan, "a", numbers, bytes);
    if (!status) status = cinch_plan_write(plan, "b", numbers, bytes);
    free(numbers);
    return status;
}

static cinch_status run_products(const product *p, cinch_device *device, cinch_plan *plan, double *seconds)
{
    TRY(cinch_device_sync(device));
    double start = cinch_seconds();
    for (int i = 0; i < p->in_a_row; i++) TRY(cinch_plan_run(plan));
    TRY(cinch_device_sync(device));
    *seconds = (cinch_seconds() - start) / p->in_a_row;
    return CINCH_OK;
}

/* Seconds of one product, the best of several goes. */
static cinch_status time_product(const product *p, cinch_device *device, cinch_plan *plan, double *seconds)
{
    double go, total = 0;
    TRY(run_products(p, device, plan, seconds));
    for (int i = 1; i < 8 && total < 1; i++) {
        TRY(run_products(p, device, plan, &go));
        if (go < *seconds) *seconds = go;
        total += go * p->in_a_row;
    }
    return CINCH_OK;
}

static cinch_status measure_product(const product *p, cinch_device *device, double *seconds, double *gflops)
{
    cinch_plan *plan = NULL;
    cinch_status status;
    TRY_GOTO(plan_product(p, device, &plan));
    TRY_GOTO(fill_product(p, plan));
    TRY_GOTO(time_product(p, device, plan, seconds));
    *gflops = cinch_plan_describe(plan).flops / *seconds * 1e-9;
done:
    cinch_plan_free(plan);
    return status;
}

/* A GPU is given larger and larger ones until it is busy for a millisecond. */
static cinch_status gpu_peak(cinch_device *device, cinch_precision precision, double *gflops)
{
    product p = {precision, GPU_SIZE_LEAST, GPU_IN_A_ROW};
    double seconds = 0, rate;
    for (*gflops = 0; p.size <= GPU_SIZE && seconds < 1e-3; p.size *= 2) {
        TRY(measure_product(&p, device, &seconds, &rate));
        if (rate > *gflops) *gflops = rate;
    }
    return CINCH_OK;
}

cinch_status cinch_product_peak(cinch_device *device, cinch_precision precision, double *gflops)
{
    double seconds;
    if (strcmp(cinch_device_name(device), "cpu")) return gpu_peak(device, precision, gflops);
    return measure_product(&(product){precision, CPU_SIZE, 1}, device, &seconds, gflops);
}

/* --- all three ---------------------------------------------------------------------------------------------------- */

static cinch_status measure(cinch_device *device, cinch_peak *out)
{
    out->threads = cinch_bench_threads(device);
    TRY(measure_fma(out->threads, &out->fma_gflops));
    TRY(cinch_product_peak(device, CINCH_PRECISION_F32, &out->sgemm_gflops));
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
