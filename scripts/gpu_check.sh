#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What only a machine with a GPU can show. It needs the CUDA toolkit, a C compiler, CMake, and python3 with PyTorch,
# numpy and safetensors for the comparisons; nothing is downloaded, unless by --pack, which is for another machine.
set -euo pipefail
from=$PWD
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh
# shellcheck source=scripts/gpu/steps.sh
. scripts/gpu/steps.sh

usage()
{
    cat <<'END'
Usage: scripts/gpu_check.sh [option...] [STEP or GROUP...]

Runs these steps, or all; each ends within 8 minutes. Results go to bench/results/, by device and workload; the table
comes last. Exit: 0 when every step that was asked for has passed, 1 otherwise, 2 usage, 4 no GPU.
  --list          the steps
  --pack DIR      with a package registry (Debian): leave the libraries that cinch is built with in DIR, and stop
  --prefix DIR    such a folder, on a machine that has neither these libraries nor a registry
  --build DIR     a build that was brought along, in place of step build
  --results DIR   in place of bench/results
  --limit S       seconds for each step (480)
  --total S       seconds for all of them: a step that has not begun by then has not passed, and the table still comes
  --small         small sizes, to try the script itself
Environment: PYTHON, a Python with PyTorch (python3).
END
}

usage_error() { printf 'gpu_check: %s\n' "$1" >&2; exit 2; }

list_steps() { steps | awk -F'|' '{ printf "%-17s %-12s %s\n", $1, $2, $3 }'; }

# The steps of a name, or of a group.
expand()
{
    steps | awk -F'|' -v wanted="$1" '
        $1 == wanted || index("," $2 ",", "," wanted ",") { print $1; n++ }
        END { exit !n }'
}

# A path of the command line, wherever the script was called from.
absolute() { case $1 in /*) printf '%s\n' "$1" ;; *) printf '%s\n' "$from/$1" ;; esac; }

need_gpu()
{
    nvidia-smi -L > /dev/null 2>&1 && return
    [ -n "${CINCH_BACKEND_PATH:-}" ] && return # the tests run the steps on a stand-in for a GPU
    local reason='there is no nvidia-smi'
    have nvidia-smi && reason='nvidia-smi finds none'
    printf 'gpu_check: no GPU here: %s\n' "$reason" >&2
    exit 4
}

name_device()
{
    nvidia-smi --query-gpu=name --format=csv,noheader 2> /dev/null | head -n 1 | grep . ||
        "$cinch" devices | sed -nE 's/^cuda:0 +([^,]*),.*/\1/p'
}

# Only cinch and its tests get the packed libraries; Python keeps its own.
with_libraries()
{
    [ -n "$prefix" ] || { "$@"; return; }
    PATH=$prefix/usr/bin:$PATH PKG_CONFIG_PATH=$prefix/usr/lib/$triplet/pkgconfig \
        LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} "$@"
}

# cinch as other scripts call it.
write_wrapper()
{
    cinch=$work/cinch
    {
        printf '#!/bin/sh\n'
        # shellcheck disable=SC2016
        [ -z "$prefix" ] || printf 'export LD_LIBRARY_PATH="%s:$LD_LIBRARY_PATH"\n' "$libraries"
        printf 'exec "%s" "$@"\n' "$build/cinch"
    } > "$cinch"
    chmod +x "$cinch"
}

# The commit, and what cinch says of the devices.
describe_machine()
{
    local commit
    commit=$(git describe --always --dirty 2> /dev/null || true)
    { "$cinch" devices 2> /dev/null || true; } | python3 -c '
import json, platform, sys
devices = dict(line.split(maxsplit=1) for line in sys.stdin.read().splitlines() if not line.startswith(" "))
print(json.dumps({"commit": sys.argv[1] or None, "gpu": devices.get("cuda:0"), "cpu": devices.get("cpu"),
                  "system": platform.platform()}))' "$commit"
}

