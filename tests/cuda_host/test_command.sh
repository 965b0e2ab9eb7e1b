#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The command with the CUDA backend on the stand-in: what it says of devices, and trainings that do not depend on the
# order in which threads, blocks and streams run.
# Usage: test_command.sh CINCH FOLDER-OF-THE-MODULE CINCH-WITH-SHARED-LIBRARY
CINCH_BACKEND_PATH=$(cd "$2" && pwd)
export CINCH_BACKEND_PATH
. "$(dirname "$0")/../cli/common.sh"
# LeakSanitizer may fall over the thread-local memory of a module that was loaded late; test_faults.sh looks for leaks.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0

# --- devices ----------------------------------------------------------------------------------------------------------

expect 0 '^cuda:0 host stand-in, compute capability 9\.0, 2 multiprocessors, CUDA .* GiB free$' devices
CINCH_CUDA_HOST_DEVICES=3 expect 0 '^cuda:2 host stand-in' devices
CINCH_CUDA_HOST_DEVICES=0 expect 0 \
    '^cuda   not usable: the NVIDIA driver finds no GPU; does CUDA_VISIBLE_DEVICES hide it\?$' devices
CINCH_CUDA_HOST_DRIVER=0 expect 0 '^cuda   not usable: no NVIDIA driver is installed$' devices
CINCH_CUDA_HOST_DRIVER=11040 expect 0 \
    '"usable": false, "reason": "the NVIDIA driver is for CUDA 11.4 and cinch needs [0-9.]+; update' devices --json

"$cinch" train "${small[@]}" --epochs 1 --out first --device cpu || fail 'no run'
"$cinch" encode first --data shapes:240 --out codes.npy --device cpu --quiet || fail 'no data'
train=(train --data shapes:240 --hidden-sizes 40,16 --latent-dim 4 --batch-size 32 --quiet --epochs 3)

expect 2 'device cuda:1: there is one GPU, cuda:0' "${train[@]}" --device cuda:1 --out none
CINCH_CUDA_HOST_DEVICES=0 expect 4 'device cuda: the NVIDIA driver finds no GPU' "${train[@]}" --device cuda --out none
# Too little for the products' workspace; for the first parameters or those that follow; for the plan.
large=(train --data codes.npy --hidden-sizes 700,700 --latent-dim 2 --batch-size 32 --quiet --device cuda --out large
    --overwrite)
helps=' are needed for .* are held already, and [0-9.]+ of the device.s [0-9.]+ MiB are free; '
helps+='a smaller --batch-size or model'
CINCH_CUDA_HOST_MEMORY=20M expect 4 'out of memory: 33554432 bytes wanted, [0-9]+ of the device.s 20971520 are free' \
    "${large[@]}"
CINCH_CUDA_HOST_MEMORY=33M expect 4 "trainable: cuda:0: out of memory: 3.8 MiB .*$helps" "${large[@]}"
CINCH_CUDA_HOST_MEMORY=36M expect 4 "cuda:0: out of memory: .*$helps" "${large[@]}"

# --- trainings --------------------------------------------------------------------------------------------------------

# The validation losses of a run.
losses() { grep -oE '"val_loss": [0-9.e-]+' "$1/metrics.jsonl" | cut -d' ' -f2; }

for options in '--optimizer adam' '--model vae --dropout 0.2 --noise gaussian:0.1 --set train.accumulate=2'; do
    read -ra more <<< "$options"
    for seed in 0 1 2; do
        CINCH_CUDA_HOST_SEED=$seed expect 0 '' "${train[@]}" "${more[@]}" --device cuda --out "cuda$seed" --overwrite
        checks=$((checks + 1))
        same cuda0/model.safetensors "cuda$seed/model.safetensors" || fail "$options: another model under seed $seed"
    done
    expect 0 '' "${train[@]}" "${more[@]}" --device cpu --out cpu --overwrite
    checks=$((checks + 1))
    paste <(losses cpu) <(losses cuda0) | awk '{ d = $1 - $2; if (NF != 2 || d * d > 1e-6 * $1 * $1) exit 1; n++ }
        END { exit n < 3 }' ||
        fail "$options: other losses than on the CPU: $(losses cpu | xargs), $(losses cuda0 | xargs)"
done

# The first GPU, the second, and the command that is linked with the shared library.
expect 0 '' "${train[@]}" --device cuda --out number0
CINCH_CUDA_HOST_DEVICES=2 expect 0 '' "${train[@]}" --device cuda:1 --out number1
cinch=$3 expect 0 '' "${train[@]}" --device cuda --out shared
for run in number1 shared; do
    checks=$((checks + 1))
    same number0/model.safetensors $run/model.safetensors || fail "another model in $run"
done

# A run goes on elsewhere, and its model is used anywhere.
expect 0 '' "${train[@]}" --optimizer adam --device cpu --out mixed
expect 0 '' train --resume mixed --epochs 4 --device cuda --quiet
for device in cpu cuda; do
    expect 0 '' eval mixed --json --quiet --device $device
    json loss > "loss.$device"
    expect 0 '' encode mixed --data shapes:240 --out "$device.npy" --quiet --device $device
done
checks=$((checks + 1))
paste loss.cpu loss.cuda | awk '{ d = $1 - $2; exit NF != 2 || d * d > 1e-8 * $1 * $1 }' ||
    fail "eval: $(cat loss.cpu) on the CPU, $(cat loss.cuda) on the device"
finish
