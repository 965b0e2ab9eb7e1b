/* SPDX-License-Identifier: Apache-2.0 */
#include "case.h"

#define FLOATS (F32 | BF16)
#define ALL (F32 | BF16 | I32)
#define AXES(first_, last_) ATTR(axis, .first = first_, .last = last_)

/* First, middle, last axes and all of them; long and short lines. */
#define REDUCTION(op, types, grad, range_)                                                    \
    ROW(op, IN(S(1)), AXES(0, 0), types, grad, RANGE(range_)),                                \
    ROW(op, IN(S(31)), AXES(0, 0), types, grad, RANGE(range_)),                               \
    ROW(op, IN(S(33)), AXES(0, 0), types, grad, RANGE(range_)),                               \
    ROW(op, IN(S(5, 33)), AXES(1, 1), types, grad, RANGE(range_)),                            \
    ROW(op, IN(S(33, 5)), AXES(0, 0), types, grad, RANGE(range_)),                            \
    ROW(op, IN(S(5, 7)), AXES(0, 1), types, grad, RANGE(range_)),                             \
    ROW(op, IN(S(3, 7, 5)), AXES(1, 1), types, grad, RANGE(range_)),                          \
    ROW(op, IN(S(2, 3, 2, 2, 3, 2)), AXES(2, 4), types, grad, RANGE(range_)),                 \
    ROW(op, IN(S(2, 3, 2, 2, 3, 2)), AXES(0, 3), types, 0, RANGE(range_)),                    \
    ROW(op, IN(S(3, 1, 5)), AXES(1, 1), types, 0, RANGE(range_)),                             \
    ROW(op, IN(S(1025)), AXES(0, 0), types, 0, RANGE(range_)),                                \
    ROW(op, IN(S(0, 5)), AXES(1, 1), types, 0, RANGE(range_)),                                \
    ROW(op, IN(S(1025, 33)), AXES(0, 0), types, 0, RANGE(range_)),                            \
    ROW(op, IN(S(33, 1025)), AXES(1, 1), types, 0, RANGE(range_)),                            \
    ROW(op, IN(S(256, 785)), AXES(0, 0), types, SPEED, RANGE(range_)),                        \
    ROW(op, IN(S(256, 785)), AXES(1, 1), types, SPEED, RANGE(range_)),                        \
    ROW(op, IN(S(9, 129, 65)), AXES(1, 1), types, SPEED, RANGE(range_)),                      \
    ROW(op, IN(S(17, 8191)), AXES(0, 1), types, SPEED, RANGE(range_)),                        \
    ROW(op, IN(S(31, 65)), AXES(1, 1), F32, 0, RANGE(HOLES)),                                 \
    ROW(op, IN(S(65, 31)), AXES(0, 0), F32, 0, RANGE(HOLES))

#define WIDENED(op)                                                     \
    ROW(op, IN(S(33)), AXES(0, 0), BF16, 0, .to = F32),                 \
    ROW(op, IN(S(5, 33)), AXES(1, 1), BF16, 0, .to = F32),              \
    ROW(op, IN(S(1025, 33)), AXES(0, 0), BF16, 0, .to = F32),           \
    ROW(op, IN(S(256, 785)), AXES(0, 0), BF16, SPEED, .to = F32),       \
    ROW(op, IN(S(9, 129, 65)), AXES(1, 1), BF16, 0, .to = F32),         \
    ROW(op, IN(S(17, 8191)), AXES(0, 1), BF16, 0, .to = F32)

#define ALONG(axis_) ATTR(axis, .first = axis_)
#define ALONG_REVERSE(axis_) ATTR(axis, .first = axis_, .reverse = 1)
#define ALONG_EXCLUSIVE(axis_, reverse_) ATTR(axis, .first = axis_, .reverse = reverse_, .exclusive = 1)

