#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# --precision: in every verb that computes, in config.json, on resume, and what it saves.
. "$(dirname "$0")/cli/common.sh"

low=(--precision bf16)
expect 0 '' train "${small[@]}" --epochs 2 --out full
expect 0 '' train "${small[@]}" --epochs 2 "${low[@]}" --out low
check 'config.json knows' grep -q '"precision": "bf16"' low/config.json
check 'another model' bash -c '! cmp -s full/model.safetensors low/model.safetensors'
size() { stat -c %s "$1"; }
check 'as large: its weights are f32' test "$(size full/model.safetensors)" = "$(size low/model.safetensors)"
expect 0 'F32 ' inspect low/model.safetensors
check 'no bf16 in it' bash -c '! grep -qi bf16 out'

# --- the same run from its configuration, by --set, and resumed
expect 0 '' train --config low/config.json --quiet --out again
check 'from its configuration' same low/model.safetensors again/model.safetensors
expect 0 '' train "${small[@]}" --epochs 2 --set train.precision=bf16 --out set
check 'by --set' same low/model.safetensors set/model.safetensors
expect 0 '' train "${small[@]}" --epochs 1 "${low[@]}" --out resumed
expect 0 '' train --resume resumed --epochs 2 --quiet
check 'resumed' same low/model.safetensors resumed/model.safetensors
expect 2 'train.precision|--precision' train --resume resumed --epochs 3 --precision f32

# --- verbs on a run: as it was trained unless told
near() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a > 0 && (a - b)^2 < 1e-4 * a * a) }'; }
expect 0 '' eval low --json
as_trained=$(json mse)
expect 0 '' eval low --json "${low[@]}"
check 'eval takes what the run has' test "$(json mse)" = "$as_trained"
expect 0 '' eval low --json --precision f32
check 'in f32 the error is another' test "$(json mse)" != "$as_trained"
check 'but near' near "$(json mse)" "$as_trained"
expect 0 '' encode low --data shapes:20 --out codes.npy --quiet
expect 0 '' encode low --data shapes:20 --out exact.npy --quiet --precision f32
check 'codes are f32 files of one size' test "$(size codes.npy)" = "$(size exact.npy)"
check 'with other digits' bash -c '! cmp -s codes.npy exact.npy'
expect 0 '' decode low --data codes.npy --out decoded.npy --quiet
expect 0 '' reconstruct low --data shapes:20 --out y.npy --quiet
check 'a reconstruction is near what its code decodes to' test "$(size decoded.npy)" = "$(size y.npy)"

# --- memory, for people and programs
expect 0 '' train --dry-run --data shapes:4000 --json
full=$(json activation_bytes)
check 'f32 copies no weights' test "$(json weight_bytes)" = 0
expect 0 '' train --dry-run --data shapes:4000 "${low[@]}" --json
check 'activations take at most 0.55 of f32' awk -v a="$(json activation_bytes)" -v b="$full" \
    'BEGIN { exit !(0 < a && a <= 0.55 * b) }'
check 'two bytes a weight' awk -v a="$(json weight_bytes)" 'BEGIN { exit !(a >= 2 * 870224 && a < 2 * 870224 + 4096) }'
expect 0 'MiB for activations' train --dry-run --data shapes:4000 "${low[@]}"
expect 0 '' bench train dense --batch-size 8 --steps 2 --threads 1 --device cpu "${low[@]}" --json
check 'bench says the precision' test "$(json precision)" = bf16
check 'and the memory' above "$(json weight_bytes)" 1000000
expect 0 'bf16 copies of weights' bench train dense --batch-size 8 --steps 2 --threads 1 --device cpu "${low[@]}"
expect 0 '' bench train dense --batch-size 8 --steps 2 --threads 1 --device cpu --precision tf32 --json
check 'tf32 computes f32 on the CPU' test "$(json precision) $(json weight_bytes)" = 'tf32 0'
expect 2 'unknown; did you mean bf16' bench train dense --precision bf61

finish
