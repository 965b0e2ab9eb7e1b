/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data in and out: data sets to train on, safetensors files, .npy and .npz files.
 *
 *     cinch_dataset *data;
 *     cinch_dataset_options options = {.seed = 1};
 *     if (cinch_dataset_open(&data, "/usr/share/datasets/fashion-mnist", &options)) puts(cinch_last_error());
 *     const cinch_dataset_info *info = cinch_dataset_describe(data);     // 70000 rows of [28, 28, 1], u8
 *     const int32_t *index;
 *     int64_t n = cinch_dataset_part(data, CINCH_PART_TRAIN, &index);    // 54000 of them
 *     float batch[128 * 784];
 *     cinch_dataset_gather_float(data, index, 128, batch);               // in [0, 1]
 *     cinch_dataset_free(data);
 *
 *     cinch_tensor_file *weights;
 *     cinch_tensor_file_open(&weights, "model.safetensors");
 *     const cinch_tensor_entry *w = cinch_tensor_file_find(weights, "encoder.0.weight");
 *
 * Where data comes from is a SPEC, [FORMAT+]PATH[:MEMBER]:
 *     FOLDER          laid out like MNIST: train and t10k, images and labels, IDX, plain or .gz
 *     FILE            IDX (plain or .gz) or .npy, told apart by its first bytes
 *     npy+-           standard input, which needs its FORMAT: idx or npy
 *     shapes          built in: 12000 small pictures with known factors; shapes:N, or shapes:N,SEED for others
 * A file or folder that is called like a SPEC is written with a path: ./shapes.
 *
 * Handles that were opened may be read by several threads at once; a writer belongs to one thread at a time.
 */
#ifndef CINCH_DATA_H
#define CINCH_DATA_H

#include <cinch/export.h>
#include <cinch/status.h>
#include <cinch/types.h>

CINCH_BEGIN

/* --- data sets ---------------------------------------------------------------------------------------------------- */

typedef struct cinch_dataset cinch_dataset;

typedef enum cinch_part { CINCH_PART_TRAIN, CINCH_PART_VAL, CINCH_PART_TEST, CINCH_PART_COUNT } cinch_part;

/* "train", "val", "test". A static string. */
CINCH_API const char *cinch_part_name(cinch_part part);

typedef struct cinch_dataset_options {
    uint64_t seed;           /* of the split */
    int64_t limit;           /* parts are taken from the first so many rows (and from the first so many of the
                                container's own test part); 0: all. Row numbers and counts of rows stay as they are */
    double split[3];         /* shares of train, validation, test, of any sum; all zero: 80, 10, 10. A container with
                                its own test part keeps it; validation gets its share of the rest, train what is left */
    const char *label;       /* SPEC of an array of whole numbers, one a row; NULL: the container's own, if any */
    const char *layout;      /* "channels_last", "channels_first", or NULL: see below */
    bool range_none;         /* integers stay as they are */
    double range[2];         /* what u8 and u16 (and bool) are mapped to; both zero: [0, 1] */
    bool keep_nan;           /* floats that are not finite stay; else data with one is refused */
    const char *keep_nan_by; /* what the user can do to have keep_nan, for the refusal; NULL: nothing */
} cinch_dataset_options;

/* Rows are numbered through: those of the container's training part, then those of its test part.
   An array [N, D] holds vectors; [N, H, W] grey pictures ([H, W, 1] here) or, with a layout, sequences ([N, T, C] or
   [N, C, T]); with four axes and more the channels are the axis of 1 to 4 beside (first) or after (last) the others.
   Where both axes or neither fit, the layout must be given. */
typedef struct cinch_dataset_info {
    const char *reader;      /* "idx", "npy", "shapes", ... */
    const char *description; /* one line for people */
    int64_t rows;            /* all of them */
    int64_t container_test;  /* how many of them, the last, are the container's own test part */
    int64_t part[CINCH_PART_COUNT];  /* rows in each part */
    cinch_shape sample;      /* one row, channels last; rank 1 to 5 */
    cinch_dtype dtype;       /* of raw rows: CINCH_U8 for u8 and bool, else CINCH_F32 (f16 is exact; f64 and wide
                                integers are rounded) */
    double scale, offset;    /* value = raw * scale + offset */
    double low, high;        /* values lie in this range: the mapping's for u8, u16 and bool; [0, 1] or [-1, 1] where
                                the values read span it to within 1%; low == high: unbounded */
    cinch_shape source;      /* one row as the container has it */
    const char *source_type; /* "U8", "F64", ... */
    bool channels_first;     /* of the container */
    bool has_labels;
    int32_t classes;         /* greatest label + 1; 0 without labels */
} cinch_dataset_info;