# What a step says of itself: its figures, or where it failed the last line that it wrote.
figures() { cat "$work/$1.note" 2> /dev/null || grep -s . "$work/$1.log" | tail -n 1 | cut -c 1-300; }

# run_step NAME SECONDS: its output on the screen and in a file; leaves how it went in result.
run_step()
{
    local step=$1 status
    say "== $step"
    set +e
    (cd "$from" && timeout -k 20 "$2" "$script" "${options[@]}" --inside "$step") 2>&1 | tee "$work/$step.log"
    status=${PIPESTATUS[0]}
    set -e
    case $status in
    0) result=passed ;;
    124|137) result="out of time ($2 s)" ;;
    *) result="failed ($status)" ;;
    esac
    [ "$status" = 0 ] || rm -f "$work/$step.note"
}

# take_step NAME: runs it within the time that there is, and puts on record how it went.
take_step()
{
    local step=$1 start=$SECONDS seconds=$limit result="not begun ($total s are over)"
    rm -f "$work/$step".{note,commands,log}
    [ -z "$total" ] || [ $((total - SECONDS)) -ge "$limit" ] || seconds=$((total - SECONDS))
    [ "$seconds" -le 0 ] || run_step "$step" "$seconds"
    device=$(name_device || true) device=${device:-unknown GPU}
    describe_machine > "$work/machine.json"
    report machine "$work/machine.json"
    report record "$step" "$result" $((SECONDS - start)) "$(figures "$step")" "$work/$step.commands"
}

build=build-gpu carried=no prefix='' results=bench/results limit=480 total='' small=no inside='' wanted=() options=()
while [ $# -gt 0 ]; do
    case $1 in
    --build|--prefix|--results|--limit|--total|--pack|--inside)
        [ $# -gt 1 ] || usage_error "$1: a value must follow"
        case $1 in
        --build) build=$(absolute "$2") carried=yes ;;
        --prefix) prefix=$(absolute "$2") ;;
        --results) results=$(absolute "$2") ;;
        --limit) limit=$2 ;;
        --total) total=$2 ;;
        --pack) exec scripts/gpu/pack.sh "$(absolute "$2")" ;;
        --inside) inside=$2 ;;
        esac
        [ "$1" = --inside ] || options+=("$1" "$2")
        shift ;;
    --small) small=yes options+=("$1") ;;
    --list) list_steps; exit 0 ;;
    -h|--help) usage; exit 0 ;;
    -*) usage_error "$1: unknown; see --help" ;;
    *) expand "$1" > /dev/null || usage_error "$1: no such step; --list names them"
       mapfile -t -O "${#wanted[@]}" wanted < <(expand "$1") ;;
    esac
    shift
done
[ "${#wanted[@]}" -gt 0 ] || mapfile -t wanted < <(steps | cut -d'|' -f1)
[[ $limit =~ ^[1-9][0-9]*$ ]] || usage_error "--limit $limit: seconds"
[[ $total =~ ^([1-9][0-9]*)?$ ]] || usage_error "--total $total: seconds"
[ -z "$prefix" ] || [ -d "$prefix/usr" ] || usage_error "--prefix $prefix: not a folder that --pack has made"
need_gpu
# Where the driver does not stay loaded of itself, every process would wait for the GPU: this one keeps it open.
[ ! -r /dev/nvidia0 ] || exec 9< /dev/nvidia0

script=$PWD/scripts/gpu_check.sh python=${PYTHON:-python3} triplet=$(cc -dumpmachine)
build=$(realpath -m "$build") work=$build/gpu_check
libraries=$prefix/usr/lib/$triplet:$prefix/lib/$triplet:$prefix/openblas/lib
export PATH=$PATH:${CUDA_HOME:-/usr/local/cuda}/bin
export CINCH_BACKEND_PATH=${CINCH_BACKEND_PATH:-$build/lib/cinch}
mkdir -p "$work"
write_wrapper

if [ -n "$inside" ]; then
    step=$inside
    run_inside
    exit 0
fi
for name in "${wanted[@]}"; do take_step "$name"; done
say
report table "${wanted[@]}"
