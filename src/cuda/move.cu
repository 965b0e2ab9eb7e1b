/* SPDX-License-Identifier: Apache-2.0 */
/* Ops that fill or move elements: every element is read once and written once. */
#include "core/strided.h"
#include "cuda/kernel.cuh"
#include "cuda/move.h"
#include "cuda/vector.cuh"

enum { TILE = 32, TILE_LEAST = 8, PIECES = 64, AT_ONCE = 4 };

/* Runs a statement with T as the unsigned type of 1, 2, 4, 8 or 16 bytes. */
#define WITH_UNIT(size, T, ...)                                   \
    do {                                                          \
        if ((size) == 16) { typedef uint4 T; __VA_ARGS__; }       \
        else if ((size) == 8) { typedef uint2 T; __VA_ARGS__; }   \
        else if ((size) == 4) { typedef uint32_t T; __VA_ARGS__; } \
        else if ((size) == 2) { typedef uint16_t T; __VA_ARGS__; } \
        else { typedef uint8_t T; __VA_ARGS__; }                  \
    } while (0)

/* --- plain copies and fills --------------------------------------------------------------------------------------- */

/* A thread takes a T at a time; what is left, less than one, goes byte by byte. */
template <typename T>
static __global__ void __launch_bounds__(CINCH_BLOCK)
copy_kernel(char *to, const char *from, int64_t bytes, const float *commit)
{
    if (commit && *commit == 0) return;
    int64_t whole = bytes / (int64_t)sizeof(T), done = whole * (int64_t)sizeof(T);
    CINCH_EACH(i, whole) ((T *)to)[i] = ((const T *)from)[i];
    CINCH_EACH(i, bytes - done) to[done + i] = from[done + i];
}

void cinch_cuda_copy(cinch_backend *b, void *to, const void *from, int64_t bytes, const float *commit)
{
    size_t unit = 16;
    while (unit > 1 && !(cinch_cuda_aligned(to, unit) && cinch_cuda_aligned(from, unit))) unit /= 2;
    if (!bytes || to == from) return;
    WITH_UNIT(unit, T, CINCH_LAUNCH(copy_kernel<T>, cinch_cuda_blocks(b, cinch_cuda_parts(bytes, (int64_t)unit)),
                                    CINCH_BLOCK, cinch_cuda_stream(b), (char *)to, (const char *)from, bytes, commit));
}

__device__ static void put(uint4 *to, int64_t i, uint32_t word) { to[i] = make_uint4(word, word, word, word); }
__device__ static void put(uint32_t *to, int64_t i, uint32_t word) { to[i] = word; }
__device__ static void put(uint8_t *to, int64_t i, uint32_t word) { to[i] = (uint8_t)(word >> i % 4 * 8); }

/* The same for one word in all places. */
template <typename T>
static __global__ void __launch_bounds__(CINCH_BLOCK) fill_kernel(uint8_t *to, int64_t bytes, uint32_t word)
{
    int64_t whole = bytes / (int64_t)sizeof(T), done = whole * (int64_t)sizeof(T);
    CINCH_EACH(i, whole) put((T *)to, i, word);
    CINCH_EACH(i, bytes - done) put(to, done + i, word);
}

void cinch_cuda_fill(cinch_backend *b, void *to, int64_t bytes, uint32_t word)
{
    uint8_t *start = (uint8_t *)to;
    cudaStream_t stream = cinch_cuda_stream(b);
    if (!bytes) return;
    if (cinch_cuda_aligned(to, 16))
        CINCH_LAUNCH(fill_kernel<uint4>, cinch_cuda_blocks(b, cinch_cuda_parts(bytes, 16)), CINCH_BLOCK, stream, start,
                     bytes, word);
    else if (cinch_cuda_aligned(to, 4))
        CINCH_LAUNCH(fill_kernel<uint32_t>, cinch_cuda_blocks(b, cinch_cuda_parts(bytes, 4)), CINCH_BLOCK, stream,
                     start, bytes, word);
    else CINCH_LAUNCH(fill_kernel<uint8_t>, cinch_cuda_blocks(b, bytes), CINCH_BLOCK, stream, start, bytes, word);
}

static int64_t bytes_of(const cinch_tensor *t) { return cinch_tensor_count(t) * (int64_t)cinch_dtype_size(t->dtype); }

/* `value` as it is stored, in every place of a word. */
static uint32_t word_of(float value, cinch_dtype dtype)
{
    switch (dtype) {
    case CINCH_BF16: return cinch_to_bf16(value) * 0x10001u;
    case CINCH_U8: return cinch_to_u8(value) * 0x1010101u;
    case CINCH_I32: return (uint32_t)cinch_to_i32(value);
    default: return cinch_bits(value);
    }
}

