#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Training, while the n-th allocation, write, sync, rename, read or thread fails: a clear error or none, nothing leaked,
# and whatever is left in the run folder goes on to the same bytes as if nothing had been.
. "$(dirname "$0")/fault/common.sh"

"$cinch" train "${tiny[@]}" --epochs 2 --out base || fail 'no run'
"$cinch" train "${tiny[@]}" --epochs 3 --out whole || fail 'no run'
whole=whole/model.safetensors

# heal: goes on with whatever is in the folder `try`, as a user would.
heal()
{
    if [ -e try/config.json ]; then "$cinch" train --resume try --epochs 3 --quiet > out 2> err
    else "$cinch" train "${tiny[@]}" --epochs 3 --out try --overwrite > out 2> err
    fi
}

# try_training CLASS CODES MANY START ARGUMENT...: START is the folder to begin with, or - for none.
try_training()
{
    local class=$1 codes=$2 many=$3 start=$4 total n what
    shift 4
    begin() { rm -rf try; [ "$start" = - ] || cp -r "$start" try; }
    begin
    with_fault "$class" 0 "$@"
    may_fail '' "$class without a fault: $*" || return
    total=$calls
    for n in $(points "$total" "$many"); do
        what="$class $n of $total: $*"
        begin
        with_fault "$class" "$n" "$@"
        if may_fail "$codes" "$what"; then
            checks=$((checks + 1))
            same try/model.safetensors $whole || fail "$what: succeeded with another model"
            continue
        fi
        checks=$((checks + 2))
        [ -z "$(leftovers . )" ] || fail "$what: half-written files are left: $(leftovers .)"
        heal || fail "$what: cannot be gone on with"
        same try/model.safetensors $whole || fail "$what: went on to another model"
    done
    echo "$class: $total calls, tried $(points "$total" "$many" | wc -l): cinch $*"
}

# keeps CLASS CODES: a run that stands where another is to begin is refused or, whatever fails, at least left as it is.
keeps()
{
    local class=$1 codes=$2 total n
    rm -rf try && cp -r base try
    with_fault "$class" 0 train "${tiny[@]}" --epochs 3 --out try
    may_fail 2 "$class without a fault: over a run" && fail 'a run was overwritten'
    total=$calls
    for n in $(points "$total" 30); do
        with_fault "$class" "$n" train "${tiny[@]}" --epochs 3 --out try
        may_fail "$codes" "$class $n of $total: over a run" && fail "$class $n of $total: a run was overwritten"
        checks=$((checks + 1))
        diff -r base try > out || fail "$class $n of $total: a run was changed"
    done
    echo "$class: $total calls, tried $(points "$total" 30 | wc -l): a run that is in the way"
}

resume=(train --resume try --epochs 3 --quiet)
fresh=(train "${tiny[@]}" --epochs 3 --out try)
keeps alloc '2 4'
keeps read '2 3 4 6'
try_training alloc 4 50 base "${resume[@]}"
try_training alloc 4 30 - "${fresh[@]}"
try_training alloc+ 4 15 base "${resume[@]}"
try_training file 6 30 base "${resume[@]}"
try_training file 6 19 - "${fresh[@]}"
try_training file+ 6 19 base "${resume[@]}"
try_training read '3 4 6' 10 base "${resume[@]}"
try_training thread+ 4 5 base "${resume[@]}"
finish
