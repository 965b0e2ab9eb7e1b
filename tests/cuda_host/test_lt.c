/* SPDX-License-Identifier: Apache-2.0 */
/* The stand-in for cuBLASLt against three loops in double. */
#include "lt_test.h"

#include <criterion/criterion.h>

static const uint32_t epilogues[] = {
    CUBLASLT_EPILOGUE_DEFAULT,       CUBLASLT_EPILOGUE_BIAS,        CUBLASLT_EPILOGUE_RELU,
    CUBLASLT_EPILOGUE_RELU_BIAS,     CUBLASLT_EPILOGUE_RELU_AUX,    CUBLASLT_EPILOGUE_RELU_AUX_BIAS,
    CUBLASLT_EPILOGUE_GELU,          CUBLASLT_EPILOGUE_GELU_BIAS,   CUBLASLT_EPILOGUE_GELU_AUX,
    CUBLASLT_EPILOGUE_GELU_AUX_BIAS, CUBLASLT_EPILOGUE_DRELU,       CUBLASLT_EPILOGUE_DRELU_BGRAD,
    CUBLASLT_EPILOGUE_DGELU,         CUBLASLT_EPILOGUE_DGELU_BGRAD, CUBLASLT_EPILOGUE_BGRADA,
    CUBLASLT_EPILOGUE_BGRADB,
};
enum { EPILOGUES = sizeof epilogues / sizeof *epilogues };

/* --- what has to come out ----------------------------------------------------------------------------------------- */

/* A number, and how far f32 may be from it. */
typedef struct wanted {
    double x, within;
} wanted;

static float operand(const matrix *x, bool transposed, int64_t i, int64_t j, int64_t b)
{
    return x->host[transposed ? place(x, j, i, b) : place(x, i, j, b)];
}

static double factor(const trial *t, float x) { return t->compute == CUBLAS_COMPUTE_32F_FAST_TF32 ? to_tf32(x) : x; }

/* alpha op(A) op(B) + beta C */
static wanted product(const trial *t, const matrix *c_before, int64_t i, int64_t j, int64_t b)
{
    double sum = 0, size = 0, c = t->beta == 0 ? 0 : t->beta * c_before->host[place(c_before, i, j, b)];
    for (int64_t p = 0; p < t->k; p++) {
        double term = factor(t, operand(&t->a, t->trans_a, i, p, b)) * factor(t, operand(&t->b, t->trans_b, p, j, b));
        sum += term, size += fabs(term);
    }
    double x = t->alpha * sum + c;
    return (wanted){ x, 0x1p-23 * (double)(t->k + 2) * size * fabs(t->alpha) + 0x1p-22 * (fabs(x) + fabs(c)) };
}

static double gelu(double x) { return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); }

static double gelu_slope(double x)
{
    double h = 1e-5;
    return (gelu(x + h) - gelu(x - h)) / (2 * h);
}

/* The bit of a mask, as NVIDIA's own tests take it apart: a column has ld / 8 bytes. */
static bool mask_bit(const trial *t, const unsigned char *mask, int64_t i, int64_t j, int64_t b)
{
    const unsigned char *column = mask + b * t->aux.stride / 8 + j * (t->aux.ld / 8);
    return column[i / 8] & 1 << i % 8;
}

/* What D has to be, from what goes into the epilogue. */
static wanted finished(const trial *t, wanted w, int64_t i, int64_t j, int64_t b)
{
    if (t->epilogue & 4) w.x += t->bias.host[i + b * t->bias.stride], w.within += 0x1p-22 * (fabs(w.x) + 1);
    if (t->epilogue & 2) w.x = w.x > 0 ? w.x : 0;
    if (t->epilogue & 8 && !mask_bit(t, t->mask, i, j, b)) w = (wanted){ 0, 0 };
    if (t->epilogue & 64) {
        double slope = gelu_slope(t->aux.host[place(&t->aux, i, j, b)]);
        w = (wanted){ w.x * slope, w.within * 2 + fabs(w.x) * 0x1p-9 }; /* its tanh has 11 bits */
    }
    if (t->epilogue & 32) w = (wanted){ gelu(w.x), w.within * 2 + 0x1p-12 * fabs(w.x) + 1e-6 };
    return w;
}