static void fill(cinch_backend *b, const cinch_tensor *out, float value)
{
    cinch_cuda_fill(b, out->data, bytes_of(out), word_of(value, out->dtype));
}

static cinch_status run_fill(cinch_backend *b, const cinch_call *c)
{
    fill(b, c->out, c->attr->scalars.v[0]);
    return cinch_cuda_launched(c);
}
CINCH_CUDA_KERNEL_UNPLANNED(fill, run_fill)

static cinch_status run_copy(cinch_backend *b, const cinch_call *c)
{
    cinch_cuda_copy(b, c->out->data, c->in[0].data, bytes_of(c->out), NULL);
    return cinch_cuda_launched(c);
}
CINCH_CUDA_KERNEL_UNPLANNED(copy, run_copy)

/* --- strided copies: broadcast, transpose, slice, pad and concat all come to this --------------------------------- */

enum { FROM = CINCH_FROM, TO = CINCH_TO };

__device__ static void find_places(const cinch_grid &g, int64_t at, int64_t *from, int64_t *to)
{
    *from = *to = 0;
    for (int axis = g.rank - 1; axis >= 0; axis--) {
        int64_t rest = axis ? at / g.dim[axis] : 0, index = at - rest * g.dim[axis];
        *from += index * g.stride[FROM][axis];
        *to += index * g.stride[TO][axis];
        at = rest;
    }
}

/* A thread moves AT_ONCE units at a time, all read before the first is written; neighbours move neighbours. A unit is
   an element or some neighbours; sizes and strides are in units. */
template <typename T>
static __global__ void __launch_bounds__(CINCH_BLOCK) move_kernel(const cinch_strided s, int64_t total)
{
    int64_t step = (int64_t)gridDim.x * blockDim.x;
    for (int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; i < total; i += AT_ONCE * step) {
        T unit[AT_ONCE];
        int64_t from, to[AT_ONCE];
        for (int k = 0; k < AT_ONCE; k++) {
            if (i + k * step >= total) continue;
            find_places(s.grid, i + k * step, &from, &to[k]);
            unit[k] = ((const T *)s.from)[from];
        }
        for (int k = 0; k < AT_ONCE; k++)
            if (i + k * step < total) ((T *)s.to)[to[k]] = unit[k];
    }
}

typedef struct tiler {
    const char *from;
    char *to;
    cinch_grid outer;      /* without the two axes below */
    int64_t rows, columns; /* the axes along which the source and the result are contiguous */
    int64_t row_step, column_step; /* of the result, of the source */
    int64_t tiles[2], total;
} tiler;

/* A block turns TILE rows and columns at a time in shared memory, so that both sides are read and written in lines. */
template <typename T>
static __global__ void __launch_bounds__(CINCH_BLOCK) turn_kernel(const tiler t)
{
    CINCH_SHARED(T, tile, TILE * (TILE + 1));
    int x = threadIdx.x % TILE, y = threadIdx.x / TILE;
    for (int64_t task = blockIdx.x; task < t.total; task += gridDim.x) {
        int64_t at = task / t.tiles[1], j = (task - at * t.tiles[1]) * TILE;
        int64_t outer = t.outer.rank ? at / t.tiles[0] : 0, i = (at - outer * t.tiles[0]) * TILE;
        const T *from = (const T *)t.from + cinch_grid_offset(&t.outer, FROM, t.outer.rank, outer) + i;
        T *to = (T *)t.to + cinch_grid_offset(&t.outer, TO, t.outer.rank, outer) + j;
        for (int k = y; k < TILE; k += CINCH_BLOCK / TILE)
            if (i + x < t.rows && j + k < t.columns) tile[k * (TILE + 1) + x] = from[x + (j + k) * t.column_step];
        __syncthreads();
        for (int k = y; k < TILE; k += CINCH_BLOCK / TILE)
            if (i + k < t.rows && j + x < t.columns) to[x + (i + k) * t.row_step] = tile[x * (TILE + 1) + k];
        __syncthreads();
    }
}

/* The axis along which the source is contiguous, where the result is so along another; -1 where tiles are no use. */
static int find_across(const cinch_strided *s)
{
    const cinch_grid *g = &s->grid;
    int inner = g->rank - 1;
    if (s->size > 4 || g->stride[TO][inner] != 1 || g->stride[FROM][inner] < 2 || g->dim[inner] < TILE_LEAST) return -1;
    for (int i = 0; i < inner; i++)
        if (g->stride[FROM][i] == 1 && g->dim[i] >= TILE_LEAST) return i;
    return -1;
}

