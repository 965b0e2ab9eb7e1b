/* SPDX-License-Identifier: Apache-2.0 */
#include <cinch/params.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "core/store.h"

cinch_status cinch_params_create(cinch_params **out)
{
    *out = cinch_calloc(1, sizeof **out);
    return *out ? CINCH_OK : CINCH_DEVICE;
}

void cinch_params_free(cinch_params *p)
{
    if (!p) return;
    for (int s = 0; p->device && s < CINCH_SLAB_COUNT; s++)
        cinch_device_release(p->device, p->slabs[s], (size_t)cinch_params_slab_size(p, s) * sizeof(float));
    for (int i = 0; i < p->n; i++) free(p->entries[i].name);
    free(p->entries);
    free(p);
}

/* --- declaring ---------------------------------------------------------------------------------------------------- */

static int declare(cinch_params *p, char *name, cinch_shape shape, const cinch_param_options *options)
{
    if (cinch_grow((void **)&p->entries, &p->room, p->n + 1, sizeof *p->entries)) {
        free(name);
        return -1;
    }
    cinch_param_entry *entry = &p->entries[p->n];
    entry->name = name;
    entry->shape = shape;
    if (options) entry->options = *options;
    return p->n++;
}

/* Index of the parameter, declared now if need be; -1 with the graph's error set. Takes `name` over. */
static int find_or_declare(cinch_graph *g, cinch_params *p, char *name, cinch_shape shape,
                           const cinch_param_options *options)
{
    char had[64], wanted[64];
    int index = cinch_params_find(p, name);
    if (index < 0 && !p->device) {
        index = declare(p, name, shape, options);
        if (index < 0) cinch_graph_out_of_memory(g);
        return index;
    }
    if (index < 0) cinch_graph_fail(g, "no parameter '%s' in the store", name);
    else if (!cinch_same_shape(p->entries[index].shape, shape)) {
        cinch_graph_fail(g, "parameter '%s' is %s here but was %s", name, cinch_shape_text(shape, wanted),
                         cinch_shape_text(p->entries[index].shape, had));
        index = -1;
    }
    free(name);
    return index;
}

static bool adopt(cinch_graph *g, cinch_params *p)
{
    if (!g->params) g->params = p;
    if (g->params == p) return true;
    cinch_graph_fail(g, "a graph takes its parameters from one store");
    return false;
}

cinch_value cinch_params_value(cinch_graph *g, cinch_params *p, int index)
{
    for (int32_t id = 1; id < g->n_nodes; id++)
        if (g->nodes[id].op == CINCH_OP_parameter && g->nodes[id].attr.leaf.index == index) return (cinch_value){id};
    if (!adopt(g, p)) return (cinch_value){0};
    return cinch_append_as(g, CINCH_OP_parameter, &(cinch_attr){.leaf = {index}}, 0, NULL, CINCH_F32,
                           p->entries[index].shape);
}

cinch_value cinch_param(cinch_graph *g, cinch_params *p, const char *name, cinch_shape shape,
                        const cinch_param_options *options)
{
    if (g->status) return (cinch_value){0};
    const char *scope = cinch_scope(g);
    char *full = cinch_format("%s%s%s", scope, *scope ? "." : "", name);
    if (!full) return cinch_graph_out_of_memory(g);
    int index = find_or_declare(g, p, full, shape, options);
    return index < 0 ? (cinch_value){0} : cinch_params_value(g, p, index);
}

cinch_value cinch_slab_value(cinch_graph *g, cinch_params *p, cinch_slab slab)
{
    for (int32_t id = 1; id < g->n_nodes; id++)
        if (g->nodes[id].op == CINCH_OP_slab && g->nodes[id].attr.leaf.index == (int)slab) return (cinch_value){id};
    if (!adopt(g, p)) return (cinch_value){0};
    return cinch_append_as(g, CINCH_OP_slab, &(cinch_attr){.leaf = {(int)slab}}, 0, NULL, CINCH_F32,
                           CINCH_SHAPE(cinch_params_slab_size(p, slab)));
}

/* --- questions ---------------------------------------------------------------------------------------------------- */

int cinch_params_count(const cinch_params *p) { return p->n; }

cinch_param_info cinch_params_info(const cinch_params *p, int index)
{
    const cinch_param_entry *e = &p->entries[index];
    return (cinch_param_info){e->name, e->shape, e->options};
}

int cinch_params_find(const cinch_params *p, const char *name)
{
    for (int i = 0; i < p->n; i++)
        if (!strcmp(p->entries[i].name, name)) return i;
    return -1;
}

void cinch_params_freeze(cinch_params *p, int index, bool frozen)
{
    if (!p->device) p->entries[index].options.frozen = frozen;
}

static int64_t count_in(const cinch_params *p, cinch_slab slab)
{
    int64_t count = 0;
    for (int i = 0; i < p->n; i++)
        if (cinch_slab_of(&p->entries[i]) == slab) count += cinch_shape_count(p->entries[i].shape);
    return count;
}

int64_t cinch_params_trainable(const cinch_params *p) { return count_in(p, CINCH_SLAB_TRAINABLE); }

int64_t cinch_params_total(const cinch_params *p)
{
    return count_in(p, CINCH_SLAB_TRAINABLE) + count_in(p, CINCH_SLAB_FROZEN);
}

/* --- slabs -------------------------------------------------------------------------------------------------------- */

