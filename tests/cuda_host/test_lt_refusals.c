/* SPDX-License-Identifier: Apache-2.0 */
/* Every kind of misuse is refused by the stand-in for cuBLASLt, and refused work does nothing. */
#include "lt_test.h"

enum {
    FINE = CUBLAS_STATUS_SUCCESS,
    UNINITIALIZED = CUBLAS_STATUS_NOT_INITIALIZED,
    INVALID = CUBLAS_STATUS_INVALID_VALUE,
    LEFT_OUT = CUBLAS_STATUS_NOT_SUPPORTED,
    FAILED = CUBLAS_STATUS_EXECUTION_FAILED
};

/* A linear layer with ReLU and its mask, in two batches. */
static const trial layer = { .m = 33,
                             .n = 17,
                             .k = 65,
                             .in = CUDA_R_32F,
                             .out = CUDA_R_32F,
                             .compute = CUBLAS_COMPUTE_32F,
                             .epilogue = CUBLASLT_EPILOGUE_RELU_AUX_BIAS,
                             .batch = 2,
                             .alpha = 1 };

/* --- descriptors that no product goes with ------------------------------------------------------------------------ */

/* `spoil` comes after a search that finds something; then what the next search says, and a product with what the first
   one found. */
typedef struct misuse {
    const char *name;
    void (*spoil)(trial *t);
    int search, product;
} misuse;

#define MISUSE(name, ...) \
    static void name(trial *t) { __VA_ARGS__; }
#define ROW(name, search, product) { #name, name, search, product }

#define DESC_OF(t, name, type, value) \
    do {                              \
        type value_ = value;          \
        SET_DESC(t, name, value_);    \
    } while (0)
