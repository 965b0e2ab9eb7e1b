/* SPDX-License-Identifier: Apache-2.0 */
/* Filling, converting and moving elements. */
#include "case.h"

#define FLOATS (F32 | BF16)
#define ALL (F32 | BF16 | I32)
#define ANY_TYPE (F32 | BF16 | I32 | U8)
#define ALONG(axis_) ATTR(axis, .first = axis_)
#define SCALED(scale, offset) PARAMS(scale, offset)
#define ORDER(...) ATTR(transpose, .order = {__VA_ARGS__})
#define FROM(...) .start = {__VA_ARGS__}
#define BY(...) .step = {__VA_ARGS__}
#define SLICE(from, by) ATTR(slice, from, by)
#define PAD(value_, ...) ATTR(pad, .value = value_, .before = {__VA_ARGS__})

#define CAST(from, to_, scale, offset, grad, range_)                                        \
    ROW(cast, IN(SCALAR), SCALED(scale, offset), from, grad, RANGE(range_), .to = to_),     \
    ROW(cast, IN(S(31)), SCALED(scale, offset), from, grad, RANGE(range_), .to = to_),      \
    ROW(cast, IN(S(3, 11)), SCALED(scale, offset), from, grad, RANGE(range_), .to = to_),   \
    ROW(cast, IN(S(0)), SCALED(scale, offset), from, 0, RANGE(range_), .to = to_),          \
    ROW(cast, IN(S(1025)), SCALED(scale, offset), from, 0, RANGE(range_), .to = to_),       \
    ROW(cast, IN(S(256, 785)), SCALED(scale, offset), from, SPEED, RANGE(range_), .to = to_)