const char *cinch_slab_name(cinch_slab slab)
{
    static const char *const names[CINCH_SLAB_COUNT] = {"trainable", "frozen",  "state", "gradient",
                                                        "moment1",   "moment2", "ema"};
    return slab < CINCH_SLAB_COUNT ? names[slab] : "unknown";
}

int64_t cinch_params_slab_size(const cinch_params *p, cinch_slab slab)
{
    int64_t size = 0;
    cinch_slab layout = slab > CINCH_SLAB_STATE ? CINCH_SLAB_TRAINABLE : slab;
    for (int i = 0; i < p->n; i++)
        if (cinch_slab_of(&p->entries[i]) == layout) size += cinch_slab_padded(cinch_shape_count(p->entries[i].shape));
    return size;
}

void cinch_params_lay_out(cinch_params *p)
{
    int64_t next[CINCH_SLAB_COUNT] = {0};
    if (p->device) return; /* nothing can be declared any more, and several threads may be reading */
    for (int i = 0; i < p->n; i++) {
        cinch_param_entry *e = &p->entries[i];
        e->offset = next[cinch_slab_of(e)];
        next[cinch_slab_of(e)] += cinch_slab_padded(cinch_shape_count(e->shape));
    }
}

static cinch_status fill_slab(cinch_params *p, cinch_slab slab, size_t bytes)
{
    cinch_backend *backend = p->device->backend;
    if (slab != CINCH_SLAB_EMA) return backend->vtable->fill(backend, p->slabs[slab], 0, bytes);
    float *host = cinch_calloc(bytes, 1);
    if (!host) return CINCH_DEVICE;
    cinch_status status = cinch_params_slab_read(p, CINCH_SLAB_TRAINABLE, host);
    if (!status) status = cinch_device_write(p->device, p->slabs[slab], host, bytes);
    free(host);
    return status;
}

cinch_status cinch_params_slab_memory(cinch_params *p, cinch_slab slab, float **memory)
{
    size_t bytes = (size_t)cinch_params_slab_size(p, slab) * sizeof(float);
    if (!p->device) return cinch_fail(CINCH_USAGE, "the parameters have no memory yet; call cinch_params_allocate");
    if (!p->slabs[slab] && bytes) {
        void *taken;
        cinch_status status = cinch_device_alloc(p->device, bytes, &taken);
        if (status) return cinch_fail_in(status, cinch_slab_name(slab));
        p->slabs[slab] = taken;
        TRY(fill_slab(p, slab, bytes));
    }
    *memory = p->slabs[slab];
    return CINCH_OK;
}

static cinch_status initialise_all(cinch_params *p, uint64_t seed)
{
    for (int i = 0; i < p->n; i++) {
        float *host = cinch_calloc((size_t)cinch_shape_count(p->entries[i].shape), sizeof *host);
        if (!host) return CINCH_DEVICE;
        cinch_initialise(&p->entries[i], seed, host);
        cinch_status status = cinch_params_write(p, i, host);
        free(host);
        TRY(status);
    }
    return CINCH_OK;
}

cinch_status cinch_params_allocate(cinch_params *p, cinch_device *device, uint64_t seed)
{
    float *memory = NULL;
    if (p->device) return cinch_fail(CINCH_USAGE, "the parameters have their memory already");
    cinch_params_lay_out(p);
    p->device = device;
    for (int slab = CINCH_SLAB_TRAINABLE; slab <= CINCH_SLAB_STATE; slab++)
        TRY(cinch_params_slab_memory(p, slab, &memory));
    return initialise_all(p, seed);
}

cinch_status cinch_params_slab_read(cinch_params *p, cinch_slab slab, float *host)
{
    float *memory = NULL;
    size_t bytes = (size_t)cinch_params_slab_size(p, slab) * sizeof(float);
    TRY(cinch_params_slab_memory(p, slab, &memory));
    return cinch_device_read(p->device, host, memory, bytes);
}

cinch_status cinch_params_slab_write(cinch_params *p, cinch_slab slab, const float *host)
{
    float *memory = NULL;
    size_t bytes = (size_t)cinch_params_slab_size(p, slab) * sizeof(float);
    TRY(cinch_params_slab_memory(p, slab, &memory));
    return cinch_device_write(p->device, memory, host, bytes);
}

/* Where parameter `index` lies in its own slab, or in the averaged weights. */
static cinch_status locate(cinch_params *p, int index, cinch_slab slab, float **at, size_t *bytes)
{
    if (index < 0 || index >= p->n) return cinch_fail(CINCH_USAGE, "no parameter %d", index);
    const cinch_param_entry *e = &p->entries[index];
    bool averaged = slab == CINCH_SLAB_EMA && cinch_slab_of(e) == CINCH_SLAB_TRAINABLE;
    TRY(cinch_params_slab_memory(p, averaged ? slab : cinch_slab_of(e), at));
    *at += e->offset;
    *bytes = (size_t)cinch_shape_count(e->shape) * sizeof(float);
    return CINCH_OK;
}

cinch_status cinch_params_read(cinch_params *p, int index, cinch_slab slab, float *host)
{
    float *at = NULL;
    size_t bytes = 0;
    TRY(locate(p, index, slab, &at, &bytes));
    return cinch_device_read(p->device, host, at, bytes);
}

cinch_status cinch_params_write(cinch_params *p, int index, const float *host)
{
    float *at = NULL;
    size_t bytes = 0;
    TRY(locate(p, index, CINCH_SLAB_TRAINABLE, &at, &bytes));
    return cinch_device_write(p->device, at, host, bytes);
}
