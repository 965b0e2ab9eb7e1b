#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# cinch beside the best PyTorch on one workload, alternating in one run; README.md in this folder says how to read it.
set -euo pipefail

# shellcheck source=bench/common.sh
. "$(dirname "$0")/common.sh"

usage()
{
    cat <<'EOF'
usage: bench/compare.sh NAME [options]
  --device WHICH      cpu or cuda (cpu)
  --precision P       f32, tf32 or bf16, on a GPU (f32)
  --batch-size N      samples a step (the workload's default)
  --rounds R          alternations (7)
  --steps N           timed steps a round, on a GPU stretches of ten steps (100)
  --threads N         both sides with N threads (cinch: its default; peer: the best)
  --peer-mode MODE    skip the search for the peer's best mode, for example eager/fused (then give --threads too)
  --allocator WHICH   peer with stock malloc, with tuned, or both (both)
  --min-ratio X       exit 1 where the median ratio of step times (stock allocator) is below X
  --max-memory X      exit 1 where cinch's peak memory is above X times the peer's
  --keep FOLDER       leave all results and the exchanged files there
  --json              one line of JSON instead of the table
Environment: CINCH the command (build/cinch), PYTHON a Python with torch, numpy, safetensors (python3).
Exit: 0; 1 losses differ or a limit was missed; 2 usage; 77 PyTorch is not installed.
EOF
}

device=cpu precision=f32 rounds=7 steps=100 allocator=both name='' batch='' threads='' mode='' keep='' report=()
while [ $# -gt 0 ]; do
    case $1 in
    --help|-h) usage; exit 0 ;;
    --json) report+=(--json); shift; continue ;;
    --device|--precision|--batch-size|--rounds|--steps|--threads|--peer-mode|--allocator|--keep|\
    --min-ratio|--max-memory)
        [ $# -ge 2 ] || die "$1: a value must follow"
        case $1 in
        --device) device=$2 ;;
        --precision) precision=$2 ;;
        --batch-size) batch=$2 ;;
        --rounds) rounds=$2 ;;
        --steps) steps=$2 ;;
        --threads) threads=$2 ;;
        --peer-mode) mode=$2 ;;
        --allocator) allocator=$2 ;;
        --keep) keep=$2 ;;
        *) report+=("$1" "$2") ;;
        esac
        shift 2 ;;
    -*) die "$1: unknown; see --help" ;;
    *) [ -z "$name" ] || die "$1: one workload at a time"; name=$1; shift ;;
    esac
done
[ -n "$name" ] || { usage >&2; exit 2; }
[[ $rounds =~ ^[1-9][0-9]*$ && $steps =~ ^[1-9][0-9]*$ ]] || die "--rounds and --steps are whole numbers from 1"
case $device:$allocator in
cuda:*) allocators=(gpu) ;;
cpu:stock|cpu:tuned) allocators=("$allocator") ;;
cpu:both) allocators=(stock tuned) ;;
cpu:*) die "--allocator $allocator: stock, tuned or both" ;;
*) die "--device $device: cpu or cuda" ;;
esac
check_tools
make_work "$keep"
weights=$work/weights.safetensors data=$work/data.npy results=$work/rounds.jsonl
: > "$results"

peer()
{
    "$python" "$here/peer_torch.py" "$name" --device "$device" --precision "$precision" \
        ${batch:+--batch-size "$batch"} --steps "$steps" --json "$@"
}

peer --write-weights "$weights" --write-data "$data"
exchange=(--weights "$weights" --data "$data")

# On a GPU the peer stays, so that it compiles once: a line of its own for every line that it is sent.
start_server()
{
    coproc server { peer "${exchange[@]}" --mode "${mode:-best}" --serve; }
    hear_server > "$work/best-gpu.json"
}

hear_server()
{
    local line
    IFS= read -r line <&"${server[0]}" || die "the peer has ended; see its messages above" 1
    printf '%s\n' "$line"
}

if [ "$device" = cuda ]; then
    start_server
else
    for a in "${allocators[@]}"; do
        peer "${exchange[@]}" --allocator "$a" --mode "${mode:-best}" ${threads:+--threads "$threads"} \
            > "$work/best-$a.json"
    done
fi

# The batch size may have come from the workload, so cinch is told what the peer took.
field() { "$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$work/best-$1.json" "$2"; }
batch=$(field "${allocators[0]}" batch_size)

# Results go through a file, so that a failure of either side is a failure of this script.
keep_line() { "$python" "$here/compare_table.py" --add "$1" "$work/line" "$results"; }

run_cinch()
{
    "$cinch" bench train "$name" --batch-size "$batch" --device "$device" --precision "$precision" "${exchange[@]}" \
        --steps "$steps" --losses --json ${threads:+--threads "$threads"} > "$work/line" ||
        die "cinch bench train failed with status $?" 1
    keep_line cinch
}

run_peer()
{
    if [ "$device" = cuda ]; then
        echo again >&"${server[1]}"
        hear_server > "$work/line"
    else
        peer "${exchange[@]}" --allocator "$1" --mode "$(field "$1" mode)" --threads "$(field "$1" threads)" \
            --repeat 1 --quiet > "$work/line"
    fi
    keep_line "$1"
}

for ((round = 0; round < rounds; round++)); do
    printf 'round %d of %d\n' $((round + 1)) "$rounds" >&2
    if ((round % 2 == 0)); then run_cinch; fi
    for a in "${allocators[@]}"; do run_peer "$a"; done
    if ((round % 2 == 1)); then run_cinch; fi
done

searches=()
for a in "${allocators[@]}"; do searches+=("$work/best-$a.json"); done
"$python" "$here/compare_table.py" "${report[@]}" "$results" "${searches[@]}"
