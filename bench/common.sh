# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the comparisons share; sourced, not run.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${PYTHON:-python3}
cinch=${CINCH:-$here/../build/cinch}

# An older OpenBLAS core, which some machines export, halves the speed.
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE

die() { printf '%s: %s\n' "$(basename "$0")" "$1" >&2; exit "${2:-2}"; }

check_tools()
{
    command -v "$cinch" > /dev/null || die "$cinch: no such command; build cinch first, or set CINCH" 2
    command -v "$python" > /dev/null || die "$python: no such Python; set PYTHON" 77
}

# make_work FOLDER: the folder `work`, which is FOLDER and stays; or, for '', one that goes when the script ends.
make_work()
{
    work=$1
    if [ -n "$work" ]; then mkdir -p "$work"; return; fi
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
}
