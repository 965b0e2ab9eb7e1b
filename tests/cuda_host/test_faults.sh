#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Training on the stand-in while the n-th call of CUDA or cuBLASLt fails, for all n (under ASan every eleventh): one
# line that says what, nothing left behind, and a run folder that goes on to the same bytes as if nothing had been.
# Usage: test_faults.sh CINCH FOLDER-OF-THE-MODULE
CINCH_BACKEND_PATH=$(cd "$2" && pwd)
export CINCH_BACKEND_PATH
. "$(dirname "$0")/../cli/common.sh"

"$cinch" train --data shapes:48 --hidden-sizes 6 --latent-dim 2 --epochs 1 --out first --device cpu --quiet ||
    fail 'no run'
"$cinch" encode first --data shapes:48 --out vectors.npy --device cpu --quiet || fail 'no data'
# Without the report, which the CPU makes where the GPU fails.
tiny=(train --data vectors.npy --hidden-sizes 6 --latent-dim 2 --batch-size 16 --threads 1 --device cuda --quiet
    --set train.report=false)

# failing N ARGUMENT...: runs the command while call N fails; leaves status, calls and the name of the failed one.
failing()
{
    local n=$1
    shift
    rm -f counted
    CINCH_CUDA_HOST_FAIL=$n CINCH_CUDA_HOST_COUNT_FILE=$work/counted timeout 60 "$cinch" "$@" > out 2> err < /dev/null
    status=$?
    calls=0 failed=
    [ ! -s counted ] || read -r calls failed < counted
}

# judge_fault WHAT: the command succeeded or said in one line what failed; what the stand-in says is a second line.
judge_fault()
{
    checks=$((checks + 1))
    if [ "$status" = 0 ]; then
        [ ! -s err ] || fail "$1: succeeded, and said something in spite of --quiet"
        return 0
    fi
    [ "$status" = 4 ] || fail "$1: exit code $status"
    one_error_line || fail "$1: not one line of error"
    grep -q cuda err || fail "$1: does not say that it was the device"
    return 1
}

# What a run that was cut off left: its checkpoints, by the sums of their tensors (their headers hold times).
state()
{
    local file size
    for file in try/config.json try/checkpoint/*; do
        [ -e "$file" ] || continue
        size=$(od -An -tu8 -N8 "$file" | tr -d ' ')
        case $file in *.json) echo "$file" ;; *) echo "$file $(tail -c +$((9 + size)) "$file" | cksum)" ;; esac
    done
}

# Goes on with what is in the folder; what was seen before need not be tried again.
heal()
{
    local now
    now=$start:$(state)
    case $healed in *"<$now>"*) return ;; esac
    checks=$((checks + 1))
    if [ -e try/config.json ]; then "$cinch" train --resume try --epochs "$epochs" --quiet > out 2> err
    else "$cinch" "${tiny[@]}" --epochs "$epochs" --out try --overwrite > out 2> err
    fi || fail "$1: cannot be gone on with"
    same try/model.safetensors whole/model.safetensors || fail "$1: went on to another model"
    healed="$healed<$now>"
}

# try_all START ARGUMENT...: START is the folder to begin with, or - for none.
try_all()
{
    local start=$1 n total what refused=0
    shift
    begin() { rm -rf try; [ "$start" = - ] || cp -r "$start" try; }
    begin
    failing 0 "$@"
    judge_fault "without a fault: $*" || return
    same try/model.safetensors whole/model.safetensors || fail "$*: another model"
    total=$calls
    [ "$total" -gt 100 ] || fail "only $total calls"
    for n in $(seq 1 "$every" "$total"); do
        begin
        failing "$n" "$@"
        what="call $n of $total, $failed"
        if judge_fault "$what"; then
            checks=$((checks + 1))
            same try/model.safetensors whole/model.safetensors || fail "$what: succeeded with another model"
            continue
        fi
        refused=$((refused + 1))
        checks=$((checks + 1))
        [ -z "$(leftovers .)" ] || fail "$what: half-written files are left"
        heal "$what"
    done
    [ "$refused" -gt $((total / every / 2)) ] || fail "only $refused of $total faults were noticed"
    echo "$total calls, $((total / every)) made to fail, $refused noticed: cinch $*"
}

every=1 healed= epochs=3
if ldd "$cinch" | grep -qE 'lib[a-z]+san'; then every=11; fi
"$cinch" "${tiny[@]}" --epochs 1 --out base || fail 'no run'
"$cinch" "${tiny[@]}" --epochs 3 --out whole || fail 'no run'
try_all - "${tiny[@]}" --epochs 3 --out try
try_all base train --resume try --epochs 3 --quiet

# An epoch of more steps than two windows of metrics have, which come beside the steps; some of its calls.
"$cinch" encode first --data shapes:680 --out many.npy --device cpu --quiet || fail 'no data'
tiny=(train --data many.npy --hidden-sizes 6 --latent-dim 2 --batch-size 1 --threads 1 --device cuda --quiet
    --set train.report=false)
every=$((every > 1 ? 400 : 67)) healed= epochs=1
"$cinch" "${tiny[@]}" --epochs 1 --out whole --overwrite || fail 'no run'
try_all - "${tiny[@]}" --epochs 1 --out try

# The report alone: it fails, with the run as it was; or it is there. At the end of training it is there in any case.
failing 0 report base --device cuda --quiet
total=$calls refused=0 every=$((every > 67 ? 61 : 7))
cp base/report.html right.html 2> /dev/null || fail 'no report'
for n in $(seq 1 "$every" "$total"); do
    rm -f base/*.html base/*.png
    failing "$n" report base --device cuda --quiet
    judge_fault "report, call $n of $total, $failed" || refused=$((refused + 1))
    [ "$status" != 0 ] || check "report, call $n of $total: it is there" same base/report.html right.html
    [ -z "$(leftovers .)" ] || fail "report, call $n of $total: half-written files are left"
done
check 'faults are noticed' test "$refused" -gt 10
failing "$((total / 2))" report base --device cuda --quiet
check 'a call in the middle fails the report' test "$status" = 4
finish