#define DESC(name, type, value) DESC_OF(t, name, type, value)
#define LAYOUT(x, name, type, value)             \
    do {                                         \
        type value_ = value;                     \
        SET_LAYOUT(t->layout_##x, name, value_); \
    } while (0)
#define PREFERENCE_OF(t, name, type, value) \
    do {                                    \
        type value_ = value;                \
        SET_PREFERENCE(t, name, value_);    \
    } while (0)
#define PREFERENCE(name, type, value) PREFERENCE_OF(t, name, type, value)

MISUSE(other_compute_type, DESC(COMPUTE_TYPE, int32_t, CUBLAS_COMPUTE_64F))
MISUSE(half_compute_type, DESC(COMPUTE_TYPE, int32_t, CUBLAS_COMPUTE_16F))
MISUSE(unknown_compute_type, DESC(COMPUTE_TYPE, int32_t, 9999))
MISUSE(other_scale_type, DESC(SCALE_TYPE, int32_t, CUDA_R_64F))
MISUSE(half_operands, LAYOUT(a, TYPE, uint32_t, CUDA_R_16F))
MISUSE(two_types_of_operands, LAYOUT(a, TYPE, uint32_t, CUDA_R_16BF))
MISUSE(f32_to_bf16, LAYOUT(c, TYPE, uint32_t, CUDA_R_16BF); LAYOUT(d, TYPE, uint32_t, CUDA_R_16BF))
MISUSE(bf16_as_tf32, LAYOUT(a, TYPE, uint32_t, CUDA_R_16BF); LAYOUT(b, TYPE, uint32_t, CUDA_R_16BF);
       DESC(COMPUTE_TYPE, int32_t, CUBLAS_COMPUTE_32F_FAST_TF32))
MISUSE(tiled_order, LAYOUT(a, ORDER, int32_t, CUBLASLT_ORDER_COL32))
MISUSE(row_order_with_bias, LAYOUT(c, ORDER, int32_t, CUBLASLT_ORDER_ROW);
       LAYOUT(d, ORDER, int32_t, CUBLASLT_ORDER_ROW); LAYOUT(c, LD, int64_t, 17); LAYOUT(d, LD, int64_t, 17))
MISUSE(planar, LAYOUT(b, PLANE_OFFSET, int64_t, 64))
MISUSE(array_of_pointers, LAYOUT(b, BATCH_MODE, uint32_t, CUBLASLT_BATCH_MODE_POINTER_ARRAY))
MISUSE(transposed_c, DESC(TRANSC, int32_t, CUBLAS_OP_T))
MISUSE(half_filled, DESC(FILL_MODE, int32_t, CUBLAS_FILL_MODE_LOWER))
MISUSE(vector_of_alphas, DESC(POINTER_MODE, int32_t, CUBLASLT_POINTER_MODE_DEVICE_VECTOR))
MISUSE(bf16_bias_of_f32, DESC(BIAS_DATA_TYPE, int32_t, CUDA_R_16BF))
MISUSE(emulation, DESC(EMULATION_DESCRIPTOR, void *, t))
MISUSE(too_many_rows, LAYOUT(d, ROWS, uint64_t, 1ull << 40); LAYOUT(d, LD, int64_t, 1ll << 40))

MISUSE(no_desc, OK(cublasLtMatmulDescDestroy(t->desc)); t->desc = NULL)
MISUSE(no_layout, OK(cublasLtMatrixLayoutDestroy(t->layout_b)); t->layout_b = NULL)
MISUSE(layout_as_desc, OK(cublasLtMatmulDescDestroy(t->desc)); t->desc = (cublasLtMatmulDesc_t)t->layout_a)
MISUSE(more_rows_of_a, LAYOUT(a, ROWS, uint64_t, 34); LAYOUT(a, LD, int64_t, 34))
MISUSE(fewer_columns_of_b, LAYOUT(b, COLS, uint64_t, 16))
MISUSE(another_k, LAYOUT(b, ROWS, uint64_t, 64))
MISUSE(fewer_rows_of_c, LAYOUT(c, ROWS, uint64_t, 32))
MISUSE(fewer_rows_of_d, LAYOUT(d, ROWS, uint64_t, 32))
MISUSE(transposed_a, DESC(TRANSA, int32_t, CUBLAS_OP_T))
MISUSE(unknown_transpose, DESC(TRANSB, int32_t, 7))
MISUSE(empty, LAYOUT(a, COLS, uint64_t, 0); LAYOUT(b, ROWS, uint64_t, 0))
MISUSE(short_ld, LAYOUT(a, LD, int64_t, 32))
MISUSE(ld_zero, LAYOUT(b, LD, int64_t, 0))
MISUSE(negative_ld, LAYOUT(d, LD, int64_t, -33))
MISUSE(no_batches, LAYOUT(a, BATCH_COUNT, int32_t, 0))
MISUSE(two_counts_of_batches, LAYOUT(a, BATCH_COUNT, int32_t, 3))
MISUSE(one_batch_of_b, LAYOUT(b, BATCH_COUNT, int32_t, 1))
MISUSE(negative_stride, LAYOUT(a, STRIDED_BATCH_OFFSET, int64_t, -33 * 65))
MISUSE(batches_of_d_on_each_other, LAYOUT(d, STRIDED_BATCH_OFFSET, int64_t, 0))
MISUSE(batches_of_d_overlap, LAYOUT(d, STRIDED_BATCH_OFFSET, int64_t, 33 * 16))
MISUSE(two_types_of_results, LAYOUT(c, TYPE, uint32_t, CUDA_R_16BF))
MISUSE(two_orders_of_results, LAYOUT(c, ORDER, int32_t, CUBLASLT_ORDER_ROW))
MISUSE(unknown_epilogue, DESC(EPILOGUE, uint32_t, 3))
MISUSE(no_epilogue, DESC(EPILOGUE, uint32_t, 0))
MISUSE(scaled_a, DESC(A_SCALE_POINTER, void *, t->scalars))
MISUSE(maximum_of_d, DESC(AMAX_D_POINTER, void *, t->scalars))
MISUSE(scaling_mode, DESC(D_SCALE_MODE, int32_t, CUBLASLT_MATMUL_MATRIX_SCALE_VEC32_UE8M0))
MISUSE(stride_of_alpha, DESC(ALPHA_VECTOR_BATCH_STRIDE, int64_t, 1))
MISUSE(negative_stride_of_bias, DESC(BIAS_BATCH_STRIDE, int64_t, -33))
MISUSE(no_aux, DESC(EPILOGUE_AUX_POINTER, void *, NULL))
MISUSE(no_ld_of_aux, DESC(EPILOGUE_AUX_LD, int64_t, 0))
MISUSE(odd_ld_of_mask, DESC(EPILOGUE_AUX_LD, int64_t, 40))
MISUSE(odd_stride_of_mask, DESC(EPILOGUE_AUX_BATCH_STRIDE, int64_t, 128 * 17 + 64))
MISUSE(masks_overlap, DESC(EPILOGUE_AUX_BATCH_STRIDE, int64_t, 128 * 16))
MISUSE(typed_mask, DESC(EPILOGUE_AUX_DATA_TYPE, int32_t, CUDA_R_8I))
MISUSE(gelu_of_another_type, DESC(EPILOGUE, uint32_t, CUBLASLT_EPILOGUE_GELU_AUX);
       DESC(EPILOGUE_AUX_DATA_TYPE, int32_t, CUDA_R_16BF))
MISUSE(odd_ld_of_gelu, DESC(EPILOGUE, uint32_t, CUBLASLT_EPILOGUE_GELU_AUX); DESC(EPILOGUE_AUX_LD, int64_t, 36))
MISUSE(gelus_overlap, DESC(EPILOGUE, uint32_t, CUBLASLT_EPILOGUE_GELU_AUX); DESC(EPILOGUE_AUX_BATCH_STRIDE, int64_t, 8))
MISUSE(bias_gradients_overlap, DESC(EPILOGUE, uint32_t, CUBLASLT_EPILOGUE_DRELU_BGRAD);
       DESC(BIAS_BATCH_STRIDE, int64_t, 32))
MISUSE(no_handle, OK(cublasLtDestroy(t->handle)); t->handle = NULL)

static const misuse of_descriptors[] = {
    ROW(other_compute_type, LEFT_OUT, LEFT_OUT),
    ROW(half_compute_type, LEFT_OUT, LEFT_OUT),
    ROW(unknown_compute_type, LEFT_OUT, LEFT_OUT),
    ROW(other_scale_type, LEFT_OUT, LEFT_OUT),
    ROW(half_operands, LEFT_OUT, LEFT_OUT),
    ROW(two_types_of_operands, LEFT_OUT, LEFT_OUT),
    ROW(f32_to_bf16, LEFT_OUT, LEFT_OUT),
    ROW(bf16_as_tf32, LEFT_OUT, LEFT_OUT),
    ROW(tiled_order, LEFT_OUT, LEFT_OUT),
    ROW(row_order_with_bias, LEFT_OUT, LEFT_OUT),
    ROW(planar, LEFT_OUT, LEFT_OUT),
    ROW(array_of_pointers, LEFT_OUT, LEFT_OUT),
    ROW(transposed_c, LEFT_OUT, LEFT_OUT),
    ROW(half_filled, LEFT_OUT, LEFT_OUT),
    ROW(vector_of_alphas, LEFT_OUT, LEFT_OUT),
    ROW(bf16_bias_of_f32, LEFT_OUT, LEFT_OUT),
    ROW(emulation, LEFT_OUT, LEFT_OUT),
    ROW(too_many_rows, LEFT_OUT, LEFT_OUT),
    ROW(no_desc, INVALID, INVALID),
    ROW(no_layout, INVALID, INVALID),
    ROW(layout_as_desc, INVALID, INVALID),
    ROW(more_rows_of_a, INVALID, INVALID),
    ROW(fewer_columns_of_b, INVALID, INVALID),
    ROW(another_k, INVALID, INVALID),
    ROW(fewer_rows_of_c, INVALID, INVALID),
    ROW(fewer_rows_of_d, INVALID, INVALID),
    ROW(transposed_a, INVALID, INVALID),
    ROW(unknown_transpose, INVALID, INVALID),
    ROW(empty, INVALID, INVALID),
    ROW(short_ld, INVALID, INVALID),
    ROW(ld_zero, INVALID, INVALID),
    ROW(negative_ld, INVALID, INVALID),
    ROW(no_batches, INVALID, INVALID),
    ROW(two_counts_of_batches, INVALID, INVALID),
    ROW(one_batch_of_b, INVALID, INVALID),
    ROW(negative_stride, INVALID, INVALID),
    ROW(batches_of_d_on_each_other, INVALID, INVALID),
    ROW(batches_of_d_overlap, INVALID, INVALID),
    ROW(two_types_of_results, INVALID, INVALID),
    ROW(two_orders_of_results, INVALID, INVALID),
    ROW(unknown_epilogue, INVALID, INVALID),
    ROW(no_epilogue, INVALID, INVALID),
    ROW(scaled_a, INVALID, INVALID),
    ROW(maximum_of_d, INVALID, INVALID),
    ROW(scaling_mode, INVALID, INVALID),
    ROW(stride_of_alpha, INVALID, INVALID),
    ROW(negative_stride_of_bias, INVALID, INVALID),
    ROW(no_aux, INVALID, INVALID),
    ROW(no_ld_of_aux, INVALID, INVALID),
    ROW(odd_ld_of_mask, INVALID, INVALID),
    ROW(odd_stride_of_mask, INVALID, INVALID),
    ROW(masks_overlap, INVALID, INVALID),
    ROW(typed_mask, INVALID, INVALID),
    ROW(gelu_of_another_type, INVALID, INVALID),
    ROW(odd_ld_of_gelu, INVALID, INVALID),
    ROW(gelus_overlap, INVALID, INVALID),
    ROW(bias_gradients_overlap, INVALID, INVALID),
    ROW(no_handle, UNINITIALIZED, UNINITIALIZED),
};

/* --- searches and products that do not go with what was promised -------------------------------------------------- */

extern size_t cuda_host_lt_version;

MISUSE(limited_search, PREFERENCE(SEARCH_MODE, uint32_t, CUBLASLT_SEARCH_LIMITED_BY_ALGO_ID))
MISUSE(nothing_is_good_enough, PREFERENCE(IMPL_MASK, uint64_t, CUBLASLT_NUMERICAL_IMPL_FLAGS_TENSOR_OP_MASK))
MISUSE(no_alignment, PREFERENCE(MIN_ALIGNMENT_B_BYTES, uint32_t, 0))
MISUSE(odd_alignment, PREFERENCE(MIN_ALIGNMENT_C_BYTES, uint32_t, 24))
MISUSE(no_preference, OK(cublasLtMatmulPreferenceDestroy(t->preference)); t->preference = NULL)
MISUSE(another_version, (void)t; cuda_host_lt_version++)
MISUSE(another_product, DESC(EPILOGUE, uint32_t, CUBLASLT_EPILOGUE_RELU_BIAS))
MISUSE(another_bias_stride, DESC(BIAS_BATCH_STRIDE, int64_t, 0))
MISUSE(another_ld, LAYOUT(a, LD, int64_t, 35); LAYOUT(a, STRIDED_BATCH_OFFSET, int64_t, 35 * 65))
MISUSE(zeros_as_algorithm, memset(&t->found[0].algo, 0, sizeof t->found[0].algo); t->n_found = 0)
MISUSE(damaged_algorithm, t->found[0].algo.data[2] ^= 1; t->n_found = 0)
MISUSE(little_workspace, t->workspace_size = t->found[0].workspaceSize - 1)
MISUSE(odd_workspace, t->workspace = (char *)t->workspace + 128; t->workspace_size -= 128)
MISUSE(workspace_beyond_its_end, t->workspace_size += 1)
MISUSE(workspace_nowhere, t->workspace = NULL)
MISUSE(no_a, t->a.device = NULL)
MISUSE(no_b, t->b.device = NULL)
MISUSE(no_d, t->d.device = NULL)
MISUSE(a_on_the_host, t->a.device = t->a.host)
MISUSE(end_of_b_missing, t->b.device = (float *)t->b.device + 64)
MISUSE(no_c, t->beta = 1)
MISUSE(c_is_d_otherwise, t->beta = 1; t->c_use = C_IS_D; LAYOUT(c, LD, int64_t, 0); OK(search(t)))
MISUSE(no_bias, DESC(BIAS_POINTER, void *, NULL))
MISUSE(bias_on_the_host, DESC(BIAS_POINTER, void *, t->bias.host))
MISUSE(aux_on_the_host, DESC(EPILOGUE_AUX_POINTER, void *, t->mask))
MISUSE(scalars_on_the_host, DESC(POINTER_MODE, int32_t, CUBLASLT_POINTER_MODE_DEVICE); OK(search(t)))
MISUSE(scalars_on_the_device, t->device_scalars = true)

static const misuse of_calls[] = {
    ROW(limited_search, LEFT_OUT, FINE),
    ROW(nothing_is_good_enough, LEFT_OUT, FINE),
    ROW(no_alignment, INVALID, FINE),
    ROW(odd_alignment, INVALID, FINE),
    ROW(no_preference, INVALID, FINE),
    ROW(another_version, FINE, INVALID),
    ROW(another_product, FINE, INVALID),
    ROW(another_bias_stride, FINE, INVALID),
    ROW(zeros_as_algorithm, FINE, INVALID),
    ROW(damaged_algorithm, FINE, INVALID),
    ROW(little_workspace, FINE, INVALID),
    ROW(odd_workspace, FINE, INVALID),
    ROW(workspace_beyond_its_end, FINE, INVALID),
    ROW(workspace_nowhere, FINE, INVALID),
    ROW(no_a, FINE, INVALID),
    ROW(no_b, FINE, INVALID),
    ROW(no_d, FINE, INVALID),
    ROW(a_on_the_host, FINE, INVALID),
    ROW(end_of_b_missing, FINE, INVALID),
    ROW(no_c, FINE, INVALID),
    ROW(c_is_d_otherwise, FINE, INVALID),
    ROW(no_bias, FINE, INVALID),
    ROW(bias_on_the_host, FINE, INVALID),
    ROW(aux_on_the_host, FINE, INVALID),
    ROW(scalars_on_the_host, FINE, INVALID),
    ROW(scalars_on_the_device, FINE, INVALID),
};

/* --- all of them -------------------------------------------------------------------------------------------------- */

/* What spoiled the trial may have taken away. */
static void end_spoiled(trial *t, const trial *whole)
{
    t->a = whole->a, t->b = whole->b, t->d = whole->d, t->workspace = whole->workspace, t->c_use = whole->c_use;
    if (!t->handle) OK(cublasLtCreate(&t->handle));
    if (t->desc == (cublasLtMatmulDesc_t)t->layout_a) t->desc = NULL;
    end_trial(t);
}

static void try_misuse(const misuse *bad)
{
    trial t = layer;
    size_t version = cuda_host_lt_version;
    make_trial(&t);
    OK(search(&t));
    trial whole = t;
    bad->spoil(&t);
    cublasLtMatmulHeuristicResult_t found = t.found[0];
    int status = search(&t);
    cr_assert_eq(status, bad->search, "%s: the search says %d, not %d", bad->name, status, bad->search);
    cr_assert(status ? t.n_found <= 0 : t.n_found > 0, "%s: %d found", bad->name, t.n_found);
    t.found[0] = found;
    status = multiply(&t);
    cr_assert_eq(status, bad->product, "%s: the product says %d, not %d", bad->name, status, bad->product);
    OK(cudaStreamSynchronize(t.stream));
    download(&whole.d);
    for (int64_t i = 0; status && i < whole.d.count; i++)
        cr_assert_eq(whole.d.host[i], UNTOUCHED, "%s: what was refused was done", bad->name);
    cuda_host_lt_version = version;
    end_spoiled(&t, &whole);
}

Test(lt_refusals, descriptors_that_do_not_go_together)
{
    for (size_t i = 0; i < sizeof of_descriptors / sizeof *of_descriptors; i++) try_misuse(&of_descriptors[i]);
}

Test(lt_refusals, calls_against_what_was_promised)
{
    for (size_t i = 0; i < sizeof of_calls / sizeof *of_calls; i++) try_misuse(&of_calls[i]);
}

static void call_with(trial *t, int search_says, int product_says)
{
    cr_assert_eq((int)search(t), search_says);
    cr_assert_eq((int)multiply(t), product_says);
}

/* Of operands by the preference, of bias and auxiliary buffer by the addresses that the search saw. */
Test(lt_refusals, less_alignment_than_was_promised)
{
    trial t = layer;
    t.gap = 5;
    make_trial(&t);
    OK(search(&t));
    t.a.device = (float *)t.a.device + 1;
    call_with(&t, FINE, INVALID);
    PREFERENCE_OF(&t, MIN_ALIGNMENT_A_BYTES, uint32_t, 4);
    call_with(&t, FINE, FINE);
    void *elsewhere = (char *)t.workspace + 4;
    SET_DESC(&t, BIAS_POINTER, elsewhere);
    cr_assert_eq((int)multiply(&t), INVALID);
    call_with(&t, FINE, FINE);
    SET_DESC(&t, EPILOGUE_AUX_POINTER, elsewhere);
    cr_assert_eq((int)multiply(&t), INVALID);
    call_with(&t, FINE, FINE);
    t.a.device = (float *)t.a.device - 1;
    end_trial(&t);
}

Test(lt_refusals, a_search_for_nothing)
{
    trial t = layer;
    make_trial(&t);
#define SEARCH(count, results, found)                                                                     \
    (int)cublasLtMatmulAlgoGetHeuristic(t.handle, t.desc, t.layout_a, t.layout_b, t.layout_c, t.layout_d, \
                                        t.preference, count, results, found)
    cr_assert_eq(SEARCH(0, t.found, &t.n_found), INVALID);
    cr_assert_eq(SEARCH(-1, t.found, &t.n_found), INVALID);
    cr_assert_eq(SEARCH(1, NULL, &t.n_found), INVALID);
    cr_assert_eq(SEARCH(1, t.found, NULL), INVALID);
    cr_assert_eq(SEARCH(1, t.found, &t.n_found), FINE);
    cr_assert_eq(t.n_found, 1);
    end_trial(&t);
}

/* Without a workspace, only what needs none is found. */
Test(lt_refusals, a_search_respects_wishes)
{
    trial t = layer;
    make_trial(&t);
    OK(search(&t));
    int all = t.n_found;
    PREFERENCE_OF(&t, REDUCTION_SCHEME_MASK, uint32_t, CUBLASLT_REDUCTION_SCHEME_NONE);
    OK(search(&t));
    cr_assert_eq(t.n_found, all - 1, "no split of k is left");
    PREFERENCE_OF(&t, MAX_WORKSPACE_BYTES, uint64_t, 0);
    OK(search(&t));
    cr_assert_eq(t.n_found, 1);
    cr_assert_eq(t.found[0].workspaceSize, 0);
    end_trial(&t);
}

Test(lt_refusals, algorithms_are_checked)
{
    trial t = layer;
    cublasLtMatmulHeuristicResult_t out;
    make_trial(&t);
    OK(search(&t));
    const cublasLtMatmulAlgo_t *algo = &t.found[0].algo;
#define CHECK(algo, result) \
    (int)cublasLtMatmulAlgoCheck(t.handle, t.desc, t.layout_a, t.layout_b, t.layout_c, t.layout_d, algo, result)
    cr_assert_eq(CHECK(algo, &out), FINE);
    cr_assert_eq(CHECK(NULL, &out), INVALID);
    cr_assert_eq(CHECK(algo, NULL), INVALID);
    cuda_host_lt_version += 100;
    cr_assert_eq(CHECK(algo, &out), INVALID);
    cuda_host_lt_version -= 100;
    cublasLtMatmulAlgo_t damaged = *algo;
    for (int i = 0; i < 8; i++) {
        damaged.data[i] ^= 1ull << 8 * i;
        cr_assert_eq(CHECK(&damaged, &out), INVALID, "word %d", i);
        damaged = *algo;
    }
    DESC_OF(&t, TRANSA, int32_t, CUBLAS_OP_C);
    cr_assert_eq(CHECK(algo, &out), INVALID);
    end_trial(&t);
}

/* --- streams ------------------------------------------------------------------------------------------------------ */

Test(lt_refusals, no_stream_and_no_search_while_recording)
{
    trial t = layer;
    cudaGraph_t graph;
    cudaStream_t stream;
    make_trial(&t);
    OK(search(&t));
    stream = t.stream;
    OK(cudaStreamCreate(&t.stream));
    OK(cudaStreamDestroy(stream));
    cudaStream_t good = t.stream;
    t.stream = stream;
    cr_assert_eq((int)multiply(&t), FAILED);
    t.stream = good;
    OK(cudaStreamBeginCapture(t.stream, cudaStreamCaptureModeThreadLocal));
    cr_assert_eq((int)search(&t), FAILED);
    cr_assert_neq(cudaStreamEndCapture(t.stream, &graph), cudaSuccess, "the search has spoiled the capture");
    cuda_host_mend();
    end_trial(&t);
}

/* --- attributes --------------------------------------------------------------------------------------------------- */

/* What the library gives for a new descriptor. */
static const struct {
    int number;
    size_t size;
    int64_t value;
} of_desc[] = {
    { CUBLASLT_MATMUL_DESC_COMPUTE_TYPE, 4, CUBLAS_COMPUTE_32F },
    { CUBLASLT_MATMUL_DESC_SCALE_TYPE, 4, CUDA_R_32F },
    { CUBLASLT_MATMUL_DESC_POINTER_MODE, 4, CUBLASLT_POINTER_MODE_HOST },
    { CUBLASLT_MATMUL_DESC_TRANSA, 4, CUBLAS_OP_N },
    { CUBLASLT_MATMUL_DESC_TRANSB, 4, CUBLAS_OP_N },
    { CUBLASLT_MATMUL_DESC_TRANSC, 4, CUBLAS_OP_N },
    { CUBLASLT_MATMUL_DESC_FILL_MODE, 4, CUBLAS_FILL_MODE_FULL },
    { CUBLASLT_MATMUL_DESC_EPILOGUE, 4, CUBLASLT_EPILOGUE_DEFAULT },
    { CUBLASLT_MATMUL_DESC_BIAS_POINTER, 8, 0 },
    { CUBLASLT_MATMUL_DESC_BIAS_BATCH_STRIDE, 8, 0 },
    { CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, 8, 0 },
    { CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, 8, 0 },
    { CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_BATCH_STRIDE, 8, 0 },
    { CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_DATA_TYPE, 4, 0xffffffff },
    { CUBLASLT_MATMUL_DESC_SM_COUNT_TARGET, 4, 0 },
    { CUBLASLT_MATMUL_DESC_FAST_ACCUM, 1, 0 },
    { CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, 4, 0xffffffff },
};

Test(lt_refusals, attributes_of_operations)
{
    cublasLtMatmulDesc_t desc;
    OK(cublasLtMatmulDescCreate(&desc, CUBLAS_COMPUTE_32F, CUDA_R_32F));
    for (size_t i = 0; i < sizeof of_desc / sizeof *of_desc; i++) {
        cublasLtMatmulDescAttributes_t number = (cublasLtMatmulDescAttributes_t)of_desc[i].number;
        int64_t value = 0, other = 0x0102030405060708;
        size_t size = of_desc[i].size, written = 0;
        OK(cublasLtMatmulDescGetAttribute(desc, number, NULL, 0, &written));
        cr_assert_eq(written, size);
        OK(cublasLtMatmulDescGetAttribute(desc, number, &value, size, NULL));
        cr_assert_eq(value, of_desc[i].value, "attribute %d", number);
        cr_assert_eq((int)cublasLtMatmulDescSetAttribute(desc, number, &other, size + 4), INVALID);
        cr_assert_eq((int)cublasLtMatmulDescSetAttribute(desc, number, &other, size / 2), INVALID);
        cr_assert_eq((int)cublasLtMatmulDescSetAttribute(desc, number, NULL, size), INVALID);
        cr_assert_eq((int)cublasLtMatmulDescGetAttribute(desc, number, &value, size + 4, &written), INVALID);
        cr_assert_eq((int)cublasLtMatmulDescGetAttribute(desc, number, NULL, size, &written), INVALID);
        cr_assert_eq((int)cublasLtMatmulDescGetAttribute(desc, number, &value, 0, NULL), INVALID);
        OK(cublasLtMatmulDescSetAttribute(desc, number, &other, size));
        OK(cublasLtMatmulDescGetAttribute(desc, number, &value, size, &written));
        cr_assert_eq(memcmp(&value, &other, size), 0);
    }
    cr_assert_eq((int)cublasLtMatmulDescSetAttribute(desc, (cublasLtMatmulDescAttributes_t)9, &(int32_t){ 0 }, 4),
                 INVALID);
    OK(cublasLtMatmulDescDestroy(desc));
}

Test(lt_refusals, attributes_of_layouts_and_preferences)
{
    cublasLtMatrixLayout_t layout;
    cublasLtMatmulPreference_t preference;
    int32_t batches = 0;
    uint32_t alignment = 0;
    uint64_t workspace = 1, rows = 0;
    OK(cublasLtMatrixLayoutCreate(&layout, CUDA_R_16BF, 3, 4, 5));
    OK(cublasLtMatmulPreferenceCreate(&preference));
    OK(cublasLtMatrixLayoutGetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &batches, sizeof batches, NULL));
    OK(cublasLtMatrixLayoutGetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_ROWS, &rows, sizeof rows, NULL));
    OK(cublasLtMatmulPreferenceGetAttribute(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, &alignment, 4,
                                            NULL));
    OK(cublasLtMatmulPreferenceGetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, 8, NULL));
    cr_assert(batches == 1 && rows == 3 && alignment == 256 && workspace == 0);
    cr_assert_eq((int)cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_ROWS, &batches, 4), INVALID);
    cr_assert_eq((int)cublasLtMatrixLayoutSetAttribute(NULL, CUBLASLT_MATRIX_LAYOUT_ROWS, &rows, 8), INVALID);
    cr_assert_eq(
        (int)cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &alignment, 4),
        INVALID);
    cr_assert_eq((int)cublasLtMatmulPreferenceDestroy((cublasLtMatmulPreference_t)layout), INVALID);
    OK(cublasLtMatrixLayoutDestroy(layout));
    OK(cublasLtMatmulPreferenceDestroy(preference));
    OK(cublasLtMatrixLayoutDestroy(NULL));
    OK(cublasLtMatmulPreferenceDestroy(NULL));
    OK(cublasLtMatmulDescDestroy(NULL));
}

