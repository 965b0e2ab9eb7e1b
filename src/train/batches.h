/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds rows of a data set to plans. They live with the device in their stored type, and a batch is gathered and
 * converted there; rows that do not fit (the device would hold more than half of the memory that this process may use),
 * or shall not (data.resident=never), are read batch by batch into one of two slots on the device, the next batch being
 * fetched by a thread while the step runs. Both ways write the same graph and give the same bytes.
 */
#ifndef CINCH_TRAIN_BATCHES_H
#define CINCH_TRAIN_BATCHES_H

#include <cinch/data.h>
#include <cinch/model.h>
#include <cinch/plan.h>

typedef struct cinch_feed cinch_feed;

/* Which rows; all borrowed. */
typedef struct cinch_feed_source {
    cinch_dataset *data;
    const int32_t *index;   /* NULL: the first `count` */
    int64_t count;
    cinch_dataset *target;  /* what to reconstruct, row by row; NULL: the data itself */
    const int32_t *labels;  /* of the data's rows; NULL: none are fed */
} cinch_feed_source;

typedef struct cinch_feed_options {
    int64_t batch_size;
    bool shuffle;
    uint64_t seed;          /* of the shuffle */
    bool never_resident;
} cinch_feed_options;

cinch_status cinch_feed_create(cinch_feed **out, cinch_device *device, const cinch_feed_source *source,
                               const cinch_feed_options *options);
void cinch_feed_free(cinch_feed *feed);

/* The rows of a part. */
cinch_feed_source cinch_feed_part(cinch_dataset *data, cinch_part part);

int64_t cinch_feed_samples(const cinch_feed *feed);
/* Batches of an epoch; the last may be short. */
int64_t cinch_feed_batches(const cinch_feed *feed);
int64_t cinch_feed_batch_size(const cinch_feed *feed, int64_t batch);
/* Bytes on the device. */
size_t cinch_feed_bytes(const cinch_feed *feed);
bool cinch_feed_is_resident(const cinch_feed *feed);

/* A batch of n samples as values of the graph, in the model's range; what is not fed is not there. */
cinch_batch cinch_feed_batch(const cinch_feed *feed, cinch_graph *graph, int64_t n);

/* Lets a plan of such a graph read from the feed. */
cinch_status cinch_feed_bind(cinch_feed *feed, cinch_plan *plan);

/* Makes batch `batch` of `epoch` the plan's next. Any order is right, the order of an epoch is fast. Allocates nothing.
   CINCH_DATA where rows cannot be read. */
cinch_status cinch_feed_next(cinch_feed *feed, cinch_plan *plan, int64_t epoch, int64_t batch);

#endif
