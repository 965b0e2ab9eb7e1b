/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cuBLASLt is column-major: a row-major d = a b is its d^T = b^T a^T, with the same memory. So its A is our b, its
 * rows are our columns, and its bias for each row is ours for each column.
 */
#include "cuda/lt.h"

#include <cublasLt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKSPACE = CINCH_CUDA_LT_WORKSPACE, CANDIDATES = 8, KEY = 480, HEX = 2 * sizeof(cublasLtMatmulAlgo_t) };

/* What was chosen for a product: the library's algorithm, or none of its own. */
typedef struct choice {
    struct choice *next;
    char key[KEY];
    cinch_cuda_product product;
    bool planned;               /* else it was given back, and no plan has asked for it yet */
    bool found;                 /* else the library has none */
    cublasLtMatmulAlgo_t algo;
} choice;

struct cinch_cuda_lt {
    cublasLtHandle_t handle;
    void *workspace;            /* one stream, so one is enough */
    choice *first;
    bool no_masks;
};

/* --- opening and closing ------------------------------------------------------------------------------------------ */

static cinch_status check(cublasStatus_t status, const cinch_call *c, const char *what)
{
    char text[400] = "";
    if (status == CUBLAS_STATUS_SUCCESS) return CINCH_OK;
    if (c) cinch_cuda_describe_call(c, text, sizeof text);
    return cinch_fail(CINCH_DEVICE, "cuda: %s%scublasLt, %s: %s", text, c ? ": " : "", what,
                      cublasLtGetStatusString(status));
}

static cinch_status set_up(cinch_backend *b, cinch_cuda_lt *lt)
{
    TRY(check(cublasLtCreate(&lt->handle), NULL, "opening"));
    return b->vtable->alloc(b, WORKSPACE, &lt->workspace);
}

cinch_status cinch_cuda_lt_open(cinch_backend *b, cinch_cuda_lt **out)
{
    cinch_cuda_lt *lt = *out = cinch_calloc(1, sizeof *lt);
    if (!lt) return CINCH_DEVICE;
    cinch_status status = set_up(b, lt);
    if (!status) return CINCH_OK;
    cinch_cuda_lt_close(lt);
    *out = NULL;
    return status;
}

void cinch_cuda_lt_close(cinch_cuda_lt *lt)
{
    if (!lt) return;
    for (choice *next, *c = lt->first; c; c = next) {
        next = c->next;
        free(c);
    }
    if (lt->workspace) cudaFree(lt->workspace);
    if (lt->handle) cublasLtDestroy(lt->handle);
    free(lt);
}

void cinch_cuda_lt_describe(const cinch_cuda_lt *lt, char *text, size_t size)
{
    (void)lt;
    size_t version = cublasLtGetVersion();
    snprintf(text, size, "cuBLASLt %zu.%zu.%zu", version / 10000, version / 100 % 100, version % 100);
}

/* --- the table of choices ----------------------------------------------------------------------------------------- */

static const char *type_name(int32_t type) { return type == CINCH_BF16 ? "bf16" : "f32"; }

static void write_key(cinch_backend *b, const cinch_cuda_product *p, char key[KEY])
{
    static const char *const epilogues[CINCH_CUDA_EPILOGUES] = {"plain", "bias", "bias relu", "bias relu mask",
        "bias gelu", "bias gelu keep", "relu grad", "gelu grad", "sums"};
    snprintf(key, KEY, "matmul %lldx%lldx%lld %c%c batch %lld strides %lld,%lld,%lld %s,%s->%s %s %s; %s; cublasLt %zu",
             (long long)p->m, (long long)p->n, (long long)p->k, p->transpose_a ? 't' : 'n', p->transpose_b ? 't' : 'n',
             (long long)p->batch, (long long)p->stride_a, (long long)p->stride_b, (long long)p->stride_d,
             type_name(p->type_a), type_name(p->type_b), type_name(p->type_d), epilogues[p->epilogue],
             p->tf32 ? "tf32" : "strict", cinch_cuda_of(b)->name, cublasLtGetVersion());
}

