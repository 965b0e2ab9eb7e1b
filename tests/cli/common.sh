# SPDX-License-Identifier: Apache-2.0
# Sourced by the drivers of the command: `. cli/common.sh`. $cinch is the command, $work a folder that goes away.
# shellcheck shell=bash
set -u
cinch=${1:?usage: test_cli_NAME.sh CINCH}
cinch=$(cd "$(dirname "$cinch")" && pwd)/$(basename "$cinch")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
checks=0 failures=0
# The command on the CPU, also where there is a GPU; test_module.sh is about those.
export CINCH_BACKEND_PATH=${CINCH_BACKEND_PATH:-$work}

fail()
{
    failures=$((failures + 1))
    printf 'FAILED: %s\n' "$1"
    [ ! -s out ] || { echo '  standard output:'; head -c 2000 out | head -n 20 | sed 's/^/    /'; }
    [ ! -s err ] || { echo '  standard error:'; head -c 2000 err | head -n 20 | sed 's/^/    /'; }
}

# check WHAT COMMAND...: the command succeeds.
check()
{
    local what=$1
    shift
    checks=$((checks + 1))
    "$@" > /dev/null 2>&1 || fail "$what: $*"
}

# Exactly one line, and an error of the command's.
one_error_line() { [ "$(wc -l < err)" = 1 ] && grep -q '^cinch: .' err; }

# judge CODE PATTERN STATUS WHAT: what the last command did, its outputs being in out and err.
judge()
{
    checks=$((checks + 1))
    if [ "$3" != "$1" ]; then fail "$4: exit code $3, not $1"; return; fi
    if [ "$1" != 0 ] && ! one_error_line; then fail "$4: not one line of error"; return; fi
    [ -z "$2" ] || cat out err | grep -qE -e "$2" || fail "$4: says nothing like '$2'"
}

# expect CODE PATTERN ARGUMENT...: runs the command. An error is one line that matches the pattern.
expect()
{
    local code=$1 pattern=$2 status
    shift 2
    "$cinch" "$@" > out 2> err < /dev/null
    status=$?
    judge "$code" "$pattern" "$status" "cinch $*"
}

# The value of a key on the top level of one line of JSON, without quotes.
json() { sed -nE "s/.*[{ ]\"$1\": (\"([^\"]*)\"|[^,}]*).*/\2\1/p" "${2:-out}" | sed -E 's/^(.*)"\1"$/\1/'; }

# The keys of a line of JSON, nested ones too, in their order.
json_keys() { grep -oE '"[a-z_0-9]+": ' "${1:-out}" | tr -d '": ' | tr '\n' ' '; }

same() { cmp -s "$1" "$2"; }
no_file() { [ ! -e "$1" ]; }
above() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a > b) }'; }

is_png() { [ "$(head -c 8 "$1" | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ]; }

# npy_header FILE: its dictionary, as text.
npy_header() { tail -c +11 "$1" | head -n 1; }

# A small run in a folder, quick and always the same.
small=(--data shapes:240 --hidden-sizes 16 --latent-dim 4 --batch-size 32 --quiet)
small_run() { "$cinch" train "${small[@]}" --epochs 2 --out "$1" > out 2> err || fail "no small run"; }

# Names of what is left of files that were being written.
leftovers() { find "$1" -name '.*.tmp-*'; }

finish()
{
    printf '%d checks, %d failed\n' "$checks" "$failures"
    [ "$failures" = 0 ]
}