static void check(const trial *t, const char *what, double got, wanted w, cudaDataType_t type, int64_t i, int64_t j,
                  int64_t b)
{
    double within = w.within + (type == CUDA_R_16BF ? 0x1p-8 * fabs(w.x) : 0);
    cr_assert(fabs(got - w.x) <= within,
              "%s[%d, %d] of batch %d: %.9g, not %.9g within %g; %dx%dx%d, epilogue %u, types %d %d, orders %d%d%d, "
              "transposed %d%d, batches %d",
              what, (int)i, (int)j, (int)b, got, w.x, within, (int)t->m, (int)t->n, (int)t->k, t->epilogue, t->in,
              t->out, t->order_a, t->order_b, t->order_d, t->trans_a, t->trans_b, t->batch);
}

/* --- what did come out -------------------------------------------------------------------------------------------- */

/* Elements that belong to no matrix stay as they were; those that do are marked by check_values. */
static void check_gaps(const matrix *x, const bool *owned, float was)
{
    for (int64_t i = 0; i < x->count; i++) cr_assert(owned[i] || x->host[i] == was, "a gap was written to");
}

static void check_mask(const trial *t, const unsigned char *got, wanted before, int64_t i, int64_t j, int64_t b)
{
    if (fabs(before.x) > before.within)
        cr_assert_eq(mask_bit(t, got, i, j, b), before.x > 0, "bit %d of column %d", (int)i, (int)j);
}

/* Everything that D, the auxiliary output and the sums of D's rows hold. */
static void check_values(const trial *t, const matrix *c_before, const unsigned char *mask)
{
    bool *owned = calloc((size_t)t->d.count, 1);
    for (int64_t b = 0; b < t->batch; b++)
        for (int64_t i = 0; i < t->m; i++) {
            wanted sum = { 0, 0 };
            for (int64_t j = 0; j < t->n; j++) {
                wanted raw = product(t, c_before, i, j, b), w = finished(t, raw, i, j, b);
                check(t, "D", t->d.host[place(&t->d, i, j, b)], w, t->out, i, j, b);
                owned[place(&t->d, i, j, b)] = true;
                if (t->epilogue & 4)
                    raw.x += t->bias.host[i + b * t->bias.stride], raw.within += 0x1p-22 * (fabs(raw.x) + 1);
                if (has_mask(t) && !reads_aux(t)) check_mask(t, mask, raw, i, j, b);
                if (has_aux(t) && t->epilogue & 32)
                    check(t, "aux", t->aux.host[place(&t->aux, i, j, b)], raw, t->out, i, j, b);
                sum.x += w.x, sum.within += w.within + 0x1p-22 * fabs(w.x) * (double)t->n;
            }
            if (t->epilogue & 16) check(t, "bias", t->bias.host[i + b * t->bias.stride], sum, t->out, i, 0, b);
        }
    float was = t->out == CUDA_R_16BF ? to_bf16(UNTOUCHED) : UNTOUCHED;
    if (t->c_use != C_IS_D) check_gaps(&t->d, owned, was);
    free(owned);
}

/* The sums of op(A)'s rows, of op(B)'s columns. */
static void check_sums(const trial *t)
{
    bool of_a = t->epilogue == CUBLASLT_EPILOGUE_BGRADA;
    for (int64_t b = 0; b < t->batch; b++)
        for (int64_t i = 0; i < (of_a ? t->m : t->n); i++) {
            wanted sum = { 0, 0 };
            for (int64_t p = 0; p < t->k; p++) {
                sum.x += of_a ? operand(&t->a, t->trans_a, i, p, b) : operand(&t->b, t->trans_b, p, i, b);
                sum.within += 0x1p-23 * (double)t->k;
            }
            check(t, "bias", t->bias.host[i + b * t->bias.stride], sum, t->out, i, 0, b);
        }
}