static choice *find_key(const cinch_cuda_lt *lt, const char *key)
{
    choice *c = lt->first;
    while (c && strcmp(c->key, key)) c = c->next;
    return c;
}

static choice *find_product(const cinch_cuda_lt *lt, const cinch_cuda_product *p)
{
    choice *c = lt->first;
    while (c && (!c->planned || memcmp(&c->product, p, sizeof *p))) c = c->next;
    return c;
}

static choice *add_choice(cinch_cuda_lt *lt, const char *key)
{
    choice *c = cinch_calloc(1, sizeof *c);
    if (!c) return NULL;
    snprintf(c->key, sizeof c->key, "%s", key);
    c->next = lt->first;
    return lt->first = c;
}

bool cinch_cuda_lt_has(const cinch_cuda_lt *lt, const cinch_cuda_product *p)
{
    const choice *c = find_product(lt, p);
    return c && c->found;
}

static const char no_algorithm[] = "none";

void cinch_cuda_lt_choices(const cinch_cuda_lt *lt, void (*visit)(void *user, const char *key, const char *choice),
                           void *user)
{
    char text[HEX + 1];
    for (const choice *c = lt->first; c; c = c->next) {
        const unsigned char *bytes = (const unsigned char *)&c->algo;
        for (size_t i = 0; i < sizeof c->algo; i++) snprintf(text + 2 * i, 3, "%02x", bytes[i]);
        visit(user, c->key, c->found ? text : no_algorithm);
    }
}

static bool read_hex(const char *text, unsigned char *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    if (strlen(text) != 2 * n) return false;
    for (size_t i = 0; i < 2 * n; i++) {
        const char *digit = strchr(digits, text[i]);
        if (!digit) return false;
        bytes[i / 2] = (unsigned char)(bytes[i / 2] << 4 | (digit - digits));
    }
    return true;
}

cinch_status cinch_cuda_lt_choose(cinch_cuda_lt *lt, const char *key, const char *text)
{
    cublasLtMatmulAlgo_t algo;
    bool found = strcmp(text, no_algorithm) != 0;
    memset(&algo, 0, sizeof algo);
    if (strlen(key) >= KEY || (found && !read_hex(text, (unsigned char *)&algo, sizeof algo)))
        return cinch_fail(CINCH_DATA, "cuda: '%.200s': not the choice of a cublasLt algorithm; remove the record",
                          key);
    choice *c = find_key(lt, key);
    if (c && c->planned) return CINCH_OK; /* plans hold on to it */
    if (!c && !(c = add_choice(lt, key))) return CINCH_DEVICE;
    c->found = found;
    c->algo = algo;
    return CINCH_OK;
}

void cinch_cuda_lt_lose_masks(cinch_cuda_lt *lt) { lt->no_masks = true; }
bool cinch_cuda_lt_has_masks(const cinch_cuda_lt *lt) { return !lt->no_masks; }

/* --- a product in the library's terms ----------------------------------------------------------------------------- */

enum { A, B, D, MATRICES };

typedef struct description {
    cublasLtMatmulDescOpaque_t product;
    cublasLtMatrixLayoutOpaque_t matrix[MATRICES];
} description;

#define AND_THEN(call)                                        \
    do {                                                      \
        cublasStatus_t status_ = (call);                      \
        if (status_ != CUBLAS_STATUS_SUCCESS) return status_; \
    } while (0)
#define SET(what, of, attribute, value) AND_THEN(cublasLt##what##SetAttribute(of, attribute, &(value), sizeof(value)))

