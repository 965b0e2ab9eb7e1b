#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# time_limit.sh SECONDS COMMAND...: runs a compiler, says how much processor time it took, fails where that was more.
# For CMAKE_CUDA_COMPILER_LAUNCHER. Processor time, for the machine may have more to do; an nvcc keeps one core busy.
set -uo pipefail

[ $# -gt 1 ] || { echo "usage: time_limit.sh SECONDS COMMAND..." >&2; exit 2; }
limit=$1
shift
name=$1
for argument in "$@"; do case $argument in *.cu) name=${argument##*/} ;; esac; done

TIMEFORMAT='%U %S'
{ seconds=$({ time "$@" 1>&3 2>&4; } 2>&1); status=$?; } 3>&1 4>&2
seconds=$(awk '{ printf "%.1f", $1 + $2 }' <<<"$seconds")
echo "$name took $seconds s"
[ "$status" = 0 ] || exit "$status"
awk -v took="$seconds" -v limit="$limit" 'BEGIN { exit !(took > limit) }' || exit 0
echo "$name took $seconds s to compile, and at most $limit s are allowed: split it" >&2
exit 1