static const case_row rows[] = {
    CAST(F32, F32, 2, -0.5f, GRAD2, SIGNED),
    CAST(F32, BF16, 1, 0, GRAD, SIGNED),
    CAST(F32, I32, 1, 0, 0, HALVES),
    CAST(F32, U8, 255, 0, 0, UNIT),
    CAST(F32, U8, 1, 0, 0, WIDE),
    CAST(BF16, F32, 1, 0, 0, SIGNED),
    CAST(BF16, BF16, 0.5f, 1, 0, SIGNED),
    CAST(BF16, I32, 1, 0.5f, 0, HALVES),
    CAST(BF16, U8, 1, 3, 0, WIDE),
    CAST(I32, F32, 0.5f, 1, 0, SIGNED),
    CAST(I32, BF16, 1, 0, 0, SIGNED),
    CAST(I32, I32, 0.5f, 0, 0, SIGNED),
    CAST(I32, U8, 1, 2, 0, SIGNED),
    CAST(U8, F32, 1.0f / 255, 0, 0, BYTES),
    CAST(U8, BF16, 2.0f / 255, -1, 0, BYTES),
    CAST(U8, I32, 1, -128, 0, BYTES),
    CAST(U8, U8, 2, -100, 0, BYTES),
    ROW(cast, IN(S(65)), SCALED(1, 0), F32, 0, RANGE(SPECIAL), .to = F32),
    ROW(cast, IN(S(65)), SCALED(1, 0), F32, 0, RANGE(SPECIAL), .to = BF16),
    ROW(cast, IN(S(65)), SCALED(1, 0), F32, 0, RANGE(SPECIAL), .to = I32),
    ROW(cast, IN(S(65)), SCALED(1, 0), F32, 0, RANGE(SPECIAL), .to = U8),

    ROW(fill, NO_INPUT, PARAMS(3), ANY_TYPE, 0, OUT(SCALAR)),
    ROW(fill, NO_INPUT, PARAMS(0), ANY_TYPE, 0, OUT(S(31))),
    ROW(fill, NO_INPUT, PARAMS(7), ANY_TYPE, 0, OUT(S(33))),
    ROW(fill, NO_INPUT, PARAMS(-1.5f), FLOATS, 0, OUT(S(5, 205))),
    ROW(fill, NO_INPUT, PARAMS(1), ANY_TYPE, 0, OUT(S(0, 3))),
    ROW(fill, NO_INPUT, PARAMS(1), ANY_TYPE, SPEED, OUT(S(256, 785))),

    ROW(iota, NO_INPUT, ALONG(0), ALL, 0, OUT(S(1))),
    ROW(iota, NO_INPUT, ALONG(0), ALL, 0, OUT(S(33))),
    ROW(iota, NO_INPUT, ALONG(1), ALL, 0, OUT(S(5, 31))),
    ROW(iota, NO_INPUT, ALONG(0), ALL, 0, OUT(S(31, 5))),
    ROW(iota, NO_INPUT, ALONG(2), ALL, 0, OUT(S(2, 1, 5, 3, 1, 2))),
    ROW(iota, NO_INPUT, ALONG(1), ALL, 0, OUT(S(0, 5))),
    ROW(iota, NO_INPUT, ALONG(1), F32 | I32, SPEED, OUT(S(65, 1025, 3))),

    ROW(copy, IN(SCALAR), NO_ATTR, ANY_TYPE, GRAD2),
    ROW(copy, IN(S(31)), NO_ATTR, ANY_TYPE, GRAD),
    ROW(copy, IN(S(3, 0)), NO_ATTR, ANY_TYPE, 0),
    ROW(copy, IN(S(1025)), NO_ATTR, ANY_TYPE, 0),
    ROW(copy, IN(S(256, 785)), NO_ATTR, ANY_TYPE, SPEED),

    ROW(broadcast, IN(SCALAR), NO_ATTR, ANY_TYPE, GRAD2, OUT(S(33))),
    ROW(broadcast, IN(S(1)), NO_ATTR, ANY_TYPE, GRAD, OUT(S(5, 31))),
    ROW(broadcast, IN(S(31)), NO_ATTR, ANY_TYPE, GRAD, OUT(S(5, 31))),
    ROW(broadcast, IN(S(33, 1)), NO_ATTR, ANY_TYPE, GRAD, OUT(S(33, 5))),
    ROW(broadcast, IN(S(3, 1, 5)), NO_ATTR, ANY_TYPE, GRAD, OUT(S(3, 4, 5))),
    ROW(broadcast, IN(S(2, 1, 3, 1)), NO_ATTR, ANY_TYPE, GRAD2, OUT(S(2, 3, 2, 4, 3, 5))),
    ROW(broadcast, IN(S(1)), NO_ATTR, ANY_TYPE, 0, OUT(S(4, 0))),
    ROW(broadcast, IN(S(785)), NO_ATTR, ANY_TYPE, SPEED, OUT(S(256, 785))),
    ROW(broadcast, IN(S(785, 1)), NO_ATTR, ANY_TYPE, SPEED, OUT(S(785, 256))),

    ROW(transpose, IN(SCALAR), ORDER(0), ANY_TYPE, 0),
    ROW(transpose, IN(S(33)), ORDER(0), ANY_TYPE, GRAD),
    ROW(transpose, IN(S(31, 33)), ORDER(1, 0), ANY_TYPE, GRAD2),
    ROW(transpose, IN(S(1, 33)), ORDER(1, 0), ANY_TYPE, GRAD),
    ROW(transpose, IN(S(3, 4, 5)), ORDER(2, 0, 1), ANY_TYPE, GRAD),
    ROW(transpose, IN(S(3, 4, 5)), ORDER(0, 2, 1), ANY_TYPE, GRAD),
    ROW(transpose, IN(S(3, 4, 5)), ORDER(1, 0, 2), ANY_TYPE, GRAD),
    ROW(transpose, IN(S(2, 3, 4, 2, 3, 2)), ORDER(5, 3, 1, 4, 0, 2), ANY_TYPE, GRAD),
    ROW(transpose, IN(S(4, 0, 3)), ORDER(2, 1, 0), ANY_TYPE, 0),
    ROW(transpose, IN(S(257, 1025)), ORDER(1, 0), ANY_TYPE, SPEED),
    ROW(transpose, IN(S(33, 28, 28, 3)), ORDER(0, 3, 1, 2), ANY_TYPE, SPEED),

    ROW(slice, IN(S(33)), SLICE(FROM(1), BY(1)), ANY_TYPE, GRAD2, OUT(S(31))),
    ROW(slice, IN(S(33)), SLICE(FROM(2), BY(3)), ANY_TYPE, GRAD2, OUT(S(11))),
    ROW(slice, IN(S(33)), SLICE(FROM(2), BY(3)), ANY_TYPE, GRAD, OUT(S(10))),
    ROW(slice, IN(S(5, 33)), SLICE(FROM(1, 2), BY(2, 1)), ANY_TYPE, GRAD, OUT(S(2, 31))),
    ROW(slice, IN(S(5, 33)), SLICE(FROM(4, 0), BY(1, 1)), ANY_TYPE, GRAD, OUT(S(1, 33))),
    ROW(slice, IN(S(3, 7, 5)), SLICE(FROM(0, 1, 0), BY(1, 2, 1)), ANY_TYPE, GRAD, OUT(S(3, 3, 5))),
    ROW(slice, IN(S(2, 3, 4, 2, 3, 5)), SLICE(FROM(1, 0, 1, 0, 2, 1), BY(1, 2, 2, 1, 1, 3)), ANY_TYPE, GRAD,
        OUT(S(1, 2, 2, 2, 1, 2))),
    ROW(slice, IN(S(5)), SLICE(FROM(3), BY(1)), ANY_TYPE, 0, OUT(S(0))),
    ROW(slice, IN(S(257, 1025)), SLICE(FROM(1, 3), BY(1, 1)), ANY_TYPE, SPEED, OUT(S(255, 1021))),
    ROW(slice, IN(S(257, 1025)), SLICE(FROM(0, 1), BY(1, 2)), ANY_TYPE, SPEED, OUT(S(257, 512))),

    ROW(pad, IN(S(31)), PAD(0, 1), ANY_TYPE, GRAD2, OUT(S(33))),
    ROW(pad, IN(S(1)), PAD(2, 0), ANY_TYPE, GRAD, OUT(S(31))),
    ROW(pad, IN(S(5, 7)), PAD(3, 0, 2), ANY_TYPE, GRAD, OUT(S(5, 10))),
    ROW(pad, IN(S(5, 7)), PAD(3, 2, 0), ANY_TYPE, GRAD, OUT(S(8, 7))),
    ROW(pad, IN(S(3, 4, 5)), PAD(1, 1, 0, 2), ANY_TYPE, GRAD, OUT(S(4, 6, 8))),
    ROW(pad, IN(S(2, 1, 3, 2, 1, 2)), PAD(0, 1, 0, 1, 2, 0, 1), ANY_TYPE, GRAD, OUT(S(4, 2, 4, 4, 3, 3))),
    ROW(pad, IN(S(0)), PAD(7, 2), ANY_TYPE, 0, OUT(S(5))),
    ROW(pad, IN(S(255, 1021)), PAD(0, 1, 2), ANY_TYPE, SPEED, OUT(S(257, 1025))),

    ROW(concat, IN(S(1), S(31)), ALONG(0), ANY_TYPE, GRAD2),
    ROW(concat, IN(S(33)), ALONG(0), ANY_TYPE, GRAD),
    ROW(concat, IN(S(5, 3), S(5, 1), S(5, 33)), ALONG(1), ANY_TYPE, GRAD),
    ROW(concat, IN(S(3, 5), S(1, 5)), ALONG(0), ANY_TYPE, GRAD),
    ROW(concat, IN(S(2, 3, 5), S(2, 4, 5)), ALONG(1), ANY_TYPE, GRAD),
    ROW(concat, IN(S(2, 1, 3, 2, 1, 2), S(2, 1, 3, 5, 1, 2)), ALONG(3), ANY_TYPE, GRAD),
    ROW(concat, IN(S(3, 0), S(3, 2), S(3, 0)), ALONG(1), ANY_TYPE, 0),
    ROW(concat, IN(S(1), S(2), S(3), S(4), S(5), S(6), S(7), S(8), S(9), S(10)), ALONG(0), ANY_TYPE, 0),
    ROW(concat, IN(S(257, 785), S(257, 10)), ALONG(1), ANY_TYPE, SPEED),
    ROW(concat, IN(S(129, 785), S(127, 785)), ALONG(0), ANY_TYPE, SPEED),

    ROW(gather, IN(S(1), S(1)), NO_ATTR, ANY_TYPE, GRAD, RANGE(SIGNED, ROWS)),
    ROW(gather, IN(S(31), SCALAR), NO_ATTR, ANY_TYPE, GRAD, RANGE(SIGNED, ROWS)),
    ROW(gather, IN(S(31), S(33)), NO_ATTR, ANY_TYPE, GRAD2, RANGE(SIGNED, ROWS)),
    ROW(gather, IN(S(7, 33), S(5)), NO_ATTR, ANY_TYPE, GRAD, RANGE(SIGNED, ROWS)),
    ROW(gather, IN(S(7, 2, 3), S(3, 2)), NO_ATTR, ANY_TYPE, GRAD, RANGE(SIGNED, ROWS)),
    ROW(gather, IN(S(7, 2, 2, 3), S(2, 1, 3)), NO_ATTR, ANY_TYPE, GRAD, RANGE(SIGNED, ROWS)),
    ROW(gather, IN(S(7, 5), S(0)), NO_ATTR, ANY_TYPE, 0, RANGE(SIGNED, ROWS)),
    ROW(gather, IN(S(0, 5), S(3)), NO_ATTR, ANY_TYPE, 0, RANGE(SIGNED, ROWS)),
    ROW(gather, IN(S(3, 0), S(5)), NO_ATTR, ANY_TYPE, 0, RANGE(SIGNED, ROWS)),
    ROW(gather, IN(S(1025, 785), S(257)), NO_ATTR, ANY_TYPE, SPEED, RANGE(SIGNED, ROWS)),

    ROW(scatter_add, IN(S(1), S(1)), NO_ATTR, ALL, GRAD, RANGE(SIGNED, ROWS), OUT(S(1))),
    ROW(scatter_add, IN(SCALAR, SCALAR), NO_ATTR, ALL, GRAD, RANGE(SIGNED, ROWS), OUT(S(5))),
    ROW(scatter_add, IN(S(33), S(33)), NO_ATTR, ALL, GRAD2, RANGE(SIGNED, ROWS), OUT(S(7))),
    ROW(scatter_add, IN(S(31, 5), S(31)), NO_ATTR, ALL, GRAD, RANGE(SIGNED, ROWS), OUT(S(3, 5))),
    ROW(scatter_add, IN(S(3, 2, 5), S(3, 2)), NO_ATTR, ALL, GRAD, RANGE(SIGNED, ROWS), OUT(S(33, 5))),
    ROW(scatter_add, IN(S(2, 3, 2, 3), S(2, 3)), NO_ATTR, ALL, GRAD, RANGE(SIGNED, ROWS), OUT(S(4, 2, 3))),
    ROW(scatter_add, IN(S(0, 5), S(0)), NO_ATTR, ALL, 0, RANGE(SIGNED, ROWS), OUT(S(3, 5))),
    ROW(scatter_add, IN(S(1025), S(1025)), NO_ATTR, ALL, 0, RANGE(SIGNED, ROWS), OUT(S(31))),
    ROW(scatter_add, IN(S(257, 785), S(257)), NO_ATTR, ALL, SPEED, RANGE(SIGNED, ROWS), OUT(S(1025, 785))),
    ROW(scatter_add, IN(S(4099, 33), S(4099)), NO_ATTR, F32, SPEED, RANGE(SIGNED, ROWS), OUT(S(10, 33))),

    ROW(one_hot, IN(SCALAR), ATTR(axis, .depth = 10), I32, 0, RANGE(DIGITS)),
    ROW(one_hot, IN(S(33)), ATTR(axis, .depth = 10), I32, 0, RANGE(DIGITS)),
    ROW(one_hot, IN(S(5, 7)), ATTR(axis, .depth = 1), I32, 0, RANGE(DIGITS)),
    ROW(one_hot, IN(S(2, 1, 3, 1, 2)), ATTR(axis, .depth = 31), I32, 0, RANGE(DIGITS)),
    ROW(one_hot, IN(S(0)), ATTR(axis, .depth = 3), I32, 0, RANGE(DIGITS)),
    ROW(one_hot, IN(S(1025)), ATTR(axis, .depth = 130), I32, SPEED, RANGE(DIGITS)),

    ROW(pack, IN(S(16)), NO_ATTR, F32, 0, OUT(S(16))),
    ROW(pack, IN(SCALAR), NO_ATTR, F32, 0, OUT(S(16))),
    ROW(pack, IN(S(33), S(5, 31), SCALAR, S(2, 1, 3)), NO_ATTR, F32, 0, OUT(S(48 + 160 + 16 + 16))),
    ROW(pack, IN(S(1025), S(0), S(17)), NO_ATTR, F32, 0, OUT(S(1040 + 32))),
    ROW(pack, IN(S(512, 785), S(512), S(64, 512), S(64)), NO_ATTR, F32, SPEED, OUT(S(401920 + 512 + 32768 + 64))),
};

FAMILY(move);