static void turn(cinch_backend *b, const cinch_strided *s, int across, int64_t total)
{
    const cinch_grid *g = &s->grid;
    int inner = g->rank - 1;
    tiler t = {s->from, s->to, *g, g->dim[across], g->dim[inner], g->stride[TO][across], g->stride[FROM][inner], {}, 0};
    cinch_grid_remove_axis(&t.outer, inner);
    cinch_grid_remove_axis(&t.outer, across);
    t.tiles[0] = cinch_cuda_parts(t.rows, TILE);
    t.tiles[1] = cinch_cuda_parts(t.columns, TILE);
    t.total = total / t.rows / t.columns * t.tiles[0] * t.tiles[1];
    int64_t blocks = cinch_cuda_blocks(b, t.total * CINCH_BLOCK);
    if (s->size == 4) CINCH_LAUNCH(turn_kernel<uint32_t>, blocks, CINCH_BLOCK, cinch_cuda_stream(b), t);
    else if (s->size == 2) CINCH_LAUNCH(turn_kernel<uint16_t>, blocks, CINCH_BLOCK, cinch_cuda_stream(b), t);
    else CINCH_LAUNCH(turn_kernel<uint8_t>, blocks, CINCH_BLOCK, cinch_cuda_stream(b), t);
}

/* Can two neighbours be one unit? */
static bool pairs_up(const cinch_strided *s)
{
    const cinch_grid *g = &s->grid;
    int inner = g->rank - 1;
    if (s->size == 16 || g->stride[FROM][inner] != 1 || g->stride[TO][inner] != 1 || g->dim[inner] % 2) return false;
    for (int i = 0; i < inner; i++)
        if (g->stride[FROM][i] % 2 || g->stride[TO][i] % 2) return false;
    return cinch_cuda_aligned(s->from, 2 * s->size) && cinch_cuda_aligned(s->to, 2 * s->size);
}

/* Makes neighbours one unit as long as it can; returns how many units there are. */
static int64_t widen(cinch_strided *s, int64_t total)
{
    cinch_grid *g = &s->grid;
    int inner = g->rank - 1;
    while (pairs_up(s)) {
        s->size *= 2;
        total /= 2;
        g->dim[inner] /= 2;
        for (int i = 0; i < inner; i++) g->stride[FROM][i] /= 2, g->stride[TO][i] /= 2;
    }
    return total;
}

static void move(cinch_backend *b, cinch_strided s)
{
    int64_t total = 1;
    for (int i = 0; i < s.grid.rank; i++) total *= s.grid.dim[i];
    if (!total) return;
    cinch_grid_collapse(&s.grid);
    int across = find_across(&s);
    if (across >= 0) return turn(b, &s, across, total);
    total = widen(&s, total);
    WITH_UNIT(s.size, T, CINCH_LAUNCH(move_kernel<T>, cinch_cuda_blocks(b, total), CINCH_BLOCK, cinch_cuda_stream(b), s,
                                      total));
}

static cinch_status run_broadcast(cinch_backend *b, const cinch_call *c)
{
    move(b, cinch_strided_broadcast(c));
    return cinch_cuda_launched(c);
}
CINCH_CUDA_KERNEL_UNPLANNED(broadcast, run_broadcast)

static cinch_status run_transpose(cinch_backend *b, const cinch_call *c)
{
    move(b, cinch_strided_transpose(c));
    return cinch_cuda_launched(c);
}
CINCH_CUDA_KERNEL_UNPLANNED(transpose, run_transpose)

static cinch_status run_slice(cinch_backend *b, const cinch_call *c)
{
    move(b, cinch_strided_slice(c));
    return cinch_cuda_launched(c);
}
CINCH_CUDA_KERNEL_UNPLANNED(slice, run_slice)

static cinch_status run_concat(cinch_backend *b, const cinch_call *c)
{
    for (int k = 0; k < c->n_in; k++) move(b, cinch_strided_concat(c, k));
    return cinch_cuda_launched(c);
}
CINCH_CUDA_KERNEL_UNPLANNED(concat, run_concat)

static cinch_status run_pad(cinch_backend *b, const cinch_call *c)
{
    fill(b, c->out, c->attr->pad.value);
    move(b, cinch_strided_pad(c));
    return cinch_cuda_launched(c);
}
CINCH_CUDA_KERNEL_UNPLANNED(pad, run_pad)

/* --- iota --------------------------------------------------------------------------------------------------------- */

/* A thread writes an element at a time. */
static __global__ void __launch_bounds__(CINCH_BLOCK)
iota_kernel(void *to, cinch_dtype dtype, int64_t total, int64_t length, int64_t inner)
{
    CINCH_EACH(i, total) {
        int32_t number = (int32_t)(i / inner % length);
        if (dtype == CINCH_I32) ((int32_t *)to)[i] = number;
        else cinch_store_as(to, dtype, i, (float)number);
    }
}

