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

# The bytes that the command writes, of 70 rows: a whole batch and one that is padded.
rows=70
{
    printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' "{'descr': '<f4', 'fortran_order': False, 'shape': ($rows, 64), }"
    awk -v n=$((rows * 64)) 'BEGIN { for (i = 0; i < n; i++) printf "\\0\\0\\%o\\076\n", i * 37 % 128 }' |
        while read -r bytes; do printf '%b' "$bytes"; done
} >"$work/x.npy"
numbers() { tail -c +129 "$1"; }
numbers "$work/x.npy" >"$work/x"
[ "$(stat -c %s "$work/x")" = $((rows * 64 * 4)) ]
for model in dense vae; do
    run=$work/$model
    common=(--device cpu --quiet)
    "$cinch" train --model $model --data "$work/x.npy" --hidden-sizes 24 --latent-dim 5 --epochs 2 \
        --out "$run" "${common[@]}"
    "$cinch" reconstruct "$run" --data "$work/x.npy" --out "$work/y.npy" "${common[@]}"
    "$examples/serve" "$run" reconstruct <"$work/x" | cmp - <(numbers "$work/y.npy")
    "$cinch" encode "$run" --data "$work/x.npy" --out "$work/z.npy" "${common[@]}"
    numbers "$work/z.npy" >"$work/z"
    "$examples/serve" "$run" encode <"$work/x" | cmp - "$work/z"
    "$cinch" decode "$run" --data "$work/z.npy" --out "$work/d.npy" "${common[@]}"
    "$examples/serve" "$run" decode <"$work/z" | cmp - <(numbers "$work/d.npy")
    "$examples/serve" "$run" score <"$work/x" >"$work/out"
    [ "$(grep -cE '^0\.[0-9]+$' "$work/out")" = "$rows" ]
    mse=$("$cinch" eval "$run" --data "$work/x.npy" --json "${common[@]}" | sed -E 's/.*"mse": ([^,]*).*/\1/')
    awk -v mse="$mse" '{ sum += $1 } END { exit !((sum / NR - mse)^2 < 1e-8 * mse * mse) }' "$work/out"
done
status=0
"$examples/serve" "$work/nothing" score </dev/null 2>"$work/error" || status=$?
[ "$status" = 3 ] && grep -q nothing "$work/error" && [ "$(wc -l <"$work/error")" = 1 ]
status=0
"$examples/serve" "$work/dense" decode <"$work/z" >/dev/full || status=$?
[ "$status" = 6 ]
