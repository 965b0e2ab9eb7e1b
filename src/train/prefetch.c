/* SPDX-License-Identifier: Apache-2.0 */
#include "train/prefetch.h"

#include "core/status.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct cinch_prefetch {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    cinch_fetch *fetch;
    void *user;
    int64_t epoch, batch;   /* asked for, or there */
    bool asked, there, quit;
    cinch_status status;
    char error[512];        /* the error text belongs to a thread */
};

static void fetch_one(cinch_prefetch *p)
{
    pthread_mutex_unlock(&p->mutex);
    cinch_status status = p->fetch(p->user, p->epoch, p->batch);
    pthread_mutex_lock(&p->mutex);
    p->status = status;
    if (status) snprintf(p->error, sizeof p->error, "%s", cinch_last_error());
    p->asked = false;
    p->there = true;
    pthread_cond_broadcast(&p->changed);
}

static void *run(void *argument)
{
    cinch_prefetch *p = argument;
    pthread_mutex_lock(&p->mutex);
    while (!p->quit) {
        if (p->asked) fetch_one(p);
        else pthread_cond_wait(&p->changed, &p->mutex);
    }
    pthread_mutex_unlock(&p->mutex);
    return NULL;
}

cinch_status cinch_prefetch_create(cinch_prefetch **out, cinch_fetch *fetch, void *user)
{
    cinch_prefetch *p = *out = cinch_calloc(1, sizeof *p);
    if (!p) return CINCH_DEVICE;
    p->fetch = fetch;
    p->user = user;
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->changed, NULL);
    if (!pthread_create(&p->thread, NULL, run, p)) return CINCH_OK;
    free(p);
    *out = NULL;
    return cinch_fail(CINCH_DEVICE, "cannot start the thread that reads batches");
}

void cinch_prefetch_free(cinch_prefetch *p)
{
    if (!p) return;
    pthread_mutex_lock(&p->mutex);
    p->quit = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->mutex);
    pthread_join(p->thread, NULL);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->mutex);
    free(p);
}

static void ask(cinch_prefetch *p, int64_t epoch, int64_t batch)
{
    p->epoch = epoch;
    p->batch = batch;
    p->there = false;
    p->asked = true;
    pthread_cond_broadcast(&p->changed);
}

static void wait_idle(cinch_prefetch *p)
{
    while (p->asked) pthread_cond_wait(&p->changed, &p->mutex);
}

cinch_status cinch_prefetch_wait(cinch_prefetch *p, int64_t epoch, int64_t batch)
{
    pthread_mutex_lock(&p->mutex);
    wait_idle(p);
    if (!p->there || p->epoch != epoch || p->batch != batch) {
        ask(p, epoch, batch);
        wait_idle(p);
    }
    cinch_status status = p->status;
    if (status) cinch_fail(status, "%s", p->error);
    pthread_mutex_unlock(&p->mutex);
    return status;
}

void cinch_prefetch_ask(cinch_prefetch *p, int64_t epoch, int64_t batch)
{
    pthread_mutex_lock(&p->mutex);
    wait_idle(p);
    ask(p, epoch, batch);
    pthread_mutex_unlock(&p->mutex);
}