/* Runs the trial with one algorithm and looks at all that it writes. */
static void run(trial *t)
{
    matrix c_before = t->c_use == C_IS_D ? t->d : t->c;
    size_t bytes = t->c_use == NO_C ? 0 : (size_t)c_before.count * sizeof(float);
    c_before.host = malloc(bytes + 1);
    if (bytes) memcpy(c_before.host, t->c_use == C_IS_D ? t->d.host : t->c.host, bytes);
    OK(multiply(t));
    OK(cudaStreamSynchronize(t->stream));
    unsigned char *mask = malloc((size_t)t->mask_bytes + 1);
    download(&t->d);
    if (has_bias(t)) download(&t->bias);
    if (has_mask(t))
        OK(cudaMemcpy(mask, t->aux.device, (size_t)t->mask_bytes, cudaMemcpyDeviceToHost));
    else if (has_aux(t))
        download(&t->aux);
    check_values(t, &c_before, mask);
    if (t->epilogue == CUBLASLT_EPILOGUE_BGRADA || t->epilogue == CUBLASLT_EPILOGUE_BGRADB) check_sums(t);
    free(mask);
    free(c_before.host);
}

/* --- trials ------------------------------------------------------------------------------------------------------- */

/* What the documentation leaves out. */
static bool is_left_out(const trial *t)
{
    if (t->epilogue == CUBLASLT_EPILOGUE_DEFAULT) return false;
    if (t->epilogue == CUBLASLT_EPILOGUE_BGRADA) return t->trans_a != (t->order_a == CUBLASLT_ORDER_ROW);
    if (t->order_d == CUBLASLT_ORDER_ROW) return true;
    if (t->epilogue == CUBLASLT_EPILOGUE_BGRADB) return t->trans_b != (t->order_b == CUBLASLT_ORDER_COL);
    return reads_aux(t) && t->k == 1;
}

/* One of the algorithms that are found, on fresh memory; how many there were. */
static int try_one(trial t, int algorithm)
{
    make_trial(&t);
    cublasStatus_t status = search(&t);
    cr_assert_eq(status, is_left_out(&t) ? CUBLAS_STATUS_NOT_SUPPORTED : CUBLAS_STATUS_SUCCESS, "%d, epilogue %u",
                 status, t.epilogue);
    cr_assert_eq(status == 0, t.n_found > 0);
    t.algorithm = status ? 0 : algorithm % t.n_found;
    if (!status) run(&t);
    end_trial(&t);
    return t.n_found;
}

static int try_all(trial t)
{
    int found = 1;
    for (int i = 0; i < found; i++) found = try_one(t, i);
    return found;
}

static const struct {
    int64_t m, n, k;
} sizes[] = { { 5, 3, 7 }, { 1, 1, 1 }, { 33, 17, 65 }, { 97, 65, 2 }, { 1, 31, 257 } };
enum { SIZES = sizeof sizes / sizeof *sizes };
static const struct {
    cudaDataType_t in, out;
    cublasComputeType_t compute;
} types[] = {
    { CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F },
    { CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32 },
    { CUDA_R_16BF, CUDA_R_16BF, CUBLAS_COMPUTE_32F },
    { CUDA_R_16BF, CUDA_R_32F, CUBLAS_COMPUTE_32F_PEDANTIC },
};
enum { TYPES = sizeof types / sizeof *types };

/* One of the ways of batching; those of D and of the bias that do not suit the epilogue are left out. */
static void set_batch(trial *t, int way)
{
    t->batch = way ? 3 : 1;
    t->share_a = way == 2;
    t->share_b = way == 3;
    t->side_by_side = way == 4;
    t->share_bias = way == 2 && !writes_bias(t);
    t->gap = way == 1 || way == 4 ? 5 : 0;
}

Test(lt, every_transpose_order_type_batch_and_epilogue)
{
    int tried = 0, number = 0;
    for (int layout = 0; layout < 32; layout++)
        for (int type = 0; type < TYPES; type++)
            for (int e = 0; e < EPILOGUES; e++)
                for (int way = 0; way < 5; way++, number++) {
                    int size = number % SIZES;
                    trial t = { .m = sizes[size].m,
                                .n = sizes[size].n,
                                .k = sizes[size].k,
                                .in = types[type].in,
                                .out = types[type].out,
                                .compute = types[type].compute,
                                .epilogue = epilogues[e],
                                .alpha = 1,
                                .trans_a = layout & 1,
                                .trans_b = layout & 2,
                                .order_a = layout >> 2 & 1,
                                .order_b = layout >> 3 & 1,
                                .order_d = layout >> 4 };
                    set_batch(&t, way);
                    t.c_use = (use_of_c)(number / SIZES % 3);
                    if (t.c_use != NO_C) t.alpha = 0.75f, t.beta = -1.5f;
                    t.device_scalars = number % 7 == 0 && t.c_use != NO_C;
                    if (way && is_left_out(&t)) continue;
                    tried += try_one(t, number % 3) > 0;
                }
    cr_assert_gt(tried, 4000, "%d", tried);
}

