#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each mistake that may end a process is caught: by the stand-in, or before it by ASan. Usage: test_planted.sh PROGRAM
set -euo pipefail

program=$1
output=$(mktemp)
trap 'rm -f "$output"' EXIT
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1
ulimit -c 0
failures=0

fail()
{
    printf '%s\n' "$1"
    cat "$output"
    failures=$((failures + 1))
}

passes()
{
    "$program" "$1" >"$output" 2>&1 || fail "$1 is refused"
}

# caught NAME TEXT TEXT: what the stand-in says, what ASan says.
caught()
{
    local seed
    for seed in 0 1 2; do
        if CINCH_CUDA_HOST_SEED=$seed "$program" "$1" >"$output" 2>&1; then
            fail "$1 is not caught under seed $seed"
        elif ! grep -qE -- "cuda_host: .*($2)|AddressSanitizer: .*($3)" "$output"; then
            fail "$1 is caught, but not said under seed $seed"
        fi
    done
}

passes none
passes shared-none
caught behind '0 bytes behind the end of device memory of 4000 bytes' 'use-after-poison'
caught before '4 bytes before device memory of 4000 bytes' 'SEGV|use-after-poison'
caught far-behind 'store, block 0, thread 17 touches' 'SEGV'
caught shared 'wrote outside of shared memory "tile" of 1024 bytes' 'use-after-poison'
caught host-reads 'the program touches .* at byte 4 of device memory' 'SEGV'
caught released 'store, block 0, thread 17 touches .* at byte 0 of released device memory' 'SEGV|use-after-poison'
caught not-released 'device memory of 100 bytes was not released' 'LeakSanitizer'

[ "$failures" = 0 ]
