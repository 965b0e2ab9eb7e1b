#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The programs of examples/, built beside the command, do what they say.
set -euo pipefail

examples=$(dirname "$1")/examples
cinch=$1
if [ ! -x "$examples/by_hand" ]; then echo "skipped: the examples are not built beside $1"; exit 77; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$examples/by_hand" | tee "$work/out"
grep -q '^y = 2.00 x + 1.00, loss 0.0000' "$work/out"

# 300 images of 8x8 from the bytes of the program itself
printf '\0\0\010\003\0\0\001\054\0\0\0\010\0\0\0\010' >"$work/images"
head -c 19200 "$cinch" >>"$work/images"
"$examples/train_dense" "$work/images" "$work/run" | tee "$work/out"
grep -q '^epoch 3 of 3: loss 0' "$work/out"
grep -q '^30 test images: mse 0' "$work/out"
status=0
"$examples/train_dense" "$work/nothing" "$work/run" 2>"$work/error" || status=$?
[ "$status" = 3 ] && grep -q nothing "$work/error" && [ "$(wc -l <"$work/error")" = 1 ]

if [ -x "$examples/serve" ]; then "$examples/serve" "$work/run" | tee "$work/out"; fi