static const case_row rows[] = {
    REDUCTION(sum, ALL, GRAD2, SIGNED),
    REDUCTION(max, ALL, GRAD2, SIGNED),
    REDUCTION(min, ALL, GRAD2, SIGNED),
    REDUCTION(logsumexp, FLOATS, GRAD2, SIGNED),

    /* Half precision stored, single given. */
    WIDENED(sum),
    WIDENED(max),
    WIDENED(min),
    WIDENED(logsumexp),

    /* The sum of nothing is 0; half precision stored, single summed. */
    ROW(sum, IN(S(3, 0)), AXES(1, 1), ALL, 0),
    ROW(sum, IN(S(0)), AXES(0, 0), ALL, 0),
    ROW(sum, IN(S(0, 5)), AXES(0, 0), ALL, 0),
    ROW(sum, IN(S(1025, 1025)), AXES(0, 1), F32, SPEED, RANGE(POSITIVE)),
    ROW(logsumexp, IN(S(33, 65)), AXES(1, 1), FLOATS, 0, RANGE(WIDE)),
    ROW(sum, IN(S(1025, 64)), AXES(0, 0), ALL, 0, RANGE(SIGNED)),
    ROW(logsumexp, IN(S(300, 24)), AXES(0, 0), FLOATS, 0, RANGE(SIGNED)),
    ROW(max, IN(S(33, 65)), AXES(1, 1), FLOATS, 0, RANGE(WIDE)),

    ROW(argmax, IN(S(1)), ALONG(0), ALL, 0, RANGE(WHOLE)),
    ROW(argmax, IN(S(33)), ALONG(0), ALL, 0, RANGE(WHOLE)),
    ROW(argmax, IN(S(31, 33)), ALONG(1), ALL, 0, RANGE(SIGNED)),
    ROW(argmax, IN(S(31, 33)), ALONG(0), ALL, 0, RANGE(WHOLE)),
    ROW(argmax, IN(S(3, 31, 5)), ALONG(1), ALL, 0, RANGE(WHOLE)),
    ROW(argmax, IN(S(2, 3, 2, 5, 2, 3)), ALONG(3), ALL, 0, RANGE(WHOLE)),
    ROW(argmax, IN(S(1025, 10)), ALONG(1), ALL, SPEED, RANGE(SIGNED)),
    ROW(argmax, IN(S(10, 1025)), ALONG(1), ALL, 0, RANGE(WHOLE)),
    ROW(argmax, IN(S(2, 9001)), ALONG(1), ALL, 0, RANGE(WHOLE)),
    ROW(argmax, IN(S(1025, 3)), ALONG(0), ALL, 0, RANGE(WHOLE)),
    ROW(argmax, IN(S(0, 7)), ALONG(1), ALL, 0),

    ROW(cumsum, IN(S(1)), ALONG(0), ALL, GRAD2),
    ROW(cumsum, IN(S(31)), ALONG(0), ALL, GRAD2),
    ROW(cumsum, IN(S(31)), ALONG_REVERSE(0), ALL, GRAD2),
    ROW(cumsum, IN(S(5, 33)), ALONG(1), ALL, GRAD),
    ROW(cumsum, IN(S(33, 5)), ALONG(0), ALL, GRAD),
    ROW(cumsum, IN(S(3, 7, 5)), ALONG_REVERSE(1), ALL, GRAD),
    ROW(cumsum, IN(S(3, 7, 5)), ALONG_EXCLUSIVE(1, 0), ALL, GRAD),
    ROW(cumsum, IN(S(33)), ALONG_EXCLUSIVE(0, 1), ALL, GRAD),
    ROW(cumsum, IN(S(2, 1, 3, 4, 1, 2)), ALONG(3), ALL, 0),
    ROW(cumsum, IN(S(1025)), ALONG(0), ALL, 0),
    ROW(cumsum, IN(S(3, 8)), ALONG_REVERSE(1), ALL, 0),
    ROW(cumsum, IN(S(2, 2052)), ALONG_EXCLUSIVE(1, 1), ALL, 0),
    ROW(cumsum, IN(S(8200)), ALONG(0), FLOATS, 0),
    ROW(cumsum, IN(S(8203)), ALONG_EXCLUSIVE(0, 1), I32, 0),
    ROW(cumsum, IN(S(257, 3)), ALONG_REVERSE(0), ALL, 0),
    ROW(cumsum, IN(S(0, 4)), ALONG(1), ALL, 0),
    ROW(cumsum, IN(S(3, 0)), ALONG(1), ALL, 0),
    ROW(cumsum, IN(S(257, 1025)), ALONG(1), FLOATS, SPEED),
    ROW(cumsum, IN(S(257, 513)), ALONG(0), FLOATS, SPEED),
};

FAMILY(reduce);
