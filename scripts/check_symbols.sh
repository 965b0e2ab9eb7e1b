#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# check_symbols.sh LIBRARY: every symbol that the shared library exports begins with cinch_.
# check_symbols.sh LIBRARY NAME...: it exports these names and no others.
set -euo pipefail

[ $# -ge 1 ] || { echo "usage: check_symbols.sh LIBRARY [NAME...]" >&2; exit 2; }

# Undefined and weak-undefined ones are imports; the linker's own marks are not the library's.
exported=$(nm --dynamic --defined-only --format=posix "$1" | awk '{ print $1 }' | sed 's/@.*//' |
    sed -E '/^(_init|_fini|_edata|_end|__bss_start|__gcov_.*|__asan_.*|__odr_asan.*|__ubsan_.*)$/d' | sort -u)
[ -n "$exported" ] || { echo "$1 exports nothing" >&2; exit 1; }
if [ $# -gt 1 ]; then
    wanted=$(printf '%s\n' "${@:2}" | sort -u)
    [ "$exported" = "$wanted" ] || { printf '%s exports\n%s\nand not\n%s\n' "$1" "$exported" "$wanted"; exit 1; }
fi
strange=$(sed '/^cinch_/d' <<<"$exported")
if [ -n "$strange" ]; then
    printf '%s exports names that do not begin with cinch_:\n%s\n' "$1" "$strange"
    exit 1
fi
printf '%d exported symbols, all cinch_\n' "$(wc -l <<<"$exported")"
