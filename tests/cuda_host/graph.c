/* SPDX-License-Identifier: Apache-2.0 */
/* Captures, and graphs: a list of work, with the arguments it had when it was captured. */
#include "parts.h"

#include <pthread.h>
#include <stdlib.h>

typedef struct list {
    cuda_host_item *first, *last;
} list;

struct CUgraph_st {
    struct CUgraph_st *next;
    list items;
    uint64_t number;            /* of the capture */
    enum cudaStreamCaptureMode mode;
    pthread_t thread;
    bool recording, invalid;
};

struct CUgraphExec_st {
    struct CUgraphExec_st *next;
    list items;
};

static struct CUgraph_st *graphs;
static struct CUgraphExec_st *executables;
static uint64_t captures;

static void add_item(list *l, cuda_host_item *item)
{
    if (l->first) l->last->next = item;
    else l->first = item;
    l->last = item;
}

static void free_items(list *l)
{
    for (cuda_host_item *item = l->first, *next; item; item = next) {
        next = item->next;
        free(item);
    }
    *l = (list){NULL, NULL};
}

/* --- while a capture is under way --------------------------------------------------------------------------------- */

uint64_t cuda_host_capture_of(cudaStream_t stream)
{
    return stream && stream != cudaStreamLegacy && stream->capture ? stream->capture->number : 0;
}

void cuda_host_invalidate(cudaGraph_t graph) { graph->invalid = true; }

cudaError_t cuda_host_record(cudaGraph_t graph, const cuda_host_item *item, const void *args)
{
    if (graph->invalid) return cudaErrorStreamCaptureInvalidated;
    cuda_host_item *copy = cuda_host_copy_item(item, args);
    if (!copy) return cudaErrorMemoryAllocation;
    add_item(&graph->items, copy);
    return cudaSuccess;
}

static bool forbids(const struct CUgraph_st *g)
{
    if (!g->recording || g->mode == cudaStreamCaptureModeRelaxed) return false;
    return g->mode == cudaStreamCaptureModeGlobal || pthread_equal(g->thread, pthread_self());
}

cudaError_t cuda_host_unsafe(const char *name)
{
    for (struct CUgraph_st *g = graphs; g; g = g->next) {
        if (!forbids(g)) continue;
        if (!g->invalid) cuda_host_complain("%s during a capture", name);
        g->invalid = true;
        return cudaErrorStreamCaptureUnsupported;
    }
    return cudaSuccess;
}

/* --- captures ----------------------------------------------------------------------------------------------------- */

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode)
{
    CUDA_HOST_BEGIN(cudaErrorUnknown);
    if (!stream || stream == cudaStreamLegacy) return cuda_host_end(cudaErrorStreamCaptureUnsupported);
    if (stream->capture) return cuda_host_end(cudaErrorIllegalState);
    struct CUgraph_st *g = calloc(1, sizeof *g);
    if (!g) return cuda_host_end(cudaErrorMemoryAllocation);
    *g = (struct CUgraph_st){.next = graphs, .number = ++captures, .mode = mode, .thread = pthread_self(),
                             .recording = true};
    graphs = g;
    stream->capture = g;
    return cudaSuccess;
}

static bool free_graph(cudaGraph_t graph)
{
    struct CUgraph_st **at = &graphs;
    while (*at && *at != graph) at = &(*at)->next;
    if (!*at) return false;
    *at = graph->next;
    free_items(&graph->items);
    free(graph);
    return true;
}

/* Ends the capture even where the call is made to fail. */
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    CUDA_HOST_LOCK;
    cudaError_t begun = cuda_host_begin(__func__, cudaErrorUnknown);
    *graph = NULL;
    if (!cuda_host_capture_of(stream)) return cuda_host_end(begun ? begun : cudaErrorIllegalState);
    struct CUgraph_st *g = stream->capture;
    stream->capture = NULL;
    g->recording = false;
    if (begun || g->invalid) {
        cudaError_t error = begun ? begun : cudaErrorStreamCaptureInvalidated;
        free_graph(g);
        return cuda_host_end(error);
    }
    *graph = g;
    return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, enum cudaStreamCaptureStatus *status)
{
    CUDA_HOST_BEGIN(cudaErrorUnknown);
    *status = !cuda_host_capture_of(stream) ? cudaStreamCaptureStatusNone
              : stream->capture->invalid ? cudaStreamCaptureStatusInvalidated : cudaStreamCaptureStatusActive;
    return cudaSuccess;
}

/* --- graphs ------------------------------------------------------------------------------------------------------- */

static bool copy_items(list *to, const list *from)
{
    for (const cuda_host_item *item = from->first; item; item = item->next) {
        cuda_host_item *copy = cuda_host_copy_item(item, item->args);
        if (!copy) return false;
        add_item(to, copy);
    }
    return true;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *executable, cudaGraph_t graph, unsigned long long flags)
{
    CUDA_HOST_BEGIN(cudaErrorMemoryAllocation);
    (void)flags;
    struct CUgraphExec_st *e = calloc(1, sizeof *e);
    if (!e || !copy_items(&e->items, &graph->items)) {
        if (e) free_items(&e->items);
        free(e);
        return cuda_host_end(cudaErrorMemoryAllocation);
    }
    e->next = executables;
    executables = e;
    *executable = e;
    return cudaSuccess;
}

static cudaError_t launch_graph(cudaGraphExec_t executable, cudaStream_t stream)
{
    if (cuda_host_capture_of(stream)) {
        cuda_host_complain("cudaGraphLaunch during a capture is not stood in for");
        cuda_host_invalidate(stream->capture);
        return cudaErrorNotSupported;
    }
    cudaError_t error = cudaSuccess;
    for (const cuda_host_item *item = executable->items.first; item && !error; item = item->next)
        error = cuda_host_give_item(stream, item, item->args);
    return error;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream)
{
    CUDA_HOST_BEGIN(cudaErrorLaunchFailure);
    return cuda_host_end(launch_graph(executable, stream));
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    CUDA_HOST_LOCK;
    cudaError_t begun = cuda_host_begin(__func__, cudaErrorUnknown);
    if (!free_graph(graph)) return cuda_host_end(cudaErrorInvalidValue);
    return cuda_host_end(begun ? begun : cuda_host_broken());
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable)
{
    CUDA_HOST_LOCK;
    cudaError_t begun = cuda_host_begin(__func__, cudaErrorUnknown);
    struct CUgraphExec_st **at = &executables;
    while (*at && *at != executable) at = &(*at)->next;
    if (!*at) return cuda_host_end(cudaErrorInvalidValue);
    *at = executable->next;
    free_items(&executable->items);
    free(executable);
    return cuda_host_end(begun ? begun : cuda_host_broken());
}

int cuda_host_graph_leaks(void)
{
    int n = 0;
    for (struct CUgraph_st *g = graphs; g; g = g->next) n++;
    for (struct CUgraphExec_st *e = executables; e; e = e->next) n++;
    if (n) cuda_host_complain("%d graphs were not destroyed", n);
    return n;
}