/* In memory of the caller's, in place of new memory. */
Test(lt_refusals, descriptors_in_place)
{
    cublasLtMatrixLayoutOpaque_t layout;
    cublasLtMatmulDescOpaque_t desc;
    cublasLtMatmulPreferenceOpaque_t preference;
    int64_t ld = 0;
    OK(cublasLtMatrixLayoutInit(&layout, CUDA_R_32F, 3, 4, 5));
    OK(cublasLtMatmulDescInit(&desc, CUBLAS_COMPUTE_32F, CUDA_R_32F));
    OK(cublasLtMatmulPreferenceInit(&preference));
    OK(cublasLtMatrixLayoutGetAttribute(&layout, CUBLASLT_MATRIX_LAYOUT_LD, &ld, sizeof ld, NULL));
    cr_assert_eq(ld, 5);
    cr_assert_eq((int)cublasLtMatmulDescInit_internal(&desc, 8, CUBLAS_COMPUTE_32F, CUDA_R_32F),
                 (int)CUBLAS_STATUS_ALLOC_FAILED);
}

Test(lt_refusals, handles_and_names)
{
    cublasLtHandle_t handle;
    cr_assert_eq((int)cublasLtCreate(NULL), INVALID);
    cr_assert_eq((int)cublasLtDestroy(NULL), INVALID);
    OK(cublasLtCreate(&handle));
    OK(cublasLtDestroy(handle));
    cr_assert_eq(cublasLtGetVersion(), (size_t)CUBLAS_VERSION);
    cr_assert_eq(cublasLtGetCudartVersion(), (size_t)CUDART_VERSION);
    cr_assert_str_eq(cublasLtGetStatusName(CUBLAS_STATUS_NOT_SUPPORTED), "CUBLAS_STATUS_NOT_SUPPORTED");
    cr_assert_str_eq(cublasLtGetStatusString(CUBLAS_STATUS_ALLOC_FAILED), "the resource allocation failed");
    cr_assert_str_eq(cublasLtGetStatusString((cublasStatus_t)99), "unrecognized status");
}
