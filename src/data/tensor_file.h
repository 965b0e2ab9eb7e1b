/* SPDX-License-Identifier: Apache-2.0 */
/* What the reader and the writer of safetensors agree on. */
#ifndef CINCH_DATA_TENSOR_FILE_H
#define CINCH_DATA_TENSOR_FILE_H

enum {
    CINCH_TENSOR_HEADER_MAX = 100000000, /* bytes of JSON, as in the reference implementation */
    CINCH_TENSOR_HEADER_ALIGN = 8,
    CINCH_TENSOR_NESTING_MAX = 16        /* the format needs 3 */
};

#define CINCH_TENSOR_METADATA "__metadata__"

#endif
