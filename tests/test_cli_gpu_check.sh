#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# scripts/gpu_check.sh without a GPU: what it says there, and some of its steps on the stand-in of the tests' build.
tree=$(cd "$(dirname "$0")/.." && pwd)
. "$tree/tests/cli/common.sh"

# shellcheck disable=SC2154
build=$(dirname "$cinch")
stand_in=$build/tests/cuda_host

# Programs that say what a machine without a GPU, or with broken code on it, would say.
mkdir bin
printf '#!/bin/sh\nexit 9\n' > bin/nvidia-smi
printf '#!/bin/sh\necho "ERROR SUMMARY: 1 error"\nexit 9\n' > bin/compute-sanitizer
chmod +x bin/*
export PATH=$PWD/bin:$PATH
unset CINCH_BACKEND_PATH

# gpu_check CODE PATTERN ARGUMENT...: its output in out and err.
gpu_check()
{
    local code=$1 pattern=$2 status
    shift 2
    "$tree/scripts/gpu_check.sh" "$@" > out 2> err < /dev/null
    status=$?
    check "gpu_check.sh $*: exit code $status, not $code" test "$status" = "$code"
    check "gpu_check.sh $*: says nothing like '$pattern'" grep -qE -e "$pattern" out err
}

# --- without a GPU
gpu_check 0 '^build ' --list
check 'many steps' test "$(wc -l < out)" -gt 12
while read -r name _; do check "step $name" grep -q "^step_${name%%-*}()" "$tree/scripts/gpu/steps.sh"; done < out
check 'the group first comes first' test "$(awk '/^[^ ]+ +first/ { n = NR } END { print n }' out)" = \
    "$(awk '$2 ~ /first/ { n++ } END { print n }' out)"
gpu_check 0 'Usage: ' --help
for arguments in '' parity 'sanitizer dense' "--build $build resume"; do
    # shellcheck disable=SC2086
    gpu_check 4 '^gpu_check: no GPU here: nvidia-smi finds none$' $arguments
    check 'one line and nothing else' test "$(cat out err | wc -l)" = 1
done
gpu_check 2 'gpu_check: nonsense: no such step' nonsense
gpu_check 2 'gpu_check: --frob: unknown' --frob
gpu_check 2 'gpu_check: --build: a value must follow' --build
gpu_check 2 'gpu_check: --limit soon' --limit soon
gpu_check 2 'gpu_check: --total soon' --total soon
gpu_check 2 'gpu_check: --prefix .*: not a folder' --prefix bin

# --- steps on the stand-in
if [ -e "$stand_in/libcinch_cuda.so" ] && command -v python3 > /dev/null; then
    export CINCH_BACKEND_PATH=$stand_in
    small=(--small --build "$build" --results results)
    gpu_check 0 '^\| resume \| passed \|.*losses the same, weights the same' "${small[@]}" build resume replay
    check 'the table comes last' grep -q '^| replay | passed |' <(tail -n 1 out)
    check 'results by device' test -s results/host-stand-in-checks.json -a -s results/host-stand-in.md
    check 'what ran is on record' grep -q 'cinch train --resume parts' results/host-stand-in.md
    check 'without this machine in it' test -z "$(grep -r "$build" results)"
    gpu_check 1 '^\| memcheck \| failed \(1\) \|.* in: the cases of ops a training' "${small[@]}" memcheck replay
    check 'what fails is named' grep -q '^gpu_check: not passed: memcheck$' err
    gpu_check 1 '^\| parity \| out of time' "${small[@]}" --limit 1 parity
    gpu_check 1 '^\| parity \| out of time' "${small[@]}" --total 2 parity resume
    check 'what has not begun is in the table' grep -q '^| resume | not begun (2 s are over) | [0-9]* |' out
    check 'and is named' grep -q '^gpu_check: not passed: parity resume$' err
    gpu_check 1 'holds no build; run the step build first' --build . --results results parity
fi

finish
