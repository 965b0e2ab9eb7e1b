/* SPDX-License-Identifier: Apache-2.0 */
/* Small dense linear algebra in double, for PCA's baseline. */
#ifndef CINCH_TRAIN_EIGEN_H
#define CINCH_TRAIN_EIGEN_H

#include <cinch/status.h>


/* Eigenvalues of the symmetric a [n, n] in descending order, and their unit eigenvectors as rows of `vectors` [n, n].
   Only the lower triangle of `a` is read; it is overwritten. CINCH_NUMERIC when a number in it is not finite. */
cinch_status cinch_eigen_symmetric(double *a, int n, double *values, double *vectors);

/* Makes the rows of q [m, n] orthonormal, m <= n: Gram-Schmidt, each row twice. A row that depends on those before it
   is replaced by a unit vector that does not. */
void cinch_orthonormalise(double *q, int m, int n);

#endif
