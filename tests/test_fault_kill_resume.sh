#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A training run that is killed, at 50 random moments and at every failpoint of its files' writers, can be resumed and
# ends with the same bytes as one that was left alone. Checkpoints fall within epochs.
#
#     test_fault_kill_resume.sh CINCH [RANDOM_KILLS]     CINCH is built with failpoints (tests/CMakeLists.txt)
set -euo pipefail
cinch=$1
kills=${2:-50}
folder=$(mktemp -d "${TMPDIR:-/tmp}/cinch-kill-XXXXXX")
trap 'rm -rf "$folder"' EXIT
cd "$folder"

options=(--model dense --data shapes:500 --hidden-sizes 48 --latent-dim 6 --batch-size 32 --seed 3 --device cpu
         --threads 2 --checkpoint-every 9s --set optimizer.ema=0.9 --set schedule.name=cosine
         --set train.report=false --quiet)

fail() { printf 'test_fault_kill_resume: %s\n' "$*" >&2; exit 1; }

# train EPOCHS RUN: from the start, whatever a killed run has left there.
train() { "$cinch" train "${options[@]}" --epochs "$1" --out "$2" --overwrite; }

# finish EPOCHS RUN: as the user would. Before config.json is there the run has not begun.
finish()
{
    if [ -e "$2/config.json" ]; then "$cinch" train --resume "$2" --quiet; else train "$1" "$2"; fi
}

# same A B WHAT: the models of two runs have the same bytes, and nothing is left over.
same()
{
    cmp -s "$1/model.safetensors" "$2/model.safetensors" || fail "$3: the model differs"
    [ -z "$(find "$2" -name '.*' ! -path "$2" -print -quit)" ] || fail "$3: temporary files are left: $(ls -A "$2")"
    grep -q '"event": "end"' "$2/metrics.jsonl" || fail "$3: the log has no end"
    [ "$(sed -n 's/^{"event": "step", "step": \([0-9]*\),.*/\1/p' "$2/metrics.jsonl" | sort -n | uniq -d |
        wc -l)" = 0 ] || fail "$3: a step is logged twice"
}

# --- every failpoint, in turn: of the run, and of the run that resumes it ---------------------------------------------
train 3 whole
points=0
while :; do
    status=0
    CINCH_FAILPOINT=$((points + 1)) train 3 killed 2> /dev/null || status=$?
    [ "$status" != 0 ] || break
    [ "$status" = 137 ] || fail "failpoint $((points + 1)): exit $status instead of a kill"
    points=$((points + 1))
    cp -r killed twice
    finish 3 killed || fail "failpoint $points: not resumed"
    same whole killed "failpoint $points"
    # A second kill while it is resumed, early, in the middle or late.
    (CINCH_FAILPOINT=$((points % 20 + 1)) finish 3 twice) 2> /dev/null || true
    finish 3 twice || fail "failpoint $points, killed again: not resumed"
    same whole twice "failpoint $points, killed again"
    rm -rf killed twice
done
[ "$points" -ge 40 ] || fail "only $points failpoints were reached: is this command built without them?"
rm -rf killed

# --- every failpoint of the report; then where files cannot be without a name, or such files not be linked ------------
# The shim of fault/ makes it so; the sanitizers do not suit it.
shim=$(dirname "$cinch")/fault_shim.so
[[ -e $shim && ! $(ldd "$cinch") =~ lib[a-z]+san ]] || shim=
cp -r whole told
report() { "$cinch" report told --device cpu --quiet > /dev/null; }

# killed_reports LEAST: kills at each failpoint with the variables in `refusal`; the page is whole or not there.
killed_reports()
{
    local written=0 status
    while :; do
        status=0
        [ $((written % 2)) = 0 ] || rm told/report.html
        (export CINCH_FAILPOINT=$((written + 1)) "${refusal[@]}" && report) 2> /dev/null || status=$?
        [ "$status" != 0 ] || break
        [ "$status" = 137 ] || fail "failpoint $((written + 1)) of the report: exit $status instead of a kill"
        [ ! -e told/report.html ] || cmp -s right.html told/report.html || fail 'half a report'
        report
        written=$((written + 1))
    done
    [ "$written" -ge "$1" ] || fail "only $written failpoints of the report were reached"
    cmp -s right.html told/report.html || fail 'another report'
}

report
cp told/report.html right.html
refusal=(CINCH_KILLED=plainly)
killed_reports 12
for what in ${shim:+tmpfile linkat}; do
    refusal=(LD_PRELOAD="$shim" FAULT_REFUSE="$what")
    killed_reports 12
done
"$cinch" train --resume told --quiet
same whole told 'killed reports'

# --- random moments ---------------------------------------------------------------------------------------------------
train 12 long
start=$(date +%s%N)
train 12 timed
length=$((($(date +%s%N) - start) / 1000000))
same long timed "the same run again"
landed=0
for ((i = 0; i < kills; i++)); do
    # LeakSanitizer, killed at its own work, would write a report of the threads that it lost.
    ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 \
        "$cinch" train "${options[@]}" --epochs 12 --out killed --overwrite 2> /dev/null &
    process=$!
    moment=$(((RANDOM * 32768 + RANDOM) % (length + length / 10)))
    sleep "$(printf '%d.%03d' $((moment / 1000)) $((moment % 1000)))"
    kill -9 "$process" 2> /dev/null || true
    if wait "$process" 2> /dev/null; then :; else landed=$((landed + 1)); fi
    mkdir -p killed
    finish 12 killed || fail "killed after $moment ms: not resumed"
    same long killed "killed after $moment ms"
    rm -rf killed
done
[ "$landed" -ge $((kills / 2)) ] || fail "only $landed of $kills kills came before the end"
echo "$points failpoints twice, $landed of $kills random kills before the end: resumed to the same bytes"
