#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Comparing, while the n-th allocation, read, write, sync or rename fails: a clear error or none, nothing leaked, and in
# the folder the old figures and picture or the new ones, whole.
. "$(dirname "$0")/fault/common.sh"

"$cinch" train "${tiny[@]}" --epochs 2 --out base || fail 'no run'
"$cinch" train "${tiny[@]}" --epochs 1 --latent-dim 3 --out other || fail 'no run'
"$cinch" compare other --out old --quiet > out 2> err || fail 'no comparison'
"$cinch" compare base --out new --quiet > out 2> err || fail 'no comparison'

untimed() { sed -E 's/"reconstruct_samples_per_s": [^,}]*//' "$1"; }
whole_file() { same "try/$1" "old/$1" || same "try/$1" "new/$1"; }
whole_json() { [ "$(untimed try/compare.json)" = "$(untimed "$1/compare.json")" ]; }

# try_comparing CLASS CODES MANY
try_comparing()
{
    local class=$1 codes=$2 many=$3 total n what
    rm -rf try && cp -r old try
    with_fault "$class" 0 compare base --out try --quiet
    may_fail '' "$class without a fault" || return
    total=$calls
    for n in $(points "$total" "$many"); do
        what="$class $n of $total"
        rm -rf try && cp -r old try
        with_fault "$class" "$n" compare base --out try --quiet
        checks=$((checks + 3))
        if may_fail "$codes" "$what"; then whole_json new || fail "$what: succeeded with other figures"
        else [ ! -s out ] || fail "$what: failed, and printed results"
        fi
        [ -z "$(leftovers try)" ] || fail "$what: half-written files are left"
        whole_json old || whole_json new || fail "$what: compare.json is neither old nor new"
        whole_file compare.png || fail "$what: compare.png is neither old nor new"
    done
    echo "$class: $total calls, tried $(points "$total" "$many" | wc -l)"
}

try_comparing alloc 4 25
try_comparing alloc+ 4 5
try_comparing read '3 4 6' 5
try_comparing file 6 10
try_comparing file+ 6 5
finish
