# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the scripts share; sourced, not run.

fashion_mnist=${CINCH_FASHION_MNIST:-/usr/share/datasets/fashion-mnist}

say() { printf '%s\n' "$*"; }
fail() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
data_is_here() { compgen -G "$fashion_mnist/train-images-idx3-ubyte*" >/dev/null; }

# quietly LOG COMMAND...: the output goes to LOG, and its end to the screen when the command fails.
quietly()
{
    local log=$1
    shift
    "$@" >"$log" 2>&1 && return 0
    tail -n 60 "$log" >&2
    fail "this failed (all of its output is in $log): $*"
}

# build FOLDER CMAKE-OPTION...: configures and builds the tree there.
build()
{
    local folder=$1
    shift
    say "Building in $folder/ ..."
    mkdir -p "$folder"
    quietly "$folder/configure.log" cmake -S . -B "$folder" "$@"
    quietly "$folder/build.log" cmake --build "$folder" --parallel "$(getconf _NPROCESSORS_ONLN)"
}
