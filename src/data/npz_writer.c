/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing .npz: a zip file of .npy files, stored as they are. PKWARE's APPNOTE 6.3.10, sections 4.3 and 4.5.3. Sizes
 * are always those of zip64, and checksums follow the arrays, so that the file is written from front to end.
 */
#include <cinch/data.h>

#include "core/status.h"
#include "data/npy_header.h"
#include "data/output.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { ENTRIES_MAX = 16, NAME_MAX_LENGTH = 63 + 4 /* ".npy" */, RECORD_MAX = 256 };
enum { VERSION = 45 /* zip64 */, CHECKSUM_FOLLOWS = 8, FIRST_DAY = 0x21 /* 1 January 1980 */ };

typedef struct entry {
    char name[NAME_MAX_LENGTH + 1];
    uint64_t offset, size;
    uint32_t checksum;
} entry;

struct cinch_npz_writer {
    char *path;
    cinch_output output;
    entry entries[ENTRIES_MAX];
    int n_entries;
    uint64_t offset;         /* bytes of the file so far */
    uint64_t left;           /* bytes that the last array lacks */
};

/* --- records: little-endian fields one behind the other ----------------------------------------------------------- */

typedef struct record {
    unsigned char bytes[RECORD_MAX];
    size_t size;
} record;

static void put(record *r, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) r->bytes[r->size++] = i < 8 ? (unsigned char)(value >> (8 * i)) : 0;
}

static void put_text(record *r, const char *text)
{
    memcpy(r->bytes + r->size, text, strlen(text));
    r->size += strlen(text);
}

/* From the version to the lengths of name and extra field, which a local and a central header have in common; the sizes
   proper stand in the extra field. */
static void put_common(record *r, const entry *e, uint32_t checksum, int extra)
{
    put(r, VERSION, 2);
    put(r, CHECKSUM_FOLLOWS, 2);
    put(r, 0, 2 + 2); /* stored; midnight */
    put(r, FIRST_DAY, 2);
    put(r, checksum, 4);
    put(r, UINT32_MAX, 4);
    put(r, UINT32_MAX, 4);
    put(r, strlen(e->name), 2);
    put(r, (uint64_t)extra, 2);
}

/* The extra field of zip64: sizes with and without compression. */
static void put_sizes(record *r, const entry *e, int bytes)
{
    put(r, 1, 2);
    put(r, (uint64_t)bytes, 2);
    put(r, e->size, 8);
    put(r, e->size, 8);
}

static record local_header(const entry *e)
{
    record r = {.size = 0};
    put_text(&r, "PK\3\4");
    put_common(&r, e, 0, 4 + 16);
    put_text(&r, e->name);
    put_sizes(&r, e, 16);
    return r;
}

static record descriptor(const entry *e)
{
    record r = {.size = 0};
    put_text(&r, "PK\7\10");
    put(&r, e->checksum, 4);
    put(&r, e->size, 8);
    put(&r, e->size, 8);
    return r;
}

static record central_header(const entry *e)
{
    record r = {.size = 0};
    put_text(&r, "PK\1\2");
    put(&r, VERSION, 2);
    put_common(&r, e, e->checksum, 4 + 24);
    put(&r, 0, 2 + 2 + 2 + 4); /* no comment, first disk, no attributes */
    put(&r, UINT32_MAX, 4);
    put_text(&r, e->name);
    put_sizes(&r, e, 24);
    put(&r, e->offset, 8);
    return r;
}

/* The end of the central directory of zip64, its locator, and the end that older readers look for. */
static record end_records(int entries, uint64_t start, uint64_t end)
{
    record r = {.size = 0};
    put_text(&r, "PK\6\6");
    put(&r, 44, 8); /* bytes of this record that follow */
    put(&r, VERSION, 2);
    put(&r, VERSION, 2);
    put(&r, 0, 4 + 4);
    put(&r, (uint64_t)entries, 8);
    put(&r, (uint64_t)entries, 8);
    put(&r, end - start, 8);
    put(&r, start, 8);
    put_text(&r, "PK\6\7");
    put(&r, 0, 4);
    put(&r, end, 8);
    put(&r, 1, 4);
    put_text(&r, "PK\5\6");
    put(&r, 0, 2 + 2);
    put(&r, (uint64_t)entries, 2);
    put(&r, (uint64_t)entries, 2);
    put(&r, UINT32_MAX, 4);
    put(&r, UINT32_MAX, 4);
    put(&r, 0, 2);
    return r;
}