/* Opens what a SPEC names, splits it, and looks at floats once: at all that the limit leaves, whether they are finite,
   and at up to 64 MiB of the training part for their range. `options` may be NULL. Strings in it are not kept. A file
   is memory-mapped where that is possible: it must not be shortened while it is open. Errors, all naming the file:
   CINCH_USAGE for a SPEC or option that makes no sense, CINCH_DATA for missing, truncated or malformed data, for values
   that are not finite (naming the first one's row) and for formats that this build cannot read, CINCH_DEVICE when
   memory runs out. */
CINCH_API cinch_status cinch_dataset_open(cinch_dataset **out, const char *spec, const cinch_dataset_options *options);

/* The same over rows in memory, borrowed until cinch_dataset_free: `rows` samples of CINCH_U8 or CINCH_F32, contiguous,
   axes as in an array file. `labels` [rows] may be NULL. */
CINCH_API cinch_status cinch_dataset_wrap(cinch_dataset **out, const void *data, cinch_dtype dtype, int64_t rows,
                                          cinch_shape sample, const int32_t *labels,
                                          const cinch_dataset_options *options);
CINCH_API void cinch_dataset_free(cinch_dataset *data);

/* Whether `path` leads to the file that a SPEC names, so that writing there would replace the data; false where it is
   no regular file. CINCH_USAGE for what is no SPEC. */
CINCH_API cinch_status cinch_data_is_file(const char *spec, const char *path, bool *same);

/* Owned by the data set; changes only with its parts. */
CINCH_API const cinch_dataset_info *cinch_dataset_describe(const cinch_dataset *data);

/* The rows of a part, ascending, owned by the data set until its parts change; returns their count. */
CINCH_API int64_t cinch_dataset_part(const cinch_dataset *data, cinch_part part, const int32_t **index);

/* Replaces the parts (copies). CINCH_DATA when a row does not exist or is in two parts. Not beside other calls. */
CINCH_API cinch_status cinch_dataset_set_parts(cinch_dataset *data, const int32_t *const index[CINCH_PART_COUNT],
                                               const int64_t count[CINCH_PART_COUNT]);

/* Stores the parts in a safetensors file (i32 tensors train, val, test), and takes them back, less what options.limit
   leaves out: CINCH_DATA when the file was made for another number of rows. */
CINCH_API cinch_status cinch_dataset_save_parts(const cinch_dataset *data, const char *path);
CINCH_API cinch_status cinch_dataset_load_parts(cinch_dataset *data, const char *path);

/* Copies raw rows, [count, sample] of info.dtype: those listed, or count of them from `first`. CINCH_USAGE for rows
   that do not exist. Thread-safe. */
CINCH_API cinch_status cinch_dataset_gather(const cinch_dataset *data, const int32_t *index, int64_t count, void *out);
CINCH_API cinch_status cinch_dataset_read(const cinch_dataset *data, int64_t first, int64_t count, void *out);

/* All raw rows where they lie one after another in memory (or in a memory map); else NULL. Owned by the data set. */
CINCH_API const void *cinch_dataset_rows(const cinch_dataset *data);

/* The listed rows as values, [count, sample] f32: raw * scale + offset. `index` NULL: the first count. Thread-safe. */
CINCH_API cinch_status cinch_dataset_gather_float(const cinch_dataset *data, const int32_t *index, int64_t count,
                                                  float *out);

/* Values [count, sample] back to the container's scale and axes, [count, info.source] f32. `out` is not `values`. */
CINCH_API void cinch_dataset_restore(const cinch_dataset *data, const float *values, int64_t count, float *out);

/* The least and the greatest value (raw * scale + offset) of the listed rows, all of which are read; `index` NULL: the
   first count. What is not finite does not count; both are 0 where there is nothing else. Thread-safe. */
CINCH_API cinch_status cinch_dataset_bounds(const cinch_dataset *data, const int32_t *index, int64_t count, double *low,
                                            double *high);

/* One label a row, [info.rows], each at least 0; NULL without labels. Owned by the data set. */
CINCH_API const int32_t *cinch_dataset_labels(const cinch_dataset *data);