static cublasStatus_t set_matrix(cublasLtMatrixLayoutOpaque_t *m, int32_t type, int64_t rows, int64_t columns,
                                 const cinch_cuda_product *p, int64_t stride)
{
    int32_t batch = (int32_t)p->batch;
    cudaDataType kind = type == CINCH_BF16 ? CUDA_R_16BF : CUDA_R_32F;
    AND_THEN(cublasLtMatrixLayoutInit(m, kind, (uint64_t)columns, (uint64_t)rows, columns));
    if (p->batch == 1) return CUBLAS_STATUS_SUCCESS;
    SET(MatrixLayout, m, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, batch);
    SET(MatrixLayout, m, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, stride);
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t set_matrices(description *d, const cinch_cuda_product *p)
{
    int64_t a_rows = p->transpose_a ? p->k : p->m, a_columns = p->transpose_a ? p->m : p->k;
    int64_t b_rows = p->transpose_b ? p->n : p->k, b_columns = p->transpose_b ? p->k : p->n;
    AND_THEN(set_matrix(&d->matrix[A], p->type_b, b_rows, b_columns, p, p->stride_b));
    AND_THEN(set_matrix(&d->matrix[B], p->type_a, a_rows, a_columns, p, p->stride_a));
    return set_matrix(&d->matrix[D], p->type_d, p->m, p->n, p, p->stride_d);
}

static cublasStatus_t set_aux(description *d, const cinch_cuda_product *p, void *aux)
{
    if (!p->aux_ld) return CUBLAS_STATUS_SUCCESS;
    SET(MatmulDesc, &d->product, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, aux);
    SET(MatmulDesc, &d->product, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, p->aux_ld);
    if (p->batch > 1) SET(MatmulDesc, &d->product, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_BATCH_STRIDE, p->aux_stride);
    return CUBLAS_STATUS_SUCCESS;
}

/* The library's rows are our columns, so a sum over the columns of its B is one over the rows of our a. */
static cublasStatus_t set_epilogue(description *d, const cinch_cuda_product *p, void *bias, void *aux)
{
    static const cublasLtEpilogue_t epilogues[CINCH_CUDA_EPILOGUES] = {
        CUBLASLT_EPILOGUE_DEFAULT,       CUBLASLT_EPILOGUE_BIAS,      CUBLASLT_EPILOGUE_RELU_BIAS,
        CUBLASLT_EPILOGUE_RELU_AUX_BIAS, CUBLASLT_EPILOGUE_GELU_BIAS, CUBLASLT_EPILOGUE_GELU_AUX_BIAS,
        CUBLASLT_EPILOGUE_DRELU,         CUBLASLT_EPILOGUE_DGELU,     CUBLASLT_EPILOGUE_BGRADB};
    cublasLtEpilogue_t epilogue = epilogues[p->epilogue];
    bool gradient = p->epilogue == CINCH_CUDA_RELU_GRAD || p->epilogue == CINCH_CUDA_GELU_GRAD;
    if (p->epilogue == CINCH_CUDA_PLAIN) return CUBLAS_STATUS_SUCCESS;
    SET(MatmulDesc, &d->product, CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue);
    if (!gradient) SET(MatmulDesc, &d->product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
    return set_aux(d, p, aux);
}

static cublasStatus_t describe(description *d, const cinch_cuda_product *p, void *bias, void *aux)
{
    cublasOperation_t op_a = p->transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N;
    cublasOperation_t op_b = p->transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N;
    cublasComputeType_t compute = p->tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
    AND_THEN(cublasLtMatmulDescInit(&d->product, compute, CUDA_R_32F));
    SET(MatmulDesc, &d->product, CUBLASLT_MATMUL_DESC_TRANSA, op_a);
    SET(MatmulDesc, &d->product, CUBLASLT_MATMUL_DESC_TRANSB, op_b);
    AND_THEN(set_epilogue(d, p, bias, aux));
    return set_matrices(d, p);
}

/* --- choosing ----------------------------------------------------------------------------------------------------- */

/* Partial sums are added up in f32 and in a fixed order, or there are none. */
static cublasStatus_t set_preference(cublasLtMatmulPreferenceOpaque_t *preference)
{
    static const cublasLtMatmulPreferenceAttributes_t alignments[] = {
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES};
    uint64_t workspace = WORKSPACE;
    uint32_t alignment = CINCH_CUDA_LT_ALIGNMENT;
    uint32_t schemes = CUBLASLT_REDUCTION_SCHEME_NONE | CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
    AND_THEN(cublasLtMatmulPreferenceInit(preference));
    SET(MatmulPreference, preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, workspace);
    SET(MatmulPreference, preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, schemes);
    for (size_t i = 0; i < sizeof alignments / sizeof *alignments; i++)
        SET(MatmulPreference, preference, alignments[i], alignment);
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t ask(const cinch_cuda_lt *lt, description *d, choice *c)
{
    cublasLtMatmulPreferenceOpaque_t preference;
    cublasLtMatmulHeuristicResult_t result[CANDIDATES];
    int n = 0;
    AND_THEN(set_preference(&preference));
    AND_THEN(cublasLtMatmulAlgoGetHeuristic(lt->handle, &d->product, &d->matrix[A], &d->matrix[B], &d->matrix[D],
                                            &d->matrix[D], &preference, CANDIDATES, result, &n));
    for (int i = 0; i < n && !c->found; i++) {
        c->found = result[i].state == CUBLAS_STATUS_SUCCESS && result[i].workspaceSize <= WORKSPACE;
        if (c->found) c->algo = result[i].algo;
    }
    return CUBLAS_STATUS_SUCCESS;
}

/* Can the algorithm that was given back still be used? */
static bool fits(const cinch_cuda_lt *lt, description *d, const choice *c)
{
    cublasLtMatmulHeuristicResult_t result;
    return cublasLtMatmulAlgoCheck(lt->handle, &d->product, &d->matrix[A], &d->matrix[B], &d->matrix[D], &d->matrix[D],
                                   &c->algo, &result) == CUBLAS_STATUS_SUCCESS && result.workspaceSize <= WORKSPACE;
}

/* That the library cannot do it is an answer, and no error. */
static bool is_no(cublasStatus_t status)
{
    return status == CUBLAS_STATUS_NOT_SUPPORTED || status == CUBLAS_STATUS_INVALID_VALUE;
}

static cublasStatus_t choose(const cinch_cuda_lt *lt, const cinch_cuda_product *p, choice *c)
{
    description d;
    void *somewhere = (void *)(uintptr_t)CINCH_CUDA_LT_ALIGNMENT; /* of an address, only its alignment is looked at */
    AND_THEN(describe(&d, p, somewhere, somewhere));
    if (c->found && fits(lt, &d, c)) return CUBLAS_STATUS_SUCCESS;
    c->found = false;
    return ask(lt, &d, c);
}

/* --- running ------------------------------------------------------------------------------------------------------ */

static cinch_status multiply(cinch_backend *b, const cinch_call *c, const cinch_cuda_product *p,
                             const cinch_cuda_operands *at, const cublasLtMatmulAlgo_t *algo)
{
    const float one = 1, zero = 0;
    cinch_cuda_lt *lt = cinch_cuda_of(b)->lt;
    description d;
    TRY(check(describe(&d, p, at->bias, at->aux), c, "describing the product"));
    return check(cublasLtMatmul(lt->handle, &d.product, &one, at->b, &d.matrix[A], at->a, &d.matrix[B], &zero, at->d,
                                &d.matrix[D], at->d, &d.matrix[D], algo, lt->workspace, WORKSPACE,
                                cinch_cuda_stream(b)), c, "multiplying");
}

cinch_status cinch_cuda_lt_run(cinch_backend *b, const cinch_call *c, const cinch_cuda_product *p,
                               const cinch_cuda_operands *at)
{
    const choice *made = find_product(cinch_cuda_of(b)->lt, p);
    if (!made || !made->found) return cinch_fail(CINCH_INTERNAL, "cuda: a product without an algorithm");
    return multiply(b, c, p, at, &made->algo);
}

/* --- NaN through ReLU --------------------------------------------------------------------------------------------- */

/* Whether the library's ReLU gives NaN for NaN, as cinch's does, is documented nowhere. One that gives 0 would hide
   from the checks of the loss a training that went wrong: so a small product of the kind is tried, with NaN alone. */

enum { SMALL = 64, SMALL_BYTES = SMALL * SMALL * sizeof(float) };

static bool has_relu(const cinch_cuda_product *p)
{
    return p->epilogue == CINCH_CUDA_BIAS_RELU || p->epilogue == CINCH_CUDA_BIAS_RELU_MASK;
}

static cinch_cuda_product small_product(const cinch_cuda_product *like)
{
    cinch_cuda_product p = *like;
    p.m = p.n = p.k = SMALL;
    p.batch = 1;
    p.stride_a = p.stride_b = p.stride_d = p.aux_stride = 0;
    if (p.aux_ld) p.aux_ld = cinch_cuda_lt_mask_bits(SMALL);
    return p;
}

/* memory[3 * SMALL_BYTES]: both operands and the bias, the result, the mask. Bytes of 0xff are NaN in f32 and bf16. */
static cinch_status multiply_nan(cinch_backend *b, const cinch_call *c, const choice *made, char *memory, uint16_t *end)
{
    const cinch_backend_vtable *vtable = b->vtable;
    const cinch_cuda_product *p = &made->product;
    cinch_cuda_operands at = {.a = memory, .b = memory, .bias = memory, .d = memory + SMALL_BYTES,
                              .aux = memory + 2 * SMALL_BYTES};
    size_t number = p->type_d == CINCH_BF16 ? sizeof(uint16_t) : sizeof(float);
    TRY(vtable->fill(b, memory, 0xff, SMALL_BYTES));
    TRY(multiply(b, c, p, &at, &made->algo));
    return vtable->read(b, end, (char *)at.d + number - sizeof *end, sizeof *end); /* the half with the exponent */
}

/* *found: whether there is an algorithm, and NaN stays NaN. */
static cinch_status try_nan(cinch_backend *b, const cinch_call *c, const cinch_cuda_product *p, bool *found)
{
    choice made = {.product = small_product(p)};
    uint16_t end = 0;
    void *memory;
    cublasStatus_t status = choose(cinch_cuda_of(b)->lt, &made.product, &made);
    if (!is_no(status)) TRY(check(status, c, "choosing an algorithm"));
    if (!(*found = made.found)) return CINCH_OK;
    TRY(b->vtable->alloc(b, 3 * SMALL_BYTES, &memory));
    cinch_status tried = multiply_nan(b, c, &made, memory, &end);
    *found = (end & 0x7fff) > 0x7f80;
    b->vtable->release(b, memory);
    return tried;
}

/* --- planning ----------------------------------------------------------------------------------------------------- */

cinch_status cinch_cuda_lt_plan(cinch_backend *b, const cinch_call *c, const cinch_cuda_product *p, bool *found)
{
    cinch_cuda_lt *lt = cinch_cuda_of(b)->lt;
    char key[KEY];
    *found = cinch_cuda_lt_has(lt, p);
    if (find_product(lt, p)) return CINCH_OK;
    write_key(b, p, key);
    choice *kept = find_key(lt, key), now = {.found = false};
    if (kept) now = *kept;
    cublasStatus_t status = kept && !kept->found ? CUBLAS_STATUS_SUCCESS : choose(lt, p, &now);
    if (!is_no(status)) TRY(check(status, c, "choosing an algorithm"));
    if (now.found && has_relu(p)) TRY(try_nan(b, c, p, &now.found));
    if (!kept && !(kept = add_choice(lt, key))) return CINCH_DEVICE;
    kept->product = *p;
    kept->planned = true;
    kept->found = *found = now.found;
    kept->algo = now.algo;
    return CINCH_OK;
}