static cinch_status write_record(cinch_npz_writer *w, const record *r)
{
    w->offset += r->size;
    return cinch_output_write(&w->output, r->bytes, r->size);
}

/* --- arrays ------------------------------------------------------------------------------------------------------- */

static entry *last_entry(cinch_npz_writer *w) { return &w->entries[w->n_entries - 1]; }

static cinch_status write_bytes(cinch_npz_writer *w, const void *bytes, size_t size)
{
    static const size_t most = 1 << 30; /* crc32 takes an unsigned int */
    entry *e = last_entry(w);
    for (size_t done = 0; done < size; done += most) {
        size_t n = size - done < most ? size - done : most;
        e->checksum = (uint32_t)crc32(e->checksum, (const unsigned char *)bytes + done, (unsigned)n);
    }
    w->offset += size;
    return cinch_output_write(&w->output, bytes, size);
}

static cinch_status end_array(cinch_npz_writer *w)
{
    if (!w->n_entries) return CINCH_OK;
    if (w->left)
        return cinch_fail(CINCH_USAGE, "%s: array %s lacks %llu bytes", w->path, last_entry(w)->name,
                          (unsigned long long)w->left);
    record r = descriptor(last_entry(w));
    return write_record(w, &r);
}

static cinch_status check_name(const cinch_npz_writer *w, const char *name)
{
    if (w->n_entries == ENTRIES_MAX) return cinch_fail(CINCH_USAGE, "%s: more than %d arrays", w->path, ENTRIES_MAX);
    if (!*name || strlen(name) + 4 > NAME_MAX_LENGTH)
        return cinch_fail(CINCH_USAGE, "%s: an array's name has 1 to %d characters", w->path, NAME_MAX_LENGTH - 4);
    return CINCH_OK;
}

cinch_status cinch_npz_writer_begin(cinch_npz_writer *w, const char *name, cinch_element element, cinch_shape shape)
{
    char header[CINCH_NPY_HEADER_MAX];
    int64_t bytes;
    TRY(check_name(w, name));
    TRY(cinch_npy_check(w->path, element, shape, &bytes));
    TRY(end_array(w));
    size_t length = cinch_npy_header(header, element, shape);
    entry *e = &w->entries[w->n_entries++];
    *e = (entry){.offset = w->offset, .size = (uint64_t)bytes + length};
    strcat(strcpy(e->name, name), ".npy");
    w->left = (uint64_t)bytes;
    record r = local_header(e);
    TRY(write_record(w, &r));
    return write_bytes(w, header, length);
}

cinch_status cinch_npz_writer_write(cinch_npz_writer *w, const void *bytes, size_t size)
{
    if (size > w->left)
        return cinch_fail(CINCH_USAGE, "%s: more bytes than the array has", w->path);
    w->left -= size;
    return size ? write_bytes(w, bytes, size) : CINCH_OK;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

cinch_status cinch_npz_writer_create(cinch_npz_writer **out, const char *path)
{
    cinch_npz_writer *w = *out = cinch_calloc(1, sizeof *w);
    if (!w) return CINCH_DEVICE;
    w->path = cinch_strdup(path);
    cinch_status status = w->path ? cinch_output_open(&w->output, path) : CINCH_DEVICE;
    if (!status) return CINCH_OK;
    cinch_npz_writer_free(w);
    *out = NULL;
    return status;
}

cinch_status cinch_npz_writer_commit(cinch_npz_writer *w)
{
    TRY(end_array(w));
    uint64_t start = w->offset;
    for (int i = 0; i < w->n_entries; i++) {
        record r = central_header(&w->entries[i]);
        TRY(write_record(w, &r));
    }
    record r = end_records(w->n_entries, start, w->offset);
    TRY(write_record(w, &r));
    return cinch_output_commit(&w->output);
}

void cinch_npz_writer_free(cinch_npz_writer *w)
{
    if (!w) return;
    cinch_output_close(&w->output);
    free(w->path);
    free(w);
}