/* What all raw rows hold: for people, and slow where there is much. */
typedef struct cinch_dataset_stats {
    double min, max, mean, deviation;  /* of finite raw values; 0 where there are none */
    int64_t nan, infinite;             /* how many values are not finite */
} cinch_dataset_stats;
CINCH_API cinch_status cinch_dataset_measure(const cinch_dataset *data, cinch_dataset_stats *out);

/* The factors of picture `row` of shapes with this seed (0 unless the SPEC has one), uniform and independent; kind is
   the label: 0 square, 1 ellipse, 2 triangle, 3 cross. The pictures are the same on every machine. */
typedef struct cinch_shapes_factors {
    int32_t kind;
    float scale;             /* radius of the circle around the figure, in pixels, [4, 9) */
    float rotation;          /* radians, [0, 2 pi), counter-clockwise */
    float x, y;              /* centre, in pixels from the left and the top of 28, [10, 18) */
} cinch_shapes_factors;
CINCH_API cinch_shapes_factors cinch_shapes_at(uint64_t seed, int64_t row);

/* --- element types in files --------------------------------------------------------------------------------------- */

typedef enum cinch_element {
    CINCH_ELEMENT_NONE,
    CINCH_ELEMENT_BOOL, CINCH_ELEMENT_U8, CINCH_ELEMENT_I8,
    CINCH_ELEMENT_F8_E5M2, CINCH_ELEMENT_F8_E4M3, CINCH_ELEMENT_F8_E8M0,
    CINCH_ELEMENT_I16, CINCH_ELEMENT_U16, CINCH_ELEMENT_F16, CINCH_ELEMENT_BF16,
    CINCH_ELEMENT_I32, CINCH_ELEMENT_U32, CINCH_ELEMENT_F32,
    CINCH_ELEMENT_I64, CINCH_ELEMENT_U64, CINCH_ELEMENT_F64, CINCH_ELEMENT_C64,
    CINCH_ELEMENT_COUNT
} cinch_element;

/* "F32", "BF16", ... as safetensors writes them; "?" for anything else. Static. */
CINCH_API const char *cinch_element_name(cinch_element element);
/* Bytes of one element; 0 for anything else. */
CINCH_API size_t cinch_element_size(cinch_element element);
CINCH_API cinch_element cinch_element_of(cinch_dtype dtype);

/* Elements of a file's type as f32, little-endian, unaligned is fine: F32, BF16, F16, F64, BOOL and the integers.
   CINCH_DATA for other types. Thread-safe. */
CINCH_API cinch_status cinch_element_to_float(cinch_element element, const void *bytes, int64_t count, float *out);

/* --- safetensors: https://huggingface.co/docs/safetensors --------------------------------------------------------- */

typedef struct cinch_tensor_file cinch_tensor_file;

typedef struct cinch_tensor_entry {
    const char *name;
    cinch_element element;
    int32_t rank;
    const int64_t *dim;      /* [rank] */
    int64_t count;           /* elements */
    int64_t bytes;
    int64_t begin;           /* where its bytes begin, counted from the end of the header */
    const void *data;        /* its bytes, little-endian, row-major; perhaps not aligned */
} cinch_tensor_entry;

/* Opens a file by memory map, or bytes in memory, borrowed until it is freed and called `name` in errors. Everything is
   checked at once: CINCH_DATA, one line, for whatever the format forbids (header over 100 MB or not beginning with '{',
   bad JSON or UTF-8, duplicate keys, deep nesting, metadata that is not strings, unknown types, sizes that overflow or
   do not match, overlaps, holes, bytes left over, truncated files). The file must not be shortened while it is open. */
CINCH_API cinch_status cinch_tensor_file_open(cinch_tensor_file **out, const char *path);
CINCH_API cinch_status cinch_tensor_file_open_memory(cinch_tensor_file **out, const void *bytes, size_t size,
                                                     const char *name);
CINCH_API void cinch_tensor_file_free(cinch_tensor_file *file);

/* Entries in the order of their bytes; NULL past the last, or when there is none of that name. Owned by the file. */
CINCH_API int64_t cinch_tensor_file_count(const cinch_tensor_file *file);
CINCH_API const cinch_tensor_entry *cinch_tensor_file_entry(const cinch_tensor_file *file, int64_t i);
CINCH_API const cinch_tensor_entry *cinch_tensor_file_find(const cinch_tensor_file *file, const char *name);

