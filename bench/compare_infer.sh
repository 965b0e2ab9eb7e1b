#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Latency of one reconstruction beside PyTorch and ONNX Runtime on the CPU, alternating in one run; README.md in this
# folder says how to read it.
set -euo pipefail

# shellcheck source=bench/common.sh
. "$(dirname "$0")/common.sh"

usage()
{
    cat <<'EOF'
usage: bench/compare_infer.sh NAME [options]
  --batch-size N       samples a call (1)
  --threads LIST       all sides with so many threads, each in turn (1 and all, as 1,2)
  --peers LIST         of eager, compile and onnx (all that are installed)
  --rounds R           alternations, each side in a new process (5)
  --calls N            timed calls a round (5000)
  --min-ratio PEER=X   exit 1 where the peer's median time is less than X times cinch's; may be repeated
  --keep FOLDER        leave all results and the exchanged files there
  --json               one line of JSON instead of the table
Environment: CINCH the command (build/cinch), PYTHON a Python with torch, numpy, safetensors, for onnx also onnx and
onnxruntime (python3).
Exit: 0; 1 results differ or a limit was missed; 2 usage; 77 no peer is installed.
EOF
}

name='' batch=1 threads='' peers=eager,compile,onnx rounds=5 calls=5000 keep='' report=()
while [ $# -gt 0 ]; do
    case $1 in
    --help|-h) usage; exit 0 ;;
    --json) report+=(--json); shift; continue ;;
    --batch-size|--threads|--peers|--rounds|--calls|--keep|--min-ratio)
        [ $# -ge 2 ] || die "$1: a value must follow"
        case $1 in
        --batch-size) batch=$2 ;;
        --threads) threads=$2 ;;
        --peers) peers=$2 ;;
        --rounds) rounds=$2 ;;
        --calls) calls=$2 ;;
        --keep) keep=$2 ;;
        --min-ratio) report+=("$1" "$2") ;;
        esac
        shift 2 ;;
    -*) die "$1: unknown; see --help" ;;
    *) [ -z "$name" ] || die "$1: one workload at a time"; name=$1; shift ;;
    esac
done
[ -n "$name" ] || { usage >&2; exit 2; }
if [ -z "$threads" ]; then
    threads=1
    [ "$(nproc)" = 1 ] || threads=1,$(nproc)
fi
for number in "$batch" "$rounds" "$calls" ${threads//,/ }; do
    [[ $number =~ ^[1-9][0-9]*$ ]] || die "$number: batch size, threads, rounds and calls are whole numbers from 1"
done
check_tools
make_work "$keep"
results=$work/rounds.jsonl
exchange=(--weights "$work/weights.safetensors" --data "$work/data.npy")
: > "$results"

peer() { "$python" "$here/peer_infer.py" "$name" --batch-size "$batch" --json "$@"; }

# One round of a side, appended to the results.
run_side()
{
    local status=0
    if [ "$1" = cinch ]; then
        "$cinch" bench infer "$name" --device cpu --precision f32 --batch-size "$batch" --threads "$2" \
            --calls "$calls" "${exchange[@]}" --json > "$work/line" || status=$?
    else
        OMP_NUM_THREADS=$2 peer --mode "$1" --threads "$2" --calls "$calls" "${exchange[@]}" \
            > "$work/line" 2> "$work/messages" || status=$?
    fi
    [ "$status" = 0 ] || { [ "$1" = cinch ] || cat "$work/messages" >&2; die "$1 failed with status $status" 1; }
    "$python" "$here/compare_infer_table.py" --add "$1" "$work/line" "$results"
}

status=0
peer --write-weights "$work/weights.safetensors" --write-data "$work/data.npy" || status=$?
[ "$status" = 0 ] || exit "$status"

sides=(cinch)
for mode in ${peers//,/ }; do
    status=0
    peer --mode "$mode" --check || status=$?
    case $status in
    0) sides+=("$mode") ;;
    77) ;;
    *) exit "$status" ;;
    esac
done
[ ${#sides[@]} -gt 1 ] || die "no peer is installed" 77

for ((round = 0; round < rounds; round++)); do
    printf 'round %d of %d\n' $((round + 1)) "$rounds" >&2
    for t in ${threads//,/ }; do
        for ((i = 0; i < ${#sides[@]}; i++)); do
            if ((round % 2 == 0)); then run_side "${sides[i]}" "$t"; else run_side "${sides[-1 - i]}" "$t"; fi
        done
    done
done

"$python" "$here/compare_infer_table.py" "${report[@]}" "$results"
