/* SPDX-License-Identifier: Apache-2.0 */
/* Principal components of codes, and codes as points of a plane: by these, and by t-SNE. Equal input, equal bytes. */
#ifndef CINCH_REPORT_PROJECTION_H
#define CINCH_REPORT_PROJECTION_H

#include "core/status.h"

#include <stdbool.h>
#include <stdint.h>

enum { CINCH_COMPONENTS_MOST = 8 };

/* The directions of largest variance of codes [n, k]; those that are not there (k or n too small, codes without spread)
   are zero, as are their deviations. */
typedef struct {
    int m;                  /* how many: at most CINCH_COMPONENTS_MOST */
    int64_t k;
    double *mean;           /* [k]; owned, with the directions behind it */
    double *direction;      /* [m, k], orthonormal */
    double deviation[CINCH_COMPONENTS_MOST];
    double share[CINCH_COMPONENTS_MOST]; /* of all variance */
} cinch_components;

/* CINCH_DEVICE when memory ran out. */
cinch_status cinch_components_find(cinch_components *components, const float *codes, int64_t n, int64_t k, int m);
void cinch_components_free(cinch_components *components);

/* What lies along the first two: xy [n, 2], centred. */
void cinch_components_project(const cinch_components *components, const float *codes, int64_t n, double *xy);

enum { CINCH_TSNE_STEPS = 500 };

/* t-SNE: van der Maaten & Hinton, JMLR 9 (2008). `xy` [n, 2] holds where the points begin (their principal components,
   as Kobak & Berens, Nature Communications 10 (2019) advise; of any scale) and where they end. Attraction is over each
   point's nearest neighbours (van der Maaten, JMLR 15 (2014), section 4.1), repulsion exact: about 2 seconds for 2,000
   points. Perplexity 30, less where n < 91. Fewer than 4 points stay. CINCH_DEVICE when memory ran out; the status in
   *stop (may be NULL), which is looked at between steps. */
cinch_status cinch_project_tsne(const float *codes, int64_t n, int64_t k, const volatile int *stop, double *xy);

#endif
