/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle.h"

const oracle_function oracles[CINCH_OP_COUNT] = {
#define OP(name, inputs, outputs, attr, place, saves, types) [CINCH_OP_##name] = oracle_##name,
#include "core/ops.def"
};

bool oracle_run(oracle_call *call)
{
    call->wrong = NULL;
    if (!oracles[call->op]) call->wrong = "the op has no oracle";
    else oracles[call->op](call);
    return !call->wrong;
}

bool oracle_expect(oracle_call *c, bool fits, const char *why)
{
    if (!fits) c->wrong = why;
    return fits;
}

int64_t oracle_span(const oracle_tensor *t, int first, int last)
{
    int64_t product = 1;
    for (int i = first; i < last; i++) product *= t->dim[i];
    return product;
}

int64_t oracle_count(const oracle_tensor *t)
{
    return oracle_span(t, 0, t->rank);
}

bool oracle_same_dims(const oracle_tensor *a, const oracle_tensor *b)
{
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i]) return false;
    return true;
}

bool oracle_is_integer(cinch_dtype dtype)
{
    return dtype == CINCH_I32 || dtype == CINCH_U8;
}

void oracle_unravel(const oracle_tensor *t, int64_t i, int64_t at[CINCH_RANK_MAX])
{
    for (int axis = t->rank; axis-- > 0;) {
        at[axis] = i % t->dim[axis];
        i /= t->dim[axis];
    }
}

int64_t oracle_ravel(const oracle_tensor *t, const int64_t at[CINCH_RANK_MAX])
{
    int64_t i = 0;
    for (int axis = 0; axis < t->rank; axis++) i = i * t->dim[axis] + at[axis];
    return i;
}

int64_t oracle_broadcast_index(const oracle_tensor *from, const oracle_tensor *to, int64_t i)
{
    int64_t at[CINCH_RANK_MAX] = {0}, mine[CINCH_RANK_MAX] = {0};
    oracle_unravel(to, i, at);
    int extra = to->rank - from->rank;
    for (int axis = 0; axis < from->rank; axis++) mine[axis] = from->dim[axis] == 1 ? 0 : at[axis + extra];
    return oracle_ravel(from, mine);
}

bool oracle_broadcasts(const oracle_tensor *from, const oracle_tensor *to)
{
    int extra = to->rank - from->rank;
    if (extra < 0) return false;
    for (int axis = 0; axis < from->rank; axis++)
        if (from->dim[axis] != 1 && from->dim[axis] != to->dim[axis + extra]) return false;
    return true;
}