static const trial ordinary = { .m = 33,
                                .n = 17,
                                .k = 65,
                                .in = CUDA_R_32F,
                                .out = CUDA_R_32F,
                                .compute = CUBLAS_COMPUTE_32F,
                                .epilogue = CUBLASLT_EPILOGUE_DEFAULT,
                                .batch = 1,
                                .alpha = 1 };

Test(lt, large_products)
{
    trial t = ordinary;
    t.m = 512, t.n = 100, t.k = 784, t.trans_a = true, t.epilogue = CUBLASLT_EPILOGUE_RELU_AUX_BIAS;
    cr_assert_geq(try_all(t), 2);
    t.in = t.out = CUDA_R_16BF, t.trans_a = false;
    cr_assert_geq(try_all(t), 2);
}

Test(lt, c_may_repeat_one_column)
{
    trial t = ordinary;
    t.c_use = REPEATED_C, t.beta = 2;
    try_all(t);
    t.order_d = CUBLASLT_ORDER_ROW;
    try_all(t);
}

/* NaN would go through 0 * NaN. */
Test(lt, what_is_in_c_and_d_does_not_matter_without_beta)
{
    trial t = ordinary;
    t.c_use = C_IS_D;
    make_trial(&t);
    for (int64_t i = 0; i < t.d.count; i++) t.d.host[i] = NAN;
    upload(&t.d);
    OK(search(&t));
    run(&t);
    end_trial(&t);
}

Test(lt, an_implicit_search_finds_something)
{
    trial t = ordinary;
    t.algorithm = -1;
    make_trial(&t);
    OK(cudaFree(t.workspace));
    t.workspace_size = 0, t.workspace = NULL;
    run(&t);
    end_trial(&t);
}