static cinch_status run_iota(cinch_backend *b, const cinch_call *c)
{
    const cinch_tensor *y = c->out;
    int axis = c->attr->axis.first;
    int64_t total = cinch_tensor_count(y), length = y->rank ? y->dim[axis] : 1;
    int64_t inner = cinch_cuda_span(y, axis + 1, y->rank);
    if (!total) return CINCH_OK;
    CINCH_LAUNCH(iota_kernel, cinch_cuda_blocks(b, total), CINCH_BLOCK, cinch_cuda_stream(b), y->data, y->dtype, total,
                 length, inner);
    return cinch_cuda_launched(c);
}

static cinch_status plan_iota(cinch_backend *b, const cinch_call *c, size_t *scratch, size_t *saved)
{
    (void)b, (void)scratch, (void)saved;
    if (!c->out->rank || c->out->dim[c->attr->axis.first] <= INT32_MAX) return CINCH_OK;
    return cinch_fail(CINCH_USAGE, "iota: an axis of more than 2^31 elements; split it");
}
CINCH_CUDA_KERNEL(iota, run_iota, plan_iota)

/* --- pack --------------------------------------------------------------------------------------------------------- */

/* An operand's part of the slab: its elements, then zeros to the next. */
typedef struct piece {
    const float *from; /* NULL where it was computed at its place and is left there */
    int64_t at, count, next;
    int64_t vectors;   /* that can be moved whole */
} piece;

typedef struct packer {
    float *to;
    int n;
    piece pieces[PIECES];
} packer;

/* All threads go through the pieces together; one launch for PIECES operands. */
static __global__ void __launch_bounds__(CINCH_BLOCK) pack_kernel(const packer p)
{
    for (int k = 0; k < p.n; k++) {
        const piece &s = p.pieces[k];
        float *to = p.to + s.at;
        int64_t done = s.vectors * CINCH_VECTOR;
        CINCH_EACH(i, s.vectors) ((float4 *)to)[i] = ((const float4 *)s.from)[i];
        CINCH_EACH(i, s.from ? s.count - done : 0) to[done + i] = s.from[done + i];
        CINCH_EACH(i, s.next - s.at - s.count) to[s.count + i] = 0;
    }
}

static piece piece_of(const cinch_call *c, int k, int64_t at)
{
    const float *to = (const float *)c->out->data + at, *from = (const float *)c->in[k].data;
    int64_t count = cinch_tensor_count(&c->in[k]), room = cinch_tensor_count(c->out);
    int64_t next = k + 1 == c->n_in ? room : cinch_cuda_min(cinch_cuda_parts(at + count, 16) * 16, room);
    bool whole = from != to && cinch_cuda_aligned(from, 16) && cinch_cuda_aligned(to, 16);
    return {from == to ? NULL : from, at, count, next, whole ? count / CINCH_VECTOR : 0};
}

static cinch_status run_pack(cinch_backend *b, const cinch_call *c)
{
    packer p = {(float *)c->out->data, 0, {}};
    int64_t most = 1;
    for (int k = 0, last = c->n_in - 1; k <= last; k++) {
        int64_t at = k ? p.pieces[(k - 1) % PIECES].next : 0;
        piece s = p.pieces[p.n++] = piece_of(c, k, at);
        int64_t loose = s.next - s.at - (s.from ? 0 : s.count) - s.vectors * CINCH_VECTOR;
        most = cinch_cuda_max(most, cinch_cuda_max(s.vectors, loose));
        if (p.n < PIECES && k < last) continue;
        CINCH_LAUNCH(pack_kernel, cinch_cuda_blocks(b, most), CINCH_BLOCK, cinch_cuda_stream(b), p);
        p.n = 0, most = 1;
    }
    if (!c->n_in) fill(b, c->out, 0);
    return cinch_cuda_launched(c);
}

static cinch_status plan_pack(cinch_backend *b, const cinch_call *c, size_t *scratch, size_t *saved)
{
    int64_t need = 0;
    (void)b, (void)scratch, (void)saved;
    for (int k = 0; k < c->n_in; k++) need = cinch_cuda_parts(need, 16) * 16 + cinch_tensor_count(&c->in[k]);
    if (need <= cinch_tensor_count(c->out)) return CINCH_OK;
    return cinch_fail(CINCH_INTERNAL, "pack: %lld elements do not fit into %lld", (long long)need,
                      (long long)cinch_tensor_count(c->out));
}
CINCH_CUDA_KERNEL(pack, run_pack, plan_pack)
