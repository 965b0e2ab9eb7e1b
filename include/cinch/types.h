/* SPDX-License-Identifier: Apache-2.0 */
/* The few plain types that several modules share. */
#ifndef CINCH_TYPES_H
#define CINCH_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CINCH_RANK_MAX = 6 };

/* How a tensor's elements are stored. Arithmetic on bf16 is done in f32. */
typedef enum cinch_dtype { CINCH_F32, CINCH_BF16, CINCH_I32, CINCH_U8, CINCH_DTYPE_COUNT } cinch_dtype;

/* Bytes of one element. */
static inline size_t cinch_dtype_size(cinch_dtype dtype)
{
    return dtype == CINCH_U8 ? 1 : dtype == CINCH_BF16 ? 2 : 4;
}

/* Sizes of a contiguous row-major tensor; rank 0 is a scalar. */
typedef struct cinch_shape {
    int32_t rank;
    int64_t dim[CINCH_RANK_MAX];
} cinch_shape;

/* CINCH_SHAPE(128, 784); a scalar is (cinch_shape){0}. */
#define CINCH_SHAPE(...)                                                             \
    ((cinch_shape){(int32_t)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), {__VA_ARGS__}})

/* Elements of a tensor of this shape. */
static inline int64_t cinch_shape_count(cinch_shape shape)
{
    int64_t count = 1;
    for (int i = 0; i < shape.rank; i++) count *= shape.dim[i];
    return count;
}

#endif