/* f32 that TF32 cannot hold: 1 + 2^-11 is halfway and goes up, 1 + 2^-12 goes down. */
Test(lt, tf32_rounds_operands)
{
    trial t = ordinary;
    t.m = t.n = t.k = 1, t.compute = CUBLAS_COMPUTE_32F_FAST_TF32;
    make_trial(&t);
    OK(search(&t));
    for (int i = 0; i < 4; i++) {
        const float from[] = { 1 + 0x1p-11f, 1 + 0x1p-12f, -1 - 0x1p-11f, INFINITY };
        const float to[] = { 1 + 0x1p-10f, 1, -1 - 0x1p-10f, INFINITY };
        t.a.host[0] = from[i], t.b.host[0] = 1;
        upload(&t.a), upload(&t.b);
        OK(multiply(&t));
        download(&t.d);
        cr_assert_eq(t.d.host[0], to[i]);
    }
    end_trial(&t);
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

/* The first algorithm wants a workspace: nothing of what was in it is left, and the end of what was given neither. */
Test(lt, nothing_lives_in_a_workspace)
{
    trial t = ordinary;
    make_trial(&t);
    OK(search(&t));
    size_t used = t.found[0].workspaceSize, size = t.workspace_size;
    cr_assert(used > 0 && used < size);
    unsigned char *bytes = malloc(size);
    OK(cudaMemset(t.workspace, 7, size));
    run(&t);
    OK(cudaMemcpy(bytes, t.workspace, size, cudaMemcpyDeviceToHost));
    for (size_t i = 0; i < used; i++) cr_assert_eq(bytes[i], 0xff);
    for (size_t i = size - 256; i < size; i++) cr_assert_eq(bytes[i], 0xff);
    free(bytes);
    end_trial(&t);
}

/* D over A, and A in the workspace: the result is not a number, whatever was there. */
Test(lt, overlaps_show)
{
    trial t = ordinary;
    t.m = t.n = t.k = 16;
    make_trial(&t);
    OK(search(&t));
    void *a = t.a.device, *d = t.d.device;
    t.d.device = a;
    OK(multiply(&t));
    download(&t.d);
    for (int64_t i = 0; i < t.d.count; i++) cr_assert(isnan(t.d.host[i]));
    t.d.device = d, t.a.device = t.workspace;
    upload(&t.a);
    OK(multiply(&t));
    download(&t.d);
    for (int64_t i = 0; i < t.d.count; i++) cr_assert(isnan(t.d.host[i]));
    t.a.device = a;
    end_trial(&t);
}

/* Padding in a mask is set, and ld is in bits. */
Test(lt, padding_of_a_mask_is_undefined)
{
    trial t = ordinary;
    unsigned char got[16 * 17];
    t.epilogue = CUBLASLT_EPILOGUE_RELU_AUX;
    make_trial(&t);
    OK(cudaMemset(t.aux.device, 0, sizeof got));
    OK(search(&t));
    OK(multiply(&t));
    cr_assert_eq(t.mask_bytes, (int64_t)sizeof got);
    OK(cudaMemcpy(got, t.aux.device, sizeof got, cudaMemcpyDeviceToHost));
    for (int j = 0; j < 17; j++)
        for (int i = 33; i < 128; i++) cr_assert(got[16 * j + i / 8] & 1 << i % 8);
    end_trial(&t);
}

/* --- streams ------------------------------------------------------------------------------------------------------ */

Test(lt, products_are_recorded_and_replayed)
{
    trial t = ordinary;
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    make_trial(&t);
    OK(search(&t));
    OK(cudaStreamBeginCapture(t.stream, cudaStreamCaptureModeThreadLocal));
    OK(multiply(&t));
    OK(cudaStreamEndCapture(t.stream, &graph));
    OK(cudaGraphInstantiate(&exec, graph, 0));
    download(&t.d);
    cr_assert_eq(t.d.host[0], UNTOUCHED, "a recorded product must not run");
    for (int i = 0; i < 2; i++) {
        for (int64_t j = 0; j < t.a.count; j++) t.a.host[j] *= 2;
        upload(&t.a);
        OK(cudaGraphLaunch(exec, t.stream));
        OK(cudaStreamSynchronize(t.stream));
        download(&t.d);
        for (int64_t j = 0; j < t.n; j++) check(&t, "D", t.d.host[j * t.m], product(&t, &t.c, 0, j, 0), t.out, 0, j, 0);
    }
    OK(cudaGraphExecDestroy(exec));
    OK(cudaGraphDestroy(graph));
    end_trial(&t);
}

Test(lt, algorithms_are_told_apart)
{
    trial t = ordinary;
    t.k = 300;
    make_trial(&t);
    OK(search(&t));
    cr_assert_eq(t.n_found, 3);
    int32_t ids[3];
    for (int i = 0; i < 3; i++) {
        uint32_t splits;
        uint64_t flags;
        size_t written;
        cublasLtMatmulHeuristicResult_t checked;
        const cublasLtMatmulAlgo_t *algo = &t.found[i].algo;
        OK(cublasLtMatmulAlgoConfigGetAttribute(algo, CUBLASLT_ALGO_CONFIG_ID, &ids[i], sizeof ids[i], &written));
        OK(cublasLtMatmulAlgoConfigGetAttribute(algo, CUBLASLT_ALGO_CONFIG_SPLITK_NUM, &splits, sizeof splits, NULL));
        OK(cublasLtMatmulAlgoCapGetAttribute(algo, CUBLASLT_ALGO_CAP_NUMERICAL_IMPL_FLAGS, &flags, sizeof flags, NULL));
        cr_assert_eq(written, sizeof ids[i]);
        cr_assert_eq(splits, i ? 1u : 2u);
        cr_assert(flags & CUBLASLT_NUMERICAL_IMPL_FLAGS_FMA);
        OK(cublasLtMatmulAlgoCheck(t.handle, t.desc, t.layout_a, t.layout_b, t.layout_c, t.layout_d, algo, &checked));
        cr_assert_eq(checked.workspaceSize, t.found[i].workspaceSize);
    }
    cr_assert(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
    end_trial(&t);
}
