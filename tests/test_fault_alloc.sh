#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The n-th allocation, read or thread fails: a clear error or none, nothing leaked, nothing damaged.
. "$(dirname "$0")/fault/common.sh"

"$cinch" train "${tiny[@]}" --epochs 2 --out base || fail 'no run'
"$cinch" train "${tiny[@]}" --epochs 3 --out whole || fail 'no run'

# What only reads: eval, inspect, encode.
# try_reading CLASS CODES MANY ARGUMENT...
try_reading()
{
    local class=$1 codes=$2 many=$3 total n
    shift 3
    with_fault "$class" 0 "$@"
    may_fail '' "$class without a fault: $*" || return
    cp out expected
    total=$calls
    for n in $(points "$total" "$many"); do
        with_fault "$class" "$n" "$@"
        may_fail "$codes" "$class $n of $total: $*" || continue
        checks=$((checks + 1))
        same out expected || fail "$class $n of $total: $*: succeeded with another result"
    done
    echo "$class: $total calls, tried $(points "$total" "$many" | wc -l): cinch $*"
}

for class in alloc alloc+ read thread; do
    many=40 codes=4
    [ $class = alloc ] || many=15
    [ $class != read ] || codes='3 4'
    try_reading $class "$codes" $many eval base --json --quiet
    try_reading $class "$codes" $many inspect base --json --quiet
    try_reading $class "$codes" $((many / 2)) eval base --precision bf16 --json --quiet
    try_reading $class "$codes" $((many / 2)) train "${tiny[@]}" --precision bf16 --dry-run --json
    try_reading $class "$codes" $((many / 2)) inspect vectors.npy --quiet
    [ $class = read ] || try_reading $class "$codes" $many config --config base/config.json --model vae
    try_reading $class "$codes" $((many / 2)) encode base --data vectors.npy --out - --quiet
done
finish