/* As `find`, but an entry that is missing, or of another type or shape, is CINCH_DATA naming file and tensor. */
CINCH_API cinch_status cinch_tensor_file_require(const cinch_tensor_file *file, const char *name, cinch_element element,
                                                 cinch_shape shape, const cinch_tensor_entry **out);

/* The metadata: a value by key (NULL: none), and all of it by number, in the file's order (false past the last). */
CINCH_API const char *cinch_tensor_file_metadata(const cinch_tensor_file *file, const char *key);
CINCH_API bool cinch_tensor_file_metadata_at(const cinch_tensor_file *file, int64_t i, const char **key,
                                             const char **value);

typedef struct cinch_tensor_writer cinch_tensor_writer;

/* Writes a safetensors file: declare everything, then hand over the bytes in the order of declaration, in pieces of any
   size, then commit. Bytes go to a temporary file in the same folder, which is synced and renamed at the commit, the
   folder synced after it; so the old file stays whole until the new one is. Its mode is kept; of a link, what it leads
   to is replaced. Declare wide elements first: a tensor whose bytes would not be aligned to its element's size is
   refused (CINCH_USAGE), for some readers cannot map it.
   Errors: CINCH_USAGE for names twice, not UTF-8, too many or too few bytes; CINCH_OUTPUT when the disk is full or the
   folder cannot be written: the temporary file is removed and only cinch_tensor_writer_free may follow. */
CINCH_API cinch_status cinch_tensor_writer_create(cinch_tensor_writer **out, const char *path);
CINCH_API cinch_status cinch_tensor_writer_metadata(cinch_tensor_writer *writer, const char *key, const char *value);
CINCH_API cinch_status cinch_tensor_writer_declare(cinch_tensor_writer *writer, const char *name, cinch_element element,
                                                   int32_t rank, const int64_t *dim);
CINCH_API cinch_status cinch_tensor_writer_write(cinch_tensor_writer *writer, const void *bytes, size_t size);
CINCH_API cinch_status cinch_tensor_writer_commit(cinch_tensor_writer *writer);
/* Without a commit before it, nothing of the file remains. */
CINCH_API void cinch_tensor_writer_free(cinch_tensor_writer *writer);

/* Removes the temporary files that killed writers left in a folder. Only where no other writer is at work in it.
   CINCH_OUTPUT when the folder cannot be read or a file not be removed. */
CINCH_API cinch_status cinch_remove_leftovers(const char *folder);

/* --- .npy, NumPy's array file: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html ------------- */

typedef struct cinch_npy_writer cinch_npy_writer;

/* Writes an array of F32, I32, U8 or another element type of NumPy's, row-major, in pieces of any size, by temporary
   file, sync and rename as above; "-" is standard output. Version 1 of the format. Errors as for safetensors. */
CINCH_API cinch_status cinch_npy_writer_create(cinch_npy_writer **out, const char *path, cinch_element element,
                                               cinch_shape shape);
CINCH_API cinch_status cinch_npy_writer_write(cinch_npy_writer *writer, const void *bytes, size_t size);
CINCH_API cinch_status cinch_npy_writer_commit(cinch_npy_writer *writer);
CINCH_API void cinch_npy_writer_free(cinch_npy_writer *writer);

/* All of it in one call. */
CINCH_API cinch_status cinch_npy_write(const char *path, cinch_element element, cinch_shape shape, const void *data);

/* --- .npz, NumPy's archive of arrays: a zip file, here uncompressed, that numpy.load opens ------------------------ */

typedef struct cinch_npz_writer cinch_npz_writer;

/* Writes one array after the other: `begin` names the next one ("mu"), `write` gives its numbers in pieces of any size.
   At most 16 arrays, of names of at most 63 characters; of any size (zip64). By temporary file, sync and rename as
   above; "-" is standard output. Errors as for .npy, CINCH_USAGE too for an array not whole when the next begins. */
CINCH_API cinch_status cinch_npz_writer_create(cinch_npz_writer **out, const char *path);
CINCH_API cinch_status cinch_npz_writer_begin(cinch_npz_writer *writer, const char *name, cinch_element element,
                                              cinch_shape shape);
CINCH_API cinch_status cinch_npz_writer_write(cinch_npz_writer *writer, const void *bytes, size_t size);
CINCH_API cinch_status cinch_npz_writer_commit(cinch_npz_writer *writer);
CINCH_API void cinch_npz_writer_free(cinch_npz_writer *writer);

CINCH_END

#endif
